#include "api/gate.h"

#include "api/screens.h"

#include <catch2/catch.hpp>

namespace taizhang::api::gate_test {
namespace {

http::Request request(std::string method, std::string target, http::Headers headers) {
    http::Request q;
    q.method = std::move(method);
    q.target = std::move(target);
    q.headers = std::move(headers);
    q.peer = "127.0.0.1";
    return q;
}

int status(const Hosts& hosts, Place place, std::string method, http::Headers headers) {
    const auto r = refuse(hosts, place, request(std::move(method), "/", std::move(headers)));
    return r ? r->status : 0;
}

const Hosts kLocal("127.0.0.1:0", 8400, false, {});

TEST_CASE("gate: only the server's own names, exactly, on every request", "[gate]") {
    for (const char* host : {"127.0.0.1:8400", "localhost:8400", "LOCALHOST:8400", "[::1]:8400"})
        for (const char* method : {"GET", "POST"}) CHECK(status(kLocal, Place::api, method, {{"host", host}}) == 0);
    for (const char* host : {"evil.example", "evil.example:8400", "127.0.0.1", "127.0.0.1:8401", "127.0.0.2:8400",
                             "localhost.evil.example:8400", "localhost:84000", "127.0.0.1:8400:8400", "[::1]", ":8400"})
        for (const auto place : {Place::api, Place::screen})
            CHECK(status(kLocal, place, "GET", {{"host", host}}) == 421);
    const Hosts named("0.0.0.0:443", 443, true, {"Hub.example", "other.example:9443"});
    for (const char* host : {"hub.example", "hub.example:443", "other.example:9443", "localhost"})
        CHECK(status(named, Place::api, "GET", {{"host", host}}) == 0);
    CHECK(status(named, Place::api, "GET", {{"host", "other.example"}}) == 421);
}

TEST_CASE("gate: what devices are told to type is what the operator named, then digits, and not this PC's own",
          "[gate]") {
    CHECK(kLocal.addresses() == std::vector<std::string>{"http://127.0.0.1:8400"});
    const auto named = Hosts("192.0.2.7:8443", 8443, true, {"Hub.example", "other.example:9443"}).addresses();
    CHECK(named == std::vector<std::string>{"hub.example:8443", "other.example:9443", "192.0.2.7:8443"});
    for (const auto& a : Hosts("0.0.0.0:8443", 8443, true, {}).addresses()) {
        INFO(a);
        CHECK(!a.starts_with("127."));
        CHECK(!a.starts_with("[::1]"));
        CHECK(!a.starts_with("0.0.0.0"));
        CHECK(Hosts("0.0.0.0:8443", 8443, true, {}).fits_device(a));
    }
}

TEST_CASE("gate: a refused name is told which option would take it, and that option does", "[gate]") {
    const std::vector<std::pair<std::string, std::string>> cases = {{"Hub.example:8443", "hub.example"},
                                                                    {"hub.example:9000", "hub.example:9000"},
                                                                    {"hub.example", "hub.example:443"}};
    for (const auto& [host, option] : cases) {
        INFO(host);
        const auto refused =
            refuse(Hosts("0.0.0.0:8443", 8443, true, {}), Place::api, request("GET", "/", {{"host", host}}));
        REQUIRE(refused.has_value());
        CHECK(refused->status == 421);
        CHECK(refused->body.find("请以 serve --host " + option + " 启动本服务器 / ") != std::string::npos);
        CHECK(refused->body.ends_with("start it with serve --host " + option + "\n"));
        for (const auto place : {Place::api, Place::screen, Place::device})
            CHECK(status(Hosts("0.0.0.0:8443", 8443, true, {option}), place, "GET", {{"host", host}}) == 0);
    }
    // Nothing of what a stranger sends but a plain name is said again.
    for (const char* host : {"<b>x</b>", "a / b", "", "名称"})
        CHECK(refuse(kLocal, Place::api, request("GET", "/", {{"host", host}}))->body.ends_with("serve --host NAME\n"));
}

TEST_CASE("gate: devices come by a name of the server or by digits, and no browser comes at all", "[gate]") {
    for (const char* host : {"127.0.0.1:8400", "127.0.0.1:9", "192.0.2.1:8443", "[2001:db8::1]:8443", "localhost:1"})
        CHECK(status(kLocal, Place::device, "POST", {{"host", host}}) == 0);
    for (const char* host : {"evil.example:8400", "127.0.0.1.evil.example", "1.2.3.4.5"})
        CHECK(status(kLocal, Place::device, "POST", {{"host", host}}) == 421);
    for (const auto& [name, value] : http::Headers{{"origin", "http://127.0.0.1:8400"},
                                                   {"origin", "null"},
                                                   {"sec-fetch-site", "same-origin"},
                                                   {"cookie", "tz-session-8400=aa"}})
        CHECK(status(kLocal, Place::device, "POST", {{"host", "127.0.0.1:8400"}, {name, value}}) == 403);
}

TEST_CASE("gate: another site, and another port of this PC, changes and reads nothing", "[gate]") {
    const std::pair<std::string, std::string> host{"host", "127.0.0.1:8400"};
    CHECK(status(kLocal, Place::api, "POST",
                 {host, {"origin", "http://127.0.0.1:8400"}, {"sec-fetch-site", "same-origin"}}) == 0);
    CHECK(status(kLocal, Place::api, "POST", {host}) == 0);  // a program; it has no cookie that it did not ask for
    for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8400",
                               "http://127.0.0.1:8400.evil.example"})
        for (const char* method : {"GET", "POST"})
            CHECK(status(kLocal, Place::api, method, {host, {"origin", origin}}) == 403);
    for (const char* site : {"cross-site", "same-site", "rubbish"})
        for (const char* method : {"GET", "POST"})
            CHECK(status(kLocal, Place::api, method, {host, {"sec-fetch-site", site}}) == 403);
    CHECK(status(kLocal, Place::api, "POST", {host, {"sec-fetch-site", "none"}}) == 403);
    CHECK(status(kLocal, Place::api, "GET", {host, {"sec-fetch-site", "none"}}) == 0);
}

