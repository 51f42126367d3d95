// lateness.h - how long after it was written a change came, as far as this node can tell. Threads: store thread only.
#pragma once

#include "replica/replica.h"

namespace taizhang::ledger {

/// Milliseconds from the change's own time to when it came. 0: written here, or nobody can tell: a node that had no
/// word from above in between may be the late one itself.
Result<std::int64_t> lateness_ms(Replica& r, const HistoryItem& item);

}  // namespace taizhang::ledger
