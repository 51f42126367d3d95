#include "wire/messages.h"

#include "tests/support/reference_fold.h"

#include <catch2/catch.hpp>

namespace taizhang {
namespace {

wire::SyncRequest full_request() {
    wire::SyncRequest q;
    q.token = "0123456789abcdef";
    q.replica.bytes.fill(7);
    q.cursor = {q.replica, 99, Lsn{1234}, 77, 5};
    q.control = ControlPos{44};
    q.has_vector = true;
    q.vector.push_back({StreamId{"B01", Audience::notice}, q.replica, Seq{3}, Hash{}});
    q.certificates = {"cert"};
    q.commits = {"one", std::string(1000, 'x'), ""};
    return q;
}

TEST_CASE("a message comes back as it was", "[wire]") {
    const auto q = full_request();
    wire::SyncRequest back;
    REQUIRE(wire::decode(wire::encode(q), back).has_value());
    CHECK(back.token == q.token);
    CHECK(back.cursor.generation == 99);
    CHECK(back.cursor.log == Lsn{1234});
    CHECK(back.vector.size() == 1);
    CHECK(back.vector[0].stream == StreamId{"B01", Audience::notice});
    CHECK(back.commits == q.commits);

    wire::SyncReply r;
    r.level = Level::township;
    r.time_ms = -5;
    r.more = true;
    r.acks.push_back({{StreamId{"B01", Audience::ledger}, q.replica, Seq{9}, Hash{}}, Level::city});
    r.verdicts.push_back(
        {wire::Verdict::Kind::denied, StreamId{"B02", Audience::ledger}, q.replica, Seq{1}, Seq{}, "no"});
    wire::SyncReply reply;
    REQUIRE(wire::decode(wire::encode(r), reply).has_value());
    CHECK(reply.time_ms == -5);
    CHECK(reply.acks[0].level == Level::city);
    CHECK(reply.verdicts[0].why == "no");
}

TEST_CASE("a message that is cut, longer, of another kind or version is refused", "[wire]") {
    const auto bytes = wire::encode(full_request());
    wire::SyncRequest q;
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK(wire::decode(bytes.substr(0, n), q).has_error());
    CHECK(wire::decode(bytes + '\0', q).has_error());
    wire::SyncReply r;
    CHECK(wire::decode(bytes, r).has_error());
    auto newer = bytes;
    newer[1] = 99;
    const auto refused = wire::decode(newer, q);
    REQUIRE(refused.has_error());
    CHECK(refused.error().detail.find("version 99") != std::string::npos);
}

TEST_CASE("sizes that promise more than there is take no memory", "[wire]") {
    // One string list that claims 2^60 elements, then nothing.
    std::string bytes = "q\x01";
    bytes += '\0';                   // token
    bytes += std::string(16, '\0');  // replica
    bytes += std::string(16, '\0');  // cursor.hub
    bytes += std::string(4, '\0');   // generation, log, proof, certificates
    bytes += '\0';                   // control
    bytes += '\0';                   // has_vector
    for (int i = 0; i < 8; ++i) bytes += '\xff';
    bytes += '\x0f';
    wire::SyncRequest q;
    CHECK(wire::decode(bytes, q).has_error());
    CHECK(q.vector.capacity() == 0);

    // Eight million empty strings: a byte each on the wire, 32 in memory.
    std::string many = wire::encode(wire::SyncRequest{});
    many.pop_back();
    Writer w(many);
    w.varint(8'000'000);
    many.append(8'000'000 - 100, '\0');
    CHECK(wire::decode(many, q).has_error());
    CHECK(q.commits.capacity() == 0);
    CHECK(wire::decode(std::string(wire::kMessageBytesMax + 1, 'q'), q).has_error());
}

TEST_CASE("random bytes and turned bits never crash the decoder", "[wire]") {
    const auto good = wire::encode(full_request());
    reference::Random random(11);
    wire::SyncRequest q;
    wire::SyncReply r;
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        auto bytes = good;
        for (int k = random.pick(4); k >= 0; --k)
            bytes[static_cast<std::size_t>(random.pick(static_cast<int>(bytes.size())))] =
                static_cast<char>(random.pick(256));
        accepted += wire::decode(bytes, q).has_value();
        bytes[0] = 'r';
        (void)wire::decode(bytes, r).has_value();
    }
    CHECK(accepted > 0);  // turned bits inside a commit are for the commit's decoder
}

}  // namespace
}  // namespace taizhang
