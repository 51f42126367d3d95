// upkeep.h - what a serving node does by itself, without anybody asking.
//
// The city signs a checkpoint once a day; a device drops history that the city's backup holds and that is older than
// anybody looks at. A city of twelve thousand branches needs a minute and more for it: it goes in pieces, and whoever
// asks something meanwhile waits for one piece. Threads: store thread only.
#pragma once

#include "node/node.h"

#include <span>
#include <vector>

namespace taizhang::api {

/// How often a serving node asks whether something is due.
inline constexpr std::chrono::minutes kUpkeepEvery{60};

/// One round of it.
class Upkeep {
public:
    explicit Upkeep(bool is_hub) : is_hub_(is_hub) {}
    /// A piece of what is due. True: nothing is left of this round.
    Result<bool> some(node::Node& node);
    /// For the log, when the round did something; empty otherwise.
    const std::string& line() const { return line_; }

private:
    Result<bool> sign_some(Replica& r);

    bool is_hub_;
    bool has_begun_ = false;
    std::vector<StreamId> streams_;  ///< to be signed
    std::size_t at_ = 0, written_ = 0;
    std::string line_;
};

}  // namespace taizhang::api
