// Reading: a row with its history, the conflict ledger, and the log for sync.
#include "base/id_from.h"
#include "replica/impl.h"
#include "replica/open_ends.h"

#include <algorithm>

namespace taizhang {
namespace {

std::string shown_id(const EntityBinding& b, std::string_view id) {
    return b.newest->uuid ? to_hex(id) : std::string(id);
}

}  // namespace

// ------------------------------------------------------------------ rows

Result<std::vector<Replica::RowKey>> Replica::find(const std::string& id) {
    std::vector<RowKey> out;
    for (const auto& t : impl_->tables) {
        std::string key = id;
        if (t->binding().newest->uuid) {
            key = from_hex(id);
            if (key.size() != 16) continue;
        }
        TRY(const auto streams, t->streams_of(key));
        for (const auto s : streams) out.push_back({t->binding().name, id, impl_->stream_ids[s]});
    }
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return std::tie(a.entity, a.stream) < std::tie(b.entity, b.stream); });
    return out;
}

Result<RowView> Replica::read_row(const std::string& entity, const std::string& id) {
    TRY(auto keys, find(id));
    std::erase_if(keys, [&](const auto& k) { return !entity.empty() && k.entity != entity; });
    if (keys.empty()) return fail(Errc::not_found, "本机没有记录 " + id + " / there is no record " + id + " here");
    const auto* v = impl_->control.newest(keys.front().entity);
    return impl_->read_row(*impl_->table(v->binding->number), impl_->stream_nos[keys.front().stream], id);
}

/// A row whose past went: its values from the table, and of the history what is here.
Result<> Replica::Impl::read_dropped(RowTable& t, int stream, const std::string& key, RowHistory& h,
                                     std::vector<std::string>& column) {
    const auto& binding = t.binding();
    RowTable::Stored row;
    TRY(const bool there, t.read(stream, key, row));
    column.assign(binding.fields.size(), Value::null().encoded());
    if (!there) return {};
    for (const auto& [field, value] : row.fields) column[static_cast<std::size_t>(field)] = value;
    h.state.state = row.meta.state;
    h.state.groups.resize(binding.groups.size());
    if (row.meta.flow.lsn != 0) {
        TRY(h.state.standing, version_at(row.meta.flow.lsn));
    }
    for (std::size_t g = 0; g < row.meta.groups.size(); ++g)
        if (row.meta.groups[g].lsn != 0) {
            TRY(h.state.groups[g].stand, version_at(row.meta.groups[g].lsn));
        }
    std::vector<RowHistory::Item> items;
    TRY_VOID(history(row.meta.head, row.meta.head_index, items));
    TRY(auto body, db->prepare("SELECT length(body) FROM log WHERE lsn = ?1", false));
    for (const auto& i : items) {
        body.bind(1, i.lsn);
        TRY(const bool here, body.step());
        if (here && body.integer(0) > 0) h.items.push_back(i);
        body.reset();
    }
    return {};
}

