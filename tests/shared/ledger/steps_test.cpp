// Who may take which step: the shipped catalog as a table, more time, and nobody closing what is their own.
#include "ledger/extension.h"
#include "ledger/record_rules.h"
#include "tests/support/good.h"
#include "tests/support/world.h"

#include <algorithm>
#include <map>

namespace taizhang::ledger::steps_test {
namespace {

using support::Device;
using support::fails;
using support::good;
using support::text_of;
using support::wait;
using support::World;

std::string new_problem(World& w, const std::string& unit, const std::string& state) {
    Ledger l(*w.city);
    const auto id =
        good(l.create("rectification",
                      {{"responsible_unit_id", unit}, {"problem", "台账不实"}, {"deadline", "2025-11-30"}}, ""))
            .record;
    good(l.act("carry_over", id, {{"state", state}}, ""));
    return id;
}

bool is_allowed(Device& d, const std::string& id, const char* transition) {
    const auto shown = good(Ledger(*d).show(id));
    const auto& list = shown.at("allowed").as_array();
    return std::any_of(list.begin(), list.end(), [&](const auto& t) { return text_of(t, "transition") == transition; });
}

// On a record of a branch: by itself, its township, its county, the city.
const std::map<std::string, std::map<std::string, std::string>> kWho = {
    {"task", {{"issue", "yyyy"}, {"withdraw", "yyyy"}, {"suspend", "yyyy"}, {"resume", "yyyy"}}},
    {"assignment",
     {{"carry_over", "-yyy"},
      {"issue", "-yyy"},
      {"acknowledge", "y---"},
      {"start", "y---"},
      {"apply_close_out", "y---"},
      {"pass_first", "-yyy"},
      {"pass_second", "--yy"},
      {"close_out", "--yy"},
      {"return", "-yyy"},
      {"resume", "y---"},
      {"request_extension", "y---"},
      {"grant_extension", "-yyy"},
      {"refuse_extension", "-yyy"},
      {"withdraw", "-yyy"},
      {"suspend", "-yyy"},
      {"unsuspend", "-yyy"},
      {"reopen", "---y"},
      {"close_first", "-yyy"}}},
    {"rectification",
     {{"carry_over", "-yyy"},
      {"assign", "-yyy"},
      {"acknowledge", "y---"},
      {"start", "y---"},
      {"apply_close_out", "y---"},
      {"pass_first", "-yyy"},
      {"pass_second", "--yy"},
      {"close_out", "--yy"},
      {"return", "-yyy"},
      {"request_extension", "y---"},
      {"grant_extension", "-yyy"},
      {"refuse_extension", "-yyy"},
      {"keep_on", "--yy"},
      {"reopen", "---y"},
      {"close_first", "-yyy"}}},
};

TEST_CASE("steps: the shipped catalog says of every step who takes it", "[steps]") {
    World w;
    std::vector<std::unique_ptr<Device>> devices;
    for (const char* unit : {"B01", "K1-01", "K1"}) devices.push_back(w.device(unit));
    const auto& control = w.city->control();
    std::vector<ReplicaId> authors;
    for (const auto& d : devices) authors.push_back((*d)->id());
    authors.push_back(w.city->id());
    const auto beside = w.device("B02");
    std::size_t with_steps = 0;
    for (const auto& e : control.newest_catalog()->entities()) {
        if (!e.has_workflow()) continue;
        ++with_steps;
        REQUIRE(kWho.contains(e.name));
        const auto& expected = kWho.at(e.name);
        for (const auto& t : e.workflow.transitions) {
            INFO(e.name << " " << t.name);
            REQUIRE(expected.contains(t.name));
            std::string who;
            for (const auto& a : authors)
                who += control.relation(*control.cert(a), {"B01", e.audience}, control.head()).may(t.by) ? 'y' : '-';
            CHECK(who == expected.at(t.name));
            CHECK_FALSE(
                control.relation(*control.cert((*beside)->id()), {"B01", e.audience}, control.head()).may(t.by));
        }
        CHECK(e.workflow.transitions.size() == expected.size());
    }
    CHECK(with_steps == kWho.size());
}

TEST_CASE("steps: a county does not close, pass or keep open what is its own", "[steps]") {
    World w;
    w.new_assignment("A1", "T1", "K1", "待复审");
    w.new_assignment("A2", "T1", "K1", "待终审");
    w.new_assignment("A3", "T1", "B01", "待终审");
    w.new_assignment("A4", "T1", "C", "待终审");
    const auto own = new_problem(w, "K1", "待终审"), branchs = new_problem(w, "B01", "待终审");
    auto county = w.device("K1");
    Ledger l(**county);
    for (const auto& [step, id] : {std::pair{"pass_second", std::string("A1")},
                                   {"close_out", "A1"},
                                   {"close_out", "A2"},
                                   {"close_out", own},
                                   {"keep_on", own}}) {
        INFO(step << " " << id);
        CHECK(fails(l.act(step, id, {}, "")).find("not self-service") != std::string::npos);
        CHECK_FALSE(is_allowed(*county, id, step));
    }
    CHECK(county->state("A1") == "待复审");
    CHECK(is_allowed(*county, "A3", "close_out"));
    good(l.act("close_out", "A3", {}, ""));
    good(l.act("keep_on", branchs, {}, ""));
    // Those above do it; above the root office there is nobody.
    good(Ledger(*w.city).act("close_out", "A2", {}, ""));
    good(Ledger(*w.city).act("close_out", own, {}, ""));
    good(Ledger(*w.city).act("close_out", "A4", {}, ""));
    auto department = w.device("C-DJB");
    w.new_assignment("A5", "T1", "C", "待终审");
    w.sync(*department);
    CHECK(fails(Ledger(**department).act("close_out", "A5", {}, "")).find("not self-service") != std::string::npos);
}

TEST_CASE("extension: it is asked for with a later date, and granting it moves the deadline", "[steps]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T1", "B01");
    const auto problem = new_problem(w, "B01", "整改中");
    auto branch = w.device("B01");
    Ledger l(**branch);
    const auto ask = [&](const std::string& id, const std::string& date) {
        Assignments arguments{{"reason", "冬训推迟"}};
        if (!date.empty()) arguments.emplace_back("new_deadline", date);
        return l.act("request_extension", id, arguments, "");
    };
    // 2025-11-30 is the deadline that stands.
    for (const char* date : {"", "下月", "2025-11-31", "2025-11-30", "2025-11-15"}) {
        INFO(date);
        CHECK(fails(ask("A1", date)).find("new_deadline") != std::string::npos);
    }
    CHECK(fails(l.act("request_extension", "A1", {{"new_deadline", "2025-12-31"}}, "")).find("reason") !=
          std::string::npos);
    for (const auto& id : {std::string("A1"), std::string("A2"), problem}) good(ask(id, "2025-12-31"));
    CHECK(branch->state("A1") == "延期待批");
    CHECK(branch->field("A1", "deadline") == "2025-11-30");
    w.sync(*branch);

