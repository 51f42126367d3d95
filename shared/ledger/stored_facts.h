// stored_facts.h - the facts behind the figures, from a replica's tables.
#pragma once

#include "ledger/metrics.h"
#include "replica/replica.h"

namespace taizhang::ledger {

/// What this node holds, no more: a township's figures are about the township.
Result<Facts> facts_from_replica(Replica& replica);

}  // namespace taizhang::ledger
