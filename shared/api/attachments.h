// attachments.h - commands about attachments: attach, fetch, file, files.
//
// Paths are absolute: the process that serves has another working folder than the terminal.
// Threads: store thread only.
#pragma once

#include "api/command.h"

namespace taizhang::api {

/// attach ID FILE: the content is on the disk before the record that names it is written.
Result<boost::json::value> attach(node::Node& node, const Command& command);
/// The same with bytes from elsewhere; args: ID, option name.
Result<boost::json::value> attach_from(node::Node& node, const Command& command,
                                       const taizhang::files::Contents::Source& source);
/// fetch ID|HASH: asks for the contents that are not here. The next exchange with the hub, or with a device below,
/// brings them.
Result<boost::json::value> fetch(node::Node& node, const Command& command);
/// file HASH|ID --out FILE: writes the content out. Errc::not_found when it is not here.
Result<boost::json::value> file(node::Node& node, const Command& command);
/// files [--quota-mb N] [--on-demand yes|no]: how much each unit's contents take; what a hub takes.
Result<boost::json::value> files(node::Node& node, const Command& command);

/// Whether something that fetch named is still not here.
bool is_waiting_for_contents(const boost::json::value& fetched);

}  // namespace taizhang::api
