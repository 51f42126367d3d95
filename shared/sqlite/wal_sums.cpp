#include "sqlite/wal_sums.h"

#include <bit>
#include <cstring>
#include <vector>

namespace taizhang::sqlite {
namespace {

constexpr std::uint32_t kMagic = 0x377f0682;  // and its last bit: big-endian words
constexpr std::uint32_t kFormat = 3007000;
constexpr std::size_t kSummedOfHeader = 8, kSalt = 8, kSum = 16;  // in a frame's header
constexpr std::uint32_t kPageMin = 512, kPageMax = 65536;

std::uint32_t swapped(std::uint32_t v) { return __builtin_bswap32(v); }
std::uint32_t word_at(const char* p, WalOrder order) {
    std::uint32_t v = 0;
    std::memcpy(&v, p, sizeof v);
    return (order == WalOrder::little) == (std::endian::native == std::endian::little) ? v : swapped(v);
}
void flip(char* p, unsigned bit) { *p = static_cast<char>(static_cast<unsigned char>(*p) ^ (1U << bit)); }

std::uint64_t salt_at(const char* p) {
    std::uint64_t v = 0;
    std::memcpy(&v, p, sizeof v);
    return v;
}

WalSum sum_of_frame(const WalHeader& log, WalSum before, const char* frame) {
    return wal_sum(wal_sum(before, frame, kSummedOfHeader, log.order), frame + kWalFrameBytes, log.page_size,
                   log.order);
}

/// What a change of one makes of both halves of the sum, for each word of the last pair that was summed up.
struct Weights {
    std::uint32_t first_a = 1, first_b = 1, second_a = 0, second_b = 1;
    void one_pair_back() {
        first_a += first_b, first_b += first_a;
        second_a += second_b, second_b += second_a;
    }
};

struct Bit {
    std::size_t byte = 0;
    unsigned bit = 0;
};

/// Among these words, backwards: the bits that alone make the sum differ by `off`.
void find_bits(const char* frame, std::size_t from, std::size_t to, Weights& w, WalSum off, WalOrder order,
               std::vector<Bit>& out) {
    const auto look = [&](std::size_t at, std::uint32_t weight_a, std::uint32_t weight_b) {
        const auto word = word_at(frame + at, order);
        for (unsigned bit = 0; bit < 32; ++bit) {
            const std::uint32_t too_much = (word >> bit) & 1U ? 1U << bit : 0U - (1U << bit);
            if (too_much * weight_a == off.a && too_much * weight_b == off.b)
                out.push_back({at + (order == WalOrder::little ? bit / 8 : 3 - bit / 8), bit % 8});
        }
    };
    for (std::size_t at = to; at > from; w.one_pair_back()) {
        at -= 8;
        look(at, w.first_a, w.first_b);
        look(at + 4, w.second_a, w.second_b);
    }
}

std::optional<std::size_t> only_bit(const char* a, const char* b, std::size_t n) {
    std::optional<std::size_t> at;
    int bits = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const auto differs = static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
        if (differs == 0) continue;
        bits += std::popcount(differs);
        at = i;
    }
    return bits == 1 ? at : std::nullopt;
}

void put_sum(char* out, WalSum s) {
    for (int i = 0; i < 4; ++i) {
        out[i] = static_cast<char>(s.a >> (24 - 8 * i));
        out[4 + i] = static_cast<char>(s.b >> (24 - 8 * i));
    }
}

}  // namespace

WalSum wal_sum(WalSum s, const char* p, std::size_t bytes, WalOrder order) {
    for (const char* end = p + bytes; p != end; p += 8) {
        s.a += word_at(p, order) + s.b;
        s.b += word_at(p + 4, order) + s.a;
    }
    return s;
}

WalSum stored_wal_sum(const char* p) { return {word_at(p, WalOrder::big), word_at(p + 4, WalOrder::big)}; }

std::optional<WalHeader> wal_header_of(const char* p) {
    const auto magic = word_at(p, WalOrder::big);
    if ((magic & ~1U) != kMagic || word_at(p + 4, WalOrder::big) != kFormat) return std::nullopt;
    WalHeader h;
    h.order = magic & 1U ? WalOrder::big : WalOrder::little;
    h.page_size = word_at(p + 8, WalOrder::big);
    h.salt = salt_at(p + 16);
    h.sum = stored_wal_sum(p + 24);
    const bool is_size = std::has_single_bit(h.page_size) && h.page_size >= kPageMin && h.page_size <= kPageMax;
    if (!is_size || wal_sum({}, p, 24, h.order) != h.sum) return std::nullopt;
    return h;
}

std::optional<WalHeader> mend_wal_header(char* p, const char* first) {
    for (std::size_t at = 0; at < kWalHeaderBytes; ++at)
        for (unsigned bit = 0; bit < 8; ++bit) {
            flip(p + at, bit);
            if (const auto h = wal_header_of(p); h && fits(*h, h->sum, first)) return h;
            flip(p + at, bit);
        }
    return std::nullopt;
}

bool fits(const WalHeader& log, WalSum before, const char* frame) {
    return salt_at(frame + kSalt) == log.salt && word_at(frame, WalOrder::big) != 0 &&
           sum_of_frame(log, before, frame) == stored_wal_sum(frame + kSum);
}

std::optional<std::size_t> mend_wal_frame(const WalHeader& log, WalSum before, char* frame, const char* next) {
    const auto sum = sum_of_frame(log, before, frame), stored = stored_wal_sum(frame + kSum);
    char right[8];
    if (sum == stored) {  // the salts are in no sum
        std::memcpy(right, &log.salt, sizeof right);
        const auto at = only_bit(frame + kSalt, right, sizeof right);
        if (at) std::memcpy(frame + kSalt, right, sizeof right);
        return at ? std::optional(kSalt + *at) : std::nullopt;
    }
    if (salt_at(frame + kSalt) != log.salt) return std::nullopt;
    put_sum(right, sum);
    const auto in_sum = only_bit(frame + kSum, right, sizeof right);
    const WalSum off{sum.a - stored.a, sum.b - stored.b};
    Weights w;
    std::vector<Bit> found;
    find_bits(frame, kWalFrameBytes, kWalFrameBytes + log.page_size, w, off, log.order, found);
    find_bits(frame, 0, kSummedOfHeader, w, off, log.order, found);
    // A bit of the sum weighs as one of the page; what follows knows the sum as it was.
    const bool is_page = next && fits(log, stored, next), is_sum = next && fits(log, sum, next);
    if (in_sum && !is_page && (is_sum || found.empty())) {
        std::memcpy(frame + kSum, right, sizeof right);
        return kSum + *in_sum;
    }
    if (found.size() != 1 || is_sum || (in_sum && !is_page)) return std::nullopt;
    flip(frame + found[0].byte, found[0].bit);
    return found[0].byte;
}

}  // namespace taizhang::sqlite
