// front.h - what a serving program is reached by: one HTTP port, and DIR/control.sock for commands of the terminal.
//
// Made before there is a node: where the keys are locked somebody has to be asked first (unlock.h), and the address
// that the browser has open must stay the same when the node is there. Who answers is set from outside and changes
// once. Threads: the io_context's.
#pragma once

#include "api/command.h"
#include "http/http.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace taizhang::api {

namespace net = boost::asio;

class Front {
public:
    using CommandHandler = std::function<net::awaitable<Result<boost::json::value>>(Command)>;
    Front();

    /// Binds both. The handlers have to be set before the io_context runs; what devices use, before this.
    Result<std::uint16_t> open(const std::string& listen, const std::string& dir);
    bool is_open() const { return port_ != 0; }
    std::uint16_t port() const { return port_; }
    void stop();
    /// The last thing.
    void remove_socket();

    net::io_context io{1};
    http::Handler on_request;
    CommandHandler on_command;
    http::Server http;

private:
    Result<> open_socket();
    net::awaitable<void> accept_commands();
    net::awaitable<void> answer_command(net::local::stream_protocol::socket socket);

    net::local::stream_protocol::acceptor acceptor_{io};
    std::string dir_;
    std::uint16_t port_ = 0;
};

/// {"error":{"code","line"}}, for the terminal and for the API.
boost::json::object error_json(const Error& e);

/// What a browser on this PC calls that address: all addresses are no address.
std::string own_address(const std::string& listen, std::uint16_t port, bool is_secure);

bool is_loopback(const std::string& listen);

}  // namespace taizhang::api
