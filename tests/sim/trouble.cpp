// Power, disks, clocks, copies, sticks: what befalls machines.
#include "tests/sim/trouble.h"

#include "files/bundle_contents.h"
#include "sync/bundle.h"
#include "sync/restored.h"
#include "tests/sim/catalogs.h"

#include <sqlite3.h>

#include <algorithm>

namespace taizhang::sim {
namespace {

using Op = support::SimDisk::Op;
using Repeat = support::SimDisk::Repeat;

constexpr int kStartsMax = 30;
constexpr std::size_t kMachinesMax = 18;

}  // namespace

// ------------------------------------------------------------------ disks

void World::plan_trouble(Machine& m) {
    if (calm_ || !one_in(30)) return;
    const bool is_cut = one_in(2);
    if (!has(is_cut ? Fault::power : Fault::disk)) return;
    if (is_cut) return m.disk->cut_after(static_cast<std::uint64_t>(1 + pick(one_in(2) ? 6 : 60)));
    const auto nth = static_cast<std::uint64_t>(1 + pick(12));
    switch (pick(4)) {
        case 0: return m.disk->fail(Op::write, nth, Repeat::once, SQLITE_IOERR_WRITE);
        case 1:
            return m.disk->fail(Op::sync, static_cast<std::uint64_t>(1 + pick(2)), Repeat::once, SQLITE_IOERR_FSYNC);
        case 2: return m.disk->fail(Op::write, nth, one_in(2) ? Repeat::once : Repeat::forever, SQLITE_FULL);
        default: return m.disk->fail(Op::read, nth, Repeat::once, SQLITE_IOERR_READ);
    }
}

void World::after_trouble(Machine& m, bool failed, Errc code) {
    const bool fired = m.disk->faults_fired() > 0;
    m.disk->clear_faults();
    if (m.disk->is_off()) {
        m.close();
        m.start_again_ms = now_ms_ + pick(static_cast<int>(4 * kHour));
        ++figures_.power_cuts;
        note("power cut " + m.name());
        if (one_in(2)) start(m);
        return;
    }
    m.disk->cut_after(0);
    m.blobs.cut_after(0);
    // What was refused is told as refused, and what was saved as saved, where a bad sector was hit after that: the next
    // step fails.
    const bool is_broken = m.is_up() && m.replica->database().broken();
    if (!is_broken && (!failed || code != Errc::io)) return;
    if (!fired) violated("19 fail-stop", m.name() + ": a disk error that no disk made");
    // The program has to be started anew. What a failed sync left in the cache is gone with the power.
    ++figures_.io_errors;
    note("disk error " + m.name());
    checks_.check_19_fail_stop(m);
    m.close();
    m.disk->power_cut();
    m.blobs.crash();
    start(m);
}

void World::cut_power(Machine& m) {
    if (!m.is_up() || !has(Fault::power)) return;
    m.disk->power_off();
    after_trouble(m, false, Errc::internal);
}

void World::restart(Machine& m) {
    if (!m.is_up() || (!has(Fault::restarts) && !calm_)) return;
    ++figures_.restarts;
    note("restart " + m.name());
    m.close();
    start(m);
}

/// The program of today opens what the older one wrote.
void World::upgrade_program(Machine& m) {
    ++figures_.program_upgrades;
    note("program " + m.name());
    m.close();
    m.knows = {};
    start(m);
}

/// Starts the program, through further power cuts if need be, and checks what came back.
void World::start(Machine& m) {
    if (m.knows != Knows{} && one_in(6)) {
        m.knows = {};
        ++figures_.program_upgrades;
        note("program " + m.name());
    }
    for (int n = 0;; ++n) {
        if (n > kStartsMax) violated("8 liveness", m.name() + " does not start any more");
        if (m.disk->is_off()) {
            m.disk->restart();
            m.blobs.cut_after(0);
            m.blobs.crash();
        }
        m.disk->clear_faults();
        if (!calm_ && one_in(6) && has(Fault::power)) m.disk->cut_after(static_cast<std::uint64_t>(1 + pick(8)));
        if (m.has_dead_battery) m.clock_error_ms = kHour - now_ms_;  // 1970, until somebody sets it
        const auto opened = m.open();
        if (m.disk->is_off()) {
            m.close();
            ++figures_.power_cuts;
            continue;
        }
        m.disk->cut_after(0);
        if (opened) break;
        violated("2 atomic prefix", m.name() + " does not open: " + opened.error().detail);
    }
    note("start " + m.name());
    know_author(m);
    moved(m);
    checks_.after_start(m);
    check_kept(m);
    if (one_in(4)) checks_.check_state(m);
}

// ------------------------------------------------------------------ clocks and control

void World::jump_clock(Machine& m) {
    if (!has(Fault::clocks)) return;
    ++figures_.clock_jumps;
    switch (pick(8)) {
        case 0: m.clock_error_ms = -7 * kYear; break;               // before 2019
        case 1: m.clock_error_ms = (10 + pick(50)) * kYear; break;  // far future
        case 2: m.clock_error_ms = -pick(static_cast<int>(20 * kDay)); break;
        case 3: m.clock_error_ms = pick(static_cast<int>(20 * kDay)); break;
        case 4: m.clock_error_ms = kHour - now_ms_; break;  // 1970
        case 5: m.has_dead_battery = m.number != 0 && !m.has_dead_battery; break;
        default: m.clock_error_ms = 0; break;
    }
    // The city's clock is looked after; when it is wrong it is wrong by minutes.
    if (m.number == 0) m.clock_error_ms = pick(static_cast<int>(kHour)) - 30 * kMinute;
    note("clock " + m.name() + (m.has_dead_battery ? ", its battery is empty" : ""));
}

void World::sign_checkpoints() {
    if (!hub().is_up() || !has(Fault::checkpoints)) return;
    const auto ids = attempt(hub(), [&] { return hub().replica->checkpoint(); });
    note("checkpoint " + std::to_string(ids ? ids->size() : 0));
    if (!ids && (ids.error().code == Errc::internal || ids.error().code == Errc::corrupt))
        violated("8 liveness", "the city cannot sign: " + ids.error().detail);
    if (!hub().is_up()) return;
    if (ids) {
        saved(hub(), *ids);
        figures_.checkpoints += ids->size();
    }
    moved(hub());
}

void World::drop_old(Machine& m) {
    if (!m.is_up() || m.is_hub() || !m.is_enrolled || !has(Fault::drops)) return;
    const auto bytes = attempt(m, [&] { return m.replica->drop_old(now_ms_ - (one_in(2) ? 0 : pick(10) * kDay)); });
    note("drop " + m.name() + " " + std::to_string(bytes ? *bytes : 0));
    if (bytes && *bytes > 0) ++figures_.drops;
    if (!bytes && (bytes.error().code == Errc::internal || bytes.error().code == Errc::corrupt))
        violated("8 liveness", m.name() + " cannot drop: " + bytes.error().detail);
    if (m.is_up() && one_in(2)) checks_.check_state(m);
}

/// The city came back from a backup and has not met anybody since: it must not write its log.
bool World::must_wait() {
    const auto unmet = hub().replica->fact(kUnmet);
    if (!unmet) violated("19 fail-stop", "the hub: " + unmet.error().detail);
    if (unmet->empty()) return false;
    const auto refused = hub().replica->append_control("city", "{}");
    if (refused || refused.error().code != Errc::not_allowed ||
        hub().replica->control().head().value != reading_.head())
        violated("16 rollback", "a city that was put back writes its log before it has met anybody");
    return true;
}

void World::upgrade_catalog() {
    if (!hub().is_up() || catalog_version_ == kCatalogVersions || !has(Fault::catalogs) || must_wait()) return;
    const auto text = catalog_text(catalog_version_ + 1, with_ledger_);
    const auto done = attempt(hub(), [&] { return hub().replica->append_control("catalog", text); });
    note("upgrade");
    // Whether the entry is there is what the log says after a restart; a failed one is not tried blindly again.
    if (!hub().is_up()) start(hub());
    if (hub().replica->control().head().value == reading_.head()) return;
    if (!done && hub().replica->control().head().value != reading_.head() + 1)
        violated("2 atomic prefix", "half a control entry");
    reading_.control_entry("catalog", text);
    ++catalog_version_;
    ++figures_.upgrades;
}

void World::add_unit() {
    if (!hub().is_up() || reading_.unit_ids().size() > 11 || !has(Fault::more_devices) || must_wait()) return;
    const auto id = "B" + std::to_string(10 + reading_.unit_ids().size());
    add_control("unit", R"({"id":")" + id + R"(","parent_id":"K1-01","level":"branch","name":")" + id + R"("})");
    note("unit " + id);
    enrol(*add_machine(id));
}

/// Branches are moved to another township, merged, closed, or called otherwise.
void World::change_tree() {
    if (!hub().is_up() || must_wait()) return;
    std::vector<std::string> open;
    for (const auto& id : reading_.unit_ids())
        if (reading_.level_of(id) == Level::branch && !reading_.is_closed(id)) open.push_back(id);
    if (open.size() < 3) return;
    const auto id = open[static_cast<std::size_t>(pick(static_cast<int>(open.size())))];
    const auto other = open[static_cast<std::size_t>(pick(static_cast<int>(open.size())))];
    auto parent = reading_.parent_of(id);
    std::string more;
    const int kind = pick(8);
    if (kind >= 6) {
        add_control("unit", move_of_township());
        ++figures_.tree_changes;
        return note("tree township");
    }
    if (kind < 3) parent = parent == "K1-01" ? "K2-01" : "K1-01";
    if (kind == 3 && other != id) more = R"(,"merged_into":")" + other + "\"";
    if (kind == 4 && one_in(2)) more = R"(,"abolished":true)";
    for (const auto& m : machines_)
        if (!more.empty() && m->is_up() && m->unit == id && sync::unsent_count(*m->replica).value() > 0)
            ++figures_.closed_with_work;
    add_control("unit", R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":"branch","name":")" + id +
                            " " + std::to_string(++serial_) + "\"" + more + "}");
    ++figures_.tree_changes;
    note("tree " + id + " " + parent + more);
}

