// sheet_parse.h - finds the ledger in a workbook: which page, where the titles are, which rows are records.
//
// People put a big title above, merge titles over two rows, add columns of their own, leave lines
// blank, merge one unit's name over several rows and write notes below. None of that is an error.
// Threads: any.
#pragma once

#include "base/result.h"
#include "ledger/sheet_columns.h"
#include "office/sheet.h"

#include <string>
#include <vector>

namespace taizhang::ledger {

struct SheetTable {
    SheetKind kind = SheetKind::assignments;
    office::Sheet sheet;            ///< merged cells filled down
    std::size_t first_row = 0;      ///< of the records
    std::vector<int> sheet_column;  ///< by column of columns_of(kind): where it is in the sheet, -1: not there
    struct Title {
        std::string text;
        int sheet_column = 0;
    };
    std::vector<Title> ignored;      ///< titles that mean nothing here
    std::vector<Title> extras;       ///< those that name form fields of tasks; put there by whoever knows the tasks
    std::vector<std::size_t> rows;   ///< those that hold records
    std::vector<std::size_t> notes;  ///< those that hold remarks, totals, signatures

    /// `column` past the ledger's own: of `extras`.
    const office::Cell& cell(std::size_t row, std::size_t column) const;
};

/// Looks at the visible sheets, at `only` if it is not empty. Errc::bad_input in words when none has the titles
/// of a ledger.
Result<SheetTable> find_table(const std::vector<office::Sheet>& sheets, const std::string& only);

}  // namespace taizhang::ledger
