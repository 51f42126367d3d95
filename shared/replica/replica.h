// replica.h - commits in, rows and conflict lines out: the heart of both programs.
//
//   edit() ──► commit bytes ──┐
//                             ├─► admit() ─► log ─► fold ─► rows, conflict lines
//   receive() ◄── a message ──┘        one SQLite transaction
//
// Every write, local or remote, passes admit(). When edit() or receive() has
// returned, what it reports is on the disk; when it fails, nothing of it happened.
//
// A commit waits in the log, whole, while its control position, its author's
// certificate and signature, or one of its bases is not here.
//
// Sans-I/O: clock and randomness come in through Environment, the disk through the
// VFS named in Options. Threads: store thread only (one at a time).
// Design: docs/ARCHITECTURE.md.
#pragma once

#include "base/worker.h"
#include "log/commit.h"
#include "replica/control.h"
#include "sqlite/database.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace taizhang {

using sqlite::Durability;

struct Environment {
    std::function<std::int64_t()> wall_ms;                ///< milliseconds since 1970, as the PC believes
    std::function<std::int64_t()> steady_ms;              ///< never goes back while the process lives
    std::function<void(std::span<std::uint8_t>)> random;  ///< unpredictable bytes (seeded in the simulator)
    std::shared_ptr<Worker> worker = {};  ///< another core for packing and unpacking; null: done in place
};

/// What this node signs with; each may be absent. Never in the database.
struct Keys {
    std::shared_ptr<const trust::Key> device;  ///< commits, certificates, acks, bundles
    std::shared_ptr<const trust::Key> root;    ///< the city's control log: only where it is written
};

/// Fact of a root that was put back from a backup and has not met anybody from below since: how many certificates the
/// backup knew (sync/restored.h).
inline constexpr const char* kUnmet = "hub/unmet";

/// Where an admitted commit came from; decides what must still be sent up.
enum class Origin : std::uint8_t { own = 0, below = 1, upstream = 2 };

/// One change to one row, as a person or a command means it.
struct Edit {
    std::string entity;
    std::string row;
    std::optional<StreamId> stream;  ///< needed for a new row; else found by id
    bool create = false;             ///< the row is new here; skips looking for it
    std::vector<std::pair<std::string, Value>> fields;
    std::vector<std::pair<std::string, Value>> remove;  ///< elements to take out of `set` fields
    std::string transition;                             ///< empty: none
    std::vector<std::pair<std::string, Value>> arguments;
    bool settle = false;  ///< a decision: the bases are all versions that stand or are open
    /// What its author had in front of him, by group, where that is not what stands here now (a sheet that was filled
    /// in last week); a zero version: nothing stood. They must be versions of this row that are here.
    std::vector<std::pair<std::string, VersionId>> seen;
};

struct Draft {
    std::vector<Edit> edits;  ///< one commit per stream
    std::string person;
};

/// A commit's place, as shown to people and in JSON.
struct CommitId {
    ReplicaId replica;
    StreamId stream;
    Seq seq;
    Hash hash;
};

enum class Admission : std::uint8_t {
    admitted,   ///< new, in the log
    duplicate,  ///< had it already
    gap,        ///< the one before it is not here: nothing was done
    unproved,   ///< not under a signature of its author, as far as can be told here: nothing was done
    broken,     ///< does not chain to what is here, or is not a commit: nothing was done
};

/// A commit as it lies in the log: what goes on the wire is `packed`.
struct LogEntry {
    Lsn lsn;
    int stream_no = 0;
    ReplicaId replica;
    Seq seq;
    Hash hash;
    Origin origin = Origin::own;
    std::int64_t received_ms = 0;
    std::string packed;
    std::string signature;  ///< the author's, where one stands under this very commit; it covers all below
    bool is_forked = false;
    Hash prev;  ///< of a forked chain only
};

