#include "tests/shared/http/support.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::client_test {
using namespace taizhang::http;
using namespace taizhang::http::test;

namespace {

Request request(std::string method, std::string target, std::string body = {}) {
    Request made;
    made.method = std::move(method);
    made.target = std::move(target);
    made.body = std::move(body);
    return made;
}

/// A client and the loop it runs in.
struct Caller {
    explicit Caller(const std::string& origin) : client(io, origin) {}

    Result<Response> send(Request asked, std::chrono::milliseconds deadline = 60s,
                          std::size_t bytes_max = 64 * 1024 * 1024) {
        std::optional<Result<Response>> result;
        auto keep = [&result](std::exception_ptr failure, Result<Response> answer) {
            if (failure) std::rethrow_exception(failure);
            result = std::move(answer);
        };
        net::co_spawn(io, client.send(std::move(asked), deadline, bytes_max), keep);
        io.restart();
        io.run();
        return std::move(*result);
    }
    Errc code(Request asked, std::chrono::milliseconds deadline = 60s, std::size_t bytes_max = 1000) {
        const auto result = send(std::move(asked), deadline, bytes_max);
        if (!result) {
            INFO(result.error().detail);
            CHECK(result.error().detail.find(" / ") != std::string::npos);
            return result.error().code;
        }
        FAIL("answered: " + std::to_string(result->status) + " " + result->body);
        return Errc::internal;
    }

    net::io_context io;
    Client client;
};

/// Plays one script for each connection, in order; more connections than scripts are closed, and counted.
class Scripted {
public:
    using Script = std::function<void(RawSocket&)>;
    explicit Scripted(std::vector<Script> scripts)
        : acceptor_(io_, Tcp::endpoint(net::ip::address_v4::loopback(), 0)), scripts_(std::move(scripts)) {
        port = acceptor_.local_endpoint().port();
        thread_ = std::thread([this] {
            for (auto& script : scripts_) {
                RawSocket socket(acceptor_);
                script(socket);
            }
            while (RawSocket(acceptor_).read_some() != "over") ++extra_;
        });
    }
    ~Scripted() { finish(); }
    /// How many connections came for which there was no script.
    int finish() {
        if (thread_.joinable()) {
            RawSocket last(port);  // queued behind all others
            last.send("over");
            thread_.join();
        }
        return extra_;
    }
    std::string origin() const { return "http://127.0.0.1:" + std::to_string(port); }

