#include "tests/sim/world.h"

#include "tests/sim/author.h"
#include "tests/sim/catalogs.h"
#include "tests/sim/rogue.h"
#include "tests/sim/trouble.h"

#include <algorithm>
#include <ctime>
#include <iostream>

namespace taizhang::sim {
namespace {

constexpr int kActsADay = 32, kRoundsMax = 10, kTripsMax = 60;
constexpr std::size_t kNothingNewMax = 300;  // bytes of a sync with nothing new, each way

/// For whoever looks for the reason: what a machine has to send.
std::string outbox_of(Machine& m) {
    std::string out;
    const auto behind = m.replica->behind();
    for (const auto& b : behind.value()) {
        const auto forked = m.replica->is_forked(b.stream, b.replica);
        out += "; " + b.stream.str() + " " + b.replica.hex().substr(0, 8) + " #" + std::to_string(b.acked.value) +
               " to #" + std::to_string(b.head.value) + (forked.value() ? " forked" : "");
    }
    return out;
}

std::string unit_entry(const std::string& id, const std::string& parent, const std::string& level) {
    return R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" + level + R"(","name":")" + id +
           R"("})";
}

}  // namespace

void Figures::add(const Figures& o) {
    worlds += o.worlds, days += o.days, commits += o.commits, messages += o.messages, lost_messages += o.lost_messages,
        doubled_messages += o.doubled_messages;
    old_messages += o.old_messages, power_cuts += o.power_cuts, io_errors += o.io_errors, clock_jumps += o.clock_jumps,
        restarts += o.restarts, copies += o.copies;
    restores += o.restores, sticks += o.sticks, bundles += o.bundles, checkpoints += o.checkpoints, drops += o.drops,
        states += o.states, histories += o.histories, tree_changes += o.tree_changes,
        states_refused += o.states_refused, hand_written += o.hand_written, decisions += o.decisions,
        transitions += o.transitions, refused_edits += o.refused_edits;
    upgrades += o.upgrades, renewals += o.renewals, moves_of_hub += o.moves_of_hub, hub_restores += o.hub_restores,
        older_programs += o.older_programs, program_upgrades += o.program_upgrades, reinstalled += o.reinstalled,
        enrolments += o.enrolments, rows_compared += o.rows_compared, lines_compared += o.lines_compared,
        lines += o.lines;
    closed_with_work += o.closed_with_work, followed += o.followed;
    contents += o.contents, content_trips += o.content_trips, content_cuts += o.content_cuts, wishes += o.wishes,
        let_go += o.let_go;
    machine_days += o.machine_days, forged += o.forged, beyond_scope += o.beyond_scope, floods += o.floods,
        forks += o.forks, spoiled += o.spoiled, swallowed += o.swallowed, thefts += o.thefts, revoked += o.revoked,
        released += o.released, replays += o.replays;
}

int World::days_of(std::uint64_t seed) { return 20 + reference::Random(seed ^ 0xdaf5u).pick(41); }

World::World(Plan plan, Tell tell) : plan_(std::move(plan)), seed_(plan_.seed), tell_(tell), random_(seed_) {
    support::SimDisk::seed_sqlite(static_cast<std::uint32_t>(reference::mix(seed_)) | 1u);
    with_ledger_ = one_in(4);
    with_copies_ = one_in(2);
    with_renewals_ = one_in(4);
    heavy_ = one_in(8);
    calm_ = one_in(6);
    with_relays_ = one_in(2);
    with_tiers_ = one_in(3);
    with_moves_ = one_in(2);
    with_older_ = one_in(3);
    with_contents_ = one_in(2);
    with_rogues_ = one_in(3);
    with_false_relay_ = one_in(2);
    with_thefts_ = one_in(3);
    with_ledger_ = with_ledger_ && has(Fault::ledger);
    with_renewals_ = with_renewals_ && has(Fault::renewals);
    heavy_ = heavy_ && has(Fault::long_texts);
    with_relays_ = with_relays_ && has(Fault::relays);
    with_tiers_ = with_tiers_ && has(Fault::tiers);
    with_moves_ = with_moves_ && has(Fault::tree);
    with_older_ = with_older_ && has(Fault::older_programs);
    with_contents_ = with_contents_ && has(Fault::contents);
    with_rogues_ = with_rogues_ && has(Fault::rogues);
    with_false_relay_ = with_relays_ && with_false_relay_ && has(Fault::false_relays);
    with_thefts_ = with_thefts_ && has(Fault::thefts);
    // Not from the luck of the others: a world that is not like this is as it was before there were such.
    with_hard_times_ = reference::Random(seed_ ^ 0x4a7du).pick(4) == 0 && has(Fault::hard_times);
}

