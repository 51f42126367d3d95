#include "ledger/review.h"

#include "ledger/assignments_seen.h"
#include "ledger/beside.h"
#include "ledger/lights.h"
#include "ledger/metrics_json.h"

#include <boost/json.hpp>

#include <map>
#include <span>
#include <vector>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

struct UnitCounts {
    std::map<std::string, int> assignments, rectifications;
    std::map<Light, int> lights;
};

Result<> count_assignments(StoredFacts& facts, std::int64_t now_ms, std::map<std::string, UnitCounts>& out) {
    // Looked up by name once for each unit.
    std::vector<UnitCounts*> at;
    return each_assignment(facts, now_ms, [&](const FactTable& t, const AssignmentSeen& a) {
        at.resize(t.unit_names().size());
        auto*& u = at[a.unit];
        if (!u) u = &out[t.unit_names()[a.unit]];
        ++u->assignments[*a.state];
        ++u->lights[a.light];
    });
}

Result<> count_rectifications(Replica& r, std::int64_t now_ms, std::map<std::string, UnitCounts>& out) {
    const auto* v = r.control().newest("rectification");
    if (!v) return {};
    TRY(auto s,
        r.database().prepare("SELECT responsible_unit_id, status, deadline, found_at FROM rectification", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        auto& u = out[std::string(s.text(0))];
        ++u.rectifications[std::string(s.text(1))];
        ++u.lights[light_of(v->entity->workflow, {s.text(1), s.text(2), s.text(3), 0, 0, now_ms})];
    }
}

json::object numbers(const std::map<std::string, int>& counts) {
    json::object o;
    for (const auto& [k, n] : counts) o[k] = n;
    return o;
}

}  // namespace

Result<json::object> review(StoredFacts& stored, const std::string& unit, std::int64_t now_ms) {
    auto& r = stored.replica();
    const auto& control = r.control();
    if (!unit.empty() && !control.unit(unit))
        return fail(Errc::not_found, "没有单位 " + unit + " / there is no unit " + unit);
    TRY(const auto* facts, stored.now());
    auto scopes = review_scopes(facts->units());
    if (!unit.empty()) {
        scopes = {unit};
        for (const auto& u : facts->units())
            if (u.parent_id == unit) scopes.push_back(u.id);
    }
    json::object out;
    auto metrics = compute_metrics(*facts, scopes);
    if (!scopes.empty()) add_peers(metrics, std::span(scopes).subspan(1));
    TRY_VOID(add_beside(stored, metrics));
    out["metrics"] = metrics_to_json(metrics, facts->units());

    std::map<std::string, UnitCounts> counts;
    TRY_VOID(count_assignments(stored, now_ms, counts));
    TRY_VOID(count_rectifications(r, now_ms, counts));
    json::array units;
    for (const auto& u : facts->units()) {
        if (!unit.empty() && !control.is_at_or_below(u.id, unit, control.head())) continue;
        const auto& c = counts[u.id];
        json::object o;
        o["id"] = u.id;
        o["name"] = u.name;
        o["level"] = taizhang::name_of(u.level);
        o["counts"] = numbers(c.assignments);
        o["rectifications"] = numbers(c.rectifications);
        json::object lights;
        for (const auto light : {Light::green, Light::yellow, Light::red, Light::blue, Light::grey}) {
            const auto it = c.lights.find(light);
            lights[name_of(light)] = it == c.lights.end() ? 0 : it->second;
        }
        o["lights"] = std::move(lights);
        units.push_back(std::move(o));
    }
    out["units"] = std::move(units);
    return out;
}

Result<json::object> review(Replica& replica, const std::string& unit, std::int64_t now_ms) {
    StoredFacts facts(replica, StoredFacts::Use::once);
    return review(facts, unit, now_ms);
}

}  // namespace taizhang::ledger
