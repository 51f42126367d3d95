#include "tests/support/reference_fold.h"

#include "base/value.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>

namespace taizhang::reference {

using fold::Change;
using fold::Fields;
using fold::GroupState;
using fold::kWorkflow;
using fold::Line;
using fold::LineKind;
using fold::Op;
using fold::Ref;
using fold::RowState;
using fold::Rule;

namespace {

// Changes are handled by name throughout: a set of changes is a set of names.
using Names = std::set<Ref>;

Ref name_of(const Change& x) { return Ref{x.group, x.id}; }

bool has_bit(std::uint64_t bits, int n) { return n >= 0 && n < 64 && ((bits >> n) & 1) != 0; }

class Row {
public:
    Row(std::span<const Change> changes, int group_count) : group_count_(group_count) {
        for (const Change& x : changes) row_.emplace(name_of(x), &x);
    }

    RowState fold() {
        RowState out;
        fold_workflow(out);
        for (int g = 0; g < group_count_; ++g) out.groups.push_back(fold_group(g));
        out.lines.assign(lines_.begin(), lines_.end());
        for (const auto& [name, x] : row_) out.times.emplace_back(name, t(name));
        return out;
    }

private:
    // --- what everything below rests on: bases, past, t, key

    const Change& at(const Ref& name) const { return *row_.at(name); }

    /// The bases of x that were passed in, each once.
    Names bases(const Ref& x) const {
        Names out;
        for (const VersionId& id : at(x).base)
            if (const Ref b{x.group, id}; row_.contains(b)) out.insert(b);
        return out;
    }

    Names reviewed(const Ref& x) const {
        Names out;
        if (x.group == kWorkflow)
            for (const Ref& r : at(x).reviewed)
                if (row_.contains(r)) out.insert(r);
        return out;
    }

    Names seen_directly(const Ref& x) const {
        Names out = bases(x);
        out.merge(reviewed(x));
        return out;
    }

    const Names& past(const Ref& x) {
        if (const auto known = past_.find(x); known != past_.end()) return known->second;
        Names out = seen_directly(x);
        for (const Ref& b : seen_directly(x)) out.insert(past(b).begin(), past(b).end());
        return past_.emplace(x, std::move(out)).first->second;
    }

    std::uint64_t t(const Ref& x) {
        if (const auto known = t_.find(x); known != t_.end()) return known->second;
        std::uint64_t time = at(x).stamp;
        for (const Ref& b : seen_directly(x)) time = std::max(time, 1 + t(b));
        return t_[x] = time;
    }

    using Key = std::tuple<std::uint64_t, Level, ReplicaId, Seq, VersionId>;

    Key key(const Ref& x) {
        const Change& c = at(x);
        return {t(x), c.level, c.replica, c.seq, c.id};
    }

    std::vector<Ref> by_key(const Names& names) {
        std::vector<std::pair<Key, Ref>> keyed;
        for (const Ref& x : names) keyed.emplace_back(key(x), x);
        std::sort(keyed.begin(), keyed.end());
        std::vector<Ref> out;
        for (const auto& [k, x] : keyed) out.push_back(x);
        return out;
    }

    void line(const Ref& loser, LineKind kind, const std::optional<Ref>& winner, Rule rule, VersionId decided_by = {}) {
        lines_.insert(Line{kind, loser.group, loser.id, winner ? winner->id : VersionId{}, decided_by, rule});
    }

    // --- stand(C, by_level)

    std::optional<Ref> stand(const Names& c, bool by_level) {
        std::vector<std::pair<int, Ref>> s;
        for (const Ref& x : by_key(c)) {
            const int level = by_level ? static_cast<int>(at(x).level) : 0;
            std::vector<std::pair<int, Ref>> above;
            for (const auto& entry : s)
                if (entry.first > level) above.push_back(entry);
            if (!above.empty() && !past(x).contains(above.back().second)) continue;  // had not seen a superior
            s = above;
            s.emplace_back(level, x);
        }
        if (s.empty()) return std::nullopt;
        return s.back().second;
    }

    // --- workflow groups

