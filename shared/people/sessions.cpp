#include "people/sessions.h"

#include "base/bytes.h"

#include <algorithm>
#include <array>

namespace taizhang::people {
namespace {

constexpr std::size_t kSessionsMax = 2000, kOfAccountMax = 20;
constexpr std::string_view kMagic = "TZSE\x01";
constexpr std::int64_t kTimeMaxMs = 1LL << 50;  // of a clock that began with the PC: more is none

Hash hash_from(std::string_view raw) {
    Hash h;
    std::copy(raw.begin(), raw.end(), h.bytes.begin());
    return h;
}

}  // namespace

Hash hash_of_secret(std::string_view secret) { return hash_of("taizhang session " + std::string(secret)); }

std::string Sessions::secret() const {
    std::array<std::uint8_t, 32> raw{};
    random_(raw);
    return to_hex(view(raw));
}

bool Sessions::is_over(const Session& s, std::int64_t now_ms) const {
    if (s.account.empty()) return now_ms - s.began_ms > limits_.launched_ms;
    return now_ms - s.seen_ms > limits_.idle_ms || now_ms - s.began_ms > limits_.absolute_ms;
}

Sessions::Secrets Sessions::open(const std::string& account, std::uint64_t password_no, std::int64_t now_ms) {
    std::erase_if(all_, [&](const Session& s) { return is_over(s, now_ms); });
    const auto own = std::count_if(all_.begin(), all_.end(), [&](const Session& s) { return s.account == account; });
    if (static_cast<std::size_t>(own) >= kOfAccountMax || all_.size() >= kSessionsMax) {
        // The one that rested longest: first of this account, so that one person cannot end another's.
        auto oldest = all_.end();
        for (auto it = all_.begin(); it != all_.end(); ++it)
            if ((own == 0 || it->account == account) && (oldest == all_.end() || it->seen_ms < oldest->seen_ms))
                oldest = it;
        if (oldest != all_.end()) all_.erase(oldest);
    }
    Secrets made{secret(), secret(), secret()};
    all_.push_back({account, password_no, hash_of_secret(made.cookie), hash_of_secret(made.page),
                    hash_of_secret(made.content), now_ms, now_ms});
    return made;
}

const Session* Sessions::find(std::string_view cookie, std::string_view key, Key which, std::int64_t now_ms,
                              bool is_used) {
    if (cookie.empty() || key.empty()) return nullptr;
    // Hashes of what was sent are compared: how far they agree tells nothing about the secret.
    const auto wanted = hash_of_secret(cookie), with = hash_of_secret(key);
    const auto it = std::find_if(all_.begin(), all_.end(), [&](const Session& s) { return s.cookie == wanted; });
    if (it == all_.end()) return nullptr;
    if (is_over(*it, now_ms)) {
        all_.erase(it);
        return nullptr;
    }
    if ((which == Key::page ? it->page : it->content) != with) return nullptr;
    if (is_used) it->seen_ms = std::max(it->seen_ms, now_ms);
    return &*it;
}

void Sessions::close(std::string_view cookie) {
    const auto wanted = hash_of_secret(cookie);
    std::erase_if(all_, [&](const Session& s) { return s.cookie == wanted; });
}

void Sessions::close_if(const std::function<bool(const Session&)>& is_over) { std::erase_if(all_, is_over); }

std::string Sessions::encode() const {
    std::string out(kMagic);
    Writer w(out);
    w.varint(all_.size());
    for (const auto& s : all_) {
        w.str(s.account);
        w.varint(s.password_no);
        for (const auto* h : {&s.cookie, &s.page, &s.content}) w.raw(view(h->bytes));
        w.zigzag(s.began_ms);
        w.zigzag(s.seen_ms);
    }
    return out;
}

void Sessions::decode(std::string_view bytes) {
    Reader r(bytes);
    std::vector<Session> read;
    if (r.raw(kMagic.size()) != kMagic) return;
    for (auto n = std::min(r.size(), kSessionsMax); n > 0 && r.ok(); --n) {
        Session s;
        s.account = std::string(r.str());
        s.password_no = r.varint();
        for (auto* h : {&s.cookie, &s.page, &s.content})
            if (const auto raw = r.raw(h->bytes.size()); r.ok()) *h = hash_from(raw);
        s.began_ms = r.zigzag();
        s.seen_ms = r.zigzag();
        const auto is_time = [](std::int64_t ms) { return ms >= 0 && ms <= kTimeMaxMs; };
        if (is_time(s.began_ms) && is_time(s.seen_ms)) read.push_back(std::move(s));
    }
    if (r.done()) all_ = std::move(read);
}

}  // namespace taizhang::people
