#include "ledger/duplicates.h"

#include "ledger/rows.h"
#include "ledger/sheet_records.h"
#include "ledger/similar.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr double kAlike = 0.6;           ///< below, people see two problems
constexpr double kAlikeSameTask = 0.45;  ///< two problems of one task may be worded more freely

struct Problem {
    std::string id, task, source, text;
};

json::object pair_json(Replica& r, const std::string& unit, const Problem& first, const Problem& second, double alike) {
    const bool same_task = !first.task.empty() && first.task == second.task;
    // The later one would go on as the earlier one.
    return {{"record", second.id},
            {"of", first.id},
            {"unit_id", unit},
            {"unit", unit_name(r.control(), unit)},
            {"similarity", std::round(alike * 100) / 100},
            {"problem", second.text},
            {"of_problem", first.text},
            {"source_type", second.source},
            {"of_source_type", first.source},
            {"why", same_task ? "同一单位、同一任务、文字相近 / same unit, same task, similar wording"
                              : "同一单位、文字相近 / same unit, similar wording"}};
}

}  // namespace

Result<json::array> duplicates(Replica& r, const std::string& unit) {
    json::array out;
    if (!has_field(r, "rectification", "duplicate_of")) return out;
    TRY(const auto ids, units_below(r, unit));
    const auto& done = r.control().newest("rectification")->entity->workflow.done;
    TRY(auto s, r.database().prepare("SELECT id, responsible_unit_id, coalesce(related_task_id, ''), "
                                     "coalesce(source_type, ''), problem, status FROM rectification WHERE "
                                     "coalesce(duplicate_of, '') = '' AND responsible_unit_id IN (SELECT value FROM "
                                     "json_each(?1)) ORDER BY found_at IS NULL, found_at, id",
                                     false));
    s.bind(1, std::string_view(ids));
    std::map<std::string, std::vector<Problem>> by_unit;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        if (std::find(done.begin(), done.end(), std::string(s.text(5))) != done.end()) continue;
        by_unit[std::string(s.text(1))].push_back(
            {std::string(s.text(0)), std::string(s.text(2)), std::string(s.text(3)), std::string(s.text(4))});
    }
    for (const auto& [u, problems] : by_unit)
        for (std::size_t i = 0; i < problems.size(); ++i)
            for (std::size_t k = i + 1; k < problems.size(); ++k) {
                const auto &a = problems[i], &b = problems[k];
                const bool other_tasks = !a.task.empty() && !b.task.empty() && a.task != b.task;
                const auto alike = other_tasks ? 0 : similarity(a.text, b.text);
                if (alike >= (!a.task.empty() && a.task == b.task ? kAlikeSameTask : kAlike))
                    out.push_back(pair_json(r, u, a, b, alike));
            }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return a.at("similarity").template to_number<double>() > b.at("similarity").template to_number<double>();
    });
    return out;
}

Result<Saved> merge_duplicate(Replica& r, const std::string& dup, const std::string& kept, const std::string& person) {
    TRY(const auto a, r.read_row("rectification", dup));
    TRY(const auto b, r.read_row("rectification", kept));
    if (dup == kept)
        return fail(Errc::usage, "不能并入自己:" + dup + " / a problem cannot be merged into itself: " + dup);
    if (a.stream != b.stream)
        return fail(Errc::not_allowed,
                    dup + " 和 " + kept + " 不是同一单位的 / " + dup + " and " + kept + " are not of one unit");
    for (const auto* row : {&a, &b})
        if (const auto into = field_text(*row, "duplicate_of"); !into.empty())
            return fail(Errc::not_allowed, row->id + " 已并入 " + into + " / " + row->id + " was merged into " + into);
    return Ledger(r).set(dup, {{"duplicate_of", kept}}, person);
}

}  // namespace taizhang::ledger
