#include "wire/messages.h"

#include "base/hash.h"
#include "tests/support/reference_fold.h"

#include <catch2/catch.hpp>

namespace taizhang::messages_test {
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
    q.runs = "one" + std::string(1000, 'x');
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
    CHECK(back.runs == q.runs);
    CHECK(back.cursor == q.cursor);
    CHECK(back.has_vector);

    wire::SyncReply r;
    r.level = Level::township;
    r.time_ms = -5;
    r.more = true;
    r.took = 0xfedcba9876543210;
    r.acks.push_back({{StreamId{"B01", Audience::ledger}, q.replica, Seq{9}, Hash{}}, Level::city});
    r.verdicts.push_back(
        {wire::Verdict::Kind::denied, StreamId{"B02", Audience::ledger}, q.replica, Seq{1}, Seq{}, "no"});
    wire::SyncReply reply;
    REQUIRE(wire::decode(wire::encode(r), reply).has_value());
    CHECK(reply.time_ms == -5);
    CHECK(reply.more);
    CHECK_FALSE(reply.has_heads);
    CHECK(reply.took == r.took);
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

TEST_CASE("words that a person would be shown are text, or the message is refused", "[wire]") {
    wire::Bundle b, read;
    b.unit = "B01";
    CHECK(wire::decode(wire::encode(b), read).has_value());
    b.unit = "B\x1b[2J";
    CHECK_FALSE(wire::decode(wire::encode(b), read).has_value());
    b.unit = "B01";
    b.to = "C\n";
    CHECK_FALSE(wire::decode(wire::encode(b), read).has_value());
    wire::SyncReply r, reply;
    r.verdicts.push_back({wire::Verdict::Kind::denied, {"B01", Audience::ledger}, {}, Seq{1}, {}, "不在范围内"});
    CHECK(wire::decode(wire::encode(r), reply).has_value());
    r.verdicts.front().why = "\xff";
    CHECK_FALSE(wire::decode(wire::encode(r), reply).has_value());
}

TEST_CASE("sizes that promise more than there is take no memory", "[wire]") {
    const std::string head("q\x03\x00", 3);  // kind, version, as it is
    std::string bytes = head;
    Writer w(bytes);
    w.varint(1u << 15);  // the vector alone is there, and claims 2^60 elements
    w.varint(std::uint64_t{1} << 60);
    wire::SyncRequest q;
    CHECK(wire::decode(bytes, q).has_error());
    CHECK(q.vector.capacity() == 0);

    // Seven million empty strings: a byte each on the wire, 32 in memory.
    std::string many = head;
    Writer m(many);
    m.varint(1u << 7);
    m.varint(7'000'000);
    many.append(7'000'000, '\0');
    CHECK(wire::decode(many, q).has_error());
    CHECK(q.certificates.capacity() == 0);
    CHECK(wire::decode(std::string(wire::kMessageBytesMax + 1, 'q'), q).has_error());
}

TEST_CASE("what is empty takes no byte, and one message has one encoding", "[wire]") {
    wire::SyncRequest q;
    CHECK(wire::encode(q).size() == 4);  // kind, version, envelope, nothing there
    q.token = "k7#Qz9!xWv2@Lm5&";
    q.place = 1;
    CHECK(wire::encode(q).size() == 4 + 17 + 8);
    std::string bytes("q\x03\x00\x02", 4);  // the place is there, and 0
    bytes.append(8, '\0');
    CHECK(wire::decode(bytes, q).has_error());
    CHECK(wire::decode(std::string("q\x03\x00\x80\x80\x80\x80\x80\x01", 9), q).has_error());  // an unknown field
}

TEST_CASE("a place stands for who is who and where, and a mark for commits in their order", "[wire]") {
    const wire::Cursor at{{}, 5, Lsn{6}, 7, 8, 9};
    ReplicaId a, b;
    a.bytes.fill(1);
    b.bytes.fill(2);
    const auto place = wire::place_of(3, a, at);
    CHECK(place != 0);
    CHECK(place == wire::place_of(3, a, {{}, 5, Lsn{6}, 7, 0, 0}));  // the other numbers are said
    CHECK(place != wire::place_of(4, a, at));
    CHECK(place != wire::place_of(3, b, at));
    CHECK(place != wire::place_of(3, a, {a, 5, Lsn{6}, 7, 8, 9}));
    CHECK(place != wire::place_of(3, a, {{}, 4, Lsn{6}, 7, 8, 9}));
    CHECK(place != wire::place_of(3, a, {{}, 5, Lsn{5}, 7, 8, 9}));
    CHECK(place != wire::place_of(3, a, {{}, 5, Lsn{6}, 6, 8, 9}));
    const auto one = hash_of("1"), two = hash_of("2");
    CHECK(wire::mark_of({}) == 0);
    CHECK(wire::mark_of({one, two}) != wire::mark_of({two, one}));
    CHECK(wire::mark_of({one}) != wire::mark_of({one, one}));
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
}  // namespace taizhang::messages_test
