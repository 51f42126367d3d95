// Entries of the city's log and certificates that make no sense: each is refused, and the city stands as it stood.
#include "replica/control.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::control_entries_test {
namespace {

using support::ok;

/// A city without keys, whose log a test writes by hand.
struct City {
    ControlState state;
    City() {
        REQUIRE(ok(add("city", R"({"title":"test"})")));
        REQUIRE(ok(unit("C", "", "city")));
        REQUIRE(ok(unit("K1", "C", "county")));
        REQUIRE(ok(unit("B1", "K1", "branch")));
        REQUIRE(ok(unit("B2", "K1", "branch")));
    }
    Result<> add(const std::string& kind, const std::string& payload) {
        ControlEntry e;
        e.pos = ControlPos{state.head().value + 1};
        e.prev = state.head_hash();
        e.kind = kind;
        e.payload = payload;
        return state.apply(e);
    }
    Result<> unit(const std::string& id, const std::string& parent, const std::string& level,
                  const std::string& more = {}) {
        return add("unit",
                   R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" + level + R"(")" + more + "}");
    }
    /// The entry is refused, and nothing of it was taken.
    bool refuses(const std::string& kind, const std::string& payload) {
        const auto head = state.head();
        const auto units = state.units().size();
        const auto r = add(kind, payload);
        return !r && r.error().code == Errc::bad_input && state.head() == head && state.units().size() == units &&
               !state.has_revocations();
    }
};

const std::string kSomebody = std::string(32, 'a'), kHash = std::string(64, 'b');

}  // namespace

TEST_CASE("control: a revocation or a release that makes no sense is refused", "[replica][control]") {
    City city;
    const std::string who = R"({"replica":")" + kSomebody + R"(")";
    for (const auto& payload : std::vector<std::string>{
             "no JSON", "[]", "{}", R"({"replica":"12"})", R"({"replica":7})", who + R"(,"streams":[]})",
             who + R"(,"streams":{"B1/ledger":7}})", who + R"(,"streams":{"B1/ledger":{}}})",
             who + R"(,"streams":{"B1/ledger":{"seq":"1","hash":")" + kHash + R"("}}})",
             who + R"(,"streams":{"B1/ledger":{"seq":0,"hash":")" + kHash + R"("}}})",
             who + R"(,"streams":{"B1/ledger":{"seq":1,"hash":"12"}}})",
             who + R"(,"streams":{"":{"seq":1,"hash":")" + kHash + R"("}}})", who + R"(,"vouched":{}})",
             who + R"(,"vouched":[7]})", who + R"(,"vouched":["12"]})"}) {
        INFO(payload);
        CHECK(city.refuses("revoke", payload));
    }
    for (const std::string payload : {"no JSON", "[]", "{}", R"({"hash":"12"})"}) {
        INFO(payload);
        CHECK(city.refuses("release", payload));
    }
    REQUIRE(ok(city.add("revoke", who + R"(,"streams":{"B1/ledger":{"seq":3,"hash":")" + kHash + R"("}},"vouched":[")" +
                                      kSomebody + R"("]})")));
    ReplicaId id;
    id.bytes.fill(0xaa);
    const auto* r = city.state.revocation(id);
    REQUIRE(r);
    REQUIRE(r->last.size() == 1);
    CHECK(r->last.begin()->first == StreamId{"B1", Audience::ledger});
    CHECK(r->last.begin()->second.first == Seq{3});
    CHECK(r->vouched->contains(id));
    REQUIRE(ok(city.add("revoke", who + "}")));  // the line is drawn elsewhere, the moment stays
    CHECK(city.state.revocation(id)->since.value + 1 == city.state.head().value);
    CHECK_FALSE(city.state.revocation(id)->vouched);
}

