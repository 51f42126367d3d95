// What a device takes for an answer to its enrolment, and a hub for a request; guesses of codes; enrolment by files.
#include "sync/news.h"
#include "sync/token.h"
#include "sync/upstream_facts.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::enrol_answers_test {
using namespace taizhang::support;

namespace {

Errc code_of(const Result<>& r) { return r ? Errc::usage : r.error().code; }  // usage is what nothing here gives
template <class T>
Errc code_of(const Result<T>& r) {
    return r ? Errc::usage : r.error().code;
}

/// A device that asked a city for its enrolment, and the answer that it got.
struct Asked {
    World w;
    Device d{700};
    wire::EnrolReply answer;
    Asked() {
        sync::Enrolment e(*d);
        REQUIRE(ok(wire::decode(*w.hub->handle(*e.request(w.hub->new_code("B01")->code, "PC")), answer)));
    }
    Result<> take(const wire::EnrolReply& m) { return sync::Enrolment(*d).reply(wire::encode(m)); }
};

wire::EnrolRequest request_of(Device& d, const std::string& code) {
    wire::EnrolRequest q;
    REQUIRE(ok(wire::decode(*sync::Enrolment(*d).request(code, "PC"), q)));
    return q;
}

}  // namespace

TEST_CASE("enrolment: an answer that does not fit together is refused, the right one afterwards is taken",
          "[sync][enrol]") {
    Asked a;
    World other(ledger_catalog(), "another city");
    const auto refused = [&](const char* what, const std::function<void(wire::EnrolReply&)>& change) {
        INFO(what);
        auto m = a.answer;
        change(m);
        CHECK(code_of(a.take(m)) == Errc::protocol);
        CHECK(a.d->control().head().value == 0);
    };
    refused("for another unit", [](auto& m) { m.unit = "B02"; });
    refused("without a token", [](auto& m) { m.token.clear(); });
    refused("nobody introduces the city", [](auto& m) { m.chain.clear(); });
    refused("the mark of another city", [](auto& m) { ++m.city; });
    refused("a certificate of somebody else", [](auto& m) { m.certificate = m.chain.back(); });
    Device old(702);
    found_city(old, ledger_catalog(), "a city without keys");
    refused("the first entry of a city without keys", [&](auto& m) {
        m.city_entry = old->control_after(ControlPos{0}, 1)->front();
        m.city = old->control().city_mark();
    });
    refused("the first entry of another city",
            [&](auto& m) { m.city_entry = other.city->control_after(ControlPos{0}, 1)->front(); });
    refused("the same name for another key", [&](auto& m) {
        auto c = *Certificate::decode(m.certificate);
        c.public_key = make_key(9)->public_key().bytes;
        m.certificate = c.encode();
    });
    REQUIRE(ok(a.take(a.answer)));
    a.w.sync(a.d);
    REQUIRE(a.d->control().cert(a.d->id()));
    CHECK(a.d->control().cert(a.d->id())->unit == "B01");
}

TEST_CASE("enrolment: a device belongs to one city and one unit", "[sync][enrol]") {
    Asked a;
    REQUIRE(ok(a.take(a.answer)));
    a.w.sync(a.d);
    World other(ledger_catalog(), "another city");
    sync::Enrolment elsewhere(*a.d);
    const auto answer = other.hub->handle(*elsewhere.request(other.hub->new_code("B01")->code, "PC"));
    CHECK_FALSE(ok(elsewhere.reply(*answer)));
    CHECK(code_of(a.w.hub->handle(wire::encode(request_of(a.d, a.w.hub->new_code("B02")->code)))) == Errc::denied);
    CHECK(code_of(sync::Enrolment(*a.d).request("AAAA-AAAA-AAAA", "two\nlines")) == Errc::usage);
    // Nor does it go to another unit because a server says so.
    auto moved = *a.d->control().cert(a.d->id());
    moved.unit = "B02";
    auto m = a.answer;
    m.unit = moved.unit;
    m.certificate = moved.encode();
    CHECK(code_of(a.take(m)) == Errc::not_allowed);
    CHECK(a.d->control().cert(a.d->id())->unit == "B01");
}

