#include "node/store.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace taizhang::node {
namespace {

// Pieces of work in one transaction. Higher: fewer waits for the disk under a rush; lower: a command of a person waits
// for fewer of them.
constexpr std::size_t kTogetherMax = 64;

}  // namespace

/// A piece of work and whoever waits for it.
struct Store::Job {
    Job(Work w, bool shares) : work(std::move(w)), is_shared(shares) {}
    virtual ~Job() = default;
    virtual void finish(Result<std::string> result) = 0;

    Work work;
    bool is_shared;
};

Store::Store(Node& node) : node_(node), pool_(std::make_unique<net::thread_pool>(1)) {}
Store::~Store() { stop(); }

Result<std::string> Store::guarded(Work& work) {
    try {
        return work(node_);
    } catch (const std::exception& e) {
        return fail(Errc::internal,
                    std::string("内部错误,没有写入 / internal error, nothing was written: ") + e.what());
    }
}

/// The oldest piece of work; with it those behind it that share.
void Store::run_next() {
    std::vector<std::unique_ptr<Job>> jobs;
    {
        const std::lock_guard lock(mutex_);
        do {
            if (queue_.empty()) break;  // run with one before
            jobs.push_back(std::move(queue_.front()));
            queue_.pop_front();
        } while (jobs.back()->is_shared && jobs.size() < kTogetherMax && !queue_.empty() && queue_.front()->is_shared);
    }
    if (jobs.empty()) return;
    if (jobs.front()->is_shared) {
        ++transactions_;
        pieces_ += jobs.size();
    }
    if (jobs.size() == 1)
        jobs.front()->finish(guarded(jobs.front()->work));
    else
        run_together(std::move(jobs));
}

/// Nobody gets an answer before the transaction is on the disk.
void Store::run_together(std::vector<std::unique_ptr<Job>> jobs) {
    std::vector<Result<std::string>> results;
    const auto done = node_.replica().group([&] {
        for (const auto& job : jobs) {
            results.push_back(guarded(job->work));
            if (node_.replica().has_group_failed()) return;
        }
    });
    for (std::size_t i = 0; i < jobs.size(); ++i)
        jobs[i]->finish(done ? std::move(results[i]) : guarded(jobs[i]->work));
}

net::awaitable<Result<std::string>> Store::run(Work work) { return enqueue(std::move(work), false); }
net::awaitable<Result<std::string>> Store::share(Work work) { return enqueue(std::move(work), true); }

net::awaitable<Result<std::string>> Store::enqueue(Work work, bool is_shared) {
    auto initiate = [this, is_shared](auto handler, Work w) {
        using Handler = decltype(handler);
        using Guard = decltype(net::make_work_guard(net::get_associated_executor(handler)));
        /// Goes back to where the handler belongs.
        struct Waiting final : Job {
            Waiting(Work w, bool shares, Handler h)
                : Job(std::move(w), shares),
                  guard(net::make_work_guard(net::get_associated_executor(h))),
                  handler(std::move(h)) {}
            void finish(Result<std::string> result) override {
                // The guard goes along and is let go where the handler runs: let go here it could be the last work that
                // the other thread's context has, which then counts as stopped, also when it was just begun anew.
                const auto executor = guard.get_executor();
                auto answer = [handler = std::move(handler), result = std::move(result),
                               at_work = std::move(guard)]() mutable { std::move(handler)(std::move(result)); };
                net::post(executor, std::move(answer));
            }
            Guard guard;
            Handler handler;
        };
        auto job = std::make_unique<Waiting>(std::move(w), is_shared, std::move(handler));
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(job));
        }
        net::post(*pool_, [this] { run_next(); });
    };
    auto pending = net::async_initiate<const net::use_awaitable_t<>, void(Result<std::string>)>(
        std::move(initiate), net::use_awaitable, std::move(work));
    auto result = co_await std::move(pending);
    co_return result;
}

void Store::stop() { pool_->join(); }

}  // namespace taizhang::node
