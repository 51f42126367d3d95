// page.h - long lists a page at a time, for screens: counted and cut by the database, never in the browser.
//
// Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace taizhang::ledger {

struct PageQuery {
    std::string what;                 ///< "assignments", "rectifications", "help_requests" or "appeals"
    std::string unit;                 ///< of it and all below it; empty: all that is here
    std::string task;                 ///< assignments of this task
    std::vector<std::string> states;  ///< any of these; empty: all
    std::string search;               ///< in title, problem or id
    bool unanswered = false;          ///< help requests and appeals that nobody has answered
    bool unchecked = false;           ///< assignments with a report that nobody has verified
    bool unguided = false;            ///< assignments on which nobody has given guidance
    std::size_t offset = 0, limit = 50;
    std::size_t sample = 0;  ///< so many, drawn at random from all that fit; 0: no sample
    std::string seed;        ///< the same seed draws the same sample from the same records
};

inline constexpr std::size_t kPageMax = 500;

/// {"total","offset","rows":[…]}: rows as in Ledger::list, those of help requests and appeals with all their fields.
Result<boost::json::object> page(Replica& r, const PageQuery& query);

/// The tree as it stands: [{"id","parent_id","level","name","short","field"}], in order of appearance; on a hub each
/// with "devices": [{"label","last_seen"}].
struct SeenDevice {
    std::string unit, label;
    std::int64_t last_seen_ms = 0;
};
boost::json::array units(Replica& r, const std::vector<SeenDevice>& devices);

/// The newest catalog, as far as forms need it: labels, types, lengths; states; what each transition needs and takes.
boost::json::object catalog_outline(Replica& r);

}  // namespace taizhang::ledger
