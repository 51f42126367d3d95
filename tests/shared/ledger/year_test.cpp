// A year's work beyond one record: batches, forms, decomposition, duplicates, burden, calendar, stocktakes, search.
#include "ledger/batch.h"
#include "ledger/behind.h"
#include "ledger/breakdown.h"
#include "ledger/burden.h"
#include "ledger/calendar.h"
#include "ledger/decompose.h"
#include "ledger/duplicates.h"
#include "ledger/form.h"
#include "ledger/import.h"
#include "ledger/review.h"
#include "ledger/search.h"
#include "ledger/similar.h"
#include "ledger/stocktake.h"
#include "ledger/story.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::ledger::year_test {
namespace {

namespace json = boost::json;
using support::Device;
using support::World;

template <class T>
T good(Result<T> r) {
    if (!r) FAIL(r.error().detail);
    return std::move(*r);
}

template <class T>
std::string fails(Result<T> r) {
    REQUIRE(r.has_error());
    return r.error().detail;
}

std::string text(const json::object& o, const char* key) { return std::string(o.at(key).as_string()); }

/// A task issued by the city for all branches.
std::string new_task(World& w, Assignments more = {}) {
    Assignments fields{{"title", "两新组织覆盖"}, {"requirement", "逐户走访,建立台账"}, {"deadline", "2025-12-20"}};
    for (auto& f : more) fields.push_back(std::move(f));
    Ledger l(*w.city);
    const auto id = good(l.create("task", fields, "")).record;
    good(l.act("issue", id, {}, ""));
    return id;
}

std::string new_problem(Device& d, const std::string& unit, const std::string& words,
                        const std::string& source = "巡察") {
    return good(Ledger(*d).create("rectification",
                                  {{"responsible_unit_id", unit}, {"problem", words}, {"source_type", source}}, ""))
        .record;
}

Device& demo_city() {
    static Device d(1);
    static const bool there = [] {
        const auto city = read_city_file(std::string(TZ_SOURCE_DIR) + "/schema/demo/yunxiu.json");
        d.clock.wall_ms = 1'762'423'200'000;  // 2025-11-06T18:00:00+08:00
        return city.has_value() && import_city(*d, *city, support::ledger_catalog(), {}).has_value();
    }();
    REQUIRE(there);
    return d;
}

TEST_CASE("batch: one act closes many, each with its own line, and names those that may not", "[batch]") {
    World w;
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) {
        ids.push_back("A" + std::to_string(i));
        w.new_assignment(ids.back(), "T1", i % 2 ? "B01" : "B02", i == 4 ? "待签收" : "办理中");
    }
    ids.push_back("nobody");
    const auto before = w.city->log_head().value;
    const auto r = good(act_on_all(*w.city, "close_out", ids, {{"reason", "核实"}}, "王"));
    CHECK(r.at("done").as_array().size() == 4);
    REQUIRE(r.at("refused").as_array().size() == 2);
    CHECK(text(r.at("refused").as_array()[0].as_object(), "record") == "A4");
    CHECK(w.city.state("A0") == "已办结");
    CHECK(w.city.state("A4") == "待签收");
    CHECK(w.city->log_head().value == before + 4);
    CHECK(fails(act_on_all(*w.city, "close_out", {"A4", "nobody"}, {}, "")).find("A4") != std::string::npos);
    CHECK(fails(act_on_all(*w.city, "return", std::vector<std::string>(201, "A0"), {}, "")).find("200") !=
          std::string::npos);
}

TEST_CASE("batch: a township passes two hundred in one act, and each has its own line of history", "[batch]") {
    World w;
    std::vector<std::string> ids;
    for (int i = 0; i < 200; ++i) {
        ids.push_back("A" + std::to_string(1000 + i));
        w.new_assignment(ids.back(), "T" + std::to_string(i / 2), i % 2 ? "B01" : "B02", "待初审");
    }
    auto town = w.device("K1-01");
    const auto r = good(act_on_all(**town, "pass_first", ids, {{"reason", "材料齐全"}}, "李"));
    CHECK(r.at("done").as_array().size() == 200);
    CHECK(r.at("refused").as_array().empty());
    w.sync(*town);
    for (const auto& id : ids) {
        INFO(id);
        const auto row = good(w.city->read_row("assignment", id));
        CHECK(row.state == "待复审");
        CHECK(row.history.back().person == "李");
    }
    // Each record's history has this step once.
    const auto told = good(story(*w.city, ids[77]));
    CHECK(std::count_if(told.begin(), told.end(), [](const auto& e) {
              return std::string_view(e.as_object().at("zh").as_string()).find("初审通过") != std::string_view::npos;
          }) == 1);
}

