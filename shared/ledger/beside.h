// beside.h - what stands beside G4, D2 and D4 (docs/METRICS.md): where a unit's effort and effect lie among its peers;
// requests for help that nobody answers, and units that two reminders did not move, both in the city's working days.
//
// Threads: store thread only.
#pragma once

#include "ledger/stored_facts.h"

#include <boost/json/array.hpp>

#include <span>
#include <string>

namespace taizhang::ledger {

/// Fills in `d2_help_late` and `d4_unmoved` of every scope of `metrics`.
Result<> add_beside(StoredFacts& facts, Metrics& metrics);

/// Fills in `g4_peers` of those scopes; fewer than five with both figures say nothing of each other.
void add_peers(Metrics& metrics, std::span<const std::string> peers);

/// An assignment that was pushed twice, when that was, and whether nothing moved in the working days after it.
struct PushedTwice {
    Index assignment;
    Seconds at;
    bool is_unmoved;
};
Result<std::vector<PushedTwice>> pushed_twice(StoredFacts& facts);
/// The records behind the first, those that count first: open requests for help.
Result<boost::json::array> behind_help(Replica& r);

}  // namespace taizhang::ledger
