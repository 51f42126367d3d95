#include "ledger/issue.h"

#include "ledger/import.h"
#include "ledger/overview.h"
#include "ledger/page.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <set>

namespace taizhang::ledger::issue_test {
namespace {

namespace json = boost::json;

void load_demo(support::Device& d) {
    const auto city = read_city_file(std::string(TZ_SOURCE_DIR) + "/schema/demo/yunxiu.json");
    REQUIRE(city.has_value());
    REQUIRE(import_city(*d, *city, support::ledger_catalog(), {}).has_value());
}

IssueInput survey() {
    IssueInput in;
    in.fields = {{"title", "基层阵地建设摸底"},      {"deadline", "2025-12-20"},
                 {"indicator", "摸底完成项"},        {"target_value", "4"},
                 {"report_frequency", "双月"},       {"fields_to_fill", "3"},
                 {"applies_to_fields", "[\"农村\"]"}};
    in.level = "branch";
    return in;
}

json::object done(Replica& r, const IssueInput& in) {
    auto out = issue(r, in);
    if (!out) FAIL(out.error().detail);
    return std::move(*out);
}

TEST_CASE("issue: the preview writes nothing and says what the act then does", "[issue]") {
    support::Device d(1);
    load_demo(d);
    const auto head = d->log_head();
    auto in = survey();
    in.dry_run = true;
    const auto preview = done(*d, in);
    CHECK(d->log_head() == head);
    CHECK(preview.at("reached").to_number<int>() == 7);
    std::int64_t sum = 0;
    for (const auto& u : preview.at("by_unit").as_array()) sum += u.at("reached").to_number<int>();
    CHECK(sum == 7);
    const auto& burden = preview.at("burden").as_object();
    CHECK(burden.at("forms_per_month_all").to_number<double>() == Approx(3.5));
    CHECK(burden.at("fields_per_month").to_number<double>() == Approx(1.5));

    in.dry_run = false;
    const auto made = done(*d, in);
    CHECK(made.at("made").to_number<int>() == 7);
    PageQuery q;
    q.what = "assignments";
    q.task = std::string(made.at("record").as_string());
    const auto rows = page(*d, q);
    REQUIRE(rows.has_value());
    CHECK(rows->at("total").to_number<int>() == 7);
    for (const auto& row : rows->at("rows").as_array()) {
        CHECK(row.at("status").as_string() == "待签收");
        CHECK(row.at("deadline").as_string() == "2025-12-20");
    }
}

TEST_CASE("issue: handing a task down again reaches only those that do not have it", "[issue]") {
    support::Device d(1);
    load_demo(d);
    auto in = survey();
    in.under = "K2";
    const auto first = done(*d, in);
    IssueInput again;
    again.task = std::string(first.at("record").as_string());
    again.level = "branch";
    const auto second = done(*d, again);
    CHECK(first.at("made").to_number<int>() + second.at("made").to_number<int>() == 7);
    CHECK(second.at("already").to_number<int>() == first.at("made").to_number<int>());
    const auto third = issue(*d, again);
    CHECK(third.error().code == Errc::bad_input);
}

TEST_CASE("issue: what is asked already is named, faults say the field", "[issue]") {
    support::Device d(1);
    load_demo(d);
    auto in = survey();
    for (auto& [name, value] : in.fields)
        if (name == "indicator") value = "整顿措施完成项";
    in.dry_run = true;
    const auto preview = done(*d, in);
    REQUIRE(preview.at("same").as_array().size() == 1);
    CHECK(preview.at("same").as_array().front().at("id").as_string() == "T2025-02");
    CHECK_FALSE(preview.at("same").as_array().front().at("asked").as_bool());  // in another unit of measure

    // The same figure in the same unit and period is asked once: said before, and refused.
    const auto of = d->read_row("task", "T2025-02");
    REQUIRE(of.has_value());
    auto again = in;
    for (const auto& [name, value] : of->fields)
        if (name == "indicator_unit") again.fields.emplace_back(name, value.display());
    for (const bool dry : {true, false}) {
        again.dry_run = dry;
        const auto line = issue(*d, again).error().detail;
        CHECK(line.starts_with("indicator: "));
        CHECK(line.find("T2025-02") != std::string::npos);
    }
    again.fields.emplace_back("same_as_task_id", "T2025-02");
    const auto reads = done(*d, again);
    CHECK(reads.at("made").to_number<int>() == 0);
    CHECK(reads.at("answered_by").as_string() == "T2025-02");
    IssueInput down;
    down.task = std::string(reads.at("record").as_string());
    down.level = "branch";
    CHECK(issue(*d, down).error().detail.find("T2025-02") != std::string::npos);
    again.fields.back().second.clear();
    again.fields.emplace_back("period", "2026");
    CHECK(done(*d, again).at("made").to_number<int>() > 0);

    auto zero = survey();
    for (auto& [name, value] : zero.fields)
        if (name == "target_value") value = "0";
    zero.dry_run = true;
    CHECK(issue(*d, zero).error().detail.starts_with("target_value: "));

    auto bad = survey();
    for (auto& [name, value] : bad.fields)
        if (name == "target_value") value = "很多";
    const auto head = d->log_head();
    CHECK(issue(*d, bad).error().detail.starts_with("target_value: "));
    bad.fields.erase(bad.fields.begin());
    CHECK(issue(*d, bad).error().detail.starts_with("title: "));
    CHECK(d->log_head() == head);
}

TEST_CASE("issue: the scope's kinds of units and the issuer's own form fields count", "[issue]") {
    support::Device d(1);
    load_demo(d);
    auto in = survey();
    in.dry_run = true;
    const auto before = done(*d, in);
    in.fields.emplace_back("unit_types", "[\"党委\"]");
    in.fields.emplace_back("extra_fields", R"([{"name":"人数","type":"number"},{"name":"日期","type":"date"}])");
    CHECK(done(*d, in).at("reached").to_number<int>() == 0);
    in.fields[in.fields.size() - 2].second = "[\"支部\"]";
    const auto after = done(*d, in);
    CHECK(after.at("reached") == before.at("reached"));
    CHECK(after.at("burden").at("fields_per_month").to_number<double>() == Approx(2.5));
}

TEST_CASE("issue: of two drafts that ask for the same, the second is not issued", "[issue]") {
    support::World w;
    Ledger l(*w.city);
    std::vector<std::string> drafts;
    for (const char* title : {"甲", "乙"})
        drafts.push_back(
            l.create("task", {{"title", title}, {"indicator", "走访户数"}, {"indicator_unit", "户"}}, "")->record);
    REQUIRE(l.act("issue", drafts[0], {}, "").has_value());
    const auto line = l.act("issue", drafts[1], {}, "").error().detail;
    CHECK(line.find(drafts[0]) != std::string::npos);
    CHECK(line.find("甲") != std::string::npos);
}

TEST_CASE("page: a sample can be drawn again by whoever has its seed", "[page]") {
    support::Device d(1);
    load_demo(d);
    auto ids = [&](const std::string& seed) {
        PageQuery q;
        q.what = "assignments";
        q.sample = 10;
        q.seed = seed;
        const auto r = page(*d, q);
        REQUIRE(r.has_value());
        std::set<std::string> out;
        for (const auto& row : r->at("rows").as_array()) out.emplace(row.at("id").as_string());
        return out;
    };
    CHECK(ids("a").size() == 10);
    CHECK(ids("a") == ids("a"));
    CHECK(ids("a") != ids("b"));
}

TEST_CASE("overview: every assignment below a county is in one cell, with what was verified", "[overview]") {
    support::Device d(1);
    load_demo(d);
    StoredFacts facts(*d);
    const auto o = overview(facts, {});
    REQUIRE(o.has_value());
    std::int64_t n = 0, lights = 0, verified = 0;
    for (const auto& c : o->at("cells").as_array()) {
        n += c.at("n").to_number<int>();
        for (const auto& [name, count] : c.at("lights").as_object()) lights += count.to_number<int>();
        verified += c.at("n_verified").to_number<int>();
        if (c.at("n_verified").to_number<int>() == 0) CHECK(c.at("verified_mean").is_null());
    }
    CHECK(n == 353);
    CHECK(lights == n);
    CHECK(verified == 131);
    CHECK(o->at("tasks").as_array().size() == 15);
    REQUIRE_FALSE(o->at("months").as_array().empty());
    CHECK(overview(facts, "nowhere").error().code == Errc::not_found);
    const auto county = overview(facts, "K1");
    REQUIRE(county.has_value());
    CHECK(county->at("units").as_array().size() >= 2);
}

}  // namespace
}  // namespace taizhang::ledger::issue_test
