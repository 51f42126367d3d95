#include "tests/support/world.h"

#include "base/embedded.h"
#include "tests/support/late_worker.h"
#include "tests/support/must.h"
#include "tests/support/reference_fold.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace taizhang::support {

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::string ledger_catalog() { return std::string(embedded::ledger_catalog); }

std::string catalog_for_all_programs() {
    auto out = ledger_catalog();
    for (const std::string newer : {"\nneeds = 2", "only_above = true, "})
        for (auto at = out.find(newer); at != std::string::npos; at = out.find(newer)) out.erase(at, newer.size());
    return out;
}

Result<std::vector<Replica::Received>> carry(Replica& from, Replica& to, const StreamId& stream,
                                             const ReplicaId& author) {
    std::vector<Replica::Received> out;
    TRY(const auto entries, from.chain_after(stream, author, Seq{0}, 1u << 20));
    std::vector<std::string_view> packed;
    std::vector<HeadSignature> signatures;
    for (const auto& e : entries) {
        if (!e.signature.empty()) signatures.push_back({packed.size(), e.signature});
        packed.push_back(e.packed);
    }
    TRY_VOID(to.batch([&]() -> Result<> {
        TRY_VOID(to.prove(packed, signatures));
        TRY(out, to.receive(packed, Origin::below));
        return {};
    }));
    return out;
}

std::shared_ptr<const trust::Key> make_key(std::uint64_t seed, std::uint8_t suite) {
    auto state = reference::mix(seed ^ 0x4b45u);
    auto random = [&](std::span<std::uint8_t> out) {
        for (auto& b : out) b = static_cast<std::uint8_t>((state = reference::mix(state)) >> 24);
    };
    return std::make_shared<const trust::Key>(trust::Key::make(suite, random));
}

Device::Device(std::uint64_t seed, std::string path, std::string vfs, Knows what, Keys with)
    : knows(what), keys(std::move(with)), random_(reference::mix(seed)), path_(std::move(path)), vfs_(std::move(vfs)) {
    if (!keys.device) keys.device = make_key(seed);
    must(try_open());
}

Result<> Device::try_open() {
    replica.reset();
    Environment env;
    env.wall_ms = [this] { return clock.wall_ms; };
    env.steady_ms = [this] { return clock.steady_ms; };
    env.random = [this](std::span<std::uint8_t> out) {
        for (auto& b : out) b = static_cast<std::uint8_t>((random_ = reference::mix(random_)) >> 24);
    };
    // Both ends of what a second core may do to the order of things: at once, and at the last moment.
    if (random_ % 2 == 1) env.worker = std::make_shared<LateWorker>();
    Replica::Options o;
    o.path = path_;
    o.vfs = vfs_;
    o.knows = knows;
    o.keys = keys;
    TRY(replica, Replica::open(o, env));
    // One in three has no room for the pages of a transaction: they go to SQLite's log before it ends.
    if (random_ % 3 == 1) TRY_VOID(replica->database().exec("PRAGMA cache_size = 10"));
    return {};
}

void Device::reopen() { must(try_open()); }

std::vector<CommitId> Device::edit(Edit e, const std::string& person) {
    Draft d;
    d.edits.push_back(std::move(e));
    d.person = person;
    return must(replica->edit(d));
}

std::vector<CommitId> Device::set(const std::string& entity, const std::string& row,
                                  std::vector<std::pair<std::string, Value>> fields) {
    Edit e;
    e.entity = entity;
    e.row = row;
    e.fields = std::move(fields);
    return edit(std::move(e));
}

std::vector<CommitId> Device::act(const std::string& entity, const std::string& row, const std::string& transition,
                                  std::vector<std::pair<std::string, Value>> arguments) {
    Edit e;
    e.entity = entity;
    e.row = row;
    e.transition = transition;
    e.arguments = std::move(arguments);
    return edit(std::move(e));
}

std::string Device::field(const std::string& row, const std::string& name) {
    for (const auto& [n, v] : must(replica->read_row({}, row)).fields)
        if (n == name) return v.display();
    throw std::runtime_error("no field " + name);
}

std::string Device::state(const std::string& row) { return must(replica->read_row({}, row)).state; }

void found_city(Device& city, const std::string& catalog, const std::string& title) {
    must(city->append_control("city", R"({"title":")" + title + R"("})"));
    must(city->append_control("catalog", catalog));
    for (const char* unit : {
             R"({"id":"C","parent_id":"","level":"city","name":"City"})",
             R"({"id":"C-DJB","parent_id":"C","level":"city","name":"Office"})",
             R"({"id":"K1","parent_id":"C","level":"county","name":"County"})",
             R"({"id":"K1-01","parent_id":"K1","level":"township","name":"Township"})",
             R"({"id":"B01","parent_id":"K1-01","level":"branch","name":"Branch 1"})",
             R"({"id":"B02","parent_id":"K1-01","level":"branch","name":"Branch 2"})",
         })
        must(city->append_control("unit", unit));
    must(city->issue_certificate(must(city->self_as_subject("C", "root"))));
}

World::World(const std::string& catalog, const std::string& title)
    : city(1, ":memory:", {}, {}, {nullptr, make_key(0)}) {
    found_city(city, catalog, title);
    hub = std::make_unique<sync::Hub>(must(sync::Hub::open(*city)));
}

std::unique_ptr<Device> World::device(const std::string& unit) { return device_at(*hub, unit); }

std::unique_ptr<Device> World::device_at(sync::Hub& at, const std::string& unit) {
    auto d = std::make_unique<Device>(next_seed_++);
    enrol_at(at, *d, unit);
    sync(*d, at);
    return d;
}

void World::enrol_at(sync::Hub& at, Device& d, const std::string& unit) {
    const auto code = must(at.new_code(unit));
    sync::Enrolment e(*d);
    must(e.reply(must(at.handle(must(e.request(code.code, "test"))))));
}

int World::sync(Device& d, sync::Hub& at, const std::function<void()>& answered) {
    sync::Session s(*d);
    const auto answer_to = [&](const std::string& request) {
        auto answer = must(at.handle(request));
        answered();
        return answer;
    };
    int trips = 0;
    std::string early;
    while (s.wants_more()) {
        if (++trips > 100) throw std::runtime_error("sync does not end");
        const auto answer = early.empty() ? answer_to(must(s.request())) : std::exchange(early, {});
        // As the programs do: what follows is asked for while this is taken.
        const auto next = must(s.ahead(answer));
        if (!next.empty()) early = answer_to(next);
        must(s.reply(answer));
    }
    return trips;
}

void new_assignment(Device& city, const std::string& id, const std::string& task, const std::string& unit,
                    const std::string& state) {
    Edit e;
    e.entity = "assignment";
    e.row = id;
    e.create = true;
    e.stream = StreamId{unit, Audience::ledger};
    e.fields = {{"task_id", text(task)}, {"unit_id", text(unit)}, {"deadline", text("2025-11-30")}};
    e.transition = "carry_over";
    e.arguments = {{"state", text(state)}};
    city.edit(std::move(e));
}

}  // namespace taizhang::support
