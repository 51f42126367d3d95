#include "ledger/decompose.h"

#include "ledger/form.h"
#include "ledger/new_record.h"
#include "ledger/rows.h"
#include "ledger/sheet_records.h"
#include "ledger/similar.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

std::vector<std::string> list_of(const std::string& text) {
    std::vector<std::string> out;
    boost::system::error_code ec;
    const auto v = json::parse(text.empty() ? "[]" : text, ec);
    if (!ec && v.is_array())
        for (const auto& x : v.as_array())
            if (x.is_string()) out.emplace_back(x.as_string());
    return out;
}

/// Which branches a task means.
class Scope {
public:
    Scope(Replica& r, const RowView& task)
        : r_(r),
          fields_(list_of(field_text(task, "applies_to_fields"))),
          kinds_(list_of(field_text(task, "unit_types"))) {}

    bool means(const std::string& unit) const {
        const auto* u = r_.control().unit(unit);
        if (!u || u->level != Level::branch || r_.control().is_abolished(unit, r_.control().head())) return false;
        return is_in(fields_, unit_attribute(r_, unit, "field")) && is_in(kinds_, unit_attribute(r_, unit, "kind"));
    }
    /// The unit itself, or somebody below it.
    bool reaches(const std::string& unit) const {
        const auto& control = r_.control();
        return std::any_of(control.units().begin(), control.units().end(),
                           [&](const auto& u) { return means(u) && control.is_at_or_below(u, unit, control.head()); });
    }

private:
    static bool is_in(const std::vector<std::string>& list, const std::string& s) {
        return list.empty() || std::find(list.begin(), list.end(), s) != list.end();
    }
    Replica& r_;
    std::vector<std::string> fields_, kinds_;
};

std::vector<std::string> directly_below(Replica& r, const std::string& unit) {
    std::vector<std::string> out;
    const auto& control = r.control();
    for (const auto& u : control.units())
        if (control.unit(u)->parent == unit && !control.is_abolished(u, control.head())) out.push_back(u);
    return out;
}

class Decomposer {
public:
    Decomposer(Replica& r, const Decomposition& d, const RowView& task) : r_(r), ledger_(r), d_(d), task_(task) {
        const auto& control = r.control();
        top_ = control.authority(own_unit(r), control.head());
        parent_ = derived_id(*control.newest("assignment")->entity, {d.task, top_});
    }

    Result<json::object> run() {
        auto units = d_.units;
        const Scope scope(r_, task_);
        if (units.empty())
            for (const auto& u : directly_below(r_, top_))
                if (scope.reaches(u)) units.push_back(u);
        if (units.empty())
            return fail(Errc::usage, "下面没有这项任务适用的单位 / there is no unit below that the task applies to");
        TRY_VOID(find_parent());
        for (const auto& u : units) {
            const auto done = hand_down(u);
            if (done) continue;
            if (!is_of_the_record(done.error().code)) return done.error();
            refused_.push_back({{"unit", u}, {"why", done.error().detail}});
        }
        if (!made_.empty()) TRY_VOID(mark_forwarded());
        return json::object{{"task", d_.task},
                            {"made", std::move(made_)},
                            {"there", std::move(there_)},
                            {"refused", std::move(refused_)}};
    }

private:
    /// The own assignment of this task: under its derived id, or the one that a city's file brought.
    Result<> find_parent() {
        TRY(const auto known, r_.find(parent_));
        if (!known.empty()) return {};
        TRY(const auto rows,
            rows_of(r_, "SELECT id FROM assignment WHERE task_id = ?1 AND unit_id = ?2 ORDER BY id", {d_.task, top_}));
        parent_ = rows.empty() ? std::string() : text_at(rows.front().as_object(), "id");
        return {};
    }

    Result<> hand_down(const std::string& unit) {
        const auto& control = r_.control();
        if (!control.unit(unit)) return fail(Errc::not_found, "没有单位 " + unit + " / there is no unit " + unit);
        if (unit == top_ || !control.is_at_or_below(unit, top_, control.head()))
            return fail(Errc::not_allowed, unit + " 不在本单位之下,不能向它分解 / " + unit +
                                               " is not below this unit: nothing is handed down to it");
        TRY(const auto there,
            rows_of(r_, "SELECT id FROM assignment WHERE task_id = ?1 AND unit_id = ?2 ORDER BY id", {d_.task, unit}));
        if (!there.empty()) {
            there_.push_back({{"unit", unit}, {"record", text_at(there.front().as_object(), "id")}});
            return {};
        }
        Assignments fields{{"task_id", d_.task}, {"unit_id", unit}, {"received_at", format_local(r_.now().ms)}};
        const auto deadline = d_.deadline.empty() ? field_text(task_, "deadline") : d_.deadline;
        if (!deadline.empty()) fields.emplace_back("deadline", deadline);
        if (!parent_.empty()) fields.emplace_back("parent_assignment_id", parent_);
        TRY(const auto saved, ledger_.create("assignment", fields, d_.person));
        TRY(const auto issued, ledger_.act("issue", saved.record, {}, d_.person));
        (void)issued;
        if (!d_.guidance.empty()) {
            TRY(const auto guided,
                ledger_.create(
                    "guidance",
                    {{"assignment_id", saved.record}, {"unit_id", unit}, {"kind", "分解指导"}, {"text", d_.guidance}},
                    d_.person));
            (void)guided;
        }
        made_.push_back({{"unit", unit}, {"record", saved.record}});
        return {};
    }

