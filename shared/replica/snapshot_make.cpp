// A hub that has all of the log makes a state; the layout: snapshot.h.
#include "replica/impl.h"
#include "replica/snapshot.h"

#include <algorithm>

namespace taizhang {
namespace {

using namespace snapshot;

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

std::uint64_t row_mark(const RowTable& table, std::string_view id) { return row_hash(table, 0, id); }

/// Where a commit stands that the checkpoint covers.
struct Covered {
    std::size_t replica;  ///< its number in the state
    Seq seq;
};

struct PackedPast {
    std::string packed;
    std::uint8_t flags = 0;
};

}  // namespace

Result<> Replica::Impl::each_commit(int stream, int replica, Seq through,
                                    const std::function<void(std::uint64_t, Seq, const Hash&)>& f) {
    TRY(auto s, db->prepare("SELECT lsn, seq, hash FROM log WHERE stream = ?1 AND replica = ?2 AND seq <= ?3 ORDER BY "
                            "seq",
                            false));
    s.bind(1, stream).bind(2, replica).bind(3, through.value);
    for (std::uint64_t count = 0;; ++count) {
        TRY(const bool row, s.step());
        if (!row) {
            if (count == through.value) return {};
            return fail(Errc::corrupt, "日志的提交链缺了一段 / log: a chain with a gap");
        }
        Hash hash;
        s.blob(2).copy(reinterpret_cast<char*>(hash.bytes.data()), hash.bytes.size());
        f(s.unsigned_integer(0), Seq{s.unsigned_integer(1)}, hash);
    }
}

/// The first bytes of the hash of each commit.
Result<std::string> Replica::Impl::marks_of(int stream, int replica, Seq through) {
    std::string out;
    TRY_VOID(each_commit(stream, replica, through, [&](auto, auto, const Hash& hash) {
        out += taizhang::view(hash.bytes).substr(0, kMarkBytes);
    }));
    return out;
}

class Replica::Impl::SnapshotMaker {
public:
    SnapshotMaker(Impl& m, int stream) : m_(m), stream_(stream), where_(where_bytes_), rows_(row_bytes_) {}

    /// False: no state can be given.
    Result<bool> gather() {
        TRY(const auto at_ms, newest_checkpoint());
        if (!at_ms) return false;
        std::map<int, Seq> tips;
        TRY(const bool known, tips_at(*m_.db, stream_, *at_ms, tips));
        if (!known) return false;
        TRY(const bool whole, gather_chains(tips));
        if (!whole) return false;
        TRY_VOID(gather_unstamped());
        for (const auto& t : m_.tables) TRY_VOID(gather_table(*t));
        TRY_VOID(gather_waiting(tips));
        return true;
    }

    /// About what encode() will give, in bytes.
    std::size_t size() const { return where_bytes_.size() + row_bytes_.size() + past_bytes_; }

    std::string encode() const {
        std::string out;
        out.reserve(size() + 4096);
        Writer w(out);
        w.u8(kFormat);
        w.str(m_.stream_ids[stream_].unit);
        w.u8(static_cast<std::uint8_t>(m_.stream_ids[stream_].audience));
        w.str(checkpoint_);
        w.str(signature_);
        w.varint(replicas_.list().size());
        for (const auto no : replicas_.list()) w.raw(view(m_.replica_ids[no].bytes));
        w.varint(names_.list().size());
        for (const auto& name : names_.list()) w.str(name);
        w.raw(where_bytes_);
        w.varint(entities_);
        w.raw(row_bytes_);
        w.varint(past_.size());
        for (const auto& x : past_) {
            w.str(x.packed);
            w.u8(x.flags);
        }
        w.varint(folded_.size());
        for (const auto& [entity, id] : folded_) {
            w.str(entity);
            w.str(id);
        }
        return out;
    }

private:
    Result<std::optional<std::int64_t>> newest_checkpoint() {
        TRY(auto s, m_.db->prepare("SELECT l.body, c.at_ms, l.sig FROM checkpoint c JOIN log l ON l.lsn = c.lsn "
                                   "WHERE c.stream = ?1",
                                   false));
        s.bind(1, stream_);
        TRY(const bool any, s.step());
        if (!any) return std::optional<std::int64_t>();
        checkpoint_ = s.blob(0);
        signature_ = s.blob(2);
        if (m_.control.is_signed() && signature_.empty()) return std::optional<std::int64_t>();
        return std::optional(s.integer(1));
    }

