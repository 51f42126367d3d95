#include "ledger/metrics.h"
#include "ledger/city_facts.h"
#include "ledger/fact_table.h"
#include "ledger/metrics_json.h"
#include "ledger/times.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <catch2/catch.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <random>
#include <set>

namespace taizhang::metrics_test {
using namespace taizhang::ledger;
namespace json = boost::json;

namespace {

// A small city of random records, with every boundary hit often: reports at the same second, reports after the
// verification, exactly 24 and 96 hours, exactly 60 and 61 days, likeness of exactly 0.9, shares of exactly 0.995.
class RandomCity {
public:
    explicit RandomCity(std::uint32_t seed) : random_(seed) {}

    json::object make() {
        // All lists first: a new key would move the ones that are being walked.
        for (const char* name : {"units", "tasks", "assignments", "progress_reports", "verifications", "pushes",
                                 "guidance", "help_requests", "meetings"})
            city_[name] = json::array{};
        units();
        tasks();
        assignments();
        reports();
        around_assignments();
        meetings();
        return city_;
    }

private:
    int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    bool one_in(int n) { return below(n) == 0; }
    template <class T>
    T pick(std::initializer_list<T> of) {
        return *(of.begin() + below(static_cast<int>(of.size())));
    }
    json::array& list(const char* name) { return city_.at(name).as_array(); }
    std::string time(Seconds s) {
        // Several offsets for the same instant: text must not be compared.
        if (one_in(3)) return format_local(s * 1000);
        const auto local = format_local((s - 8 * 3600) * 1000);
        return local.substr(0, 19) + pick<const char*>({"Z", "+00:00", "-00:00"});
    }
    static std::string numbered(const char* prefix, std::size_t n) { return prefix + std::to_string(n); }