TEST_CASE("story: it says who wrote without a link and what was replaced", "[story]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto branch = w.device("B01");
    good(Ledger(**branch).set("A1", {{"remark", "联网时写的"}}, "甲"));
    w.sync(*branch);
    good(Ledger(**branch).set("A1", {{"remark", "断网时写的"}}, "甲"));
    for (auto* d : {branch.get(), &w.city}) {
        d->clock.wall_ms += 3 * 86'400'000LL;
        d->clock.steady_ms += 3 * 86'400'000LL;
    }
    w.sync(*branch);
    const auto told = good(story(*w.city, "A1"));
    const auto entry = [&](const char* words) {
        for (const auto& e : told)
            if (std::string_view(e.as_object().at("zh").as_string()).find(words) != std::string_view::npos)
                return e.as_object();
        FAIL("nothing says " << words);
        return json::object();
    };
    CHECK_FALSE(entry("“联网时写的”").at("offline").as_bool());
    const auto late = entry("由“联网时写的”改为“断网时写的”");
    CHECK(late.at("offline").as_bool());
    CHECK(late.at("person").as_string() == "甲");
    CHECK(late.at("unit").as_string() == "B01");
    CHECK(late.at("level").as_string() == "branch");
    CHECK(std::string_view(late.at("zh").as_string()).find("离线填写") != std::string_view::npos);
    CHECK(text(late.at("replaced").as_array()[0].as_object(), "value") == "联网时写的");
}

TEST_CASE("reopen: a new cycle begins and the old one stays in the history", "[batch]") {
    World w;
    const auto id = new_problem(w.city, "B01", "台账登记与实际不符");
    Ledger l(*w.city);
    good(l.act("carry_over", id, {{"state", "整改中"}}, ""));
    good(l.act("close_out", id, {{"reason", "已核实"}}, ""));
    good(l.act("reopen", id, {{"reason", "回头看发现反弹"}}, ""));
    CHECK(w.city.state(id) == "重启");
    CHECK(w.city.field(id, "cycle") == "2");
    const auto told = good(story(*w.city, id));
    const auto says = [&](const char* words) {
        return std::any_of(told.begin(), told.end(), [&](const auto& e) {
            return std::string_view(e.as_object().at("zh").as_string()).find(words) != std::string_view::npos;
        });
    };
    CHECK(says("销号"));
    CHECK(says("理由“回头看发现反弹”"));
}

