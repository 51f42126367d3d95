#include "api/front.h"

#include "http/await.h"
#include "node/data_dir.h"
#include "wire/messages.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

namespace taizhang::api {

namespace json = boost::json;
using local = net::local::stream_protocol;

namespace {

constexpr std::size_t kControlBytesMax = 4u << 20;

http::Limits limits() {
    http::Limits l;
    l.body_bytes_max = wire::kMessageBytesMax;
    l.body_bytes_per_second_min = 100;  // a 2G link that is silent every other second still meets it
    return l;
}

}  // namespace

json::object error_json(const Error& e) {
    return {{"error", {{"code", taizhang::name_of(e.code)}, {"line", e.detail}}}};
}

std::string own_address(const std::string& listen, std::uint16_t port, bool is_secure) {
    const auto host = listen.substr(0, listen.rfind(':'));
    const auto own = host == "0.0.0.0" ? "127.0.0.1" : host == "[::]" ? "[::1]" : host;
    return (is_secure ? "https://" : "http://") + own + ":" + std::to_string(port);
}

bool is_loopback(const std::string& listen) {
    return listen.starts_with("127.") || listen.starts_with("localhost:") || listen.starts_with("[::1]:");
}

Front::Front() : http(io, limits(), [this](http::Request q) { return on_request(std::move(q)); }) {}

Result<std::uint16_t> Front::open(const std::string& listen, const std::string& dir) {
    dir_ = dir;
    TRY(const auto port, http.listen(listen));
    TRY_VOID(open_socket());
    port_ = port;
    net::co_spawn(io, accept_commands(), [](std::exception_ptr) {});
    return port;
}

Result<> Front::open_socket() {
    const node::SocketPath path(dir_);
    ::unlink(path.path().c_str());
    boost::system::error_code ec;
    const local::endpoint endpoint(path.path());
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) ::chmod(path.path().c_str(), 0600);
    if (!ec) acceptor_.listen(16, ec);
    if (ec) return fail(Errc::io, "不能建立本机通道 / cannot make the control socket: " + ec.message());
    return {};
}

void Front::stop() {
    http.stop();
    boost::system::error_code ec;
    acceptor_.close(ec);
    io.stop();
}

void Front::remove_socket() {
    if (!is_open()) return;
    const node::SocketPath path(dir_);
    ::unlink(path.path().c_str());
}

net::awaitable<void> Front::accept_commands() {
    for (;;) {
        auto [ec, socket] = co_await acceptor_.async_accept(http::kToken);
        if (ec) co_return;
        auto session = answer_command(std::move(socket));
        net::co_spawn(io, std::move(session), [](std::exception_ptr) {});
    }
}

net::awaitable<void> Front::answer_command(local::socket socket) {
    net::streambuf in(kControlBytesMax);
    auto [ec, n] = co_await net::async_read_until(socket, in, '\n', http::kToken);
    if (ec) co_return;
    std::string line(net::buffers_begin(in.data()), net::buffers_begin(in.data()) + static_cast<std::ptrdiff_t>(n));
    auto command = Command::decode(line);
    json::object out;
    if (!command) {
        out = error_json(command.error());
    } else {
        Command c = std::move(*command);
        auto document = co_await on_command(std::move(c));
        if (document)
            out["document"] = std::move(*document);
        else
            out = error_json(document.error());
    }
    std::string answer = json::serialize(out) + "\n";
    auto buffer = net::buffer(answer);
    auto [ec2, n2] = co_await net::async_write(socket, buffer, http::kToken);
    (void)ec2;
    (void)n2;
}

}  // namespace taizhang::api