    std::uint16_t port = 0;

private:
    net::io_context io_;
    Tcp::acceptor acceptor_;
    std::vector<Script> scripts_;
    int extra_ = 0;
    std::thread thread_;
};

/// Reads one bodyless request, says `bytes`, closes.
Scripted::Script says(std::string bytes) {
    return [bytes = std::move(bytes)](RawSocket& socket) {
        socket.read_through("\r\n\r\n");
        socket.send(bytes);
    };
}
/// The same, and waits for the client to go.
Scripted::Script says_and_stays(std::string bytes) {
    return [bytes = std::move(bytes)](RawSocket& socket) {
        socket.read_through("\r\n\r\n");
        socket.send(bytes);
        socket.read_all();
    };
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("http client: a round trip with everything in it", "[http]") {
    World world;
    Caller caller(world.origin());
    const auto answer = caller.send(request("POST", "/a?b", "body"));
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->body == "POST /a?b [body]");
    CHECK(answer->content_type == "text/plain");
    CHECK(answer->headers.empty());

    auto asked = request("GET", "/headers");
    asked.headers = {{"x-token", "abc"}};
    const auto headers = caller.send(asked);
    REQUIRE(headers.has_value());
    CHECK(headers->body == "host=127.0.0.1:" + std::to_string(world.port) + "\nx-token=abc\n");
    CHECK(headers->header("x-peer") == "127.0.0.1");

    const auto nothing = caller.send(request("GET", "/nothing"));
    REQUIRE(nothing.has_value());
    CHECK(nothing->status == 204);
    CHECK(nothing->body.empty());
    const auto head = caller.send(request("HEAD", "/a"));
    REQUIRE(head.has_value());
    CHECK(head->body.empty());
    CHECK(world.connections_become(1));
}

TEST_CASE("http client: a name is resolved", "[http]") {
    World world;
    Caller caller("http://localhost:" + std::to_string(world.port));
    const auto answer = caller.send(request("GET", "/a"));
    REQUIRE(answer.has_value());
    CHECK(answer->body == "GET /a []");
}

TEST_CASE("http client: a sync with nothing to say is small", "[http]") {
    World world;
    Caller caller(world.origin());
    REQUIRE(caller.send(request("POST", "/v1/sync", std::string(64, 'b'))).has_value());
    CHECK(caller.client.bytes_up() < 200);
    CHECK(caller.client.bytes_down() < 200);
}

TEST_CASE("http client: sends the fewest bytes and counts them both ways", "[http]") {
    std::string heard;
    std::string host;
    {
        Scripted server({[&](RawSocket& socket) {
            heard = socket.read_through("ping");
            socket.send(kOk);
            heard += socket.read_through("\r\n\r\n");
            socket.send(kOk);
        }});
        host = "127.0.0.1:" + std::to_string(server.port);
        Caller caller(server.origin());
        REQUIRE(caller.send(request("POST", "/s", "ping")).has_value());
        REQUIRE(caller.send(request("GET", "/s")).has_value());
        CHECK(caller.client.bytes_down() == 2 * kOk.size());
        const std::string expected = "POST /s HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 4\r\n\r\nping" +
                                     "GET /s HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
        CHECK(caller.client.bytes_up() == expected.size());
        CHECK(heard == expected);
    }
}

TEST_CASE("http client: large bodies both ways", "[http]") {
    World world;
    Caller caller(world.origin());
    const std::string body(8 * 1024 * 1024, 'b');
    const auto answer = caller.send(request("POST", "/x", body));
    REQUIRE(answer.has_value());
    CHECK((answer->body == "POST /x [" + body + "]"));
    CHECK(caller.client.bytes_down() > body.size());
}

TEST_CASE("http client: nobody there is offline", "[http]") {
    std::uint16_t port = 0;
    {
        net::io_context io;
        Tcp::acceptor acceptor(io, Tcp::endpoint(net::ip::address_v4::loopback(), 0));
        port = acceptor.local_endpoint().port();
    }
    Caller caller("http://127.0.0.1:" + std::to_string(port));
    const auto answer = caller.send(request("GET", "/"));
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == Errc::offline);
    const auto where = "127.0.0.1:" + std::to_string(port);
    CHECK(answer.error().detail.find("连不上 " + where + " / cannot reach " + where) == 0);
    CHECK(caller.client.bytes_up() == 0);
}

