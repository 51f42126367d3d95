// Certificates: what is wrong with one that does not count, and what happens to those that cannot be judged yet.
#include "replica/contradiction.h"
#include "tests/support/ok.h"
#include "tests/support/sim_disk.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::vouching_test {
using namespace taizhang::support;

namespace {

using Verdict = ControlState::Verdict;

void flip(char& byte) { byte = static_cast<char>(byte ^ 1); }

std::string unit(const std::string& id, const std::string& parent = "K1-01", const std::string& level = "branch") {
    return R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" + level + R"(","name":")" + id +
           R"("})";
}

/// Whose word it is can be chosen, and what it says.
struct Words : World {
    std::unique_ptr<Device> town = device("K1-01"), a = device("B01");
    /// Of a device that nobody knows.
    Certificate about(std::uint64_t seed, const std::string& of, Level level) const {
        const auto key = make_key(seed)->public_key();
        Certificate c;
        c.nonce = std::string(trust::kNonceBytes, static_cast<char>('a' + seed % 20));
        c.replica = trust::replica_id(key, c.nonce);
        c.unit = of;
        c.level = level;
        c.suite = key.suite;
        c.public_key = key.bytes;
        c.control = city.replica->control().head();
        c.label = "PC";
        return c;
    }
    static Certificate by(Device& office, Certificate c) {
        c.issuer = office->control().cert(office->id())->unit;
        c.issuer_replica = office->id();
        c.signature = office.keys.device->sign(kForCertificate, c.signed_part());
        return c;
    }
    Verdict verdict(const Certificate& c) { return city->control().judge(c).verdict; }
};

}  // namespace

TEST_CASE("certificate: each thing that is wrong with one is a reason not to take it", "[replica][control][trust]") {
    Words w;
    const auto good = Words::by(*w.town, w.about(500, "B01", Level::branch));
    REQUIRE(w.verdict(good) == Verdict::good);
    const auto changed = [&](const std::function<void(Certificate&)>& what) {
        auto c = good;
        what(c);
        return w.verdict(c);
    };
    CHECK(changed([](auto& c) { c.suite = trust::kNoSuite; }) == Verdict::bad);
    CHECK(changed([](auto& c) { c.suite = 99; }) == Verdict::bad);
    CHECK(changed([](auto& c) { c.nonce.pop_back(); }) == Verdict::bad);
    CHECK(changed([](auto& c) { flip(c.nonce[0]); }) == Verdict::bad);
    CHECK(changed([](auto& c) { c.control.value += 1; }) == Verdict::waits);
    CHECK(changed([](auto& c) { c.unit = "nowhere"; }) == Verdict::bad);
    CHECK(changed([](auto& c) { c.level = Level::county; }) == Verdict::bad);
    CHECK(changed([](auto& c) { c.issuer_replica = {}; }) == Verdict::bad);  // not under the root's key
    CHECK(changed([](auto& c) { c.issuer_replica.bytes[0] = 0x99; }) == Verdict::waits);
    CHECK(changed([](auto& c) { flip(c.signature.back()); }) == Verdict::bad);
    CHECK(changed([](auto& c) { c.label += "!"; }) == Verdict::bad);
    // A branch vouches for nobody, a township for nobody beside or above it.
    CHECK(w.verdict(Words::by(*w.a, w.about(501, "B01", Level::branch))) == Verdict::bad);
    CHECK(w.verdict(Words::by(*w.town, w.about(502, "K1", Level::county))) == Verdict::bad);
    // The same key in another unit is no next name of it.
    auto moved = *w.city->control().cert((*w.a)->id());
    moved.nonce = std::string(trust::kNonceBytes, 'm');
    moved.replica = trust::replica_id(w.a->keys.device->public_key(), moved.nonce);
    CHECK(w.verdict(Words::by(*w.a, moved)) == Verdict::good);
    moved.unit = "B02";
    CHECK(w.verdict(Words::by(*w.a, moved)) == Verdict::bad);
    // Another PC of the root office, by word of a department that acts for it, is not the city's server.
    auto department = w.device("C-DJB");
    const auto server = Words::by(*department, w.about(503, "C", Level::city));
    REQUIRE(ok(w.city->add_certificate(server)));
    CHECK_FALSE(w.city->control().speaks_for_city(server.replica));
    REQUIRE(ok(w.city->add_certificate(good)));
    // Revoked: what it vouched for before counts, what it vouches for now does not.
    REQUIRE(ok(w.city->append_control("revoke", R"({"replica":")" + (*w.town)->id().hex() + R"(","streams":{}})")));
    CHECK(w.verdict(good) == Verdict::good);
    CHECK(w.verdict(Words::by(*w.town, w.about(500, "B01", Level::branch))) == Verdict::bad);
    CHECK_FALSE(w.city->control().revocation(good.replica));
}

