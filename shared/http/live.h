// live.h - one WebSocket that carries pokes: messages of a few bytes, either way.
//
// Beast stays in live.cpp. What was not sent yet is replaced by what is said next: the
// newest poke speaks for all. The other side is pinged; without a sign of life for
// Limits::silence the connection is over. Messages longer than kPokeBytesMax end it.
// Threads: the io_context's one thread.
#pragma once

#include "base/result.h"
#include "http/http.h"

#include <chrono>
#include <memory>
#include <string>

namespace taizhang::http {

inline constexpr std::size_t kPokeBytesMax = 64;

class Live {
public:
    ~Live();
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;

    /// Returns at once.
    void say(std::string message);
    /// The next message. Errc::offline once the connection is over. One caller at a time.
    net::awaitable<Result<std::string>> next();
    void close();
    bool is_open() const;

    struct Impl;
    explicit Live(std::shared_ptr<Impl> impl);

private:
    std::shared_ptr<Impl> impl_;
};

/// Who may have a connection at `target`, and what is done with it. The connection is over when `run` returns.
struct LiveDoor {
    std::string target;
    Handler gate;  ///< status 200 lets the request in; anything else is the answer
    std::function<net::awaitable<void>(std::shared_ptr<Live>, Request)> run;
    std::chrono::milliseconds silence{90'000};
};

}  // namespace taizhang::http
