#include "http/strict.h"
#include "http/http.h"
#include "http/link.h"
#include "http/message.h"

#include <catch2/catch.hpp>

#include <random>

namespace taizhang::strict_test {
using namespace taizhang::http;
using strict::HeadScan;

namespace {

int request_status(const std::string& head, std::size_t headers_max = 64, std::uint64_t body_bytes_max = 1000) {
    strict::Framing framing;
    const auto fault = strict::check_request(head, headers_max, body_bytes_max, framing);
    if (fault) CHECK(fault->line.find(" / ") != std::string::npos);
    return fault ? fault->status : 200;
}

int response_status(const std::string& head) {
    strict::Framing framing;
    const auto fault = strict::check_response(head, 64, framing);
    return fault ? fault->status : 200;
}

}  // namespace

TEST_CASE("http strict: the end of a header is found wherever it is cut", "[http]") {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t cut = 0; cut < head.size(); ++cut) {
        HeadScan scan;
        REQUIRE(scan.advance(std::string_view(head).substr(0, cut)) == HeadScan::State::more);
        REQUIRE(scan.advance(head + "body") == HeadScan::State::complete);
        REQUIRE(scan.size() == head.size());
    }
}

TEST_CASE("http strict: a byte that cannot stand in a header is refused when it arrives", "[http]") {
    for (const std::string head :
         {"GET / HTTP/1.1\n", "GET / HTTP/1.1\rH", "GET /\x01", "\x16\x03\x01", "\r\n", "\n", "GET \x7f"}) {
        HeadScan scan;
        CHECK(scan.advance(head) == HeadScan::State::malformed);
        CHECK_FALSE(scan.why().empty());
    }
    HeadScan scan;
    CHECK(scan.advance(std::string_view("GET /\0", 6)) == HeadScan::State::malformed);
}

