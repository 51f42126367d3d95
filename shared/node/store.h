// store.h - the store thread: everything that touches the node runs there, one piece at a time.
//
// A transaction is one plain function handed over whole, so it is never open across
// a co_await. What devices bring while the disk is busy shares the next transaction:
// one wait for the disk however many they are, and nobody waits for company.
// Threads: run() and share() from any coroutine; the work itself on the store thread.
#pragma once

#include "node/node.h"

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

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
    /// The same for work that may share its transaction with others of its kind. It writes through the replica alone,
    /// and may be run again from its beginning when the shared transaction came to nothing.
    net::awaitable<Result<std::string>> share(Work work);
    /// Waits for what is running.
    void stop();
    bool is_broken() { return node_.replica().database().broken(); }

    /// Transactions of shared work, and the pieces of work in them, since the start.
    struct Shared {
        std::uint64_t transactions = 0, pieces = 0;
    };
    Shared shared() const { return {transactions_, pieces_}; }

private:
    struct Job;
    net::awaitable<Result<std::string>> enqueue(Work work, bool is_shared);
    void run_next();
    void run_together(std::vector<std::unique_ptr<Job>> jobs);
    Result<std::string> guarded(Work& work);

    Node& node_;
    std::mutex mutex_;  // of the queue
    std::deque<std::unique_ptr<Job>> queue_;
    std::atomic<std::uint64_t> transactions_ = 0, pieces_ = 0;
    std::unique_ptr<net::thread_pool> pool_;  // of one thread
};

}  // namespace taizhang::node