void World::draw(std::uint64_t luck) {
    luck_ = reference::mix(luck);
    sends_ = 0;
    random_ = reference::Random(luck_);
}

std::uint64_t World::machine_days() const {
    std::int64_t ms = 0;
    for (const auto& m : machines_) ms += now_ms_ - m->born_ms;
    return static_cast<std::uint64_t>(ms / kDay);
}

std::vector<Machine*> World::present() {
    std::vector<Machine*> out;
    for (auto& m : machines_)
        if (m->is_present()) out.push_back(m.get());
    return out;
}

void World::note(const std::string& what) {
    const auto line = std::to_string(now_ms_) + " " + what + "\n";
    trace_.add(line);
    if (tell_ == Tell::nothing) return;
    const std::time_t seconds = now_ms_ / 1000;
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    char when[32];
    std::strftime(when, sizeof when, "%m-%d %H:%M:%S ", &tm);
    if (tell_ == Tell::at_once)
        std::cerr << when << what << "\n";
    else if (has_begun_)
        story_.push_back(when + what);
}

// ------------------------------------------------------------------ beginning

void World::add_control(const std::string& kind, const std::string& payload) {
    if (auto r = hub().replica->append_control(kind, payload); !r)
        violated("8 liveness", "the city cannot write its control log: " + r.error().detail);
    reading_.control_entry(kind, payload);
}

void World::know_author(Machine& m) {
    if (!m.replica) return;
    const auto& id = m.replica->id();
    const auto* cert = m.replica->control().cert(id);
    reading_.author(id, m.unit, m.level, m.keys.device->public_key(), cert ? cert->issuer_replica : ReplicaId{});
    if (m.is_stolen || m.is_rogue) bad_authors_.insert(id);
}

/// The relay next above the unit, else the city.
int World::nearest_hub(const std::string& unit) {
    for (auto at = unit; !at.empty(); at = reading_.parent_of(at))
        for (const auto& m : machines_)
            if (m->is_relay && m->is_present() && m->unit == at) return m->number;
    return 0;
}

/// Where the machine is to go up to.
int World::hub_for(const Machine& m) { return nearest_hub(m.is_relay ? reading_.parent_of(m.unit) : m.unit); }

/// Which hubs can have said what a level has, to somebody below this hub: those of the units above by some tree, on the
/// way to the city or not, since bundles bring their word too.
std::map<Level, std::vector<int>> World::speakers(const Machine& hub) {
    std::map<Level, std::vector<int>> out;
    for (const auto& m : machines_)
        if (m->is_hub() && (m->number == 0 || reading_.was_ever_below(hub.unit, m->unit)))
            out[m->level].push_back(m->number);
    return out;
}

/// A hub did something: what its log has from here on stays.
void World::moved(Machine& m) {
    if (m.is_up() && m.is_hub()) checks_.hub_moved(m);
}

Machine* World::add_machine(const std::string& unit, bool is_relay) {
    const auto number = static_cast<int>(machines_.size());
    const auto level = number == 0 ? Level::city : reading_.level_of(unit);
    machines_.push_back(std::make_unique<Machine>(
        number, unit, level, reference::mix(seed_ + static_cast<std::uint64_t>(number) * 7919), now_ms_));
    auto& m = *machines_.back();
    m.is_rogue = with_rogues_ && number != 0 && !is_relay && one_in(6);
    m.upstream = number == 0 || one_in(6) ? 0 : nearest_hub(unit);
    m.is_relay = is_relay;
    if (with_older_ && number != 0 && one_in(3)) {
        m.knows.catalog_level = 0;
        ++figures_.older_programs;
    }
    if (auto r = m.open(); !r) violated("8 liveness", m.name() + " does not start: " + r.error().detail);
    know_author(m);
    return &m;
}

