#include "ledger/review.h"

#include "ledger/lights.h"
#include "ledger/metrics_json.h"
#include "ledger/stored_facts.h"

#include <boost/json.hpp>

#include <map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

struct UnitCounts {
    std::map<std::string, int> assignments, rectifications;
    std::map<Light, int> lights;
};

Result<> count(Replica& r, const char* entity, const char* sql, std::int64_t now_ms,
               std::map<std::string, UnitCounts>& out) {
    const auto* v = r.control().newest(entity);
    if (!v) return {};
    TRY(auto s, r.database().prepare(sql, false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        auto& u = out[std::string(s.text(0))];
        const auto state = std::string(s.text(1));
        ++(std::string_view(entity) == "assignment" ? u.assignments : u.rectifications)[state];
        ++u.lights[light_of(v->entity->workflow, {s.text(1), s.text(2), s.text(3), s.real(4), s.real(5), now_ms})];
    }
}

constexpr const char* kAssignments =
    "SELECT a.unit_id, a.status, a.deadline, t.issued_at, r.value, t.target_value FROM assignment a "
    "LEFT JOIN (SELECT id, min(issued_at) AS issued_at, min(target_value) AS target_value FROM task GROUP BY id) t ON "
    "t.id = a.task_id "
    "LEFT JOIN (SELECT assignment_id, value FROM (SELECT assignment_id, value, row_number() OVER (PARTITION BY "
    "assignment_id ORDER BY unixepoch(occurred_at) DESC, id DESC) AS n "
    "FROM progress_report) WHERE n = 1) r ON r.assignment_id = a.id";
constexpr const char* kRectifications =
    "SELECT responsible_unit_id, status, deadline, found_at, 0, 0 FROM rectification";

json::object numbers(const std::map<std::string, int>& counts) {
    json::object o;
    for (const auto& [k, n] : counts) o[k] = n;
    return o;
}

}  // namespace

Result<json::object> review(Replica& r, const std::string& unit, std::int64_t now_ms) {
    const auto& control = r.control();
    if (!unit.empty() && !control.unit(unit))
        return fail(Errc::not_found, "没有单位 " + unit + " / there is no unit " + unit);
    TRY(const auto facts, facts_from_replica(r));
    auto scopes = review_scopes(facts);
    if (!unit.empty()) {
        scopes = {unit};
        for (const auto& u : facts.units)
            if (u.parent_id == unit) scopes.push_back(u.id);
    }
    json::object out;
    out["metrics"] = metrics_to_json(compute_metrics(facts, scopes), facts);

    std::map<std::string, UnitCounts> counts;
    TRY_VOID(count(r, "assignment", kAssignments, now_ms, counts));
    TRY_VOID(count(r, "rectification", kRectifications, now_ms, counts));
    json::array units;
    for (const auto& u : facts.units) {
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

}  // namespace taizhang::ledger