TEST_CASE("control: a unit without id, level or a place in the tree is refused", "[replica][control]") {
    City city;
    const auto json = [](const std::string& id, const std::string& parent, const std::string& level,
                         const std::string& more = {}) {
        return R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" + level + R"(")" + more + "}";
    };
    for (const auto& payload :
         {std::string("no JSON"), std::string("[]"), json("", "K1", "branch"),
          json(std::string(65, 'x'), "K1", "branch"), json("B3", "K1", "hamlet"), json("B3", "nowhere", "branch"),
          json("C2", "", "city"), json("K1", "B1", "county"),         // below itself
          json("C", "", "city", R"(,"abolished":true)"),              // the root
          json("K1", "C", "county", R"(,"abolished":true)"),          // has units below it
          json("B1", "K1", "branch", R"(,"merged_into":"nowhere")"),  // into nothing
          json("B1", "K1", "branch", R"(,"merged_into":"K1")"),       // of another level
          json("B1", "K1", "branch", R"(,"merged_into":"B1")")}) {    // into itself
        INFO(payload);
        CHECK(city.refuses("unit", payload));
    }
    REQUIRE(ok(city.unit("B1", "K1", "branch", R"(,"merged_into":"B2")")));
    CHECK(city.state.successor("B1", city.state.head()) == "B2");
    CHECK(city.refuses("unit", json("B2", "K1", "branch", R"(,"merged_into":"B1")")));  // into a closed one
    // Only units that are open keep one above them open.
    REQUIRE(ok(city.unit("B2", "K1", "branch", R"(,"abolished":true)")));
    REQUIRE(ok(city.unit("K1", "C", "county", R"(,"abolished":true)")));
    CHECK(city.state.is_abolished("K1", city.state.head()));
    CHECK_FALSE(city.state.is_abolished("K1", ControlPos{city.state.head().value - 1}));
    // A name is asked for nowhere: then the id stands for it, and only true closes.
    REQUIRE(ok(city.unit("K2", "C", "county", R"(,"name":7,"abolished":"yes")")));
    CHECK(city.state.unit("K2")->short_name == "K2");
    CHECK_FALSE(city.state.is_abolished("K2", city.state.head()));
}

TEST_CASE("control: an entry is read as it was written, and not when it is cut or out of bounds",
          "[replica][control]") {
    ControlEntry e;
    e.pos = ControlPos{3};
    e.kind = "unit";
    e.payload = "{}";
    const auto as_unsigned = e.encode();
    CHECK(ControlEntry::decode(as_unsigned)->kind == "unit");
    e.signature = "signature";
    const auto as_signed = e.encode();
    CHECK(ControlEntry::decode(as_signed)->signature == "signature");
    for (const auto& bytes : {as_unsigned, as_signed}) {
        for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(ok(ControlEntry::decode(bytes.substr(0, n))));
        CHECK_FALSE(ok(ControlEntry::decode(bytes + "x")));
        CHECK_FALSE(ok(ControlEntry::decode('\3' + bytes.substr(1))));
    }
    const auto refused = [&](const std::function<void(ControlEntry&)>& change) {
        auto changed = e;
        change(changed);
        return !ControlEntry::decode(changed.encode());
    };
    CHECK(refused([](auto& c) { c.pos = ControlPos{0}; }));
    CHECK(refused([](auto& c) { c.kind.clear(); }));
    CHECK(refused([](auto& c) { c.kind = std::string(33, 'k'); }));
    CHECK(refused([](auto& c) { c.payload = std::string((1 << 20) + 1, 'x'); }));
    CHECK_FALSE(refused([](auto& c) { c.payload = std::string(1 << 20, 'x'); }));
    // The form that has a signature, without one.
    auto empty = as_signed.substr(0, as_signed.size() - std::string("signature").size());
    empty.back() = '\0';
    CHECK_FALSE(ok(ControlEntry::decode(empty)));
}

TEST_CASE("certificate: is read as it was written, and not when it is cut or out of bounds", "[replica][control]") {
    support::World w;
    auto d = w.device("B01");
    const auto genuine = *w.city->control().cert((*d)->id());
    auto plain = genuine;
    plain.suite = trust::kNoSuite;
    plain.public_key = plain.nonce = plain.signature = {};
    plain.issuer_replica = {};
    for (const auto& c : {genuine, plain}) {
        const auto bytes = c.encode();
        CHECK(Certificate::decode(bytes)->encode() == bytes);
        for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(ok(Certificate::decode(bytes.substr(0, n))));
        CHECK_FALSE(ok(Certificate::decode(bytes + "x")));
    }
    // A signed one that says it is the other kind, and the other way round.
    CHECK_FALSE(ok(Certificate::decode('\3' + genuine.encode().substr(1))));
    const auto refused = [&](const std::function<void(Certificate&)>& change) {
        auto changed = genuine;
        change(changed);
        return !Certificate::decode(changed.encode());
    };
    CHECK(refused([](auto& c) { c.level = Level::none; }));
    CHECK(refused([](auto& c) { c.level = static_cast<Level>(5); }));
    CHECK(refused([](auto& c) { c.unit.clear(); }));
    CHECK(refused([](auto& c) { c.label = std::string(4096, 'x'); }));
    CHECK(refused([](auto& c) { c.replica = {}; }));
}

TEST_CASE("certificate: nobody vouches for a unit that is not there, or without a key of the city's",
          "[replica][control]") {
    support::World w;
    auto d = w.device("B01");
    const auto subject = (*d)->self_as_subject("B01", "PC");
    REQUIRE(ok(subject));
    auto nowhere = *subject;
    nowhere.unit = "nowhere";
    CHECK(w.city->issue_certificate(nowhere).error().code == Errc::not_found);
    // A branch's PC may go on under a new name, and vouch for nobody else.
    support::Device other(900);
    auto of_other = *other->self_as_subject("B02", "PC");
    CHECK_FALSE(ok((*d)->issue_certificate(of_other)));
    CHECK_FALSE((*d)->control().cert(other->id()));
}

}  // namespace taizhang::control_entries_test
