// What a file has carried up does not go up once more by the link, and nothing else costs more for it.
#include "sync/bundle.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::carried_test {
using namespace taizhang::support;

namespace {

std::string words(int n) {
    std::string out;
    for (int k = 0; k < 40; ++k) out += std::to_string(n * 7919 + k * 104'729);
    return out;
}

struct Trip {
    std::size_t bytes_up = 0, bytes_down = 0;
    std::uint64_t sent = 0, received = 0, trips = 0;
};

Trip meet(Device& d, sync::Hub& at) {
    Trip out;
    sync::Session s(*d);
    while (s.wants_more()) {
        const auto q = *s.request();
        const auto r = *at.handle(q);
        REQUIRE(s.reply(r).has_value());
        out.bytes_up += q.size();
        out.bytes_down += r.size();
    }
    out.sent = s.stats().sent;
    out.received = s.stats().received;
    out.trips = s.stats().round_trips;
    return out;
}

std::vector<std::string> carry_up(Device& d) {
    const auto made = sync::make_bundle(*d, {});
    REQUIRE(made.has_value());
    return made->parts;
}

void take(Replica& r, const std::vector<std::string>& parts) {
    for (const auto& p : parts) REQUIRE(sync::take_bundle(r, p).has_value());
}

}  // namespace

TEST_CASE("carried: what the hub took from a file without a receipt is not sent again by the link", "[sync][carried]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    for (int i = 0; i < 40; ++i) a->set("assignment", "A1", {{"remark", text(words(i))}});

    SECTION("all of it") {
        take(*w.city, carry_up(*a));
        const auto trip = meet(*a, *w.hub);
        CHECK(trip.sent == 0);
        CHECK(trip.received == 0);
        CHECK(trip.bytes_up < 300);
        CHECK(trip.bytes_down < 300);
    }
    SECTION("and what was written since then is") {
        take(*w.city, carry_up(*a));
        a->set("assignment", "A1", {{"remark", text("之后")}});
        const auto trip = meet(*a, *w.hub);
        CHECK(trip.sent == 1);
        CHECK(trip.received == 0);
        CHECK(trip.bytes_up < 500);
        CHECK(w.city.field("A1", "remark") == "之后");
    }
    SECTION("some of its parts were lost on the way") {
        sync::BundleOptions o;
        o.part_bytes = 4000;
        const auto made = *sync::make_bundle(**a, o);
        REQUIRE(made.parts.size() > 2);
        take(*w.city, {made.parts.begin(), made.parts.end() - 1});
        const auto trip = meet(*a, *w.hub);
        CHECK(trip.sent > 0);
        CHECK(trip.sent < 40);
        CHECK(trip.received == 0);
    }
    SECTION("none of it arrived") {
        (void)carry_up(*a);
        CHECK(meet(*a, *w.hub).sent == 40);
    }
    SECTION("the hub was put back from a backup in between") {
        take(*w.city, carry_up(*a));
        REQUIRE(sync::Hub::restored(*w.city).has_value());
        w.hub = std::make_unique<sync::Hub>(*sync::Hub::open(*w.city));
        const auto trip = meet(*a, *w.hub);
        CHECK(trip.sent == 0);
    }
    CHECK(*sync::unsent_count(**a) == 0);
    // Known from then on: nothing is asked any more.
    a->set("assignment", "A1", {{"remark", text("照常")}});
    CHECK(meet(*a, *w.hub).trips == 1);
    CHECK(*sync::own_commits_at(**a, Level::city) >= 41);
    CHECK(w.city.field("A1", "remark") == "照常");
    CHECK(*w.city->digest() == *(*a)->digest());
}

TEST_CASE("carried: a relay that passed them on by a file does not send them again, and those below hear of it",
          "[sync][carried]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = *sync::Hub::open(**town);
    auto a = w.device_at(town_hub, "B01");
    w.sync(*town);
    for (int i = 0; i < 40; ++i) a->set("assignment", "A1", {{"remark", text(words(i))}});
    w.sync(*a, town_hub);
    take(*w.city, carry_up(*town));
    const auto trip = meet(*town, *w.hub);
    CHECK(trip.sent == 0);
    CHECK(trip.received == 0);
    w.sync(*a, town_hub);
    CHECK(*sync::own_commits_at(**a, Level::city) == 40);
}

TEST_CASE("carried: a question about somebody else's chain is not answered", "[sync][carried]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T1", "B02");
    auto a = w.device("B01"), b = w.device("B02");
    a->set("assignment", "A1", {{"remark", text("一")}});
    w.sync(*a);
    const auto heads = *(*a)->own_heads();
    REQUIRE(heads.size() == 1);
    sync::Session s(**b);
    wire::SyncRequest q;
    REQUIRE(wire::decode(*s.request(), q).has_value());
    q.offers.push_back({heads[0].stream, heads[0].replica, heads[0].seq, heads[0].hash});
    wire::SyncReply r;
    REQUIRE(wire::decode(*w.hub->handle(wire::encode(q)), r).has_value());
    CHECK(r.acks.empty());
}

}  // namespace taizhang::carried_test
