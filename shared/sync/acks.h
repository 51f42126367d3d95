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

/// What a hub says of its own disk to this node, or a file that it signed: replaces what was known of this chain at
/// this level. Without `lowers` it changes nothing where as much or more is known by a signature. A level that was
/// restored from a backup lost some: `lowers`.
Result<> learn_ack(Replica& replica, const wire::Ack& ack, bool lowers = false);

/// An ack that may be passed on: signed by a hub of that level above the stream, and telling of more than was known.
/// A forged or stale one changes nothing; gives whether it is what that level said. In a city without keys nothing is
/// signed and it is taken as it is.
Result<bool> take_ack(Replica& replica, const wire::Ack& ack);

/// An ack of this node's own hub for itself: with its signature if it has one that fits, else for this node only.
Result<> take_own_word(Replica& replica, const wire::Ack& ack);

/// Whether this node is a hub to somebody.
Result<bool> has_devices(Replica& replica);

/// Signs it as this node's own word; Errc::not_allowed without the key.
Result<> sign_ack(Replica& replica, wire::Ack& ack);

/// What that level has of the chain; seq 0: nothing known.
Result<Seq> level_ack(Replica& replica, const StreamId& stream, const ReplicaId& author, Level level);
/// Whether that level has the commit: it said so, or this node is of that level.
Result<bool> level_has(Replica& replica, const CommitId& commit, Level level);

/// How many commits of this replica's own that level has; its own level has all.
Result<std::uint64_t> own_commits_at(Replica& replica, Level level);

/// Acks above `after` in these streams, and of the commits of that unit wherever they lie (the tree may have taken the
/// stream from it), oldest news first, at most `count_max`; `through` is how far was looked.
Result<std::vector<wire::Ack>> acks_after(Replica& replica, std::uint64_t after, std::span<const StreamId> wanted,
                                          const std::string& author_unit, std::size_t count_max,
                                          std::uint64_t& through);

}  // namespace taizhang::sync
