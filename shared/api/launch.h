// launch.h - the tokens of launch addresses: whoever can read the data folder gets one, and nobody else on the PC.
//
// A token is 256 random bits; its hash is kept here. Time is a clock that only goes forward, handed in.
#pragma once

#include "people/sessions.h"

#include <deque>

namespace taizhang::api {

class LaunchTokens {
public:
    /// For somebody who asked for it: ten minutes.
    void add(std::string_view token, std::int64_t now_ms) { add_until(token, now_ms + kAskedMs); }
    /// For the file in the data folder, or the browser that the program opens: as long as the program runs.
    void add_lasting(std::string_view token) { add_until(token, INT64_MAX); }

    bool has(std::string_view token, std::int64_t now_ms) const { return find(token, now_ms) != all_.end(); }
    /// Good once.
    bool take(std::string_view token, std::int64_t now_ms) {
        const auto it = find(token, now_ms);
        if (it == all_.end()) return false;
        all_.erase(it);
        return true;
    }

private:
    static constexpr std::int64_t kAskedMs = 10 * 60'000;
    static constexpr std::size_t kTokensMax = 8;
    struct Token {
        Hash hash;
        std::int64_t until_ms = 0;
    };
    void add_until(std::string_view token, std::int64_t until_ms) {
        all_.push_back({people::hash_of_secret(token), until_ms});
        if (all_.size() > kTokensMax) all_.pop_front();
    }
    std::deque<Token>::const_iterator find(std::string_view token, std::int64_t now_ms) const {
        const auto wanted = people::hash_of_secret(token);
        auto it = all_.begin();
        while (it != all_.end() && !(it->hash == wanted && now_ms <= it->until_ms)) ++it;
        return it;
    }
    std::deque<Token> all_;
};

/// What the screens take the token from; a fragment, which a browser sends to nobody.
inline std::string launch_address(const std::string& address, const std::string& token) {
    return address + "/#launch=" + token;
}

}  // namespace taizhang::api
