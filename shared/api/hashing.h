// hashing.h - passwords are checked on a thread of their own: it takes tens of milliseconds and 19 MiB each, and
// neither the network nor the store should wait for that. What queues is bounded.
// Threads: check() from coroutines of one io_context.
#pragma once

#include "node/side_thread.h"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace taizhang::api {

namespace net = boost::asio;

class Hashing {
public:
    enum class Verdict : unsigned char { right, wrong, busy };
    /// `is_known`: from a browser or address that signed in before; places are kept for those.
    net::awaitable<Verdict> check(std::string hash, std::string password, bool is_known);
    void stop() { thread_.stop(); }

private:
    node::SideThread thread_;
    std::size_t waiting_ = 0;
};

}  // namespace taizhang::api
