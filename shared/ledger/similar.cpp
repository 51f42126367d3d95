#include "ledger/similar.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace taizhang::ledger {
namespace {

/// Letters, digits and characters of words, as code points; malformed bytes count as themselves.
std::vector<std::uint32_t> letters(std::string_view s) {
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < s.size();) {
        const auto lead = static_cast<unsigned char>(s[i]);
        const std::size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        std::uint32_t c = n == 1 ? lead : lead & (0xffu >> (n + 1));
        for (std::size_t k = 1; k < n && i + k < s.size(); ++k)
            c = c << 6 | (static_cast<unsigned char>(s[i + k]) & 63);
        i += n;
        const bool is_ascii_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_punctuation = (c >= 0x2000 && c <= 0x206f) || (c >= 0x3000 && c <= 0x303f) ||
                                    (c >= 0xff00 && c <= 0xff0f) || (c >= 0xff1a && c <= 0xff20) ||
                                    (c >= 0xff3b && c <= 0xff40) || (c >= 0xff5b && c <= 0xff65);
        if (is_ascii_word || (c >= 0x80 && !is_punctuation)) out.push_back(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return out;
}

std::vector<std::uint64_t> pairs(std::string_view s) {
    const auto l = letters(s);
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i + 1 < l.size(); ++i) out.push_back(std::uint64_t{l[i]} << 32 | l[i + 1]);
    if (l.size() == 1) out.push_back(l[0]);
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

double similarity(std::string_view a, std::string_view b) {
    const auto x = pairs(a), y = pairs(b);
    if (x.empty() || y.empty()) return 0;
    std::vector<std::uint64_t> both;
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
    return 2.0 * static_cast<double>(both.size()) / static_cast<double>(x.size() + y.size());
}

}  // namespace taizhang::ledger
