// support.h - a served handler in a thread of its own, and sockets that say exactly what a test wants said.
#pragma once

#include "http/http.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>

#include <sys/socket.h>
#include <sys/time.h>

namespace taizhang::http::test {

using Tcp = net::ip::tcp;
using namespace std::chrono_literals;

/// A blocking connection; anything that takes over a minute fails the test instead of hanging it.
class RawSocket {
public:
    explicit RawSocket(std::uint16_t port) : socket_(io_) {
        socket_.connect(Tcp::endpoint(net::ip::address_v4::loopback(), port));
        socket_.set_option(Tcp::no_delay(true));
        set_timeouts();
    }
    explicit RawSocket(Tcp::acceptor& acceptor) : socket_(io_) {
        acceptor.accept(socket_);
        socket_.set_option(Tcp::no_delay(true));
        set_timeouts();
    }

    /// False when the other side does not take it any more.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void end() {
        boost::system::error_code ignored;
        socket_.shutdown(Tcp::socket::shutdown_send, ignored);
    }
    void close() { socket_.close(); }

    /// What arrives until the other side ends; "TIMEOUT" is appended when it does not.
    std::string read_all() {
        while (fill()) {
        }
        return std::exchange(inbox_, {});
    }
    /// One answer with its Content-Length.
    std::string read_answer() {
        std::size_t end = 0;
        while ((end = inbox_.find("\r\n\r\n")) == std::string::npos)
            if (!fill()) return std::exchange(inbox_, {});
        std::size_t size = end + 4;
        const auto length = inbox_.find("Content-Length: ");
        if (length < end) size += std::stoul(inbox_.substr(length + 16));
        while (inbox_.size() < size)
            if (!fill()) return std::exchange(inbox_, {});
        const auto answer = inbox_.substr(0, size);
        inbox_.erase(0, size);
        return answer;
    }
    /// Whatever arrives first.
    std::string read_some() {
        fill();
        return std::exchange(inbox_, {});
    }
    /// Reads until what arrived ends in `end`.
    std::string read_through(std::string_view end) {
        while (inbox_.size() < end.size() || inbox_.substr(inbox_.size() - end.size()) != end)
            if (!fill()) break;
        return std::exchange(inbox_, {});
    }

private:
    void set_timeouts() {
        const timeval minute{60, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
    }
    bool fill() {
        char piece[65536];
        const auto got = ::recv(socket_.native_handle(), piece, sizeof piece, 0);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) inbox_ += "TIMEOUT";
        if (got <= 0) return false;
        inbox_.append(piece, static_cast<std::size_t>(got));
        return true;
    }

    net::io_context io_;
    Tcp::socket socket_;
    std::string inbox_;
};

/// What the served handler knows to do, by target.
class World {
public:
    explicit World(Limits limits = {}) : gate_(io_, net::steady_timer::time_point::max()) {
        server_.emplace(io_, limits, [this](Request request) { return handle(std::move(request)); });
        port = *server_->listen("127.0.0.1:0");
        thread_ = std::thread([this] { io_.run(); });
    }
    /// Ends only when every session has ended, so each test also proves the shutdown.
    ~World() {
        on_io([this] { server_.reset(); });
        open_gate();
        work_.reset();
        thread_.join();
    }

    template <class Function>
    std::invoke_result_t<Function> on_io(Function function) {
        std::packaged_task<std::invoke_result_t<Function>()> task(std::move(function));
        auto result = task.get_future();
        net::post(io_, [&task] { task(); });
        return result.get();
    }
    void open_gate() {
        net::post(io_, [this] { gate_.cancel(); });
    }
    bool connections_become(std::size_t wanted) {
        const auto until = std::chrono::steady_clock::now() + 60s;
        while (std::chrono::steady_clock::now() < until) {
            if (on_io([this] { return server_->connections(); }) == wanted) return true;
            std::this_thread::yield();
        }
        return false;
    }
    void stop() {
        on_io([this] { server_->stop(); });
    }
    std::string origin() const { return "http://127.0.0.1:" + std::to_string(port); }

    std::uint16_t port = 0;
    std::promise<void> waiting;  ///< set when a request for /wait has reached the handler

private:
    net::awaitable<Response> handle(Request request) {
        Response response;
        response.content_type = "text/plain";
        if (request.target == "/throw") throw std::runtime_error("a planted\nfailure");
        if (request.target == "/throw-odd") throw 42;
        if (request.target == "/break") response.headers.emplace_back("x-evil", "a\r\nset-cookie: b");
        if (request.target == "/nothing") {
            response.status = 204;
            co_return response;
        }
        if (request.target == "/large") {
            response.body.assign(64 * 1024 * 1024, 'x');
            co_return response;
        }
        if (request.target == "/wait") {
            waiting.set_value();
            boost::system::error_code ignored;
            co_await gate_.async_wait(net::redirect_error(net::use_awaitable, ignored));
        }
        if (request.target == "/headers") {
            for (const auto& [name, value] : request.headers) response.body += name + "=" + value + "\n";
            response.headers.emplace_back("x-peer", request.peer);
            co_return response;
        }
        response.body = request.method + " " + request.target + " [" + request.body + "]";
        co_return response;
    }

    net::io_context io_{1};
    net::executor_work_guard<net::io_context::executor_type> work_{io_.get_executor()};
    net::steady_timer gate_;
    std::optional<Server> server_;
    std::thread thread_;
};

}  // namespace taizhang::http::test
