// The rows of the transaction at hand: looked up once, changed in memory, written out together. Memory stays within
// bounds, and a row that changes several times in one transaction is written once where it can be.
#include "replica/impl.h"

#include <algorithm>
#include <tuple>

namespace taizhang {
namespace {

// Rows whose memory is kept from one transaction to the next.
constexpr std::size_t kTouchedKept = 4096;

/// A row of the transaction with what puts it in the order of its table. Most keys differ in their first eight bytes.
struct Ordered {
    Touched* row;
    std::uint64_t beginning;

    explicit Ordered(Touched& t) : row(&t), beginning(0) {
        for (std::size_t i = 0; i < 8; ++i)
            beginning = beginning << 8 | (i < t.id.size() ? static_cast<std::uint8_t>(t.id[i]) : 0u);
    }
    bool operator<(const Ordered& o) const {
        if (row->table != o.row->table) return row->table < o.row->table;
        if (beginning != o.beginning) return beginning < o.beginning;
        return std::tie(row->id, row->stream) < std::tie(o.row->id, o.row->stream);
    }
};

bool begins_earlier(const Touched* a, const Touched* b) {
    return std::tie(a->first_lsn, a->first_index) < std::tie(b->first_lsn, b->first_index);
}

/// All that memory holds of the row's values is what its first change said, which the log has as well.
bool is_as_it_began(const Touched& t) {
    return t.is_new && !t.fold && !t.in_log && t.first_lsn != 0 && t.meta.head == t.first_lsn;
}

}  // namespace

Touched* Replica::Impl::find_touched(const RowTable& t, int stream, std::string_view id) {
    const auto slot = touched_index.slot(row_hash(t, stream, id), [&](std::uint32_t i) {
        const auto& x = touched[i];
        return x.table == &t && x.stream == stream && x.id == id;
    });
    return slot == RowIndex::kFree ? nullptr : &touched[slot];
}

Result<Touched*> Replica::Impl::touch(RowTable& t, int stream, std::string_view id, bool presume_new) {
    presume_new = presume_new && !has_dropped;
    if (auto* found = find_touched(t, stream, id)) {
        if (!presume_new) TRY_VOID(ensure_loaded(*found));
        return found;
    }
    const auto hash = row_hash(t, stream, id);
    touched_index.slot(hash, [](std::uint32_t) { return false; }) = static_cast<std::uint32_t>(touched_count);
    if (touched_count == touched.size()) touched.emplace_back();
    auto& n = touched[touched_count++];
    n.hash = hash;
    n.table = &t;
    n.stream = stream;
    n.id = id;
    n.loaded = n.fold = n.in_log = false;
    n.is_new = true;
    n.cells.clear();
    n.lines.clear();
    n.first_lsn = 0;
    n.meta.complex = n.meta.dropped = false;
    n.meta.head = n.meta.head_index = 0;
    n.meta.state = 0;
    n.meta.flow = {};
    n.meta.groups.assign(t.binding().groups.size(), {});
    touched_index.grow(touched_count, [&](std::uint32_t i) { return touched[i].hash; });
    if (presume_new)
        n.cells.reserve(t.binding().fields.size());
    else
        TRY_VOID(ensure_loaded(n));
    return &n;
}

/// Turns "presumed new" into knowledge. Found after all: what was done on the presumption is folded again.
Result<> Replica::Impl::ensure_loaded(Touched& t) {
    if (t.loaded) return {};
    RowMeta meta;
    TRY(const bool there, t.table->load(t.stream, t.id, meta));
    t.loaded = true;
    if (!there) return {};
    meta.groups.resize(std::max(meta.groups.size(), t.table->binding().groups.size()));
    t.is_new = false;
    if (t.first_lsn == 0) {
        t.meta = std::move(meta);
        return {};
    }
    // Changes of this transaction were chained as if they were the row's first: chain them to what is there.
    TRY_VOID(replace_prev(t.first_lsn, t.first_index, meta.head, meta.head_index));
    const auto head = t.meta.head;
    const auto index = t.meta.head_index;
    t.meta = std::move(meta);
    t.meta.head = head;
    t.meta.head_index = index;
    t.cells.clear();
    t.in_log = false;
    t.fold = true;
    return {};
}

/// Called between commits, before memory is asked for. Rows that are new let go of their values and keep the place in
/// the log where those lie; only when that does not help is everything written out.
Result<> Replica::Impl::make_room() {
    if (touched_count > options.rows_at_hand) return flush();
    if (arena_bytes <= options.bytes_at_hand) return {};
    TRY_VOID(write_log());  // it is packed from the arena
    std::size_t kept = 0;
    for (std::size_t i = 0; i < touched_count; ++i) {
        const auto& t = touched[i];
        kept += t.id.size();
        if (is_as_it_began(t)) continue;
        for (const auto& cell : t.cells) kept += cell.value.size();
    }
    if (kept > options.bytes_at_hand / 2) return flush();
    std::list<std::string> next(1);
    auto& bytes = next.back();
    bytes.reserve(kept);  // views of it are taken while it grows
    const auto keep = [&](std::string_view& v) {
        const auto at = bytes.size();
        bytes += v;
        v = std::string_view(bytes).substr(at);
    };
    for (std::size_t i = 0; i < touched_count; ++i) {
        auto& t = touched[i];
        keep(t.id);
        if (is_as_it_began(t)) {
            std::vector<Cell>().swap(t.cells);
            t.in_log = true;
        }
        for (auto& cell : t.cells) keep(cell.value);
    }
    arena = std::move(next);
    arena_bytes = kept;
    return {};
}

/// The values that make_room() let go of, as views of the cache of commits, with what came after them.
Result<> Replica::Impl::recall(Touched& t) {
    Loaded* l = nullptr;
    TRY_VOID(load_commit(t.first_lsn, l));
    const auto& c = l->commit;
    if (t.first_index >= c.rows.size()) return fail(Errc::internal, "recall: no such row in the commit");
    if (l->maps.empty()) l->maps = name_maps(c);
    const auto& row = c.rows[t.first_index];
    const auto later = std::exchange(t.cells, {});
    for (const auto& p : c.parts_of(row))
        if (p.op != fold::Op::transition) put_cells(t, c, map_of(l->maps, row), p, t.first_lsn);
    t.in_log = false;
    for (const auto& cell : later) put_cell(t, cell);
    return {};
}

/// Writes a row that need not be folded; false when it must be after all.
Result<bool> Replica::Impl::flush_row(Touched& t) {
    if (t.first_lsn == 0) return true;  // only looked at
    note_written(*t.table, t.id);
    if (!t.fold && t.is_new) {
        // A row that nobody had to look for: the insert itself says whether it was there.
        TRY(const bool inserted, t.table->insert(t.stream, t.id, t.cells, t.meta));
        if (inserted) {
            TRY_VOID(write_lines(t, t.lines));
            return true;
        }
    }
    TRY_VOID(ensure_loaded(t));
    if (t.fold) return false;
    TRY_VOID(t.table->update(t.stream, t.id, t.cells, t.meta));
    TRY_VOID(write_lines(t, t.lines));
    return true;
}

/// Writes the rows whose values lie in the log only, in its order, so that each commit is read once.
Result<> Replica::Impl::flush_recalled(std::vector<Touched*> rows, std::vector<Touched*>& to_fold) {
    if (rows.empty()) return {};
    std::sort(rows.begin(), rows.end(), begins_earlier);
    for (const auto* t : rows)
        if (env.worker && (to_read.empty() || to_read.back() != t->first_lsn)) to_read.push_back(t->first_lsn);
    TRY_VOID(read_next());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto& t = *rows[i];
        TRY_VOID(recall(t));
        TRY(const bool is_done, flush_row(t));
        if (!is_done) to_fold.push_back(&t);
        std::vector<Cell>().swap(t.cells);
        if (i + 1 == rows.size() || rows[i + 1]->first_lsn != t.first_lsn) forget_commit(t.first_lsn);
    }
    stop_reading();
    return {};
}

