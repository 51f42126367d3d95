// The city's checkpoints: commits that say what the city has of a stream.
//
// A checkpoint is a commit of the root office in the stream itself, about the reserved entity `_checkpoint`, so it is
// chained, carried, kept and lost like everything else, and a row's state stays a function of the stream's commits
// and the control log. It never takes part in a fold. What it does:
//   heads   what the city holds now, as far as it changed: bounds the stamps of what they cover, because a time later
//           than the city's first knowledge of a commit is no time;
//   backed  what the city's newest backup holds: devices may drop old log up to there;
//   digest  of the rows at that place, for a device that begins from a state instead of the history.
// Design: docs/ARCHITECTURE.md, "Checkpoints".
#include "replica/checkpoint.h"

#include "base/id_from.h"
#include "replica/impl.h"

#include <algorithm>
#include <set>

namespace taizhang {
namespace {

constexpr std::size_t kTipsMax = 20'000;  // some 1.2 MB; a stream of a unit has some dozens

std::string encode_tips(const std::vector<Tip>& tips) {
    std::string out;
    Writer w(out);
    w.varint(tips.size());
    for (const auto& t : tips) {
        w.raw(view(t.replica.bytes));
        w.varint(t.seq.value);
        w.raw(view(t.hash.bytes));
    }
    return out;
}

Result<std::vector<Tip>> decode_tips(std::string_view bytes) {
    Reader r(bytes);
    std::vector<Tip> out;
    for (auto n = r.size(); n > 0 && r.ok(); --n) {
        Tip t;
        t.replica.bytes = r.array<16>();
        t.seq = Seq{r.varint()};
        t.hash.bytes = r.array<32>();
        out.push_back(t);
    }
    if (!r.done()) return fail(Errc::protocol, "检查点已损坏 / checkpoint: malformed");
    return out;
}

}  // namespace

std::optional<Checkpoint> checkpoint_of(const Commit& c) {
    if (c.rows.size() != 1 || c.names[c.rows[0].entity] != kCheckpointEntity || c.parts.size() != 1)
        return std::nullopt;
    Checkpoint out;
    for (const auto& f : c.fields_of(c.parts[0])) {
        const auto v = ValueView::of(f.value);
        const auto name = c.names[f.name];
        if (name == "at" && v.kind == ValueView::Kind::number) out.at_ms = v.number.mantissa;
        if (name == "digest" && v.text.size() == 32) std::memcpy(out.digest.bytes.data(), v.text.data(), 32);
        if (name == "marks" && v.text.size() == 32) std::memcpy(out.marks.bytes.data(), v.text.data(), 32);
        if (name != "heads" && name != "backed") continue;
        auto tips = decode_tips(v.text);
        if (!tips || tips->size() > kTipsMax) return std::nullopt;
        (name == "heads" ? out.heads : out.backed) = std::move(*tips);
    }
    return out;
}

namespace {

bool is_before(const Tip& a, const Tip& b) {
    return std::tie(a.replica, a.seq, a.hash) < std::tie(b.replica, b.seq, b.hash);
}

}  // namespace

StreamDigest::StreamDigest(std::vector<Tip> tips) {
    std::sort(tips.begin(), tips.end(), is_before);
    hasher_.add(encode_tips(tips));
}

Hash marks_digest(std::vector<std::pair<Tip, std::string>> chains, std::vector<Tip> unstamped) {
    std::sort(chains.begin(), chains.end(), [](const auto& a, const auto& b) { return is_before(a.first, b.first); });
    std::sort(unstamped.begin(), unstamped.end(), is_before);
    Hasher hasher;
    for (const auto& [tip, marks] : chains) {
        hasher.add(encode_tips({tip}));
        hasher.add(marks);
    }
    hasher.add(encode_tips(unstamped));
    return hasher.finish();
}

void StreamDigest::add(std::string_view record) {
    std::string length;
    Writer(length).varint(record.size());
    hasher_.add(length);
    hasher_.add(record);
}

// ------------------------------------------------------------------ reading them

/// Called where a ready commit is applied. Only the city's own server speaks for the city.
Result<> Replica::Impl::apply_checkpoint(const Commit& c, int stream, std::uint64_t lsn) {
    const auto checkpoint = checkpoint_of(c);
    if (!checkpoint || !control.speaks_for_city(c.header.replica)) return {};
    for (const auto& t : checkpoint->heads) {
        TRY(const int replica, replica_no(t.replica));
        TRY(auto s, db->prepare("INSERT INTO horizon(stream, replica, seq, hash, at_ms) VALUES(?1, ?2, ?3, ?4, ?5) ON "
                                "CONFLICT DO UPDATE SET at_ms = min(at_ms, excluded.at_ms)",
                                false));
        s.bind(1, stream).bind(2, replica).bind(3, t.seq.value).bind_blob(4, taizhang::view(t.hash.bytes));
        s.bind(5, checkpoint->at_ms);
        TRY_VOID(s.run());
        horizon_chains.insert(chain_key(stream, replica));
        TRY_VOID(cover(stream, replica, t.seq, t.hash, checkpoint->at_ms));
    }
    for (const auto& t : checkpoint->backed) {
        TRY(const int replica, replica_no(t.replica));
        TRY(auto s, db->prepare("INSERT INTO backed(stream, replica, seq, hash) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO "
                                "UPDATE SET seq = excluded.seq, hash = excluded.hash WHERE excluded.seq > seq",
                                false));
        s.bind(1, stream).bind(2, replica).bind(3, t.seq.value).bind_blob(4, taizhang::view(t.hash.bytes));
        TRY_VOID(s.run());
    }
    TRY(auto s, db->prepare("INSERT INTO checkpoint(stream, lsn, at_ms, hash, digest) VALUES(?1, ?2, ?3, ?4, ?5) ON "
                            "CONFLICT DO UPDATE SET lsn = excluded.lsn, at_ms = excluded.at_ms, hash = excluded.hash, "
                            "digest = excluded.digest WHERE (excluded.at_ms, excluded.hash) > (at_ms, hash)",
                            false));
    s.bind(1, stream).bind(2, lsn).bind(3, checkpoint->at_ms).bind_blob(4, taizhang::view(c.hash.bytes));
    s.bind_blob(5, taizhang::view(checkpoint->digest.bytes));
    return s.run();
}

/// A commit that the city named is here: what it follows and is dated later than `at_ms` has no time any more. Walks
/// down to the next commit that was covered as early.
Result<> Replica::Impl::cover(int stream, int replica, Seq seq, Hash hash, std::int64_t at_ms) {
    const auto stops = [&](Seq at, const Hash& h) -> Result<bool> {
        TRY(auto s, db->prepare("SELECT 1 FROM horizon WHERE stream = ?1 AND replica = ?2 AND seq = ?3 AND hash = ?4 "
                                "AND at_ms <= ?5",
                                false));
        s.bind(1, stream).bind(2, replica).bind(3, at.value).bind_blob(4, taizhang::view(h.bytes)).bind(5, at_ms);
        return s.step();
    };
    for (bool first = true; seq.value > 0; first = false) {
        if (!first) {
            TRY(const bool covered, stops(seq, hash));
            if (covered) return {};
        }
        TRY(auto s, db->prepare("SELECT lsn, length(body) FROM log WHERE stream = ?1 AND replica = ?2 AND seq = ?3 AND "
                                "hash = ?4",
                                false));
        s.bind(1, stream).bind(2, replica).bind(3, seq.value).bind_blob(4, taizhang::view(hash.bytes));
        TRY(const bool here, s.step());
        if (!here || s.integer(1) == 0) return {};  // not here yet, or covered long ago
        const auto lsn = s.unsigned_integer(0);
        s.reset();
        Loaded* l = nullptr;
        TRY_VOID(load_commit(lsn, l));
        const auto& h = l->commit.header;
        seq.value = h.seq.value - 1;
        hash = h.prev;
        if (static_cast<std::int64_t>(h.time >> 16) > at_ms) TRY_VOID(unstamp(stream, lsn));
    }
    return {};
}

Result<> Replica::Impl::mark_unstamped(int stream, std::uint64_t lsn) {
    if (!unstamped.insert(lsn).second) return {};
    unstamped_of[stream].push_back(lsn);
    TRY(auto s, db->prepare("INSERT INTO unstamped(lsn) VALUES(?1)", false));
    s.bind(1, lsn);
    return s.run();
}

/// And folds its rows anew.
Result<> Replica::Impl::unstamp(int stream, std::uint64_t lsn) {
    if (unstamped.contains(lsn)) return {};
    TRY_VOID(mark_unstamped(stream, lsn));
    TRY(const bool waits, is_waiting(lsn));
    return waits ? Result<>() : refold_rows(lsn);  // or when it is ready
}

/// The rows that an applied commit touches, once more from their history.
Result<> Replica::Impl::refold_rows(std::uint64_t lsn) {
    Loaded* l = nullptr;
    TRY_VOID(load_commit(lsn, l));
    arena.push_back(l->bytes);
    Commit c;
    TRY_VOID(c.decode(arena.back(), Commit::Text::checked));
    TRY(const int stream, stream_no(c.header.stream));
    for (const auto& map : name_maps(c))
        for (const auto& row : c.rows) {
            if (row.entity != map.entity || !map.version) continue;
            TRY(auto* t, touch(*map.table, stream, row.id, false));
            if (t->meta.head == 0) continue;
            if (t->first_lsn == 0) t->first_lsn = lsn;
            t->fold = t->fold || !t->meta.dropped;
            if (t->meta.dropped) TRY_VOID(want_row(stream, map.table->binding().name, row.id));
        }
    return {};
}

/// A commit that came after the checkpoints that name it.
Result<> Replica::Impl::cover_late(int stream, int replica, Seq seq, const Hash& hash) {
    if (!horizon_chains.contains(chain_key(stream, replica))) return {};
    TRY(auto s,
        db->prepare("SELECT at_ms FROM horizon WHERE stream = ?1 AND replica = ?2 AND seq = ?3 AND hash = ?4", false));
    s.bind(1, stream).bind(2, replica).bind(3, seq.value).bind_blob(4, taizhang::view(hash.bytes));
    TRY(const bool named, s.step());
    if (!named) return {};
    const auto at_ms = s.integer(0);
    s.reset();
    return cover(stream, replica, seq, hash, at_ms);
}

// ------------------------------------------------------------------ writing them

/// Commits of the chain that none follows: one, unless it is forked.
Result<std::vector<Tip>> Replica::Impl::tips_of(const ChainHead& head) {
    std::vector<Tip> out;
    TRY(const int stream, stream_no(head.stream));
    TRY(const int replica, replica_no(head.replica));
    if (!forked.contains(chain_key(stream, replica))) return std::vector<Tip>{{head.replica, head.seq, head.hash}};
    TRY(auto s, db->prepare("SELECT lsn, seq, hash FROM log WHERE stream = ?1 AND replica = ?2 AND length(body) > 0 "
                            "ORDER BY seq DESC, lsn",
                            false));
    s.bind(1, stream).bind(2, replica);
    std::set<Hash> followed;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        const Tip t{head.replica, Seq{s.unsigned_integer(1)}, id_from<Hash>(s.blob(2))};
        Loaded* l = nullptr;
        TRY_VOID(load_commit(s.unsigned_integer(0), l));
        followed.insert(l->commit.header.prev);
        if (!followed.contains(t.hash)) out.push_back(t);
    }
}

