// record_rules.h - what a record must keep to beyond its fields' types, checked where people write it.
//
// These are rules for the writer, not for the fold: what another node has written is taken
// as it is, so that all nodes agree. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <string>
#include <utility>
#include <vector>

namespace taizhang::ledger {

using FieldValues = std::vector<std::pair<std::string, Value>>;

/// `id` empty: a new record. A target that is not above zero, a form that cannot be filled in, an indicator that is
/// asked for already, a decomposition that goes round in a circle, a meeting that is not there. Errc::bad_input,
/// not_allowed, not_found; where one field is meant, the line begins with its name.
Result<> check_rules(Replica& r, const std::string& entity, const std::string& id, const FieldValues& fields);

/// Before a step: a draft that is issued must not ask what was asked since it was written.
Result<> check_step(Replica& r, const RowView& row, const std::string& transition);

}  // namespace taizhang::ledger
