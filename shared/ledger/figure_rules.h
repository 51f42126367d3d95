// figure_rules.h - what the figures and the records behind them are decided by, in one place: docs/METRICS.md as code.
//
// Threads: one at a time, like the table.
#pragma once

#include "ledger/fact_table.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace taizhang::ledger {

inline constexpr Seconds kHour = 3'600;
inline constexpr Seconds kDay = 24 * kHour;
inline constexpr Seconds kPureForwardWithin = kDay;  ///< D2: less than this after it was received
inline constexpr double kSimilarText = 0.9;          ///< D2: at least this alike
inline constexpr double kComplete = 0.995;           ///< D1: verified below this, the claim of completion falls
inline constexpr Seconds kPushEffect = 96 * kHour;   ///< D4: a report this soon after a push was driven by it

inline double share_of_target(double value, double target) { return std::clamp(value / target, 0.0, 1.0); }

/// Reports by assignment, oldest first, ties by id: one array of all and where each assignment's start in it.
class ReportsByTime {
public:
    explicit ReportsByTime(const FactTable& t) : t_(t), start_(t.assignments().size() + 1) {
        const auto& reports = t.reports();
        for (const auto& r : reports) ++start_[r.assignment + 1];
        for (std::size_t g = 0; g + 1 < start_.size(); ++g) start_[g + 1] += start_[g];
        items_.resize(reports.size());
        auto next = start_;
        for (Index i = 0; i < reports.size(); ++i) items_[next[reports[i].assignment]++] = i;
        for (std::size_t g = 0; g + 1 < start_.size(); ++g)
            if (start_[g + 1] - start_[g] > 1)
                std::sort(items_.begin() + start_[g], items_.begin() + start_[g + 1],
                          [&](Index a, Index b) { return t.is_before(reports[a], reports[b]); });
    }
    std::span<const Index> of(Index assignment) const {
        return std::span(items_).subspan(start_[assignment], start_[assignment + 1] - start_[assignment]);
    }
    /// The one that stood at that time; nullptr: nothing had been reported.
    const FactTable::Report* latest(Index assignment, Seconds at) const {
        const auto reports = of(assignment);
        const auto after = std::upper_bound(reports.begin(), reports.end(), at,
                                            [this](Seconds t, Index r) { return t < t_.reports()[r].occurred_at; });
        return after == reports.begin() ? nullptr : &t_.reports()[*(after - 1)];
    }

private:
    const FactTable& t_;
    std::vector<Index> start_, items_;
};

/// D4: which reports were driven by a push.
class Pushes {
public:
    Pushes(const FactTable& t, Seconds end) {
        all_.reserve(t.pushes().size());
        for (const auto& p : t.pushes())
            if (p.at < end) all_.emplace_back(p.assignment, p.at);
        std::sort(all_.begin(), all_.end());
    }
    bool drove(const FactTable::Report& r) const {
        // The last push not after the report is the nearest: if that one is too old, all are.
        const auto after = std::upper_bound(all_.begin(), all_.end(), std::pair(r.assignment, r.occurred_at));
        return after != all_.begin() && std::prev(after)->first == r.assignment &&
               r.occurred_at - std::prev(after)->second <= kPushEffect;
    }

private:
    std::vector<std::pair<Index, Seconds>> all_;
};

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