TEST_CASE("http client: answers that are not HTTP are a protocol error", "[http]") {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    for (const std::string& bytes :
         {std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"), std::string("\x15\x03\x03"),
          "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok" + std::string(), ok + "\r\n",
          ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          ok + "Content-Length: 2\r\nTransfer-Encoding: x\r\n\r\nok",
          ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", ok + "Content-Length: -2\r\n\r\nok",
          ok + "Content-Length: 1001\r\n\r\n", ok + "Content-Length: 2\n\r\nok", ok + "X: a\r\n b\r\n\r\n",
          std::string("HTTP/1.1 100 Continue\r\n\r\n") + kOk, ok + "X: " + std::string(20'000, 'a')}) {
        Scripted server({says_and_stays(bytes)});
        Caller caller(server.origin());
        INFO(bytes.substr(0, 80));
        CHECK(caller.code(request("GET", "/")) == Errc::protocol);
    }
}

TEST_CASE("http client: a connection that breaks is offline, and not tried again", "[http]") {
    for (const std::string bytes : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"}) {
        Scripted server({says(bytes)});
        Caller caller(server.origin());
        CHECK(caller.code(request("POST", "/", "")) == Errc::offline);
        CHECK(server.finish() == 0);
    }
}

TEST_CASE("http client: a server that hangs costs no more than the deadline", "[http]") {
    for (const std::string bytes : {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"}) {
        Scripted server({says_and_stays(bytes)});
        Caller caller(server.origin());
        const auto start = std::chrono::steady_clock::now();
        const auto answer = caller.send(request("GET", "/"), 300ms);
        CHECK(std::chrono::steady_clock::now() - start < 20s);
        REQUIRE(answer.has_error());
        CHECK(answer.error().code == Errc::offline);
        CHECK(answer.error().detail.find("did not answer in time") != std::string::npos);
        caller.client.close();
    }
}

TEST_CASE("http client: a server that does not take the body costs no more than the deadline", "[http]") {
    std::promise<void> over;
    Scripted server({[&](RawSocket&) { over.get_future().wait(); }});
    Caller caller(server.origin());
    CHECK(caller.code(request("POST", "/", std::string(32 * 1024 * 1024, 'b')), 60ms) == Errc::offline);
    over.set_value();
}

TEST_CASE("http client: an answer cut anywhere is the same answer", "[http]") {
    const std::string answer = "HTTP/1.1 201 Created\r\nContent-Length: 4\r\nX: y\r\n\r\nbody";
    Scripted server({[&](RawSocket& socket) {
        for (std::size_t cut = 1; cut < answer.size(); ++cut) {
            socket.read_through("\r\n\r\n");
            socket.send(answer.substr(0, cut));
            std::this_thread::yield();
            socket.send(answer.substr(cut));
        }
    }});
    Caller caller(server.origin());
    for (std::size_t cut = 1; cut < answer.size(); ++cut) {
        const auto result = caller.send(request("GET", "/"));
        REQUIRE(result.has_value());
        REQUIRE(result->status == 201);
        REQUIRE(result->body == "body");
        REQUIRE(result->header("x") == "y");
    }
}

TEST_CASE("http client: a kept connection that was closed meanwhile is made anew", "[http]") {
    Scripted server({says(kOk), says(kOk), says(kOk)});
    Caller caller(server.origin());
    for (int i = 0; i < 3; ++i) {
        const auto answer = caller.send(request("POST", "/", ""));
        REQUIRE(answer.has_value());
        CHECK(answer->body == "ok");
    }
    CHECK(caller.client.bytes_down() == 3 * kOk.size());
}

TEST_CASE("http client: a kept connection closed while asking is tried once more", "[http]") {
    // The close comes after the request, so it cannot be seen before asking.
    auto closes_on_second = [](RawSocket& socket) {
        socket.read_through("\r\n\r\n");
        socket.send(kOk);
        socket.read_through("\r\n\r\n");
    };
    Scripted server({closes_on_second, says(kOk)});
    Caller caller(server.origin());
    CHECK(caller.send(request("GET", "/")).has_value());
    const auto second = caller.send(request("GET", "/"));
    REQUIRE(second.has_value());
    CHECK(second->body == "ok");
    CHECK(caller.client.retries() == 1);
}

TEST_CASE("http client: not tried again once a byte of the answer came, nor twice", "[http]") {
    auto breaks_in_answer = [](RawSocket& socket) {
        socket.read_through("\r\n\r\n");
        socket.send(kOk);
        socket.read_through("\r\n\r\n");
        socket.send("H");
    };
    {
        Scripted server({breaks_in_answer});
        Caller caller(server.origin());
        CHECK(caller.send(request("GET", "/")).has_value());
        CHECK(caller.code(request("GET", "/")) == Errc::offline);
        CHECK(server.finish() == 0);
    }
    auto closes_on_second = [](RawSocket& socket) {
        socket.read_through("\r\n\r\n");
        socket.send(kOk);
        socket.read_through("\r\n\r\n");
    };
    Scripted server({closes_on_second, says("")});
    Caller caller(server.origin());
    CHECK(caller.send(request("GET", "/")).has_value());
    CHECK(caller.code(request("GET", "/")) == Errc::offline);
    CHECK(server.finish() == 0);
}

TEST_CASE("http client: bytes that nobody asked for are not the next answer", "[http]") {
    Scripted server({says_and_stays(kOk + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), says(kOk)});
    Caller caller(server.origin());
    for (int i = 0; i < 2; ++i) {
        const auto answer = caller.send(request("GET", "/"));
        REQUIRE(answer.has_value());
        CHECK(answer->body == "ok");
    }
}

TEST_CASE("http client: Connection: close is obeyed", "[http]") {
    const std::string last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    Scripted server({says_and_stays(last), says(last)});
    Caller caller(server.origin());
    for (int i = 0; i < 2; ++i) CHECK(caller.send(request("GET", "/")).has_value());
}

TEST_CASE("http client: survives a server that was restarted", "[http]") {
    std::optional<World> world;
    world.emplace();
    Caller caller(world->origin());
    CHECK(caller.send(request("GET", "/a")).has_value());
    const auto port = world->port;
    world.reset();
    CHECK(caller.code(request("GET", "/a")) == Errc::offline);
    CHECK(caller.client.bytes_up() > 0);
    net::io_context io;
    Server again(io, {}, [](Request) -> net::awaitable<Response> {
        Response response;
        response.body = "again";
        co_return response;
    });
    REQUIRE(again.listen("127.0.0.1:" + std::to_string(port)).has_value());
    std::thread thread([&] { io.run(); });
    const auto answer = caller.send(request("GET", "/a"));
    caller.client.close();
    net::post(io, [&] { again.stop(); });
    thread.join();
    REQUIRE(answer.has_value());
    CHECK(answer->body == "again");
}

TEST_CASE("http client: learns that its body was too large while still sending it", "[http]") {
    Limits limits;
    limits.body_bytes_max = 1000;
    World world(limits);
    for (int i = 0; i < 10; ++i) {
        Caller caller(world.origin());
        const auto answer = caller.send(request("POST", "/", std::string(20'000'000, 'b')));
        REQUIRE(answer.has_value());
        CHECK(answer->status == 413);
    }
}

TEST_CASE("http client: close ends what is in flight, and the client can be used again", "[http]") {
    Scripted server({says_and_stays(""), says(kOk)});
    Caller caller(server.origin());
    net::steady_timer soon(caller.io, 30ms);
    soon.async_wait([&](boost::system::error_code) { caller.client.close(); });
    const auto start = std::chrono::steady_clock::now();
    CHECK(caller.code(request("GET", "/")) == Errc::offline);
    CHECK(std::chrono::steady_clock::now() - start < 20s);
    CHECK(caller.send(request("GET", "/")).has_value());
}

TEST_CASE("http client: close on a kept connection is not taken for its death of age", "[http]") {
    auto hangs_on_second = [](RawSocket& socket) {
        socket.read_through("\r\n\r\n");
        socket.send(kOk);
        socket.read_all();
    };
    Scripted server({hangs_on_second});
    Caller caller(server.origin());
    CHECK(caller.send(request("GET", "/")).has_value());
    net::steady_timer soon(caller.io, 30ms);
    soon.async_wait([&](boost::system::error_code) { caller.client.close(); });
    CHECK(caller.code(request("GET", "/")) == Errc::offline);
    CHECK(server.finish() == 0);
}

TEST_CASE("http client: may be destroyed with a request in flight", "[http]") {
    Scripted server({says_and_stays("")});
    net::io_context io;
    std::optional<Client> client;
    client.emplace(io, server.origin());
    std::optional<Result<Response>> result;
    auto keep = [&result](std::exception_ptr, Result<Response> answer) { result = std::move(answer); };
    net::co_spawn(io, client->send(request("GET", "/"), 5s), keep);
    net::steady_timer soon(io, 30ms);
    soon.async_wait([&](boost::system::error_code) { client.reset(); });
    io.run();
    REQUIRE(result.has_value());
    CHECK(result->has_error());
}

TEST_CASE("http client: one request at a time, well-formed, to a proper origin", "[http]") {
    {
        World world;
        Caller caller(world.origin());
        CHECK(caller.code(request("GET", "no-slash")) == Errc::usage);
        auto evil = request("GET", "/");
        evil.headers = {{"x", "a\r\nb: c"}};
        CHECK(caller.code(evil) == Errc::usage);
        int refused = 0;
        auto count = [&refused](std::exception_ptr, Result<Response> answer) {
            if (!answer && answer.error().code == Errc::internal) ++refused;
        };
        net::co_spawn(caller.io, caller.client.send(request("GET", "/a"), 5s), count);
        net::co_spawn(caller.io, caller.client.send(request("GET", "/b"), 5s), count);
        caller.io.restart();
        caller.io.run();
        CHECK(refused == 1);
    }
    Caller secure("https://127.0.0.1:1");
    CHECK(secure.code(request("GET", "/")) == Errc::usage);
}

}  // namespace taizhang::client_test
