// await.h - Asio's operations with their errors as values: auto [ec, n] = co_await x.async_read_some(b, http::kToken);
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace taizhang::http {

inline constexpr auto kToken = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace taizhang::http
