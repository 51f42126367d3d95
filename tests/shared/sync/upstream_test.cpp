// What a node remembers of the hub above, where nothing was remembered, or what was is damaged or of an earlier
// program.
#include "sync/upstream_facts.h"

#include "sync/acks.h"
#include "sync/restored.h"
#include "sync/token.h"
#include "tests/support/must.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <cstdio>

namespace taizhang::upstream_test {
using namespace taizhang::support;

TEST_CASE("upstream: a PC that was never enrolled stands below nobody", "[sync][upstream]") {
    Device d(7700);
    CHECK(must(sync::upstream_hub(*d)).hub.is_zero());
    CHECK(must(sync::upstream_replica(*d)).is_zero());
    CHECK(must(sync::upstream_key(*d)).empty());
    CHECK(must(sync::upstream_level(*d)) == Level::none);
    CHECK_FALSE(must(sync::must_enrol_again(*d)));
    CHECK(ok(sync::evict_out_of_scope(*d)));
    CHECK(must(sync::own_commits_at(*d, Level::city)) == 0);
    CHECK_FALSE(must(sync::level_has(*d, {d->id(), {"B01", Audience::ledger}, Seq{1}, {}}, Level::city)));
    const auto request = sync::Session(*d).request();
    REQUIRE(request.has_error());
    CHECK(request.error().code == Errc::not_allowed);
}

TEST_CASE("upstream: a damaged place in the hub's log is none, and the next sync compares", "[sync][upstream]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto cursor = must((*a)->fact(sync::kCursor)), hub = must((*a)->fact(sync::kHub));
    CHECK(sync::decode_cursor(cursor).hub == w.hub->id());
    CHECK(sync::decode_cursor(cursor.substr(0, cursor.size() - 1)) == wire::Cursor{});
    CHECK(sync::decode_cursor(cursor + 'x') == wire::Cursor{});
    must((*a)->set_fact(sync::kHub, hub.substr(0, 9)));
    CHECK(must(sync::upstream_hub(**a)).hub.is_zero());
    must((*a)->set_fact(sync::kHub, ""));  // a database from before there was this fact
    CHECK(must(sync::upstream_hub(**a)).hub == w.hub->id());
    must((*a)->set_fact(sync::kHubReplica, "short"));
    CHECK(must(sync::upstream_replica(**a)).is_zero());
    must((*a)->set_fact(sync::kCursor, cursor + 'x'));
    a->set("assignment", "A1", {{"remark", text("照常")}});
    w.sync(*a);
    CHECK(w.city.field("A1", "remark") == "照常");
    CHECK(sync::decode_cursor(must((*a)->fact(sync::kCursor))).hub == w.hub->id());
}

TEST_CASE("upstream: a PC whose unit moved below another office enrols there", "[sync][upstream][moves]") {
    World w;
    must(w.city->append_control("unit", R"({"id":"K1-02","parent_id":"K1","level":"township","name":"K1-02"})"));
    auto town = w.device("K1-01");
    auto town_hub = must(sync::Hub::open(**town));
    auto a = w.device_at(town_hub, "B01");
    CHECK_FALSE(must(sync::must_enrol_again(**a)));
    must((*a)->set_fact(sync::kHubUnit, "a unit that this tree has not"));
    CHECK_FALSE(must(sync::must_enrol_again(**a)));
    must((*a)->set_fact(sync::kHubUnit, "K1-01"));
    must(w.city->append_control("unit", R"({"id":"B01","parent_id":"K1-02","level":"branch","name":"Branch 1"})"));
    must((*a)->receive_control(must(w.city->control_after((*a)->control().head(), 1u << 20))));
    CHECK(must(sync::must_enrol_again(**a)));
}

TEST_CASE("upstream: a token that was sealed opens with the key alone, one that is neither is none",
          "[sync][upstream]") {
    Device d(7701);
    must(sync::keep_token(*d, "sixteen bytes...."));
    const auto kept = must(d->fact(sync::kToken));
    must(d->set_fact(sync::kToken, "x" + kept.substr(1)));
    CHECK(sync::upstream_token(*d).error().code == Errc::not_allowed);
    must(d->set_fact(sync::kToken, kept.substr(0, kept.size() - 1)));
    CHECK(sync::upstream_token(*d).error().code == Errc::not_allowed);
    d.keys.device = nullptr;
    d.reopen();
    must(d->set_fact(sync::kToken, kept));
    CHECK(sync::upstream_token(*d).error().code == Errc::not_allowed);
    must(sync::keep_token(*d, "as it came"));  // of a city without keys
    CHECK(must(sync::upstream_token(*d)) == "as it came");
}

TEST_CASE("restored: a number that an earlier program wrote means one device, and nobody meets himself",
          "[sync][restored]") {
    World w;
    auto a = w.device("B01");
    CHECK_FALSE(must(sync::restored_progress(*w.city)).has_value());
    CHECK(ok(sync::go_on_alone(*w.city)));
    must(w.city->set_fact(kUnmet, "1000"));
    REQUIRE(must(sync::restored_progress(*w.city)).has_value());
    CHECK(must(sync::restored_progress(*w.city))->wanted == 1);
    const auto head = w.city->control().head();
    CHECK(ok(sync::note_met(*w.city, w.city->id(), head)));
    CHECK(ok(sync::note_met(*w.city, (*a)->id(), ControlPos{head.value + 1})));  // knows more: compared first
    CHECK(must(sync::restored_progress(*w.city))->met == 0);
    CHECK(ok(sync::note_met(*w.city, (*a)->id(), head)));
    CHECK_FALSE(must(sync::restored_progress(*w.city)).has_value());
}

TEST_CASE("restored: a revoked PC is not waited for, and a township waits for nobody", "[sync][restored][revoke]") {
    World w;
    auto a = w.device("B01"), b = w.device("B01"), c = w.device("B01"), town = w.device("K1-01");
    must(w.city->append_control("revoke", R"({"replica":")" + (*b)->id().hex() + R"(","streams":{}})"));
    must(w.city->append_control("revoke", R"({"replica":")" + (*c)->id().hex() + R"(","streams":{}})"));
    must(sync::Hub::restored(*w.city));
    CHECK(must(sync::restored_progress(*w.city))->wanted == 1);  // of a and the township's
    must(sync::Hub::restored(**town));
    CHECK_FALSE(must(sync::restored_progress(**town)).has_value());
}

TEST_CASE("code: it is typed in small letters, with dashes or with what lies beside them on the keyboard",
          "[sync][enrol]") {
    CHECK(sync::plain_code("abcd-2345 wxyz") == "ABCD2345WXYZ");
    CHECK(sync::plain_code("{ab}|~c`@d") == "ABCD");
}

TEST_CASE("upstream: a token that an earlier program kept open is of no use without the key", "[sync][upstream]") {
    World w;
    const std::string path = support::scratch("tz-upstream-test.db");
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    {
        Device a(7702, path);
        w.enrol_at(*w.hub, a, "B01");
        w.sync(a);
        must(a->set_fact(sync::kToken, must(sync::upstream_token(*a))));
        REQUIRE(ok(sync::Session(*a).request()));
        a.keys.device = make_key(4712);
        a.reopen();
        const auto request = sync::Session(*a).request();
        REQUIRE(request.has_error());
        CHECK(request.error().code == Errc::not_allowed);
    }
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
}

}  // namespace taizhang::upstream_test
