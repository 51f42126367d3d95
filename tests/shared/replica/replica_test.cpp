#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::replica_test {
namespace {

using support::Device;
using support::number;
using support::text;
using support::World;

TEST_CASE("an edit is there after reopening, and verify agrees", "[replica]") {
    const std::string path = support::scratch("tz-replica-test.db");
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

TEST_CASE("a new row that two commits of one transaction write has their values and no other row's", "[replica]") {
    World w;
    auto& r = *w.city;
    const auto create = [](const std::string& id, std::vector<std::pair<std::string, Value>> fields) {
        Edit e;
        e.entity = "push";
        e.row = id;
        e.create = true;
        e.stream = StreamId{"B01", Audience::ledger};
        e.fields = std::move(fields);
        Draft d;
        d.edits.push_back(std::move(e));
        return d;
    };
    const std::vector<std::pair<std::string, Value>> all{
        {"assignment_id", text("A1")},        {"unit_id", text("B01")},   {"kind", text("催办")},
        {"at", text("2025-11-01T08:00:00Z")}, {"by_unit_id", text("K1")}, {"text", text("另一行")}};
    const std::vector<std::pair<std::string, Value>> some{
        {"assignment_id", text("A2")}, {"unit_id", text("B01")}, {"at", text("2025-11-02T08:00:00Z")}};
    REQUIRE(r.batch([&]() -> Result<> {
                 REQUIRE(r.edit(create("P1", all)).has_value());
                 REQUIRE(r.edit(create("P2", some)).has_value());
                 Draft again = create("P2", some);
                 again.edits[0].create = false;
                 REQUIRE(r.edit(again).has_value());
                 return {};
             }).has_value());
    auto s = w.city->database().prepare("SELECT kind, by_unit_id, text FROM push WHERE id = 'P2'");
    REQUIRE(s.has_value());
    REQUIRE(*s->step());
    for (int i = 0; i < 3; ++i) CHECK(s->is_null(i));
    s->reset();
    CHECK(w.city->verify().has_value());
}

TEST_CASE("a commit whose base is not here leaves no trace in the tables", "[replica]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.city.set("assignment", "A1", {{"remark", text("零")}});
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    Device stick(9);
    REQUIRE(stick->receive_control(*w.city->control_after(ControlPos{0}, 1 << 20)).has_value());
    for (const auto& c : *w.city->certificates_after(0))
        REQUIRE(stick->add_certificate(*Certificate::decode(c.body)).has_value());
    REQUIRE(*sync::unsent_count(**a) == 1);
    // The row's creation lies in the city's chain; only what was built on it comes.
    REQUIRE(support::carry(**a, *stick, StreamId{"B01", Audience::ledger}, (*a)->id()).has_value());
    CHECK(stick->read_row({}, "A1").has_error());
    CHECK(stick->waiting()->size() == 1);
    CHECK(stick->verify().has_value());
}

TEST_CASE("a server whose clock is years ahead of everybody does not take this PC's clock along", "[replica][clock]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    w.sync(*d);
    const auto right = d->clock.wall_ms;
    REQUIRE((*d)->now().ms == right);
    w.city.clock.wall_ms += std::int64_t{73} * 365 * 86'400'000;  // 2098
    w.sync(*d);
    CHECK((*d)->now().ms == right);
    CHECK_FALSE((*d)->now().unverified);
    d->set("assignment", "A1", {{"remark", text("照常")}});
    w.sync(*d);
    CHECK(w.city.field("A1", "remark") == "照常");
    // A PC that knows it is wrong does take the server's word.
    Device lost(90);
    lost.clock.wall_ms = 0;
    w.city.clock.wall_ms = right;
    w.enrol_at(*w.hub, lost, "B01");
    w.sync(lost);
    CHECK(lost->now().ms == right);
    CHECK(lost->now().unverified);
}

TEST_CASE("what is to be sent follows edits, acks and what is lost again", "[replica][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    CHECK((*d)->behind()->empty());
    d->set("assignment", "A1", {{"remark", text("一")}});
    d->set("assignment", "A1", {{"remark", text("二")}});
    const auto behind = *(*d)->behind();
    REQUIRE(behind.size() == 1);
    CHECK(behind.front().acked == Seq{0});
    CHECK(behind.front().head == Seq{2});
    const auto failed = (*d)->batch([&]() -> Result<> {
        TRY_VOID((*d)->set_place(behind.front().stream, behind.front().replica, Seq{2}));
        return fail(Errc::internal, "a disk that is full");
    });
    CHECK(failed.has_error());
    CHECK((*d)->behind()->size() == 1);
    w.sync(*d);
    CHECK((*d)->behind()->empty());
    REQUIRE((*d)->set_place(behind.front().stream, behind.front().replica, Seq{1}).has_value());
    CHECK((*d)->behind()->front().acked == Seq{1});
    CHECK((*d)->own_heads()->size() == 1);
}

}  // namespace
}  // namespace taizhang::replica_test
