// Rows whose history is not all here: dropping it, asking for it, taking it back.
//
// A device drops the body of a commit once the city's backup holds it and every row that it touches is plain: what
// stands is in the tables, and all that went lies in its past. The log keeps place and hash. Only what is not an edit
// of what stands (a concurrent change, an old base, a list) needs such a row's past: it waits, and the row's commits
// are asked of the hub.
#include "replica/impl.h"

#include <algorithm>

namespace taizhang {
namespace {

constexpr std::size_t kDropBatch = 500;

/// A `prev` of a commit that no row's chain leads to yet.
std::string unlinked(const Commit& c) { return std::string(c.rows.size(), '\0'); }

}  // namespace

RowTable* Replica::Impl::table_named(std::string_view entity) {
    const auto it =
        std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t->binding().name == entity; });
    return it == tables.end() ? nullptr : it->get();
}

Result<> Replica::Impl::want_row(int stream, std::string_view entity, std::string_view id) {
    TRY(auto s, db->prepare("INSERT OR IGNORE INTO wanted_row(stream, entity, row) VALUES(?1, ?2, ?3)", false));
    s.bind(1, stream).bind(2, entity).bind_blob(3, id);
    return s.run();
}

Result<bool> Replica::Impl::is_waiting(std::uint64_t lsn) { return in_wait.contains(lsn); }

bool Replica::has_dropped() const { return impl_->has_dropped; }

// ------------------------------------------------------------------ dropping

/// Every row that the commit touches can do without it.
Result<bool> Replica::Impl::may_drop(const Commit& c, int stream) {
    for (const auto& map : name_maps(c)) {
        const auto entity = c.names[map.entity];
        if (!map.version && entity != kCheckpointEntity) return false;  // a newer program will want to read it
        for (const auto& row : c.rows) {
            if (row.entity != map.entity || !map.version) continue;
            TRY(const auto* t, touch(*map.table, stream, row.id, false));
            if (t->meta.head == 0 || t->meta.complex || t->fold) return false;
        }
    }
    return true;
}

Result<std::uint64_t> Replica::Impl::drop_chain(const ChainHead& chain, std::int64_t before_ms) {
    TRY(const int stream, stream_no(chain.stream));
    TRY(const int replica, replica_no(chain.replica));
    if (forked.contains(chain_key(stream, replica))) return 0;
    TRY(auto limit, db->prepare("SELECT b.seq FROM backed b JOIN log l USING(stream, replica, seq, hash) WHERE "
                                "b.stream = ?1 AND b.replica = ?2",
                                false));
    limit.bind(1, stream).bind(2, replica);
    TRY(const bool is_backed, limit.step());
    if (!is_backed) return 0;
    // The newest commit of a chain stays: the clock's high water and the next one's predecessor are read from it.
    const auto last = std::min(limit.unsigned_integer(0), chain.seq.value - 1);
    limit.reset();
    TRY(auto next, db->prepare("SELECT lsn, body FROM log WHERE stream = ?1 AND replica = ?2 AND seq <= ?3 AND "
                               "length(body) > 0 ORDER BY seq",
                               false));
    TRY(auto drop, db->prepare("UPDATE log SET body = x'' WHERE lsn = ?1", false));
    next.bind(1, stream).bind(2, replica).bind(3, last);
    std::vector<std::pair<std::uint64_t, std::size_t>> go;
    for (;;) {
        TRY(const bool row, next.step());
        if (!row || go.size() == kDropBatch) break;
        arena.emplace_back();
        TRY_VOID(packer.unpack(next.blob(1), arena.back()));
        Commit c;
        TRY_VOID(c.decode(arena.back(), Commit::Text::checked, options.knows.commit_format));
        if (c.is_newer) continue;  // a newer program will want to read it
        if (static_cast<std::int64_t>(c.header.time >> 16) >= before_ms) continue;
        const auto lsn = next.unsigned_integer(0);
        TRY(const bool waits, is_waiting(lsn));
        TRY(const bool may, may_drop(c, stream));
        if (waits || !may) continue;
        for (const auto& map : name_maps(c))
            for (const auto& r : c.rows) {
                if (r.entity != map.entity || !map.version) continue;
                TRY(auto* t, touch(*map.table, stream, r.id, false));
                t->meta.dropped = true;
                if (t->first_lsn == 0) t->first_lsn = lsn;
            }
        go.emplace_back(lsn, next.blob(1).size());
    }
    next.reset();
    std::uint64_t bytes = 0;
    for (const auto& [lsn, size] : go) {
        drop.bind(1, lsn);
        TRY_VOID(drop.run());
        bytes += size;
    }
    if (!go.empty() && !has_dropped) {
        has_dropped = true;
        TRY_VOID(set_fact("dropped", "1"));
    }
    return bytes;
}

