#include "ledger/sheet_plan.h"

#include <algorithm>

namespace taizhang::ledger {
namespace {

/// Below this, what a file of the form's own fault list would say no more.
constexpr std::size_t kFaultsMax = 1000;

class Planner {
public:
    Planner(Replica& r, const SheetImportOptions& o, const Names& names, SheetPlan& plan)
        : r_(r),
          options_(o),
          names_(names),
          plan_(plan),
          kind_(plan.table.kind),
          columns_(columns_of(kind_)),
          reader_(r, kind_, names) {}

    Result<> run(std::optional<SheetMemory> memory) {
        if (memory && memory->kind == kind_) memory_ = std::move(memory);
        plan_.meeting = options_.meeting.empty() && memory_ ? memory_->meeting : options_.meeting;
        if (kind_ == SheetKind::attendance) {
            if (plan_.meeting.empty())
                return fail(Errc::usage, "签到表请给出 --meeting 会议编号 / an attendance sheet needs --meeting ID");
            TRY(const auto known, r_.read_row("meeting", plan_.meeting));
        }
        if (memory_) {
            plan_.seen_tasks = memory_->tasks;
            for (const auto& [serial, row] : memory_->rows) remembered_[row.id] = &row;
        }
        TRY_VOID(reader_.load());
        find_form_columns();
        TRY_VOID(index_records());
        for (const auto row : plan_.table.rows) TRY_VOID(plan_row(row));
        return {};
    }

private:
    // ------------------------------------------------------------ columns of form fields

    /// Titles that nobody knew: 附加:NAME, or a field's bare name as people write it.
    void find_form_columns() {
        if (kind_ != SheetKind::assignments) return;
        auto& table = plan_.table;
        std::vector<SheetTable::Title> left;
        for (auto& title : table.ignored) {
            auto name = extra_named(title.text);
            if (name.empty() && reader_.has_form_field(title.text)) name = title.text;
            const bool is_new =
                std::none_of(table.extras.begin(), table.extras.end(), [&](const auto& x) { return x.text == name; });
            if (!name.empty() && is_new)
                table.extras.push_back({name, title.sheet_column});
            else
                left.push_back(std::move(title));
        }
        table.ignored = std::move(left);
    }

    /// What the row's cells answer to its task's form; a cell of another task's field is refused.
    void read_answers(RowPlan& p) {
        const auto& extras = plan_.table.extras;
        const auto& form = reader_.form(p.task);
        p.extra.resize(extras.size());
        for (std::size_t k = 0; k < extras.size(); ++k) {
            const auto c = columns_.size() + k;
            const auto& cell = plan_.table.cell(p.row, c);
            const auto* field = field_named(form, extras[k].text);
            if (!field) {
                if (plain_text(cell.text).empty()) continue;
                refuse(p, c,
                       "这个任务没有附加填报项“" + extras[k].text + "” / this task has no form field '" +
                           extras[k].text + "'");
                continue;
            }
            auto answer = answer_of_cell(*field, cell);
            if (answer)
                p.extra[k] = std::move(*answer);
            else
                refuse(p, c, answer.error().detail);
        }
    }

    /// The file's own mark of a form field in that row; nothing where it had no such column.
    std::optional<std::string> mark_before(const SheetMemory::Row* before, std::size_t k) const {
        if (!before || !memory_) return std::nullopt;
        const auto& names = memory_->extras;
        const auto it = std::find(names.begin(), names.end(), plan_.table.extras[k].text);
        const auto at = columns_.size() + static_cast<std::size_t>(it - names.begin());
        return it == names.end() || at >= before->marks.size() ? std::nullopt : std::optional(before->marks[at]);
    }

    void compare_answers(RowPlan& p, const FormAnswers& now, const SheetMemory::Row* before) {
        for (std::size_t k = 0; k < p.extra.size(); ++k) {
            const auto c = columns_.size() + k;
            if (is_refused(p, c)) continue;
            const auto mark = mark_before(before, k);
            if (mark ? *mark == mark_of(p.extra[k]) : p.extra[k].empty()) continue;
            const auto it = now.find(plan_.table.extras[k].text);
            const auto stands = it == now.end() ? std::string() : it->second;
            if (p.extra[k] == stands) continue;
            const auto why = refusal(column(ColumnKind::report), p.unit, p.record.empty(), p.task);
            if (why.empty())
                p.changes.push_back({c, stands, p.extra[k]});
            else
                refuse(p, c, why);
        }
    }

