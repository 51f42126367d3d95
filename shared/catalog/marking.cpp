#include "catalog/marking.h"

#include <algorithm>
#include <array>

namespace taizhang {
namespace {

template <std::size_t N>
bool starts_with_any(std::string_view s, const std::array<std::string_view, N>& list, std::size_t& length) {
    for (const auto& x : list)
        if (s.starts_with(x)) {
            length = x.size();
            return true;
        }
    return false;
}

template <std::size_t N>
bool ends_with_any(std::string_view s, const std::array<std::string_view, N>& list) {
    return std::any_of(list.begin(), list.end(), [&](const auto& x) { return s.ends_with(x); });
}

constexpr std::array<std::string_view, 3> kBlanks = {" ", "\t", "\u3000"};
constexpr std::array<std::string_view, 6> kStars = {"★", "☆", "*", "＊", "✩", "⭐"};
constexpr std::array<std::string_view, 13> kOpening = {"【", "[",  "〔", "［", "(",  "（", "<",
                                                       "〈", "「", "『", "{",  "\"", "“"};
constexpr std::array<std::string_view, 13> kClosing = {"】", "]",  "〕", "］", ")",  "）", ">",
                                                       "〉", "」", "』", "}",  "\"", "”"};
constexpr std::array<std::string_view, 9> kBreaks = {"\n", "\r", ":", "：", "|", "｜", ";", "；", "　"};
constexpr std::string_view kSecret = "密";

/// The next 密 from `at` on. Looked for by its second byte: most of what is written begins with the first one, and this
/// runs over every text that anybody saves.
std::size_t find_secret(std::string_view s, std::size_t at) {
    for (auto mid = s.find(kSecret[1], at + 1); mid != std::string_view::npos; mid = s.find(kSecret[1], mid + 1))
        if (s.substr(mid - 1, kSecret.size()) == kSecret) return mid - 1;
    return std::string_view::npos;
}

/// Where the blanks before `at` begin.
std::size_t blanks_before(std::string_view s, std::size_t at) {
    for (bool more = true; more;) {
        more = false;
        for (const auto& b : kBlanks)
            if (s.substr(0, at).ends_with(b)) {
                at -= b.size();
                more = true;
            }
    }
    return at;
}

std::size_t blanks_after(std::string_view s, std::size_t at) {
    for (std::size_t n = 0; starts_with_any(s.substr(at), kBlanks, n);) at += n;
    return at;
}

struct Word {
    std::size_t begin = 0, end = 0;
    bool top = false;     ///< 绝密
    bool spaced = false;  ///< 秘 密
};

/// The level word whose second character stands at `at`.
bool word_at(std::string_view s, std::size_t at, Word& w) {
    const auto first = blanks_before(s, at);
    for (const std::string_view c : {"绝", "机", "秘"}) {
        if (!s.substr(0, first).ends_with(c)) continue;
        w = {first - c.size(), at + kSecret.size(), c == "绝", first != at};
        return true;
    }
    return false;
}

bool is_marking(std::string_view s, const Word& w) {
    const auto left_end = blanks_before(s, w.begin);
    auto right = blanks_after(s, w.end);
    // 秘密级★…, 机密级: the same as without.
    constexpr std::string_view kLevel = "级";
    if (s.substr(right).starts_with(kLevel)) {
        const auto behind = blanks_after(s, right + kLevel.size());
        std::size_t n = 0;
        if (behind == s.size() || starts_with_any(s.substr(behind), kStars, n) ||
            starts_with_any(s.substr(behind), kClosing, n) || starts_with_any(s.substr(behind), kBreaks, n))
            right = behind;
    }
    const auto left = s.substr(0, left_end), rest = s.substr(right);
    std::size_t n = 0;
    if (starts_with_any(rest, kStars, n)) return true;
    const bool colon = left.ends_with(":") || left.ends_with("：");
    if (colon && (s.substr(0, left_end).find("密级") != std::string_view::npos)) return true;
    const bool edge_left = left.empty() || left_end != w.begin || ends_with_any(left, kBreaks);
    const bool edge_right = rest.empty() || right != w.end || starts_with_any(rest, kBreaks, n);
    if (edge_left && edge_right) return true;
    if (ends_with_any(left, kOpening) && starts_with_any(rest, kClosing, n)) return true;
    if (!w.top) return false;
    if (left.ends_with("、") || rest.starts_with("、")) return false;
    const auto open = left.rfind("《"), close = left.rfind("》");
    const bool in_title = open != std::string_view::npos && (close == std::string_view::npos || close < open);
    return !in_title && !w.spaced;
}

}  // namespace

std::string secrecy_marking(std::string_view text) {
    for (auto at = find_secret(text, 0); at != std::string_view::npos; at = find_secret(text, at + kSecret.size())) {
        Word w;
        if (!word_at(text, at, w) || !is_marking(text, w)) continue;
        auto end = w.end;
        std::size_t star = 0;
        if (starts_with_any(text.substr(end), kStars, star)) end += star;
        return std::string(text.substr(w.begin, end - w.begin));
    }
    return {};
}

}  // namespace taizhang
