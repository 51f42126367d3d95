// upkeep.h - what a serving node does by itself, without anybody asking.
//
// The city signs a checkpoint once a day; a device drops history that the city's backup holds and that is older than
// anybody looks at. Threads: store thread only.
#pragma once

#include "node/node.h"

namespace taizhang::api {

/// How often a serving node asks whether something is due.
inline constexpr std::chrono::minutes kUpkeepEvery{60};

/// Does what is due; one line for the log when something was done, empty otherwise.
Result<std::string> upkeep(node::Node& node, bool is_hub);

}  // namespace taizhang::api
