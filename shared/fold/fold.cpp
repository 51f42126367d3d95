#include "fold/fold.h"

#include "base/value.h"

#include <algorithm>
#include <unordered_map>

namespace taizhang::fold {
namespace {

using Index = std::uint32_t;
constexpr Index kNone = ~Index{0};

/// A set of changes as bits; `past` is one of these per change.
class Bits {
public:
    Bits() = default;
    explicit Bits(std::size_t n) : words_((n + 63) / 64) {}
    void set(Index i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
    bool has(Index i) const { return words_[i / 64] >> (i % 64) & 1; }
    void add(const Bits& other) {
        for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
    }

private:
    std::vector<std::uint64_t> words_;
};

struct RefHash {
    std::size_t operator()(const Ref& r) const noexcept {
        return std::hash<VersionId>{}(r.id) ^ static_cast<std::size_t>(r.group + 1) * 0x9e3779b97f4a7c15ULL;
    }
};

/// The row while it is being folded: changes in key order, so an Index compares like a key.
class Folder {
public:
    Folder(std::span<const Change> changes, int group_count) : group_count_(group_count) {
        link(changes);
        order();
    }

    RowState run() {
        RowState out;
        out.groups.resize(static_cast<std::size_t>(group_count_));
        fold_workflow(out);
        for (int g = 0; g < group_count_; ++g) fold_group(g, out);
        std::sort(out.lines.begin(), out.lines.end());
        out.times.reserve(x_.size());
        for (Index i = 0; i < x_.size(); ++i) out.times.emplace_back(Ref{x_[i]->group, x_[i]->id}, time_[i]);
        std::sort(out.times.begin(), out.times.end());
        return out;
    }

private:
    /// Resolves bases to indices and computes fold times, bases first (Kahn; hashes cannot form a cycle).
    void link(std::span<const Change> changes) {
        const auto n = changes.size();
        std::unordered_map<Ref, Index, RefHash> by_ref;
        by_ref.reserve(n);
        for (Index i = 0; i < n; ++i) by_ref.emplace(Ref{changes[i].group, changes[i].id}, i);
        std::vector<std::vector<Index>> parents(n), children(n);
        std::vector<Index> missing(n), queue;
        for (Index i = 0; i < n; ++i) {
            auto add = [&](Ref r) {
                const auto it = by_ref.find(r);
                if (it == by_ref.end() || it->second == i) return;
                if (std::find(parents[i].begin(), parents[i].end(), it->second) != parents[i].end())
                    return;  // named twice
                parents[i].push_back(it->second);
                children[it->second].push_back(i);
            };
            for (const auto& b : changes[i].base) add({changes[i].group, b});
            for (const auto& r : changes[i].reviewed) add(r);
            missing[i] = static_cast<Index>(parents[i].size());
            if (missing[i] == 0) queue.push_back(i);
        }
        std::vector<std::uint64_t> time(n);
        std::vector<std::uint64_t> base_times;
        for (std::size_t q = 0; q < queue.size(); ++q) {
            const auto i = queue[q];
            base_times.clear();
            for (const auto p : parents[i]) base_times.push_back(time[p]);
            time[i] = fold_time(changes[i].stamp, base_times);
            for (const auto c : children[i])
                if (--missing[c] == 0) queue.push_back(c);
        }
        sort_by_key(changes, queue, time, parents);
    }

    void sort_by_key(std::span<const Change> changes, std::vector<Index>& reached,
                     const std::vector<std::uint64_t>& time, const std::vector<std::vector<Index>>& parents) {
        std::sort(reached.begin(), reached.end(), [&](Index a, Index b) {
            const auto &x = changes[a], &y = changes[b];
            if (time[a] != time[b]) return time[a] < time[b];
            if (x.level != y.level) return x.level < y.level;
            if (x.replica != y.replica) return x.replica < y.replica;
            if (x.seq != y.seq) return x.seq < y.seq;
            if (x.id != y.id) return x.id < y.id;
            return x.group < y.group;  // one commit, several groups: they never meet in one decision
        });
        std::vector<Index> place(changes.size(), kNone);
        for (Index i = 0; i < reached.size(); ++i) place[reached[i]] = i;
        for (const auto i : reached) {
            x_.push_back(&changes[i]);
            time_.push_back(time[i]);
            auto& p = parents_.emplace_back();
            for (const auto q : parents[i])
                if (place[q] != kNone) p.push_back(place[q]);
        }
    }

    /// past(x), in key order: a base always has a lower key than what was built on it.
    void order() {
        past_.reserve(x_.size());
        for (Index i = 0; i < x_.size(); ++i) {
            Bits past(x_.size());
            for (const auto p : parents_[i]) {
                past.add(past_[p]);
                past.set(p);
            }
            past_.push_back(std::move(past));
        }
    }

