// export_city.h - what a node holds, written as a city file: the form that import_city reads.
//
// The state, not the history: records with the values and states that stand now. What the file cannot say (conflicts,
// who wrote what, attachments) stays in the log. Threads: store thread only.
#pragma once

#include "base/result.h"
#include "replica/replica.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace taizhang::ledger {

struct ExportedCity {
    std::map<std::string, std::size_t> records;  ///< by list of the file
};

/// Gives the file piece by piece, a record at most in each, so that a city of any size takes little memory. An error of
/// `sink` ends it.
Result<ExportedCity> export_city(Replica& replica, const std::function<Result<>(std::string_view)>& sink);

}  // namespace taizhang::ledger
