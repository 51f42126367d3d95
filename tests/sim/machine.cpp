#include "tests/sim/machine.h"

#include "tests/support/late_worker.h"
#include "tests/support/world.h"

#include <chrono>

namespace taizhang::sim {

Machine::Machine(int at, std::string of_unit, Level of_level, std::uint64_t seed, const std::int64_t& virtual_ms)
    : number(at),
      unit(std::move(of_unit)),
      level(of_level),
      disk(std::make_unique<support::SimDisk>(seed)),
      blobs(*disk),
      virtual_ms_(virtual_ms),
      random_(reference::mix(seed ^ 0x5eedu)) {
    born_ms = virtual_ms;
    keys.device = support::make_key(seed);
    if (number == 0) keys.root = support::make_key(~seed);
}

Machine::~Machine() { close(); }

Result<> Machine::open() {
    boot_ms = virtual_ms_;
    disk->set_time(std::chrono::milliseconds(virtual_ms_));
    Environment env;
    env.wall_ms = [this] { return virtual_ms_ + clock_error_ms; };
    env.steady_ms = [this] { return virtual_ms_ - boot_ms; };
    env.random = [this](std::span<std::uint8_t> out) {
        for (auto& b : out) b = static_cast<std::uint8_t>((random_ = reference::mix(random_)) >> 24);
    };
    // Every other start: what a second core does is done at the last moment, else at once.
    if ((starts + static_cast<std::uint64_t>(number)) % 2 == 1) env.worker = std::make_shared<support::LateWorker>();
    Replica::Options options;
    options.path = "ledger.db";
    options.vfs = disk->vfs_name();
    options.knows = knows;
    options.keys = keys;
    // Every third start: little room, so that rows' values go back to the log and are fetched again, and pages of a
    // transaction go to SQLite's log before it ends.
    const bool is_narrow = (starts + static_cast<std::uint64_t>(number)) % 3 == 1;
    if (is_narrow) options.rows_at_hand = 24, options.bytes_at_hand = 2048;
    auto opened = Replica::open(options, env);
    if (!opened) return std::move(opened).error();
    if (is_narrow) TRY_VOID((*opened)->database().exec("PRAGMA cache_size = 10"));
    if (is_hub()) {
        auto h = sync::Hub::open(**opened);
        if (!h) return std::move(h).error();
        hub = std::make_unique<sync::Hub>(std::move(*h));
    }
    replica = std::move(*opened);
    contents = std::make_unique<files::Contents>(*replica, blobs);
    ++starts;
    return {};
}

void Machine::close() {
    session.reset();
    awaits = 0;
    hub.reset();
    contents.reset();
    replica.reset();
}

}  // namespace taizhang::sim