    /// The own assignment says when it was forwarded and how much of it was the unit's own words.
    Result<> mark_forwarded() {
        if (parent_.empty()) return {};
        TRY(const auto own, r_.read_row("assignment", parent_));
        if (!field_text(own, "forwarded_at").empty()) return {};
        const auto alike = d_.guidance.empty() ? 1.0 : similarity(d_.guidance, field_text(task_, "requirement"));
        const auto number = Decimal::from_double(static_cast<double>(static_cast<int>(alike * 100)) / 100);
        TRY(const auto marked, ledger_.set(parent_,
                                           {{"forwarded_at", format_local(r_.now().ms)},
                                            {"forward_text_similarity", number ? number->str() : "1"}},
                                           d_.person));
        (void)marked;
        if (d_.guidance.empty()) return {};
        TRY(const auto guided,
            ledger_.create(
                "guidance",
                {{"assignment_id", parent_}, {"unit_id", own.stream.unit}, {"kind", "分解指导"}, {"text", d_.guidance}},
                d_.person));
        (void)guided;
        return {};
    }

    Replica& r_;
    Ledger ledger_;
    const Decomposition& d_;
    const RowView& task_;
    std::string top_, parent_;
    json::array made_, there_, refused_;
};

struct Reached {
    int expected = 0, assigned = 0, acknowledged = 0, landed = 0;
    void add_to(json::object& o) const {
        o["expected"] = expected;
        o["assigned"] = assigned;
        o["acknowledged"] = acknowledged;
        o["landed"] = landed;
    }
};

/// The task whose answers are read: the first one that asked, where this one adopted it. Its scope is that one's.
Result<RowView> asking_task(Replica& r, const std::string& id) {
    TRY(auto task, r.read_row("task", id));
    std::set<std::string> seen{id};
    for (;;) {
        const auto first = field_text(task, "same_as_task_id");
        if (first.empty() || !seen.insert(first).second) return task;
        auto next = r.read_row("task", first);
        if (!next) return task;  // it is not here
        task = std::move(*next);
    }
}

}  // namespace

Result<json::object> decompose(Replica& r, const Decomposition& d) {
    TRY(const auto task, r.read_row("task", d.task));
    if (!d.deadline.empty() && !is_calendar_date(d.deadline))
        return fail(Errc::bad_input, "完成时限不是日期(2025-11-06):" + d.deadline +
                                         " / --deadline is not a date (2025-11-06): " + d.deadline);
    if (const auto first = field_text(task, "same_as_task_id"); !first.empty())
        return fail(Errc::not_allowed, d.task + " 采用 " + first + " 的填报,不再向下要数 / " + d.task +
                                           " reads the answers of " + first + ": nobody is asked again");
    const auto& flow = task.binding->newest->workflow;
    const bool is_over = task.state == "草稿" ||
                         std::find(flow.done.begin(), flow.done.end(), task.state) != flow.done.end() ||
                         std::find(flow.suspended.begin(), flow.suspended.end(), task.state) != flow.suspended.end();
    if (is_over)
        return fail(Errc::not_allowed, d.task + " 是" + task.state + ",不能分解 / " + d.task + " is " + task.state +
                                           ": it cannot be handed down");
    json::object out;
    TRY_VOID(r.batch([&]() -> Result<> {
        TRY(out, Decomposer(r, d, task).run());
        return {};
    }));
    return out;
}

