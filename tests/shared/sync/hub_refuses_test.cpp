// What a hub does not take from a device with a genuine token, and how much it gives at a time.
#include "sync/token.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::hub_refuses_test {
using namespace taizhang::support;

namespace {

struct Branch : World {
    std::unique_ptr<Device> a;
    Branch() {
        for (int n = 1; n <= 6; ++n) new_assignment("A" + std::to_string(n), "T1", "B01");
        a = device("B01");
    }
    /// What the device would ask in full, changed by hand.
    Result<std::string> ask(const std::function<void(wire::SyncRequest&)>& change) {
        wire::SyncRequest q;
        q.token = *sync::upstream_token(**a);
        q.replica = (*a)->id();
        q.city = city->control().city_mark();
        q.control = (*a)->control().head();
        q.has_vector = true;
        change(q);
        return hub->handle(wire::encode(q));
    }
    Errc refused(const std::function<void(wire::SyncRequest&)>& change) {
        const auto head = city->log_head();
        const auto answer = ask(change);
        CHECK(city->log_head() == head);
        return answer ? Errc::usage : answer.error().code;  // usage is what no hub answers
    }
};

}  // namespace

TEST_CASE("hub: who is nobody, itself, of another city, or another device of the unit, is refused", "[sync][hub]") {
    Branch w;
    auto neighbour = w.device("B02");
    CHECK(w.refused([](auto&) {}) == Errc::usage);
    CHECK(w.refused([](auto& q) { q.token = "no token of this hub, 32 bytes.."; }) == Errc::denied);
    CHECK(w.refused([](auto& q) { q.replica = {}; }) == Errc::protocol);
    CHECK(w.refused([](auto& q) { ++q.city; }) == Errc::denied);
    CHECK(w.refused([&](auto& q) { q.replica = w.city->id(); }) == Errc::denied);
    CHECK(w.refused([&](auto& q) { q.replica = (*neighbour)->id(); }) == Errc::denied);
}

TEST_CASE("hub: a relay whose address of the office above is its own is told so", "[sync][hub]") {
    Branch w;
    auto town = w.device("K1-01");
    auto town_hub = *sync::Hub::open(**town);
    wire::SyncRequest q;
    q.token = *sync::upstream_token(**town);
    const auto answer = town_hub.handle(wire::encode(q));
    REQUIRE_FALSE(ok(answer));
    CHECK(answer.error().code == Errc::denied);
    CHECK(answer.error().detail.find("upstream is itself") != std::string::npos);
}

TEST_CASE("hub: histories that are asked for are given as far as the answer may be long", "[sync][hub]") {
    Branch w;
    const auto rows = [](wire::SyncRequest& q) {
        for (int n = 1; n <= 6; ++n)
            q.rows.push_back({{"B01", Audience::ledger}, "assignment", "A" + std::to_string(n)});
    };
    wire::SyncReply all, some;
    REQUIRE(ok(wire::decode(*w.ask(rows), all)));
    CHECK(all.pasts.size() == 6);
    REQUIRE(ok(wire::decode(*w.ask([&](auto& q) {
        rows(q);
        q.reply_bytes = 1;
    }),
                            some)));
    CHECK(some.pasts.size() < 6);
    CHECK_FALSE(some.pasts.empty());  // it goes on
}

TEST_CASE("hub: control entries from below are no news for a city", "[sync][hub]") {
    Branch w;
    World other(ledger_catalog(), "another city");
    REQUIRE(
        ok(other.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})")));
    const auto head = w.city->control().head();
    const auto theirs = *other.city->control_after(ControlPos{0}, 1 << 20);
    CHECK(ok(w.ask([&](auto& q) { q.control_entries = theirs; })));
    CHECK(ok(w.ask([&](auto& q) { q.control_entries = {theirs.back()}; })));
    CHECK(w.city->control().head() == head);
    CHECK_FALSE(w.city->control().unit("B09"));
    CHECK_FALSE(ok(w.ask([](auto& q) { q.control_entries = {"no entry"}; })));
}

}  // namespace taizhang::hub_refuses_test
