// store.h - the store thread: everything that touches the node runs there, one piece at a time.
//
// A transaction is one plain function handed over whole, so it is never open across
// a co_await. Threads: run() from any coroutine; the work itself on the store thread.
#pragma once

#include "node/node.h"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace boost::asio {
class thread_pool;
}

namespace taizhang::node {

namespace net = boost::asio;

class Store {
public:
    using Work = std::function<Result<std::string>(Node&)>;
    explicit Store(Node& node);
    ~Store();

    /// Runs the work on the store thread and comes back to the caller's. What it throws becomes Errc::internal.
    net::awaitable<Result<std::string>> run(Work work);
    /// Waits for what is running.
    void stop();
    bool is_broken() { return node_.replica().database().broken(); }

private:
    Result<std::string> guarded(Work& work);
    Node& node_;
    std::unique_ptr<net::thread_pool> pool_;  // of one thread
};

}  // namespace taizhang::node
