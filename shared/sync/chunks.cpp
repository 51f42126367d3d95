#include "sync/chunks.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace taizhang::sync {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kTargetMin = 1000;  // lower: on a slow link a trip is all latency
constexpr std::uint64_t kGrowth = 8;        // at once; higher: one lucky burst asks for too much
constexpr std::uint64_t kTelling = 2048;    // bytes; less than this says how late a link is, not how fast
constexpr std::uint64_t kRateMin = 64, kRateMax = 1u << 30;
constexpr std::size_t kRequestMin = 512, kReplyMin = 1024;  // packed; at least one commit goes in any case
constexpr std::uint64_t kDensityMin = 50, kDensityMax = 1000;
constexpr std::uint64_t kGoodLatency = 1500;
constexpr milliseconds kPatienceMin{60'000}, kPatienceMax{1'800'000};

std::uint64_t a_second(std::uint64_t bytes, std::uint64_t ms) { return bytes * 1000 / std::max<std::uint64_t>(ms, 1); }

std::uint64_t ms_of(milliseconds t) { return static_cast<std::uint64_t>(std::max<std::int64_t>(t.count(), 0)); }

/// What one direction is believed to carry after `bytes` took `ms`.
std::uint64_t learned(std::uint64_t rate, std::uint64_t bytes, std::uint64_t ms) {
    const auto seen = std::clamp(a_second(bytes, ms), kRateMin, kRateMax);
    if (seen > rate) return std::min(seen, rate * kGrowth);
    // Few bytes are late rather than slow: they prove only what a link can do at least.
    return bytes < kTelling ? rate : (rate + seen) / 2;
}

bool far_apart(std::uint64_t a, std::uint64_t b) { return a > b + b / 4 || b > a + a / 4; }

}  // namespace

std::size_t Chunks::request_bytes() const {
    const auto wire = up_ * target_ms_ / 1000;
    return std::clamp<std::size_t>(wire * density_ / 100, kRequestMin, kRequestBytes);
}

std::size_t Chunks::reply_bytes(std::size_t sent) const {
    const auto spent_ms = std::uint64_t{sent} * 100 / density_ * 1000 / up_;
    // A full request leaves something for its answer all the same: whoever writes much must not stop hearing.
    const auto left_ms = std::max(target_ms_ - std::min(spent_ms, target_ms_), target_ms_ / 4);
    return std::clamp<std::size_t>(down_ * left_ms / 1000 * density_ / 100, kReplyMin, kReplyBytes);
}

milliseconds Chunks::patience(std::size_t sent) const {
    const auto up_ms = std::uint64_t{sent} * 1000 / up_;
    const auto down_ms = std::uint64_t{reply_bytes(sent)} * 1000 / down_;
    const milliseconds expected(static_cast<std::int64_t>(4 * (up_ms + down_ms + latency_ms_)));
    return std::clamp(kPatienceMin / 2 + expected, kPatienceMin, kPatienceMax);
}

void Chunks::arrived(const Trip& trip, std::uint64_t packed) {
    const auto first = ms_of(trip.first), last = std::max(ms_of(trip.last), first);
    if (trip.bytes_up < kTelling) {
        // Slowly upwards, so that one quick answer does not speak for ever.
        const auto now = std::max<std::uint64_t>(first, 1);
        latency_ms_ = latency_ms_ == 0 ? now : std::min(now, latency_ms_ + latency_ms_ / 4 + 1);
        up_ = learned(up_, trip.bytes_up, first);
    } else {
        // Half of it at least was sending: a latency that is out of date must not make a slow link look endless.
        up_ = learned(up_, trip.bytes_up, std::max(first - std::min(first, latency_ms_), first / 2));
    }
    if (trip.bytes_down < kTelling)
        down_ = learned(down_, trip.bytes_down, last);
    else
        down_ = learned(down_, trip.bytes_down, std::max(last - first, last / 8));  // a burst at the end is no rate
    const auto wire = trip.bytes_up + trip.bytes_down;
    if (packed >= 2 * kTelling && wire > 0)
        density_ = std::clamp((density_ + packed * 100 / wire) / 2, kDensityMin, kDensityMax);
    if (wire >= kTelling) target_ms_ = std::min(target_ms_ + target_ms_ / 2, ms_of(kTripTarget));
}

void Chunks::cut() {
    if (target_ms_ > kTargetMin) {
        target_ms_ = std::max(target_ms_ / 2, kTargetMin);
        return;
    }
    up_ = std::max(up_ / 2, kRateMin);
    down_ = std::max(down_ / 2, kRateMin);
}

bool Chunks::is_good() const {
    const bool is_slow = up_ < kFirstBytesPerSecond || down_ < kFirstBytesPerSecond;
    return !is_slow && latency_ms_ > 0 && latency_ms_ <= kGoodLatency && target_ms_ * 2 > ms_of(kTripTarget);
}

bool Chunks::differs_from(const Chunks& other) const {
    return far_apart(request_bytes(), other.request_bytes()) || far_apart(reply_bytes(0), other.reply_bytes(0)) ||
           far_apart(latency_ms_ / 50, other.latency_ms_ / 50) || is_good() != other.is_good();
}

std::string Chunks::encode() const {
    std::string out;
    for (const auto n : {up_, down_, latency_ms_, target_ms_, density_}) {
        if (!out.empty()) out.push_back(' ');
        out += std::to_string(n);
    }
    return out;
}

Chunks Chunks::decode(std::string_view text) {
    std::array<std::uint64_t, 5> n{};
    for (auto& x : n) {
        const auto r = std::from_chars(text.data(), text.data() + text.size(), x);
        if (r.ec != std::errc()) return {};
        text.remove_prefix(static_cast<std::size_t>(r.ptr - text.data()));
        if (!text.empty()) text.remove_prefix(1);
    }
    Chunks c;
    c.up_ = std::clamp(n[0], kRateMin, kRateMax);
    c.down_ = std::clamp(n[1], kRateMin, kRateMax);
    c.latency_ms_ = std::min<std::uint64_t>(n[2], 600'000);
    c.target_ms_ = std::clamp(n[3], kTargetMin, ms_of(kTripTarget));
    c.density_ = std::clamp(n[4], kDensityMin, kDensityMax);
    return c;
}

}  // namespace taizhang::sync
