#include "ledger/behind.h"

#include "ledger/assignments_seen.h"
#include "ledger/beside.h"
#include "ledger/figure_rules.h"
#include "ledger/report_index.h"
#include "ledger/row_light.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <limits>
#include <map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr Seconds kNoEnd = std::numeric_limits<Seconds>::max();

/// One record of a figure, by its place in the list of its kind. A higher rank comes first, then the lower id.
struct Entry {
    Index record = 0;
    bool is_hit = false;
    double rank = 0;
};
Entry counted(Index record, bool is_hit) { return {record, is_hit, is_hit ? 1.0 : 0.0}; }

/// What is asked, and what it is asked of.
struct Question {
    StoredFacts& facts;
    const FactTable& t;
    std::vector<bool> holds;  ///< by the unit's number: in the scope

    bool in_scope(Index unit) const { return unit != kNone && holds[unit]; }
    const TaskFact* task(Index n) const { return n == kNone ? nullptr : t.task(n); }
    const std::string& unit(Index n) const { return t.unit_names()[n]; }
    const std::string& assignment(Index n) const { return t.assignment_names()[n]; }
};

/// Those of the slice in their order; whether there is more behind them.
template <class Before>
std::pair<std::vector<Entry>, bool> part_of(std::vector<Entry> all, const Slice& slice, Before before) {
    const auto from = std::min(slice.offset, all.size());
    const auto to = from + std::min({slice.limit, kSliceMax, all.size() - from});
    const auto first = [&](const Entry& a, const Entry& b) {
        return a.rank != b.rank ? a.rank > b.rank : before(a.record, b.record);
    };
    const auto at = [&](std::size_t n) { return all.begin() + static_cast<std::ptrdiff_t>(n); };
    std::partial_sort(at(0), at(to), all.end(), first);
    const bool is_more = to < all.size();
    return {std::vector<Entry>(at(from), at(to)), is_more};
}

/// What the tables have besides, by id. `sql` has the id first and ends before its IN.
Result<std::map<std::string, json::object>> rows_by_id(Replica& r, const std::string& sql, const json::array& ids) {
    std::map<std::string, json::object> out;
    TRY(auto rows, rows_of(r, sql + " IN (SELECT value FROM json_each(?1))", {json::serialize(ids)}));
    for (auto& v : rows) {
        auto id = text_at(v.as_object(), "id");
        out[std::move(id)] = std::move(v.as_object());
    }
    return out;
}

/// The title of the task that an assignment hands down; null where it is not here.
class Titles {
public:
    static Result<Titles> load(Replica& r) {
        Titles out;
        TRY(const auto rows, rows_of(r, "SELECT id, title FROM task"));
        for (const auto& v : rows) out.by_task_[text_at(v.as_object(), "id")] = v.as_object().at("title");
        return out;
    }
    json::value of(const Question& q, Index assignment) const {
        const auto task = q.t.assignments()[assignment].task;
        const auto it = task == kNone ? by_task_.end() : by_task_.find(q.t.task_names()[task]);
        return it == by_task_.end() ? json::value(nullptr) : it->second;
    }

private:
    std::map<std::string, json::value> by_task_;
};

double rounded(double v) { return static_cast<double>(static_cast<std::int64_t>(v * 1e4 + 0.5)) / 1e4; }

/// What one figure says: all of its records counted, those of the slice as rows.
struct Answer {
    std::int64_t hits = 0, of = 0;
    bool is_more = false;
    json::array rows;

    void count(const std::vector<Entry>& all) {
        of = static_cast<std::int64_t>(all.size());
        for (const auto& e : all) hits += e.is_hit;
    }
};

// ------------------------------------------------------------------ checks: G1, G2, G5, D1, by level

