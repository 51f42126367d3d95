// Two offices vouch for one device as of different units: which word counts, wherever they meet and in any order.
#include "ledger/contradictions.h"
#include "sync/acks.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"
#include "wire/messages.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

namespace taizhang::two_words_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

/// What `office` would sign about the device behind `about`, truly or not.
Certificate word(Device& office, const Certificate& about, const std::string& unit, Level level) {
    auto c = about;
    const auto* own = office->control().cert(office->id());
    c.unit = unit;
    c.level = level;
    c.issuer = own->unit;
    c.issuer_replica = office->id();
    c.signature = office.keys.device->sign(kForCertificate, c.signed_part());
    return c;
}

/// A certificate that no office has given yet, for a key that stands for itself.
Certificate unknown_device(const World& w, std::uint64_t seed) {
    const auto key = make_key(seed);
    Certificate c;
    c.nonce = std::string(trust::kNonceBytes, 'n');
    c.replica = trust::replica_id(key->public_key(), c.nonce);
    c.suite = key->public_key().suite;
    c.public_key = key->public_key().bytes;
    c.control = w.city.replica->control().head();
    c.label = "PC";
    return c;
}

struct Offices : World {
    std::unique_ptr<Device> county = device("K1"), town = device("K1-01"), a = device("B01");
    std::unique_ptr<sync::Hub> county_hub = std::make_unique<sync::Hub>(*sync::Hub::open(**county)),
                               town_hub = std::make_unique<sync::Hub>(*sync::Hub::open(**town));
};

std::string unit_of(Replica& r, const ReplicaId& id) {
    const auto* c = r.control().cert(id);
    return c ? c->unit : "";
}

std::size_t noticed(Replica& r) {
    const auto all = *ledger::contradictions(r);
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [](const auto& c) { return c.kind == ledger::Contradiction::Kind::certificate; }));
}

}  // namespace

TEST_CASE("two words: a township cannot make the city's server one of its own", "[trust][control]") {
    Offices w;
    w.new_assignment("A1", "T1", "B01");
    w.sync(*w.a);
    w.sync(*w.town);
    const auto genuine = *w.city->control().cert(w.city->id());
    const auto lie = word(*w.town, genuine, "B01", Level::branch);
    for (auto* r : {&*w.city, &**w.a, &**w.town}) {
        REQUIRE(ok(r->add_certificate(lie)));
        CHECK(r->control().cert(w.city->id())->level == Level::city);
        CHECK(r->control().speaks_for_city(w.city->id()));
        CHECK(noticed(*r) == 1);
    }
    // Nor an incarnation of it, which it vouched for itself.
    REQUIRE(ok(w.city->reincarnate()));
    const auto renamed = *w.city->control().cert(w.city->id());
    REQUIRE(renamed.issuer_replica == genuine.replica);
    const auto second = word(*w.town, renamed, "B01", Level::branch);
    REQUIRE(ok(w.city->add_certificate(second)));
    CHECK(w.city->control().speaks_for_city(w.city->id()));
    // The county's server neither.
    const auto third = word(*w.town, *w.city->control().cert((*w.county)->id()), "B01", Level::branch);
    REQUIRE(ok(w.city->add_certificate(third)));
    CHECK(unit_of(*w.city, (*w.county)->id()) == "K1");

    w.city.set("assignment", "A1", {{"deadline", text("2026-01-01")}});
    w.a->set("assignment", "A1", {{"remark", text("照常")}});
    w.sync(*w.a);
    w.sync(*w.a);
    CHECK(w.a->field("A1", "deadline") == "2026-01-01");
    CHECK(*sync::level_ack(**w.a, kB01, (*w.a)->id(), Level::city) == Seq{1});
    CHECK(ok(w.city->verify()));
    CHECK(ok((*w.a)->verify()));
}

TEST_CASE("two words: an office cannot raise or lower what it vouched for itself", "[trust][control]") {
    Offices w;
    const auto fresh = unknown_device(w, 700);
    const auto narrow = word(*w.town, fresh, "B01", Level::branch);
    const auto wide = word(*w.town, fresh, "K1-01", Level::township);
    for (const bool is_wide_first : {true, false}) {
        Device d(is_wide_first ? 800 : 801);
        REQUIRE(ok(d->receive_control(*w.city->control_after(ControlPos{0}, 1u << 20))));
        for (const auto& body : w.city->certificate_chain((*w.town)->id()))
            REQUIRE(ok(d->add_certificate(*Certificate::decode(body))));
        REQUIRE(ok(d->add_certificate(is_wide_first ? wide : narrow)));
        REQUIRE(ok(d->add_certificate(is_wide_first ? narrow : wide)));
        CHECK(unit_of(*d, fresh.replica) == "B01");
        CHECK(noticed(*d) == 1);
    }
}

