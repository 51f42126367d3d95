#include "ledger/issue.h"

#include "ledger/burden.h"
#include "ledger/entry.h"
#include "ledger/form.h"
#include "ledger/frequency.h"
#include "ledger/new_record.h"
#include "ledger/record_rules.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

/// So many assignments in one draft: few enough that a draft stays small, all of them in one transaction.
constexpr std::size_t kDraftEdits = 500;
constexpr std::size_t kBusiestShown = 5;

struct Plan {
    std::string task, title, deadline, indicator, indicator_unit, period, frequency;
    std::string answered_by;   ///< the task whose answers it reads: then nobody is asked
    std::optional<Edit> step;  ///< of an existing task that is a draft yet: it is issued with its first assignments
    json::array applies_to, unit_types;
    double fields_to_fill = kFieldsOfAReport;
    std::vector<const Unit*> reached;  ///< those that get it now
    std::size_t already = 0;           ///< those that have it
};

std::string text_of(const RowView& row, std::string_view name) {
    for (const auto& [n, v] : row.fields)
        if (n == name) return v.is_null() ? std::string() : v.display();
    return {};
}

std::string typed_of(const Assignments& fields, std::string_view name) {
    for (const auto& [n, v] : fields)
        if (n == name) return v;
    return {};
}

json::array json_list(const std::string& text) {
    boost::system::error_code ec;
    const auto v = json::parse(text.empty() ? "[]" : text, ec);
    return !ec && v.is_array() ? v.as_array() : json::array{};
}

/// How often a month a form of that frequency is asked for.
double per_month(const std::string& frequency) {
    const auto f = Frequency::of(frequency);
    return f ? f->forms_per_month() : 0;
}

Result<> need(const Plan& p) {
    if (p.title.empty()) return fail(Errc::bad_input, "title: 请写任务名称 / title: name the task");
    if (p.deadline.empty()) return fail(Errc::bad_input, "deadline: 请定完成时限 / deadline: set a deadline");
    return {};
}

/// The same of a task that is being written and of one that is there.
template <class TextOf>
void read_task(Plan& p, TextOf text) {
    p.title = text("title");
    p.deadline = text("deadline");
    p.indicator = text("indicator");
    p.indicator_unit = text("indicator_unit");
    p.period = text("period");
    p.frequency = text("report_frequency");
    p.answered_by = text("same_as_task_id");
    p.applies_to = json_list(text("applies_to_fields"));
    p.unit_types = json_list(text("unit_types"));
    const auto declared = std::strtod(text("fields_to_fill").c_str(), nullptr);
    if (declared > 0) p.fields_to_fill = declared;
    // The issuer's own form fields are work as well; a form that cannot be filled in is refused elsewhere.
    if (const auto form = parse_form(text("extra_fields"))) p.fields_to_fill += static_cast<double>(form->size());
}

Result<Plan> plan_of(Replica& r, const IssueInput& in, bool needs_all) {
    Plan p;
    if (in.task.empty()) {
        read_task(p, [&](const char* name) { return typed_of(in.fields, name); });
        if (needs_all) TRY_VOID(need(p));
        return p;
    }
    TRY(const auto row, r.read_row("task", in.task));
    if (row.state != "已下达" && row.state != "草稿")
        return fail(Errc::not_allowed, "任务" + row.state + ",不能再分解 / the task is " + row.state +
                                           ": it cannot be handed down any more");
    p.task = row.id;
    read_task(p, [&](const char* name) { return text_of(row, name); });
    if (!p.answered_by.empty())
        return fail(Errc::not_allowed, "task: " + p.task + " 采用 " + p.answered_by +
                                           " 的填报,不再向下要数 / task: " + p.task + " reads the answers of " +
                                           p.answered_by + ": nobody is asked again");
    if (row.state == "草稿") {
        TRY_VOID(check_step(r, row, "issue"));
        Edit e;
        e.entity = "task";
        e.row = row.id;
        e.stream = row.stream;
        e.transition = "issue";
        add_time_of_issue(r, row, e);
        p.step = std::move(e);
    }
    return p;
}

Result<std::set<std::string>> units_with(Replica& r, const std::string& task) {
    std::set<std::string> out;
    if (task.empty()) return out;
    TRY(auto s, r.database().prepare("SELECT unit_id FROM assignment WHERE task_id = ?1", false));
    s.bind(1, std::string_view(task));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out.emplace(s.text(0));
    }
}

