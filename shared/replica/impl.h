// impl.h - the inside of a Replica, shared by replica/*.cpp only.
#pragma once

#include "replica/checkpoint.h"
#include "replica/replica.h"
#include "replica/rows.h"

#include <algorithm>
#include <array>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace taizhang {

/// A commit's names in this node's numbers, for one entity of it.
struct NameMap {
    std::uint32_t entity = 0;                ///< index into the commit's names
    const EntityVersion* version = nullptr;  ///< null: the recorded catalog does not know the entity
    std::uint32_t needs_newer = 0;           ///< or it does, and this program cannot read how
    RowTable* table = nullptr;
    struct Item {
        const Group* group = nullptr;
        int group_no = -1;
        const Field* field = nullptr;
        int field_no = -1;
        const Transition* transition = nullptr;
    };
    std::vector<Item> items;  ///< by index into the commit's names
};
const NameMap& map_of(const std::vector<NameMap>& maps, const RowRec& row);

/// A commit from the log, unpacked and decoded; its views point into `bytes`.
struct Loaded {
    std::string bytes;
    Commit commit;
    std::vector<NameMap> maps;  ///< by need
};

/// What the entity's table can hold as an id.
bool is_row_id(const Entity& e, std::string_view id);

/// A row while a transaction works on it.
struct Touched {
    RowTable* table = nullptr;
    int stream = 0;
    std::string_view id;
    std::size_t hash = 0;
    bool loaded = false;  ///< meta is what the database holds
    bool is_new = false;  ///< not in the database, or (not loaded) presumed so
    bool fold = false;    ///< the fast path does not do: fold from the log
    bool in_log = false;  ///< what its first change said is not in `cells`: make_room() left it to the log
    RowMeta meta;
    std::vector<Cell> cells;        ///< fast path: changed fields
    std::vector<fold::Line> lines;  ///< fast path: what stands beside
    std::uint64_t first_lsn = 0;
    std::uint32_t first_index = 0;
};

inline std::size_t row_hash(const RowTable& table, int stream, std::string_view id) {
    return std::hash<std::string_view>{}(id) ^ (reinterpret_cast<std::size_t>(&table) >> 4) ^
           static_cast<std::size_t>(stream) * 0x9e3779b97f4a7c15ULL;
}

/// Finds a touched row by its key: open addressing, because a bulk load asks once for every row.
class RowIndex {
public:
    static constexpr std::uint32_t kFree = ~std::uint32_t{0};
    /// The slot of the row for which `is_it` holds, or the free one where it belongs.
    template <class F>
    std::uint32_t& slot(std::size_t hash, F&& is_it) {
        auto at = hash & (slots_.size() - 1);
        while (slots_[at] != kFree && !is_it(slots_[at])) at = (at + 1) & (slots_.size() - 1);
        return slots_[at];
    }
    /// Keeps it at most half full with `count` rows.
    template <class F>
    void grow(std::size_t count, F&& hash_of_row) {
        if (count * 2 < slots_.size()) return;
        std::vector<std::uint32_t> wider(slots_.size() * 2, kFree);
        for (const auto i : slots_) {
            if (i == kFree) continue;
            auto at = hash_of_row(i) & (wider.size() - 1);
            while (wider[at] != kFree) at = (at + 1) & (wider.size() - 1);
            wider[at] = i;
        }
        slots_ = std::move(wider);
    }
    void clear() { std::fill(slots_.begin(), slots_.end(), kFree); }

private:
    std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(64, kFree);
};

/// Why a commit waits, so that what comes later finds those that it helps without reading them.
struct Wait {
    enum class Reason : std::uint8_t { control, certificate, program, base, history };
    Reason reason = Reason::base;
    std::string what;
    ControlPos control;
    ReplicaId author;
    VersionId base;

    static Wait parse(std::string_view reason, std::string_view what);
};
std::string_view name_of(Wait::Reason reason);

struct Head {
    Seq seq;
    Hash hash;
    Origin origin = Origin::own;
};