/// A check with the report that stood then, both as shares of the target.
struct Checked {
    const UnitFact* unit;
    const FactTable::Report* report;
    double reported, verified;
};
std::optional<Checked> checked(const Question& q, const ReportIndex& reports, const FactTable::Verification& v) {
    const auto* task = q.task(v.task);
    const auto* unit = q.t.unit(v.unit);
    if (!task || task->target == 0 || !unit) return std::nullopt;
    const auto* report = reports.latest(q.t, v.assignment, v.at);
    if (!report) return std::nullopt;
    return Checked{unit, report, share_of_target(report->value, task->target), share_of_target(v.value, task->target)};
}

/// What of a check a figure looks at; whether it counts for the figure, and where it stands among the others.
enum class Side : std::uint8_t { over, under, claims, point, emerging, level };

std::optional<Entry> entry_of(Side side, Index n, const Checked& c) {
    switch (side) {
        case Side::over: return Entry{n, c.reported > c.verified, c.reported - c.verified};
        case Side::under: return Entry{n, c.verified > c.reported, c.verified - c.reported};
        case Side::claims:
            if (!c.report->claims_complete) return std::nullopt;
            return counted(n, c.verified < kComplete);
        case Side::point: return counted(n, c.unit->is_demo_point);
        case Side::emerging: return counted(n, c.unit->emerging);
        case Side::level: return Entry{n, c.unit->level == Level::branch, -static_cast<double>(c.unit->level)};
    }
    return std::nullopt;
}

/// Only tasks that were verified on both sides within the scope are compared (G5).
void keep_tasks_of_both_sides(const Question& q, std::vector<Entry>& all) {
    std::map<Index, unsigned> sides;
    for (const auto& e : all) sides[q.t.verifications()[e.record].task] |= e.is_hit ? 1u : 2u;
    std::erase_if(all, [&](const Entry& e) { return sides[q.t.verifications()[e.record].task] != 3u; });
}

Result<Answer> behind_checks(const Question& q, Side side, const Slice& slice) {
    const auto& reports = q.t.report_index();
    std::vector<Entry> all;
    for (Index n = 0; n < q.t.verifications().size(); ++n) {
        const auto& v = q.t.verifications()[n];
        if (!q.in_scope(v.unit)) continue;
        const auto c = checked(q, reports, v);
        if (!c) continue;
        if (const auto e = entry_of(side, n, *c)) all.push_back(*e);
    }
    if (side == Side::emerging) keep_tasks_of_both_sides(q, all);
    Answer out;
    out.count(all);
    const auto ids = q.t.verification_ids();
    auto [part, is_more] =
        part_of(std::move(all), slice, [&](Index a, Index b) { return q.t.is_before(ids[a], ids[b]); });
    out.is_more = is_more;
    TRY(const auto titles, Titles::load(q.facts.replica()));
    for (const auto& e : part) {
        const auto& v = q.t.verifications()[e.record];
        const auto c = *checked(q, reports, v);
        json::object o{{"id", q.t.text(ids[e.record])},
                       {"unit_id", q.unit(v.unit)},
                       {"hit", e.is_hit},
                       {"assignment_id", q.assignment(v.assignment)},
                       {"report_id", q.t.text(c.report->id)}};
        if (side == Side::over || side == Side::under) o["reported"] = rounded(c.reported);
        if (side == Side::level) o["level"] = taizhang::name_of(c.unit->level);
        o["verified"] = rounded(c.verified);
        o["title"] = titles.of(q, v.assignment);
        out.rows.push_back(std::move(o));
    }
    return out;
}

// ------------------------------------------------------------------ G4, D4: pushes, and what came after them

