// attachments.h - attachments of a record as people see them: here, in part, not here yet; and who has them.
//
// Threads: store thread only.
#pragma once

#include "files/content_index.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace taizhang::ledger {

/// One content: hash, size, state ("here", "partial", "not_here"), bytes_here, levels, and what the hub said of it.
Result<boost::json::object> content_json(Replica& replica, const Hash& hash, std::uint64_t size);
/// All attachments of a record.
Result<boost::json::array> attachments_of(Replica& replica, const std::string& record);
/// How many wait to go up, are being fetched, were refused.
Result<boost::json::object> contents_status(Replica& replica);

}  // namespace taizhang::ledger
