// notices.h - what a person ought to know about the data that this program stands on.
//
// A copied folder, a restored backup, a server that was put back, a PC of a unit below that runs twice, a clock that
// cannot be believed: each was handled by itself when it was noticed, and is said here, in one line, for a month.
// Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <string>
#include <vector>

namespace taizhang::ledger {

/// One line each, both languages; the newest event of each kind.
Result<std::vector<std::string>> notices(Replica& r);

}  // namespace taizhang::ledger