TEST_CASE("certificate: in a city without keys a signed one is of elsewhere", "[replica][control][unsigned]") {
    Words w;
    const auto is_signed = Words::by(*w.town, w.about(500, "B01", Level::branch));
    Device old(1);
    CHECK(old->control().judge(is_signed).verdict == Verdict::waits);  // of a city that is not here yet
    found_city(old, ledger_catalog(), "a city without keys");
    CHECK(old->control().judge(is_signed).verdict == Verdict::bad);
    CHECK(old->add_certificate(is_signed).error().code == Errc::denied);
    // Nobody is moved to another unit there either.
    auto plain = w.about(500, "B01", Level::branch);
    plain.suite = trust::kNoSuite;
    plain.public_key = plain.nonce = {};
    REQUIRE(ok(old->add_certificate(plain)));
    REQUIRE(ok(old->add_certificate(plain)));
    plain.unit = "B02";
    CHECK(old->add_certificate(plain).error().code == Errc::protocol);
    plain.unit = "B01";
    plain.level = Level::county;
    CHECK(old->add_certificate(plain).error().code == Errc::protocol);
    CHECK(old->control().cert(plain.replica)->level == Level::branch);
}

TEST_CASE("certificate: one that cannot be judged yet is kept once, and judged when its tree is here",
          "[replica][control][trust]") {
    Words w;
    auto early = w.device("B02");
    const auto wanted = [&](const Certificate& c) { return (*early)->control().cert(c.replica) != nullptr; };
    REQUIRE(ok(w.city->append_control("unit", unit("B03"))));
    w.sync(*w.town);
    auto next = w.about(600, "B03", Level::branch), never = w.about(601, "B99", Level::branch);
    next = Words::by(*w.town, next);
    never = Words::by(*w.town, never);
    // The township's own one, which they rest on, is there; the tree of theirs is not.
    REQUIRE(ok((*early)->add_certificate(*w.city->control().cert((*w.town)->id()))));
    for (int twice = 0; twice < 2; ++twice)
        for (const auto& c : {next, never}) REQUIRE(ok((*early)->add_certificate(c)));
    CHECK_FALSE(wanted(next));
    const auto count = [&] {
        auto s = *(*early)->database().prepare("SELECT count(*) FROM certificate_waiting", false);
        REQUIRE(*s.step());
        return s.integer(0);
    };
    CHECK(count() == 2);
    REQUIRE(ok((*early)->receive_control(*w.city->control_after((*early)->control().head(), 1 << 20))));
    CHECK(wanted(next));
    CHECK_FALSE(wanted(never));
    CHECK(count() == 0);
    // What is wrong about somebody who is known already changes nothing, and is nobody's fault here.
    auto wrong = next;
    flip(wrong.signature.back());
    CHECK(ok((*early)->add_certificate(wrong)));
    CHECK((*early)->control().cert(next.replica)->encode() == next.encode());
}

TEST_CASE("certificate: two that wait for one device are settled like any other two", "[replica][control][trust]") {
    Words w;
    auto early = w.device("B02");
    REQUIRE(ok(w.city->append_control("unit", unit("B03"))));
    REQUIRE(ok(w.city->append_control("unit", unit("B04"))));
    w.sync(*w.town);
    auto one = w.about(600, "B03", Level::branch);
    auto other = one;
    other.unit = "B04";
    one = Words::by(*w.town, one);
    other = Words::by(w.city, other);  // by the higher office: it counts
    for (const auto& id : {(*w.town)->id(), w.city->id()})
        REQUIRE(ok((*early)->add_certificate(*w.city->control().cert(id))));
    for (const auto& c : {one, other}) REQUIRE(ok((*early)->add_certificate(c)));
    REQUIRE(ok((*early)->receive_control(*w.city->control_after((*early)->control().head(), 1 << 20))));
    REQUIRE((*early)->control().cert(one.replica));
    CHECK((*early)->control().cert(one.replica)->unit == "B04");
    CHECK((*early)->facts(kDoubledCertificate)->size() == 1);
}