/// An author's signature under a commit of a batch of packed commits.
struct HeadSignature {
    std::uint64_t index = 0;  ///< into the batch
    std::string signature;
};
/// Whether a commit lies under a signature of its author.
enum class Proved : std::uint8_t { yes, unknown, no };  ///< unknown: the author's certificate is not here

struct ChainHead {
    StreamId stream;
    ReplicaId replica;
    Seq seq;
    Hash hash;
    Origin origin = Origin::own;  ///< where the newest commit came from
};

struct WaitingCommit {
    CommitId id;
    std::string reason;  ///< "control", "certificate", "program", "base", "history"
    std::string what;    ///< which position, replica, format or catalog, or row
};

/// A record that a commit writes which waits for a newer program.
struct UnreadRow {
    CommitId commit;
    std::string what;        ///< as in WaitingCommit
    std::string entity, id;  ///< as far as can be read; empty in a commit of a newer format
};

/// What a program can read.
struct Knows {
    std::uint8_t commit_format = kCommitFormat;
    std::uint32_t catalog_level = kCatalogLevel;
    auto operator<=>(const Knows&) const = default;
};

/// One change as the row's history tells it.
struct HistoryItem {
    CommitId commit;
    std::uint64_t time = 0;  ///< hybrid time as recorded
    bool time_unverified = false;
    Level level = Level::none;
    std::string unit, person;
    Origin origin = Origin::own;
    std::string transition;  ///< empty: none
    std::vector<std::pair<std::string, Value>> fields, arguments;
    std::vector<std::pair<int, std::vector<VersionId>>> bases;  ///< by group number; -1 the workflow
    std::int64_t received_ms = 0;                               ///< when it came to this node
    bool removal = false;
    std::vector<fold::Line> lines;  ///< of this commit's changes
    VersionId version;
};

/// A row folded from its whole history, with everything that a person may ask about it.
struct RowView {
    std::string entity, id;
    StreamId stream;
    const EntityBinding* binding = nullptr;
    std::string state;                                  ///< empty: no workflow
    std::vector<const Transition*> allowed;             ///< what this replica may do from here
    std::vector<std::pair<std::string, Value>> fields;  ///< columns, the state's included
    std::vector<HistoryItem> history;                   ///< in key order
    fold::RowState fold;
    bool is_whole = true;  ///< false: earlier history is at the hub, not here
};

/// A conflict line with its row; values and authors come from RowView.
struct ConflictRef {
    std::string entity, row;
    StreamId stream;
    fold::Line line;
    std::string group;  ///< name; the workflow's field for transitions
    bool open = false;  ///< somebody entitled still has to decide
};

class Replica {
public:
    struct Options {
        std::string path;
        std::string vfs;
        std::optional<ReplicaId> incarnation;  ///< for a new database; else random
        bool always_fold = false;              ///< never the fast path (verify)
        // Rows and bytes of commits that one transaction holds in memory, some 8 MB together. Higher: a row that
        // changes several times is written once more often; lower: less memory.
        std::size_t rows_at_hand = 24u << 10, bytes_at_hand = 4u << 20;
        Knows knows;  ///< tests make an older program of this one
        Keys keys;
    };

    static Result<std::unique_ptr<Replica>> open(Options options, Environment env);
    ~Replica();
    Replica(const Replica&) = delete;
    Replica& operator=(const Replica&) = delete;

    const ReplicaId& id() const;
    const ControlState& control() const;
    sqlite::Database& database();

    // ------------------------------------------------------------ writing

    /// Writes what a person meant as one commit per stream, in one transaction, under `as` (default: this
    /// replica). Errc::not_found, bad_input, not_allowed before anything is written.
    Result<std::vector<CommitId>> edit(const Draft& draft);
    /// As edit(), for another replica whose chains live here too (the city's import writes for every unit),
    /// at a given hybrid time's milliseconds. Inside batch() many become one transaction.
    Result<std::vector<CommitId>> edit_as(const ReplicaId& as, const Draft& draft, std::int64_t time_ms);

