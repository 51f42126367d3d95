// review.h - the consolidated review: figures by scope, states and lights by unit.
#pragma once

#include "ledger/stored_facts.h"

#include <boost/json/object.hpp>

#include <string>

namespace taizhang::ledger {

/// `unit` empty: everything held here. Shape: {"metrics":{…},"units":[{"id","name","level","counts","lights",
/// "rectifications"}]}. Errc::not_found for a unit that the tree does not have.
Result<boost::json::object> review(StoredFacts& facts, const std::string& unit, std::int64_t now_ms);
/// For a program that asks once.
Result<boost::json::object> review(Replica& replica, const std::string& unit, std::int64_t now_ms);

/// The same summed over the units, with no line for each: {"metrics":{…},"counts","rectifications","lights"}.
Result<boost::json::object> review_in_sum(StoredFacts& facts, const std::string& unit, std::int64_t now_ms);

}  // namespace taizhang::ledger
