// Somebody who should say one thing signed two: it is noticed where the two meet, kept, said, and stops nothing.
#include "ledger/contradictions.h"
#include "ledger/audit.h"
#include "ledger/ledger.h"
#include "ledger/notices.h"
#include "replica/checkpoint_file.h"
#include "sync/bundle.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace taizhang::contradictions_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

/// What the root would sign for that place, beside what it did sign.
std::string other_entry(World& w, ControlPos at, const Hash& prev, const std::string& name) {
    ControlEntry e;
    e.pos = at;
    e.prev = prev;
    e.kind = "unit";
    e.payload = R"({"id":"B09","parent_id":"K1-01","level":"branch","name":")" + name + "\"}";
    e.signature = w.city.keys.root->sign(kForControl, e.signed_part());
    return e.encode();
}

/// A checkpoint of the city's key in a chain of its own, at a place where it has signed already.
std::string forged_checkpoint(World& w, const StreamId& stream, Seq seq, const Hash& prev, std::int64_t at_ms) {
    CommitHeader h;
    h.replica = w.city->id();
    h.stream = stream;
    h.seq = seq;
    h.prev = prev;
    h.control = w.city->control().head();
    h.catalog = w.city->control().newest_catalog()->version();
    h.time = static_cast<std::uint64_t>(at_ms) << 16;
    CommitWriter writer;
    writer.row(kCheckpointEntity, std::to_string(at_ms));
    writer.part(fold::Op::put, "horizon", {});
    writer.field("at", Value::integer(at_ms));
    writer.field("digest", Value::blob(std::string(32, 'x')));
    writer.field("heads", Value::blob(std::string(1, '\0')));
    return writer.finish(h);
}

/// As if it had come by a message: under its author's signature.
Result<std::vector<Replica::Received>> give(Replica& to, const std::string& bytes, const trust::Key& key) {
    std::string packed;
    Packer().pack(bytes, packed);
    const std::string_view view_of = packed;
    const HeadSignature under{0, key.sign(kForHead, view(hash_of(bytes).bytes))};
    std::vector<Replica::Received> out;
    TRY_VOID(to.batch([&]() -> Result<> {
        TRY_VOID(to.prove(std::span(&view_of, 1), std::span(&under, 1)));
        TRY(out, to.receive(std::span(&view_of, 1), Origin::upstream));
        return {};
    }));
    return out;
}

ChainHead chain_of_city(Replica& r, const ReplicaId& city) {
    for (const auto& h : *r.chain_heads(std::span(&kB01, 1)))
        if (h.replica == city) return h;
    FAIL("the city wrote nothing there");
    return {};
}

}  // namespace

TEST_CASE("contradiction: two control entries for one place are kept and said, and the rest goes on",
          "[trust][contradiction]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto head = (*a)->control().head();
    const auto head_hash = (*a)->control().head_hash();
    // The same place as the newest here, another content: the root signed both.
    const auto before = *(*a)->control_after(ControlPos{head.value - 2}, 1 << 20);
    const auto two = other_entry(w, head, hash_of(before.front()), "另一个");
    REQUIRE(ok((*a)->receive_control(std::span(&two, 1))));
    CHECK((*a)->control().head() == head);
    CHECK((*a)->control().head_hash() == head_hash);
    auto found = *ledger::contradictions(**a);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == ledger::Contradiction::Kind::control);
    CHECK(found[0].where == std::to_string(head.value));
    CHECK_FALSE(found[0].is_explained);
    // Again, and from a bundle: told once.
    REQUIRE(ok((*a)->receive_control(std::span(&two, 1))));
    CHECK(ledger::contradictions(**a)->size() == 1);
    const auto lines = *ledger::notices(**a);
    CHECK(std::count_if(lines.begin(), lines.end(), [&](const auto& l) { return l == found[0].line(); }) == 1);

    a->set("assignment", "A1", {{"remark", text("照常")}});
    w.sync(*a);
    CHECK(w.city.field("A1", "remark") == "照常");
    CHECK(ok((*a)->verify()));
}

