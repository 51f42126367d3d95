#include "node/environment.h"

#include "ledger/times.h"

#include <sodium.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

namespace taizhang::node {
namespace {

std::int64_t system_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::int64_t clock_ms(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

}  // namespace

// Goes on while the PC sleeps, so that time asleep counts as elapsed.
std::int64_t uptime_ms() { return clock_ms(CLOCK_BOOTTIME); }
std::int64_t slept_ms() { return clock_ms(CLOCK_BOOTTIME) - clock_ms(CLOCK_MONOTONIC); }

bool is_trial_clock() {
    const char* now = std::getenv("TAIZHANG_NOW");
    return now && *now;
}

Result<Environment> real_environment() {
    Environment env;
    env.wall_ms = system_ms;
    env.steady_ms = uptime_ms;
    env.worker = make_worker_thread();
    env.random = [](std::span<std::uint8_t> out) { randombytes_buf(out.data(), out.size()); };
    if (is_trial_clock()) {
        const auto start = ledger::parse_time_seconds(std::getenv("TAIZHANG_NOW"));
        if (!start) return fail(Errc::usage, "TAIZHANG_NOW: " + start.error().detail);
        const auto began = uptime_ms();
        env.wall_ms = [ms = *start * 1000, began] { return ms + uptime_ms() - began; };
    }
    return env;
}

}  // namespace taizhang::node
