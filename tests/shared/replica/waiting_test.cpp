// What a commit waits for, one thing after the other, and what ends it.
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::waiting_test {
namespace {

using support::text;

const StreamId kB01{"B01", Audience::ledger};

/// Two PCs wrote in two groups of a record, a third went on from both; a fourth gets it in any order.
struct Three : support::World {
    std::unique_ptr<support::Device> first, second, third, reader;
    Three() {
        new_assignment("A1", "T1", "B01");
        first = device("B01");
        second = device("B01");
        third = device("B01");
        reader = device("B01");
        first->set("assignment", "A1", {{"remark", text("一")}});
        second->set("assignment", "A1", {{"responsible_person", text("甲")}});
        for (auto* d : {&first, &second}) REQUIRE(support::carry(***d, **third, kB01, (**d)->id()).has_value());
        third->set("assignment", "A1", {{"remark", text("二")}, {"responsible_person", text("乙")}});
    }
    void bring(support::Device& from) { REQUIRE(support::carry(*from, **reader, kB01, from->id()).has_value()); }
};

TEST_CASE("a commit that builds on two others waits for both, whichever comes first", "[replica][waiting]") {
    Three w;
    w.bring(*w.third);
    REQUIRE((*w.reader)->waiting_count() == 1);
    const bool swapped = GENERATE(false, true);
    w.bring(swapped ? *w.second : *w.first);
    CHECK((*w.reader)->waiting_count() == 1);
    CHECK(w.reader->field("A1", "remark") == (swapped ? "—" : "一"));
    w.bring(swapped ? *w.first : *w.second);
    CHECK((*w.reader)->waiting_count() == 0);
    CHECK(w.reader->field("A1", "remark") == "二");
    CHECK(w.reader->field("A1", "responsible_person") == "乙");
    CHECK((*w.reader)->verify().has_value());
}

TEST_CASE("what waited goes with its stream", "[replica][waiting]") {
    Three w;
    w.bring(*w.third);
    REQUIRE((*w.reader)->waiting_count() == 1);
    REQUIRE((*w.reader)->evict(kB01).has_value());
    CHECK((*w.reader)->waiting_count() == 0);
    CHECK((*w.reader)->set_fact("x", "1").has_value());
    CHECK((*w.reader)->verify().has_value());
}

TEST_CASE("a close waits for everything that it had reviewed", "[replica][waiting]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto author = w.device("B01"), reader = w.device("B01");
    author->set("assignment", "A1", {{"result_text", text("做完了")}});
    REQUIRE(support::carry(**author, *w.city, kB01, (*author)->id()).has_value());
    w.city.act("assignment", "A1", "close_out");
    REQUIRE(support::carry(*w.city, **reader, kB01, w.city->id()).has_value());
    CHECK((*reader)->waiting_count() == 1);
    CHECK(reader->state("A1") == "办理中");
    REQUIRE(support::carry(**author, **reader, kB01, (*author)->id()).has_value());
    CHECK((*reader)->waiting_count() == 0);
    CHECK(reader->state("A1") == "已办结");
    CHECK(reader->field("A1", "result_text") == "做完了");
    CHECK((*reader)->conflicts("A1")->empty());
}

TEST_CASE("a hub's word on the time is kept: it goes on with this PC's own seconds and never back",
          "[replica][clock]") {
    support::World w;
    auto d = w.device("B01");
    const auto told = d->clock.wall_ms;
    REQUIRE((*d)->trust_time(told).has_value());
    // Another server, whose clock is behind: nothing is taken away.
    REQUIRE((*d)->trust_time(told - 86'400'000).has_value());
    // The PC's battery was empty.
    d->clock.wall_ms = told - 3'600'000;
    d->clock.steady_ms += 60'000;
    CHECK((*d)->now().ms == told + 60'000);
    CHECK((*d)->now().unverified);
    // A few minutes are nobody's business.
    d->clock.wall_ms = told - 60'000;
    CHECK((*d)->now().ms == told - 60'000);
    CHECK_FALSE((*d)->now().unverified);
}

TEST_CASE("a PC that began under a city's clock of another year finds back once both clocks agree",
          "[replica][clock]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    const auto right = w.city.clock.wall_ms;
    const auto written = [&](support::Device& d) {
        const auto ids = d.set("assignment", "A1", {{"remark", text("写于 " + std::to_string(d.clock.wall_ms))}});
        const auto entries = *d.replica->chain_after(ids[0].stream, ids[0].replica, Seq{ids[0].seq.value - 1}, 1);
        Packer packer;
        std::string bytes;
        REQUIRE(packer.unpack(entries.front().packed, bytes).has_value());
        return Commit::decode_header(bytes)->time >> 16;
    };
    w.city.clock.wall_ms = right + std::int64_t{20} * 366 * 86'400'000;
    auto d = w.device("B01");
    CHECK((*d)->now().unverified);
    CHECK(written(*d) > static_cast<std::uint64_t>(right) + 86'400'000);

    // Somebody sets the city right. A PC that is wrong itself is no witness.
    w.city.clock.wall_ms = right;
    d->clock.wall_ms = right + 86'400'000;
    w.sync(*d);
    CHECK((*d)->now().unverified);
    d->clock.wall_ms = right + 60'000;
    w.sync(*d);
    CHECK_FALSE((*d)->now().unverified);
    CHECK((*d)->now().ms == right + 60'000);
    CHECK(*(*d)->fact("trusted_ms") == std::to_string(right));  // what the next process will know
    // What it wrote meanwhile does not date what it writes now.
    CHECK(written(*d) == static_cast<std::uint64_t>(right) + 60'000);
    w.sync(*d);
    CHECK(w.city.field("A1", "remark") == d->field("A1", "remark"));
    CHECK(*w.city->digest() == *(*d)->digest());
}

TEST_CASE("a clock of 2099 is believed by nobody, the first time either", "[replica][clock]") {
    support::World w;
    const auto right = w.city.clock.wall_ms;
    w.city.clock.wall_ms = 4'102'358'400'000;  // 2099-12-31
    CHECK(w.city->now().unverified);
    auto d = w.device("B01");
    CHECK_FALSE((*d)->now().unverified);
    CHECK((*d)->now().ms == d->clock.wall_ms);
    w.city.clock.wall_ms = right;
    w.sync(*d);
    CHECK_FALSE(w.city->now().unverified);
    CHECK_FALSE((*d)->now().unverified);
}

}  // namespace
}  // namespace taizhang::waiting_test
