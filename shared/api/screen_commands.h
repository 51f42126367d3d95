// screen_commands.h - what the screens ask besides the commands that everybody has (docs/CLI.md, "Through the JSON API
// only").
//
// Threads: store thread only.
#pragma once

#include "api/command.h"

namespace taizhang::api {

/// What changes when something changed: cheap enough to be asked every few seconds.
Result<boost::json::value> pulse(node::Node& node, const Command& command);

/// What somebody has typed and not saved yet, kept beside the data so that it outlives browser, program and PC. It is
/// this node's own: no commit, nothing that travels.
Result<boost::json::value> draft(node::Node& node, const Command& command);
Result<boost::json::value> drafts(node::Node& node, const Command& command);

Result<boost::json::value> page(node::Node& node, const Command& command);
Result<boost::json::value> units(node::Node& node, const Command& command);
Result<boost::json::value> issue(node::Node& node, const Command& command);
Result<boost::json::value> overview(node::Node& node, const Command& command);
Result<boost::json::value> catalog(node::Node& node, const Command& command);

}  // namespace taizhang::api
