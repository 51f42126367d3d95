// held.h - commits that came by bundle before the one that they follow.
//
// They are on the disk and take no effect. Whenever something arrives, those whose
// turn has come are admitted like any other. Threads: store thread only.
#pragma once

#include "replica/replica.h"

namespace taizhang::sync {

/// Packed bytes held in one database at most; what comes beyond it is refused.
inline constexpr std::int64_t kHeldBytesMax = 64 << 20;

/// Errc::not_allowed when there is no room.
Result<> hold(Replica& replica, const CommitHeader& header, const Hash& hash, Origin origin, std::string_view packed,
              std::string_view signature);

/// Admits those that follow by now; until nothing more moves. Gives how many.
Result<std::uint64_t> release_held(Replica& replica);

struct Gap {
    StreamId stream;
    ReplicaId replica;
    Seq have;   ///< the chain's head here
    Seq first;  ///< the earliest that is held
    std::uint64_t count = 0;
    std::string line() const;  ///< what is missing, for people
};
/// What is held, a line for each chain.
Result<std::vector<Gap>> gaps(Replica& replica);

}  // namespace taizhang::sync
