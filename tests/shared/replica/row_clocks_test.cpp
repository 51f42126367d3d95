// What a row remembers of its versions is the same by both ways to a state: the fast path and the fold.
#include "replica/rows.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::row_clocks_test {
namespace {

using support::text;

/// Everything that the city has, folded from history by a replica that knows no shorter way.
std::unique_ptr<Replica> folded_copy(Replica& city) {
    Replica::Options o;
    o.path = ":memory:";
    o.always_fold = true;
    o.incarnation = city.id();
    Environment env;
    env.wall_ms = [] { return std::int64_t{1'761'955'200'000}; };
    env.steady_ms = [] { return std::int64_t{0}; };
    env.random = [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), std::uint8_t{1}); };
    auto copy = std::move(*Replica::open(o, env));
    REQUIRE(copy->receive_control(*city.control_after(ControlPos{0}, 1 << 20)).has_value());
    for (const auto& c : *city.certificates_after(0))
        REQUIRE(copy->add_certificate(*Certificate::decode(c.body)).has_value());
    Lsn through;
    const auto all = *city.log_after(Lsn{0}, city.streams(), 1 << 20, through);
    std::vector<std::string_view> packed;
    for (const auto& e : all) packed.push_back(e.packed);
    REQUIRE(copy->receive(packed, Origin::own).has_value());
    REQUIRE(copy->log_head() == city.log_head());
    return copy;
}

RowMeta meta_of(Replica& r, const std::string& id) {
    auto s = r.database().prepare("SELECT _m FROM assignment WHERE id = ?1", false);
    REQUIRE(s.has_value());
    s->bind(1, std::string_view(id));
    REQUIRE(*s->step());
    RowMeta m;
    REQUIRE(RowMeta::decode(s->blob(0), m));
    return m;
}

TEST_CASE("a row's clocks come back as they were stored", "[replica]") {
    RowMeta m;
    m.head = 9;
    m.flow = {7, 70};
    // At one commit, and at two times: each was built on something else.
    m.groups = {{9, 90}, {9, 95}, {9, 95}, {}, {3, 30}, {12, 1}};
    std::string bytes;
    RowMeta out;
    for (const bool has_flow : {true, false}) {
        if (!has_flow) m.flow = {};
        m.encode(bytes);
        REQUIRE(RowMeta::decode(bytes, out));
        CHECK(out.flow.lsn == m.flow.lsn);
        CHECK(out.flow.time == m.flow.time);
        REQUIRE(out.groups.size() == m.groups.size());
        for (std::size_t g = 0; g < m.groups.size(); ++g) {
            CHECK(out.groups[g].lsn == m.groups[g].lsn);
            CHECK(out.groups[g].time == m.groups[g].time);
        }
    }
}

void check_same(const RowMeta& a, const RowMeta& b) {
    CHECK(a.flow.lsn == b.flow.lsn);
    CHECK(a.flow.time == b.flow.time);
    REQUIRE(a.groups.size() == b.groups.size());
    for (std::size_t g = 0; g < a.groups.size(); ++g) {
        INFO(g);
        CHECK(a.groups[g].lsn == b.groups[g].lsn);
        CHECK(a.groups[g].time == b.groups[g].time);
    }
}

