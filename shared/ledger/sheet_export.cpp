#include "ledger/sheet_export.h"

#include "ledger/times.h"

#include <algorithm>
#include <set>
#include <utility>

namespace taizhang::ledger {
namespace {

using office::Cell;

constexpr double kExtraWidth = 14;
constexpr std::size_t kRowsInOneGo = 200;  // some 20 ms
constexpr std::size_t kRowsMax = 50'000;   // nobody reads more on paper, and every PC still opens it

Result<> check_scope(Replica& r, SheetKind kind, const SheetScope& scope) {
    if (!scope.unit.empty() && !r.control().unit(scope.unit))
        return fail(Errc::not_found, "没有单位 " + scope.unit + " / there is no unit " + scope.unit);
    if (kind == SheetKind::attendance && scope.meeting.empty())
        return fail(Errc::usage, "签到表请给出 --meeting 会议编号 / an attendance sheet needs --meeting ID");
    if (scope.meeting.empty()) return {};
    TRY(const auto known, r.read_row("meeting", scope.meeting));
    return {};
}

std::string heading(Replica& r, SheetKind kind, const SheetScope& scope) {
    std::string title(title_of(kind));
    if (kind == SheetKind::attendance) {
        const auto meeting = r.read_row("meeting", scope.meeting);
        return meeting ? field_text(*meeting, "title") + "签到表" : title;
    }
    const auto* cert = r.control().cert(r.id());
    const auto* u = r.control().unit(!scope.unit.empty() ? scope.unit : cert ? cert->unit : std::string());
    return u ? u->name + title : title;
}

}  // namespace

bool SheetExport::is_shown(const SheetColumn& c) const {
    return c.kind != ColumnKind::id && (!c.extra || options_.with_unfinished);
}

Result<> SheetExport::begin(Replica& r) {
    TRY_VOID(check_scope(r, kind_, options_.scope));
    TRY(auto names, Names::load(r));
    names_ = std::move(names);
    reader_.emplace(r, kind_, *names_);
    TRY_VOID(reader_->load());
    TRY(const auto rows, reader_->count(options_.scope));
    if (rows > kRowsMax)
        return fail(Errc::usage, "共 " + std::to_string(rows) + " 行,一个文件最多 " + std::to_string(kRowsMax) +
                                     " 行,请用 --unit 分开 / " + std::to_string(rows) + " rows, a file holds " +
                                     std::to_string(kRowsMax) + ": divide them by --unit");
    TRY(ids_, reader_->ids(options_.scope));
    rows_.reserve(ids_.size());
    title_ = heading(r, kind_, options_.scope);
    const auto* cert = r.control().cert(r.id());
    author_ = cert ? names_->unit_name(cert->unit) : std::string();
    made_ms_ = r.now().ms;
    return {};
}

Result<> SheetExport::read_row(const std::string& id) {
    Row row;
    auto record = reader_->read(id);
    // A device may have let go of a stream since.
    if (!record && record.error().code == Errc::not_found) return {};
    if (!record) return record.error();
    row.record = std::move(*record);
    const auto columns = columns_of(kind_);
    const auto serial = std::to_string(rows_.size() + 1);
    for (std::size_t c = 0; c < columns.size(); ++c) {
        auto& value = row.record.values[c];
        if (columns[c].kind == ColumnKind::serial) value = serial;
        if (is_shown(columns[c])) row.cells.push_back(cell_of_value(columns[c], value, *names_));
    }
    if (const auto* seen = reader_->task_seen(row.record.task)) memory_.tasks.emplace(row.record.task, *seen);
    rows_.push_back(std::move(row));
    return {};
}

Result<bool> SheetExport::read_some(Replica& r) {
    if (!reader_) {
        TRY_VOID(begin(r));
        return ids_.empty();
    }
    for (const auto past = std::min(ids_.size(), next_ + kRowsInOneGo); next_ < past; ++next_)
        TRY_VOID(read_row(ids_[next_]));
    return next_ == ids_.size();
}

/// The form fields of the tasks that stand in the sheet, each name once, in the order of the rows.
std::vector<std::string> SheetExport::form_columns() const {
    std::vector<std::string> out;
    std::set<std::string> seen, tasks;
    for (const auto& row : rows_) {
        if (!tasks.insert(row.record.task).second) continue;
        for (const auto& field : reader_->form(row.record.task))
            if (seen.insert(field.name).second) out.push_back(field.name);
    }
    return out;
}

void SheetExport::add_row(Row& row, office::Page& page) {
    auto& remembered = memory_.rows[std::to_string(page.sheet.rows.size())];
    remembered.id = row.record.id;
    remembered.task = row.record.task;
    remembered.seen = std::move(row.record.seen);
    for (const auto& value : row.record.values) remembered.marks.push_back(mark_of(value));
    for (const auto& name : memory_.extras) {
        const auto* field = field_named(reader_->form(row.record.task), name);
        const auto it = row.record.extra.find(name);
        const auto value = field && it != row.record.extra.end() ? it->second : std::string();
        remembered.marks.push_back(mark_of(value));
        row.cells.push_back(field ? cell_of_answer(*field, value) : Cell{});
    }
    page.sheet.rows.push_back(std::move(row.cells));
}

ExportedSheet SheetExport::make() {
    office::Page page;
    page.sheet.name = std::string(title_of(kind_));
    page.title = title_;
    page.signature = "填报人:____________  审核人:____________  单位负责人:____________  填报日期:" +
                     format_local(made_ms_).substr(0, 10);
    page.sheet.rows.emplace_back();
    for (const auto& c : columns_of(kind_))
        if (is_shown(c)) {
            page.sheet.rows.back().push_back(Cell::of_text(std::string(c.title)));
            page.widths.push_back(c.width);
        }
    memory_.kind = kind_;
    memory_.meeting = options_.scope.meeting;
    memory_.extras = form_columns();
    for (const auto& name : memory_.extras) {
        page.sheet.rows.back().push_back(Cell::of_text(extra_title(name)));
        page.widths.push_back(kExtraWidth);
    }
    for (auto& row : rows_) add_row(row, page);
    ExportedSheet out;
    out.rows = std::exchange(rows_, {}).size();
    out.workbook.author = author_;
    out.workbook.made_ms = made_ms_;
    out.workbook.pages.push_back(std::move(page));
    office::Page hidden;
    hidden.sheet = memory_.page();
    hidden.header_rows = 0;
    out.workbook.pages.push_back(std::move(hidden));
    return out;
}

Result<ExportedSheet> export_sheet(Replica& r, SheetKind kind, const ExportOptions& options) {
    SheetExport work(kind, options);
    for (;;) {
        TRY(const bool whole, work.read_some(r));
        if (whole) return work.make();
    }
}

}  // namespace taizhang::ledger