TEST_CASE("http strict: requests are taken or refused with the right status", "[http]") {
    const std::string host = "Host: a:80\r\n";
    CHECK(request_status("GET / HTTP/1.1\r\n" + host + "\r\n") == 200);
    CHECK(request_status("GET /a%20b?c=d&e HTTP/1.1\r\n" + host + "\r\n") == 200);
    CHECK(request_status("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n") == 200);
    CHECK(request_status("GET / HTTP/1.1\r\n" + host + "X: \xe5\x8f\xb0\t\r\n\r\n") == 200);
    CHECK(request_status("POST / HTTP/1.1\r\n" + host + "Content-Length: 1000\r\n\r\n") == 200);
    CHECK(request_status("DELETE / HTTP/1.1\r\n" + host + "\r\n") == 200);

    for (const std::string line :
         {"GET /", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET HTTP/1.1", "G(T / HTTP/1.1",
          "GET / http/1.1", "GET / HTTP/1.10", "GET / HTTX/1.1", "GET http://a/ HTTP/1.1", "GET a HTTP/1.1",
          "OPTIONS * HTTP/1.1", "CONNECT a:80 HTTP/1.1", "GET /a#b HTTP/1.1", "GET /a b HTTP/1.1", "GET /%zz HTTP/1.1",
          "GET /%1 HTTP/1.1", "GET /\xe5 HTTP/1.1", "GET /\"< HTTP/1.1"}) {
        INFO(line);
        CHECK(request_status(line + "\r\n" + host + "\r\n") == 400);
    }
    for (const std::string version : {"HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2"})
        CHECK(request_status("GET / " + version + "\r\n" + host + "\r\n") == 505);

    for (const std::string field :
         {" X: folded\r\n", "X : 1\r\n", "X\r\n", ": 1\r\n", "X(: 1\r\n", "Host: a\r\n",
          "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1, 1\r\n", "Content-Length: +1\r\n",
          "Content-Length: -1\r\n", "Content-Length: 0x1\r\n", "Content-Length:\r\n", "X: 1\n", "X: \x02\r\n"}) {
        INFO(field);
        CHECK(request_status("GET / HTTP/1.1\r\n" + host + field + "\r\n") == 400);
    }
    for (const std::string coding : {"chunked", "xchunked", "gzip, chunked", "identity", ""})
        CHECK(request_status("POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: " + coding +
                             "\r\n\r\n") == 501);
    CHECK(request_status("GET / HTTP/1.1\r\n\r\n") == 400);
    for (const std::string odd : {"", "a b", "a/b", "a,b", "user@a"})
        CHECK(request_status("GET / HTTP/1.1\r\nHost: " + odd + "\r\n\r\n") == 400);
    for (const std::string method : {"POST", "PUT", "PATCH"})
        CHECK(request_status(method + " / HTTP/1.1\r\n" + host + "\r\n") == 411);
    CHECK(request_status("POST / HTTP/1.1\r\n" + host + "Content-Length: 1001\r\n\r\n") == 413);
    CHECK(request_status("POST / HTTP/1.1\r\n" + host + "Content-Length: 18446744073709551617\r\n\r\n") == 413);
    CHECK(request_status("GET / HTTP/1.1\r\n" + host + "Expect: wonders\r\n\r\n") == 417);
    CHECK(request_status("GET / HTTP/1.1\r\n" + host + "X: 1\r\n\r\n", 1) == 431);
}

TEST_CASE("http strict: framing says what the header said", "[http]") {
    strict::Framing framing;
    const std::string head =
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0012 \r\nConnection: x, Close\r\nExpect: 100-Continue\r\n\r\n";
    REQUIRE_FALSE(strict::check_request(head, 64, 1000, framing));
    CHECK(framing.content_length == 12);
    CHECK(framing.close);
    CHECK(framing.expects_continue);
}

TEST_CASE("http strict: answers are taken or refused", "[http]") {
    CHECK(response_status("HTTP/1.1 200 OK\r\n\r\n") == 200);
    CHECK(response_status("HTTP/1.1 404 \r\nContent-Length: 3\r\n\r\n") == 200);
    for (const std::string head : {"HTTP/1.1 200\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OKAY\r\n\r\n",
                                   "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 600 Odd\r\n\r\n",
                                   "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\n X: 1\r\n\r\n"})
        CHECK(response_status(head) == 400);
    CHECK(response_status("HTTP/1.0 200 OK\r\n\r\n") == 505);
    CHECK(response_status("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") == 501);
}

TEST_CASE("http strict: whatever it takes, Beast reads the same way", "[http]") {
    std::mt19937 random(20261124);
    const std::string base =
        "POST /a/b?c=%20d HTTP/1.1\r\nHost: city:8080\r\nContent-Length: 12\r\nX-One: two three\r\nAccept:\r\n\r\n";
    const std::string alphabet = "\r\n\t :;,/%aZ09\x80\x7f-_\0";
    std::size_t taken = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string head = base;
        for (unsigned edits = random() % 3 + 1; edits > 0; --edits) {
            const auto at = random() % head.size();
            const char c = alphabet[random() % alphabet.size()];
            if (random() % 3 == 0)
                head.erase(at, 1);
            else if (random() % 2 == 0)
                head.insert(at, 1, c);
            else
                head[at] = c;
        }
        strict::Framing framing;
        if (strict::check_request(head, 64, 1'000'000, framing)) continue;
        const auto request = request_from(head);
        if (!request) continue;
        ++taken;
        const auto length = request->header("content-length");
        REQUIRE(framing.content_length.has_value() == !length.empty());
        if (framing.content_length) REQUIRE(*framing.content_length == std::stoull(std::string(length)));
        REQUIRE(request->header("transfer-encoding").empty());
        REQUIRE_FALSE(request->header("host").empty());
        REQUIRE(head.substr(0, head.find(' ')) == request->method);
        REQUIRE(request->target[0] == '/');
    }
    CHECK(taken > 500);
}

TEST_CASE("http pace: speed gained earlier does not buy time later", "[http]") {
    const Clock::time_point start{};
    Pace pace(start, std::chrono::seconds(30), 500);
    CHECK(pace.deadline == start + std::chrono::seconds(30));
    pace.moved(500, start + std::chrono::seconds(20));
    CHECK(pace.deadline == start + std::chrono::seconds(31));
    pace.moved(4'000'000, start + std::chrono::seconds(21));
    CHECK(pace.deadline == start + std::chrono::seconds(51));
}

