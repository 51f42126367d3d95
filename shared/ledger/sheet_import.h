// sheet_import.h - a workbook that came back, as ordinary edits.
//
// Every changed cell goes through Ledger::set, report or create, the one way in, so it meets the same rules and the
// same conflicts as what is typed. A fault of form (no date, no number, a marking) anywhere: nothing of the file is
// written. A row that may not be written is refused by itself and named. The same file again changes nothing. A dry
// run does everything and takes it back.
// Threads: store thread only.
#pragma once

#include "ledger/sheet_plan.h"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace taizhang::ledger {

/// `bytes` is an .xlsx file. The answer is that of docs/CLI.md, import-xlsx. Errc::bad_input names the first fault
/// by row and column; with `dry_run` faults are in the answer.
Result<boost::json::object> import_sheet(Replica& r, std::string bytes, const SheetImportOptions& options);

/// The same for cells pasted out of a spreadsheet. Without a row of titles they are taken for the first columns of
/// that ledger, and the answer says so: {…,"titles_added":true}; its row numbers count the added row.
Result<boost::json::object> import_cells(Replica& r, SheetKind kind, std::vector<std::vector<std::string>> cells,
                                         const SheetImportOptions& options);

}  // namespace taizhang::ledger
