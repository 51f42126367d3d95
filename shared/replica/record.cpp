// A row as bytes that are the same on every node, and the digest of a stream's rows.
//
//   str entity, str id, str state, varint n, n × {str field, value}, flow, varint n, n × {str group, version, time},
//   varint n, n × line
//
// A plain row is read from its table; a complex one, or one whose digits the table may have rounded, is folded.
#include "replica/impl.h"

#include <algorithm>

namespace taizhang {
namespace {

struct Record {
    std::string_view entity, id, state;
    std::vector<std::pair<std::string_view, std::string_view>> fields;  ///< by number; without those that are null
    std::pair<VersionId, std::uint64_t> flow;
    std::vector<std::tuple<std::string_view, VersionId, std::uint64_t>> groups;  ///< by number; that have a version
    std::vector<fold::Line> lines;

    std::string encode() const {
        std::string out;
        Writer w(out);
        w.str(entity);
        w.str(id);
        w.str(state);
        w.varint(fields.size());
        for (const auto& [name, value] : fields) {
            w.str(name);
            w.raw(value);
        }
        w.raw(view(flow.first.bytes));
        w.varint(flow.second);
        w.varint(groups.size());
        for (const auto& [name, version, time] : groups) {
            w.str(name);
            w.raw(view(version.bytes));
            w.varint(time);
        }
        w.varint(lines.size());
        for (const auto& l : lines) {
            w.u8(static_cast<std::uint8_t>(l.kind));
            w.zigzag(l.group);
            for (const auto* v : {&l.loser, &l.winner, &l.decided_by}) w.raw(view(v->bytes));
            w.u8(static_cast<std::uint8_t>(l.rule));
        }
        return out;
    }
};

std::string_view state_name(const EntityBinding& b, int state) {
    const auto& states = b.newest->workflow.states;
    return state >= 0 && static_cast<std::size_t>(state) < states.size() ? states[static_cast<std::size_t>(state)]
                                                                         : std::string_view();
}

}  // namespace

/// As Record::encode(), straight to `out`: a state brings thousands of plain rows.
Result<> Replica::Impl::append_record(std::string& out, const RowTable& table, std::string_view id, const RowMeta& meta,
                                      std::span<const Cell> fields) {
    const auto& b = table.binding();
    Writer w(out);
    w.str(b.name);
    w.str(id);
    w.str(b.newest->has_workflow() ? state_name(b, meta.state) : std::string_view());
    w.varint(fields.size());
    for (const auto& [field, value] : fields) {
        w.str(b.fields[static_cast<std::size_t>(field)]);
        w.raw(value);
    }
    const auto standing = [&](const VersionRef& ref) -> Result<> {
        VersionId version;
        if (ref.lsn != 0) {
            TRY(version, version_at(ref.lsn));
        }
        w.raw(view(version.bytes));
        w.varint(ref.lsn != 0 ? ref.time : 0);
        return {};
    };
    TRY_VOID(standing(meta.flow));
    w.varint(static_cast<std::uint64_t>(
        std::count_if(meta.groups.begin(), meta.groups.end(), [](const auto& g) { return g.lsn != 0; })));
    for (std::size_t g = 0; g < meta.groups.size(); ++g) {
        if (meta.groups[g].lsn == 0) continue;
        w.str(b.groups[g]);
        TRY_VOID(standing(meta.groups[g]));
    }
    w.varint(0);  // a plain row has no lines
    return {};
}

Result<std::string> Replica::Impl::record_of(const RowTable& table, std::string_view id, const RowMeta& meta,
                                             std::span<const Cell> fields) {
    std::string out;
    TRY_VOID(append_record(out, table, id, meta, fields));
    return out;
}

Result<std::string> Replica::Impl::record_of(const RowTable& table, std::string_view id, const RowHistory& h) {
    const auto& b = table.binding();
    Record out;
    out.entity = b.name;
    out.id = id;
    if (b.newest->has_workflow()) out.state = state_name(b, h.state.state);
    TRY(const auto columns, columns_of(table, h));
    for (std::size_t f = 0; f < columns.size(); ++f)
        if (!ValueView::of(columns[f]).is_null()) out.fields.emplace_back(b.fields[f], columns[f]);
    const auto time_of = [&](int group, const VersionId& id_) {
        const fold::Ref ref{group, id_};
        const auto it = std::lower_bound(h.state.times.begin(), h.state.times.end(), ref,
                                         [](const auto& e, const auto& r) { return e.first < r; });
        return it != h.state.times.end() && it->first == ref ? it->second : 0;
    };
    if (h.state.standing != VersionId{}) out.flow = {h.state.standing, time_of(fold::kWorkflow, h.state.standing)};
    for (std::size_t g = 0; g < h.state.groups.size(); ++g) {
        const auto& s = h.state.groups[g];
        const bool list = s.rule == fold::Rule::append || s.rule == fold::Rule::set;
        const auto& version = list && !s.shown.empty() ? s.shown.back() : s.stand;
        if (version != VersionId{})
            out.groups.emplace_back(b.groups[g], version, time_of(static_cast<int>(g), version));
    }
    out.lines = h.state.lines;
    return out.encode();
}

/// Over the tips of all chains (by replica, seq, hash), then the records by entity and id.
Result<Hash> Replica::Impl::stream_digest(int stream) {
    std::vector<Tip> tips;
    {
        TRY(auto s, db->prepare("SELECT DISTINCT replica FROM log WHERE stream = ?1", false));
        s.bind(1, stream);
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) break;
            const auto replica = static_cast<int>(s.integer(0));
            TRY(const auto head, chain_head(stream, replica));
            TRY(auto of_chain, tips_of({stream_ids[stream], replica_ids[replica], head.seq, head.hash, head.origin}));
            tips.insert(tips.end(), of_chain.begin(), of_chain.end());
        }
    }
    StreamDigest digest(std::move(tips));
    for (const auto& t : tables)
        TRY_VOID(t->each_row(stream, [&](const RowTable::Stored& row) -> Result<> {
            if (!row.meta.complex && row.is_exact) {
                TRY(const auto record, record_of(*t, row.id, row.meta, row.fields));
                digest.add(record);
                return {};
            }
            TRY(const auto h, fold_row(*t, row.meta));
            TRY(const auto record, record_of(*t, row.id, h));
            digest.add(record);
            return {};
        }));
    return digest.finish();
}

}  // namespace taizhang
