#include "ledger/sheet_import.h"

#include "ledger/new_record.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "office/xlsx_reader.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

/// What is the row's fault; anything else (a full disk) ends the import.
bool is_of_the_row(Errc code) {
    return code == Errc::usage || code == Errc::bad_input || code == Errc::not_found || code == Errc::not_allowed;
}

class Applier {
public:
    Applier(Replica& r, const SheetImportOptions& o, const Names& names, SheetPlan& plan)
        : r_(r),
          ledger_(r),
          options_(o),
          names_(names),
          plan_(plan),
          kind_(plan.table.kind),
          columns_(columns_of(kind_)) {}

    Result<> run() {
        TRY_VOID(read_reports());
        for (auto& p : plan_.rows) {
            if (p.action != RowPlan::Action::change && p.action != RowPlan::Action::create) continue;
            auto done = p.action == RowPlan::Action::create ? create(p) : change(p);
            if (done) continue;
            if (!is_of_the_row(done.error().code)) return done.error();
            p.action = RowPlan::Action::refused;
            p.refused.push_back({p.changes.empty() ? 0 : p.changes.front().column, done.error().detail});
            p.changes.clear();
        }
        return {};
    }

private:
    void note(RowPlan& p, const Saved& saved) {
        for (const auto& n : saved.notes)
            if (std::find(p.notes.begin(), p.notes.end(), n) == p.notes.end()) p.notes.push_back(n);
    }

    // ------------------------------------------------------------ a row that is there

    Result<> change(RowPlan& p) {
        TRY(const auto row, r_.read_row(std::string(entity_of(kind_)), p.record));
        Assignments fields;
        Seen seen;
        std::vector<CellChange> done, answers;
        std::optional<CellChange> text, rate;
        for (const auto& c : p.changes) {
            if (is_extra(c)) {
                answers.push_back(c);
                continue;
            }
            const auto& column = columns_[c.column];
            if (column.kind == ColumnKind::report) {
                text = c;
            } else if (column.kind == ColumnKind::rate) {
                rate = c;
            } else if (column.of_task) {
                TRY(const bool written, change_task(p, c));
                if (written) done.push_back(c);
            } else {
                TRY(const bool wanted, add_field(row, p.seen, c, fields, seen));
                if (wanted) done.push_back(c);
            }
        }
        if (!fields.empty()) {
            TRY(const auto saved, ledger_.set(p.record, fields, options_.person, seen));
            note(p, saved);
        }
        if (text || rate || !answers.empty()) {
            TRY(const bool reported, report(p, row, rate, answers));
            if (reported && text) done.push_back(*text);
            if (reported && rate) done.push_back(*rate);
            if (reported) done.insert(done.end(), answers.begin(), answers.end());
        }
        p.changes = std::move(done);
        if (p.changes.empty()) p.action = p.refused.empty() ? RowPlan::Action::same : RowPlan::Action::refused;
        return {};
    }

    /// The field's text as Ledger::set takes it, with what the file says was in front of its author. False: this very
    /// edit was taken in before.
    Result<bool> add_field(const RowView& row, const SeenVersions& seen_before, const CellChange& c,
                           Assignments& fields, Seen& seen) {
        const auto& column = columns_[c.column];
        if (column.kind == ColumnKind::person) {
            const auto known = names_.person_id(row.stream.unit, c.to);
            fields.emplace_back("actual_user_id", known);
            fields.emplace_back("actual", known.empty() ? c.to : "");
            return true;
        }
        const auto target = target_of(r_.control(), kind_, column);
        if (!target.field) return fail(Errc::not_found, "目录里没有这一项 / the catalog has no such field");
        TRY(const auto value, parse_value(*target.field, c.to));
        const auto base = seen_version(row, seen_before, target.group->name);
        if (was_written(row, target.field->name, value, base)) return false;
        TRY_VOID(check_past(row, target.group->name, base));
        const bool told =
            std::any_of(seen.begin(), seen.end(), [&](const auto& s) { return s.first == target.group->name; });
        if (base && !told) seen.emplace_back(target.group->name, *base);
        fields.emplace_back(target.field->name, c.to);
        return true;
    }

