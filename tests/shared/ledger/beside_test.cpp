// Beside D2 and D4: help that nobody answers, units that two reminders did not move.
#include "ledger/beside.h"
#include "ledger/behind.h"
#include "ledger/ledger.h"
#include "ledger/metrics.h"
#include "ledger/review.h"
#include "tests/support/good.h"
#include "tests/support/world.h"

namespace taizhang::ledger::ledger_beside_test {
namespace {

namespace json = boost::json;
using support::good;
using support::text_of;
using support::World;

constexpr std::int64_t kDayMs = 86'400'000;

json::object scope(World& w, const std::string& unit) {
    const auto r = good(review(*w.city, unit, w.city->now().ms));
    return r.at("metrics").at("by_scope").as_object().begin()->value().as_object();
}

int of(const json::object& scope, const char* figure, const char* what) {
    return scope.at(figure).at(what).to_number<int>();
}

TEST_CASE("beside D2: help counts against the unit that owes the answer, after ten working days", "[beside]") {
    World w;
    auto b1 = w.device("B01");
    b1->clock.wall_ms = w.city.clock.wall_ms;  // 2025-11-01, a Saturday
    good(Ledger(**b1).create("help_request", {{"text", "请求协调场地"}}, ""));
    good(Ledger(**b1).create("help_request", {{"text", "请市里答复"}, {"to_unit_id", "C"}}, ""));
    w.sync(*b1);
    CHECK(of(scope(w, "C"), "D2_help_unanswered", "open") == 2);
    CHECK(of(scope(w, "C"), "D2_help_unanswered", "late") == 0);
    w.city.clock.wall_ms += 14 * kDayMs;  // ten working days
    CHECK(of(scope(w, "C"), "D2_help_unanswered", "late") == 0);
    w.city.clock.wall_ms += 2 * kDayMs;  // Monday
    CHECK(of(scope(w, "C"), "D2_help_unanswered", "late") == 2);
    // The branch that asks is not at fault, nor the county for what the city owes.
    CHECK(of(scope(w, "B01"), "D2_help_unanswered", "open") == 0);
    CHECK(of(scope(w, "K1"), "D2_help_unanswered", "late") == 1);
    const auto rows = good(behind(*w.city, "D2help", "K1"));
    CHECK(rows.at("hits").as_int64() == 1);
    CHECK(text_of(rows.at("rows").as_array()[0], "asked_by") == "B01");
}

TEST_CASE("beside G4: effort without effect is flagged among peers, and few peers say nothing", "[beside]") {
    Metrics m;
    std::vector<std::string> peers;
    const auto add = [&](const char* id, double effort, double effect) {
        auto& s = m.by_scope[id];
        s.g4_pushes_per_leaf = effort;
        s.g4_verified_mean = effect;
        peers.emplace_back(id);
    };
    add("K1", 5, 0.2);
    add("K2", 4, 0.9);
    add("K3", 3, 0.5);
    add("K4", 2, 0.5);
    add_peers(m, peers);
    CHECK_FALSE(m.by_scope["K1"].g4_peers);
    add("K5", 1, 0.6);
    add_peers(m, peers);
    CHECK(m.by_scope["K1"].g4_peers->effort == 1);
    CHECK(m.by_scope["K1"].g4_peers->effect == 0);
    CHECK(m.by_scope["K1"].g4_peers->flagged);
    CHECK_FALSE(m.by_scope["K2"].g4_peers->flagged);
    CHECK(m.by_scope["K3"].g4_peers->effect == Approx(0.375));  // one below, one equal, of four
    CHECK_FALSE(m.by_scope["K3"].g4_peers->flagged);
    CHECK_FALSE(m.by_scope["K5"].g4_peers->flagged);
}

TEST_CASE("beside D4: two reminders and then nothing for ten working days", "[beside]") {
    World w;
    for (const char* id : {"A1", "A2", "A3", "A4"}) w.new_assignment(id, "T1", id == std::string("A4") ? "B02" : "B01");
    Ledger l(*w.city);
    auto b1 = w.device("B01");
    const auto days = [&](int n) {
        w.city.clock.wall_ms += n * kDayMs;
        b1->clock.wall_ms = w.city.clock.wall_ms;
    };
    const auto push = [&](std::initializer_list<const char*> ids) {
        for (const char* id : ids) good(l.act("push", id, {}, ""));
    };
    const auto report = [&](const char* id, bool no_change) {
        ReportInput in;
        in.text = "推进中";
        in.no_change = no_change;
        good(Ledger(**b1).report(id, in, ""));
        w.sync(*b1);
    };
    push({"A1", "A2", "A3", "A4"});  // Saturday
    days(2);                         // Monday
    push({"A1", "A2", "A3"});        // A4 once only
    CHECK(of(scope(w, "C"), "D4_unmoved", "pushed_twice") == 3);
    CHECK(of(scope(w, "C"), "D4_unmoved", "unmoved") == 0);
    days(10);
    report("A1", false);  // in time
    report("A2", true);   // no change is no movement
    days(5);              // Tuesday: eleven working days
    CHECK(of(scope(w, "C"), "D4_unmoved", "unmoved") == 2);
    report("A3", false);  // too late: it stays on record
    CHECK(of(scope(w, "C"), "D4_unmoved", "unmoved") == 2);
    CHECK(of(scope(w, "B02"), "D4_unmoved", "pushed_twice") == 0);
    const auto rows = good(behind(*w.city, "D4unmoved", ""));
    CHECK(rows.at("of").as_int64() == 3);
    CHECK(rows.at("hits").as_int64() == 2);
    CHECK(text_of(rows.at("rows").as_array()[2], "id") == "A1");
    // A holiday of a week, and the patience lasts longer.
    for (const char* day : {"2025-11-10", "2025-11-11", "2025-11-12"})
        good(l.create("calendar_day", {{"date", day}, {"kind", "休息"}}, ""));
    CHECK(of(scope(w, "C"), "D4_unmoved", "unmoved") == 0);
}

}  // namespace
}  // namespace taizhang::ledger::ledger_beside_test
