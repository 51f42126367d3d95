// session.h - a branch's device, its neighbour and the city's hub, each on a disk of its own, and what befalls them.
//
// A session is a row of steps: one canonical row in which everything happens that writes to a disk, and random ones by
// seed. What a machine has said to be saved is remembered outside its disk. At any moment the disks can be taken over
// into another session, as they are.
#pragma once

#include "tests/support/reference_fold.h"
#include "tests/support/sim_disk.h"
#include "tests/support/world.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace taizhang::proof {

inline constexpr const char* kDatabase = "ledger.db";
enum class Who : std::uint8_t { device, hub, neighbour };
inline constexpr std::size_t kMachines = 3;

/// What was said of a chain: it is on this disk up to there.
struct Promise {
    StreamId stream;
    ReplicaId replica;
    Seq seq;
    Hash hash;
};

class Session {
public:
    enum class Step : std::uint8_t {
        enrol,       ///< with the first sync
        create,      ///< a record, by the device
        edit,        ///< of one field group
        large,       ///< an edit of some pages
        batch,       ///< several records and a step of a workflow in one commit
        group,       ///< several batches that share one wait for the disk
        sync,        ///< both ways
        news,        ///< by the neighbour, through the hub to the device
        conflict,    ///< both write one field; then everybody syncs
        settle,      ///< the device decides what is open
        city_edit,   ///< the city writes into the branch's records
        checkpoint,  ///< the city's: signed, said to be backed up; then a sync
        drop,        ///< the device drops old history
        bundle,      ///< a stick from the neighbour to the device, and the receipt back
        copy_out,    ///< SQLite's log is copied into the database, as it is when it has grown
        truncate,    ///< the same, and the log is cut
        restart,     ///< of the device
        restart_hub,
        catalog,  ///< a new version: other columns
    };
    static std::vector<Step> canonical();
    static std::vector<Step> random(std::uint64_t seed);
    static const char* name_of(Step step);

    /// Disks and clocks of all three between two steps.
    struct State {
        std::array<support::SimDisk::Snapshot, kMachines> disks;
        support::Device::Clock clock;
        int rows = 0, words = 0, catalog = 1;
        bool neighbour_enrolled = false;
    };

    /// A city that was founded. Device and neighbour begin with the first step, on empty disks.
    explicit Session(std::uint64_t seed);
    /// Goes on where another one was. The seed stands for the devices' own randomness.
    Session(const State& state, std::uint64_t seed);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    State state() const;
    /// Throws std::runtime_error with what the program said.
    void run(Step step);
    void close();

    support::SimDisk& disk(Who who) { return *disks_[index(who)]; }
    support::Device& machine(Who who) { return *machines_[index(who)]; }
    const support::Device::Clock& clock() const { return clock_; }
    const std::vector<Promise>& promises(Who who) const { return promises_[index(who)]; }

    /// The keys beside the disk of each.
    static Keys keys_of(Who who);
    /// Enrols if need be, and syncs until nothing is left to be sent. Throws what the program said.
    static void settle(support::Device& device, sync::Hub& hub);

private:
    static std::size_t index(Who who) { return static_cast<std::size_t>(who); }
    void open(Who who, std::uint64_t seed);
    void open_devices();
    void open_hub();
    void promise(Who who, const std::vector<CommitId>& ids);
    void promise_all(Who who);
    void sync(Who who);
    void write(Who who, std::vector<Edit> edits);
    Edit edit_of(const std::string& row, std::vector<std::pair<std::string, Value>> fields);
    std::string some_row() const;
    std::string word();
    void create();
    void batch();
    void group();
    void conflict();
    void decide();
    void checkpoint();
    void bundle();
    void copy_out();

    std::array<std::unique_ptr<support::SimDisk>, kMachines> disks_;
    std::array<std::unique_ptr<support::Device>, kMachines> machines_;
    std::unique_ptr<sync::Hub> hub_;
    std::array<std::vector<Promise>, kMachines> promises_;
    support::Device::Clock clock_;
    int rows_ = 0, words_ = 0, catalog_ = 1;
    bool neighbour_enrolled_ = false;
    std::uint64_t seed_;
};

}  // namespace taizhang::proof