    /// Where the history was dropped only what stands can be built on: what the file saw before that is not here.
    static Result<> check_past(const RowView& row, const std::string& group, const std::optional<VersionId>& base) {
        const auto g = row.binding->group(group);
        if (row.is_whole || !base || g < 0 || static_cast<std::size_t>(g) >= row.fold.groups.size()) return {};
        if (row.fold.groups[static_cast<std::size_t>(g)].stand == *base) return {};
        return fail(Errc::not_allowed, row.id + " 在文件导出后改过,旧历史已精简,请重新导出再填 / " + row.id +
                                           " has changed since the file was written and its history was dropped here: "
                                           "export anew and fill that in");
    }

    /// After what the file's author saw somebody wrote exactly this: the file was imported before. A file that
    /// remembers nothing is known by this node's own last word on the field.
    bool was_written(const RowView& row, const std::string& field, const Value& value,
                     const std::optional<VersionId>& base) const {
        bool after = !base || *base == VersionId{}, last_own = false;
        for (const auto& h : row.history) {
            const auto it =
                std::find_if(h.fields.begin(), h.fields.end(), [&](const auto& f) { return f.first == field; });
            const bool same = it != h.fields.end() && it->second == value;
            if (base && after && same) return true;
            if (base && h.version == *base) after = true;
            if (it != h.fields.end() && h.commit.replica == r_.id()) last_own = same;
        }
        return !base && last_own;
    }

    /// A task stands in many rows; it is changed once, by the first row that says something new.
    Result<bool> change_task(RowPlan& p, const CellChange& c) {
        const auto name = std::string(columns_[c.column].field);
        const auto [it, is_new] = task_edits_.emplace(std::pair(p.task, name), std::pair(c.to, p.row));
        if (!is_new) {
            if (it->second.first == c.to) return true;
            p.refused.push_back({c.column, "与第 " + std::to_string(it->second.second + 1) +
                                               " 行对同一任务写的不同 / row " + std::to_string(it->second.second + 1) +
                                               " says something else of the same task"});
            return false;
        }
        TRY(const auto row, r_.read_row("task", p.task));
        const auto target = target_of(r_.control(), kind_, columns_[c.column]);
        TRY(const auto value, parse_value(*target.field, c.to));
        const auto seen_it = plan_.seen_tasks.find(p.task);
        const auto base =
            seen_it == plan_.seen_tasks.end() ? std::nullopt : seen_version(row, seen_it->second, target.group->name);
        if (was_written(row, name, value, base)) return false;
        Seen seen;
        if (base) seen.emplace_back(target.group->name, *base);
        TRY(const auto saved, ledger_.set(p.task, {{name, c.to}}, options_.person, seen));
        note(p, saved);
        return true;
    }

    // ------------------------------------------------------------ reports

    Result<> read_reports() {
        const bool any = std::any_of(plan_.rows.begin(), plan_.rows.end(), [&](const auto& p) {
            return std::any_of(p.changes.begin(), p.changes.end(), [&](const auto& c) {
                return is_extra(c) || columns_[c.column].kind == ColumnKind::report ||
                       columns_[c.column].kind == ColumnKind::rate;
            });
        });
        if (!any) return {};
        const std::string extra = has_field(r_, "progress_report", "extra") ? "extra" : "NULL";
        TRY(auto s, r_.database().prepare("SELECT assignment_id, text, value, " + extra +
                                              " FROM progress_report ORDER BY unixepoch(occurred_at), id",
                                          false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) return {};
            reports_[std::string(s.text(0))].push_back({std::string(s.text(1)),
                                                        s.is_null(2) ? std::nullopt : Decimal::from_double(s.real(2)),
                                                        answers_of(std::string(s.text(3)))});
        }
    }

    bool is_extra(const CellChange& c) const { return c.column >= columns_.size(); }
    const std::string& extra_name(const CellChange& c) const {
        return plan_.table.extras[c.column - columns_.size()].text;
    }

