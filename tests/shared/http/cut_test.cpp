// A link that is cut at any byte of a request or of an answer: half of either is nothing. What that costs a session is
// in tests/shared/sync/cut_test.cpp.
#include "tests/shared/http/support.h"

#include <catch2/catch.hpp>

#include <atomic>

namespace taizhang::http_cut_test {
using namespace taizhang::http;
using namespace taizhang::http::test;

namespace {

std::string framed(std::string first_line, const std::string& body) {
    return std::move(first_line) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string body_of_bytes() {
    std::string out;
    for (int i = 0; i < 400; ++i) out += static_cast<char>(i);
    return out + "\r\n\r\n";
}

}  // namespace

TEST_CASE("http cut: a request that is cut at any byte is never handled", "[http][cut]") {
    net::io_context io(1);
    auto work = net::make_work_guard(io);
    std::atomic<int> handled{0};
    std::optional<Server> server;
    server.emplace(io, Limits{}, [&](Request) -> net::awaitable<Response> {
        ++handled;
        co_return Response{};
    });
    const auto port = *server->listen("127.0.0.1:0");
    std::thread thread([&] { io.run(); });
    const auto whole = framed("POST /sync HTTP/1.1\r\nHost: x", body_of_bytes());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        RawSocket socket(port);
        socket.send(std::string_view(whole).substr(0, n));
        socket.end();
        CHECK(socket.read_all().find(" 200 ") == std::string::npos);
    }
    const int before = handled;
    RawSocket socket(port);
    socket.send(whole);
    const auto answer = socket.read_answer();
    std::promise<void> gone;
    net::post(io, [&] {
        server.reset();
        gone.set_value();
    });
    gone.get_future().wait();
    work.reset();
    thread.join();
    CHECK(before == 0);
    CHECK(answer.find(" 200 ") != std::string::npos);
    CHECK(handled == 1);
}

TEST_CASE("http cut: an answer that is cut at any byte is no answer", "[http][cut]") {
    const auto whole = framed("HTTP/1.1 200 OK", body_of_bytes());
    net::io_context acceptor_io;
    Tcp::acceptor acceptor(acceptor_io, Tcp::endpoint(net::ip::address_v4::loopback(), 0));
    // Of the last connection everything gets through. A cut before the first byte is tried once more, on a new one.
    std::thread hub([&] {
        for (std::size_t n = 1; n <= whole.size(); ++n) {
            RawSocket socket(acceptor);
            socket.read_through("?");
            socket.send(std::string_view(whole).substr(0, n));
            socket.close();
        }
    });
    net::io_context io;
    const auto ask = [&] {
        Client client(io, "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
        Request request;
        request.method = "POST";
        request.target = "/sync";
        request.body = "what is new?";
        std::optional<Result<Response>> result;
        net::co_spawn(io, client.send(std::move(request), 60s),
                      [&](std::exception_ptr failure, Result<Response> answer) {
                          if (!failure) result = std::move(answer);
                      });
        io.restart();
        io.run();
        return std::move(*result);
    };
    for (std::size_t n = 1; n < whole.size(); ++n) {
        const auto answer = ask();
        REQUIRE_FALSE(answer.has_value());
        CHECK((answer.error().code == Errc::offline || answer.error().code == Errc::protocol));
    }
    const auto answer = ask();
    hub.join();
    REQUIRE(answer.has_value());
    CHECK(answer->body == body_of_bytes());
}

}  // namespace taizhang::http_cut_test
