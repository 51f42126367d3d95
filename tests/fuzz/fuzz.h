// fuzz.h - what the fuzz targets share. Each reads bytes that come from outside; what it must never do is crash, hang,
// take more memory than its cap, or read one thing in two ways.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace taizhang::fuzz {

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

inline void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace taizhang::fuzz
