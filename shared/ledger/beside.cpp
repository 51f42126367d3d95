#include "ledger/beside.h"

#include "ledger/calendar.h"
#include "ledger/rows.h"
#include "ledger/times.h"

#include <boost/json.hpp>

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr Seconds kNever = std::numeric_limits<Seconds>::max();
constexpr double kEffortWithoutEffect = 0.4;  ///< G4: flagged where the percentiles differ by more

/// Whether the patience was over between two times; a year has few days, so each day's answer is kept.
class Patience {
public:
    explicit Patience(const WorkingDays& days) : days_(days) {}

    bool is_over(Seconds from, Seconds to) {
        const auto [it, is_new] = over_.try_emplace(from / kDaySeconds, 0);
        if (is_new) it->second = over_after(from);
        return to >= it->second;
    }

private:
    /// The first midnight (or later on that day) by which it is over.
    Seconds over_after(Seconds from) const {
        auto to = from;
        while (days_.between(from * 1000, to * 1000) <= kPatienceDays) to += kDaySeconds;
        return to - to % kDaySeconds;
    }
    const WorkingDays& days_;
    std::unordered_map<Seconds, Seconds> over_;
};

/// Which of the scopes a unit belongs to; asked once for each unit.
class Scopes {
public:
    Scopes(const ControlState& control, Metrics& metrics) : control_(control), metrics_(metrics) {}

    const std::vector<ScopeMetrics*>& of(const std::string& unit) {
        const auto [it, is_new] = known_.try_emplace(unit);
        if (is_new)
            for (auto& [scope, m] : metrics_.by_scope)
                if (control_.unit(unit) && control_.is_at_or_below(unit, scope, control_.head()))
                    it->second.push_back(&m);
        return it->second;
    }

private:
    const ControlState& control_;
    Metrics& metrics_;
    std::unordered_map<std::string, std::vector<ScopeMetrics*>> known_;
};

void count(std::optional<Rate>& rate, bool hit) {
    ++rate->of;
    rate->hits += hit;
}

/// By assignment: the second push, and the first substantive report after it.
struct Moves {
    std::vector<Seconds> second, moved;

    explicit Moves(const FactTable& t) : second(t.assignments().size(), kNever), moved(t.assignments().size(), kNever) {
        std::vector<Seconds> first(second.size(), kNever);
        for (const auto& p : t.pushes()) {
            auto at = p.at;
            if (at < first[p.assignment]) std::swap(at, first[p.assignment]);
            second[p.assignment] = std::min(second[p.assignment], at);
        }
        for (const auto& r : t.reports())
            if (r.substantive && second[r.assignment] != kNever && r.occurred_at >= second[r.assignment])
                moved[r.assignment] = std::min(moved[r.assignment], r.occurred_at);
    }
};

}  // namespace

Result<> add_beside(StoredFacts& facts, Metrics& metrics) {
    auto& r = facts.replica();
    for (auto& [scope, m] : metrics.by_scope) m.d2_help_late = m.d4_unmoved = Rate{};
    Scopes scopes(r.control(), metrics);
    TRY(const auto help, behind_help(r));
    for (const auto& v : help)
        for (auto* m : scopes.of(text_at(v.as_object(), "unit_id")))
            count(m->d2_help_late, number_at(v.as_object(), "hit") != 0);
    TRY(const auto pushed, pushed_twice(facts));
    TRY(const auto* t, facts.now());
    for (const auto& p : pushed)
        for (auto* m : scopes.of(t->unit_names()[t->assignments()[p.assignment].unit]))
            count(m->d4_unmoved, p.is_unmoved);
    return {};
}

Result<std::vector<PushedTwice>> pushed_twice(StoredFacts& facts) {
    auto& r = facts.replica();
    TRY(const auto* t, facts.now());
    TRY(const auto days, WorkingDays::load(r));
    Patience patience(days);
    const Moves moves(*t);
    const auto now = r.now().ms / 1000;
    std::vector<PushedTwice> out;
    for (Index n = 0; n < t->assignments().size(); ++n) {
        if (t->assignments()[n].task == kNone || moves.second[n] == kNever || moves.second[n] > now) continue;
        out.push_back({n, moves.second[n], patience.is_over(moves.second[n], std::min(moves.moved[n], now))});
    }
    return out;
}

void add_peers(Metrics& metrics, std::span<const std::string> peers) {
    struct Peer {
        ScopeMetrics* m;
        double effort, effect;
    };
    std::vector<Peer> all;
    for (const auto& p : peers)
        if (const auto it = metrics.by_scope.find(p); it != metrics.by_scope.end())
            if (auto& m = it->second; m.g4_pushes_per_leaf && m.g4_verified_mean)
                all.push_back({&m, *m.g4_pushes_per_leaf, *m.g4_verified_mean});
    if (all.size() < static_cast<std::size_t>(kTooFew)) return;
    // The share of the others that it exceeds; equals count half, so that a field of equals stands in the middle.
    const auto percentile = [&](double Peer::*what, const Peer& own) {
        double below = 0;
        for (const auto& x : all)
            if (&x != &own) below += x.*what < own.*what ? 1.0 : x.*what > own.*what ? 0.0 : 0.5;
        return below / static_cast<double>(all.size() - 1);
    };
    for (const auto& p : all) {
        const auto effort = percentile(&Peer::effort, p), effect = percentile(&Peer::effect, p);
        p.m->g4_peers = ScopeMetrics::Peers{effort, effect, effort - effect > kEffortWithoutEffect};
    }
}

Result<json::array> behind_help(Replica& r) {
    TRY(const auto open, unanswered(r, ""));
    json::array out;
    for (const auto& v : open) {
        const auto& o = v.as_object();
        if (text_at(o, "kind") != "help_request") continue;
        out.push_back({{"id", o.at("id")},
                       {"unit_id", o.at("owes")},
                       {"hit", o.at("late").as_bool() ? 1 : 0},
                       {"title", o.at("text")},
                       {"asked_by", o.at("unit_id")},
                       {"asked_at", o.at("asked_at")},
                       {"working_days", o.at("working_days")}});
    }
    return out;
}

}  // namespace taizhang::ledger
