#include "tests/shared/http/support.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include <unistd.h>

namespace taizhang::server_test {
using namespace taizhang::http;
using namespace taizhang::http::test;

namespace {

const std::string kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

std::string post(const std::string& target, const std::string& body, const std::string& more = {}) {
    return "POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more +
           "\r\n" + body;
}

std::string status_of(const std::string& answer) { return answer.substr(0, answer.find("\r\n")).substr(0, 12); }
std::string body_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "no body in: " + answer : answer.substr(end + 4);
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// What the server says to these bytes before it closes; nothing else is sent and our end stays open.
std::string said_to(World& world, std::string_view bytes) {
    RawSocket socket(world.port);
    socket.send(bytes);
    return socket.read_all();
}

bool answers(World& world) {
    RawSocket socket(world.port);
    socket.send(kGet);
    return body_of(socket.read_answer()) == "GET /a []";
}

/// Keeps what is logged out of the test's output, and for looking at.
class Stderr {
public:
    Stderr() : before_(std::cerr.rdbuf(text_.rdbuf())) {}
    ~Stderr() { std::cerr.rdbuf(before_); }
    std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::streambuf* before_;
};

std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0, resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("http server: answers are exactly the bytes they need to be", "[http]") {
    World world;
    RawSocket socket(world.port);
    socket.send(post("/sync?since=3", "ping"));
    CHECK(socket.read_answer() ==
          "HTTP/1.1 200 OK\r\nContent-Length: 25\r\nContent-Type: text/plain\r\n\r\nPOST /sync?since=3 [ping]");
    socket.send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(socket.read_answer() == "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_CASE("http server: a connection is kept, and closed when asked", "[http]") {
    World world;
    RawSocket socket(world.port);
    for (int i = 0; i < 50; ++i) {
        const auto target = "/" + std::to_string(i);
        socket.send(post(target, "b" + target));
        REQUIRE(body_of(socket.read_answer()) == "POST " + target + " [b" + target + "]");
    }
    CHECK(world.connections_become(1));
    socket.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto last = socket.read_all();
    CHECK(body_of(last) == "GET /a []");
    CHECK(has(last, "Connection: close\r\n"));
    socket.close();
    CHECK(world.connections_become(0));
}

TEST_CASE("http server: the handler sees headers in lower case, and the peer", "[http]") {
    World world;
    RawSocket socket(world.port);
    socket.send("GET /headers HTTP/1.1\r\nHOST: x\r\nX-Mixed:  two words \r\nX-Mixed: again\r\nEmpty:\r\n\r\n");
    const auto answer = socket.read_answer();
    CHECK(body_of(answer) == "host=x\nx-mixed=two words\nx-mixed=again\nempty=\n");
    CHECK(has(answer, "x-peer: 127.0.0.1\r\n"));
}

TEST_CASE("http server: HEAD gets the length and no body", "[http]") {
    World world;
    RawSocket socket(world.port);
    socket.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + kGet);
    const auto answer = socket.read_through("GET /a []");
    CHECK(answer ==
          "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Type: text/plain\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: text/plain\r\n\r\nGET /a []");
}

TEST_CASE("http server: a request is the same wherever the network cuts it", "[http]") {
    World world;
    const auto request = post("/cut", "body\r\n\r\nwith lines", "X: y\r\n");
    RawSocket socket(world.port);
    for (std::size_t cut = 1; cut < request.size(); ++cut) {
        socket.send(request.substr(0, cut));
        socket.send(request.substr(cut));
        REQUIRE(body_of(socket.read_answer()) == "POST /cut [body\r\n\r\nwith lines]");
    }
    for (const char c : request) socket.send(std::string(1, c));
    CHECK(body_of(socket.read_answer()) == "POST /cut [body\r\n\r\nwith lines]");
}

TEST_CASE("http server: pipelined requests are answered in order", "[http]") {
    World world;
    std::string requests, expected;
    for (int i = 0; i < 200; ++i) {
        const auto number = std::to_string(i);
        requests += i % 2 ? post("/" + number, std::string(static_cast<std::size_t>(i * 50), 'b'))
                          : "GET /" + number + " HTTP/1.1\r\nHost: x\r\n\r\n";
    }
    RawSocket socket(world.port);
    std::thread sender([&] { socket.send(requests); });
    bool right = true;
    for (int i = 0; i < 200; ++i) {
        const auto body = body_of(socket.read_answer());
        right = right && body == std::string(i % 2 ? "POST" : "GET") + " /" + std::to_string(i) + " [" +
                                     std::string(i % 2 ? static_cast<std::size_t>(i * 50) : 0, 'b') + "]";
    }
    sender.join();
    CHECK(right);
}

TEST_CASE("http server: a large body arrives whole", "[http]") {
    World world;
    std::mt19937 random(1);
    std::string body(8 * 1024 * 1024, '\0');
    for (auto& c : body) c = static_cast<char>(random());
    RawSocket socket(world.port);
    socket.send(post("/large-body", body));
    CHECK((body_of(socket.read_answer()) == "POST /large-body [" + body + "]"));
}

TEST_CASE("http server: refuses what can be read in two ways", "[http]") {
    Limits limits;
    limits.body_bytes_max = 1000;
    limits.header_bytes_max = 2000;
    limits.headers_max = 10;
    World world(limits);
    const auto refused = [&](const std::string& status, std::string_view bytes) {
        INFO(bytes);
        const auto answer = said_to(world, bytes);
        CHECK(status_of(answer) == "HTTP/1.1 " + status);
        CHECK(has(answer, "Connection: close\r\n"));
        CHECK(has(answer, "Content-Length: "));
        CHECK(std::count(answer.begin(), answer.end(), '\n') ==
              6);  // status, three headers, the empty line, one line of text
    };
    const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n", put = "POST / HTTP/1.1\r\nHost: x\r\n";
    refused("400", get + "X: a\r\n b\r\n\r\n");                         // folded
    refused("400", get + "X: a\n\r\n");                                 // bare LF
    refused("400", "GET / HTTP/1.1\nHost: x\n\n");                      // nothing but bare LF
    refused("400", get + "X: a\rb\r\n\r\n");                            // bare CR
    refused("400", get + "X: a" + std::string(1, '\0') + "b\r\n\r\n");  // NUL
    refused("400", get + "X: a\x1b[2J\r\n\r\n");                        // control
    refused("501", put + "Content-Length: 3\r\nTransfer-Encoding: xchunked\r\n\r\nabc");
    refused("501", put + "Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\n\r\n");
    refused("501", put + "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc");
    refused("400", "GET / HTTP/1.1\r\n\r\n");  // no Host
    refused("400", get + "Host: y\r\n\r\n");   // two
    refused("505", "GET / HTTP/1.0\r\nHost: x\r\n\r\n");
    refused("505", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    refused("400", put + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc");
    refused("400", put + "Content-Length: 3, 3\r\n\r\nabc");
    refused("400", put + "Content-Length: 0x3\r\n\r\nabc");
    refused("411", put + "\r\n");
    refused("413", put + "Content-Length: 1001\r\n\r\n");
    refused("413", put + "Content-Length: 99999999999999999999999\r\n\r\n");
    refused("431", get + "X: " + std::string(3000, 'a') + "\r\n\r\n");
    refused("431", get + std::string(3000, 'a'));  // and no end in sight
    refused("431", get + "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\nI: 1\r\nJ: 1\r\n\r\n");
    refused("400", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n");
    refused("400", "GET x HTTP/1.1\r\nHost: x\r\n\r\n");
    refused("400", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
    refused("400", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n");
    refused("400", get + "X : a\r\n\r\n");
    refused("400", get + "X\r\n\r\n");
    refused("400", "\x16\x03\x01\x02");  // TLS on the wrong port
    refused("417", put + "Content-Length: 3\r\nExpect: more\r\n\r\n");
    CHECK(answers(world));
}

TEST_CASE("http server: what follows a refused request is not read as another", "[http]") {
    World world;
    const auto answer =
        said_to(world, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kGet);
    CHECK(status_of(answer) == "HTTP/1.1 501");
    CHECK_FALSE(has(answer, "200 OK"));
}

TEST_CASE("http server: the limits themselves are allowed", "[http]") {
    Limits limits;
    limits.body_bytes_max = 5;
    limits.headers_max = 2;
    limits.header_bytes_max = post("/x", "12345").size() - 5;
    World world(limits);
    RawSocket socket(world.port);
    socket.send(post("/x", "12345"));
    CHECK(body_of(socket.read_answer()) == "POST /x [12345]");
    socket.send(post("/xy", "12345"));
    CHECK(status_of(socket.read_all()) == "HTTP/1.1 431");
}

TEST_CASE("http server: a refused sender learns why although it is still sending", "[http]") {
    Limits limits;
    limits.body_bytes_max = 1000;
    World world(limits);
    RawSocket socket(world.port);
    socket.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n");
    const auto answer = socket.read_answer();
    CHECK(status_of(answer) == "HTTP/1.1 413");
    // No reset while it goes on for a while: with one, many systems throw the answer away unread.
    for (int i = 0; i < 50; ++i) CHECK(socket.send(std::string(10'000, 'b')));
    socket.end();
    CHECK(socket.read_all().empty());
    CHECK(world.connections_become(0));
}

TEST_CASE("http server: a slow header is answered with 408 and closed", "[http]") {
    Limits limits;
    limits.header_deadline = 500ms;  // time for a caller on a busy machine to begin
    World world(limits);
    CHECK(status_of(said_to(world, "GET / HTTP/1.1\r\nHost: x\r\n")) == "HTTP/1.1 408");
    CHECK(said_to(world, "").empty());  // nothing asked, nothing answered
    CHECK(answers(world));
}

TEST_CASE("http server: dripping bytes does not stretch the header's deadline", "[http]") {
    Limits limits;
    limits.header_deadline = 500ms;
    World world(limits);
    RawSocket socket(world.port);
    const auto start = std::chrono::steady_clock::now();
    std::thread drip([&] {
        while (socket.send("x")) std::this_thread::sleep_for(5ms);
    });
    const auto answer = socket.read_all();
    CHECK(std::chrono::steady_clock::now() - start < 20s);
    CHECK(status_of(answer) == "HTTP/1.1 408");
    socket.end();
    drip.join();
}

TEST_CASE("http server: an idle kept connection is closed without a word", "[http]") {
    Limits limits;
    limits.idle_deadline = 60ms;
    World world(limits);
    RawSocket socket(world.port);
    socket.send(kGet);
    CHECK(body_of(socket.read_answer()) == "GET /a []");
    CHECK(socket.read_all().empty());
    CHECK(world.connections_become(0));
}

TEST_CASE("http server: a body that falls behind the least rate is refused", "[http]") {
    Limits limits;
    limits.body_grace = 60ms;
    limits.body_bytes_per_second_min = 1000;
    World world(limits);
    const auto whole = post("/x", std::string(4'000'000, 'b'));
    CHECK(status_of(said_to(world, whole.substr(0, 100))) == "HTTP/1.1 408");
    // Most of it at once would have earned an hour, were it not forgotten.
    CHECK(status_of(said_to(world, whole.substr(0, 3'600'000))) == "HTTP/1.1 408");
    CHECK(answers(world));
}

TEST_CASE("http server: a reader that does not read is dropped", "[http]") {
    Limits limits;
    limits.body_grace = 60ms;
    limits.body_bytes_per_second_min = 1000;
    World world(limits);
    RawSocket socket(world.port);
    socket.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(world.connections_become(1));
    CHECK(world.connections_become(0));
}

TEST_CASE("http server: a sender that goes away in the middle leaves nothing behind", "[http]") {
    World world;
    for (const std::string part : {"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"}) {
        RawSocket socket(world.port);
        socket.send(part);
        socket.end();
        CHECK(socket.read_all().empty());
    }
    CHECK(world.connections_become(0));
}

TEST_CASE("http server: 100 Continue is sent to whoever waits for it", "[http]") {
    World world;
    RawSocket socket(world.port);
    const auto request = post("/x", "abc", "Expect: 100-continue\r\n");
    socket.send(request.substr(0, request.size() - 3));
    CHECK(socket.read_through("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    socket.send("abc");
    CHECK(body_of(socket.read_answer()) == "POST /x [abc]");
}

TEST_CASE("http server: an announced body costs no memory before it arrives", "[http]") {
    World world;
    std::vector<std::unique_ptr<RawSocket>> sockets;
    const auto before = resident_bytes();
    for (int i = 0; i < 100; ++i) {
        sockets.push_back(std::make_unique<RawSocket>(world.port));
        sockets.back()->send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\nExpect: 100-continue\r\n\r\nb");
    }
    for (auto& socket : sockets) REQUIRE(has(socket->read_through("\r\n\r\n"), "100 Continue"));
    CHECK(world.connections_become(100));
    CHECK(resident_bytes() - std::min(before, resident_bytes()) < 64 * 1024 * 1024);
}

TEST_CASE("http server: all bodies together have a limit", "[http]") {
    Limits limits;
    limits.bodies_bytes_max = 64 * 1024;
    World world(limits);
    RawSocket first(world.port);
    first.send(post("/wait", std::string(64 * 1024, 'b')));
    world.waiting.get_future().get();
    CHECK(status_of(said_to(world, post("/x", std::string(20'000, 'b')))) == "HTTP/1.1 503");
    CHECK(answers(world));  // no body, no share
    world.open_gate();
    CHECK(status_of(first.read_answer()) == "HTTP/1.1 200");
    first.send(kGet);
    CHECK(status_of(first.read_answer()) == "HTTP/1.1 200");
    RawSocket later(world.port);
    later.send(post("/x", std::string(20'000, 'b')));
    CHECK(status_of(later.read_answer()) == "HTTP/1.1 200");
}

TEST_CASE("http server: a handler that throws is answered with 500, logged once, and served again", "[http]") {
    Stderr log;
    {
        World world;
        RawSocket socket(world.port);
        socket.send("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n");
        const auto answer = socket.read_answer();
        CHECK(status_of(answer) == "HTTP/1.1 500");
        CHECK_FALSE(has(answer, "planted"));
        socket.send("GET /throw-odd HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(status_of(socket.read_answer()) == "HTTP/1.1 500");
        socket.send("GET /break HTTP/1.1\r\nHost: x\r\n\r\n");
        const auto broken = socket.read_answer();
        CHECK(status_of(broken) == "HTTP/1.1 500");
        CHECK_FALSE(has(broken, "set-cookie"));
        socket.send(kGet);
        CHECK(body_of(socket.read_answer()) == "GET /a []");
    }
    const auto text = log.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 3);
    CHECK(has(text, "http: GET /throw: a planted failure\n"));
}

TEST_CASE("http server: beyond its connections it says 503 and recovers", "[http]") {
    Limits limits;
    limits.connections_max = 2;
    World world(limits);
    RawSocket one(world.port), two(world.port);
    one.send(kGet);
    two.send(kGet);
    CHECK(status_of(one.read_answer()) == "HTTP/1.1 200");
    CHECK(status_of(two.read_answer()) == "HTTP/1.1 200");
    for (int i = 0; i < 10; ++i) CHECK(status_of(said_to(world, kGet)) == "HTTP/1.1 503");
    CHECK(world.connections_become(2));
    one.close();
    CHECK(world.connections_become(1));
    CHECK(answers(world));
    two.send(kGet);
    CHECK(status_of(two.read_answer()) == "HTTP/1.1 200");
}

TEST_CASE("http server: stops with requests in every state", "[http]") {
    World world;
    RawSocket idle(world.port), header(world.port), body(world.port), handler(world.port), reader(world.port);
    idle.send(kGet);
    CHECK(status_of(idle.read_answer()) == "HTTP/1.1 200");
    header.send("GET / HT");
    body.send(post("/x", std::string(1000, 'b')).substr(0, 500));
    reader.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    handler.send(post("/wait", "b"));
    world.waiting.get_future().get();
    CHECK(world.connections_become(5));
    world.stop();
    world.stop();
    CHECK(idle.read_all().empty());
    CHECK(header.read_all().empty());
    CHECK(body.read_all().empty());
    CHECK(handler.read_all().empty());
    world.open_gate();
    CHECK(world.connections_become(0));
}

TEST_CASE("http server: an io_context may die before its sessions have ended", "[http]") {
    std::optional<RawSocket> socket;
    {
        net::io_context io;
        net::steady_timer never(io, net::steady_timer::time_point::max());
        bool reached = false;
        const auto handler = [&](Request request) -> net::awaitable<Response> {
            reached = true;
            co_await never.async_wait(net::use_awaitable);
            Response response;
            response.body = request.body;
            co_return response;
        };
        Server server(io, {}, handler);
        const auto port = server.listen("127.0.0.1:0");
        REQUIRE(port.has_value());
        socket.emplace(*port);
        socket->send(post("/x", "abc"));
        while (!reached) io.run_one();
    }
    CHECK(socket->read_all().empty());
}

TEST_CASE("http server: random bytes and damaged requests do not stop it", "[http]") {
    World world;
    std::mt19937 random(20261124);
    const auto good = post("/good", "0123456789", "X-One: two\r\nAccept: */*\r\n") + kGet;
    for (int i = 0; i < 2000; ++i) {
        std::string bytes;
        if (i % 2 == 0) {
            bytes.resize(random() % 300);
            for (auto& c : bytes) c = static_cast<char>(random());
        } else {
            bytes = good;
            for (unsigned edits = random() % 4 + 1; edits > 0; --edits)
                bytes[random() % bytes.size()] = static_cast<char>(random());
        }
        RawSocket socket(world.port);
        socket.send(bytes);
        socket.end();
        const auto answer = socket.read_all();
        INFO("round " << i);
        REQUIRE((answer.empty() || answer.substr(0, 9) == "HTTP/1.1 "));
        REQUIRE_FALSE(has(answer, "TIMEOUT"));
        REQUIRE_FALSE(has(answer, "HTTP/1.1 500"));
    }
    CHECK(answers(world));
    CHECK(world.connections_become(0));
}

TEST_CASE("http server: listen says what is wrong", "[http]") {
    World world;
    net::io_context io;
    const auto listen = [&](const std::string& where) {
        Server server(io, {}, [](Request) -> net::awaitable<Response> {
            Response response;
            co_return response;
        });
        return server.listen(where);
    };
    CHECK(listen("127.0.0.1:" + std::to_string(world.port)).error().code == Errc::busy);
    for (const std::string where : {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8x",
                                    "city:80", "::1:80", "[::1:80", "[127.0.0.1]:80", "127.0.0.1:-1", "192.0.2.1:0"}) {
        INFO(where);
        const auto port = listen(where);
        REQUIRE(port.has_error());
        CHECK(port.error().code == Errc::usage);
    }
    CHECK(*listen("localhost:0") != 0);
    CHECK(*listen("0.0.0.0:0") != 0);
    io.run();
}

}  // namespace taizhang::server_test
