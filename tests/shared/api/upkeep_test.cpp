// What a serving node does by itself comes in pieces, so that nobody who asks something waits for all of it.
#include "api/upkeep.h"

#include "base/embedded.h"
#include "ledger/import.h"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

namespace taizhang::api::upkeep_test {
namespace {

namespace fs = std::filesystem;

TEST_CASE("upkeep: a city signs its checkpoints in pieces, and once a day", "[upkeep]") {
    auto dir = (fs::temp_directory_path() / "tz-upkeep-XXXXXX").string();
    REQUIRE(::mkdtemp(dir.data()) != nullptr);
    {
        auto node = node::Node::open({dir + "/city", true, std::chrono::seconds(1), "taizhang.db", true});
        REQUIRE(node.has_value());
        auto& r = (*node)->replica();
        const auto city = ledger::read_city_file(TZ_SOURCE_DIR "/schema/demo/yunxiu.json");
        REQUIRE(city.has_value());
        REQUIRE(ledger::import_city(r, *city, embedded::ledger_catalog, nullptr).has_value());
        REQUIRE(r.streams().size() > 50);

        Upkeep round(true);
        std::size_t pieces = 0, signed_before = 0;
        for (bool is_done = false; !is_done; ++pieces) {
            const auto done = round.some(**node);
            REQUIRE(done.has_value());
            const auto now = r.checkpoints()->size();
            CHECK(now - signed_before <= 8);
            signed_before = now;
            is_done = *done;
        }
        CHECK(pieces > 6);
        CHECK(signed_before > 40);
        CHECK(round.line().find(std::to_string(signed_before)) != std::string::npos);

        Upkeep at_once(true);
        const auto done = at_once.some(**node);
        REQUIRE(done.has_value());
        CHECK(*done);
        CHECK(at_once.line().empty());
        CHECK(r.checkpoints()->size() == signed_before);
    }
    std::error_code ec;
    fs::remove_all(dir, ec);
}

}  // namespace
}  // namespace taizhang::api::upkeep_test
