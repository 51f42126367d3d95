// xlsx_writer.h - tables as a workbook that people print and send on.
//
// Header in bold with a fill, frozen and repeated on every page; borders, wrapped text, A4
// landscape one page wide, a signature line in the footer. Text that a spreadsheet would
// take for a formula (= + - @ first) is text, with the mark that keeps it text when somebody
// edits the cell. No formula is written, so no value is ever stale.
// libxlsxwriter is used in this file's .cpp and nowhere else.
// Threads: any, each with a scratch path of its own.
#pragma once

#include "base/result.h"
#include "office/sheet.h"

#include <string>
#include <vector>

namespace taizhang::office {

struct Page {
    Sheet sheet;
    std::size_t header_rows = 1;  ///< at the top: bold, frozen, repeated in print
    std::vector<double> widths;   ///< of the columns, in characters; missing ones get a usual width
    std::string title;            ///< printed above every page
    std::string signature;        ///< printed at the left below every page
};

struct Workbook {
    std::vector<Page> pages;
    std::string author;
    std::int64_t made_ms = 0;  ///< since 1970, UTC
};

/// The bytes of the .xlsx file. `scratch` is a path for a temporary file that is gone afterwards: the library
/// writes to files only. Errc::bad_input naming the cell (text too long for a cell), Errc::io.
Result<std::string> write_xlsx(const Workbook& workbook, const std::string& scratch);

}  // namespace taizhang::office