TEST_CASE("gate: a link from elsewhere may open the page itself, but no frame and no picture of it", "[gate]") {
    auto from_elsewhere = [](const char* mode, const char* dest, const char* method = "GET") {
        return status(kLocal, Place::screen, method,
                      {{"host", "127.0.0.1:8400"},
                       {"sec-fetch-site", "cross-site"},
                       {"sec-fetch-mode", mode},
                       {"sec-fetch-dest", dest}});
    };
    CHECK(from_elsewhere("navigate", "document") == 0);
    CHECK(from_elsewhere("navigate", "document", "POST") == 403);
    CHECK(from_elsewhere("navigate", "iframe") == 403);
    CHECK(from_elsewhere("no-cors", "image") == 403);
    CHECK(from_elsewhere("no-cors", "script") == 403);
    CHECK(from_elsewhere("cors", "empty") == 403);
}

TEST_CASE("gate: every refusal says in both languages what is wrong, and lets nothing be framed or kept", "[gate]") {
    const auto r = refuse(kLocal, Place::api, request("GET", "/api/status", {{"host", "evil.example"}}));
    REQUIRE(r);
    CHECK(r->body.find(" / ") != std::string::npos);
    CHECK(r->body.find('\n') == r->body.size() - 1);
    CHECK(r->header("content-security-policy").find("frame-ancestors 'none'") != std::string_view::npos);
    CHECK(r->header("x-content-type-options") == "nosniff");
    CHECK(r->header("referrer-policy") == "no-referrer");
    CHECK(r->header("cache-control") == "no-store");
    CHECK(r->header("access-control-allow-origin").empty());
    auto page = screen(request("GET", "/", {}));
    REQUIRE(page);
    harden(*page);
    // The page's own policy stays; nothing in it allows anything unsafe.
    CHECK(page->header("content-security-policy").find("script-src 'self'") != std::string_view::npos);
    CHECK(page->header("content-security-policy").find("unsafe") == std::string_view::npos);
    CHECK(page->header("x-frame-options") == "DENY");
}

TEST_CASE("gate: a cookie is found by its whole name", "[gate]") {
    const auto q = request("GET", "/", {{"cookie", "a=1; tz-session-84000=no; tz-session-8400=yes; b=2"}});
    CHECK(cookie(q, "tz-session-8400") == "yes");
    CHECK(cookie(q, "tz-session-840").empty());
    CHECK(cookie(q, "session-8400").empty());
    CHECK(cookie(request("GET", "/", {}), "a").empty());
}

}  // namespace
}  // namespace taizhang::api::gate_test
