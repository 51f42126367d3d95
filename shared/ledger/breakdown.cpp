#include "ledger/breakdown.h"

#include "ledger/beside.h"
#include "ledger/lights.h"
#include "ledger/list_indexes.h"
#include "ledger/rows.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr const char* kAssignments =
    "SELECT a.id, a.task_id, t.title, a.unit_id, a.status, a.deadline, t.issued_at, t.target_value, t.source "
    "FROM assignment a LEFT JOIN task t ON t.id = a.task_id WHERE a.unit_id IN (SELECT value FROM "
    "json_each(?1)) ORDER BY a.id";
constexpr const char* kRectifications =
    "SELECT id, responsible_unit_id AS unit_id, status, deadline, found_at AS issued_at, coalesce(related_task_id, '') "
    "AS task_id, coalesce(source_type, '') AS source FROM rectification WHERE responsible_unit_id IN (SELECT value "
    "FROM json_each(?1)) ORDER BY id";

struct Cell {
    std::int64_t assignments = 0, rectifications = 0, n_verified = 0;
    double reported = 0, verified = 0;
    std::map<std::string, std::int64_t> states;
    std::map<Light, std::int64_t> lights;
};

/// The reports by assignment would be looked through for each row: latest values are read once.
Result<std::map<std::string, double>> latest_reports(Replica& r) {
    std::map<std::string, double> out;
    TRY(auto s, r.database().prepare(
                    "SELECT assignment_id, value FROM progress_report ORDER BY unixepoch(occurred_at), id", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out[std::string(s.text(0))] = s.real(1);
    }
}

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

}  // namespace

