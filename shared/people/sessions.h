// sessions.h - who is signed in to this node's screens.
//
// A session is three random secrets of 256 bits, of which only hashes are kept: the cookie (HttpOnly: scripts never see
// it); the page's key, which the screens keep for their own origin and send in a header; and the key for contents,
// which stands in the address of a picture. Both of the first are needed: a browser sends a cookie to every port of
// this PC, where another user may listen, but the page's key to nobody else, and no other site can make a browser send
// it at all. A session without an account is that of whoever holds the data folder: it was opened by a launch token.
//
// Time is a clock that only goes forward, handed in; nothing here has a clock. Sessions outlive a restart of the
// program, not of the PC (node/people.h). Threads: the io_context's.
#pragma once

#include "base/hash.h"
#include "base/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::people {

struct SessionLimits {
    std::int64_t idle_ms = 30LL * 60'000;         ///< without somebody's hand at the PC
    std::int64_t absolute_ms = 12LL * 3'600'000;  ///< from signing in
    /// Whoever holds the data folder could open another one at any time: only the PC's next start ends it sooner.
    std::int64_t launched_ms = 30LL * 86'400'000;
};

struct Session {
    std::string account;            ///< login; empty: launched
    std::uint64_t password_no = 0;  ///< of the account, when it signed in
    Hash cookie, page, content;
    std::int64_t began_ms = 0, seen_ms = 0;
};

class Sessions {
public:
    using Random = std::function<void(std::span<std::uint8_t>)>;
    Sessions(SessionLimits limits, Random random) : limits_(limits), random_(std::move(random)) {}

    /// What the browser gets, in hex; nothing of it is kept.
    struct Secrets {
        std::string cookie, page, content;
    };
    Secrets open(const std::string& account, std::uint64_t password_no, std::int64_t now_ms);

    enum class Key { page, content };
    /// Null: no such session, or it is over. `is_used`: a hand is at the PC, so it is not idle.
    const Session* find(std::string_view cookie, std::string_view key, Key which, std::int64_t now_ms, bool is_used);

    void close(std::string_view cookie);
    /// All that `is_over` says so about.
    void close_if(const std::function<bool(const Session&)>& is_over);
    std::size_t size() const { return all_.size(); }

    /// Hashes and times, for the file that outlives a restart.
    std::string encode() const;
    /// What makes no sense is left out: people sign in anew.
    void decode(std::string_view bytes);

    /// 256 random bits in hex.
    std::string secret() const;

private:
    bool is_over(const Session& s, std::int64_t now_ms) const;
    SessionLimits limits_;
    Random random_;
    std::vector<Session> all_;
};

/// How a secret is kept and compared: random, so one pass of a hash is enough.
Hash hash_of_secret(std::string_view secret);

}  // namespace taizhang::people
