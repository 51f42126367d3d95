// Stolen devices, what the city does about them, and relays that were found out.
#include "tests/sim/rogue.h"
#include "tests/sim/trouble.h"

#include <algorithm>

namespace taizhang::sim {

void World::bad_from_now(Machine& m) {
    for (const auto& [replica, who] : reading_.authors())
        if (who.key == m.keys.device->public_key()) bad_authors_.insert(replica);
}

/// One thing that a thief does, or the city.
void World::theft_act() {
    std::vector<Machine*> stolen;
    for (auto& m : machines_)
        if (m->is_stolen) stolen.push_back(m.get());
    if (stolen.empty() || (stolen.size() < 2 && one_in(20))) return steal(some_machine());
    auto& m = *stolen[static_cast<std::size_t>(pick(static_cast<int>(stolen.size())))];
    switch (pick(m.is_revoked ? 6 : 8)) {
        case 0: return release();
        case 1: return carry_stick(m, some_machine());
        case 2:
        case 3: return Rogue(*this, m).fork();
        case 4: return Rogue(*this, m).act();
        case 5: return write_by(m);
        default: return revoke(m);
    }
}

void World::steal(Machine& m) {
    if (m.number == 0 || !m.is_enrolled || m.is_stolen || m.is_revoked) return;
    if (m.is_relay && (with_contents_ || !one_in(2))) return;
    m.is_stolen = true;
    if (m.is_relay) {
        m.is_false = m.is_false || one_in(2);
        checks_.not_to_be_believed(m);
    }
    m.away_until_ms = now_ms_;
    bad_from_now(m);
    ++figures_.thefts;
    note("stolen " + m.name());
}

/// What the city has of it counts, or what it had some time ago, or nothing; of all that has the same key.
void World::revoke(Machine& m) {
    if (!hub().is_up() || m.is_revoked || must_wait()) return;
    const auto heads = hub().replica->chain_heads();
    if (!heads) violated("8 liveness", "the city cannot read its chains: " + heads.error().detail);
    const bool nothing = one_in(4), earlier = one_in(3);
    std::set<ReplicaId> all;
    for (const auto& [replica, cert] : hub().replica->control().certs())
        if (cert.key() == m.keys.device->public_key() && !hub().replica->control().revocation(replica))
            all.insert(replica);
    for (const auto& replica : all) {
        std::string streams;
        for (const auto& h : *heads) {
            if (h.replica != replica || nothing || one_in(6)) continue;
            auto seq = h.seq;
            if (earlier) seq = Seq{1 + static_cast<std::uint64_t>(pick(static_cast<int>(h.seq.value)))};
            const auto hashes = hub().replica->hashes_at(h.stream, replica, seq);
            if (!hashes || hashes->empty()) continue;
            const auto& hash = (*hashes)[static_cast<std::size_t>(pick(static_cast<int>(hashes->size())))];
            streams += (streams.empty() ? "\"" : ",\"") + h.stream.str() + R"(":{"seq":)" + std::to_string(seq.value) +
                       R"(,"hash":")" + hash.hex() + R"("})";
        }
        add_control("revoke", R"({"replica":")" + replica.hex() + R"(","streams":{)" + streams + "}}");
        note("revoke " + m.name() + " " + replica.hex().substr(0, 8) + " " + streams);
    }
    ++figures_.revoked;
    for (auto& other : machines_)
        if (other->keys.device->public_key() == m.keys.device->public_key()) {
            other->is_stolen = other->is_revoked = true;
            if (other->is_relay) checks_.not_to_be_believed(*other);
            bad_from_now(*other);
        }
    moved(hub());
    checks_.check_state(hub());
}

/// Somebody entitled looked at it: it counts after all.
void World::release() {
    if (!hub().is_up() || must_wait()) return;
    std::vector<Hash> late;
    std::vector<const Told*> log;
    for (const auto& line : checks_.read_log(hub())) log.push_back(line.commit);
    for (const auto& hash : reading_.quarantined_by(log, reading_.head())) late.push_back(hash);
    if (late.empty()) return;
    const auto& hash = late[static_cast<std::size_t>(pick(static_cast<int>(late.size())))];
    add_control("release", R"({"hash":")" + hash.hex() + R"("})");
    ++figures_.released;
    note("release " + hash.hex().substr(0, 8));
    moved(hub());
    checks_.check_state(hub());
}

/// It was found out: its program is set up anew on its data, or it is switched off and those below go elsewhere.
void World::settle_false_relays() {
    for (auto& m : machines_) {
        if (!m->is_false || m->is_revoked) continue;
        const bool is_off = !with_contents_ && one_in(2);
        note(std::string(is_off ? "switched off " : "set up anew ") + m->name());
        m->is_false = false;
        if (is_off) {
            m->is_gone = true;
            continue;
        }
        if (auto r = m->replica->set_fact("hub/self", ""); !r)
            violated("8 liveness", "a relay cannot be set up anew: " + r.error().detail);
        restart(*m);
        m->may_have_forgotten = true;
    }
    for (auto* m : present())
        if (m->number != 0 && !hub_of(*m).is_present()) leave_hub(*m);
}

/// Its hub is not one any more: people are told where to go.
void World::leave_hub(Machine& m) {
    const auto to = hub_for(m);
    note("leaves " + hub_of(m).name() + " " + m.name());
    go_to(m, to);
}

}  // namespace taizhang::sim
