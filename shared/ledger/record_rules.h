// record_rules.h - what a record must keep to beyond its fields' types, checked where people write it.
//
// These are rules for the writer, not for the fold: what another node has written is taken
// as it is, so that all nodes agree. Threads: store thread only.
#pragma once

#include "ledger/ledger.h"

#include <string>
#include <utility>
#include <vector>

namespace taizhang::ledger {

using FieldValues = std::vector<std::pair<std::string, Value>>;

/// `id` empty: a new record. A target that is not above zero, a form that cannot be filled in, a scope that is no list,
/// an indicator that is asked for already, a decomposition that goes round in a circle, a meeting that is not there, a
/// stocktake's figures. Errc::bad_input, not_allowed, not_found; where one field is meant, the line begins with its
/// name.
Result<> check_rules(Replica& r, const std::string& entity, const std::string& id, const FieldValues& fields);

/// Before a step: a draft that is issued must not ask what was asked since it was written; more time is asked for
/// before it is over; nobody closes or passes what is their own.
Result<> check_step(Replica& r, const RowView& row, const std::string& transition, const Assignments& arguments = {});

/// A task is issued now, unless its issuer wrote when that was.
void add_time_of_issue(Replica& r, const RowView& task, Edit& e);

/// The record is this office's own, somebody stands above it, and the step is a reviewer's.
bool is_self_service(Replica& r, const RowView& row, const std::string& transition);

}  // namespace taizhang::ledger
