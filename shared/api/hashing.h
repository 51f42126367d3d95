// hashing.h - passwords are checked on a thread of their own: it takes tens of milliseconds and 19 MiB each, and
// neither the network nor the store should wait for that. What queues is bounded.
// Threads: check() from coroutines of one io_context.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace boost::asio {
class thread_pool;
}

namespace taizhang::api {

namespace net = boost::asio;

class Hashing {
public:
    Hashing();
    ~Hashing();
    enum class Verdict : unsigned char { right, wrong, busy };
    /// `is_known`: from a browser or address that signed in before; places are kept for those.
    net::awaitable<Verdict> check(std::string hash, std::string password, bool is_known);
    void stop();

private:
    std::unique_ptr<net::thread_pool> pool_;  // of one thread
    std::size_t waiting_ = 0;
};

}  // namespace taizhang::api