Result<Answer> behind_pushes(const Question& q, const Slice& slice) {
    std::vector<Entry> all;
    for (Index n = 0; n < q.t.pushes().size(); ++n)
        if (const auto& p = q.t.pushes()[n]; q.in_scope(p.unit))
            all.push_back({n, true, -static_cast<double>(p.at)});  // the earliest first
    Answer out;
    out.count(all);
    const auto ids = q.t.push_ids();
    auto [part, is_more] =
        part_of(std::move(all), slice, [&](Index a, Index b) { return q.t.is_before(ids[a], ids[b]); });
    out.is_more = is_more;
    json::array wanted;
    for (const auto& e : part) wanted.push_back(json::string(q.t.text(ids[e.record])));
    TRY(auto stored, rows_by_id(q.facts.replica(), "SELECT id, at, by_unit_id FROM push WHERE id", wanted));
    TRY(const auto titles, Titles::load(q.facts.replica()));
    for (const auto& e : part) {
        const auto& p = q.t.pushes()[e.record];
        auto id = q.t.text(ids[e.record]);
        const auto& row = stored[id];
        json::object o{{"id", id}, {"unit_id", q.unit(p.unit)}, {"hit", true}};
        o["assignment_id"] = q.assignment(p.assignment);
        for (const char* key : {"at", "by_unit_id"})
            if (const auto* v = row.if_contains(key)) o[key] = *v;
        o["title"] = titles.of(q, p.assignment);
        out.rows.push_back(std::move(o));
    }
    return out;
}

Result<Answer> behind_driven(const Question& q, const Slice& slice) {
    const auto& reports = q.t.report_index();
    std::vector<Entry> all;
    for (Index n = 0; n < q.t.reports().size(); ++n)
        if (const auto& r = q.t.reports()[n]; r.substantive && q.in_scope(r.unit))
            all.push_back(counted(n, reports.is_driven(n)));
    Answer out;
    out.count(all);
    auto [part, is_more] = part_of(std::move(all), slice, [&](Index a, Index b) {
        return q.t.is_before(q.t.reports()[a].id, q.t.reports()[b].id);
    });
    out.is_more = is_more;
    json::array wanted;
    for (const auto& e : part) wanted.push_back(json::string(q.t.text(q.t.reports()[e.record].id)));
    TRY(auto stored, rows_by_id(q.facts.replica(), "SELECT id, occurred_at FROM progress_report WHERE id", wanted));
    TRY(const auto titles, Titles::load(q.facts.replica()));
    for (const auto& e : part) {
        const auto& r = q.t.reports()[e.record];
        auto id = q.t.text(r.id);
        out.rows.push_back({{"id", id},
                            {"unit_id", q.unit(r.unit)},
                            {"hit", e.is_hit},
                            {"assignment_id", q.assignment(r.assignment)},
                            {"occurred_at", stored[id]["occurred_at"]},
                            {"title", titles.of(q, r.assignment)}});
    }
    return out;
}

// ------------------------------------------------------------------ assignments: D2, D4unmoved, lights

/// The slice of them, with what the tables have of each.
Result<Answer> assignments_answer(const Question& q, std::vector<Entry> all, const Slice& slice, const char* columns) {
    Answer out;
    out.count(all);
    auto [part, is_more] =
        part_of(std::move(all), slice, [&](Index a, Index b) { return q.assignment(a) < q.assignment(b); });
    out.is_more = is_more;
    json::array wanted;
    for (const auto& e : part) wanted.push_back(json::string(q.assignment(e.record)));
    TRY(auto stored, rows_by_id(q.facts.replica(),
                                std::string("SELECT a.id, a.unit_id, ") + columns +
                                    ", t.title FROM assignment a LEFT JOIN task t ON t.id = a.task_id WHERE a.id",
                                wanted));
    for (const auto& e : part) {
        auto o = stored[q.assignment(e.record)];
        o["hit"] = e.is_hit;
        out.rows.push_back(std::move(o));
    }
    return out;
}

Result<Answer> behind_forwards(const Question& q, const Slice& slice) {
    const auto guided = guided_assignments(q.t);
    std::vector<Entry> all;
    for (Index n = 0; n < q.t.assignments().size(); ++n)
        if (const auto& a = q.t.assignments()[n]; a.task != kNone && a.forwarded_at && q.in_scope(a.unit))
            all.push_back(counted(n, is_pure_forward(a, guided[n])));
    return assignments_answer(q, std::move(all), slice,
                              "a.task_id, a.received_at, a.forwarded_at, a.forward_text_similarity");
}