Result<RowView> Replica::Impl::read_row(RowTable& t, int stream, const std::string& id) {
    RowView out;
    const auto& binding = t.binding();
    out.entity = binding.name;
    out.id = id;
    out.stream = stream_ids[stream];
    out.binding = &binding;
    const auto key = binding.newest->uuid ? from_hex(id) : id;
    RowMeta meta;
    TRY(const bool there, t.load(stream, key, meta));
    if (!there) return fail(Errc::not_found, "本机没有记录 " + id + " / there is no record " + id + " here");
    RowHistory h;
    std::vector<std::string> column;
    if (meta.dropped) {
        TRY_VOID(read_dropped(t, stream, key, h, column));
    } else {
        TRY(h, fold_row(t, meta));
        TRY(column, columns_of(t, h));
    }
    out.is_whole = !meta.dropped;
    for (std::size_t f = 0; f < column.size(); ++f)
        out.fields.emplace_back(binding.fields[f], ValueView::of(column[f]).copy());
    const auto& flow = binding.newest->workflow;
    if (binding.newest->has_workflow()) {
        out.state = flow.states[static_cast<std::size_t>(std::max(0, h.state.state))];
        out.fields.emplace_back(flow.field, Value::text(out.state));
        const auto* cert = control.cert(self);
        if (cert && control.needs_newer(out.entity) == 0) {
            const auto rel = control.relation(*cert, out.stream, control.head());
            for (const auto& tr : flow.transitions)
                if ((tr.from >> h.state.state & 1) && rel.may(tr.by)) out.allowed.push_back(&tr);
        }
    }

    TRY(auto arrival, db->prepare("SELECT origin, received_ms FROM log WHERE lsn = ?1", false));
    std::vector<std::pair<std::uint64_t, HistoryItem>> items;
    for (const auto& at : h.items) {
        Loaded* l = nullptr;
        TRY_VOID(load_commit(at.lsn, l));
        const auto& c = l->commit;
        HistoryItem item;
        item.commit = {c.header.replica, c.header.stream, c.header.seq, c.hash};
        item.version = c.version();
        item.time = c.header.time;
        item.time_unverified = c.header.time_unverified;
        if (const auto* cert = control.cert(c.header.replica)) {
            item.level = cert->level;
            item.unit = cert->unit;
        }
        item.person = c.header.person;
        arrival.bind(1, at.lsn);
        TRY(const bool logged, arrival.step());
        if (logged) {
            item.origin = static_cast<Origin>(arrival.integer(0));
            item.received_ms = arrival.integer(1);
        }
        arrival.reset();
        for (const auto& p : c.parts_of(c.rows[at.index])) {
            const bool is_transition = p.op == fold::Op::transition;
            const auto base = c.base(p);
            item.bases.emplace_back(is_transition ? fold::kWorkflow : binding.group(c.names[p.name]),
                                    std::vector<VersionId>(base.begin(), base.end()));
            if (is_transition) item.transition = std::string(c.names[p.name]);
            item.removal = item.removal || p.op == fold::Op::remove;
            for (const auto& f : c.fields_of(p))
                (is_transition ? item.arguments : item.fields)
                    .emplace_back(c.names[f.name], ValueView::of(f.value).copy());
        }
        for (const auto& line : h.state.lines)
            if (line.loser == item.version) item.lines.push_back(line);
        std::uint64_t fold_time = 0;
        for (const auto& [ref, time] : h.state.times)
            if (ref.id == item.version) fold_time = std::max(fold_time, time);
        items.emplace_back(fold_time, std::move(item));
    }
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
        const auto &x = a.second, &y = b.second;
        return std::tie(a.first, x.level, x.commit.replica, x.commit.seq, x.commit.hash) <
               std::tie(b.first, y.level, y.commit.replica, y.commit.seq, y.commit.hash);
    });
    for (auto& [time, item] : items) out.history.push_back(std::move(item));
    out.fold = std::move(h.state);
    return out;
}

Result<std::vector<ConflictRef>> Replica::conflicts(const std::string& row) {
    auto& m = *impl_;
    std::vector<ConflictRef> out;
    TRY(auto s, m.db->prepare("SELECT entity, stream, row, grp, loser, kind, decided_by, winner, rule FROM conflict "
                              "ORDER BY entity, row, stream, grp, loser, kind, decided_by",
                              false));
    for (;;) {
        TRY(const bool there, s.step());
        if (!there) break;
        const auto* v = m.control.newest(s.text(0));
        if (!v) continue;
        ConflictRef c;
        c.entity = std::string(s.text(0));
        c.row = shown_id(*v->binding, s.blob(2));
        c.stream = m.stream_ids[static_cast<int>(s.integer(1))];
        c.line.group = static_cast<int>(s.integer(3));
        c.line.loser = id_from<VersionId>(s.blob(4));
        c.line.kind = static_cast<fold::LineKind>(s.integer(5));
        c.line.decided_by = id_from<VersionId>(s.blob(6));
        c.line.winner = id_from<VersionId>(s.blob(7));
        c.line.rule = static_cast<fold::Rule>(s.integer(8));
        c.group =
            c.line.group < 0 ? v->entity->workflow.field : v->binding->groups[static_cast<std::size_t>(c.line.group)];
        c.open = c.line.kind == fold::LineKind::open && c.line.rule == fold::Rule::keep_both;
        if (row.empty() || c.row == row) out.push_back(std::move(c));
    }
    return out;
}

