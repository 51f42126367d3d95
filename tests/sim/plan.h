// plan.h - what a world leaves out of what its seed gives it, so that a failing one can be made small.
//
// Every act draws its own luck from the seed and its number: leaving some out changes nothing about the others but what
// follows from what they did.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <set>

namespace taizhang::sim {

inline constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour,
                              kYear = 365 * kDay;  ///< in milliseconds

enum class Fault : std::uint8_t {
    power,
    disk,
    links,
    clocks,
    restarts,
    sticks,
    bundles,
    copies,
    restores,
    catalogs,
    tree,
    renewals,
    relays,
    tiers,
    contents,
    older_programs,
    ledger,
    long_texts,
    checkpoints,
    drops,
    more_devices,
    absences,
    decisions,
    rogues,
    false_relays,
    thefts,
    hard_times,
    count
};
inline constexpr std::array<const char*, static_cast<std::size_t>(Fault::count)> kFaultNames = {
    "power cuts",       "disk errors",    "lost and doubled messages",
    "wrong clocks",     "restarts",       "sticks",
    "bundles",          "copied PCs",     "restored PCs",
    "catalog upgrades", "moves of units", "hub renewals",
    "relays",           "a third tier",   "attachments",
    "older programs",   "the ledger",     "long texts",
    "checkpoints",      "dropped logs",   "further devices",
    "absences",         "decisions",      "rogue devices",
    "false relays",     "thefts",         "hard times"};

struct Plan {
    std::uint64_t seed = 0;
    std::uint32_t off = 0;                       ///< by Fault
    std::set<int> skipped;                       ///< acts that do not happen
    int acts = std::numeric_limits<int>::max();  ///< then everything comes to rest

    bool has(Fault f) const { return (off >> static_cast<int>(f) & 1) == 0; }
};

}  // namespace taizhang::sim
