// sheet_export.h - a ledger as the workbook that offices print and send: exact titles, one row a record.
//
// In pieces: some thousand rows take a second to read, and others are served in between. What of them changes meanwhile
// stands in the workbook as it was when it was read, with the versions that stood then, so the way back is the same.
// Threads: store thread only, but for make().
#pragma once

#include "ledger/sheet_memory.h"
#include "office/xlsx_writer.h"

#include <optional>
#include <string>
#include <vector>

namespace taizhang::ledger {

struct ExportOptions {
    SheetScope scope;
    bool with_unfinished = false;  ///< 未整改到位原因, 下一步计划, 预计完成时间 as well
};

struct ExportedSheet {
    office::Workbook workbook;
    std::size_t rows = 0;
};

class SheetExport {
public:
    SheetExport(SheetKind kind, ExportOptions options) : kind_(kind), options_(std::move(options)) {}
    SheetExport(const SheetExport&) = delete;  // its reader knows its names
    SheetExport& operator=(const SheetExport&) = delete;

    /// Reads some hundred rows; true when all are here. Always the same replica.
    /// Errc::not_found: no such unit or meeting; usage: an attendance sheet needs its meeting, or too many rows.
    Result<bool> read_some(Replica& r);
    /// Of all that was read, once. Threads: any.
    ExportedSheet make();

private:
    struct Row {
        SheetRecord record;
        std::vector<office::Cell> cells;  ///< of the columns that are shown
    };
    Result<> begin(Replica& r);
    Result<> read_row(const std::string& id);
    bool is_shown(const SheetColumn& c) const;
    std::vector<std::string> form_columns() const;
    void add_row(Row& row, office::Page& page);

    SheetKind kind_;
    ExportOptions options_;
    std::optional<Names> names_;
    std::optional<SheetRecords> reader_;
    std::vector<std::string> ids_;
    std::size_t next_ = 0;  ///< of them, the first that was not read
    std::vector<Row> rows_;
    SheetMemory memory_;
    std::string title_, author_;
    std::int64_t made_ms_ = 0;
};

/// All of it at once.
Result<ExportedSheet> export_sheet(Replica& r, SheetKind kind, const ExportOptions& options);

}  // namespace taizhang::ledger