// ------------------------------------------------------------------ the log

std::uint64_t Replica::streams_version() const { return impl_->streams_version; }
bool Replica::has_stream(const StreamId& stream) const { return impl_->stream_nos.contains(stream); }

std::vector<StreamId> Replica::streams() {
    std::vector<StreamId> out;
    for (const auto& [id, no] : impl_->stream_nos) out.push_back(id);
    std::sort(out.begin(), out.end());
    return out;
}

StreamId Replica::stream_name(int stream_no) const {
    const auto it = impl_->stream_ids.find(stream_no);
    return it == impl_->stream_ids.end() ? StreamId{} : it->second;
}

Result<std::int64_t> Replica::commits_in(const StreamId& stream) {
    const auto it = impl_->stream_nos.find(stream);
    if (it == impl_->stream_nos.end()) return 0;
    TRY(auto s, impl_->db->prepare("SELECT count(*) FROM log WHERE stream = ?1", false));
    s.bind(1, it->second);
    TRY_VOID(s.step());
    return s.integer(0);
}

Result<std::vector<ChainHead>> Replica::chain_heads(std::span<const StreamId> wanted) {
    auto& m = *impl_;
    std::vector<ChainHead> out;
    TRY(auto next, m.db->prepare(kNextChain, false));
    for (const auto& id : wanted) {
        const auto it = m.stream_nos.find(id);
        if (it == m.stream_nos.end()) continue;
        TRY_VOID(each_chain(next, it->second, [&](int replica) -> Result<> {
            TRY(const auto head, m.chain_head(it->second, replica));
            out.push_back({id, m.replica_ids[replica], head.seq, head.hash, head.origin});
            return {};
        }));
    }
    return out;
}

Result<std::vector<ChainHead>> Replica::chain_heads() { return chain_heads(streams()); }

Result<std::vector<Hash>> Replica::hashes_at(const StreamId& stream, const ReplicaId& replica, Seq seq) {
    auto& m = *impl_;
    std::vector<Hash> out;
    const auto s = m.stream_nos.find(stream);
    const auto r = m.replica_nos.find(replica);
    if (s == m.stream_nos.end() || r == m.replica_nos.end()) return out;
    m.chain_at.bind(1, s->second).bind(2, r->second).bind(3, seq.value);
    for (;;) {
        TRY(const bool row, m.chain_at.step());
        if (!row) return out;
        out.push_back(id_from<Hash>(m.chain_at.blob(0)));
    }
}

Result<bool> Replica::is_forked(const StreamId& stream, const ReplicaId& replica) {
    const auto s = impl_->stream_nos.find(stream);
    const auto r = impl_->replica_nos.find(replica);
    return s != impl_->stream_nos.end() && r != impl_->replica_nos.end() &&
           impl_->forked.contains(chain_key(s->second, r->second));
}

