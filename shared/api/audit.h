// audit.h - the commands of the audit: who did what, checkpoint files, and whether the log still is what it was.
// JSON shapes: docs/CLI.md. Threads: store thread only, but for audit_all and AuditFile, which belong to the terminal.
#pragma once

#include "api/command.h"

#include <functional>
#include <memory>

namespace taizhang::api {

/// One page: {"entries","next","read","of"}.
Result<boost::json::value> audit(node::Node& node, const Command& command);
/// verify, also against a checkpoint file.
Result<boost::json::value> verify(node::Node& node, const Command& command);
/// Signs in the log, and into a file.
Result<boost::json::value> checkpoint(node::Node& node, const Command& command);

/// Where entries go, one at a time: a table (.csv, .xlsx) or one JSON document a line (.jsonl).
class AuditFile {
public:
    virtual ~AuditFile() = default;
    /// By the name's ending. Errc::usage: another one; not_allowed: the file is there already.
    static Result<std::unique_ptr<AuditFile>> create(const std::string& path);
    virtual Result<> add(const boost::json::object& entry) = 0;
    /// The file has its name from now on; without it none is left.
    virtual Result<> finish() = 0;
};

using Ask = std::function<Result<boost::json::value>(const Command&)>;
struct AuditTaker {
    std::function<Result<>(const boost::json::object& entry)> entry;
    std::function<void(std::uint64_t read, std::uint64_t of)> progress;
};
/// Page after page; gives the number of entries.
Result<std::uint64_t> audit_all(const Ask& ask, Command command, const AuditTaker& taker);

}  // namespace taizhang::api
