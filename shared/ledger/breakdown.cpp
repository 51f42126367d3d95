#include "ledger/breakdown.h"

#include "ledger/assignments_seen.h"
#include "ledger/figure_rules.h"
#include "ledger/report_index.h"
#include "ledger/rows.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr const char* kOwnRectifications =
    "SELECT id, responsible_unit_id AS unit_id, status, deadline, found_at AS issued_at, coalesce(related_task_id, '') "
    "AS task_id, coalesce(source_type, '') AS source FROM rectification WHERE responsible_unit_id IN (SELECT value "
    "FROM json_each(?1)) ORDER BY id";

struct GroupSums {
    std::int64_t assignments = 0, rectifications = 0, n_verified = 0;
    double reported = 0, verified = 0;
    std::map<std::string, std::int64_t> states;
    std::map<Light, std::int64_t> lights;
};

std::string key_of(Replica& r, const std::string& by, const json::object& o) {
    if (by == "task") return text_at(o, "task_id");
    if (by == "source") return text_at(o, "source");
    const auto unit = text_at(o, "unit_id");
    if (by == "unit") return unit;
    if (by == "field") return unit_attribute(r, unit, "field");
    const auto* u = r.control().unit(unit);
    return u ? std::string(taizhang::name_of(u->level)) : std::string();
}

Light light(Replica& r, const char* entity, const json::object& o) {
    const auto* v = r.control().newest(entity);
    return light_of(v->entity->workflow, {text_at(o, "status"), text_at(o, "deadline"), text_at(o, "issued_at"),
                                          number_at(o, "value"), number_at(o, "target_value"), r.now().ms});
}

json::value mean(double sum, std::int64_t n) {
    return n ? json::value(static_cast<double>(static_cast<std::int64_t>(sum / static_cast<double>(n) * 1e4 + 0.5)) /
                           1e4)
             : json::value(nullptr);
}

/// The assignments of the scope and their checks, from the facts in memory.
class GroupedAssignments {
public:
    GroupedAssignments(StoredFacts& facts, const FactTable& t, const std::string& by,
                       std::map<std::string, GroupSums>& cells)
        : r_(facts.replica()), facts_(facts), t_(t), by_(by), cells_(cells) {}

    Result<> add(const std::string& unit) {
        TRY_VOID(read_tasks());
        const auto& control = r_.control();
        std::vector<bool> holds(t_.unit_names().size());
        for (Index n = 0; n < holds.size(); ++n) {
            const auto& id = t_.unit_names()[n];
            holds[n] = control.unit(id) && (unit.empty() || control.is_at_or_below(id, unit, control.head()));
        }
        TRY_VOID(each_assignment(facts_, r_.now().ms, [&](const FactTable&, const AssignmentSeen& a) {
            if (!holds[a.unit]) return;
            auto& c = cell_of(a.unit, a.task);
            ++c.assignments;
            ++c.states[t_.states()[a.state]];
            ++c.lights[a.light];
        }));
        // The checks of the review: those with a report before them.
        const auto& reports = t_.report_index();
        for (const auto& v : t_.verifications()) {
            const auto* task = v.task == kNone ? nullptr : t_.task(v.task);
            if (!task || task->target == 0 || !t_.unit(v.unit) || !holds[v.unit]) continue;
            const auto* report = reports.latest(t_, v.assignment, v.at);
            if (!report) continue;
            auto& c = cell_of(v.unit, v.task);
            ++c.n_verified;
            c.verified += share_of_target(v.value, task->target);
            c.reported += share_of_target(report->value, task->target);
        }
        return {};
    }
    std::map<std::string, std::string> titles;  ///< of the tasks, by id

private:
    Result<> read_tasks() {
        TRY(const auto rows, rows_of(r_, "SELECT id, title, source FROM task"));
        for (const auto& v : rows) {
            const auto& o = v.as_object();
            titles[text_at(o, "id")] = text_at(o, "title");
            sources_[text_at(o, "id")] = text_at(o, "source");
        }
        return {};
    }
    /// Looked up by name once for each unit or task.
    GroupSums& cell_of(Index unit, Index of) {
        const bool of_task = by_ == "task" || by_ == "source";
        auto& known = of_task ? by_task_[of] : by_unit_[unit];
        if (known) return *known;
        const auto& task = t_.task_names()[of];
        json::object o{{"task_id", task}, {"unit_id", t_.unit_names()[unit]}, {"source", sources_[task]}};
        known = &cells_[key_of(r_, by_, o)];
        return *known;
    }

    Replica& r_;
    StoredFacts& facts_;
    const FactTable& t_;
    const std::string& by_;
    std::map<std::string, GroupSums>& cells_;
    std::map<std::string, std::string> sources_;
    std::map<Index, GroupSums*> by_task_, by_unit_;
};

}  // namespace

Result<json::array> breakdown(Replica& r, const std::string& by, const std::string& unit) {
    StoredFacts facts(r, StoredFacts::Use::once);
    return breakdown(facts, by, unit);
}

Result<json::array> breakdown(StoredFacts& facts, const std::string& by, const std::string& unit) {
    auto& r = facts.replica();
    static constexpr const char* kinds[] = {"unit", "level", "field", "task", "source"};
    if (std::none_of(std::begin(kinds), std::end(kinds), [&](const char* k) { return by == k; }))
        return fail(Errc::usage,
                    "--by 是 unit level field task source 之一 / --by is one of unit level field task source");
    TRY(const auto ids, units_below(r, unit));
    std::map<std::string, GroupSums> cells;
    std::map<std::string, std::string> names;
    if (r.control().newest("assignment")) {
        TRY(const auto* t, facts.now());
        GroupedAssignments assignments(facts, *t, by, cells);
        TRY_VOID(assignments.add(unit));
        for (const auto& [key, cell] : cells)
            names[key] = by == "task" ? assignments.titles[key] : by == "unit" ? unit_name(r.control(), key) : key;
    }
    if (r.control().newest("rectification")) {
        TRY(auto rows, rows_of(r, kOwnRectifications, {ids}));
        for (auto& v : rows) {
            auto& o = v.as_object();
            const auto key = key_of(r, by, o);
            if (by == "task" && key.empty()) continue;
            auto& c = cells[key];
            ++c.rectifications;
            ++c.states[text_at(o, "status")];
            ++c.lights[light(r, "rectification", o)];
            if (!names.contains(key)) names[key] = by == "unit" ? unit_name(r.control(), key) : key;
        }
    }
    json::array out;
    for (const auto& [key, c] : cells) {
        json::object states, lights;
        for (const auto& [s, n] : c.states) states[s] = n;
        for (const auto l : {Light::green, Light::yellow, Light::red, Light::blue, Light::grey}) {
            const auto it = c.lights.find(l);
            lights[name_of(l)] = it == c.lights.end() ? 0 : it->second;
        }
        out.push_back({{"key", key},
                       {"name", names[key]},
                       {"assignments", c.assignments},
                       {"rectifications", c.rectifications},
                       {"states", std::move(states)},
                       {"lights", std::move(lights)},
                       {"n_verified", c.n_verified},
                       {"reported", mean(c.reported, c.n_verified)},
                       {"verified", mean(c.verified, c.n_verified)}});
    }
    return out;
}

}  // namespace taizhang::ledger
