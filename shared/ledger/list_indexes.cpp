#include "ledger/list_indexes.h"

#include <array>
#include <string>

namespace taizhang::ledger {

namespace {

struct ListIndex {
    const char* entity;
    const char* sql;
};

// The first holds all that a list is filtered and ordered by: counting and cutting never touch the table itself.
constexpr std::array<ListIndex, 5> kIndexes = {
    {{"assignment", "CREATE INDEX IF NOT EXISTS list_assignment ON assignment(deadline, id, unit_id, status, task_id)"},
     {"progress_report", "CREATE INDEX IF NOT EXISTS list_report ON progress_report(assignment_id)"},
     {"push", "CREATE INDEX IF NOT EXISTS list_push ON push(assignment_id)"},
     {"guidance", "CREATE INDEX IF NOT EXISTS list_guidance ON guidance(assignment_id)"},
     {"verification", "CREATE INDEX IF NOT EXISTS list_verification ON verification(assignment_id)"}}};

}  // namespace

Result<> ensure_list_indexes(Replica& r) {
    if (r.control().units().size() < kUnitsOfALargeOffice) return {};
    for (const auto& index : kIndexes)
        if (r.control().newest(index.entity)) TRY_VOID(r.database().exec(index.sql));
    return {};
}

}  // namespace taizhang::ledger