    // ------------------------------------------------------------ finding the record

    static std::string key(const std::string& a, const std::string& b) { return a + '\n' + b; }

    Result<> index_records() {
        const char* sql = kind_ == SheetKind::assignments ? "SELECT id, task_id, unit_id FROM assignment"
                          : kind_ == SheetKind::rectifications
                              ? "SELECT id, responsible_unit_id, problem FROM rectification"
                              : "SELECT id, meeting_id, unit_id FROM attendance";
        TRY(auto s, r_.database().prepare(sql, false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) return {};
            const std::string id(s.text(0)), first(s.text(1));
            const auto second = kind_ == SheetKind::rectifications ? folded_text(s.text(2)) : std::string(s.text(2));
            by_key_[key(first, second)].push_back(id);
            known_.insert(id);
        }
    }

    std::size_t column(std::string_view title) const {
        for (std::size_t c = 0; c < columns_.size(); ++c)
            if (columns_[c].title == title) return c;
        return 0;
    }
    std::size_t column(ColumnKind kind) const {
        for (std::size_t c = 0; c < columns_.size(); ++c)
            if (columns_[c].kind == kind) return c;
        return 0;
    }

    /// Ids whose natural key is the row's; fills in unit and task of a new one.
    std::vector<std::string> by_natural_key(RowPlan& p) {
        const auto found = [&](const std::string& a, const std::string& b) {
            const auto it = by_key_.find(key(a, b));
            return it == by_key_.end() ? std::vector<std::string>{} : it->second;
        };
        if (kind_ == SheetKind::attendance) {
            p.unit = p.values[column("单位")];
            return found(plan_.meeting, p.unit);
        }
        p.unit = p.values[column("责任单位")];
        if (kind_ == SheetKind::rectifications) return found(p.unit, folded_text(p.values[column("具体问题")]));
        std::vector<std::string> out;
        const auto tasks = reader_.tasks_titled(p.values[column("任务名称")]);
        for (const auto& t : tasks)
            for (auto& id : found(t, p.unit)) out.push_back(std::move(id));
        if (tasks.size() == 1) p.task = tasks.front();
        ambiguous_task_ = tasks.size() > 1;
        return out;
    }

    /// Empty: a new one. Refused by itself when it cannot be told.
    std::string find_record(RowPlan& p) {
        const auto id_column = column(ColumnKind::id);
        const auto serial_column = column(ColumnKind::serial);
        const auto& given = p.values[id_column];
        if (!given.empty()) {
            if (known_.contains(given)) return given;
            refuse(p, id_column, "本机没有记录 " + given + " / there is no record " + given + " here");
            return {};
        }
        const auto ids = by_natural_key(p);
        const SheetMemory::Row* remembered = nullptr;
        if (memory_)
            if (const auto it = memory_->rows.find(p.values[serial_column]); it != memory_->rows.end())
                remembered = known_.contains(it->second.id) ? &it->second : nullptr;
        if (ids.size() == 1) return ids.front();
        if (ids.size() > 1) {
            if (remembered && std::find(ids.begin(), ids.end(), remembered->id) != ids.end()) return remembered->id;
            refuse(p, serial_column,
                   "有 " + std::to_string(ids.size()) + " 条同样的记录,请加一列“编号” / " + std::to_string(ids.size()) +
                       " records are alike: add a column 编号 with the id");
            return {};
        }
        // Its key was changed: the serial number still says which, if the unit's cell was left alone.
        const auto unit_column = column(kind_ == SheetKind::attendance ? "单位" : "责任单位");
        if (remembered && unit_column < remembered->marks.size() &&
            remembered->marks[unit_column] == mark_of(p.values[unit_column]))
            return remembered->id;
        return {};
    }

    // ------------------------------------------------------------ one row

    static void refuse(RowPlan& p, std::size_t col, std::string why) { p.refused.push_back({col, std::move(why)}); }
    static bool is_refused(const RowPlan& p, std::size_t col) {
        return std::any_of(p.refused.begin(), p.refused.end(), [&](const auto& r) { return r.column == col; });
    }

