// ids.h - strong types for the numbers and hashes that must not be mixed up.
#pragma once

#include "base/bytes.h"

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace taizhang {

/// BLAKE2b-256 over a commit's canonical bytes; chains and heads use all of it.
struct Hash {
    std::array<std::uint8_t, 32> bytes{};
    auto operator<=>(const Hash&) const = default;
    bool is_zero() const { return *this == Hash{}; }
    std::string hex() const { return to_hex(view(bytes)); }
};

/// The first 128 bits of a commit's hash: names a version inside one row.
/// Finding another commit for a given name takes 2^128 work; finding any two of
/// one's own that share a name takes 2^64 and only confuses one's own rows.
struct VersionId {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const VersionId&) const = default;
    std::string hex() const { return to_hex(view(bytes)); }
};

inline VersionId version_of(const Hash& h) {
    VersionId v;
    std::memcpy(v.bytes.data(), h.bytes.data(), v.bytes.size());
    return v;
}

/// A random 128-bit incarnation. A copied or restored database gets a new one.
struct ReplicaId {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const ReplicaId&) const = default;
    bool is_zero() const { return *this == ReplicaId{}; }
    std::string hex() const { return to_hex(view(bytes)); }
};

template <class Tag>
struct Number {
    std::uint64_t value = 0;
    auto operator<=>(const Number&) const = default;
};

/// Place of a commit in one replica's chain of one stream; dense from 1.
using Seq = Number<struct SeqTag>;
/// Place of a commit in this node's log, in order of admission; a hub's position.
using Lsn = Number<struct LsnTag>;
/// Place of an entry in the city's control log; dense from 1, 0 = before any.
using ControlPos = Number<struct ControlPosTag>;

/// Who may read a stream: the unit and all above it, or the unit, all above and all below.
enum class Audience : std::uint8_t { ledger = 0, notice = 1 };

/// The log of one unit and one audience. Written `B01/ledger`.
struct StreamId {
    std::string unit;
    Audience audience = Audience::ledger;
    auto operator<=>(const StreamId&) const = default;
    std::string str() const { return unit + (audience == Audience::ledger ? "/ledger" : "/notice"); }
    /// Empty unit when `text` is not of the form UNIT/ledger or UNIT/notice.
    static StreamId parse(std::string_view text);
};

/// Levels of the organisation tree, lowest first; the fold compares them as numbers.
enum class Level : std::uint8_t { none = 0, branch = 1, township = 2, county = 3, city = 4 };
std::string_view name_of(Level level);
Level level_from(std::string_view name);

}  // namespace taizhang

template <>
struct std::hash<taizhang::VersionId> {
    std::size_t operator()(const taizhang::VersionId& v) const noexcept {
        std::size_t h;
        std::memcpy(&h, v.bytes.data(), sizeof h);
        return h;
    }
};
template <>
struct std::hash<taizhang::ReplicaId> {
    std::size_t operator()(const taizhang::ReplicaId& v) const noexcept {
        std::size_t h;
        std::memcpy(&h, v.bytes.data(), sizeof h);
        return h;
    }
};
template <>
struct std::hash<taizhang::StreamId> {
    std::size_t operator()(const taizhang::StreamId& s) const noexcept {
        return std::hash<std::string>{}(s.unit) * 2 + static_cast<std::size_t>(s.audience);
    }
};
template <class Tag>
struct std::hash<taizhang::Number<Tag>> {
    std::size_t operator()(taizhang::Number<Tag> n) const noexcept { return std::hash<std::uint64_t>{}(n.value); }
};
