// breakdown.h - the consolidated review cut another way, and the records behind a figure.
// Threads: store thread only.
#pragma once

#include "ledger/rows.h"

#include <boost/json/object.hpp>

#include <string>

namespace taizhang::ledger {

/// Counts by "unit", "level", "field", "task" or "source" within `unit` and below: [{"key","name","assignments",
/// "states","lights","rectifications","reported","verified","n_verified"}].
Result<boost::json::array> breakdown(Replica& r, const std::string& by, const std::string& unit);

/// The records that a figure of a scope is made of, those that count against it first:
/// {"figure","unit","zh","en","hits","of","offset","more","rows":[{"id","unit_id","hit",…}]}: hits and of count all,
/// rows are the slice. `figure` is a key of the review (G1, G3, D1, D2, D3, D4, …) or a light ("red").
Result<boost::json::object> behind(Replica& r, const std::string& figure, const std::string& unit,
                                   const Slice& slice = {});

}  // namespace taizhang::ledger
