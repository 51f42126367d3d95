// serve.h - a node that stays: answers devices, the JSON API, other commands on the same PC; syncs upstream.
//
//   POST /sync /enrol    devices (a hub only); bytes of wire/messages.h
//   POST /files          the same, contents of attachments; bytes of wire/file_messages.h
//   GET  /api/NAME/ARG?option=value, POST /api/NAME {"args":[],"options":{}}   for whoever signed in (sign_in.h)
//   GET  /               the screens
//   DIR/control.sock     commands of the terminal, so that two processes never share the data
#pragma once

#include "api/command.h"
#include "node/upstream.h"
#include "people/sessions.h"

#include <functional>
#include <memory>

namespace taizhang::api {

struct ServeOptions {
    std::string listen = "127.0.0.1:0";
    std::string port_file;
    bool is_secure = false;          ///< TLS on loopback too; beyond it there is nothing else
    std::string certificate, key;    ///< an operator's own, PEM files; empty: the node makes one
    bool is_hub = false;             ///< answers /sync, /enrol and /files
    std::vector<std::string> hosts;  ///< other names of this server, NAME or NAME:PORT (gate.h)
    people::SessionLimits sessions;
    /// `launch`: the address that opens the screens once, or the same as `address` where people sign in.
    std::function<void(const std::string& address, const std::string& launch)> ready;
    std::function<void(const std::string& line)> log;
};

/// Serves until SIGINT or SIGTERM, or until the disk fails (Errc::io: nothing more is acknowledged).
Result<> serve(node::Node& node, const ServeOptions& options);

/// The same for a branch's folder whose keys are protected by a passphrase that nobody has given: first a page asks for
/// it (unlock.h). Loopback without TLS only, whose key would be one of those.
Result<> serve_locked(node::DataDir dir, const ServeOptions& options);

/// The same for a branch's folder that belongs to no city yet: first a page asks for the office above and a code
/// (first_enrolment.h).
Result<> serve_new(std::unique_ptr<node::Node> node, const ServeOptions& options);

/// Told every second how far a sync is.
using Watch = std::function<void(const node::SyncProgress&)>;

/// Syncs once with the hub above, from a process that does not serve.
Result<boost::json::value> sync_now(node::Node& node, const Watch& watch = nullptr);
/// Asks for contents, and gets them from the hub above if it has them, from a process that does not serve.
Result<boost::json::value> fetch_now(node::Node& node, const Command& command);
/// Enrols with the hub at `url` and fetches everything.
/// A hub begins with all of the log, a device with the state that the city signed last.
Result<boost::json::value> enrol_device(node::Node& node, const std::string& url, const std::string& code,
                                        const std::string& label, bool is_hub, const std::string& fingerprint = {},
                                        const Watch& watch = nullptr);

/// Asks the process that serves `dir`, if there is one. Nothing: nobody serves.
std::optional<Result<boost::json::value>> ask_serving(const std::string& dir, const Command& command);

}  // namespace taizhang::api