/// A chain that began in a state: its commits up to `seq` lie in the rows, not in the log.
struct Floor {
    Seq seq;
    std::uint64_t first_lsn = 0;  ///< the place of its first commit; 0: they have none of their own
};

struct HashOfHash {
    std::size_t operator()(const Hash& h) const noexcept { return std::hash<VersionId>{}(version_of(h)); }
};

/// One replica's commits in one stream, in this database's numbers.
inline std::uint64_t chain_key(int stream, int replica) {
    return static_cast<std::uint64_t>(stream) << 32 | static_cast<std::uint32_t>(replica);
}

/// Packed bytes; fewer are unpacked before another core has woken up.
inline constexpr std::size_t kUnpackApartMin = 8u << 10;

inline constexpr const char* kNextChain =
    "SELECT replica FROM log WHERE stream = ?1 AND replica > ?2 ORDER BY replica LIMIT 1";

/// The chains of one stream, each found by a seek past the one before.
template <class F>
Result<> each_chain(sqlite::Statement& next, int stream, F&& f) {
    int replica = 0;
    for (;;) {
        next.bind(1, stream).bind(2, replica);
        TRY(const bool row, next.step());
        if (!row) return {};
        replica = static_cast<int>(next.integer(0));
        next.reset();
        TRY_VOID(f(replica));
    }
}

class Replica::Impl {
public:
    Impl(Options o, Environment e) : options(std::move(o)), env(std::move(e)) {}

    Options options;
    Environment env;
    std::unique_ptr<sqlite::Database> db;
    ControlState control;
    ReplicaId self;

    // ---- replica.cpp: opening, numbers, facts
    Result<> open();
    Result<> create();
    Result<> upgrade(std::int64_t from);
    Result<> prepare();
    Result<> load_state();
    Result<int> replica_no(const ReplicaId& id);
    Result<int> stream_no(const StreamId& id);
    Result<> batch(const std::function<Result<>()>& work, Durability durability = Durability::now);
    Result<> attempt(const std::function<Result<>()>& work);
    Result<> commit();
    void forget_changes();
    void forget_transaction();
    Result<> read_back();
    Result<std::string> fact(const std::string& key);
    Result<> set_fact(const std::string& key, const std::string& value);
    Result<> sync_tables();
    Result<> load_control();
    Result<> load_numbers();
    Result<> load_checkpoints();
    Result<> add_entry(const ControlEntry& e);
    Result<> note_control_contradiction(ControlPos at, std::string_view entry);
    std::optional<Contradicted> contradicted;  // by the control entries that were given last
    Result<> reincarnate();
    Result<> note_copied(int stream, Seq seq);
    Result<> note_fork(const CommitHeader& h);
    RowTable* table(int binding) { return tables[static_cast<std::size_t>(binding)].get(); }
    Now now() const;
    std::uint64_t last_stamp(const Now& at) const;