    void place(Writer& w, int replica, Seq seq, std::string_view hash) {
        w.varint(replicas_.of(replica));
        w.varint(seq.value);
        w.raw(hash);
    }

    /// The tips, and which rows a commit above them touches: those are given as history up to the tips.
    Result<bool> gather_chains(const std::map<int, Seq>& tips) {
        TRY(auto chains, m_.db->prepare("SELECT DISTINCT replica FROM log WHERE stream = ?1", false));
        chains.bind(1, stream_);
        std::string bytes;
        Writer w(bytes);
        for (;;) {
            TRY(const bool row, chains.step());
            if (!row) break;
            const auto replica = static_cast<int>(chains.integer(0));
            if (m_.forked.contains(chain_key(stream_, replica))) return false;
            const auto at = tips.find(replica);
            const auto tip = at == tips.end() ? Seq{0} : at->second;
            m_.chain_next.bind(1, stream_).bind(2, replica).bind(3, tip.value == 0 ? 0 : tip.value - 1);
            bool found = tip.value == 0;
            for (;;) {
                TRY(const bool more, m_.chain_next.step());
                if (!more) break;
                if (m_.chain_next.unsigned_integer(1) != tip.value) {
                    TRY_VOID(note_later(m_.chain_next.unsigned_integer(0)));
                    continue;
                }
                found = true;
                tips_.emplace(replica, tip);
                place(w, replica, tip, m_.chain_next.blob(2));
                TRY_VOID(gather_covered(w, replica, tip));
            }
            if (!found) return false;
        }
        where_.varint(tips_.size());
        where_.raw(bytes);
        return true;
    }

    /// A chain's marks; and where its commits stand, because rows will name most of them.
    Result<> gather_covered(Writer& w, int replica, Seq tip) {
        const auto number = replicas_.of(replica);
        return m_.each_commit(stream_, replica, tip, [&](std::uint64_t lsn, Seq seq, const Hash& hash) {
            w.raw(view(hash.bytes).substr(0, kVersionBytes));
            covered_.emplace(lsn, Covered{number, seq});
        });
    }

    Result<> note_later(std::uint64_t lsn) {
        Loaded* l = nullptr;
        TRY_VOID(m_.load_commit(lsn, l));
        for (const auto& map : m_.name_maps(l->commit))
            for (const auto& r : l->commit.rows)
                if (map.version && r.entity == map.entity) later_.insert(row_mark(*map.table, r.id));
        return {};
    }

    bool is_covered(int replica, Seq seq) const {
        const auto tip = tips_.find(replica);
        return tip != tips_.end() && seq <= tip->second;
    }

    Result<> gather_unstamped() {
        TRY(auto all, m_.unstamped_in(stream_));
        std::erase_if(all, [&](const Tip& u) { return !is_covered(m_.replica_nos[u.replica], u.seq); });
        where_.varint(all.size());
        for (const auto& u : all) place(where_, m_.replica_nos[u.replica], u.seq, view(u.hash.bytes));
        return {};
    }

    Result<> gather_table(RowTable& table) {
        const auto& b = table.binding();
        std::string bytes;
        Writer w(bytes);
        std::size_t rows = 0;
        std::vector<std::size_t> fields, groups;  // their names' numbers
        TRY_VOID(table.each_row(stream_, [&](const RowTable::Stored& row) -> Result<> {
            if (row.meta.complex || !row.is_exact || later_.contains(row_mark(table, row.id)))
                return gather_past(table, row);
            if (fields.empty()) {
                for (const auto& name : b.fields) fields.push_back(names_.of(name) + 1);
                for (const auto& name : b.groups) groups.push_back(names_.of(name) + 1);
            }
            ++rows;
            w.str(row.id);
            w.varint(static_cast<std::uint64_t>(row.meta.state));
            for (const auto& [field, value] : row.fields) {
                w.varint(fields[static_cast<std::size_t>(field)]);
                w.raw(value);
            }
            w.varint(0);
            if (row.meta.flow.lsn == 0)
                w.varint(0);
            else
                TRY_VOID(standing(w, row.meta.flow, 1));
            for (std::size_t g = 0; g < row.meta.groups.size(); ++g) {
                if (row.meta.groups[g].lsn == 0) continue;
                w.varint(groups[g]);
                TRY_VOID(standing(w, row.meta.groups[g], 0));
            }
            w.varint(0);
            return {};
        }));
        if (rows == 0) return {};
        ++entities_;
        rows_.str(b.name);
        rows_.varint(rows);
        rows_.raw(bytes);
        return {};
    }

