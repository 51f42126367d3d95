// Digest and verify: is what the tables say what the log says?
#include "base/id_from.h"
#include "replica/impl.h"

#include <algorithm>
#include <set>

namespace taizhang {
namespace {

/// One value of a column, with its type, into a digest.
void add_column(std::string& out, const sqlite::Statement& s, int col) {
    Writer w(out);
    const auto type = s.type(col);
    w.u8(static_cast<std::uint8_t>(type));
    switch (type) {
        case sqlite::ColumnType::integer: w.zigzag(s.integer(col)); break;
        case sqlite::ColumnType::real: {
            const double v = s.real(col);
            w.raw({reinterpret_cast<const char*>(&v), sizeof v});
            break;
        }
        case sqlite::ColumnType::text: w.str(s.text(col)); break;
        case sqlite::ColumnType::blob: w.str(s.blob(col)); break;
        case sqlite::ColumnType::null: break;
    }
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> Replica::digest() {
    auto& m = *impl_;
    std::map<int, Hasher> by_stream;
    std::string bytes;
    auto add = [&](int stream) {
        by_stream[stream].add(bytes);
        bytes.clear();
    };
    // Entities and fields in the control log's order, which is the same everywhere.
    for (const auto& t : m.tables) {
        TRY(auto s, m.db->prepare(t->select_all_sql() + " ORDER BY id, _s", false));
        for (;;) {
            TRY(const bool row, s.step());
            if (!row) break;
            Writer w(bytes);
            w.str(t->binding().name);
            for (int c = 0; c < s.columns(); ++c)
                if (c != 1) add_column(bytes, s, c);
            add(static_cast<int>(s.integer(1)));
        }
    }
    TRY(auto s, m.db->prepare("SELECT stream, entity, row, grp, loser, kind, decided_by, winner, rule FROM conflict "
                              "ORDER BY entity, row, stream, grp, loser, kind, decided_by",
                              false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        for (int c = 1; c < s.columns(); ++c) add_column(bytes, s, c);
        add(static_cast<int>(s.integer(0)));
    }
    std::vector<std::pair<std::string, std::string>> out;
    out.emplace_back("control", std::to_string(m.control.head().value) + ":" + m.control.head_hash().hex());
    for (auto& [stream, hasher] : by_stream) out.emplace_back(m.stream_ids[stream].str(), hasher.finish().hex());
    std::sort(out.begin(), out.end());
    return out;
}

/// Every commit's hash, and that each follows one that is here.
Result<std::int64_t> Replica::Impl::check_chains() {
    TRY(auto s,
        db->prepare("SELECT stream, replica, seq, hash, body, lsn FROM log ORDER BY stream, replica, seq", false));
    std::pair<std::int64_t, std::int64_t> chain{-1, -1};
    std::int64_t seq = 0, count = 0;
    std::set<Hash> before, here;
    std::string bytes;
    Commit c;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return count;
        auto bad = [&](const std::string& zh, const std::string& en) {
            return fail(Errc::corrupt, "日志第 " + std::to_string(s.integer(5)) + " 条" + zh + " / log entry " +
                                           std::to_string(s.integer(5)) + ": " + en);
        };
        if (chain != std::pair(s.integer(0), s.integer(1))) {
            chain = {s.integer(0), s.integer(1)};
            seq = 0;
            before.clear();
            here.clear();
        }
        const auto floor = floors.find(chain_key(static_cast<int>(chain.first), static_cast<int>(chain.second)));
        const bool is_below = floor != floors.end() && s.unsigned_integer(2) <= floor->second.seq.value;
        if (s.integer(2) != seq) {
            if (s.integer(2) != seq + 1 && !is_below) return bad("之前有缺号", "a gap before it");
            seq = s.integer(2);
            before = std::move(here);
            here.clear();
        }
        if (s.blob(4).empty()) {  // dropped: its place and hash are what the next one follows
            here.insert(id_from<Hash>(s.blob(3)));
            continue;
        }
        auto ok = packer.unpack(s.blob(4), bytes);
        if (ok) ok = c.decode(bytes, Commit::Text::unchecked, options.knows.commit_format);
        if (!ok || taizhang::view(c.hash.bytes) != s.blob(3)) return bad("已损坏", "damaged");
        if (c.header.seq.value != static_cast<std::uint64_t>(seq) ||
            (seq > 1 && !is_below && !before.contains(c.header.prev)))
            return bad("接不上前一条", "does not follow the one before");
        here.insert(c.hash);
        ++count;
    }
}

/// Where not all history is here: each row whose history is, folded from the log and compared with its table.
Result<> Replica::Impl::check_rows() {
    for (const auto& [id, stream] : stream_nos)
        for (const auto& t : tables)
            TRY_VOID(t->each_row(stream, [&, stream = stream](const RowTable::Stored& row) -> Result<> {
                if (row.meta.dropped) return {};
                TRY(const auto h, fold_row(*t, row.meta));
                TRY(const auto columns, columns_of(*t, h));
                bool same = h.state.state == row.meta.state;
                std::size_t values = 0;
                for (const auto& c : columns) values += !ValueView::of(c).is_null();
                same = same && values == row.fields.size();
                for (const auto& [field, value] : row.fields)
                    same = same && (columns[static_cast<std::size_t>(field)] == value || !row.is_exact);
                TRY(auto lines,
                    db->prepare("SELECT count(*) FROM conflict WHERE entity = ?1 AND row = ?2 AND stream = ?3", false));
                lines.bind(1, std::string_view(t->binding().name)).bind_blob(2, row.id).bind(3, stream);
                TRY_VOID(lines.step());
                same = same && static_cast<std::size_t>(lines.integer(0)) == h.state.lines.size();
                if (same) return {};
                return fail(Errc::corrupt, "记录 " + std::string(row.id) + " 与日志重建的不同 / row " +
                                               std::string(row.id) + " differs from what the log gives");
            }));
    return {};
}

/// What the city's checkpoints name stands where they name it. One's own name is left out: a copied PC has the other
/// branch until it syncs.
Result<> Replica::Impl::check_named() {
    TRY(auto s,
        db->prepare(
            "SELECT h.stream, h.replica, h.seq, h.hash FROM horizon h WHERE EXISTS (SELECT 1 FROM log l WHERE "
            "l.stream = h.stream AND l.replica = h.replica AND l.seq = h.seq) AND NOT EXISTS (SELECT 1 FROM log "
            "l WHERE l.stream = h.stream AND l.replica = h.replica AND l.seq = h.seq AND l.hash = h.hash)",
            false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        const int stream = static_cast<int>(s.integer(0)), replica = static_cast<int>(s.integer(1));
        TRY(const bool is_covered, below_floor(stream, replica, Seq{s.unsigned_integer(2)}, id_from<Hash>(s.blob(3))));
        if (is_covered || replica_ids[replica] == self) continue;
        const auto place = stream_ids[stream].str() + " " + replica_ids[replica].hex().substr(0, 8) + " #" +
                           std::to_string(s.integer(2));
        return fail(Errc::corrupt,
                    "与市级检查点签过的不同:" + place + " / differs from what the city's checkpoint signed: " + place);
    }
}

/// The city's server has what its own checkpoints name, unless it was put back from a backup.
Result<> Replica::Impl::check_own_named() {
    const auto* own = control.cert(self);
    if (!own || own->unit != control.root()) return {};
    TRY(const auto restored, fact("hub/restored"));
    TRY(const auto rolled_back, fact("notice/copied"));
    if (!restored.empty() || !rolled_back.empty()) return {};
    TRY(auto s,
        db->prepare("SELECT h.stream, h.replica, h.seq FROM horizon h WHERE NOT EXISTS (SELECT 1 FROM log l WHERE "
                    "l.stream = h.stream AND l.replica = h.replica AND l.seq >= h.seq) LIMIT 1",
                    false));
    TRY(const bool row, s.step());
    if (!row) return {};
    const auto place = stream_ids[static_cast<int>(s.integer(0))].str() + " " +
                       replica_ids[static_cast<int>(s.integer(1))].hex().substr(0, 8) + " #" +
                       std::to_string(s.integer(2));
    return fail(Errc::corrupt,
                "检查点签过的记录不在了:" + place + " / what a checkpoint signed is not here any more: " + place);
}

Result<std::int64_t> Replica::verify() {
    auto& m = *impl_;
    TRY_VOID(m.db->check_pages());
    TRY(const auto count, m.check_chains());
    TRY_VOID(m.check_signatures());
    TRY_VOID(m.check_own_named());
    if (m.has_dropped) {
        TRY_VOID(m.check_named());
        TRY_VOID(m.check_rows());
        return count;
    }
    Options o;
    o.path = ":memory:";
    o.always_fold = true;
    o.incarnation = m.self;
    o.knows = m.options.knows;
    TRY(auto fresh, Replica::open(o, m.env));
    TRY(const auto control, control_after(ControlPos{0}, ~std::size_t{0}));
    for (const auto& e : control) TRY_VOID(fresh->receive_control(std::span(&e, 1)));
    TRY_VOID(fresh->batch([&]() -> Result<> {
        for (const auto& [id, cert] : m.control.certs()) TRY_VOID(fresh->add_certificate(cert));
        return {};
    }));
    TRY(auto s, m.db->prepare("SELECT body FROM log ORDER BY lsn", false));
    for (bool more = true; more;) {
        std::vector<std::string> bodies;
        while (bodies.size() < 256) {
            TRY(more, s.step());
            if (!more) break;
            bodies.emplace_back(s.blob(0));
        }
        const std::vector<std::string_view> views(bodies.begin(), bodies.end());
        if (!views.empty()) TRY_VOID(fresh->receive(views, Origin::own));  // signatures were checked above
    }
    TRY_VOID(fresh->impl_->check_named());  // the live table could have been altered as well
    TRY(const auto live, digest());
    TRY(const auto rebuilt, fresh->digest());
    TRY(const auto live_waits, waiting());
    TRY(const auto rebuilt_waits, fresh->waiting());
    if (live_waits.size() != rebuilt_waits.size())
        return fail(Errc::corrupt, "等待的提交与日志重建的不同 / waiting commits differ from what the log gives");
    for (std::size_t i = 0; i < std::max(live.size(), rebuilt.size()); ++i)
        if (i >= live.size() || i >= rebuilt.size() || live[i] != rebuilt[i])
            return fail(Errc::corrupt,
                        "数据表与日志重建的不同:" + (i < live.size() ? live[i].first : rebuilt[i].first) +
                            " / tables differ from what the log gives: " +
                            (i < live.size() ? live[i].first : rebuilt[i].first));
    return count;
}

}  // namespace taizhang