    void unit(const std::string& id, const std::string& parent, const char* level) {
        json::object u{
            {"id", id}, {"parent_id", parent}, {"name", "单位" + id}, {"level", level}, {"short", "短" + id}};
        if (std::string_view(level) == "township") u["field"] = "农村";  // no branch, so nothing is expected of it
        if (std::string_view(level) == "branch") {
            u["field"] = one_in(8) ? json::value(nullptr)
                                   : json::value(pick<const char*>({"农村", "机关", "非公企业", "社会组织"}));
            if (!one_in(6)) u["is_demo_point"] = one_in(3);
            if (!one_in(6)) u["emerging"] = one_in(2);
        }
        units_.push_back(id);
        list("units").push_back(u);
    }
    void units() {
        unit("C", "", "city");
        unit("C-X", "C", "city");
        for (int k = 0; k < 3; ++k) {
            const auto county = numbered("K", static_cast<std::size_t>(k));
            unit(county, "C", "county");
            for (int t = 0; t < 2; ++t) {
                const auto township = county + "-" + std::to_string(t);
                unit(township, county, "township");
                for (int b = 0; b < 1 + below(3); ++b) unit(township + "-" + std::to_string(b), township, "branch");
            }
        }
        unit("K9", "C", "county");  // a county with nothing below it
        unit("B-direct", "K0", "branch");
        unit("B-city", "C-X", "branch");
        unit("K-inner", "K0", "county");  // of level county, but not directly below the root
        unit("B-inner", "K-inner", "branch");
    }
    void tasks() {
        for (int t = 0; t < 6; ++t) {
            issued_.push_back(kStart + below(30) * 3'600);
            json::array fields;
            for (const char* f : {"农村", "机关", "非公企业", "社会组织", "农村"})
                if (one_in(2)) fields.push_back(f);
            json::object task{{"id", numbered("T", static_cast<std::size_t>(t))},
                              {"title", "任务"},
                              {"issued_at", time(issued_.back())},
                              {"target_value", pick<json::value>({4, 200, 12.5, 1000, 1000})},
                              {"applies_to_fields", fields}};
            if (one_in(3)) task["landing_days"] = pick({30, 90});
            list("tasks").push_back(task);
        }
    }
    void assignments() {
        for (const auto& u : list("units"))
            for (const auto& t : list("tasks")) {
                if (one_in(4)) continue;
                for (int copies = one_in(12) ? 2 : 1; copies > 0; --copies) {
                    const auto received = kStart + below(10) * 86'400 + below(3) * 3'600;
                    json::object a{{"id", numbered("A", list("assignments").size())},
                                   {"task_id", t.at("id")},
                                   {"unit_id", u.at("id")},
                                   {"parent_assignment_id", nullptr},
                                   {"received_at", time(received)},
                                   {"forwarded_at", nullptr},
                                   {"forward_text_similarity", nullptr},
                                   {"status", pick<const char*>({"办理中", "已办结", "已撤回"})},
                                   {"level", u.at("level")}};
                    if (one_in(2)) {
                        a["forwarded_at"] = time(received + pick({-3'600, 0, 3'600, 86'399, 86'400, 86'401, 200'000}));
                        if (!one_in(5)) a["forward_text_similarity"] = pick({0.89, 0.9, 0.91, 1.0, 0.2});
                    }
                    list("assignments").push_back(a);
                }
            }
    }
    void reports() {
        for (const auto& a : list("assignments"))
            for (int n = below(5); n > 0; --n) {
                const auto task = static_cast<std::size_t>(a.at("task_id").as_string().at(1) - '0');
                const auto at = issued_[task] + pick<Seconds>({-5, 10, 30, 31, 60, 60, 61, 61, 62, 90, 91}) * 86'400 +
                                pick<Seconds>({0, 0, 0, 3'600, 86'399});
                list("progress_reports")
                    .push_back(json::object{{"id", numbered("R", list("progress_reports").size())},
                                            {"assignment_id", a.at("id")},
                                            {"task_id", a.at("task_id")},
                                            {"unit_id", unit_near(a)},
                                            {"occurred_at", time(at)},
                                            {"value", amount()},
                                            {"claims_complete", one_in(2)},
                                            {"substantive", !one_in(3)}});
                last_report_[a.at("id").as_string().c_str()] = at;
            }
    }
    json::value amount() {
        return pick<json::value>({0, -3, 3, 3.98, 3.979, 4, 5, 199, 995, 994.9, 1000, 12.4375, 0.1, 77.7});
    }
    /// Mostly the assignment's unit; after a merger of units it is another one.
    json::value unit_near(const json::value& a) {
        if (!one_in(15)) return a.at("unit_id");
        return json::string(units_[static_cast<std::size_t>(below(static_cast<int>(units_.size())))]);
    }
    void around_assignments() {
        for (const auto& a : list("assignments")) {
            const auto it = last_report_.find(a.at("id").as_string().c_str());
            const auto anchor = it == last_report_.end() ? kStart : it->second;
            for (int n = one_in(3) ? 1 + below(2) : 0; n > 0; --n)
                list("verifications")
                    .push_back(json::object{{"id", numbered("V", list("verifications").size())},
                                            {"assignment_id", a.at("id")},
                                            {"task_id", a.at("task_id")},
                                            {"unit_id", unit_near(a)},
                                            {"at", time(anchor + pick<Seconds>({-86'400, -1, 0, 0, 1, 864'000}))},
                                            {"verified_value", amount()}});
            for (int n = below(3); n > 0; --n)
                list("pushes").push_back(
                    json::object{{"id", numbered("P", list("pushes").size())},
                                 {"assignment_id", a.at("id")},
                                 {"unit_id", unit_near(a)},
                                 {"at", time(anchor - pick<Seconds>({-1, 0, 1, 345'599, 345'600, 345'601, 900'000}))}});
            if (one_in(4))
                list("guidance")
                    .push_back(json::object{{"id", numbered("G", list("guidance").size())},
                                            {"assignment_id", a.at("id")},
                                            {"unit_id", "C"},
                                            {"at", time(anchor)}});
        }
    }
    void meetings() {
        json::array rows;
        for (const auto& u : units_) {
            if (one_in(2)) continue;
            json::object row{{"unit_id", u},
                             {"status", pick<const char*>({"本人到会", "委托代会", "缺席", "请假"})},
                             {"late_min", pick<json::value>({0, 10, 11, 10.5, 90})}};
            if (one_in(2)) row["leave_approved"] = one_in(2);
            rows.push_back(row);
            if (one_in(4)) rows.push_back(row);
        }
        list("meetings").push_back(json::object{{"id", "M1"}, {"at", time(kStart)}, {"attendance", rows}});
    }

    static constexpr Seconds kStart = 1'740'000'000;
    std::mt19937 random_;
    json::object city_;
    std::vector<std::string> units_;
    std::vector<Seconds> issued_;
    std::map<std::string, Seconds> last_report_;
};

// The same figures once more, slowly and straight from the definitions of docs/METRICS.md: loops over JSON, no index,
// no shared code but the reading of times.
class SlowFigures {
public:
    explicit SlowFigures(const json::object& city) : city_(city) {}

