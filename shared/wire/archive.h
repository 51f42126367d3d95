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

}  // namespace taizhang::wire