Result<Answer> behind_unmoved(const Question& q, const Slice& slice) {
    TRY(const auto pushed, pushed_twice(q.facts));
    std::vector<Entry> all;
    std::map<std::string, Seconds> second;
    for (const auto& p : pushed)
        if (q.in_scope(q.t.assignments()[p.assignment].unit)) all.push_back(counted(p.assignment, p.is_unmoved));
    TRY(auto out, assignments_answer(q, std::move(all), slice, "a.status"));
    for (const auto& p : pushed) second[q.assignment(p.assignment)] = p.at;
    for (auto& v : out.rows) v.as_object()["second_push"] = format_local(second[text_at(v.as_object(), "id")] * 1000);
    return out;
}

/// The problems with that light stand behind the assignments.
Result<> add_problems(const Question& q, const std::string& name, const Slice& slice, Answer& out) {
    auto& r = q.facts.replica();
    const auto* v = r.control().newest("rectification");
    if (!v) return {};
    TRY(auto rows, rows_of(r,
                           "SELECT id, responsible_unit_id AS unit_id, problem AS title, status, deadline, found_at, "
                           "source_type AS source FROM rectification ORDER BY id"));
    const auto end = slice.offset + std::min(slice.limit, kSliceMax);
    for (auto& x : rows) {
        auto& o = x.as_object();
        if (!q.in_scope(q.t.unit_names().find(text_at(o, "unit_id"))) ||
            name_of(row_light(r, v->entity->workflow, o)) != name)
            continue;
        const auto at = static_cast<std::size_t>(out.of);
        ++out.of;
        ++out.hits;
        if (at >= end) out.is_more = true;
        if (at < slice.offset || at >= end) continue;
        o["entity"] = "rectification";
        o["hit"] = true;
        out.rows.push_back(std::move(x));
    }
    return {};
}

Result<Answer> behind_light(const Question& q, const std::string& name, const Slice& slice) {
    std::vector<Entry> all;
    std::map<std::string, double> values;
    TRY_VOID(each_assignment(q.facts, q.facts.replica().now().ms, [&](const FactTable&, const AssignmentSeen& a) {
        if (q.in_scope(a.unit) && name_of(a.light) == name) all.push_back(counted(a.assignment, true));
    }));
    TRY(auto out, assignments_answer(q, std::move(all), slice,
                                     "a.task_id, a.status, a.deadline, t.issued_at, t.target_value, t.source"));
    const auto& reports = q.t.report_index();
    for (auto& v : out.rows) {
        auto& o = v.as_object();
        const auto* latest = reports.latest(q.t, q.t.assignment_names().find(text_at(o, "id")), kNoEnd);
        o["value"] = latest ? json::value(latest->value) : json::value(nullptr);
        o["entity"] = "assignment";
    }
    TRY_VOID(add_problems(q, name, slice, out));
    return out;
}

// ------------------------------------------------------------------ G3: pairs of task and unit

/// Whether each assignment's pair has something to show in time, by (task, unit).
std::vector<std::uint64_t> landed_pairs(const Question& q) {
    std::vector<std::uint64_t> out;
    for (const auto& r : q.t.reports()) {
        const auto& a = q.t.assignments()[r.assignment];
        const auto* task = q.task(a.task);
        if (task && r.substantive && r.occurred_at < landing_end(*task) && q.in_scope(a.unit))
            out.push_back(std::uint64_t{a.task} << 32 | a.unit);
    }
    std::sort(out.begin(), out.end());
    return out;
}

