// What a second core does changes nothing of what is written, whenever it comes to it.
#include "tests/support/late_worker.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::second_core_test {
namespace {

using support::text;

/// At once, on a thread, at the last moment.
std::vector<std::shared_ptr<Worker>> workers() {
    return {nullptr, make_worker_thread(), std::make_shared<support::LateWorker>()};
}

/// A city whose rows were written again and again, some by two sides at once; the commits are more than what is
/// unpacked at a time, and more than one transaction folds without reading the log.
struct City {
    support::World world;
    City() {
        auto branch = world.device("B01");
        const std::string filler(1500, 'x');
        for (int n = 0; n < 120; ++n) world.new_assignment("A" + std::to_string(n), "T1", "B01");
        world.sync(*branch);
        for (int n = 0; n < 120; ++n) {
            branch->set("assignment", "A" + std::to_string(n), {{"remark", text(std::to_string(n) + filler)}});
            if (n % 3 == 0) world.city.set("assignment", "A" + std::to_string(n), {{"remark", text("city " + filler)}});
        }
        world.sync(*branch);
        REQUIRE(!world.city->conflicts()->empty());
    }
};

std::unique_ptr<Replica> copy_of(support::Device& city, std::shared_ptr<Worker> worker) {
    Replica::Options o;
    o.path = ":memory:";
    o.incarnation = city->id();
    o.keys = city.keys;
    Environment env;
    env.wall_ms = [] { return std::int64_t{1'761'955'200'000}; };
    env.steady_ms = [] { return std::int64_t{0}; };
    env.random = [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), std::uint8_t{1}); };
    env.worker = std::move(worker);
    auto copy = std::move(*Replica::open(o, env));
    REQUIRE(copy->receive_control(*city->control_after(ControlPos{0}, 1 << 20)).has_value());
    for (const auto& c : *city->certificates_after(0))
        REQUIRE(copy->add_certificate(*Certificate::decode(c.body)).has_value());
    return copy;
}

std::vector<LogEntry> log_of(Replica& r) {
    Lsn through;
    return *r.log_after(Lsn{0}, r.streams(), 64 << 20, through);
}

Result<std::vector<Replica::Received>> give(Replica& to, const std::vector<LogEntry>& log) {
    std::vector<std::string_view> packed;
    std::vector<HeadSignature> signatures;
    for (const auto& e : log) {
        if (!e.signature.empty()) signatures.push_back({packed.size(), e.signature});
        packed.push_back(e.packed);
    }
    if (const auto proved = to.prove(packed, signatures); !proved) return proved.error();
    return to.receive(packed, Origin::upstream);
}

TEST_CASE("second core: what arrives is the same log and the same rows", "[replica][worker]") {
    City city;
    const auto log = log_of(*city.world.city);
    for (const auto& worker : workers()) {
        auto copy = copy_of(city.world.city, worker);
        const auto received = give(*copy, log);
        REQUIRE(received.has_value());
        for (const auto& r : *received) REQUIRE(r.admission == Admission::admitted);
        CHECK(*copy->digest() == *city.world.city->digest());
        CHECK(copy->conflicts()->size() == city.world.city->conflicts()->size());
        CHECK(copy->verify().has_value());
    }
}

TEST_CASE("second core: a damaged commit ends what arrives just there", "[replica][worker]") {
    City city;
    auto log = log_of(*city.world.city);
    const auto bad = log.size() - 40;
    log[bad].packed = "\x01 not zstd";
    std::vector<Admission> first;
    for (const auto& worker : workers()) {
        auto copy = copy_of(city.world.city, worker);
        const auto received = give(*copy, log);
        REQUIRE(received.has_value());
        REQUIRE(received->size() == bad + 1);
        CHECK(received->back().admission == Admission::broken);
        // Those under a signature that came after it are unproved; the same ones each time.
        std::vector<Admission> said;
        for (const auto& r : *received) said.push_back(r.admission);
        if (first.empty()) first = said;
        CHECK(said == first);
        CHECK(copy->log_head().value ==
              static_cast<std::uint64_t>(std::count(said.begin(), said.end(), Admission::admitted)));
        CHECK(copy->verify().has_value());
    }
}

Draft many_rows(int from, int count) {
    Draft d;
    for (int n = from; n < from + count; ++n) {
        Edit e;
        e.entity = "assignment";
        e.row = "N" + std::to_string(n);
        e.create = true;
        e.stream = StreamId{"B01", Audience::ledger};
        e.fields = {{"task_id", text("T1")}, {"unit_id", text("B01")}, {"remark", text(std::string(900, 'n'))}};
        d.edits.push_back(std::move(e));
    }
    return d;
}

TEST_CASE("second core: what is written here is the same log and the same rows", "[replica][worker]") {
    City city;
    std::vector<std::string> first;
    for (const auto& worker : workers()) {
        auto copy = copy_of(city.world.city, worker);
        REQUIRE(copy->edit(many_rows(0, 60)).has_value());
        // In one transaction: rows that were just written are read, and written to.
        REQUIRE(copy->batch([&]() -> Result<> {
                        TRY_VOID(copy->edit(many_rows(100, 60)));
                        Draft d;
                        for (int n = 100; n < 160; ++n) {
                            Edit e;
                            e.entity = "assignment";
                            e.row = "N" + std::to_string(n);
                            e.fields = {{"remark", text(std::string(700, 'm'))}};
                            d.edits.push_back(std::move(e));
                        }
                        TRY_VOID(copy->edit(d));
                        CHECK(log_of(*copy).size() == 3);
                        return {};
                    })
                    .has_value());
        std::vector<std::string> packed;
        for (const auto& e : log_of(*copy)) packed.push_back(e.packed + e.signature);
        REQUIRE(packed.size() == 3);
        if (first.empty()) first = packed;
        CHECK(packed == first);
        CHECK(copy->verify().has_value());
    }
}

TEST_CASE("second core: what failed is gone, and the next one is written in its place", "[replica][worker]") {
    City city;
    for (const auto& worker : workers()) {
        auto copy = copy_of(city.world.city, worker);
        REQUIRE(copy->edit(many_rows(0, 60)).has_value());
        const auto failed = copy->batch([&]() -> Result<> {
            TRY_VOID(copy->edit_as(copy->id(), many_rows(100, 60), 1'761'955'300'000));
            // The commit to the first stream is written when the second one is refused.
            auto wrong = many_rows(200, 60);
            wrong.edits.back().stream = StreamId{"B02", Audience::ledger};
            wrong.edits.back().fields.emplace_back("no_such_field", text("x"));
            TRY_VOID(copy->edit(wrong));
            return {};
        });
        REQUIRE(!failed.has_value());
        CHECK(copy->log_head().value == 1);
        REQUIRE(copy->edit(many_rows(300, 60)).has_value());
        CHECK(copy->log_head().value == 2);
        CHECK(copy->verify().has_value());
    }
}

}  // namespace
}  // namespace taizhang::second_core_test
