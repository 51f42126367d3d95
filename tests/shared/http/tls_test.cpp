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

namespace taizhang::http {
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

}  // namespace taizhang::http
