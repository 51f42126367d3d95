// side_thread.h - work that needs no data and takes long: neither the network nor the store should wait for it.
//
// One piece at a time, in the order in which they came. What queues is the caller's to bound.
// Threads: run() from coroutines; the work itself on the thread.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace boost::asio {
class thread_pool;
}

namespace taizhang::node {

namespace net = boost::asio;

class SideThread {
public:
    SideThread();
    ~SideThread();
    /// Runs the work there and comes back to the caller's. The work throws nothing.
    net::awaitable<void> run(std::function<void()> work);
    /// Waits for what was begun.
    void stop();

private:
    std::unique_ptr<net::thread_pool> pool_;  // of one thread
};

}  // namespace taizhang::node