/// What the city has to say about a stream: tips that no checkpoint has named, and what a backup holds beyond what was
/// said. Checkpoints are named along with others, never for their own sake: else each would ask for the next.
Result<Checkpoint> Replica::Impl::due_in(const StreamId& stream, std::uint64_t backup_lsn,
                                         std::span<const ChainHead> chains) {
    Checkpoint due;
    bool is_news = false;
    TRY(const int number, stream_no(stream));
    TRY(auto named,
        db->prepare("SELECT 1 FROM horizon WHERE stream = ?1 AND replica = ?2 AND seq = ?3 AND hash = ?4", false));
    TRY(auto said, db->prepare("SELECT seq FROM backed WHERE stream = ?1 AND replica = ?2", false));
    TRY(auto in_backup, db->prepare("SELECT seq, hash FROM log WHERE stream = ?1 AND replica = ?2 AND lsn <= ?3 ORDER "
                                    "BY seq DESC LIMIT 1",
                                    false));
    TRY(auto at,
        db->prepare("SELECT lsn FROM log WHERE stream = ?1 AND replica = ?2 AND seq = ?3 AND hash = ?4", false));
    for (const auto& chain : chains) {
        TRY(const int replica, replica_no(chain.replica));
        const auto* author = control.cert(chain.replica);
        const bool may_be_checkpoint = author && author->unit == control.root();
        TRY(const auto tips, tips_of(chain));
        for (const auto& t : tips) {
            named.bind(1, number).bind(2, replica).bind(3, t.seq.value).bind_blob(4, taizhang::view(t.hash.bytes));
            TRY(const bool known, named.step());
            named.reset();
            if (known) continue;
            due.heads.push_back(t);
            if (!may_be_checkpoint) is_news = true;
            if (is_news) continue;
            at.bind(1, number).bind(2, replica).bind(3, t.seq.value).bind_blob(4, taizhang::view(t.hash.bytes));
            TRY(const bool here, at.step());
            const auto lsn = here ? at.unsigned_integer(0) : 0;
            at.reset();
            Loaded* l = nullptr;
            TRY_VOID(load_commit(lsn, l));
            is_news = !checkpoint_of(l->commit);
        }
        if (tips.size() > 1) continue;  // of a forked chain nobody drops anything
        in_backup.bind(1, number).bind(2, replica).bind(3, backup_lsn);
        TRY(const bool any, in_backup.step());
        if (!any) continue;
        const Tip t{chain.replica, Seq{in_backup.unsigned_integer(0)}, id_from<Hash>(in_backup.blob(1))};
        in_backup.reset();
        said.bind(1, number).bind(2, replica);
        TRY(const bool known, said.step());
        if (known && said.unsigned_integer(0) >= t.seq.value) {
            said.reset();
            continue;
        }
        said.reset();
        due.backed.push_back(t);
        is_news = is_news || chain.replica != self;
    }
    return is_news ? due : Checkpoint{};
}

