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

TEST_CASE("a long chain is dropped in several steps, and whoever asks for it gets what is there", "[replica][drop]") {
    Backed w;
    w.write(520);
    REQUIRE(w.city->note_backup(w.city->log_head()).has_value());
    w.sign();
    REQUIRE(w.drop());
    CHECK(bodies(**w.a, (*w.a)->id()) == 1);
    const Replica::RowKey a1{"assignment", "A1", kB01};
    CHECK((*w.a)->row_commits(a1)->size() == 1);
    CHECK(w.city->row_commits(a1)->size() == 525);
    CHECK((*w.a)->verify().has_value());
}

TEST_CASE("the history of a row with an open conflict stays", "[replica][drop]") {
    Backed w;
    auto c = w.device("B01");
    c->set("assignment", "A1", {{"remark", text("乙写的")}});
    w.a->set("assignment", "A1", {{"remark", text("甲写的")}});
    w.sync(*w.a);
    w.sync(*c);
    w.sync(*w.a);
    REQUIRE((*w.a)->conflicts("A1")->size() == 1);
    REQUIRE(w.city->note_backup(w.city->log_head()).has_value());
    w.sign();
    const auto before = bodies(**w.a, (*w.a)->id());
    (void)w.drop();
    CHECK(bodies(**w.a, (*w.a)->id()) == before);
    CHECK((*w.a)->verify().has_value());
}

TEST_CASE("a change of two groups that both moved on waits for the past of a row that was dropped", "[replica][drop]") {
    Backed w;
    w.a->set("assignment", "A1", {{"remark", text("一")}, {"responsible_person", text("一")}});
    w.sync(*w.a);
    auto c = w.device("B01");
    c->set("assignment", "A1", {{"remark", text("没有网时写的")}, {"responsible_person", text("没有网时写的")}});
    w.a->set("assignment", "A1", {{"remark", text("二")}, {"responsible_person", text("二")}});
    w.sync(*w.a);
    REQUIRE(w.city->note_backup(w.city->log_head()).has_value());
    w.sign();
    REQUIRE(w.drop());
    w.sync(*c);
    for (int i = 0; i < 3; ++i) w.sync(*w.a);
    CHECK((*w.a)->waiting_count() == 0);
    CHECK((*w.a)->conflicts("A1")->size() == 2);
    CHECK(w.a->field("A1", "remark") == w.city.field("A1", "remark"));
    CHECK((*w.a)->verify().has_value());
}

TEST_CASE("a time that the city takes from a commit of a row that was dropped is taken from the row",
          "[replica][drop][checkpoint]") {
    Backed w;
    REQUIRE(w.drop());
    auto b = w.device("B01");
    w.a->clock.wall_ms += std::int64_t{300} * 86'400'000;
    w.a->set("assignment", "A1", {{"remark", text("明年")}});
    b->set("assignment", "A1", {{"remark", text("今天")}});
    w.sync(*w.a);  // it has not seen b's
    w.city.clock.wall_ms += 86'400'000;
    REQUIRE(w.city->checkpoint().has_value());
    w.sync(*b);
    for (int i = 0; i < 3; ++i) w.sync(*w.a);
    CHECK((*w.a)->wanted_rows(9)->empty());
    CHECK(w.a->field("A1", "remark") == w.city.field("A1", "remark"));
    CHECK((*w.a)->verify().has_value());
    CHECK(w.city->verify().has_value());
}

TEST_CASE("a commit about two tables loses its time in both", "[replica][checkpoint]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), b = w.device("B01");
    const auto both = [](const std::string& words, bool create) {
        Draft d;
        d.edits.resize(2);
        d.edits[0].entity = "assignment";
        d.edits[0].row = "A1";
        d.edits[0].fields = {{"remark", text(words)}};
        d.edits[1].entity = "help_request";
        d.edits[1].row = "H1";
        d.edits[1].create = create;
        if (create) d.edits[1].stream = kB01;
        d.edits[1].fields = {{"text", text(words)}};
        return d;
    };
    REQUIRE((*a)->edit(both("先写的", true)).has_value());
    w.sync(*a);
    w.sync(*b);
    a->clock.wall_ms += std::int64_t{300} * 86'400'000;
    REQUIRE((*a)->edit(both("明年", false))->size() == 1);
    REQUIRE((*b)->edit(both("今天", false)).has_value());
    w.sync(*a);
    w.sync(*b);
    REQUIRE(w.city.field("A1", "remark") == "明年");
    w.city.clock.wall_ms += 86'400'000;
    REQUIRE(w.city->checkpoint().has_value());
    CHECK(w.city.field("A1", "remark") == "今天");
    CHECK(w.city->conflicts("H1")->size() == 1);
    CHECK(w.city->verify().has_value());
    // Above a checkpoint it keeps both rows from being given as they stand there.
    w.sync(*b);
    REQUIRE((*b)->edit(both("以后", false)).has_value());
    w.sync(*b);
    auto late = w.device("B01");
    REQUIRE((*late)->has_dropped());
    CHECK(late->field("H1", "text") == w.city.field("H1", "text"));
    CHECK(late->field("A1", "remark") == "以后");
    CHECK((*late)->verify().has_value());
}

TEST_CASE("a commit that waited while the city took its time stands beside others without one",
          "[replica][waiting][checkpoint]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto x = w.device("B01"), late = w.device("B01"), a = w.device("B01");
    x->set("assignment", "A1", {{"remark", text("一")}});
    REQUIRE(support::carry(**x, **late, kB01, (*x)->id()).has_value());
    late->clock.wall_ms += std::int64_t{300} * 86'400'000;
    late->set("assignment", "A1", {{"remark", text("二")}, {"responsible_person", text("明年")}});
    a->set("assignment", "A1", {{"responsible_person", text("今天")}});
    w.sync(*a);
    REQUIRE(support::carry(**late, *w.city, kB01, (*late)->id()).has_value());
    REQUIRE(w.city->waiting_count() == 1);
    w.city.clock.wall_ms += 86'400'000;
    REQUIRE(w.city->checkpoint().has_value());
    REQUIRE(support::carry(**x, *w.city, kB01, (*x)->id()).has_value());
    CHECK(w.city->waiting_count() == 0);
    CHECK(w.city.field("A1", "remark") == "二");
    CHECK(w.city.field("A1", "responsible_person") == "今天");
    CHECK(w.city->verify().has_value());
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
