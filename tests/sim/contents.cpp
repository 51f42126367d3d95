// Photos and documents: attached at any machine, cut, damaged, carried, asked for, on disks that lose power.
#include "files/file_hub.h"
#include "tests/sim/trouble.h"

#include "base/hash.h"

#include <algorithm>

namespace taizhang::sim {
namespace {

constexpr int kContentRoundsMax = 14, kContentTripsMax = 4000;
constexpr std::size_t kAllMax = 100'000;

/// As a person takes a photo: bytes that do not compress.
std::string photo(std::size_t size, std::uint64_t seed) {
    std::string out(size, '\0');
    for (auto& c : out) c = static_cast<char>((seed = reference::mix(seed)) >> 56);
    return out;
}

template <class T>
T must(Result<T> r, const Machine& m) {
    if (!r) violated("8 liveness", m.name() + ": contents: " + r.error().detail);
    return std::move(*r);
}

}  // namespace

void World::contents_act(Machine& m) {
    if ((m.number != 0 && !m.is_enrolled) || m.is_revoked) return;
    switch (pick(8)) {
        case 0:
        case 1:
        case 2: return attach(m);
        case 3: return want_content(m);
        case 4:
            if (!m.is_hub() || !one_in(4)) return sync_contents(m, true);
            if (auto r = m.contents->index().set_on_demand(one_in(2)); !r)
                violated("8 liveness", m.name() + ": " + r.error().detail);
            return;
        default: return sync_contents(m, one_in(3));
    }
}

/// The content first, then the record that names it, as the programs do it. Some are taken again and again.
void World::attach(Machine& m) {
    if (!reading_.newest_or_none(m.replica->control().head().value)) return;
    const auto bytes = photo(1 + static_cast<std::size_t>(pick(9000)),
                             one_in(4) ? static_cast<std::uint64_t>(pick(4)) : reference::mix(++serial_));
    const auto hash = hash_of(bytes);
    Edit e;
    e.entity = "evidence";
    e.create = true;
    e.stream = StreamId{m.unit, Audience::ledger};
    const auto& units = reading_.unit_ids();
    const auto& other = units[static_cast<std::size_t>(pick(static_cast<int>(units.size())))];
    if (one_in(3) && reading_.holds(m.unit, {other, Audience::ledger}, m.replica->control().head().value))
        e.stream->unit = other;
    e.row = "E" + std::to_string(m.number) + "-" + std::to_string(++serial_);
    e.fields = {{"record_id", Value::text("r" + std::to_string(pick(9)))},
                {"unit_id", Value::text(e.stream->unit)},
                {"name", Value::text("照片.jpg")},
                {"size", Value::integer(static_cast<std::int64_t>(bytes.size()))},
                {"hash", Value::text(hash.hex())}};
    const auto stream = *e.stream;
    if (!calm_ && one_in(20)) m.blobs.cut_after(1 + pick(4));
    const auto ids = attempt(m, [&]() -> Result<std::vector<CommitId>> {
        TRY_VOID(m.contents->keep(
            [&](std::uint64_t at, std::size_t n) -> Result<std::string> {
                return at >= bytes.size() ? std::string() : bytes.substr(at, n);
            },
            hash, bytes.size(), stream.unit));
        return m.replica->edit({{e}, {}});
    });
    note("attach " + m.name() + " " + hash.hex().substr(0, 8) + " " + std::to_string(bytes.size()) + " " +
         (ids ? "ok" : std::string(name_of(ids.error().code))));
    if (!ids) {
        const auto code = ids.error().code;
        if (code == Errc::internal || code == Errc::corrupt || code == Errc::protocol || code == Errc::bad_input)
            violated("8 liveness", m.name() + " cannot attach: " + ids.error().detail);
        return;
    }
    ++figures_.contents;
    contents_[hash] = bytes;
    m.kept.push_back(hash);
    rows_.push_back({"evidence", e.row, stream, 1});
    if (!m.is_up()) {
        m.saved.insert(m.saved.end(), ids->begin(), ids->end());
        for (const auto& id : *ids) checks_.issued(id.hash);
        return;
    }
    saved(m, *ids);
    moved(m);
}

/// Somebody opens an attachment whose content is not here.
void World::want_content(Machine& m) {
    if (contents_.empty()) return;
    auto it = contents_.begin();
    std::advance(it, pick(static_cast<int>(contents_.size())));
    const auto done = attempt(m, [&]() -> Result<> {
        TRY(const auto c, m.contents->expect(it->first));
        return c.whole ? Result<>() : m.contents->index().set_wanted(it->first, files::kWantedHere);
    });
    if (done) ++figures_.wishes;
    note("want " + m.name() + " " + it->first.hex().substr(0, 8) + " " +
         (done ? "ok" : std::string(name_of(done.error().code))));
    if (!done && (done.error().code == Errc::internal || done.error().code == Errc::corrupt))
        violated("8 liveness", m.name() + " cannot ask for a content: " + done.error().detail);
}

/// A bit turns in a stretch: the frame around it is the connection's to protect.
void World::damage(std::string& message, bool is_request) {
    wire::FileRequest q;
    wire::FileReply a;
    const bool read = is_request ? wire::decode(message, q).has_value() : wire::decode(message, a).has_value();
    auto& ranges = is_request ? q.ranges : a.ranges;
    if (!read || ranges.empty()) return;
    auto& bytes = ranges.front().bytes;
    bytes[static_cast<std::size_t>(pick(static_cast<int>(bytes.size())))] ^= 1;
    message = is_request ? wire::encode(q) : wire::encode(a);
}

/// One request and its answer; false when the link or one of the two is gone.
bool World::one_content_trip(Machine& m, Machine& h, files::FileSession& session) {
    const auto life = m.starts;
    const auto alive = [&] { return m.is_up() && m.starts == life; };
    const auto is_disk = [](Errc code) { return code == Errc::io || code == Errc::disk_full; };
    ++figures_.content_trips;
    session.set_chunk(1024u << pick(4));
    auto request = attempt(m, [&] { return session.request(); });
    if (!request && !is_disk(request.error().code))
        violated("8 liveness", m.name() + " cannot ask for contents: " + request.error().detail);
    if (!request || !alive()) return false;
    if (!calm_ && one_in(12)) damage(*request, true);
    if (!calm_ && one_in(10)) return ++figures_.content_cuts, false;
    if (!calm_ && one_in(40)) h.blobs.cut_after(1 + pick(6));
    auto answer = attempt(h, [&] { return files::FileHub(*h.hub, *h.contents).handle(*request); });
    if (!answer) {
        const auto code = answer.error().code;
        if (code == Errc::denied && h.may_have_forgotten) return false;
        if (is_disk(code)) return false;
        violated("8 liveness", h.name() + " refuses contents of " + m.name() + ": " + answer.error().detail);
    }
    if (!calm_ && one_in(12)) damage(*answer, false);
    if (!alive()) return false;
    if (!calm_ && one_in(10)) return ++figures_.content_cuts, false;
    if (!calm_ && one_in(40)) m.blobs.cut_after(1 + pick(6));
    const auto taken = attempt(m, [&] { return session.reply(*answer); });
    if (!taken && !is_disk(taken.error().code))
        violated("8 liveness", m.name() + " refuses an answer about contents: " + taken.error().detail);
    return taken && alive();
}

void World::sync_contents(Machine& m, bool poll) {
    if (!m.is_up() || m.number == 0 || !m.is_enrolled || now_ms_ < m.away_until_ms) return;
    auto& h = hub_of(m);
    if (!h.is_up()) return;
    const auto work = attempt(m, [&] { return files::FileSession::has_work(*m.contents, poll); });
    if (!work && work.error().code != Errc::io && work.error().code != Errc::disk_full)
        violated("8 liveness", m.name() + ": contents: " + work.error().detail);
    if (!work || !*work || !m.is_up()) return;
    files::FileSession session(*m.contents);
    for (int trips = 0; session.wants_more(); ++trips) {
        if (trips > kContentTripsMax) violated("8 liveness", m.name() + ": a sync of contents does not end");
        if (!h.is_up() || !one_content_trip(m, h, session)) return note("contents cut " + m.name());
    }
    note("contents " + m.name() + " sent " + std::to_string(session.stats().sent) + " received " +
         std::to_string(session.stats().received));
}

/// What was said to be saved is on this disk, whole, whatever befell it; or the tree took its record. A record that it
/// gave back later has its content above, where it went before it was dropped here.
void World::check_kept(Machine& m) {
    const bool was_taken = !must(m.replica->fact("upstream/evicted"), m).empty();
    const auto is_elsewhere = [&](const Hash& hash) {
        return std::any_of(machines_.begin(), machines_.end(), [&](const auto& other) {
            return other.get() != &m && other->blobs.has(hash) && other->blobs.bytes(hash) == contents_.at(hash);
        });
    };
    for (const auto& hash : m.kept) {
        const auto c = must(m.contents->index().find(hash), m);
        const bool here = c && c->whole && m.blobs.has(hash) && m.blobs.bytes(hash) == contents_.at(hash);
        if (here) continue;
        if (!c && must(m.contents->index().references(hash), m).empty()) continue;
        if (was_taken && !(c && c->whole) && is_elsewhere(hash)) continue;
        if (backups_.contains(m.number)) continue;  // the folder may be of another day than the account
        violated("1 local durability", m.name() + ": content " + hash.hex().substr(0, 8) + " was saved and is gone");
    }
}

/// The faults have stopped: everybody asks until nothing moves.
void World::contents_until_quiet() {
    for (auto* m : present())
        if (auto r = m->contents->index().set_on_demand(false); !r)
            violated("8 liveness", m->name() + ": " + r.error().detail);
    for (int round = 0, quiet = 0; quiet < 2; ++round) {
        if (round > kContentRoundsMax) violated("8 liveness", "still contents on the move");
        std::uint64_t moved = 0;
        for (auto* m : present()) {
            if (m->number == 0) continue;
            m->away_until_ms = 0;
            (void)must(files::FileSession::has_work(*m->contents, true), *m);
            files::FileSession session(*m->contents);
            for (int trips = 0; session.wants_more(); ++trips)
                if (trips > kContentTripsMax || !one_content_trip(*m, hub_of(*m), session))
                    violated("8 liveness", m->name() + ": contents do not get through");
            moved += session.stats().sent + session.stats().received + session.stats().known;
        }
        quiet = moved == 0 ? quiet + 1 : 0;
    }
}

/// 3 for contents: whatever a device has, or said to have saved, is whole at the city and at its own hub, as long as a
/// record there names it; what was asked for has come; nothing is here under a hash that it does not fit.
void World::check_contents() {
    const auto named = [&](Machine& m, const Hash& hash) {
        const auto refs = must(m.contents->index().references(hash), m);
        const auto known = contents_.find(hash);
        return known != contents_.end() &&
               std::any_of(refs.begin(), refs.end(), [&](const auto& r) { return r.size == known->second.size(); });
    };
    // For whoever looks for the reason: what every machine says of it.
    const auto known_there = [&](const Hash& hash) {
        std::string out;
        for (auto& m : machines_) {
            const auto c = must(m->contents->index().find(hash), *m);
            const auto refs = must(m->contents->index().references(hash), *m);
            if (!c && refs.empty()) continue;
            out += "; " + m->name() + " at #" + std::to_string(m->upstream);
            if (c)
                out += " sent " + std::to_string(static_cast<int>(c->sent)) + " size " + std::to_string(c->size) +
                       (c->whole ? " whole" : "") + (c->why.empty() ? "" : " " + c->why);
            for (const auto& r : refs) out += " " + r.record + "(" + std::to_string(r.size) + ") " + r.stream.str();
        }
        return out;
    };
    const auto whole = [&](Machine& m, const Hash& hash) {
        const auto c = must(m.contents->index().find(hash), m);
        return c && c->whole && m.blobs.has(hash) && hash_of(m.blobs.bytes(hash)) == hash;
    };
    for (auto* m : present()) {
        auto list = m->kept;
        for (const auto& c : must(m->contents->index().newest(kAllMax), *m)) {
            if (!whole(*m, c.hash))
                violated("19 fail-stop", m->name() + ": content " + c.hash.hex().substr(0, 8) + " is not what it is");
            list.push_back(c.hash);
            if (m->is_hub() || c.sent != files::Sent::there) continue;
            if (named(hub(), c.hash) && must(m->contents->index().references(c.hash), *m).empty())
                violated("17 bad actors contained",
                         m->name() + " still holds content " + c.hash.hex().substr(0, 8) + known_there(c.hash));
        }
        for (const auto& hash : list) {
            const auto short_hash = hash.hex().substr(0, 8);
            if (!whole(*m, hash)) continue;  // lost with an older disk, or given up with its record
            if (named(hub(), hash) && !whole(hub(), hash))
                violated("3 no loss",
                         m->name() + ": content " + short_hash + " is not at the city" + known_there(hash));
            auto& h = hub_of(*m);
            const auto ref = must(h.contents->reference_for(m->unit, hash), h);
            if (m->number != 0 && ref && named(h, hash) && !whole(h, hash))
                violated("3 no loss", m->name() + ": content " + short_hash + " is not at " + h.name());
        }
        for (const auto& c : must(m->contents->index().wanted(files::kWantedHere, kAllMax), *m)) {
            auto& h = hub_of(*m);
            if (m->number != 0 && named(*m, c.hash) && must(h.contents->reference_for(m->unit, c.hash), h) &&
                whole(h, c.hash))
                violated("8 liveness", m->name() + ": content " + c.hash.hex().substr(0, 8) + " was asked for in vain");
        }
    }
}

}  // namespace taizhang::sim
