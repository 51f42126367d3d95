#include "ledger/record_rules.h"

#include "ledger/burden.h"
#include "ledger/extension.h"
#include "ledger/form.h"
#include "ledger/frequency.h"
#include "ledger/review_depth.h"
#include "ledger/rows.h"
#include "ledger/sheet_records.h"
#include "ledger/times.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

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

/// The same figure is asked for once: whoever wants it again reads the first answer. `id` empty: a new task.
Result<> check_asked_once(Replica& r, const std::string& id, const FieldValues& fields) {
    auto issued_at = text_of(fields, "issued_at");
    if (issued_at.empty()) issued_at = format_local(r.now().ms);
    TRY(const auto asked, asked_already(r, text_of(fields, "indicator"), text_of(fields, "indicator_unit"),
                                        text_of(fields, "period"), issued_at, id));
    if (!asked) return {};
    TRY(const auto first, r.read_row("task", *asked));
    const auto title = field_text(first, "title");
    return fail(Errc::not_allowed, "indicator: 这个指标本期已由 " + *asked + "(" + title +
                                       ")收集,不重复要数;请写 same_as_task_id=" + *asked +
                                       " 采用它的填报 / indicator: it is asked for by " + *asked + " (" + title +
                                       ") in this period: nobody is asked twice, write same_as_task_id=" + *asked +
                                       " to read its answers");
}

