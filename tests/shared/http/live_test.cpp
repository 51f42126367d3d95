#include "http/live.h"

#include "tests/shared/http/support.h"

#include <catch2/catch.hpp>

namespace taizhang::live_test {
using namespace taizhang::http;
using namespace taizhang::http::test;

namespace {

constexpr std::string_view kShake =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A server with a door, and its callers, on one loop that the test turns.
struct Doors {
    explicit Doors(std::chrono::milliseconds silence = 30s) : server(io, {}, answer) {
        LiveDoor door;
        door.target = "/live";
        door.silence = silence;
        door.gate = [](Request q) -> net::awaitable<Response> {
            Response r;
            r.status = q.header("authorization") == "good" ? 200 : 403;
            co_return r;
        };
        door.run = [this](std::shared_ptr<Live> live, Request) -> net::awaitable<void> {
            inside.push_back(live);
            for (;;) {
                auto message = co_await live->next();
                if (!message) break;
                heard.push_back(*message);
            }
            ++left;
        };
        server.open_door(std::move(door));
        port = *server.listen("127.0.0.1:0");
    }
    ~Doors() {
        server.stop();
        io.run_for(50ms);
    }

    static net::awaitable<Response> answer(Request) {
        Response r;
        r.status = 404;
        co_return r;
    }

    /// Turns the loop until `is_done`, a minute at most.
    bool turn(const std::function<bool()>& is_done) {
        const auto until = std::chrono::steady_clock::now() + 60s;
        while (!is_done() && std::chrono::steady_clock::now() < until) {
            io.restart();
            io.run_one_for(20ms);
        }
        return is_done();
    }
    template <class T>
    T wait_for(net::awaitable<T> work) {
        std::optional<T> result;
        net::co_spawn(io, std::move(work), [&](std::exception_ptr failure, T value) {
            if (failure) std::rethrow_exception(failure);
            result = std::move(value);
        });
        REQUIRE(turn([&] { return result.has_value(); }));
        return std::move(*result);
    }
    Result<std::shared_ptr<Live>> open(const std::string& target = "/live", const std::string& word = "good",
                                       std::chrono::milliseconds silence = 30s) {
        Client client(io, "http://127.0.0.1:" + std::to_string(port));
        Headers headers;
        headers.emplace_back("authorization", word);
        return wait_for<Result<std::shared_ptr<Live>>>(client.open_live(target, headers, 5s, silence));
    }

