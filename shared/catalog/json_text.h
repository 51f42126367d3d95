// json_text.h - what a field of type json says, without the escapes of its notation: a character that has no place in a
// text, or a marking, must not come in as \u0007 or 秘\u5bc6★.
//
// Entry only, like marking.h: what was admitted elsewhere is judged by the catalog, which does not look into JSON.
// Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace taizhang {

/// The text with each escape of a JSON string as the character that it means, and \r as the end of a line that it is.
/// In a text that does not begin as a JSON list, object or string a backslash is a backslash.
std::string without_json_escapes(std::string_view text);

}  // namespace taizhang
