#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace taizhang {

std::string_view name_of(Errc code) {
    switch (code) {
        case Errc::usage: return "usage";
        case Errc::bad_input: return "bad_input";
        case Errc::not_found: return "not_found";
        case Errc::not_allowed: return "not_allowed";
        case Errc::busy: return "busy";
        case Errc::offline: return "offline";
        case Errc::protocol: return "protocol";
        case Errc::denied: return "denied";
        case Errc::disk_full: return "disk_full";
        case Errc::io: return "io";
        case Errc::foreign_data: return "foreign_data";
        case Errc::corrupt: return "corrupt";
        case Errc::internal: return "internal";
    }
    return "internal";
}

std::string to_hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const unsigned char c : bytes) {
        out.push_back(digits[c >> 4]);
        out.push_back(digits[c & 15]);
    }
    return out;
}

std::string from_hex(std::string_view hex) {
    if (hex.size() % 2 != 0) return {};
    auto nibble = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    std::string out;
    out.reserve(hex.size() / 2);
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int hi = nibble(hex[i]), lo = nibble(hex[i + 1]);
        if (hi < 0 || lo < 0) return {};
        out.push_back(static_cast<char>(hi << 4 | lo));
    }
    return out;
}

StreamId StreamId::parse(std::string_view text) {
    const auto slash = text.rfind('/');
    if (slash == std::string_view::npos) return {};
    const auto audience = text.substr(slash + 1);
    if (audience == "ledger") return {std::string(text.substr(0, slash)), Audience::ledger};
    if (audience == "notice") return {std::string(text.substr(0, slash)), Audience::notice};
    return {};
}

std::string_view name_of(Level level) {
    switch (level) {
        case Level::branch: return "branch";
        case Level::township: return "township";
        case Level::county: return "county";
        case Level::city: return "city";
        case Level::none: break;
    }
    return "none";
}

Level level_from(std::string_view name) {
    for (auto l : {Level::branch, Level::township, Level::county, Level::city})
        if (name == name_of(l)) return l;
    return Level::none;
}

static_assert(sizeof(crypto_generichash_state) <= 384);

namespace {

/// Length of the well-formed sequence at p with at most `left` bytes, 0 when there is none. RFC 3629, section 4.
std::size_t utf8_sequence(const unsigned char* p, std::size_t left) {
    const auto tail = [&](std::size_t i) { return (p[i] & 0xc0) == 0x80; };
    if (p[0] >= 0xc2 && p[0] < 0xe0) return left >= 2 && tail(1) ? 2 : 0;
    if (p[0] < 0xf0 && p[0] >= 0xe0) {
        if (left < 3 || !tail(1) || !tail(2)) return 0;
        if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
        return p[0] == 0xed && p[1] >= 0xa0 ? 0 : 3;
    }
    if (p[0] >= 0xf0 && p[0] < 0xf5) {
        if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
        if (p[0] == 0xf0 && p[1] < 0x90) return 0;
        return p[0] == 0xf4 && p[1] >= 0x90 ? 0 : 4;
    }
    return 0;
}

}  // namespace

namespace {

// Eight characters of the common CJK range, three bytes each, as three words: which bits of each byte are looked at,
// and what they have to be.
using Words = std::array<std::uint64_t, 3>;
constexpr Words words_of(unsigned char lead, unsigned char rest) {
    std::array<unsigned char, 24> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = i % 3 == 0 ? lead : rest;
    return std::bit_cast<Words>(bytes);
}
constexpr auto kMask = words_of(0xf0, 0xc0), kShape = words_of(0xe0, 0x80), kLow = words_of(0x0f, 0),
               kThree = words_of(0x03, 0), kCarry = words_of(0x10, 0);
constexpr std::uint64_t kNotAscii = 0x8080808080808080;

/// Whether all of them lead with e1 to ec, where no continuation needs a second look.
bool are_cjk(const Words& w) {
    for (std::size_t i = 0; i < w.size(); ++i) {
        const auto low = w[i] & kLow[i];  // 1 to 12: below 13, and not 0
        const bool fits = (w[i] & kMask[i]) == kShape[i] && ((low + kThree[i]) & kCarry[i]) == 0 &&
                          ((low + kLow[i]) & kCarry[i]) == kCarry[i];
        if (!fits) return false;
    }
    return true;
}

}  // namespace

bool is_utf8(std::string_view s) {
    const auto* p = reinterpret_cast<const unsigned char*>(s.data());
    const auto* const end = p + s.size();
    while (p != end) {
        // Text is mostly Chinese, ids and dates ASCII: these two without looking further, long runs of them by words.
        Words w;
        while (static_cast<std::size_t>(end - p) >= sizeof w) {
            std::memcpy(w.data(), p, sizeof w);
            if ((w[0] & kNotAscii) == 0)
                p += sizeof w[0];
            else if (are_cjk(w))
                p += sizeof w;
            else
                break;
        }
        if (p == end) break;
        if (*p < 0x80) {
            ++p;
        } else if (end - p >= 3 && *p > 0xe0 && *p < 0xed && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
            p += 3;
        } else {
            const auto n = utf8_sequence(p, static_cast<std::size_t>(end - p));
            if (n == 0) return false;
            p += n;
        }
    }
    return true;
}

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// U+0080 to U+009F: terminals read some of them as the beginning of a command.
bool has_c1(std::string_view s) {
    for (std::size_t i = 0; i + 1 < s.size(); ++i)
        if (s[i] == '\xc2' && static_cast<unsigned char>(s[i + 1]) < 0xa0) return true;
    return false;
}

}  // namespace

bool is_line(std::string_view s) { return is_utf8(s) && std::none_of(s.begin(), s.end(), is_control) && !has_c1(s); }

std::string for_terminal(std::string s) {
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] == '\xc2' && i + 1 < s.size() && static_cast<unsigned char>(s[i + 1]) < 0xa0) s.replace(i, 2, "?");
        if (is_control(s[i]) && s[i] != '\n' && s[i] != '\t') s[i] = '?';
    }
    return s;
}

Hash hash_of(std::string_view bytes) {
    Hash h;
    crypto_generichash(h.bytes.data(), h.bytes.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                       bytes.size(), nullptr, 0);
    return h;
}

Hasher::Hasher() { crypto_generichash_init(reinterpret_cast<crypto_generichash_state*>(state_), nullptr, 0, 32); }
void Hasher::add(std::string_view bytes) {
    crypto_generichash_update(reinterpret_cast<crypto_generichash_state*>(state_),
                              reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}
Hash Hasher::finish() {
    Hash h;
    crypto_generichash_final(reinterpret_cast<crypto_generichash_state*>(state_), h.bytes.data(), h.bytes.size());
    return h;
}

namespace {
// libsodium picks its fast code paths in sodium_init; hashing works before it, slower.
const int sodium_ready = [] {
    if (sodium_init() < 0) std::abort();
    return 0;
}();
}  // namespace

}  // namespace taizhang
