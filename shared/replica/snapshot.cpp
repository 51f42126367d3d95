// A stream's rows as its newest checkpoint covers them: what a new device begins with instead of the history.
//
//   u8 format 1, Stream, str checkpoint commit (packed)
//   varint n, n × replica b16
//   varint n, n × tip      {varint replica, varint seq, hash b32, seq × 8 bytes}   of every chain: the device's floors,
//                          with the first bytes of the hash of each commit up to there
//   varint n, n × version  {varint replica, varint seq, hash b32}     commits that stand somewhere in a plain row
//   varint n, n × {str entity, varint n, n × {str id, varint state, fields, flow, groups}}
//       fields {varint field name, value}… 0; flow and group {varint version + 1, varint time}, groups with
//       {varint group name} before each, closed by 0; names are indices + 1 into the table that follows
//   varint n, n × str name
//   varint n, n × {str commit (packed), u8 flags: 1 a checkpoint took its time, 2 it waits}
//   varint n, n × {str entity, str id}                                rows that are folded from those commits
//
// A hub that has all of the log makes it; what the device then has must give the digest that the city signed.
#include "replica/impl.h"

#include <algorithm>
#include <set>

namespace taizhang {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kUnstamped = 1, kWaits = 2;
constexpr std::size_t kMarkBytes = 8;

struct Version {
    ReplicaId replica;
    Seq seq;
    Hash hash;
};
struct Past {
    std::string packed;
    std::uint8_t flags = 0;
};
struct Standing {
    std::size_t version = 0;
    std::uint64_t time = 0;
};
struct PlainRow {
    std::string id;
    int state = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::optional<Standing> flow;
    std::vector<std::pair<std::string, Standing>> groups;
};

/// Distinct things by number, in order of first use.
template <class K>
class Numbers {
public:
    std::size_t of(const K& key) {
        const auto [it, is_new] = index_.try_emplace(key, list_.size());
        if (is_new) list_.push_back(key);
        return it->second;
    }
    const std::vector<K>& list() const { return list_; }

private:
    std::map<K, std::size_t> index_;
    std::vector<K> list_;
};

Error malformed() { return fail(Errc::protocol, "服务器发来的状态有误 / the hub's state makes no sense"); }

}  // namespace

struct Replica::Impl::Snapshot {
    StreamId stream;
    std::string checkpoint;  ///< packed
    std::vector<Tip> tips;
    std::vector<std::string> marks;  ///< by tip
    std::vector<Version> versions;
    std::vector<std::pair<std::string, std::vector<PlainRow>>> plain;  ///< by entity
    std::vector<Past> past;
    std::vector<std::pair<std::string, std::string>> folded;  ///< entity, id

    // While it is made.
    std::unordered_map<std::uint64_t, std::size_t> version_of_lsn;
    std::unordered_set<std::uint64_t> past_lsns;
    std::size_t bytes = 0;

    std::string encode() const;
    static Result<Snapshot> decode(std::string_view bytes);
};