TEST_CASE("certificate: of those that cannot be judged a liar fills no disk", "[replica][control][trust]") {
    Words w;
    SimDisk disk(1);
    Device reader(7, "ledger.db", disk.vfs_name());
    World::enrol_at(*w.hub, reader, "B02");
    World::sync(reader, *w.hub);
    auto c = w.about(700, "B01", Level::branch);
    c.control.value += 1000;
    c = Words::by(*w.town, c);
    REQUIRE(ok(reader->add_certificate(c)));
    const auto count = [&] {
        auto s = *reader->database().prepare("SELECT count(*) FROM certificate_waiting", false);
        REQUIRE(*s.step());
        return s.integer(0);
    };
    REQUIRE(count() == 1);
    // As many as a liar may bring.
    REQUIRE(ok(reader->database().exec(
        "INSERT INTO certificate_waiting(hash, body) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 4095) SELECT CAST(n.i AS BLOB), body FROM n, certificate_waiting")));
    REQUIRE(count() == 4096);
    reader.reopen();
    auto next = w.about(701, "B01", Level::branch);
    next.control.value += 1000;
    CHECK(ok(reader->add_certificate(Words::by(*w.town, next))));
    CHECK(count() == 4096);
    CHECK_FALSE(reader->control().cert(next.replica));
}

TEST_CASE("certificate: of two words of one office for one device the same counts everywhere, whichever came first",
          "[replica][control][trust]") {
    Words w;
    auto first = w.about(800, "B01", Level::branch);
    auto later = first;
    SECTION("the earlier one") {
        REQUIRE(ok(w.city->append_control("unit", unit("B03"))));
        later.control = w.city->control().head();
    }
    SECTION("of one moment either, but the same") { later.label = "another PC"; }
    SECTION("that of the lower level") {
        REQUIRE(ok(w.city->append_control("unit", unit("B01", "K1", "township"))));
        later.control = w.city->control().head();
        later.level = Level::township;
    }
    first = Words::by(w.city, first);
    later = Words::by(w.city, later);
    const auto after = [&](const Certificate& a, const Certificate& b) {
        Device d(4000);
        REQUIRE(ok(d->receive_control(*w.city->control_after(ControlPos{0}, 1 << 20))));
        for (const auto& c : {*w.city->control().cert(w.city->id()), a, b}) REQUIRE(ok(d->add_certificate(c)));
        return d->control().cert(first.replica)->encode();
    };
    const auto counts = after(first, later);
    CHECK(counts == after(later, first));
    if (later.control != first.control) CHECK(counts == first.encode());
}

TEST_CASE("certificate: a node without its key, or with another one, vouches for nobody and signs nothing",
          "[replica][control][trust]") {
    Words w;
    const auto subject = *Device(900)->self_as_subject("B01", "PC");
    Replica::Options o;
    o.path = ":memory:";
    Environment env;
    env.wall_ms = [&] { return w.city.clock.wall_ms; };
    env.steady_ms = [] { return std::int64_t{0}; };
    env.random = [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), std::uint8_t{5}); };
    const auto bare = *Replica::open(o, env);
    REQUIRE(ok(bare->receive_control(*w.city->control_after(ControlPos{0}, 1 << 20))));
    CHECK_FALSE(bare->can_sign());
    CHECK((*bare->self_as_subject("B01", "PC")).key.empty());
    CHECK(bare->issue_certificate(subject).error().code == Errc::not_allowed);

    SimDisk disk(1);
    Device office(7, "ledger.db", disk.vfs_name());
    World::enrol_at(*w.hub, office, "K1");
    World::sync(office, *w.hub);
    REQUIRE(office->can_sign());
    office.keys.device = make_key(4711);
    office.reopen();
    CHECK_FALSE(office->can_sign());
    CHECK(office->issue_certificate(subject).error().code == Errc::not_allowed);
    CHECK_FALSE(office->control().cert(subject.replica));
}

}  // namespace taizhang::vouching_test
