// conflicts.h - the conflict ledger as people see it: lines that belong together as one entry.
#pragma once

#include "replica/replica.h"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace taizhang::ledger {

/// Versions of one group of one row that met. The id is the same on every replica, before and after the decision.
struct Conflict {
    std::string id;
    fold::LineKind kind = fold::LineKind::open;
    int group = 0;
    fold::Rule rule = fold::Rule::latest;
    VersionId winner;
    std::vector<VersionId> losers;
    bool open = false;  ///< somebody entitled still has to decide
    fold::Line line;    ///< the first of its lines
};

std::vector<Conflict> conflicts_of(const RowView& row);
boost::json::object to_json(const ControlState& control, const RowView& row, const Conflict& c);

}  // namespace taizhang::ledger
