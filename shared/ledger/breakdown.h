// breakdown.h - the consolidated review cut another way.
// Threads: store thread only.
#pragma once

#include "ledger/stored_facts.h"

#include <boost/json/array.hpp>

#include <string>

namespace taizhang::ledger {

/// Counts by "unit", "level", "field", "task" or "source" within `unit` and below: [{"key","name","assignments",
/// "states","lights","rectifications","reported","verified","n_verified"}].
Result<boost::json::array> breakdown(StoredFacts& facts, const std::string& by, const std::string& unit);
/// For a program that asks once.
Result<boost::json::array> breakdown(Replica& r, const std::string& by, const std::string& unit);

}  // namespace taizhang::ledger