    void fold_workflow(RowState& out) {
        Names transitions;
        for (const auto& [name, x] : row_)
            if (name.group == kWorkflow) transitions.insert(name);

        Names legal;
        Names outdated;  // their lines name what stands, which is not known before the end
        std::map<Ref, int> view;
        for (const Ref& x : by_key(transitions)) {
            const Change& c = at(x);
            const Names b = bases(x);
            int v = 0;
            if (b.size() == 1) {
                v = view.at(*b.begin());
            } else if (b.size() > 1) {
                Names seen;
                for (const Ref& l : legal)
                    if (past(x).contains(l)) seen.insert(l);
                if (const auto top = stand(seen, true)) v = at(*top).to;
            }
            if (c.entitled && has_bit(c.from, v)) {
                legal.insert(x);
                view[x] = c.to;
            } else {
                view[x] = v;
                if (c.entitled)
                    outdated.insert(x);
                else
                    line(x, LineKind::refused, std::nullopt, Rule::latest);
            }
            if (c.quarantined) line(x, LineKind::quarantined, std::nullopt, Rule::latest);
        }

        Names eligible;
        for (const Ref& x : legal)
            if (!at(x).quarantined) eligible.insert(x);
        w_ = stand(eligible, true);
        if (w_) {
            out.state = at(*w_).to;
            out.standing = w_->id;
        }
        for (const Ref& x : outdated) line(x, LineKind::voided, w_, Rule::latest);
        for (const Ref& x : eligible)
            if (x != *w_ && !past(*w_).contains(x)) line(x, LineKind::voided, w_, Rule::latest);
    }

    // --- field groups

    GroupState fold_group(int g) {
        GroupState out;
        Names c;
        for (const auto& [name, change] : row_) {
            if (name.group != g) continue;
            if (!change->entitled)
                line(name, change->suggest ? LineKind::suggestion : LineKind::refused, std::nullopt, change->rule);
            else if (change->quarantined)
                line(name, LineKind::quarantined, std::nullopt, change->rule);
            else
                c.insert(name);
        }

        std::uint32_t newest = 0;
        for (const Ref& x : c)
            if (at(x).catalog >= newest) {
                newest = at(x).catalog;
                out.rule = at(x).rule;
            }

        if (w_ && has_bit(at(*w_).freezes, g)) {
            Names k;
            for (const Ref& r : reviewed(*w_)) {
                k.insert(r);
                k.insert(past(r).begin(), past(r).end());
            }
            Names kept;
            for (const Ref& x : c) {
                if (k.contains(x))
                    kept.insert(x);
                else
                    line(x, LineKind::after_close, w_, at(x).rule);
            }
            c = kept;
        }

        switch (out.rule) {
            case Rule::append: fold_append(c, out); break;
            case Rule::set: fold_set(c, out); break;
            case Rule::sum: fold_sum(c, out); break;
            case Rule::latest:
            case Rule::authority:
            case Rule::owner:
            case Rule::keep_both: fold_single(c, out); break;
        }
        return out;
    }

    void fold_append(const Names& c, GroupState& out) {
        for (const Ref& x : by_key(c)) out.shown.push_back(x.id);
    }

    void fold_set(const Names& c, GroupState& out) {
        Names removed;
        for (const Ref& x : c)
            if (at(x).op == Op::remove) removed.merge(bases(x));
        for (const Ref& x : by_key(c))
            if (at(x).op != Op::remove && !removed.contains(x)) out.shown.push_back(x.id);
    }

    void fold_sum(const Names& c, GroupState& out) {
        std::map<fold::FieldNo, Decimal> total;
        for (const Ref& x : by_key(c))
            for (const auto& [field, encoded] : at(x).fields) {
                Reader in(encoded);
                const Value value = Value::read(in);
                const bool number = in.done() && value.kind() == Value::Kind::number;
                Decimal& sum = total[field];
                sum = Decimal::add(sum, number ? value.as_number() : Decimal{}).value_or(sum);
            }
        for (const auto& [field, sum] : total) {
            std::string encoded;
            Writer writer(encoded);
            Value::number(sum).write(writer);
            out.fields.emplace_back(field, encoded);
        }
    }

    /// x's fields, with those it does not have from its own past among C.
    Fields resolved(const Ref& x, const Names& c) {
        Names seen;
        for (const Ref& p : past(x))
            if (c.contains(p)) seen.insert(p);
        std::map<fold::FieldNo, std::string> value;
        for (const Ref& p : by_key(seen))
            for (const auto& [field, encoded] : at(p).fields) value[field] = encoded;
        for (const auto& [field, encoded] : at(x).fields) value[field] = encoded;
        return Fields(value.begin(), value.end());
    }

    void fold_single(const Names& c, GroupState& out) {
        const auto s = stand(c, out.rule == Rule::authority);
        if (!s) return;
        std::map<Ref, Fields> value;
        for (const Ref& x : c) value[x] = resolved(x, c);
        out.stand = s->id;
        out.fields = value.at(*s);

        Names overwritten;
        for (const Ref& x : c) overwritten.insert(past(x).begin(), past(x).end());
        Names open;
        for (const Ref& x : c)
            if (!overwritten.contains(x) && x != *s && value.at(x) != value.at(*s)) open.insert(x);
        for (const Ref& x : open) line(x, LineKind::open, s, out.rule);
        if (out.rule == Rule::keep_both) {
            out.shown.push_back(s->id);
            for (const Ref& x : by_key(open)) out.shown.push_back(x.id);
        }

        for (const Ref& z : c) {
            const Names settled = bases(z);
            if (settled.size() < 2) continue;
            for (const Ref& b : settled)
                if (c.contains(b) && value.at(b) != value.at(z)) line(b, LineKind::closed, s, out.rule, z.id);
        }
    }

