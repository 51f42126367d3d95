// nearby.h - which of a city's certificates matter to whom.
//
// A city has one for each of its PCs, and each device asks for those that are new since it last came. To decode and
// judge all of them for each device cost more than the rest of its sync. So their places in the tree are kept: a
// comparison of two numbers each. Follows the replica by itself. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <unordered_map>

namespace taizhang::sync {

/// Whether what a holder of the certificate may write reaches a node of `unit`: it is above, below or there.
bool matters_to(const ControlState& control, const std::string& unit, const Certificate& cert);

class Nearby {
public:
    struct Found {
        std::vector<std::uint64_t> places;  ///< ascending, as Replica::certificate_at() takes them
        std::uint64_t through = 0;          ///< the last one that was looked at
    };
    /// Those above `after` that matter to a node of `unit`, and those of `others`, ascending.
    Result<Found> find(Replica& r, const std::string& unit, std::uint64_t after, const std::vector<ReplicaId>& others);

private:
    /// A unit in the depth-first order of the tree: itself and all below it. None: empty.
    struct Span {
        std::uint32_t first = 1, last = 0;
        bool holds(const Span& s) const { return s.first <= s.last && first <= s.first && s.last <= last; }
    };
    struct Entry {
        std::uint64_t pos = 0;
        ReplicaId replica;
        Span reach;
    };
    void order_tree(const ControlState& control);
    Span span_of(const std::string& unit) const;
    Result<> follow(Replica& r);

    std::vector<Entry> entries_;  // ascending by pos; one that was replaced stays, and has no body any more
    std::unordered_map<std::string, Span> spans_;
    ControlPos head_;          // of the tree that spans_ are of
    std::uint64_t reads_ = 0;  // of Replica::control_reads(), when entries_ were begun
    bool has_begun_ = false;
};

}  // namespace taizhang::sync