/// What a task that is there asks for is changed: to something that another one asks for already?
Result<> check_changed_question(Replica& r, const std::string& id, const FieldValues& fields) {
    static constexpr std::array names{"indicator", "indicator_unit", "period", "same_as_task_id"};
    const auto changed = [&](const std::string& name) {
        return std::any_of(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
    };
    if (std::none_of(names.begin(), names.end(), changed)) return {};
    TRY(const auto row, r.read_row("task", id));
    auto whole = row.fields;
    for (auto& [name, value] : whole)
        for (const auto& f : fields)
            if (f.first == name) value = f.second;
    if (!text_of(whole, "same_as_task_id").empty() || row.state == "已撤回") return {};
    return check_asked_once(r, id, whole);
}

/// A list of words as JSON; anything else would be read as "everybody".
Result<> check_list(const FieldValues& fields, const char* name, const char* example) {
    const auto text = text_of(fields, name);
    if (text.empty()) return {};
    boost::system::error_code ec;
    const auto v = boost::json::parse(text, ec);
    if (!ec && v.is_array() &&
        std::all_of(v.as_array().begin(), v.as_array().end(), [](const auto& x) { return x.is_string(); }))
        return {};
    const std::string n(name), e(example);
    return fail(Errc::bad_input, n + ": 请写成列表,如 " + e + " / " + n + ": write a list such as " + e);
}

constexpr long long kLandingDaysMax = 3650;

/// Whom a task asks, how often, and within how many days something must have happened.
Result<> check_scope(const FieldValues& fields) {
    TRY_VOID(check_list(fields, "applies_to_fields", R"(["农村","机关"])"));
    TRY_VOID(check_list(fields, "unit_types", R"(["支部"])"));
    TRY_VOID(check_list(fields, "cooperating_units", R"(["C-JG"])"));
    if (const auto* days = given(fields, "landing_days")) {
        const auto n = std::strtoll(days->display().c_str(), nullptr, 10);
        if (n < 1 || n > kLandingDaysMax)
            return fail(Errc::bad_input, "landing_days: 天数要在 1 到 " + std::to_string(kLandingDaysMax) +
                                             " 之间 / landing_days: between 1 and " + std::to_string(kLandingDaysMax));
    }
    const auto frequency = text_of(fields, "report_frequency");
    if (is_frequency_word(frequency)) return {};
    const std::string words(kFrequencyWords);
    return fail(Errc::bad_input, "report_frequency: 没有“" + frequency + "”这种频次,可写:" + words +
                                     " / report_frequency: no such frequency; write one of " + words);
}

Result<> check_task(Replica& r, const std::string& id, const FieldValues& fields) {
    TRY_VOID(check_scope(fields));
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
    return id.empty() ? check_asked_once(r, id, fields) : check_changed_question(r, id, fields);
}

/// What was frozen stays as it was; a new state of things is a new stocktake, and nobody types one.
Result<> check_stocktake(const std::string& id, const FieldValues& fields) {
    if (id.empty()) {
        boost::system::error_code ec;
        const auto v = boost::json::parse(text_of(fields, "figures"), ec);
        if (!ec && v.is_object() && v.as_object().contains("unit") && v.as_object().contains("metrics")) return {};
        return fail(Errc::bad_input,
                    "figures: 盘点的数据由台账生成,请用 stocktake / figures: a stocktake's figures come from the "
                    "ledger: use the command stocktake");
    }
    for (const auto& [name, value] : fields)
        if (name == "figures" || name == "at")
            return fail(Errc::not_allowed, name + ": 盘点已封存,不能改;请另做一次盘点 / " + name +
                                               ": a stocktake is frozen and stays as it is; take another one");
    return {};
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

bool is_self_service(Replica& r, const RowView& row, const std::string& transition) {
    const auto* t = row.binding->newest->workflow.find(transition);
    if (!t) return false;
    // A city's catalog may be from before `only_above`: there the commands alone stand in the way.
    const bool is_reviewers = transition == "close_out" || transition == "pass_second" || transition == "keep_on";
    if (!(t->by & kOnlyAbove) && !is_reviewers) return false;
    const auto& control = r.control();
    const auto* own = control.cert(r.id());
    if (!own) return false;
    // Nobody stands above the root office; it alone may close what is its own.
    const auto rel = control.relation(*own, row.stream, control.head());
    return !rel.above && rel.may(t->by & ~std::uint32_t{kOnlyAbove});
}

void add_time_of_issue(Replica& r, const RowView& task, Edit& e) {
    constexpr const char* kTime = "issued_at";
    if (task.binding->newest->field(kTime) >= 0 && field_text(task, kTime).empty())
        e.fields.emplace_back(kTime, Value::text(format_local(r.now().ms)));
}

Result<> check_step(Replica& r, const RowView& row, const std::string& transition, const Assignments& arguments) {
    const auto& flow = row.binding->newest->workflow;
    const auto* t = flow.find(transition);
    const auto state = flow.state(row.state);
    if (!t || state < 0 || (t->from >> state & 1) == 0) return {};  // the edit itself says which steps there are
    if (is_self_service(r, row, transition))
        return fail(Errc::not_allowed, row.id + " 是本单位自己的,由上级审核,不能自己" + t->label.zh + " / " + row.id +
                                           " is this unit's own: those above review it, " + transition +
                                           " is not self-service");
    const bool is_open =
        std::any_of(row.allowed.begin(), row.allowed.end(), [&](const auto* a) { return a->name == transition; });
    if (!is_open) return {};
    if (transition == "request_extension") {
        const bool has_reason = std::any_of(arguments.begin(), arguments.end(),
                                            [](const auto& a) { return a.first == "reason" && !a.second.empty(); });
        return has_reason ? check_extension_request(r, row, arguments) : Result<>();
    }
    if (row.entity != "task" || transition != "issue" || !field_text(row, "same_as_task_id").empty()) return {};
    return check_asked_once(r, row.id, row.fields);
}

Result<> check_rules(Replica& r, const std::string& entity, const std::string& id, const FieldValues& fields) {
    if (entity == "task") return check_task(r, id, fields);
    if (entity == "assignment") return check_assignment(r, id, fields);
    if (entity == "attendance") return check_attendance(fields);
    if (entity == "stocktake") return check_stocktake(id, fields);
    return {};
}

}  // namespace taizhang::ledger