Result<std::uint64_t> Replica::drop_old(std::int64_t before_ms) {
    auto& m = *impl_;
    std::uint64_t bytes = 0;
    TRY(const auto chains, chain_heads());
    for (const auto& chain : chains)
        for (std::uint64_t went = 1; went > 0; bytes += went)
            TRY_VOID(m.batch([&]() -> Result<> {
                TRY(went, m.drop_chain(chain, before_ms));
                return {};
            }));
    m.forget_loaded();
    return bytes;
}

// ------------------------------------------------------------------ asking

Result<std::vector<Replica::RowKey>> Replica::wanted_rows(std::size_t count_max) {
    auto& m = *impl_;
    std::vector<RowKey> out;
    if (!m.has_dropped) return out;
    TRY(auto s,
        m.db->prepare("SELECT stream, entity, row FROM wanted_row ORDER BY stream, entity, row LIMIT ?1", false));
    s.bind(1, static_cast<std::int64_t>(count_max));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        const auto* t = m.table_named(s.text(1));
        if (!t) continue;
        out.push_back({std::string(s.text(1)), t->binding().newest->uuid ? to_hex(s.blob(2)) : std::string(s.blob(2)),
                       stream_name(static_cast<int>(s.integer(0)))});
    }
}

Result<std::vector<Replica::PastCommit>> Replica::row_commits(const RowKey& key) {
    auto& m = *impl_;
    std::vector<PastCommit> out;
    auto* t = m.table_named(key.entity);
    const auto stream = m.stream_nos.find(key.stream);
    if (!t || stream == m.stream_nos.end()) return out;
    const auto id = t->binding().newest->uuid ? from_hex(key.id) : key.id;
    RowMeta meta;
    TRY(const bool there, t->load(stream->second, id, meta));
    if (!there) return out;
    std::vector<Impl::RowHistory::Item> items;
    TRY_VOID(m.history(meta.head, meta.head_index, items));
    TRY(auto s, m.db->prepare("SELECT body FROM log WHERE lsn = ?1", false));
    for (const auto& i : items) {
        s.bind(1, i.lsn);
        TRY(const bool row, s.step());
        if (row && !s.blob(0).empty()) out.push_back({std::string(s.blob(0)), m.unstamped.contains(i.lsn)});
        s.reset();
    }
    return out;
}

// ------------------------------------------------------------------ taking it back

/// 0: not here.
Result<std::uint64_t> Replica::Impl::lsn_of(int stream, int replica, Seq seq, const Hash& hash) {
    TRY(auto s,
        db->prepare("SELECT lsn FROM log WHERE stream = ?1 AND replica = ?2 AND seq = ?3 AND hash = ?4", false));
    s.bind(1, stream).bind(2, replica).bind(3, seq.value).bind_blob(4, taizhang::view(hash.bytes));
    TRY(const bool here, s.step());
    return here ? s.unsigned_integer(0) : 0;
}

/// Place and hash of a commit whose body is elsewhere, unless it is here.
Result<std::uint64_t> Replica::Impl::insert_stub(int stream, int replica, Seq seq, const Hash& hash) {
    TRY(auto lsn, lsn_of(stream, replica, seq, hash));
    if (lsn != 0) return lsn;
    lsn = lsn_below_floor(stream, replica, seq);
    if (lsn == 0) lsn = ++head_lsn;
    TRY_VOID(insert_log({.lsn = lsn,
                         .stream = stream,
                         .replica = replica,
                         .seq = seq,
                         .hash = hash,
                         .origin = Origin::upstream,
                         .prev = std::string_view(),
                         .packed = {},
                         .signature = {}}));
    heads.erase(chain_key(stream, replica));
    places_loaded = false;
    return lsn;
}

Result<> Replica::Impl::fill(std::uint64_t lsn, const Commit& c, std::string_view packed) {
    TRY(auto s, db->prepare("UPDATE log SET body = ?2, prev = CASE WHEN length(prev) = 0 THEN ?3 ELSE prev END WHERE "
                            "lsn = ?1 AND length(body) = 0",
                            false));
    const auto prev = unlinked(c);
    s.bind(1, lsn).bind_blob(2, packed).bind_blob(3, prev);
    return s.run();
}

/// A commit that is covered by what this stream began with, body and all.
Result<std::uint64_t> Replica::Impl::insert_past(int stream, const Commit& c, std::string_view packed) {
    TRY(const int replica, replica_no(c.header.replica));
    TRY(const auto lsn, insert_stub(stream, replica, c.header.seq, c.hash));
    TRY_VOID(fill(lsn, c, packed));
    return lsn;
}