void World::begin() {
    add_machine("C");
    add_control("city", R"({"title":"sim"})");
    add_control("catalog", catalog_text(1, with_ledger_));
    for (const auto& [id, parent, level] : {std::tuple{"C", "", "city"},
                                            {"C-DJB", "C", "city"},
                                            {"K1", "C", "county"},
                                            {"K2", "C", "county"},
                                            {"K1-01", "K1", "township"},
                                            {"K2-01", "K2", "township"},
                                            {"B01", "K1-01", "branch"},
                                            {"B02", "K1-01", "branch"},
                                            {"B03", "K2-01", "branch"}})
        add_control("unit", unit_entry(id, parent, level));
    auto self = hub().replica->self_as_subject("C", "root");
    if (auto r = self ? hub().replica->issue_certificate(*self) : self.error(); !r)
        violated("8 liveness", "no certificate for the city: " + r.error().detail);
    for (const char* unit : {"K1", "K1-01"}) {
        if (!with_relays_ || (unit == std::string("K1") && !with_tiers_)) continue;
        auto* m = add_machine(unit, true);
        while (!m->is_enrolled) enrol(*m);
        sync_fully(*m);
    }
    for (const char* unit : {"C-DJB", "K1", "K1", "K1-01", "K1-01", "B01", "B01", "B01", "B02", "B02", "B03"}) {
        auto* m = add_machine(unit);
        while (!m->is_enrolled) enrol(*m);
        sync_fully(*m);
    }
    // One relay goes wrong once everybody is there.
    for (auto& m : machines_)
        if (with_false_relay_ && m->is_relay && (!with_tiers_ || one_in(2))) {
            m->is_false = true;
            with_false_relay_ = false;
            checks_.not_to_be_believed(*m);
            note("goes wrong " + m->name());
        }
    has_begun_ = true;
}

// ------------------------------------------------------------------ days

void World::saved(Machine& m, const std::vector<CommitId>& ids) {
    for (const auto& id : ids) {
        m.saved.push_back(id);
        checks_.issued(id.hash);
        ++figures_.commits;
        trace_.add(view(id.hash.bytes));
        note("saved " + m.name() + " " + id.stream.str() + " " + id.replica.hex().substr(0, 8) + " #" +
             std::to_string(id.seq.value));
        const auto entries = m.replica->chain_after(id.stream, id.replica, Seq{id.seq.value - 1}, 1);
        if (!entries || entries->empty())
            violated("1 local durability", m.name() + ": a commit just saved cannot be read");
        for (const auto& e : *entries)
            if (e.hash == id.hash) reading_.told(e.hash, e.packed);
    }
}

void World::write_by(Machine& m) {
    if (!m.is_up() || (!m.is_enrolled && m.number != 0) || !reading_.newest_or_none(m.replica->control().head().value))
        return;
    Author author(*this, m);
    int kind = pick(10);
    if (kind == 7 && !has(Fault::decisions)) kind = 8;
    auto ids = attempt(m, [&] {
        return kind < 7 ? author.write() : kind < 8 ? author.decide() : author.write_by_hand();
    });
    note("write " + m.name() + " " + (ids ? std::to_string(ids->size()) : std::string(name_of(ids.error().code))));
    if (!ids) {
        const auto code = ids.error().code;
        if (code == Errc::internal || code == Errc::corrupt || code == Errc::protocol ||
            (code == Errc::denied && !m.is_revoked))
            violated("8 liveness", m.name() + " cannot write: " + ids.error().detail);
        ++figures_.refused_edits;
        return;
    }
    if (m.is_up()) {
        saved(m, *ids);
        moved(m);
    } else {
        // The power went after it was saved.
        m.saved.insert(m.saved.end(), ids->begin(), ids->end());
        for (const auto& id : *ids) checks_.issued(id.hash);
    }
}

