// behind.h - the records that a figure of the review is made of.
//
// Which ones, and whether each counts against the figure, follows from the facts in memory by the rules that the review
// itself uses; only the rows of the slice are read from their tables. So a page of a figure over half a million records
// costs a pass over memory, as the figure does, and needs no index.
// Threads: store thread only.
#pragma once

#include "ledger/rows.h"
#include "ledger/stored_facts.h"

#include <boost/json/object.hpp>

#include <string>

namespace taizhang::ledger {

/// The records that a figure of a scope is made of, those that count against it first:
/// {"figure","unit","zh","en","hits","of","offset","more","rows":[{"id","unit_id","hit",…}]}: hits and of count all,
/// rows are the slice. `figure` is a key of the review (G1, G3, D1, D2, D3, D4, …) or a light ("red").
Result<boost::json::object> behind(StoredFacts& facts, const std::string& figure, const std::string& unit,
                                   const Slice& slice = {});
/// For a program that asks once.
Result<boost::json::object> behind(Replica& r, const std::string& figure, const std::string& unit,
                                   const Slice& slice = {});

}  // namespace taizhang::ledger
