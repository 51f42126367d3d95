// stocktake.h - the figures frozen at a day, two of them compared, and how they went month by month.
// Threads: store thread only.
#pragma once

#include "ledger/ledger.h"
#include "ledger/stored_facts.h"

namespace taizhang::ledger {

/// Freezes the review of `unit` (empty: the own office) under a title, as a record that does not change by itself.
Result<Saved> take_stock(StoredFacts& facts, const std::string& title, const std::string& unit,
                         const std::string& person);

/// What changed from one to the other, figure by figure and scope by scope: {"from","to","scopes":{name:{figure:
/// {"before","after","change"}}},"states":…}. `b` "now": as it stands.
Result<boost::json::object> compare_stock(StoredFacts& facts, const std::string& a, const std::string& b);

/// The figures as they stood at the end of each of the last months, computed from the records' own times:
/// {"unit","months":[{"month","figures":{…}}]}.
Result<boost::json::object> trend(StoredFacts& facts, const std::string& unit, int months);

}  // namespace taizhang::ledger
