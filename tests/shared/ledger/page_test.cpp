#include "ledger/page.h"

#include "ledger/import.h"
#include "ledger/ledger.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <set>
#include <string>

namespace taizhang::ledger::page_test {
namespace {

using support::World;

TEST_CASE("page: a list is counted whole and cut to what was asked for", "[page]") {
    support::Device d(1);
    const auto city = read_city_file(std::string(TZ_SOURCE_DIR) + "/schema/demo/yunxiu.json");
    REQUIRE(city.has_value());
    REQUIRE(import_city(*d, *city, support::ledger_catalog(), {}).has_value());
    auto ask = [&](PageQuery q) {
        auto r = page(*d, q);
        if (!r) FAIL(r.error().detail);
        return std::move(*r);
    };
    PageQuery q;
    q.what = "assignments";
    q.limit = 10;
    const auto first = ask(q);
    CHECK(first.at("total").to_number<int>() == 353);
    CHECK(first.at("rows").as_array().size() == 10);
    q.offset = 350;
    const auto last = ask(q);
    CHECK(last.at("rows").as_array().size() == 3);
    q.offset = 0;
    q.states = {"待复审", "退回"};
    q.limit = 500;
    const auto states = ask(q);
    CHECK(states.at("total").to_number<int>() == 24);
    for (const auto& r : states.at("rows").as_array())
        CHECK((r.at("status").as_string() == "待复审" || r.at("status").as_string() == "退回"));
    q.states.clear();
    q.unit = "K1";
    const auto county = ask(q);
    for (const auto& r : county.at("rows").as_array())
        CHECK(d->control().is_at_or_below(std::string(r.at("unit_id").as_string()), "K1", d->control().head()));
    q.unit.clear();
    q.search = "A0019";
    const auto one = ask(q);
    REQUIRE(one.at("total").to_number<int>() == 1);
    const auto& row = one.at("rows").as_array().front().as_object();
    CHECK(row.at("unit_id").as_string() == "B03");
    CHECK_FALSE(row.at("title").as_string().empty());
    CHECK(row.contains("light"));
    q.search = "'; DROP TABLE task; --";
    CHECK(ask(q).at("total").to_number<int>() == 0);
    q.unit = "nowhere";
    CHECK(page(*d, q).error().code == Errc::not_found);
    q.what = "secrets";
    CHECK(page(*d, q).error().code == Errc::usage);
    CHECK(units(*d, {{"B03", "pc", 0}}).size() == 42);
}

TEST_CASE("page: what nobody has checked, and where nobody has given guidance", "[page]") {
    support::Device d(1);
    const auto city = read_city_file(std::string(TZ_SOURCE_DIR) + "/schema/demo/yunxiu.json");
    REQUIRE(city.has_value());
    REQUIRE(import_city(*d, *city, support::ledger_catalog(), {}).has_value());
    auto named = [&](const char* list) {
        std::set<std::string> ids;
        for (const auto& o : city->of(list)) ids.insert(std::string(o.at("assignment_id").as_string()));
        return ids;
    };
    const auto reported = named("progress_reports"), verified = named("verifications"), guided = named("guidance");
    std::set<std::string> unchecked, unguided;
    for (const auto& a : city->of("assignments")) {
        const std::string id(a.at("id").as_string());
        if (reported.contains(id) && !verified.contains(id)) unchecked.insert(id);
        if (!guided.contains(id)) unguided.insert(id);
    }
    REQUIRE((!unchecked.empty() && !unguided.empty() && unchecked != unguided));
    auto ids_of = [&](PageQuery q) {
        q.what = "assignments";
        q.limit = kPageMax;
        const auto found = page(*d, q);
        REQUIRE(found.has_value());
        std::set<std::string> ids;
        for (const auto& r : found->at("rows").as_array()) ids.insert(std::string(r.at("id").as_string()));
        CHECK(found->at("total").to_number<std::size_t>() == ids.size());
        return ids;
    };
    PageQuery q;
    q.unchecked = true;
    CHECK(ids_of(q) == unchecked);
    q.unguided = true;  // both
    for (const auto& id : ids_of(q)) CHECK((unchecked.contains(id) && unguided.contains(id)));
    q.unchecked = false;
    CHECK(ids_of(q) == unguided);
    q.what = "rectifications";
    CHECK(page(*d, q).error().code == Errc::usage);
}

TEST_CASE("new: a help request gets an id, its unit and its time, and goes up; those above answer", "[create]") {
    World w;
    auto b = w.device("B01");
    Ledger branch(**b);
    const auto asked = branch.create("help_request", {{"text", "缺少会议室"}}, "村支书");
    REQUIRE(asked.has_value());
    CHECK(asked->record.starts_with("H-"));
    w.sync(*b);
    const auto row = w.city->read_row("help_request", asked->record);
    REQUIRE(row.has_value());
    CHECK(row->stream.str() == "B01/ledger");
    CHECK(w.city.field(asked->record, "unit_id") == "B01");
    CHECK_FALSE(w.city.field(asked->record, "asked_at").empty());
    Ledger city(*w.city);
    REQUIRE(
        city.set(asked->record, {{"answer", "已协调"}, {"answered_at", "2025-11-02T09:00:00+08:00"}}, "").has_value());
    w.sync(*b);
    CHECK(b->field(asked->record, "answer") == "已协调");
}

TEST_CASE("new: what is not in the catalog, not filled in or marked as secret is refused, and nothing is written",
          "[create]") {
    World w;
    auto b = w.device("B01");
    Ledger branch(**b);
    const auto before = (*b)->log_head().value;
    CHECK(branch.create("no_such", {{"text", "x"}}, "").error().code == Errc::not_found);
    CHECK(branch.create("help_request", {{"colour", "x"}}, "").error().code == Errc::not_found);
    CHECK(branch.create("rectification", {{"source_type", "自查"}}, "").error().code == Errc::bad_input);
    CHECK(branch.create("help_request", {{"text", "【机密】"}}, "").error().code == Errc::bad_input);
    CHECK(branch.create("attendance", {{"remark", "x"}}, "").error().code == Errc::bad_input);  // of which meeting?
    CHECK(branch.create("help_request", {{"unit_id", "nowhere"}, {"text", "x"}}, "").error().code == Errc::not_found);
    CHECK((*b)->log_head().value == before);
}

}  // namespace
}  // namespace taizhang::ledger::page_test
