// long_command.h - a command of seconds: what it reads comes in pieces, so that others are served in between, and what
// it makes of that is made elsewhere.
#pragma once

#include "api/command.h"

#include <memory>

namespace taizhang::api {

struct Who;

class LongCommand {
public:
    virtual ~LongCommand() = default;
    /// True when all is read. Threads: store thread only.
    virtual Result<bool> read_some(node::Node& node) = 0;
    /// The document, of what was read, once. Threads: any, one at a time of all of them.
    virtual Result<boost::json::value> make() = 0;
};

/// Null: the command is no such one, or nothing that can be run; run() says the rest.
std::unique_ptr<LongCommand> long_command(const Command& command);

/// A piece of it as that person: asks may() each time.
Result<bool> read_some_as(node::Node& node, const Who& who, const Command& command, LongCommand& work);

}  // namespace taizhang::api
