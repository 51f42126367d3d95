// attempts.h - how fast passwords may be guessed, without a way to lock anybody out.
//
// Nothing is ever locked; whoever guesses wrong waits longer and longer, and who waits depends on who guesses:
//
//   known browser     (account, browser token): only its own wrong guesses count. What the rest of the world does to
//                     the account changes nothing for whoever signed in from this browser before.
//   known address     (account, address), and the address over all accounts
//   stranger          the same, and the account over all strangers: many addresses together guess no faster than one
//
// So an attacker slows other strangers at most, never the people who work there. Whoever has to sign in on a new PC
// from a new address while somebody hammers the account uses the server's own screen or waits for the short turn.
//
// A try counts as wrong from its beginning until it proves right, so that many at once do not slip through.
// Pure: the clock is handed in, memory is bounded. Threads: the io_context's. Design: docs/TRUST.md, "People".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::people {

/// Wrong guesses that cost nothing, and the longest wait after that; the wait doubles from one second.
/// More free ones: faster guessing. A longer wait: a typing mistake costs more.
struct Slowdown {
    int free;
    std::int64_t wait_max_ms;
};
inline constexpr Slowdown kOfKnownBrowser{10, 300'000}, kOfPair{5, 900'000}, kOfAddress{30, 60'000},
    kOfAccount{20, 60'000};
/// After so long without a wrong guess one starts anew.
inline constexpr std::int64_t kForgottenMs = 3'600'000;

struct Caller {
    std::string account;  ///< as it is stored; empty: there is no such account (all of those are one)
    std::string address;  ///< network_of(peer)
    std::string browser;  ///< hash of the token that the browser brought, empty without
    bool knows_browser = false, knows_address = false;  ///< by the account's own list
};

class Attempts {
public:
    /// Milliseconds to wait; 0: go on, and the try counts as wrong until succeeded().
    std::int64_t begin(const Caller& caller, std::int64_t now_ms);
    void succeeded(const Caller& caller);
    std::size_t size() const { return buckets_.size(); }

private:
    struct Bucket {
        int wrong = 0;
        std::int64_t last_ms = 0;
    };
    struct Rule {
        std::string key;
        Slowdown slowdown;
    };
    static std::vector<Rule> rules_for(const Caller& caller);
    void make_room(std::int64_t now_ms);
    std::map<std::string, Bucket> buckets_;
};

/// The address itself, or the /64 of an IPv6 address: one subscriber has all of that.
std::string network_of(std::string_view peer);

}  // namespace taizhang::people
