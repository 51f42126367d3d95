// How many levels verify before a record counts as reviewed.
#include "ledger/batch.h"
#include "ledger/review.h"
#include "tests/support/good.h"
#include "tests/support/world.h"

namespace taizhang::ledger::review_depth_test {
namespace {

namespace json = boost::json;
using support::Device;
using support::fails;
using support::good;
using support::text_of;
using support::World;

/// A task of that depth (empty: it says nothing) with an assignment of B01 that awaits its first review.
std::string awaiting(World& w, const std::string& id, const std::string& depth, const std::string& state = "待初审") {
    Ledger l(*w.city);
    Assignments fields{{"title", "任务" + id}, {"deadline", "2025-12-20"}};
    if (!depth.empty()) fields.emplace_back("review_depth", depth);
    const auto task = good(l.create("task", fields, "")).record;
    good(l.act("issue", task, {}, ""));
    w.new_assignment(id, task, "B01", state);
    return task;
}

std::vector<std::string> allowed(Device& d, const std::string& id) {
    std::vector<std::string> out;
    const auto shown = good(Ledger(*d).show(id));
    for (const auto& t : shown.at("allowed").as_array()) out.push_back(text_of(t, "transition"));
    return out;
}

bool is_in(const std::vector<std::string>& list, const char* name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

TEST_CASE("review depth: at one level the township's word closes, at three it only passes", "[review_depth]") {
    World w;
    awaiting(w, "A1", "1");
    awaiting(w, "A2", "");
    awaiting(w, "A3", "3");
    auto town = w.device("K1-01");
    CHECK(is_in(allowed(*town, "A1"), "close_first"));
    CHECK_FALSE(is_in(allowed(*town, "A1"), "pass_first"));
    for (const char* id : {"A2", "A3"}) {
        CHECK(is_in(allowed(*town, id), "pass_first"));
        CHECK_FALSE(is_in(allowed(*town, id), "close_first"));
        CHECK(fails(Ledger(**town).act("close_first", id, {}, "")).find(id) != std::string::npos);
    }
    const auto done = good(act_on_all(**town, "pass_first", {"A1", "A2", "A3"}, {}, "王"));
    CHECK(done.at("refused").as_array().empty());
    CHECK(town->state("A1") == "已办结");
    CHECK(town->state("A2") == "待复审");
    CHECK(town->state("A3") == "待复审");
    w.sync(*town);
    CHECK(w.city.state("A1") == "已办结");
    CHECK((*town)->verify().has_value());

    // The figures and the to-do lists follow the state.
    const auto rows = good(Ledger(*w.city).list("assignments"));
    CHECK(text_of(rows[0], "light") == "green");
    CHECK(text_of(rows[1], "light") == "blue");
    const auto units = good(review(*w.city, "", w.city->now().ms)).at("units").as_array();
    const auto b1 = std::find_if(units.begin(), units.end(), [](const auto& u) { return text_of(u, "id") == "B01"; });
    REQUIRE(b1 != units.end());
    CHECK(b1->at("counts").at("已办结").to_number<int>() == 1);
    CHECK(b1->at("counts").at("待复审").to_number<int>() == 2);
    auto branch = w.device("B01");
    CHECK(good(Ledger(**branch).list("todo")).empty());
}

TEST_CASE("review depth: at two levels the county's word closes", "[review_depth]") {
    World w;
    awaiting(w, "A1", "2");
    awaiting(w, "A2", "3");
    auto county = w.device("K1");
    Ledger l(**county);
    CHECK_FALSE(is_in(allowed(*county, "A1"), "close_out"));
    for (const char* id : {"A1", "A2"}) {
        CHECK(fails(l.act("close_out", id, {}, "")).find("review") != std::string::npos);
        good(l.act("pass_first", id, {}, ""));
    }
    CHECK(fails(l.act("close_out", "A2", {}, "")).find("待复审") != std::string::npos);
    CHECK(is_in(allowed(*county, "A1"), "close_out"));
    CHECK_FALSE(is_in(allowed(*county, "A1"), "pass_second"));
    const auto said = good(l.act("pass_second", "A1", {}, "")).notes;
    REQUIRE(said.size() == 1);
    good(l.act("pass_second", "A2", {}, ""));
    CHECK(county->state("A1") == "已办结");
    CHECK(county->state("A2") == "待终审");
    good(l.act("close_out", "A2", {}, ""));
    CHECK(county->state("A2") == "已办结");
}

TEST_CASE("review depth: a task that says nothing closes where it always did", "[review_depth]") {
    World w;
    awaiting(w, "A1", "");
    awaiting(w, "A2", "", "办理中");
    Ledger l(*w.city);
    for (const char* id : {"A1", "A2"}) {
        good(l.act("close_out", id, {}, ""));
        CHECK(w.city.state(id) == "已办结");
    }
}

TEST_CASE("review depth: a problem follows the task that it belongs to", "[review_depth]") {
    World w;
    const auto task = awaiting(w, "A1", "1");
    Ledger l(*w.city);
    const auto problem = [&](const std::string& of) {
        Assignments fields{{"responsible_unit_id", "B01"}, {"problem", "台账登记与实际不符" + of}};
        if (!of.empty()) fields.emplace_back("related_task_id", of);
        const auto id = good(l.create("rectification", fields, "")).record;
        good(l.act("carry_over", id, {{"state", "待初审"}}, ""));
        return id;
    };
    const auto with = problem(task), without = problem("");
    auto town = w.device("K1-01");
    Ledger at_town(**town);
    good(at_town.act("pass_first", with, {{"reason", "现场核实"}}, ""));
    good(at_town.act("pass_first", without, {}, ""));
    CHECK(town->state(with) == "已销号");
    CHECK(town->state(without) == "待复审");
}

TEST_CASE("review depth: another number of levels than there are is refused", "[review_depth]") {
    World w;
    Ledger l(*w.city);
    for (const char* depth : {"0", "4", "-1"})
        CHECK(fails(l.create("task", {{"title", "甲"}, {"review_depth", depth}}, "")).find("review_depth") !=
              std::string::npos);
    const auto task = awaiting(w, "A1", "1");
    CHECK(fails(l.set(task, {{"review_depth", "9"}}, "")).find("review_depth") != std::string::npos);
    // It counts when a reviewer acts: raised before that, one level is not enough any more.
    good(l.set(task, {{"review_depth", "2"}}, ""));
    good(l.act("pass_first", "A1", {}, ""));
    CHECK(w.city.state("A1") == "待复审");
}

}  // namespace
}  // namespace taizhang::ledger::review_depth_test
