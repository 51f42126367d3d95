// batch.h - one act on many records: a review of 200 at once, each with its own line of history.
// Threads: store thread only.
#pragma once

#include "ledger/ledger.h"

namespace taizhang::ledger {

inline constexpr std::size_t kBatchMax = 200;

/// The step on each of them, in one transaction: {"done":[…],"refused":[{"record","why"}]}. A record that may not take
/// it is named and the others go on; when none may, the first one's error.
Result<boost::json::object> act_on_all(Replica& r, const std::string& transition, const std::vector<std::string>& ids,
                                       const Assignments& arguments, const std::string& person);

}  // namespace taizhang::ledger
