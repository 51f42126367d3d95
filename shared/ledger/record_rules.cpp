#include "ledger/record_rules.h"

#include "ledger/burden.h"
#include "ledger/form.h"
#include "ledger/review_depth.h"
#include "ledger/rows.h"
#include "ledger/sheet_records.h"

#include <algorithm>

namespace taizhang::ledger {
namespace {

constexpr int kDepthMax = 64;         ///< more steps up than any tree has: a circle
constexpr long long kLateMax = 1440;  ///< minutes

const Value* given(const FieldValues& fields, std::string_view name) {
    const auto it = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
    return it == fields.end() || it->second.is_null() ? nullptr : &it->second;
}

std::string text_of(const FieldValues& fields, std::string_view name) {
    const auto* v = given(fields, name);
    return v ? v->display() : std::string();
}

/// The same figure is asked for once: whoever wants it again reads the first answer.
Result<> check_asked_once(Replica& r, const FieldValues& fields) {
    TRY(const auto asked, asked_already(r, text_of(fields, "indicator"), text_of(fields, "indicator_unit"),
                                        text_of(fields, "period"), text_of(fields, "issued_at")));
    if (!asked) return {};
    TRY(const auto first, r.read_row("task", *asked));
    const auto title = field_text(first, "title");
    return fail(Errc::not_allowed, "indicator: 这个指标本期已由 " + *asked + "(" + title +
                                       ")收集,不重复要数;请写 same_as_task_id=" + *asked +
                                       " 采用它的填报 / indicator: it is asked for by " + *asked + " (" + title +
                                       ") in this period: nobody is asked twice, write same_as_task_id=" + *asked +
                                       " to read its answers");
}

Result<> check_task(Replica& r, const std::string& id, const FieldValues& fields) {
    if (const auto* target = given(fields, "target_value"))
        if (!(std::strtod(target->display().c_str(), nullptr) > 0))
            return fail(Errc::bad_input,
                        "target_value: 目标值要大于 0,不然完成率无从算起 / target_value: it must be above zero: "
                        "no share can be reckoned of nothing");
    if (const auto* depth = given(fields, "review_depth")) {
        const auto levels = std::strtoll(depth->display().c_str(), nullptr, 10);
        if (levels < 1 || levels > kReviewLevels)
            return fail(
                Errc::bad_input,
                "review_depth: 审核级数是 1、2 或 3:乡镇、县区、市 / review_depth: 1, 2 or 3: township, county, city");
    }
    if (const auto* form = given(fields, "extra_fields")) TRY_VOID(parse_form(form->display()));
    if (const auto meeting = text_of(fields, "meeting_id"); !meeting.empty()) {
        TRY(const auto there, r.find(meeting));
        if (there.empty() || there.front().entity != "meeting")
            return fail(Errc::not_found,
                        "meeting_id: 没有会议 " + meeting + " / meeting_id: there is no meeting " + meeting);
    }
    const auto first = text_of(fields, "same_as_task_id");
    if (!first.empty()) {
        if (first == id) return fail(Errc::bad_input, "不能采用自己的填报 / a task cannot read its own answers");
        TRY(const auto there, r.find(first));
        if (there.empty() || there.front().entity != "task")
            return fail(Errc::not_found, "没有任务 " + first + " / there is no task " + first);
        return {};
    }
    if (!id.empty()) return {};
    return check_asked_once(r, fields);
}

/// Late by less than nothing, or by more than a day: a slip of the hand.
Result<> check_attendance(const FieldValues& fields) {
    const auto* late = given(fields, "late_min");
    const auto minutes = late ? std::strtoll(late->display().c_str(), nullptr, 10) : 0;
    if (minutes >= 0 && minutes <= kLateMax) return {};
    return fail(Errc::bad_input, "late_min: 迟到分钟数要在 0 到 " + std::to_string(kLateMax) +
                                     " 之间 / late_min: between 0 and " + std::to_string(kLateMax) + " minutes");
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

Result<> check_step(Replica& r, const RowView& row, const std::string& transition) {
    if (row.entity != "task" || transition != "issue" || !field_text(row, "same_as_task_id").empty()) return {};
    return check_asked_once(r, row.fields);
}

Result<> check_rules(Replica& r, const std::string& entity, const std::string& id, const FieldValues& fields) {
    if (entity == "task") return check_task(r, id, fields);
    if (entity == "assignment") return check_assignment(r, id, fields);
    if (entity == "attendance") return check_attendance(fields);
    return {};
}

}  // namespace taizhang::ledger
