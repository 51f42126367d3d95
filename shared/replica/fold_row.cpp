// A row from its whole history: reads the log along the row's chain and folds.
#include "replica/impl.h"

#include <algorithm>
#include <boost/json.hpp>

namespace taizhang {

Result<> Replica::Impl::history(std::uint64_t lsn, std::uint32_t index, std::vector<RowHistory::Item>& out) {
    TRY_VOID(write_log());
    while (lsn != 0 && index != RowMeta::kUnlinked) {
        out.push_back({lsn, index});
        log_prev.bind(1, lsn);
        TRY(const bool row, log_prev.step());
        if (!row)
            return fail(Errc::corrupt,
                        "日志缺第 " + std::to_string(lsn) + " 条 / log entry " + std::to_string(lsn) + " is missing");
        Reader r(log_prev.blob(0));
        std::int64_t distance = 0;
        std::uint64_t at = 0;
        for (std::uint32_t i = 0; i <= index && r.ok(); ++i) {
            distance = r.zigzag();
            at = distance ? r.varint() : 0;
        }
        // No row has more changes than the log has commits: a damaged chain must not run in a circle.
        const bool ok = r.ok() && out.size() <= head_lsn;
        log_prev.reset();
        if (!ok)
            return fail(Errc::corrupt, "日志第 " + std::to_string(lsn) + " 条的链已损坏 / log entry " +
                                           std::to_string(lsn) + ": damaged row chain");
        lsn = distance ? lsn - static_cast<std::uint64_t>(distance) : 0;
        index = static_cast<std::uint32_t>(at);
    }
    return {};
}

/// What one commit says about the row, as the fold wants it: rights and rules resolved as of the commit.
Result<> Replica::Impl::append_changes(std::uint64_t lsn, std::uint32_t index, std::vector<fold::Change>& out) {
    Loaded* l = nullptr;
    TRY_VOID(load_commit(lsn, l));
    const auto& c = l->commit;
    if (index >= c.rows.size())
        return fail(Errc::corrupt, "日志第 " + std::to_string(lsn) + " 条没有这条记录 / log entry " +
                                       std::to_string(lsn) + ": no such row");
    if (l->maps.empty()) l->maps = name_maps(c);
    const auto& row = c.rows[index];
    const auto& map =
        *std::find_if(l->maps.begin(), l->maps.end(), [&](const auto& m) { return m.entity == row.entity; });
    const auto rel = control.relation(*control.cert(c.header.replica), c.header.stream, c.header.control);
    TRY(const bool quarantined, is_quarantined(c));
    for (const auto& p : c.parts_of(row)) {
        const auto& item = map.items[p.name];
        fold::Change x;
        x.quarantined = quarantined;
        x.id = c.version();
        x.op = p.op;
        x.base.assign(c.base(p).begin(), c.base(p).end());
        x.stamp = unstamped.contains(lsn) ? 0 : c.header.time;
        x.level = rel.level;
        x.replica = c.header.replica;
        x.seq = c.header.seq;
        x.catalog = c.header.catalog;
        x.entitled = entitled(c, map, p, rel, item);
        if (p.op == fold::Op::transition) {
            x.group = fold::kWorkflow;
            for (const auto& r : c.reviews_of(p)) {
                const auto g = map.items[r.group].group_no;
                if (g >= 0)  // a name that is no group of the row reviews nothing
                    for (const auto& id : c.ids(r)) x.reviewed.push_back({g, id});
            }
            if (item.transition) {
                x.from = item.transition->from;
                x.to = item.transition->to;
                if (x.to == Transition::kToArgument) {
                    x.to = -1;
                    for (const auto& f : c.fields_of(p))
                        if (c.names[f.name] == "state")
                            x.to = map.version->entity->workflow.state(ValueView::of(f.value).text);
                    if (x.to < 0) x.entitled = false;
                }
                x.freezes = map.version->freezes(x.to);
            }
        } else {
            if (item.group_no < 0) continue;
            x.group = item.group_no;
            x.rule = item.group->rule;
            x.suggest = !x.entitled && !item.group->refused_as.empty();
            for (const auto& f : c.fields_of(p))
                if (map.items[f.name].field_no >= 0)
                    x.fields.emplace_back(static_cast<fold::FieldNo>(map.items[f.name].field_no), std::string(f.value));
            std::sort(x.fields.begin(), x.fields.end());
        }
        out.push_back(std::move(x));
    }
    return {};
}

Result<Replica::Impl::RowHistory> Replica::Impl::fold_row(RowTable& table, const RowMeta& meta) {
    std::vector<RowHistory::Item> items;
    TRY_VOID(history(meta.head, meta.head_index, items));
    return fold_items(table, std::move(items));
}

Result<Replica::Impl::RowHistory> Replica::Impl::fold_items(RowTable& table, std::vector<RowHistory::Item> items) {
    RowHistory h;
    h.items = std::move(items);
    for (const auto& i : h.items) TRY_VOID(append_changes(i.lsn, i.index, h.changes));
    h.state = fold::fold(h.changes, static_cast<int>(table.binding().groups.size()));
    return h;
}

namespace {

/// A group is a chain when each change was made on the one before and all of them count.
bool is_chain(const std::vector<fold::Change>& changes, int group) {
    std::vector<VersionId> ids, bases;
    std::size_t roots = 0;
    for (const auto& x : changes) {
        if (x.group != group) continue;
        if (!x.entitled || x.quarantined || x.base.size() > 1 || x.op == fold::Op::remove) return false;
        ids.push_back(x.id);
        if (x.base.empty())
            ++roots;
        else
            bases.push_back(x.base.front());
    }
    if (ids.empty()) return true;
    if (roots != 1) return false;
    std::sort(ids.begin(), ids.end());
    std::sort(bases.begin(), bases.end());
    const bool forks = std::adjacent_find(bases.begin(), bases.end()) != bases.end();
    return !forks && std::includes(ids.begin(), ids.end(), bases.begin(), bases.end());
}

std::uint64_t time_of(const fold::RowState& state, int group, const VersionId& id) {
    const fold::Ref ref{group, id};
    const auto it = std::lower_bound(state.times.begin(), state.times.end(), ref,
                                     [](const auto& e, const auto& r) { return e.first < r; });
    return it != state.times.end() && it->first == ref ? it->second : 0;
}

boost::json::value json_of(std::string_view encoded) {
    const auto v = ValueView::of(encoded);
    if (v.kind == ValueView::Kind::number)
        return v.number.scale == 0 ? boost::json::value(v.number.mantissa) : boost::json::value(v.number.to_double());
    if (v.is_null()) return nullptr;
    return boost::json::string(v.text);
}

}  // namespace

/// Encoded column values by field number: what the groups' states say in the table's terms.
Result<std::vector<std::string>> Replica::Impl::columns_of(const RowTable& table, const RowHistory& h) const {
    const auto& binding = table.binding();
    std::vector<std::string> column(binding.fields.size(), std::string(1, '\0'));
    for (std::size_t g = 0; g < binding.groups.size(); ++g) {
        const auto& s = h.state.groups[g];
        if (s.rule != fold::Rule::append && s.rule != fold::Rule::set) {
            for (const auto& [field, bytes] : s.fields) column[field] = bytes;
            continue;
        }
        boost::json::array list;
        int field = -1;
        for (const auto& id : s.shown)
            for (const auto& x : h.changes)
                if (x.group == static_cast<int>(g) && x.id == id && !x.fields.empty()) {
                    field = static_cast<int>(x.fields.front().first);
                    list.push_back(json_of(x.fields.front().second));
                }
        if (field >= 0) column[static_cast<std::size_t>(field)] = Value::text(boost::json::serialize(list)).encoded();
    }
    return column;
}

/// Folds the row from the log and writes columns, meta and conflict lines.
Result<> Replica::Impl::refold(Touched& t, std::vector<RowHistory::Item> items) {
    TRY(auto h, fold_items(*t.table, std::move(items)));
    const auto& binding = t.table->binding();
    const auto groups = binding.groups.size();
    std::vector<std::pair<VersionId, std::uint64_t>> lsn_of;
    for (const auto& i : h.items) {
        TRY(const auto v, version_at(i.lsn));
        lsn_of.emplace_back(v, i.lsn);
    }
    std::sort(lsn_of.begin(), lsn_of.end());
    auto ref_of = [&](int group, const VersionId& id) {
        const auto it = std::lower_bound(lsn_of.begin(), lsn_of.end(), std::pair(id, std::uint64_t{0}));
        return it == lsn_of.end() || it->first != id ? VersionRef{}
                                                     : VersionRef{it->second, time_of(h.state, group, id)};
    };

    auto& m = t.meta;
    const bool was_complex = m.complex;
    m.complex = !h.state.lines.empty() || !is_chain(h.changes, fold::kWorkflow);
    m.state = h.state.state;
    m.flow = ref_of(fold::kWorkflow, h.state.standing);
    m.groups.assign(groups, {});
    for (std::size_t g = 0; g < groups; ++g) {
        const auto& s = h.state.groups[g];
        const bool list = s.rule == fold::Rule::append || s.rule == fold::Rule::set;
        m.groups[g] = ref_of(static_cast<int>(g), list && !s.shown.empty() ? s.shown.back() : s.stand);
        if (binding.plain[g] && is_chain(h.changes, static_cast<int>(g))) continue;
        for (const auto& x : h.changes) m.complex = m.complex || x.group == static_cast<int>(g);
    }
    TRY(const auto column, columns_of(*t.table, h));
    std::vector<Cell> cells;
    for (std::size_t f = 0; f < column.size(); ++f) cells.push_back({static_cast<int>(f), column[f]});
    if (t.is_new) {
        TRY(const bool inserted, t.table->insert(t.stream, t.id, cells, m));
        if (!inserted) return fail(Errc::internal, "refold: the row appeared in between");
    } else {
        TRY_VOID(t.table->update(t.stream, t.id, cells, m));
    }
    if (was_complex) {
        conflict_delete.bind(1, std::string_view(binding.name)).bind_blob(2, t.id).bind(3, t.stream);
        TRY_VOID(conflict_delete.run());
    }
    return write_lines(t, h.state.lines);
}

Result<> Replica::Impl::write_lines(const Touched& t, std::span<const fold::Line> lines) {
    for (const auto& line : lines) {
        conflict_insert.bind(1, std::string_view(t.table->binding().name))
            .bind_blob(2, t.id)
            .bind(3, t.stream)
            .bind(4, line.group);
        conflict_insert.bind_blob(5, taizhang::view(line.loser.bytes)).bind(6, static_cast<int>(line.kind));
        conflict_insert.bind_blob(7, taizhang::view(line.decided_by.bytes))
            .bind_blob(8, taizhang::view(line.winner.bytes));
        conflict_insert.bind(9, static_cast<int>(line.rule));
        TRY_VOID(conflict_insert.run());
    }
    return {};
}

}  // namespace taizhang