    json::object all() const {
        json::object by_scope, attendance;
        for (const auto& u : list("units"))
            if (text(u, "parent_id").empty() || (text(u, "level") == "county" && text(u, "parent_id") == "C"))
                by_scope[text(u, "short")] = scope(text(u, "id"));
        for (const auto& u : list("units"))
            if (auto rows = attendance_of(text(u, "id")); rows.at("meetings") != 0) attendance[text(u, "short")] = rows;
        return {{"by_scope", by_scope}, {"D3_attendance", attendance}};
    }

private:
    struct Verified {
        json::value task, unit;
        double v, r;
        bool claims;
    };

    const json::array& list(const char* name) const { return city_.at(name).as_array(); }
    static std::string text(const json::value& o, const char* key) {
        const auto* v = o.as_object().if_contains(key);
        return v && v->is_string() ? std::string(v->as_string()) : std::string();
    }
    static bool flag(const json::value& o, const char* key) {
        const auto* v = o.as_object().if_contains(key);
        return v && v->is_bool() && v->as_bool();
    }
    static double number(const json::value& o, const char* key) { return o.at(key).to_number<double>(); }
    static Seconds at(const json::value& o, const char* key) { return *parse_time_seconds(text(o, key)); }
    const json::value& by_id(const char* name, const std::string& id) const {
        for (const auto& o : list(name))
            if (text(o, "id") == id) return o;
        throw std::runtime_error("no " + id);
    }
    bool within(const std::string& unit, const std::string& scope) const {
        for (auto id = unit; !id.empty(); id = text(by_id("units", id), "parent_id"))
            if (id == scope) return true;
        return false;
    }
    static double share(double value, double target) { return std::max(0.0, std::min(1.0, value / target)); }
    static json::value mean(const std::vector<double>& v) {
        if (v.empty()) return nullptr;
        return static_cast<double>(std::accumulate(v.begin(), v.end(), 0.0L) / static_cast<long double>(v.size()));
    }
    static json::value median(std::vector<double> v) {
        if (v.empty()) return nullptr;
        std::sort(v.begin(), v.end());
        const auto n = v.size();
        return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
    }
    static json::value minus(const json::value& a, const json::value& b) {
        if (a.is_null() || b.is_null()) return nullptr;
        return a.as_double() - b.as_double();
    }
    static json::value share_of(int hits, int of) {
        if (of == 0) return nullptr;
        return static_cast<double>(hits) / of;
    }

    std::vector<Verified> verified(const std::string& scope) const {
        std::vector<Verified> out;
        for (const auto& v : list("verifications")) {
            if (!within(text(v, "unit_id"), scope)) continue;
            const json::value* latest = nullptr;
            for (const auto& r : list("progress_reports")) {
                if (text(r, "assignment_id") != text(v, "assignment_id") || at(r, "occurred_at") > at(v, "at"))
                    continue;
                if (!latest || at(r, "occurred_at") > at(*latest, "occurred_at") ||
                    (at(r, "occurred_at") == at(*latest, "occurred_at") && text(r, "id") > text(*latest, "id")))
                    latest = &r;
            }
            if (!latest) continue;
            const auto& task = by_id("tasks", text(v, "task_id"));
            const double target = number(task, "target_value");
            out.push_back({task, by_id("units", text(v, "unit_id")), share(number(v, "verified_value"), target),
                           share(number(*latest, "value"), target), flag(*latest, "claims_complete")});
        }
        return out;
    }

    template <class Keep>
    static std::vector<double> shares(const std::vector<Verified>& all, Keep keep) {
        std::vector<double> out;
        for (const auto& v : all)
            if (keep(v)) out.push_back(v.v);
        return out;
    }

