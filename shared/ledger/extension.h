// extension.h - more time: asked for before it is over, with a date; granting it moves the record's deadline.
// Threads: store thread only.
#pragma once

#include "ledger/ledger.h"

namespace taizhang::ledger {

/// A real date later than the deadline, asked while the deadline is not over (by a clock that can be trusted).
/// Errc::usage, bad_input, not_allowed.
Result<> check_extension_request(Replica& r, const RowView& row, const Assignments& arguments);

/// The deadline that granting sets: the one that is given, otherwise the one that was asked for. Beyond the deadline of
/// the task only the office that issued it, or one above it, decides. Errc::usage, bad_input, not_allowed.
Result<std::string> granted_deadline(Replica& r, const RowView& row, const Assignments& arguments);

}  // namespace taizhang::ledger