    net::io_context io{1};
    Server server;
    std::uint16_t port = 0;
    std::vector<std::shared_ptr<Live>> inside;
    std::vector<std::string> heard;
    int left = 0;
};

}  // namespace

TEST_CASE("live: a poke arrives, and of several the newest", "[http][live]") {
    Doors d;
    auto live = d.open();
    REQUIRE(live.has_value());
    REQUIRE(d.turn([&] { return d.inside.size() == 1; }));
    d.inside[0]->say("one");
    auto first = d.wait_for<Result<std::string>>((*live)->next());
    REQUIRE(first.has_value());
    CHECK(*first == "one");
    for (const auto* poke : {"two", "three", "four"}) d.inside[0]->say(poke);
    auto newest = d.wait_for<Result<std::string>>((*live)->next());
    REQUIRE(newest.has_value());
    CHECK(*newest == "four");
    (*live)->say("up");
    CHECK(d.turn([&] { return d.heard == std::vector<std::string>{"up"}; }));
}

TEST_CASE("live: who may not is refused, where there is nothing it is said", "[http][live]") {
    Doors d;
    const auto stranger = d.open("/live", "bad");
    REQUIRE(stranger.has_error());
    CHECK(stranger.error().code == Errc::denied);
    const auto elsewhere = d.open("/other");
    REQUIRE(elsewhere.has_error());
    CHECK(elsewhere.error().code == Errc::protocol);
    CHECK(d.inside.empty());
    const auto gone_port = d.port;
    d.server.stop();
    d.port = gone_port;
    const auto nobody = d.open();
    REQUIRE(nobody.has_error());
    CHECK(nobody.error().code == Errc::offline);
}

TEST_CASE("live: when one side is gone the other hears it", "[http][live]") {
    Doors d;
    auto live = d.open();
    REQUIRE(live.has_value());
    REQUIRE(d.turn([&] { return d.inside.size() == 1; }));
    (*live)->close();
    CHECK_FALSE((*live)->is_open());
    CHECK(d.turn([&] { return d.left == 1; }));

    auto other = d.open();
    REQUIRE(other.has_value());
    REQUIRE(d.turn([&] { return d.inside.size() == 2; }));
    d.server.stop();
    auto next = d.wait_for<Result<std::string>>((*other)->next());
    REQUIRE(next.has_error());
    CHECK(next.error().code == Errc::offline);
    CHECK(d.turn([&] { return d.left == 2; }));
}

TEST_CASE("live: silence ends it, pings keep it", "[http][live]") {
    // Long against the pauses that a busy machine makes: a ping goes out after half of it.
    constexpr auto kSilence = 1000ms;
    Doors d(kSilence);
    RawSocket mute(d.port);  // makes the handshake and answers no ping
    REQUIRE(mute.send("GET /live HTTP/1.1\r\nHost: x\r\nauthorization: good\r\n" + std::string(kShake) + "\r\n"));
    REQUIRE(d.turn([&] { return d.inside.size() == 1; }));
    CHECK(d.turn([&] { return d.left == 1; }));

    auto live = d.open("/live", "good", kSilence);
    REQUIRE(live.has_value());
    REQUIRE(d.turn([&] { return d.inside.size() == 2; }));
    // Both sides have to read for pings to be answered.
    bool is_over = false;
    net::co_spawn(d.io, (*live)->next(), [&](std::exception_ptr, Result<std::string>) { is_over = true; });
    const auto until = std::chrono::steady_clock::now() + 2 * kSilence + kSilence / 2;
    d.turn([&] { return is_over || std::chrono::steady_clock::now() > until; });
    CHECK_FALSE(is_over);
    CHECK(d.left == 1);
    (*live)->close();
    CHECK(d.turn([&] { return is_over; }));
}

TEST_CASE("live: a handshake without its key and a message that is too long end the connection", "[http][live]") {
    Doors d;
    RawSocket keyless(d.port);
    REQUIRE(
        keyless.send("GET /live HTTP/1.1\r\nHost: x\r\nauthorization: good\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n"));
    RawSocket early(d.port);  // speaks before it was let in
    REQUIRE(early.send("GET /live HTTP/1.1\r\nHost: x\r\nauthorization: good\r\n" + std::string(kShake) + "\r\nxx"));
    std::optional<RawSocket> loud(std::in_place, d.port);
    REQUIRE(loud->send("GET /live HTTP/1.1\r\nHost: x\r\nauthorization: good\r\n" + std::string(kShake) + "\r\n"));
    REQUIRE(d.turn([&] { return d.inside.size() == 1; }));
    CHECK(d.turn([&] { return d.server.connections() == 1; }));
    std::string frame("\x82\xfe\x01\x00", 4);  // binary, masked, 256 bytes
    frame += std::string(4 + 256, '\0');
    REQUIRE(loud->send(frame));
    d.io.run_for(200ms);
    loud.reset();  // the server says why and waits for the other side to hang up, up to its deadline
    CHECK(d.turn([&] { return d.left == 1; }));
    CHECK(d.heard.empty());
}

TEST_CASE("client: reach connects and says when nobody is there", "[http][live]") {
    Doors d;
    Client client(d.io, "http://127.0.0.1:" + std::to_string(d.port));
    const auto reached = d.wait_for<Result<>>(client.reach(5s));
    CHECK(reached.has_value());
    CHECK(d.turn([&] { return d.server.connections() == 1; }));
    // The request uses that connection.
    Request q;
    q.method = "GET";
    q.target = "/x";
    const auto answer = d.wait_for<Result<Response>>(client.send(q, 5s));
    REQUIRE(answer.has_value());
    CHECK(answer->status == 404);
    CHECK(d.server.connections() == 1);
    d.server.stop();
    const auto gone = d.wait_for<Result<>>(client.reach(5s));
    REQUIRE(gone.has_error());
    CHECK(gone.error().code == Errc::offline);
}

}  // namespace taizhang::live_test
