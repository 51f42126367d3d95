// run_to_end.h - a coroutine from code that is none. Threads: the io_context's.
#pragma once

#include "base/result.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace taizhang::api {

namespace net = boost::asio;

/// Runs one coroutine to its end; what else is on the io_context goes on meanwhile, and afterwards when it runs again.
template <class T>
Result<T> run_to_end(net::io_context& io, net::awaitable<Result<T>> work) {
    std::optional<Result<T>> out;
    net::co_spawn(io, std::move(work), [&](std::exception_ptr e, Result<T> r) {
        if (e)
            out = Result<T>(fail(Errc::internal, "内部错误 / internal error"));
        else
            out = std::move(r);
        io.stop();
    });
    io.run();
    io.restart();
    return std::move(*out);
}

}  // namespace taizhang::api