Result<CommitId> Replica::Impl::write_checkpoint(const StreamId& stream, const Checkpoint& checkpoint) {
    TRY(const int stream_number, stream_no(stream));
    TRY(const int replica_number, replica_no(self));
    TRY(const Head head, chain_head(stream_number, replica_number));
    CommitWriter w;
    w.row(kCheckpointEntity, std::to_string(checkpoint.at_ms));
    w.part(fold::Op::put, "horizon", {});
    w.field("at", Value::integer(checkpoint.at_ms));
    w.field("heads", Value::blob(encode_tips(checkpoint.heads)));
    if (!checkpoint.backed.empty()) w.field("backed", Value::blob(encode_tips(checkpoint.backed)));
    w.field("digest", Value::blob(std::string(taizhang::view(checkpoint.digest.bytes))));
    if (checkpoint.marks != Hash{}) w.field("marks", Value::blob(std::string(taizhang::view(checkpoint.marks.bytes))));
    CommitHeader h;
    h.replica = self;
    h.stream = stream;
    h.seq = Seq{head.seq.value + 1};
    h.prev = head.hash;
    h.control = control.head();
    h.catalog = control.newest_catalog()->version();
    const auto at = now();
    h.time = hybrid_time(at.ms, last_stamp(at));
    arena.push_back(w.finish(h));
    TRY(const auto hash, admit_own(arena.back()));
    TRY_VOID(write_log());
    last_time = h.time;
    return CommitId{self, stream, h.seq, hash};
}

