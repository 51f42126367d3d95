// world.h - one simulated city for some weeks of virtual time, from one seed.
//
// A hub at the city, some devices in each unit, people who write, a network that
// loses, doubles, reorders and delays, power that goes at any write. The core's own
// objects run in one thread; nothing but the seed decides what happens. At the end
// the faults stop, everybody syncs, and everything is compared.
#pragma once

#include "files/file_session.h"
#include "tests/sim/checks.h"
#include "tests/sim/machine.h"
#include "tests/sim/plan.h"
#include "tests/sim/reading.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace taizhang::sim {

struct Figures {
    std::uint64_t worlds = 0, days = 0, commits = 0, messages = 0, lost_messages = 0, doubled_messages = 0,
                  old_messages = 0, power_cuts = 0, io_errors = 0, clock_jumps = 0, restarts = 0, copies = 0,
                  restores = 0, sticks = 0, bundles = 0, checkpoints = 0, drops = 0, states = 0, histories = 0,
                  tree_changes = 0, closed_with_work = 0, followed = 0, states_refused = 0, hand_written = 0,
                  decisions = 0, transitions = 0, refused_edits = 0, upgrades = 0, renewals = 0, moves_of_hub = 0,
                  hub_restores = 0, enrolments = 0, older_programs = 0, program_upgrades = 0, reinstalled = 0,
                  rows_compared = 0, lines_compared = 0, lines = 0, contents = 0, content_trips = 0, content_cuts = 0,
                  wishes = 0, let_go = 0, machine_days = 0, forged = 0, beyond_scope = 0, floods = 0, forks = 0,
                  spoiled = 0, swallowed = 0, thefts = 0, revoked = 0, released = 0, replays = 0;
    void add(const Figures& other);
};

class World {
public:
    enum class Tell : std::uint8_t { nothing, at_once, story };
    /// What happens goes to standard error, a line each, or is kept for story().
    explicit World(Plan plan, Tell tell = Tell::nothing);
    /// Throws Violation.
    void run();
    const Figures& figures() const { return figures_; }
    /// Over everything that happened, in order.
    std::string trace_hash() { return trace_.finish().hex(); }
    static int days_of(std::uint64_t seed);
    /// How many acts began.
    int acts() const { return act_; }
    /// Everything that happened from the first day on.
    const std::vector<std::string>& story() const { return story_; }
    /// The device-days that were lived.
    std::uint64_t machine_days() const;

private:
    friend class Author;
    friend class Rogue;
    friend class FalseRelay;
    enum class Kind : std::uint8_t { request, reply, timeout };
    struct Message {
        Kind kind;
        int machine;           ///< the device's number
        int hub;               ///< its hub's
        std::uint64_t number;  ///< of the request
        std::uint64_t disk_life;
        std::string bytes;
        bool is_spoiled = false;  ///< somebody on the way changed it
        std::uint64_t luck = 0;
    };
    struct Row {
        std::string entity, id;  ///< id as edit() takes it
        StreamId stream;
        int writes = 0;
    };

    // world.cpp: beginning, days, end
    void begin();
    void add_control(const std::string& kind, const std::string& payload);
    Machine* add_machine(const std::string& unit, bool is_relay = false);
    int nearest_hub(const std::string& unit);
    int hub_for(const Machine& m);
    Machine& hub_of(const Machine& m) { return *machines_[static_cast<std::size_t>(m.upstream)]; }
    std::map<Level, std::vector<int>> speakers(const Machine& hub);
    void moved(Machine& m);
    void act();
    void write_by(Machine& m);
    void something_rare();
    void rest();
    void begin_late();
    void sync_until_quiet();
    void make_sure_enrolled(Machine& m);
    void catch_up(Machine& h);
    bool sync_fully(Machine& m);
    std::vector<Machine*> present();
    void check_everything();
    void check_5_idempotence();
    void check_8_liveness();
    void check_8_nothing_new(Machine& m);
    void check_14_no_repeats(Machine& m, const Machine& h, const Message& message, const sync::Hub::Asked& asked);
    void check_13_rules_versioned();

