// world.h - a small city for tests: a tree, the real catalog, replicas and hubs in memory.
//
// C (city) over K1 (county) over K1-01 (township) over B01, B02 (branches); C-DJB is
// a department of the city. The hub is at C. Time stands still until a test moves it.
#pragma once

#include "sync/hub.h"
#include "sync/session.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace taizhang::support {

std::string read_file(const std::string& path);
std::string ledger_catalog();
/// The same without what an older program cannot read.
std::string catalog_for_all_programs();

/// What stands behind one device: its disk is `path` (":memory:" by default), its clock its own.
class Device {
public:
    struct Clock {
        std::int64_t wall_ms = 1'761'955'200'000;  // 2025-11-01
        std::int64_t steady_ms = 0;
    };
    Device(std::uint64_t seed, std::string path = ":memory:", std::string vfs = {}, Knows what = {}, Keys with = {});
    /// Closes and opens again, as a program does that was started anew. Errors end the test.
    void reopen();
    Result<> try_open();

    Replica& operator*() { return *replica; }
    Replica* operator->() { return replica.get(); }

    /// One commit; throws what went wrong.
    std::vector<CommitId> edit(Edit e, const std::string& person = {});
    std::vector<CommitId> set(const std::string& entity, const std::string& row,
                              std::vector<std::pair<std::string, Value>> fields);
    std::vector<CommitId> act(const std::string& entity, const std::string& row, const std::string& transition,
                              std::vector<std::pair<std::string, Value>> arguments = {});
    std::string field(const std::string& row, const std::string& name);
    std::string state(const std::string& row);

    Clock clock;
    Knows knows;  ///< from the next reopen() on: an older program, or a newer one
    Keys keys;    ///< what lies beside the disk
    std::unique_ptr<Replica> replica;

private:
    std::uint64_t random_;
    std::string path_, vfs_;
};

/// What `from` has of a chain, with the signatures that stand under it, as a stick brings it.
Result<std::vector<Replica::Received>> carry(Replica& from, Replica& to, const StreamId& stream,
                                             const ReplicaId& author);

/// A key from a seed.
std::shared_ptr<const trust::Key> make_key(std::uint64_t seed, std::uint8_t suite = trust::kDefaultSuite);

/// Writes the beginning of the city's log: a title, the catalog, the units, its own certificate. Throws what went
/// wrong.
void found_city(Device& city, const std::string& catalog, const std::string& title);

/// An assignment of that unit's, written by the city.
void new_assignment(Device& city, const std::string& id, const std::string& task, const std::string& unit,
                    const std::string& state = "办理中");

/// A city's hub with its control log and the tree above.
class World {
public:
    explicit World(const std::string& catalog = ledger_catalog(), const std::string& title = "test");
    /// A device of that unit, enrolled and synced.
    std::unique_ptr<Device> device(const std::string& unit);
    /// The same, enrolled at that hub; throws what went wrong.
    std::unique_ptr<Device> device_at(sync::Hub& at, const std::string& unit);
    /// Goes over to another hub with its data.
    static void enrol_at(sync::Hub& at, Device& d, const std::string& unit);
    /// Throws what went wrong. Gives the number of round trips.
    int sync(Device& d) { return sync(d, *hub); }
    static int sync(Device& d, sync::Hub& at) {
        return sync(d, at, [] {});
    }
    /// `answered` is called when the hub has made an answer and the device has not seen it.
    static int sync(Device& d, sync::Hub& at, const std::function<void()>& answered);
    void new_assignment(const std::string& id, const std::string& task, const std::string& unit,
                        const std::string& state = "办理中") {
        support::new_assignment(city, id, task, unit, state);
    }

    Device city;
    std::unique_ptr<sync::Hub> hub;

private:
    std::uint64_t next_seed_ = 100;
};

inline Value text(std::string s) { return Value::text(std::move(s)); }
inline Value number(const char* s) { return Value::number(*Decimal::parse(s)); }

}  // namespace taizhang::support
