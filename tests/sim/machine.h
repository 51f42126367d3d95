// machine.h - one computer of the simulated city: its disk, its clock, its programs.
//
// Number 0 is the city's hub; relays are hubs to those below and devices of the hub above; the rest are devices. What a
// machine was told to be saved is remembered here, outside its disk, to be asked for later.
#pragma once

#include "files/contents.h"
#include "sync/hub.h"
#include "sync/session.h"
#include "tests/sim/blobs.h"
#include "tests/support/reference_fold.h"
#include "tests/support/sim_disk.h"

#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace taizhang::sim {

/// A broken invariant ends the world; caught in main only.
struct Violation : std::runtime_error {
    Violation(std::string name, const std::string& what) : std::runtime_error(what), invariant(std::move(name)) {}
    std::string invariant;
};
[[noreturn]] inline void violated(const std::string& invariant, const std::string& what) {
    throw Violation(invariant, what);
}

class Machine {
public:
    Machine(int at, std::string of_unit, Level of_level, std::uint64_t seed, const std::int64_t& virtual_ms);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// Starts the program: opens the database, and the hub where there is one. The disk is to be on.
    Result<> open();
    /// Ends it, orderly or after the disk has gone.
    void close();
    bool is_up() const { return replica != nullptr; }
    std::string name() const { return "#" + std::to_string(number) + " " + unit; }

    bool is_hub() const { return number == 0 || is_relay; }
    /// Nobody lies here.
    bool is_honest() const { return !is_rogue && !is_stolen && !is_false; }
    /// Takes part when the faults have stopped.
    bool is_present() const { return !is_revoked && !is_gone; }

    int number;
    std::string unit;
    Level level;
    bool is_relay = false;
    bool is_rogue = false;    ///< its owner also sends what the program would not
    bool is_stolen = false;   ///< the same, by a thief
    bool is_false = false;    ///< a relay that changes what passes through it
    bool is_revoked = false;  ///< the city knows that it was stolen
    bool is_gone = false;     ///< switched off for good
    Knows knows;              ///< an older program, until it is upgraded
    int upstream = 0;         ///< number of the machine that is its hub
    std::unique_ptr<support::SimDisk> disk;
    Keys keys;    ///< in a file beside the database; a copied PC has the same
    Blobs blobs;  ///< of contents, on the same disk
    std::unique_ptr<Replica> replica;
    std::unique_ptr<files::Contents> contents;
    std::unique_ptr<sync::Hub> hub;
    std::int64_t clock_error_ms = 0;  ///< what this PC's clock is wrong by
    bool has_dead_battery = false;    ///< each start begins in 1970
    std::int64_t born_ms = 0, boot_ms = 0, start_again_ms = 0;
    std::int64_t away_until_ms = 0;  ///< no link to the hub before
    bool is_enrolled = false;
    bool may_have_forgotten = false;  ///< a hub that was put back from a backup: who enrolled since is a stranger
    bool needs_power_cut = false;     ///< a sync failed: what the cache shows may never reach the disk

    // The conversation at hand.
    std::unique_ptr<sync::Session> session;
    std::uint64_t awaits = 0;     ///< the request whose answer is awaited; 0: none
    std::uint64_t disk_life = 0;  ///< changes when the disk becomes an older one: older answers are not for it
    std::vector<std::string> old_requests, old_replies;
    std::string last_request;              ///< of those that came to this hub
    bool heard_spoiled = false;            ///< in this session
    std::vector<std::string> old_answers;  ///< a false relay's

    // What its hub has acknowledged, all of a request at once, and this machine has taken note of.
    std::set<Hash> acknowledged;
    std::pair<int, std::uint64_t> acknowledged_by{-1, 0};  ///< number and disk life of that hub
    std::vector<Hash> brought;                             ///< by the request at hand, as far as it was acknowledged

    std::uint64_t starts = 0;     ///< of the program
    std::vector<Hash> kept;       ///< contents that were said to be saved
    std::vector<CommitId> saved;  ///< what edit() said was saved, and this disk must hold

private:
    const std::int64_t& virtual_ms_;
    std::uint64_t random_;
};

}  // namespace taizhang::sim
