// A revocation names a commit; of a forked chain, what lies on the way down from it counts, in any order of arrival.
#include "tests/support/ok.h"
#include "tests/support/world.h"
#include "wire/messages.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

namespace taizhang::revoked_fork_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

struct Made {
    std::string packed, signature;
    Hash hash;
};

/// What a thief's own program might write with the device's key: a remark on one record.
Made make(Device& thief, Seq seq, const Hash& prev, const std::string& record, const std::string& remark,
          std::optional<std::uint64_t> time = {}) {
    CommitHeader h;
    h.replica = thief->id();
    h.stream = kB01;
    h.seq = seq;
    h.prev = prev;
    h.control = thief->control().head();
    h.catalog = thief->control().newest_catalog()->version();
    h.time = time.value_or(static_cast<std::uint64_t>(thief.clock.wall_ms + static_cast<std::int64_t>(seq.value) * 1000)
                           << 16);
    CommitWriter w;
    w.row("assignment", record);
    w.part(fold::Op::put, "remark", {});
    w.field("remark", text(remark));
    const auto bytes = w.finish(h);
    Made out;
    out.hash = hash_of(bytes);
    Packer().pack(bytes, out.packed);
    out.signature = thief.keys.device->sign(kForHead, view(out.hash.bytes));
    return out;
}

void give(Replica& to, const Made& m) {
    const std::string_view one(m.packed);
    const HeadSignature signature{0, m.signature};
    REQUIRE(ok(to.batch([&]() -> Result<> {
        TRY_VOID(to.prove(std::span(&one, 1), std::span(&signature, 1)));
        TRY_VOID(sync::receive_from_below(to, std::span(&one, 1)));
        return {};
    })));
}

std::string digest_of(Replica& r) {
    for (const auto& [name, hex] : *r.digest())
        if (name == "B01/ledger") return hex;
    return {};
}

}  // namespace

TEST_CASE("revocation: which branch counts is told by its last commit, whenever that arrives", "[trust][revoke]") {
    World w;
    for (const char* id : {"A1", "A2", "A3", "A4"}) w.new_assignment(id, "T1", "B01");
    auto stolen = w.device("B01"), honest = w.device("B01");
    const auto first = make(*stolen, Seq{1}, {}, "A1", "一");
    const auto second = make(*stolen, Seq{2}, first.hash, "A2", "二"),
               third = make(*stolen, Seq{3}, second.hash, "A3", "三");
    const auto other = make(*stolen, Seq{2}, first.hash, "A4", "贼");
    std::array<const Made*, 3> late{&second, &third, &other};
    const auto digest_at = [&](std::size_t honest_has) {
        // The city knows all of it and revokes the device as of the third; another PC gets it piece by piece.
        for (const auto* m : {&first, &second, &third, &other}) give(*w.city, *m);
        give(**honest, first);
        for (std::size_t i = 0; i < honest_has; ++i) give(**honest, *late[i]);
        REQUIRE(ok(w.city->append_control("revoke", R"({"replica":")" + (*stolen)->id().hex() +
                                                        R"(","streams":{"B01/ledger":{"seq":3,"hash":")" +
                                                        third.hash.hex() + R"("}}})")));
        REQUIRE(ok((*honest)->receive_control(*w.city->control_after((*honest)->control().head(), 1u << 20))));
        for (std::size_t i = honest_has; i < late.size(); ++i) give(**honest, *late[i]);
        CHECK(honest->field("A1", "remark") == "一");
        CHECK(honest->field("A2", "remark") == "二");
        CHECK(honest->field("A3", "remark") == "三");
        CHECK(honest->field("A4", "remark") == "—");
        CHECK(digest_of(**honest) == digest_of(*w.city));
        CHECK(ok((*honest)->verify()));
    };
    const auto before = static_cast<std::size_t>(GENERATE(0, 1, 2, 3));
    SECTION("the named branch first") { digest_at(before); }
    SECTION("the other one first") {
        late = {&other, &second, &third};
        digest_at(before);
    }
    SECTION("the other one in between") {
        late = {&second, &other, &third};
        digest_at(before);
    }
}

TEST_CASE("a commit at the end of time under the own key does not keep the device from writing", "[trust][revoke]") {
    World w;
    for (const char* id : {"A1", "A2"}) w.new_assignment(id, "T1", "B01");
    auto pc = w.device("B01");
    pc->set("assignment", "A1", {{"remark", text("一")}});
    const auto head = (*pc)->chain_heads(std::span(&kB01, 1));
    REQUIRE(ok(head));
    const auto own = std::find_if(head->begin(), head->end(), [&](const auto& h) { return h.replica == (*pc)->id(); });
    REQUIRE(own != head->end());
    const auto last = make(*pc, Seq{own->seq.value + 1}, own->hash, "A2", "贼", kTimeMax - 1);
    give(**pc, last);
    // What was begun and not done makes it read its state again, as a start does.
    CHECK((*pc)->batch([]() -> Result<> { return fail(Errc::usage, "not today"); }).has_error());
    CHECK_NOTHROW(pc->set("assignment", "A1", {{"remark", text("二")}}));
    CHECK(pc->field("A1", "remark") == "二");
}

