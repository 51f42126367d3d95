// open_ends.h - where a message of commits may end: when each of its chains ends under its author's signature.
//
// Fed entry by entry, in the order in which they go out. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <map>

namespace taizhang {

class OpenEnds {
public:
    explicit OpenEnds(const Replica& replica) : r_(replica) {}
    void add(const LogEntry& entry);
    /// A chain of another author ends without its signature: what follows of it has to come along.
    bool any() const { return !others_.empty(); }
    /// Signs where chains of this node's own key end.
    void sign(std::span<LogEntry> entries) const;

private:
    using Ends = std::map<std::pair<int, ReplicaId>, std::vector<Hash>>;
    const Replica& r_;
    Ends own_, others_;
};

/// Takes away signatures that the last one of each chain covers anyway, except where a piece would become large.
void thin_signatures(std::span<LogEntry> entries);

}  // namespace taizhang
