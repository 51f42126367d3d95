// bytes.h - bounded reading and writing of our own byte layouts.
//
// Layouts are little: varints (LEB128, at most 10 bytes), length-prefixed byte
// strings, fixed arrays. A Reader never allocates and never reads past its end:
// after the first bad read `ok()` is false and every further read gives zero or
// an empty view, so a decoder checks once at its end.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace taizhang {

/// Signed as unsigned, small magnitudes as small numbers.
constexpr std::uint64_t zigzag_of(std::int64_t v) {
    return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t from_zigzag(std::uint64_t v) {
    return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
    void varint(std::uint64_t v) {
        char buf[10];
        int n = 0;
        while (v >= 0x80) {
            buf[n++] = static_cast<char>(v | 0x80);
            v >>= 7;
        }
        buf[n++] = static_cast<char>(v);
        out_.append(buf, static_cast<std::size_t>(n));
    }
    void zigzag(std::int64_t v) { varint(zigzag_of(v)); }
    void raw(std::string_view v) { out_.append(v); }
    void str(std::string_view v) {
        varint(v.size());
        out_.append(v);
    }
    std::string& out() { return out_; }

private:
    std::string& out_;
};

class Reader {
public:
    explicit Reader(std::string_view in) : p_(in.data()), end_(in.data() + in.size()), begin_(p_) {}

    std::uint8_t u8() {
        if (p_ == end_) return bad<std::uint8_t>();
        return static_cast<std::uint8_t>(*p_++);
    }
    std::uint64_t varint() {
        std::uint64_t v = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (p_ == end_) return bad<std::uint64_t>();
            const auto b = static_cast<std::uint8_t>(*p_++);
            if (shift == 63 && b > 1) return bad<std::uint64_t>();
            v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
            if (b < 0x80) {
                // One value, one encoding: hashes cover bytes.
                if (b == 0 && shift != 0) return bad<std::uint64_t>();
                return v;
            }
        }
        return bad<std::uint64_t>();
    }
    std::int64_t zigzag() { return from_zigzag(varint()); }
    std::string_view raw(std::size_t n) {
        if (n > remaining()) return bad<std::string_view>();
        std::string_view v(p_, n);
        p_ += n;
        return v;
    }
    std::string_view str() { return raw(size()); }
    /// A count of things that each take at least one byte: never more than what is left.
    std::size_t size() {
        const auto n = varint();
        if (n > remaining()) return bad<std::size_t>();
        return static_cast<std::size_t>(n);
    }
    template <std::size_t N>
    std::array<std::uint8_t, N> array() {
        std::array<std::uint8_t, N> a{};
        const auto v = raw(N);
        if (v.size() == N) std::memcpy(a.data(), v.data(), N);
        return a;
    }

    bool ok() const { return ok_; }
    bool done() const { return ok_ && p_ == end_; }
    std::size_t remaining() const { return static_cast<std::size_t>(end_ - p_); }
    std::size_t offset() const { return static_cast<std::size_t>(p_ - begin_); }
    void poison() { (void)bad<int>(); }

private:
    template <class T>
    T bad() {
        ok_ = false;
        p_ = end_;
        return T{};
    }

    const char* p_;
    const char* end_;
    const char* begin_;
    bool ok_ = true;
};

std::string to_hex(std::string_view bytes);
/// Empty when `hex` is not an even number of hex digits.
std::string from_hex(std::string_view hex);

/// Well-formed: no overlong forms, no surrogates.
bool is_utf8(std::string_view text);
/// A name or a line for people that somebody else sent: UTF-8 without control characters, which could rewrite a
/// terminal.
bool is_line(std::string_view text);
/// For a terminal: control characters other than line ends and tabs as '?'.
std::string for_terminal(std::string text);

template <std::size_t N>
std::string_view view(const std::array<std::uint8_t, N>& a) {
    return {reinterpret_cast<const char*>(a.data()), N};
}

}  // namespace taizhang
