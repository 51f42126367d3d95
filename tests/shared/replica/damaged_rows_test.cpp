// What a database says that somebody altered, or that lost something: an error that names the place, and never a value
// out of thin air.
#include "tests/support/ok.h"
#include "tests/support/sim_disk.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::damaged_rows_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

/// A branch's database with a record of several changes, one in conflict, and one as it was made.
struct Damaged : World {
    SimDisk disk{1};
    std::unique_ptr<Device> a;
    Damaged() {
        for (const char* id : {"A1", "A2", "A3"}) new_assignment(id, "T1", "B01");
        a = std::make_unique<Device>(7, "ledger.db", disk.vfs_name());
        enrol_at(*hub, *a, "B01");
        sync(*a);
        auto b = device("B01");
        for (const char* t : {"一", "二"}) a->set("assignment", "A1", {{"remark", text(t)}});
        a->set("assignment", "A2", {{"result_text", text("甲")}});
        b->set("assignment", "A2", {{"result_text", text("乙")}});
        sync(*b);
        sync(*a);
        REQUIRE((*a)->conflicts("A2")->size() == 1);
        REQUIRE(ok((*a)->verify()));
    }
    void sql(const std::string& text) { REQUIRE(ok((*a)->database().exec(text))); }
    /// What the reading of it fails with after this was done to the database, in a program that was started anew.
    Error after(const std::string& what, const std::function<Result<>(Replica&)>& reading) {
        INFO(what);
        sql(what);
        if (auto opened = a->try_open(); !opened) return opened.error();
        const auto r = reading(**a);
        REQUIRE(r.has_error());
        return r.error();
    }
};

Result<> verify(Replica& r) {
    TRY_VOID(r.verify());
    return {};
}
std::function<Result<>(Replica&)> read(const std::string& id) {
    return [id](Replica& r) -> Result<> {
        TRY_VOID(r.read_row("assignment", id));
        return {};
    };
}
std::function<Result<>(Replica&)> edit(const std::string& id) {
    return [id](Replica& r) -> Result<> {
        Draft d;
        d.edits.emplace_back();
        d.edits[0].entity = "assignment";
        d.edits[0].row = id;
        d.edits[0].fields = {{"remark", text("三")}};
        TRY_VOID(r.edit(d));
        return {};
    };
}

bool is_damage(const Error& e) { return e.code == Errc::corrupt && e.detail.find(" / ") != std::string::npos; }

}  // namespace

TEST_CASE("damage: a log that lacks a commit, or has another, does not verify", "[replica][damage]") {
    const std::string last = " WHERE lsn = (SELECT max(lsn) FROM log WHERE origin = 0)";
    // Not the newest of its chain, which is read at the start.
    const std::string first = " WHERE lsn = (SELECT min(lsn) FROM log WHERE origin = 0)";
    const std::string another = " FROM log WHERE seq = 1 AND origin <> 0 ORDER BY lsn LIMIT 1)";
    const auto what = GENERATE_COPY(values<std::string>(
        {"UPDATE log SET hash = zeroblob(32)" + first, "UPDATE log SET body = x'0011'" + first,
         "UPDATE log SET body = x'ff'" + first, "UPDATE log SET seq = 3 - seq WHERE origin = 0 AND seq < 3",
         "UPDATE log SET hash = (SELECT hash" + another + ", body = (SELECT body" + another + first,
         "DELETE FROM log WHERE lsn = (SELECT min(lsn) FROM log)", "UPDATE log SET hash = x'00'" + last,
         "UPDATE log SET hash = zeroblob(32)" + last, "UPDATE log SET body = x'0011'" + last,
         "UPDATE log SET body = x'ff'" + last, "UPDATE log SET seq = seq + 1" + last, "UPDATE log SET sig = NULL",
         "DELETE FROM certificate WHERE pos = (SELECT max(pos) FROM certificate)", "UPDATE log SET sig = x'01'" + last,
         "UPDATE log SET sig = (SELECT sig FROM log WHERE origin <> 0 AND sig IS NOT NULL)" + last}));
    Damaged w;
    CHECK(is_damage(w.after(what, verify)));
}

TEST_CASE("damage: tables that say something else than the log do not verify", "[replica][damage]") {
    const auto what = GENERATE(values<std::string>(
        {"UPDATE assignment SET remark = '改过' WHERE id = 'A1'", "DELETE FROM assignment WHERE id = 'A1'",
         "DELETE FROM conflict", "UPDATE assignment SET status = '已办结'",
         "INSERT INTO conflict SELECT entity, stream, CAST('A3' AS BLOB), grp, loser, kind, decided_by, winner, rule "
         "FROM conflict",
         "INSERT INTO waiting(lsn, reason, what) SELECT max(lsn), 'program', 'catalog level 9' FROM log"}));
    Damaged w;
    CHECK(is_damage(w.after(what, verify)));
}

TEST_CASE("damage: a row whose clocks are no clocks is named, and not shown", "[replica][damage]") {
    for (const char* clocks : {"x''", "x'00'", "x'02ff'", "zeroblob(40)", "x'0f0000000000'"}) {
        Damaged w;
        w.sql(std::string("UPDATE assignment SET _m = ") + clocks + " WHERE id = 'A1'");
        for (const auto& reading : {read("A1"), edit("A1")}) {
            const auto r = reading(**w.a);
            REQUIRE(r.has_error());
            CHECK(is_damage(r.error()));
            CHECK(r.error().detail.find("A1") != std::string::npos);
        }
        CHECK(ok(read("A3")(**w.a)));
    }
}

