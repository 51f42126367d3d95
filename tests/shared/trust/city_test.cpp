// What a city with keys accepts, from whom, and what waits: enrolment, certificates, signed chains, acks, bundles.
#include "sync/acks.h"
#include "sync/bundle.h"
#include "sync/token.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::city_test {
using namespace taizhang::support;

namespace {

/// The commits of a chain with the signatures that stand under them, as a message has them.
struct Chain {
    std::vector<std::string> packed;
    std::vector<HeadSignature> signatures;
    std::vector<std::string_view> views() const { return {packed.begin(), packed.end()}; }
};

Chain chain_of(Replica& r, const StreamId& stream, const ReplicaId& author) {
    Chain c;
    const auto entries = *r.chain_after(stream, author, Seq{0}, 1u << 20);
    for (const auto& e : entries) {
        if (!e.signature.empty()) c.signatures.push_back({c.packed.size(), e.signature});
        c.packed.push_back(e.packed);
    }
    return c;
}

Result<std::vector<Replica::Received>> give(Replica& to, const Chain& c) {
    std::vector<Replica::Received> out;
    TRY_VOID(to.batch([&]() -> Result<> {
        const auto views = c.views();
        TRY_VOID(to.prove(views, c.signatures));
        TRY(out, sync::receive_from_below(to, views));
        return {};
    }));
    return out;
}

const StreamId kB01{"B01", Audience::ledger};

}  // namespace

TEST_CASE("city: what a device wrote counts by its signature, over the hub and back", "[trust][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), b = w.device("B01");
    CHECK(w.city->control().is_signed());
    a->set("assignment", "A1", {{"remark", text("甲")}});
    w.sync(*a);
    w.sync(*b);
    CHECK(b->field("A1", "remark") == "甲");
    CHECK((*w.city->waiting()).empty());
    CHECK(ok(w.city->verify()));
    CHECK(ok((*b)->verify()));
}

TEST_CASE("city: commits that do not lie under their author's signature are not taken", "[trust][replica]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    for (const char* text_ : {"一", "二", "三"}) a->set("assignment", "A1", {{"remark", text(text_)}});
    auto chain = chain_of(**a, kB01, (*a)->id());
    REQUIRE(chain.packed.size() == 3);
    REQUIRE(chain.signatures.size() == 3);  // each was saved by itself
    const auto before = w.city->log_head();
    auto taken = [&](const Chain& c) {
        int n = 0;
        for (const auto& x : *give(*w.city, c)) n += x.admission == Admission::admitted;
        return n;
    };
    SECTION("stripped on the way") {
        chain.signatures.clear();
        CHECK(taken(chain) == 0);
        CHECK(w.city->log_head() == before);
    }
    SECTION("another's key") {
        for (auto& s : chain.signatures) s.signature = make_key(77)->sign(kForHead, "whatever");
        CHECK(taken(chain) == 0);
    }
    SECTION("made for something else") {
        Packer packer;
        std::string raw;
        REQUIRE(ok(packer.unpack(chain.packed.back(), raw)));
        chain.signatures = {{2, a->keys.device->sign(kForAck, view(hash_of(raw).bytes))}};
        CHECK(taken(chain) == 0);
    }
    SECTION("the last one's covers all; what comes after it counts not") {
        chain.signatures.erase(chain.signatures.begin(), chain.signatures.begin() + 1);
        chain.signatures.pop_back();
        CHECK(taken(chain) == 2);
        CHECK(w.city.field("A1", "remark") == "二");
    }
    w.sync(*a);
    CHECK((*w.city->waiting()).empty());
    CHECK(w.city.field("A1", "remark") == "三");
    CHECK(ok(w.city->verify()));
}

