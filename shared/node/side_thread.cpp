#include "node/side_thread.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace taizhang::node {

SideThread::SideThread() : pool_(std::make_unique<net::thread_pool>(1)) {}
SideThread::~SideThread() { stop(); }
void SideThread::stop() { pool_->join(); }

net::awaitable<void> SideThread::run(std::function<void()> work) {
    auto initiate = [this](auto handler, std::function<void()> w) {
        auto executor = net::get_associated_executor(handler);
        auto guard = net::make_work_guard(executor);
        auto job = [executor, guard = std::move(guard), handler = std::move(handler), w = std::move(w)]() mutable {
            w();
            // The guard is let go where the handler runs (store.cpp says why).
            auto finish = [handler = std::move(handler), at_work = std::move(guard)]() mutable {
                std::move(handler)();
            };
            net::post(executor, std::move(finish));
        };
        net::post(*pool_, std::move(job));
    };
    auto pending = net::async_initiate<const net::use_awaitable_t<>, void()>(std::move(initiate), net::use_awaitable,
                                                                             std::move(work));
    co_await std::move(pending);
}

}  // namespace taizhang::node
