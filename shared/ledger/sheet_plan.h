// sheet_plan.h - what a sheet asks for, row by row: compared with what stands, and with what the file remembers.
//
// Nothing is written here. A row is found by its id column, by its natural key (task and unit; unit
// and problem; meeting and unit), or by its serial number in a file of ours. What it asks for is a list of
// changed cells; cells that are not this unit's to write, or that follow from acts, are refused each by itself.
// Threads: store thread only.
#pragma once

#include "ledger/ledger.h"
#include "ledger/sheet_memory.h"
#include "ledger/sheet_parse.h"

#include <map>
#include <optional>
#include <set>

namespace taizhang::ledger {

struct SheetImportOptions {
    bool dry_run = false;
    std::string person, meeting;
    std::string sheet;       ///< only the one of that name
    bool new_tasks = false;  ///< tasks that are not known are made; otherwise their rows are refused
};

struct CellChange {
    std::size_t column = 0;  ///< past the ledger's own columns: of the table's extras
    std::string from, to;    ///< value text
};

struct CellRefusal {
    std::size_t column = 0;
    std::string why;  ///< "中文 / English"
};

struct RowPlan {
    enum class Action : std::uint8_t { same, create, change, refused };
    std::size_t row = 0;
    Action action = Action::same;
    std::string record;      ///< of a change
    std::string unit, task;  ///< of a new one; the task empty: to be made
    std::vector<std::string> values;
    std::vector<std::string> extra;  ///< answers to form fields, by column of the table's extras
    std::vector<CellChange> changes;
    std::vector<CellRefusal> refused;
    std::vector<std::string> notes;
    SeenVersions seen;  ///< what the file remembers of the record
};

struct SheetPlan {
    SheetTable table;
    std::string meeting;
    std::vector<RowPlan> rows;
    struct Fault {
        std::size_t row = 0, column = 0;
        std::string why;
    };
    std::vector<Fault> faults;  ///< of form: with one of them nothing of the file is written
    std::map<std::string, SeenVersions> seen_tasks;
};

/// Which field of which entity a column writes; no field: none.
struct SheetTarget {
    std::string entity;
    const Field* field = nullptr;
    const Group* group = nullptr;
};
SheetTarget target_of(const ControlState& control, SheetKind kind, const SheetColumn& column);

Result<SheetPlan> plan_sheet(Replica& r, const std::vector<office::Sheet>& sheets, const SheetImportOptions& options,
                             const Names& names);

}  // namespace taizhang::ledger
