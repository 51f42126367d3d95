#include "catalog/json_text.h"

#include <cstdint>
#include <optional>

namespace taizhang {
namespace {

std::optional<std::uint32_t> four_digits(std::string_view s) {
    if (s.size() < 4) return std::nullopt;
    std::uint32_t out = 0;
    for (const char c : s.substr(0, 4)) {
        const auto lower = static_cast<char>(c | 0x20);
        if (c >= '0' && c <= '9')
            out = out << 4 | static_cast<std::uint32_t>(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            out = out << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
        else
            return std::nullopt;
    }
    return out;
}

/// Halves of a pair are put out one by one: they are neither control characters nor part of any marking.
void put(std::string& out, std::uint32_t c) {
    const auto byte = [&](std::uint32_t b) { out.push_back(static_cast<char>(b)); };
    if (c < 0x80) return byte(c);
    if (c < 0x800)
        byte(0xc0 | c >> 6);
    else
        byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f));
    byte(0x80 | (c & 0x3f));
}

}  // namespace

std::string without_json_escapes(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    const bool is_json =
        first != std::string_view::npos && std::string_view("[{\"").find(text[first]) != std::string_view::npos;
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!is_json || text[i] != '\\' || i + 1 == text.size()) {
            out.push_back(text[i] == '\r' ? '\n' : text[i]);
            continue;
        }
        switch (const char c = text[++i]) {
            case 'n':
            case 'r': out.push_back('\n'); break;
            case 't': out.push_back('\t'); break;
            case 'b': out.push_back('\b'); break;
            case 'f': out.push_back('\f'); break;
            case 'u':
                if (const auto code = four_digits(text.substr(i + 1))) {
                    put(out, *code == '\r' ? '\n' : *code);
                    i += 4;
                    break;
                }
                [[fallthrough]];
            default: out.push_back(c);
        }
    }
    return out;
}

}  // namespace taizhang
