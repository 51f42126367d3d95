// What a device leaves out of a request because its hub knows it, and what happens when the hub does not.
#include "tests/support/scratch.h"
#include "tests/support/world.h"
#include "wire/runs.h"

#include <catch2/catch.hpp>

#include <cstdio>

namespace taizhang::short_test {
namespace {

using support::Device;
using support::text;
using support::World;

struct Exchange {
    std::vector<std::string> requests, replies;
};

Exchange meet(Device& d, sync::Hub& hub) {
    Exchange out;
    sync::Session s(*d);
    while (s.wants_more()) {
        REQUIRE(out.requests.size() < 10);
        auto q = s.request();
        REQUIRE(q.has_value());
        auto r = hub.handle(*q);
        REQUIRE(r.has_value());
        REQUIRE(s.reply(*r).has_value());
        out.requests.push_back(*q);
        out.replies.push_back(*r);
    }
    return out;
}

TEST_CASE("a sync with nothing new is some sixty bytes", "[sync][short]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto met = meet(*a, *w.hub);
    REQUIRE(met.requests.size() == 1);
    CHECK(met.requests[0].size() <= 40);
    CHECK(met.replies[0].size() <= 24);
}

TEST_CASE("ten edits of rows that the hub gave are some hundred bytes, and acknowledged by one mark", "[sync][short]") {
    World w;
    for (int i = 0; i < 10; ++i) w.new_assignment("A" + std::to_string(i), "T1", "B01");
    auto a = w.device("B01");
    for (int i = 0; i < 10; ++i) {
        a->clock.wall_ms += 61'000;
        a->set("assignment", "A" + std::to_string(i), {{"remark", text("已开展三次")}});
    }
    const auto met = meet(*a, *w.hub);
    REQUIRE(met.requests.size() == 1);
    CHECK(met.requests[0].size() <= 280);
    CHECK(met.replies[0].size() <= 48);
    CHECK(*sync::unsent_count(**a) == 0);
    CHECK(w.city.field("A7", "remark") == "已开展三次");
    // Edits of one's own edits.
    for (int i = 0; i < 10; ++i) a->set("assignment", "A" + std::to_string(i), {{"remark", text("四次")}});
    CHECK(meet(*a, *w.hub).requests.size() == 1);
    CHECK(w.city.field("A7", "remark") == "四次");
    REQUIRE(w.city->verify().has_value());
    CHECK(*w.city->digest() == *(*a)->digest());
}

TEST_CASE("a hub that stands elsewhere takes nothing from a short request and asks for the long one", "[sync][short]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    sync::Session s(**a);
    const auto q = s.request();
    REQUIRE(q.has_value());
    REQUIRE(sync::Hub::restored(*w.city).has_value());
    w.hub = std::make_unique<sync::Hub>(*sync::Hub::open(*w.city));
    const auto before = w.city->log_head();
    const auto r = w.hub->handle(*q);
    REQUIRE(r.has_value());
    CHECK(w.city->log_head() == before);
    wire::SyncReply reply;
    REQUIRE(wire::decode(*r, reply).has_value());
    CHECK(reply.wants_vector);
    CHECK(reply.more);
    CHECK(reply.took == 0);
    CHECK(reply.city == w.city->control().city_mark());
    REQUIRE(s.reply(*r).has_value());
    CHECK(s.wants_more());
    CHECK(meet(*a, *w.hub).requests.size() <= 2);
    CHECK(w.city.field("A1", "remark") == "一");
}

/// Counts on rows that the other end never had.
struct Mistaken : wire::Known {
    std::optional<Row> row_before(const Commit& c, std::uint32_t) override {
        return Row{c.header.replica, seq, row, c.bases.front(), true};
    }
    bool has(const StreamId&, const ReplicaId&, Seq) override { return false; }
    std::optional<RowThere> row_at(const StreamId&, const ReplicaId&, Seq, std::uint32_t) override {
        return RowThere{"A1", base};
    }
    std::optional<Hash> hash_at(const StreamId&, const ReplicaId&, Seq, std::string_view) override { return {}; }
    VersionId base;
    Seq seq{99};
    std::uint32_t row = 0;
};

TEST_CASE("a hub that lacks what a short request builds on takes nothing and asks for the long one", "[sync][short]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("零")}});
    meet(*a, *w.hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    sync::Session s(**a);
    wire::SyncRequest q;
    REQUIRE(wire::decode(*s.request(), q).has_value());
    const auto chain = *(*a)->chain_after(StreamId{"B01", Audience::ledger}, (*a)->id(), Seq{1}, 1 << 20);
    REQUIRE(chain.size() == 1);
    Packer packer;
    std::string bytes;
    Commit c;
    REQUIRE(packer.unpack(chain[0].packed, bytes).has_value());
    REQUIRE(c.decode(bytes).has_value());
    REQUIRE(c.bases.size() == 1);
    Mistaken mistaken;
    mistaken.base = c.bases.front();
    if (GENERATE(false, true)) {  // that commit is there, and has not so many rows
        mistaken.seq = Seq{1};
        mistaken.row = 99;
    }
    const std::vector<std::string> packed{chain[0].packed};
    q.runs = wire::write_runs(packed, (*a)->id(), &mistaken);
    const auto before = w.city->log_head();
    const auto r = w.hub->handle(wire::encode(q));
    REQUIRE(r.has_value());
    CHECK(w.city->log_head() == before);
    wire::SyncReply reply;
    REQUIRE(wire::decode(*r, reply).has_value());
    CHECK(reply.wants_vector);
    // In a request that says everything in full nothing may be left to know.
    q.place = 0;
    q.replica = (*a)->id();
    const auto full = w.hub->handle(wire::encode(q));
    REQUIRE(full.has_error());
    CHECK(full.error().code == Errc::not_found);
    CHECK(w.city->log_head() == before);
    REQUIRE(s.reply(*r).has_value());
    CHECK(meet(*a, *w.hub).requests.size() <= 2);
    CHECK(w.city.field("A1", "remark") == "一");
}

TEST_CASE("two copies of one PC share a token, and both ask in short", "[sync][short]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const std::string file = support::scratch("tz-short-test-copy.db");
    std::remove(file.c_str());
    REQUIRE((*a)->database().backup_to(file).has_value());
    Device copy(77, file, {}, {}, a->keys);
    REQUIRE(copy->reincarnate().has_value());
    copy.set("assignment", "A1", {{"remark", text("副本")}});
    meet(copy, *w.hub);
    for (int i = 0; i < 2; ++i)
        for (auto* d : {a.get(), &copy}) CHECK(meet(*d, *w.hub).requests.size() == 1);
    CHECK(a->field("A1", "remark") == "副本");
}

TEST_CASE("an answer that acknowledges other commits than were sent is refused", "[sync][short]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    sync::Session s(**a);
    const auto r = w.hub->handle(*s.request());
    REQUIRE(r.has_value());
    wire::SyncReply reply;
    REQUIRE(wire::decode(*r, reply).has_value());
    REQUIRE(reply.took != 0);
    ++reply.took;
    const auto refused = s.reply(wire::encode(reply));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::protocol);
    CHECK(*sync::unsent_count(**a) == 1);
    REQUIRE(s.reply(*r).has_value());
    CHECK(*sync::unsent_count(**a) == 0);
}

TEST_CASE("after a new incarnation the long form comes first", "[sync][short]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    REQUIRE((*a)->reincarnate().has_value());
    a->set("assignment", "A1", {{"remark", text("一")}});
    CHECK(meet(*a, *w.hub).requests.size() <= 2);
    CHECK(w.city.field("A1", "remark") == "一");
    CHECK(meet(*a, *w.hub).requests.size() == 1);
}

}  // namespace
}  // namespace taizhang::short_test
