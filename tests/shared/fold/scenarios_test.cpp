// The conflicts that people know, on the fold alone: changes by hand, rules and workflows from the ledger's catalog.
#include "catalog/catalog.h"
#include "fold/fold.h"
#include "ledger/metrics.h"
#include "tests/support/reference_fold.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::scenarios_test {
namespace {

using fold::Change;
using fold::LineKind;
using reference::version;

/// A row of one entity; who reaches the row's unit: a branch is the unit, the others are above it.
class Scenario {
public:
    explicit Scenario(const char* entity)
        : catalog_(*Catalog::parse(support::ledger_catalog(), "ledger.toml")), entity_(catalog_->find(entity)) {
        REQUIRE(entity_);
    }

    Scenario& put(int id, Level level, std::uint64_t time, const char* field, const char* value,
                  std::vector<int> base = {}) {
        auto& x = add(id, level, time, base);
        const auto f = entity_->field(field);
        REQUIRE(f >= 0);
        x.group = entity_->fields[static_cast<std::size_t>(f)].group;
        const auto& group = entity_->groups[static_cast<std::size_t>(x.group)];
        x.rule = group.rule;
        x.entitled = may(group.by, level);
        x.suggest = !x.entitled && !group.refused_as.empty();
        x.fields = {{static_cast<fold::FieldNo>(f), Value::text(value).encoded()}};
        return *this;
    }

    Scenario& act(int id, Level level, std::uint64_t time, const char* transition, std::vector<int> base = {},
                  std::vector<std::pair<const char*, int>> reviewed = {}) {
        auto& x = add(id, level, time, base);
        const auto* t = entity_->workflow.find(transition);
        REQUIRE(t);
        x.group = fold::kWorkflow;
        x.op = fold::Op::transition;
        x.from = t->from;
        x.to = t->to;
        x.entitled = may(t->by, level);
        x.freezes = entity_->workflow.freezes[static_cast<std::size_t>(t->to)];
        for (const auto& [field, v] : reviewed) x.reviewed.push_back({group(field), version(v)});
        return *this;
    }

    int group(const char* field) const {
        return entity_->fields[static_cast<std::size_t>(entity_->field(field))].group;
    }

    /// The same whatever the order of arrival, and as the reference has it.
    void fold() {
        const auto groups = static_cast<int>(entity_->groups.size());
        row_ = fold::fold(changes_, groups);
        CHECK(row_ == reference::fold(changes_, groups));
        auto shuffled = changes_;
        std::reverse(shuffled.begin(), shuffled.end());
        CHECK(row_ == fold::fold(shuffled, groups));
    }

    std::string state() const { return entity_->workflow.states[static_cast<std::size_t>(row_.state)]; }
    std::string value(const char* field) const {
        const auto f = static_cast<fold::FieldNo>(entity_->field(field));
        for (const auto& [n, bytes] : row_.groups[static_cast<std::size_t>(group(field))].fields)
            if (n == f) return std::string(ValueView::of(bytes).text);
        return {};
    }
    std::vector<fold::Line> lines(LineKind kind) const {
        std::vector<fold::Line> out;
        std::copy_if(row_.lines.begin(), row_.lines.end(), std::back_inserter(out),
                     [&](const auto& l) { return l.kind == kind; });
        return out;
    }
    std::size_t line_count() const { return row_.lines.size(); }

private:
    Change& add(int id, Level level, std::uint64_t time, const std::vector<int>& base) {
        Change x;
        x.id = version(id);
        x.level = level;
        x.stamp = time;
        x.replica.bytes.fill(static_cast<std::uint8_t>(id));
        x.seq = Seq{1};
        for (const int b : base) x.base.push_back(version(b));
        changes_.push_back(std::move(x));
        return changes_.back();
    }
    static bool may(std::uint32_t by, Level level) {
        Relation r;
        r.level = level;
        r.unit = level == Level::branch;
        r.above = !r.unit;
        return r.may(by);
    }

