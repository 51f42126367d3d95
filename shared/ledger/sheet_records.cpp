#include "ledger/sheet_records.h"

#include "ledger/lights.h"
#include "ledger/list_indexes.h"
#include "ledger/rows.h"
#include "ledger/sheet_memory.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

/// What a reviewer said when he passed, returned or closed: of the record's own history, else of the events that a
/// ledger brought along.
struct Opinion {
    std::string text, day;
};

Opinion opinion_of(const RowView& row, std::initializer_list<std::string_view> transitions,
                   std::initializer_list<std::string_view> actions) {
    Opinion out;
    for (const auto& h : row.history) {
        if (std::find(transitions.begin(), transitions.end(), h.transition) == transitions.end()) continue;
        const auto* t = row.binding->newest->workflow.find(h.transition);
        out = {t ? t->label.zh : h.transition, time_text(h.time).substr(0, 10)};
        for (const auto& [name, value] : h.arguments)
            if (name == "reason" && !value.is_null()) out.text += ":" + value.display();
    }
    if (!out.text.empty()) return out;
    boost::system::error_code ec;
    const auto events = json::parse(field_text(row, "events"), ec);
    if (ec || !events.is_array()) return out;
    for (const auto& e : events.as_array()) {
        if (!e.is_object()) continue;
        const auto text = [&](const char* key) {
            const auto* v = e.as_object().if_contains(key);
            return v && v->is_string() ? std::string(v->as_string()) : std::string();
        };
        const auto action = text("action");
        if (std::find(actions.begin(), actions.end(), action) == actions.end()) continue;
        out = {action + (text("note").empty() ? "" : ":" + text("note")), text("at").substr(0, 10)};
    }
    return out;
}

Opinion review_of(const RowView& row, int step) {
    switch (step) {
        case 1: return opinion_of(row, {"pass_first", "close_first"}, {"初审通过", "初审"});
        case 2: return opinion_of(row, {"pass_second"}, {"复审通过", "复审"});
        default: return opinion_of(row, {"close_out", "close_first", "keep_on"}, {"终审通过", "终审", "销号"});
    }
}

const char* home_of(SheetKind kind) { return kind == SheetKind::rectifications ? "responsible_unit_id" : "unit_id"; }

bool is_in(const std::vector<std::string>& list, const std::string& s) {
    return std::find(list.begin(), list.end(), s) != list.end();
}

}  // namespace

std::string field_text(const RowView& row, std::string_view field) {
    for (const auto& [name, value] : row.fields)
        if (name == field) return value.is_null() ? std::string() : value.display();
    return {};
}

Result<> SheetRecords::read_tasks() {
    TRY(auto s, r_.database().prepare("SELECT DISTINCT id FROM task ORDER BY id", false));
    std::vector<std::string> ids;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        ids.emplace_back(s.text(0));
    }
    for (const auto& id : ids) {
        TRY(auto row, r_.read_row("task", id));
        auto& t = tasks_[id];
        for (const auto& c : columns_of(kind_))
            if (c.of_task) t.fields[std::string(c.field)] = field_text(row, c.field);
        t.target = std::strtod(field_text(row, "target_value").c_str(), nullptr);
        t.issued_at = field_text(row, "issued_at");
        if (auto form = parse_form(field_text(row, "extra_fields"))) t.form = std::move(*form);
        t.seen = seen_of(row);
        t.row = std::move(row);
    }
    return {};
}

