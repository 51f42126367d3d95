// envelope.h - what a message's body travels in: one byte that says how, then the body.
//
// 0: as it is. 1…127: a zstd frame with the dictionary of that number
// (log/dictionary.h). The shorter of the two is chosen. Others are refused.
// Threads: any.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace taizhang::wire {

/// A body unfolded. Higher: more memory for a hostile message; lower: the first sync of a large unit takes more trips.
inline constexpr std::size_t kBodyBytesMax = 24u << 20;

/// Appends to `out`.
void put_in_envelope(std::string_view body, std::string& out);

/// Errc::protocol. Nothing larger than kBodyBytesMax is ever allocated.
Result<> open_envelope(std::string_view envelope, std::string& body);

}  // namespace taizhang::wire
