#include "ledger/metrics_json.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

json::value rounded(const std::optional<double>& v) {
    if (!v) return nullptr;
    return round_to_4(*v);
}

json::object rate_json(const char* hits, const char* of, const Rate& r) {
    return {{hits, r.hits}, {of, r.of}, {"rate", rounded(r.rate())}};
}

/// Highest level first; `drop` is how much weaker a level is than the nearest one above it that was verified.
json::array levels_json(const ScopeMetrics& m) {
    json::array rows;
    std::optional<double> above;
    for (auto it = m.verified_mean_by_level.rbegin(); it != m.verified_mean_by_level.rend(); ++it) {
        const auto [mean, n] = it->second;
        const auto name = name_of(it->first);
        rows.push_back(json::object{{"level", json::string_view(name.data(), name.size())},
                                    {"mean", round_to_4(mean)},
                                    {"drop", rounded(above ? std::optional(*above - mean) : std::nullopt)},
                                    {"n", n}});
        above = mean;
    }
    return rows;
}

json::object scope_json(const ScopeMetrics& m) {
    json::object o;
    o["n_verified"] = m.n_verified;
    o["G1_reported_minus_verified"] = rounded(m.g1_reported_minus_verified);
    o["G1_under_reported"] = rounded(m.g1_under_reported);
    o["n_G1"] = m.n_g1;
    o["D1_false_completion"] = rate_json("overturned", "verified_claims", m.d1_overturned);
    o["G2_point_minus_surface"] = rounded(m.g2_point_minus_surface);
    o["n_G2_point"] = m.n_g2_point;
    o["n_G2_surface"] = m.n_g2_surface;
    const auto landed = m.g3_landed.rate();
    o["G3_not_landed_60d"] = json::object{{"expected", m.g3_landed.of},
                                          {"landed", m.g3_landed.hits},
                                          {"rate", rounded(landed ? std::optional(1 - *landed) : std::nullopt)}};
    o["G5_traditional_minus_emerging"] = rounded(m.g5_traditional_minus_emerging);
    o["n_G5_traditional"] = m.n_g5_traditional;
    o["n_G5_emerging"] = m.n_g5_emerging;
    o["G4_pushes_per_leaf"] = rounded(m.g4_pushes_per_leaf);
    o["n_G4_pushes"] = m.n_g4_pushes;
    o["n_G4_leaves"] = m.n_g4_leaves;
    o["G4_verified_mean"] = rounded(m.g4_verified_mean);
    o["D2_pure_forward"] = rate_json("pure", "forwards", m.d2_pure);
    o["D4_push_driven"] = rate_json("driven", "updates", m.d4_driven);
    o["verified_mean_by_level"] = levels_json(m);
    if (m.g4_peers)
        o["G4_among_peers"] = {{"effort", round_to_4(m.g4_peers->effort)},
                               {"effect", round_to_4(m.g4_peers->effect)},
                               {"flagged", m.g4_peers->flagged}};
    if (m.d2_help_late) o["D2_help_unanswered"] = rate_json("late", "open", *m.d2_help_late);
    if (m.d4_unmoved) o["D4_unmoved"] = rate_json("unmoved", "pushed_twice", *m.d4_unmoved);
    return o;
}

json::object attendance_json(const AttendanceCounts& c) {
    return {{"meetings", c.meetings},
            {"in_person", c.in_person},
            {"substitute_unapproved", c.substitute_unapproved},
            {"absent", c.absent},
            {"late_over_10min", c.late_over_10min}};
}

/// Writes one member per entry of `figures`, in the order of the units; ids that are no unit's come last.
template <class Figures, class ToJson>
json::object by_name(const Figures& figures, const std::vector<UnitFact>& units, ToJson to_json) {
    json::object out;
    std::unordered_map<std::string_view, bool> written;
    const auto write = [&](std::string name, const std::string& id, const auto& figure) {
        if (out.contains(name)) name += " (" + id + ")";
        out[name] = to_json(figure);
        written[id] = true;
    };
    for (const auto& unit : units) {
        const auto it = figures.find(unit.id);
        if (it == figures.end() || written.contains(unit.id)) continue;
        write(!unit.short_name.empty() ? unit.short_name
              : !unit.name.empty()     ? unit.name
                                       : unit.id,
              unit.id, it->second);
    }
    for (const auto& [id, figure] : figures)
        if (!written.contains(id)) write(id, id, figure);
    return out;
}

}  // namespace

std::vector<std::string> review_scopes(const std::vector<UnitFact>& units) {
    std::vector<std::string> scopes;
    for (const auto& unit : units)
        if (unit.parent_id.empty()) scopes.push_back(unit.id);
    if (scopes.empty()) return scopes;
    const std::string root = scopes.front();
    for (const auto& unit : units)
        if (unit.parent_id == root && unit.level == Level::county) scopes.push_back(unit.id);
    return scopes;
}

double round_to_4(double v) {
    // printf rounds the exact binary value, which is what a person checking with another tool gets; multiplying by
    // 10,000 first would round twice.
    char text[400];
    std::snprintf(text, sizeof text, "%.4f", v);
    const double r = std::strtod(text, nullptr);
    return r == 0 ? 0.0 : r;
}

json::object metrics_to_json(const Metrics& metrics, const std::vector<UnitFact>& units) {
    return {{"by_scope", by_name(metrics.by_scope, units, scope_json)},
            {"D3_attendance", by_name(metrics.d3_attendance, units, attendance_json)}};
}

json::object figures_of_scope(const FactTable& facts, const std::string& unit, Seconds end) {
    return scope_json(compute_metrics(facts, {unit}, end).by_scope.at(unit));
}

}  // namespace taizhang::ledger
