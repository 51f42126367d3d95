// ledger_commands.h - the commands over the ledger that are more than one record: batches, search, decomposition,
// duplicates, burden, stocktakes. JSON shapes: docs/CLI.md. Threads: store thread only.
#pragma once

#include "api/command.h"

namespace taizhang::api {

Result<boost::json::value> act_on(node::Node& node, const Command& command);
Result<boost::json::value> search(node::Node& node, const Command& command);
Result<boost::json::value> story(node::Node& node, const Command& command);
Result<boost::json::value> undo(node::Node& node, const Command& command);
Result<boost::json::value> decompose(node::Node& node, const Command& command);
Result<boost::json::value> expected(node::Node& node, const Command& command);
Result<boost::json::value> form(node::Node& node, const Command& command);
Result<boost::json::value> duplicates(node::Node& node, const Command& command);
Result<boost::json::value> merge(node::Node& node, const Command& command);
Result<boost::json::value> burden(node::Node& node, const Command& command);
Result<boost::json::value> unanswered(node::Node& node, const Command& command);
Result<boost::json::value> meetings(node::Node& node, const Command& command);
Result<boost::json::value> convene(node::Node& node, const Command& command);
Result<boost::json::value> stocktake(node::Node& node, const Command& command);
Result<boost::json::value> compare(node::Node& node, const Command& command);
Result<boost::json::value> trend(node::Node& node, const Command& command);
Result<boost::json::value> breakdown(node::Node& node, const Command& command);
Result<boost::json::value> behind(node::Node& node, const Command& command);

/// As text for people: a table for a list, one line a key for an object.
std::string render_plainly(const boost::json::value& document);

}  // namespace taizhang::api