    json::object scope(const std::string& id) const {
        json::object o;
        const auto all = verified(id);
        std::vector<double> over, under;
        int claims = 0, overturned = 0;
        for (const auto& v : all) {
            over.push_back(std::max(0.0, v.r - v.v));
            under.push_back(std::max(0.0, v.v - v.r));
            claims += v.claims;
            overturned += v.claims && v.v < 0.995;
        }
        o["n_verified"] = all.size();
        o["G1_reported_minus_verified"] = mean(over);
        o["G1_under_reported"] = mean(under);
        o["n_G1"] = all.size();
        o["D1_false_completion"] = {
            {"overturned", overturned}, {"verified_claims", claims}, {"rate", share_of(overturned, claims)}};
        const auto point = shares(all, [](const Verified& v) { return flag(v.unit, "is_demo_point"); });
        const auto surface = shares(all, [](const Verified& v) { return !flag(v.unit, "is_demo_point"); });
        o["G2_point_minus_surface"] = minus(median(point), median(surface));
        o["n_G2_point"] = point.size();
        o["n_G2_surface"] = surface.size();
        g3(o, id);
        const auto both = [&](const Verified& v) {
            const auto on = [&](bool emerging) {
                return std::any_of(all.begin(), all.end(), [&](const Verified& w) {
                    return text(w.task, "id") == text(v.task, "id") && flag(w.unit, "emerging") == emerging;
                });
            };
            return on(true) && on(false);
        };
        const auto old_fields = shares(all, [&](const Verified& v) { return both(v) && !flag(v.unit, "emerging"); });
        const auto new_fields = shares(all, [&](const Verified& v) { return both(v) && flag(v.unit, "emerging"); });
        o["G5_traditional_minus_emerging"] = minus(mean(old_fields), mean(new_fields));
        o["n_G5_traditional"] = old_fields.size();
        o["n_G5_emerging"] = new_fields.size();
        int pushes = 0, leaves = 0;
        for (const auto& p : list("pushes")) pushes += within(text(p, "unit_id"), id);
        for (const auto& a : list("assignments"))
            leaves += text(a, "level") == "branch" && within(text(a, "unit_id"), id);
        o["G4_pushes_per_leaf"] = share_of(pushes, leaves);
        o["n_G4_pushes"] = pushes;
        o["n_G4_leaves"] = leaves;
        o["G4_verified_mean"] = mean(shares(all, [](const Verified&) { return true; }));
        d2(o, id);
        d4(o, id);
        json::array levels;
        json::value above;
        for (const char* level : {"city", "county", "township", "branch"}) {
            const auto here = shares(all, [&](const Verified& v) { return text(v.unit, "level") == level; });
            if (here.empty()) continue;
            levels.push_back(
                {{"level", level}, {"mean", mean(here)}, {"drop", minus(above, mean(here))}, {"n", here.size()}});
            above = mean(here);
        }
        o["verified_mean_by_level"] = levels;
        return o;
    }