TEST_CASE("a row's clocks: every group may stand at a version of its own", "[replica]") {
    for (const std::size_t groups : {1, 2, 14, 15, 16, 63, 64}) {
        INFO(groups);
        RowMeta m, out;
        m.head = 1'000'000;
        m.flow = {999'999, (std::uint64_t{1'790'000'000'123} << 16) | 0xffff};
        for (std::size_t g = 0; g < groups; ++g)
            m.groups.push_back({1 + g * 7919, (std::uint64_t{1'790'000'000'000 - g * 86'400'000} << 16) | (g * 1021)});
        std::string bytes;
        m.encode(bytes);
        REQUIRE(RowMeta::decode(bytes, out));
        check_same(m, out);
        // Cut anywhere before the filling it is no clocks.
        for (std::size_t n = 0; n + 1 < bytes.size() && groups > 2; ++n)
            CHECK_FALSE(RowMeta::decode(std::string_view(bytes).substr(0, n), out));
        bytes.push_back('\1');
        CHECK_FALSE(RowMeta::decode(bytes, out));
    }
}

TEST_CASE("a row's clocks that name what is not there are no clocks", "[replica][damage]") {
    RowMeta out;
    const auto refused = [&](const std::function<void(Writer&)>& write) {
        std::string bytes;
        Writer w(bytes);
        write(w);
        return !RowMeta::decode(bytes, out);
    };
    const auto begin = [](Writer& w, std::uint8_t tag, std::uint8_t versions) {
        w.u8(tag);
        for (const std::uint64_t n : {9, 0, 0}) w.varint(n);  // head, its row, state
        w.u8(versions);
        for (int i = 0; i < versions; ++i) {
            w.zigzag(i);
            i == 0 ? w.varint(1 << 16) : w.zigzag(1);
            if (i > 0) w.varint(0);
        }
    };
    CHECK(refused([&](Writer& w) {  // more versions than a row can have
        begin(w, 2, 66);
        w.varint(1);
        for (int i = 0; i < 2; ++i) w.u8(0);
    }));
    CHECK(refused([&](Writer& w) {  // more groups
        begin(w, 2, 1);
        w.varint(65);
        for (int i = 0; i < 33; ++i) w.u8(0x11);
    }));
    CHECK(refused([&](Writer& w) {  // the workflow at the second version of one
        begin(w, 2, 1);
        w.varint(1);
        w.u8(0x12);
    }));
    CHECK(refused([&](Writer& w) {  // a group
        begin(w, 2, 1);
        w.varint(1);
        w.u8(0x21);
    }));
    CHECK(refused([&](Writer& w) {  // one group more than there are
        begin(w, 2, 1);
        w.varint(2);
        w.u8(0x11);
        w.u8(0x11);
    }));
    CHECK(refused([&](Writer& w) {  // the same where each has a byte of its own
        begin(w, 2, 16);
        w.varint(1);
        w.u8(17);
        w.u8(1);
    }));
    // As earlier programs wrote them: too many groups, and groups that end in the middle.
    const auto old = [](Writer& w, std::uint8_t tag) {
        w.u8(tag);
        for (const std::uint64_t n : {9, 0, 0, 0}) w.varint(n);
    };
    CHECK(refused([&](Writer& w) {
        old(w, 1);
        w.varint(65);
    }));
    CHECK(refused([&](Writer& w) {
        old(w, 1);
        w.varint(3);
        w.u8(0);
    }));
    CHECK_FALSE(refused([&](Writer& w) {
        old(w, 1);
        w.varint(2);
        w.u8(1);  // as the one before it, of which there is none: its own
        w.varint(1);
        w.varint(1 << 16);
        w.u8(1);
    }));
    REQUIRE(out.groups.size() == 2);
    CHECK(out.groups[1].lsn == 9);
    // Without groups there is no version for all of them.
    RowMeta none;
    none.head = 9;
    std::string bytes;
    none.encode(bytes);
    REQUIRE(RowMeta::decode(bytes, out));
    CHECK(out.groups.empty());
}

TEST_CASE("a row's clocks keep their size when the row is changed for the first time", "[replica]") {
    RowMeta m;
    m.head = 300'000;
    const auto created = std::uint64_t{1'790'000'000'000} << 16;
    m.groups.assign(9, {m.head, created});
    std::string as_new, as_changed;
    m.encode(as_new);
    m.head = 380'000;
    m.groups[4] = {m.head, created + (std::uint64_t{30 * 86'400'000LL} << 16)};
    m.encode(as_changed);
    CHECK(as_new.size() == as_changed.size());
}

TEST_CASE("a row's clocks as earlier programs wrote them", "[replica]") {
    RowMeta m;
    // All groups at one version, dropped; then each its own.
    REQUIRE(RowMeta::decode(from_hex("6109000001"
                                     "5a"
                                     "03"),
                            m));
    CHECK(m.dropped);
    REQUIRE(m.groups.size() == 3);
    CHECK(m.groups[2].lsn == 9);
    CHECK(m.groups[2].time == 90);
    REQUIRE(RowMeta::decode(from_hex("0109000205"
                                     "46"
                                     "03"
                                     "00"
                                     "01"
                                     "5a"
                                     "01"
                                     "00"
                                     "00"),
                            m));
    CHECK(m.state == 2);
    CHECK(m.flow.lsn == 7);
    CHECK(m.flow.time == 70);
    REQUIRE(m.groups.size() == 3);
    CHECK(m.groups[1].lsn == 9);
    CHECK(m.groups[1].time == 90);
    CHECK(m.groups[2].lsn == 0);
}

TEST_CASE("a row's clocks are the same whether it went the fast way or was folded", "[replica][fast-path]") {
    support::World w;
    auto ahead = w.device("B01"), behind = w.device("B01");
    for (const char* id : {"A1", "A2", "A3"}) w.new_assignment(id, "T1", "B01");
    w.sync(*ahead);
    ahead->clock.wall_ms += 86'400'000;
    ahead->set("assignment", "A1", {{"remark", text("明天写的")}});
    ahead->set("assignment", "A2", {{"result_text", text("明天写的")}});
    w.sync(*ahead);
    w.sync(*behind);
    // On what was stamped a day ahead, by a clock that is right; beside it, a group of which nothing was there.
    behind->set("assignment", "A1", {{"remark", text("今天写的")}, {"responsible_person", text("甲")}});
    behind->set("assignment", "A1", {{"remark", text("今天改的")}});
    behind->act("assignment", "A3", "apply_close_out");
    w.sync(*behind);
    w.city.act("assignment", "A2", "close_out");  // reviewed what was stamped ahead
    const auto copy = folded_copy(*w.city);
    for (const char* id : {"A1", "A2", "A3"}) {
        INFO(id);
        const auto fast = meta_of(*w.city, id), slow = meta_of(*copy, id);
        CHECK_FALSE(fast.complex);
        CHECK(fast.complex == slow.complex);
        CHECK(fast.state == slow.state);
        CHECK(fast.flow.lsn == slow.flow.lsn);
        CHECK(fast.flow.time == slow.flow.time);
        REQUIRE(fast.groups.size() == slow.groups.size());
        for (std::size_t g = 0; g < fast.groups.size(); ++g) {
            CHECK(fast.groups[g].lsn == slow.groups[g].lsn);
            CHECK(fast.groups[g].time == slow.groups[g].time);
        }
    }
}

}  // namespace
}  // namespace taizhang::row_clocks_test