    // ---- admit.cpp: the one function through which every write passes
    struct Admitted {
        Admission admission = Admission::broken;
        std::string why;
    };
    Result<> look_ahead(std::span<const Commit> commits);
    /// Never flushes: commits that were decoded before this one still point into `arena`. Without `packed` it
    /// was written here just now and becomes `unwritten`.
    Result<Admitted> admit(std::string_view packed, const Commit& commit, Origin origin);
    Result<Hash> admit_own(std::string_view bytes);
    Result<> write_log();
    /// A row of the log. Without `prev` the commit waits; without `packed` its body is elsewhere.
    struct NewEntry {
        std::uint64_t lsn;
        int stream, replica;
        Seq seq;
        const Hash& hash;
        Origin origin;
        std::optional<std::string_view> prev;
        std::string_view packed, signature;
    };
    Result<> insert_log(const NewEntry& entry);
    Result<bool> would_be_fast(const Touched& t, const Commit& c, const NameMap& map, const RowRec& row);
    std::optional<std::uint64_t> reviewed_time(const Touched& t, const Commit& c, const NameMap& map, const PartRec& p,
                                               std::uint64_t freezes, std::uint64_t lsn);
    Result<Head> chain_head(int stream, int replica);
    Result<bool> ready(const Commit& c, int stream, std::vector<NameMap>& maps, Wait& wait);
    Result<bool> bases_are_here(const Commit& c, int stream, std::vector<NameMap>& maps, Wait& wait);
    Result<> apply_rows(const Commit& c, int stream, std::uint64_t lsn, std::vector<NameMap>& maps, std::string& prev);
    Result<> retry_waiting();
    Result<bool> retry(std::uint64_t lsn);
    bool may_be_ready(const Wait& wait) const;
    Result<> wait_for(std::uint64_t lsn, const Wait& wait);
    std::vector<NameMap> name_maps(const Commit& c);
    void forget_loaded();
    void apply_part_fast(Touched& t, const Commit& c, const NameMap& map, const PartRec& part, const Relation& rel,
                         std::uint64_t lsn, bool& fast);
    void put_cells(Touched& t, const Commit& c, const NameMap& map, const PartRec& part, std::uint64_t lsn);
    static void put_cell(Touched& t, const Cell& cell);
    Result<VersionId> version_at(std::uint64_t lsn);
    void note_version(std::uint64_t lsn, const VersionId& version, std::uint64_t stamp);
    Result<> replace_prev(std::uint64_t lsn, std::uint32_t index, std::uint64_t to_lsn, std::uint32_t to_index);

    // ---- touched.cpp: the rows of the transaction at hand
    /// One that is at hand, perhaps only presumed to be new; or null.
    Touched* find_touched(const RowTable& table, int stream, std::string_view id);
    /// It is read, unless it may be presumed to be new.
    Result<Touched*> touch(RowTable& table, int stream, std::string_view id, bool presume_new);
    Result<> ensure_loaded(Touched& t);
    Result<> make_room();
    Result<> recall(Touched& t);
    Result<> flush();
    Result<bool> flush_row(Touched& t);
    Result<> flush_recalled(std::vector<Touched*> rows, std::vector<Touched*>& to_fold);
    Result<> flush_folded(std::span<Touched* const> rows);

    // ---- beside.cpp: a change beside what stands
    Result<bool> apply_part_beside(Touched& t, const Commit& c, const NameMap& map, const RowRec& row,
                                   const PartRec& part, const Relation& rel, std::uint64_t lsn);
    Result<bool> is_surely_before(const Touched& t, std::uint64_t time);
    enum class Same : std::uint8_t { no, yes, unknown };
    Result<Same> has_value(const Touched& t, const Commit& c, const NameMap& map, const PartRec& part);

    // ---- load.cpp: commits from the log
    Result<> load_commit(std::uint64_t lsn, Loaded*& out);
    struct Reading;
    Result<bool> find_commit(std::uint64_t lsn, Reading& to);
    void keep_commit(Reading& from);
    void forget_commit(std::uint64_t lsn);
    Result<> read_next();
    void stop_reading();

    // ---- fold_row.cpp: a row from its whole history
    struct RowHistory {
        struct Item {
            std::uint64_t lsn;
            std::uint32_t index;
        };
        std::vector<Item> items;  // newest admission first
        std::vector<fold::Change> changes;
        fold::RowState state;
    };
    Result<> history(std::uint64_t head, std::uint32_t index, std::vector<RowHistory::Item>& out);
    Result<RowHistory> fold_row(RowTable& table, const RowMeta& meta);
    Result<RowHistory> fold_items(RowTable& table, std::vector<RowHistory::Item> items);
    Result<> append_changes(std::uint64_t lsn, std::uint32_t index, std::vector<fold::Change>& out);
    Result<> refold(Touched& t, std::vector<RowHistory::Item> items);
    Result<> write_lines(const Touched& t, std::span<const fold::Line> lines);
    bool entitled(const Commit& c, const NameMap& map, const PartRec& part, const Relation& rel,
                  const NameMap::Item& item) const;

