#include "ledger/sheet_export.h"

#include "ledger/sheet_memory.h"
#include "ledger/times.h"

#include <set>

namespace taizhang::ledger {
namespace {

using office::Cell;

constexpr double kExtraWidth = 14;
constexpr std::size_t kRowsMax = 50'000;  // nobody reads more on paper, and every PC still opens it

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

/// The form fields of the tasks that stand in the sheet, each name once, in the order of the rows.
std::vector<std::string> form_columns(const SheetRecords& reader, const std::vector<SheetRecord>& records) {
    std::vector<std::string> out;
    std::set<std::string> seen, tasks;
    for (const auto& record : records) {
        if (!tasks.insert(record.task).second) continue;
        for (const auto& field : reader.form(record.task))
            if (seen.insert(field.name).second) out.push_back(field.name);
    }
    return out;
}

}  // namespace

Result<ExportedSheet> export_sheet(Replica& r, SheetKind kind, const ExportOptions& options) {
    TRY_VOID(check_scope(r, kind, options.scope));
    TRY(const auto names, Names::load(r));
    SheetRecords reader(r, kind, names);
    TRY_VOID(reader.load());
    TRY(const auto ids, reader.ids(options.scope));
    if (ids.size() > kRowsMax)
        return fail(Errc::usage, "共 " + std::to_string(ids.size()) + " 行,一个文件最多 " + std::to_string(kRowsMax) +
                                     " 行,请用 --unit 分开 / " + std::to_string(ids.size()) + " rows, a file holds " +
                                     std::to_string(kRowsMax) + ": divide them by --unit");
    const auto columns = columns_of(kind);

    ExportedSheet out;
    office::Page page;
    SheetMemory memory;
    memory.kind = kind;
    memory.meeting = options.scope.meeting;
    page.sheet.name = std::string(title_of(kind));
    auto is_shown = [&](const SheetColumn& c) {
        return c.kind != ColumnKind::id && (!c.extra || options.with_unfinished);
    };
    page.sheet.rows.emplace_back();
    for (const auto& c : columns)
        if (is_shown(c)) {
            page.sheet.rows.back().push_back(Cell::of_text(std::string(c.title)));
            page.widths.push_back(c.width);
        }
    std::vector<SheetRecord> records;
    for (const auto& id : ids) {
        TRY(auto record, reader.read(id));
        records.push_back(std::move(record));
    }
    memory.extras = form_columns(reader, records);
    for (const auto& name : memory.extras) {
        page.sheet.rows.back().push_back(Cell::of_text(extra_title(name)));
        page.widths.push_back(kExtraWidth);
    }
    for (const auto& record : records) {
        const auto serial = std::to_string(++out.rows);
        page.sheet.rows.emplace_back();
        auto& remembered = memory.rows[serial];
        remembered.id = record.id;
        remembered.task = record.task;
        remembered.seen = record.seen;
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const auto& value = columns[c].kind == ColumnKind::serial ? serial : record.values[c];
            remembered.marks.push_back(mark_of(value));
            if (is_shown(columns[c])) page.sheet.rows.back().push_back(cell_of_value(columns[c], value, names));
        }
        for (const auto& name : memory.extras) {
            const auto* field = field_named(reader.form(record.task), name);
            const auto it = record.extra.find(name);
            const auto value = field && it != record.extra.end() ? it->second : std::string();
            remembered.marks.push_back(mark_of(value));
            page.sheet.rows.back().push_back(field ? cell_of_answer(*field, value) : Cell{});
        }
        if (const auto* task = reader.task(record.task); task && !memory.tasks.contains(record.task))
            memory.tasks[record.task] = seen_of(*task);
    }
    page.title = heading(r, kind, options.scope);
    page.signature = "填报人:____________  审核人:____________  单位负责人:____________  填报日期:" +
                     format_local(r.now().ms).substr(0, 10);
    const auto* cert = r.control().cert(r.id());
    out.workbook.author = cert ? names.unit_name(cert->unit) : std::string();
    out.workbook.made_ms = r.now().ms;
    out.workbook.pages.push_back(std::move(page));
    office::Page hidden;
    hidden.sheet = memory.page();
    hidden.header_rows = 0;
    out.workbook.pages.push_back(std::move(hidden));
    return out;
}

}  // namespace taizhang::ledger
