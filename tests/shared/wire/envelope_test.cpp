#include "wire/envelope.h"

#include "log/dictionary.h"
#include "tests/support/world.h"
#include "wire/messages.h"

#include <zstd.h>
#include <catch2/catch.hpp>

namespace taizhang::envelope_test {
namespace {

std::string sealed(std::string_view body) {
    std::string out;
    wire::put_in_envelope(body, out);
    return out;
}

TEST_CASE("envelope: a body comes back as it was, and never grows by more than its byte", "[wire][envelope]") {
    std::string body, back;
    for (const auto& piece : {std::string(), std::string("x"), std::string("assignment remark 已开展三次"),
                              std::string(100, '\xa7'), std::string(100'000, 'q'), std::string(3'000'000, 'z')}) {
        body += piece;
        const auto envelope = sealed(body);
        CHECK(envelope.size() <= body.size() + 1);
        REQUIRE(wire::open_envelope(envelope, back).has_value());
        CHECK(back == body);
    }
}

TEST_CASE("envelope: a gigabyte of zeros in 33 kB is refused before anything is allocated", "[wire][envelope]") {
    // 8 192 blocks, each of them 128 KiB of one byte, in frames that say their size, or do not.
    auto bomb = [](bool says_size) {
        auto* c = ZSTD_createCCtx();
        if (says_size) ZSTD_CCtx_setPledgedSrcSize(c, std::uint64_t{1} << 30);
        std::string frame(64 << 10, '\0'), zeros(1 << 20, '\0');
        ZSTD_outBuffer out{frame.data(), frame.size(), 0};
        for (int i = 0; i < 1024; ++i) {
            ZSTD_inBuffer in{zeros.data(), zeros.size(), 0};
            ZSTD_compressStream2(c, &out, &in, i == 1023 ? ZSTD_e_end : ZSTD_e_continue);
        }
        ZSTD_freeCCtx(c);
        frame.resize(out.pos);
        return '\x01' + frame.substr(4);
    };
    std::string body;
    for (const bool says_size : {true, false}) {
        const auto envelope = bomb(says_size);
        CHECK(envelope.size() < 60'000);
        CHECK(wire::open_envelope(envelope, body).has_error());
        CHECK(body.capacity() < 1000);
    }
    CHECK(wire::open_envelope(sealed(std::string(wire::kBodyBytesMax + 1, '\0')), body).has_error());
    CHECK(body.capacity() < 1000);
}

TEST_CASE("envelope: cut, turned, with something behind it or of an unknown dictionary", "[wire][envelope]") {
    const auto envelope = sealed(std::string(500, 'a') + "assignment" + std::string(500, 'b'));
    REQUIRE(envelope.size() < 200);
    std::string body;
    for (std::size_t n = 0; n < envelope.size(); ++n)
        CHECK(wire::open_envelope(std::string_view(envelope).substr(0, n), body).has_error());
    CHECK(wire::open_envelope(envelope + '\0', body).has_error());
    CHECK(wire::open_envelope(envelope + envelope.substr(1), body).has_error());
    for (std::size_t bit = 0; bit < envelope.size() * 8; ++bit) {
        auto turned = envelope;
        turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << bit % 8));
        (void)wire::open_envelope(turned, body).has_value();
        CHECK(body.size() <= wire::kBodyBytesMax);
    }
    for (const int form : {2, 127, 128, 255}) {
        auto other = envelope;
        other[0] = static_cast<char>(form);
        const auto refused = wire::open_envelope(other, body);
        REQUIRE(refused.has_error());
        CHECK(refused.error().detail.find("dictionary") != std::string::npos);
    }
}

TEST_CASE("an envelope that is not packed is not larger than a packed one may become", "[wire][envelope]") {
    std::string body;
    const std::string as_is(1, '\0');
    CHECK(wire::open_envelope(as_is + std::string(wire::kBodyBytesMax, 'x'), body).has_value());
    CHECK(wire::open_envelope(as_is + std::string(wire::kBodyBytesMax + 1, 'x'), body).has_error());
}

TEST_CASE("a message written with dictionary 1 is still read", "[wire][envelope][golden]") {
    REQUIRE_FALSE(dictionary(1).empty());
    const auto bytes = support::read_file(std::string(TZ_SOURCE_DIR) + "/tests/golden/sync-request-v3.bin");
    REQUIRE(bytes.size() > 3);
    REQUIRE(bytes[2] == '\x01');
    wire::SyncRequest q;
    REQUIRE(wire::decode(bytes, q).has_value());
    CHECK(q.token == "0123456789abcdef");
    CHECK(q.place == 0x0102030405060708);
    CHECK(q.cursor.log == Lsn{1234});
    CHECK(q.runs == std::string("assignment remark 已开展三次,材料已补齐。"));
}

}  // namespace
}  // namespace taizhang::envelope_test
