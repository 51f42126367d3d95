// A city's server that was put back from a backup writes no second city log beside the one that others have.
#include "sync/restored.h"

#include "ledger/contradictions.h"
#include "sync/bundle.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

using namespace taizhang;
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
