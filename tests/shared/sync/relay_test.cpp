// A township between its branches and the city: a hub below, a device above.
#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>

namespace taizhang::relay_test {
namespace {

using support::Device;
using support::text;
using support::World;

/// A relay of the unit below some hub.
struct Relay {
    Relay(World& w, sync::Hub& above, const std::string& unit) : device(w.device_at(above, unit)) {
        hub = std::make_unique<sync::Hub>(*sync::Hub::open(**device));
    }
    std::unique_ptr<Device> device;
    std::unique_ptr<sync::Hub> hub;
};

std::uint64_t has(Device& d, Level level) { return *sync::own_commits_at(*d, level); }

/// Commits that one sync sends and receives.
sync::Session::Stats moved(Device& d, sync::Hub& at) {
    sync::Session s(*d);
    for (int trips = 0; s.wants_more(); ++trips) {
        REQUIRE(trips < 20);
        const auto q = s.request();
        REQUIRE(q.has_value());
        const auto r = at.handle(*q);
        REQUIRE(r.has_value());
        REQUIRE(s.reply(*r).has_value());
    }
    return s.stats();
}

TEST_CASE("a relay works without the city and forwards commits as they were written", "[sync][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Relay town(w, *w.hub, "K1-01");
    auto a = w.device_at(*town.hub, "B01");
    auto b = w.device_at(*town.hub, "B01");

    a->set("assignment", "A1", {{"remark", text("断网时写的")}});
    World::sync(*a, *town.hub);
    World::sync(*b, *town.hub);
    CHECK(b->field("A1", "remark") == "断网时写的");
    CHECK(has(*a, Level::township) == 1);
    CHECK(has(*a, Level::city) == 0);
    CHECK(*sync::unsent_count(**a) == 0);
    CHECK(*sync::unsent_count(**town.device) == 1);
    CHECK(w.city.field("A1", "remark") != "断网时写的");

    // The link is back. What the city has is told downwards at the next sync, in one small round trip.
    w.sync(*town.device);
    CHECK(w.city.field("A1", "remark") == "断网时写的");
    CHECK(moved(*a, *town.hub).round_trips == 1);
    CHECK(has(*a, Level::city) == 1);
    CHECK(w.city->digest()->size() > 1);
    REQUIRE(w.city->verify().has_value());
}

TEST_CASE("relays pass signatures on as they were made and cut nothing anew", "[sync][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Relay county(w, *w.hub, "K1");
    Relay town(w, *county.hub, "K1-01");
    auto a = w.device_at(*town.hub, "B01");
    const StreamId stream{"B01", Audience::ledger};
    for (int n = 0; n < 12; ++n)
        a->set("assignment", "A1", {{"remark", text(std::string(900, static_cast<char>('a' + n)))}});
    const auto written = *(*a)->chain_after(stream, (*a)->id(), Seq{0}, 1u << 20);
    World::sync(*a, *town.hub);
    World::sync(*town.device, *county.hub);
    w.sync(*county.device);
    for (auto* r : {&**town.device, &**county.device, &*w.city}) {
        const auto there = *r->chain_after(stream, (*a)->id(), Seq{0}, 1u << 20);
        REQUIRE(there.size() == written.size());
        std::size_t signatures = 0;
        for (std::size_t i = 0; i < there.size(); ++i) {
            CHECK(there[i].packed == written[i].packed);
            CHECK((there[i].signature.empty() || there[i].signature == written[i].signature));
            signatures += there[i].signature.empty() ? 0 : 1;
        }
        CHECK(signatures >= 1);
        CHECK_FALSE(there.back().signature.empty());
    }
}

TEST_CASE("three tiers: county and township between branch and city", "[sync][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Relay county(w, *w.hub, "K1");
    Relay town(w, *county.hub, "K1-01");
    auto a = w.device_at(*town.hub, "B01");
    a->set("assignment", "A1", {{"remark", text("三级")}});
    World::sync(*a, *town.hub);
    CHECK(has(*a, Level::township) == 1);
    World::sync(*town.device, *county.hub);
    World::sync(*a, *town.hub);
    CHECK(has(*a, Level::county) == 1);
    CHECK(has(*a, Level::city) == 0);
    w.sync(*county.device);
    World::sync(*town.device, *county.hub);
    World::sync(*a, *town.hub);
    CHECK(has(*a, Level::city) == 1);
    CHECK(w.city.field("A1", "remark") == "三级");

    w.city.set("assignment", "A1", {{"deadline", text("2025-12-31")}});
    w.sync(*county.device);
    World::sync(*town.device, *county.hub);
    World::sync(*a, *town.hub);
    CHECK(a->field("A1", "deadline") == "2025-12-31");
}

TEST_CASE("a branch goes from the relay to the city and back and resends nothing", "[sync][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Relay town(w, *w.hub, "K1-01");
    auto a = w.device_at(*town.hub, "B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    World::sync(*a, *town.hub);
    w.sync(*town.device);

    w.enrol_at(*w.hub, *a, "B01");
    auto there = moved(*a, *w.hub);
    CHECK(there.sent == 0);
    CHECK(there.received == 0);
    a->set("assignment", "A1", {{"remark", text("二")}});
    CHECK(moved(*a, *w.hub).sent == 1);
    CHECK(has(*a, Level::city) == 2);

    // What the relay has not heard of yet goes to it from whichever side meets it first, and only once.
    w.enrol_at(*town.hub, *a, "B01");
    auto back = moved(*a, *town.hub);
    CHECK(back.sent == 1);
    CHECK(back.received == 0);
    CHECK(moved(*town.device, *w.hub).received == 0);
    CHECK(has(*a, Level::township) == 2);
    CHECK(town.device->field("A1", "remark") == "二");
}

TEST_CASE("what the relay has not passed on yet is sent to the city at once, and nothing is refused", "[sync][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Relay town(w, *w.hub, "K1-01");
    auto a = w.device_at(*town.hub, "B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    World::sync(*a, *town.hub);
    w.sync(*town.device);
    a->set("assignment", "A1", {{"remark", text("二")}});
    World::sync(*a, *town.hub);  // the relay's line is down
    a->set("assignment", "A1", {{"remark", text("三")}});

    w.enrol_at(*w.hub, *a, "B01");
    sync::Session s(**a);
    while (s.wants_more()) REQUIRE(s.reply(*w.hub->handle(*s.request())).has_value());
    CHECK(s.stats().refused.empty());
    CHECK(has(*a, Level::city) == 3);
    CHECK(w.city.field("A1", "remark") == "三");
}

TEST_CASE("what was written here is not dropped on a relay's word when the tree takes its stream away",
          "[sync][relay]") {
    World w;
    w.new_assignment("A2", "T1", "B02");
    Relay town(w, *w.hub, "K1-01");
    auto d = w.device_at(*town.hub, "K1-01");
    d->set("assignment", "A2", {{"deadline", text("2025-12-20")}});
    World::sync(*d, *town.hub);
    CHECK(has(*d, Level::township) == 1);
    const StreamId stream{"B02", Audience::ledger};
    const auto keeps = [&] { return !(*d)->chain_heads(std::span(&stream, 1))->empty(); };
    REQUIRE(w.city->append_control("unit", R"({"id":"B02","parent_id":"K1","level":"branch","name":"Branch 2"})")
                .has_value());
    const auto news = w.city->control_after((*d)->control().head(), 10'000);
    REQUIRE((*d)->receive_control(*news).has_value());
    REQUIRE((*town.device)->receive_control(*news).has_value());
    // Under an earlier name as well.
    if (GENERATE(false, true)) REQUIRE((*d)->reincarnate().has_value());
    World::sync(*d, *town.hub);
    CHECK(keeps());
    SECTION("the relay is gone with all that it had") {
        w.enrol_at(*w.hub, *d, "K1-01");
        w.sync(*d);
    }
    SECTION("the relay passes it on and says so") {
        w.sync(*town.device);
        World::sync(*d, *town.hub);
    }
    CHECK(w.city.field("A2", "deadline") == "2025-12-20");
    CHECK_FALSE(keeps());
}

TEST_CASE("what was dropped of a stream that the tree took away is nobody's to send", "[sync][checkpoint]") {
    World w;
    auto d = w.device("K1-01");
    auto b = w.device("B02");
    for (int i = 0; i < 5; ++i) w.new_assignment("A" + std::to_string(i), "T1", "B02");
    w.sync(*b);
    for (int i = 0; i < 5; ++i) b->set("assignment", "A" + std::to_string(i), {{"remark", text("年初")}});
    w.sync(*b);
    w.sync(*d);
    REQUIRE(w.city->note_backup(w.city->log_head()).has_value());
    REQUIRE(w.city->checkpoint().has_value());
    w.sync(*d);
    const StreamId stream{"B02", Audience::ledger};
    REQUIRE(*(*d)->drop_old(d->clock.wall_ms + 1000) > 0);
    // The hub was put back from an old copy, said so, and the tree moved before it had everything again.
    REQUIRE((*d)->set_place(stream, (*b)->id(), Seq{0}).has_value());
    CHECK(*sync::unsent_count(**d) > 0);
    REQUIRE(w.city->append_control("unit", R"({"id":"B02","parent_id":"K1","level":"branch","name":"Branch 2"})")
                .has_value());
    for (int i = 0; i < 2; ++i) w.sync(*d);
    CHECK(*sync::unsent_count(**d) == 0);
    CHECK((*d)->chain_heads(std::span(&stream, 1))->empty());
}

TEST_CASE("what a PC began with as a state, of a stream that the tree took away, is nobody's to send",
          "[sync][checkpoint]") {
    World w;
    auto b = w.device("B02");
    w.new_assignment("A1", "T1", "B02");
    w.sync(*b);
    for (const char* t : {"一", "二"}) b->set("assignment", "A1", {{"remark", text(t)}});
    w.sync(*b);
    REQUIRE(w.city->note_backup(w.city->log_head()).has_value());
    REQUIRE(w.city->checkpoint().has_value());
    auto late = w.device("K1-01");
    const StreamId stream{"B02", Audience::ledger};
    REQUIRE((*late)->chain_after(stream, (*b)->id(), Seq{0}, 1u << 20)->empty());
    REQUIRE((*late)->set_place(stream, (*b)->id(), Seq{0}).has_value());
    REQUIRE(*sync::unsent_count(**late) > 0);
    REQUIRE(w.city->append_control("unit", R"({"id":"B02","parent_id":"K1","level":"branch","name":"Branch 2"})")
                .has_value());
    for (int i = 0; i < 2; ++i) w.sync(*late);
    CHECK(*sync::unsent_count(**late) == 0);
    CHECK((*late)->chain_heads(std::span(&stream, 1))->empty());
}

TEST_CASE("of a unit that left it, a relay offers what was written below it, and not what it has from above",
          "[sync][relay][moves]") {
    World w;
    w.new_assignment("A2", "T1", "B02");
    Relay county(w, *w.hub, "K1");
    Relay town(w, *county.hub, "K1-01");
    auto below = w.device_at(*town.hub, "K1-01"), b = w.device_at(*county.hub, "B02");
    b->set("assignment", "A2", {{"remark", text("从县里来的")}});
    World::sync(*b, *county.hub);
    World::sync(*town.device, *county.hub);
    World::sync(*below, *town.hub);
    below->set("assignment", "A2", {{"deadline", text("2025-12-20")}});
    World::sync(*below, *town.hub);
    REQUIRE(*sync::unsent_count(**town.device) == 1);
    REQUIRE(w.city->append_control("unit", R"({"id":"B02","parent_id":"K1","level":"branch","name":"Branch 2"})")
                .has_value());
    const auto news = w.city->control_after((*county.device)->control().head(), 1u << 20);
    REQUIRE((*county.device)->receive_control(*news).has_value());
    REQUIRE((*town.device)->receive_control(*news).has_value());
    REQUIRE(sync::learn_hub_heads(**town.device, {}, Level::county).has_value());
    const auto left = *sync::unsent(**town.device);
    const StreamId stream{"B02", Audience::ledger};
    CHECK(std::any_of(left.begin(), left.end(), [&](const auto& c) { return c.replica == (*below)->id(); }));
    CHECK(std::none_of(left.begin(), left.end(),
                       [&](const auto& c) { return c.stream == stream && c.replica == (*b)->id(); }));
    World::sync(*town.device, *county.hub);
    CHECK(county.device->field("A2", "deadline") == "2025-12-20");
    // Until the city says that it has it, it is offered whenever the hub lacks it, once.
    for (int twice = 0; twice < 2; ++twice) {
        REQUIRE(sync::learn_hub_heads(**town.device, {}, Level::county).has_value());
        CHECK(*(*town.device)->place(stream, (*below)->id()) == Seq{0});
    }
}

TEST_CASE("both branches of a forked chain pass through a relay", "[sync][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Relay town(w, *w.hub, "K1-01");
    const std::string path = support::scratch("tz-relay-test-copy.db");
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    auto a = w.device_at(*town.hub, "B01");
    REQUIRE((*a)->database().backup_to(path).has_value());
    Device copy(77, path, {}, {}, a->keys);
    a->set("assignment", "A1", {{"remark", text("原机")}});
    a->set("assignment", "A1", {{"remark", text("原机再写")}});
    World::sync(*a, *town.hub);
    w.sync(*town.device);
    copy.set("assignment", "A1", {{"remark", text("克隆机")}});
    World::sync(copy, *town.hub);
    w.sync(*town.device);
    std::vector<std::string> remarks;
    const auto row = w.city->read_row("assignment", "A1");
    REQUIRE(row.has_value());
    for (const auto& h : row->history)
        for (const auto& [name, value] : h.fields)
            if (name == "remark") remarks.push_back(value.display());
    CHECK(remarks.size() == 3);
    CHECK(std::find(remarks.begin(), remarks.end(), "克隆机") != remarks.end());
    copy.replica.reset();
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
}

TEST_CASE("servers refuse to stand below themselves and to mix cities", "[sync][relay]") {
    World w;
    Relay town(w, *w.hub, "K1-01");
    const auto code = town.hub->new_code("K1-01");
    REQUIRE(code.has_value());
    sync::Enrolment self(**town.device);
    const auto refused = town.hub->handle(*self.request(code->code, "self"));
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == Errc::denied);

    World other(support::ledger_catalog(), "another city");
    auto a = w.device("B01");
    sync::Enrolment stray(**a);
    const auto answer = other.hub->handle(*stray.request(other.hub->new_code("B01")->code, "stray"));
    REQUIRE(answer.has_value());
    const auto kept = stray.reply(*answer);
    REQUIRE(!kept.has_value());
    CHECK(kept.error().detail.find("another city") != std::string::npos);
}

TEST_CASE("a relay takes the tree and the catalog from below when it is behind", "[sync][relay]") {
    World w;
    Relay town(w, *w.hub, "K1-01");
    auto a = w.device_at(*town.hub, "B01");
    REQUIRE(w.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})")
                .has_value());
    w.enrol_at(*w.hub, *a, "B01");
    w.sync(*a);
    REQUIRE((*a)->control().unit("B09"));
    w.enrol_at(*town.hub, *a, "B01");
    World::sync(*a, *town.hub);
    CHECK((*town.device)->control().unit("B09"));
}

}  // namespace
}  // namespace taizhang::relay_test