TEST_CASE("city: a commit forged under another device's name never stands", "[trust][replica]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), thief = w.device("B02");
    a->set("assignment", "A1", {{"remark", text("真")}});
    w.sync(*a);
    // Built with the victim's name on top of his chain, signed by the thief's key.
    CommitHeader h;
    h.replica = (*a)->id();
    h.stream = kB01;
    h.seq = Seq{2};
    h.prev = (*a->replica->chain_heads(std::span(&kB01, 1))).back().hash;
    for (const auto& head : *a->replica->chain_heads(std::span(&kB01, 1)))
        if (head.replica == (*a)->id()) h.prev = head.hash;
    h.control = w.city->control().head();
    h.catalog = w.city->control().newest_catalog()->version();
    h.time = static_cast<std::uint64_t>(a->clock.wall_ms + 1000) << 16;
    CommitWriter writer;
    writer.row("assignment", "A1");
    writer.part(fold::Op::put, "remark", {});
    writer.field("remark", text("假"));
    const auto bytes = writer.finish(h);
    Chain forged;
    Packer packer;
    packer.pack(bytes, forged.packed.emplace_back());
    forged.signatures.push_back({0, thief->keys.device->sign(kForHead, view(hash_of(bytes).bytes))});
    const auto before = w.city->log_head(), before_there = (*a)->log_head();
    CHECK((*give(*w.city, forged)).front().admission == Admission::unproved);
    CHECK((*give(**a, forged)).front().admission == Admission::unproved);
    CHECK(w.city->log_head() == before);
    CHECK((*a)->log_head() == before_there);
    CHECK(w.city.field("A1", "remark") == "真");
    // The victim is neither told that it is a copy, nor stopped.
    w.sync(*a);
    CHECK_FALSE((*a)->is_copied());
    a->set("assignment", "A1", {{"remark", text("再写")}});
    w.sync(*a);
    CHECK(w.city.field("A1", "remark") == "再写");
    CHECK(ok(w.city->verify()));
    CHECK(ok((*a)->verify()));
}