Result<Answer> behind_not_landed(const Question& q, const Slice& slice) {
    TRY(const auto tasks, rows_of(q.facts.replica(), "SELECT id, title FROM task ORDER BY id"));
    const auto landed = landed_pairs(q);
    struct Pair {
        std::size_t task;
        Index unit;
    };
    std::vector<Pair> pairs;
    std::vector<Entry> all;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        const auto number = q.t.task_names().find(text_at(tasks[i].as_object(), "id"));
        const auto* task = q.task(number);
        if (!task || !task->is_asked) continue;
        for (const auto& unit : q.t.units()) {
            const auto u = q.t.unit_names().find(unit.id);
            if (unit.level != Level::branch || unit.field.empty() || !q.in_scope(u) || !is_of_type(*task, unit))
                continue;
            if (std::find(task->applies_to_fields.begin(), task->applies_to_fields.end(), unit.field) ==
                task->applies_to_fields.end())
                continue;
            const auto key = std::uint64_t{number} << 32 | u;
            all.push_back(
                counted(static_cast<Index>(pairs.size()), !std::binary_search(landed.begin(), landed.end(), key)));
            pairs.push_back({i, u});
        }
    }
    Answer out;
    out.count(all);
    auto [part, is_more] = part_of(std::move(all), slice, std::less<Index>());
    out.is_more = is_more;
    for (const auto& e : part) {
        const auto& p = pairs[e.record];
        const auto& task = tasks[p.task].as_object();
        out.rows.push_back(
            {{"id", task.at("id")}, {"unit_id", q.unit(p.unit)}, {"hit", e.is_hit}, {"title", task.at("title")}});
    }
    return out;
}

// ------------------------------------------------------------------ few records: D2help, D3

/// Of rows that were read whole, in their order.
Answer of_rows(const Question& q, json::array rows, const Slice& slice) {
    Answer out;
    for (auto& v : rows) {
        auto& o = v.as_object();
        if (!q.in_scope(q.t.unit_names().find(text_at(o, "unit_id")))) continue;
        const bool is_hit = number_at(o, "hit") != 0;
        o["hit"] = is_hit;
        out.hits += is_hit;
        out.rows.push_back(std::move(v));
    }
    out.of = static_cast<std::int64_t>(out.rows.size());
    out.is_more = cut(out.rows, slice);
    return out;
}

constexpr const char* kAttendance =
    "SELECT id, unit_id, (status = '缺席' OR (status = '委托代会' AND NOT coalesce(leave_approved, 0)) OR "
    "coalesce(late_min, 0) > 10) AS hit, meeting_id, status, late_min, leave_approved FROM attendance ORDER BY hit "
    "DESC, id";

struct Figure {
    const char* name;
    const char* zh;
    const char* en;
    Result<Answer> (*answer)(const Question& q, const Slice& slice);
};

constexpr Figure kFigures[] = {
    {"G1", "填报高于核查的,差距大的在前", "reported above what was verified, the largest gap first",
     [](const Question& q, const Slice& s) { return behind_checks(q, Side::over, s); }},
    {"G1under", "填报低于核查的,差距大的在前", "reported below what was verified, the largest gap first",
     [](const Question& q, const Slice& s) { return behind_checks(q, Side::under, s); }},
    {"G2", "核查:示范点的在前,其余单位的在后", "checks: those of show units first, the others' behind",
     [](const Question& q, const Slice& s) { return behind_checks(q, Side::point, s); }},
    {"G3", "应落实而在规定时间内没有实质进展的", "expected, without substantive progress in time", behind_not_landed},
    {"G4", "对这些单位的催办", "reminders to these units", behind_pushes},
    {"G5", "两边都核查过的任务:新兴领域的在前,传统领域的在后",
     "tasks that were verified on both sides: emerging fields first, traditional ones behind",
     [](const Question& q, const Slice& s) { return behind_checks(q, Side::emerging, s); }},
    {"level", "核查,按层级:基层的在前", "checks by level, the lowest first",
     [](const Question& q, const Slice& s) { return behind_checks(q, Side::level, s); }},
    {"D1", "自报完成、核查未完成的", "claimed complete, and a check found otherwise",
     [](const Question& q, const Slice& s) { return behind_checks(q, Side::claims, s); }},
    {"D2", "收到不满 24 小时即转、文字几乎照抄、没有指导的",
     "forwarded within a day, nearly word for word, without guidance", behind_forwards},
    {"D2help", "求助超过 10 个工作日没有答复的,记在该答复的单位名下",
     "requests for help without an answer for more than 10 working days, under the unit that owes it",
     [](const Question& q, const Slice& s) -> Result<Answer> {
         TRY(auto rows, behind_help(q.facts.replica()));
         return of_rows(q, std::move(rows), s);
     }},
    {"D3", "会议:缺席、未批准的代会、迟到 10 分钟以上的",
     "meetings: absent, an unapproved deputy, late by more than 10 minutes",
     [](const Question& q, const Slice& s) -> Result<Answer> {
         TRY(auto rows, rows_of(q.facts.replica(), kAttendance));
         return of_rows(q, std::move(rows), s);
     }},
    {"D4", "催办后 96 小时内才有的进展", "progress that came within 96 hours of a reminder", behind_driven},
    {"D4unmoved", "催办两次后 10 个工作日没有实质进展的", "two reminders, and then nothing for 10 working days",
     behind_unmoved},
};

