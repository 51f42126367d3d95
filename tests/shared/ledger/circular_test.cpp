#include "ledger/circular.h"

#include "ledger/times.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::ledger::circular_test {
namespace {

namespace json = boost::json;
using support::World;

template <class T>
T good(Result<T> r) {
    if (!r) FAIL(r.error().detail);
    return std::move(*r);
}

void add_problem(World& w, const std::string& id, const std::string& unit) {
    Edit e;
    e.entity = "rectification";
    e.row = id;
    e.stream = StreamId{unit, Audience::ledger};
    e.fields = {{"responsible_unit_id", support::text(unit)}, {"problem", support::text("台账登记与实际不符。")}};
    w.city.edit(std::move(e));
}

CircularInput about(std::vector<std::string> ids, bool special = false) {
    CircularInput in;
    in.about = std::move(ids);
    in.special = special;
    return in;
}

TEST_CASE("circular: it is numbered within the year and names the units of its findings", "[circular]") {
    World w;
    add_problem(w, "ZG1", "B01");
    const auto first = good(compose_circular(*w.city, about({"ZG1", "B02"})));
    CHECK(w.city.field(first.record, "no") == "综合通报〔2025〕第1号");
    CHECK(w.city.field(good(compose_circular(*w.city, about({"ZG1"}))).record, "no") == "综合通报〔2025〕第2号");
    CHECK(w.city.field(good(compose_circular(*w.city, about({"ZG1"}, true))).record, "no") == "专项通报〔2025〕第3号");
    // Each office counts its own, though it reads those above.
    auto county = w.device("K1");
    CHECK(county->field(first.record, "no") == "综合通报〔2025〕第1号");
    CHECK(county->field(good(compose_circular(**county, about({"B01"}))).record, "no") == "综合通报〔2025〕第1号");
    const auto named = json::parse(w.city.field(first.record, "named")).as_array();
    REQUIRE(named.size() == 2);
    CHECK(named[0].at("unit_id").as_string() == "B01");
    CHECK(named[0].at("problem_id").as_string() == "ZG1");
    CHECK(named[1].at("problem_id").is_null());
    const auto document = good(circular_document(*w.city, first.record));
    CHECK(std::any_of(document.paragraphs.begin(), document.paragraphs.end(), [](const auto& p) {
        return p.line == office::Line::heading && p.text.find("点名通报的问题") != std::string::npos;
    }));
    CHECK(compose_circular(*w.city, about({})).has_error());
    CHECK(compose_circular(*w.city, about({"nobody"})).has_error());
}

TEST_CASE("circular: a general one without a period is about the two months that ended last", "[circular]") {
    World w;
    const auto period = [&](const char* now, bool special = false) {
        const auto later = *parse_time_seconds(now) * 1000 - w.city.clock.wall_ms;
        w.city.clock.wall_ms += later;
        w.city.clock.steady_ms += later;
        return w.city.field(good(compose_circular(*w.city, about({"B01"}, special))).record, "period");
    };
    CHECK(period("2025-11-06T18:00:00+08:00") == "2025年9-10月");
    CHECK(period("2025-12-31T23:00:00+08:00") == "2025年9-10月");
    CHECK(period("2026-01-02T09:00:00+08:00") == "2025年11-12月");
    CHECK(period("2026-03-01T00:30:00+08:00") == "2026年1-2月");  // February in UTC still
    CHECK(period("2026-03-01T09:00:00+08:00", true) == "—");
    auto in = about({"B01"});
    in.period = "2025年全年";
    CHECK(w.city.field(good(compose_circular(*w.city, in)).record, "period") == "2025年全年");
}

TEST_CASE("circular: somebody's own text stands as he wrote it, and no figures are given that are not wanted",
          "[circular]") {
    World w;
    auto in = about({"B01"});
    in.text = "一、情况\n自己写的一段。";
    const auto own = good(compose_circular(*w.city, in));
    CHECK(w.city.field(own.record, "text") == in.text);
    in.text.clear();
    in.figures.emplace();
    const auto plain = good(compose_circular(*w.city, in));
    CHECK(w.city.field(plain.record, "text").starts_with("一、点名通报的问题"));
}

TEST_CASE("circular: a named unit has it to do until its problem is closed", "[circular]") {
    World w;
    add_problem(w, "ZG1", "B01");
    const auto made = good(compose_circular(*w.city, about({"ZG1"})));
    const auto b1 = w.device("B01"), b2 = w.device("B02");
    const auto has = [&](support::Device& d) {
        const auto todo = good(Ledger(*d).list("todo"));
        return std::any_of(todo.begin(), todo.end(),
                           [&](const auto& t) { return t.at("kind").as_string() == "circular"; });
    };
    CHECK(has(*b1));
    CHECK(!has(*b2));
    w.city.act("rectification", "ZG1", "carry_over", {{"state", support::text("已销号")}});
    w.sync(*b1);
    CHECK(!has(*b1));
}

TEST_CASE("circular: without a linked problem it asks for two months", "[circular]") {
    World w;
    good(compose_circular(*w.city, about({"B01"})));
    const auto b1 = w.device("B01");
    CHECK(good(circulars_naming(**b1, "B01")).size() == 1);
    b1->clock.wall_ms += 61LL * 86'400'000;
    b1->clock.steady_ms += 61LL * 86'400'000;
    CHECK(good(circulars_naming(**b1, "B01")).empty());
}

TEST_CASE("circular: the general one of two months is due to the city's office until it is written", "[circular]") {
    World w;
    const auto go_to = [&](const char* now) {
        const auto later = *parse_time_seconds(now) * 1000 - w.city.clock.wall_ms;
        w.city.clock.wall_ms += later;
        w.city.clock.steady_ms += later;
    };
    const auto due = [](Replica& r) {
        for (const auto& t : good(Ledger(r).list("todo")))
            if (t.at("kind").as_string() == "circular_due") return t.as_object();
        return json::object{};
    };
    go_to("2026-01-05T09:00:00+08:00");
    CHECK(due(*w.city).empty());  // nothing was asked of anybody yet
    Edit e;
    e.entity = "task";
    e.row = "T9";
    e.stream = StreamId{w.city->control().root(), Audience::notice};
    e.fields = {{"title", support::text("冬训")}, {"issued_at", support::text("2025-12-31T23:00:00+08:00")}};
    w.city.edit(std::move(e));
    const auto first = due(*w.city);
    REQUIRE(!first.empty());
    CHECK(first.at("period").as_string() == "2025年11-12月");
    CHECK(first.at("deadline").as_string() == "2026-01-31");
    CHECK(first.at("light").as_string() == "yellow");
    const auto branch = w.device("B01");
    CHECK(due(**branch).empty());  // nobody else's
    go_to("2026-02-01T00:30:00+08:00");
    CHECK(due(*w.city).at("light").as_string() == "red");
    good(compose_circular(*w.city, about({"B01"}, true)));
    CHECK(!due(*w.city).empty());  // a special one is not the one that is asked for
    good(compose_circular(*w.city, about({"B01"})));
    CHECK(due(*w.city).empty());
    go_to("2026-03-01T00:30:00+08:00");
    CHECK(due(*w.city).at("period").as_string() == "2026年1-2月");
}

}  // namespace
}  // namespace taizhang::ledger::circular_test