TEST_CASE("city: certificates count by the chain to the root, at their control position", "[trust][control]") {
    World w;
    auto township = w.device("K1-01"), branch = w.device("B01");
    const auto key = make_key(500);
    const std::string nonce(trust::kNonceBytes, 'n');
    Certificate c;
    c.replica = trust::replica_id(key->public_key(), nonce);
    c.unit = "B02";
    c.level = Level::branch;
    c.control = w.city->control().head();
    c.issuer = "K1-01";
    c.suite = trust::kSodium;
    c.public_key = key->public_key().bytes;
    c.nonce = nonce;
    auto by = [&](Device& d) {
        c.issuer_replica = d->id();
        c.signature = d.keys.device->sign(kForCertificate, c.signed_part());
    };
    const auto refused = [&](const Certificate& x) {
        const auto r = w.city->add_certificate(x);
        return !r && r.error().code == Errc::denied && !w.city->control().cert(x.replica);
    };
    SECTION("the township vouches for its branch") {
        by(*township);
        REQUIRE(ok(w.city->add_certificate(c)));
        CHECK(w.city->control().cert(c.replica));
    }
    SECTION("a branch vouches for nobody but itself") {
        by(*branch);
        CHECK(refused(c));
        c.unit = "B01";
        by(*branch);
        CHECK(refused(c));
    }
    SECTION("nobody vouches upwards, nor for a level that the unit has not") {
        c.unit = "K1";
        c.level = Level::county;
        by(*township);
        CHECK(refused(c));
        c.unit = "B02";
        c.level = Level::city;
        by(*township);
        CHECK(refused(c));
    }
    SECTION("a name that is not of the key, a changed letter, no signature") {
        by(*township);
        auto other = c;
        other.replica = township->replica->id();
        other.replica.bytes[0] ^= 1;
        CHECK(refused(other));
        other = c;
        other.label = "x";
        CHECK(refused(other));
        other = c;
        other.signature.clear();
        CHECK(refused(other));
        other = c;
        other.suite = trust::kNoSuite;
        other.public_key.clear();
        other.nonce.clear();
        other.issuer_replica = {};
        CHECK(refused(other));
    }
    SECTION("two offices, one device: the higher office's word counts, in any order") {
        // The township says that its branch's PC is its own, to have its work judged as a township's.
        w.new_assignment("A1", "T1", "B01");
        w.sync(*branch);
        branch->set("assignment", "A1", {{"remark", text("支部写的")}});
        w.sync(*branch);
        w.sync(*township);
        const auto good = *w.city->control().cert((*branch)->id());
        auto second = good;
        second.unit = "K1-01";
        second.level = Level::township;
        second.issuer = "K1-01";
        second.issuer_replica = (*township)->id();
        second.signature = township->keys.device->sign(kForCertificate, second.signed_part());
        Device fresh(901);
        REQUIRE(ok(fresh->receive_control(*w.city->control_after(ControlPos{0}, 1u << 20))));
        for (const auto& body : w.city->certificate_chain((*township)->id()))
            REQUIRE(ok(fresh->add_certificate(*Certificate::decode(body))));
        REQUIRE(ok(fresh->add_certificate(second)));
        CHECK(fresh->control().cert((*branch)->id())->unit == "K1-01");
        REQUIRE(ok(carry(*w.city, *fresh, kB01, w.city->id())));
        REQUIRE(ok(carry(*w.city, *fresh, kB01, (*branch)->id())));
        REQUIRE(ok(fresh->add_certificate(good)));
        REQUIRE(ok(w.city->add_certificate(second)));
        for (auto* r : {&*fresh, &*w.city}) {
            CHECK(r->control().cert((*branch)->id())->unit == "B01");
            CHECK(ok(r->verify()));
            CHECK(r->facts("contradiction/certificate/")->size() == 1);
        }
        CHECK(fresh.field("A1", "remark") == w.city.field("A1", "remark"));
        CHECK(*fresh->digest() == *w.city->digest());
    }
    SECTION("any order of arrival: it waits for its issuer and for the tree") {
        by(*township);
        const std::string path = support::scratch("tz-trust-order.db");
        std::remove(path.c_str());
        Device fresh(900, path);
        REQUIRE(ok(fresh->add_certificate(c)));
        CHECK_FALSE(fresh->control().cert(c.replica));
        REQUIRE(ok(fresh->receive_control(*w.city->control_after(ControlPos{0}, 1u << 20))));
        CHECK_FALSE(fresh->control().cert(c.replica));
        fresh.reopen();
        for (const auto& body : w.city->certificate_chain(township->replica->id()))
            REQUIRE(ok(fresh->add_certificate(*Certificate::decode(body))));
        CHECK(fresh->control().cert(c.replica));
        fresh.reopen();
        CHECK(fresh->control().cert(c.replica));
    }
}

TEST_CASE("city: its log is written by the root key only", "[trust][control]") {
    World w;
    auto a = w.device("B01");
    ControlEntry e;
    e.pos = ControlPos{w.city->control().head().value + 1};
    e.prev = w.city->control().head_hash();
    e.kind = "unit";
    e.payload = R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"x"})";
    const auto head = (*a)->control().head();
    auto refused = [&](const ControlEntry& x) {
        const auto bytes = x.encode();
        const auto r = (*a)->receive_control(std::span(&bytes, 1));
        return !r && r.error().code == Errc::protocol && (*a)->control().head() == head;
    };
    CHECK(refused(e));  // unsigned
    e.signature = a->keys.device->sign(kForControl, e.signed_part());
    CHECK(refused(e));
    e.signature = w.city.keys.root->sign(kForControl, e.signed_part());
    auto changed = e;
    changed.payload[7] = 'X';
    CHECK(refused(changed));
    const auto bytes = e.encode();
    CHECK(ok((*a)->receive_control(std::span(&bytes, 1))));
    CHECK((*a)->control().unit("B09"));
    // Who has not the root key cannot write it either.
    const auto r = (*a)->append_control("unit", e.payload);
    REQUIRE_FALSE(r.has_value());
    CHECK(r.error().code == Errc::not_allowed);
}

