// campaign.h - a long simulation in parts that add up, kept in one JSON file.
//
// The file is written after every world, whole or not at all, so a part may be ended at any moment; the next one goes
// on with the world after. Worlds that failed are named with their revision, and their stories lie beside the file.
#pragma once

#include "tests/sim/world.h"

#include <string>
#include <vector>

namespace taizhang::sim {

struct Campaign {
    struct Failed {
        std::uint64_t world = 0;
        std::string invariant, what, revision;
    };
    struct Part {
        std::string revision;
        std::uint64_t worlds = 0, machine_days = 0, commits = 0;
    };
    std::uint64_t seed = 1, next = 0;  ///< the number of the next world
    Figures total;                     ///< of the worlds that held
    std::vector<Part> revisions;       ///< in the order in which they ran
    std::vector<Failed> failed;

    std::uint64_t failures_of(const std::string& kind) const;
};

/// A new one where there is no such file. Throws std::runtime_error with one line.
Campaign load_campaign(const std::string& path, std::uint64_t seed);
void save_campaign(const std::string& path, const Campaign& c);

}  // namespace taizhang::sim