    std::shared_ptr<const Catalog> catalog_;
    const Entity* entity_;
    std::vector<Change> changes_;
    fold::RowState row_;
};

TEST_CASE("X01 the branch's words and the superior's deadline both stand, and nobody is asked", "[fold][scenario]") {
    Scenario s("assignment");
    s.put(1, Level::township, 10, "deadline", "2025-11-30");
    s.put(2, Level::branch, 20, "result_text", "14 次");
    s.put(3, Level::township, 21, "deadline", "2025-12-10", {1});
    s.fold();
    CHECK(s.value("result_text") == "14 次");
    CHECK(s.value("deadline") == "2025-12-10");
    CHECK(s.line_count() == 0);
}

TEST_CASE("X02 a deadline that the branch changed is refused and becomes a suggestion; the rest stands",
          "[fold][scenario]") {
    Scenario s("assignment");
    s.put(1, Level::township, 10, "deadline", "2025-11-30");
    s.put(2, Level::branch, 20, "deadline", "2025-12-31", {1});
    s.put(2, Level::branch, 20, "remark", "需要时间");
    s.fold();
    CHECK(s.value("deadline") == "2025-11-30");
    CHECK(s.value("remark") == "需要时间");
    REQUIRE(s.lines(LineKind::suggestion).size() == 1);
    CHECK(s.lines(LineKind::suggestion)[0].loser == version(2));
    CHECK(s.line_count() == 1);
}

TEST_CASE("X03 what is added after the close is kept, stays out, and comes back on reopening", "[fold][scenario]") {
    Scenario s("rectification");
    s.act(1, Level::city, 10, "assign");
    s.act(2, Level::branch, 20, "acknowledge", {1});
    s.act(3, Level::branch, 30, "start", {2});
    s.put(4, Level::branch, 40, "result_text", "初稿");
    s.act(5, Level::county, 50, "close_out", {3}, {{"result_text", 4}});
    s.put(6, Level::branch, 90, "result_text", "补充", {4});
    s.fold();
    CHECK(s.state() == "已销号");
    CHECK(s.value("result_text") == "初稿");
    REQUIRE(s.lines(LineKind::after_close).size() == 1);
    CHECK(s.lines(LineKind::after_close)[0].winner == version(5));
    s.act(7, Level::city, 100, "reopen", {5});
    s.fold();
    CHECK(s.state() == "重启");
    CHECK(s.value("result_text") == "补充");
    CHECK(s.line_count() == 0);
}

TEST_CASE("X04 an application that met a return is void, whatever the clocks say, and its text is kept",
          "[fold][scenario]") {
    for (const std::uint64_t applied : {45u, 60u}) {
        Scenario s("rectification");
        s.act(1, Level::city, 10, "assign");
        s.act(2, Level::branch, 20, "acknowledge", {1});
        s.act(3, Level::branch, 30, "start", {2});
        s.put(4, Level::branch, applied, "result_text", "都做了");
        s.act(4, Level::branch, applied, "apply_close_out", {3});
        s.act(5, Level::township, 50, "return", {3});
        s.fold();
        CHECK(s.state() == "退回整改");
        CHECK(s.value("result_text") == "都做了");
        REQUIRE(s.lines(LineKind::voided).size() == 1);
        CHECK(s.lines(LineKind::voided)[0].loser == version(4));
        CHECK(s.lines(LineKind::voided)[0].winner == version(5));
    }
}

TEST_CASE("X05 two PCs of one branch: both texts stay open until somebody picks", "[fold][scenario]") {
    Scenario s("rectification");
    s.put(1, Level::branch, 10, "result_text", "A稿");
    s.put(2, Level::branch, 11, "result_text", "B稿");
    s.fold();
    CHECK(s.value("result_text") == "B稿");
    REQUIRE(s.lines(LineKind::open).size() == 1);
    CHECK(s.lines(LineKind::open)[0].loser == version(1));
    s.put(3, Level::branch, 12, "result_text", "A稿", {1, 2});
    s.fold();
    CHECK(s.value("result_text") == "A稿");
    CHECK(s.lines(LineKind::open).empty());
    REQUIRE(s.lines(LineKind::closed).size() == 1);
    CHECK(s.lines(LineKind::closed)[0].loser == version(2));
    CHECK(s.lines(LineKind::closed)[0].decided_by == version(3));
}

TEST_CASE("X07 a withdrawn task stays withdrawn; what the branch did meanwhile stays in its history",
          "[fold][scenario]") {
    Scenario s("assignment");
    s.act(1, Level::township, 10, "issue");
    s.act(2, Level::branch, 20, "acknowledge", {1});
    s.act(3, Level::city, 30, "withdraw", {2});
    s.act(4, Level::branch, 40, "start", {2});
    s.fold();
    CHECK(s.state() == "已撤回");
    REQUIRE(s.lines(LineKind::voided).size() == 1);
    CHECK(s.lines(LineKind::voided)[0].loser == version(4));
    // The report is a row of its own and is touched by none of this.
    Scenario report("progress_report");
    report.put(5, Level::branch, 35, "text", "离线填报");
    report.fold();
    CHECK(report.value("text") == "离线填报");
    CHECK(report.line_count() == 0);
}

TEST_CASE("X09 a clock of 2019 does not lose to what it had seen, nor one of 2099 win over it", "[fold][scenario]") {
    Scenario s("assignment");
    s.put(1, Level::branch, 1000, "remark", "先写");
    s.put(2, Level::branch, 5, "remark", "后写,时钟坏了", {1});
    s.fold();
    CHECK(s.value("remark") == "后写,时钟坏了");
    Scenario future("assignment");
    future.put(1, Level::branch, 1'000'000, "remark", "时钟快了");
    future.put(2, Level::township, 50, "remark", "看过再改", {1});
    future.fold();
    CHECK(future.value("remark") == "看过再改");
    CHECK(future.line_count() == 0);
}

TEST_CASE("X11 reported and verified values never meet in one field", "[fold][scenario]") {
    const auto catalog = *Catalog::parse(support::ledger_catalog(), "ledger.toml");
    CHECK(catalog->find("assignment")->field("value") < 0);
    CHECK(catalog->find("progress_report")->field("verified_value") < 0);
    CHECK(catalog->find("verification")->field("value") < 0);
    Scenario branch("verification");
    branch.put(1, Level::county, 10, "verified_value", "15.5");
    branch.put(2, Level::branch, 20, "verified_value", "30.0", {1});
    branch.fold();
    CHECK(branch.value("verified_value") == "15.5");
    CHECK(branch.lines(LineKind::refused).size() == 1);
}

TEST_CASE("X12 a report from before the reminder counts as self-started, whenever it came", "[fold][scenario]") {
    ledger::Facts f;
    ledger::UnitFact unit;
    unit.id = "B01";
    unit.short_name = "B01";
    unit.level = Level::branch;
    f.units = {unit};
    ledger::AssignmentFact a;
    a.id = "A1";
    a.unit_id = "B01";
    a.level = Level::branch;
    f.assignments = {a};
    f.pushes = {{"A1", "B01", 2000}};
    ledger::ReportFact report;
    report.id = "R1";
    report.assignment_id = "A1";
    report.unit_id = "B01";
    report.substantive = true;
    report.occurred_at = 1999;  // on the device's log; synced days later
    f.reports = {report};
    CHECK(ledger::compute_metrics(f, {"B01"}).by_scope.at("B01").d4_driven.hits == 0);
    f.reports[0].occurred_at = 2001;
    CHECK(ledger::compute_metrics(f, {"B01"}).by_scope.at("B01").d4_driven.hits == 1);
}

}  // namespace
}  // namespace taizhang::scenarios_test