void World::act() {
    auto& m = some_machine();
    if (!m.is_up()) {
        if (now_ms_ >= m.start_again_ms) start(m);
        return;
    }
    if (m.is_rogue && one_in(12)) return Rogue(*this, m).act();
    if (with_thefts_ && one_in(40)) return theft_act();
    if (with_moves_ && m.is_enrolled && m.is_present() && one_in(6) && must_go(m)) return follow_tree(m);
    if (with_contents_ && one_in(6)) return contents_act(m);
    const int kind = pick(100);
    if (kind < 50)
        write_by(m);
    else if (kind < (with_hard_times_ ? 75 : 92))
        begin_sync(m);
    else
        something_rare();
}

void World::something_rare() {
    auto& m = some_machine();
    auto& other = some_machine();
    switch (pick(20)) {
        case 0: return cut_power(m);
        case 1:
        case 2: return restart(m);
        case 3: return jump_clock(m);
        case 4:
        case 5:
        case 6: return carry_stick(m, other);
        case 7:
            if (one_in(3)) upgrade_catalog();
            return;
        case 8:
            if (with_moves_ && one_in(2)) return change_tree();
            if (one_in(3)) return add_unit();
            if (with_renewals_ && one_in(3)) renew_hub();
            return;
        case 9:
            if (with_copies_ && one_in(with_hard_times_ ? 2 : 4)) copy_machine(m);
            return;
        case 10: return take_backup(one_in(4) ? hub() : m);
        case 11:
            if (with_copies_ && one_in(3)) return restore_some();
            if (with_relays_ && one_in(2)) change_hub(m);
            return;
        case 12:
        case 13:
            if (m.is_up()) checks_.check_7_strong_convergence(m);
            return;
        case 14:
            if (one_in(4)) add_device();
            return;
        case 15:
            if (one_in(3)) return sign_checkpoints();
            if (one_in(2)) return drop_old(m);
            return go_away(m);
        case 16: return carry_stick(other, m);
        default:
            if (m.is_up() && (m.number == 0 || m.is_enrolled)) checks_.check_state(m);
    }
}

void World::run() {
    begin();
    const auto end = now_ms_ + days_of(seed_) * kDay;
    for (act_ = 0; now_ms_ < end && act_ < plan_.acts; ++act_) {
        const auto luck = seed_ * 1'000'003 + static_cast<std::uint64_t>(act_) * 2;
        draw(luck);
        deliver_through(now_ms_ + pick(static_cast<int>(2 * kDay / kActsADay)));
        draw(luck + 1);
        if (!plan_.skipped.contains(act_)) act();
    }
    draw(seed_ + 77);
    rest();
    figures_.worlds = 1;
    figures_.days = static_cast<std::uint64_t>(days_of(seed_));
    figures_.machine_days = machine_days();
    figures_.rows_compared = checks_.rows_compared();
    figures_.lines_compared = checks_.lines_compared();
    figures_.lines = checks_.lines_at_hub();
    for (auto* m : present()) {
        const auto gone = m->replica->facts("evicted/");
        figures_.let_go += static_cast<std::uint64_t>(
            std::count_if(gone.value().begin(), gone.value().end(), [](const auto& f) { return !f.second.empty(); }));
        const auto digest = m->replica->digest();
        for (const auto& [stream, value] : *digest) trace_.add(stream + value);
    }
}

// ------------------------------------------------------------------ the end

/// One session without any loss; whether something moved. Bounded in round trips.
bool World::sync_fully(Machine& m) {
    auto session = std::make_unique<sync::Session>(*m.replica);
    for (int trips = 0; session->wants_more(); ++trips) {
        if (trips > kTripsMax) violated("8 liveness", m.name() + ": a sync does not end");
        const auto request = session->request();
        if (!request) violated("8 liveness", m.name() + " cannot ask: " + request.error().detail);
        know_author(m);
        auto& h = hub_of(m);
        const auto asked = h.hub->read(*request);
        const auto answer = h.hub->handle(*request);
        if (!answer && answer.error().code == Errc::denied && h.may_have_forgotten) {
            m.is_enrolled = false;
            make_sure_enrolled(m);
            session = std::make_unique<sync::Session>(*m.replica);
            continue;
        }
        if (!answer) violated("8 liveness", "the hub refuses " + m.name() + ": " + answer.error().detail);
        know_author(h);
        moved(h);
        const auto reply = told_by(asked, *answer);
        checks_.reply_left(h, reply, speakers(h));
        note_reply(reply);
        figures_.states += reply.states.size(), figures_.histories += reply.pasts.size();
        session->measured(
            {request->size(), answer->size(), std::chrono::milliseconds(20), std::chrono::milliseconds(40)});
        if (auto r = session->reply(*answer); !r)
            violated("8 liveness", m.name() + " refuses the answer: " + r.error().detail);
        know_author(m);
        moved(m);
        ++figures_.messages;
    }
    note("synced " + m.name() + " sent " + std::to_string(session->stats().sent) + " received " +
         std::to_string(session->stats().received));
    figures_.states_refused += session->stats().states_refused;
    // An office that has given the unit away knows its chains no more; the device is told to go to the other one.
    if (!session->stats().refused.empty() && reading_.serves(hub_of(m).unit, m.unit))
        violated("8 liveness", m.name() + " was refused: " + session->stats().refused.front());
    return session->stats().sent + session->stats().received > 0;
}

