// A city's server that was put back from a backup writes no second city log beside the one that others have.
#include "sync/restored.h"

#include "ledger/contradictions.h"
#include "ledger/notices.h"
#include "sync/bundle.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <span>

namespace taizhang::restored_test {
using namespace taizhang::support;

namespace {

const std::string kUnit = R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})";

struct Restored : World {
    Restored() {
        before = device("B01");
        REQUIRE(sync::Hub::restored(*city).has_value());
        hub = std::make_unique<sync::Hub>(*sync::Hub::open(*city));
    }
    std::unique_ptr<Device> before;  // enrolled when the backup was made
};

}  // namespace

TEST_CASE("restored: the city writes no control entry before somebody from below has compared his log with it",
          "[sync][restored]") {
    Restored w;
    const auto head = w.city->control().head();
    const auto refused = w.city->append_control("unit", kUnit);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::not_allowed);
    CHECK(refused.error().detail.find("--alone") != std::string::npos);
    CHECK(refused.error().detail.find('\n') == std::string::npos);
    CHECK(w.city->control().head() == head);

    SECTION("a device that was known then") {
        w.sync(*w.before);
        CHECK(w.city->append_control("unit", kUnit).has_value());
    }
    SECTION("one that was copied since then and goes on under another name") {
        REQUIRE((*w.before)->reincarnate().has_value());
        w.sync(*w.before);
        CHECK(w.city->append_control("unit", kUnit).has_value());
    }
    SECTION("one that enrolled since then knows no more than the city does") {
        auto fresh = w.device("B02");
        w.sync(*fresh);
        w.sync(*fresh);
        CHECK(w.city->append_control("unit", kUnit).has_error());
    }
    SECTION("a person says that nobody is left") {
        REQUIRE(sync::go_on_alone(*w.city).has_value());
        CHECK(w.city->append_control("unit", kUnit).has_value());
    }
    SECTION("a file from below") {
        sync::BundleOptions o;
        o.to = "C";
        const auto files = sync::make_bundle(**w.before, o);
        REQUIRE(files.has_value());
        REQUIRE(sync::take_bundle(*w.city, files->parts.front()).has_value());
        CHECK(w.city->append_control("unit", kUnit).has_value());
    }
}

TEST_CASE("restored: what the city lost of its log comes back before it writes on", "[sync][restored]") {
    Restored w;
    // The backup lacks an entry that the device has.
    ControlEntry lost;
    lost.pos = ControlPos{w.city->control().head().value + 1};
    lost.prev = w.city->control().head_hash();
    lost.kind = "unit";
    lost.payload = kUnit;
    lost.signature = w.city.keys.root->sign(kForControl, lost.signed_part());
    const auto bytes = lost.encode();
    REQUIRE((*w.before)->receive_control(std::span(&bytes, 1)).has_value());
    REQUIRE(w.city->append_control("unit", kUnit).has_error());
    w.sync(*w.before);
    CHECK(w.city->control().head() == lost.pos);
    CHECK(w.city->append_control("unit", R"({"id":"B10","parent_id":"K1-01","level":"branch","name":"B10"})")
              .has_value());
    w.sync(*w.before);
    CHECK((*w.before)->control().head_hash() == w.city->control().head_hash());
    CHECK(ledger::contradictions(*w.city)->empty());
    CHECK(ledger::contradictions(**w.before)->empty());
}

TEST_CASE("restored: half of those of late have to be met, each once", "[sync][restored]") {
    World w;
    std::vector<std::unique_ptr<Device>> devices;
    auto gone = w.device("B02");
    w.city.clock.wall_ms += std::int64_t{40} * 86'400'000;  // that one has brought nothing since
    for (int i = 0; i < 4; ++i) devices.push_back(w.device(i < 2 ? "B01" : "B02"));
    REQUIRE(sync::Hub::restored(*w.city).has_value());
    w.hub = std::make_unique<sync::Hub>(*sync::Hub::open(*w.city));
    const auto progress = [&] { return *sync::restored_progress(*w.city); };
    REQUIRE(progress().has_value());
    CHECK(progress()->wanted == 2);
    CHECK(progress()->met == 0);

    w.sync(*devices[0]);
    CHECK(progress()->met == 1);
    CHECK(w.city->append_control("unit", kUnit).has_error());
    const auto lines = *ledger::notices(*w.city);
    CHECK(std::any_of(lines.begin(), lines.end(), [](const auto& l) { return l.find("1/2") != std::string::npos; }));
    // Once more, and under another name: still one.
    w.sync(*devices[0]);
    REQUIRE((*devices[0])->reincarnate().has_value());
    w.sync(*devices[0]);
    CHECK(progress()->met == 1);
    CHECK(w.city->append_control("unit", kUnit).has_error());

    SECTION("another of them") { w.sync(*devices[3]); }
    SECTION("one that had been away for long knows the log as well") { w.sync(*gone); }
    SECTION("a person says that nobody else is left") { REQUIRE(sync::go_on_alone(*w.city).has_value()); }
    CHECK_FALSE(progress().has_value());
    CHECK(w.city->append_control("unit", kUnit).has_value());
}

TEST_CASE("restored: an entry that most had heard of is never written beside", "[sync][restored]") {
    World w;
    std::vector<std::unique_ptr<Device>> devices;
    for (int i = 0; i < 4; ++i) devices.push_back(w.device("B01"));
    REQUIRE(sync::Hub::restored(*w.city).has_value());
    w.hub = std::make_unique<sync::Hub>(*sync::Hub::open(*w.city));
    ControlEntry lost;
    lost.pos = ControlPos{w.city->control().head().value + 1};
    lost.prev = w.city->control().head_hash();
    lost.kind = "unit";
    lost.payload = kUnit;
    lost.signature = w.city.keys.root->sign(kForControl, lost.signed_part());
    const auto bytes = lost.encode();
    const auto ignorant = GENERATE(0, 1, 2, 3);  // three of four heard of it, whichever syncs first did not
    for (int i = 0; i < 4; ++i)
        if (i != ignorant)
            REQUIRE((*devices[static_cast<std::size_t>(i)])->receive_control(std::span(&bytes, 1)).has_value());
    w.sync(*devices[static_cast<std::size_t>(ignorant)]);
    const std::string other = R"({"id":"B10","parent_id":"K1-01","level":"branch","name":"B10"})";
    CHECK(w.city->append_control("unit", other).has_error());
    w.sync(*devices[static_cast<std::size_t>((ignorant + 1) % 4)]);
    CHECK(w.city->control().head() == lost.pos);
    CHECK(w.city->append_control("unit", other).has_value());
    for (auto& d : devices) {
        w.sync(*d);
        CHECK((*d)->control().head_hash() == w.city->control().head_hash());
        CHECK(ledger::contradictions(**d)->empty());
    }
    CHECK(ledger::contradictions(*w.city)->empty());
}

}  // namespace taizhang::restored_test