TEST_CASE("two words: of any number one counts, in any order of arrival", "[trust][control]") {
    Offices w;
    const auto fresh = unknown_device(w, 701);
    std::vector<Certificate> words{
        word(*w.town, fresh, "B01", Level::branch),   word(*w.town, fresh, "K1-01", Level::township),
        word(*w.county, fresh, "B02", Level::branch), word(*w.county, fresh, "K1", Level::county),
        word(w.city, fresh, "B02", Level::branch),
    };
    std::vector<int> order{0, 1, 2, 3, 4};
    std::uint64_t seed = 900;
    do {
        Device d(seed++);
        REQUIRE(ok(d->receive_control(*w.city->control_after(ControlPos{0}, 1u << 20))));
        for (auto* office : {&*w.county, &*w.town})
            for (const auto& body : w.city->certificate_chain((*office)->id()))
                REQUIRE(ok(d->add_certificate(*Certificate::decode(body))));
        for (const int i : order) REQUIRE(ok(d->add_certificate(words[static_cast<std::size_t>(i)])));
        const auto* counts = d->control().cert(fresh.replica);
        REQUIRE(counts->unit == "B02");
        REQUIRE(counts->issuer == "C");
        REQUIRE(noticed(*d) == 1);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("two words: wherever two nodes meet both go by the same one", "[trust][control][sync]") {
    Offices w;
    const auto fresh = unknown_device(w, 702);
    const auto by_town = word(*w.town, fresh, "B01", Level::branch);
    const auto by_county = word(*w.county, fresh, "B02", Level::branch);
    // The city has heard the township's word only, the county's server only its own, which counts.
    REQUIRE(ok(w.city->add_certificate(by_town)));
    REQUIRE(ok((*w.county)->add_certificate(by_county)));
    w.sync(*w.a);
    CHECK(unit_of(**w.a, fresh.replica) == "B01");
    w.sync(*w.county);
    CHECK(noticed(**w.county) == 1);
    CHECK(unit_of(**w.county, fresh.replica) == "B02");
    w.sync(*w.county);  // shows what counts
    CHECK(noticed(*w.city) == 1);
    CHECK(unit_of(*w.city, fresh.replica) == "B02");
    w.sync(*w.a);
    w.sync(*w.town);
    CHECK(unit_of(**w.a, fresh.replica) == "B02");
    CHECK(unit_of(**w.town, fresh.replica) == "B02");
    // Once, not with every sync.
    sync::Session s(**w.county);
    wire::SyncRequest q;
    REQUIRE(ok(wire::decode(*s.request(), q)));
    CHECK(q.certificates.empty());
}

TEST_CASE("two words: what an answer tells of one device counts as shown to nobody because another one was",
          "[trust][control][sync]") {
    Offices w;
    const auto first = unknown_device(w, 703), second = unknown_device(w, 704);
    for (const auto& fresh : {first, second}) {
        REQUIRE(ok(w.city->add_certificate(word(*w.town, fresh, "B01", Level::branch))));
        REQUIRE(ok((*w.county)->add_certificate(word(*w.county, fresh, "B02", Level::branch))));
    }
    // Of the first the county has heard both words before they meet.
    REQUIRE(ok((*w.county)->add_certificate(*w.city->control().cert((*w.town)->id()))));
    REQUIRE(ok((*w.county)->add_certificate(word(*w.town, first, "B01", Level::branch))));
    REQUIRE(noticed(**w.county) == 1);
    for (int twice = 0; twice < 2; ++twice) w.sync(*w.county);
    CHECK(noticed(**w.county) == 2);
    CHECK(unit_of(*w.city, first.replica) == "B02");
    CHECK(unit_of(*w.city, second.replica) == "B02");
    // Others' certificates go where they matter, as ever.
    auto neighbour = w.device("B02");
    w.sync(*w.a);
    CHECK_FALSE((*w.a)->control().cert((*neighbour)->id()));
}

TEST_CASE("two words: a request that was lost shows again what the hub has to hear", "[trust][control][sync]") {
    Offices w;
    const auto fresh = unknown_device(w, 705);
    REQUIRE(ok((*w.county)->add_certificate(*w.city->control().cert((*w.town)->id()))));
    REQUIRE(ok((*w.county)->add_certificate(word(*w.town, fresh, "B01", Level::branch))));
    REQUIRE(ok((*w.county)->add_certificate(word(*w.county, fresh, "B02", Level::branch))));
    REQUIRE(ok(w.city->add_certificate(word(*w.town, fresh, "B01", Level::branch))));
    sync::Session s(**w.county);
    const auto lost = s.request();
    REQUIRE(ok(lost));
    REQUIRE(ok(s.cut()));
    for (int trips = 0; s.wants_more() && trips < 9; ++trips) REQUIRE(ok(s.reply(*w.hub->handle(*s.request()))));
    CHECK(noticed(*w.city) == 1);
    CHECK(unit_of(*w.city, fresh.replica) == "B02");
}

TEST_CASE("two words: what a device says of itself, alone or in a circle of its names, never counts before an office",
          "[trust][control]") {
    Offices w;
    w.new_assignment("A1", "T1", "B01");
    w.sync(*w.a);
    const auto genuine = *w.city->control().cert((*w.a)->id());
    const auto by_itself = [&](Certificate c, const Certificate& issuer) {
        c.control = ControlPos{genuine.control.value - 1};  // of two that say the same the older one would count
        c.issuer = issuer.unit;
        c.issuer_replica = issuer.replica;
        c.signature = w.a->keys.device->sign(kForCertificate, c.signed_part());
        return c;
    };
    REQUIRE(ok(w.city->add_certificate(by_itself(genuine, genuine))));
    CHECK(w.city->control().cert(genuine.replica)->issuer == "C");
    auto other_name = genuine;
    other_name.nonce = std::string(trust::kNonceBytes, 'm');
    other_name.replica = trust::replica_id(w.a->keys.device->public_key(), other_name.nonce);
    REQUIRE(ok(w.city->add_certificate(by_itself(other_name, genuine))));
    REQUIRE(ok(w.city->add_certificate(by_itself(genuine, other_name))));
    CHECK(w.city->control().cert(genuine.replica)->issuer == "C");
    // Whoever begins now can prove what it wrote.
    w.a->set("assignment", "A1", {{"remark", text("照常")}});
    w.sync(*w.a);
    auto fresh = w.device("B01");
    CHECK(fresh->field("A1", "remark") == "照常");
}

}  // namespace taizhang::two_words_test