Result<std::vector<LogEntry>> Replica::chain_after(const StreamId& stream, const ReplicaId& replica, Seq after,
                                                   std::size_t bytes_max) {
    auto& m = *impl_;
    std::vector<LogEntry> out;
    const auto s = m.stream_nos.find(stream);
    const auto r = m.replica_nos.find(replica);
    if (s == m.stream_nos.end() || r == m.replica_nos.end()) return out;
    std::size_t bytes = 0;
    const bool is_forked = m.forked.contains(chain_key(s->second, r->second));
    // What is not all here cannot be given: from behind it. Of a forked chain one branch may be here whole, beside
    // what was dropped of the other.
    if (m.has_dropped && !is_forked) {
        TRY(auto gone,
            m.db->prepare("SELECT coalesce(max(seq), 0) FROM log WHERE stream = ?1 AND replica = ?2 AND seq > "
                          "?3 AND length(body) = 0",
                          false));
        gone.bind(1, s->second).bind(2, r->second).bind(3, after.value);
        TRY_VOID(gone.step());
        after.value = std::max(after.value, gone.unsigned_integer(0));
    }
    OpenEnds ends(*this);
    m.chain_next.bind(1, s->second).bind(2, r->second).bind(3, after.value);
    for (;;) {
        TRY(const bool row, m.chain_next.step());
        if (!row) break;
        // The branches of a fork at one place are not parted: whoever goes on from that seq would miss one.
        if (bytes >= bytes_max && m.chain_next.unsigned_integer(1) != out.back().seq.value && !ends.any()) break;
        if (m.chain_next.blob(5).empty()) continue;
        LogEntry e;
        e.lsn = Lsn{m.chain_next.unsigned_integer(0)};
        e.stream_no = s->second;
        e.replica = replica;
        e.seq = Seq{m.chain_next.unsigned_integer(1)};
        e.hash = id_from<Hash>(m.chain_next.blob(2));
        e.origin = static_cast<Origin>(m.chain_next.integer(3));
        e.received_ms = m.chain_next.integer(4);
        e.packed = std::string(m.chain_next.blob(5));
        e.signature = std::string(m.chain_next.blob(6));
        TRY_VOID(m.note_branch(e));
        ends.add(e);
        bytes += e.packed.size();
        out.push_back(std::move(e));
    }
    m.chain_next.reset();
    ends.sign(out);
    return out;
}

/// Of a forked chain: which branch the entry goes on with.
Result<> Replica::Impl::note_branch(LogEntry& e) {
    e.is_forked = forked.contains(chain_key(e.stream_no, replica_nos[e.replica]));
    if (!e.is_forked) return {};
    std::string bytes;
    TRY_VOID(packer.unpack(e.packed, bytes));
    TRY(const auto header, Commit::decode_header(bytes));
    e.prev = header.prev;
    return {};
}

namespace {

/// What a reader has already: of a plain chain everything up to a seq, of a forked one the commits of one branch.
struct Known {
    std::unordered_map<std::uint64_t, std::uint64_t> through;  ///< seq by chain_key
    std::unordered_set<std::uint64_t> lsns;
    bool has(std::uint64_t chain, std::uint64_t seq, std::uint64_t lsn) const {
        const auto it = through.find(chain);
        return (it != through.end() && seq <= it->second) || lsns.contains(lsn);
    }
};

}  // namespace

