// acks.h - how far each chain is on the disks of the levels above.
//
// A node learns it from its hub: acks for what it sent, what the hub itself gave, and
// the acks that the hub had from further up. A hub passes on what it learned, in the
// order in which it learned it (pos), so that a device asks only for what is new.
//
// Threads: store thread only.
#pragma once

#include "replica/replica.h"
#include "wire/messages.h"

namespace taizhang::sync {

/// Replaces what was known of this chain at this level, downwards too: a level that was restored from a backup
/// lost some.
Result<> learn_ack(Replica& replica, const wire::Ack& ack);

/// What that level has of the chain; seq 0: nothing known.
Result<Seq> level_ack(Replica& replica, const StreamId& stream, const ReplicaId& author, Level level);
/// Whether that level has the commit: it said so, or this node is of that level.
Result<bool> level_has(Replica& replica, const CommitId& commit, Level level);

/// How many commits of this replica's own that level has; its own level has all.
Result<std::uint64_t> own_commits_at(Replica& replica, Level level);

/// Acks above `after` in these streams, oldest news first, at most `count_max`; `through` is how far was looked.
Result<std::vector<wire::Ack>> acks_after(Replica& replica, std::uint64_t after, std::span<const StreamId> wanted,
                                          std::size_t count_max, std::uint64_t& through);

}  // namespace taizhang::sync
