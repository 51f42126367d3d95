#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang {
namespace {

using support::Device;
using support::number;
using support::text;
using support::World;

TEST_CASE("an edit is there after reopening, and verify agrees", "[replica]") {
    const std::string path = "/tmp/tz-replica-test.db";
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    World w;
    w.new_assignment("A1", "T1", "B01");
    CHECK(w.city.state("A1") == "办理中");
    CHECK(w.city.field("A1", "deadline") == "2025-11-30");
    w.city.set("assignment", "A1", {{"deadline", text("2025-12-10")}});
    CHECK(w.city.field("A1", "deadline") == "2025-12-10");
    const auto n = w.city->verify();
    REQUIRE(n.has_value());
    CHECK(*n == 2);
}

TEST_CASE("two sides edit one record; after syncs all replicas hold the same", "[replica][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    auto b = w.device("B01");
    auto other = w.device("B02");
    CHECK(a->field("A1", "deadline") == "2025-11-30");
    CHECK((*other)->read_row({}, "A1").has_error());

    a->set("assignment", "A1", {{"result_text", text("A稿")}});
    b->set("assignment", "A1", {{"result_text", text("B稿")}});
    w.city.set("assignment", "A1", {{"deadline", text("2025-12-10")}});
    CHECK(w.sync(*a) == 1);
    CHECK(w.sync(*b) == 1);
    CHECK(w.sync(*a) == 1);
    CHECK(a->field("A1", "deadline") == "2025-12-10");
    CHECK(a->field("A1", "result_text") == b->field("A1", "result_text"));
    const auto lines = (*a)->conflicts();
    REQUIRE(lines.has_value());
    REQUIRE(lines->size() == 1);
    CHECK(lines->front().open);
    const auto da = (*a)->digest(), db = (*b)->digest(), dc = w.city->digest();
    REQUIRE(da.has_value());
    CHECK(*da == *db);
    for (const auto& line : *da) CHECK(std::find(dc->begin(), dc->end(), line) != dc->end());
    CHECK((*a)->verify().has_value());
    CHECK(w.city->verify().has_value());
}

}  // namespace
}  // namespace taizhang
