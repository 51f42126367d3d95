#include "ledger/import.h"

#include "ledger/ledger.h"
#include "ledger/lights.h"
#include "ledger/review.h"
#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <cstdio>
#include <fstream>

namespace taizhang::ledger::import_test {
namespace {

namespace json = boost::json;
using support::Device;
using support::read_file;

const std::string kDemo = std::string(TZ_SOURCE_DIR) + "/schema/demo/yunxiu.json";
constexpr std::int64_t kNow = 1'762'423'200'000;  // 2025-11-06T18:00:00+08:00

CityFile city_of(const std::string& path) {
    auto c = read_city_file(path);
    if (!c) FAIL(c.error().detail);
    return std::move(*c);
}

ImportReport import_into(Device& d, const CityFile& city) {
    auto r = import_city(*d, city, support::ledger_catalog(), {});
    if (!r) FAIL(r.error().detail);
    return *r;
}

/// Every figure that the file expects, equal or null as there.
void check_expected(const json::object& review, const json::object& file) {
    const auto& expected = file.at("expected_metrics").as_object();
    for (const char* part : {"by_scope", "D3_attendance"}) {
        const auto& ours = review.at("metrics").at(part).as_object();
        REQUIRE(expected.at(part).as_object().size() > 0);
        for (const auto& [name, wanted] : expected.at(part).as_object()) {
            INFO(part << " " << name);
            REQUIRE(ours.contains(name));
            for (const auto& [key, value] : wanted.as_object()) {
                INFO(key);
                REQUIRE(ours.at(name).as_object().contains(key));
                CHECK(json::serialize(ours.at(name).at(key)) == json::serialize(value));
            }
        }
    }
}

TEST_CASE("the demo city comes in as commits and gives exactly the figures that it expects", "[import]") {
    Device d(1);
    const auto report = import_into(d, city_of(kDemo));
    CHECK(report.units == 42);
    CHECK(report.records > 1500);
    CHECK(report.commits >= report.records);
    CHECK(report.ignored.empty());
    const auto r = review(*d, "", kNow);
    REQUIRE(r.has_value());
    check_expected(*r, json::parse(read_file(kDemo)).as_object());
    const auto verified = d->verify();
    REQUIRE(verified.has_value());
    CHECK(static_cast<std::size_t>(*verified) == report.commits);
    // Nothing of an import is refused or in conflict.
    CHECK(d->conflicts()->empty());
    CHECK(d->waiting()->empty());
}

TEST_CASE("each record is a commit of the unit that would have written it", "[import]") {
    Device d(2);
    import_into(d, city_of(kDemo));
    auto author_of = [&](const std::string& id, std::size_t n) { return d->read_row({}, id)->history.at(n).unit; };
    CHECK(author_of("R0001", 0) == "B01");
    CHECK(author_of("T2025-01", 0) == "C-ZZB");
    CHECK(author_of("V0001", 0) == "K1");
    CHECK(author_of("P0001", 0) == "K1-01");
    CHECK(author_of("A0017", 0) == "K1-01");
    const auto asked = d->read_row({}, "H0001");
    REQUIRE(asked->history.size() == 2);
    CHECK(asked->history[0].unit == "B06");
    CHECK(asked->history[1].unit == "K2-01");
    CHECK(d->read_row({}, "ZG2025-02")->state == "整改中");
    CHECK(d->read_row({}, "A0017")->stream.str() == "B01/ledger");
    CHECK(d->read_row({}, "T2025-01")->stream.str() == "C/notice");
    CHECK(d->read_row({}, "u-city-1")->stream.unit == "C-DJB");
}

TEST_CASE("another city of the same form comes in as well", "[import]") {
    auto file = json::parse(read_file(kDemo)).as_object();
    auto text = json::serialize(file);
    // Other names and ids everywhere; the figures keep their values under the new names.
    auto rename = [&](const std::string& from, const std::string& to) {
        for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
            text.replace(at, from.size(), to);
    };
    rename("\"K3\"", "\"望-03\"");
    rename("望岚县", "东洲县");
    rename("云岫市", "临江市");
    rename("\"B05\"", "\"支部五\"");
    const std::string path = support::scratch("tz-import-test.json");
    std::ofstream(path) << text;
    Device d(3);
    import_into(d, city_of(path));
    const auto r = review(*d, "", kNow);
    REQUIRE(r.has_value());
    check_expected(*r, json::parse(text).as_object());
    CHECK(r->at("metrics").at("by_scope").as_object().contains("东洲县"));
    std::remove(path.c_str());
}

TEST_CASE("a review of one unit is about it and what is below", "[review]") {
    Device d(4);
    import_into(d, city_of(kDemo));
    const auto r = review(*d, "K1", kNow);
    REQUIRE(r.has_value());
    CHECK(r->at("metrics").at("by_scope").as_object().contains("青垣区"));
    for (const auto& u : r->at("units").as_array())
        CHECK(d->control().is_at_or_below(std::string(u.at("id").as_string()), "K1", d->control().head()));
    CHECK(review(*d, "K99", kNow).has_error());
}

TEST_CASE("figures that are kept row by row are those of the tables", "[review][import]") {
    Device d(6);
    import_into(d, city_of(kDemo));
    StoredFacts kept(*d);
    const auto same = [&] {
        const auto ours = review(kept, "", kNow), anew = review(*d, "", kNow);
        REQUIRE(ours.has_value());
        REQUIRE(anew.has_value());
        CHECK(json::serialize(*ours) == json::serialize(*anew));
        return json::serialize(*ours);
    };
    const auto before = same();
    std::uint64_t noise = 7;
    const auto pick = [&](std::size_t n) {
        noise = noise * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::size_t>(noise >> 33) % n;
    };
    const auto ids_of = [&](const char* entity) {
        std::vector<std::string> out;
        auto s = d->database().prepare(std::string("SELECT id FROM ") + entity + " ORDER BY id", false);
        while (*s->step()) out.emplace_back(s->text(0));
        return out;
    };
    const auto assignments = ids_of("assignment"), verifications = ids_of("verification"), tasks = ids_of("task");
    Ledger ledger(*d);
    std::size_t done = 0;
    for (int i = 0; i < 120; ++i) {
        const auto& a = assignments[pick(assignments.size())];
        Result<Saved> saved = fail(Errc::usage, "");
        switch (pick(6)) {
            case 0: saved = ledger.set(a, {{"deadline", "2025-1" + std::to_string(pick(3)) + "-15"}}, ""); break;
            case 1:
                saved = ledger.set(verifications[pick(verifications.size())],
                                   {{"verified_value", std::to_string(pick(40))}}, "");
                break;
            case 2:
                saved = ledger.set(tasks[pick(tasks.size())], {{"target_value", std::to_string(1 + pick(50))}}, "");
                break;
            case 3: saved = ledger.act("suspend", a, {{"reason", "停一停"}}, ""); break;
            case 4:
                saved = ledger.set(a, {{"forwarded_at", "2025-10-0" + std::to_string(1 + pick(9)) + "T09:00:00+08:00"}},
                                   "");
                break;
            default:
                saved = ledger.create("push",
                                      {{"assignment_id", a},
                                       {"unit_id", d.field(a, "unit_id")},
                                       {"at", "2025-10-2" + std::to_string(pick(9)) + "T09:00:00+08:00"}},
                                      "");
        }
        done += saved.has_value();
        if (i % 10 == 9) same();
    }
    CHECK(done > 40);
    CHECK(same() != before);
    // The tree moves, and rows go.
    REQUIRE(
        d->append_control("unit", R"({"id":"B01","parent_id":"K2-01","level":"branch","name":"支部","field":"农村"})")
            .has_value());
    same();
}

TEST_CASE("lights follow from state and dates", "[review]") {
    const auto catalog = Catalog::parse(support::ledger_catalog(), "ledger.toml");
    const auto& flow = (*catalog)->find("assignment")->workflow;
    auto light = [&](const char* state, const char* deadline, double value = 0, double target = 0) {
        return light_of(flow, {state, deadline, "2025-03-05T09:00:00+08:00", value, target, kNow});
    };
    CHECK(light("办理中", "2025-11-05") == Light::red);
    CHECK(light("办理中", "2025-11-06") == Light::yellow);  // today still counts
    CHECK(light("办理中", "2025-11-19") == Light::yellow);  // fourteen days
    CHECK(light("办理中", "2026-12-20") == Light::green);
    CHECK(light("办理中", "2026-01-20", 1, 10) == Light::yellow);  // behind schedule
    CHECK(light("办理中", "2026-01-20", 9, 10) == Light::green);
    CHECK(light("待初审", "2025-11-05") == Light::blue);
    CHECK(light("已办结", "2025-11-05") == Light::green);
    CHECK(light("已中止", "2025-11-05") == Light::grey);
    CHECK(light("已撤回", "2025-11-05") == Light::grey);
    CHECK(light("已撤回", "2026-12-20", 9, 10) == Light::grey);
    CHECK(light("办理中", "") == Light::green);
}

}  // namespace
}  // namespace taizhang::ledger::import_test
