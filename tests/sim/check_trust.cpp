// Who wrote what, who said what, and what a false one can do: invariants 6, 10, 13, 15, 16, 17, 19 and 20.
#include "tests/sim/checks.h"

#include "base/id_from.h"

#include <algorithm>
#include <cstring>

namespace taizhang::sim {
namespace {

// A transaction of the largest message, and SQLite's own 1,000 pages before it writes back.
constexpr std::uint64_t kWalBytesMax = 24u << 20;
constexpr int kReplaysMax = 6;

std::string short_of(const CommitHeader& h) {
    return h.stream.str() + " " + h.replica.hex().substr(0, 8) + " #" + std::to_string(h.seq.value);
}

}  // namespace

// ------------------------------------------------------------------ 6, 17: who wrote it

/// Every signature here is the author's own, by the keys that the world handed out.
void Checks::check_signatures(Machine& m) {
    auto s = prepared(m,
                      "SELECT l.hash, l.sig, r.id FROM log l JOIN replica r ON r.no = l.replica WHERE l.sig IS NOT "
                      "NULL");
    while (next(m, s)) {
        const auto hash = id_from<Hash>(s.blob(0));
        if (s.blob(1).empty() || verified_.contains(hash)) continue;
        const auto author = reading_.authors().find(id_from<ReplicaId>(s.blob(2)));
        if (author == reading_.authors().end() ||
            !author->second.key.verify(kForHead, taizhang::view(hash.bytes), s.blob(1)))
            violated("6 no phantom", m.name() + ": " + hash.hex().substr(0, 12) + " is not signed by its author");
        verified_.insert(hash);
    }
}

/// Every commit here was written by whoever has its author's key, and every certificate is of a device that there is,
/// for its unit and level.
void Checks::check_6_no_phantom(Machine& m) {
    bool is_new = false;
    for (const auto& line : read_log(m)) {
        if (!issued_.contains(line.commit->hash))
            violated("6 no phantom", m.name() + ": " + short_of(line.commit->header) + " " +
                                         line.commit->hash.hex().substr(0, 12) + " was never written by its author");
        is_new = is_new || !verified_.contains(line.commit->hash);
    }
    if (is_new) check_signatures(m);
    for (const auto& [replica, cert] : m.replica->control().certs()) {
        const auto who = reading_.authors().find(replica);
        if (who == reading_.authors().end() || who->second.unit != cert.unit || who->second.level != cert.level)
            violated("6 no phantom", m.name() + ": a certificate says that " + replica.hex().substr(0, 8) +
                                         " writes for " + cert.unit + ", which nobody who may has said");
    }
}

/// A relay can say for itself what it likes; for the city it cannot.
void Checks::check_17_acks(Machine& m) {
    auto s = prepared(m,
                      "SELECT seq, hash, unit, replica FROM ack WHERE level = ?1 AND seq > 0 AND signature IS NOT "
                      "NULL");
    s.bind(1, static_cast<int>(Level::city));
    while (next(m, s))
        if (!at_city_.contains(id_from<Hash>(s.blob(1))))
            violated("17 bad actors contained", m.name() + " believes that the city has #" +
                                                    std::to_string(s.integer(0)) + " of " + std::string(s.text(2)) +
                                                    " " + id_from<ReplicaId>(s.blob(3)).hex().substr(0, 8));
}

// ------------------------------------------------------------------ 10: clocks

/// Exactly what is dated later than the city's first knowledge of it has no time.
void Checks::check_10_clocks_contained(Machine& m, const Reading::Rows& ready) {
    if (m.replica->has_dropped()) return;
    std::set<Hash> marked;
    auto s = prepared(m, "SELECT l.hash FROM unstamped u JOIN log l ON l.lsn = u.lsn");
    while (next(m, s)) marked.insert(id_from<Hash>(s.blob(0)));
    auto bodies = prepared(m, "SELECT hash FROM log WHERE length(body) > 0");
    while (next(m, bodies)) {
        const auto hash = id_from<Hash>(bodies.blob(0));
        if (marked.contains(hash) != ready.unstamped.contains(hash))
            violated("10 clocks contained", m.name() + ": " + short_of(reading_.known(hash)->header) + " counts " +
                                                (marked.contains(hash) ? "without" : "with") + " its time");
    }
}

// ------------------------------------------------------------------ 13: replay

/// The control log and the log of commits are played into an empty node up to each place where a digest was recorded.
int Checks::check_13_rules_versioned(Machine& hub) {
    Environment env;
    env.wall_ms = [] { return std::int64_t{1'800'000'000'000}; };
    env.steady_ms = [] { return std::int64_t{0}; };
    env.random = [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), std::uint8_t{7}); };
    Replica::Options options;
    options.path = ":memory:";
    auto opened = Replica::open(options, env);
    if (!opened) violated("13 rules versioned", "no empty node: " + opened.error().detail);
    auto& r = **opened;
    const auto must = [](const auto& result) {
        if (!result) violated("13 rules versioned", "the log cannot be played anew: " + result.error().detail);
    };
    const auto control = hub.replica->control_after(ControlPos{0}, 64u << 20);
    must(control);
    std::vector<std::string> packed;
    std::vector<std::uint64_t> lsns;
    std::vector<HeadSignature> signatures;
    auto s = prepared(hub, "SELECT lsn, body, sig FROM log ORDER BY lsn");
    while (next(hub, s)) {
        if (!s.blob(2).empty()) signatures.push_back({packed.size(), std::string(s.blob(2))});
        lsns.push_back(s.unsigned_integer(0));
        packed.emplace_back(s.blob(1));
    }
    const std::vector<std::string_view> views(packed.begin(), packed.end());
    const auto step = std::max<std::size_t>(1, recorded_.size() / kReplaysMax);
    std::size_t entries = 0, commits = 0;
    int compared = 0;
    for (std::size_t i = 0; i < recorded_.size(); i += step) {
        const auto& to = recorded_[i];
        const auto n = static_cast<std::size_t>(std::upper_bound(lsns.begin(), lsns.end(), to.lsn) - lsns.begin());
        must(r.batch([&]() -> Result<> {
            TRY_VOID(r.receive_control(std::span(*control).subspan(entries, to.control - entries)));
            for (const auto& [id, cert] : hub.replica->control().certs())
                for (const auto& body : hub.replica->certificate_chain(id)) {
                    TRY(const auto c, Certificate::decode(body));
                    TRY_VOID(r.add_certificate(c));
                }
            TRY_VOID(r.prove(views, signatures));
            TRY_VOID(r.receive(std::span(views).subspan(commits, n - commits), Origin::upstream));
            return {};
        }));
        entries = to.control, commits = n;
        const auto digest = r.digest();
        must(digest);
        if (*digest != to.digest)
            violated("13 rules versioned", "the log up to " + std::to_string(to.lsn) + " and the control log up to " +
                                               std::to_string(to.control) + " give another state than they gave then");
        ++compared;
    }
    return compared;
}

