#include "ledger/burden.h"

#include "ledger/form.h"
#include "ledger/rows.h"
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

/// The task is asked in that month: issued by its end, not over before it.
bool runs_in(const json::object& o, const std::string& month) {
    const auto issued = text_at(o, "issued_at").substr(0, 7), deadline = text_at(o, "deadline").substr(0, 7);
    return (issued.empty() || issued <= month) && (deadline.empty() || deadline >= month);
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
    const int m = std::atoi(month.c_str() + 5);
    if (frequency == "每周" || frequency == "周") return 4;
    if (frequency == "每月" || frequency == "月") return 1;
    if (frequency == "双月" || frequency == "每两月") return m % 2 == 0;
    if (frequency == "季度" || frequency == "每季度") return m % 3 == 0;
    if (frequency == "半年" || frequency == "每半年") return m % 6 == 0;
    if (frequency == "年度" || frequency == "每年") return m == 12;
    return deadline.substr(0, 7) == month;
}

Result<json::object> burden(Replica& r, const std::string& unit, const std::string& month, const Slice& slice) {
    if (!is_month(month)) return fail(Errc::usage, "月份写成 2025-11 / a month is written 2025-11");
    TRY(const auto ids, units_below(r, unit));
    const std::string extra = has_field(r, "task", "extra_fields") ? "t.extra_fields" : "NULL";
    TRY(const auto rows,
        rows_of(r,
                "SELECT a.unit_id, t.id AS task_id, t.lead_unit_id, s.unit AS issuer, t.issued_at, "
                "coalesce(t.deadline, a.deadline) AS deadline, t.report_frequency, t.fields_to_fill, " +
                    extra +
                    " AS extra, (SELECT count(*) FROM progress_report p WHERE p.assignment_id = a.id "
                    "AND substr(p.occurred_at, 1, 7) = ?2) AS reports FROM assignment a JOIN task t ON "
                    "t.id = a.task_id JOIN stream s ON s.no = t._s WHERE a.unit_id IN (SELECT value "
                    "FROM json_each(?1)) ORDER BY a.id",
                {ids, month}));
    std::map<std::string, Charge> by_issuer, by_branch;
    Charge all;
    for (const auto& v : rows) {
        const auto& o = v.as_object();
        const auto branch = text_at(o, "unit_id");
        const auto* u = r.control().unit(branch);
        // A withdrawn task's reports were work all the same; its forms are charged as long as it ran.
        if (!u || u->level != Level::branch || !runs_in(o, month)) continue;
        const auto forms = forms_in_month(text_at(o, "report_frequency"), text_at(o, "deadline"), month);
        const auto form = parse_form(text_at(o, "extra"));
        const auto declared = static_cast<std::int64_t>(number_at(o, "fields_to_fill"));
        const auto fields =
            (declared > 0 ? declared : kFieldsOfAReport) + static_cast<std::int64_t>(form ? form->size() : 0);
        auto issuer = text_at(o, "lead_unit_id");
        if (issuer.empty()) issuer = text_at(o, "issuer");
        const auto reports = static_cast<std::int64_t>(number_at(o, "reports"));
        for (auto* c : {&by_issuer[issuer], &by_branch[branch], &all}) {
            c->forms += forms;
            c->fields += forms * fields;
            c->reports += reports;
        }
    }
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

Result<std::optional<std::string>> asked_already(Replica& r, const std::string& indicator, const std::string& measure,
                                                 const std::string& period, const std::string& issued_at) {
    if (indicator.empty()) return std::optional<std::string>();
    const bool has_period = has_field(r, "task", "period");
    TRY(const auto rows, rows_of(r,
                                 std::string("SELECT id, issued_at, ") + (has_period ? "period" : "NULL") +
                                     " AS period FROM task WHERE indicator = ?1 AND coalesce(indicator_unit, '') = ?2 "
                                     "AND status NOT IN ('已撤回', '草稿') ORDER BY issued_at, id",
                                 {indicator, measure}));
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
