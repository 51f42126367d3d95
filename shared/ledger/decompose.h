// decompose.h - a task handed down the tree, and who was expected and not reached.
//
// Who is expected follows from the task's scope (fields, kinds of unit), never from what
// was forwarded. Threads: store thread only.
#pragma once

#include "ledger/ledger.h"

namespace taizhang::ledger {

struct Decomposition {
    std::string task;
    std::vector<std::string> units;  ///< empty: the units directly below that the task means, or have such below them
    std::string guidance;            ///< how to do it here; without it the forwarding counts as hands-off
    std::string deadline;            ///< empty: the task's
    std::string person;
};

/// Makes and issues an assignment for each unit: {"made":[…],"there":[…],"refused":[{"unit","why"}]}.
Result<boost::json::object> decompose(Replica& r, const Decomposition& d);

/// {"task","expected","assigned","acknowledged","landed","units":[… the units directly below `unit`, with the same
/// figures of the branches below them],"not_reached":[ids of branches]}.
Result<boost::json::object> expected(Replica& r, const std::string& task, const std::string& unit);

/// Answers to a task's extra fields, of the latest report of each assignment: numbers summed, choices counted.
Result<boost::json::object> form_figures(Replica& r, const std::string& task, const std::string& unit);

}  // namespace taizhang::ledger