TEST_CASE("contradiction: a hub whose city's log took another way is noticed at the next entry",
          "[trust][contradiction][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    // The device learned of an entry that the hub never saw: the root's server was rolled back and went on otherwise.
    const auto other = other_entry(w, ControlPos{(*a)->control().head().value + 1}, (*a)->control().head_hash(), "甲");
    REQUIRE(ok((*a)->receive_control(std::span(&other, 1))));
    REQUIRE(ok(w.city->append_control("unit", R"({"id":"B08","parent_id":"K1-01","level":"branch","name":"乙"})")));
    REQUIRE(ok(w.city->append_control("unit", R"({"id":"B07","parent_id":"K1-01","level":"branch","name":"丙"})")));
    a->set("assignment", "A1", {{"remark", text("仍要送到")}});
    w.sync(*a);
    CHECK(w.city.field("A1", "remark") == "仍要送到");
    const auto found = *ledger::contradictions(**a);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == ledger::Contradiction::Kind::control);
    CHECK((*a)->control().unit("B09") != nullptr);
    CHECK((*a)->control().unit("B08") == nullptr);
    CHECK(*sync::unsent_count(**a) == 0);
    const auto page = *ledger::audit(**a, {}, {});
    const auto& entries = page.at("entries").as_array();
    CHECK(std::any_of(entries.begin(), entries.end(),
                      [](const auto& e) { return e.as_object().at("kind").as_string() == "contradiction"; }));
}

namespace {

bool has_noticed(Replica& r, ControlPos at) {
    const auto found = *ledger::contradictions(r);
    return found.size() == 1 && found[0].kind == ledger::Contradiction::Kind::control &&
           found[0].where == std::to_string(at.value);
}

std::string unit_entry(const std::string& id) {
    return R"({"id":")" + id + R"(","parent_id":"K1-01","level":"branch","name":")" + id + "\"}";
}

}  // namespace

TEST_CASE("contradiction: two logs that end at one place notice each other at the next sync, on both sides",
          "[trust][contradiction][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto at = ControlPos{(*a)->control().head().value + 1};
    const auto other = other_entry(w, at, (*a)->control().head_hash(), "甲");
    REQUIRE(ok((*a)->receive_control(std::span(&other, 1))));
    REQUIRE(ok(w.city->append_control("unit", unit_entry("B08"))));
    a->set("assignment", "A1", {{"remark", text("仍要送到")}});

    SECTION("by the link") { w.sync(*a); }
    SECTION("by the link, the city further on") {
        // Of an entry that follows the device has nothing to compare with: it is noticed by its past.
        REQUIRE(ok(w.city->append_control("unit", unit_entry("B07"))));
        w.sync(*a);
    }
    SECTION("by the link, the device further on") {
        const auto next = other_entry(w, ControlPos{at.value + 1}, (*a)->control().head_hash(), "丁");
        REQUIRE(ok((*a)->receive_control(std::span(&next, 1))));
        w.sync(*a);
    }
    SECTION("by files") {
        sync::BundleOptions up, down;
        up.to = "C";
        down.to = "B01";
        const auto from_below = *sync::make_bundle(**a, up);
        const auto from_above = *sync::make_bundle(*w.city, down);
        REQUIRE(ok(sync::take_bundle(*w.city, from_below.parts.front())));
        REQUIRE(ok(sync::take_bundle(**a, from_above.parts.front())));
        w.sync(*a);
    }
    CHECK(has_noticed(**a, at));
    CHECK(has_noticed(*w.city, at));
    CHECK(w.city.field("A1", "remark") == "仍要送到");
    CHECK((*a)->control().unit("B09") != nullptr);
    CHECK((*a)->control().unit("B08") == nullptr);
    CHECK(w.city->control().unit("B08") != nullptr);
    CHECK(*sync::unsent_count(**a) == 0);

    // From then on both know: it costs no more than before.
    a->set("assignment", "A1", {{"remark", text("照常")}});
    CHECK(w.sync(*a) == 1);
    CHECK(*sync::unsent_count(**a) == 0);
    // What was written at a place that the city's log has not reached yet waits there, as anywhere.
    const bool is_further = (*a)->control().head() > w.city->control().head();
    CHECK(w.city.field("A1", "remark") == (is_further ? "仍要送到" : "照常"));
    CHECK(w.city->waiting()->size() == (is_further ? 1 : 0));
    CHECK(has_noticed(**a, at));
    CHECK(ok((*a)->verify()));
    CHECK(ok(w.city->verify()));
}

