// Enrolment codes: for one device, for three days, and few guesses. What a hub says to whom.
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::enrol_test {
using namespace taizhang::support;

namespace {

bool is_refused(World& w, Device& d, const std::string& code) {
    sync::Enrolment e(*d);
    const auto answer = w.hub->handle(*e.request(code, "test"));
    if (answer) return false;
    CHECK(answer.error().code == Errc::denied);
    return true;
}

}  // namespace

TEST_CASE("enrolment: a code is good for three days and one device", "[sync][enrol]") {
    World w;
    Device d(700), other(701);
    const auto old = *w.hub->new_code("B01");
    w.city.clock.wall_ms += std::int64_t{73} * 3'600'000;
    CHECK(is_refused(w, d, old.code));
    const auto code = *w.hub->new_code("B01");
    w.city.clock.wall_ms += std::int64_t{71} * 3'600'000;
    CHECK_FALSE(is_refused(w, d, code.code));
    CHECK(is_refused(w, other, code.code));
    // Whose answer was lost on the way asks again.
    w.city.clock.wall_ms += std::int64_t{73} * 3'600'000;
    CHECK_FALSE(is_refused(w, d, code.code));
}

TEST_CASE("sync: a device is given the history of rows that it may read, and of no others", "[sync][scope]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T1", "B02");
    auto nosy = w.device("B02");
    sync::Session session(**nosy);
    wire::SyncRequest q;
    REQUIRE(wire::decode(*session.request(), q).has_value());
    q.rows = {{{"B01", Audience::ledger}, "assignment", "A1"}, {{"B02", Audience::ledger}, "assignment", "A2"}};
    wire::SyncReply reply;
    REQUIRE(wire::decode(*w.hub->handle(wire::encode(q)), reply).has_value());
    REQUIRE(reply.pasts.size() == 1);
    CHECK(reply.pasts.front().row.id == "A2");
}

TEST_CASE("certificates: whoever vouched first for a replica has the word", "[trust][control]") {
    World w;
    auto township = w.device("K1-01"), d = w.device("B01");
    const auto first = w.city->certificate_chain((*d)->id());
    REQUIRE(first.size() == 2);
    auto again = *(*d)->control().cert((*d)->id());
    again.issuer = "K1-01";
    again.issuer_replica = (*township)->id();
    again.label = "another";
    again.signature = township->keys.device->sign(kForCertificate, again.signed_part());
    REQUIRE(w.city->add_certificate(again).has_value());
    CHECK(w.city->certificate_chain((*d)->id()) == first);
}

}  // namespace taizhang::enrol_test
