#include "tests/sim/checks.h"

#include "base/id_from.h"

#include <algorithm>
#include <cstring>

namespace taizhang::sim {
namespace {

std::string hex_short(const Hash& h) { return h.hex().substr(0, 12); }

std::string place_of(const CommitHeader& h) {
    return h.stream.str() + " " + h.replica.hex().substr(0, 8) + " #" + std::to_string(h.seq.value);
}

std::string column_text(const sqlite::Statement& s, int i) {
    switch (s.type(i)) {
        case sqlite::ColumnType::null: return kNull;
        case sqlite::ColumnType::integer:
        case sqlite::ColumnType::real: return shown(s.real(i));
        default: return std::string(s.blob(i));
    }
}

}  // namespace

// ------------------------------------------------------------------ reading a machine

sqlite::Statement Checks::prepared(Machine& m, const std::string& sql) {
    auto s = m.replica->database().prepare(sql, false);
    if (!s) violated("19 fail-stop", m.name() + ": " + s.error().detail);
    return std::move(*s);
}

bool Checks::next(Machine& m, sqlite::Statement& s) {
    const auto row = s.step();
    if (!row) violated("19 fail-stop", m.name() + ": " + row.error().detail);
    return *row;
}

std::map<std::int64_t, std::string> Checks::stream_names(Machine& m) {
    std::map<std::int64_t, std::string> out;
    auto s = prepared(m, "SELECT no, unit, audience FROM stream");
    while (next(m, s)) out[s.integer(0)] = std::string(s.text(1)) + (s.integer(2) == 0 ? "/ledger" : "/notice");
    return out;
}

std::vector<LogLine> Checks::read_log(Machine& m) {
    std::vector<LogLine> out;
    std::set<Hash> here;
    auto s = prepared(
        m,
        "SELECT l.lsn, s.unit, s.audience, r.id, l.seq, l.hash, l.body FROM log l JOIN stream s ON s.no = l.stream "
        "JOIN replica r ON r.no = l.replica ORDER BY l.lsn");
    while (next(m, s)) {
        const auto hash = id_from<Hash>(s.blob(5));
        const auto* dropped = s.blob(6).empty() ? reading_.known(hash) : nullptr;
        if (s.blob(6).empty() && !dropped)
            violated("6 no phantom", m.name() + ": a place in the log of a commit that nobody wrote");
        const auto& told = dropped ? *dropped : reading_.told(hash, s.blob(6));
        const auto& h = told.header;
        if (h.stream.unit != s.text(1) || static_cast<int>(h.stream.audience) != s.integer(2) ||
            h.replica != id_from<ReplicaId>(s.blob(3)) || h.seq.value != s.unsigned_integer(4))
            violated("2 atomic prefix", m.name() + ": log entry " + std::to_string(s.integer(0)) +
                                            " is not the commit that its columns say");
        here.insert(told.hash);
        out.push_back({s.unsigned_integer(0), &told, !dropped});
    }
    auto floors = prepared(m, "SELECT hash FROM floor");
    while (next(m, floors))
        for (const auto* c = reading_.known(id_from<Hash>(floors.blob(0))); c; c = reading_.known(c->header.prev))
            if (here.insert(c->hash).second) out.push_back({0, c, false});
    return out;
}

std::map<RowKey, Shown> Checks::read_tables(Machine& m) {
    std::map<RowKey, Shown> out;
    const auto streams = stream_names(m);
    auto control = prepared(m, "SELECT coalesce(max(pos), 0) FROM control");
    next(m, control);
    for (const auto& e : reading_.newest(control.unsigned_integer(0)).entities()) {
        // An older program has no table for what it cannot read; that rows are missing is noticed elsewhere.
        auto there = prepared(m, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '" + e.name + "'");
        if (next(m, there) && there.integer(0) == 0) continue;
        auto s = prepared(m, "SELECT * FROM \"" + e.name + "\"");
        while (next(m, s)) {
            RowKey key;
            Shown row;
            key.entity = e.name;
            for (int i = 0; i < s.columns(); ++i) {
                const std::string name(s.column_name(i));
                if (name == "id")
                    key.id = std::string(s.blob(i));
                else if (name == "_s")
                    key.stream = streams.at(s.integer(i));
                else if (name != "_m")
                    row.columns[name] = column_text(s, i);
            }
            out.emplace(std::move(key), std::move(row));
        }
    }
    read_conflicts(m, out);
    return out;
}

void Checks::read_conflicts(Machine& m, std::map<RowKey, Shown>& rows) {
    const auto streams = stream_names(m);
    auto s = prepared(m, "SELECT entity, stream, row, grp, loser, kind, decided_by, winner, rule FROM conflict");
    std::uint64_t count = 0;
    while (next(m, s)) {
        const RowKey key{std::string(s.text(0)), streams.at(s.integer(1)), std::string(s.blob(2))};
        fold::Line line;
        line.group = static_cast<int>(s.integer(3));
        line.loser = id_from<VersionId>(s.blob(4));
        line.kind = static_cast<fold::LineKind>(s.integer(5));
        line.decided_by = id_from<VersionId>(s.blob(6));
        line.winner = id_from<VersionId>(s.blob(7));
        line.rule = static_cast<fold::Rule>(s.integer(8));
        const auto row = rows.find(key);
        if (row == rows.end())
            violated("11 visible conflicts",
                     m.name() + ": a line for " + key.entity + " " + key.id + ", which is not there");
        row->second.lines.insert(line);
        ++count;
    }
    if (m.number == 0) lines_at_hub_ = count;
}

// ------------------------------------------------------------------ the world's news

void Checks::hub_moved(Machine& hub) {
    hub_units_[hub.number] = hub.unit;
    const auto anchor = hub.replica->fact("log/sum");
    if (!anchor) violated("19 fail-stop", hub.name() + ": " + anchor.error().detail);
    hub_anchors_[hub.number] = *anchor;
    auto& seen = hub_logs_[hub.number];
    const auto after = seen.empty() ? 0 : seen.back().lsn;
    auto s = prepared(hub, "SELECT lsn, hash, body FROM log WHERE lsn > ?1 ORDER BY lsn");
    s.bind(1, after);
    while (next(hub, s)) {
        seen.push_back({s.unsigned_integer(0), &reading_.told(id_from<Hash>(s.blob(1)), s.blob(2))});
        if (hub.number == 0) at_city_.insert(seen.back().commit->hash);
    }
}

void Checks::hub_restored(Machine& hub) {
    restored_.insert(hub.number);
    hub_logs_.erase(hub.number);
    receipts_.erase(hub.number);
    if (hub.number == 0) recorded_.clear();
}

/// What the hub says of itself is looked for in its own log. Where several hubs can have said it, whose log to look in
/// is not known: that one of them is of that level has to do.
void Checks::reply_left(const Machine& hub, const wire::SyncReply& reply,
                        const std::map<Level, std::vector<int>>& levels) {
    for (const auto* acks : {&reply.acks, &reply.given_acks})
        for (const auto& a : *acks) {
            const auto speaker = levels.find(a.level);
            if (speaker == levels.end()) violated("4 true receipts", "an ack for a level that nobody above speaks for");
            const bool is_own =
                a.level == reply.level && (a.signer.is_zero() || (hub.is_up() && a.signer == hub.replica->id()));
            if (!is_own && speaker->second.size() > 1) continue;
            const int who = is_own ? hub.number : speaker->second.front();
            if (false_.contains(who)) continue;
            // What was heard of a hub before it was put back from a backup is passed on until it has spoken again.
            if (a.level != reply.level && restored_.contains(who)) continue;
            auto& best = receipts_[who][{a.at.stream.str(), a.at.replica}];
            if (best.first < a.at.seq) best = {a.at.seq, a.at.hash};
        }
}

// ------------------------------------------------------------------ 1, 2, 3, 4

/// What was shown as saved is in the device's log.
void Checks::check_1_local_durability(Machine& m) {
    std::set<Hash> here;
    for (const auto& line : read_log(m)) here.insert(line.commit->hash);
    const auto tree = m.replica->control().head().value;
    for (const auto& c : m.saved)
        // What the tree gave to others is theirs to keep; that the city has it is asked at the end.
        if (!here.contains(c.hash) && !reading_.given_away(m.unit, c.stream, tree))
            violated("1 local durability", m.name() + ": " + c.stream.str() + " #" + std::to_string(c.seq.value) + " " +
                                               hex_short(c.hash) + " was saved and is gone");
}

/// No gap in any chain, every hash fits, and the tables are what the log says.
void Checks::check_2_atomic_prefix(Machine& m) {
    std::map<Chain, std::map<std::uint64_t, std::set<Hash>>> chains;
    const auto log = read_log(m);
    for (const auto& line : log) {
        const auto& h = line.commit->header;
        if (!chains[{h.stream.str(), h.replica}][h.seq.value].insert(line.commit->hash).second)
            violated("2 atomic prefix", m.name() + ": " + place_of(h) + " is in the log twice");
    }
    for (const auto& line : log) {
        const auto& h = line.commit->header;
        const auto& chain = chains[{h.stream.str(), h.replica}];
        const auto before = chain.find(h.seq.value - 1);
        const bool follows =
            h.seq.value == 1 ? h.prev.is_zero() : before != chain.end() && before->second.contains(h.prev);
        if (!follows) violated("2 atomic prefix", m.name() + ": " + place_of(h) + " does not follow what is here");
    }
}

/// What is kept in memory of what is to be sent is what the acks and the chains' heads on the disk give.
void Checks::check_2_outbox(Machine& m) {
    const auto behind = m.replica->behind();
    const auto acks = m.replica->facts("ack/");
    const auto heads = m.replica->chain_heads();
    if (!behind || !acks || !heads) violated("19 fail-stop", m.name() + ": the outbox cannot be read");
    const std::map<std::string, std::string> places(acks->begin(), acks->end());
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> want, have;
    for (const auto& h : *heads) {
        const auto name = "ack/" + h.stream.str() + "/" + h.replica.hex();
        const auto place = places.find(name);
        if (place == places.end() && h.origin == Origin::upstream) continue;
        const auto from = place == places.end() ? 0 : std::strtoull(place->second.c_str(), nullptr, 10);
        if (from < h.seq.value) want[name] = {from, h.seq.value};
    }
    for (const auto& b : *behind) have["ack/" + b.stream.str() + "/" + b.replica.hex()] = {b.acked.value, b.head.value};
    if (want != have)
        violated("2 atomic prefix", m.name() + ": " + std::to_string(have.size()) +
                                        " chains are to be sent from, by the log it is " + std::to_string(want.size()));
}

/// Every saved commit of the survivors is in the city's log, once, byte for byte.
void Checks::check_3_no_loss(Machine& hub, const std::vector<Machine*>& survivors) {
    std::map<Hash, int> here;
    for (const auto& line : read_log(hub)) ++here[line.commit->hash];
    for (auto* m : survivors)
        for (const auto& c : m->saved)
            if (const auto it = here.find(c.hash); it == here.end() || it->second != 1)
                violated("3 no loss", m->name() + ": " + c.stream.str() + " " + c.replica.hex().substr(0, 8) + " #" +
                                          std::to_string(c.seq.value) + " " + hex_short(c.hash) + " is " +
                                          (it == here.end() ? "not" : "more than once") + " in the city's log");
}

/// What was acknowledged, and what was served, is on the issuer's disk after whatever befell it.
void Checks::check_4_true_receipts(Machine& hub) {
    std::map<std::uint64_t, Hash> at;
    std::map<Chain, std::map<std::uint64_t, std::set<Hash>>> chains;
    for (const auto& line : read_log(hub)) {
        at[line.lsn] = line.commit->hash;
        chains[{line.commit->header.stream.str(), line.commit->header.replica}][line.commit->header.seq.value].insert(
            line.commit->hash);
    }
    const auto tree = hub.replica->control().head().value;
    for (const auto& line : hub_logs_[hub.number])
        if (const auto it = at.find(line.lsn); (it == at.end() || it->second != line.commit->hash) &&
                                               !reading_.given_away(hub.unit, line.commit->header.stream, tree))
            violated("4 true receipts", "the hub's position " + std::to_string(line.lsn) + " was " +
                                            hex_short(line.commit->hash) + " and is no more");
    for (const auto& [chain, receipt] : receipts_[hub.number]) {
        if (reading_.given_away(hub.unit, StreamId::parse(chain.first), tree)) continue;
        const auto& seqs = chains[chain];
        for (std::uint64_t n = 1; n <= receipt.first.value; ++n)
            if (!seqs.contains(n))
                violated("4 true receipts", "acknowledged through #" + std::to_string(receipt.first.value) + " of " +
                                                chain.first + ", but #" + std::to_string(n) + " is not there");
        if (!seqs.at(receipt.first.value).contains(receipt.second))
            violated("4 true receipts", "another commit than the acknowledged one at " + chain.first);
    }
}

// ------------------------------------------------------------------ 7, 14

/// Same commits in the stream and the control log: same digest, at any time, on any machine.
void Checks::check_7_strong_convergence(Machine& m) {
    const auto waiting = m.replica->waiting();
    if (!waiting) violated("19 fail-stop", m.name() + ": " + waiting.error().detail);
    if (!waiting->empty()) return;
    std::map<std::string, std::uint64_t> sums;
    for (const auto& line : read_log(m)) {
        std::uint64_t part = 0;
        std::memcpy(&part, line.commit->hash.bytes.data(), sizeof part);
        sums[line.commit->header.stream.str()] += part;
    }
    const auto digest = m.replica->digest();
    if (!digest) violated("19 fail-stop", m.name() + ": " + digest.error().detail);
    const auto control =
        std::find_if(digest->begin(), digest->end(), [](const auto& d) { return d.first == "control"; })->second;
    if (m.number == 0) recorded_.push_back({m.replica->log_head().value, m.replica->control().head().value, *digest});
    for (const auto& [stream, value] : *digest) {
        if (stream == "control") continue;
        const auto [it, is_new] =
            digests_.try_emplace(stream + " " + std::to_string(sums[stream]) + " " + control, value);
        if (it->second != value)
            violated("7 strong convergence", m.name() + ": same commits in " + stream + " as elsewhere, another state");
    }
}

namespace {

/// The mark of a hub's log at that place (replica/log_sums.cpp), counted entry by entry from its anchor.
std::uint64_t mark_of(const std::vector<LogLine>& log, const std::string& anchor, std::uint64_t at) {
    Reader r(anchor);
    const auto from = r.varint();
    auto sum = r.varint();
    if (!r.done() || at == 0) return 0;
    for (const auto& line : log) {
        if (line.lsn <= std::min(from, at) || line.lsn > std::max(from, at)) continue;
        std::uint64_t x = 0;
        std::memcpy(&x, line.commit->hash.bytes.data(), sizeof x);
        x ^= line.lsn * 0x9e3779b97f4a7c15U;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
        x = (x ^ x >> 27) * 0x94d049bb133111ebU;
        x ^= x >> 31;
        at > from ? sum += x : sum -= x;
    }
    return sum == 0 ? 1 : sum;
}

}  // namespace

/// The cursor is not ahead of what is here.
void Checks::check_14_resume(Machine& m) {
    const auto bytes = m.replica->fact("upstream/cursor");
    if (!bytes) violated("19 fail-stop", m.name() + ": " + bytes.error().detail);
    if (bytes->empty() || false_.contains(m.upstream)) return;
    Reader r(*bytes);
    r.array<16>();
    r.varint();
    const auto cursor = r.varint();
    const auto proof = r.varint();
    const auto& log = hub_logs_[m.upstream];
    // A place in the log of another hub, or of this one before it was put back from a backup, says nothing here.
    if (proof != mark_of(log, hub_anchors_[m.upstream], cursor)) return;
    // The hub chose by the tree that it had; when that grows, the cursor is dropped.
    const auto tree = m.replica->fact("upstream/control");
    if (!tree) violated("19 fail-stop", m.name() + ": " + tree.error().detail);
    const auto at_tree = std::strtoull(tree->c_str(), nullptr, 10);
    std::set<Hash> here;
    for (const auto& line : read_log(m)) here.insert(line.commit->hash);
    for (const auto& line : log)
        // What the tree took from the hub itself, it cannot give.
        if (line.lsn <= cursor && reading_.holds(hub_units_[m.upstream], line.commit->header.stream) &&
            reading_.holds(m.unit, line.commit->header.stream, at_tree) &&
            reading_.holds(m.unit, line.commit->header.stream, m.replica->control().head().value) &&
            !here.contains(line.commit->hash))
            violated("14 resume", m.name() + ": cursor at " + std::to_string(cursor) + ", but position " +
                                      std::to_string(line.lsn) + " (" + place_of(line.commit->header) +
                                      ") is not here");
}

void Checks::after_start(Machine& m) {
    auto own = prepared(m, "SELECT hash FROM log WHERE origin = 0");
    while (next(m, own)) issued(id_from<Hash>(own.blob(0)));
    check_2_atomic_prefix(m);
    check_1_local_durability(m);
    check_2_outbox(m);
    check_6_no_phantom(m);
    check_20_bounds(m);
    if (m.is_hub()) check_4_true_receipts(m);
    if (m.number != 0) check_14_resume(m);
}

}  // namespace taizhang::sim