/// With all that stands below it, in one entry.
std::string World::move_of_township() {
    const std::string id = one_in(2) ? "K1-01" : "K2-01";
    return R"({"id":")" + id + R"(","parent_id":")" + (reading_.parent_of(id) == "K1" ? "K2" : "K1") +
           R"(","level":"township","name":")" + id + " " + std::to_string(++serial_) + "\"}";
}

bool World::must_go(Machine& m) {
    if (!m.is_up() || m.number == 0) return false;
    const auto must = sync::must_enrol_again(*m.replica);
    if (!must) violated("8 liveness", m.name() + ": " + must.error().detail);
    return *must;
}

/// Once the faults have stopped until it is done; before, a try.
void World::settle_in(Machine& m) {
    if (calm_) return make_sure_enrolled(m);
    if (!m.is_enrolled) enrol(m);
}

/// What the people at a PC do when the program says that it must enrol again.
void World::follow_tree(Machine& m) {
    if (!m.is_up() || m.number == 0) return;
    const auto& control = m.replica->control();
    if (!m.is_relay && control.is_abolished(m.unit, control.head())) {
        auto next = control.successor(m.unit, control.head());
        if (reading_.is_closed(next)) return;  // closed for good: it can only read
        note("now of " + next + " " + m.name());
        m.session.reset();
        m.awaits = 0;
        ++m.disk_life;
        m.old_requests.clear();
        m.old_replies.clear();
        m.unit = next;
        m.upstream = nearest_hub(next);
        m.is_enrolled = false;
        ++figures_.followed;
        return settle_in(m);
    }
    if (reading_.serves(hub_of(m).unit, m.unit)) return;
    ++figures_.followed;
    go_to(m, hub_for(m));
    settle_in(m);
}