TEST_CASE("contradiction: a device cannot make a city see one with an entry that the root did not sign",
          "[trust][contradiction][sync]") {
    World w;
    auto a = w.device("B01");
    auto entry = *ControlEntry::decode(other_entry(w, (*a)->control().head(), Hash{}, "假"));
    entry.signature = make_key(5)->sign(kForControl, entry.signed_part());
    sync::Session s(**a);
    wire::SyncRequest q;
    REQUIRE(ok(wire::decode(*s.request(), q)));
    q.control_entries = {entry.encode()};
    REQUIRE(ok(w.hub->handle(wire::encode(q))));
    CHECK(ledger::contradictions(*w.city)->empty());
    w.sync(*a);
}

TEST_CASE("contradiction: an entry that the root did not sign is no evidence", "[trust][contradiction]") {
    World w;
    auto a = w.device("B01");
    auto entry = *ControlEntry::decode(other_entry(w, (*a)->control().head(), Hash{}, "假"));
    entry.signature = make_key(5)->sign(kForControl, entry.signed_part());
    const auto bytes = entry.encode();
    CHECK_FALSE((*a)->receive_control(std::span(&bytes, 1)).has_value());
    CHECK(ledger::contradictions(**a)->empty());
}

TEST_CASE("contradiction: two checkpoints of the city at one place are noticed where they meet",
          "[trust][contradiction]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), b = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    w.sync(*a);
    REQUIRE(ok(w.city->checkpoint()));
    w.sync(*a);
    w.sync(*b);
    CHECK(ledger::contradictions(**b)->empty());
    // Before that checkpoint the city's chain stood elsewhere; another face of it went on from there.
    const auto head = chain_of_city(**b, w.city->id());
    const auto entries = *(*b)->chain_after(kB01, w.city->id(), Seq{head.seq.value - 1}, 1 << 20);
    std::string raw;
    Packer packer;
    REQUIRE(ok(packer.unpack(entries.back().packed, raw)));
    const auto prev = Commit::decode_header(raw)->prev;
    const auto bytes = forged_checkpoint(w, kB01, head.seq, prev, b->clock.wall_ms + 1);
    const auto taken = give(**b, bytes, *w.city.keys.device);
    REQUIRE(ok(taken));
    REQUIRE(taken->front().admission == Admission::admitted);  // both are kept: they are the evidence
    auto found = *ledger::contradictions(**b);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == ledger::Contradiction::Kind::checkpoint);
    CHECK(found[0].where == "B01/ledger " + w.city->id().hex().substr(0, 8) + " #" + std::to_string(head.seq.value));
    CHECK_FALSE(found[0].is_explained);
    CHECK(found[0].en.find("two faces") != std::string::npos);
    CHECK((*b)->hashes_at(kB01, w.city->id(), head.seq)->size() == 2);
    CHECK(ok((*b)->verify()));

    // It travels: the hub learns of it from the device, and what people wrote goes on.
    b->set("assignment", "A1", {{"remark", text("照常")}});
    w.sync(*b);
    CHECK(w.city.field("A1", "remark") == "照常");

    SECTION("a file that one of the two signed holds on both sides") {
        const auto file = *make_checkpoint_file(*w.city);
        CHECK(compare_with(**b, file)->differs.empty());
    }
    SECTION("a server that noticed it by itself and took a new number is no liar") {
        REQUIRE(ok(w.city->reincarnate()));
        for (const auto& c : w.city->certificate_chain(w.city->id()))
            REQUIRE(ok((*b)->add_certificate(*Certificate::decode(c))));
        found = *ledger::contradictions(**b);
        REQUIRE(found.size() == 1);
        CHECK(found[0].is_explained);
        CHECK(found[0].en.find("two faces") == std::string::npos);
    }
}

