#include "ledger/metrics.h"

#include "ledger/figure_rules.h"
#include "ledger/report_index.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace taizhang::ledger {

namespace {

/// A mean that does not drift with the number of records (Neumaier's sum), so that the fourth decimal is the
/// same in whichever order they come.
class Mean {
public:
    void add(double v) {
        const double t = sum_ + v;
        lost_ += std::fabs(sum_) >= std::fabs(v) ? (sum_ - t) + v : (v - t) + sum_;
        sum_ = t;
        ++n_;
    }
    int n() const { return n_; }
    std::optional<double> value() const { return n_ ? std::optional((sum_ + lost_) / n_) : std::nullopt; }

private:
    double sum_ = 0, lost_ = 0;
    int n_ = 0;
};

std::optional<double> median(std::vector<double>& values) {
    if (values.empty()) return std::nullopt;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

std::optional<double> difference(const std::optional<double>& a, const std::optional<double>& b) {
    return a && b ? std::optional(*a - *b) : std::nullopt;
}

/// What one scope gathers before its figures can be drawn.
struct Tally {
    struct Verified {
        Index task;
        bool emerging;
        double share;
    };
    ScopeMetrics m;
    Mean over, under, verified;
    std::vector<double> point, surface;
    std::vector<Verified> by_task;
    std::map<Level, Mean> by_level;
};

class Computation {
public:
    Computation(const FactTable& facts, const std::vector<std::string>& scopes, Seconds end)
        : facts_(facts), end_(end), reports_(facts.report_index()), tallies_(scopes.size()) {
        index_units(scopes);
        index_tasks();
    }

    Metrics run(const std::vector<std::string>& scopes) {
        gather_verifications();
        gather_expected();
        gather_landed();
        gather_assignments();
        gather_reports();
        Metrics out;
        for (std::size_t s = 0; s < scopes.size(); ++s) out.by_scope.try_emplace(scopes[s], finish(tallies_[s]));
        out.d3_attendance = attendance();
        return out;
    }

private:
    void index_units(const std::vector<std::string>& scopes) {
        const auto count = facts_.unit_names().size();
        std::vector<std::vector<Index>> scopes_at(count);
        for (Index s = 0; s < scopes.size(); ++s)
            if (const auto u = facts_.unit_names().find(scopes[s]); u != kNone) scopes_at[u].push_back(s);
        std::vector<Index> parents(count, kNone);
        for (Index u = 0; u < count; ++u)
            if (const auto* unit = facts_.unit(u)) parents[u] = facts_.unit_names().find(unit->parent_id);
        scopes_of_unit_.resize(count);
        // Stamps end the walk up should the units not be a tree.
        std::vector<Index> stamp(count, kNone);
        for (Index u = 0; u < count; ++u)
            for (auto p = u; p != kNone && facts_.unit(p) && stamp[p] != u; p = parents[p]) {
                stamp[p] = u;
                scopes_of_unit_[u].insert(scopes_of_unit_[u].end(), scopes_at[p].begin(), scopes_at[p].end());
            }
    }

    void index_tasks() {
        fields_of_task_.resize(facts_.task_names().size());
        for (Index n = 0; n < fields_of_task_.size(); ++n) {
            const auto* t = task(n);
            if (!t || !t->is_asked) continue;
            fields_of_task_[n] = {t->applies_to_fields.begin(), t->applies_to_fields.end()};
            for (const auto field : fields_of_task_[n]) {
                if (t->unit_types.empty())
                    ++tasks_of_field_[field];
                else
                    narrow_tasks_of_field_[field].push_back(t);
            }
        }
    }

    /// nullptr: it is not here, or had not been issued.
    const TaskFact* task(Index n) const {
        const auto* t = n == kNone ? nullptr : facts_.task(n);
        return t && t->issued_at < end_ ? t : nullptr;
    }
    bool is_there(const FactTable::Assignment& a) const { return a.task != kNone && a.received_at < end_; }

    template <class Visit>
    void for_scopes(Index unit, Visit visit) {
        if (unit == kNone) return;
        for (const auto s : scopes_of_unit_[unit]) visit(tallies_[s]);
    }

    /// G1, G2, G4's effect, G5, D1 and the levels: all over the same verifications, those with a report before them.
    void gather_verifications() {
        for (const auto& v : facts_.verifications()) {
            const auto* unit = facts_.unit(v.unit);
            const auto* of = task(v.task);
            if (!unit || !of || v.at >= end_) continue;
            const double target = of->target;
            const auto* report = reports_.latest(facts_, v.assignment, v.at);
            // Without a target nothing can be said of how much of it was reached.
            if (!report || target == 0) continue;
            const double verified = share_of_target(v.value, target);
            const double reported = share_of_target(report->value, target);
            for_scopes(v.unit, [&](Tally& t) {
                t.over.add(std::max(0.0, reported - verified));
                t.under.add(std::max(0.0, verified - reported));
                t.verified.add(verified);
                (unit->is_demo_point ? t.point : t.surface).push_back(verified);
                t.by_task.push_back({v.task, unit->emerging, verified});
                t.by_level[unit->level].add(verified);
                if (report->claims_complete) count(t.m.d1_overturned, verified < kComplete);
            });
        }
    }

    /// Tasks that ask something of a branch like this one.
    int tasks_for(const UnitFact& unit) const {
        const auto all = tasks_of_field_.find(unit.field);
        int n = all == tasks_of_field_.end() ? 0 : all->second;
        if (const auto narrow = narrow_tasks_of_field_.find(unit.field); narrow != narrow_tasks_of_field_.end())
            for (const auto* t : narrow->second) n += is_of_type(*t, unit);
        return n;
    }

    /// G3's denominator comes from the scope of the tasks, not from what was forwarded: a branch that never got an
    /// assignment is exactly what the figure is to show.
    void gather_expected() {
        for (Index u = 0; u < scopes_of_unit_.size(); ++u) {
            const auto* unit = facts_.unit(u);
            if (!unit || unit->level != Level::branch || unit->field.empty()) continue;
            if (const int n = tasks_for(*unit); n > 0) for_scopes(u, [n](Tally& t) { t.m.g3_landed.of += n; });
        }
    }

    void gather_landed() {
        std::unordered_set<std::uint64_t> landed;  // (task, unit), so that a second assignment counts once
        for (Index n = 0; n < facts_.assignments().size(); ++n) {
            const auto& a = facts_.assignments()[n];
            if (!is_there(a)) continue;
            const auto* unit = facts_.unit(a.unit);
            const auto* of = task(a.task);
            if (!unit || !of || unit->level != Level::branch) continue;
            if (unit->field.empty() || !fields_of_task_[a.task].contains(unit->field) || !is_of_type(*of, *unit))
                continue;
            const Seconds until = std::min(end_, landing_end(*of));
            if (reports_.first_substantive(n) >= until || !landed.insert(std::uint64_t{a.task} << 32 | a.unit).second)
                continue;
            for_scopes(a.unit, [](Tally& tally) { ++tally.m.g3_landed.hits; });
        }
    }

    /// G4's effort and D2.
    void gather_assignments() {
        const auto guided = guided_assignments(facts_);
        for (Index n = 0; n < facts_.assignments().size(); ++n) {
            const auto& a = facts_.assignments()[n];
            if (!is_there(a)) continue;
            const bool was_forwarded = a.forwarded_at && *a.forwarded_at < end_;
            if (!was_forwarded && a.level != Level::branch) continue;
            const bool pure = was_forwarded && is_pure_forward(a, guided[n]);
            for_scopes(a.unit, [&](Tally& t) {
                if (a.level == Level::branch) ++t.m.n_g4_leaves;
                if (was_forwarded) count(t.m.d2_pure, pure);
            });
        }
        for (const auto& p : facts_.pushes())
            if (p.at < end_) for_scopes(p.unit, [](Tally& t) { ++t.m.n_g4_pushes; });
    }

    /// D4.
    void gather_reports() {
        std::vector<Rate> of_unit(scopes_of_unit_.size());
        const auto& all = facts_.reports();
        for (Index i = 0; i < all.size(); ++i)
            if (all[i].substantive && all[i].occurred_at < end_ && all[i].unit != kNone)
                count(of_unit[all[i].unit], reports_.is_driven(i));
        for (Index u = 0; u < of_unit.size(); ++u)
            for_scopes(u, [&](Tally& t) {
                t.m.d4_driven.of += of_unit[u].of;
                t.m.d4_driven.hits += of_unit[u].hits;
            });
    }

    std::map<std::string, AttendanceCounts> attendance() const {
        std::map<std::string, AttendanceCounts> counts;
        for (const auto& row : facts_.attendance()) {
            auto& c = counts[row.unit_id];
            ++c.meetings;
            c.in_person += row.status == "本人到会";
            c.substitute_unapproved += row.status == "委托代会" && !row.leave_approved;
            c.absent += row.status == "缺席";
            c.late_over_10min += row.late_min > kLateMinutes;
        }
        return counts;
    }

    static void count(Rate& rate, bool hit) {
        ++rate.of;
        rate.hits += hit;
    }

    ScopeMetrics finish(Tally& t) const {
        auto& m = t.m;
        m.n_verified = t.verified.n();
        m.n_g1 = t.over.n();
        m.g1_reported_minus_verified = t.over.value();
        m.g1_under_reported = t.under.value();
        m.n_g2_point = static_cast<int>(t.point.size());
        m.n_g2_surface = static_cast<int>(t.surface.size());
        m.g2_point_minus_surface = difference(median(t.point), median(t.surface));
        finish_g5(t);
        m.g4_verified_mean = t.verified.value();
        if (m.n_g4_leaves > 0) m.g4_pushes_per_leaf = static_cast<double>(m.n_g4_pushes) / m.n_g4_leaves;
        for (const auto& [level, mean] : t.by_level) m.verified_mean_by_level[level] = {*mean.value(), mean.n()};
        return std::move(m);
    }

    /// Only tasks verified on both sides: otherwise the gap would compare different tasks, not different fields.
    static void finish_g5(Tally& t) {
        std::unordered_map<Index, unsigned> sides;
        for (const auto& v : t.by_task) sides[v.task] |= v.emerging ? 2u : 1u;
        Mean traditional, emerging;
        for (const auto& v : t.by_task)
            if (sides[v.task] == 3u) (v.emerging ? emerging : traditional).add(v.share);
        t.m.n_g5_traditional = traditional.n();
        t.m.n_g5_emerging = emerging.n();
        t.m.g5_traditional_minus_emerging = difference(traditional.value(), emerging.value());
    }

    const FactTable& facts_;
    Seconds end_;
    const ReportIndex& reports_;
    std::vector<Tally> tallies_;
    std::vector<std::vector<Index>> scopes_of_unit_;  ///< by number
    std::vector<std::unordered_set<std::string_view>> fields_of_task_;
    std::unordered_map<std::string_view, int> tasks_of_field_;  ///< for units of any type
    std::unordered_map<std::string_view, std::vector<const TaskFact*>> narrow_tasks_of_field_;  ///< for some types
};

}  // namespace

Metrics compute_metrics(const FactTable& facts, const std::vector<std::string>& scopes, Seconds end) {
    return Computation(facts, scopes, end).run(scopes);
}

Metrics compute_metrics(const Facts& facts, const std::vector<std::string>& scopes) {
    return compute_metrics(FactTable::of(facts), scopes);
}

}  // namespace taizhang::ledger