/// Now, or just after the stream's last checkpoint, whose clock may have been ahead: they are told apart by their
/// moments, and the newest has the latest.
Result<std::int64_t> Replica::Impl::free_moment(int stream) {
    TRY(auto last, db->prepare("SELECT max(at_ms) FROM (SELECT at_ms FROM horizon WHERE stream = ?1 UNION ALL "
                               "SELECT at_ms FROM checkpoint WHERE stream = ?1)",
                               false));
    last.bind(1, stream);
    TRY_VOID(last.step());
    const auto at_least = last.is_null(0) ? 0 : last.integer(0) + 1;
    return std::max(now().ms, at_least);
}

/// Zero for a stream with a forked chain: no state is given of it.
Result<Hash> Replica::Impl::stream_marks(int stream, std::span<const ChainHead> heads_of_chains) {
    std::vector<std::pair<Tip, std::string>> chains;
    for (const auto& h : heads_of_chains) {
        const int replica = replica_nos[h.replica];
        if (forked.contains(chain_key(stream, replica))) return Hash{};
        TRY(auto marks, marks_of(stream, replica, h.seq));
        chains.emplace_back(Tip{h.replica, h.seq, h.hash}, std::move(marks));
    }
    TRY(auto without_time, unstamped_in(stream));
    return marks_digest(std::move(chains), std::move(without_time));
}

