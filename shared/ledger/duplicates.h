// duplicates.h - the same problem registered twice: suggested, and merged by the office above with both sources kept.
//
// Nothing is merged by itself. The merged record stays as it was written, says which one goes on for it, and
// asks nothing of anybody any more. Threads: store thread only.
#pragma once

#include "ledger/ledger.h"

#include <string>

namespace taizhang::ledger {

/// Open problems of one unit that read alike, the likest first: [{"record","of","unit","similarity","why",…}]. `unit`:
/// only it and those below.
Result<boost::json::array> duplicates(Replica& r, const std::string& unit);

/// `dup` goes on as `kept`. Errc::not_allowed for another unit's, a merged one, or a circle.
Result<Saved> merge_duplicate(Replica& r, const std::string& dup, const std::string& kept, const std::string& person);

}  // namespace taizhang::ledger
