// files.h - commands that read or write files beside the data: bundles and backups.
//
// Paths are absolute: the process that serves has another working folder than the terminal.
// Threads: store thread only.
#pragma once

#include "api/command.h"

namespace taizhang::api {

Result<boost::json::value> export_bundle(node::Node& node, const Command& command);
Result<boost::json::value> import_bundles(node::Node& node, const Command& command);
/// The same as export for somebody who saves the files himself: {"files":[{"name","base64"}],"to","commits","bytes"}.
Result<boost::json::value> bundle(node::Node& node, const Command& command);
Result<boost::json::value> backup(node::Node& node, const Command& command);

/// Enrolment without a network: the device's request to a file; a server's answer to it; the answer taken.
Result<boost::json::value> enrol_request(node::Node& n, const std::string& file, const std::string& label);
Result<boost::json::value> enrol_answer(node::Node& n, const Command& c);
Result<boost::json::value> enrol_take(node::Node& n, const std::string& file, const std::string& fingerprint,
                                      const std::string& url);
/// The same from bytes. `fingerprint` and `url` may be empty.
Result<boost::json::value> take_answer(node::Node& n, std::string_view bytes, const std::string& fingerprint,
                                       const std::string& url);

/// Makes a node in `dir` from a backup: checked whole, then put into place under a new generation and incarnation.
/// `passphrase_file`: of the keys beside the backup; empty: by the environment or the terminal, if they are wrapped.
/// Errc::not_allowed when there is data already.
Result<boost::json::value> restore(const std::string& dir, const std::string& file,
                                   const std::string& passphrase_file = {});

}  // namespace taizhang::api
