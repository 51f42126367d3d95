#include "http/live.h"

#include "http/link.h"
#include "http/live_socket.h"
#include "http/strict.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket.hpp>

namespace taizhang::http {

namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
constexpr auto kToken = net::as_tuple(net::use_awaitable);

}  // namespace

struct Live::Impl : std::enable_shared_from_this<Live::Impl> {
    using Stream = websocket::stream<Tcp::socket>;

    Impl(Tcp::socket socket, std::chrono::milliseconds handshake, std::chrono::milliseconds silence)
        : stream(std::move(socket)), wake(stream.get_executor()) {
        websocket::stream_base::timeout t;
        t.handshake_timeout = handshake;
        t.idle_timeout = silence;
        t.keep_alive_pings = true;
        stream.set_option(t);
        stream.control_callback({});
    }

    static net::awaitable<void> write(std::shared_ptr<Impl> self);
    void start();
    void close() {
        if (is_over) return;
        is_over = true;
        wake.cancel();
        boost::system::error_code ignored;
        stream.next_layer().close(ignored);
    }

    Stream stream;
    net::steady_timer wake;  // of the writer
    std::string message;     // to be sent next
    bool has_message = false, is_over = false;
};

/// Writes what is to be said; sleeps otherwise.
net::awaitable<void> Live::Impl::write(std::shared_ptr<Impl> self) {
    while (!self->is_over) {
        if (!self->has_message) {
            self->wake.expires_after(std::chrono::hours(1));
            auto waited = co_await self->wake.async_wait(kToken);
            static_cast<void>(waited);
            continue;
        }
        const std::string out = std::move(self->message);
        self->has_message = false;
        const auto bytes = net::buffer(out);
        auto result = co_await self->stream.async_write(bytes, kToken);
        if (std::get<0>(result)) self->close();
    }
}

void Live::Impl::start() {
    stream.binary(true);
    net::co_spawn(stream.get_executor(), write(shared_from_this()), LogFailure{"live"});
}

Live::Live(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Live::~Live() { close(); }
void Live::close() { impl_->close(); }
bool Live::is_open() const { return !impl_->is_over; }

void Live::say(std::string message) {
    if (impl_->is_over || message.size() > kPokeBytesMax) return;
    impl_->message = std::move(message);
    impl_->has_message = true;
    impl_->wake.cancel();
}

net::awaitable<Result<std::string>> Live::next() {
    const auto impl = impl_;
    // More than it holds is an error at once. Beast's own limit would first wait for the other side to hang up.
    beast::flat_buffer buffer(kPokeBytesMax);
    auto result = co_await impl->stream.async_read(buffer, kToken);
    if (std::get<0>(result)) {
        impl->close();
        co_return fail(Errc::offline, "实时连接断了 / the live connection is over");
    }
    const auto data = buffer.data();
    co_return std::string(static_cast<const char*>(data.data()), data.size());
}

bool asks_for_live(const Request& request) {
    return request.method == "GET" && strict::lower(request.header("upgrade")) == "websocket" && request.body.empty();
}

net::awaitable<std::shared_ptr<Live>> accept_live(Tcp::socket socket, Request request,
                                                  std::chrono::milliseconds silence) {
    auto impl = std::make_shared<Live::Impl>(std::move(socket), std::chrono::seconds(30), silence);
    beast::http::request<beast::http::empty_body> message;
    message.method(beast::http::verb::get);
    message.version(11);
    message.target(request.target);
    for (const auto& [name, value] : request.headers) message.insert(name, value);
    auto result = co_await impl->stream.async_accept(message, kToken);
    if (std::get<0>(result)) {
        impl->close();
        co_return nullptr;
    }
    impl->start();
    co_return std::make_shared<Live>(impl);
}

net::awaitable<Result<std::shared_ptr<Live>>> start_live(Tcp::socket socket, std::string host, std::string target,
                                                         Headers headers, std::chrono::milliseconds deadline,
                                                         std::chrono::milliseconds silence) {
    auto impl = std::make_shared<Live::Impl>(std::move(socket), deadline, silence);
    auto decorate = [headers](websocket::request_type& q) {
        for (const auto& [name, value] : headers) q.set(name, value);
    };
    websocket::stream_base::decorator decorator(std::move(decorate));
    impl->stream.set_option(std::move(decorator));
    websocket::response_type response;
    auto result = co_await impl->stream.async_handshake(response, host, target, kToken);
    const auto ec = std::get<0>(result);
    if (ec) {
        impl->close();
        const auto status = response.result_int();
        if (ec == websocket::error::upgrade_declined && (status == 401 || status == 403))
            co_return fail(Errc::denied, host + " 不许实时连接 / " + host + " refuses a live connection");
        if (ec == websocket::error::upgrade_declined)
            co_return fail(Errc::protocol, host + " 没有实时连接 / " + host + " has no live connections");
        co_return fail(Errc::offline, "不能建立实时连接 / no live connection to " + host + " (" + ec.message() + ")");
    }
    impl->start();
    co_return std::make_shared<Live>(impl);
}

}  // namespace taizhang::http