    struct Received {
        Admission admission = Admission::broken;
        std::string why;  ///< broken, gap: one line
        CommitHeader header;
        Hash hash;
    };
    /// Admits packed commits from elsewhere, in order, in one transaction; stops at the first that is broken.
    /// Gaps are reported and passed over. The result has one item per commit that was looked at.
    Result<std::vector<Received>> receive(std::span<const std::string_view> packed, Origin origin);

    /// Appends to the control log; only the city's root writes there. Errc::not_allowed without its key, and while
    /// fact kUnmet stands.
    Result<ControlPos> append_control(std::string kind, std::string payload);
    /// Eight bytes of the entry at that place, which stand for all before it too. 0: there is none.
    Result<std::uint64_t> control_mark(ControlPos at);
    struct Contradicted {
        ControlPos at;
        bool is_new = false;  ///< noted for the first time
    };
    /// Where the entries given last contradict the log here; that was noted as evidence then.
    const std::optional<Contradicted>& contradicted() const;
    /// Whether two entries are known for that place of the control log.
    Result<bool> is_contradicted_at(ControlPos at);
    /// Takes entries that follow the head. Another word of the root is kept as evidence, else Errc::protocol.
    Result<> receive_control(std::span<const std::string> entries);
    /// A certificate that cannot be judged yet is kept until it can be. Errc::denied: it is not valid, nothing was
    /// kept.
    Result<> add_certificate(const Certificate& cert);
    struct Subject {
        ReplicaId replica;
        std::string unit, label;
        trust::PublicKey key;  ///< empty in a city without keys
        std::string nonce;
    };
    /// Makes a certificate, signed where the city has keys, and takes it. Errc::not_allowed: this node cannot vouch.
    Result<> issue_certificate(const Subject& subject);
    /// This node as the subject of a certificate.
    Result<Subject> self_as_subject(const std::string& unit, const std::string& label);
    /// The replica's certificate and those that it rests on, the root's own first; empty when there is none.
    std::vector<std::string> certificate_chain(const ReplicaId& replica) const;
    const Keys& keys() const;
    /// Whether this node's key is that of its certificate: it can sign what it writes. True in a city without keys.
    bool can_sign() const;

    /// Checks the signatures that come with a batch of commits: before receive(), in the same batch(), after the
    /// certificates. Only what is proved is admitted. In a city without keys everything is.
    Result<std::vector<Proved>> prove(std::span<const std::string_view> packed,
                                      std::span<const HeadSignature> signatures);
    /// Whether this node's key is that of the replica's certificate: it can sign what that one wrote.
    bool is_own_key(const ReplicaId& replica) const;
    /// Errors: none; only for a commit of the own key.
    std::string sign_head(const Hash& hash) const;

    /// Runs `work` in one transaction; edits and receives inside join it. On error nothing happened. `later` is for
    /// what somebody else has and would give again: a power cut may undo it, whole, until a batch that waits has
    /// written.
    Result<> batch(const std::function<Result<>()>& work, Durability durability = Durability::now);
    /// Runs `work` with all batches in it in one transaction: many share one wait for the disk. They are saved when
    /// this returns well and not before. On error nothing of any of them happened, whatever they said: run each by
    /// itself. A batch that is refused before it wrote anything fails alone. Not inside batch().
    Result<> group(const std::function<void()>& work);
    /// Inside group(): one of its batches failed after it had written, and all of it was undone.
    bool has_group_failed() const;

    /// A new incarnation of the same device: seq from 1 in every stream. For clones and restores.
    Result<> reincarnate();
    /// The same for another unit: the name is new, its certificate comes with the enrolment.
    Result<> reincarnate_bare();
    /// Commits under our own name came from elsewhere: this database is a copy, or was restored from an old one.
    bool is_copied() const;

    // ------------------------------------------------------------ reading