    /// One report of text, value and answers together: what was not changed is carried forward. False: it was made
    /// before.
    Result<bool> report(RowPlan& p, const RowView& row, const std::optional<CellChange>& rate,
                        const std::vector<CellChange>& answers) {
        auto& before = reports_[p.record];
        std::optional<Decimal> value;
        FormAnswers extra;
        for (const auto& b : before) {
            if (b.value) value = b.value;
            if (!b.extra.empty()) extra = b.extra;
        }
        for (const auto& a : answers) extra[extra_name(a)] = a.to;
        std::erase_if(extra, [](const auto& a) { return a.second.empty(); });
        if (rate && !rate->to.empty()) {
            TRY(const auto task, r_.read_row("task", field_text(row, "task_id")));
            const double target = std::strtod(field_text(task, "target_value").c_str(), nullptr);
            if (!(target > 0))
                return fail(Errc::not_allowed,
                            "任务没有目标值,完成率不能换算成填报值 / the task has no target: the rate says no value");
            value = Decimal::from_double(std::round(std::strtod(rate->to.c_str(), nullptr) * target * 1e4) / 1e4);
        }
        const auto& words = p.values[column_of(ColumnKind::report)];
        const bool known = std::any_of(before.begin(), before.end(), [&](const auto& b) {
            return b.text == words && b.value == value && (answers.empty() || b.extra == extra);
        });
        if (known) return false;
        ReportInput in;
        in.text = words;
        if (value) in.value = value->str();
        in.extra = answers_text(extra);
        TRY(const auto saved, ledger_.report(p.record, in, options_.person));
        before.push_back({words, value, extra});
        note(p, saved);
        return true;
    }

    std::size_t column_of(ColumnKind kind) const {
        for (std::size_t c = 0; c < columns_.size(); ++c)
            if (columns_[c].kind == kind) return c;
        return 0;
    }

    // ------------------------------------------------------------ a new row

    Result<> create(RowPlan& p) {
        Assignments fields;
        std::optional<CellChange> text, rate;
        std::vector<CellChange> answers;
        std::string state, closed_on;
        for (const auto& c : p.changes) {
            if (is_extra(c)) {
                answers.push_back(c);
                continue;
            }
            const auto& column = columns_[c.column];
            if (column.title == "状态") state = c.to;
            if (column.title == "是否销号" && c.to.starts_with("是")) state = "已销号";
            if (column.kind == ColumnKind::report) text = c;
            if (column.kind == ColumnKind::rate) rate = c;
            if (column.of_task || column.field.empty()) continue;
            if (column.kind == ColumnKind::person) {
                const auto known = names_.person_id(p.unit, c.to);
                fields.emplace_back(known.empty() ? "actual" : "actual_user_id", known.empty() ? c.to : known);
            } else {
                fields.emplace_back(std::string(column.field), c.to);
            }
        }
        if (kind_ == SheetKind::assignments) {
            if (p.task.empty()) TRY_VOID(create_task(p));
            fields.emplace_back("task_id", p.task);
        }
        if (kind_ == SheetKind::attendance) fields.emplace_back("meeting_id", plan_.meeting);
        TRY(const auto saved, ledger_.create(std::string(entity_of(kind_)), fields, options_.person));
        p.record = saved.record;
        note(p, saved);
        TRY_VOID(bring_to(p, state));
        if (text || rate || !answers.empty()) {
            TRY(const auto row, r_.read_row(std::string(entity_of(kind_)), p.record));
            // The record stands whatever becomes of its first report.
            const auto reported = report(p, row, rate, answers);
            if (!reported && !is_of_the_row(reported.error().code)) return reported.error();
            const auto column = text              ? text->column
                                : rate            ? rate->column
                                : answers.empty() ? 0
                                                  : answers.front().column;
            if (!reported) p.refused.push_back({column, reported.error().detail});
        }
        return {};
    }

    Result<> create_task(RowPlan& p) {
        const auto title = folded_text(p.values[1]);
        auto& known = new_tasks_[title];
        if (known.empty()) {
            Assignments fields{{"issued_at", format_local(r_.now().ms)}};
            for (std::size_t c = 0; c < columns_.size(); ++c)
                if ((columns_[c].of_task || columns_[c].field == "deadline") && !p.values[c].empty())
                    fields.emplace_back(std::string(columns_[c].field), p.values[c]);
            TRY(const auto saved, ledger_.create("task", fields, options_.person));
            TRY(const auto issued, ledger_.act("issue", saved.record, {}, options_.person));
            known = saved.record;
            p.notes.push_back("新建任务 " + known + " / new task " + known);
        }
        p.task = known;
        return {};
    }

