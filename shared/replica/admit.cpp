// The one function through which every write passes, and what it does to rows.
#include "base/id_from.h"
#include "replica/impl.h"

#include <algorithm>

namespace taizhang {
namespace {

// Packing less than this takes no longer than waking another core.
constexpr std::size_t kPackApartMin = 24u << 10;

/// Whether the author was revoked as of this very commit.
bool is_last_that_counts(const ControlState& control, const Commit& c) {
    const auto* r = control.revocation(c.header.replica);
    if (!r) return false;
    const auto last = r->last.find(c.header.stream);
    return last != r->last.end() && last->second.second == c.hash;
}

}  // namespace

Result<Head> Replica::Impl::chain_head(int stream, int replica) {
    const auto key = chain_key(stream, replica);
    if (const auto it = heads.find(key); it != heads.end()) return it->second;
    Head h;
    chain_last.bind(1, stream).bind(2, replica);
    TRY(const bool row, chain_last.step());
    if (row) {
        h.seq = Seq{chain_last.unsigned_integer(0)};
        h.hash = id_from<Hash>(chain_last.blob(1));
        h.origin = static_cast<Origin>(chain_last.integer(2));
        chain_last.reset();
    }
    heads[key] = h;
    return h;
}

/// Whether the stream is this unit's to hold; what cannot be told yet is.
bool Replica::Impl::is_ours(int stream) {
    if (ours_at != control.head()) {
        ours.clear();
        ours_at = control.head();
    }
    const auto [it, is_new] = ours.try_emplace(stream, true);
    const auto& id = stream_ids[stream];
    const auto* own = is_new ? control.cert(self) : nullptr;
    if (own && control.unit(id.unit)) it->second = control.holds(own->unit, id);
    return it->second;
}

Result<Replica::Impl::Admitted> Replica::Impl::admit(std::string_view packed, const Commit& c, Origin origin) {
    TRY(const int stream, stream_no(c.header.stream));
    TRY(const int replica, replica_no(c.header.replica));
    // An answer from before the tree took the stream away.
    if (origin == Origin::upstream && !is_ours(stream)) return Admitted{Admission::duplicate, {}};
    TRY(const Head head, chain_head(stream, replica));

    bool is_branch = false;
    if (c.header.seq.value != head.seq.value + 1 || c.header.prev != head.hash) {
        // Not the next one: known already, a gap, or the other branch of a clone (same seq, another hash).
        if (c.header.seq.value > head.seq.value + 1)
            return Admitted{Admission::gap, "缺第 " + std::to_string(head.seq.value + 1) + " 号 / " +
                                                std::to_string(head.seq.value + 1) + " is missing before " +
                                                std::to_string(c.header.seq.value)};
        TRY(const bool is_covered, below_floor(stream, replica, c.header.seq, c.hash));
        if (is_covered) return Admitted{Admission::duplicate, {}};
        bool parent = c.header.seq.value == 1;
        if (!parent) {
            TRY(parent, below_floor(stream, replica, Seq{c.header.seq.value - 1}, c.header.prev));
        }
        for (const auto seq : {c.header.seq.value, c.header.seq.value - 1}) {
            chain_at.bind(1, stream).bind(2, replica).bind(3, seq);
            for (;;) {
                TRY(const bool row, chain_at.step());
                if (!row) break;
                const auto hash = chain_at.blob(0);
                if (seq == c.header.seq.value && hash == taizhang::view(c.hash.bytes)) {
                    chain_at.reset();
                    return Admitted{Admission::duplicate, {}};
                }
                if (seq + 1 == c.header.seq.value && hash == taizhang::view(c.header.prev.bytes)) parent = true;
            }
        }
        if (!parent)
            return Admitted{Admission::broken, "提交链接不上 / commit " + std::to_string(c.header.seq.value) +
                                                   " does not follow what is here"};
        is_branch = true;
    }

    const bool is_own = origin == Origin::own;
    std::string signature;
    if (!is_own && control.is_signed()) {
        const auto proof = proved.find(c.hash);
        if (proof == proved.end())
            return Admitted{Admission::unproved, "没有作者的签名,没有接收 / not signed by its author: not taken"};
        signature = proof->second;
    }
    if (is_branch && forked.insert(chain_key(stream, replica)).second) TRY_VOID(note_fork(c.header));
    // Without a place its newest commit says what the hub has, and that is about to be the hub's branch.
    if (is_branch && origin == Origin::upstream) TRY_VOID(keep_behind(stream, replica, head));
    // Under our name, and with our key where there are keys: this database is a copy.
    if (!is_own && c.header.replica == self) TRY_VOID(note_copied(stream, c.header.seq));
    const auto lsn = ++head_lsn;
    if (c.header.seq.value > head.seq.value) {
        const Head next{c.header.seq, c.hash, origin};
        heads[chain_key(stream, replica)] = next;
        note_place(chain_key(stream, replica), next);
        if (head.seq.value == 0 && c.header.replica == self) own_streams.push_back(stream);
    }
    note_version(lsn, c.version(), c.header.time);
    auto maps = name_maps(c);
    std::string prev;
    Wait wait;
    TRY(const bool is_ready, ready(c, stream, maps, wait));
    if (is_ready) TRY_VOID(apply_rows(c, stream, lsn, maps, prev));

    if (packed.empty()) {  // written here just now
        unwritten = Unwritten{lsn, stream, replica, c.header.seq, c.hash, std::nullopt};
        if (is_ready) unwritten->prev = std::move(prev);
    } else {
        if (is_own) signature = signature_due(stream, replica, c.hash, lsn, packed.size());
        TRY_VOID(insert_log({.lsn = lsn,
                             .stream = stream,
                             .replica = replica,
                             .seq = c.header.seq,
                             .hash = c.hash,
                             .origin = origin,
                             .prev = is_ready ? std::optional<std::string_view>(prev) : std::nullopt,
                             .packed = packed,
                             .signature = signature}));
    }
    TRY_VOID(cover_late(stream, replica, c.header.seq, c.hash));
    // From here on it can be told which branch of the chain counts.
    if (forked.contains(chain_key(stream, replica)) && is_last_that_counts(control, c)) TRY_VOID(refold_revoked());
    if (!is_ready) TRY_VOID(wait_for(lsn, wait));
    return Admitted{Admission::admitted, {}};
}

/// Takes in what this node wrote: bytes of `arena`.
Result<Hash> Replica::Impl::admit_own(std::string_view bytes) {
    TRY_VOID(write_log());
    packing.begin([this, bytes] { packer.pack(bytes, own_packed); }, bytes.size() >= kPackApartMin);
    Commit c;
    TRY_VOID(c.decode(bytes, Commit::Text::checked));
    TRY(const auto a, admit({}, c, Origin::own));
    if (a.admission != Admission::admitted) return fail(Errc::internal, "own commit not admitted: " + a.why);
    return c.hash;
}

/// The row of the log that is still to come, if there is one.
Result<> Replica::Impl::write_log() {
    if (!unwritten) return {};
    packing.wait();
    const auto e = std::move(*unwritten);
    unwritten.reset();
    const auto signature = signature_due(e.stream, e.replica, e.hash, e.lsn, own_packed.size());
    return insert_log({.lsn = e.lsn,
                       .stream = e.stream,
                       .replica = e.replica,
                       .seq = e.seq,
                       .hash = e.hash,
                       .origin = Origin::own,
                       .prev = e.prev,
                       .packed = own_packed,
                       .signature = signature});
}

Result<> Replica::Impl::insert_log(const NewEntry& e) {
    TRY_VOID(write_log());
    // Every parameter each time: what is not bound anew is what the entry before it had.
    log_insert.bind(1, e.lsn).bind(2, e.stream).bind(3, e.replica).bind(4, e.seq.value);
    log_insert.bind_blob(5, taizhang::view(e.hash.bytes));
    log_insert.bind(6, static_cast<int>(e.origin)).bind(7, env.wall_ms());
    if (e.prev)
        log_insert.bind_blob(8, *e.prev);
    else
        log_insert.bind_null(8);
    log_insert.bind_blob(9, e.packed);
    if (e.signature.empty())
        log_insert.bind_null(10);
    else
        log_insert.bind_blob(10, e.signature);
    TRY_VOID(log_insert.run());
    return {};
}

std::vector<NameMap> Replica::Impl::name_maps(const Commit& c) {
    std::vector<NameMap> maps;
    for (const auto& row : c.rows) {
        if (std::any_of(maps.begin(), maps.end(), [&](const auto& m) { return m.entity == row.entity; })) continue;
        NameMap m;
        m.entity = row.entity;
        m.version = control.entity(c.names[row.entity], c.header.catalog, c.header.control);
        if (!m.version && c.names[row.entity] != kCheckpointEntity)
            m.needs_newer = control.needs_newer(c.names[row.entity], c.header.catalog, c.header.control);
        if (m.version) {
            m.table = table(m.version->binding->number);
            const auto& e = *m.version->entity;
            m.items.resize(c.names.size());
            for (std::size_t i = 0; i < c.names.size(); ++i) {
                auto& item = m.items[i];
                if (const auto g = e.group(c.names[i]); g >= 0) {
                    item.group = &e.groups[static_cast<std::size_t>(g)];
                    item.group_no = m.version->group_no[static_cast<std::size_t>(g)];
                }
                if (const auto f = e.field(c.names[i]); f >= 0) {
                    item.field = &e.fields[static_cast<std::size_t>(f)];
                    item.field_no = m.version->field_no[static_cast<std::size_t>(f)];
                }
                item.transition = e.workflow.find(c.names[i]);
            }
        }
        maps.push_back(std::move(m));
    }
    return maps;
}

const NameMap& map_of(const std::vector<NameMap>& maps, const RowRec& row) {
    return *std::find_if(maps.begin(), maps.end(), [&](const auto& m) { return m.entity == row.entity; });
}

bool is_row_id(const Entity& e, std::string_view id) {
    return e.uuid ? id.size() == 16 : is_utf8(id) && id.find('\0') == std::string_view::npos;
}

Result<VersionId> Replica::Impl::version_at(std::uint64_t lsn) {
    auto& slot = version_cache[lsn % version_cache.size()];
    if (slot.lsn == lsn) return slot.version;
    const auto found = [&](const VersionId& v) {
        slot = {lsn, v, Named::kUnknown};
        return v;
    };
    TRY_VOID(write_log());
    log_hash.bind(1, lsn);
    TRY(const bool row, log_hash.step());
    if (!row) {
        TRY(const auto below, version_below_floor(lsn));
        if (below) return found(*below);
    }
    if (!row || log_hash.blob(0).size() != 32)
        return fail(Errc::corrupt,
                    "日志缺第 " + std::to_string(lsn) + " 条 / log entry " + std::to_string(lsn) + " is missing");
    VersionId v;
    std::memcpy(v.bytes.data(), log_hash.blob(0).data(), v.bytes.size());
    log_hash.reset();
    return found(v);
}

void Replica::Impl::note_version(std::uint64_t lsn, const VersionId& version, std::uint64_t stamp) {
    version_cache[lsn % version_cache.size()] = {lsn, version, stamp};
}

/// Whether everything that the commit builds on is here; else what it waits for.
Result<bool> Replica::Impl::ready(const Commit& c, int stream, std::vector<NameMap>& maps, Wait& wait) {
    if (c.header.control > control.head()) {
        wait.reason = Wait::Reason::control;
        wait.control = c.header.control;
        wait.what = std::to_string(c.header.control.value);
        return false;
    }
    if (!control.cert(c.header.replica)) {
        wait.reason = Wait::Reason::certificate;
        wait.author = c.header.replica;
        wait.what = c.header.replica.hex();
        return false;
    }
    wait.reason = Wait::Reason::program;
    if (c.is_newer) {
        wait.what = "commit format " + std::to_string(c.header.format);
        return false;
    }
    for (const auto& m : maps) {
        if (m.needs_newer == 0) continue;
        wait.what = "catalog level " + std::to_string(m.needs_newer);
        return false;
    }
    return bases_are_here(c, stream, maps, wait);
}

Result<bool> Replica::Impl::bases_are_here(const Commit& c, int stream, std::vector<NameMap>& maps, Wait& wait) {
    std::vector<VersionId> wanted;
    for (const auto& row : c.rows) {
        const auto& map = map_of(maps, row);
        if (!map.version || !is_row_id(*map.version->entity, row.id)) continue;
        wanted.clear();
        for (const auto& p : c.parts_of(row)) {
            for (const auto& b : c.base(p)) wanted.push_back(b);
            for (const auto& r : c.reviews_of(p))
                for (const auto& id : c.ids(r)) wanted.push_back(id);
        }
        if (wanted.empty() && !has_dropped) continue;
        auto* t = find_touched(*map.table, stream, row.id);
        if (!t) {
            TRY(t, touch(*map.table, stream, row.id, false));
        }
        // Most edits name what stands.
        auto stands = [&](const VersionId& v) -> Result<bool> {
            const std::uint64_t* last = nullptr;
            for (const auto& g : t->meta.groups) {
                if (g.lsn == 0 || (last && *last == g.lsn)) continue;
                last = &g.lsn;
                TRY(const auto id, version_at(g.lsn));
                if (id == v) return true;
            }
            if (t->meta.flow.lsn != 0) {
                TRY(const auto id, version_at(t->meta.flow.lsn));
                if (id == v) return true;
            }
            return false;
        };
        if (t->meta.dropped) {
            // What is no plain edit of what stands needs the past that went.
            bool is_plain = true;
            for (const auto& v : wanted) {
                TRY(const bool s, stands(v));
                is_plain = is_plain && s;
            }
            if (is_plain) {
                TRY(is_plain, would_be_fast(*t, c, map, row));
            }
            if (is_plain) continue;
            wait.reason = Wait::Reason::history;
            wait.what = std::string(c.names[row.entity]) + " " +
                        (map.version->entity->uuid ? to_hex(row.id) : std::string(row.id));
            TRY_VOID(want_row(stream, map.table->binding().name, row.id));
            return false;
        }
        std::vector<VersionId> all;
        bool read = false;
        for (const auto& v : wanted) {
            TRY(const bool s, stands(v));
            if (s) continue;
            if (!read) {
                TRY_VOID(ensure_loaded(*t));
                std::vector<RowHistory::Item> items;
                TRY_VOID(history(t->meta.head, t->meta.head_index, items));
                for (const auto& i : items) {
                    TRY(const auto id, version_at(i.lsn));
                    all.push_back(id);
                }
                read = true;
            }
            if (std::find(all.begin(), all.end(), v) != all.end()) continue;
            wait.reason = Wait::Reason::base;
            wait.base = v;
            wait.what = std::string(c.names[row.entity]) + " " +
                        (map.version->entity->uuid ? to_hex(row.id) : std::string(row.id)) + " " + v.hex();
            return false;
        }
    }
    return true;
}

bool Replica::Impl::entitled(const Commit& c, const NameMap& map, const PartRec& part, const Relation& rel,
                             const NameMap::Item& item) const {
    if (part.op == fold::Op::transition) {
        if (!item.transition || !rel.may(item.transition->by)) return false;
        for (const auto& need : item.transition->needs) {
            bool given = false;
            for (const auto& f : c.fields_of(part)) given = given || c.names[f.name] == need;
            if (!given) return false;
        }
        return true;
    }
    if (!item.group || !rel.may(item.group->by)) return false;
    for (const auto& f : c.fields_of(part)) {
        const auto& n = map.items[f.name];
        if (!n.field || map.version->group_no[static_cast<std::size_t>(n.field->group)] != item.group_no) return false;
        const auto v = ValueView::of(f.value);
        const bool list = item.group->rule == fold::Rule::append || item.group->rule == fold::Rule::set;
        if (!fits(*n.field, v) || (list && v.is_null())) return false;
    }
    return true;
}

/// Whether all parts of the row's change would go the fast way, one after the other.
Result<bool> Replica::Impl::would_be_fast(const Touched& t, const Commit& c, const NameMap& map, const RowRec& row) {
    const auto rel = control.relation(*control.cert(c.header.replica), c.header.stream, c.header.control);
    Touched trial = t;
    for (const auto& p : c.parts_of(row)) {
        bool fast = false;
        apply_part_fast(trial, c, map, p, rel, head_lsn, fast);
        if (!fast) return false;
    }
    return true;
}

/// A step into a state that freezes groups had in front of it what stands in them; gives the fold time that this asks
/// for, or nothing when it had not.
std::optional<std::uint64_t> Replica::Impl::reviewed_time(const Touched& t, const Commit& c, const NameMap& map,
                                                          const PartRec& p, std::uint64_t freezes, std::uint64_t lsn) {
    std::uint64_t time = 0;
    for (const auto& r : c.reviews_of(p)) {
        const auto g = map.items[r.group].group_no;
        if (g < 0 || r.count != 1) return std::nullopt;
        const auto& ref = t.meta.groups[static_cast<std::size_t>(g)];
        if (ref.lsn == 0 || ref.lsn >= lsn) return std::nullopt;
        const auto stands = version_at(ref.lsn);
        if (!stands || *stands != c.ids(r).front()) return std::nullopt;
        time = std::max(time, ref.time + 1);
        freezes &= ~(std::uint64_t{1} << g);
    }
    // Nothing was ever written in the others.
    for (std::size_t g = 0; g < t.meta.groups.size(); ++g)
        if ((freezes >> g & 1) && t.meta.groups[g].lsn != 0) return std::nullopt;
    return time;
}

/// Applies one part where base equals what stands; `fast` turns false when the row must be folded.
void Replica::Impl::apply_part_fast(Touched& t, const Commit& c, const NameMap& map, const PartRec& p,
                                    const Relation& rel, std::uint64_t lsn, bool& fast) {
    const auto& item = map.items[p.name];
    fast = false;
    if (t.meta.complex || t.fold || options.always_fold) return;
    if (p.op == fold::Op::remove || !entitled(c, map, p, rel, item)) return;
    const auto& binding = t.table->binding();
    auto& ref = p.op == fold::Op::transition ? t.meta.flow : t.meta.groups[static_cast<std::size_t>(item.group_no)];
    const auto base = c.base(p);
    if (ref.lsn == 0 ? !base.empty() : base.size() != 1) return;
    if (ref.lsn != 0) {
        const auto stands = version_at(ref.lsn);
        if (!stands || *stands != base.front()) return;
    }
    const auto stamp = unstamped.contains(lsn) ? 0 : c.header.time;
    VersionRef next{lsn, ref.lsn == 0 ? stamp : std::max(stamp, ref.time + 1)};
    if (p.op == fold::Op::transition) {
        const auto& tr = *item.transition;
        if (tr.to < 0 || !(tr.from >> t.meta.state & 1)) return;
        // Of a plain row everything lies in the past of what stands: to freeze that is to freeze nothing out, and to
        // thaw it brings nothing back.
        const auto time = reviewed_time(t, c, map, p, map.version->freezes(tr.to), lsn);
        if (!time) return;
        next.time = std::max(next.time, *time);
        t.meta.state = tr.to;
    } else {
        if (!binding.plain[static_cast<std::size_t>(item.group_no)]) return;
        if (binding.is_frozen(t.meta.state, static_cast<std::size_t>(item.group_no))) return;
        put_cells(t, c, map, p, lsn);
    }
    ref = next;
    fast = true;
}

void Replica::Impl::put_cells(Touched& t, const Commit& c, const NameMap& map, const PartRec& p, std::uint64_t lsn) {
    // A commit says a thing about a row once; only what an earlier one of this transaction said can be there already.
    const bool is_first = t.first_lsn == lsn;
    for (const auto& f : c.fields_of(p)) {
        const Cell cell{map.items[f.name].field_no, f.value};
        if (is_first)
            t.cells.push_back(cell);
        else
            put_cell(t, cell);
    }
}

void Replica::Impl::put_cell(Touched& t, const Cell& cell) {
    const auto old = std::find_if(t.cells.begin(), t.cells.end(), [&](const Cell& x) { return x.field == cell.field; });
    if (old != t.cells.end())
        old->value = cell.value;
    else
        t.cells.push_back(cell);
}

Result<> Replica::Impl::apply_rows(const Commit& c, int stream, std::uint64_t lsn, std::vector<NameMap>& maps,
                                   std::string& prev) {
    const auto rel = control.relation(*control.cert(c.header.replica), c.header.stream, c.header.control);
    if (waits_for[static_cast<std::size_t>(Wait::Reason::base)] > 0) arrived.insert(c.version());
    TRY(const bool quarantined, is_quarantined(c));
    Writer w(prev);
    for (std::uint32_t i = 0; i < c.rows.size(); ++i) {
        const auto& row = c.rows[i];
        const auto& map = map_of(maps, row);
        if (c.names[row.entity] == kCheckpointEntity) TRY_VOID(apply_checkpoint(c, stream, lsn));
        if (!map.version ||
            !is_row_id(*map.version->entity,
                       row.id)) {  // not of the catalog that it names: kept in the log, shown by no table
            w.zigzag(0);
            continue;
        }
        bool new_row = true;
        for (const auto& p : c.parts_of(row)) new_row = new_row && p.base_count == 0 && p.review_count == 0;
        auto* t = find_touched(*map.table, stream, row.id);
        if (!t) {
            TRY(t, touch(*map.table, stream, row.id, new_row));
        }
        if (t->meta.head == 0) {
            w.zigzag(0);
        } else {
            w.zigzag(static_cast<std::int64_t>(lsn - t->meta.head));
            w.varint(t->meta.head_index);
        }
        if (t->first_lsn == 0) {
            t->first_lsn = lsn;
            t->first_index = i;
        }
        // Each group is judged by the row as it was: what one of them becomes changes nothing for the others.
        bool is_complex = false;
        for (const auto& p : c.parts_of(row)) {
            bool fast = false;
            apply_part_fast(*t, c, map, p, rel, lsn, fast);
            if (!fast) {
                if (t->first_lsn != lsn) TRY_VOID(ensure_loaded(*t));
                TRY(fast, apply_part_beside(*t, c, map, row, p, rel, lsn));
                is_complex = is_complex || fast;
            }
            if (!fast || quarantined) t->fold = true;
        }
        t->meta.complex = t->meta.complex || is_complex;
        t->meta.head = lsn;
        t->meta.head_index = i;
    }
    return {};
}

/// Points the change (lsn, index) to another predecessor than was written when it was logged.
Result<> Replica::Impl::replace_prev(std::uint64_t lsn, std::uint32_t index, std::uint64_t to_lsn,
                                     std::uint32_t to_index) {
    TRY_VOID(write_log());
    log_prev.bind(1, lsn);
    TRY(const bool row, log_prev.step());
    if (!row) return fail(Errc::internal, "replace_prev: no such log entry");
    const std::string old(log_prev.blob(0));
    log_prev.reset();
    std::string out;
    Writer w(out);
    Reader r(old);
    for (std::uint32_t i = 0; r.remaining() > 0 && r.ok(); ++i) {
        const auto distance = r.zigzag();
        const auto at = distance ? r.varint() : 0;
        if (i == index) {
            w.zigzag(static_cast<std::int64_t>(lsn - to_lsn));
            w.varint(to_index);
        } else {
            w.zigzag(distance);
            if (distance) w.varint(at);
        }
    }
    log_set_prev.bind(1, lsn).bind_blob(2, out);
    return log_set_prev.run();
}

}  // namespace taizhang
