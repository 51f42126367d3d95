// assignments_seen.h - every assignment with its light, in one pass over the facts.
//
// Threads: store thread only.
#pragma once

#include "ledger/lights.h"
#include "ledger/stored_facts.h"

#include <functional>
#include <string>

namespace taizhang::ledger {

struct AssignmentSeen {
    Index unit, task, state;  ///< numbers in the table
    Light light;
    Index assignment;
    double value;  ///< of the latest report, 0 without one
};

Result<> each_assignment(StoredFacts& facts, std::int64_t now_ms,
                         const std::function<void(const FactTable&, const AssignmentSeen&)>& see);

}  // namespace taizhang::ledger
