// checks.h - the invariants that docs/INVARIANTS.md lists, each a function named after it.
//
// They read a machine's database with their own SQL and its log with their own eyes,
// and throw Violation at the first thing that does not hold. Call them on machines that
// are up, between operations, with no fault planned on the disk.
#pragma once

#include "tests/sim/machine.h"
#include "tests/sim/reading.h"
#include "wire/messages.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace taizhang::sim {

struct LogLine {
    std::uint64_t lsn = 0;
    const Told* commit = nullptr;
    bool has_body = false;  ///< none: it was dropped, or came with a state that the city signed
};

class Checks {
public:
    explicit Checks(Reading& reading) : reading_(reading) {}

    // ---- told by the world
    /// The hub's operation succeeded: what its log has from here on stays.
    void hub_moved(Machine& hub);
    /// The hub's disk became an older one: nothing that it said before binds it.
    void hub_restored(Machine& hub);
    /// A commit was written and signed by whoever has the author's key.
    void issued(const Hash& hash) { issued_.insert(hash); }
    bool was_issued(const Hash& hash) const { return issued_.contains(hash); }
    /// The hub lies: what it says it has binds nobody.
    void not_to_be_believed(const Machine& hub) { false_.insert(hub.number); }
    /// A reply left the hub (whether or not it arrives).
    /// `levels`: who speaks for which level, the hub itself and those above it.
    void reply_left(const Machine& hub, const wire::SyncReply& reply, const std::map<Level, std::vector<int>>& levels);

    // ---- the invariants
    void check_1_local_durability(Machine& m);
    void check_2_atomic_prefix(Machine& m);
    void check_2_outbox(Machine& m);
    void check_3_no_loss(Machine& hub, const std::vector<Machine*>& survivors);
    void check_4_true_receipts(Machine& hub);
    void check_6_no_phantom(Machine& m);
    void check_7_strong_convergence(Machine& m);
    void check_10_clocks_contained(Machine& m, const Reading::Rows& ready);
    /// The hub's digests that were recorded on the way come again when its log is played anew; how many.
    int check_13_rules_versioned(Machine& hub);
    void check_14_resume(Machine& m);
    void check_15_forks(const std::vector<Machine*>& at_rest);
    void check_16_rollback(Machine& hub, const std::vector<Machine*>& at_rest);
    /// What a device was told that the city has, the city had.
    void check_17_acks(Machine& m);
    /// A disk failed under it a moment ago: nothing is saved and nothing said any more.
    void check_19_fail_stop(Machine& m);
    void check_20_bounds(Machine& m);
    /// Tables and conflict lines against the reference: 7, 9, 11 and 12 by what differs.
    void check_state(Machine& m);
    /// Everything that is cheap enough after each start.
    void after_start(Machine& m);

    /// What counts here: the log, and what lies below the floors of chains that began in a state (lsn 0).
    std::vector<LogLine> read_log(Machine& m);
    std::uint64_t rows_compared() const { return rows_compared_; }
    std::uint64_t lines_compared() const { return lines_compared_; }
    std::uint64_t lines_at_hub() const { return lines_at_hub_; }

private:
    /// Reading cannot fail here: the disk is up and no fault is planned.
    sqlite::Statement prepared(Machine& m, const std::string& sql);
    bool next(Machine& m, sqlite::Statement& s);
    std::map<std::int64_t, std::string> stream_names(Machine& m);

    using Chain = std::pair<std::string, ReplicaId>;

    std::map<RowKey, Shown> read_tables(Machine& m);
    void read_conflicts(Machine& m, std::map<RowKey, Shown>& rows);
    using Changes = std::vector<fold::Change>;
    void compare(const std::string& where, const RowKey& key, const std::vector<const Told*>& commits,
                 const Reading::Rows& ready, const Shown& have, std::uint64_t at);
    void check_9_causality(const Changes& changes, const Shown& have, const std::string& where);
    void check_11_visible_conflicts(const Changes& changes, const Shown& have, const std::string& where);
    void check_12_legal_transitions(const RowKey& key, const Changes& changes, const Shown& want, const Shown& have,
                                    const std::string& where);
    void check_17_bad_actors_contained(const RowKey& key, const Changes& changes, const Shown& have, std::uint64_t at,
                                       const std::string& where);
    void check_18_revocation(const RowKey& key, const Changes& changes, const Shown& have, const std::string& where);
    void check_signatures(Machine& m);

    Reading& reading_;
    std::set<Hash> issued_, verified_;  ///< verified_: under a signature that was checked
    std::set<Hash> at_city_;            ///< whatever the city's log had at any time
    std::set<int> false_;               ///< hubs
    struct Recorded {
        std::uint64_t lsn = 0, control = 0;
        std::vector<std::pair<std::string, std::string>> digest;
    };
    std::vector<Recorded> recorded_;                                 ///< of the city's hub
    std::set<int> restored_;                                         ///< machines
    std::map<int, std::string> hub_units_;                           ///< by machine
    std::map<int, std::string> hub_anchors_;                         ///< by machine: from where its marks are counted
    std::map<int, std::vector<LogLine>> hub_logs_;                   ///< by machine
    std::map<int, std::map<Chain, std::pair<Seq, Hash>>> receipts_;  ///< by the machine that they speak for
    std::map<std::string, Shown> known_;                             ///< expected rows by what they follow from
    std::map<std::string, std::string> digests_;                     ///< by stream, commits and control log
    std::uint64_t rows_compared_ = 0, lines_compared_ = 0, lines_at_hub_ = 0;
};

}  // namespace taizhang::sim