    void g3(json::object& o, const std::string& scope) const {
        int expected = 0, landed = 0;
        for (const auto& t : list("tasks"))
            for (const auto& u : list("units")) {
                if (text(u, "level") != "branch" || !within(text(u, "id"), scope)) continue;
                const auto& fields = t.at("applies_to_fields").as_array();
                if (std::none_of(fields.begin(), fields.end(),
                                 [&](const json::value& f) { return f == u.at("field"); }))
                    continue;
                ++expected;
                const auto* days = t.as_object().if_contains("landing_days");
                bool in_time = false;
                for (const auto& a : list("assignments")) {
                    if (text(a, "task_id") != text(t, "id") || text(a, "unit_id") != text(u, "id")) continue;
                    for (const auto& r : list("progress_reports"))
                        if (text(r, "assignment_id") == text(a, "id") && flag(r, "substantive") &&
                            std::floor(static_cast<double>(at(r, "occurred_at") - at(t, "issued_at")) / 86'400.0) <=
                                (days ? days->to_number<double>() : 60.0))
                            in_time = true;
                }
                landed += in_time;
            }
        json::value gap;
        if (expected) gap = 1 - static_cast<double>(landed) / expected;
        o["G3_not_landed_60d"] = {{"expected", expected}, {"landed", landed}, {"rate", gap}};
    }

    void d2(json::object& o, const std::string& scope) const {
        int forwards = 0, pure = 0;
        for (const auto& a : list("assignments")) {
            if (!within(text(a, "unit_id"), scope) || text(a, "forwarded_at").empty()) continue;
            ++forwards;
            const auto guided =
                std::any_of(list("guidance").begin(), list("guidance").end(),
                            [&](const json::value& g) { return text(g, "assignment_id") == text(a, "id"); });
            pure += at(a, "forwarded_at") - at(a, "received_at") < 86'400 && !guided &&
                    !a.at("forward_text_similarity").is_null() && number(a, "forward_text_similarity") >= 0.9;
        }
        o["D2_pure_forward"] = {{"pure", pure}, {"forwards", forwards}, {"rate", share_of(pure, forwards)}};
    }

    void d4(json::object& o, const std::string& scope) const {
        int updates = 0, driven = 0;
        for (const auto& r : list("progress_reports")) {
            if (!flag(r, "substantive") || !within(text(r, "unit_id"), scope)) continue;
            ++updates;
            driven += std::any_of(list("pushes").begin(), list("pushes").end(), [&](const json::value& p) {
                const auto after = at(r, "occurred_at") - at(p, "at");
                return text(p, "assignment_id") == text(r, "assignment_id") && after >= 0 && after <= 96 * 3'600;
            });
        }
        o["D4_push_driven"] = {{"driven", driven}, {"updates", updates}, {"rate", share_of(driven, updates)}};
    }

    json::object attendance_of(const std::string& unit) const {
        int meetings = 0, in_person = 0, substitute = 0, absent = 0, late = 0;
        for (const auto& m : list("meetings"))
            for (const auto& row : m.at("attendance").as_array()) {
                if (text(row, "unit_id") != unit) continue;
                ++meetings;
                in_person += text(row, "status") == "本人到会";
                substitute += text(row, "status") == "委托代会" && !flag(row, "leave_approved");
                absent += text(row, "status") == "缺席";
                late += number(row, "late_min") > 10;
            }
        return {{"meetings", meetings},
                {"in_person", in_person},
                {"substitute_unapproved", substitute},
                {"absent", absent},
                {"late_over_10min", late}};
    }

    const json::object& city_;
};

/// Every difference between what is wanted and what is there, as lines; `slack` for numbers. Further keys are ignored.
void differences(const json::value& wanted, const json::value& got, double slack, const std::string& path,
                 std::string& out) {
    if (wanted.is_object()) {
        if (!got.is_object()) {
            out += path + ": not an object\n";
            return;
        }
        for (const auto& [key, v] : wanted.get_object()) {
            const auto* there = got.get_object().if_contains(key);
            if (!there)
                out += path + "." + std::string(key) + ": missing\n";
            else
                differences(v, *there, slack, path + "." + std::string(key), out);
        }
    } else if (wanted.is_array() && got.is_array() && wanted.get_array().size() == got.get_array().size()) {
        for (std::size_t i = 0; i < wanted.get_array().size(); ++i)
            differences(wanted.at(i), got.at(i), slack, path + "[" + std::to_string(i) + "]", out);
    } else if (wanted.is_number() && got.is_number()) {
        if (std::fabs(wanted.to_number<double>() - got.to_number<double>()) > slack)
            out += path + ": " + json::serialize(wanted) + " but " + json::serialize(got) + "\n";
    } else if (wanted != got) {
        out += path + ": " + json::serialize(wanted) + " but " + json::serialize(got) + "\n";
    }
}

std::string differences(const json::value& wanted, const json::value& got, double slack) {
    std::string out;
    differences(wanted, got, slack, "", out);
    return out;
}

json::object figures_of(const std::string& path) {
    const auto city = read_city_file(path);
    if (!city) FAIL(city.error().detail);
    const auto facts = facts_from_city(*city);
    return metrics_to_json(compute_metrics(facts, review_scopes(facts)), facts);
}

}  // namespace

TEST_CASE("metrics: the demo city's figures are the ones it names", "[ledger][metrics]") {
    const std::string path = TZ_SOURCE_DIR "/schema/demo/yunxiu.json";
    const auto city = read_city_file(path);
    REQUIRE(city.has_value());
    const auto& expected = city->other.at("expected_metrics").as_object();
    const auto got = figures_of(path);
    // Not "near": both sides are rounded to four decimals.
    CHECK(differences(expected.at("by_scope"), got.at("by_scope"), 0) == "");
    CHECK(differences(expected.at("D3_attendance"), got.at("D3_attendance"), 0) == "");
    CHECK(got.at("by_scope").as_object().size() == expected.at("by_scope").as_object().size());
    CHECK(got.at("D3_attendance").as_object().size() == expected.at("D3_attendance").as_object().size());
    CHECK(got.size() == 2);
}

TEST_CASE("metrics: random cities give what the definitions give", "[ledger][metrics]") {
    const auto path =
        (std::filesystem::temp_directory_path() / ("tz-random-city-" + std::to_string(::getpid()) + ".json")).string();
    int nulls = 0;
    for (std::uint32_t seed = 1; seed <= 6; ++seed) {
        INFO("seed " << seed);
        const auto city = RandomCity(seed).make();
        std::ofstream(path, std::ios::binary) << json::serialize(city);
        const auto got = figures_of(path);
        std::filesystem::remove(path);
        const auto wanted = SlowFigures(city).all();
        // Half of the last decimal, and a hair for the slow sums.
        CHECK(differences(wanted, got, 0.5e-4 + 1e-9) == "");
        CHECK(got.at("by_scope").as_object().size() == wanted.at("by_scope").as_object().size());
        CHECK(got.at("D3_attendance").as_object().size() == wanted.at("D3_attendance").as_object().size());
        CHECK(got.at("by_scope").as_object().size() == 5);  // the city and four counties, not the inner one
        for (const auto& [name, scope] : got.at("by_scope").as_object())
            for (const auto& [key, v] : scope.as_object()) nulls += v.is_null();
    }
    CHECK(nulls > 0);
}

TEST_CASE("metrics: an empty side is null and its n is 0", "[ledger][metrics]") {
    Facts facts;
    facts.units = {{"C", "", "市", "市", "", Level::city}, {"K", "C", "县", "县", "", Level::county}};
    CHECK(review_scopes(facts) == std::vector<std::string>{"C", "K"});
    const auto m = compute_metrics(facts, {"C", "K", "not there"});
    REQUIRE(m.by_scope.size() == 3);
    for (const auto& [id, s] : m.by_scope) {
        CHECK(!s.g1_reported_minus_verified);
        CHECK(!s.g2_point_minus_surface);
        CHECK(!s.g3_landed.rate());
        CHECK(!s.g4_pushes_per_leaf);
        CHECK(!s.g4_verified_mean);
        CHECK(!s.g5_traditional_minus_emerging);
        CHECK(!s.d4_driven.rate());
        CHECK(s.n_verified == 0);
    }
    CHECK(compute_metrics(Facts{}, {}).by_scope.empty());
    CHECK(review_scopes(Facts{}).empty());
}

TEST_CASE("metrics: facts that hang together badly do no harm", "[ledger][metrics]") {
    Facts facts;
    facts.units = {{"A", "B", "", "", "f", Level::branch}, {"B", "A", "", "", "f", Level::branch}};  // a loop
    facts.tasks = {{"T", 0, 0, 60, {"f", "f"}}};
    facts.assignments = {{"X", "T", "A", "", Level::branch}};
    facts.reports = {{"R", "X", "A", 5, 1, true, true}, {"S", "gone", "gone", 5, 1, true, true}};
    facts.verifications = {{"V", "X", "T", "A", 9, 1}, {"W", "gone", "gone", "gone", 9, 1}};
    facts.pushes = {{"gone", "gone", 1}, {"X", "A", 5}};
    const auto m = compute_metrics(facts, {"A"});
    const auto& s = m.by_scope.at("A");
    CHECK(s.n_verified == 0);  // no target, no share of it
    CHECK(s.g3_landed.of == 2);
    CHECK(s.g3_landed.hits == 1);
    CHECK(s.d4_driven.hits == 1);
    CHECK(s.n_g4_pushes == 1);
}

TEST_CASE("metrics: of two reports at one moment the higher id is the latest, however long the ids",
          "[ledger][metrics]") {
    for (const std::string head : {"R", "report-of-the-year-2025-"}) {
        Facts facts;
        facts.units = {{"A", "", "", "", "f", Level::branch}};
        facts.tasks = {{"T", 10, 0, 60, {"f"}}};
        facts.assignments = {{"X", "T", "A", "", Level::branch}};
        facts.reports = {{head + "2", "X", "A", 5, 8, false, true}, {head + "1", "X", "A", 5, 1, false, true}};
        facts.verifications = {{"V", "X", "T", "A", 9, 2}};
        CHECK(compute_metrics(facts, {"A"}).by_scope.at("A").g1_reported_minus_verified == Approx(0.6));
        // Under the same id: instead of the one before, not beside it.
        auto table = FactTable::of(facts);
        table.put(ReportFact{head + "2", "X", "A", 5, 3, false, true});
        CHECK(table.reports().size() == 2);
        CHECK(compute_metrics(table, {"A"}).by_scope.at("A").g1_reported_minus_verified == Approx(0.1));
    }
}

TEST_CASE("metrics: two units of one short name stand apart", "[ledger][metrics]") {
    Facts facts;
    facts.units = {{"C", "", "市", "市", "", Level::city},
                   {"K1", "C", "东城关镇", "城关镇", "", Level::county},
                   {"K2", "C", "西城关镇", "城关镇", "", Level::county},
                   {"K3", "C", "只有全称", "", "", Level::county}};
    facts.attendance = {{"K2", "缺席"}, {"K9", "缺席"}};
    const auto o = metrics_to_json(compute_metrics(facts, review_scopes(facts)), facts);
    const auto& scopes = o.at("by_scope").as_object();
    CHECK(scopes.size() == 4);
    CHECK(scopes.contains("城关镇"));
    CHECK(scopes.contains("城关镇 (K2)"));
    CHECK(scopes.contains("只有全称"));
    CHECK(o.at("D3_attendance").as_object().contains("城关镇"));
    CHECK(o.at("D3_attendance").as_object().contains("K9"));
}

TEST_CASE("metrics: rounding is that of the exact binary value", "[ledger][metrics]") {
    CHECK(round_to_4(0.00005) == 0.0001);  // the nearest double lies just above the tie
    CHECK(round_to_4(0.03125) == 0.0312);  // an exact tie goes to the even side
    CHECK(round_to_4(0.09375) == 0.0938);
    CHECK(round_to_4(1.00005) == 1.0001);
    CHECK(round_to_4(2.67495) == 2.6749);  // the nearest double lies just below
    CHECK(round_to_4(-0.00001) == 0);
    CHECK(!std::signbit(round_to_4(-0.00001)));
    CHECK(round_to_4(-0.12345678) == -0.1235);
}

TEST_CASE("metrics: a large city takes about a second", "[ledger][metrics]") {
    // A fifth of the 500,000 assignments that a city of middle size has in a year.
    constexpr int counties = 9, townships = 12, branches = 110, tasks = 8;
    Facts facts;
    facts.units.push_back({"C", "", "市", "市", "", Level::city});
    for (int t = 0; t < tasks; ++t) facts.tasks.push_back({"T" + std::to_string(t), 10.0 + t, 0, 60, {"农村"}});
    for (int k = 0; k < counties; ++k) {
        const auto county = "K" + std::to_string(k);
        facts.units.push_back({county, "C", county, county, "", Level::county});
        for (int s = 0; s < townships; ++s) {
            const auto township = county + "-" + std::to_string(s);
            facts.units.push_back({township, county, township, township, "", Level::township});
            for (int b = 0; b < branches; ++b) {
                const auto branch = township + "-" + std::to_string(b);
                facts.units.push_back(
                    {branch, township, branch, branch, "农村", Level::branch, b % 9 == 0, b % 4 == 0, true});
                for (int t = 0; t < tasks; ++t) {
                    const auto id = branch + "/" + std::to_string(t), task = "T" + std::to_string(t);
                    facts.assignments.push_back({id, task, branch, "办理中", Level::branch});
                    for (int r = 0; r < 2; ++r)
                        facts.reports.push_back(
                            {id + "r" + std::to_string(r), id, branch, (r + t) * 900'000, 5.0, r == 1, true});
                    if (t < 3) facts.verifications.push_back({id + "v", id, task, branch, 9'000'000, 4.0});
                    facts.pushes.push_back({id, branch, t * 850'000});
                }
            }
        }
    }
    const auto start = std::chrono::steady_clock::now();
    const auto m = compute_metrics(facts, review_scopes(facts));
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(m.by_scope.size() == counties + 1);
    CHECK(m.by_scope.at("C").n_verified == counties * townships * branches * 3);
    CHECK(m.by_scope.at("C").g3_landed.of == counties * townships * branches * tasks);
    // No timing: a quadratic step would take minutes on any machine, under the sanitizers too.
    CHECK(took < std::chrono::seconds(30));
}

}  // namespace taizhang::metrics_test
