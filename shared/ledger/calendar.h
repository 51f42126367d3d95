// calendar.h - working days: Monday to Friday, but for what the city's calendar says otherwise.
// Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <boost/json/array.hpp>

#include <map>
#include <string>

namespace taizhang::ledger {

/// Nobody answers, or nobody moves, for more working days than this: then it is said.
inline constexpr int kPatienceDays = 10;

class WorkingDays {
public:
    static Result<WorkingDays> load(Replica& r);

    /// `day`: days since 1970-01-01 in the city's zone.
    bool is_working(std::int64_t day) const;
    /// Working days that have passed since: the day itself does not count, today does. Milliseconds.
    int between(std::int64_t from_ms, std::int64_t to_ms) const;

private:
    std::map<std::int64_t, bool> other_;  ///< what differs from the week, by day
};

/// Whose answer is waited for, longest first: requests for help and appeals without one, with the level that owes it,
/// working days so far, and whether these are more than 10.
Result<boost::json::array> unanswered(Replica& r, const std::string& unit);

}  // namespace taizhang::ledger