    Result<> plan_row(std::size_t row) {
        RowPlan p;
        p.row = row;
        if (!read_cells(p)) return {};
        // Whose row it is must be clear; any other cell that names somebody unknown is left out by itself.
        bool is_clear = !is_refused(p, column(kind_ == SheetKind::attendance ? "单位" : "责任单位"));
        const auto refused = p.refused.size();
        const auto id = is_clear ? find_record(p) : std::string();
        is_clear = is_clear && p.refused.size() == refused;
        if (!is_clear)
            p.action = RowPlan::Action::refused;
        else if (id.empty())
            plan_new(p);
        else
            TRY_VOID(plan_change(p, id));
        plan_.rows.push_back(std::move(p));
        return {};
    }

    /// False: at least one cell has the wrong form.
    bool read_cells(RowPlan& p) {
        bool ok = true;
        p.values.resize(columns_.size());
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            const auto& column = columns_[c];
            if (column.kind == ColumnKind::shown) continue;
            auto value = value_of_cell(column, plan_.table.cell(p.row, c), names_);
            if (value) {
                if (const auto target = target_of(r_.control(), kind_, column); target.field && !value->empty())
                    if (const auto fits = parse_value(*target.field, *value); !fits) value = fits.error();
            }
            if (value) {
                p.values[c] = std::move(*value);
            } else if (value.error().code == Errc::not_found) {
                refuse(p, c, value.error().detail);
            } else {
                ok = false;
                if (plan_.faults.size() < kFaultsMax) plan_.faults.push_back({p.row, c, value.error().detail});
            }
        }
        return ok;
    }

    Result<> plan_change(RowPlan& p, const std::string& id) {
        p.record = id;
        if (const auto [it, is_new] = row_of_record_.emplace(id, p.row); !is_new) {
            p.action = RowPlan::Action::refused;
            refuse(p, column(ColumnKind::serial),
                   "与第 " + std::to_string(it->second + 1) + " 行是同一条记录(" + id + ") / the same record as row " +
                       std::to_string(it->second + 1) + " (" + id + ")");
            return {};
        }
        TRY(const auto now, reader_.read(id));
        const auto it = remembered_.find(id);
        const auto* before = it == remembered_.end() ? nullptr : it->second;
        if (before) p.seen = before->seen;
        p.unit = now.unit;
        p.task = now.task;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            const auto kind = columns_[c].kind;
            if (plan_.table.sheet_column[c] < 0 || kind == ColumnKind::serial || kind == ColumnKind::id ||
                kind == ColumnKind::shown || is_refused(p, c))
                continue;
            // In a file of ours a cell that was left alone says nothing; elsewhere a blank one does not.
            if (before && c < before->marks.size() ? before->marks[c] == mark_of(p.values[c]) : p.values[c].empty())
                continue;
            if (p.values[c] == now.values[c]) continue;
            const auto why = refusal(c, now.unit, false, now.task);
            if (why.empty())
                p.changes.push_back({c, now.values[c], p.values[c]});
            else
                refuse(p, c, why);
        }
        read_answers(p);
        compare_answers(p, now.extra, before);
        if (!p.changes.empty())
            p.action = RowPlan::Action::change;
        else if (!p.refused.empty())
            p.action = RowPlan::Action::refused;
        return {};
    }