TEST_CASE("acks: a forged or stale one changes nothing", "[trust][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), thief = w.device("K1-01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    a->set("assignment", "A1", {{"remark", text("二")}});
    const auto chain = *(*a)->chain_after(kB01, (*a)->id(), Seq{0}, 1u << 20);
    const auto level = [&](Level l) { return *sync::level_ack(**a, kB01, (*a)->id(), l); };
    wire::Ack ack{{kB01, (*a)->id(), Seq{2}, chain.back().hash}, Level::city, {}, {}};
    CHECK_FALSE(*sync::take_ack(**a, ack));
    CHECK(level(Level::city) == Seq{0});
    // A township's key does not speak for the city.
    wire::Ack forged = ack;
    REQUIRE(ok(sync::sign_ack(**thief, forged)));
    CHECK_FALSE(*sync::take_ack(**a, forged));
    CHECK(level(Level::city) == Seq{0});
    wire::Ack first{{kB01, (*a)->id(), Seq{1}, chain.front().hash}, Level::city, {}, {}};
    REQUIRE(ok(sync::sign_ack(*w.city, ack)));
    REQUIRE(ok(sync::sign_ack(*w.city, first)));
    CHECK(*sync::take_ack(**a, ack));
    CHECK(level(Level::city) == Seq{2});
    CHECK(*sync::take_ack(**a, first));  // true, and old
    CHECK(level(Level::city) == Seq{2});
    auto moved = ack;
    moved.at.seq = Seq{3};
    CHECK_FALSE(*sync::take_ack(**a, moved));
    moved = ack;
    moved.level = Level::county;
    CHECK_FALSE(*sync::take_ack(**a, moved));
    // Nor does another PC of the root office: only the city's own server knows what the city has.
    auto clerk = w.device("C");
    w.sync(*a);
    wire::Ack words{{kB01, (*a)->id(), Seq{2}, chain.back().hash}, Level::city, {}, {}};
    REQUIRE(ok(sync::sign_ack(**clerk, words)));
    REQUIRE((*a)->control().cert((*clerk)->id()));
    CHECK_FALSE(*sync::take_ack(**a, words));
    const auto refused = (*clerk)->checkpoint();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::not_allowed);
}

TEST_CASE("acks: the city's server goes on speaking for it under a new name of its key", "[trust][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    CHECK(w.city->control().speaks_for_city(w.city->id()));
    REQUIRE(ok(w.city->reincarnate()));
    CHECK(w.city->control().speaks_for_city(w.city->id()));
    a->set("assignment", "A1", {{"remark", text("一")}});
    w.sync(*a);
    w.sync(*a);
    CHECK((*a)->control().speaks_for_city(w.city->id()));
    CHECK(*sync::level_ack(**a, kB01, (*a)->id(), Level::city) == Seq{1});
    CHECK_FALSE((*a)->control().speaks_for_city((*a)->id()));
}

TEST_CASE("bundles: sealed to their receivers and signed; a finder reads nothing", "[trust][bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T1", "B02");
    auto a = w.device("B01"), finder = w.device("B02");
    a->set("assignment", "A1", {{"remark", text("only for those above: 0123456789")}});
    const auto up = sync::make_bundle(**a, {});
    REQUIRE(ok(up));
    const auto& file = up->parts.front();
    CHECK(file.find("0123456789") == std::string::npos);
    CHECK(file.find("B01") == std::string::npos);
    CHECK(file.find(std::string(view((*a)->id().bytes))) == std::string::npos);
    const auto stolen = sync::take_bundle(**finder, file);
    REQUIRE_FALSE(stolen.has_value());
    CHECK(stolen.error().code == Errc::not_allowed);
    Device stranger(901);
    CHECK(sync::take_bundle(*stranger, file).has_error());
    const auto taken = sync::take_bundle(*w.city, file);
    REQUIRE(ok(taken));
    CHECK(taken->taken == 1);
    CHECK(w.city.field("A1", "remark") == "only for those above: 0123456789");

    // Whoever knows the receiver's key can seal to it; what he seals is not the sender's word.
    wire::Bundle b;
    b.city = w.city->control().city_mark();
    b.from = (*a)->id();
    b.unit = "B01";
    b.level = Level::branch;
    b.control = b.control_after = w.city->control().head();
    std::string letter;
    Writer out(letter);
    out.raw(view(b.from.bytes));
    out.str(finder->keys.device->sign(kForBundle, wire::encode(b)));
    out.str(wire::encode(b));
    std::string frame = "TZB\x01";
    Writer(frame).u8(trust::kSodium);
    const std::vector<trust::PublicKey> to{w.city.keys.device->public_key()};
    auto forged = frame;
    Writer fw(forged);
    fw.str({});
    fw.str(*trust::seal_to(to, frame, letter));
    const auto mark = hash_of(forged);
    fw.str(view(mark.bytes));
    const auto refused = sync::take_bundle(*w.city, forged);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::not_allowed);
}

