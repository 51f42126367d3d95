// run.h - one world run to its end or to its failure, and a failing one made small.
#pragma once

#include "tests/sim/world.h"

#include <functional>
#include <optional>
#include <string>

namespace taizhang::sim {

struct Failure {
    std::string invariant, what;
};
struct Outcome {
    std::optional<Failure> failure;
    std::string trace;  ///< of a world that held
    int acts = 0;       ///< that began
    std::vector<std::string> story;
};
/// Never throws.
Outcome run_world(const Plan& plan, Figures& figures, World::Tell tell = World::Tell::nothing);

struct Shrunk {
    Plan plan;
    Failure failure;
    std::vector<std::string> story;
    int runs = 0;
};
/// The least that still breaks the same invariant, as far as `may_go_on` lets it look: an earlier end, whole kinds of
/// trouble left out, then acts left out, half of them at first and one by one at last.
Shrunk shrink(const Plan& plan, const Failure& failure, int acts, const std::function<bool()>& may_go_on);

/// For people: what was left out, what happened, what does not hold.
std::string tell(const Shrunk& s);

}  // namespace taizhang::sim