Result<json::array> breakdown(Replica& r, const std::string& by, const std::string& unit) {
    static constexpr const char* kinds[] = {"unit", "level", "field", "task", "source"};
    if (std::none_of(std::begin(kinds), std::end(kinds), [&](const char* k) { return by == k; }))
        return fail(Errc::usage,
                    "--by 是 unit level field task source 之一 / --by is one of unit level field task source");
    TRY(const auto ids, units_below(r, unit));
    std::map<std::string, Cell> cells;
    std::map<std::string, std::string> names, cell_of_assignment;
    std::map<std::string, double> targets;
    if (r.control().newest("assignment")) {
        TRY(auto rows, rows_of(r, kAssignments, {ids}));
        TRY(const auto reports, latest_reports(r));
        for (auto& v : rows) {
            auto& o = v.as_object();
            const auto id = text_at(o, "id"), key = key_of(r, by, o);
            if (const auto it = reports.find(id); it != reports.end()) o["value"] = it->second;
            auto& c = cells[key];
            ++c.assignments;
            ++c.states[text_at(o, "status")];
            ++c.lights[light(r, "assignment", o)];
            names[key] = by == "task" ? text_at(o, "title") : by == "unit" ? unit_name(r.control(), key) : key;
            cell_of_assignment[id] = key;
            targets[id] = number_at(o, "target_value");
        }
        TRY(auto checks,
            r.database().prepare("SELECT assignment_id, verified_value FROM verification ORDER BY id", false));
        for (;;) {
            TRY(const bool row, checks.step());
            if (!row) break;
            const std::string id(checks.text(0));
            const auto at = cell_of_assignment.find(id);
            if (at == cell_of_assignment.end() || !(targets[id] > 0)) continue;
            auto& c = cells[at->second];
            const auto reported = reports.find(id);
            ++c.n_verified;
            c.verified += std::clamp(checks.real(1) / targets[id], 0.0, 1.0);
            c.reported += reported == reports.end() ? 0 : std::clamp(reported->second / targets[id], 0.0, 1.0);
        }
    }
    if (r.control().newest("rectification")) {
        TRY(auto rows, rows_of(r, kRectifications, {ids}));
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

// ------------------------------------------------------------------ the records behind a figure

namespace {

/// One figure as a query: columns id, unit_id, hit and whatever explains the row; the definitions are METRICS.md's.
struct Figure {
    const char* name;
    const char* zh;
    const char* en;
    const char* sql;
};

// A check with the latest report that occurred before it (ties: the higher id), both as shares of the target.
#define TZ_CHECKED                                                                                                   \
    "WITH checked AS (SELECT v.id, v.assignment_id, v.task_id, v.unit_id, v.at, max(0, min(1, v.verified_value / "   \
    "t.target_value)) AS verified, (SELECT p.id FROM progress_report p WHERE p.assignment_id = v.assignment_id AND " \
    "unixepoch(p.occurred_at) <= unixepoch(v.at) ORDER BY unixepoch(p.occurred_at) DESC, p.id DESC LIMIT 1) AS "     \
    "report_id, t.target_value AS target FROM verification v JOIN task t ON t.id = v.task_id WHERE t.target_value "  \
    "<> 0), both AS (SELECT c.*, max(0, min(1, p.value / c.target)) AS reported, p.claims_complete AS claims FROM "  \
    "checked c JOIN progress_report p ON p.id = c.report_id) "

#define TZ_TASK_TITLE(assignment) \
    "(SELECT t2.title FROM assignment a2 JOIN task t2 ON t2.id = a2.task_id WHERE a2.id = " assignment ") AS title"

constexpr Figure kFigures[] = {
    {"G1", "填报高于核查的,差距大的在前", "reported above what was verified, the largest gap first",
     TZ_CHECKED
     "SELECT id, unit_id, reported > verified AS hit, assignment_id, report_id, round(reported, 4) AS "
     "reported, round(verified, 4) AS verified, " TZ_TASK_TITLE("both.assignment_id") " FROM both ORDER BY reported - "
                                                                                      "verified DESC, id"},
    {"G4", "对这些单位的催办", "reminders to these units",
     "SELECT id, unit_id, 1 AS hit, assignment_id, at, by_unit_id, " TZ_TASK_TITLE(
         "push.assignment_id") " FROM push "
                               "ORDER BY at, id"},
    {"D1", "自报完成、核查未完成的", "claimed complete, and a check found otherwise",
     TZ_CHECKED "SELECT id, unit_id, verified < 0.995 AS hit, assignment_id, report_id, round(verified, 4) AS "
                "verified, " TZ_TASK_TITLE("both.assignment_id") " FROM both WHERE claims ORDER BY hit DESC, id"},
    {"D2", "收到不满 24 小时即转、文字几乎照抄、没有指导的",
     "forwarded within a day, nearly word for word, without guidance",
     "SELECT a.id, a.unit_id, (unixepoch(a.forwarded_at) - unixepoch(a.received_at) < 86400 AND "
     "coalesce(a.forward_text_similarity, 0) >= 0.9 AND NOT EXISTS (SELECT 1 FROM guidance g WHERE g.assignment_id = "
     "a.id)) AS hit, a.task_id, a.received_at, a.forwarded_at, a.forward_text_similarity, " TZ_TASK_TITLE(
         "a.id") " FROM assignment a WHERE "
                 "a.forwarded_at IS NOT NULL ORDER BY hit DESC, a.id"},
    {"D3", "会议:缺席、未批准的代会、迟到 10 分钟以上的",
     "meetings: absent, an unapproved deputy, late by more than 10 minutes",
     "SELECT id, unit_id, (status = '缺席' OR (status = '委托代会' AND NOT coalesce(leave_approved, 0)) OR "
     "coalesce(late_min, 0) > 10) AS hit, meeting_id, status, late_min, leave_approved FROM attendance ORDER BY hit "
     "DESC, id"},
    {"D4", "催办后 96 小时内才有的进展", "progress that came within 96 hours of a reminder",
     "SELECT r.id, r.unit_id, EXISTS (SELECT 1 FROM push p WHERE p.assignment_id = r.assignment_id AND "
     "unixepoch(r.occurred_at) - unixepoch(p.at) BETWEEN 0 AND 345600) AS hit, r.assignment_id, "
     "r.occurred_at, " TZ_TASK_TITLE(
         "r.assignment_id") " FROM "
                            "progress_report r WHERE r.substantive ORDER BY hit DESC, r.id"},
};

/// G3: who was expected and has nothing to show in time; the rows are pairs, not records.
Result<json::array> not_landed(Replica& r, const std::string& ids) {
    TRY(const auto tasks, rows_of(r,
                                  "SELECT id, title, issued_at, coalesce(landing_days, 60) AS days, "
                                  "coalesce(applies_to_fields, '[]') AS fields FROM task ORDER BY id"));
    TRY(const auto landed,
        rows_of(r,
                "SELECT DISTINCT a.task_id, a.unit_id FROM assignment a JOIN task t ON t.id = "
                "a.task_id JOIN progress_report p ON p.assignment_id = a.id WHERE p.substantive AND "
                "unixepoch(p.occurred_at) < unixepoch(t.issued_at) + (coalesce(t.landing_days, 60) + "
                "1) * 86400"));
    std::map<std::pair<std::string, std::string>, bool> there;
    for (const auto& v : landed) there[{text_at(v.as_object(), "task_id"), text_at(v.as_object(), "unit_id")}] = true;
    const auto units = json::parse(ids).as_array();
    json::array out;
    for (const bool hit : {true, false})
        for (const auto& t : tasks) {
            const auto& task = t.as_object();
            boost::system::error_code ec;
            const auto fields = json::parse(text_at(task, "fields"), ec);
            for (const auto& u : units) {
                const std::string unit(u.as_string());
                const auto* known = r.control().unit(unit);
                const auto field = unit_attribute(r, unit, "field");
                if (!known || known->level != Level::branch || field.empty() || ec || !fields.is_array()) continue;
                const auto& list = fields.as_array();
                const bool expected = std::any_of(list.begin(), list.end(), [&](const auto& f) {
                    return f.is_string() && std::string_view(f.as_string()) == field;
                });
                const bool is_hit = !there.contains({text_at(task, "id"), unit});
                if (expected && is_hit == hit)
                    out.push_back({{"id", task.at("id")},
                                   {"unit_id", unit},
                                   {"hit", is_hit ? 1 : 0},
                                   {"title", task.at("title")}});
            }
        }
    return out;
}

}  // namespace

Result<json::object> behind(Replica& r, const std::string& name, const std::string& unit, const Slice& slice) {
    TRY_VOID(ensure_list_indexes(r));  // a city's reports are not looked through for each record
    TRY(const auto ids, units_below(r, unit));
    json::array all;
    std::string zh, en;
    // G1_reported_minus_verified and the like are taken as well.
    const auto key = name.substr(0, name.find('_'));
    const auto* figure =
        std::find_if(std::begin(kFigures), std::end(kFigures), [&](const auto& f) { return key == f.name; });
    static constexpr const char* lights[] = {"green", "yellow", "red", "blue", "grey"};
    if (figure != std::end(kFigures)) {
        TRY(all, rows_of(r, figure->sql));
        zh = figure->zh;
        en = figure->en;
    } else if (key == "G3") {
        TRY(all, not_landed(r, ids));
        zh = "应落实而在规定时间内没有实质进展的";
        en = "expected, without substantive progress in time";
    } else if (key == "D2help") {
        TRY(all, behind_help(r));
        zh = "求助超过 10 个工作日没有答复的,记在该答复的单位名下";
        en = "requests for help without an answer for more than 10 working days, under the unit that owes it";
    } else if (key == "D4unmoved") {
        TRY(all, behind_unmoved(r));
        zh = "催办两次后 10 个工作日没有实质进展的";
        en = "two reminders, and then nothing for 10 working days";
    } else if (std::find(std::begin(lights), std::end(lights), key) != std::end(lights)) {
        TRY(auto rows, rows_of(r, kAssignments, {ids}));
        TRY(const auto reports, latest_reports(r));
        for (auto& v : rows) {
            auto& o = v.as_object();
            const auto it = reports.find(text_at(o, "id"));
            o["value"] = it == reports.end() ? json::value(nullptr) : json::value(it->second);
            if (name_of(light(r, "assignment", o)) != key) continue;
            o["hit"] = 1;
            all.push_back(std::move(v));
        }
        zh = "亮" + key + "灯的分解";
        en = "assignments with a " + key + " light";
    } else {
        return fail(Errc::usage,
                    "可打开的数:G1 G3 G4 D1 D2 D2help D3 D4 D4unmoved green yellow red blue grey / figures that open: "
                    "G1 G3 G4 D1 D2 D2help D3 D4 D4unmoved green yellow red blue grey; not '" +
                        name + "'");
    }
    const auto units = json::parse(ids).as_array();
    std::map<std::string, bool> in_scope;
    for (const auto& u : units) in_scope[std::string(u.as_string())] = true;
    json::array rows;
    std::int64_t hits = 0;
    for (auto& v : all) {
        auto& o = v.as_object();
        const auto u = text_at(o, "unit_id");
        if (!in_scope.contains(u)) continue;
        o["unit"] = unit_name(r.control(), u);
        const bool hit = number_at(o, "hit") != 0;
        o["hit"] = hit;
        hits += hit;
        rows.push_back(std::move(v));
    }
    const auto of = static_cast<std::int64_t>(rows.size());
    const bool more = cut(rows, slice);
    return json::object{{"figure", key},
                        {"unit", unit},
                        {"zh", zh},
                        {"en", en},
                        {"hits", hits},
                        {"of", of},
                        {"offset", slice.offset},
                        {"more", more},
                        {"rows", std::move(rows)}};
}

}  // namespace taizhang::ledger