Result<> SheetRecords::read_reports() {
    TRY(auto s, r_.database().prepare(
                    "SELECT assignment_id, text, value, occurred_at FROM (SELECT *, row_number() OVER (PARTITION BY "
                    "assignment_id ORDER BY unixepoch(occurred_at) DESC, id DESC) AS n FROM "
                    "progress_report) WHERE n = 1",
                    false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        reports_[std::string(s.text(0))] = {
            std::string(s.text(1)), !s.is_null(2), s.real(2), {}, std::string(s.text(3))};
    }
}

/// The newest answers stand, also where the report after them said nothing of the form.
Result<> SheetRecords::read_answers() {
    if (!has_field(r_, "progress_report", "extra")) return {};
    TRY(auto s,
        r_.database().prepare("SELECT assignment_id, extra FROM progress_report WHERE coalesce(extra, '') <> '' "
                              "ORDER BY unixepoch(occurred_at), id",
                              false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        reports_[std::string(s.text(0))].extra = answers_of(std::string(s.text(1)));
    }
}

/// The same for one of them.
Result<> SheetRecords::read_report_of(const std::string& assignment) {
    TRY(auto latest, r_.database().prepare("SELECT text, value FROM progress_report WHERE assignment_id = ?1 ORDER BY "
                                           "unixepoch(occurred_at) DESC, id DESC LIMIT 1"));
    latest.bind(1, std::string_view(assignment));
    TRY(const bool is_there, latest.step());
    if (!is_there) return {};
    auto& report = reports_[assignment];
    report = {std::string(latest.text(0)), !latest.is_null(1), latest.real(1), {}};
    if (!has_field(r_, "progress_report", "extra")) return {};
    TRY(auto answers, r_.database().prepare("SELECT extra FROM progress_report WHERE assignment_id = ?1 AND "
                                            "coalesce(extra, '') <> '' ORDER BY unixepoch(occurred_at) DESC, id DESC "
                                            "LIMIT 1"));
    answers.bind(1, std::string_view(assignment));
    TRY(const bool has_answers, answers.step());
    if (has_answers) report.extra = answers_of(std::string(answers.text(0)));
    return {};
}

std::string SheetRecords::derived(const SheetColumn& column, const RowView& row) const {
    const auto& flow = row.binding->newest->workflow;
    if (column.title == "状态") return row.state;
    if (column.title == "初审意见") return review_of(row, 1).text;
    if (column.title == "复审意见") return review_of(row, 2).text;
    if (column.title == "终审意见") return review_of(row, 3).text;
    const bool closed = is_in(flow.done, row.state);
    if (column.title == "是否销号") return closed ? "是" : "否";
    if (column.title == "销号时间") return closed ? review_of(row, 3).day : std::string();
    return {};
}

std::string SheetRecords::light_word(const RowView& row) const {
    const auto task = tasks_.find(field_text(row, "task_id"));
    const auto report = reports_.find(row.id);
    const auto deadline = field_text(row, "deadline");
    LightInput in;
    in.state = row.state;
    in.deadline = deadline;
    in.now_ms = r_.now().ms;
    std::string frequency;
    if (task != tasks_.end()) {
        frequency = field_text(task->second.row, "report_frequency");
        in.issued = task->second.issued_at;
        in.target = task->second.target;
        in.task_state = task->second.row.state;
    }
    in.frequency = frequency;
    if (report != reports_.end()) {
        in.value = report->second.value;
        in.reported = report->second.at;
    }
    return std::string(word_of(light_of(row.binding->newest->workflow, in)));
}

Result<SheetRecord> SheetRecords::record(const RowView& row) {
    SheetRecord out;
    out.id = row.id;
    out.unit = row.stream.unit;
    out.task = field_text(row, "task_id");
    const auto task = tasks_.find(out.task);
    const auto report = reports_.find(row.id);
    if (task != tasks_.end()) out.target = task->second.target;
    if (report != reports_.end()) out.extra = report->second.extra;
    for (const auto& column : columns_of(kind_)) {
        std::string value;
        switch (column.kind) {
            case ColumnKind::serial: break;
            case ColumnKind::id: value = row.id; break;
            case ColumnKind::report:
                if (report != reports_.end()) value = report->second.text;
                break;
            case ColumnKind::rate:
                if (report != reports_.end() && report->second.has_value && out.target > 0) {
                    char buf[40];
                    std::snprintf(buf, sizeof buf, "%.4f", std::max(0.0, report->second.value / out.target));
                    value = buf;
                }
                break;
            case ColumnKind::derived: value = derived(column, row); break;
            case ColumnKind::shown: value = light_word(row); break;
            case ColumnKind::person:
                value = field_text(row, "actual_user_id");
                value = value.empty() ? field_text(row, column.field) : names_.person(value);
                break;
            case ColumnKind::flag:
                value = field_text(row, column.field);
                if (!value.empty()) value = value == "1" || value == "true" ? "true" : "false";
                break;
            default:
                if (!column.of_task)
                    value = field_text(row, column.field);
                else if (task != tasks_.end())
                    value = task->second.fields[std::string(column.field)];
                if (column.field == "responsible_person" && value.empty()) value = names_.first_person(out.unit);
        }
        // As a cell would give it back: what the way through a cell loses is lost on both sides of a comparison.
        if (column.kind != ColumnKind::serial) {
            const auto back = value_of_cell(column, cell_of_value(column, value, names_), names_);
            if (back) value = *back;
        }
        out.values.push_back(std::move(value));
    }
    return out;
}

const RowView* SheetRecords::task(const std::string& id) const {
    const auto it = tasks_.find(id);
    return it == tasks_.end() ? nullptr : &it->second.row;
}

const std::map<std::string, std::string>* SheetRecords::task_seen(const std::string& id) const {
    const auto it = tasks_.find(id);
    return it == tasks_.end() ? nullptr : &it->second.seen;
}

const std::vector<FormField>& SheetRecords::form(const std::string& task) const {
    static const std::vector<FormField> none;
    const auto it = tasks_.find(task);
    return it == tasks_.end() ? none : it->second.form;
}

bool SheetRecords::has_form_field(const std::string& name) const {
    return std::any_of(tasks_.begin(), tasks_.end(), [&](const auto& t) { return field_named(t.second.form, name); });
}

std::vector<std::string> SheetRecords::tasks_titled(std::string_view title) const {
    std::vector<std::string> out;
    const auto wanted = folded_text(title);
    for (const auto& [id, t] : tasks_)
        if (folded_text(field_text(t.row, "title")) == wanted) out.push_back(id);
    std::sort(out.begin(), out.end());
    return out;
}

Result<> SheetRecords::load() {
    const std::string entity(entity_of(kind_));
    if (!r_.control().newest(entity))
        return fail(Errc::not_found, "目录里没有 " + entity + " / the catalog has no " + entity);
    if (kind_ != SheetKind::assignments) return {};
    TRY_VOID(read_tasks());
    TRY_VOID(ensure_list_indexes(r_));
    is_large_ = r_.control().units().size() >= kUnitsOfALargeOffice;
    if (is_large_) return {};
    TRY_VOID(read_reports());
    return read_answers();
}

Result<sqlite::Statement> SheetRecords::in_scope(const SheetScope& scope, const std::string& units, const char* columns,
                                                 const char* order) {
    const std::string of_meeting = scope.meeting.empty() ? " WHERE ?1 = ''" : " WHERE meeting_id = ?1";
    // Those of one unit are not sorted among all others first.
    const std::string of_units =
        scope.unit.empty() ? "" : " AND " + std::string(home_of(kind_)) + " IN (SELECT value FROM json_each(?2))";
    const auto sql = std::string("SELECT ") + columns + " FROM \"" + std::string(entity_of(kind_)) + "\"" + of_meeting +
                     of_units + order;
    TRY(auto s, r_.database().prepare(sql, false));
    s.bind(1, std::string_view(scope.meeting));
    if (!scope.unit.empty()) s.bind(2, std::string_view(units));
    return s;
}

Result<std::size_t> SheetRecords::count(const SheetScope& scope) {
    TRY(const auto units, units_below(r_, scope.unit));
    TRY(auto s, in_scope(scope, units, "count(*)", ""));
    TRY(const bool row, s.step());
    return row ? static_cast<std::size_t>(s.unsigned_integer(0)) : 0;
}

Result<std::vector<std::string>> SheetRecords::ids(const SheetScope& scope) {
    const char* order = kind_ == SheetKind::assignments      ? " ORDER BY task_id, unit_id, id"
                        : kind_ == SheetKind::rectifications ? " ORDER BY no IS NULL, no, found_at, id"
                                                             : " ORDER BY meeting_id, unit_id, id";
    TRY(const auto units, units_below(r_, scope.unit));
    TRY(auto s, in_scope(scope, units, "id", order));
    std::vector<std::string> out;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out.emplace_back(s.text(0));
    }
}

Result<SheetRecord> SheetRecords::read(const std::string& id) {
    TRY(const auto row, r_.read_row(std::string(entity_of(kind_)), id));
    if (is_large_) TRY_VOID(read_report_of(id));
    TRY(auto out, record(row));
    out.seen = seen_of(row);
    return out;
}

}  // namespace taizhang::ledger
