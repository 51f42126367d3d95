#include "api/screens.h"

#include <catch2/catch.hpp>

namespace taizhang::api::screens_test {
namespace {

const std::string kArchive =
    "TZSCREENS 1\n/assets/a-1.js\ttext/javascript; charset=utf-8\t\"aa\"\t3\n"
    "/index.html\ttext/html; charset=utf-8\t\"bb\"\t5\n\nabcindex";

http::Request request(std::string target, http::Headers headers = {}, std::string method = "GET") {
    http::Request q;
    q.method = std::move(method);
    q.target = std::move(target);
    q.headers = std::move(headers);
    return q;
}

TEST_CASE("screens: a path of the archive is answered with its type, gzipped, and nothing else is", "[screens]") {
    const auto js = screen_from(kArchive, request("/assets/a-1.js"));
    REQUIRE(js);
    CHECK(js->status == 200);
    CHECK(js->body == "abc");
    CHECK(js->content_type == "text/javascript; charset=utf-8");
    CHECK(js->header("content-encoding") == "gzip");
    CHECK(js->header("x-content-type-options") == "nosniff");
    CHECK(js->header("etag") == "\"aa\"");
    CHECK_FALSE(screen_from(kArchive, request("/assets/../index.html")));
    CHECK_FALSE(screen_from(kArchive, request("/assets/")));
    CHECK_FALSE(screen_from(kArchive, request("/etc/passwd")));
    CHECK(screen_from(kArchive, request("/", {}, "POST"))->status == 405);
}

TEST_CASE("screens: the first page is never kept by the browser, the others for ever", "[screens]") {
    for (const char* path : {"/", "/index.html", "/?x=1"}) {
        const auto page = screen_from(kArchive, request(path));
        REQUIRE(page);
        CHECK(page->body == "index");
        CHECK(page->header("cache-control") == "no-store");
        CHECK(page->header("content-security-policy").find("script-src 'self'") != std::string_view::npos);
        CHECK(page->header("content-security-policy").find("unsafe") == std::string_view::npos);
    }
    const auto again = screen_from(kArchive, request("/assets/a-1.js", {{"if-none-match", "\"aa\""}}));
    REQUIRE(again);
    CHECK(again->status == 304);
    CHECK(again->body.empty());
    CHECK(screen_from(kArchive, request("/assets/a-1.js", {{"if-none-match", "\"zz\""}}))->status == 200);
}

TEST_CASE("screens: an archive that makes no sense serves nothing", "[screens]") {
    for (const char* archive :
         {"", "TZSCREENS 2\n\n", "TZSCREENS 1\n/a\tb\tc\tx\n\n", "TZSCREENS 1\n/a\tb\tc\t9\n\nabc"})
        CHECK_FALSE(screen_from(archive, request("/a")));
}

TEST_CASE("screens: the programs carry them", "[screens]") {
    const auto page = screen(request("/"));
    REQUIRE(page);
    CHECK(page->body.substr(0, 2) == "\x1f\x8b");
}

}  // namespace
}  // namespace taizhang::api::screens_test