    /// The commit that stands, its replica's number plus `offset`, and its time.
    Result<> standing(Writer& w, const VersionRef& ref, std::uint64_t offset) {
        const auto at = covered_.find(ref.lsn);
        if (at == covered_.end())
            return fail(Errc::corrupt, "日志缺少记录所依据的提交 / snapshot: a row stands on nothing that is covered");
        w.varint(at->second.replica + offset);
        w.varint(at->second.seq.value);
        w.varint(ref.time);
        return {};
    }

    Result<> gather_past(RowTable& table, const RowTable::Stored& row) {
        std::vector<RowHistory::Item> items;
        TRY_VOID(m_.history(row.meta.head, row.meta.head_index, items));
        bool any = false;
        TRY(auto body, m_.db->prepare("SELECT body FROM log WHERE lsn = ?1", false));
        for (const auto& i : items) {
            Loaded* l = nullptr;
            TRY_VOID(m_.load_commit(i.lsn, l));
            const auto& h = l->commit.header;
            if (!is_covered(m_.replica_nos[h.replica], h.seq)) continue;
            any = true;
            if (!past_lsns_.insert(i.lsn).second) continue;
            body.bind(1, i.lsn);
            TRY_VOID(body.step());
            add_past(body.blob(0), 0);
            body.reset();
        }
        if (any) folded_.emplace_back(table.binding().name, row.id);
        return {};
    }

    Result<> gather_waiting(const std::map<int, Seq>& tips) {
        if (m_.in_wait.empty()) return {};
        TRY(auto waits,
            m_.db->prepare("SELECT w.lsn, l.body FROM waiting w JOIN log l USING(lsn) WHERE l.stream = ?1", false));
        waits.bind(1, stream_);
        for (;;) {
            TRY(const bool row, waits.step());
            if (!row) return {};
            Loaded* l = nullptr;
            TRY_VOID(m_.load_commit(waits.unsigned_integer(0), l));
            const auto tip = tips.find(m_.replica_nos[l->commit.header.replica]);
            if (tip != tips.end() && l->commit.header.seq <= tip->second) add_past(waits.blob(1), kWaits);
        }
    }

    void add_past(std::string_view packed, std::uint8_t flags) {
        past_.push_back({std::string(packed), flags});
        past_bytes_ += packed.size();
    }

    Impl& m_;
    int stream_;
    std::string checkpoint_, signature_;  ///< packed; the city's, under it
    std::string where_bytes_, row_bytes_;
    Writer where_, rows_;
    Numbers<int> replicas_;
    Numbers<std::string> names_;
    std::map<int, Seq> tips_;                             ///< by replica
    std::unordered_map<std::uint64_t, Covered> covered_;  ///< by lsn
    std::unordered_set<std::uint64_t> later_;             ///< marks of rows
    std::size_t entities_ = 0, past_bytes_ = 0;
    std::vector<PackedPast> past_;
    std::unordered_set<std::uint64_t> past_lsns_;
    std::vector<std::pair<std::string, std::string>> folded_;  ///< entity, id
};

Result<std::string> Replica::make_snapshot(const StreamId& stream, std::size_t bytes_max) {
    auto& m = *impl_;
    const auto it = m.stream_nos.find(stream);
    // A program that cannot read all of it has no state to give: the log is all that it holds whole.
    if (it == m.stream_nos.end() || m.has_dropped || m.control.has_newer()) return std::string();
    Impl::SnapshotMaker maker(m, it->second);
    TRY(const bool can, maker.gather());
    if (!can || maker.size() > bytes_max) return std::string();
    auto bytes = maker.encode();
    if (bytes.size() > bytes_max) return std::string();
    return bytes;
}

}  // namespace taizhang