// ------------------------------------------------------------------ 15, 16: forks, hubs from a backup

/// Two commits at one place: whoever holds the stream has both, and knows that it is so.
void Checks::check_15_forks(const std::vector<Machine*>& at_rest) {
    using Place = std::tuple<std::string, ReplicaId, std::uint64_t>;
    std::map<Place, std::set<Hash>> places;
    std::map<int, std::set<Hash>> here;
    for (auto* m : at_rest)
        for (const auto& line : read_log(*m)) {
            const auto& h = line.commit->header;
            here[m->number].insert(line.commit->hash);
            places[{h.stream.str(), h.replica, h.seq.value}].insert(line.commit->hash);
        }
    for (const auto& [place, hashes] : places) {
        if (hashes.size() < 2) continue;
        const auto stream = StreamId::parse(std::get<0>(place));
        const auto where = std::get<0>(place) + " " + std::get<1>(place).hex().substr(0, 8) + " #" +
                           std::to_string(std::get<2>(place));
        const auto who_has_what = [&, &hashes = hashes] {
            std::string out;
            for (auto* m : at_rest)
                for (const auto& h : hashes)
                    if (here[m->number].contains(h)) out += "; " + m->name() + " has " + h.hex().substr(0, 8);
            return out;
        };
        for (auto* m : at_rest) {
            if (!reading_.holds(m->unit, stream) || reading_.is_closed(m->unit)) continue;
            for (const auto& h : hashes)
                if (!here[m->number].contains(h))
                    violated("15 forks", m->name() + " has not both commits of " + where + who_has_what());
            const auto forked = m->replica->is_forked(stream, std::get<1>(place));
            if (!forked || !*forked) violated("15 forks", m->name() + " does not know that " + where + " is forked");
        }
    }
}

/// Whatever any node that is left has, the city has, whichever backup it was put back from.
void Checks::check_16_rollback(Machine& hub, const std::vector<Machine*>& at_rest) {
    std::set<Hash> there;
    for (const auto& line : read_log(hub)) there.insert(line.commit->hash);
    for (auto* m : at_rest) {
        if (reading_.is_closed(m->unit)) continue;
        for (const auto& line : read_log(*m))
            if (!there.contains(line.commit->hash))
                violated(restored_.contains(hub.number) ? "16 rollback" : "3 no loss",
                         m->name() + ": " + short_of(line.commit->header) + " " +
                             line.commit->hash.hex().substr(0, 12) + " never came to the city");
    }
}

// ------------------------------------------------------------------ 19, 20

void Checks::check_19_fail_stop(Machine& m) {
    const auto before = m.replica->log_head();
    if (m.replica->set_fact("sim/after", "failure"))
        violated("19 fail-stop", m.name() + " saves although its disk failed");
    Draft draft;
    draft.edits.push_back(
        {"probe", "after-failure", StreamId{m.unit, Audience::ledger}, true, {}, {}, {}, {}, false, {}});
    draft.edits.back().fields.emplace_back("title", Value::text("x"));
    if (m.replica->edit(draft)) violated("19 fail-stop", m.name() + " says 'saved' although its disk failed");
    if (m.hub && m.hub->new_code(m.unit)) violated("19 fail-stop", m.name() + " vouches although its disk failed");
    if (m.replica->log_head() != before) violated("19 fail-stop", m.name() + " counts on although its disk failed");
}

void Checks::check_20_bounds(Machine& m) {
    const auto wal = m.disk->size("ledger.db-wal").value_or(0);
    if (wal > kWalBytesMax)
        violated("20 bounds", m.name() + ": the write-ahead log has " + std::to_string(wal) + " bytes");
}

}  // namespace taizhang::sim
