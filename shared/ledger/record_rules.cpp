#include "ledger/record_rules.h"

#include "ledger/burden.h"
#include "ledger/form.h"
#include "ledger/review_depth.h"
#include "ledger/rows.h"
#include "ledger/sheet_records.h"

#include <algorithm>

namespace taizhang::ledger {
namespace {

constexpr int kDepthMax = 64;  ///< more steps up than any tree has: a circle

const Value* given(const FieldValues& fields, std::string_view name) {
    const auto it = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
    return it == fields.end() || it->second.is_null() ? nullptr : &it->second;
}

std::string text_of(const FieldValues& fields, std::string_view name) {
    const auto* v = given(fields, name);
    return v ? v->display() : std::string();
}

Result<> check_task(Replica& r, const std::string& id, const FieldValues& fields) {
    if (const auto* target = given(fields, "target_value"))
        if (!(std::strtod(target->display().c_str(), nullptr) > 0))
            return fail(Errc::bad_input,
                        "目标值(target_value)要大于 0,不然完成率无从算起 / target_value must be above zero: "
                        "no share can be reckoned of nothing");
    if (const auto* depth = given(fields, "review_depth")) {
        const auto levels = std::strtoll(depth->display().c_str(), nullptr, 10);
        if (levels < 1 || levels > kReviewLevels)
            return fail(Errc::bad_input,
                        "审核级数(review_depth)是 1、2 或 3:乡镇、县区、市 / review_depth is 1, 2 or 3: township, county, "
                        "city");
    }
    if (const auto* form = given(fields, "extra_fields")) TRY_VOID(parse_form(form->display()));
    const auto first = text_of(fields, "same_as_task_id");
    if (!first.empty()) {
        if (first == id) return fail(Errc::bad_input, "不能采用自己的填报 / a task cannot read its own answers");
        TRY(const auto there, r.find(first));
        if (there.empty() || there.front().entity != "task")
            return fail(Errc::not_found, "没有任务 " + first + " / there is no task " + first);
        return {};
    }
    if (!id.empty()) return {};
    TRY(const auto asked, asked_already(r, text_of(fields, "indicator"), text_of(fields, "indicator_unit"),
                                        text_of(fields, "period"), text_of(fields, "issued_at")));
    if (!asked) return {};
    return fail(Errc::not_allowed, "这个指标本期已由 " + *asked + " 收集,不重复要数;请写 same_as_task_id=" + *asked +
                                       " 采用它的填报 / this indicator is asked for by " + *asked +
                                       " in this period: nobody is asked twice, write same_as_task_id=" + *asked +
                                       " to read its answers");
}

Result<> check_assignment(Replica& r, const std::string& id, const FieldValues& fields) {
    auto parent = text_of(fields, "parent_assignment_id");
    if (parent.empty()) return {};
    auto unit = text_of(fields, "unit_id");
    if (unit.empty() && !id.empty()) {
        TRY(const auto row, r.read_row("assignment", id));
        unit = row.stream.unit;
    }
    const auto& control = r.control();
    for (int depth = 0; !parent.empty(); ++depth) {
        if (parent == id || depth > kDepthMax)
            return fail(Errc::bad_input,
                        "上级分解成了环:" + parent + " / the decomposition goes round in a circle at " + parent);
        const auto row = r.read_row("assignment", parent);
        if (!row && depth > 0) return {};  // what lies above may not be here
        if (!row) return row.error();
        const bool is_above =
            row->stream.unit != unit && control.is_at_or_below(unit, row->stream.unit, control.head());
        if (depth == 0 && control.unit(unit) && !is_above)
            return fail(Errc::bad_input, parent + " 是 " + row->stream.unit + " 的,不在 " + unit + " 之上 / " + parent +
                                             " is " + row->stream.unit + "'s, which is not above " + unit);
        parent = field_text(*row, "parent_assignment_id");
    }
    return {};
}

}  // namespace

Result<> check_rules(Replica& r, const std::string& entity, const std::string& id, const FieldValues& fields) {
    if (entity == "task") return check_task(r, id, fields);
    if (entity == "assignment") return check_assignment(r, id, fields);
    return {};
}

}  // namespace taizhang::ledger
