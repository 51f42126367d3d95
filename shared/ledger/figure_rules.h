// figure_rules.h - what the figures and the records behind them are decided by, in one place: docs/METRICS.md as code.
//
// Threads: one at a time, like the table.
#pragma once

#include "ledger/fact_table.h"

#include <algorithm>
#include <vector>

namespace taizhang::ledger {

inline constexpr Seconds kHour = 3'600;
inline constexpr Seconds kDay = 24 * kHour;
inline constexpr Seconds kPureForwardWithin = kDay;  ///< D2: less than this after it was received
inline constexpr double kSimilarText = 0.9;          ///< D2: at least this alike
inline constexpr double kComplete = 0.995;           ///< D1: verified below this, the claim of completion falls
inline constexpr Seconds kPushEffect = 96 * kHour;   ///< D4: a report this soon after a push was driven by it

inline double share_of_target(double value, double target) { return std::clamp(value / target, 0.0, 1.0); }

/// D2: by assignment, whether there is any guidance.
inline std::vector<bool> guided_assignments(const FactTable& t) {
    std::vector<bool> out(t.assignments().size());
    for (const auto a : t.guided()) out[a] = true;
    return out;
}

/// D2, of an assignment that was forwarded.
inline bool is_pure_forward(const FactTable::Assignment& a, bool is_guided) {
    return *a.forwarded_at - a.received_at < kPureForwardWithin && a.forward_text_similarity &&
           *a.forward_text_similarity >= kSimilarText && !is_guided;
}

/// G3: among the units of the task's field, those of its types; without types any.
inline bool is_of_type(const TaskFact& t, const UnitFact& unit) {
    return t.unit_types.empty() || std::find(t.unit_types.begin(), t.unit_types.end(), unit.kind) != t.unit_types.end();
}

/// G3: "whole days since issue at most n" is "less than n + 1 days".
inline Seconds landing_end(const TaskFact& task) { return task.issued_at + (Seconds{task.landing_days} + 1) * kDay; }

}  // namespace taizhang::ledger
