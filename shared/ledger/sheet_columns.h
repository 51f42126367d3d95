// sheet_columns.h - the columns of the ledgers that offices keep in Excel, and the field behind each.
//
// The titles are those that offices are bound to, to the letter. `Value text` everywhere in the sheet_* files
// means a cell's content as Ledger::set takes it: a date as 2025-12-31, a unit as its id, a list as JSON; so
// that what stands and what a file says can be compared, whatever the cell looked like.
// Threads: any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::ledger {

enum class SheetKind : std::uint8_t { assignments, rectifications, attendance };

enum class ColumnKind : std::uint8_t {
    serial,  ///< 序号: 1, 2, 3… of the sheet
    id,      ///< the record's own id; read where people have the column, never written
    text,
    date,
    integer,
    unit,     ///< a unit's name for its id
    units,    ///< several, as JSON
    lines,    ///< a list of texts as JSON, one a line
    flag,     ///< 是 or 否
    person,   ///< who came: a known person, or a name as written
    report,   ///< text of the latest report; another one is a new report
    rate,     ///< its value as a share of the target
    derived,  ///< follows from what was done; changed by doing it
    shown,    ///< follows from the calendar as well: never compared
};

struct SheetColumn {
    std::string_view title;
    std::string_view field;  ///< of the catalog; of the record, or of its task
    ColumnKind kind = ColumnKind::text;
    double width = 12;
    bool of_task = false;                     ///< the task's, the same in all rows of the task
    bool extra = false;                       ///< only in the longer form (未整改到位附加列)
    std::vector<std::string_view> also = {};  ///< what people call it as well
};

std::span<const SheetColumn> columns_of(SheetKind kind);
/// 任务台账, 问题整改台账, 调度会签到表.
std::string_view title_of(SheetKind kind);
std::string_view name_of(SheetKind kind);
/// The catalog's entity behind a row.
std::string_view entity_of(SheetKind kind);
/// By name or title; false when there is none.
bool find_kind(std::string_view name, SheetKind& out);

/// Without blanks and line breaks, full-width letters, digits and brackets as ordinary ones: what a person takes
/// for the same words.
std::string folded_text(std::string_view text);
/// Full-width digits, letters and punctuation as ordinary ones, outer blanks gone; the rest as it is.
std::string plain_text(std::string_view text);
/// The column that a title names, -1: none.
int column_named(SheetKind kind, std::string_view title);

}  // namespace taizhang::ledger
