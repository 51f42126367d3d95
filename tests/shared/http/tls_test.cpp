// TLS on both ends of a loopback connection.
#include "http/tls.h"
#include "tests/shared/http/support.h"

#include <catch2/catch.hpp>

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace taizhang::http::tls_test {
namespace {

std::shared_ptr<Tls> must(Result<std::shared_ptr<Tls>> tls) {
    REQUIRE(tls.has_value());
    return *tls;
}

std::shared_ptr<Tls> speaker(const std::string& word) {
    return must(Tls::serve_with_own_key([word](std::string_view key) { return word + std::to_string(key.size()); }));
}

struct Pair {
    net::io_context io;
    Server server;
    std::string origin;

    explicit Pair(std::shared_ptr<Tls> tls) : server(io, {}, answer) {
        server.secure(std::move(tls));
        const auto port = server.listen("127.0.0.1:0");
        REQUIRE(port.has_value());
        origin = "https://127.0.0.1:" + std::to_string(*port);
    }
    static net::awaitable<Response> answer(Request request) {
        Response r;
        r.body = request.body + std::string(100'000, 'x');
        co_return r;
    }

    Result<Response> ask(Client& client) {
        Result<Response> out = fail(Errc::internal, "nothing came");
        Request request;
        request.method = "POST";
        request.target = "/";
        request.body = std::string(50'000, 'q');
        net::co_spawn(io, client.send(std::move(request), std::chrono::seconds(10)),
                      [&](std::exception_ptr, Result<Response> r) {
                          out = std::move(r);
                          io.stop();
                      });
        io.run();
        io.restart();
        return out;
    }
};

}  // namespace

TEST_CASE("tls: what a server's certificate says is heard, bodies go through both ways", "[http][tls]") {
    Pair p(speaker("we are C"));
    std::string heard;
    Client client(p.io, p.origin, must(Tls::connect([&](const Tls::Shown& shown) -> Result<std::string> {
                      heard = shown.statement;
                      CHECK_FALSE(shown.is_vouched);
                      CHECK(heard == "we are C" + std::to_string(shown.public_key.size()));
                      return std::string("C");
                  })));
    for (int i = 0; i < 3; ++i) {
        const auto r = p.ask(client);
        REQUIRE(r.has_value());
        CHECK(r->body.size() == 150'000);
    }
    CHECK(heard.starts_with("we are C"));
    CHECK(client.peer() == "C");
    CHECK(client.bytes_up() > 150'000);
    CHECK(client.bytes_down() > 450'000);
}

TEST_CASE("tls: a server that is not believed hears nothing", "[http][tls]") {
    Pair p(speaker("somebody"));
    Client client(p.io, p.origin, must(Tls::connect([](const Tls::Shown&) -> Result<std::string> {
                      return fail(Errc::denied, "不是 / it is not");
                  })));
    const auto r = p.ask(client);
    REQUIRE(r.has_error());
    CHECK(r.error().code == Errc::denied);
    CHECK(client.bytes_up() < 2000);
}

TEST_CASE("tls: a new connection takes up the session of before", "[http][tls]") {
    Pair p(speaker("we are C"));
    const auto tls = must(Tls::connect({}));
    for (int i = 0; i < 3; ++i) {
        Client client(p.io, p.origin, tls);
        REQUIRE(p.ask(client).has_value());
        client.close();
    }
    CHECK(tls->resumed() == 2);
}

namespace {

/// A client that does what ours never does: sends a request before the handshake is over.
class Hasty {
public:
    explicit Hasty(std::uint16_t port) : port_(port), context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_ex_data(context_, 0, this);
        SSL_CTX_sess_set_new_cb(context_, [](SSL* connection, SSL_SESSION* session) {
            auto* self = static_cast<Hasty*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), 0));
            // A copy: a connection that ends without a goodbye spoils its own.
            SSL_SESSION_free(std::exchange(self->session_, SSL_SESSION_dup(session)));
            return 0;
        });
    }
    ~Hasty() {
        SSL_SESSION_free(session_);
        SSL_CTX_free(context_);
    }
    Hasty(const Hasty&) = delete;
    Hasty& operator=(const Hasty&) = delete;

    bool has_ticket() const { return session_ != nullptr; }
    std::uint32_t ticket_allows() const { return SSL_SESSION_get_max_early_data(session_); }

    /// A request in the usual way; with `early` one that goes out before it, as early data. Gives what became of that.
    int ask(const std::string& early) {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port_);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return -1;
        SSL* connection = SSL_new(context_);
        SSL_set_fd(connection, fd);
        std::size_t n = 0;
        if (!early.empty()) {
            SSL_SESSION_set_max_early_data(session_, 1u << 14);
            SSL_set_session(connection, session_);
            if (SSL_write_early_data(connection, early.data(), early.size(), &n) != 1) n = 0;
        }
        if (SSL_connect(connection) != 1) return -1;
        const int became = SSL_get_early_data_status(connection);
        const std::string late = "GET /late HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        SSL_write(connection, late.data(), static_cast<int>(late.size()));
        char buffer[4096];
        while (SSL_read(connection, buffer, sizeof buffer) > 0) {
        }
        SSL_free(connection);
        ::close(fd);
        return early.empty() || n == early.size() ? became : -1;
    }

private:
    std::uint16_t port_;
    SSL_CTX* context_;
    SSL_SESSION* session_ = nullptr;
};

}  // namespace

TEST_CASE("tls: what comes as early data is never read, whatever a client makes of its ticket", "[http][tls]") {
    net::io_context io;
    std::vector<std::string> heard;
    Server server(io, {}, [&](Request request) -> net::awaitable<Response> {
        heard.push_back(request.target);
        co_return Response{};
    });
    server.secure(speaker("we are C"));
    const auto port = server.listen("127.0.0.1:0");
    REQUIRE(port.has_value());
    bool had_ticket = false;
    std::uint32_t allowed = 1;
    int became = -1;
    std::thread client([&] {
        Hasty hasty(*port);
        hasty.ask({});
        had_ticket = hasty.has_ticket();
        if (had_ticket) {
            allowed = hasty.ticket_allows();
            became = hasty.ask("GET /early HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        net::post(io, [&] { io.stop(); });
    });
    io.run();
    client.join();
    REQUIRE(had_ticket);
    CHECK(allowed == 0);
    CHECK(became == SSL_EARLY_DATA_REJECTED);
    CHECK(heard == std::vector<std::string>{"/late", "/late"});
}

TEST_CASE("tls: a client that wants TLS from a plain server is told so", "[http][tls]") {
    net::io_context io;
    Server plain(io, {}, Pair::answer);
    const auto port = plain.listen("127.0.0.1:0");
    REQUIRE(port.has_value());
    Client client(io, "https://127.0.0.1:" + std::to_string(*port), must(Tls::connect({})));
    Result<Response> out = fail(Errc::internal, "nothing came");
    Request request;
    request.method = "GET";
    request.target = "/";
    net::co_spawn(io, client.send(std::move(request), std::chrono::seconds(5)),
                  [&](std::exception_ptr, Result<Response> r) {
                      out = std::move(r);
                      io.stop();
                  });
    io.run();
    REQUIRE(out.has_error());
    CHECK(out.error().code == Errc::offline);
}

TEST_CASE("tls: files that are no certificate are refused in one line", "[http][tls]") {
    const auto r = Tls::serve_with_files("/nonexistent.pem", "/nonexistent.key");
    REQUIRE(r.has_error());
    CHECK(r.error().code == Errc::bad_input);
    CHECK(r.error().detail.find("/nonexistent.pem") != std::string::npos);
}

}  // namespace taizhang::http::tls_test
