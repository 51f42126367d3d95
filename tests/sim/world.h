// world.h - one simulated city for some weeks of virtual time, from one seed.
//
// A hub at the city, some devices in each unit, people who write, a network that
// loses, doubles, reorders and delays, power that goes at any write. The core's own
// objects run in one thread; nothing but the seed decides what happens. At the end
// the faults stop, everybody syncs, and everything is compared.
#pragma once

#include "tests/sim/checks.h"
#include "tests/sim/machine.h"
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
                  tree_changes = 0, states_refused = 0, hand_written = 0, decisions = 0, transitions = 0,
                  refused_edits = 0, upgrades = 0, renewals = 0, moves_of_hub = 0, hub_restores = 0, enrolments = 0,
                  older_programs = 0, program_upgrades = 0, reinstalled = 0, rows_compared = 0, lines_compared = 0,
                  lines = 0;
    void add(const Figures& other);
};

class World {
public:
    /// `tell`: everything that happens goes to standard error, a line each.
    explicit World(std::uint64_t seed, bool tell = false);
    /// Throws Violation.
    void run();
    const Figures& figures() const { return figures_; }
    /// Over everything that happened, in order.
    std::string trace_hash() { return trace_.finish().hex(); }
    static int days_of(std::uint64_t seed);

private:
    friend class Author;
    enum class Kind : std::uint8_t { request, reply, timeout };
    struct Message {
        Kind kind;
        int machine;           ///< the device's number
        int hub;               ///< its hub's
        std::uint64_t number;  ///< of the request
        std::uint64_t disk_life;
        std::string bytes;
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
    void check_everything();
    void redeliver_everything();

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
    void restore_backup(Machine& m);
    void carry_stick(Machine& from, Machine& to);
    void carry_bundle(Machine& from, Machine& to);
    void sign_checkpoints();
    void drop_old(Machine& m);
    void change_tree();
    void follow_tree(Machine& m);
    void upgrade_catalog();
    void add_unit();
    void add_device();
    void go_away(Machine& m);
    void renew_hub();
    void change_hub(Machine& m);
    void enrol(Machine& m);

    // network.cpp
    void send(std::int64_t delay_ms, Message m);
    std::int64_t some_delay();
    void begin_sync(Machine& m);
    void send_request(Machine& m);
    void deliver(Message m);
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

    std::uint64_t seed_;
    bool tell_ = false;
    reference::Random random_;
    std::int64_t now_ms_ = 1'761'955'200'000;  // 2025-11-01
    bool with_ledger_ = false, with_copies_ = false, with_renewals_ = false, with_relays_ = false, with_tiers_ = false,
         with_moves_ = false, with_older_ = false, heavy_ = false, calm_ = false;
    int catalog_version_ = 1;
    std::vector<std::unique_ptr<Machine>> machines_;
    struct Backup {
        support::SimDisk::Snapshot disk;
        std::vector<CommitId> saved;
        int upstream;
        std::uint64_t control;
        std::string unit;
    };
    std::map<int, Backup> backups_;
    std::vector<Row> rows_;
    std::vector<std::string> pocket_;  ///< bundles that nobody imported yet, or somebody did
    std::map<std::pair<std::int64_t, std::uint64_t>, Message> in_flight_;
    std::uint64_t serial_ = 0;
    Reading reading_;
    Checks checks_{reading_};
    Hasher trace_;
    Figures figures_;
};

}  // namespace taizhang::sim
