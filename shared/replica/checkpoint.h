// checkpoint.h - what a checkpoint commit says.
//
// Written by the city's root in the stream it speaks of; see checkpoint.cpp. Threads: any.
#pragma once

#include "base/hash.h"
#include "log/commit.h"

#include <optional>
#include <vector>

namespace taizhang {

/// No catalog may declare it: names of entities begin with a letter.
inline constexpr std::string_view kCheckpointEntity = "_checkpoint";

/// A commit at the end of a chain: it and all that it follows.
struct Tip {
    ReplicaId replica;
    Seq seq;
    Hash hash;
};

struct Checkpoint {
    std::int64_t at_ms = 0;   ///< the city's time
    std::vector<Tip> heads;   ///< what the city holds, as far as no checkpoint named it before
    std::vector<Tip> backed;  ///< what its newest backup holds, as far as that was not said before
    Hash digest;              ///< of the stream's rows at that place (record.cpp)
    Hash marks;               ///< of the hashes of all commits up to there, and of those without a time; zero: not said
};

/// The digest of a checkpoint: over the tips of all chains, then the rows' records in order (record.cpp).
class StreamDigest {
public:
    explicit StreamDigest(std::vector<Tip> tips);
    void add(std::string_view record);
    Hash finish() { return hasher_.finish(); }

private:
    Hasher hasher_;
};

/// Over each chain's tip and the first bytes of the hash of each of its commits, then the commits that have no time.
Hash marks_digest(std::vector<std::pair<Tip, std::string>> chains, std::vector<Tip> unstamped);

/// Nothing when it is another kind of commit, or makes no sense.
std::optional<Checkpoint> checkpoint_of(const Commit& commit);

}  // namespace taizhang