std::string Replica::Impl::Snapshot::encode() const {
    std::string out, rows;
    Numbers<ReplicaId> replicas;
    Numbers<std::string> names;
    const auto place = [&](Writer& w, const auto& v) {
        w.varint(replicas.of(v.replica));
        w.varint(v.seq.value);
        w.raw(view(v.hash.bytes));
    };
    std::string where;
    Writer p(where);
    p.varint(tips.size());
    for (std::size_t i = 0; i < tips.size(); ++i) {
        place(p, tips[i]);
        p.raw(marks[i]);
    }
    p.varint(versions.size());
    for (const auto& v : versions) place(p, v);
    Writer r(rows);
    r.varint(plain.size());
    for (const auto& [entity, list] : plain) {
        r.str(entity);
        r.varint(list.size());
        for (const auto& row : list) {
            r.str(row.id);
            r.varint(static_cast<std::uint64_t>(row.state));
            for (const auto& [name, value] : row.fields) {
                r.varint(names.of(name) + 1);
                r.raw(value);
            }
            r.varint(0);
            r.varint(row.flow ? row.flow->version + 1 : 0);
            if (row.flow) r.varint(row.flow->time);
            for (const auto& [name, standing] : row.groups) {
                r.varint(names.of(name) + 1);
                r.varint(standing.version);
                r.varint(standing.time);
            }
            r.varint(0);
        }
    }
    Writer w(out);
    w.u8(kFormat);
    w.str(stream.unit);
    w.u8(static_cast<std::uint8_t>(stream.audience));
    w.str(checkpoint);
    w.varint(replicas.list().size());
    for (const auto& id : replicas.list()) w.raw(view(id.bytes));
    w.varint(names.list().size());
    for (const auto& name : names.list()) w.str(name);
    w.raw(where);
    w.raw(rows);
    w.varint(past.size());
    for (const auto& x : past) {
        w.str(x.packed);
        w.u8(x.flags);
    }
    w.varint(folded.size());
    for (const auto& [entity, id] : folded) {
        w.str(entity);
        w.str(id);
    }
    return out;
}

Result<Replica::Impl::Snapshot> Replica::Impl::Snapshot::decode(std::string_view bytes) {
    Reader r(bytes);
    Snapshot s;
    if (r.u8() != kFormat) r.poison();
    s.stream.unit = std::string(r.str());
    const auto audience = r.u8();
    s.stream.audience = static_cast<Audience>(audience);
    if (s.stream.unit.empty() || s.stream.unit.size() > 64 || audience > 1) r.poison();
    s.checkpoint = std::string(r.str());
    std::vector<ReplicaId> replicas;
    for (auto n = r.size(); n > 0 && r.ok(); --n) replicas.push_back({r.array<16>()});
    std::vector<std::string> names;
    for (auto n = r.size(); n > 0 && r.ok(); --n) names.emplace_back(r.str());
    const auto name = [&](std::uint64_t number) {
        if (number == 0 || number > names.size()) {
            r.poison();
            return std::string();
        }
        return names[number - 1];
    };
    const auto place = [&](auto& v) {
        const auto replica = r.varint();
        if (replica >= replicas.size()) return r.poison();
        v.replica = replicas[replica];
        v.seq = Seq{r.varint()};
        v.hash.bytes = r.array<32>();
    };
    for (auto n = r.size(); n > 0 && r.ok(); --n) {
        place(s.tips.emplace_back());
        if (s.tips.back().seq.value > r.remaining() / kMarkBytes) r.poison();
        s.marks.emplace_back(r.raw(s.tips.back().seq.value * kMarkBytes));
    }
    for (auto n = r.size(); n > 0 && r.ok(); --n) place(s.versions.emplace_back());
    const auto standing = [&](std::uint64_t version) {
        if (version >= s.versions.size()) r.poison();
        return Standing{static_cast<std::size_t>(version), r.varint()};
    };
    for (auto n = r.size(); n > 0 && r.ok(); --n) {
        auto& [entity, list] = s.plain.emplace_back();
        entity = std::string(r.str());
        for (auto m = r.size(); m > 0 && r.ok(); --m) {
            auto& row = list.emplace_back();
            row.id = std::string(r.str());
            row.state = static_cast<int>(r.varint() & 0xffff);
            for (auto field = r.varint(); field != 0 && r.ok(); field = r.varint()) {
                const auto before = r.offset();
                ValueView::read(r);
                if (r.ok()) row.fields.emplace_back(name(field), bytes.substr(before, r.offset() - before));
            }
            if (const auto flow = r.varint(); flow != 0) row.flow = standing(flow - 1);
            for (auto group = r.varint(); group != 0 && r.ok(); group = r.varint()) {
                auto label = name(group);
                const auto version = r.varint();
                row.groups.emplace_back(std::move(label), standing(version));
            }
        }
    }
    for (auto n = r.size(); n > 0 && r.ok(); --n) {
        auto& x = s.past.emplace_back();
        x.packed = std::string(r.str());
        x.flags = r.u8();
    }
    for (auto n = r.size(); n > 0 && r.ok(); --n) {
        auto& [entity, id] = s.folded.emplace_back();
        entity = std::string(r.str());
        id = std::string(r.str());
    }
    if (!r.done()) return malformed();
    return s;
}