TEST_CASE("damage: a row whose history leads nowhere is not shown", "[replica][damage]") {
    const std::string of_a1 =
        " WHERE lsn IN (SELECT l.lsn FROM log l JOIN replica r ON r.no = l.replica JOIN fact f ON "
        "f.key = 'replica' AND f.value = r.id WHERE l.seq IN (1, 2))";
    const auto what = GENERATE_COPY(values<std::string>(
        {"UPDATE log SET prev = x''" + of_a1, "UPDATE log SET prev = x'ff'" + of_a1,
         "UPDATE log SET prev = x'0205'" + of_a1,    // to a commit that has no such row
         "UPDATE log SET prev = x'fe0f00'" + of_a1,  // to one that is not there
         "UPDATE log SET prev = x'0105'" + of_a1,    // to what came after it
         "DELETE FROM log" + of_a1, "UPDATE log SET body = x'00'" + of_a1, "UPDATE log SET hash = x'00'" + of_a1}));
    Damaged w;
    const auto e = w.after(what, read("A1"));
    INFO(e.detail);
    CHECK(is_damage(e));
}

TEST_CASE("damage: what a row stands on is not in the log", "[replica][damage]") {
    const std::string made = " WHERE lsn = (SELECT lsn FROM log WHERE origin <> 0 AND seq = 3)";
    const auto what =
        GENERATE_COPY(values<std::string>({"DELETE FROM log" + made, "UPDATE log SET hash = x'00'" + made}));
    Damaged w;
    const auto e = w.after(what, [](Replica& r) -> Result<> {
        Draft d;
        d.edits.emplace_back();
        d.edits[0].entity = "assignment";
        d.edits[0].row = "A3";
        d.edits[0].transition = "apply_close_out";
        TRY_VOID(r.edit(d));
        return {};
    });
    INFO(e.detail);
    CHECK(is_damage(e));
}

TEST_CASE("damage: a database without its own name is not opened", "[replica][damage]") {
    const auto what = GENERATE(values<std::string>(
        {"DELETE FROM fact WHERE key = 'replica'", "UPDATE fact SET value = x'00' WHERE key = 'replica'"}));
    Damaged w;
    w.sql(what);
    const auto opened = w.a->try_open();
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == Errc::corrupt);
}

TEST_CASE("damage: certificates and entries that cannot be read end the start with a line", "[replica][damage]") {
    const auto what = GENERATE(values<std::string>(
        {"UPDATE certificate SET body = x'00'", "INSERT INTO certificate_waiting(hash, body) VALUES(x'00', x'00')",
         "UPDATE control SET body = x'00' WHERE pos = 3", "UPDATE control SET hash = x'00' WHERE pos = 3",
         "DELETE FROM control WHERE pos = 3"}));
    Damaged w;
    w.sql(what);
    const auto opened = w.a->try_open();
    REQUIRE(opened.has_error());
    CHECK(opened.error().detail.find(" / ") != std::string::npos);
}

TEST_CASE("damage: a history that runs in a circle ends", "[replica][damage]") {
    Damaged w;
    std::vector<std::int64_t> lsns;
    {
        auto s = *(*w.a)->database().prepare(
            "SELECT l.lsn FROM log l JOIN replica r ON r.no = l.replica WHERE r.id = ?1 AND l.seq <= 2 ORDER BY l.seq",
            false);
        s.bind_blob(1, view((*w.a)->id().bytes));
        while (*s.step()) lsns.push_back(s.integer(0));
    }
    REQUIRE(lsns.size() == 2);
    std::string prev;
    Writer p(prev);
    p.zigzag(lsns[0] - lsns[1]);
    p.varint(0);
    {
        auto s = *(*w.a)->database().prepare("UPDATE log SET prev = ?2 WHERE lsn = ?1", false);
        s.bind(1, lsns[0]).bind_blob(2, prev);
        REQUIRE(ok(s.run()));
    }
    const auto r = read("A1")(**w.a);
    REQUIRE(r.has_error());
    CHECK(is_damage(r.error()));
}

TEST_CASE("damage: a stream that is in the tables and not in the log, or only in the log, does not verify",
          "[replica][damage]") {
    const bool is_lost = GENERATE(true, false);
    Damaged w;
    // Its name comes after all others.
    REQUIRE(ok(w.city->append_control("unit", R"({"id":"乡村","parent_id":"K1-01","level":"branch","name":"乡村"})")));
    Device there(8, "there.db", w.disk.vfs_name());
    World::enrol_at(*w.hub, there, "K1-01");
    w.new_assignment("A4", "T1", "K1-01");
    if (is_lost) w.new_assignment("A5", "T1", "乡村");
    w.sync(there);
    REQUIRE(ok(there->verify()));
    const auto sql = [&](const std::string& text) { REQUIRE(ok(there->database().exec(text))); };
    if (is_lost) {
        sql("DELETE FROM assignment WHERE id = 'A5'");
    } else {
        sql("INSERT INTO stream(no, unit, audience) VALUES(99, '乡村', 0)");
        sql("CREATE TEMP TABLE more AS SELECT * FROM assignment WHERE id = 'A4'");
        sql("UPDATE more SET _s = 99");
        sql("INSERT INTO assignment SELECT * FROM more");
        sql("DROP TABLE more");
        there.reopen();
    }
    const auto r = there->verify();
    REQUIRE(r.has_error());
    CHECK(is_damage(r.error()));
    CHECK(r.error().detail.find("乡村/ledger") != std::string::npos);
}

}  // namespace taizhang::damaged_rows_test
