// A township between its branches and the city: a hub below, a device above.
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>

namespace taizhang {
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

TEST_CASE("both branches of a forked chain pass through a relay", "[sync][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Relay town(w, *w.hub, "K1-01");
    const std::string path = "/tmp/tz-relay-test-copy.db";
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    auto a = w.device_at(*town.hub, "B01");
    REQUIRE((*a)->database().backup_to(path).has_value());
    Device copy(77, path);
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
}  // namespace taizhang