// ------------------------------------------------------------------ making one

namespace {

/// How far a checkpoint covers each chain of its stream; nothing when that cannot be told.
Result<bool> tips_at(sqlite::Database& db, int stream, std::int64_t at_ms, std::map<int, Seq>& out) {
    TRY(auto s, db.prepare("SELECT h.replica, max(h.seq) FROM horizon h WHERE h.stream = ?1 AND h.at_ms <= ?2 GROUP BY "
                           "h.replica",
                           false));
    s.bind(1, stream).bind(2, at_ms);
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return !out.empty();
        out[static_cast<int>(s.integer(0))] = Seq{s.unsigned_integer(1)};
    }
}

/// The first bytes of the hash of each commit of a chain that is not forked.
Result<std::string> marks_of(sqlite::Database& db, int stream, int replica, Seq through) {
    TRY(auto s,
        db.prepare("SELECT hash FROM log WHERE stream = ?1 AND replica = ?2 AND seq <= ?3 ORDER BY seq", false));
    s.bind(1, stream).bind(2, replica).bind(3, through.value);
    std::string out;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        out += s.blob(0).substr(0, kMarkBytes);
    }
    if (out.size() != through.value * kMarkBytes) return fail(Errc::corrupt, "log: a chain with a gap");
    return out;
}

std::uint64_t row_mark(const RowTable& table, std::string_view id) { return row_hash(table, 0, id); }

}  // namespace

/// Tips, and the rows that a commit above them touches: they are given as history up to the tips. False: no state can
/// be given.
Result<bool> Replica::Impl::gather(Snapshot& out, int stream) {
    TRY(auto newest,
        db->prepare("SELECT l.body, c.at_ms FROM checkpoint c JOIN log l ON l.lsn = c.lsn WHERE c.stream = "
                    "?1",
                    false));
    newest.bind(1, stream);
    TRY(const bool any, newest.step());
    if (!any) return false;
    out.checkpoint = std::string(newest.blob(0));
    const auto at_ms = newest.integer(1);
    newest.reset();
    std::map<int, Seq> tips;
    TRY(const bool known, tips_at(*db, stream, at_ms, tips));
    if (!known) return false;
    std::unordered_set<std::uint64_t> later;
    TRY(auto chains, db->prepare("SELECT DISTINCT replica FROM log WHERE stream = ?1", false));
    chains.bind(1, stream);
    for (;;) {
        TRY(const bool row, chains.step());
        if (!row) break;
        const auto replica = static_cast<int>(chains.integer(0));
        if (forked.contains(chain_key(stream, replica))) return false;
        const auto tip = tips.contains(replica) ? tips[replica] : Seq{0};
        chain_next.bind(1, stream).bind(2, replica).bind(3, tip.value == 0 ? 0 : tip.value - 1);
        bool found = tip.value == 0;
        for (;;) {
            TRY(const bool more, chain_next.step());
            if (!more) break;
            if (chain_next.unsigned_integer(1) == tip.value) {
                found = true;
                Tip t{replica_ids[replica], tip, {}};
                std::memcpy(t.hash.bytes.data(), chain_next.blob(2).data(), 32);
                out.tips.push_back(t);
                TRY(auto marks, marks_of(*db, stream, replica, tip));
                out.bytes += marks.size();
                out.marks.push_back(std::move(marks));
                continue;
            }
            Loaded* l = nullptr;
            TRY_VOID(load_commit(chain_next.unsigned_integer(0), l));
            for (const auto& map : name_maps(l->commit))
                for (const auto& r : l->commit.rows)
                    if (map.version && r.entity == map.entity) later.insert(row_mark(*map.table, r.id));
        }
        if (!found) return false;
    }
    for (const auto& t : tables) {
        out.plain.emplace_back(t->binding().name, std::vector<PlainRow>{});
        TRY_VOID(t->each_row(stream, [&](const RowTable::Stored& row) { return gather_row(out, *t, row, later); }));
        if (out.plain.back().second.empty()) out.plain.pop_back();
    }
    if (in_wait.empty()) return true;
    TRY(auto waits,
        db->prepare("SELECT w.lsn, l.body FROM waiting w JOIN log l USING(lsn) WHERE l.stream = ?1", false));
    waits.bind(1, stream);
    for (;;) {
        TRY(const bool row, waits.step());
        if (!row) return true;
        Loaded* l = nullptr;
        TRY_VOID(load_commit(waits.unsigned_integer(0), l));
        const auto tip = tips.find(replica_nos[l->commit.header.replica]);
        if (tip != tips.end() && l->commit.header.seq <= tip->second)
            out.past.push_back({std::string(waits.blob(1)), kWaits});
    }
}

