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

/// The parts in their order, each once.
class RecordWriter {
public:
    explicit RecordWriter(std::string& out) : w_(out) {}
    void begin(std::string_view entity, std::string_view id, std::string_view state) {
        w_.str(entity);
        w_.str(id);
        w_.str(state);
    }
    void count(std::size_t n) { w_.varint(n); }
    void field(std::string_view name, std::string_view value) {
        w_.str(name);
        w_.raw(value);
    }
    void flow(const VersionId& version, std::uint64_t time) {
        w_.raw(view(version.bytes));
        w_.varint(time);
    }
    void group(std::string_view name, const VersionId& version, std::uint64_t time) {
        w_.str(name);
        flow(version, time);
    }
    void lines(std::span<const fold::Line> all) {
        w_.varint(all.size());
        for (const auto& l : all) {
            w_.u8(static_cast<std::uint8_t>(l.kind));
            w_.zigzag(l.group);
            for (const auto* v : {&l.loser, &l.winner, &l.decided_by}) w_.raw(view(v->bytes));
            w_.u8(static_cast<std::uint8_t>(l.rule));
        }
    }

private:
    Writer w_;
};

std::string_view state_name(const EntityBinding& b, int state) {
    const auto& states = b.newest->workflow.states;
    return state >= 0 && static_cast<std::size_t>(state) < states.size() ? states[static_cast<std::size_t>(state)]
                                                                         : std::string_view();
}

}  // namespace

/// Behind what is in `out`: a state brings thousands of plain rows.
Result<> Replica::Impl::append_record(std::string& out, const RowTable& table, std::string_view id, const RowMeta& meta,
                                      std::span<const Cell> fields) {
    const auto& b = table.binding();
    RecordWriter w(out);
    w.begin(b.name, id, b.newest->has_workflow() ? state_name(b, meta.state) : std::string_view());
    w.count(fields.size());
    for (const auto& [field, value] : fields) w.field(b.fields[static_cast<std::size_t>(field)], value);
    VersionId flow;
    if (meta.flow.lsn != 0) {
        TRY(flow, version_at(meta.flow.lsn));
    }
    w.flow(flow, meta.flow.lsn != 0 ? meta.flow.time : 0);
    w.count(static_cast<std::size_t>(
        std::count_if(meta.groups.begin(), meta.groups.end(), [](const auto& g) { return g.lsn != 0; })));
    for (std::size_t g = 0; g < meta.groups.size(); ++g) {
        const auto& ref = meta.groups[g];
        if (ref.lsn == 0) continue;
        TRY(const auto version, version_at(ref.lsn));
        w.group(b.groups[g], version, ref.time);
    }
    w.lines({});
    return {};
}

/// A row that was folded.
Result<> Replica::Impl::append_record(std::string& out, const RowTable& table, std::string_view id,
                                      const RowHistory& h) {
    const auto& b = table.binding();
    RecordWriter w(out);
    w.begin(b.name, id, b.newest->has_workflow() ? state_name(b, h.state.state) : std::string_view());
    TRY(const auto columns, columns_of(table, h));
    w.count(static_cast<std::size_t>(
        std::count_if(columns.begin(), columns.end(), [](const auto& c) { return !ValueView::of(c).is_null(); })));
    for (std::size_t f = 0; f < columns.size(); ++f)
        if (!ValueView::of(columns[f]).is_null()) w.field(b.fields[f], columns[f]);
    const auto time_of = [&](int group, const VersionId& id_) {
        const fold::Ref ref{group, id_};
        const auto it = std::lower_bound(h.state.times.begin(), h.state.times.end(), ref,
                                         [](const auto& e, const auto& r) { return e.first < r; });
        return it != h.state.times.end() && it->first == ref ? it->second : 0;
    };
    const bool has_flow = h.state.standing != VersionId{};
    w.flow(h.state.standing, has_flow ? time_of(fold::kWorkflow, h.state.standing) : 0);
    const auto shown = [](const auto& s) {
        const bool list = s.rule == fold::Rule::append || s.rule == fold::Rule::set;
        return list && !s.shown.empty() ? s.shown.back() : s.stand;
    };
    w.count(static_cast<std::size_t>(std::count_if(h.state.groups.begin(), h.state.groups.end(),
                                                   [&](const auto& s) { return shown(s) != VersionId{}; })));
    for (std::size_t g = 0; g < h.state.groups.size(); ++g)
        if (const VersionId version = shown(h.state.groups[g]); version != VersionId{})
            w.group(b.groups[g], version, time_of(static_cast<int>(g), version));
    w.lines(h.state.lines);
    return {};
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
    std::string record;
    for (const auto& t : tables)
        TRY_VOID(t->each_row(stream, [&](const RowTable::Stored& row) -> Result<> {
            record.clear();
            if (!row.meta.complex && row.is_exact) {
                TRY_VOID(append_record(record, *t, row.id, row.meta, row.fields));
            } else {
                TRY(const auto h, fold_row(*t, row.meta));
                TRY_VOID(append_record(record, *t, row.id, h));
            }
            digest.add(record);
            return {};
        }));
    return digest.finish();
}

}  // namespace taizhang
