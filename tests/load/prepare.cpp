// prepare.cpp - a city with many enrolled devices, and what each of them would send.
#include "base/embedded.h"
#include "files/file_hub.h"
#include "files/file_session.h"
#include "ledger/import.h"
#include "ledger/ledger.h"
#include "node/node.h"
#include "tape.h"
#include "tests/support/memory_blobs.h"
#include "tests/support/must.h"
#include "tests/support/world.h"

#include <sodium.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace taizhang::load {
namespace {

using support::must;
namespace fs = std::filesystem;

constexpr int kAtATime = 200;  // devices that are there at one time

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void write_u32(std::ofstream& out, std::uint32_t n) { out.write(reinterpret_cast<const char*>(&n), sizeof n); }

/// A branch's PC, as long as it takes to write down what it sends.
struct Pc {
    Pc(int number, std::string at, std::string file)
        : path(std::move(file)), device(static_cast<std::uint64_t>(number) + 1'000'000, path), unit(std::move(at)) {
        device.clock.wall_ms = now_ms();
        // The copy has the name of the template's key.
        must(device->batch([this] { return device->reincarnate_bare(); }));
    }
    ~Pc() {
        device.replica.reset();
        for (const char* end : {"", "-wal", "-shm"}) fs::remove(path + end);
    }
    std::string path;
    support::Device device;
    std::string unit;
    support::MemoryBlobs blobs;
};

void enrol(node::Node& city, Pc& pc) {
    const auto code = must(city.hub().new_code(pc.unit));
    sync::Enrolment e(*pc.device);
    must(e.reply(must(city.hub().handle(must(e.request(code.code, "load"))))));
    sync::Session s(*pc.device);
    while (s.wants_more()) must(s.reply(must(city.hub().handle(must(s.request())))));
}

Draft draft_of(Edit e) {
    Draft d;
    d.person = "试用员";
    d.edits.push_back(std::move(e));
    return d;
}

/// What the branch did this month: it reports on its assignments in turn, and has a photo in the end.
void work(Pc& pc, int number, const Options& o) {
    std::vector<std::string> assignments;
    {
        auto rows = must(pc.device->database().prepare("SELECT id FROM assignment ORDER BY id", false));
        while (must(rows.step())) assignments.emplace_back(rows.text(0));
    }
    if (assignments.empty()) throw std::runtime_error("unit " + pc.unit + " has nothing to report on");
    const auto name = "L" + std::to_string(100'000 + number);
    ledger::Ledger ledger(*pc.device);
    for (int n = 0; n < o.edits - (o.photo_kb > 0 ? 1 : 0); ++n) {
        ledger::ReportInput input;
        input.text = "已入户走访,第" + std::to_string(n + 1) + "次核对,情况属实,下月继续跟进。";
        must(ledger.report(assignments[static_cast<std::size_t>(n) % assignments.size()], input, "试用员"));
    }
    if (o.photo_kb == 0) return;
    std::string photo(static_cast<std::size_t>(o.photo_kb) * 1000, '\0');
    randombytes_buf(photo.data(), photo.size());
    const files::Contents::Source source = [&photo](std::uint64_t at, std::size_t bytes) -> Result<std::string> {
        return photo.substr(std::min<std::size_t>(at, photo.size()), bytes);
    };
    files::Contents contents(*pc.device, pc.blobs);
    const auto hash = hash_of(photo);
    must(contents.keep(source, hash, photo.size(), pc.unit));
    Edit e;
    e.entity = "evidence";
    e.row = "E-" + name;
    e.create = true;
    e.stream = StreamId{pc.unit, Audience::ledger};
    e.fields = {{"record_id", Value::text(assignments.front())},
                {"unit_id", Value::text(pc.unit)},
                {"name", Value::text("现场照片.jpg")},
                {"size", Value::integer(static_cast<std::int64_t>(photo.size()))},
                {"hash", Value::text(hash.hex())}};
    must(pc.device->edit(draft_of(std::move(e))));
}

/// What it sends, with the answers that it would get; the city forgets all of it.
std::vector<Request> sent_by(node::Node& city, Pc& pc) {
    std::vector<Request> tape;
    const auto undone = city.replica().group([&] {
        sync::Session s(*pc.device);
        while (s.wants_more()) {
            tape.push_back({false, must(s.request())});
            must(s.reply(must(city.hub().handle(tape.back().body))));
        }
        support::MemoryBlobs blobs;
        files::Contents theirs(city.replica(), blobs), ours(*pc.device, pc.blobs);
        files::FileSession f(ours, files::kChunkBytesMax);
        while (f.wants_more() && must(files::FileSession::has_work(ours, false))) {
            tape.push_back({true, must(f.request())});
            must(f.reply(must(files::FileHub(city.hub(), theirs).handle(tape.back().body))));
        }
        (void)city.replica().batch([&]() -> Result<> {
            TRY_VOID(city.replica().set_fact("load/undone", "1"));
            return fail(Errc::busy, "undone");
        });
    });
    if (undone) throw std::runtime_error("prepare: the city kept what it should forget");
    return tape;
}

void write_down(std::ofstream& out, const std::vector<Request>& tape) {
    write_u32(out, static_cast<std::uint32_t>(tape.size()));
    for (const auto& q : tape) {
        out.put(q.is_files ? '\1' : '\0');
        write_u32(out, static_cast<std::uint32_t>(q.body.size()));
        out.write(q.body.data(), static_cast<std::streamsize>(q.body.size()));
    }
    if (!out) throw std::runtime_error("cannot write the tape");
}

/// A database that knows the city and nobody's name: checking ten thousand units once is enough.
void make_template(Replica& city, const std::string& path) {
    support::Device pc(1, path);
    std::vector<std::string> entries;
    for (ControlPos at; at < city.control().head();) {
        auto some = must(city.control_after(at, 1u << 20));
        at = ControlPos{at.value + some.size()};
        std::move(some.begin(), some.end(), std::back_inserter(entries));
    }
    must(pc->receive_control(entries));
    must(pc->database().checkpoint());
}

std::vector<std::string> branches_of(const Replica& r) {
    std::vector<std::string> out;
    for (const auto& id : r.control().units())
        if (const auto* unit = r.control().unit(id); unit && unit->level == Level::branch) out.push_back(id);
    if (out.empty()) throw std::runtime_error("the city has no branches");
    return out;
}

}  // namespace

int prepare(const Options& o) {
    if (fs::exists(o.dir / "tape")) throw std::runtime_error((o.dir / "tape").string() + " is there already");
    fs::create_directories(o.dir);
    auto city = must(node::Node::open({(o.dir / "city").string(), true, std::chrono::seconds(1), "taizhang.db", true}));
    const auto file = o.city.empty() ? std::string(TZ_SOURCE_DIR "/schema/demo/yunxiu.json") : o.city;
    must(ledger::import_city(city->replica(), must(ledger::read_city_file(file)), embedded::ledger_catalog, nullptr));
    const auto units = branches_of(city->replica());
    const auto blank = (o.dir / "blank.db").string();
    make_template(city->replica(), blank);
    std::ofstream out(o.dir / "tape", std::ios::binary);
    for (int first = 0; first < o.branches; first += kAtATime) {
        const int last = std::min(o.branches, first + kAtATime);
        std::vector<std::unique_ptr<Pc>> pcs;
        must(city->replica().batch([&]() -> Result<> {
            for (int n = first; n < last; ++n) {
                const auto own = (o.dir / ("pc" + std::to_string(n) + ".db")).string();
                fs::copy_file(blank, own);
                pcs.push_back(std::make_unique<Pc>(n, units[static_cast<std::size_t>(n) % units.size()], own));
                enrol(*city, *pcs.back());
            }
            return {};
        }));
        for (int n = first; n < last; ++n) {
            auto& pc = *pcs[static_cast<std::size_t>(n - first)];
            work(pc, n, o);
            write_down(out, sent_by(*city, pc));
        }
        std::fprintf(stderr, "\rprepared %d of %d", last, o.branches);
    }
    std::fputc('\n', stderr);
    std::ofstream(o.dir / "count") << o.branches << ' ' << o.edits << ' ' << (o.photo_kb > 0 ? 1 : 0) << ' '
                                   << city->replica().log_head().value << '\n';
    return 0;
}

}  // namespace taizhang::load
