// What a device may drop, and what it keeps so that it can go on.
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::dropping_test {
namespace {

using support::text;

const StreamId kB01{"B01", Audience::ledger};

std::size_t bodies(Replica& r, const ReplicaId& author) {
    std::size_t n = 0;
    for (std::uint64_t seq = 1;; ++seq) {
        if (r.hashes_at(kB01, author, Seq{seq})->empty()) return n;
        const auto entries = *r.chain_after(kB01, author, Seq{seq - 1}, 1);
        n += !entries.empty() && entries.front().seq == Seq{seq};
    }
}

struct Backed : support::World {
    std::unique_ptr<support::Device> a;
    Backed() {
        new_assignment("A1", "T1", "B01");
        a = device("B01");
        write(4);
        REQUIRE(city->note_backup(city->log_head()).has_value());
        sign();
    }
    void write(int n) {
        for (int i = 0; i < n; ++i) a->set("assignment", "A1", {{"remark", text("第" + std::to_string(i))}});
        sync(*a);
    }
    void sign() {
        REQUIRE(city->checkpoint().has_value());
        sync(*a);
    }
    bool drop() { return *(*a)->drop_old(a->clock.wall_ms + 1000) > 0; }
};

TEST_CASE("what came after the city's backup is not dropped, though the city has signed it", "[replica][drop]") {
    Backed w;
    w.write(3);
    w.sign();
    REQUIRE(w.drop());
    CHECK(bodies(**w.a, (*w.a)->id()) == 3);
    CHECK((*w.a)->verify().has_value());
}

TEST_CASE("the newest commit of a chain stays: the next one and the clock follow it", "[replica][drop]") {
    Backed w;
    REQUIRE(w.drop());
    CHECK(bodies(**w.a, (*w.a)->id()) == 1);
    // What was begun and not done makes it read its state again, as a start does.
    CHECK((*w.a)->batch([]() -> Result<> { return fail(Errc::usage, "not today"); }).has_error());
    w.write(1);
    CHECK(w.city.field("A1", "remark") == "第0");
    CHECK((*w.a)->verify().has_value());
}

TEST_CASE("a checkpoint takes the time of everything that its heads follow", "[replica][checkpoint]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), b = w.device("B01");
    a->clock.wall_ms += std::int64_t{300} * 86'400'000;
    a->set("assignment", "A1", {{"remark", text("明年")}});
    a->set("assignment", "A1", {{"responsible_person", text("明年")}});
    b->set("assignment", "A1", {{"remark", text("今天")}, {"responsible_person", text("今天")}});
    w.sync(*a);
    w.sync(*b);
    REQUIRE(w.city.field("A1", "remark") == "明年");
    w.city.clock.wall_ms += 86'400'000;
    REQUIRE(w.city->checkpoint().has_value());
    CHECK(w.city.field("A1", "responsible_person") == "今天");
    CHECK(w.city.field("A1", "remark") == "今天");
    CHECK(w.city->verify().has_value());
}

TEST_CASE("a commit that comes after the checkpoint that names it has no time from the future",
          "[replica][checkpoint]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), b = w.device("B01"), reader = w.device("B01");
    a->clock.wall_ms += std::int64_t{300} * 86'400'000;
    a->set("assignment", "A1", {{"remark", text("明年")}});
    b->set("assignment", "A1", {{"remark", text("今天")}});
    w.sync(*a);
    w.sync(*b);
    w.city.clock.wall_ms += 86'400'000;
    REQUIRE(w.city->checkpoint().has_value());
    // The city's word first, as a stick may bring it.
    for (auto* from : {&w.city, &*b, &*a}) REQUIRE(support::carry(*w.city, **reader, kB01, (*from)->id()).has_value());
    CHECK(reader->field("A1", "remark") == "今天");
    CHECK((*reader)->verify().has_value());
}

TEST_CASE("a long chain can be passed on in pieces: it is signed every few kilobytes", "[replica][trust]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    REQUIRE((*a)->batch([&]() -> Result<> {
                    for (int i = 0; i < 60; ++i) {
                        std::string words;
                        for (int k = 0; k < 60; ++k) words += std::to_string(i * 7919 + k * 104'729);
                        a->set("assignment", "A1", {{"remark", text(words)}});
                    }
                    return {};
                })
                .has_value());
    w.sync(*a);
    std::size_t bytes = 0;
    for (const auto& e : *w.city->chain_after(kB01, (*a)->id(), Seq{0}, 2048)) bytes += e.packed.size();
    CHECK(bytes >= 2048);
    CHECK(bytes < 10'000);
}

/// Bytes of the bodies that are here.
std::int64_t body_bytes(Replica& r) {
    auto sum = *r.database().prepare("SELECT coalesce(sum(length(body)), 0) FROM log", false);
    REQUIRE(*sum.step());
    return sum.integer(0);
}

TEST_CASE("a device that drops what is old stays within bounds for years", "[replica][drop]") {
    constexpr std::int64_t kDay = 86'400'000;
    Backed w;
    auto keeps = w.device("B01");  // and another one that never drops anything
    std::vector<std::int64_t> dropped, kept;
    for (int year = 0; year < 3; ++year) {
        for (int week = 0; week < 52; ++week) {
            w.write(6);
            w.city.clock.wall_ms += 7 * kDay;
            w.a->clock.wall_ms += 7 * kDay;
            REQUIRE(w.city->note_backup(w.city->log_head()).has_value());
            w.sign();
            REQUIRE((*w.a)->drop_old(w.a->clock.wall_ms - 90 * kDay).has_value());
        }
        w.sync(*keeps);
        dropped.push_back(body_bytes(**w.a));
        kept.push_back(body_bytes(**keeps));
    }
    CAPTURE(dropped[0], dropped[1], dropped[2], kept[0], kept[1], kept[2]);
    CHECK(kept[2] > 2 * kept[0]);
    CHECK(dropped[2] <= dropped[0] + dropped[0] / 5);
    CHECK(dropped[2] < kept[2] / 4);
    CHECK(*(*w.a)->digest() == *(*keeps)->digest());
    CHECK((*w.a)->verify().has_value());
}

}  // namespace
}  // namespace taizhang::dropping_test
