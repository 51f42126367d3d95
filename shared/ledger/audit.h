// audit.h - who did what, when, on which device: the log itself, entry by entry, in people's words.
//
// Everything that is signed is told: commits with what became of them, checkpoints, the city's log (catalogs, units,
// revocations, releases), certificates, and where somebody signed two things for one place. In the order in which this
// node learned of it. One page at a time, so that half a million commits need the memory of one page.
// Threads: store thread only. Design: docs/TRUST.md, "Audit".
#pragma once

#include "replica/replica.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace taizhang::ledger {

struct AuditQuery {
    std::optional<std::int64_t> since_ms, until_ms;  ///< by the time on the record; until is not included
    std::string unit;                                ///< written by it or one below, or in such a one's ledger
    std::string person, device;                      ///< part of the name; of a device also the beginning of its number
};

/// Commits that one page reads at most, and entries that it gives. More: longer until others get their turn.
inline constexpr std::size_t kAuditScanMax = 4000, kAuditPageMax = 1000;

/// {"entries":[…],"next":PLACE or null,"read":lsn,"of":lsn}. `after`: empty, or the `next` of the page before.
/// Errc::usage: no such place; not_found: no such unit.
Result<boost::json::object> audit(Replica& r, const AuditQuery& query, const std::string& after,
                                  std::size_t entries_max = kAuditPageMax);

/// Commits that the hub above has not acknowledged yet, at most kAuditPageMax: entries of the same form, "what"
/// of each record with all that was typed, and "in_scope": whether the tree still gives that ledger to `own_unit`.
Result<boost::json::array> unsent_entries(Replica& r, const std::string& own_unit);

/// What an entry of the city's log says.
struct Words {
    std::string zh, en;
};
Words words_of(const ControlState& control, const ControlEntry& entry);

}  // namespace taizhang::ledger
