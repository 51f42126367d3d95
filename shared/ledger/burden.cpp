#include "ledger/burden.h"

#include "ledger/form.h"
#include "ledger/frequency.h"
#include "ledger/lights.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

struct Charge {
    std::int64_t forms = 0, fields = 0, reports = 0;
};

bool is_month(const std::string& s) {
    return s.size() == 7 && s[4] == '-' && s.find_first_not_of("0123456789-") == std::string::npos &&
           s.substr(5) >= "01" && s.substr(5) <= "12";
}

/// "2025-11" of a time, in the ledger's zone.
std::string month_of(Seconds t) { return format_local(t * 1000).substr(0, 7); }

/// What a task asks of one branch in the month.
struct Asked {
    std::string issuer, issued, deadline, frequency;  ///< issued and deadline: their months, or empty
    std::int64_t fields = 0;
    std::string stopped;  ///< the month in which it was withdrawn or suspended; empty: it runs
};

/// The month in which a task was withdrawn or suspended; this one where its history is not here.
Result<std::string> stopped_in(Replica& r, const std::string& task) {
    TRY(const auto row, r.read_row("task", task));
    const auto step = std::find_if(row.history.rbegin(), row.history.rend(), [](const auto& h) {
        return h.transition == "withdraw" || h.transition == "suspend";
    });
    const auto ms = step == row.history.rend() ? r.now().ms : static_cast<std::int64_t>(step->time >> 16);
    return format_local(ms).substr(0, 7);
}

/// By the task's number.
Result<std::map<Index, Asked>> tasks_asked(Replica& r, const FactTable& t) {
    const std::string extra = has_field(r, "task", "extra_fields") ? "t.extra_fields" : "NULL";
    TRY(const auto rows,
        rows_of(r,
                "SELECT t.id, t.lead_unit_id, s.unit AS issuer, t.issued_at, t.deadline, t.report_frequency, "
                "t.fields_to_fill, t.status, " +
                    extra + " AS extra FROM task t JOIN stream s ON s.no = t._s"));
    std::map<Index, Asked> out;
    for (const auto& v : rows) {
        const auto& o = v.as_object();
        const auto form = parse_form(text_at(o, "extra"));
        const auto declared = static_cast<std::int64_t>(number_at(o, "fields_to_fill"));
        Asked a{text_at(o, "lead_unit_id"),
                text_at(o, "issued_at").substr(0, 7),
                text_at(o, "deadline").substr(0, 7),
                text_at(o, "report_frequency"),
                0,
                {}};
        if (is_stopped(text_at(o, "status"))) {
            TRY(a.stopped, stopped_in(r, text_at(o, "id")));
        }
        if (a.issuer.empty()) a.issuer = text_at(o, "issuer");
        a.fields = (declared > 0 ? declared : kFieldsOfAReport) + static_cast<std::int64_t>(form ? form->size() : 0);
        if (const auto number = t.task_names().find(text_at(o, "id")); number != kNone) out[number] = std::move(a);
    }
    return out;
}

/// How many reports each assignment had in the month.
std::vector<std::int64_t> reports_in(const FactTable& t, const std::string& month) {
    std::vector<std::int64_t> out(t.assignments().size());
    std::map<Seconds, bool> days;  // a year has few
    for (const auto& r : t.reports()) {
        const auto day = (r.occurred_at + 8 * 3600) / kDaySeconds;
        const auto [it, is_new] = days.try_emplace(day, false);
        if (is_new) it->second = month_of(r.occurred_at) == month;
        out[r.assignment] += it->second;
    }
    return out;
}

json::array charges(Replica& r, const std::map<std::string, Charge>& by, bool with_reports) {
    json::array out;
    for (const auto& [unit, c] : by) {
        json::object o{
            {"unit_id", unit}, {"unit", unit_name(r.control(), unit)}, {"forms", c.forms}, {"fields", c.fields}};
        if (with_reports) o["reports"] = c.reports;
        out.push_back(std::move(o));
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return a.at("fields").as_int64() > b.at("fields").as_int64();
    });
    return out;
}

}  // namespace

int forms_in_month(const std::string& frequency, const std::string& deadline, const std::string& month) {
    if (const auto f = Frequency::of(frequency)) return f->forms_in_month(std::atoi(month.c_str() + 5));
    return deadline.substr(0, 7) == month;
}