Result<> reach(Replica& r, const IssueInput& in, const std::string& under, Plan& p) {
    const auto& control = r.control();
    const auto wanted = level_from(in.level);
    if (wanted == Level::none || wanted == Level::city)
        return fail(Errc::bad_input,
                    "level: 下达到 county、township 或 branch / level: issue to county, township or branch");
    if (!control.unit(under)) return fail(Errc::not_found, "没有单位 " + under + " / there is no unit " + under);
    TRY(const auto have, units_with(r, p.task));
    if (!p.answered_by.empty()) return {};
    const auto is_meant = [](const json::array& list, const std::string& what) {
        return list.empty() || std::any_of(list.begin(), list.end(),
                                           [&](const auto& x) { return x.is_string() && x.as_string() == what; });
    };
    for (const auto& id : control.units()) {
        const auto* u = control.unit(id);
        if (!u || u->abolished || u->level != wanted || !control.is_at_or_below(id, under, control.head())) continue;
        if (wanted == Level::branch && (!is_meant(p.applies_to, unit_attribute(r, id, "field")) ||
                                        !is_meant(p.unit_types, unit_attribute(r, id, "kind"))))
            continue;
        if (have.contains(id))
            ++p.already;
        else
            p.reached.push_back(u);
    }
    return {};
}