/// One PC more in some unit.
void World::add_device() {
    if (!hub().is_up() || machines_.size() >= kMachinesMax || (!has(Fault::more_devices) && !calm_)) return;
    const auto& units = reading_.unit_ids();
    auto* m = add_machine(units[static_cast<std::size_t>(pick(static_cast<int>(units.size())))]);
    note("device " + m->name());
    enrol(*m);
}

/// To a village without a line, for days; sticks still come and go.
void World::go_away(Machine& m) {
    if (!has(Fault::absences)) return;
    m.away_until_ms = now_ms_ + (1 + pick(10)) * kDay;
    note("away " + m.name());
}

/// The city's server is set up anew from its newest backup: another hub, as far as cursors go.
void World::renew_hub() {
    if (!hub().is_up()) return;
    if (auto r = hub().replica->set_fact("hub/self", ""); !r)
        violated("8 liveness", "the hub's generation cannot be set: " + r.error().detail);
    ++figures_.renewals;
    note("renew hub");
    restart(hub());
}

/// The device goes over to the city's hub, or back to its relay, with all its data.
void World::change_hub(Machine& m) {
    if (!m.is_up() || m.number == 0 || m.is_relay || !m.is_enrolled || m.is_revoked) return;
    const bool is_served = reading_.serves(hub_of(m).unit, m.unit);
    const auto to = m.upstream == 0 || !is_served ? nearest_hub(m.unit) : 0;
    go_to(m, to);
}

