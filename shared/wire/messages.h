// messages.h - what travels between a device and its hub.
//
// Plain structs; encode() and decode() are the only ways in and out, and decode()
// is bounded: no allocation before the bytes that justify it were seen, at most
// kMessageBytesMax in, no byte left over at the end. Layout: schema/PROTOCOL.md.
// Threads: any.
#pragma once

#include "base/ids.h"
#include "base/result.h"
#include "wire/file_messages.h"

#include <string>
#include <string_view>
#include <vector>

namespace taizhang::wire {

inline constexpr std::size_t kMessageBytesMax = 8u << 20;
inline constexpr std::uint32_t kVersion = 3;
inline constexpr std::size_t kControlBytes = 1u << 20;  ///< control entries in one message, about

/// Where a chain (one replica's commits in one stream) has got to.
struct ChainPos {
    StreamId stream;
    ReplicaId replica;
    Seq seq;
    Hash hash;
};

/// The author's signature under a commit of the message, which covers all below it in its chain.
struct HeadSignature {
    std::uint64_t index = 0;  ///< of the commit in the message
    std::string signature;
};

/// A place in a hub's numbering. Means nothing to another hub or another generation of it.
struct Cursor {
    ReplicaId hub;
    std::uint64_t generation = 0;
    Lsn log;  ///< everything in my scope up to here is with me
    std::uint64_t proof =
        0;  ///< of the commit at that place: a hub restored from a backup has another one there, or none
    std::uint64_t certificates = 0;
    std::uint64_t acks = 0;  ///< what the levels above the hub have of my chains, as far as the hub knows
    bool operator==(const Cursor&) const = default;
};

/// A row whose dropped history is wanted, or given.
struct RowRef {
    StreamId stream;
    std::string entity, id;
};
struct PastCommit {
    std::string packed;
    bool unstamped = false;  ///< a checkpoint took its time
};
struct RowPast {
    RowRef row;
    std::vector<PastCommit> commits;
};

/// Eight bytes that stand for all that a device and its hub know of each other: who is who, of which city, and where in
/// the hub's log they are. A request that says no more than this is short; if it does not fit, the hub takes nothing
/// and asks for the long form. `control_mark`: of the entry at the request's control position, so that both have one
/// control log up to there; 0: that is not compared. Never 0.
std::uint64_t place_of(std::uint64_t city, const ReplicaId& replica, const Cursor& cursor,
                       std::uint64_t control_mark = 0);

/// Eight bytes that stand for commits, by their hashes, in their order. 0: none.
std::uint64_t mark_of(const std::vector<Hash>& commits);

/// Short: `place` and the numbers of the cursor. Long: replica, city, the whole cursor.
struct SyncRequest {
    std::uint32_t version = kVersion;
    std::string token;        ///< proves the device (given at enrolment)
    std::uint64_t place = 0;  ///< short: place_of(); then replica, city and the rest of the cursor are not said
    ReplicaId replica;
    std::uint64_t city = 0;  ///< which city's records these are (city_mark); 0: not known yet
    Cursor cursor;
    ControlPos control;  ///< control entries up to here are with me
    std::uint64_t reply_bytes =
        0;  ///< commits that one reply should bring at most, for a slow link; 0: as the hub likes
    bool has_vector = false;
    std::vector<ChainPos> vector;              ///< what I hold, when the cursor cannot tell
    std::vector<std::string> control_entries;  ///< that follow the hub's head, which was behind mine
    std::vector<std::string> certificates;     ///< of replicas whose commits follow
    std::string runs;                          ///< the commits as they travel (runs.h)
    std::vector<std::string> commits;          ///< packed, chain by chain in order of seq; not on the wire
    bool wants_state = false;                  ///< a new device: give states before the log
    std::string state_after;                   ///< streams up to here (as text) have been given
    std::vector<RowRef> rows;                  ///< whose history is wanted
    std::vector<HeadSignature> signatures;     ///< under commits of this message
    bool passes_on = false;                    ///< a relay: acks of what it is given are of use to those below
    std::vector<ChainPos> offers;              ///< carried up by files, perhaps: what of them is there need not be sent
    std::uint64_t control_mark = 0;  ///< long: first eight bytes of the hash of the entry at `control`; 0: not said
};

/// All commits of the chain up to here are on this level's disk; signed by that level's hub where the city has keys.
struct Ack {
    ChainPos at;
    Level level = Level::none;
    ReplicaId signer;
    std::string signature;
};

/// A commit that was not taken.
struct Verdict {
    enum class Kind : std::uint8_t { gap = 0, broken = 1, denied = 2, unproved = 3 };
    Kind kind = Kind::gap;
    StreamId stream;
    ReplicaId replica;
    Seq seq;
    Seq have;         ///< gap: the hub's head of that chain
    std::string why;  ///< one line for the person
};

struct SyncReply {
    std::uint32_t version = kVersion;
    Level level = Level::none;    ///< of the hub
    std::uint64_t city = 0;       ///< as in the request; 0: it fits
    std::int64_t time_ms = 0;     ///< the hub's clock, milliseconds since 1970
    ControlPos control_head;      ///< of the hub
    bool takes_control = false;   ///< it is behind the device and would take what it lacks
    Cursor cursor;                ///< valid once all of this reply is on the disk; without a hub: as asked
    std::uint64_t took = 0;       ///< mark_of() all commits of the request: they are on the disk; else see acks
    bool more = false;            ///< ask again
    bool wants_vector = false;    ///< the cursor was not of this hub and generation, and there was no vector
    bool has_heads = false;       ///< the cursor was not of this hub and generation: heads counts
    std::vector<ChainPos> heads;  ///< what the hub holds in the device's scope
    std::vector<Ack> acks;
    std::vector<Verdict> verdicts;
    std::vector<ReplicaId> wants_certificates;  ///< of authors whose commits wait for them at the hub
    std::vector<std::string> control;
    std::vector<std::string> certificates;
    std::string runs;                  ///< the commits as they travel (runs.h)
    std::vector<std::string> commits;  ///< packed; not on the wire
    std::vector<std::string> states;   ///< of streams (replica/snapshot.h)
    std::string state_through;         ///< streams up to here (as text) have been given; empty: all have
    std::vector<RowPast> pasts;
    std::string unit;                       ///< whose hub this is
    std::vector<HeadSignature> signatures;  ///< under commits of this message
    std::vector<Ack> given_acks;            ///< of what this message brings, for a relay to pass on
    std::uint64_t control_mark = 0;         ///< of the entry at control_head, where the device's log is longer
};

/// An empty code asks who the hub is: the reply then has `city_entry`, `chain` and `city` alone.
struct EnrolRequest {
    std::uint32_t version = kVersion;
    std::string code;
    ReplicaId replica;
    std::string label;
    std::string key;    ///< suite and public key; empty: the device has none
    std::string nonce;  ///< the replica follows from key and nonce
    std::string proof;  ///< code and replica, signed by the key
};

struct EnrolReply {
    std::uint32_t version = kVersion;
    std::string token;
    std::string unit;
    Level level = Level::none;
    std::int64_t time_ms = 0;
    Cursor cursor;
    std::string certificate;
    std::uint64_t city = 0;
    std::string city_entry;          ///< the control log's first entry, which names the root key
    std::vector<std::string> chain;  ///< the hub's certificate and those that it rests on, the root's own first
};

/// A stretch of one chain in a bundle: what it holds, and the commit that must be there before it.
struct Range {
    ChainPos after;  ///< seq 0: the chain's beginning
    Seq last;
};

/// The contents of a bundle: what one node gives another past the network. `heads` says what the sender holds of the
/// receiver's scope: it is the receipt for what the receiver wrote, and tells what to send back.
struct Bundle {
    std::uint32_t version = kVersion;
    std::uint64_t city = 0;
    ReplicaId from;
    std::string unit;  ///< of the sender
    Level level = Level::none;
    ReplicaId hub;  ///< the sender's hub half
    std::uint64_t generation = 0;
    std::string to;  ///< the receiver's unit; empty: whoever is above the sender
    std::int64_t made_ms = 0;
    std::uint32_t part = 1, parts = 1;
    ControlPos control;        ///< the sender's
    ControlPos control_after;  ///< control_entries follow it
    std::vector<std::string> control_entries;
    std::vector<std::string> certificates;
    std::vector<ChainPos> heads;
    std::vector<Ack> acks;  ///< of the levels above the sender
    std::vector<Range> ranges;
    std::vector<std::string> commits;  ///< packed, range by range
    std::vector<HeadSignature> signatures;
    std::vector<ContentRange> contents;  ///< stretches of attachments, after the rows that name them
    std::vector<Hash> contents_here;     ///< that the sender has whole, the newest: the receipt
    std::vector<Hash> contents_wanted;   ///< that the sender would like to have
};

/// Every kind of message starts with a byte of its own and the version; then comes an envelope (envelope.h).
std::string encode(const SyncRequest& m);
std::string encode(const SyncReply& m);
std::string encode(const EnrolRequest& m);
std::string encode(const EnrolReply& m);
std::string encode(const Bundle& m);

/// Errc::protocol with one line.
Result<> decode(std::string_view bytes, SyncRequest& out);
Result<> decode(std::string_view bytes, SyncReply& out);
Result<> decode(std::string_view bytes, EnrolRequest& out);
Result<> decode(std::string_view bytes, EnrolReply& out);
Result<> decode(std::string_view bytes, Bundle& out);

}  // namespace taizhang::wire
