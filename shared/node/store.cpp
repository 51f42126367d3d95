#include "node/store.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace taizhang::node {

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

net::awaitable<Result<std::string>> Store::run(Work work) {
    auto initiate = [this](auto handler, Work w) {
        auto executor = net::get_associated_executor(handler);
        auto guard = net::make_work_guard(executor);
        auto job = [this, executor, guard = std::move(guard), handler = std::move(handler),
                    w = std::move(w)]() mutable {
            auto result = guarded(w);
            auto finish = [handler = std::move(handler), result = std::move(result)]() mutable {
                std::move(handler)(std::move(result));
            };
            net::post(executor, std::move(finish));
            guard.reset();
        };
        net::post(*pool_, std::move(job));
    };
    auto pending = net::async_initiate<const net::use_awaitable_t<>, void(Result<std::string>)>(
        std::move(initiate), net::use_awaitable, std::move(work));
    auto result = co_await std::move(pending);
    co_return result;
}

void Store::stop() { pool_->join(); }

}  // namespace taizhang::node
