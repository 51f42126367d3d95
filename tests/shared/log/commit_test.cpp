#include "log/commit.h"

#include "tests/support/reference_fold.h"

#include <catch2/catch.hpp>

namespace taizhang::commit_test {
namespace {

using reference::version;

CommitHeader header() {
    CommitHeader h;
    h.replica.bytes.fill(9);
    h.stream = {"B01", Audience::ledger};
    h.seq = Seq{7};
    h.prev = hash_of("before");
    h.control = ControlPos{44};
    h.catalog = 1;
    h.time = 1'700'000'000'000ull << 16 | 5;
    h.time_unverified = true;
    h.person = "村支书";
    return h;
}

std::string sample() {
    CommitWriter w;
    w.row("assignment", "A0017");
    const std::vector<VersionId> one{version(1)}, many{version(1), version(2), version(3)};
    w.lone_field(fold::Op::put, "deadline", one, false, Value::text("2025-12-10"));
    w.part(fold::Op::put, "forward", one, true);
    w.field("forwarded_at", Value::text("2025-03-08T08:30:00+08:00"));
    w.field("forward_text_similarity", Value::number(*Decimal::parse("0.77")));
    w.part(fold::Op::transition, "close_out", many);
    w.reviewed("result_text", many);
    w.field("reason", Value::text("到位"));
    w.row("tags", "x");
    w.part(fold::Op::remove, "labels", one);
    w.field("labels", Value::null());
    return w.finish(header());
}

TEST_CASE("a commit is read as it was written", "[log]") {
    const auto bytes = sample();
    Commit c;
    REQUIRE(c.decode(bytes).has_value());
    CHECK(c.hash == hash_of(bytes));
    CHECK(c.header.stream.str() == "B01/ledger");
    CHECK(c.header.person == "村支书");
    CHECK(c.header.time_unverified);
    REQUIRE(c.rows.size() == 2);
    const auto parts = c.parts_of(c.rows[0]);
    REQUIRE(parts.size() == 3);
    CHECK(c.base(parts[1]).front() == version(1));  // "as the part before"
    CHECK(c.base(parts[2]).size() == 3);
    REQUIRE(c.reviews_of(parts[2]).size() == 1);
    CHECK(c.ids(c.reviews_of(parts[2])[0]).size() == 3);
    CHECK(ValueView::of(c.fields_of(parts[1])[1].value).number.str() == "0.77");
    CHECK(c.names[c.rows[1].entity] == "tags");
    const auto h = Commit::decode_header(bytes);
    REQUIRE(h.has_value());
    CHECK(h->seq == Seq{7});
    CHECK(h->prev == hash_of("before"));
}

TEST_CASE("one commit, one encoding: cut, longer or reordered bytes are no commit", "[log]") {
    const auto bytes = sample();
    Commit c;
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK(c.decode(bytes.substr(0, n)).has_error());
    CHECK(c.decode(bytes + '\0').has_error());
    CHECK(c.decode({}).has_error());

    CommitWriter w;
    const std::vector<VersionId> unsorted{version(2), version(1)}, twice{version(1), version(1)};
    for (const auto& base : {unsorted, twice}) {
        w.row("a", "1");
        w.part(fold::Op::put, "g", base);
        w.field("f", Value::integer(1));
        CHECK(c.decode(w.finish(header())).has_error());
    }
    w.row("a", "1");
    w.lone_field(fold::Op::put, "g", {}, false, Value::integer(1));
    w.row("a", "1");  // one row, twice
    w.lone_field(fold::Op::put, "g", {}, false, Value::integer(2));
    CHECK(c.decode(w.finish(header())).has_error());
    w.row("a", "1");
    w.lone_field(fold::Op::put, "g", {}, false, Value::integer(1));
    w.lone_field(fold::Op::put, "g", {}, false, Value::integer(2));  // one group, twice
    CHECK(c.decode(w.finish(header())).has_error());
    w.row("a", "1");
    w.lone_field(fold::Op::put, "g", {}, false, Value::text("\xff\xfe"));
    CHECK(c.decode(w.finish(header())).has_error());  // not UTF-8
    auto first = header();
    first.seq = Seq{1};  // the first of a chain follows nothing
    w.row("a", "1");
    w.lone_field(fold::Op::put, "g", {}, false, Value::integer(1));
    CHECK(c.decode(w.finish(first)).has_error());
}

TEST_CASE("turned bits never crash the decoder and never keep the hash", "[log]") {
    const auto good = sample();
    const auto hash = hash_of(good);
    reference::Random random(3);
    Commit c;
    for (int i = 0; i < 50'000; ++i) {
        auto bytes = good;
        for (int k = random.pick(3); k >= 0; --k)
            bytes[static_cast<std::size_t>(random.pick(static_cast<int>(bytes.size())))] ^=
                static_cast<char>(1 + random.pick(255));
        if (bytes == good) continue;
        if (c.decode(bytes).has_value()) CHECK(c.hash != hash);
    }
}

TEST_CASE("packing comes back, small commits are not compressed, and a bomb is refused before it goes off", "[log]") {
    Packer packer;
    std::string packed, out;
    for (const auto& bytes : {std::string("short"), std::string(100'000, 'a'), sample()}) {
        packer.pack(bytes, packed);
        REQUIRE(packer.unpack(packed, out).has_value());
        CHECK(out == bytes);
        CHECK(packed.size() <= bytes.size() + 1);
    }
    packer.pack(std::string(kCommitBytesMax + 1, 'a'), packed);
    std::string empty;
    CHECK(packer.unpack(packed, empty).has_error());
    CHECK(empty.capacity() < 1000);
    CHECK(packer.unpack("", out).has_error());
    CHECK(packer.unpack("\x07whatever", out).has_error());
    packer.pack(std::string(5000, 'b'), packed);
    for (std::size_t n = 1; n < packed.size(); ++n)
        CHECK(packer.unpack(std::string_view(packed).substr(0, n), out).has_error());
}

}  // namespace
}  // namespace taizhang::commit_test
