// story.h - a record's history in words, and taking back what one wrote oneself.
// Threads: store thread only.
#pragma once

#include "ledger/ledger.h"

namespace taizhang::ledger {

/// [{"time","unit","level","person","accepted","offline","zh","en",…}], oldest first: who did what, when, from which
/// level, whether offline, and what it replaced.
Result<boost::json::array> story(Replica& r, const std::string& id);

/// Writes again what stood before this node's own last edit of the record: a new edit like any other. `fields`: only
/// these of it. Errc::not_allowed when there is nothing to take back, or somebody has written over it since.
Result<Saved> undo(Replica& r, const std::string& id, const std::vector<std::string>& fields,
                   const std::string& person);

}  // namespace taizhang::ledger
