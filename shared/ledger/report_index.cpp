#include "ledger/report_index.h"

#include "ledger/figure_rules.h"

#include <utility>

namespace taizhang::ledger {

ReportIndex::ReportIndex(const FactTable& table)
    : start_(table.assignments().size() + 1), first_substantive_(table.assignments().size(), kNever) {
    order(table);
    for (const auto& r : table.reports())
        if (r.substantive) first_substantive_[r.assignment] = std::min(first_substantive_[r.assignment], r.occurred_at);
    find_driven(table);
}

void ReportIndex::order(const FactTable& table) {
    const auto& reports = table.reports();
    for (const auto& r : reports) ++start_[r.assignment + 1];
    for (std::size_t g = 0; g + 1 < start_.size(); ++g) start_[g + 1] += start_[g];
    items_.resize(reports.size());
    auto next = start_;
    for (Index i = 0; i < reports.size(); ++i) items_[next[reports[i].assignment]++] = i;
    const auto is_before = [&](Index a, Index b) { return table.is_before(reports[a], reports[b]); };
    for (std::size_t g = 0; g + 1 < start_.size(); ++g) {
        const auto first = items_.begin() + start_[g], past = items_.begin() + start_[g + 1];
        if (!std::is_sorted(first, past, is_before)) std::sort(first, past, is_before);
    }
}

void ReportIndex::find_driven(const FactTable& table) {
    std::vector<std::pair<Index, Seconds>> pushes;
    pushes.reserve(table.pushes().size());
    for (const auto& p : table.pushes()) pushes.emplace_back(p.assignment, p.at);
    std::sort(pushes.begin(), pushes.end());
    driven_.resize(table.reports().size());
    // The last push not after a report is the nearest: if that one is too old, all are.
    auto push = pushes.begin();
    for (Index a = 0; a + 1 < start_.size(); ++a) {
        while (push != pushes.end() && push->first < a) ++push;
        auto next = push;
        for (const auto i : of(a)) {
            const auto at = table.reports()[i].occurred_at;
            while (next != pushes.end() && next->first == a && next->second <= at) ++next;
            driven_[i] = next != push && at - std::prev(next)->second <= kPushEffect;
        }
    }
}

const FactTable::Report* ReportIndex::latest(const FactTable& table, Index assignment, Seconds at) const {
    const auto reports = of(assignment);
    const auto after = std::upper_bound(reports.begin(), reports.end(), at,
                                        [&](Seconds t, Index r) { return t < table.reports()[r].occurred_at; });
    return after == reports.begin() ? nullptr : &table.reports()[*(after - 1)];
}

}  // namespace taizhang::ledger