TEST_CASE("form: an issuer's own fields are asked, checked and summed up", "[form]") {
    World w;
    const auto task = new_task(w, {{"extra_fields", R"([{"name":"参会人数","type":"number","required":true},
        {"name":"形式","type":"choice","choices":["线上","线下"]},{"name":"日期","type":"date"},
        {"name":"说明","type":"text"},{"name":"签到表","type":"file"}])"}});
    good(decompose(*w.city, {task, {"B01", "B02"}, "", "", ""}));
    auto b1 = w.device("B01");
    const auto all = good(Ledger(**b1).list("assignments"));
    REQUIRE(all.size() == 1);
    const auto id = text(all[0].as_object(), "id");
    Ledger l(**b1);
    good(l.act("acknowledge", id, {}, ""));
    auto report = [&](const std::string& extra, bool no_change = false) {
        ReportInput in;
        in.text = "已开";
        in.extra = extra;
        in.no_change = no_change;
        return l.report(id, in, "");
    };
    CHECK(fails(report("形式=线上")).find("参会人数") != std::string::npos);
    CHECK(fails(report("参会人数=很多")).find("参会人数") != std::string::npos);
    CHECK(fails(report("参会人数=3\n形式=电话")).find("线上") != std::string::npos);
    CHECK(fails(report("参会人数=3\n日期=2025-02-30")).find("日期") != std::string::npos);
    CHECK(fails(report("参会人数=3\n别的=1")).find("别的") != std::string::npos);
    CHECK(fails(report("参会人数=3\n日期=机密★1年")).find("日期") != std::string::npos);
    CHECK(fails(report("参会人数=3\n签到表=签\a到")).find("签到表") != std::string::npos);
    good(report("参会人数=3\n形式=线上\n日期=2025-11-03\n说明=分三批开\n签到表=签到表.jpg"));
    const auto again = good(report("", true));
    CHECK(json::parse(b1->field(again.record, "extra")) ==
          json::parse(R"({"参会人数":3,"形式":"线上","日期":"2025-11-03","说明":"分三批开","签到表":"签到表.jpg"})"));
    w.sync(*b1);
    const auto sums = good(form_figures(*w.city, task, ""));
    CHECK(json::serialize(sums.at("fields").as_array()[0].at("sum")).starts_with("3"));
    CHECK(sums.at("fields").as_array()[1].at("counts").at("线上").as_int64() == 1);
    for (const std::size_t n : {2u, 3u, 4u}) CHECK(sums.at("fields").as_array()[n].at("n").as_int64() == 1);
}

TEST_CASE("form: a declaration that nobody could fill in is refused", "[form]") {
    for (const char* wrong : {"{}", "[1]", R"([{"name":"","type":"text"}])", R"([{"name":"甲","type":"video"}])",
                              R"([{"name":"甲","type":"choice","choices":["一"]}])",
                              R"([{"name":"甲","type":"text"},{"name":"甲","type":"text"}])", "not json"}) {
        INFO(wrong);
        CHECK(parse_form(wrong).has_error());
    }
    CHECK(parse_form("").value().empty());
}

TEST_CASE("rules: a target of zero, a task asked twice and a circle are refused in one line", "[rules]") {
    World w;
    Ledger l(*w.city);
    for (const char* target : {"0", "-3"})
        CHECK(fails(l.create("task", {{"title", "甲"}, {"target_value", target}}, "")).find("target_value") !=
              std::string::npos);
    const auto first = new_task(w, {{"indicator", "走访户数"}, {"indicator_unit", "户"}, {"period", "2025"}});
    Assignments again{{"title", "又要一遍"}, {"indicator", "走访户数"}, {"indicator_unit", "户"}, {"period", "2025"}};
    CHECK(fails(l.create("task", again, "")).starts_with("indicator: "));
    CHECK(fails(l.create("task", again, "")).find(first) != std::string::npos);
    again.emplace_back("same_as_task_id", first);
    const auto second = good(l.create("task", again, "")).record;
    good(l.act("issue", second, {}, ""));
    CHECK(fails(decompose(*w.city, {second, {}, "", "", ""})).find(first) != std::string::npos);
    again.pop_back();
    again.back().second = "2026";
    good(l.create("task", again, ""));

    const auto made = good(decompose(*w.city, {first, {"K1", "K1-01", "B01"}, "", "", ""}));
    const auto id = [&](std::size_t i) { return text(made.at("made").as_array()[i].as_object(), "record"); };
    good(l.set(id(1), {{"parent_assignment_id", id(0)}}, ""));
    good(l.set(id(2), {{"parent_assignment_id", id(1)}}, ""));
    CHECK(fails(l.set(id(0), {{"parent_assignment_id", id(2)}}, "")).find("above") != std::string::npos);
    CHECK(l.set(id(0), {{"parent_assignment_id", id(0)}}, "").has_error());
}

TEST_CASE("decompose: it goes down the tree, guidance is kept, and who was not reached is named", "[decompose]") {
    World w;
    const auto task = new_task(w);
    const auto county = good(decompose(*w.city, {task, {}, "", "", ""}));
    REQUIRE(county.at("made").as_array().size() == 1);
    CHECK(text(county.at("made").as_array()[0].as_object(), "unit") == "K1");
    const auto before = good(expected(*w.city, task, ""));
    CHECK(before.at("expected").as_int64() == 2);
    CHECK(before.at("assigned").as_int64() == 0);
    CHECK(before.at("not_reached").as_array().size() == 2);

    auto k1 = w.device("K1");
    good(decompose(**k1, {task, {}, "按村社实际分三步走,先摸底再分类", "2025-12-10", "李"}));
    w.sync(*k1);
    auto town = w.device("K1-01");
    const auto down = good(decompose(**town, {task, {}, "", "", ""}));
    CHECK(down.at("made").as_array().size() == 2);
    CHECK(good(decompose(**town, {task, {}, "", "", ""})).at("there").as_array().size() == 2);
    CHECK(fails(decompose(**town, {task, {}, "", "2025-02-30", ""})).empty() == false);
    w.sync(*town);
    const auto after = good(expected(*w.city, task, ""));
    CHECK(after.at("assigned").as_int64() == 2);
    CHECK(after.at("not_reached").as_array().empty());
    const auto all = good(Ledger(*w.city).list("assignments"));
    for (const auto& a : all) {
        const auto unit = text(a.as_object(), "unit_id"), id = text(a.as_object(), "id");
        INFO(unit);
        if (unit == "K1") CHECK(w.city.field(id, "forward_text_similarity") != "1");
        if (unit == "K1-01") {
            CHECK(w.city.field(id, "forward_text_similarity") == "1");
            CHECK(w.city.field(id, "deadline") == "2025-12-10");
        }
        if (unit == "B01") CHECK(w.city.field(id, "parent_assignment_id").starts_with("A-"));
    }
    // Nobody hands anything to himself or to a neighbour.
    const auto wrong = good(decompose(**town, {task, {"K1-01", "B01", "nobody"}, "", "", ""}));
    CHECK(wrong.at("refused").as_array().size() == 2);
}

TEST_CASE("duplicates: similar problems of a unit are suggested and merged with both sources kept", "[duplicates]") {
    World w;
    CHECK(similarity("党费收缴登记不规范", "党费收缴、登记不规范。") > 0.99);
    CHECK(similarity("党费收缴登记不规范", "场地不足") < 0.2);
    CHECK(similarity("", "") == 0);
    auto b1 = w.device("B01");
    const auto own = new_problem(*b1, "B01", "党费收缴登记不规范,缺少签字", "自查");
    w.sync(*b1);
    const auto found = new_problem(w.city, "B01", "党费收缴登记不规范、缺少签字", "巡察");
    new_problem(w.city, "B02", "党费收缴登记不规范,缺少签字", "巡察");
    new_problem(w.city, "B01", "活动场地不足", "调研");
    auto town = w.device("K1-01");
    const auto pairs = good(duplicates(**town, ""));
    REQUIRE(pairs.size() == 1);
    CHECK(std::minmax({text(pairs[0].as_object(), "record"), text(pairs[0].as_object(), "of")}) ==
          std::minmax({own, found}));
    CHECK(merge_duplicate(**town, own, own, "").has_error());
    good(merge_duplicate(**town, found, own, ""));
    CHECK(fails(merge_duplicate(**town, own, found, "")).find(own) != std::string::npos);
    CHECK(good(duplicates(**town, "")).empty());
    w.sync(*town);
    w.sync(*b1);
    const auto todo = good(Ledger(**b1).list("todo"));
    CHECK(std::none_of(todo.begin(), todo.end(), [&](const auto& t) { return text(t.as_object(), "id") == found; }));
    CHECK(b1->field(found, "source_type") == "巡察");
    CHECK(b1->field(own, "source_type") == "自查");
    CHECK((*b1)->verify().has_value());
}

TEST_CASE("calendar: an answer is owed in working days, and the city edits the calendar", "[calendar]") {
    World w;
    auto b1 = w.device("B01");
    b1->clock.wall_ms = w.city.clock.wall_ms;  // 2025-11-01, a Saturday
    good(Ledger(**b1).create("help_request", {{"text", "请求协调场地"}}, ""));
    w.sync(*b1);
    auto waits = [&] { return good(unanswered(*w.city, ""))[0].as_object(); };
    CHECK(waits().at("working_days").as_int64() == 0);
    CHECK(text(waits(), "owes") == "K1-01");
    CHECK(text(waits(), "owes_level") == "township");
    w.city.clock.wall_ms += 14LL * 86'400'000;  // Saturday two weeks on
    CHECK(waits().at("working_days").as_int64() == 10);
    CHECK_FALSE(waits().at("late").as_bool());
    Ledger l(*w.city);
    good(l.create("calendar_day", {{"date", "2025-11-08"}, {"kind", "上班"}, {"name", "调休"}}, ""));
    CHECK(waits().at("working_days").as_int64() == 11);
    CHECK(waits().at("late").as_bool());
    const auto off = good(l.create("calendar_day", {{"date", "2025-11-10"}, {"kind", "休息"}}, ""));
    CHECK(waits().at("working_days").as_int64() == 10);
    CHECK(l.create("calendar_day", {{"date", "2025-11-10"}, {"kind", "休息"}}, "").has_error());
    good(l.set(off.record, {{"kind", "上班"}}, ""));
    CHECK(waits().at("working_days").as_int64() == 11);
    CHECK(l.create("calendar_day", {{"date", "2025-11-12"}, {"kind", "半天"}}, "").has_error());
    CHECK(Ledger(**b1).create("calendar_day", {{"date", "2025-11-13"}, {"kind", "休息"}}, "").has_error());
}

TEST_CASE("burden: forms and fields are charged to the office that asks, by month", "[burden]") {
    CHECK(forms_in_month("季度", "", "2025-09") == 1);
    CHECK(forms_in_month("季度", "", "2025-10") == 0);
    CHECK(forms_in_month("双月", "", "2025-10") == 1);
    CHECK(forms_in_month("每周", "", "2025-10") == 4);
    CHECK(forms_in_month("", "2025-10-20", "2025-10") == 1);
    World w;
    const auto task = new_task(w, {{"report_frequency", "每月"},
                                   {"fields_to_fill", "3"},
                                   {"lead_unit_id", "C-DJB"},
                                   {"issued_at", "2025-10-01T09:00:00+08:00"},
                                   {"extra_fields", R"([{"name":"人数","type":"number"}])"}});
    good(decompose(*w.city, {task, {"B01", "B02", "K1"}, "", "", ""}));
    const auto b = good(burden(*w.city, "", "2025-11"));
    CHECK(b.at("forms").as_int64() == 2);
    CHECK(b.at("fields").as_int64() == 8);
    CHECK(text(b.at("by_issuer").as_array()[0].as_object(), "unit_id") == "C-DJB");
    CHECK(b.at("by_branch").as_array().size() == 2);
    CHECK_FALSE(b.at("more").as_bool());
    const auto second = good(burden(*w.city, "", "2025-11", {1, 1}));
    REQUIRE(second.at("by_branch").as_array().size() == 1);
    CHECK(second.at("by_branch").as_array()[0] == b.at("by_branch").as_array()[1]);
    CHECK(second.at("forms") == b.at("forms"));
    CHECK(good(burden(*w.city, "", "2025-11", {0, 1})).at("more").as_bool());
    CHECK(good(burden(*w.city, "", "2025-09")).at("forms").as_int64() == 0);
    CHECK(good(burden(*w.city, "", "2026-01")).at("forms").as_int64() == 0);
    CHECK(burden(*w.city, "", "2025-13").has_error());
}

TEST_CASE("undo: what one wrote is taken back by a new edit, unless somebody wrote over it", "[undo]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto b1 = w.device("B01");
    Ledger l(**b1);
    good(l.set("A1", {{"remark", "甲"}}, ""));
    good(l.set("A1", {{"remark", "乙"}, {"problems", "缺人"}}, ""));
    const auto before = (*b1)->log_head().value;
    good(undo(**b1, "A1", {"remark"}, ""));
    CHECK(b1->field("A1", "remark") == "甲");
    CHECK(b1->field("A1", "problems") == "缺人");
    CHECK((*b1)->log_head().value == before + 1);
    w.sync(*b1);
    good(Ledger(*w.city).set("A1", {{"remark", "市里改的"}}, ""));
    w.sync(*b1);
    CHECK(fails(undo(**b1, "A1", {"remark"}, "")).find("remark") != std::string::npos);
    CHECK(undo(*w.city, "A1", {"problems"}, "").has_error());
    const auto told = good(story(**b1, "A1"));
    CHECK(std::any_of(told.begin(), told.end(), [](const auto& e) {
        return std::string_view(e.as_object().at("zh").as_string()).find("由“甲”改为“市里改的”") !=
               std::string_view::npos;
    }));
}

TEST_CASE("search: words of two characters are found in titles, texts and numbers", "[search]") {
    auto& d = demo_city();
    const auto found = good(search(*d, "流动", 50));
    REQUIRE_FALSE(found.at("rows").as_array().empty());
    for (const auto& row : found.at("rows").as_array()) {
        const auto& excerpt = row.as_object().at("excerpt");
        if (excerpt.is_string()) CHECK(std::string_view(excerpt.as_string()).find("流动") != std::string_view::npos);
    }
    CHECK(text(good(search(*d, "A0019", 50)).at("rows").as_array()[0].as_object(), "id") == "A0019");
    CHECK(good(search(*d, "没有这样的词", 50)).at("rows").as_array().empty());
    CHECK(good(search(*d, "支部", 3)).at("more").as_bool());
    CHECK(good(search(*d, "支部", 3)).at("rows").as_array().size() == 3);
    CHECK(search(*d, "  ", 50).has_error());
}

TEST_CASE("behind: the records of a figure are as many as the figure says", "[behind][import]") {
    auto& d = demo_city();
    const auto whole = good(review(*d, "", d.clock.wall_ms));
    const auto& m = whole.at("metrics").at("by_scope").as_object().begin()->value().as_object();
    const auto check = [&](const char* figure, const json::value& hits, const json::value& of) {
        INFO(figure);
        const auto b = good(behind(*d, figure, ""));
        CHECK(b.at("hits").as_int64() == hits.to_number<std::int64_t>());
        CHECK(b.at("of").as_int64() == of.to_number<std::int64_t>());
        CHECK(b.at("rows").as_array().size() == static_cast<std::size_t>(of.to_number<std::int64_t>()));
    };
    const auto& d1 = m.at("D1_false_completion").as_object();
    check("D1", d1.at("overturned"), d1.at("verified_claims"));
    const auto& d2 = m.at("D2_pure_forward").as_object();
    check("D2", d2.at("pure"), d2.at("forwards"));
    const auto& d4 = m.at("D4_push_driven").as_object();
    check("D4", d4.at("driven"), d4.at("updates"));
    check("G4", m.at("n_G4_pushes"), m.at("n_G4_pushes"));
    CHECK(good(behind(*d, "G1_reported_minus_verified", "")).at("of").as_int64() ==
          m.at("n_G1").to_number<std::int64_t>());
    check("G2_point_minus_surface", m.at("n_G2_point"),
          m.at("n_G2_point").to_number<int>() + m.at("n_G2_surface").to_number<int>());
    check("G5_traditional_minus_emerging", m.at("n_G5_emerging"),
          m.at("n_G5_emerging").to_number<int>() + m.at("n_G5_traditional").to_number<int>());
    std::int64_t of_branches = 0, of_all = 0;
    for (const auto& l : m.at("verified_mean_by_level").as_array()) {
        of_all += l.at("n").to_number<std::int64_t>();
        if (l.at("level").as_string() == "branch") of_branches = l.at("n").to_number<std::int64_t>();
    }
    check("verified_mean_by_level", of_branches, of_all);
    const auto under = good(behind(*d, "G1_under_reported", ""));
    CHECK(under.at("figure").as_string() == "G1under");
    CHECK(under.at("of").as_int64() == m.at("n_G1").to_number<std::int64_t>());
    // Every key of a scope that is no count opens.
    for (const auto& [key, value] : m)
        if (!key.starts_with("n_")) CHECK(behind(*d, std::string(key), "").has_value());
    CHECK(good(behind(*d, "D2_help_unanswered", "")).at("figure").as_string() == "D2help");
    CHECK(good(behind(*d, "D4_unmoved", "")).at("figure").as_string() == "D4unmoved");
    const auto& g3 = m.at("G3_not_landed_60d").as_object();
    const auto not_landed = good(behind(*d, "G3", ""));
    CHECK(not_landed.at("of").as_int64() == g3.at("expected").to_number<std::int64_t>());
    CHECK(not_landed.at("hits").as_int64() ==
          g3.at("expected").to_number<std::int64_t>() - g3.at("landed").to_number<std::int64_t>());
    CHECK(behind(*d, "G9", "").has_error());

    // Page by page they are the same records in the same order; the counts are of all.
    const auto all = good(behind(*d, "D4", ""));
    json::array paged;
    for (std::size_t at = 0;; at += 40) {
        const auto part = good(behind(*d, "D4", "", {at, 40}));
        CHECK(part.at("of") == all.at("of"));
        CHECK(part.at("hits") == all.at("hits"));
        for (const auto& row : part.at("rows").as_array()) paged.push_back(row);
        if (!part.at("more").as_bool()) break;
        REQUIRE(part.at("rows").as_array().size() == 40);
    }
    CHECK(paged == all.at("rows").as_array());
    CHECK(good(behind(*d, "D4", "", {99'999, 40})).at("rows").as_array().empty());

    std::int64_t red = 0;
    for (const auto& u : whole.at("units").as_array()) red += u.at("lights").at("red").to_number<std::int64_t>();
    std::int64_t by_field = 0, by_unit = 0;
    for (const auto& row : good(breakdown(*d, "field", "")))
        by_field += row.at("lights").at("red").to_number<std::int64_t>();
    for (const auto& row : good(breakdown(*d, "unit", "")))
        by_unit += row.at("lights").at("red").to_number<std::int64_t>();
    CHECK(by_field == red);
    CHECK(by_unit == red);
    for (const char* colour : {"green", "yellow", "red", "blue", "grey"}) {
        INFO(colour);
        std::int64_t n = 0;
        for (const auto& u : whole.at("units").as_array()) n += u.at("lights").at(colour).to_number<std::int64_t>();
        CHECK(good(behind(*d, colour, "")).at("of").as_int64() == n);
    }
    for (const char* by : {"unit", "level", "field", "task", "source"}) {
        std::int64_t n = 0;
        for (const auto& row : good(breakdown(*d, by, ""))) n += row.at("n_verified").to_number<std::int64_t>();
        INFO(by);
        CHECK(n == m.at("n_verified").to_number<std::int64_t>());
    }
    CHECK(breakdown(*d, "weather", "").has_error());
}

TEST_CASE("behind: the records are those of the definitions, read straight from the tables", "[behind][import]") {
    auto& d = demo_city();
    // A check with the latest report that occurred before it (ties: the higher id), both as shares of the target.
    const std::string checked =
        "WITH checked AS (SELECT v.id, v.unit_id, max(0, min(1, v.verified_value / t.target_value)) AS verified, "
        "(SELECT "
        "p.id FROM progress_report p WHERE p.assignment_id = v.assignment_id AND unixepoch(p.occurred_at) <= "
        "unixepoch(v.at) ORDER BY unixepoch(p.occurred_at) DESC, p.id DESC LIMIT 1) AS report_id, t.target_value AS "
        "target FROM verification v JOIN task t ON t.id = v.task_id WHERE t.target_value <> 0), both AS (SELECT c.*, "
        "max(0, min(1, p.value / c.target)) AS reported, p.claims_complete AS claims FROM checked c JOIN "
        "progress_report p ON p.id = c.report_id) ";
    const std::map<std::string, std::string> definitions = {
        {"G1", checked + "SELECT id, unit_id, reported > verified FROM both ORDER BY reported - verified DESC, id"},
        {"G1under",
         checked + "SELECT id, unit_id, verified > reported FROM both ORDER BY verified - reported DESC, id"},
        {"D1", checked + "SELECT id, unit_id, verified < 0.995 AS hit FROM both WHERE claims ORDER BY hit DESC, id"},
        {"G4", "SELECT id, unit_id, 1 FROM push ORDER BY unixepoch(at), id"},
        {"D2",
         "SELECT a.id, a.unit_id, (unixepoch(a.forwarded_at) - unixepoch(a.received_at) < 86400 AND "
         "coalesce(a.forward_text_similarity, 0) >= 0.9 AND NOT EXISTS (SELECT 1 FROM guidance g WHERE g.assignment_id "
         "= a.id)) AS hit FROM assignment a WHERE a.forwarded_at IS NOT NULL ORDER BY hit DESC, a.id"},
        {"D4",
         "SELECT r.id, r.unit_id, EXISTS (SELECT 1 FROM push p WHERE p.assignment_id = r.assignment_id AND "
         "unixepoch(r.occurred_at) - unixepoch(p.at) BETWEEN 0 AND 345600) AS hit FROM progress_report r WHERE "
         "r.substantive ORDER BY hit DESC, r.id"}};
    const auto& control = d->control();
    for (const auto& [figure, sql] : definitions)
        for (const std::string unit : {"", "K3"}) {
            INFO(figure << " of " << unit);
            std::vector<std::string> wanted, got;
            auto s = good(d->database().prepare(sql));
            while (good(s.step())) {
                const std::string of(s.text(1));
                if (unit.empty() || control.is_at_or_below(of, unit, control.head()))
                    wanted.push_back(std::string(s.text(0)) + " " + of + (s.integer(2) ? " counts" : ""));
            }
            const auto found = good(behind(*d, figure, unit, {0, 5000}));
            for (const auto& v : found.at("rows").as_array()) {
                const auto& o = v.as_object();
                got.push_back(text(o, "id") + " " + text(o, "unit_id") + (o.at("hit").as_bool() ? " counts" : ""));
            }
            CHECK(wanted.size() > 3);
            CHECK(got == wanted);
        }
}

TEST_CASE("stocktake: frozen figures stay, and the difference to now says what moved", "[stocktake]") {
    World w;
    const auto task = new_task(w, {{"target_value", "10"}});
    good(decompose(*w.city, {task, {"B01", "B02"}, "", "", ""}));
    StoredFacts facts(*w.city);  // kept from one to the next
    const auto first = good(take_stock(facts, "三季度盘点", "", "")).record;
    const auto kept = w.city.field(first, "figures");
    const auto all = good(Ledger(*w.city).list("assignments"));
    good(Ledger(*w.city).act("suspend", text(all[0].as_object(), "id"), {{"reason", "整村搬迁"}}, ""));
    const auto c = good(compare_stock(facts, first, "now"));
    CHECK(c.at("counts").at("待签收").at("change").to_number<double>() == -1);
    CHECK(c.at("lights").at("grey").at("after").to_number<double>() == 1);
    CHECK(w.city.field(first, "figures") == kept);
    const auto second = good(take_stock(facts, "年终盘点", "", "")).record;
    CHECK(good(compare_stock(facts, first, second)).at("counts").at("待签收").at("before").to_number<double>() == 2);
    CHECK(compare_stock(facts, task, "now").has_error());
}

TEST_CASE("stocktake: it keeps what the review says of all units together", "[stocktake][import]") {
    auto& d = demo_city();
    StoredFacts facts(*d);
    for (const auto* unit : {"", "K1"}) {
        const auto whole = good(review(facts, unit, d.clock.wall_ms));
        auto kept = good(review_in_sum(facts, unit, d.clock.wall_ms));
        CHECK(kept.at("metrics") == whole.at("metrics"));
        for (const char* part : {"counts", "rectifications", "lights"}) {
            std::map<std::string, int> sums;
            for (const auto& u : whole.at("units").as_array())
                for (const auto& [name, n] : u.at(part).as_object()) sums[std::string(name)] += n.to_number<int>();
            json::object wanted;
            for (const auto& [name, n] : sums) wanted[name] = n;
            CHECK(kept.at(part) == json::value(wanted));
        }
    }
    CHECK(review_in_sum(facts, "K99", d.clock.wall_ms).has_error());
}

TEST_CASE("trend: the last month's figures are the review's, and an early month knows no later record",
          "[trend][import]") {
    auto& d = demo_city();
    StoredFacts facts(*d);
    const auto t = good(trend(facts, "", 12)).at("months").as_array();
    REQUIRE(t.size() == 12);
    CHECK(t.back().at("month").as_string() == "2025-11");
    const auto whole = good(review(*d, "", d.clock.wall_ms));
    const auto& now = whole.at("metrics").at("by_scope").as_object().begin()->value();
    CHECK(t.back().at("figures").at("n_verified") == now.at("n_verified"));
    CHECK(t.back().at("figures").at("D1_false_completion") == now.at("D1_false_completion"));
    CHECK(t.front().at("figures").at("n_verified").to_number<int>() == 0);
    CHECK(trend(facts, "", 0).has_error());
}

}  // namespace
}  // namespace taizhang::ledger::year_test