    /// A new record begins where its workflow does; the office above hands it down, or brings a state along.
    Result<> bring_to(RowPlan& p, const std::string& state) {
        TRY(const auto row, r_.read_row(std::string(entity_of(kind_)), p.record));
        if (row.state.empty()) return {};
        const auto may = [&](std::string_view t) {
            return std::any_of(row.allowed.begin(), row.allowed.end(), [&](const auto* a) { return a->name == t; });
        };
        const bool known = row.binding->newest->workflow.state(state) > 0;
        const char* step = kind_ == SheetKind::assignments ? "issue" : "assign";
        if (known && may("carry_over")) {
            TRY(const auto saved, ledger_.act("carry_over", p.record, {{"state", state}}, options_.person));
            note(p, saved);
        } else if (may(step)) {
            TRY(const auto saved, ledger_.act(step, p.record, {}, options_.person));
            note(p, saved);
        }
        if (!state.empty() && state != row.state && (!known || !may("carry_over")))
            p.notes.push_back("状态“" + state + "”没有转入,从头办起 / the state '" + state +
                              "' was not carried over: it begins anew");
        return {};
    }

    struct Report {
        std::string text;
        std::optional<Decimal> value;
        FormAnswers extra;
    };
    Replica& r_;
    Ledger ledger_;
    const SheetImportOptions& options_;
    const Names& names_;
    SheetPlan& plan_;
    SheetKind kind_;
    std::span<const SheetColumn> columns_;
    std::map<std::pair<std::string, std::string>, std::pair<std::string, std::size_t>> task_edits_;
    std::map<std::string, std::string> new_tasks_;
    std::unordered_map<std::string, std::vector<Report>> reports_;
};

// ------------------------------------------------------------------ the answer

class ImportAnswer {
public:
    ImportAnswer(const SheetPlan& plan, const SheetImportOptions& options, const Names& names)
        : plan_(plan), options_(options), names_(names), columns_(columns_of(plan.table.kind)) {}

    json::object document() const {
        json::array rows, faults, ignored, notes;
        std::int64_t created = 0, changed = 0, same = 0, refused = 0;
        for (const auto& p : plan_.rows) {
            created += p.action == RowPlan::Action::create;
            changed += p.action == RowPlan::Action::change;
            same += p.action == RowPlan::Action::same && p.refused.empty();
            refused += !p.refused.empty();
            if (p.action != RowPlan::Action::same || !p.refused.empty()) rows.push_back(row(p));
        }
        for (const auto& f : plan_.faults)
            faults.push_back({{"row", static_cast<std::int64_t>(f.row + 1)},
                              {"column", letter(f.column)},
                              {"title", title(f.column)},
                              {"why", f.why}});
        for (const auto& t : plan_.table.ignored) ignored.push_back(json::string(t.text));
        for (const auto n : plan_.table.notes) notes.push_back(static_cast<std::int64_t>(n + 1));
        return {{"kind", name_of(plan_.table.kind)},
                {"sheet", plan_.table.sheet.name},
                {"first_row", static_cast<std::int64_t>(plan_.table.first_row + 1)},
                {"dry_run", options_.dry_run},
                {"created", created},
                {"changed", changed},
                {"unchanged", same},
                {"refused", refused},
                {"faults", std::move(faults)},
                {"rows", std::move(rows)},
                {"ignored_columns", std::move(ignored)},
                {"note_rows", std::move(notes)}};
    }

    /// "第 7 行 J 列 完成时限:… / row 7, column J (完成时限): …" of the first fault.
    std::string first_fault() const {
        const auto& f = plan_.faults.front();
        const auto zh = f.why.substr(0, f.why.find(" / "));
        const auto en = f.why.find(" / ") == std::string::npos ? f.why : f.why.substr(f.why.find(" / ") + 3);
        const auto n = std::to_string(plan_.faults.size());
        const auto col = static_cast<std::size_t>(std::max(0, plan_.table.sheet_column[f.column]));
        return plan_.table.sheet.name + " " + office::place_zh(f.row, col) + "(" + title(f.column) + "):" + zh +
               ";全文件共 " + n + " 处格式问题,没有写入,--dry-run 可看全部 / " + plan_.table.sheet.name + ", " +
               office::place_en(f.row, col) + " (" + title(f.column) + "): " + en + "; " + n +
               " such faults in all, nothing was written; --dry-run shows them";
    }

private:
    bool is_extra(std::size_t column) const { return column >= columns_.size(); }
    std::string title(std::size_t column) const {
        return is_extra(column) ? extra_title(plan_.table.extras[column - columns_.size()].text)
                                : std::string(columns_[column].title);
    }
    json::value letter(std::size_t column) const {
        const auto at = is_extra(column) ? plan_.table.extras[column - columns_.size()].sheet_column
                                         : plan_.table.sheet_column[column];
        return at < 0 ? json::value(nullptr) : json::value(office::column_name(static_cast<std::size_t>(at)));
    }
    json::value shown(std::size_t column, const std::string& value) const {
        if (value.empty()) return nullptr;
        if (is_extra(column)) return json::value(value);
        const auto cell = cell_of_value(columns_[column], value, names_);
        return json::value(cell.percent ? office::Cell::of_number(cell.number * 100).text + "%" : cell.text);
    }

