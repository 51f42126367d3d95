// overview.h - what the review shows besides its figures: counties by tasks, and how it went month by month.
//
// Threads: store thread only. JSON shapes: docs/CLI.md, `overview`.
#pragma once

#include "ledger/stored_facts.h"

#include <boost/json/object.hpp>

#include <string>

namespace taizhang::ledger {

/// {"tasks":[{"id","title"}],"units":[{"id","name"}],"cells":[{"unit","task","n","lights":{…},"n_verified",
/// "verified_mean"}],"months":[{"month","reports","substantive","n_verified","verified_mean","pushes"}]}.
/// Units are those right below `unit` (empty: below the root), each with all below it. At most kOverviewTasks tasks,
/// the newest; at most kOverviewMonths months.
inline constexpr std::size_t kOverviewTasks = 40, kOverviewMonths = 12;
Result<boost::json::object> overview(StoredFacts& facts, const std::string& unit);

}  // namespace taizhang::ledger
