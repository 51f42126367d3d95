// sheet_memory.h - what a workbook that we wrote remembers on a hidden page of its own.
//
// For each row: the record, what every column said, and which version of each field group stood
// there. So when the file comes back after a week, a cell that nobody touched changes nothing, even
// if the ledger has moved on; and a cell that was changed is an edit of what its author had in front
// of him, judged like the edit of a device that was offline for that week. A workbook without this
// page (people's own, or copied by hand) is compared with what stands now.
//
// The page is believed as far as it fits: a record that is not here or a version that is not in the
// record's history counts as not said.
// Threads: store thread only.
#pragma once

#include "ledger/sheet_records.h"
#include "replica/replica.h"

#include <map>
#include <optional>
#include <string>

namespace taizhang::ledger {

/// By field group: the beginning of the version's name in hex, "-" where nothing stood.
using SeenVersions = std::map<std::string, std::string>;

struct SheetMemory {
    struct Row {
        std::string id, task;
        SeenVersions seen;
        std::vector<std::string> marks;  ///< of the values, by column; then of the form fields
    };
    SheetKind kind = SheetKind::assignments;
    std::string meeting;
    std::map<std::string, Row> rows;            ///< by serial number
    std::map<std::string, SeenVersions> tasks;  ///< by id
    std::vector<std::string> extras;            ///< form fields that have a column

    office::Sheet page() const;
    /// Nothing when the sheet is no such page.
    static std::optional<SheetMemory> of_page(const office::Sheet& sheet);
};

/// A few characters that differ when the value does.
std::string mark_of(const std::string& value);
SeenVersions seen_of(const RowView& row);
/// The version that was seen, in Edit::seen's form; nothing when the row's history does not have it.
std::optional<VersionId> seen_version(const RowView& row, const SeenVersions& seen, const std::string& group);

}  // namespace taizhang::ledger
