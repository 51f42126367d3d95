// hot_paths.h - one path of the engine at a time, for a counter of instructions: tests/bench/instructions.py.
//
// A machine that others use gives no two equal times; the number of instructions of a path is the same to a few in a
// thousand, so that a change of one in a hundred shows.
#pragma once

#include "workload.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace taizhang::bench {

struct HotPath {
    const char* name;
    const char* unit;  ///< what one is counted of
    /// In `dir`, which is empty. Prepares, calls run_hot() around what is to be counted, and gives how many units that
    /// was. Throws what went wrong.
    std::size_t (*run)(const Workload& workload, const std::filesystem::path& dir);
};

const std::vector<HotPath>& hot_paths();

}  // namespace taizhang::bench