Result<json::object> burden(StoredFacts& facts, const std::string& unit, const std::string& month, const Slice& slice) {
    if (!is_month(month)) return fail(Errc::usage, "月份写成 2025-11 / a month is written 2025-11");
    auto& r = facts.replica();
    const auto& control = r.control();
    if (!unit.empty() && !control.unit(unit))
        return fail(Errc::not_found, "没有单位 " + unit + " / there is no unit " + unit);
    TRY(const auto* t, facts.now());
    TRY(const auto tasks, tasks_asked(r, *t));
    const auto reports = reports_in(*t, month);
    std::vector<bool> is_charged(t->unit_names().size());
    for (Index n = 0; n < is_charged.size(); ++n) {
        const auto& id = t->unit_names()[n];
        const auto* u = control.unit(id);
        is_charged[n] =
            u && u->level == Level::branch && (unit.empty() || control.is_at_or_below(id, unit, control.head()));
    }
    std::map<std::string, Charge> by_issuer;
    std::map<Index, Charge> by_number;
    Charge all;
    for (Index n = 0; n < t->assignments().size(); ++n) {
        const auto& a = t->assignments()[n];
        const auto task = a.task == kNone || !is_charged[a.unit] ? tasks.end() : tasks.find(a.task);
        if (task == tasks.end()) continue;
        const auto& asked = task->second;
        const auto deadline = !asked.deadline.empty() ? asked.deadline : a.due ? month_of(*a.due) : std::string();
        // Issued by the month's end, not over before it. A withdrawn task's reports were work all the same; its forms
        // are charged as long as it ran.
        if ((!asked.issued.empty() && asked.issued > month) || (!deadline.empty() && deadline < month)) continue;
        if (!asked.stopped.empty() && asked.stopped < month) continue;
        const auto forms = forms_in_month(asked.frequency, deadline, month);
        for (auto* c : {&by_issuer[asked.issuer], &by_number[a.unit], &all}) {
            c->forms += forms;
            c->fields += forms * asked.fields;
            c->reports += reports[n];
        }
    }
    std::map<std::string, Charge> by_branch;
    for (const auto& [n, c] : by_number) by_branch[t->unit_names()[n]] = c;
    const auto branches = static_cast<std::int64_t>(by_branch.size());
    json::object out{{"month", month}, {"forms", all.forms}, {"fields", all.fields}, {"branches", branches}};
    out["forms_per_branch"] =
        branches ? json::value(std::round(static_cast<double>(all.forms) / static_cast<double>(branches) * 100) / 100)
                 : json::value(nullptr);
    out["by_issuer"] = charges(r, by_issuer, false);
    auto branch_rows = charges(r, by_branch, true);
    out["more"] = cut(branch_rows, slice);
    out["by_branch"] = std::move(branch_rows);
    return out;
}

Result<json::object> burden(Replica& r, const std::string& unit, const std::string& month, const Slice& slice) {
    StoredFacts facts(r, StoredFacts::Use::once);
    return burden(facts, unit, month, slice);
}

Result<std::optional<std::string>> asked_already(Replica& r, const std::string& indicator, const std::string& measure,
                                                 const std::string& period, const std::string& issued_at,
                                                 const std::string& except) {
    if (indicator.empty()) return std::optional<std::string>();
    const bool has_period = has_field(r, "task", "period");
    TRY(const auto rows, rows_of(r,
                                 std::string("SELECT id, issued_at, ") + (has_period ? "period" : "NULL") +
                                     " AS period FROM task WHERE indicator = ?1 AND coalesce(indicator_unit, '') = ?2 "
                                     "AND id <> ?3 AND coalesce(" +
                                     (has_field(r, "task", "same_as_task_id") ? "same_as_task_id" : "NULL") +
                                     ", '') = '' AND status NOT IN ('已撤回', '草稿') ORDER BY issued_at, id",
                                 {indicator, measure, except}));
    for (const auto& v : rows) {
        const auto& o = v.as_object();
        const auto theirs = text_at(o, "period");
        // Without a period it is the year in which the task was issued.
        const auto ours = period.empty() ? issued_at.substr(0, 4) : period;
        if ((theirs.empty() ? text_at(o, "issued_at").substr(0, 4) : theirs) == ours)
            return std::optional(text_at(o, "id"));
    }
    return std::optional<std::string>();
}

}  // namespace taizhang::ledger