    bool in_past(Index earlier, Index later) const { return past_[later].has(earlier); }

    /// Who stands among `c` (ascending): at most one a level; a change that had not seen a superior is passed over.
    Index stand(const std::vector<Index>& c, bool by_level) const {
        std::vector<std::pair<Level, Index>> s;
        for (const auto x : c) {
            const auto level = by_level ? x_[x]->level : Level::none;
            // `s` is ascending in level, descending in order of entry from the back: superiors are its front part.
            auto superior = kNone;
            for (const auto& [l, i] : s)
                if (l > level) superior = i;
            if (superior != kNone && !in_past(superior, x)) continue;
            std::erase_if(s, [&](const auto& e) { return e.first <= level; });
            s.emplace_back(level, x);
        }
        return s.empty() ? kNone : s.back().second;
    }

    void line(RowState& out, LineKind kind, Index loser, Index winner, Rule rule, Index decided_by = kNone) const {
        out.lines.push_back(Line{kind, x_[loser]->group, x_[loser]->id, id(winner), id(decided_by), rule});
    }
    VersionId id(Index i) const { return i == kNone ? VersionId{} : x_[i]->id; }

    /// The state that the author of transition `x` had in front of him.
    int seen_state(Index x, const std::vector<Index>& legal, const std::vector<int>& view) const {
        std::vector<Index> bases;
        for (const auto p : parents_[x])
            if (x_[p]->group == kWorkflow) bases.push_back(p);
        if (bases.empty()) return 0;
        if (bases.size() == 1) return view[bases.front()];
        std::vector<Index> seen;
        for (const auto l : legal)
            if (in_past(l, x)) seen.push_back(l);
        const auto s = stand(seen, true);
        return s == kNone ? 0 : x_[s]->to;
    }

    void fold_workflow(RowState& out) {
        std::vector<Index> legal, standing;
        std::vector<int> view(x_.size(), 0);
        for (Index i = 0; i < x_.size(); ++i) {
            const auto& x = *x_[i];
            if (x.group != kWorkflow) continue;
            const int seen = seen_state(i, legal, view);
            const bool from_fits = seen >= 0 && seen < 64 && (x.from >> seen & 1);
            if (x.entitled && from_fits) {
                legal.push_back(i);
                view[i] = x.to;
                if (!x.quarantined) standing.push_back(i);
            } else {
                view[i] = seen;
                dead_.push_back({i, x.entitled ? LineKind::voided : LineKind::refused});
            }
            if (x.quarantined) line(out, LineKind::quarantined, i, kNone, Rule::latest);
        }
        w_ = stand(standing, true);
        out.standing = id(w_);
        out.state = w_ == kNone ? 0 : x_[w_]->to;
        for (const auto& [i, kind] : dead_) line(out, kind, i, kind == LineKind::voided ? w_ : kNone, Rule::latest);
        for (const auto i : standing)
            if (i != w_ && !in_past(i, w_)) line(out, LineKind::voided, i, w_, Rule::latest);
        if (w_ == kNone) return;
        frozen_ = x_[w_]->freezes;
        reviewed_ = Bits(x_.size());
        for (const auto p : parents_[w_]) {
            if (x_[p]->group == kWorkflow) continue;
            reviewed_.set(p);
            reviewed_.add(past_[p]);
        }
    }

    void fold_group(int g, RowState& out) {
        auto& state = out.groups[static_cast<std::size_t>(g)];
        auto c = candidates(g, out);
        const auto newest =
            std::max_element(c.begin(), c.end(), [&](Index a, Index b) { return x_[a]->catalog < x_[b]->catalog; });
        if (newest == c.end()) return;
        state.rule = x_[*newest]->rule;
        if (g < 64 && (frozen_ >> g & 1)) {
            std::erase_if(c, [&](Index i) {
                if (reviewed_.has(i)) return false;
                line(out, LineKind::after_close, i, w_, x_[i]->rule);
                return true;
            });
        }
        switch (state.rule) {
            case Rule::append:
                for (const auto i : c) state.shown.push_back(x_[i]->id);
                break;
            case Rule::set: fold_set(c, state); break;
            case Rule::sum: fold_sum(c, state); break;
            case Rule::latest:
            case Rule::authority:
            case Rule::owner:
            case Rule::keep_both: fold_register(c, state, out); break;
        }
    }