    // ---- certificates.cpp
    Result<> take_certificate(const Certificate& cert);
    Result<> keep_certificate(const Certificate& cert);
    Result<> retry_certificates();
    Result<> load_waiting_certificates();
    bool is_own_key(const ReplicaId& replica) const;
    Result<> new_name();
    Result<> take_name(const std::string& nonce);
    Result<> read_name();
    Result<> begin_anew();
    std::vector<Certificate> waiting_certificates;

    // ---- proof.cpp: signatures under commits
    std::string sign_head(const Hash& hash) const;
    std::string signature_due(int stream, int replica, const Hash& hash, std::uint64_t lsn, std::size_t bytes);
    Result<> sign_own();
    Result<> check_signatures();
    struct DueSignature {
        std::size_t bytes = 0;
        std::uint64_t lsn = 0;
        Hash hash;
    };
    std::map<std::uint64_t, DueSignature> to_sign;  ///< chains that this transaction went on with, by chain_key
    /// By what this transaction's messages brought; with the signature under that very commit.
    std::unordered_map<Hash, std::string, HashOfHash> proved;

    // ---- quarantine.cpp: revoked devices
    Result<bool> reaches(int stream, int replica, Seq from_seq, const Hash& from, Seq seq, const Hash& hash);
    Result<bool> is_quarantined(const Commit& c);
    Result<> want_dropped_in(int stream);
    Result<> refold_revoked();
    Result<> refold_written_by(std::span<const int> replicas);
    Result<> settle_certificates(const Certificate& cert);
    Result<> refold_rows(std::uint64_t lsn);

    // ---- edit.cpp
    Result<std::vector<CommitId>> edit_as(const ReplicaId& as, const Draft& draft, std::optional<std::int64_t> time_ms);
    Result<CommitId> commit_edits(const ReplicaId& as, const StreamId& stream, std::span<const Edit* const> edits,
                                  const Draft& draft, std::optional<std::int64_t> time_ms);
    Result<StreamId> stream_of(const Edit& e, const EntityVersion& v);
    Result<std::string> key_of(const Edit& e, const EntityVersion& v) const;
    class EditWriter;

    // ---- checkpoint.cpp
    Result<> apply_checkpoint(const Commit& c, int stream, std::uint64_t lsn);
    Result<> cover(int stream, int replica, Seq seq, Hash hash, std::int64_t at_ms);
    Result<> cover_late(int stream, int replica, Seq seq, const Hash& hash);
    Result<> mark_unstamped(int stream, std::uint64_t lsn);
    Result<std::int64_t> free_moment(int stream);
    Result<Hash> stream_marks(int stream, std::span<const ChainHead> heads_of_chains);
    Result<std::vector<Tip>> unstamped_in(int stream);
    /// The commits of a chain that is not forked, each with its place in the log.
    Result<> each_commit(int stream, int replica, Seq through,
                         const std::function<void(std::uint64_t lsn, Seq seq, const Hash& hash)>& f);
    Result<std::string> marks_of(int stream, int replica, Seq through);
    Result<> unstamp(int stream, std::uint64_t lsn);
    Result<std::vector<Tip>> tips_of(const ChainHead& head);
    Result<Checkpoint> due_in(const StreamId& stream, std::uint64_t backup_lsn, std::span<const ChainHead> chains);
    Result<CommitId> write_checkpoint(const StreamId& stream, const Checkpoint& checkpoint);

    // ---- record.cpp: a row in bytes that are the same everywhere
    Result<> append_record(std::string& out, const RowTable& table, std::string_view id, const RowMeta& meta,
                           std::span<const Cell> fields);
    Result<> append_record(std::string& out, const RowTable& table, std::string_view id, const RowHistory& h);
    Result<Hash> stream_digest(int stream);