Result<> Replica::Impl::gather_row(Snapshot& out, RowTable& table, const RowTable::Stored& row,
                                   const std::unordered_set<std::uint64_t>& later) {
    const auto& b = table.binding();
    if (row.meta.complex || !row.is_exact || later.contains(row_mark(table, row.id))) {
        std::vector<RowHistory::Item> items;
        TRY_VOID(history(row.meta.head, row.meta.head_index, items));
        bool is_covered = false;
        TRY(auto body, db->prepare("SELECT body FROM log WHERE lsn = ?1", false));
        for (const auto& i : items) {
            Loaded* l = nullptr;
            TRY_VOID(load_commit(i.lsn, l));
            const auto& h = l->commit.header;
            const auto tip =
                std::find_if(out.tips.begin(), out.tips.end(), [&](const auto& t) { return t.replica == h.replica; });
            if (tip == out.tips.end() || tip->seq < h.seq) continue;
            is_covered = true;
            if (!out.past_lsns.insert(i.lsn).second) continue;
            body.bind(1, i.lsn);
            TRY_VOID(body.step());
            out.past.push_back({std::string(body.blob(0)), unstamped.contains(i.lsn) ? kUnstamped : std::uint8_t{0}});
            out.bytes += out.past.back().packed.size();
            body.reset();
        }
        if (is_covered) out.folded.emplace_back(b.name, row.id);
        return {};
    }
    PlainRow plain;
    plain.id = row.id;
    plain.state = row.meta.state;
    for (const auto& [field, value] : row.fields) {
        plain.fields.emplace_back(b.fields[static_cast<std::size_t>(field)], value);
        out.bytes += value.size();
    }
    TRY(auto at, db->prepare("SELECT replica, seq, hash FROM log WHERE lsn = ?1", false));
    const auto standing = [&](const VersionRef& ref) -> Result<Standing> {
        const auto [it, is_new] = out.version_of_lsn.try_emplace(ref.lsn, out.versions.size());
        if (is_new) {
            at.bind(1, ref.lsn);
            TRY(const bool here, at.step());
            if (!here) return fail(Errc::corrupt, "snapshot: a row stands on nothing");
            auto& v = out.versions.emplace_back();
            v.replica = replica_ids[static_cast<int>(at.integer(0))];
            v.seq = Seq{at.unsigned_integer(1)};
            std::memcpy(v.hash.bytes.data(), at.blob(2).data(), 32);
            at.reset();
        }
        return Standing{it->second, ref.time};
    };
    if (row.meta.flow.lsn != 0) {
        TRY(plain.flow, standing(row.meta.flow));
    }
    for (std::size_t g = 0; g < row.meta.groups.size(); ++g) {
        if (row.meta.groups[g].lsn == 0) continue;
        TRY(const auto v, standing(row.meta.groups[g]));
        plain.groups.emplace_back(b.groups[g], v);
    }
    out.bytes += row.id.size() + 16;
    out.plain.back().second.push_back(std::move(plain));
    return {};
}