TEST_CASE("enrolment: a PC without a key takes nobody's answer of a city with keys", "[sync][enrol]") {
    Asked a;
    a.d.keys.device = nullptr;
    a.d.reopen();
    auto c = *Certificate::decode(a.answer.certificate);
    c.replica = a.d->id();
    auto m = a.answer;
    m.certificate = c.encode();
    CHECK(code_of(a.take(m)) == Errc::protocol);
    CHECK(a.d->control().head().value == 0);
}

TEST_CASE("enrolment: a hub refuses who is nobody, itself, or has a long name, and introduces itself to anybody",
          "[sync][enrol]") {
    Asked a;
    const auto ask = [&](const std::function<void(wire::EnrolRequest&)>& change) {
        auto q = request_of(a.d, a.w.hub->new_code("B01")->code);
        change(q);
        return code_of(a.w.hub->handle(wire::encode(q)));
    };
    CHECK(ask([](auto& q) { q.replica = {}; }) == Errc::protocol);
    CHECK(ask([](auto& q) { q.label = std::string(101, 'x'); }) == Errc::protocol);
    CHECK(ask([&](auto& q) { q.replica = a.w.city->id(); }) == Errc::denied);
    CHECK(ask([](auto& q) { q.nonce.pop_back(); }) == Errc::denied);
    CHECK(ask([](auto& q) { q.key.clear(); }) == Errc::denied);
    wire::EnrolReply introduction;
    REQUIRE(ok(wire::decode(*a.w.hub->handle(*sync::Enrolment(*a.d).question()), introduction)));
    CHECK(introduction.token.empty());
    CHECK(*sync::Enrolment(*a.d).fingerprint(wire::encode(introduction)) == a.w.hub->fingerprint());
    CHECK(*sync::Enrolment::hub_key(wire::encode(introduction)) == a.w.city.keys.device->public_key());
}

TEST_CASE("enrolment: guesses from one place are not heard any more within the hour, a right code is",
          "[sync][enrol]") {
    World w;
    Device d(700);
    auto guess = [&](const std::string& code, const std::string& from) {
        return w.hub->handle(wire::encode(request_of(d, code)), from).error().detail;
    };
    const auto code = w.hub->new_code("B01")->code;
    const auto wrong = guess("2222-2222-2222", "192.0.2.1");
    for (int n = 1; n < sync::kTriesAnHour; ++n) CHECK(guess("2222-2222-2222", "192.0.2.1") == wrong);
    CHECK(guess("2222-2222-2222", "192.0.2.1") != wrong);
    CHECK(guess("2222-2222-2222", "192.0.2.2") == wrong);  // somebody else's
    CHECK(ok(w.hub->handle(wire::encode(request_of(d, code)), "192.0.2.1")));
    w.city.clock.wall_ms += 3'600'000;
    CHECK(guess("2222-2222-2222", "192.0.2.1") == wrong);
}

TEST_CASE("enrolment: a code of which the beginning is right is void after a few wrong ends", "[sync][enrol]") {
    World w;
    Device d(700);
    const auto code = w.hub->new_code("B01")->code;
    auto near_it = code;
    near_it.back() = near_it.back() == '2' ? '3' : '2';
    for (std::uint64_t n = 0; n < sync::kTriesPerCode; ++n)
        CHECK_FALSE(ok(w.hub->handle(wire::encode(request_of(d, near_it)), "192.0.2." + std::to_string(n))));
    CHECK(code_of(w.hub->handle(wire::encode(request_of(d, code)))) == Errc::denied);
    CHECK(ok(w.hub->handle(wire::encode(request_of(d, w.hub->new_code("B01")->code)))));
}

TEST_CASE("enrolment: who may vouch for whom", "[sync][enrol]") {
    World w;
    auto town = w.device("K1-01"), a = w.device("B01");
    auto town_hub = *sync::Hub::open(**town), branch_hub = *sync::Hub::open(**a);
    CHECK(ok(town_hub.new_code("B01")));
    CHECK(code_of(town_hub.new_code("K1")) == Errc::not_allowed);  // above
    CHECK(code_of(town_hub.new_code("nowhere")) == Errc::not_found);
    CHECK(code_of(branch_hub.new_code("B01")) == Errc::not_allowed);
    CHECK(w.hub->devices()->size() == 2);
}