TEST_CASE("http pace: the least rate itself is enough for as long as it takes", "[http]") {
    const Clock::time_point start{};
    Pace pace(start, std::chrono::seconds(30), 500);
    for (int second = 1; second <= 16'000; ++second) {
        REQUIRE(pace.deadline > start + std::chrono::seconds(second));
        pace.moved(500, start + std::chrono::seconds(second));
    }
}

TEST_CASE("http origin: host and port, or a clear no", "[http]") {
    const auto check = [](const std::string& url, const std::string& host, const std::string& port) {
        INFO(url);
        const auto origin = parse_origin(url);
        REQUIRE(origin.has_value());
        CHECK(origin->host == host);
        CHECK(origin->port == port);
    };
    check("http://city.example:8080", "city.example", "8080");
    check("HTTP://City.Example/", "city.example", "80");
    check("http://10.0.0.1:1", "10.0.0.1", "1");
    check("http://[::1]:65535", "::1", "65535");
    for (const std::string url : {"",
                                  "http://",
                                  "http:///",
                                  "city:80",
                                  "ftp://a",
                                  "http://a:0",
                                  "http://a:65536",
                                  "http://a:",
                                  "http://a:8x",
                                  "http://a/b",
                                  "http://a?b",
                                  "http://a#b",
                                  "http://u@a",
                                  "http://a b",
                                  "http://[::1",
                                  "http://[::1]x80",
                                  "http://[fe80::1%1]:80",
                                  "http://[a]:80",
                                  "http://a:80:80",
                                  "http://a:99999999999",
                                  "http://a\r\nx"}) {
        INFO(url);
        const auto origin = parse_origin(url);
        REQUIRE_FALSE(origin.has_value());
        CHECK(origin.error().code == Errc::usage);
    }
    check("https://city.example", "city.example", "443");
    check("HTTPS://10.0.0.1:8443", "10.0.0.1", "8443");
    CHECK(parse_origin("https://city.example")->is_secure);
    CHECK_FALSE(parse_origin("http://city.example")->is_secure);
    CHECK(parse_origin("http://127.3.2.1:1")->is_loopback());
    CHECK(parse_origin("http://[::1]:1")->is_loopback());
    CHECK(parse_origin("http://localhost:1")->is_loopback());
    CHECK_FALSE(parse_origin("http://10.0.0.1:1")->is_loopback());
    CHECK_FALSE(parse_origin("http://127.0.0.1.example:1")->is_loopback());
}

TEST_CASE("http messages: nothing that would end a line early gets out", "[http]") {
    Request request;
    request.method = "GET";
    request.target = "/";
    CHECK(*request_head(request, "a") == "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    request.headers = {{"x", "1\r\ny: 2"}};
    CHECK_FALSE(request_head(request, "a").has_value());
    request.headers = {{"x y", "1"}};
    CHECK_FALSE(request_head(request, "a").has_value());
    request.headers = {{"content-length", "5"}};
    CHECK_FALSE(request_head(request, "a").has_value());
    request.headers = {{"host", "b"}};
    CHECK(*request_head(request, "a") == "GET / HTTP/1.1\r\nhost: b\r\n\r\n");
    request.target = "/ b";
    CHECK_FALSE(request_head(request, "a").has_value());

    Response response;
    CHECK(*response_head(response, false) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    response.body = "x";
    response.content_type = "a/b";
    CHECK(*response_head(response, true) ==
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Type: a/b\r\nConnection: close\r\n\r\n");
    response.status = 204;
    CHECK_FALSE(response_head(response, false).has_value());
    response.status = 99;
    CHECK_FALSE(response_head(response, false).has_value());
    response.status = 200;
    response.headers = {{"Transfer-Encoding", "chunked"}};
    CHECK_FALSE(response_head(response, false).has_value());
}

TEST_CASE("http status: every code has one", "[http]") {
    CHECK(http_status(Errc::usage) == 400);
    CHECK(http_status(Errc::not_found) == 404);
    CHECK(http_status(Errc::busy) == 503);
    CHECK(http_status(Errc::disk_full) == 507);
    CHECK(http_status(Errc::internal) == 500);
}

}  // namespace taizhang::strict_test
