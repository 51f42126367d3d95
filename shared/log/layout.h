// layout.h - the constants of a commit's bytes; the layout itself is schema/COMMIT.md.
//
// For those who walk the bytes: commit.cpp, and wire/runs.cpp, which says them shorter.
#pragma once

#include <cstddef>
#include <cstdint>

namespace taizhang::layout {

inline constexpr std::uint8_t kFlagTimeUnverified = 1;

// A part's tag.
inline constexpr std::uint8_t kOpMask = 0x03;  // op + 1
inline constexpr std::uint8_t kBaseNone = 0x00, kBaseOne = 0x04, kBaseMany = 0x08, kBaseSame = 0x0c, kBaseMask = 0x0c;
inline constexpr std::uint8_t kReviewed = 0x10, kLoneField = 0x20;

inline constexpr std::size_t kNamesMax = 512, kNameMax = 64, kUnitMax = 64, kPersonMax = 64;

}  // namespace taizhang::layout