    // ---- floor.cpp: chains that began in a state
    Result<> load_floors();
    Result<> begin_at(int stream, const Tip& tip, std::string_view marks);
    Result<bool> below_floor(int stream, int replica, Seq seq, const Hash& hash);
    std::uint64_t lsn_below_floor(int stream, int replica, Seq seq) const;
    Result<std::optional<VersionId>> version_below_floor(std::uint64_t lsn);
    Result<std::string_view> marks_to_floor(std::uint64_t chain);
    void forget_floors();

    // ---- history.cpp: rows whose history is not all here
    Result<> want_row(int stream, std::string_view entity, std::string_view id);
    Result<bool> is_waiting(std::uint64_t lsn);
    Result<bool> may_drop(const Commit& c, int stream);
    Result<std::uint64_t> drop_chain(const ChainHead& chain, std::int64_t before_ms);
    Result<std::uint64_t> lsn_of(int stream, int replica, Seq seq, const Hash& hash);
    Result<std::uint64_t> insert_stub(int stream, int replica, Seq seq, const Hash& hash);
    Result<std::uint64_t> insert_past(int stream, const Commit& c, std::string_view packed);
    Result<> fill(std::uint64_t lsn, const Commit& c, std::string_view packed);
    static bool has_all_that_stands(const RowMeta& meta, const std::vector<RowHistory::Item>& items);
    Result<bool> link_row(RowTable& table, int stream, std::string_view id, std::vector<RowHistory::Item> items);
    RowTable* table_named(std::string_view entity);

    // ---- evict.cpp
    Result<> check_not_evicted(const StreamId& stream);

    // ---- rows that somebody watches
    void note_written(const RowTable& table, std::string_view id);
    bool is_watched = false;
    std::size_t written_count = 0;
    Written written;

    // ---- snapshot_make.cpp, snapshot_take.cpp
    class SnapshotMaker;
    class SnapshotTaker;

    // ---- the log
    sqlite::Statement log_insert, log_get, log_hash, log_hashes, log_prev, log_set_prev, chain_last, chain_at,
        chain_next, conflict_delete, conflict_insert, wait_set, wait_delete, fact_get, fact_set;
    std::uint64_t head_lsn = 0;
    std::map<std::uint64_t, Wait> in_wait;   // by lsn, as in the table
    std::array<std::size_t, 5> waits_for{};  // how many for each reason
    std::unordered_set<VersionId> arrived;   // in this transaction, while something waits
    bool past_arrived = false;               // the past of rows came in this transaction
    std::uint64_t last_time = 0;             // high water of this replica's hybrid clock
    std::int64_t trusted_ms = 0, trusted_at_steady = 0;
    bool trusted_in_process = false;
    bool copied = false;  // own commits came from elsewhere
    Packer packer;
    Packer filling_packer, reading_packer;  // of what may be on another core

    std::unordered_map<ReplicaId, int> replica_nos;
    std::unordered_map<int, ReplicaId> replica_ids;
    std::unordered_map<StreamId, int> stream_nos;
    std::unordered_map<int, StreamId> stream_ids;
    std::uint64_t streams_version = 0, control_reads = 0;
    std::unordered_map<std::uint64_t, Head> heads;  // by chain_key
    std::unordered_set<std::uint64_t> forked;       // chains with two commits at one place
    std::vector<std::unique_ptr<RowTable>> tables;  // by binding number

    // ---- log_sums.cpp: what lies below a place of the log
    Result<> log_terms(std::uint64_t after, std::uint64_t through, std::vector<std::uint64_t>& out);
    Result<> load_log_sums();
    Result<> reach_log_sum(std::uint64_t at);
    struct LogSums {
        std::uint64_t first = 0, anchor = 0;  ///< the place of the first sum; that of the fact
        std::deque<std::uint64_t> sums;       ///< empty: not read
    } log_sums;

    // ---- places.cpp: what the hub above has of each chain
    Result<> load_places();
    void note_place(std::uint64_t chain, const Head& head);
    Result<> keep_behind(int stream, int replica, const Head& head);
    bool places_loaded = false;
    std::unordered_map<std::uint64_t, Seq> places;  // by chain_key
    std::unordered_set<std::uint64_t> chains_behind;
    std::vector<int> own_streams;  // in which this replica has a chain