    void plan_new(RowPlan& p) {
        p.action = RowPlan::Action::refused;
        const auto unit_column = column(kind_ == SheetKind::attendance ? "单位" : "责任单位");
        if (p.unit.empty()) return refuse(p, unit_column, "没有写单位 / no unit is given");
        if (kind_ == SheetKind::assignments) {
            const auto c = column("任务名称");
            if (p.values[c].empty()) return refuse(p, c, "没有写任务名称 / no task is given");
            if (ambiguous_task_)
                return refuse(p, c, "有几个同名任务,请加一列“编号” / several tasks have this title: add a column 编号");
            if (p.task.empty() && !options_.new_tasks)
                return refuse(p, c,
                              "没有这个任务;要新建请选“没有的任务一并新建”(--new-tasks) / there is no such task; "
                              "choose to make tasks that are not there (--new-tasks)");
        }
        if (kind_ == SheetKind::rectifications && p.values[column("具体问题")].empty())
            return refuse(p, column("具体问题"), "没有写具体问题 / no problem is given");
        if (const auto why =
                refusal(kind_ == SheetKind::rectifications ? column("具体问题") : unit_column, p.unit, true);
            !why.empty())
            return refuse(p, unit_column, why);
        const auto twin = key(kind_ == SheetKind::assignments ? folded_text(p.values[column("任务名称")]) : p.unit,
                              kind_ == SheetKind::rectifications ? folded_text(p.values[column("具体问题")]) : p.unit);
        if (const auto [it, is_new] = row_of_new_.emplace(twin, p.row); !is_new)
            return refuse(p, column(ColumnKind::serial),
                          "与第 " + std::to_string(it->second + 1) + " 行重复 / the same as row " +
                              std::to_string(it->second + 1));
        p.action = RowPlan::Action::create;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            const auto kind = columns_[c].kind;
            if (p.values[c].empty() || kind == ColumnKind::serial || kind == ColumnKind::id ||
                kind == ColumnKind::shown)
                continue;
            if (columns_[c].of_task && !p.task.empty()) continue;  // the task is there and says it itself
            const auto why = kind == ColumnKind::derived ? std::string() : refusal(c, p.unit, true);
            if (why.empty())
                p.changes.push_back({c, "", p.values[c]});
            else
                refuse(p, c, why);
        }
        read_answers(p);
        compare_answers(p, {}, nullptr);
    }

    // ------------------------------------------------------------ who may write what

    /// Why this unit cannot write that column of a record of `unit`; empty: it can.
    std::string refusal(std::size_t c, const std::string& unit, bool is_new = false,
                        const std::string& task = {}) const {
        const auto& col = columns_[c];
        if (col.kind == ColumnKind::derived)
            return "由办理步骤得出,请用 do 办理,不在表里改 / follows from what was done: use `do`, not the sheet";
        const bool key = col.field == "title" || col.field == "unit_id" || col.field == "responsible_unit_id";
        if (key && !is_new)
            return "这一格认定是哪条记录,不能改;要新建请另起一行 / this cell says which record it is and cannot be "
                   "changed: "
                   "add a row for a new one";
        const auto target = target_of(r_.control(), kind_, col);
        const auto* cert = r_.control().cert(r_.id());
        if (!target.field || !cert) return {};
        const auto* v = r_.control().newest(target.entity);
        const auto& at = r_.control().head();
        StreamId stream{col.of_task ? r_.control().authority(cert->unit, at) : unit, v->entity->audience};
        if (const auto* row = col.of_task ? reader_.task(task) : nullptr) stream = row->stream;
        const auto rel = r_.control().relation(*cert, stream, at);
        const bool report = col.kind == ColumnKind::report || col.kind == ColumnKind::rate;
        if (rel.may(target.group->by) || (!is_new && !target.group->refused_as.empty() && rel.reaches())) return {};
        if (report) return "进展由责任单位自己填报 / progress is the responsible unit's to report";
        return "不由本单位填写 / not this unit's to write";
    }

    Replica& r_;
    const SheetImportOptions& options_;
    const Names& names_;
    SheetPlan& plan_;
    SheetKind kind_;
    std::span<const SheetColumn> columns_;
    SheetRecords reader_;
    std::optional<SheetMemory> memory_;
    std::map<std::string, const SheetMemory::Row*> remembered_;  // by record
    std::unordered_map<std::string, std::vector<std::string>> by_key_;
    std::set<std::string> known_;
    std::map<std::string, std::size_t> row_of_record_, row_of_new_;
    bool ambiguous_task_ = false;
};

}  // namespace

SheetTarget target_of(const ControlState& control, SheetKind kind, const SheetColumn& column) {
    SheetTarget t;
    std::string field(column.field);
    t.entity = column.of_task ? "task" : std::string(entity_of(kind));
    if (column.kind == ColumnKind::report || column.kind == ColumnKind::rate) {
        t.entity = "progress_report";
        field = column.kind == ColumnKind::report ? "text" : "value";
    }
    const auto* v = control.newest(t.entity);
    const auto f = v && !field.empty() ? v->entity->field(field) : -1;
    if (f < 0) return t;
    t.field = &v->entity->fields[static_cast<std::size_t>(f)];
    t.group = &v->entity->groups[static_cast<std::size_t>(t.field->group)];
    return t;
}

Result<SheetPlan> plan_sheet(Replica& r, const std::vector<office::Sheet>& sheets, const SheetImportOptions& options,
                             const Names& names) {
    SheetPlan plan;
    TRY(plan.table, find_table(sheets, options.sheet));
    std::optional<SheetMemory> memory;
    for (const auto& s : sheets)
        if (!memory) memory = SheetMemory::of_page(s);
    TRY_VOID(Planner(r, options, names, plan).run(std::move(memory)));
    return plan;
}

}  // namespace taizhang::ledger
