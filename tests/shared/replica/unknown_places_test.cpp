// Questions about what is not here: nothing is the answer, and nothing is made up.
#include "replica/checkpoint.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::unknown_places_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger}, kNowhere{"nowhere", Audience::ledger};

ReplicaId nobody() {
    ReplicaId id;
    id.bytes.fill(0x77);
    return id;
}

}  // namespace

TEST_CASE("a stream or an author that is not here has no commits", "[replica][reading]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    auto& r = **a;
    const auto own = r.id();
    for (const auto& [stream, author] : {std::pair{kNowhere, own}, {kB01, nobody()}, {kNowhere, nobody()}}) {
        CHECK(r.hashes_at(stream, author, Seq{1})->empty());
        CHECK(r.chain_after(stream, author, Seq{0}, 1 << 20)->empty());
        CHECK_FALSE(*r.is_forked(stream, author));
        CHECK_FALSE(*r.is_covered({author, stream, Seq{1}, {}}));
        CHECK_FALSE(r.place(stream, author)->has_value());
        Lsn through;
        const ChainHead head{stream, author, Seq{1}, {}};
        CHECK_FALSE(r.log_after(Lsn{0}, std::span(&kB01, 1), 1 << 20, through, std::span(&head, 1))->empty());
    }
    CHECK(*r.commits_in(kNowhere) == 0);
    CHECK(*r.commits_in(kB01) == 2);
    CHECK_FALSE(r.has_stream(kNowhere));
    CHECK(r.stream_name(4711) == StreamId{});
    CHECK(r.chain_heads(std::span(&kNowhere, 1))->empty());
    CHECK(r.certificate_chain(nobody()).empty());
    Lsn through;
    CHECK(r.log_after(Lsn{0}, std::span(&kNowhere, 1), 1 << 20, through)->empty());
    CHECK(through == r.log_head());
    CHECK(ok(r.evict(kNowhere)));
    CHECK(*w.city->make_snapshot(kNowhere, 1 << 20) == "");
    // Beyond the newest entry there is none, in either log.
    CHECK(*r.control_mark(ControlPos{r.control().head().value + 1}) == 0);
    CHECK(*r.control_mark(r.control().head()) != 0);
    CHECK(*r.control_mark(ControlPos{1}) != 0);
    CHECK_FALSE(r.log_proof(Lsn{r.log_head().value + 1})->has_value());
    CHECK(**r.log_proof(Lsn{0}) == 0);
    CHECK(**r.log_proof(r.log_head()) != 0);
    CHECK(*Device(900)->control_mark(ControlPos{0}) == 0);
}

TEST_CASE("what a hub says it has of a chain that is not here is remembered, and changes nothing else",
          "[replica][reading]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    auto& r = **a;
    REQUIRE(r.behind()->size() == 1);
    for (const auto& [stream, author] : {std::pair{kNowhere, r.id()}, {kB01, nobody()}, {kNowhere, nobody()}}) {
        REQUIRE(ok(r.set_place(stream, author, Seq{5})));
        CHECK(**r.place(stream, author) == Seq{5});
        REQUIRE(r.behind()->size() == 1);
        CHECK(r.behind()->front().stream == kB01);
        CHECK(r.behind()->front().replica == r.id());
    }
    // The same written as what it is.
    REQUIRE(ok(r.set_fact("ack/B01/ledger/" + r.id().hex(), "1")));
    CHECK(r.behind()->empty());
}

TEST_CASE("a record that is not here is not found, in any entity and in one", "[replica][reading]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    auto& r = **a;
    CHECK(r.read_row("", "A9").error().code == Errc::not_found);
    CHECK(r.read_row("task", "A1").error().code == Errc::not_found);
    CHECK(r.read_row("nobody", "A1").error().code == Errc::not_found);
    CHECK(ok(r.read_row("", "A1")));
    CHECK(r.row_commits({"nobody", "A1", kB01})->empty());
    CHECK(r.row_commits({"assignment", "A1", kNowhere})->empty());
    CHECK(r.row_commits({"assignment", "A9", kB01})->empty());
    CHECK(r.row_commits({"assignment", "A1", kB01})->size() == 1);
    // What nobody asked for is passed over.
    CHECK(ok(r.complete_row({"nobody", "A1", kB01}, {})));
    CHECK(ok(r.complete_row({"assignment", "A1", kB01}, {})));
    CHECK(ok(r.complete_row({"assignment", "A9", kB01}, {})));
    CHECK(r.conflicts("A1")->empty());
    CHECK(ok(r.verify()));
}

}  // namespace taizhang::unknown_places_test
