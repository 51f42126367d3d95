// report_index.h - what follows from reports and pushes alone and every figure asks for: put together once for each
// change.
//
// Some 5 bytes for each report, 12 for each assignment.
//
// Threads: one at a time, like the table.
#pragma once

#include "ledger/fact_table.h"

#include <limits>
#include <span>
#include <vector>

namespace taizhang::ledger {

class ReportIndex {
public:
    explicit ReportIndex(const FactTable& table);

    /// An assignment's reports, oldest first, those of one second by id.
    std::span<const Index> of(Index assignment) const {
        return std::span(items_).subspan(start_[assignment], start_[assignment + 1] - start_[assignment]);
    }
    /// The one that stood at that time; nullptr: nothing had been reported. `table`: that it was made of.
    const FactTable::Report* latest(const FactTable& table, Index assignment, Seconds at) const;
    static constexpr Seconds kNever = std::numeric_limits<Seconds>::max();
    /// When the first report came that says something.
    Seconds first_substantive(Index assignment) const { return first_substantive_[assignment]; }
    /// D4: whether a push drove the report. What comes later changes nothing of it.
    bool is_driven(Index report) const { return driven_[report]; }

private:
    void order(const FactTable& table);
    void find_driven(const FactTable& table);

    std::vector<Index> start_, items_;
    std::vector<Seconds> first_substantive_;
    std::vector<bool> driven_;
};

}  // namespace taizhang::ledger
