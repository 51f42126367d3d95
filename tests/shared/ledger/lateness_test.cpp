// What "came late" means at a hub, at a PC that looks in often, and at one that was away itself.
#include "ledger/lateness.h"

#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::lateness_test {
namespace {

using support::text;
constexpr std::int64_t kDayMs = 86'400'000;

std::int64_t days_late(Replica& r, const std::string& what) {
    const auto row = r.read_row("assignment", "A1");
    REQUIRE(row.has_value());
    for (const auto& item : row->history)
        for (const auto& [name, value] : item.fields)
            if (value.display() == what) return *ledger::lateness_ms(r, item) / kDayMs;
    FAIL("no change says " << what);
    return -1;
}

TEST_CASE("lateness: it is the author's, not that of who looks", "[ledger][late]") {
    support::World w;
    const auto begin = w.city.clock.wall_ms;
    w.new_assignment("A1", "T1", "B01");
    auto away = w.device("B01"), office = w.device("B01");
    const auto at = [&](support::Device& d, int day) -> support::Device& {
        d.clock.wall_ms = w.city.clock.wall_ms = begin + day * kDayMs;
        return d;
    };
    at(*away, 1).set("assignment", "A1", {{"remark", text("没有网时写的")}});
    at(w.city, 4).set("assignment", "A1", {{"deadline", text("2026-01-31")}});
    w.sync(at(*office, 5));
    at(*office, 6).set("assignment", "A1", {{"result_text", text("按时写的")}});
    w.sync(*office);
    w.sync(at(*away, 12));
    w.sync(at(*office, 13));
    CHECK(days_late(*w.city, "没有网时写的") == 11);
    CHECK(days_late(*w.city, "按时写的") == 0);
    CHECK(days_late(**away, "没有网时写的") == 0);  // its own
    // The PC that was away hears on day 12 of what was punctual: it is itself the late one.
    CHECK(days_late(**away, "按时写的") == 0);
    // The office's PC looked in on day 5, and it was not there.
    CHECK(days_late(**office, "没有网时写的") == 12);
    // A new PC gets everything at once and can tell of nothing.
    w.city.clock.wall_ms = begin + 40 * kDayMs;
    auto fresh = w.device("B01");
    CHECK(days_late(**fresh, "没有网时写的") == 0);
    CHECK(days_late(**fresh, "按时写的") == 0);
}

}  // namespace
}  // namespace taizhang::lateness_test