TEST_CASE("enrolment: the key is proved, codes are few, the fingerprint is the same on both sides", "[trust][enrol]") {
    World w;
    SECTION("both sides show the same") {
        Device d(300);
        sync::Enrolment e(*d);
        const auto answer = *w.hub->handle(*e.question());
        CHECK(*e.fingerprint(answer) == w.hub->fingerprint());
        CHECK(w.hub->fingerprint().size() == 19);
        const auto code = *w.hub->new_code("B01");
        REQUIRE(ok(e.reply(*w.hub->handle(*e.request(code.code, "pc")))));
        CHECK(e.fingerprint() == w.hub->fingerprint());
        // Another city's server has another one.
        World other(ledger_catalog(), "other");
        CHECK(trust::fingerprint(make_key(4)->public_key(), make_key(5)->public_key()) != w.hub->fingerprint());
    }
    SECTION("a key that the device has not") {
        Device d(300);
        wire::EnrolRequest q;
        q.code = w.hub->new_code("B01")->code;
        q.replica = d->id();
        q.key = make_key(4)->public_key().encode();
        q.nonce = *d->fact("nonce");
        const auto r = w.hub->handle(wire::encode(q));
        REQUIRE_FALSE(r.has_value());
        CHECK(r.error().code == Errc::denied);
    }
    SECTION("guesses from one place end, begin again an hour later, and keep nobody from enrolling") {
        Device d(300);
        sync::Enrolment e(*d);
        const auto code = *w.hub->new_code("B01");
        const auto says = [&](const std::string& typed, const char* from, const char* what) {
            const auto r = w.hub->handle(*e.request(typed, "pc"), from);
            REQUIRE(r.has_error());
            CHECK(r.error().code == Errc::denied);
            INFO(r.error().detail);
            CHECK(r.error().detail.find(what) != std::string::npos);
        };
        for (int i = 0; i < sync::kTriesAnHour; ++i) says("2222-3333-4444", "192.0.2.1", "no such code");
        says("2222-3333-4444", "192.0.2.1", "too many wrong codes from here");
        says("2222-3333-4444", "192.0.2.2", "no such code");
        // A right one works, from the same place too: a whole county may stand behind one address.
        CHECK(ok(w.hub->handle(*e.request(code.code, "pc"), "192.0.2.1")));
        w.city.clock.wall_ms += 3'600'000;
        says("2222-3333-4444", "192.0.2.1", "no such code");
    }
    SECTION("who knows the beginning of a code has few tries at the rest, and then it is void, and it alone") {
        Device d(300);
        sync::Enrolment e(*d);
        const auto code = *w.hub->new_code("B01"), other = *w.hub->new_code("B01");
        REQUIRE(code.code.substr(0, 4) != other.code.substr(0, 4));
        for (std::uint64_t i = 0; i < sync::kTriesPerCode; ++i)
            CHECK(w.hub->handle(*e.request(code.code.substr(0, 4) + "-2222-3333", "pc"), "192.0.2." + std::to_string(i))
                      .has_error());
        w.hub = std::make_unique<sync::Hub>(*sync::Hub::open(*w.city));  // a restart gives none back
        const auto r = w.hub->handle(*e.request(code.code, "pc"));
        REQUIRE(r.has_error());
        CHECK(r.error().detail.find("void") != std::string::npos);
        CHECK(ok(w.hub->handle(*e.request(other.code, "pc"))));
    }
    SECTION("guesses from everywhere cost the disk nothing") {
        Device d(300);
        sync::Enrolment e(*d);
        const auto code = *w.hub->new_code("B01");
        const auto guess = *e.request("2222-3333-4444", "pc");
        const auto before = w.city->facts("enrol/")->size();
        for (int i = 0; i < 5000; ++i) CHECK(w.hub->handle(guess, "2001:db8:" + std::to_string(i)).has_error());
        CHECK(w.city->facts("enrol/")->size() == before);
        CHECK(ok(w.hub->handle(*e.request(code.code, "pc"), "2001:db8:7")));
    }
}

