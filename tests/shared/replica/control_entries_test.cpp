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
    explicit City(std::uint32_t knows = kCatalogLevel) : state(knows) {
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
    // Of a form that there is not; and in the form that has a key, of no suite.
    CHECK_FALSE(ok(Certificate::decode('\3' + genuine.encode().substr(1))));
    auto without_suite = genuine.encode();
    const auto suite = without_suite.find(genuine.public_key) - 2;  // before the key's length
    REQUIRE(static_cast<std::uint8_t>(without_suite[suite]) == genuine.suite);
    without_suite[suite] = '\0';
    CHECK_FALSE(ok(Certificate::decode(without_suite)));
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

TEST_CASE("control: the root may be written anew, and a unit that is not there has nobody's reach but its own",
          "[replica][control]") {
    City city;
    REQUIRE(ok(city.unit("C", "", "city", R"(,"name":"Renamed")")));
    CHECK(city.state.root() == "C");
    CHECK(city.state.unit("C")->name == "Renamed");
    CHECK(city.state.authority("nowhere", city.state.head()) == "nowhere");
    CHECK(city.state.successor("nowhere", city.state.head()) == "nowhere");
    CHECK_FALSE(city.state.holds("nowhere", {"B1", Audience::ledger}));
    ReplicaId stranger;
    stranger.bytes.fill(7);
    CHECK_FALSE(city.state.speaks_for_city(stranger));
    // A title that is no object names no key.
    ControlState other;
    ControlEntry e;
    e.pos = ControlPos{1};
    e.kind = "city";
    e.payload = "[]";
    REQUIRE(ok(other.apply(e)));
    CHECK_FALSE(other.is_signed());
}

TEST_CASE("control: entries come one behind the other, and the first is an object", "[replica][control]") {
    support::World w;
    const auto all = *w.city->control_after(ControlPos{0}, 1 << 20);
    support::Device d(900);
    CHECK(d->receive_control(std::span(all).subspan(1)).error().code == Errc::protocol);
    CHECK(d->control().head() == ControlPos{0});
    REQUIRE(ok(d->receive_control(std::span(all).first(2))));
    CHECK(d->receive_control(std::span(all).subspan(3)).error().code == Errc::protocol);
    CHECK(d->control().head() == ControlPos{2});
    // Of another city, where nothing is signed.
    support::Device old(901);
    REQUIRE(ok(old->append_control("city", R"({"title":"old"})")));
    CHECK(old->receive_control(std::span(all).first(1)).error().code == Errc::protocol);
    CHECK_FALSE(old->contradicted());
    for (const char* payload : {"no JSON", "[]"}) {
        support::Device city(902, ":memory:", {}, {}, {nullptr, support::make_key(0)});
        CHECK(city->append_control("city", payload).error().code == Errc::bad_input);
        CHECK(city->control().head() == ControlPos{0});
    }
}

TEST_CASE("control: a device belongs to one unit, at one level", "[replica][control]") {
    City city;
    Certificate c;
    c.replica.bytes.fill(9);
    c.unit = "B1";
    c.level = Level::branch;
    REQUIRE(ok(city.state.add(c)));
    REQUIRE(ok(city.state.add(c)));
    auto other = c;
    other.unit = "B2";
    CHECK_FALSE(ok(city.state.add(other)));
    other = c;
    other.level = Level::county;
    CHECK_FALSE(ok(city.state.add(other)));
    CHECK(city.state.cert(c.replica)->encode() == c.encode());
}

TEST_CASE("control: the city's own server speaks for it until its device is revoked", "[replica][control][trust]") {
    support::World w;
    const auto& control = w.city->control();
    CHECK(control.speaks_for_city(w.city->id()));
    auto beside = w.device("C");  // another PC of the office
    CHECK_FALSE(control.speaks_for_city((*beside)->id()));
    auto branch = w.device("B01");
    CHECK_FALSE(control.speaks_for_city((*branch)->id()));
    REQUIRE(ok(w.city->append_control("revoke", R"({"replica":")" + w.city->id().hex() + R"(","streams":{}})")));
    CHECK_FALSE(control.speaks_for_city(w.city->id()));
}

/// A catalog with an entity `probe` and, where it is asked for, what they need.
std::string catalog(int version, const std::string& needs, const std::string& probe_needs,
                    const std::string& more = {}) {
    return "version = " + std::to_string(version) + "\n" + needs + "[entity.probe]\n" + probe_needs +
           "label = [\"试样\", \"probe\"]\n[entity.probe.fields]\ntitle = { max = 200 }\n" + more;
}
const std::string kNeeds = "needs = 1\n",
                  kOther = "[entity.note]\nlabel = [\"便条\", \"note\"]\n[entity.note.fields]\ntext = { max = 9 }\n";

TEST_CASE("control: an older program knows which versions it cannot read, and judges by those that it can",
          "[replica][control][versions]") {
    City city(0);
    auto& s = city.state;
    CHECK(s.needs_newer("probe") == 0);
    SECTION("the first of all") {
        REQUIRE(ok(city.add("catalog", catalog(1, kNeeds, {}))));
        CHECK(s.has_newer());
        CHECK(s.newest_catalog() == nullptr);
        CHECK(s.needs_newer("probe") == 0);
        CHECK(s.needs_newer("probe", 1, s.head()) == 1);
        REQUIRE(ok(city.add("catalog", catalog(2, {}, {}))));
        CHECK(s.newest_catalog()->version() == 2);
    }
    SECTION("a whole version between two") {
        REQUIRE(ok(city.add("catalog", catalog(1, {}, {}))));
        const auto then = s.head();
        REQUIRE(ok(city.add("catalog", catalog(2, kNeeds, {}))));
        CHECK(s.catalog_version() == 2);
        CHECK(s.newest_catalog()->version() == 1);
        CHECK(s.entity("probe", 2, s.head()) == nullptr);
        CHECK(s.needs_newer("probe", 2, s.head()) == 1);
        CHECK(s.needs_newer("probe", 2, then) == 0);  // it was not there yet
        CHECK(s.needs_newer("probe", 9, s.head()) == 0);
        CHECK(s.needs_newer("probe", 1, s.head()) == 0);
        CHECK(city.refuses("catalog", "version = 4\n"));
        // The next that it can read is held against the last that it could.
        auto retyped = catalog(3, {}, {});
        const std::string title = "title = { max = 200 }";
        retyped.replace(retyped.find(title), title.size(), "title = { type = \"number\" }");
        CHECK(city.refuses("catalog", retyped));
        REQUIRE(ok(city.add("catalog", catalog(3, {}, kNeeds, kOther))));
        CHECK(s.newest_catalog()->version() == 3);
        CHECK(s.needs_newer("probe") == 1);
        CHECK(s.needs_newer("note") == 0);
        CHECK(s.newest("probe")->entity->needs == 0);  // as it was read last
    }
    SECTION("an entity that comes back to what it was") {
        REQUIRE(ok(city.add("catalog", catalog(1, {}, {}))));
        REQUIRE(ok(city.add("catalog",
                            catalog(2, {}, kNeeds,
                                    kOther + "[entity.well]\n" + kNeeds +
                                        "label = [\"井\", \"well\"]\n[entity.well.fields]\ndepth = { max = 9 }\n"))));
        CHECK(s.needs_newer("probe", 2, s.head()) == 1);
        auto retyped = catalog(3, {}, {}, kOther);
        const std::string title = "title = { max = 200 }";
        retyped.replace(retyped.find(title), title.size(), "title = { type = \"number\" }");
        CHECK(city.refuses("catalog", retyped));
        REQUIRE(ok(city.add("catalog", catalog(3, {}, kNeeds, kOther))));
        CHECK(s.entity("note", 3, s.head()) != nullptr);
    }
}

}  // namespace taizhang::control_entries_test