/// Folds rows from the log. Those that began in the same commit follow each other, so that a large one is read once.
Result<> Replica::Impl::flush_folded(std::span<Touched* const> rows) {
    struct Due {
        Touched* row;
        std::vector<RowHistory::Item> items;
    };
    std::vector<Due> due;
    for (auto* t : rows) {
        due.push_back({t, {}});
        TRY_VOID(history(t->meta.head, t->meta.head_index, due.back().items));
    }
    std::sort(due.begin(), due.end(),
              [](const Due& a, const Due& b) { return a.items.back().lsn < b.items.back().lsn; });
    std::unordered_set<std::uint64_t> seen;
    for (const auto& d : due)
        for (const auto& i : d.items)
            if (env.worker && seen.insert(i.lsn).second) to_read.push_back(i.lsn);
    TRY_VOID(read_next());
    for (auto& d : due) TRY_VOID(refold(*d.row, std::move(d.items)));
    stop_reading();
    return {};
}

Result<> Replica::Impl::flush() {
    // In the order of the tables' keys: neighbours share pages, and a page that is in the cache is written to once.
    std::vector<Ordered> in_order;
    in_order.reserve(touched_count);
    std::vector<Touched*> recalled, to_fold;
    for (std::size_t i = 0; i < touched_count; ++i) {
        if (touched[i].in_log && !touched[i].fold)
            recalled.push_back(&touched[i]);
        else
            in_order.emplace_back(touched[i]);
    }
    std::sort(in_order.begin(), in_order.end());
    TRY_VOID(flush_recalled(std::move(recalled), to_fold));
    for (const auto& o : in_order) {
        TRY(const bool is_done, flush_row(*o.row));
        if (!is_done) to_fold.push_back(o.row);
    }
    TRY_VOID(write_log());
    TRY_VOID(flush_folded(to_fold));
    touched_index.clear();
    touched_count = 0;
    if (touched.size() > kTouchedKept) touched.clear();
    arena.clear();
    arena_bytes = 0;
    return {};
}

}  // namespace taizhang
