// archive.h - cereal archives over bounded bytes.
//
// cereal's own binary archives trust every size: 24 bytes take a gigabyte. These
// know integers, byte strings, fixed arrays and vectors, nothing recursive and no
// pointers; sizes are bounded by the bytes that remain, elements are read one by
// one, and after the first bad read everything is zero and ok() is false.
// Only wire/messages.cpp includes this.
#pragma once

#include "base/bytes.h"

#include <cereal/cereal.hpp>

#include <array>
#include <string>
#include <type_traits>
#include <vector>

namespace taizhang::wire {

/// An empty string is one byte on the wire and 32 in memory.
inline constexpr std::size_t kElementsMax = std::size_t{1} << 18;

class OutArchive : public cereal::OutputArchive<OutArchive, cereal::AllowEmptyClassElision> {
public:
    explicit OutArchive(std::string& out)
        : cereal::OutputArchive<OutArchive, cereal::AllowEmptyClassElision>(this), w(out) {}
    Writer w;
};

class InArchive : public cereal::InputArchive<InArchive, cereal::AllowEmptyClassElision> {
public:
    explicit InArchive(std::string_view in)
        : cereal::InputArchive<InArchive, cereal::AllowEmptyClassElision>(this), r(in) {}
    Reader r;
};

template <class T>
concept Unsigned = std::is_unsigned_v<T> && std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <Unsigned T>
void CEREAL_SAVE_FUNCTION_NAME(OutArchive& a, const T& v) {
    a.w.varint(v);
}
template <Unsigned T>
void CEREAL_LOAD_FUNCTION_NAME(InArchive& a, T& v) {
    const auto n = a.r.varint();
    v = static_cast<T>(n);
    if (v != n) a.r.poison();
}
inline void CEREAL_SAVE_FUNCTION_NAME(OutArchive& a, const std::int64_t& v) { a.w.zigzag(v); }
inline void CEREAL_LOAD_FUNCTION_NAME(InArchive& a, std::int64_t& v) { v = a.r.zigzag(); }
inline void CEREAL_SAVE_FUNCTION_NAME(OutArchive& a, const bool& v) { a.w.u8(v ? 1 : 0); }
inline void CEREAL_LOAD_FUNCTION_NAME(InArchive& a, bool& v) {
    const auto n = a.r.u8();
    v = n == 1;
    if (n > 1) a.r.poison();
}
inline void CEREAL_SAVE_FUNCTION_NAME(OutArchive& a, const std::string& v) { a.w.str(v); }
inline void CEREAL_LOAD_FUNCTION_NAME(InArchive& a, std::string& v) { v = std::string(a.r.str()); }

template <std::size_t N>
void CEREAL_SAVE_FUNCTION_NAME(OutArchive& a, const std::array<std::uint8_t, N>& v) {
    a.w.raw(view(v));
}
template <std::size_t N>
void CEREAL_LOAD_FUNCTION_NAME(InArchive& a, std::array<std::uint8_t, N>& v) {
    v = a.r.array<N>();
}

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OutArchive& a, const std::vector<T>& v) {
    a.w.varint(v.size());
    for (const auto& e : v) a(e);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(InArchive& a, std::vector<T>& v) {
    v.clear();
    auto n = a.r.size();
    if (n > kElementsMax) a.r.poison();
    // Grows as the elements prove to be there, so bytes in bound memory out.
    for (; n > 0 && a.r.ok(); --n) a(v.emplace_back());
}

/// A number that is mostly large: eight bytes, little-endian.
struct Fixed {
    std::uint64_t& v;
};
inline void CEREAL_SAVE_FUNCTION_NAME(OutArchive& a, const Fixed& f) {
    for (int i = 0; i < 64; i += 8) a.w.u8(static_cast<std::uint8_t>(f.v >> i));
}
inline void CEREAL_LOAD_FUNCTION_NAME(InArchive& a, Fixed& f) {
    f.v = 0;
    for (int i = 0; i < 64; i += 8) f.v |= static_cast<std::uint64_t>(a.r.u8()) << i;
}

/// An enumeration travels as one number with a largest value.
template <class E>
struct Enumeration {
    E& v;
    E largest;
};
template <class E>
void CEREAL_SAVE_FUNCTION_NAME(OutArchive& a, const Enumeration<E>& e) {
    a.w.u8(static_cast<std::uint8_t>(e.v));
}
template <class E>
void CEREAL_LOAD_FUNCTION_NAME(InArchive& a, Enumeration<E>& e) {
    const auto n = a.r.u8();
    if (n > static_cast<std::uint8_t>(e.largest)) return a.r.poison();
    e.v = static_cast<E>(n);
}

template <class T>
bool is_empty(const T& v) {
    if constexpr (requires { v.empty(); })
        return v.empty();
    else
        return v == T{};
}
inline bool is_empty(const Fixed& f) { return f.v == 0; }
template <class E>
bool is_empty(const Enumeration<E>& e) {
    return static_cast<std::uint8_t>(e.v) == 0;
}

/// Fields that are mostly empty: a varint says which are there, the first in its lowest bit, then those alone. Being
/// there is all that a bool says. New fields go to the end, so the bits of the others stay.
template <class... T>
void sparse(OutArchive& a, T&&... fields) {
    static_assert(sizeof...(T) <= 64);
    std::uint64_t there = 0;
    int bit = 0;
    ((there |= static_cast<std::uint64_t>(!is_empty(fields)) << bit++), ...);
    a.w.varint(there);
    auto put = [&](auto& f) {
        if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(f)>, bool>)
            if (!is_empty(f)) a(f);
    };
    (put(fields), ...);
}
template <class... T>
void sparse(InArchive& a, T&&... fields) {
    static_assert(sizeof...(T) <= 64);
    auto there = a.r.varint();
    auto take = [&](auto& f) {
        if ((there & 1) != 0) {
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(f)>, bool>)
                f = true;
            else
                a(f);
            if (is_empty(f)) a.r.poison();  // one message, one encoding
        }
        there >>= 1;
    };
    (take(fields), ...);
    if (there != 0) a.r.poison();
}

}  // namespace taizhang::wire