    auto town = w.device("K1-01");
    Ledger above(**town);
    good(above.act("grant_extension", "A1", {}, ""));
    CHECK(fails(above.act("grant_extension", "A2", {{"new_deadline", "年底"}}, "")).find("new_deadline") !=
          std::string::npos);
    good(above.act("grant_extension", "A2", {{"new_deadline", "2025-12-10"}}, ""));
    good(above.act("grant_extension", problem, {}, ""));
    w.sync(*town);
    w.sync(*branch);
    CHECK(branch->state("A1") == "办理中");
    CHECK(branch->field("A1", "deadline") == "2025-12-31");
    CHECK(branch->field("A2", "deadline") == "2025-12-10");
    CHECK(branch->field(problem, "deadline") == "2025-12-31");
    CHECK((*branch)->verify().has_value());

    // The whole day of the deadline counts, and nothing after it.
    wait(*branch, 39);  // 2025-12-10
    good(ask("A2", "2026-01-31"));
    wait(*branch, 22);  // 2026-01-01
    CHECK(fails(ask("A1", "2026-01-31")).find("2025-12-31") != std::string::npos);
    CHECK(branch->state("A1") == "办理中");
}

TEST_CASE("extension: past the deadline of the task its issuer decides", "[steps]") {
    World w;
    Ledger city(*w.city);
    const auto task = good(city.create("task", {{"title", "冬训"}, {"deadline", "2025-12-20"}}, "")).record;
    good(city.act("issue", task, {}, ""));
    w.new_assignment("A1", task, "B01");
    auto branch = w.device("B01");
    good(Ledger(**branch).act("request_extension", "A1", {{"reason", "雪大"}, {"new_deadline", "2026-01-10"}}, ""));
    w.sync(*branch);
    auto county = w.device("K1");
    Ledger l(**county);
    CHECK(fails(l.act("grant_extension", "A1", {}, "")).find("2025-12-20") != std::string::npos);
    CHECK(county->state("A1") == "延期待批");
    good(city.act("grant_extension", "A1", {}, ""));
    CHECK(w.city.field("A1", "deadline") == "2026-01-10");
    w.sync(*branch);
    good(Ledger(**branch).act("request_extension", "A1", {{"reason", "雪大"}, {"new_deadline", "2026-01-20"}}, ""));
    w.sync(*branch);
    w.sync(*county);
    good(l.act("grant_extension", "A1", {{"new_deadline", "2025-12-15"}}, ""));
    CHECK(county->field("A1", "deadline") == "2025-12-15");
}

TEST_CASE("steps: control characters have no place in a reason or a name", "[steps]") {
    World w;
    w.new_assignment("A1", "T1", "B01", "待初审");
    Ledger l(*w.city);
    CHECK(fails(l.act("return", "A1", {{"reason", "材料\x1b[2J不全"}}, "")).find("control") != std::string::npos);
    CHECK(fails(l.act("return", "A1", {{"reason", "材料不全"}}, "王\x1b[31m")).find("person") != std::string::npos);
    CHECK(fails(l.act("push", "A1", {{"text", std::string("快\0办", 7)}}, "")).find("control") != std::string::npos);
    CHECK(w.city.state("A1") == "待初审");
    good(l.act("return", "A1", {{"reason", "材料不全:\n一、缺签字\t二、缺日期"}}, "王"));
}

}  // namespace
}  // namespace taizhang::ledger::steps_test
