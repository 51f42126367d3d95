// command.h - one command as terminal, control socket and JSON API all give it.
#pragma once

#include "node/node.h"

#include <boost/json/object.hpp>

#include <map>
#include <string>
#include <vector>

namespace taizhang::api {

struct Command {
    std::string name;  ///< "list", "show", …
    std::vector<std::string> args;
    std::map<std::string, std::string> options;  ///< without dashes; a flag has the value "1"

    std::string option(const std::string& key) const;
    bool has(const std::string& key) const { return options.contains(key); }
    std::string encode() const;
    static Result<Command> decode(std::string_view json);
};

/// History that `compact` leaves on a device, unless told otherwise.
inline constexpr int kKeepDays = 400;

/// Whether the command writes (and so a sync should follow soon).
bool writes(const std::string& command);
bool is_known(const std::string& command);
/// All of them, `sync` included, which needs a serving process.
std::vector<std::string> known_commands();

/// Runs a command that needs no network. The document is what --json prints. Threads: store thread only.
Result<boost::json::value> run(node::Node& node, const Command& command);

/// FIELD=VALUE arguments from `from` on. Errc::usage for one that has no "=".
Result<ledger::Assignments> assignments(const std::vector<std::string>& args, std::size_t from);

/// What a write says: record, commits, notes.
boost::json::value saved_json(const ledger::Saved& saved);

/// The same document for people: Chinese first, English beside it.
std::string render(const Command& command, const boost::json::value& document);
std::string render_sync(const boost::json::object& report);

}  // namespace taizhang::api
