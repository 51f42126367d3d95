#include "wire/file_messages.h"
#include "wire/messages.h"

#include <catch2/catch.hpp>

#include <random>

namespace taizhang::file_messages_test {
namespace {

wire::FileRequest some_request() {
    wire::FileRequest q;
    q.token = "0123456789abcdef";
    q.city = 77;
    q.hub.bytes[3] = 9;
    q.generation = 5;
    q.news = 300;
    q.offers.resize(2);
    q.offers[1].content.bytes[0] = 1;
    q.offers[1].size = 20'000'000;
    q.ranges.resize(1);
    q.ranges[0].bytes = "some bytes";
    q.ranges[0].size = 10;
    q.ranges[0].check = wire::range_check("some bytes");
    q.wishes.resize(1);
    q.wishes[0].offset = 65'536;
    return q;
}

wire::FileReply some_reply() {
    wire::FileReply m;
    m.level = Level::township;
    m.words.resize(2);
    m.words[0].kind = wire::ContentWord::Kind::send;
    m.words[0].past = 900;
    m.words[1].kind = wire::ContentWord::Kind::refused;
    m.words[1].why = "配额 / quota";
    m.levels.resize(1);
    m.levels[0].level = Level::city;
    m.wanted.resize(3);
    m.news = 12;
    return m;
}

TEST_CASE("a message about contents is refused above the largest size, before it is read", "[wire][files]") {
    auto q = some_request();
    q.ranges[0].bytes.assign(wire::kMessageBytesMax, 'x');
    wire::FileRequest out;
    const auto refused = wire::decode(wire::encode(q), out);
    REQUIRE(refused.has_error());
    CHECK(refused.error().detail.find("8 MB") != std::string::npos);
}

TEST_CASE("messages about contents come out as they went in", "[wire][files]") {
    const auto bytes = wire::encode(some_request());
    wire::FileRequest q;
    REQUIRE(wire::decode(bytes, q).has_value());
    CHECK(wire::encode(q) == bytes);
    CHECK(q.offers[1].size == 20'000'000);
    CHECK(q.ranges[0].bytes == "some bytes");
    const auto reply = wire::encode(some_reply());
    wire::FileReply m;
    REQUIRE(wire::decode(reply, m).has_value());
    CHECK(wire::encode(m) == reply);
    CHECK(m.words[1].why == "配额 / quota");
    CHECK(m.wanted.size() == 3);
    // One is never taken for the other.
    CHECK_FALSE(wire::decode(reply, q).has_value());
}

TEST_CASE("a message about contents that is cut, lengthened or of another version is refused", "[wire][files]") {
    const auto bytes = wire::encode(some_request());
    wire::FileRequest q;
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(wire::decode(bytes.substr(0, n), q).has_value());
    CHECK_FALSE(wire::decode(bytes + "x", q).has_value());
    auto newer = bytes;
    newer[1] = 99;
    const auto refused = wire::decode(newer, q);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().detail.find("99") != std::string::npos);
    std::mt19937 random(5);
    for (int i = 0; i < 20'000; ++i) {
        auto bad = wire::encode(some_reply());
        for (int k = 0; k < 3; ++k) bad[random() % bad.size()] = static_cast<char>(random());
        wire::FileReply m;
        if (wire::decode(bad, m)) CHECK(wire::encode(m) == bad);
    }
}

}  // namespace
}  // namespace taizhang::file_messages_test
