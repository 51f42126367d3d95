// toml_text.h - what a text must be before the TOML reader sees it.
#pragma once

#include <optional>
#include <string_view>

namespace taizhang {

/// The line (from 1) of the first byte outside ASCII that stands in no string and no comment; none: there is none.
/// TOML 1.0 allows them nowhere else, and toml++ 3.3 does not survive some of them: it reaches a
/// __builtin_unreachable while it looks whether they are blanks. A byte order mark at the very beginning is allowed.
std::optional<int> line_of_stray_letter(std::string_view toml);

}  // namespace taizhang
