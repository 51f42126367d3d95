// Who was asked: what is expected, asking once, drafts that are issued, and what may be written of a task.
#include "ledger/behind.h"
#include "ledger/breakdown.h"
#include "ledger/burden.h"
#include "ledger/decompose.h"
#include "ledger/export_city.h"
#include "ledger/import.h"
#include "ledger/issue.h"
#include "ledger/review.h"
#include "ledger/search.h"
#include "ledger/stocktake.h"
#include "tests/support/good.h"
#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace taizhang::ledger::asked_test {
namespace {

namespace json = boost::json;
using support::Device;
using support::fails;
using support::good;
using support::text_of;
using support::wait;
using support::World;

/// Both branches are rural; only the first is a 支部.
void give_fields(World& w) {
    for (const char* unit : {
             R"({"id":"B01","parent_id":"K1-01","level":"branch","name":"Branch 1","field":"农村","kind":"支部"})",
             R"({"id":"B02","parent_id":"K1-01","level":"branch","name":"Branch 2","field":"农村","kind":"党小组"})",
         })
        REQUIRE(w.city->append_control("unit", unit).has_value());
}

std::string new_task(World& w, Assignments more, bool is_issued = true) {
    Assignments fields{{"title", "走访"}, {"deadline", "2025-12-20"}};
    for (auto& f : more) fields.push_back(std::move(f));
    Ledger l(*w.city);
    const auto id = good(l.create("task", fields, "")).record;
    if (is_issued) good(l.act("issue", id, {}, ""));
    return id;
}

void report(Device& d, const std::string& assignment, const char* value) {
    ReportInput in;
    in.value = value;
    good(Ledger(*d).report(assignment, in, ""));
}

std::string made(const json::object& decomposed, std::size_t i) {
    return text_of(decomposed.at("made").as_array()[i], "record");
}

TEST_CASE("expected: drafts, withdrawn tasks and those that read another's answers ask nobody", "[asked]") {
    World w;
    give_fields(w);
    const Assignments rural{{"applies_to_fields", R"(["农村"])"}};
    const auto with = [&](Assignments more) {
        more.insert(more.end(), rural.begin(), rural.end());
        return more;
    };
    const auto first = new_task(w, with({{"indicator", "走访户数"}}));
    new_task(w, with({}), false);
    const auto withdrawn = new_task(w, with({}));
    new_task(w, with({{"indicator", "走访户数"}, {"same_as_task_id", first}}));
    const auto narrow = new_task(w, with({{"unit_types", R"(["支部"])"}}));
    const auto there = good(decompose(*w.city, {first, {"B01"}, "", "", ""}));
    good(decompose(*w.city, {withdrawn, {"B01"}, "", "", ""}));
    good(Ledger(*w.city).act("withdraw", withdrawn, {}, ""));
    auto branch = w.device("B01");
    report(*branch, made(there, 0), "3");
    w.sync(*branch);

    const auto figures = good(review(*w.city, "", w.city->now().ms));
    const auto& g3 = figures.at("metrics").at("by_scope").at("City").at("G3_not_landed_60d");
    CHECK(g3.at("expected").to_number<int>() == 3);  // two of the first, one of the narrow one
    CHECK(g3.at("landed").to_number<int>() == 1);
    const auto rows = good(behind(*w.city, "G3", ""));
    CHECK(rows.at("of").as_int64() == 3);
    CHECK(rows.at("hits").as_int64() == 2);
    const auto& list = rows.at("rows").as_array();
    CHECK(std::count_if(list.begin(), list.end(), [&](const auto& r) { return text_of(r, "id") == narrow; }) == 1);
}

TEST_CASE("expected: a city made from an export has the same drafts and withdrawn tasks", "[asked]") {
    World w;
    give_fields(w);
    const Assignments whole{{"applies_to_fields", R"(["农村"])"}, {"target_value", "4"}};
    new_task(w, whole);
    const auto draft = new_task(w, whole, false), withdrawn = new_task(w, whole), suspended = new_task(w, whole);
    Ledger l(*w.city);
    good(l.act("withdraw", withdrawn, {}, ""));
    good(l.act("suspend", suspended, {}, ""));
    const std::string path = support::scratch("tz-asked-") + std::to_string(::getpid()) + ".json";
    {
        std::ofstream out(path);
        good(export_city(*w.city, [&](std::string_view bytes) -> Result<> {
            out << bytes;
            return {};
        }));
    }
    const auto file = good(read_city_file(path));
    std::remove(path.c_str());
    Device other(7);
    good(import_city(*other, file, support::ledger_catalog(), {}));
    for (const auto& id : {draft, withdrawn, suspended}) CHECK(other.state(id) == w.city.state(id));
    CHECK(other.field(draft, "issued_at") == Value::null().display());
    const auto g3 = [](Device& d) {
        const auto figures = good(review(*d, "", d->now().ms));
        return figures.at("metrics").at("by_scope").at("City").at("G3_not_landed_60d");
    };
    CHECK(g3(other) == g3(w.city));
    CHECK(g3(other).at("expected").to_number<int>() == 4);
}

TEST_CASE("ask once: the second issuer reads the first answers", "[asked]") {
    World w;
    give_fields(w);
    const auto first =
        new_task(w, {{"indicator", "走访户数"}, {"extra_fields", R"([{"name":"户数","type":"number"}])"}});
    const auto second = new_task(w, {{"indicator", "走访户数"}, {"same_as_task_id", first}});
    const auto there = good(decompose(*w.city, {first, {"B01"}, "", "", ""}));
    auto branch = w.device("B01");
    ReportInput in;
    in.value = "3";
    in.extra = "户数=12";
    good(Ledger(**branch).report(made(there, 0), in, ""));
    w.sync(*branch);
    const auto figures = good(form_figures(*w.city, second, ""));
    CHECK(text_of(json::value(figures), "answered_by") == first);
    CHECK(figures.at("answers").as_int64() == 1);
    REQUIRE(figures.at("fields").as_array().size() == 1);
    CHECK(figures.at("fields").as_array()[0].at("sum").to_number<double>() == 12);
    const auto reached = good(expected(*w.city, second, ""));
    CHECK(text_of(json::value(reached), "answered_by") == first);
    CHECK(reached.at("assigned").to_number<int>() == 1);
    CHECK(reached.at("landed").to_number<int>() == 1);
    CHECK_FALSE(good(form_figures(*w.city, first, "")).contains("answered_by"));
}

TEST_CASE("ask once: it holds for what is changed later, too", "[asked]") {
    World w;
    const auto first = new_task(w, {{"indicator", "走访户数"}, {"indicator_unit", "户"}, {"period", "2025"}});
    const auto second = new_task(w, {{"indicator", "到会人数"}, {"indicator_unit", "户"}, {"period", "2025"}});
    Ledger l(*w.city);
    const auto refused = fails(l.set(second, {{"indicator", "走访户数"}}, ""));
    CHECK(refused.starts_with("indicator: "));
    CHECK(refused.find(first) != std::string::npos);
    good(l.set(second, {{"indicator", "走访户数"}, {"period", "2026"}}, ""));
    CHECK(fails(l.set(second, {{"period", "2025"}}, "")).find(first) != std::string::npos);
    good(l.set(second, {{"period", "2025"}, {"same_as_task_id", first}}, ""));
    CHECK(fails(l.set(second, {{"same_as_task_id", ""}}, "")).find(first) != std::string::npos);
    good(l.set(first, {{"indicator", "走访户数"}}, ""));  // its own
    // One that reads the answers of another is none to read from.
    good(l.act("withdraw", first, {}, ""));
    good(l.create("task", {{"title", "丙"}, {"indicator", "走访户数"}, {"indicator_unit", "户"}, {"period", "2025"}},
                  ""));
}

TEST_CASE("draft: it is issued when it is issued, and asks nothing that was asked since", "[asked]") {
    World w;
    const auto early = new_task(w, {{"indicator", "走访户数"}}, false),
               late = new_task(w, {{"indicator", "走访户数"}}, false),
               dated = new_task(w, {{"issued_at", "2025-10-08T09:00:00+08:00"}}, false);
    CHECK(w.city.field(early, "issued_at") == Value::null().display());
    wait(w.city, 5);
    IssueInput in;
    in.task = early;
    in.level = "branch";
    CHECK(good(issue(*w.city, in)).at("made").to_number<int>() == 2);
    CHECK(w.city.state(early) == "已下达");
    CHECK(w.city.field(early, "issued_at").starts_with("2025-11-06"));
    in.task = late;
    for (const bool dry : {true, false}) {
        in.dry_run = dry;
        CHECK(fails(issue(*w.city, in)).find(early) != std::string::npos);
    }
    CHECK(w.city.state(late) == "草稿");
    good(Ledger(*w.city).act("issue", dated, {}, ""));
    CHECK(w.city.field(dated, "issued_at").starts_with("2025-10-08"));
    const auto other = new_task(w, {}, false);
    good(Ledger(*w.city).act("issue", other, {}, ""));
    CHECK(w.city.field(other, "issued_at").starts_with("2025-11-06"));
}

TEST_CASE("rules: a scope is a list, days are days, a frequency is a known word", "[asked]") {
    World w;
    Ledger l(*w.city);
    const auto task = new_task(w, {});
    for (const auto& [field, value] : {std::pair{"applies_to_fields", "农村"},
                                       {"applies_to_fields", R"("农村")"},
                                       {"applies_to_fields", "[1]"},
                                       {"unit_types", "支部"},
                                       {"cooperating_units", "C-JG"},
                                       {"landing_days", "-3"},
                                       {"landing_days", "0"},
                                       {"report_frequency", "天天"}}) {
        INFO(field << " " << value);
        CHECK(fails(l.create("task", {{"title", "甲"}, {field, value}}, "")).starts_with(field));
        CHECK(fails(l.set(task, {{field, value}}, "")).starts_with(field));
    }
    for (const char* word : {"每周", "双月", "季度", "年度", "一次性"})
        good(l.set(task, {{"report_frequency", word}}, ""));
    good(l.set(task, {{"applies_to_fields", R"(["农村"])"}, {"unit_types", "[]"}, {"landing_days", "30"}}, ""));
}

TEST_CASE("stocktake: what was frozen stays", "[asked]") {
    World w;
    StoredFacts facts(*w.city);
    const auto id = good(take_stock(facts, "三季度盘点", "", "")).record;
    const auto before = w.city.field(id, "figures");
    Ledger l(*w.city);
    CHECK(fails(l.set(id, {{"figures", R"({"a":1})"}}, "")).starts_with("figures"));
    CHECK(fails(l.set(id, {{"at", "2025-01-01T08:00:00+08:00"}}, "")).starts_with("at"));
    CHECK(fails(l.create("stocktake", {{"title", "年终盘点"}, {"figures", R"({"a":1})"}}, "")).starts_with("figures"));
    CHECK(w.city.field(id, "figures") == before);
    good(l.set(id, {{"title", "第三季度盘点"}}, ""));
}

TEST_CASE("burden: a task that was withdrawn or suspended is charged as long as it ran", "[asked]") {
    for (const char* step : {"withdraw", "suspend"}) {
        World w;
        const auto task = new_task(w, {{"report_frequency", "每月"}});
        good(Ledger(*w.city).set(task, {{"deadline", "2026-12-20"}}, ""));
        good(decompose(*w.city, {task, {"B01"}, "", "", ""}));
        const auto forms = [&](const char* month) { return good(burden(*w.city, "", month)).at("forms").as_int64(); };
        CHECK(forms("2026-03") == 1);
        wait(w.city, 40);  // 2025-12-11
        good(Ledger(*w.city).act(step, task, {}, ""));
        INFO(step);
        CHECK(forms("2025-11") == 1);
        CHECK(forms("2025-12") == 1);
        CHECK(forms("2026-01") == 0);
        CHECK(forms("2026-03") == 0);
    }
}

TEST_CASE("help: an answer ends the wait, also where only the answer was typed", "[asked]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto branch = w.device("B01");
    Ledger l(**branch);
    const auto help = good(l.create("help_request", {{"text", "缺人"}}, "")).record;
    const auto appeal = good(l.create("appeal", {{"about", "A1"}, {"text", "核查有误"}}, "")).record;
    w.sync(*branch);
    wait(w.city, 2);
    Ledger city(*w.city);
    good(city.set(help, {{"answer", "下周派人"}}, ""));
    good(city.set(appeal, {{"decision", "维持"}}, ""));
    CHECK(w.city.field(help, "answered_at").starts_with("2025-11-03"));
    CHECK(w.city.field(appeal, "answered_at").starts_with("2025-11-03"));
    wait(w.city, 2);
    good(city.set(help, {{"answer", "本周派人"}}, ""));
    CHECK(w.city.field(help, "answered_at").starts_with("2025-11-03"));
}

TEST_CASE("search: what stands in lists is found as well", "[asked]") {
    World w;
    Ledger l(*w.city);
    const auto id =
        good(l.create("rectification",
                      {{"responsible_unit_id", "B01"}, {"problem", "台账不实"}, {"measures", R"(["逐户核对名册"])"}},
                      ""))
            .record;
    const auto found = good(search(*w.city, "核对", 10));
    REQUIRE(found.at("rows").as_array().size() == 1);
    CHECK(text_of(found.at("rows").as_array()[0], "id") == id);
    CHECK(text_of(found.at("rows").as_array()[0], "field") == "measures");
}

TEST_CASE("breakdown: its checks are those of the review", "[asked]") {
    World w;
    give_fields(w);
    const auto task = new_task(w, {{"target_value", "10"}});
    const auto there = good(decompose(*w.city, {task, {"B01", "B02"}, "", "", ""}));
    auto first = w.device("B01"), second = w.device("B02");
    Ledger city(*w.city);
    good(city.set(made(there, 0), {{"verified_value", "1"}}, ""));  // before any report
    report(*second, made(there, 1), "8");
    w.sync(*second);
    wait(w.city, 1);
    good(city.set(made(there, 1), {{"verified_value", "5"}}, ""));
    for (auto* d : {first.get(), second.get()}) wait(*d, 2);
    w.sync(*first);
    w.sync(*second);
    report(*first, made(there, 0), "9");
    report(*second, made(there, 1), "10");  // after the check: not what it was held against
    w.sync(*first);
    w.sync(*second);

    const auto figures = good(review(*w.city, "", w.city->now().ms));
    const auto& scope = figures.at("metrics").at("by_scope").at("City");
    for (const char* by : {"unit", "level", "field", "task", "source"}) {
        INFO(by);
        std::int64_t n = 0;
        for (const auto& row : good(breakdown(*w.city, by, ""))) {
            const auto here = row.at("n_verified").to_number<std::int64_t>();
            n += here;
            if (here == 0) continue;
            CHECK(row.at("verified").to_number<double>() == Approx(0.5));
            CHECK(row.at("reported").to_number<double>() == Approx(0.8));
        }
        CHECK(n == scope.at("n_verified").to_number<std::int64_t>());
        CHECK(n == 1);
    }
}

}  // namespace
}  // namespace taizhang::ledger::asked_test
