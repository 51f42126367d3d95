// Statements that are done with are used again: without what was bound before, and never by two at once. What waits for
// the disk is there after a power cut, with all before it; what does not is there whole or not at all.
#include "sqlite/database.h"
#include "tests/support/sim_disk.h"

#include <sqlite3.h>
#include <catch2/catch.hpp>

namespace taizhang::sqlite::database_test {
namespace {

std::unique_ptr<Database> in_memory() {
    auto db = Database::open(":memory:", {});
    REQUIRE(db.has_value());
    REQUIRE((*db)->exec("CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES(1, 'x'), (2, 'y')").has_value());
    return std::move(*db);
}

std::int64_t one(Database& db, const char* sql, std::int64_t bound) {
    auto s = db.prepare(sql, false);
    REQUIRE(s.has_value());
    if (bound != 0) s->bind(1, bound);
    REQUIRE(s->step().has_value());
    return s->is_null(0) ? -1 : s->integer(0);
}

TEST_CASE("a statement that was left at a row answers what is asked of it next", "[sqlite][database]") {
    auto db = Database::open(":memory:", {});
    REQUIRE(db.has_value());
    REQUIRE(
        (*db)->exec("CREATE TABLE t(a INTEGER, b TEXT); INSERT INTO t VALUES(1, 'x'), (1, 'y'), (2, 'z')").has_value());
    auto s = (*db)->prepare("SELECT b FROM t WHERE a = ?1 ORDER BY b");
    REQUIRE(s.has_value());
    REQUIRE(*s->bind(1, 1).step());  // an exception, say, and nobody resets it
    REQUIRE(*s->bind(1, 2).step());
    CHECK(s->text(0) == "z");
}

TEST_CASE("a statement that is used again has forgotten what was bound", "[sqlite]") {
    const auto db = in_memory();
    CHECK(one(*db, "SELECT ?1", 7) == 7);
    CHECK(one(*db, "SELECT ?1", 0) == -1);
}

TEST_CASE("two statements of one text at a time do not disturb each other", "[sqlite]") {
    const auto db = in_memory();
    for (int round = 0; round < 2; ++round) {
        auto outer = db->prepare("SELECT a FROM t ORDER BY a", false);
        REQUIRE(*outer->step());
        CHECK(outer->integer(0) == 1);
        auto inner = db->prepare("SELECT a FROM t ORDER BY a", false);
        REQUIRE(*inner->step());
        REQUIRE(*inner->step());
        CHECK(inner->integer(0) == 2);
        REQUIRE(*outer->step());
        CHECK(outer->integer(0) == 2);
        CHECK_FALSE(*outer->step());
    }
}

TEST_CASE("a statement left in the middle holds nothing up, and follows a table that changes", "[sqlite]") {
    const auto db = in_memory();
    CHECK(one(*db, "SELECT count(*) FROM t", 0) == 2);
    {
        auto s = db->prepare("SELECT * FROM t", false);
        REQUIRE(*s->step());
        CHECK(s->columns() == 2);
    }
    REQUIRE(db->begin().has_value());
    REQUIRE(db->exec("ALTER TABLE t ADD COLUMN c INTEGER").has_value());
    REQUIRE(db->commit().has_value());
    auto s = db->prepare("SELECT * FROM t", false);
    REQUIRE(*s->step());
    CHECK(s->columns() == 3);
}

TEST_CASE("a statement may outlive its database", "[sqlite]") {
    auto db = in_memory();
    auto s = db->prepare("SELECT a FROM t", false);
    REQUIRE(s.has_value());
    db.reset();
    s = fail(Errc::io, "gone");
    CHECK_FALSE(s.has_value());
}

TEST_CASE("of a transaction that SQLite gave up nothing is written, and it is told as what it was",
          "[sqlite][database]") {
    const auto db = in_memory();
    REQUIRE(db->exec("PRAGMA max_page_count = 2").has_value());
    REQUIRE(db->begin().has_value());
    REQUIRE(db->exec("INSERT INTO t VALUES(3, 'z')").has_value());
    REQUIRE(db->exec("INSERT INTO t VALUES(4, hex(zeroblob(100000)))").error().code == Errc::disk_full);
    CHECK(sqlite3_get_autocommit(db->handle()) != 0);
    // Without a transaction it would be on the disk at once.
    CHECK(db->exec("INSERT INTO t VALUES(5, 'z')").error().code == Errc::disk_full);
    auto s = db->prepare("INSERT INTO t VALUES(6, 'z')", false);
    REQUIRE(s.has_value());
    CHECK(s->run().error().code == Errc::disk_full);
    const auto done = db->commit();
    REQUIRE(done.has_error());
    CHECK(done.error().detail.find("磁盘已满") != std::string::npos);
    CHECK_FALSE(db->in_transaction());
    CHECK(one(*db, "SELECT count(*) FROM t", 0) == 2);
    REQUIRE(db->begin().has_value());
    REQUIRE(db->exec("INSERT INTO t VALUES(7, 'z')").has_value());
    REQUIRE(db->commit().has_value());
    CHECK(one(*db, "SELECT count(*) FROM t", 0) == 3);
}

using support::SimDisk;

/// A table t on that disk; three rows at a time.
struct OnDisk {
    explicit OnDisk(SimDisk& on) : disk(on) { open(); }
    void open() {
        auto opened = Database::open("d.db", {.vfs = disk.vfs_name()});
        REQUIRE(opened.has_value());
        db = std::move(*opened);
        REQUIRE(db->exec("CREATE TABLE IF NOT EXISTS t(a INTEGER)").has_value());
    }
    void write(int a, Durability durability) {
        REQUIRE(db->begin(durability).has_value());
        for (int i = 0; i < 3; ++i) REQUIRE(db->exec("INSERT INTO t VALUES(" + std::to_string(a) + ")").has_value());
        REQUIRE(db->commit().has_value());
    }
    void cut(SimDisk::Keep keep) {
        disk.power_off();
        db.reset();
        disk.restart(keep);
        open();
    }
    SimDisk& disk;
    std::unique_ptr<Database> db;
};

TEST_CASE("a transaction that does not wait for the disk may go with the power, one before it may not", "[sqlite]") {
    SimDisk disk(1);
    OnDisk on(disk);
    on.write(1, Durability::now);
    const auto syncs = disk.calls(SimDisk::Op::sync);
    on.write(2, Durability::later);
    CHECK(disk.calls(SimDisk::Op::sync) == syncs);
    on.cut(SimDisk::Keep::nothing);
    CHECK(one(*on.db, "SELECT count(*) FROM t WHERE a = ?1", 1) == 3);
    CHECK(one(*on.db, "SELECT count(*) FROM t WHERE a = ?1", 2) == 0);
}

TEST_CASE("a transaction that waits for the disk makes those before it sure", "[sqlite]") {
    SimDisk disk(2);
    OnDisk on(disk);
    on.write(1, Durability::later);
    on.write(2, Durability::later);
    on.write(3, Durability::now);
    on.cut(SimDisk::Keep::nothing);
    for (int a = 1; a <= 3; ++a) CHECK(one(*on.db, "SELECT count(*) FROM t WHERE a = ?1", a) == 3);
}

TEST_CASE("of transactions that did not wait a power cut leaves the first ones, each whole", "[sqlite]") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        INFO("seed " << seed);
        SimDisk disk(seed);
        OnDisk on(disk);
        on.write(1, Durability::now);
        for (int a = 2; a <= 6; ++a) on.write(a, Durability::later);
        on.cut(SimDisk::Keep::coin);
        bool is_there = true;
        for (int a = 1; a <= 6; ++a) {
            const auto rows = one(*on.db, "SELECT count(*) FROM t WHERE a = ?1", a);
            CHECK((rows == 3 || (rows == 0 && a > 1)));
            CHECK((is_there || rows == 0));
            is_there = rows == 3;
        }
    }
}

}  // namespace
}  // namespace taizhang::sqlite::database_test