    // ---- waiting.cpp: a database meets a program that knows more than the one before
    Result<> meet_program();

    // ---- check.cpp
    Result<std::int64_t> check_chains();
    Result<> check_rows();
    Result<> check_named();
    Result<> check_own_named();

    // ---- read.cpp
    Result<> note_branch(LogEntry& e);
    Result<std::vector<std::string>> columns_of(const RowTable& table, const RowHistory& h) const;
    Result<> read_dropped(RowTable& table, int stream, const std::string& key, RowHistory& h,
                          std::vector<std::string>& column);
    Result<RowView> read_row(RowTable& table, int stream, const std::string& id);

    // ---- the transaction at hand
    int depth = 0;
    /// Several batches in one transaction; failed: it was rolled back, and the rest of the work does nothing.
    enum class Group : std::uint8_t { none, open, failed };
    Group together = Group::none;
    bool control_changed = false;
    bool must_read_back = false;  ///< of a transaction that was given up: memory ran out over it
    std::deque<Touched> touched;
    std::size_t touched_count = 0;
    RowIndex touched_index;
    std::list<std::string> arena;  // bytes that cells and ids point into
    std::size_t arena_bytes = 0;
    /// An own commit that is packed while its rows are written. Its row of the log comes after them, and before anybody
    /// reads the log.
    struct Unwritten {
        std::uint64_t lsn;
        int stream, replica;
        Seq seq;
        Hash hash;
        std::optional<std::string> prev;  ///< as NewEntry
    };
    std::optional<Unwritten> unwritten;
    std::string own_packed;
    Task packing{env.worker.get()};

    // ---- decoded commits, by lsn, newest use last
    struct Cached {
        std::uint64_t lsn;
        std::unique_ptr<Loaded> loaded;
    };
    std::list<Cached> cache;
    std::unordered_map<std::uint64_t, std::list<Cached>::iterator> cache_index;
    std::size_t cache_bytes = 0;
    /// A commit on its way from the log to the cache.
    struct Reading {
        std::uint64_t lsn = 0;  ///< 0: none
        std::string hash, packed;
        std::unique_ptr<Loaded> loaded;
        Result<> done;

        void unpack(Packer& packer, std::uint8_t knows);
    };
    Reading this_commit, next_commit;   // the next one is unpacked while rows are folded
    std::deque<std::uint64_t> to_read;  // those after it
    Task reading{env.worker.get()};

    // ---- checkpoints and dropped history
    std::unordered_set<std::uint64_t> unstamped;                       // lsns of commits whose time counts as none
    std::unordered_map<int, std::vector<std::uint64_t>> unstamped_of;  // the same by stream
    std::unordered_set<std::uint64_t> horizon_chains;                  // that some checkpoint names, by chain_key
    std::unordered_map<std::uint64_t, Floor> floors;                   // by chain_key
    std::map<std::uint64_t, std::uint64_t> floor_places;               // chain_key by first_lsn
    std::unordered_map<std::uint64_t, std::string> floor_marks;        // by chain_key, as far as they were read
    std::size_t floor_marks_bytes = 0;
    bool is_ours(int stream);
    std::unordered_map<int, bool> ours;  // by stream, of the tree at ours_at
    ControlPos ours_at;
    std::unordered_map<int, std::uint64_t> evicted;  // streams that the tree took away once; how far the own chain was
    bool has_dropped = false;                        // some row's history is not all here
    /// What the last commits are called, and their authors' time where it is known.
    struct Named {
        static constexpr std::uint64_t kUnknown = ~std::uint64_t{0};
        std::uint64_t lsn = 0;
        VersionId version;
        std::uint64_t stamp = kUnknown;
    };
    std::array<Named, 4096> version_cache{};
};

}  // namespace taizhang