TEST_CASE("checkpoint file: whoever rewrites a chain and signs it anew cannot give it back its tip",
          "[trust][contradiction]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    for (const char* t : {"一", "二", "三"}) a->set("assignment", "A1", {{"remark", text(t)}});
    w.sync(*a);
    const auto file = *make_checkpoint_file(*w.city);
    REQUIRE(compare_with(*w.city, file)->holds());
    CHECK(compare_with(*w.city, file)->level == Level::city);

    // Another city server that was told a rewritten history: every hash computed anew, every head signed by the
    // device's own stolen key. All of it fits together.
    World forged;  // the same seeds: the same keys, the same first entries
    forged.new_assignment("A1", "T1", "B01");
    REQUIRE(forged.city->control().city_mark() == w.city->control().city_mark());
    auto thief = forged.device("B01");
    REQUIRE((*thief)->id() == (*a)->id());
    const auto rewrite = GENERATE(0, 1, 2);
    std::vector<std::string> texts{"一", "二", "三"};
    if (rewrite == 0) texts = {"一", "改", "三"};        // changed
    if (rewrite == 1) texts = {"一", "三"};              // removed
    if (rewrite == 2) texts = {"一", "插", "二", "三"};  // inserted
    for (const auto& t : texts) thief->set("assignment", "A1", {{"remark", text(t)}});
    forged.sync(*thief);
    REQUIRE(ok(forged.city->verify()));  // by itself it cannot tell
    const auto found = *compare_with(*forged.city, file);
    CHECK_FALSE(found.holds());
    CHECK(found.differs.size() + found.missing.size() >= 1);
}

TEST_CASE("checkpoint file: only of this city, only by its devices, only whole", "[trust][contradiction]") {
    World w;
    auto a = w.device("B01");
    const auto file = *make_checkpoint_file(**a);
    const auto own = *compare_with(*w.city, file);
    CHECK(own.unit == "B01");
    CHECK(own.holds());
    auto parsed = *CheckpointFile::decode(file);
    SECTION("damaged") {
        for (std::size_t i = 0; i < file.size(); i += 7) {
            auto bad = file;
            bad[i] = static_cast<char>(bad[i] ^ 0x10);
            CHECK_FALSE(compare_with(*w.city, bad).has_value());
        }
        for (std::size_t n = 0; n < file.size(); n += 11)
            CHECK_FALSE(compare_with(*w.city, file.substr(0, n)).has_value());
    }
    SECTION("signed by a stranger") {
        parsed.signature = make_key(9)->sign(kForCheckpoint, parsed.body());
        CHECK(compare_with(*w.city, parsed.encode()).error().code == Errc::denied);
    }
    SECTION("with a certificate that vouches for itself") {
        auto cert = *Certificate::decode(parsed.certificates.back());
        const auto key = make_key(9);
        cert.suite = key->public_key().suite;
        cert.public_key = key->public_key().bytes;
        cert.signature = key->sign(kForCertificate, cert.signed_part());
        parsed.certificates.back() = cert.encode();
        parsed.signature = key->sign(kForCheckpoint, parsed.body());
        CHECK(compare_with(*w.city, parsed.encode()).error().code == Errc::denied);
    }
    SECTION("of another city") {
        World other(ledger_catalog(), "other");
        const auto theirs = *make_checkpoint_file(*other.city);
        CHECK(compare_with(*w.city, theirs).error().code == Errc::denied);
    }
}

}  // namespace taizhang::contradictions_test
