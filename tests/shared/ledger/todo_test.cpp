// What is due: schedules, orders of those above, merges that crossed, tasks that were stopped.
#include "ledger/behind.h"
#include "ledger/decompose.h"
#include "ledger/duplicates.h"
#include "ledger/frequency.h"
#include "ledger/lights.h"
#include "ledger/page.h"
#include "ledger/review.h"
#include "ledger/story.h"
#include "ledger/times.h"
#include "tests/support/good.h"
#include "tests/support/world.h"

#include <algorithm>
#include <set>

namespace taizhang::ledger::todo_test {
namespace {

namespace json = boost::json;
using support::Device;
using support::good;
using support::text_of;
using support::wait;
using support::World;

Seconds at(const char* time) { return good(parse_time_seconds(time)); }

TEST_CASE("frequency: a period is a week from Monday, a month, a quarter of the city's calendar", "[todo]") {
    const auto same = [](const char* word, const char* a, const char* b) {
        return Frequency::of(word).value().is_same_period(at(a), at(b));
    };
    CHECK(same("每周", "2025-11-03", "2025-11-09"));
    CHECK_FALSE(same("每周", "2025-11-02", "2025-11-03"));
    CHECK(same("每月", "2025-11-01", "2025-11-30"));
    // The city's midnight, not that of UTC.
    CHECK(same("每月", "2025-10-31T16:00:00Z", "2025-11-01"));
    CHECK_FALSE(same("每月", "2025-10-31T15:59:59Z", "2025-11-01"));
    CHECK(same("双月", "2025-11-01", "2025-12-31"));
    CHECK_FALSE(same("双月", "2025-10-31", "2025-11-01"));
    CHECK(same("季度", "2025-10-01", "2025-12-31"));
    CHECK_FALSE(same("半年", "2025-06-30", "2025-07-01"));
    CHECK_FALSE(same("年度", "2024-12-31", "2025-01-01"));
    CHECK_FALSE(Frequency::of("一次性").has_value());
    CHECK_FALSE(Frequency::of("天天").has_value());
}

TEST_CASE("todo: what was a merged unit's to do is its successor's", "[todo][moves]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T1", "B02");
    auto d = w.device("B02");
    const auto ids = [&] {
        std::set<std::string> out;
        for (const auto& r : good(Ledger(**d).list("todo"))) out.insert(text_of(r, "id"));
        return out;
    };
    CHECK(ids() == std::set<std::string>{"A2"});
    const std::string merged = R"({"id":"B01","parent_id":"K1-01","level":"branch","name":"B01","merged_into":"B02"})";
    REQUIRE(w.city->append_control("unit", merged).has_value());
    w.sync(*d);
    CHECK(ids() == std::set<std::string>{"A1", "A2"});
}

TEST_CASE("lights: no report for longer than its period is yellow", "[todo]") {
    World w;
    const auto& flow = w.city->control().newest("assignment")->entity->workflow;
    LightInput in;
    in.state = "办理中";
    in.deadline = "2026-12-31";
    in.issued = "2025-10-01";
    in.now_ms = at("2025-11-10T09:00:00+08:00") * 1000;
    const auto light = [&](const char* frequency, const char* reported) {
        in.frequency = frequency;
        in.reported = reported;
        return light_of(flow, in);
    };
    CHECK(light("", "") == Light::green);
    CHECK(light("每周", "2025-11-04T09:00:00+08:00") == Light::green);
    CHECK(light("每周", "2025-11-01T09:00:00+08:00") == Light::yellow);
    CHECK(light("每月", "2025-11-01T09:00:00+08:00") == Light::green);
    CHECK(light("每月", "2025-10-02T09:00:00+08:00") == Light::yellow);
    CHECK(light("双月", "2025-10-02T09:00:00+08:00") == Light::green);
    CHECK(light("季度", "2025-01-02T09:00:00+08:00") == Light::green);  // it was issued since
    CHECK(light("每月", "") == Light::yellow);                          // nothing since it was issued
    in.deadline = {};
    CHECK(light("每周", "2025-11-01T09:00:00+08:00") == Light::yellow);
    in.state = "待初审";
    CHECK(light("每周", "2025-11-01T09:00:00+08:00") == Light::blue);
}

std::string new_task(World& w, const char* frequency) {
    Ledger l(*w.city);
    const auto id =
        good(l.create("task", {{"title", "走访"}, {"deadline", "2026-12-20"}, {"report_frequency", frequency}}, ""))
            .record;
    good(l.act("issue", id, {}, ""));
    return id;
}

std::string handed_down(World& w, const std::string& task, const char* unit) {
    return text_of(good(decompose(*w.city, {task, {unit}, "", "", ""})).at("made").as_array()[0], "record");
}

TEST_CASE("todo: a report that this period still asks for is marked, and behind it the light turns", "[todo]") {
    World w;
    const auto id = handed_down(w, new_task(w, "每月"), "B01");
    auto branch = w.device("B01");
    Ledger l(**branch);
    const auto first = [&] { return good(l.list("todo")).at(0).as_object(); };
    CHECK(first().contains("due_this_period"));
    good(l.act("acknowledge", id, {}, ""));
    ReportInput in;
    in.value = "3";
    good(l.report(id, in, ""));
    CHECK_FALSE(first().contains("due_this_period"));
    CHECK(text_of(json::value(first()), "light") == "green");
    wait(*branch, 30);  // 2025-12-01
    CHECK(first().contains("due_this_period"));
    wait(*branch, 5);
    CHECK(text_of(json::value(first()), "light") == "yellow");
    PageQuery q;
    q.what = "assignments";
    CHECK(text_of(good(page(**branch, q)).at("rows").as_array()[0], "light") == "yellow");
    w.sync(*branch);
    wait(w.city, 35);
    const auto units = good(review(*w.city, "B01", w.city->now().ms)).at("units").as_array();
    CHECK(units[0].at("lights").at("yellow").to_number<int>() == 1);
    CHECK(good(behind(*w.city, "yellow", "")).at("of").as_int64() == 1);
}

TEST_CASE("todo: a task that was suspended or withdrawn asks nothing, and its assignments are grey", "[todo]") {
    World w;
    const auto task = new_task(w, "");
    const auto id = handed_down(w, task, "B01");
    auto branch = w.device("B01");
    const auto light = [&](Device& d) { return text_of(good(Ledger(*d).list("assignments"))[0], "light"); };
    const auto todo = [&] { return good(Ledger(**branch).list("todo")).size(); };
    CHECK(todo() == 1);
    Ledger city(*w.city);
    good(city.act("suspend", task, {{"reason", "合并安排"}}, ""));
    w.sync(*branch);
    CHECK(branch->state(id) == "待签收");
    CHECK(light(*branch) == "grey");
    CHECK(todo() == 0);
    const auto units = good(review(*w.city, "B01", w.city->now().ms)).at("units").as_array();
    CHECK(units[0].at("lights").at("grey").to_number<int>() == 1);
    good(city.act("resume", task, {}, ""));
    w.sync(*branch);
    CHECK(light(*branch) == "green");
    CHECK(todo() == 1);
    // An assignment that the withdrawal did not reach: handed down elsewhere at the same time.
    good(city.act("withdraw", task, {}, ""));
    w.new_assignment("A9", task, "B01");
    w.sync(*branch);
    CHECK(todo() == 0);
    CHECK(w.city.state(id) == "已撤回");
    CHECK(good(behind(*w.city, "grey", "B01")).at("of").as_int64() == 2);
    CHECK(good(behind(*w.city, "green", "B01")).at("of").as_int64() == 0);
    const auto after = good(review(*w.city, "B01", w.city->now().ms)).at("units").as_array();
    CHECK(after[0].at("lights").at("green").to_number<int>() == 0);
}

TEST_CASE("lights: nothing is overdue by a clock that is not believed", "[todo]") {
    World w;
    w.new_assignment("A1", "T1", "B01");  // due 2025-11-30
    auto branch = w.device("B01");
    const auto light = [&] { return text_of(good(Ledger(**branch).list("assignments"))[0], "light"); };
    const auto before = light();
    CHECK(before != "red");
    // An empty battery, and somebody's hand: the year is another, no time has passed.
    for (const std::int64_t wall : {4'070'908'800'000LL, 1'546'300'800'000LL}) {
        branch->clock.wall_ms = wall;
        CHECK(light() == before);
        CHECK((*branch)->now().unverified);
    }
    // A month that has passed, though the clock says otherwise, does count.
    branch->clock.steady_ms += 35 * 86'400'000LL;
    CHECK(light() == "red");
}

TEST_CASE("todo: of problems that were merged into each other without a link one goes on", "[todo]") {
    World w;
    Ledger city(*w.city);
    const auto problem = [&](const char* words) {
        const auto id =
            good(city.create("rectification", {{"responsible_unit_id", "B01"}, {"problem", words}}, "")).record;
        good(city.act("carry_over", id, {{"state", "整改中"}}, ""));
        return id;
    };
    const auto x = problem("台账登记与实际不符"), y = problem("台账登记与实际不一致"), z = problem("台账登记不实");
    auto town = w.device("K1-01");
    good(merge_duplicate(*w.city, x, y, ""));
    good(merge_duplicate(**town, y, x, ""));
    w.sync(*town);
    good(city.set(z, {{"duplicate_of", x}}, ""));
    auto branch = w.device("B01");
    CHECK(branch->field(x, "duplicate_of") == y);
    CHECK(branch->field(y, "duplicate_of") == x);
    const auto todo = good(Ledger(**branch).list("todo"));
    REQUIRE(todo.size() == 1);
    CHECK(text_of(todo[0], "id") == std::min(x, y));
}

TEST_CASE("todo: an order of those above stands in it until it is replied to", "[todo]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Ledger city(*w.city);
    const auto order = [&](const char* by, const char* text) {
        return good(city.create("supervision_order",
                                {{"unit_id", "B01"}, {"assignment_id", "A1"}, {"reply_by", by}, {"text", text}}, ""))
            .record;
    };
    const auto later = order("2025-11-20", "报送名册"), sooner = order("2025-11-10", "三日内到会说明");
    auto branch = w.device("B01");
    Ledger l(**branch);
    const auto orders = [&] {
        std::vector<std::string> out;
        for (const auto& o : good(l.list("todo")))
            if (text_of(o, "kind") == "supervision_order") out.push_back(text_of(o, "id"));
        return out;
    };
    CHECK(orders() == std::vector<std::string>{sooner, later});
    good(l.set(sooner, {{"reply", "已到会说明"}}, ""));
    CHECK(orders() == std::vector<std::string>{later});
    const auto told = good(story(**branch, "A1"));
    CHECK(std::any_of(told.begin(), told.end(),
                      [](const auto& e) { return text_of(e, "zh").find("三日内到会说明") != std::string::npos; }));
    const auto shown = good(l.show("A1"));
    REQUIRE(shown.at("orders").as_array().size() == 2);
    for (const auto& o : shown.at("orders").as_array())
        CHECK(o.as_object().at("reply").is_null() == (text_of(o, "id") == later));
    const auto& history = shown.at("history").as_array();
    CHECK(std::count_if(history.begin(), history.end(), [](const auto& h) {
              return text_of(h, "entity") == "supervision_order";
          }) == 3);  // two orders and a reply
    // Another unit's orders are not ours.
    auto other = w.device("B02");
    CHECK(good(Ledger(**other).list("todo")).empty());
}

TEST_CASE("unsent: what the hub above lacks is listed with all that was typed, and only that", "[todo]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto branch = w.device("B01");
    Ledger l(**branch);
    CHECK(good(l.list("unsent")).empty());
    const std::string text(3000, 'x');  // longer than a sentence of the audit
    good(l.set("A1", {{"remark", text}}, "王秀英"));
    good(l.report("A1", {.value = "7", .text = "第二次"}, "王秀英"));
    const auto listed = good(l.list("unsent"));
    REQUIRE(listed.size() == 2);
    const auto& first = listed[0].as_object();
    CHECK(text_of(first, "person") == "王秀英");
    CHECK(first.at("in_scope").as_bool());
    const auto& record = first.at("records").at(0).as_object();
    CHECK(text_of(record, "id") == "A1");
    CHECK(text_of(record.at("what"), "remark") == text);
    const auto& report = listed[1].at("records").at(0);
    CHECK(text_of(report.at("what"), "text") == "第二次");
    CHECK(text_of(report.at("what"), "assignment_id") == "A1");
    w.sync(*branch);
    CHECK(good(l.list("unsent")).empty());
    CHECK(good(Ledger(*w.city).list("unsent")).empty());  // nobody above it
    // The branch was given to another township before the office had sent what it wrote there.
    auto town = w.device("K1-01");
    Ledger office(**town);
    good(office.set("A1", {{"deadline", "2026-01-19"}}, ""));
    CHECK(good(office.list("unsent")).at(0).at("in_scope").as_bool());
    const auto before = w.city->control().head();
    for (const char* unit : {R"({"id":"K1-02","parent_id":"K1","level":"township","name":"乙镇"})",
                             R"({"id":"B01","parent_id":"K1-02","level":"branch","name":"支部"})"})
        good(w.city->append_control("unit", unit));
    REQUIRE(
        (*town)->receive_control(good(w.city->control_after(before, 1u << 16))).has_value());  // as a stick brings it
    CHECK_FALSE(good(office.list("unsent")).at(0).at("in_scope").as_bool());
}

}  // namespace
}  // namespace taizhang::ledger::todo_test