/// With all its data.
void World::go_to(Machine& m, int to) {
    if (to == m.upstream) return;
    ++figures_.moves_of_hub;
    note("change hub " + m.name() + " " + std::to_string(to));
    m.session.reset();
    m.awaits = 0;
    ++m.disk_life;  // answers of the other hub are not for it any more
    m.old_requests.clear();
    m.old_replies.clear();
    m.upstream = to;
    m.is_enrolled = false;
    enrol(m);
}

/// Enrols over a link that may lose the answer; then asks again, as a person would, or sets the PC up anew.
void World::enrol(Machine& m) {
    if (m.is_revoked || hub_of(m).is_revoked) return;
    ++figures_.enrolments;
    auto& h = hub_of(m);
    const auto code = h.is_up() ? h.hub->new_code(m.unit) : Result<sync::Hub::Code>(fail(Errc::offline, "hub"));
    if (!code) return;
    using Begin = sync::Enrolment::Begin;
    sync::Enrolment e(*m.replica, m.is_relay ? Begin::with_log : Begin::with_state);
    const auto request = e.request(code->code, m.name());
    if (!request) violated("8 liveness", m.name() + " cannot enrol: " + request.error().detail);
    auto answer = h.hub->handle(*request);
    if (!calm_ && one_in(6)) {
        ++figures_.lost_messages;
        answer = h.hub->handle(*request);
    }
    if (!answer && answer.error().code == Errc::denied) {
        if (!m.saved.empty()) violated("3 no loss", m.name() + " has work and is refused: " + answer.error().detail);
        ++figures_.reinstalled;
        m.close();
        m.disk->restore({});
        m.blobs.restore({});
        m.kept.clear();
        ++m.disk_life;
        return start(m);
    }
    if (!answer) violated("8 liveness", m.name() + " is not enrolled: " + answer.error().detail);
    if (auto r = e.reply(*answer); !r) violated("8 liveness", m.name() + " refuses its enrolment: " + r.error().detail);
    m.is_enrolled = true;
    know_author(m);
}

// ------------------------------------------------------------------ copies, backups, sticks

/// The same disk goes on twice, as when a PC is cloned.
void World::copy_machine(Machine& m) {
    if (!m.is_up() || m.number == 0 || !m.is_enrolled || machines_.size() >= kMachinesMax || !has(Fault::copies))
        return;
    ++figures_.copies;
    note("copy " + m.name());
    const auto number = static_cast<int>(machines_.size());
    auto copy = std::make_unique<Machine>(number, m.unit, m.level,
                                          reference::mix(seed_ + static_cast<std::uint64_t>(number) * 7919), now_ms_);
    copy->disk->restore(m.disk->snapshot());
    copy->is_enrolled = true;
    copy->is_relay = m.is_relay;
    copy->is_rogue = m.is_rogue;
    copy->is_stolen = m.is_stolen;
    copy->is_revoked = m.is_revoked;
    copy->is_false = m.is_false;
    if (copy->is_false) checks_.not_to_be_believed(*copy);
    copy->upstream = m.upstream;
    copy->saved = m.saved;
    copy->keys = m.keys;
    copy->blobs.restore(m.blobs.all());
    copy->kept = m.kept;
    machines_.push_back(std::move(copy));
    start(*machines_.back());
}