    int group_count_;
    std::map<Ref, const Change*> row_;  // X
    std::map<Ref, Names> past_;
    std::map<Ref, std::uint64_t> t_;
    std::optional<Ref> w_;  // the transition that stands
    std::set<Line> lines_;
};

// --- for people

std::string short_name(const VersionId& id) {
    if (id == VersionId{}) return "-";
    std::string hex = id.hex();
    while (hex.size() > 2 && hex.ends_with("00")) hex.resize(hex.size() - 2);
    return hex;
}

std::string short_name(const Ref& r) {
    return (r.group == kWorkflow ? std::string("w") : "g" + std::to_string(r.group)) + ":" + short_name(r.id);
}

std::string show(const Fields& fields) {
    std::string out = "{";
    for (const auto& [field, encoded] : fields) {
        Reader in(encoded);
        const Value value = Value::read(in);
        out +=
            (out.size() > 1 ? " " : "") + std::to_string(field) + "=" + (in.done() ? value.display() : to_hex(encoded));
    }
    return out + "}";
}

const char* name_of(Rule rule) {
    switch (rule) {
        case Rule::latest: return "latest";
        case Rule::authority: return "authority";
        case Rule::owner: return "owner";
        case Rule::keep_both: return "keep_both";
        case Rule::append: return "append";
        case Rule::set: return "set";
        case Rule::sum: return "sum";
    }
    return "?";
}

const char* name_of(LineKind kind) {
    switch (kind) {
        case LineKind::open: return "open";
        case LineKind::closed: return "closed";
        case LineKind::refused: return "refused";
        case LineKind::suggestion: return "suggestion";
        case LineKind::voided: return "voided";
        case LineKind::after_close: return "after_close";
        case LineKind::quarantined: return "quarantined";
    }
    return "?";
}

}  // namespace

RowState fold(std::span<const Change> changes, int group_count) { return Row(changes, group_count).fold(); }

std::string describe(std::span<const Change> changes) {
    std::ostringstream out;
    for (const Change& x : changes) {
        out << short_name(name_of(x)) << " base[";
        for (const VersionId& b : x.base) out << ' ' << short_name(b);
        out << " ]";
        if (!x.reviewed.empty()) {
            out << " reviewed[";
            for (const Ref& r : x.reviewed) out << ' ' << short_name(r);
            out << " ]";
        }
        out << " stamp " << x.stamp << " level " << static_cast<int>(x.level) << " replica "
            << x.replica.hex().substr(0, 4) << " seq " << x.seq.value << " catalog " << x.catalog;
        if (x.group == kWorkflow)
            out << " from " << std::hex << x.from << std::dec << " to " << x.to << " freezes " << x.freezes;
        else
            out << ' ' << name_of(x.rule) << (x.op == Op::remove ? " remove " : " put ") << show(x.fields);
        if (!x.entitled) out << (x.suggest ? " suggestion" : " not-entitled");
        if (x.quarantined) out << " quarantined";
        out << '\n';
    }
    return out.str();
}

std::string describe(const RowState& state) {
    std::ostringstream out;
    out << "state " << state.state << " by " << short_name(state.standing) << '\n';
    for (std::size_t g = 0; g < state.groups.size(); ++g) {
        const GroupState& group = state.groups[g];
        out << 'g' << g << ' ' << name_of(group.rule) << " stand " << short_name(group.stand) << " shown[";
        for (const VersionId& id : group.shown) out << ' ' << short_name(id);
        out << " ] " << show(group.fields) << '\n';
    }
    for (const Line& l : state.lines)
        out << "line " << name_of(l.kind) << ' ' << short_name(Ref{l.group, l.loser}) << " winner "
            << short_name(l.winner) << " decided_by " << short_name(l.decided_by) << ' ' << name_of(l.rule) << '\n';
    out << "times";
    for (const auto& [name, time] : state.times) out << ' ' << short_name(name) << '@' << time;
    out << '\n';
    return out.str();
}

VersionId version(int n) {
    VersionId id;
    id.bytes[0] = static_cast<std::uint8_t>(n);
    return id;
}

std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

}  // namespace taizhang::reference