TEST_CASE("a branch that a relay kept back comes when the next commit on it does", "[trust][revoke][bad-relay]") {
    World w;
    for (const char* id : {"A1", "A2", "A3", "A4"}) w.new_assignment(id, "T1", "B01");
    auto stolen = w.device("B01"), honest = w.device("B01");
    const auto first = make(*stolen, Seq{1}, {}, "A1", "一");
    const auto second = make(*stolen, Seq{2}, first.hash, "A2", "二"),
               other = make(*stolen, Seq{2}, first.hash, "A3", "另"),
               after_other = make(*stolen, Seq{3}, other.hash, "A4", "另二");
    give(*w.city, first);
    give(*w.city, second);
    w.sync(*honest);
    give(*w.city, other);
    {
        sync::Session s(**honest);
        const auto request = s.request();
        REQUIRE(ok(request));
        const auto answer = w.hub->handle(*request);
        REQUIRE(ok(answer));
        wire::SyncReply m;
        REQUIRE(ok(wire::decode(*answer, m)));
        REQUIRE_FALSE(m.runs.empty());
        m.runs.clear();
        m.signatures.clear();
        REQUIRE(ok(s.reply(wire::encode(m))));
    }
    REQUIRE(honest->field("A3", "remark") == "—");
    give(*w.city, after_other);
    CHECK_NOTHROW(w.sync(*honest));
    w.sync(*honest);
    CHECK(digest_of(**honest) == digest_of(*w.city));
    CHECK(honest->field("A4", "remark") == "另二");
    CHECK(ok((*honest)->verify()));
}

TEST_CASE("revocation: what a stick brings of a device that is known to be revoked does not show", "[trust][revoke]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto stolen = w.device("B01"), honest = w.device("B01");
    REQUIRE(ok(w.city->append_control("revoke", R"({"replica":")" + (*stolen)->id().hex() + R"(","streams":{}})")));
    w.sync(*honest);
    const std::string record = GENERATE("A1", "A2");  // one that is there, and a new one
    const auto written = make(*stolen, Seq{1}, {}, record, "贼");
    for (auto* d : {honest.get(), &w.city}) {
        give(**d, written);
        const auto row = (*d)->read_row("assignment", record);
        CHECK((!row.has_value() || d->field(record, "remark") == "—"));
        CHECK(ok((*d)->verify()));
    }
    CHECK(digest_of(**honest) == digest_of(*w.city));
}

TEST_CASE("revocation: whoever met a later incarnation of the device before he heard of it can pass it on",
          "[trust][revoke][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = sync::Hub::open(**town);
    REQUIRE(ok(town_hub));
    auto stolen = w.device_at(*town_hub, "B01");
    w.sync(*town);
    const auto id = (*stolen)->id();
    for (const char* t : {"一", "二"}) {  // each vouches for the next; the city knows of neither
        REQUIRE(ok((*stolen)->reincarnate()));
        stolen->set("assignment", "A1", {{"remark", text(t)}});
        World::sync(*stolen, *town_hub);
    }
    REQUIRE(ok(w.city->append_control("revoke", R"({"replica":")" + id.hex() + R"(","streams":{}})")));
    sync::Session s(**town);
    while (s.wants_more()) {
        const auto request = s.request();
        REQUIRE(ok(request));
        const auto answer = w.hub->handle(*request);
        REQUIRE(ok(answer));
        REQUIRE(ok(s.reply(*answer)));
    }
    CHECK(s.stats().refused.empty());
    CHECK(*sync::unsent_count(**town) == 0);
    CHECK(w.city->control().revocation((*stolen)->id()));
    for (auto* d : {town.get(), &w.city}) CHECK(d->field("A1", "remark") == "—");
    CHECK(digest_of(**town) == digest_of(*w.city));
}

TEST_CASE("revocation: whom a later incarnation of a revoked office had vouched for before counts, if the city knew",
          "[trust][revoke][relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    const auto first = (*town)->id();
    REQUIRE(ok((*town)->reincarnate()));  // as after a restore
    w.sync(*town);
    const auto second = (*town)->id();
    auto town_hub = sync::Hub::open(**town);
    REQUIRE(ok(town_hub));
    auto honest = w.device_at(*town_hub, "B01");
    honest->set("assignment", "A1", {{"remark", text("写的")}});
    World::sync(*honest, *town_hub);
    w.sync(*town);
    REQUIRE(w.city.field("A1", "remark") == "写的");
    const auto said = GENERATE("known", "unknown", "nothing");  // the last: entries of an earlier program
    const bool knew = said != std::string("unknown");
    const std::string known = said == std::string("known") ? '"' + (*honest)->id().hex() + '"' : std::string();
    const std::string vouched = said == std::string("nothing") ? std::string() : R"(,"vouched":[)" + known + "]";
    for (const auto& id : {first, second})
        REQUIRE(
            ok(w.city->append_control("revoke", R"({"replica":")" + id.hex() + R"(","streams":{})" + vouched + "}")));
    CHECK((w.city->control().revocation((*honest)->id()) == nullptr) == knew);
    CHECK(w.city.field("A1", "remark") == (knew ? "写的" : "—"));
    CHECK(ok(w.city->verify()));
}

}  // namespace taizhang::revoked_fork_test
