// PCs and servers that were copied or put back from a backup: what each side then has to say, to send and to keep.
#include "sync/acks.h"
#include "tests/shared/sync/under_way.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <span>
#include <utility>

namespace taizhang::copied_test {
using namespace taizhang::support;

namespace {

/// The file to which a PC's database was copied, as long as it is needed.
class Copy {
public:
    Copy(const char* name, Device& of) : path_(scratch(name)) {
        remove();
        must(of->database().backup_to(path_));
    }
    ~Copy() { remove(); }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    operator const std::string&() const { return path_; }

private:
    void remove() const {
        for (const char* x : {"", "-wal", "-shm"}) std::remove((path_ + x).c_str());
    }
    std::string path_;
};

}  // namespace

TEST_CASE("a PC put back from its backup: what is saved while the hub gives back what came after the backup goes up",
          "[sync][session][fork]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const Copy path("tz-copied-test.db", *a);
    for (const char* t : {"一", "二", "三"}) a->set("assignment", "A1", {{"remark", text(t)}});
    w.sync(*a);
    Device back(77, path, {}, {}, a->keys);
    const auto id = back->id();
    sync::Session s(*back);
    const auto answer = must(w.hub->handle(must(s.request())));
    back.set("assignment", "A1", {{"next_steps", text("还原后写的")}});
    must(s.reply(answer));
    REQUIRE(must(back->is_forked(kB01, id)));
    CHECK(*sync::unsent_count(*back) > 0);
    CHECK(s.wants_more());
    SECTION("in the same session") {
        while (s.wants_more()) must(s.reply(must(w.hub->handle(must(s.request())))));
    }
    SECTION("after the program was started anew") {
        back.reopen();
        w.sync(back);
    }
    CHECK(*sync::unsent_count(*back) == 0);
    CHECK(w.city.field("A1", "next_steps") == "还原后写的");
    CHECK(w.city.field("A1", "remark") == "三");
    CHECK(*back->digest() == *w.city->digest());
}

TEST_CASE("a relay whose own sync is under way when a copy's branch comes from below passes both on",
          "[sync][relay][fork]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = must(sync::Hub::open(**town));
    auto a = w.device_at(town_hub, "B01");
    const Copy path("tz-copied-test.db", *a);
    Device copy(77, path, {}, {}, a->keys);
    a->set("assignment", "A1", {{"remark", text("原机")}});
    World::sync(*a, town_hub);
    copy.set("assignment", "A1", {{"next_steps", text("副本")}});
    bool came = false;
    World::sync(*town, *w.hub, [&] {
        if (!std::exchange(came, true)) World::sync(copy, town_hub);
    });
    w.sync(*town);
    CHECK(*sync::unsent_count(**town) == 0);
    CHECK(w.city.field("A1", "remark") == "原机");
    CHECK(w.city.field("A1", "next_steps") == "副本");
}

TEST_CASE("of a forked chain a piece that is to be sent never ends between two commits of one number",
          "[replica][fork]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const Copy path("tz-copied-test.db", *a);
    Device copy(77, path, {}, {}, a->keys);
    const auto id = (*a)->id();
    for (auto* d : {a.get(), &copy}) {
        d->set("assignment", "A1", {{"remark", text(d == a.get() ? "原机" : "副本")}});
        REQUIRE(ok(carry(**d, *w.city, kB01, id)));
    }
    const auto piece = must(w.city->chain_after(kB01, id, Seq{0}, 1));
    CHECK(piece.size() == 2);
}

TEST_CASE("own work that came back from a relay goes to the city when the tree takes its stream away",
          "[sync][relay][moves]") {
    World w;
    w.new_assignment("A2", "T1", "B02");
    must(w.city->append_control("unit", R"({"id":"K1-02","parent_id":"K1","level":"township","name":"K1-02"})"));
    auto town = w.device("K1-01");
    auto town_hub = must(sync::Hub::open(**town));  // it takes, and passes nothing on
    auto office = w.device_at(town_hub, "K1-01");
    const Copy path("tz-copied-test.db", *office);
    for (const char* day : {"2025-12-10", "2025-12-20"}) office->set("assignment", "A2", {{"deadline", text(day)}});
    World::sync(*office, town_hub);
    Device back(77, path, {}, {}, office->keys);
    World::sync(back, town_hub);
    REQUIRE(back.field("A2", "deadline") == "2025-12-20");
    must(w.city->append_control("unit", R"({"id":"B02","parent_id":"K1-02","level":"branch","name":"B02"})"));
    World::enrol_at(*w.hub, back, "K1-01");
    w.sync(back);
    w.sync(back);
    CHECK(w.city.field("A2", "deadline") == "2025-12-20");
    CHECK(back->find("A2")->empty());
}

TEST_CASE("a city that lost a commit with its backup is not shown to have it until it has it again",
          "[sync][restored]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const Copy backup("tz-copied-test.db", w.city);
    a->set("assignment", "A1", {{"remark", text("备份之后")}});
    w.sync(*a);
    const auto has = [&] { return must(sync::level_ack(**a, kB01, (*a)->id(), Level::city)); };
    REQUIRE(has() == Seq{1});
    Device restored(1, backup, {}, {}, w.city.keys);
    must(sync::Hub::restored(*restored));
    auto hub = must(sync::Hub::open(*restored));
    sync::Session s(**a);
    while (s.wants_more()) {
        must(s.reply(must(hub.handle(must(s.request())))));
        const auto there = must(restored->hashes_at(kB01, (*a)->id(), Seq{1}));
        CHECK(has() == Seq{there.size()});
    }
    CHECK(restored.field("A1", "remark") == "备份之后");
}

TEST_CASE("a city put back unnoticed whose log has the same commit at the cursor's place, above others, is healed",
          "[sync][restored]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), b = w.device("B01");
    const Copy backup("tz-copied-test.db", w.city);
    b->set("assignment", "A1", {{"remark", text("乙,备份之后")}});
    w.sync(*b);
    a->set("assignment", "A1", {{"result_text", text("甲")}});
    w.sync(*a);
    const auto place = w.city->log_head();
    Device restored(1, backup, {}, {}, w.city.keys);
    auto hub = must(sync::Hub::open(*restored));
    restored.set("assignment", "A1", {{"deadline", text("2025-12-10")}});
    REQUIRE(ok(carry(**a, *restored, kB01, (*a)->id())));  // as a stick or another office brings it
    REQUIRE(restored->log_head() == place);
    World::sync(*a, hub);
    CHECK(a->field("A1", "deadline") == "2025-12-10");
    CHECK(restored.field("A1", "remark") == "乙,备份之后");
    CHECK(*(*a)->digest() == *restored->digest());
}

TEST_CASE("a log's marks are the same after a start, far below the head, and when its anchor has moved", "[replica]") {
    World w;
    const Copy path("tz-copied-test.db", w.city);
    Device hub(1, path, {}, {}, w.city.keys);
    std::map<std::uint64_t, std::uint64_t> marks;
    const auto check = [&](std::uint64_t at) {
        const auto mark = must(hub->log_proof(Lsn{at}));
        REQUIRE(mark.has_value());
        CHECK((at == 0) == (*mark == 0));
        const auto [known, is_new] = marks.emplace(at, *mark);
        CHECK(known->second == *mark);
    };
    must(hub->log_proof(hub->log_head()));  // from here on
    for (int round = 0; round < 4; ++round) {
        const auto before = hub->log_head().value;
        must(hub->batch([&]() -> Result<> {
            for (int i = 0; i < 6'000; ++i)
                support::new_assignment(hub, "R" + std::to_string(round) + "-" + std::to_string(i), "T1", "B01");
            return {};
        }));
        const auto head = hub->log_head().value;
        REQUIRE(head > before + 5'999);
        for (const auto at : {std::uint64_t{0}, std::uint64_t{1}, before, before + 1, before + 16, head - 1, head})
            check(at);
        if (round % 2 == 1) hub.reopen();
        for (const auto& [at, mark] : std::map(marks)) check(at);
    }
    // What was rolled back leaves no trace.
    const auto head = hub->log_head();
    (void)hub->batch([&]() -> Result<> {
        for (int i = 0; i < 40; ++i) support::new_assignment(hub, "X" + std::to_string(i), "T1", "B01");
        must(hub->log_proof(hub->log_head()));
        return fail(Errc::usage, "not today");
    });
    REQUIRE(hub->log_head() == head);
    check(head.value);
    for (int i = 0; i < 40; ++i) support::new_assignment(hub, "Y" + std::to_string(i), "T1", "B01");
    check(hub->log_head().value);
    check(head.value + 17);
    hub.reopen();
    for (const auto& [at, mark] : std::map(marks)) check(at);
}

TEST_CASE("what a hub gave is not sent back to it", "[sync][session]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), b = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    w.sync(*a);
    must(sync::forget_cursor(**b));  // the hub's heads say of each chain how far it has it
    w.sync(*b);
    a->set("assignment", "A1", {{"remark", text("二")}});
    w.sync(*a);
    sync::Session s(**b);
    while (s.wants_more()) {
        must(s.reply(must(w.hub->handle(must(s.request())))));
        CHECK(*sync::unsent_count(**b) == 0);
    }
    CHECK(b->field("A1", "remark") == "二");
    CHECK(s.stats().sent == 0);
}

TEST_CASE("a reader's head counts as known only if it stands here", "[replica]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    for (const char* t : {"一", "二"}) a->set("assignment", "A1", {{"remark", text(t)}});
    w.sync(*a);
    auto head = ChainHead{kB01, (*a)->id(), Seq{2}, {}, Origin::below};
    const auto given = [&] {
        Lsn through;
        const auto all = must(w.city->log_after(Lsn{0}, std::span(&kB01, 1), 1u << 20, through, std::span(&head, 1)));
        return std::count_if(all.begin(), all.end(), [&](const auto& e) { return e.replica == head.replica; });
    };
    CHECK(given() == 2);  // another one of that number
    head.hash = must(w.city->hashes_at(kB01, head.replica, Seq{2})).front();
    CHECK(given() == 0);
}

}  // namespace taizhang::copied_test
