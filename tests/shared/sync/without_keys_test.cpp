// A city that an earlier program made has no keys: nothing is signed or sealed there, and all of it goes on.
#include "replica/checkpoint.h"
#include "sync/bundle.h"
#include "sync/upstream_facts.h"
#include "tests/shared/sync/sealed_bundle.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::without_keys_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

struct OldCity {
    Device city{1};
    std::unique_ptr<sync::Hub> hub;
    OldCity() {
        found_city(city, ledger_catalog(), "a city without keys");
        hub = std::make_unique<sync::Hub>(*sync::Hub::open(*city));
        Edit e;
        e.entity = "assignment";
        e.row = "A1";
        e.create = true;
        e.stream = kB01;
        e.fields = {{"task_id", text("T1")}, {"unit_id", text("B01")}, {"deadline", text("2025-11-30")}};
        e.transition = "carry_over";
        e.arguments = {{"state", text("办理中")}};
        city.edit(std::move(e));
    }
    static std::unique_ptr<Device> device(std::uint64_t seed, const std::string& unit, sync::Hub& at) {
        auto d = std::make_unique<Device>(seed);
        World::enrol_at(at, *d, unit);
        World::sync(*d, at);
        return d;
    }
};

}  // namespace

TEST_CASE("a city without keys: devices enrol, edit, meet in a conflict and end alike", "[sync][unsigned]") {
    OldCity w;
    CHECK_FALSE(w.city->control().is_signed());
    CHECK(w.hub->fingerprint().empty());
    auto a = OldCity::device(10, "B01", *w.hub), b = OldCity::device(11, "B01", *w.hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    b->clock.wall_ms += 1000;
    b->set("assignment", "A1", {{"remark", text("二")}});
    for (int round = 0; round < 2; ++round)
        for (auto* d : {a.get(), b.get()}) World::sync(*d, *w.hub);
    for (Device* d : {&w.city, a.get(), b.get()}) {
        CHECK(d->field("A1", "remark") == "二");
        CHECK((*d)->conflicts("A1")->size() == 1);
        CHECK(ok((*d)->verify()));
    }
    CHECK(*sync::unsent_count(**a) == 0);
    // A copied PC goes on under another name; its unit vouches by itself.
    REQUIRE(ok((*a)->reincarnate()));
    a->set("assignment", "A1", {{"remark", text("三")}});
    World::sync(*a, *w.hub);
    CHECK(w.city.field("A1", "remark") == "三");
}

TEST_CASE("a city without keys: a relay passes on what is written below it", "[sync][unsigned]") {
    OldCity w;
    auto town = OldCity::device(20, "K1-01", *w.hub);
    auto town_hub = *sync::Hub::open(**town);
    auto a = OldCity::device(21, "B01", town_hub);
    CHECK(a->field("A1", "task_id") == "T1");
    a->set("assignment", "A1", {{"remark", text("经过镇里")}});
    World::sync(*a, town_hub);
    World::sync(*town, *w.hub);
    CHECK(w.city.field("A1", "remark") == "经过镇里");
    CHECK(ok(w.city->verify()));
    CHECK(ok((*town)->verify()));
}

TEST_CASE("a city without keys: a bundle is neither signed nor sealed, and is taken", "[bundle][unsigned]") {
    OldCity w;
    auto a = OldCity::device(30, "B01", *w.hub);
    a->set("assignment", "A1", {{"remark", text("装在口袋里")}});
    const auto made = sync::make_bundle(**a, {});
    REQUIRE(ok(made));
    REQUIRE(made->parts.size() == 1);
    const auto& file = made->parts.front();
    REQUIRE(ok(sync::take_bundle(*w.city, file)));
    CHECK(w.city.field("A1", "remark") == "装在口袋里");
    // Its hash alone says that it is whole: a flipped bit is noticed.
    auto again = file;
    again[again.size() / 2] = static_cast<char>(again[again.size() / 2] ^ 1);
    CHECK_FALSE(ok(sync::take_bundle(*w.city, again)));
    // A city with keys takes none that is not signed, of whatever city it says it is.
    World with_keys;
    CHECK_FALSE(ok(sync::take_bundle(*with_keys.city, file)));
    // And here none that a city with keys made.
    auto b = with_keys.device("B01");
    with_keys.new_assignment("A1", "T1", "B01");
    with_keys.sync(*b);
    b->set("assignment", "A1", {{"remark", text("别的城市")}});
    const auto other = sync::make_bundle(**b, {});
    REQUIRE(ok(other));
    CHECK_FALSE(ok(sync::take_bundle(*w.city, other->parts.front())));
    CHECK(w.city.field("A1", "remark") == "装在口袋里");
}

TEST_CASE("a city without keys: enrolment by files needs keys and says so", "[sync][unsigned]") {
    OldCity w;
    Device d(40);
    const auto refused = w.hub->answer(*sync::Enrolment(*d).request_file("PC"), "B01");
    REQUIRE_FALSE(ok(refused));
    CHECK(refused.error().code == Errc::not_allowed);
    CHECK(refused.error().detail.find("root key") != std::string::npos);
}

TEST_CASE("a city without keys: a commit in a bundle that is none is refused with all the others",
          "[bundle][unsigned][refused]") {
    OldCity w;
    auto a = OldCity::device(31, "B01", *w.hub);
    for (const char* t : {"一", "二"}) a->set("assignment", "A1", {{"remark", text(t)}});
    const auto made = must(sync::make_bundle(**a, {}));
    Reader r(std::string_view(made.parts.front()).substr(5));
    r.str();
    wire::Bundle whole;
    must(wire::decode(r.str(), whole));
    REQUIRE(whole.commits.size() == 2);
    const auto refused = [&](std::size_t i, const std::string& bytes) {
        auto b = whole;
        b.commits[i] = bytes;
        const auto head = w.city->log_head();
        const auto taken = sync::take_bundle(*w.city, bundle_file(0, wire::encode(b)));
        REQUIRE(taken.has_error());
        CHECK(taken.error().code == Errc::bad_input);
        CHECK(w.city->log_head() == head);
    };
    const auto& second = whole.commits[1];
    for (const std::size_t i : {0u, 1u}) {
        refused(i, "");
        refused(i, std::string(1, Packer::kZstd) + "no frame");
        refused(i, std::string(1, Packer::kRaw) + "no commit");
    }
    refused(1, second.substr(0, second.size() - 1));  // its head is whole, and what it says is not
    REQUIRE(ok(sync::take_bundle(*w.city, bundle_file(0, wire::encode(whole)))));
    CHECK(w.city.field("A1", "remark") == "二");
}

TEST_CASE("a city without keys: what a server says it has is heard by file, of commits that stand here",
          "[bundle][unsigned][receipt]") {
    OldCity w;
    auto town = OldCity::device(32, "K1-01", *w.hub);
    auto town_hub = must(sync::Hub::open(**town));
    auto a = OldCity::device(33, "B01", town_hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    World::sync(*a, town_hub);
    World::sync(*town, *w.hub);
    const auto at_city = [&] { return must(sync::level_ack(**a, kB01, (*a)->id(), Level::city)); };
    REQUIRE(at_city() == Seq{0});
    sync::BundleOptions o;
    o.to = "B01";
    const auto made = must(sync::make_bundle(**town, o));
    Reader r(std::string_view(made.parts.front()).substr(5));
    r.str();
    wire::Bundle down;
    must(wire::decode(r.str(), down));
    REQUIRE_FALSE(down.acks.empty());
    auto other = down;
    for (auto& x : other.acks) x.at.hash.bytes[0] ^= 1;
    must(sync::take_bundle(**a, bundle_file(0, wire::encode(other))));
    CHECK(at_city() == Seq{0});
    must(sync::take_bundle(**a, made.parts.front()));
    CHECK(at_city() == Seq{1});
}

}  // namespace taizhang::without_keys_test
