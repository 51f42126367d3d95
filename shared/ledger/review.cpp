#include "ledger/review.h"

#include "ledger/assignments_seen.h"
#include "ledger/beside.h"
#include "ledger/lights.h"
#include "ledger/metrics_json.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <span>
#include <string_view>
#include <vector>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr Light kLights[] = {Light::green, Light::yellow, Light::red, Light::blue, Light::grey};

struct Counts {
    std::vector<int> assignments;  ///< by the state's number
    std::map<std::string, int> rectifications;
    std::array<int, std::size(kLights)> lights{};  ///< by the light's number

    void add(const Counts& o) {
        assignments.resize(std::max(assignments.size(), o.assignments.size()));
        for (std::size_t s = 0; s < o.assignments.size(); ++s) assignments[s] += o.assignments[s];
        for (const auto& [state, n] : o.rectifications) rectifications[state] += n;
        for (std::size_t l = 0; l < lights.size(); ++l) lights[l] += o.lights[l];
    }
};

/// By the unit's number.
using CountsOfUnits = std::vector<Counts>;

Result<> count_assignments(StoredFacts& facts, std::int64_t now_ms, CountsOfUnits& out) {
    return each_assignment(facts, now_ms, [&](const FactTable& t, const AssignmentSeen& a) {
        auto& u = out[a.unit];
        u.assignments.resize(t.states().size());
        ++u.assignments[a.state];
        ++u.lights[static_cast<std::size_t>(a.light)];
    });
}

Result<> count_rectifications(Replica& r, const FactTable& t, std::int64_t now_ms, CountsOfUnits& out) {
    const auto* v = r.control().newest("rectification");
    if (!v) return {};
    TRY(auto s,
        r.database().prepare("SELECT responsible_unit_id, status, deadline, found_at FROM rectification", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        const auto unit = t.unit_names().find(s.text(0));
        if (unit == kNone) continue;
        const auto light = light_of(v->entity->workflow, {s.text(1), s.text(2), s.text(3), 0, 0, now_ms});
        ++out[unit].rectifications[std::string(s.text(1))];
        ++out[unit].lights[static_cast<std::size_t>(light)];
    }
}

Result<CountsOfUnits> count_by_unit(StoredFacts& stored, const FactTable& t, std::int64_t now_ms) {
    CountsOfUnits out(t.unit_names().size());
    TRY_VOID(count_assignments(stored, now_ms, out));
    TRY_VOID(count_rectifications(stored.replica(), t, now_ms, out));
    return out;
}

/// "counts", "rectifications" and "lights" of `o`.
void put_counts(const Counts& c, const FactTable& t, json::object& o) {
    std::map<std::string_view, int> states;
    for (Index s = 0; s < c.assignments.size(); ++s)
        if (c.assignments[s] > 0) states[t.states()[s]] = c.assignments[s];
    json::object assignments, rectifications, lights;
    for (const auto& [state, n] : states) assignments[state] = n;
    for (const auto& [state, n] : c.rectifications) rectifications[state] = n;
    for (const auto light : kLights) lights[name_of(light)] = c.lights[static_cast<std::size_t>(light)];
    o["counts"] = std::move(assignments);
    o["rectifications"] = std::move(rectifications);
    o["lights"] = std::move(lights);
}

/// Everything is asked of the root and its counties, a unit of it and those directly below.
Result<json::object> figures_of(StoredFacts& stored, const FactTable& t, const std::string& unit) {
    auto scopes = review_scopes(t.units());
    if (!unit.empty()) {
        scopes = {unit};
        for (const auto& u : t.units())
            if (u.parent_id == unit) scopes.push_back(u.id);
    }
    auto metrics = compute_metrics(t, scopes);
    if (!scopes.empty()) add_peers(metrics, std::span(scopes).subspan(1));
    TRY_VOID(add_beside(stored, metrics));
    return metrics_to_json(metrics, t.units());
}

template <class Visit>
void each_unit_below(const ControlState& control, const FactTable& t, const std::string& unit, Visit visit) {
    for (const auto& u : t.units())
        if (unit.empty() || control.is_at_or_below(u.id, unit, control.head())) visit(u, t.unit_names().find(u.id));
}

Result<> must_be_unit(const ControlState& control, const std::string& unit) {
    if (unit.empty() || control.unit(unit)) return {};
    return fail(Errc::not_found, "没有单位 " + unit + " / there is no unit " + unit);
}

/// What both reviews begin with.
struct Counted {
    const FactTable* table = nullptr;
    CountsOfUnits counts;
    json::object out;  ///< with "metrics"
};

Result<Counted> counted(StoredFacts& stored, const std::string& unit, std::int64_t now_ms) {
    TRY_VOID(must_be_unit(stored.replica().control(), unit));
    Counted c;
    TRY(c.table, stored.now());
    TRY(c.out["metrics"], figures_of(stored, *c.table, unit));
    TRY(c.counts, count_by_unit(stored, *c.table, now_ms));
    return c;
}

}  // namespace

Result<json::object> review(StoredFacts& stored, const std::string& unit, std::int64_t now_ms) {
    TRY(auto c, counted(stored, unit, now_ms));
    json::array units;
    each_unit_below(stored.replica().control(), *c.table, unit, [&](const UnitFact& u, Index n) {
        json::object o;
        o["id"] = u.id;
        o["name"] = u.name;
        o["level"] = taizhang::name_of(u.level);
        put_counts(c.counts[n], *c.table, o);
        units.push_back(std::move(o));
    });
    c.out["units"] = std::move(units);
    return std::move(c.out);
}

Result<json::object> review_in_sum(StoredFacts& stored, const std::string& unit, std::int64_t now_ms) {
    TRY(auto c, counted(stored, unit, now_ms));
    Counts sum;
    each_unit_below(stored.replica().control(), *c.table, unit,
                    [&](const UnitFact&, Index n) { sum.add(c.counts[n]); });
    put_counts(sum, *c.table, c.out);
    return std::move(c.out);
}

Result<json::object> review(Replica& replica, const std::string& unit, std::int64_t now_ms) {
    StoredFacts facts(replica, StoredFacts::Use::once);
    return review(facts, unit, now_ms);
}

}  // namespace taizhang::ledger
