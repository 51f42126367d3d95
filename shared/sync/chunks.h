// chunks.h - how much to send and to ask for at once, from what the link has shown so far.
//
// A request with its answer should take about kTripTarget on the link at hand: a cut
// then costs that much and no more, and on a good link everything fits into one. Each
// trip measures both directions by themselves. A fast trip raises the estimate
// eightfold at most; a cut halves the time that a trip may take, and each one that
// comes through gives half of that back.
//
// Budgets are in bytes of packed commits. A message is smaller on the wire than what
// it carries (compression) or larger (headers); that ratio is measured too.
//
// Pure: measurements come in, numbers go out. Threads: any, one at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace taizhang::sync {

/// Packed commits in one request on the best of links. Higher: fewer round trips; lower: a hub's store is free sooner.
inline constexpr std::size_t kRequestBytes = 256u << 10;
/// The same of a reply.
inline constexpr std::size_t kReplyBytes = 1u << 20;
/// How long a request with its answer may take. Higher: more to send again after a cut; lower: more round trips.
inline constexpr std::chrono::milliseconds kTripTarget{8000};
/// Of a link that nobody has measured: 32 kbit/s. Higher: the first chunk is lost on a bad link; lower: one more
/// round trip on a good one.
inline constexpr std::uint64_t kFirstBytesPerSecond = 4096;

/// One request with its answer, as the socket saw it.
struct Trip {
    std::uint64_t bytes_up = 0, bytes_down = 0;  ///< headers included
    std::chrono::milliseconds first{0};          ///< from the first byte sent to the answer's first
    std::chrono::milliseconds last{0};           ///< to its last
};

class Chunks {
public:
    /// Packed commits that the next request should carry at most.
    std::size_t request_bytes() const;
    /// Packed commits that its reply should bring at most, when the request carries `sent` of them.
    std::size_t reply_bytes(std::size_t sent) const;
    /// How long to wait for the whole of an answer before the link counts as dead.
    std::chrono::milliseconds patience(std::size_t sent) const;

    /// A trip that came through; `packed` bytes of commits went with it, both ways together.
    void arrived(const Trip& trip, std::uint64_t packed);
    /// The link broke under a trip.
    void cut();

    /// Whether live pokes are worth a connection of their own: it has not shown to be slow, late or broken.
    bool is_good() const;
    /// Whether somebody who decides by these numbers would decide differently by those.
    bool differs_from(const Chunks& other) const;

    /// A short line for the next process. Decoding something else gives the first guess.
    std::string encode() const;
    static Chunks decode(std::string_view text);

private:
    std::uint64_t up_ = kFirstBytesPerSecond, down_ = kFirstBytesPerSecond;  // bytes a second on the wire
    std::uint64_t latency_ms_ = 0;                                           // of a small request; 0: not known
    std::uint64_t target_ms_ = static_cast<std::uint64_t>(kTripTarget.count());
    std::uint64_t density_ = 100;  // packed bytes for 100 on the wire
};

}  // namespace taizhang::sync
