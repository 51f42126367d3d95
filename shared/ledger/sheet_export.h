// sheet_export.h - a ledger as the workbook that offices print and send: exact titles, one row a record.
// Threads: store thread only.
#pragma once

#include "ledger/sheet_records.h"
#include "office/xlsx_writer.h"

namespace taizhang::ledger {

struct ExportOptions {
    SheetScope scope;
    bool with_unfinished = false;  ///< 未整改到位原因, 下一步计划, 预计完成时间 as well
};

struct ExportedSheet {
    office::Workbook workbook;
    std::size_t rows = 0;
};

/// Errc::not_found: no such unit or meeting; usage: an attendance sheet needs its meeting.
Result<ExportedSheet> export_sheet(Replica& r, SheetKind kind, const ExportOptions& options);

}  // namespace taizhang::ledger
