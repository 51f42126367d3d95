#include "people/attempts.h"

#include <algorithm>

namespace taizhang::people {
namespace {

constexpr std::size_t kBucketsMax = 8192;

std::int64_t wait_after(int wrong, const Slowdown& s) {
    if (wrong < s.free) return 0;
    const int doublings = std::min(wrong - s.free, 20);
    return std::min(std::int64_t{1000} << doublings, s.wait_max_ms);
}

}  // namespace

std::vector<Attempts::Rule> Attempts::rules_for(const Caller& c) {
    if (c.knows_browser) return {{"b " + c.account + "\n" + c.browser, kOfKnownBrowser}};
    std::vector<Rule> rules{{"p " + c.account + "\n" + c.address, kOfPair}, {"a " + c.address, kOfAddress}};
    if (!c.knows_address) rules.push_back({"n " + c.account, kOfAccount});
    return rules;
}

std::int64_t Attempts::begin(const Caller& caller, std::int64_t now_ms) {
    const auto rules = rules_for(caller);
    std::int64_t wait = 0;
    for (const auto& r : rules) {
        const auto it = buckets_.find(r.key);
        if (it == buckets_.end()) continue;
        auto& b = it->second;
        if (now_ms - b.last_ms > kForgottenMs) b.wrong = 0;
        wait = std::max(wait, b.last_ms + wait_after(b.wrong, r.slowdown) - now_ms);
    }
    if (wait > 0) return wait;
    make_room(now_ms);
    for (const auto& r : rules) {
        auto& b = buckets_[r.key];
        ++b.wrong;
        b.last_ms = now_ms;
    }
    return 0;
}

void Attempts::succeeded(const Caller& caller) {
    for (const auto& r : rules_for(caller)) {
        const auto it = buckets_.find(r.key);
        if (it == buckets_.end()) continue;
        // The pair is proved; what others did to the account or from the address still counts.
        const bool is_own = r.key[0] == 'p' || r.key[0] == 'b';
        if (is_own || --it->second.wrong <= 0) buckets_.erase(it);
    }
}

/// An attacker with many addresses must not fill the memory; the account's own bucket holds him all the same.
void Attempts::make_room(std::int64_t now_ms) {
    if (buckets_.size() < kBucketsMax) return;
    std::erase_if(buckets_, [&](const auto& b) { return now_ms - b.second.last_ms > kForgottenMs; });
    if (buckets_.size() < kBucketsMax) return;
    // The older half, so that a flood does not cost a search for each try.
    std::vector<std::int64_t> times;
    for (const auto& [key, b] : buckets_)
        if (key[0] != 'n') times.push_back(b.last_ms);
    if (times.empty()) return;  // only accounts, and those are bounded
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    const auto until = *middle;
    std::erase_if(buckets_, [until](const auto& b) { return b.first[0] != 'n' && b.second.last_ms <= until; });
}

std::string network_of(std::string_view peer) {
    if (peer.starts_with("::ffff:")) peer.remove_prefix(7);
    if (peer.find(':') == std::string_view::npos) return std::string(peer);
    // The first four groups. Where "::" stands in them, the rest is zero and what stands before it is enough.
    std::size_t colons = 0, at = 0;
    for (; at < peer.size() && colons < 4; ++at) {
        if (peer[at] != ':') continue;
        if (at + 1 < peer.size() && peer[at + 1] == ':') return std::string(peer.substr(0, at)) + "::/64";
        ++colons;
    }
    return std::string(peer.substr(0, at == 0 ? 0 : at - 1)) + "::/64";
}

}  // namespace taizhang::people