TEST_CASE("a device that lost its key writes nothing more until it is enrolled again", "[trust][enrol]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    const std::string path = support::scratch("tz-trust-lost.db");
    std::remove(path.c_str());
    Device lost(61, path), *a = &lost;
    w.enrol_at(*w.hub, *a, "B01");
    w.sync(*a);
    a->set("assignment", "A1", {{"remark", text("旧")}});  // not sent yet
    a->keys.device = make_key(4444);
    a->reopen();
    CHECK_FALSE((*a)->can_sign());
    Draft d;
    d.edits.push_back({"assignment", "A1", {}, false, {{"remark", text("新")}}, {}, {}, {}, false});
    CHECK((*a)->edit(d).error().code == Errc::not_allowed);
    REQUIRE(ok((*a)->reincarnate()));
    w.enrol_at(*w.hub, *a, "B01");
    w.sync(*a);
    a->set("assignment", "A1", {{"remark", text("新")}});
    w.sync(*a);
    CHECK(w.city.field("A1", "remark") == "新");
    CHECK((*w.city->waiting()).empty());  // the old work as well: it was signed when it was saved
    CHECK(ok(w.city->verify()));
}

TEST_CASE("revocation: what came after it is quarantined, what others built on it stands", "[trust][revoke]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T1", "B01");
    auto stolen = w.device("B01"), honest = w.device("B01");
    stolen->set("assignment", "A1", {{"remark", text("前")}});
    w.sync(*stolen);
    const auto last = (*w.city->chain_after(kB01, (*stolen)->id(), Seq{0}, 1u << 20)).back();
    stolen->set("assignment", "A1", {{"remark", text("后")}});
    stolen->set("assignment", "A2", {{"result_text", text("后")}});
    w.sync(*stolen);
    w.sync(*honest);
    honest->set("assignment", "A1", {{"remark", text("看过后改的")}});
    w.sync(*honest);
    const auto before = *w.city->digest();
    REQUIRE(ok(w.city->append_control(
        "revoke", R"({"replica":")" + (*stolen)->id().hex() + R"(","streams":{"B01/ledger":{"seq":)" +
                      std::to_string(last.seq.value) + R"(,"hash":")" + last.hash.hex() + R"("}}})")));
    CHECK(w.city.field("A1", "remark") == "看过后改的");  // built on it, and stands
    CHECK(w.city.field("A2", "result_text") == "—");
    const auto lines = *w.city->conflicts("A2");
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().line.kind == fold::LineKind::quarantined);
    CHECK(ok(w.city->verify()));
    // The device gets no further, by link or by stick, and not under another name of the same key.
    sync::Session s(**stolen);
    const auto refused = w.hub->handle(*s.request());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::denied);
    REQUIRE(ok((*stolen)->reincarnate()));
    CHECK(w.city->add_certificate(*(*stolen)->control().cert((*stolen)->id())).has_value());
    CHECK(w.city->control().revocation((*stolen)->id()));
    // It spreads, and everybody sees the same.
    w.sync(*honest);
    CHECK(honest->field("A2", "result_text") == "—");
    const auto digest_of = [](Replica& r) {
        for (const auto& [name, hex] : *r.digest())
            if (name == "B01/ledger") return hex;
        return std::string();
    };
    CHECK(digest_of(**honest) == digest_of(*w.city));
    // Someone entitled lets one commit count.
    const auto all = *w.city->chain_after(kB01, (*honest)->id(), Seq{0}, 1u << 20);
    for (const auto& h : *w.city->chain_heads(std::span(&kB01, 1)))
        if (h.replica != (*honest)->id() && h.replica != w.city->id())
            REQUIRE(ok(w.city->append_control("release", R"({"hash":")" + h.hash.hex() + R"("})")));
    CHECK(w.city.field("A2", "result_text") == "后");
    CHECK(ok(w.city->verify()));
}