void World::take_backup(Machine& m) {
    if (!m.is_up() || (m.number != 0 && !m.is_enrolled)) return;
    backups_[m.number] = {m.disk->snapshot(), m.saved, m.upstream, m.replica->control().head().value, m.unit, m.kept,
                          m.blobs.all()};
    if (m.number == 0)
        if (auto r = m.replica->note_backup(m.replica->log_head()); !r)
            violated("8 liveness", "the city cannot note its backup: " + r.error().detail);
}

void World::restore_some() {
    if (backups_.empty()) return;
    auto it = backups_.begin();
    std::advance(it, pick(static_cast<int>(backups_.size())));
    restore_backup(*machines_[static_cast<std::size_t>(it->first)]);
}

/// A machine is put back to its backup: what only it knew since then is gone with the disk.
void World::restore_backup(Machine& m) {
    const auto it = backups_.find(m.number);
    if (it == backups_.end() || !has(Fault::restores)) return;
    if (m.number == 0 && it->second.control != reading_.head()) return;
    ++(m.is_hub() ? figures_.hub_restores : figures_.restores);
    note("restore " + m.name());
    m.close();
    m.disk->restore(it->second.disk);
    m.saved = it->second.saved;
    m.acknowledged.clear();
    // The folder of contents as it was then, or as it was left on another disk.
    m.kept = it->second.kept;
    if (one_in(2)) m.blobs.restore(it->second.blobs);
    m.upstream = it->second.upstream;
    m.unit = it->second.unit;
    m.is_enrolled = true;
    if (m.is_hub()) {
        checks_.hub_restored(m);
        m.may_have_forgotten = true;
    }
    ++m.disk_life;
    m.old_replies.clear();
    // A request that was lost on the way may hold what only the disk that is gone had: to deliver it later rescues
    // that work, it repeats nothing.
    m.old_requests.clear();
    start(m);
    // A server is put back by its own command, which says so to the program; or somebody copied a file.
    if (m.is_hub() && one_in(2)) {
        for (const auto& [fact, value] : {std::pair{"hub/self", ""}, std::pair{"hub/restored", "1"}})
            if (auto r = m.replica->set_fact(fact, value); !r)
                violated("8 liveness", "a restored hub cannot note it: " + r.error().detail);
        if (auto r = m.replica->batch([&] { return sync::begin_unmet(*m.replica); }); !r)
            violated("8 liveness", "a restored hub cannot note it: " + r.error().detail);
        if (auto r = m.replica->reincarnate(); !r)
            violated("8 liveness", "a restored hub keeps its name: " + r.error().detail);
        know_author(m);
        restart(m);
    }
}