/// A relay can enrol others once it is enrolled itself and knows the tree.
void World::catch_up(Machine& h) {
    if (h.number == 0) return;
    catch_up(hub_of(h));
    make_sure_enrolled(h);
    sync_fully(h);
}

void World::make_sure_enrolled(Machine& m) {
    if (m.number == 0 || m.is_enrolled) return;
    if (!reading_.serves(hub_of(m).unit, m.unit)) m.upstream = hub_for(m);
    auto& h = hub_of(m);
    catch_up(h);
    for (int n = 0; !m.is_enrolled; ++n) {
        if (n > kTripsMax) {
            const auto why =
                h.is_up() ? h.hub->new_code(m.unit) : Result<sync::Hub::Code>(fail(Errc::offline, "is off"));
            violated("8 liveness", m.name() + " cannot be enrolled at " + h.name() + ": " +
                                       (why ? "every try is lost" : why.error().detail));
        }
        enrol(m);
    }
}

void World::sync_until_quiet() {
    bool moved = true;
    for (int round = 0; moved; ++round) {
        if (round > kRoundsMax)
            violated("8 liveness", "still commits on the move after " + std::to_string(round) + " rounds");
        moved = false;
        for (auto* m : present())
            if (m->number != 0 && sync_fully(*m)) {
                moved = true;
                note("moved " + m->name() + outbox_of(*m));
            }
    }
}

/// The city signs what it has, devices drop what its backup holds, and a new one begins: nothing changes.
void World::begin_late() {
    take_backup(hub());
    sign_checkpoints();
    sync_until_quiet();
    for (auto* m : present())
        if (one_in(2)) drop_old(*m);
    add_device();
    make_sure_enrolled(*machines_.back());
    sync_until_quiet();
}

/// 8, liveness: once faults stop, everybody agrees within a bounded number of rounds.
void World::rest() {
    calm_ = true;
    with_older_ = false;
    for (auto& m : machines_) {
        if (!m->is_up()) start(*m);
        if (m->knows != Knows{}) upgrade_program(*m);
    }
    in_flight_.clear();
    for (auto& m : machines_) m->session.reset();
    settle_false_relays();
    for (auto* m : present()) {
        m->session.reset();
        m->awaits = 0;
        make_sure_enrolled(*m);
    }
    sync_until_quiet();
    // Everybody has heard of the tree by now; who stands below another office goes there.
    for (auto* m : present()) follow_tree(*m);
    sync_until_quiet();
    check_8_liveness();
    if (one_in(2)) begin_late();
    if (with_contents_) contents_until_quiet();
    note("rest");
    for (auto* m : present()) {
        const auto heads = m->replica->chain_heads();
        for (const auto& h : heads.value())
            if (!m->is_hub() && !reading_.holds(m->unit, h.stream))
                violated("17 bad actors contained", m->name() + " still holds " + h.stream.str());
    }
    check_everything();
    if (with_contents_) check_contents();
    check_5_idempotence();
}