    json::object row(const RowPlan& p) const {
        json::array cells, refused, notes;
        for (const auto& c : p.changes)
            cells.push_back({{"column", letter(c.column)},
                             {"title", title(c.column)},
                             {"from", shown(c.column, c.from)},
                             {"to", shown(c.column, c.to)}});
        for (const auto& r : p.refused)
            refused.push_back({{"column", letter(r.column)}, {"title", title(r.column)}, {"why", r.why}});
        for (const auto& n : p.notes) notes.push_back(json::string(n));
        // The id of a record that was taken back again would be another one the next time.
        const bool has_record = !p.record.empty() && !(options_.dry_run && p.action == RowPlan::Action::create);
        const char* action = p.action == RowPlan::Action::create   ? "create"
                             : p.action == RowPlan::Action::change ? "change"
                             : p.action == RowPlan::Action::same   ? "same"
                                                                   : "refuse";
        return {{"row", static_cast<std::int64_t>(p.row + 1)},
                {"action", action},
                {"record", has_record ? json::value(p.record) : json::value(nullptr)},
                {"cells", std::move(cells)},
                {"refused", std::move(refused)},
                {"notes", std::move(notes)}};
    }

    const SheetPlan& plan_;
    const SheetImportOptions& options_;
    const Names& names_;
    std::span<const SheetColumn> columns_;
};

/// Cells that were pasted without their titles begin at the first column, as the ledger's own sheet does.
bool has_titles(SheetKind kind, const std::vector<office::Cell>& row) {
    return std::any_of(row.begin(), row.end(), [&](const auto& c) { return column_named(kind, c.text) >= 0; });
}

Result<json::object> import_sheets(Replica& r, const std::vector<office::Sheet>& sheets,
                                   const SheetImportOptions& options) {
    TRY(const auto names, Names::load(r));
    TRY(auto plan, plan_sheet(r, sheets, options, names));
    const ImportAnswer answer(plan, options, names);
    if (!plan.faults.empty()) {
        if (options.dry_run) return answer.document();
        return fail(Errc::bad_input, answer.first_fault());
    }
    const auto taken_back = fail(Errc::usage, "dry run");
    const auto done = r.batch([&]() -> Result<> {
        TRY_VOID(Applier(r, options, names, plan).run());
        if (options.dry_run) return taken_back;
        return {};
    });
    if (!done && !(options.dry_run && done.error().detail == taken_back.detail)) return done.error();
    return answer.document();
}

}  // namespace

Result<json::object> import_sheet(Replica& r, std::string bytes, const SheetImportOptions& options) {
    TRY(const auto sheets, office::read_xlsx(std::move(bytes)));
    return import_sheets(r, sheets, options);
}

Result<json::object> import_cells(Replica& r, SheetKind kind, std::vector<std::vector<std::string>> cells,
                                  const SheetImportOptions& options) {
    office::Sheet sheet{std::string(title_of(kind)), false, {}, {}};
    std::size_t width = 0, filled = 0;
    for (auto& row : cells) {
        auto& out = sheet.rows.emplace_back();
        for (auto& text : row) out.push_back(office::Cell::of_text(std::move(text)));
        width = std::max(width, out.size());
        filled +=
            static_cast<std::size_t>(std::any_of(out.begin(), out.end(), [](const auto& c) { return !c.is_blank(); }));
    }
    if (filled == 0) return fail(Errc::bad_input, "没有贴入内容 / nothing was pasted");
    const bool titled = has_titles(kind, sheet.rows.front());
    if (!titled) {
        auto& titles = *sheet.rows.emplace(sheet.rows.begin());
        for (const auto& c : columns_of(kind).first(std::min(width, columns_of(kind).size())))
            titles.push_back(office::Cell::of_text(std::string(c.title)));
    }
    TRY(auto answer, import_sheets(r, {std::move(sheet)}, options));
    answer["titles_added"] = !titled;
    return answer;
}

}  // namespace taizhang::ledger
