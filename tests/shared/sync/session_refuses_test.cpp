// What a device does not take from a server that answers in its hub's place, and when it stops asking.
#include "tests/shared/sync/under_way.h"
#include "tests/support/ok.h"

#include <catch2/catch.hpp>

namespace taizhang::session_refuses_test {
using namespace taizhang::support;

namespace {

bool says(const std::string& line, const char* what) { return line.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("session: an answer of another city, or one that says nothing of what was sent, is refused",
          "[sync][session]") {
    UnderWay w;
    CHECK(says(w.refused([&](auto& m) { m.city = w.city->control().city_mark() + 1; }), "another city"));
    CHECK(says(w.refused([](auto& m) { m.took = 0; }), "acknowledged nothing"));
    CHECK(says(w.refused([&](auto& m) {
        m.took = 0;
        m.acks = {w.ack_of(Seq{1}, hash_of("another commit"))};
    }),
               "another commit than ours"));
    w.sync(*w.a);
    CHECK(*sync::unsent_count(**w.a) == 0);
}

TEST_CASE("session: a server that gives the same answer again and again is given up", "[sync][session]") {
    UnderWay w;
    sync::Session s(**w.a);
    const auto again = UnderWay::write(w.changed([](auto& m) { m.more = true; }));
    int taken = 0;
    for (;; ++taken) {
        REQUIRE(taken < 20);
        REQUIRE(ok(s.request()));
        const auto done = s.reply(again);
        if (done) continue;
        CHECK(done.error().code == Errc::protocol);
        CHECK(says(done.error().detail, "same answer again"));
        break;
    }
    CHECK(taken > 1);
}

TEST_CASE("session: records of a unit that is none of its own are not taken", "[sync][session]") {
    UnderWay w;
    w.new_assignment("A2", "T1", "B02");
    const StreamId theirs{"B02", Audience::ledger};
    const auto chain = must(w.city->chain_after(theirs, w.city->id(), Seq{0}, 1u << 20));
    CHECK(says(w.refused([&](auto& m) {
        for (const auto& e : chain) {
            if (!e.signature.empty()) m.signatures.push_back({m.commits.size(), e.signature});
            m.commits.push_back(e.packed);
        }
    }),
               "not for B01"));
    CHECK((*w.a)->chain_heads(std::span(&theirs, 1))->empty());
}

TEST_CASE("session: a server that lost what it had acknowledged gets it again from there", "[sync][session]") {
    UnderWay w;
    w.sync(*w.a);
    w.a->set("assignment", "A1", {{"remark", text("三")}});
    sync::Session s(**w.a);
    must(s.request());
    REQUIRE(ok(s.reply(UnderWay::write(w.changed([&](auto& m) {
        m.took = 0;
        m.acks.clear();
        m.verdicts = {{wire::Verdict::Kind::gap, kB01, (*w.a)->id(), Seq{3}, Seq{1}, "a gap"}};
    })))));
    CHECK(s.stats().refused.empty());
    CHECK(s.wants_more());
    CHECK(*sync::unsent_count(**w.a) == 2);
}

TEST_CASE("session: what the hub will not have is told once and blocks nothing else", "[sync][session]") {
    UnderWay w;
    const auto kind = GENERATE(wire::Verdict::Kind::gap, wire::Verdict::Kind::denied, wire::Verdict::Kind::unproved,
                               wire::Verdict::Kind::broken);
    sync::Session s(**w.a);
    must(s.request());
    REQUIRE(ok(s.reply(UnderWay::write(w.changed([&](auto& m) {
        m.took = 0;
        m.acks.clear();
        m.verdicts = {{kind, kB01, (*w.a)->id(), Seq{1}, Seq{0}, "the reason"}};
    })))));
    REQUIRE(s.stats().refused.size() == 1);
    CHECK(says(s.stats().refused.front(), "B01/ledger #1: the reason"));
    CHECK_FALSE(s.wants_more());
    CHECK(*sync::unsent_count(**w.a) == 2);  // somebody's work: offered again the next time
    w.sync(*w.a);
    CHECK(*sync::unsent_count(**w.a) == 0);
}

TEST_CASE("session: another city log whose end is to come before all else is not waited for",
          "[sync][session][trust]") {
    UnderWay one, other;
    must(one.city->append_control("unit", R"({"id":"B08","parent_id":"K1-01","level":"branch","name":"B08"})"));
    must(other.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})"));
    one.sync(*one.a);
    one.a->set("assignment", "A1", {{"remark", text("三")}});
    const auto entry = must(other.city->control_after(ControlPos{other.city->control().head().value - 1}, 1u << 20));
    REQUIRE(entry.size() == 1);
    sync::Session s(**one.a);
    must(s.request());
    const auto taken = s.reply(UnderWay::write(one.changed([&](auto& m) {
        m.took = 0;
        m.acks.clear();
        m.control = entry;
        m.control_head = other.city->control().head();
        m.more = true;
    })));
    REQUIRE(taken.has_error());
    CHECK(taken.error().code == Errc::protocol);
    CHECK(says(taken.error().detail, "contradicts the one here"));
    CHECK((*one.a)->control().unit("B08"));
    CHECK_FALSE((*one.a)->control().unit("B09"));
    one.sync(*one.a);
    CHECK(*sync::unsent_count(**one.a) == 0);
}

}  // namespace taizhang::session_refuses_test