    /// The row with that id, in any entity, or in one. Errc::not_found.
    Result<RowView> read_row(const std::string& entity, const std::string& id);
    struct RowKey {
        std::string entity, id;
        StreamId stream;
    };
    Result<std::vector<RowKey>> find(const std::string& id);
    Result<std::vector<ConflictRef>> conflicts(const std::string& row = {});
    Result<std::vector<WaitingCommit>> waiting();
    std::size_t waiting_count() const;
    /// Whose certificates are waited for, at most `count_max`.
    std::vector<ReplicaId> wanted_certificates(std::size_t count_max) const;
    /// The records of commits that wait for a newer program.
    Result<std::vector<UnreadRow>> unread();

    std::vector<StreamId> streams();
    /// Changes whenever streams() may give something else.
    std::uint64_t streams_version() const;
    bool has_stream(const StreamId& stream) const;
    StreamId stream_name(int stream_no) const;
    Result<std::int64_t> commits_in(const StreamId& stream);
    /// Digest of the state (rows and conflict lines) of each stream, and "control" for the control log's head.
    Result<std::vector<std::pair<std::string, std::string>>> digest();
    /// Rebuilds everything from the log in memory, without the fast path, and compares; checks every hash and chain.
    /// Errc::corrupt with one line on the first difference. Gives the number of commits checked.
    Result<std::int64_t> verify();

    // ------------------------------------------------------------ the log, for sync

    Lsn log_head() const;
    /// Eight bytes for all that lies at that place of the log and below it: another log that has the same commit there
    /// has another mark. 0 at place 0; nothing beyond the head. For this node alone to compare; the first time it
    /// writes (a fact), and again once in some thousand commits.
    Result<std::optional<std::uint64_t>> log_proof(Lsn at);
    /// The newest commit of every chain in these streams, or of all.
    Result<std::vector<ChainHead>> chain_heads(std::span<const StreamId> wanted);
    Result<std::vector<ChainHead>> chain_heads();
    /// Commits of one chain with seq above `after`, ascending; stops after `bytes_max` (at least one is given). Where
    /// bodies were dropped above `after`, it begins behind the last of them.
    Result<std::vector<LogEntry>> chain_after(const StreamId& stream, const ReplicaId& replica, Seq after,
                                              std::size_t bytes_max);
    /// Commits with lsn above `after` in the streams `wanted`, ascending by lsn, at most about `bytes_max`.
    /// `through` gets the position up to which everything wanted has been given. Of chains in `known`, what that
    /// commit follows is left out, if it is here.
    Result<std::vector<LogEntry>> log_after(Lsn after, std::span<const StreamId> wanted, std::size_t bytes_max,
                                            Lsn& through, std::span<const ChainHead> known = {});
    Result<std::vector<std::string>> control_after(ControlPos after, std::size_t bytes_max);
    struct StoredCertificate {
        std::uint64_t pos = 0;
        std::string body;
    };
    /// Certificates with a position above `after`, ascending.
    Result<std::vector<StoredCertificate>> certificates_after(std::uint64_t after);
    /// The one at that position; nothing where another has taken its place since.
    Result<std::optional<std::string>> certificate_at(std::uint64_t pos);
    /// Changes when certificates were read anew, since a transaction was given up: a position that was given before
    /// may belong to another one now.
    std::uint64_t control_reads() const;
    /// The hashes of the commits at that place: two or more prove a clone.
    Result<std::vector<Hash>> hashes_at(const StreamId& stream, const ReplicaId& replica, Seq seq);

    /// The chains of this replica's own name.
    Result<std::vector<ChainHead>> own_heads();

    // What the hub above has of each chain: facts ack/STREAM/REPLICA. A chain without one is there already if its
    // newest commit came from there. Which chains are behind is kept in memory, so that asking costs what there is to
    // send and not what is held.
    struct Behind {
        StreamId stream;
        ReplicaId replica;
        Seq acked, head;
        std::uint64_t count() const { return head.value - acked.value; }
    };
    Result<std::vector<Behind>> behind();
    Result<std::optional<Seq>> place(const StreamId& stream, const ReplicaId& replica);
    Result<> set_place(const StreamId& stream, const ReplicaId& replica, Seq seq);

