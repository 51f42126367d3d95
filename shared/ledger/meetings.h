// meetings.h - who had to come to a meeting, who came, who failed what was asked, and what was decided.
//
// The rank that is asked for is the meeting's; without one, what the same host asked the last time that this convener
// called, otherwise what the convener's own office implies (ranks.h). Counts, never a score (docs/METRICS.md, D3).
//
// Threads: store thread only. JSON shapes: docs/CLI.md, `meetings` and `convene`.
#pragma once

#include "replica/replica.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace taizhang::ledger {

struct MeetingsQuery {
    std::string unit;          ///< attendance of it and all below; empty: of all
    std::string meeting;       ///< only that one
    bool failed_only = false;  ///< meetings that somebody failed, with those who did
};

/// Newest first.
Result<boost::json::array> meetings(Replica& r, const MeetingsQuery& q);

struct Convening {
    std::string meeting;
    std::vector<std::string> units;  ///< empty: those directly below the host
    std::string expected;            ///< who is to come, in words; empty: the rank that is asked for
    std::string person;
};

/// Says who has to come: a row of attendance for each unit. Again, it changes nothing.
Result<boost::json::object> convene(Replica& r, const Convening& c);

}  // namespace taizhang::ledger
