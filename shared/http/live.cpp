#include "http/live.h"

#include "http/await.h"
#include "http/link.h"
#include "http/live_socket.h"
#include "http/strict.h"
#include "http/wire.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket.hpp>

namespace taizhang::http {

namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

}  // namespace

/// Over a plain connection or over TLS.
struct Live::Impl : std::enable_shared_from_this<Live::Impl> {
    explicit Impl(std::unique_ptr<Wire> w) : wire(std::move(w)), wake(wire->socket.get_executor()) {}
    virtual ~Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    virtual net::awaitable<error_code> send(std::string message) = 0;
    virtual net::awaitable<error_code> receive(beast::flat_buffer* into) = 0;
    virtual net::awaitable<error_code> accept(beast::http::request<beast::http::empty_body> request) = 0;
    virtual net::awaitable<error_code> handshake(websocket::response_type* response, std::string host,
                                                 std::string target, Headers headers) = 0;

    static net::awaitable<void> write(std::shared_ptr<Impl> self);
    void start();
    void close() {
        if (is_over) return;
        is_over = true;
        wake.cancel();
        error_code ignored;
        wire->socket.close(ignored);
    }

    std::unique_ptr<Wire> wire;
    net::steady_timer wake;  // of the writer
    std::string message;     // to be sent next
    bool has_message = false, is_over = false;
};

namespace {

template <class Next>
struct Over final : Live::Impl {
    Over(std::unique_ptr<Wire> w, Next& next, std::chrono::milliseconds handshake_timeout,
         std::chrono::milliseconds silence)
        : Impl(std::move(w)), stream(next) {
        websocket::stream_base::timeout t;
        t.handshake_timeout = handshake_timeout;
        t.idle_timeout = silence;
        t.keep_alive_pings = true;
        stream.set_option(t);
        stream.control_callback({});
    }

    net::awaitable<error_code> send(std::string out) override {
        stream.binary(true);
        const auto bytes = net::buffer(out);
        auto result = co_await stream.async_write(bytes, kToken);
        co_return std::get<0>(result);
    }
    net::awaitable<error_code> receive(beast::flat_buffer* into) override {
        auto result = co_await stream.async_read(*into, kToken);
        co_return std::get<0>(result);
    }
    net::awaitable<error_code> accept(beast::http::request<beast::http::empty_body> request) override {
        auto result = co_await stream.async_accept(request, kToken);
        co_return std::get<0>(result);
    }
    net::awaitable<error_code> handshake(websocket::response_type* response, std::string host, std::string target,
                                         Headers headers) override {
        auto decorate = [headers](websocket::request_type& q) {
            for (const auto& [name, value] : headers) q.set(name, value);
        };
        websocket::stream_base::decorator decorator(std::move(decorate));
        stream.set_option(std::move(decorator));
        auto result = co_await stream.async_handshake(*response, host, target, kToken);
        co_return std::get<0>(result);
    }

    websocket::stream<Next&> stream;
};

std::shared_ptr<Live::Impl> live_over(std::unique_ptr<Wire> wire, std::chrono::milliseconds handshake,
                                      std::chrono::milliseconds silence) {
    auto& w = *wire;
    if (w.secure) return std::make_shared<Over<TlsStream>>(std::move(wire), *w.secure, handshake, silence);
    return std::make_shared<Over<Tcp::socket>>(std::move(wire), w.socket, handshake, silence);
}

}  // namespace

/// Writes what is to be said; sleeps otherwise.
net::awaitable<void> Live::Impl::write(std::shared_ptr<Impl> self) {
    while (!self->is_over) {
        if (!self->has_message) {
            self->wake.expires_after(std::chrono::hours(1));
            auto waited = co_await self->wake.async_wait(kToken);
            static_cast<void>(waited);
            continue;
        }
        std::string out = std::move(self->message);
        self->has_message = false;
        const auto ec = co_await self->send(std::move(out));
        if (ec) self->close();
    }
}

void Live::Impl::start() { net::co_spawn(wire->socket.get_executor(), write(shared_from_this()), LogFailure{"live"}); }

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
    const auto ec = co_await impl->receive(&buffer);
    if (ec) {
        impl->close();
        co_return fail(Errc::offline, "实时连接断了 / the live connection is over");
    }
    const auto data = buffer.data();
    co_return std::string(static_cast<const char*>(data.data()), data.size());
}

bool asks_for_live(const Request& request) {
    return request.method == "GET" && strict::lower(request.header("upgrade")) == "websocket" && request.body.empty();
}

net::awaitable<std::shared_ptr<Live>> accept_live(std::unique_ptr<Wire> wire, Request request,
                                                  std::chrono::milliseconds silence) {
    auto impl = live_over(std::move(wire), std::chrono::seconds(30), silence);
    beast::http::request<beast::http::empty_body> message;
    message.method(beast::http::verb::get);
    message.version(11);
    message.target(request.target);
    for (const auto& [name, value] : request.headers) message.insert(name, value);
    const auto ec = co_await impl->accept(std::move(message));
    if (ec) {
        impl->close();
        co_return nullptr;
    }
    impl->start();
    co_return std::make_shared<Live>(impl);
}

net::awaitable<Result<std::shared_ptr<Live>>> start_live(std::unique_ptr<Wire> wire, std::string host,
                                                         std::string target, Headers headers,
                                                         std::chrono::milliseconds deadline,
                                                         std::chrono::milliseconds silence) {
    auto impl = live_over(std::move(wire), deadline, silence);
    websocket::response_type response;
    const auto ec = co_await impl->handshake(&response, host, std::move(target), std::move(headers));
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