/// Keys of the review are taken as well: G1_reported_minus_verified and the like.
std::string key_of(const std::string& name) {
    static const std::map<std::string, std::string, std::less<>> others = {
        {"G1_under_reported", "G1under"}, {"G4_verified_mean", "level"}, {"verified_mean_by_level", "level"},
        {"D2_help_unanswered", "D2help"}, {"D4_unmoved", "D4unmoved"},
    };
    const auto it = others.find(name);
    return it == others.end() ? name.substr(0, name.find('_')) : it->second;
}

Result<Question> question(StoredFacts& facts, const std::string& unit) {
    const auto& control = facts.replica().control();
    if (!unit.empty() && !control.unit(unit))
        return fail(Errc::not_found, "没有单位 " + unit + " / there is no unit " + unit);
    TRY(const auto* t, facts.now());
    Question q{facts, *t, std::vector<bool>(t->unit_names().size())};
    for (Index n = 0; n < q.holds.size(); ++n) {
        const auto& id = q.unit(n);
        q.holds[n] = control.unit(id) && (unit.empty() || control.is_at_or_below(id, unit, control.head()));
    }
    return q;
}

}  // namespace

Result<json::object> behind(StoredFacts& facts, const std::string& name, const std::string& unit, const Slice& slice) {
    const auto key = key_of(name);
    const auto* figure =
        std::find_if(std::begin(kFigures), std::end(kFigures), [&](const auto& f) { return key == f.name; });
    static const std::map<std::string, std::string> lights = {
        {"green", "绿"}, {"yellow", "黄"}, {"red", "红"}, {"blue", "蓝"}, {"grey", "灰"}};
    const auto light = lights.find(key);
    const bool is_light = light != lights.end();
    if (figure == std::end(kFigures) && !is_light) {
        std::string known;
        for (const auto& f : kFigures) known += std::string(f.name) + " ";
        known += "green yellow red blue grey";
        return fail(Errc::usage, "可打开的数:" + known + " / figures that open: " + known + "; not '" + name + "'");
    }
    TRY(const auto q, question(facts, unit));
    TRY(auto answer, is_light ? behind_light(q, key, slice) : figure->answer(q, slice));
    for (auto& v : answer.rows)
        v.as_object()["unit"] = unit_name(facts.replica().control(), text_at(v.as_object(), "unit_id"));
    return json::object{{"figure", key},
                        {"unit", unit},
                        {"zh", is_light ? "亮" + light->second + "灯的分解和问题" : figure->zh},
                        {"en", is_light ? "assignments and problems with a " + key + " light" : figure->en},
                        {"hits", answer.hits},
                        {"of", answer.of},
                        {"offset", slice.offset},
                        {"more", answer.is_more},
                        {"rows", std::move(answer.rows)}};
}

Result<json::object> behind(Replica& r, const std::string& name, const std::string& unit, const Slice& slice) {
    StoredFacts facts(r, StoredFacts::Use::once);
    return behind(facts, name, unit, slice);
}

}  // namespace taizhang::ledger