TEST_CASE("revocation: a token of a revoked device opens nothing, under whatever name", "[trust][revoke]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto stolen = w.device("B01"), colleague = w.device("B01");
    const auto token = *sync::upstream_token(**stolen);
    const auto ask_as = [&](const ReplicaId& who) {
        wire::SyncRequest q;
        q.token = token;
        q.replica = who;
        q.city = w.city->control().city_mark();
        q.has_vector = true;
        return w.hub->handle(wire::encode(q));
    };
    CHECK(ok(ask_as((*stolen)->id())));
    CHECK(ok(w.hub->device_of(token)));
    // Another's name does not fit, revoked or not.
    const auto borrowed = ask_as((*colleague)->id());
    REQUIRE_FALSE(borrowed.has_value());
    CHECK(borrowed.error().code == Errc::denied);
    REQUIRE(ok(w.city->append_control("revoke", R"({"replica":")" + (*stolen)->id().hex() + R"(","streams":{}})")));
    for (const auto& who : {(*stolen)->id(), (*colleague)->id()}) {
        const auto refused = ask_as(who);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == Errc::denied);
    }
    // What attachments and live pokes ask first.
    CHECK(w.hub->device_of(token).error().code == Errc::denied);
    CHECK(ok(w.hub->device_of(*sync::upstream_token(**colleague))));
}

TEST_CASE("revocation: a stolen server's key makes no devices, however they are dated", "[trust][revoke]") {
    World w;
    auto township = w.device("K1-01"), branch = w.device("B01");
    const auto before = w.city->control().head();
    const auto vouched_for = [&](std::uint64_t seed, ControlPos at) {
        const auto key = make_key(seed);
        const std::string nonce(trust::kNonceBytes, 'n');
        Certificate c;
        c.replica = trust::replica_id(key->public_key(), nonce);
        c.unit = "B02";
        c.level = Level::branch;
        c.control = at;
        c.issuer = "K1-01";
        c.suite = trust::kSodium;
        c.public_key = key->public_key().bytes;
        c.nonce = nonce;
        c.issuer_replica = (*township)->id();
        c.signature = township->keys.device->sign(kForCertificate, c.signed_part());
        return c;
    };
    const auto honest = vouched_for(600, before), minted = vouched_for(601, before);
    REQUIRE(ok(w.city->add_certificate(honest)));
    const auto revoke = [&] {
        return w.city->append_control("revoke", R"({"replica":")" + (*township)->id().hex() +
                                                    R"(","streams":{},"vouched":[")" + honest.replica.hex() + R"("]})");
    };
    REQUIRE(ok(revoke()));
    const auto between = w.city->control().head();
    CHECK_FALSE(w.city->control().revocation(honest.replica));
    (void)w.city->add_certificate(minted);  // dated before: by itself it looks like any other
    CHECK(w.city->control().revocation(minted.replica));
    CHECK_FALSE(w.city->control().revocation((*branch)->id()));
    // Revoked once more: the line does not move up.
    REQUIRE(ok(revoke()));
    const auto late = w.city->add_certificate(vouched_for(602, between));
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == Errc::denied);
}

}  // namespace taizhang::city_test
