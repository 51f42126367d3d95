// bootstrap.h - how long a new PC of a township needs to begin, beside copying the same rows into plain SQLite.
#pragma once

#include <cstddef>
#include <filesystem>

namespace taizhang::bench {

/// In `dir`, made when needed. Throws what went wrong.
void print_bootstrap(std::size_t runs, const std::filesystem::path& dir);

}  // namespace taizhang::bench