    // trouble.cpp: power, disks, clocks, copies, sticks
    template <class F>
    auto attempt(Machine& m, F&& f);
    void plan_trouble(Machine& m);
    void after_trouble(Machine& m, bool failed, Errc code);
    void cut_power(Machine& m);
    void start(Machine& m);
    void restart(Machine& m);
    void upgrade_program(Machine& m);
    void jump_clock(Machine& m);
    void copy_machine(Machine& m);
    void take_backup(Machine& m);
    void restore_some();
    void restore_backup(Machine& m);
    void carry_stick(Machine& from, Machine& to);
    void carry_bundle(Machine& from, Machine& to);
    void sign_checkpoints();
    void drop_old(Machine& m);
    void change_tree();
    std::string move_of_township();
    bool must_go(Machine& m);
    void follow_tree(Machine& m);
    void settle_in(Machine& m);
    void go_to(Machine& m, int hub);
    bool must_wait();
    void upgrade_catalog();
    void add_unit();
    void add_device();
    void go_away(Machine& m);
    void renew_hub();
    void change_hub(Machine& m);
    void enrol(Machine& m);

    // theft.cpp: stolen devices, revocation, release
    void theft_act();
    void steal(Machine& m);
    void revoke(Machine& m);
    void release();
    void bad_from_now(Machine& m);
    bool is_bad(const ReplicaId& replica) const { return bad_authors_.contains(replica); }
    void settle_false_relays();
    void leave_hub(Machine& m);

    // contents.cpp: photos and documents
    void contents_act(Machine& m);
    void attach(Machine& m);
    void want_content(Machine& m);
    void sync_contents(Machine& m, bool poll);
    bool one_content_trip(Machine& m, Machine& h, files::FileSession& session);
    void damage(std::string& message, bool is_request);
    void check_kept(Machine& m);
    void contents_until_quiet();
    void check_contents();

    // network.cpp
    void send(std::int64_t delay_ms, Message m);
    std::int64_t some_delay();
    void begin_sync(Machine& m);
    void send_request(Machine& m);
    void deliver(Message m);
    wire::SyncReply told_by(const Result<sync::Hub::Asked>& asked, const std::string& answer);
    void note_reply(const wire::SyncReply& reply);
    Result<std::string> answer_of(Machine& h, const std::string& request);
    void hub_receives(const Message& m);
    void machine_receives(const Message& m);
    void deliver_through(std::int64_t until_ms);

    int pick(int n) { return random_.pick(n); }
    bool one_in(int n) { return random_.one_in(n); }
    Machine& hub() { return *machines_.front(); }
    Machine& some_machine() { return *machines_[static_cast<std::size_t>(pick(static_cast<int>(machines_.size())))]; }
    void note(const std::string& what);
    void know_author(Machine& m);
    void saved(Machine& m, const std::vector<CommitId>& ids);

    bool has(Fault f) const { return plan_.has(f); }
    /// What happens next has luck of its own.
    void draw(std::uint64_t luck);

    Plan plan_;
    std::uint64_t seed_;
    Tell tell_ = Tell::nothing;
    std::vector<std::string> story_;
    bool has_begun_ = false;
    int act_ = 0;
    std::uint64_t luck_ = 0, sends_ = 0;
    reference::Random random_;
    std::int64_t now_ms_ = 1'761'955'200'000;  // 2025-11-01
    bool with_ledger_ = false, with_copies_ = false, with_renewals_ = false, with_relays_ = false, with_tiers_ = false,
         with_moves_ = false, with_older_ = false, with_contents_ = false, heavy_ = false, calm_ = false,
         with_rogues_ = false, with_false_relay_ = false, with_thefts_ = false, with_hard_times_ = false;
    int catalog_version_ = 1;
    std::vector<std::unique_ptr<Machine>> machines_;
    struct Backup {
        support::SimDisk::Snapshot disk;
        std::vector<CommitId> saved;
        int upstream;
        std::uint64_t control;
        std::string unit;
        std::vector<Hash> kept;
        support::MemoryBlobs blobs;
    };
    std::map<int, Backup> backups_;
    std::vector<Row> rows_;
    std::map<Hash, std::string> contents_;  ///< everything that was ever attached
    std::set<ReplicaId> bad_authors_;       ///< whose owner lies, or a thief
    std::vector<std::string> pocket_;       ///< bundles that nobody imported yet, or somebody did
    std::map<std::pair<std::int64_t, std::uint64_t>, Message> in_flight_;
    std::uint64_t serial_ = 0;
    Reading reading_;
    Checks checks_{reading_};
    Hasher trace_;
    Figures figures_;
};

}  // namespace taizhang::sim
