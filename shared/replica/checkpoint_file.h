// checkpoint_file.h - what a node held at one moment, signed, in a file that anybody may keep.
//
// A commit's hash covers all of its chain below it, so the tips of the chains and the head of the control log say
// everything. Whoever keeps such a file somewhere else can ask any node later whether its log still is what it was:
// who alters, removes or inserts commits and computes all hashes and signatures anew cannot give a tip its old hash.
//
//   "TZC\1", str body, str signature (purpose "checkpoint", over the body), BLAKE2b-256 of all before
//   body: u8 1, str city's first entry, varint n, n × str certificate (the root's own first, the signer's last),
//         zigzag time, varint control position, its hash b32,
//         varint streams, each: str name, varint tips, each: replica b16, varint seq, hash b32
//
// Threads: store thread only. Design: docs/TRUST.md, "Audit".
#pragma once

#include "replica/checkpoint.h"
#include "replica/replica.h"

namespace taizhang {

inline constexpr std::string_view kForCheckpoint = "checkpoint";
inline constexpr std::size_t kCheckpointFileMax = 64u << 20;

struct CheckpointFile {
    std::string city_entry;
    std::vector<std::string> certificates;
    std::int64_t at_ms = 0;
    ControlPos control;
    Hash control_hash;
    struct OfStream {
        StreamId stream;
        std::vector<Tip> tips;
    };
    std::vector<OfStream> streams;
    std::string signature;

    std::string body() const;
    std::string encode() const;
    /// Errc::bad_input: damaged, or no such file.
    static Result<CheckpointFile> decode(std::string_view bytes);
};

/// Of everything that is here. Errc::not_allowed: this node has no key to sign with.
Result<std::string> make_checkpoint_file(Replica& replica);

struct CheckpointFindings {
    std::string unit, label;  ///< of the signer
    Level level = Level::none;
    ReplicaId signer;
    std::int64_t at_ms = 0;
    std::uint64_t streams = 0, chains = 0, commits = 0;  ///< that were looked for here
    std::uint64_t not_held = 0;                          ///< streams that this node has no part in
    // A line each, Chinese / English.
    std::vector<std::string> differs;  ///< something else stands at that place
    std::vector<std::string> missing;  ///< not here: removed, or not come back yet after a restore
    std::vector<std::string> added;    ///< a second commit at a place that the file covers
    bool holds() const { return differs.empty() && missing.empty() && added.empty(); }
};
/// Compares the log with the file; verify() says whether the log fits together. Errc::bad_input: no such file;
/// Errc::denied: of another city, or not signed by one of its devices.
Result<CheckpointFindings> compare_with(Replica& replica, std::string_view file);

}  // namespace taizhang