/// Nothing waits, and nothing is left to send.
void World::check_8_liveness() {
    for (auto* m : present()) {
        auto waiting = m->replica->waiting();
        // What a relay keeps of a unit that went elsewhere waits for what is given elsewhere.
        if (waiting) std::erase_if(*waiting, [&](const auto& w) { return !reading_.holds(m->unit, w.id.stream); });
        // What a liar wrote on top of what never was waits for ever, and harms nobody.
        if (waiting) std::erase_if(*waiting, [&](const auto& w) { return is_bad(w.id.replica); });
        // A PC of a unit that was closed for good, away from its old office, can only read what it had.
        if (waiting && reading_.is_closed(m->unit) && !reading_.serves(hub_of(*m).unit, m->unit)) waiting->clear();
        if (!waiting || !waiting->empty())
            violated("8 liveness", m->name() + ": at rest, " +
                                       (waiting ? waiting->front().id.stream.str() + " waits for " +
                                                      waiting->front().reason + " " + waiting->front().what
                                                : waiting.error().detail));
        const auto unsent = m->number == 0 ? Result<std::uint64_t>(0) : sync::unsent_count(*m->replica);
        if (!unsent || *unsent != 0) violated("8 liveness", m->name() + ": unsent at rest" + outbox_of(*m));
        if (m->number != 0 && reading_.serves(hub_of(*m).unit, m->unit)) check_8_nothing_new(*m);
    }
}

/// Bytes in proportion to what is missing: where nothing is, one short question and one short answer.
void World::check_8_nothing_new(Machine& m) {
    sync::Session session(*m.replica);
    const auto request = session.request();
    if (!request) violated("8 liveness", m.name() + " cannot ask: " + request.error().detail);
    const auto answer = hub_of(m).hub->handle(*request);
    if (!answer) violated("8 liveness", "the hub refuses " + m.name() + ": " + answer.error().detail);
    if (auto r = session.reply(*answer); !r)
        violated("8 liveness", m.name() + " refuses the answer: " + r.error().detail);
    if (session.wants_more() || request->size() > kNothingNewMax || answer->size() > kNothingNewMax)
        violated("8 liveness", m.name() + ": at rest a sync costs " + std::to_string(request->size()) + " bytes up, " +
                                   std::to_string(answer->size()) + " down" +
                                   (session.wants_more() ? ", and wants more" : ""));
}

void World::check_everything() {
    const auto all = present();
    std::vector<Machine*> honest;
    for (auto* m : all)
        if (m->is_honest()) honest.push_back(m);
    checks_.check_3_no_loss(hub(), honest);
    for (auto* m : all) {
        checks_.after_start(*m);
        checks_.check_state(*m);
        checks_.check_7_strong_convergence(*m);
        checks_.check_17_acks(*m);
    }
    checks_.check_15_forks(all);
    checks_.check_16_rollback(hub(), honest);
    if (one_in(2)) check_13_rules_versioned();
    auto some = all;
    for (int n = 0; n < 3; ++n) {
        auto& m = *some[static_cast<std::size_t>(pick(static_cast<int>(some.size())))];
        if (const auto r = m.replica->verify(); !r)
            violated("2 atomic prefix", m.name() + ": verify says " + r.error().detail);
    }
}

void World::check_13_rules_versioned() {
    figures_.replays += static_cast<std::uint64_t>(checks_.check_13_rules_versioned(hub()));
}

/// What was sent before, once more and in any order, changes nothing.
void World::check_5_idempotence() {
    const auto before = hub().replica->digest();
    const auto head = hub().replica->log_head();
    for (auto* m : present()) {
        for (const auto& q : m->old_requests)
            if (const auto r = hub_of(*m).hub->handle(q); !r && r.error().code != Errc::denied)
                violated("5 idempotence", "the hub refuses an old request of " + m->name() + ": " + r.error().detail);
        const auto own = m->replica->digest();
        sync::Session session(*m->replica);
        for (auto it = m->old_replies.rbegin(); it != m->old_replies.rend(); ++it)
            if (const auto r = session.reply(*it); !r)
                violated("5 idempotence", m->name() + " refuses an old answer: " + r.error().detail);
        const auto after = m->replica->digest();
        if (!own || !after || *own != *after) violated("5 idempotence", m->name() + ": old answers change its state");
        if (m->number != 0) checks_.check_14_resume(*m);
    }
    const auto after = hub().replica->digest();
    if (hub().replica->log_head() != head || !before || !after || *before != *after)
        violated("5 idempotence", "old requests change the hub's state");
}

}  // namespace taizhang::sim