/// Makes these the row's history and folds it. False: they are not all of it.
Result<bool> Replica::Impl::link_row(RowTable& table, int stream, std::string_view id,
                                     std::vector<RowHistory::Item> items) {
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.lsn > b.lsn; });
    items.erase(std::unique(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.lsn == b.lsn; }),
                items.end());
    if (items.empty()) return false;
    std::vector<VersionId> here, wanted;
    TRY(auto body, db->prepare("SELECT length(body) FROM log WHERE lsn = ?1", false));
    for (const auto& i : items) {
        body.bind(1, i.lsn);
        TRY(const bool row, body.step());
        const bool has_body = row && body.integer(0) > 0;
        body.reset();
        if (!has_body) return false;
        std::vector<fold::Change> changes;
        TRY_VOID(append_changes(i.lsn, i.index, changes));
        TRY(const auto version, version_at(i.lsn));
        here.push_back(version);
        for (const auto& x : changes) {
            wanted.insert(wanted.end(), x.base.begin(), x.base.end());
            for (const auto& r : x.reviewed) wanted.push_back(r.id);
        }
    }
    std::sort(here.begin(), here.end());
    if (!std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& v) { return std::binary_search(here.begin(), here.end(), v); }))
        return false;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto next = i + 1 < items.size() ? items[i + 1] : RowHistory::Item{0, 0};
        TRY_VOID(replace_prev(items[i].lsn, items[i].index, next.lsn, next.index));
    }
    TRY(auto* t, touch(table, stream, id, false));
    t->meta.head = items.front().lsn;
    t->meta.head_index = items.front().index;
    t->meta.dropped = false;
    t->first_lsn = items.front().lsn;
    t->fold = true;
    past_arrived = true;
    return true;
}

/// What stands in the row by its table is among these: whoever gives a row's past must not leave out its end.
bool Replica::Impl::has_all_that_stands(const RowMeta& meta, const std::vector<RowHistory::Item>& items) {
    const auto is_here = [&](const VersionRef& v) {
        return v.lsn == 0 || std::any_of(items.begin(), items.end(), [&](const auto& i) { return i.lsn == v.lsn; });
    };
    return is_here(meta.flow) && std::all_of(meta.groups.begin(), meta.groups.end(), is_here);
}

Result<> Replica::complete_row(const RowKey& key, std::span<const PastCommit> past) {
    auto& m = *impl_;
    auto* table = m.table_named(key.entity);
    if (!table) return {};
    const auto id = table->binding().newest->uuid ? from_hex(key.id) : key.id;
    return m.batch([&]() -> Result<> {
        TRY(const int stream, m.stream_no(key.stream));
        TRY(auto asked,
            m.db->prepare("SELECT 1 FROM wanted_row WHERE stream = ?1 AND entity = ?2 AND row = ?3", false));
        asked.bind(1, stream).bind(2, std::string_view(key.entity)).bind_blob(3, id);
        TRY(const bool is_wanted, asked.step());
        asked.reset();
        if (!is_wanted) return {};  // nobody asked, or it came before
        m.arena.push_back(id);
        const std::string_view row_id = m.arena.back();
        TRY(auto* t, m.touch(*table, stream, row_id, false));
        if (t->meta.head != 0 && t->meta.dropped) {
            std::vector<Impl::RowHistory::Item> items;
            TRY_VOID(m.history(t->meta.head, t->meta.head_index, items));
            std::string bytes;
            for (const auto& p : past) {
                TRY_VOID(m.packer.unpack(p.packed, bytes));
                Commit c;
                TRY_VOID(c.decode(bytes));
                const auto row = std::find_if(c.rows.begin(), c.rows.end(), [&](const auto& r) {
                    return r.id == row_id && c.names[r.entity] == key.entity;
                });
                if (row == c.rows.end() || c.header.stream != key.stream)
                    return fail(Errc::protocol, "服务器发来的不是这条记录的历史 / the hub sent another row's history");
                TRY(const int replica, m.replica_no(c.header.replica));
                TRY(auto lsn, m.lsn_of(stream, replica, c.header.seq, c.hash));
                TRY(const bool is_covered, m.below_floor(stream, replica, c.header.seq, c.hash));
                if (lsn == 0 && !is_covered) continue;  // it comes in its turn
                if (!m.control.cert(c.header.replica)) continue;
                TRY(const bool waits, m.is_waiting(lsn));
                if (waits) continue;
                TRY(lsn, m.insert_past(stream, c, p.packed));
                // Which commits have no time the city has signed with the state; without keys the hub is believed.
                if (p.unstamped && !m.control.is_signed()) TRY_VOID(m.mark_unstamped(stream, lsn));
                items.push_back({lsn, static_cast<std::uint32_t>(row - c.rows.begin())});
            }
            if (!Impl::has_all_that_stands(t->meta, items)) return {};
            TRY(const bool whole, m.link_row(*table, stream, row_id, std::move(items)));
            if (!whole) return {};  // asked again
        }
        TRY(auto s, m.db->prepare("DELETE FROM wanted_row WHERE stream = ?1 AND entity = ?2 AND row = ?3", false));
        s.bind(1, stream).bind(2, std::string_view(key.entity)).bind_blob(3, row_id);
        return s.run();
    });
}

}  // namespace taizhang
