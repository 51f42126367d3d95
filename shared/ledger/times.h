// times.h - dates and times as the ledger's files write them: ISO 8601 text.
//
// A time always carries its offset, because a branch's wall clock says nothing
// about the zone it was read in. A plain date is midnight at +08:00, the one
// zone of the ledger's users.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace taizhang::ledger {

inline constexpr std::int64_t kDaySeconds = 86'400, kDayMs = kDaySeconds * 1000;

/// Whether `text` is YYYY-MM-DD and that day exists in the calendar.
bool is_calendar_date(std::string_view text);

/// Seconds since 1970-01-01 UTC of "YYYY-MM-DDTHH:MM[:SS[.fff]]" followed by "Z", "+HH:MM" or "+HHMM", or of a
/// plain date. A fraction is dropped, so the answer is the second that had begun. Errc::bad_input otherwise.
Result<std::int64_t> parse_time_seconds(std::string_view text);

/// "YYYY-MM-DDTHH:MM:SS+08:00" of milliseconds since 1970-01-01 UTC.
std::string format_local(std::int64_t ms);

}  // namespace taizhang::ledger
