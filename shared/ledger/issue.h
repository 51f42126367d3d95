// issue.h - a task handed down: whom it reaches, what it asks of them, and the making of it.
//
// The preview and the act are one computation, so that what somebody was shown is what happens.
// A task is issued once, to branches or to the offices between; `decompose` hands an existing one on to units that do
// not have it yet. Ids of assignments follow from task and unit: two offices that do it offline make one row.
//
// Threads: store thread only. JSON shapes: docs/CLI.md, `issue`.
#pragma once

#include "ledger/ledger.h"

namespace taizhang::ledger {

struct IssueInput {
    std::string task;    ///< an existing task; empty: a new one of `fields`
    Assignments fields;  ///< of the new task, as typed
    std::string under;   ///< of units below this one; empty: below this node's unit
    std::string level;   ///< "county", "township" or "branch"
    std::string person;
    bool dry_run = false;
};

/// Dry: {"reached","already","by_unit":[{"id","name","reached"}],"burden":{…},"same":[{"id","title","asked"}]}.
/// Otherwise the same and "saved", "record" (the task) and "made". Errc::bad_input with the field's name first.
Result<boost::json::object> issue(Replica& r, const IssueInput& in);

}  // namespace taizhang::ledger
