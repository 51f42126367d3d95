#include "tests/proof/session.h"

#include "sync/bundle.h"
#include "tests/sim/catalogs.h"
#include "tests/support/must.h"

#include <sqlite3.h>

#include <stdexcept>

namespace taizhang::proof {
namespace {

using support::Device;
using support::must;
using support::SimDisk;
using support::text;
using Step = Session::Step;

constexpr std::int64_t kMinute = 60'000;
const StreamId kStream{"B01", Audience::ledger};

/// Does not compress.
std::string noise(int length, std::uint64_t seed) {
    reference::Random random(seed);
    std::string out;
    while (static_cast<int>(out.size()) < length) out.push_back(static_cast<char>('!' + random.pick(90)));
    for (auto& c : out)
        if (c == '\\') c = 'b';
    return out;
}

}  // namespace

std::vector<Step> Session::canonical() {
    using enum Step;
    return {enrol,    create,      edit,       sync,     create,   batch,      news,   conflict, settle, sync,
            copy_out, large,       edit,       group,    sync,     checkpoint, drop,   edit,     sync,   restart,
            bundle,   city_edit,   sync,       truncate, edit,     catalog,    create, conflict, batch,  settle,
            sync,     restart_hub, checkpoint, drop,     copy_out, edit,       sync,   restart};
}

std::vector<Step> Session::random(std::uint64_t seed) {
    reference::Random random(seed);
    std::vector<Step> out{Step::enrol, Step::create};
    for (int n = 8 + random.pick(20); n > 0; --n)
        out.push_back(static_cast<Step>(1 + random.pick(static_cast<int>(Step::catalog))));
    out.push_back(Step::sync);
    return out;
}

const char* Session::name_of(Step step) {
    static constexpr const char* names[] = {"enrol",     "create",     "edit",        "large",    "batch",
                                            "group",     "sync",       "news",        "conflict", "settle",
                                            "city_edit", "checkpoint", "drop",        "bundle",   "copy_out",
                                            "truncate",  "restart",    "restart_hub", "catalog"};
    return names[static_cast<std::size_t>(step)];
}

// ------------------------------------------------------------------ the machines

Keys Session::keys_of(Who who) {
    if (who == Who::hub) return {support::make_key(1), support::make_key(0)};
    return {support::make_key(who == Who::device ? 7 : 8), nullptr};
}

void Session::open(Who who, std::uint64_t seed) {
    const auto i = index(who);
    machines_[i] = std::make_unique<Device>(seed, kDatabase, disks_[i]->vfs_name(), Knows{}, keys_of(who));
    machines_[i]->clock = clock_;
}

void Session::open_devices() {
    open(Who::device, seed_ + 2);
    open(Who::neighbour, seed_ + 3);
}

void Session::open_hub() { hub_ = std::make_unique<sync::Hub>(must(sync::Hub::open(*machine(Who::hub)))); }

Session::Session(std::uint64_t seed) : seed_(seed) {
    for (std::size_t i = 0; i < kMachines; ++i) disks_[i] = std::make_unique<SimDisk>(seed * kMachines + i);
    SimDisk::seed_sqlite(static_cast<std::uint32_t>(seed % 1'000'000 + 1));
    open(Who::hub, seed + 1);
    support::found_city(machine(Who::hub), sim::catalog_text(catalog_, false), "proof");
    open_hub();
}

Session::Session(const State& state, std::uint64_t seed)
    : clock_(state.clock),
      rows_(state.rows),
      words_(state.words),
      catalog_(state.catalog),
      neighbour_enrolled_(state.neighbour_enrolled),
      seed_(seed) {
    for (std::size_t i = 0; i < kMachines; ++i) {
        disks_[i] = std::make_unique<SimDisk>(seed * kMachines + i);
        disks_[i]->restore(state.disks[i]);
    }
    open(Who::hub, seed + 1);
    open_hub();
    open_devices();
}

Session::~Session() { close(); }

void Session::close() {
    hub_.reset();
    for (auto& m : machines_) m.reset();
}

Session::State Session::state() const {
    State out;
    for (std::size_t i = 0; i < kMachines; ++i) out.disks[i] = disks_[i]->snapshot();
    out.clock = clock_;
    out.rows = rows_, out.words = words_, out.catalog = catalog_;
    out.neighbour_enrolled = neighbour_enrolled_;
    return out;
}

// ------------------------------------------------------------------ what was said

void Session::promise(Who who, const std::vector<CommitId>& ids) {
    for (const auto& id : ids) promises_[index(who)].push_back({id.stream, id.replica, id.seq, id.hash});
}

void Session::promise_all(Who who) {
    auto& all = promises_[index(who)];
    all.clear();  // a chain's newest commit stands for those that it follows
    for (const auto& h : must(machine(who)->chain_heads())) all.push_back({h.stream, h.replica, h.seq, h.hash});
}

// ------------------------------------------------------------------ steps

void Session::settle(Device& device, sync::Hub& hub) {
    if (must(sync::upstream_hub(*device)).hub == ReplicaId{}) support::World::enrol_at(hub, device, "B01");
    for (int n = 0; n < 6; ++n) {
        support::World::sync(device, hub);
        if (n > 0 && must(sync::unsent_count(*device)) == 0) return;
    }
    throw std::runtime_error("what was written does not go up");
}

void Session::sync(Who who) {
    if (who == Who::neighbour && !neighbour_enrolled_) {
        support::World::enrol_at(*hub_, machine(who), "B01");
        neighbour_enrolled_ = true;
    }
    support::World::sync(machine(who), *hub_, [this] { promise_all(Who::hub); });
    promise_all(who);
}

std::string Session::word() { return "第" + std::to_string(++words_) + "次"; }
std::string Session::some_row() const { return "P" + std::to_string(rows_ < 2 ? rows_ : rows_ - words_ % 2); }

Edit Session::edit_of(const std::string& row, std::vector<std::pair<std::string, Value>> fields) {
    Edit e;
    e.entity = "probe";
    e.row = row;
    e.fields = std::move(fields);
    return e;
}

void Session::write(Who who, std::vector<Edit> edits) {
    Draft d;
    d.edits = std::move(edits);
    d.person = "人";
    promise(who, must(machine(who)->edit(d)));
}

void Session::create() {
    auto e = edit_of("P" + std::to_string(rows_ + 1), {{"title", text(word())}, {"diary", text(word())}});
    e.create = true;
    e.stream = kStream;
    write(Who::device, {e});
    ++rows_;
}

void Session::batch() {
    auto sent = edit_of(some_row(), {{"story", text(word())}});
    if (machine(Who::device).state(sent.row) == "open") sent.transition = "submit";
    auto other = edit_of("P1", {{"diary", text(word())}, {"tags", text(word())}, {"spent", Value::integer(words_)}});
    if (other.row == sent.row) other.fields.pop_back();
    if (other.row == sent.row)
        write(Who::device, {sent});
    else
        write(Who::device, {sent, other});
}

void Session::group() {
    auto& d = *machine(Who::device);
    std::vector<CommitId> done;
    must(d.group([&] {
        for (int n = 0; n < 3; ++n) {
            Draft draft;
            draft.edits = {edit_of(some_row(), {{"diary", text(word())}})};
            const auto ids = d.edit(draft);
            if (ids) done.insert(done.end(), ids->begin(), ids->end());
        }
    }));
    promise(Who::device, done);
}

void Session::conflict() {
    const auto row = some_row();
    sync(Who::device);
    sync(Who::neighbour);
    write(Who::neighbour, {edit_of(row, {{"title", text(word())}, {"story", text(word())}})});
    write(Who::device, {edit_of(row, {{"title", text(word())}, {"story", text(word())}})});
    sync(Who::neighbour);
    sync(Who::device);
}

void Session::decide() {
    for (const auto& c : must(machine(Who::device)->conflicts())) {
        if (!c.open || c.group != "story") continue;
        auto e = edit_of(c.row, {{"story", text(word())}});
        e.settle = true;
        write(Who::device, {e});
        return;
    }
}

void Session::checkpoint() {
    auto& city = *machine(Who::hub);
    must(city.note_backup(city.log_head()));
    promise(Who::hub, must(city.checkpoint()));
    sync(Who::device);
}

/// What the neighbour wrote, by stick; and back what the device has.
void Session::bundle() {
    write(Who::neighbour, {edit_of(some_row(), {{"remark", text(word())}})});
    for (const auto& part : must(sync::make_bundle(*machine(Who::neighbour), {"B01"})).parts)
        must(sync::take_bundle(*machine(Who::device), part));
    promise_all(Who::device);
    for (const auto& part : must(sync::make_bundle(*machine(Who::device), {"B01"})).parts)
        must(sync::take_bundle(*machine(Who::neighbour), part));
}

void Session::copy_out() {
    for (const auto who : {Who::device, Who::hub}) {
        auto& db = machine(who)->database();
        if (const int rc = sqlite3_wal_checkpoint_v2(db.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
            rc != SQLITE_OK)
            throw std::runtime_error(db.error_of(rc).detail);
    }
}

void Session::run(Step step) {
    clock_.wall_ms += kMinute;
    clock_.steady_ms += kMinute;
    if (!machines_[index(Who::device)]) open_devices();
    for (auto& m : machines_) m->clock = clock_;
    auto& device = machine(Who::device);
    switch (step) {
        case Step::enrol: support::World::enrol_at(*hub_, device, "B01"); return sync(Who::device);
        case Step::create: return create();
        case Step::edit: return write(Who::device, {edit_of(some_row(), {{"title", text(word())}})});
        case Step::large:
            return write(Who::device,
                         {edit_of(some_row(), {{"diary", text(noise(9000, static_cast<std::uint64_t>(++words_)))}})});
        case Step::batch: return batch();
        case Step::group: return group();
        case Step::sync: return sync(Who::device);
        case Step::news:
            sync(Who::device);
            sync(Who::neighbour);
            write(Who::neighbour, {edit_of(some_row(), {{"verdict", text(word())}})});
            sync(Who::neighbour);
            return sync(Who::device);
        case Step::conflict: return conflict();
        case Step::settle: return decide();
        case Step::city_edit:
            sync(Who::device);
            return write(Who::hub, {edit_of(some_row(), {{"quota", Value::integer(++words_)}})});
        case Step::checkpoint: return checkpoint();
        case Step::drop: return static_cast<void>(must(device->drop_old(clock_.wall_ms)));
        case Step::bundle:
            sync(Who::device);
            sync(Who::neighbour);
            return bundle();
        case Step::copy_out: return copy_out();
        case Step::truncate: return must(device->database().checkpoint());
        case Step::restart: return device.reopen();
        case Step::restart_hub:
            hub_.reset();
            machine(Who::hub).reopen();
            return open_hub();
        case Step::catalog:
            if (catalog_ < 3) must(machine(Who::hub)->append_control("catalog", sim::catalog_text(++catalog_, false)));
            return sync(Who::device);
    }
}

}  // namespace taizhang::proof
