// metrics_json.h - the figures as one JSON document, rounded to four decimals.
#pragma once

#include "ledger/metrics.h"

#include <boost/json/object.hpp>

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace taizhang::ledger {

/// The scopes of a review of everything: the root, then the counties directly below it, in the order of the facts.
std::vector<std::string> review_scopes(const std::vector<UnitFact>& units);
inline std::vector<std::string> review_scopes(const Facts& facts) { return review_scopes(facts.units); }

/// Nearest decimal of four places, ties of the exact binary value to even; never minus zero.
double round_to_4(double v);

/// {"by_scope":{name:{…}},"D3_attendance":{name:{…}}}; names are the units' short names, and a second unit of the
/// same short name has its id behind it. An empty side is null, and its n stands beside every figure.
boost::json::object metrics_to_json(const Metrics& metrics, const std::vector<UnitFact>& units);
inline boost::json::object metrics_to_json(const Metrics& metrics, const Facts& facts) {
    return metrics_to_json(metrics, facts.units);
}

/// What `by_scope` says of one unit with all below it, without what needs its peers or more than the facts (beside.h).
boost::json::object figures_of_scope(const FactTable& facts, const std::string& unit,
                                     Seconds end = std::numeric_limits<Seconds>::max());

}  // namespace taizhang::ledger