Result<std::vector<LogEntry>> Replica::log_after(Lsn after, std::span<const StreamId> wanted, std::size_t bytes_max,
                                                 Lsn& through, std::span<const ChainHead> known_heads) {
    auto& m = *impl_;
    Known known;
    for (const auto& k : known_heads) {
        const auto s = m.stream_nos.find(k.stream);
        const auto r = m.replica_nos.find(k.replica);
        if (s == m.stream_nos.end() || r == m.replica_nos.end()) continue;
        auto seq = k.seq;
        auto hash = k.hash;
        TRY(auto lsn, m.lsn_of(s->second, r->second, seq, hash));
        const auto key = chain_key(s->second, r->second);
        if (lsn != 0 && !m.forked.contains(key)) known.through[key] = seq.value;
        // Of a forked chain: what the reader's commit follows.
        while (lsn != 0 && m.forked.contains(key)) {
            known.lsns.insert(lsn);
            Loaded* l = nullptr;
            TRY_VOID(m.load_commit(lsn, l));
            hash = l->commit.header.prev;
            seq.value -= 1;
            TRY(lsn, m.lsn_of(s->second, r->second, seq, hash));
        }
    }
    std::vector<bool> in_scope(m.stream_nos.size() + 1, false);
    std::vector<int> numbers;
    for (const auto& id : wanted)
        if (const auto it = m.stream_nos.find(id); it != m.stream_nos.end()) {
            in_scope[static_cast<std::size_t>(it->second)] = true;
            numbers.push_back(it->second);
        }
    // Few streams: walk each chain back from its head, in the index alone. Many: read the log on from `after`.
    std::vector<std::uint64_t> lsns;
    const bool by_chain = numbers.size() * 4 < m.head_lsn - std::min(m.head_lsn, after.value);
    if (by_chain) {
        TRY(auto next, m.db->prepare(kNextChain, false));
        TRY(auto back,
            m.db->prepare("SELECT lsn, seq FROM log WHERE stream = ?1 AND replica = ?2 ORDER BY seq DESC, lsn DESC",
                          false));
        TRY(auto since,
            m.db->prepare("SELECT lsn, seq FROM log WHERE lsn > ?3 AND +stream = ?1 AND +replica = ?2", false));
        for (const auto stream : numbers)
            TRY_VOID(each_chain(next, stream, [&](int replica) -> Result<> {
                const auto key = chain_key(stream, replica);
                const bool forked = m.forked.contains(key);
                TRY(const auto head, m.chain_head(stream, replica));
                // In a forked chain a lower seq may be newer: all of it is walked, or all that is new, whichever is
                // less.
                if (forked && m.head_lsn - std::min(m.head_lsn, after.value) < head.seq.value) {
                    since.bind(1, stream).bind(2, replica).bind(3, after.value);
                    for (;;) {
                        TRY(const bool row, since.step());
                        if (!row) return {};
                        const auto lsn = since.unsigned_integer(0);
                        if (!known.has(key, since.unsigned_integer(1), lsn)) lsns.push_back(lsn);
                    }
                }
                back.bind(1, stream).bind(2, replica);
                for (;;) {
                    TRY(const bool row, back.step());
                    if (!row) return {};
                    const auto lsn = back.unsigned_integer(0);
                    const bool is_new = lsn > after.value && !known.has(key, back.unsigned_integer(1), lsn);
                    if (is_new)
                        lsns.push_back(lsn);
                    else if (!forked)
                        break;  // without a fork, what has a lower seq was admitted earlier
                }
                back.reset();
                return {};
            }));
        std::sort(lsns.begin(), lsns.end());
    }

    std::vector<LogEntry> out;
    std::size_t bytes = 0, at = 0;
    through = Lsn{m.head_lsn};
    TRY(auto read,
        m.db->prepare(
            by_chain ? "SELECT lsn, stream, replica, seq, hash, origin, received_ms, body, sig FROM log WHERE lsn = ?1"
                     : "SELECT lsn, stream, replica, seq, hash, origin, received_ms, body, sig FROM log WHERE lsn > ?1 "
                       "ORDER BY lsn",
            false));
    if (!by_chain) read.bind(1, after.value);
    for (;;) {
        if (by_chain) {
            if (at == lsns.size()) return out;
            read.reset();
            read.bind(1, lsns[at++]);
        }
        TRY(const bool row, read.step());
        if (!row) {
            if (by_chain) return fail(Errc::corrupt, "日志索引指向的提交不在 / log: an index entry without its commit");
            return out;
        }
        const auto stream = static_cast<int>(read.integer(1)), replica = static_cast<int>(read.integer(2));
        if (!in_scope[static_cast<std::size_t>(stream)]) continue;
        if (known.has(chain_key(stream, replica), read.unsigned_integer(3), read.unsigned_integer(0))) continue;
        if (bytes >= bytes_max) {
            through = Lsn{read.unsigned_integer(0) - 1};
            return out;
        }
        LogEntry e;
        e.lsn = Lsn{read.unsigned_integer(0)};
        e.stream_no = stream;
        e.replica = m.replica_ids[replica];
        e.seq = Seq{read.unsigned_integer(3)};
        e.hash = id_from<Hash>(read.blob(4));
        e.origin = static_cast<Origin>(read.integer(5));
        e.received_ms = read.integer(6);
        e.packed = std::string(read.blob(7));
        if (e.packed.empty()) continue;  // dropped; a hub drops nothing
        e.signature = std::string(read.blob(8));
        TRY_VOID(m.note_branch(e));
        bytes += e.packed.size();
        out.push_back(std::move(e));
    }
}

}  // namespace taizhang