Result<std::vector<Tip>> Replica::Impl::unstamped_in(int stream) {
    std::vector<Tip> out;
    const auto lsns = unstamped_of.find(stream);
    if (lsns == unstamped_of.end()) return out;
    TRY(auto s, db->prepare("SELECT replica, seq, hash FROM log WHERE lsn = ?1", false));
    for (const auto lsn : lsns->second) {
        s.bind(1, lsn);
        TRY(const bool row, s.step());
        if (!row) continue;
        out.push_back(
            {replica_ids[static_cast<int>(s.integer(0))], Seq{s.unsigned_integer(1)}, id_from<Hash>(s.blob(2))});
        s.reset();
    }
    return out;
}

Result<std::vector<CommitId>> Replica::checkpoint() { return checkpoint(streams()); }

Result<std::vector<CommitId>> Replica::checkpoint(std::span<const StreamId> of) {
    auto& m = *impl_;
    if (!m.control.speaks_for_city(m.self) || !m.control.newest_catalog())
        return fail(Errc::not_allowed, "只有市级服务器能做检查点 / only the city's server signs checkpoints");
    std::vector<CommitId> out;
    TRY(const auto backup, fact("backup/lsn"));
    const auto backup_lsn = backup.empty() ? 0 : std::strtoull(backup.c_str(), nullptr, 10);
    for (const auto& stream : of) {
        // A transaction for each: long work that may be cut anywhere.
        TRY(const auto chains, chain_heads(std::span(&stream, 1)));
        TRY_VOID(m.batch([&]() -> Result<> {
            TRY(auto c, m.due_in(stream, backup_lsn, chains));
            if (c.heads.empty() && c.backed.empty()) return {};
            TRY(const int number, m.stream_no(stream));
            TRY(c.at_ms, m.free_moment(number));
            // What it takes the time of has none in the digest either.
            for (const auto& t : c.heads) {
                TRY(const int replica, m.replica_no(t.replica));
                TRY_VOID(m.cover(number, replica, t.seq, t.hash, c.at_ms));
            }
            TRY_VOID(m.flush());
            TRY(c.digest, m.stream_digest(number));
            TRY(c.marks, m.stream_marks(number, chains));
            TRY(auto id, m.write_checkpoint(stream, c));
            out.push_back(std::move(id));
            return {};
        }));
    }
    return out;
}

Result<> Replica::note_backup(Lsn through) { return set_fact("backup/lsn", std::to_string(through.value)); }

Result<bool> Replica::is_covered(const CommitId& commit) {
    const auto s = impl_->stream_nos.find(commit.stream);
    const auto r = impl_->replica_nos.find(commit.replica);
    if (s == impl_->stream_nos.end() || r == impl_->replica_nos.end()) return false;
    if (impl_->forked.contains(chain_key(s->second, r->second))) return false;  // which branch it named is not asked
    TRY(auto named, impl_->db->prepare("SELECT max(h.seq) FROM horizon h JOIN log l USING(stream, replica, seq, hash) "
                                       "WHERE h.stream = ?1 AND h.replica = ?2",
                                       false));
    named.bind(1, s->second).bind(2, r->second);
    TRY_VOID(named.step());
    return !named.is_null(0) && commit.seq.value <= named.unsigned_integer(0);
}

Result<std::vector<Replica::CheckpointAt>> Replica::checkpoints() {
    std::vector<CheckpointAt> out;
    TRY(auto s, impl_->db->prepare("SELECT stream, at_ms, hash FROM checkpoint ORDER BY stream", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back({stream_name(static_cast<int>(s.integer(0))), s.integer(1), id_from<Hash>(s.blob(2))});
    }
}

}  // namespace taizhang
