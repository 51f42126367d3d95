// What a commit waits for, one thing after the other, and what ends it.
#include "tests/support/ok.h"
#include "tests/support/sim_disk.h"
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

TEST_CASE("a clock is believed only beside what the hub said: neither years ahead of it nor before it",
          "[replica][clock]") {
    constexpr std::int64_t kDay = 86'400'000;
    support::World w;
    auto d = w.device("B01");
    const auto told = d->clock.wall_ms;
    REQUIRE((*d)->trust_time(told).has_value());
    d->clock.wall_ms = told + 500 * kDay;
    CHECK((*d)->now().unverified);
    CHECK((*d)->now().ms == told);
    // A hub that is months behind is not believed by a PC that is further behind.
    d->clock.wall_ms = told - 100 * kDay;
    REQUIRE((*d)->trust_time(told - 60 * kDay).has_value());
    CHECK(*(*d)->fact("trusted_ms") == std::to_string(told));
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

TEST_CASE("in a city without keys a commit waits for its author's certificate, which is asked for",
          "[replica][waiting][unsigned]") {
    support::SimDisk disk(1);
    support::Device city(1), author(2), reader(3, "ledger.db", disk.vfs_name());
    support::found_city(city, support::ledger_catalog(), "a city without keys");
    const auto vouched = [&](support::Device& d, const std::string& unit) {
        REQUIRE(support::ok(d->receive_control(*city->control_after(ControlPos{0}, 1 << 20))));
        REQUIRE(support::ok(city->issue_certificate(*d->self_as_subject(unit, "PC"))));
        REQUIRE(support::ok(d->add_certificate(*city->control().cert(d->id()))));
    };
    vouched(author, "B01");
    vouched(reader, "B01");
    for (const char* id : {"H1", "H2"}) {
        Edit e;
        e.entity = "help_request";
        e.row = id;
        e.create = true;
        e.stream = kB01;
        e.fields = {{"text", text("写过")}};
        author.edit(std::move(e));
    }
    // Before it one that waits for something else: nobody is asked for it.
    CommitHeader h;
    h.replica = city->id();
    h.stream = kB01;
    h.seq = Seq{1};
    h.control = ControlPos{city->control().head().value + 9};
    h.catalog = 1;
    h.time = std::uint64_t{1'761'955'200'000} << 16;
    CommitWriter c;
    c.row("help_request", "H9");
    c.part(fold::Op::put, "ask", {});
    c.field("text", text("树还没有到"));
    std::string packed;
    Packer().pack(c.finish(h), packed);
    const std::string_view one(packed);
    REQUIRE(support::ok(reader->receive(std::span(&one, 1), Origin::below)));
    REQUIRE(support::ok(support::carry(*author, *reader, kB01, author->id())));
    CHECK(reader->find("H1")->empty());
    const auto check_asked = [&] {
        REQUIRE(reader->waiting_count() == 3);
        CHECK(reader->waiting()->front().reason == "control");
        CHECK(reader->waiting()->back().reason == "certificate");
        CHECK(reader->waiting()->back().what == author->id().hex());
        CHECK(reader->wanted_certificates(0).empty());
        CHECK(reader->wanted_certificates(9) == std::vector<ReplicaId>{author->id()});
    };
    check_asked();
    reader.reopen();
    check_asked();
    CHECK(support::ok(reader->verify()));
    REQUIRE(support::ok(reader->add_certificate(*city->control().cert(author->id()))));
    CHECK(reader->waiting_count() == 1);
    CHECK(reader->wanted_certificates(9).empty());
    CHECK(reader.field("H1", "text") == "写过");
    CHECK(support::ok(reader->verify()));

    // What the city has is signed as what it has, whether it knows its author or not.
    support::Device stranger(4);
    REQUIRE(support::ok(stranger->receive_control(*city->control_after(ControlPos{0}, 1 << 20))));
    REQUIRE(support::ok(stranger->issue_certificate(*stranger->self_as_subject("B02", "PC"))));
    Edit e;
    e.entity = "help_request";
    e.row = "H3";
    e.create = true;
    e.stream = StreamId{"B02", Audience::ledger};
    e.fields = {{"text", text("不认识的电脑")}};
    stranger.edit(std::move(e));
    REQUIRE(support::ok(support::carry(*stranger, *city, {"B02", Audience::ledger}, stranger->id())));
    REQUIRE(city->waiting_count() == 1);
    CHECK(city->checkpoint()->size() == 1);
    REQUIRE(support::ok(city->add_certificate(*stranger->control().cert(stranger->id()))));
    CHECK(city->waiting_count() == 0);
    CHECK(city.field("H3", "text") == "不认识的电脑");
    CHECK(support::ok(city->verify()));
}

TEST_CASE("what waits for a commit that waited itself is looked at when that one is applied", "[replica][waiting]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto first = w.device("B01"), second = w.device("B01"), third = w.device("B01"), reader = w.device("B01");
    const auto pass_on = [&](support::Device& from, support::Device& to) {
        REQUIRE(support::carry(*from, *to, kB01, from->id()).has_value());
    };
    first->set("assignment", "A1", {{"remark", text("一")}});
    pass_on(*first, *second);
    second->set("assignment", "A1", {{"remark", text("二")}});
    pass_on(*first, *third);
    pass_on(*second, *third);
    third->set("assignment", "A1", {{"remark", text("三")}});
    pass_on(*third, *reader);
    pass_on(*second, *reader);
    REQUIRE((*reader)->waiting_count() == 2);
    pass_on(*first, *reader);
    CHECK((*reader)->waiting_count() == 0);
    CHECK(reader->field("A1", "remark") == "三");
}

TEST_CASE("a stream that came back is written into only when one's own commits are there again", "[replica][waiting]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto pc = w.device("B01");
    pc->set("assignment", "A1", {{"remark", text("一")}});
    w.sync(*pc);
    REQUIRE((*pc)->evict(kB01).has_value());
    const auto next = [&] {
        Draft draft;
        draft.edits.push_back({"assignment", "A9", kB01, true, {}, {}, {}, {}, false, {}});
        draft.edits.back().fields.emplace_back("remark", text("新"));
        return (*pc)->edit(draft);
    };
    const auto refused = next();
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::not_allowed);
    REQUIRE(sync::forget_cursor(**pc).has_value());
    w.sync(*pc);
    const auto written = next();
    REQUIRE(written.has_value());
    CHECK(written->front().seq == Seq{2});
}

}  // namespace
}  // namespace taizhang::waiting_test
