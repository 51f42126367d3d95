// http.h - strict HTTP/1.1, our own Request and Response; Beast stays behind it.
//
// Server: one io_context thread. The handler is called on that thread and answers
// through an awaitable, so that it can wait for the store thread. What Beast lets
// through and we do not: any Transfer-Encoding, more than one or no Content-Length
// on a body, missing or repeated Host, folded header lines, bare CR or LF, HTTP/1.0,
// targets that do not start with '/', too many or too large headers (400, 411, 413,
// 431, 501, 505 with one line), a header or body slower than Limits allow (408). All
// of these close the connection. A handler that throws is logged and answered with 500.
//
// Client: one keep-alive connection to one origin; reconnects when it was closed.
// As strict about answers: HTTP/1.1, a Content-Length, no Transfer-Encoding.
#pragma once

#include "base/result.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace taizhang::http {

namespace net = boost::asio;

using Headers = std::vector<std::pair<std::string, std::string>>;  ///< names in lower case

struct Request {
    std::string method;  ///< "GET", "POST", …
    std::string target;  ///< path and query as sent, starts with '/'
    Headers headers;
    std::string body;
    std::string peer;  ///< address without port
    /// First value of a header, empty when absent.
    std::string_view header(std::string_view lower_case_name) const;
};

struct Response {
    int status = 200;
    std::string content_type = "application/octet-stream";  ///< sent only with a body, and if not empty
    std::string body;
    Headers headers;  ///< the others; framing (Content-Length, Connection) is not the handler's
    std::string_view header(std::string_view lower_case_name) const;
};

struct Limits {
    std::size_t header_bytes_max = 8 * 1024;  ///< at most 60 KiB
    std::size_t headers_max = 64;
    std::size_t body_bytes_max = 8 * 1024 * 1024;
    std::size_t bodies_bytes_max = 512 * 1024 * 1024;  ///< of all requests at once; beyond it 503
    std::size_t connections_max = 4096;
    std::chrono::milliseconds header_deadline{30'000};  ///< also for the first byte of a new connection
    std::chrono::milliseconds idle_deadline{300'000};   ///< keep-alive, nothing sent yet
    std::size_t body_bytes_per_second_min = 500;        ///< a 2G link still meets it
    std::chrono::milliseconds body_grace{30'000};  ///< how far a body or a reader of answers may fall behind that rate
};

using Handler = std::function<net::awaitable<Response>(Request)>;
struct LiveDoor;  // live.h
class Live;
class Tls;

class Server {
public:
    Server(net::io_context& io, Limits limits, Handler handler);
    ~Server();
    /// Binds and starts accepting. `listen` is HOST:PORT with a numeric host or "localhost"; port 0 asks for any.
    /// Gives the port. Errc::busy when the address is taken, Errc::usage when it makes no sense.
    Result<std::uint16_t> listen(const std::string& listen);
    /// Before listen(): TLS only. Whoever speaks plain HTTP is told so in one line.
    void secure(std::shared_ptr<Tls> tls);
    /// Before listen(): what happens to WebSockets at one target. Without it they are requests like any other.
    void open_door(LiveDoor door);
    /// Stops accepting and closes all sessions; a handler that is waiting finishes, its answer is dropped.
    /// Safe to call twice; call on the io thread.
    void stop();
    std::size_t connections() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

class Client {
public:
    /// `origin` is http://HOST:PORT or https://HOST:PORT (checked by `parse_origin`); the latter needs `tls`.
    Client(net::io_context& io, std::string origin, std::shared_ptr<Tls> tls = nullptr);
    ~Client();
    /// Sends one request, waits at most `deadline` for the whole answer. Errc::offline when the
    /// other side cannot be reached or the connection broke; Errc::protocol when the answer is not HTTP
    /// or larger than `response_bytes_max`. Retries once by itself only when a kept connection turned out to be
    /// closed before any byte of the answer came. Body and answer are not interpreted.
    /// One request at a time; headers "host" replaces the origin's, framing headers are Errc::usage.
    net::awaitable<Result<Response>> send(Request request, std::chrono::milliseconds deadline,
                                          std::size_t response_bytes_max = 64 * 1024 * 1024);
    struct Timing {
        std::chrono::milliseconds first{0};  ///< from the request's first byte to the answer's first
        std::chrono::milliseconds last{0};   ///< to its last; connecting is not in it
    };
    /// Connects, if there is no connection that a request could use. Errc::offline.
    net::awaitable<Result<>> reach(std::chrono::milliseconds deadline);
    /// A WebSocket to the same origin, on a connection of its own. Errc::offline; denied (401, 403); protocol when
    /// nothing there makes one.
    net::awaitable<Result<std::shared_ptr<Live>>> open_live(std::string target, Headers headers,
                                                            std::chrono::milliseconds deadline,
                                                            std::chrono::milliseconds silence);
    /// Of the last answer that came whole.
    Timing timing() const;
    /// Who answered on the newest connection, as Tls::Believe said it; empty without TLS.
    const std::string& peer() const;
    /// Bytes on the socket since construction, headers included.
    std::uint64_t bytes_up() const;
    std::uint64_t bytes_down() const;
    /// Requests that `send` sent a second time by itself: a kept connection died of age, or the link was cut.
    std::uint64_t retries() const;
    void close();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

struct Origin {
    std::string host, port;
    bool is_secure = false;
    /// Nobody can listen in: plain HTTP will do.
    bool is_loopback() const;
};
Result<Origin> parse_origin(const std::string& url);

/// The one table from an error to an HTTP status.
int http_status(Errc code);

}  // namespace taizhang::http