    /// C of the group: entitled and not quarantined; the others get their line.
    std::vector<Index> candidates(int g, RowState& out) const {
        std::vector<Index> c;
        for (Index i = 0; i < x_.size(); ++i) {
            const auto& x = *x_[i];
            if (x.group != g) continue;
            if (!x.entitled)
                line(out, x.suggest ? LineKind::suggestion : LineKind::refused, i, kNone, x.rule);
            else if (x.quarantined)
                line(out, LineKind::quarantined, i, kNone, x.rule);
            else
                c.push_back(i);
        }
        return c;
    }

    void fold_set(const std::vector<Index>& c, GroupState& state) const {
        Bits removed(x_.size());
        for (const auto i : c)
            if (x_[i]->op == Op::remove)
                for (const auto p : parents_[i]) removed.set(p);
        for (const auto i : c)
            if (x_[i]->op != Op::remove && !removed.has(i)) state.shown.push_back(x_[i]->id);
    }

    void fold_sum(const std::vector<Index>& c, GroupState& state) const {
        std::vector<std::pair<FieldNo, Decimal>> totals;
        for (const auto i : c) {
            for (const auto& [field, bytes] : x_[i]->fields) {
                auto it = std::lower_bound(totals.begin(), totals.end(), field,
                                           [](const auto& t, FieldNo f) { return t.first < f; });
                if (it == totals.end() || it->first != field) it = totals.insert(it, {field, Decimal{}});
                Reader r(bytes);
                const auto v = Value::read(r);
                if (!r.done() || v.kind() != Value::Kind::number) continue;
                if (const auto sum = Decimal::add(it->second, v.as_number())) it->second = *sum;
            }
        }
        for (const auto& [field, total] : totals) {
            std::string bytes;
            Writer w(bytes);
            Value::number(total).write(w);
            state.fields.emplace_back(field, std::move(bytes));
        }
    }

    /// One value stands; every other that nobody had seen stays open, and what a decision settled is closed.
    void fold_register(const std::vector<Index>& c, GroupState& state, RowState& out) const {
        const auto s = stand(c, state.rule == Rule::authority);
        if (s == kNone) return;
        std::vector<Fields> value(c.size());
        for (std::size_t k = 0; k < c.size(); ++k) value[k] = resolved(c, k);
        auto value_of = [&](Index i) -> const Fields& {
            return value[static_cast<std::size_t>(std::lower_bound(c.begin(), c.end(), i) - c.begin())];
        };
        state.stand = x_[s]->id;
        state.fields = value_of(s);
        if (state.rule == Rule::keep_both) state.shown.push_back(x_[s]->id);

        Bits seen(x_.size());
        for (const auto i : c) seen.add(past_[i]);
        for (std::size_t k = 0; k < c.size(); ++k) {
            const auto i = c[k];
            if (i == s || seen.has(i) || value[k] == state.fields) continue;
            line(out, LineKind::open, i, s, state.rule);
            if (state.rule == Rule::keep_both) state.shown.push_back(x_[i]->id);
        }
        for (std::size_t k = 0; k < c.size(); ++k) {
            const auto z = c[k];
            if (parents_[z].size() < 2) continue;
            for (const auto b : parents_[z])
                if (std::binary_search(c.begin(), c.end(), b) && value_of(b) != value[k])
                    line(out, LineKind::closed, b, s, state.rule, z);
        }
    }

    /// The fields of c[k], completed from its own past: the greatest key there that has the field.
    Fields resolved(const std::vector<Index>& c, std::size_t k) const {
        Fields f = x_[c[k]]->fields;
        for (std::size_t j = k; j-- > 0;) {
            if (!in_past(c[j], c[k])) continue;
            for (const auto& [field, bytes] : x_[c[j]]->fields) {
                const auto it =
                    std::lower_bound(f.begin(), f.end(), field, [](const auto& e, FieldNo n) { return e.first < n; });
                if (it == f.end() || it->first != field) f.insert(it, {field, bytes});
            }
        }
        return f;
    }

    int group_count_;
    std::vector<const Change*> x_;             // in key order
    std::vector<std::uint64_t> time_;          // fold time of x_[i]
    std::vector<std::vector<Index>> parents_;  // base and reviewed of x_[i] that are here
    std::vector<Bits> past_;
    std::vector<std::pair<Index, LineKind>> dead_;  // transitions that are not legal
    Index w_ = kNone;                               // the transition that stands
    std::uint64_t frozen_ = 0;
    Bits reviewed_;
};

}  // namespace

std::uint64_t fold_time(std::uint64_t stamp, std::span<const std::uint64_t> base_times) {
    auto t = stamp;
    for (const auto b : base_times) t = std::max(t, b + 1);
    return t;
}

RowState fold(std::span<const Change> changes, int group_count) { return Folder(changes, group_count).run(); }

}  // namespace taizhang::fold
