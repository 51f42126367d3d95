// tree.h - the organisation tree changes: units made, renamed, moved, merged, closed, split.
//
// Each is an entry in the city's control log; no record is written again. Whoever holds a unit's streams follows from
// the tree, so a unit's whole subtree moves in one act. Only a split writes: the records that go with the new unit are
// closed where they are, and a continuation is opened there. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace taizhang::ledger {

struct UnitChange {
    std::string id;
    std::optional<std::string> name, short_name, parent;
    std::optional<Level> level;  ///< of a new unit; else what its parent's children have
    std::string merge_into;
    bool abolish = false;
    std::string split_from;         ///< a new unit that takes over some of that unit's records
    std::vector<std::string> rows;  ///< which
};

/// Writes the entry (Errc::not_allowed unless this is the city's root; bad_input where the tree does not allow it).
Result<boost::json::object> change_unit(Replica& replica, const UnitChange& change, const std::string& person);

}  // namespace taizhang::ledger
