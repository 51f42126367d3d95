// A change beside what stands: two people wrote the same group and neither had seen the other. Where nobody else did
// before, the row says enough to tell which of them stands and what line the other gets, and the log is not read.
//
// The same as fold::fold() gives for the row's whole history (docs/FOLD.md): all changes of a plain group lie in the
// past of what stands, so beside the new one only that one is open. What cannot be told for sure is folded.
#include "replica/impl.h"

#include <algorithm>

namespace taizhang {

/// Applies one part that does not build on what stands; false when the row must be folded.
Result<bool> Replica::Impl::apply_part_beside(Touched& t, const Commit& c, const NameMap& map, const RowRec& row,
                                              const PartRec& p, const Relation& rel, std::uint64_t lsn) {
    if (t.meta.complex || t.meta.dropped || t.fold || !t.loaded || options.always_fold) return false;
    const auto& item = map.items[p.name];
    if (p.op != fold::Op::put || !entitled(c, map, p, rel, item)) return false;
    const auto parts = c.parts_of(row);
    if (std::any_of(parts.begin(), parts.end(), [](const auto& x) { return x.op == fold::Op::transition; }))
        return false;
    const auto& binding = t.table->binding();
    const auto group = static_cast<std::size_t>(item.group_no);
    const auto rule = item.group->rule;
    // By `authority` what counts is the level of what stands, which the row does not say.
    if (!binding.plain[group] || !binding.steady[group] || rule == fold::Rule::authority) return false;
    if (p.field_count != binding.group_fields[group].size()) return false;
    if (binding.is_frozen(t.meta.state, group)) return false;

    auto& stands = t.meta.groups[group];
    const auto base = c.base(p);
    if (stands.lsn == 0 || base.size() > 1) return false;
    const auto stamp = unstamped.contains(lsn) ? 0 : c.header.time;
    if (stamp == stands.time) return false;
    const bool wins = stamp > stands.time;  // its fold time is its stamp then: what it builds on is older than both
    if (!wins && !base.empty()) {
        TRY(const bool loses, is_surely_before(t, stands.time));
        if (!loses) return false;
    }
    TRY(const auto same, has_value(t, c, map, p));
    if (same == Same::unknown) return false;
    TRY(const auto standing, version_at(stands.lsn));
    if (same == Same::no) {
        fold::Line line{
            .group = item.group_no, .loser = c.version(), .winner = standing, .decided_by = {}, .rule = rule};
        if (wins) std::swap(line.loser, line.winner);
        t.lines.push_back(line);
    }
    if (wins) {
        put_cells(t, c, map, p, lsn);
        stands = {lsn, stamp};
    }
    return true;
}

/// Whether a change with a stamp before `time`, the fold time of what stands, also has a fold time before it. Its fold
/// time is the greatest stamp among itself and its past, and at most one more for each change there; and its past lies
/// below what stands, so of a change with a later stamp than `time` it holds none. False: cannot be told.
Result<bool> Replica::Impl::is_surely_before(const Touched& t, std::uint64_t time) {
    std::vector<RowHistory::Item> items;
    TRY_VOID(history(t.meta.head, t.meta.head_index, items));
    std::uint64_t latest = 0;
    for (const auto& i : items) {
        const auto& named = version_cache[i.lsn % version_cache.size()];
        if (named.lsn != i.lsn || named.stamp == Named::kUnknown) return false;
        if (named.stamp < time) latest = std::max(latest, named.stamp);
    }
    return items.size() + 1 < time - latest;
}

/// Whether the group's fields have the values that this part gives them. A field without a value may be one that nobody
/// wrote, which is not the same as an empty one.
Result<Replica::Impl::Same> Replica::Impl::has_value(const Touched& t, const Commit& c, const NameMap& map,
                                                     const PartRec& p) {
    RowTable::Stored stored;
    bool is_read = t.is_new;
    auto same = Same::yes;
    for (const auto& f : c.fields_of(p)) {
        const auto field = map.items[f.name].field_no;
        const auto is_it = [&](const Cell& cell) { return cell.field == field; };
        auto old = std::find_if(t.cells.begin(), t.cells.end(), is_it);
        if (old == t.cells.end()) {
            if (!is_read) {
                const auto group = static_cast<std::size_t>(map.items[p.name].group_no);
                TRY(const bool is_there, t.table->read_group(t.stream, t.id, group, stored));
                if (!is_there || !stored.is_exact) return Same::unknown;
                is_read = true;
            }
            old = std::find_if(stored.fields.begin(), stored.fields.end(), is_it);
            if (old == stored.fields.end()) return Same::unknown;
        }
        if (ValueView::of(f.value).is_null() || ValueView::of(old->value).is_null()) return Same::unknown;
        if (old->value != f.value) same = Same::no;
    }
    return same;
}

}  // namespace taizhang
