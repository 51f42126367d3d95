// What people write: reports, fields, transitions, decisions. Each becomes a Draft and goes the one way in.
#include "catalog/marking.h"
#include "ledger/conflicts.h"
#include "ledger/entry.h"
#include "ledger/extension.h"
#include "ledger/form.h"
#include "ledger/ledger.h"
#include "ledger/record_rules.h"
#include "ledger/review_depth.h"
#include "ledger/rows.h"
#include "ledger/sheet_records.h"
#include "ledger/times.h"
#include "ledger/unread.h"
#include "ledger/words.h"

#include <algorithm>
#include <set>

namespace taizhang::ledger {

std::string new_id(Replica& r, const Entity& e) {
    static constexpr char digits[] = "23456789abcdefghjkmnpqrstuvwxyz0";
    // What one PC writes stands together in the tables of all who hold it: a hub that takes a day's work of it touches
    // a page or two, not one for each row.
    constexpr std::size_t kOfDevice = 3;
    for (;;) {
        std::uint8_t bytes[10];
        r.random(bytes);
        std::copy_n(r.id().bytes.begin(), kOfDevice, bytes);
        std::string id = e.prefix + "-";
        for (const auto b : bytes) id.push_back(digits[b & 31]);
        if (!r.read_row(e.name, id)) return id;
    }
}

/// Classified content has no place here: the marking itself is refused on entry (fields: check_value does it).
Result<> check_marking(const std::string& text) {
    const auto marking = secrecy_marking(text);
    if (marking.empty()) return {};
    return fail(Errc::bad_input, "含涉密标记“" + marking + "”,不得录入,没有保存 / carries a secrecy marking (" +
                                     marking + "): not accepted, nothing was saved");
}

namespace {

constexpr std::size_t kTextMax = 8000;

}  // namespace

Result<> check_text(const std::string& text) {
    if (!is_utf8(text)) return fail(Errc::bad_input, "文字不是 UTF-8 / the text is not UTF-8");
    // As in a record's fields (check_value): line ends and tabs alone have a place in a text.
    if (for_terminal(text) != text)
        return fail(Errc::bad_input, "文字含有控制字符,没有保存 / the text has control characters: nothing was saved");
    if (text.size() > kTextMax)
        return fail(Errc::bad_input, "文字太长,最多 " + std::to_string(kTextMax) + " 字节 / the text is longer than " +
                                         std::to_string(kTextMax) + " bytes");
    return check_marking(text);
}

namespace {

Value flag(bool b) { return Value::integer(b ? 1 : 0); }

/// The answers to the task's own form fields. Nothing changed: the last ones are carried forward.
Result<std::string> extra_answers(Replica& r, const RowView& assignment, const ReportInput& input) {
    if (!has_field(r, "progress_report", "extra")) return std::string();
    const auto task = r.read_row("task", field_text(assignment, "task_id"));
    const auto declared = task ? field_text(*task, "extra_fields") : std::string();
    if (declared.empty() && input.extra.empty()) return std::string();
    TRY(const auto form, parse_form(declared));
    if (input.no_change && input.extra.empty()) {
        TRY(const auto last, rows_of(r,
                                     "SELECT extra FROM progress_report WHERE assignment_id = ?1 AND coalesce(extra, "
                                     "'') <> '' ORDER BY unixepoch(occurred_at) DESC, id DESC LIMIT 1",
                                     {assignment.id}));
        return last.empty() ? std::string() : text_at(last.front().as_object(), "extra");
    }
    return fill_form(form, input.extra, !input.no_change);
}

/// What a check found for the task's form fields: those that were looked at, not all that a report needs.
Result<std::string> checked_answers(Replica& r, const RowView& assignment, const std::string& typed) {
    if (typed.empty()) return std::string();
    if (!has_field(r, "verification", "extra"))
        return fail(Errc::not_found, "目录里核查没有附加填报项 / the catalog has no form fields of checks");
    const auto task = r.read_row("task", field_text(assignment, "task_id"));
    TRY(const auto form, parse_form(task ? field_text(*task, "extra_fields") : std::string()));
    return fill_form(form, typed, false);
}

Result<Value> number_value(const std::string& typed) {
    const auto d = Decimal::parse(typed);
    if (!d) return fail(Errc::bad_input, "数值不对:" + typed + " / not a number: " + typed);
    return Value::number(*d);
}

/// An answer ends the time that is counted against whoever owes it, also where only the answer was typed.
void add_time_of_answer(Replica& r, const RowView& row, Edit& e) {
    constexpr const char* kTime = "answered_at";
    const auto writes = [&](const char* name) {
        return std::any_of(e.fields.begin(), e.fields.end(),
                           [&](const auto& f) { return f.first == name && !f.second.is_null(); });
    };
    if (row.binding->newest->field(kTime) < 0 || !field_text(row, kTime).empty() || writes(kTime)) return;
    if (writes("answer") || writes("decision")) e.fields.emplace_back(kTime, Value::text(format_local(r.now().ms)));
}

/// What goes with a step: a new cycle, the deadline that was granted, the time of issue.
Result<> add_to_step(Replica& r, const RowView& row, const std::string& transition, const Assignments& arguments,
                     Edit& e) {
    // A problem taken up again begins a new cycle; the one before stays in the history as it was.
    if (transition == "reopen" && row.binding->newest->field("cycle") >= 0) {
        const auto cycle = std::strtoll(field_text(row, "cycle").c_str(), nullptr, 10);
        e.fields.emplace_back("cycle", Value::integer(std::max<std::int64_t>(1, cycle) + 1));
    }
    if (transition == "grant_extension" && row.binding->newest->field("deadline") >= 0) {
        TRY(auto date, granted_deadline(r, row, arguments));
        e.fields.emplace_back("deadline", Value::text(std::move(date)));
    }
    if (row.entity == "task" && transition == "issue") add_time_of_issue(r, row, e);
    return {};
}

}  // namespace

/// What the fold said about what was just written: the person learns it now, not after the next sync.
Result<void> Ledger::note_refusals(const Draft& draft, Saved& saved) {
    std::set<std::string> rows;
    for (const auto& e : draft.edits) rows.insert(e.row);
    for (const auto& id : rows) {
        TRY(const auto lines, r_.conflicts(id));
        for (const auto& line : lines) {
            const bool ours = std::any_of(saved.commits.begin(), saved.commits.end(),
                                          [&](const auto& c) { return version_of(c.hash) == line.line.loser; });
            if (!ours || line.line.kind == fold::LineKind::open) continue;
            TRY(const auto row, r_.read_row(line.entity, id));
            saved.notes.push_back(line.group + ": " + why(r_.control(), row, line.line));
        }
    }
    return {};
}

Result<Saved> Ledger::save(Draft draft, const std::string& record) {
    if (!draft.person.empty() && !is_line(draft.person))
        return fail(Errc::bad_input, "person: 姓名里有控制字符 / person: the name has control characters");
    Saved saved;
    saved.record = record;
    TRY(saved.commits, r_.edit(draft));
    if (r_.now().unverified)
        saved.notes.push_back(
            "本机时钟不可信,时间标为待核 / this PC's clock cannot be trusted: the time is marked unverified");
    TRY_VOID(note_refusals(draft, saved));
    return saved;
}

Result<Saved> Ledger::report(const std::string& assignment, const ReportInput& input, const std::string& person) {
    TRY(const auto row, r_.read_row("assignment", assignment));
    TRY_VOID(check_text(input.text));
    if (!input.value && !input.no_change && input.text.empty() && input.extra.empty())
        return fail(Errc::usage,
                    "请给出 --value 或 --text,没有变化用 --no-change / give --value or --text, or --no-change");
    const auto& flow = row.binding->newest->workflow;
    const bool stopped = row.state == "已撤回" ||
                         std::find(flow.suspended.begin(), flow.suspended.end(), row.state) != flow.suspended.end();
    if (stopped)
        return fail(Errc::not_allowed, assignment + " " + row.state + ",不用再填报 / " + assignment + " is " +
                                           row.state + ": no report is wanted");

    TRY(const auto extra, extra_answers(r_, row, input));
    const auto* v = r_.control().newest("progress_report");
    if (!v) return fail(Errc::not_found, "目录里没有进展反馈 / the catalog has no progress_report");
    const auto now = r_.now();
    Edit e;
    e.entity = "progress_report";
    e.row = new_id(r_, *v->entity);
    e.create = true;
    e.stream = row.stream;
    e.fields = {{"assignment_id", Value::text(assignment)}, {"task_id", Value::text(field_text(row, "task_id"))},
                {"unit_id", Value::text(row.stream.unit)},  {"occurred_at", Value::text(format_local(now.ms))},
                {"substantive", flag(!input.no_change)},    {"claims_complete", flag(input.claims_complete)}};
    if (now.unverified) e.fields.emplace_back("time_unverified", flag(true));
    if (!input.text.empty()) e.fields.emplace_back("text", Value::text(input.text));
    if (!extra.empty()) e.fields.emplace_back("extra", Value::text(extra));
    if (input.value) {
        TRY(auto value, number_value(*input.value));
        e.fields.emplace_back("value", std::move(value));
    } else {
        // No new value: the last answer is carried forward, nobody types it twice.
        TRY(auto last, r_.database().prepare("SELECT value FROM progress_report WHERE assignment_id = ?1 ORDER BY "
                                             "unixepoch(occurred_at) DESC, id DESC LIMIT 1",
                                             false));
        last.bind(1, std::string_view(assignment));
        TRY(const bool there, last.step());
        if (there && !last.is_null(0))
            if (const auto d = Decimal::from_double(last.real(0))) e.fields.emplace_back("value", Value::number(*d));
        last.reset();
    }
    Draft draft;
    draft.person = person;
    const auto record = e.row;
    draft.edits.push_back(std::move(e));
    // Whoever reports has begun: no second form for that.
    const bool may_start =
        std::any_of(row.allowed.begin(), row.allowed.end(), [](const auto* t) { return t->name == "start"; });
    if (may_start) {
        Edit start;
        start.entity = "assignment";
        start.row = assignment;
        start.transition = "start";
        draft.edits.push_back(std::move(start));
    }
    TRY(auto saved, save(std::move(draft), record));
    if (std::find(flow.done.begin(), flow.done.end(), row.state) != flow.done.end())
        saved.notes.push_back(assignment + " " + row.state + ",进展已留存,状态不变 / " + assignment + " is " +
                              row.state + ": the report is kept, the state stays");
    return saved;
}

Result<Saved> Ledger::verify_value(const RowView& a, const std::string& typed, const std::string& extra,
                                   const std::string& person) {
    TRY(auto value, number_value(typed));
    TRY(const auto answers, checked_answers(r_, a, extra));
    const auto* v = r_.control().newest("verification");
    if (!v) return fail(Errc::not_found, "目录里没有核查 / the catalog has no verification");
    Edit e;
    e.entity = "verification";
    e.row = new_id(r_, *v->entity);
    e.create = true;
    e.stream = a.stream;
    e.fields = {{"assignment_id", Value::text(a.id)},    {"task_id", Value::text(field_text(a, "task_id"))},
                {"unit_id", Value::text(a.stream.unit)}, {"at", Value::text(format_local(r_.now().ms))},
                {"verified_value", std::move(value)},    {"verified_by_unit_id", Value::text(own_unit())}};
    if (!answers.empty()) e.fields.emplace_back("extra", Value::text(answers));
    Draft draft;
    draft.person = person;
    const auto record = e.row;
    draft.edits.push_back(std::move(e));
    return save(std::move(draft), record);
}

Result<Saved> Ledger::set(const std::string& id, const Assignments& typed, const std::string& person,
                          const Seen& seen) {
    if (typed.empty()) return fail(Errc::usage, "请写成 字段=值 / write FIELD=VALUE");
    auto found = r_.read_row({}, id);
    if (!found) return no_record(r_, id, found.error());
    const auto& row = *found;
    const auto& entity = *row.binding->newest;
    Edit e;
    e.entity = row.entity;
    e.row = id;
    e.stream = row.stream;
    e.seen = seen;
    ReportInput reported;
    std::optional<std::string> verified;
    for (const auto& [name, value] : typed) {
        // An assignment shows its latest report and verification; writing there makes a new one of them.
        if (row.entity == "assignment" && (name == "value" || name == "text")) {
            (name == "value" ? *(reported.value = std::string()) : reported.text) = value;
            continue;
        }
        if (row.entity == "assignment" && name == "verified_value") {
            verified = value;
            continue;
        }
        if (row.entity == "assignment" && name == "extra") {
            reported.extra = value;
            continue;
        }
        if (name == entity.workflow.field && entity.has_workflow())
            return fail(Errc::usage, "状态用 do 改,不直接填写 / the state changes by `do TRANSITION`, not by set");
        const auto f = entity.field(name);
        if (f < 0) {
            std::string known;
            for (const auto& x : entity.fields) known += (known.empty() ? "" : " ") + x.name;
            return fail(Errc::not_found, entity.label.zh + " 没有字段 " + name + ";有:" + known + " / " + entity.name +
                                             " has no field '" + name + "'; there are: " + known);
        }
        TRY(auto parsed, parse_value(entity.fields[static_cast<std::size_t>(f)], value));
        e.fields.emplace_back(name, std::move(parsed));
    }
    TRY_VOID(check_rules(r_, row.entity, id, e.fields));
    add_time_of_answer(r_, row, e);
    if (!verified && (reported.value || !reported.text.empty() || !reported.extra.empty())) {
        // A text by itself is news too; the value is carried forward.
        if (!e.fields.empty()) return fail(Errc::usage, "填报值请单独保存 / save a reported value by itself");
        return report(id, reported, person);
    }
    if (verified) {
        if (!e.fields.empty() || reported.value || !reported.text.empty())
            return fail(Errc::usage, "核查值请单独保存 / save a verified value by itself");
        return verify_value(row, *verified, reported.extra, person);
    }
    Draft draft;
    draft.person = person;
    draft.edits.push_back(std::move(e));
    return save(std::move(draft), id);
}

Result<Saved> Ledger::add_push(const RowView& a, const Assignments& arguments, const std::string& person) {
    const auto* v = r_.control().newest("push");
    if (!v) return fail(Errc::not_found, "目录里没有催办 / the catalog has no push");
    Edit e;
    e.entity = "push";
    e.row = new_id(r_, *v->entity);
    e.create = true;
    e.stream = a.stream;
    e.fields = {{"assignment_id", Value::text(a.id)},
                {"unit_id", Value::text(a.stream.unit)},
                {"kind", Value::text("催办")},
                {"at", Value::text(format_local(r_.now().ms))},
                {"by_unit_id", Value::text(own_unit())}};
    for (const auto& [name, value] : arguments)
        if (name == "reason" || name == "text") e.fields.emplace_back("text", Value::text(value));
    Draft draft;
    draft.person = person;
    const auto record = e.row;
    draft.edits.push_back(std::move(e));
    return save(std::move(draft), record);
}

Result<Saved> Ledger::act(const std::string& transition, const std::string& id, const Assignments& arguments,
                          const std::string& person) {
    TRY(const auto row, r_.read_row({}, id));
    for (const auto& [name, value] : arguments) TRY_VOID(check_text(value));
    if (transition == "push" && row.entity == "assignment") return add_push(row, arguments, person);
    TRY_VOID(check_step(r_, row, transition, arguments));
    TRY(const auto depth, review_depth(r_, row));
    TRY(const auto step, step_at_depth(row, transition, depth));
    Draft draft;
    draft.person = person;
    Edit e;
    e.entity = row.entity;
    e.row = id;
    e.stream = row.stream;
    e.transition = step;
    for (const auto& [name, value] : arguments) e.arguments.emplace_back(name, Value::text(value));
    const bool is_open =
        std::any_of(row.allowed.begin(), row.allowed.end(), [&](const auto* t) { return t->name == step; });
    if (is_open) TRY_VOID(add_to_step(r_, row, transition, arguments, e));
    draft.edits.push_back(e);
    if (row.entity == "task" && transition == "withdraw") {
        // A withdrawn task asks nothing of anybody any more.
        std::vector<std::string> ids;
        {
            TRY(auto s,
                r_.database().prepare("SELECT DISTINCT id FROM assignment WHERE task_id = ?1 ORDER BY id", false));
            s.bind(1, std::string_view(id));
            for (;;) {
                TRY(const bool there, s.step());
                if (!there) break;
                ids.emplace_back(s.text(0));
            }
        }
        for (const auto& a : ids) {
            TRY(const auto assignment, r_.read_row("assignment", a));
            const bool may = std::any_of(assignment.allowed.begin(), assignment.allowed.end(),
                                         [](const auto* t) { return t->name == "withdraw"; });
            if (!may) continue;
            Edit w = e;
            w.entity = "assignment";
            w.row = a;
            w.stream = assignment.stream;
            draft.edits.push_back(std::move(w));
        }
    }
    TRY(auto saved, save(std::move(draft), id));
    if (step != transition)
        saved.notes.push_back("这项任务审 " + std::to_string(depth) + " 级,这一级通过即结 / the task asks for " +
                              std::to_string(depth) + " level(s) of review: with this one it is closed");
    return saved;
}

Result<Saved> Ledger::resolve(const std::string& conflict, const std::string& pick, const std::string& person) {
    TRY(const auto lines, r_.conflicts());
    std::set<std::pair<std::string, std::string>> rows;
    for (const auto& l : lines) rows.emplace(l.entity, l.row);
    for (const auto& [entity, id] : rows) {
        TRY(const auto row, r_.read_row(entity, id));
        for (const auto& c : conflicts_of(row)) {
            if (c.id != conflict) continue;
            if (c.group < 0 || c.kind != fold::LineKind::open)
                return fail(Errc::not_allowed,
                            "冲突 " + conflict + " 已有结论,不用再定 / conflict " + conflict + " is settled already");
            std::vector<const HistoryItem*> sides{item_of(row, c.winner)};
            for (const auto& l : c.losers) sides.push_back(item_of(row, l));
            std::erase(sides, nullptr);
            const auto mine =
                std::find_if(sides.begin(), sides.end(), [&](const auto* i) { return i->commit.replica == r_.id(); });
            const auto theirs =
                std::find_if(sides.begin(), sides.end(), [&](const auto* i) { return i->commit.replica != r_.id(); });
            Edit e;
            e.entity = row.entity;
            e.row = id;
            e.stream = row.stream;
            e.settle = true;
            const auto& group = *row.binding->group_defs[static_cast<std::size_t>(c.group)];
            if (pick == "mine" || pick == "theirs") {
                const auto side = pick == "mine" ? mine : theirs;
                if (side == sides.end())
                    return fail(Errc::usage,
                                "两份都不是本机写的,请直接写出要留的文字 / neither was written on this PC: give the "
                                "text that is to stand");
                for (const auto& [name, value] : (*side)->fields) {
                    const auto f = row.binding->newest->field(name);
                    if (f >= 0 && row.binding->newest
                                          ->groups[static_cast<std::size_t>(
                                              row.binding->newest->fields[static_cast<std::size_t>(f)].group)]
                                          .name == group.name)
                        e.fields.emplace_back(name, value);
                }
            } else {
                if (group.fields.size() != 1)
                    return fail(Errc::usage, "这一组有几项,请用 mine 或 theirs / several fields: pick mine or theirs");
                TRY_VOID(check_text(pick));
                const auto& field = row.binding->newest->fields[static_cast<std::size_t>(group.fields.front())];
                TRY(auto value, parse_value(field, pick));
                e.fields.emplace_back(field.name, std::move(value));
            }
            Draft draft;
            draft.person = person;
            draft.edits.push_back(std::move(e));
            return save(std::move(draft), id);
        }
    }
    return fail(Errc::not_found, "没有冲突 " + conflict + " / there is no conflict " + conflict + " here");
}

}  // namespace taizhang::ledger
