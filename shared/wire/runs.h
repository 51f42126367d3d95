// runs.h - commits as they travel: each said by what differs from the one before.
//
// A message's commits come chain by chain, so most of a commit's head (replica,
// stream, seq, the hash of the one before) follows from its neighbour, its names
// and versions were mostly named already, and its time is a small step. The reader
// puts together the canonical bytes again, exactly: eight bytes at the end prove all
// hashes at once, and the writer has read everything back before it lets it out.
// Whatever cannot be said this way travels packed, as it is.
//
// Layout: schema/PROTOCOL.md, "Runs". Threads: any.
#pragma once

#include "base/ids.h"
#include "base/result.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang {
struct Commit;
}

namespace taizhang::wire {

/// What the two ends of a message both have, by its place in the log: a few bytes name it. The writer asks what it may
/// count on, the reader looks it up.
class Known {
public:
    virtual ~Known() = default;
    /// An earlier commit on that row of a commit, in the same stream.
    struct Row {
        ReplicaId replica;
        Seq seq;
        std::uint32_t row = 0;
        VersionId version;
        bool is_base = false;  ///< the row's change is based on it
    };
    virtual std::optional<Row> row_before(const Commit& commit, std::uint32_t row) = 0;
    virtual bool has(const StreamId& stream, const ReplicaId& replica, Seq seq) = 0;

    struct RowThere {
        std::string id;
        VersionId version;
    };
    virtual std::optional<RowThere> row_at(const StreamId& stream, const ReplicaId& replica, Seq seq,
                                           std::uint32_t row) = 0;
    virtual std::optional<Hash> hash_at(const StreamId& stream, const ReplicaId& replica, Seq seq,
                                        std::string_view first_bytes) = 0;
};

/// Canonical bytes that one message may unfold to. What is beyond it travels packed, to be unfolded one by one.
inline constexpr std::size_t kRunBytesMax = 12u << 20;

inline constexpr std::size_t kNeverWhole = ~std::size_t{0};
/// A commit of some ten rows. Lower: single edits lose what they have in common with their neighbours.
inline constexpr std::size_t kWholeOnFastLink = 2048;

/// `packed` is what the log holds, in any order; chain by chain is shortest. `self` is the replica that both sides take
/// for granted (the request's); zero: none. `known`: what the reader has for certain; null: nothing.
/// Commits of `whole_from` bytes, packed, and more travel as they are: on a link that is fast enough, unfolding them
/// and packing them again costs more time than the few bytes that it saves.
std::string write_runs(std::span<const std::string> packed, const ReplicaId& self, Known* known = nullptr,
                       std::size_t whole_from = kNeverWhole);

/// Packed commits in their order, those that were unfolded with the marker of raw bytes. Errc::protocol when it is
/// damaged, not_found when it names what is not here; then `packed` is empty.
Result<> read_runs(std::string_view bytes, const ReplicaId& self, std::vector<std::string>& packed,
                   Known* known = nullptr);

}  // namespace taizhang::wire