Result<json::object> expected(Replica& r, const std::string& id, const std::string& unit) {
    TRY(const auto task, asking_task(r, id));
    const auto& control = r.control();
    const auto top = unit.empty() ? control.authority(own_unit(r), control.head()) : unit;
    if (!control.unit(top)) return fail(Errc::not_found, "没有单位 " + top + " / there is no unit " + top);
    TRY(const auto rows, rows_of(r,
                                 "SELECT a.id, a.unit_id, a.status, (SELECT count(*) FROM progress_report p WHERE "
                                 "p.assignment_id = a.id AND p.substantive) AS reports FROM assignment a WHERE "
                                 "a.task_id = ?1",
                                 {task.id}));
    std::map<std::string, Reached> by_unit;
    for (const auto& v : rows) {
        const auto& o = v.as_object();
        const auto status = text_at(o, "status");
        auto& x = by_unit[text_at(o, "unit_id")];
        x.assigned = status != "草稿" && status != "已撤回";
        x.acknowledged = x.assigned && status != "待签收";
        x.landed = number_at(o, "reports") > 0;
    }
    const Scope scope(r, task);
    const auto below = directly_below(r, top);
    std::map<std::string, Reached> sums;
    Reached all;
    json::array not_reached;
    for (const auto& u : control.units()) {
        if (!control.is_at_or_below(u, top, control.head()) || !scope.means(u)) continue;
        const auto& x = by_unit[u];
        auto add = [&](Reached& to) {
            ++to.expected;
            to.assigned += x.assigned;
            to.acknowledged += x.acknowledged;
            to.landed += x.landed;
        };
        add(all);
        if (x.assigned == 0) not_reached.push_back({{"id", u}, {"name", unit_name(control, u)}});
        for (const auto& b : below)
            if (control.is_at_or_below(u, b, control.head())) add(sums[b]);
    }
    json::object out{{"task", id}, {"title", field_text(task, "title")}, {"unit", top}};
    if (task.id != id) out["answered_by"] = task.id;
    all.add_to(out);
    json::array units;
    for (const auto& [u, reached] : sums) {
        const auto& own = by_unit[u];
        json::object o{{"id", u},
                       {"name", unit_name(control, u)},
                       {"level", taizhang::name_of(control.unit(u)->level)},
                       {"has_assignment", own.assigned > 0}};
        reached.add_to(o);
        units.push_back(std::move(o));
    }
    out["units"] = std::move(units);
    out["not_reached"] = std::move(not_reached);
    return out;
}

namespace {

/// The newest of each assignment that says anything of the form.
Result<json::array> latest_answers(Replica& r, const std::string& entity, const std::string& time,
                                   const std::string& task, const std::string& units) {
    return rows_of(r,
                   "SELECT id, unit_id, extra FROM (SELECT *, row_number() OVER (PARTITION BY assignment_id ORDER BY "
                   "unixepoch(" +
                       time + ") DESC, id DESC) AS n FROM " + entity +
                       " WHERE task_id = ?1 AND coalesce(extra, '') <> '') WHERE n = 1 AND unit_id IN (SELECT value "
                       "FROM json_each(?2))",
                   {task, units});
}

/// One field over many answers: a check and a report are never added to each other.
class AnswerSums {
public:
    AnswerSums(const FormField& field, const json::array& answers) : field_(field) {
        for (const auto& a : answers) {
            boost::system::error_code ec;
            const auto extra = json::parse(text_at(a.as_object(), "extra"), ec);
            const auto* v = !ec && extra.is_object() ? extra.as_object().if_contains(field.name) : nullptr;
            if (!v) continue;
            ++n_;
            if (v->is_number()) sum_ += v->to_number<double>();
            if (v->is_string()) ++counts_[std::string(v->as_string())];
        }
    }
    void add_to(json::object& o, const char* n, const char* sum, const char* counts) const {
        o[n] = n_;
        if (field_.type == "number") o[sum] = sum_;
        if (field_.type != "choice") return;
        json::object c;
        for (const auto& name : field_.choices) {
            const auto it = counts_.find(name);
            c[name] = it == counts_.end() ? 0 : it->second;
        }
        o[counts] = std::move(c);
    }

private:
    const FormField& field_;
    double sum_ = 0;
    std::int64_t n_ = 0;
    std::map<std::string, std::int64_t> counts_;
};

}  // namespace

Result<json::object> form_figures(Replica& r, const std::string& id, const std::string& unit) {
    TRY(const auto task, asking_task(r, id));
    TRY(const auto form, parse_form(has_field(r, "task", "extra_fields") ? field_text(task, "extra_fields") : ""));
    TRY(const auto ids, units_below(r, unit));
    json::array answers, checks;
    if (!form.empty()) {
        TRY(answers, latest_answers(r, "progress_report", "occurred_at", task.id, ids));
        if (has_field(r, "verification", "extra")) {
            TRY(checks, latest_answers(r, "verification", "at", task.id, ids));
        }
    }
    json::array fields;
    for (const auto& f : form) {
        json::object o{{"name", f.name}, {"type", f.type}};
        AnswerSums(f, answers).add_to(o, "n", "sum", "counts");
        AnswerSums(f, checks).add_to(o, "n_verified", "verified_sum", "verified_counts");
        fields.push_back(std::move(o));
    }
    json::object out{{"task", id},
                     {"answers", static_cast<std::int64_t>(answers.size())},
                     {"checks", static_cast<std::int64_t>(checks.size())},
                     {"fields", std::move(fields)}};
    if (task.id != id) out["answered_by"] = task.id;
    return out;
}

}  // namespace taizhang::ledger