TEST_CASE("enrolment by files: what was damaged, is for somebody else or another city's does not open",
          "[sync][enrol]") {
    World w;
    Device d(700), other(701);
    sync::Enrolment e(*d), theirs(*other);
    const auto request = *e.request_file("PC");
    CHECK(code_of(w.hub->answer(request.substr(0, request.size() - 1), "B01")) == Errc::bad_input);
    CHECK(code_of(w.hub->answer("what is this", "B01")) == Errc::bad_input);
    CHECK(code_of(w.hub->answer(request, "nowhere")) == Errc::not_found);
    const auto answer = *w.hub->answer(request, "B01");
    CHECK(code_of(theirs.take_answer(answer.file, {})) == Errc::not_allowed);
    CHECK(code_of(e.take_answer(request, {})) == Errc::bad_input);
    const auto seen = *e.look_at_answer(answer.file);
    CHECK(seen.unit == "B01");
    CHECK(code_of(e.take_answer(answer.file, "2222-2222-2222-2222")) == Errc::denied);
    CHECK(d->control().head().value == 0);
    REQUIRE(ok(e.take_answer(answer.file, w.hub->fingerprint())));
    CHECK(d->control().head() == w.city->control().head());
    // The city's own server is nobody's device.
    CHECK(code_of(w.hub->answer(*sync::Enrolment(*w.city).request_file("PC"), "B01")) == Errc::not_allowed);
}

TEST_CASE("token: opens with the key that it was kept under, and with no other", "[sync][enrol]") {
    Device d(700), other(701);
    REQUIRE(ok(sync::keep_token(*d, "the token of this device, 32 byte")));
    CHECK(d->fact(sync::kToken)->find("token of") == std::string::npos);
    CHECK(*sync::upstream_token(*d) == "the token of this device, 32 byte");
    REQUIRE(ok(other->set_fact(sync::kToken, *d->fact(sync::kToken))));  // the database was copied, the key was not
    CHECK(code_of(sync::upstream_token(*other)) == Errc::not_allowed);
    REQUIRE(ok(sync::keep_token(*d, {})));
    CHECK(sync::upstream_token(*d)->empty());
}

TEST_CASE("pokes: a unit hears of what is written to its streams, of the control log and of nothing else", "[sync]") {
    World w;
    auto a = w.device("B01"), b = w.device("B02");
    const std::vector<std::string> units{"B01", "B02", "K1"};
    auto from = *sync::news_place(*w.city);
    CHECK(*sync::has_news(*w.city, from, units) == std::vector<bool>{false, false, false});
    CHECK_FALSE(*sync::is_news(**a, sync::encode_poke(from)));
    w.new_assignment("A1", "T1", "B01");
    CHECK(*sync::has_news(*w.city, from, units) == std::vector<bool>{true, false, true});
    const auto place = *sync::news_place(*w.city);
    CHECK(*sync::is_news(**a, sync::encode_poke(place)));
    w.sync(*a);
    CHECK_FALSE(*sync::is_news(**a, sync::encode_poke(*sync::news_place(*w.city))));
    CHECK(*sync::is_news(**a, "what is this, a poke"));
    from = *sync::news_place(*w.city);
    REQUIRE(ok(w.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})")));
    CHECK(*sync::has_news(*w.city, from, units) == std::vector<bool>{true, true, true});
    auto later = *sync::news_place(*w.city);
    CHECK(*sync::is_news(**a, sync::encode_poke(later)));
}

TEST_CASE("pokes: that the city has what was written below is news at the relay and at the PC", "[sync][acks]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = *sync::Hub::open(**town);
    auto a = w.device_at(town_hub, "B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    World::sync(*a, town_hub);
    World::sync(*a, town_hub);
    const auto from = *sync::news_place(**town);
    CHECK_FALSE(*sync::is_news(**a, sync::encode_poke(from)));
    w.sync(*town);
    const std::vector<std::string> units{"B01", "B02"};
    CHECK(*sync::has_news(**town, from, units) == std::vector<bool>{true, false});
    CHECK(*sync::is_news(**a, sync::encode_poke(*sync::news_place(**town))));
    w.new_assignment("A2", "T1", "B02");
    w.new_assignment("A3", "T1", "B01");
    w.sync(*town);
    CHECK(*sync::has_news(**town, from, units) == std::vector<bool>{true, true});
}

}  // namespace taizhang::enrol_answers_test