    /// Two commits stand at one place of this chain: one replica was copied.
    Result<bool> is_forked(const StreamId& stream, const ReplicaId& replica);

    // ------------------------------------------------------------ checkpoints, states, dropped history

    /// Signs a checkpoint in every stream that has news; only at the city's root (Errc::not_allowed).
    Result<std::vector<CommitId>> checkpoint();
    /// The same in these streams only: some milliseconds for each, and a city has tens of thousands.
    Result<std::vector<CommitId>> checkpoint(std::span<const StreamId> of);
    /// A backup that holds everything up to here is on its disk: the next checkpoints say so, and devices may drop
    /// what it holds.
    Result<> note_backup(Lsn through);
    struct CheckpointAt {
        StreamId stream;
        std::int64_t at_ms = 0;
        Hash hash;
    };
    /// The newest checkpoint of each stream here.
    Result<std::vector<CheckpointAt>> checkpoints();

    /// Whether a checkpoint here says that the city has the commit.
    Result<bool> is_covered(const CommitId& commit);

    /// Drops the bodies of commits older than `before_ms` that the city's backup holds, where rows do not need them
    /// any more. Hashes and places stay. Gives the bytes that went. Never at a hub: it keeps all.
    Result<std::uint64_t> drop_old(std::int64_t before_ms);
    /// Whether the history of some row is not all here.
    bool has_dropped() const;

    /// From now on it is noted which rows are written, so that who keeps something that follows from them can follow.
    struct Written {
        bool all = false;                                                ///< too many to note, or rows went: read anew
        std::map<std::string, std::set<std::string>, std::less<>> rows;  ///< ids by entity, as the tables have them
    };
    void watch_rows();
    /// Since the last call. Also what a transaction took back again: to be read from the tables.
    Written take_written();

    /// A stream's rows as its newest checkpoint covers them, for a device that begins. Empty: there is no checkpoint,
    /// a chain is forked, or it would be larger than `bytes_max`: such a stream is given as log.
    Result<std::string> make_snapshot(const StreamId& stream, std::size_t bytes_max);
    /// Begins a stream of which nothing is here from a state. Errc::protocol when it is not what the city signed;
    /// nothing was done then. False: something of the stream is here already, it was passed over.
    Result<bool> take_snapshot(std::string_view bytes);

    /// Rows that need their dropped history; Session asks the hub for it.
    Result<std::vector<RowKey>> wanted_rows(std::size_t count_max);
    struct PastCommit {
        std::string packed;
        bool unstamped = false;  ///< a checkpoint took its time
    };
    /// All commits of the row that count here. Empty: no such row.
    Result<std::vector<PastCommit>> row_commits(const RowKey& key);
    /// The answer to wanted_rows(): of these commits, what this log knows and lacks. What waited for them goes on. A
    /// row that is not wanted is left alone, and one whose newest versions are not among them. Errc::protocol when they
    /// are not the row's.
    Result<> complete_row(const RowKey& key, std::span<const PastCommit> past);

    /// Takes a stream that is not this unit's to hold any more off this disk. The caller has made sure that all of it
    /// is at the hub.
    Result<> evict(const StreamId& stream);

    // Small durable facts: cursors, acks, upstream. A missing key is an empty string.
    Result<std::string> fact(const std::string& key);
    Result<> set_fact(const std::string& key, const std::string& value);
    Result<std::vector<std::pair<std::string, std::string>>> facts(const std::string& prefix);

    // ------------------------------------------------------------ time

    /// The hub told the time: trusted from now on. Returns nothing to the fold.
    Result<> trust_time(std::int64_t wall_ms);
    /// Milliseconds to write on a record now, and whether the PC's clock can be believed.
    struct Now {
        std::int64_t ms = 0;
        bool unverified = false;
    };
    Now now() const;
    void random(std::span<std::uint8_t> out) const;

private:
    class Impl;
    explicit Replica(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace taizhang
