// Statements that are done with are used again: without what was bound before, and never by two at once.
#include "sqlite/database.h"

#include <catch2/catch.hpp>

namespace taizhang::sqlite {
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

}  // namespace
}  // namespace taizhang::sqlite