// ------------------------------------------------------------------ taking one

class Replica::Impl::SnapshotTaker {
public:
    SnapshotTaker(Impl& m, const Snapshot& s) : m_(m), s_(s) {}

    Result<> take() {
        std::string bytes;
        TRY_VOID(m_.packer.unpack(s_.checkpoint, bytes));
        Commit c;
        TRY_VOID(c.decode(bytes));
        const auto checkpoint = checkpoint_of(c);
        const auto* author = m_.control.cert(c.header.replica);
        if (!checkpoint || c.header.stream != s_.stream || !author || author->unit != m_.control.root())
            return fail(Errc::protocol,
                        "服务器发来的状态没有市级的检查点 / the hub's state has no checkpoint of the city");
        TRY(stream_, m_.stream_no(s_.stream));
        TRY_VOID(take_places());
        for (const auto& [entity, rows] : s_.plain) {
            auto* table = m_.table_named(entity);
            if (!table) return malformed();
            for (const auto& row : rows) TRY_VOID(take_plain(*table, row));
        }
        TRY_VOID(take_past());
        TRY_VOID(take_folded());
        StreamDigest digest(s_.tips);
        for (const auto& [key, record] : records_) digest.add(record);
        if (digest.finish() != checkpoint->digest)
            return fail(Errc::protocol, s_.stream.str() + " 的状态与市级检查点不符,没有采用 / the state of " +
                                            s_.stream.str() + " is not what the city signed: not taken");
        return {};
    }

private:
    Result<> take_places() {
        for (std::size_t i = 0; i < s_.tips.size(); ++i) {
            const auto& t = s_.tips[i];
            TRY(const int replica, m_.replica_no(t.replica));
            TRY_VOID(m_.insert_stub(stream_, replica, t.seq, t.hash));
            TRY(auto s, m_.db->prepare("INSERT INTO floor(stream, replica, seq, hash, marks) VALUES(?1, ?2, ?3, "
                                       "?4, ?5)",
                                       false));
            s.bind(1, stream_).bind(2, replica).bind(3, t.seq.value).bind_blob(4, taizhang::view(t.hash.bytes));
            s.bind_blob(5, s_.marks[i]);
            TRY_VOID(s.run());
            if (!m_.floors.emplace(chain_key(stream_, replica), t.seq).second) return malformed();
        }
        for (const auto& v : s_.versions) {
            TRY(const int replica, m_.replica_no(v.replica));
            const auto floor = m_.floors.find(chain_key(stream_, replica));
            if (floor == m_.floors.end() || floor->second < v.seq) return malformed();
            TRY(const auto lsn, m_.insert_stub(stream_, replica, v.seq, v.hash));
            lsns_.push_back(lsn);
        }
        return {};
    }

    /// Straight into the table: its history is elsewhere.
    Result<> take_plain(RowTable& table, const PlainRow& row) {
        const auto& b = table.binding();
        RowMeta meta;
        meta.dropped = true;
        meta.head_index = RowMeta::kUnlinked;
        meta.state = row.state;
        meta.groups.assign(b.groups.size(), {});
        const auto ref = [&](const Standing& s) {
            const VersionRef r{lsns_[s.version], s.time};
            meta.head = std::max(meta.head, r.lsn);
            return r;
        };
        if (row.flow) meta.flow = ref(*row.flow);
        for (const auto& [name, standing] : row.groups) {
            const auto g = b.group(name);
            if (g < 0) return malformed();
            meta.groups[static_cast<std::size_t>(g)] = ref(standing);
        }
        RowTable::Stored stored{row.id, meta, {}, true};
        std::vector<Cell> cells;
        for (const auto& [name, value] : row.fields) {
            const auto f = b.field(name);
            if (f < 0) return malformed();
            cells.push_back({f, value});
            stored.fields.emplace_back(f, value);
        }
        if (meta.head == 0) return malformed();
        TRY(const bool inserted, table.insert(stream_, row.id, cells, meta));
        if (!inserted) return malformed();
        TRY(auto record, m_.record_of(table, stored));
        records_[{b.number, row.id}] = std::move(record);
        return {};
    }

