// contradictions.h - where somebody who should say one thing has signed two.
//
// Two entries of the city's log at one place, two histories of the city's own chain (its checkpoints lie in it), a
// checkpoint file that says something else than the log here, two certificates of one device for different units.
// Whoever shows two faces, and a server that was rolled
// back, are told apart as far as can be: a server that noticed it goes on under a new number that its old one vouches
// for, and is no liar. Nothing is dropped or stopped; the evidence stays in the log and in facts.
// Threads: store thread only. Design: docs/TRUST.md, "Audit".
#pragma once

#include "replica/replica.h"

#include <string>
#include <vector>

namespace taizhang::ledger {

struct Contradiction {
    enum class Kind : std::uint8_t { control, checkpoint, file, certificate };
    Kind kind = Kind::control;
    std::string where;  ///< "45" of the city's log; "B03/ledger 6e6f3291 #7"; where the file is kept; a replica
    std::int64_t noticed_ms = 0;
    bool is_explained = false;  ///< the server was rolled back or copied, found that out and took a new number
    std::string zh, en;
    std::string line() const { return zh + " / " + en; }
};
std::string_view name_of(Contradiction::Kind kind);

/// In order of their places.
Result<std::vector<Contradiction>> contradictions(Replica& r);
/// A checkpoint file of an enrolled device says something else than the log here. `kept`: a copy of it.
Result<> note_contradicting_file(Replica& r, std::string_view file, const std::string& differs,
                                 const std::string& kept);

}  // namespace taizhang::ledger