/// What each unit that is reached has on its desk already: open assignments.
Result<std::unordered_map<std::string, std::int64_t>> open_now(Replica& r) {
    std::unordered_map<std::string, std::int64_t> out;
    TRY(auto s, r.database().prepare("SELECT unit_id, count(*) FROM assignment WHERE status NOT IN "
                                     "('已办结', '已撤回', '已中止') GROUP BY unit_id",
                                     false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out[std::string(s.text(0))] = s.integer(1);
    }
}

json::array by_unit(Replica& r, const Plan& p, const std::string& under) {
    const auto& control = r.control();
    std::vector<std::pair<const Unit*, std::size_t>> groups;
    for (const auto& id : control.units()) {
        const auto* u = control.unit(id);
        if (u && u->parent == under && !u->abolished) groups.emplace_back(u, 0);
    }
    for (const auto* u : p.reached)
        for (auto& [top, n] : groups)
            if (control.is_at_or_below(u->id, top->id, control.head())) ++n;
    json::array out;
    for (const auto& [top, n] : groups)
        if (n > 0) out.push_back({{"id", top->id}, {"name", top->name}, {"reached", n}});
    return out;
}

Result<json::object> burden(Replica& r, const Plan& p) {
    TRY(const auto open, open_now(r));
    std::vector<std::pair<std::int64_t, const Unit*>> desks;
    std::int64_t sum = 0;
    for (const auto* u : p.reached) {
        const auto it = open.find(u->id);
        desks.emplace_back(it == open.end() ? 0 : it->second, u);
        sum += desks.back().first;
    }
    const auto shown = std::min(kBusiestShown, desks.size());
    std::partial_sort(desks.begin(), desks.begin() + static_cast<std::ptrdiff_t>(shown), desks.end(),
                      [](const auto& a, const auto& b) { return a.first > b.first; });
    json::array busiest;
    for (std::size_t i = 0; i < shown; ++i)
        busiest.push_back({{"id", desks[i].second->id}, {"name", desks[i].second->name}, {"open", desks[i].first}});
    const auto n = static_cast<double>(p.reached.size());
    const auto forms = per_month(p.frequency);
    return json::object{{"forms_per_month", forms},
                        {"fields_per_month", forms * p.fields_to_fill},
                        {"forms_per_month_all", forms * n},
                        {"fields_per_month_all", forms * p.fields_to_fill * n},
                        {"open_now_mean", desks.empty() ? 0 : static_cast<double>(sum) / n},
                        {"busiest", std::move(busiest)}};
}

/// Ask once: tasks in force that ask for the same figure; the one that asks for it in the same period is first, and a
/// new one beside it is refused (record_rules.h).
Result<json::array> same_question(Replica& r, const Plan& p, const std::string& now) {
    json::array out;
    if (p.indicator.empty()) return out;
    std::string asked;
    if (p.task.empty() && p.answered_by.empty()) {
        TRY(const auto by, asked_already(r, p.indicator, p.indicator_unit, p.period, now));
        asked = by.value_or("");
    }
    TRY(const auto rows, rows_of(r,
                                 "SELECT DISTINCT id, title FROM task WHERE indicator = ?1 AND id <> ?2 AND status NOT "
                                 "IN ('已撤回', '草稿') ORDER BY id <> ?3, id LIMIT 5",
                                 {p.indicator, p.task, asked}));
    for (const auto& v : rows) {
        auto o = v.as_object();
        o["asked"] = text_at(o, "id") == asked;
        out.push_back(std::move(o));
    }
    return out;
}

Result<Edit> new_task(Replica& r, const IssueInput& in, const std::string& own, const std::string& now) {
    const auto* v = r.control().newest("task");
    if (!v) return fail(Errc::not_found, "目录里没有任务 / the catalog has no task");
    const auto& entity = *v->entity;
    Edit e;
    e.entity = "task";
    e.row = new_id(r, entity);
    e.create = true;
    e.stream = StreamId{own, entity.audience};
    for (const auto& [key, text] : in.fields) {
        if (text.empty()) continue;
        TRY_VOID(check_text(text));
        const auto f = entity.field(key);
        if (f < 0) return fail(Errc::not_found, "任务没有字段 " + key + " / a task has no field '" + key + "'");
        auto value = parse_value(entity.fields[static_cast<std::size_t>(f)], text);
        if (!value) return fail(value.error().code, key + ": " + value.error().detail);
        e.fields.emplace_back(key, std::move(*value));
    }
    auto add = [&](const char* name, const std::string& text) {
        if (entity.field(name) >= 0 && typed_of(in.fields, name).empty())
            e.fields.emplace_back(name, Value::text(text));
    };
    add("issued_at", now);
    add("lead_unit_id", own);
    e.transition = "issue";
    TRY_VOID(check_rules(r, "task", {}, e.fields));
    return e;
}

Edit handed_down(const EntityVersion& v, const Plan& p, const Unit& u, const std::string& now) {
    Edit e;
    e.entity = "assignment";
    e.row = derived_id(*v.entity, {p.task, u.id});
    e.create = true;
    e.stream = StreamId{u.id, v.entity->audience};
    e.fields = {{"task_id", Value::text(p.task)},
                {"unit_id", Value::text(u.id)},
                {"level", Value::text(std::string(taizhang::name_of(u.level)))},
                {"received_at", Value::text(now)}};
    if (!p.deadline.empty()) e.fields.emplace_back("deadline", Value::text(p.deadline));
    e.transition = "issue";
    return e;
}

Result<> make(Replica& r, const IssueInput& in, const std::string& own, Plan& p) {
    const auto* v = r.control().newest("assignment");
    if (!v) return fail(Errc::not_found, "目录里没有任务分解 / the catalog has no assignment");
    const auto now = format_local(r.now().ms);
    return r.batch([&]() -> Result<> {
        Draft draft;
        draft.person = in.person;
        auto save = [&]() -> Result<> {
            if (draft.edits.empty()) return {};
            TRY(const auto commits, r.edit(draft));
            draft.edits.clear();
            return {};
        };
        if (p.task.empty()) {
            TRY(auto task, new_task(r, in, own, now));
            p.task = task.row;
            draft.edits.push_back(std::move(task));
            TRY_VOID(save());
        }
        if (p.step) {
            draft.edits.push_back(std::move(*p.step));
            TRY_VOID(save());
        }
        for (const auto* u : p.reached) {
            draft.edits.push_back(handed_down(*v, p, *u, now));
            if (draft.edits.size() == kDraftEdits) TRY_VOID(save());
        }
        return save();
    });
}

}  // namespace

Result<json::object> issue(Replica& r, const IssueInput& in) {
    const auto* cert = r.control().cert(r.id());
    const auto own = cert ? cert->unit : r.control().root();
    const auto under = in.under.empty() ? own : in.under;
    TRY(auto p, plan_of(r, in, !in.dry_run));
    TRY_VOID(reach(r, in, under, p));
    json::object out{{"reached", p.reached.size()}, {"already", p.already}, {"by_unit", by_unit(r, p, under)}};
    TRY(out["burden"], burden(r, p));
    const auto now = format_local(r.now().ms);
    TRY(out["same"], same_question(r, p, now));
    if (!p.answered_by.empty()) out["answered_by"] = p.answered_by;
    // What would be refused is said while it is being written.
    if (in.task.empty()) TRY_VOID(new_task(r, in, own, now));
    if (in.dry_run) return out;
    if (p.reached.empty() && p.answered_by.empty())
        return fail(Errc::bad_input,
                    "scope: 没有单位会收到,没有下达 / scope: it would reach nobody: nothing was issued");
    TRY_VOID(make(r, in, own, p));
    out["saved"] = true;
    out["record"] = p.task;
    out["made"] = p.reached.size();
    return out;
}

}  // namespace taizhang::ledger