/// Commits go from one machine to another past the hub: any chains, in any order, from anywhere in them.
void World::carry_stick(Machine& from, Machine& to) {
    if (!from.is_up() || !to.is_up() || &from == &to) return;
    if ((from.number != 0 && !from.is_enrolled) || (to.number != 0 && !to.is_enrolled)) return;
    if (one_in(2)) return has(Fault::bundles) ? carry_bundle(from, to) : void();
    if (!has(Fault::sticks)) return;
    const auto heads = from.replica->chain_heads();
    if (!heads) return;
    std::vector<std::string> packed;
    std::map<std::string, std::string> signatures;  // by packed commit
    std::vector<ReplicaId> authors;
    for (const auto& h : *heads) {
        if (!reading_.holds(to.unit, h.stream) || !one_in(2)) continue;
        const auto after = static_cast<std::uint64_t>(pick(static_cast<int>(h.seq.value) + 1));
        const auto entries = from.replica->chain_after(h.stream, h.replica, Seq{one_in(2) ? 0 : after}, 20'000);
        if (!entries) return;
        for (const auto& e : *entries) {
            packed.insert(packed.begin() + (one_in(3) ? 0 : static_cast<std::ptrdiff_t>(packed.size())), e.packed);
            if (!e.signature.empty()) signatures[e.packed] = e.signature;
        }
        authors.push_back(h.replica);
    }
    const bool with_certificates = one_in(2), with_signatures = !one_in(4);
    const std::vector<std::string_view> views(packed.begin(), packed.end());
    std::vector<HeadSignature> under;
    for (std::size_t i = 0; with_signatures && i < packed.size(); ++i)
        if (const auto it = signatures.find(packed[i]); it != signatures.end()) under.push_back({i, it->second});
    const auto done = attempt(to, [&] {
        return to.replica->batch([&]() -> Result<> {
            for (const auto& a : authors)
                if (const auto* cert = from.replica->control().cert(a);
                    cert && (with_certificates || !hub().is_up() || !hub().replica->control().cert(a)))
                    for (const auto& body : from.replica->certificate_chain(cert->replica)) {
                        TRY(const auto c, Certificate::decode(body));
                        TRY_VOID(to.replica->add_certificate(c));
                    }
            TRY_VOID(to.replica->prove(views, under));
            TRY_VOID(sync::receive_from_below(*to.replica, views));
            return {};
        });
    });
    ++figures_.sticks;
    note("stick " + from.name() + " to " + to.name() + " " + std::to_string(views.size()));
    if (!done && (done.error().code == Errc::internal || done.error().code == Errc::corrupt ||
                  done.error().code == Errc::protocol))
        violated("5 idempotence", to.name() + " cannot take a stick of " + from.name() + ": " + done.error().detail);
    moved(to);
    if (to.is_up() && one_in(2)) checks_.check_state(to);
}

/// A bundle, in small parts that come in any order, twice, or not at all; to whom it is meant or to somebody else.
void World::carry_bundle(Machine& from, Machine& to) {
    sync::BundleOptions o;
    if (!one_in(3)) o.to = to.unit;
    o.all = one_in(5);
    o.part_bytes = static_cast<std::size_t>(1 + pick(one_in(2) ? 2000 : 100'000));
    files::BundleContents contents(*from.contents, 50'000);
    if (with_contents_)
        if (auto r = contents.prepare(o); !r)
            violated("8 liveness", from.name() + " cannot export contents: " + r.error().detail);
    const auto files = sync::make_bundle(*from.replica, o);
    if (!files) {
        if (files.error().code != Errc::not_allowed && files.error().code != Errc::not_found)
            violated("8 liveness", from.name() + " cannot export: " + files.error().detail);
        return;
    }
    ++figures_.bundles;
    note("bundle " + from.name() + " to " + to.name() + " " + std::to_string(files->commits) + " in " +
         std::to_string(files->parts.size()));
    to.acknowledged.clear();  // what a hub's bundle says of its chains is its word, too
    auto parts = files->parts;
    const auto n = static_cast<int>(parts.size());
    for (int i = 0; i < n; ++i) std::swap(parts[static_cast<std::size_t>(i)], parts[static_cast<std::size_t>(pick(n))]);
    if (one_in(4)) parts.push_back(parts.front());
    if (one_in(6)) pocket_.push_back(parts.front());
    if (!pocket_.empty() && one_in(6))
        parts.push_back(pocket_[static_cast<std::size_t>(pick(static_cast<int>(pocket_.size())))]);
    for (const auto& part : parts) {
        if (!to.is_up() || one_in(12)) continue;
        auto bytes = part;
        const bool is_damaged = one_in(10);
        if (is_damaged) {
            const auto at = static_cast<std::size_t>(pick(static_cast<int>(bytes.size())));
            if (one_in(2))
                bytes.resize(at);
            else
                bytes[at] = static_cast<char>(bytes[at] ^ (1 << pick(8)));
        }
        const auto before = is_damaged ? to.replica->log_head() : Lsn{};
        const auto done = attempt(to, [&] {
            files::BundleContentsTaker taker(*to.contents);
            return sync::take_bundle(
                *to.replica, bytes, [&](const wire::Bundle& b) { return taker.stage(b); },
                [&](const wire::Bundle& b) { return taker.take(b); });
        });
        if (is_damaged && done) violated("6 no phantom", to.name() + " took a damaged bundle");
        if (is_damaged && to.is_up() && to.replica->log_head() != before)
            violated("2 atomic prefix", to.name() + ": a damaged bundle changed something");
        if (!done && (done.error().code == Errc::internal || done.error().code == Errc::corrupt ||
                      done.error().code == Errc::protocol || (done.error().code == Errc::bad_input && !is_damaged)))
            violated("5 idempotence", to.name() + " cannot take a bundle: " + done.error().detail);
        moved(to);
    }
    if (to.is_up() && one_in(2)) checks_.check_state(to);
}

}  // namespace taizhang::sim