    Result<> take_past() {
        for (const auto& p : s_.past) {
            m_.arena.emplace_back();
            TRY_VOID(m_.packer.unpack(p.packed, m_.arena.back()));
            Commit c;
            TRY_VOID(c.decode(m_.arena.back()));
            TRY(const int replica, m_.replica_no(c.header.replica));
            const auto floor = m_.floors.find(chain_key(stream_, replica));
            if (c.header.stream != s_.stream || floor == m_.floors.end() || floor->second < c.header.seq ||
                !m_.control.cert(c.header.replica))
                return malformed();
            TRY(const auto lsn, m_.insert_past(stream_, c, p.packed));
            if (p.flags & kUnstamped) TRY_VOID(m_.mark_unstamped(lsn));
            if (p.flags & kWaits) {
                TRY_VOID(m_.wait_for(lsn, Wait{}));  // for what, it finds when it is tried
                continue;
            }
            for (std::uint32_t i = 0; i < c.rows.size(); ++i)
                items_[{std::string(c.names[c.rows[i].entity]), std::string(c.rows[i].id)}].push_back({lsn, i});
        }
        return {};
    }

    Result<> take_folded() {
        for (const auto& key : s_.folded) {
            auto* table = m_.table_named(key.first);
            const auto items = items_.find(key);
            if (!table || items == items_.end()) return malformed();
            m_.arena.push_back(key.second);
            TRY(const bool whole, m_.link_row(*table, stream_, m_.arena.back(), items->second));
            if (!whole) return malformed();
            TRY(const auto h, m_.fold_items(*table, items->second));
            TRY(auto record, m_.record_of(*table, key.second, h));
            if (!records_.try_emplace({table->binding().number, key.second}, std::move(record)).second)
                return malformed();
        }
        return m_.flush();
    }

    Impl& m_;
    const Snapshot& s_;
    int stream_ = 0;
    std::vector<std::uint64_t> lsns_;  ///< by version
    std::map<std::pair<std::string, std::string>, std::vector<RowHistory::Item>> items_;
    std::map<std::pair<int, std::string>, std::string> records_;
};

Result<bool> Replica::take_snapshot(std::string_view bytes) {
    auto& m = *impl_;
    TRY(const auto s, Impl::Snapshot::decode(bytes));
    TRY(const auto here, commits_in(s.stream));
    if (here > 0) return false;
    TRY_VOID(m.batch([&]() -> Result<> {
        // Straight into the tables goes only what was not touched before.
        TRY_VOID(m.flush());
        TRY_VOID(Impl::SnapshotTaker(m, s).take());
        m.past_arrived = true;
        if (m.has_dropped) return {};
        m.has_dropped = true;
        return m.set_fact("dropped", "1");
    }));
    return true;
}

Result<std::string> Replica::make_snapshot(const StreamId& stream, std::size_t bytes_max) {
    auto& m = *impl_;
    const auto it = m.stream_nos.find(stream);
    // A program that cannot read all of it has no state to give: the log is all that it holds whole.
    if (it == m.stream_nos.end() || m.has_dropped || m.control.has_newer()) return std::string();
    Impl::Snapshot s;
    s.stream = stream;
    TRY(const bool can, m.gather(s, it->second));
    if (!can || s.bytes > bytes_max) return std::string();
    auto bytes = s.encode();
    if (bytes.size() > bytes_max) return std::string();
    return bytes;
}

}  // namespace taizhang
