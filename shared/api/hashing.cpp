#include "api/hashing.h"

#include "trust/password.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace taizhang::api {
namespace {

// Strangers wait for at most that many before them (about half a second); more: a flood makes people wait longer.
constexpr std::size_t kStrangersMax = 8, kWaitingMax = 32;

}  // namespace

Hashing::Hashing() : pool_(std::make_unique<net::thread_pool>(1)) {}
Hashing::~Hashing() { stop(); }
void Hashing::stop() { pool_->join(); }

net::awaitable<Hashing::Verdict> Hashing::check(std::string hash, std::string password, bool is_known) {
    if (waiting_ >= (is_known ? kWaitingMax : kStrangersMax)) co_return Verdict::busy;
    ++waiting_;
    auto initiate = [this](auto handler, std::string h, std::string p) {
        auto executor = net::get_associated_executor(handler);
        auto guard = net::make_work_guard(executor);
        auto job = [executor, guard = std::move(guard), handler = std::move(handler), h = std::move(h),
                    p = std::move(p)]() mutable {
            const bool is_right = trust::is_password(h, p);
            // The guard is let go where the handler runs (node/store.cpp says why).
            auto finish = [handler = std::move(handler), at_work = std::move(guard), is_right]() mutable {
                std::move(handler)(is_right);
            };
            net::post(executor, std::move(finish));
        };
        net::post(*pool_, std::move(job));
    };
    auto pending = net::async_initiate<const net::use_awaitable_t<>, void(bool)>(
        std::move(initiate), net::use_awaitable, std::move(hash), std::move(password));
    const bool is_right = co_await std::move(pending);
    --waiting_;
    co_return is_right ? Verdict::right : Verdict::wrong;
}

}  // namespace taizhang::api
