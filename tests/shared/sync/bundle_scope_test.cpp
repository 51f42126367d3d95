// A bundle brings what the receiver or the author may hold, and nothing else.
#include "sync/bundle.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::bundle_scope_test {
using namespace taizhang::support;

namespace {

/// What somebody with a device's key may put into a bundle: one commit of his own, in any stream.
std::string bundle_of(Device& from, const std::string& from_unit, Device& to, const std::string& to_unit,
                      const StreamId& stream) {
    CommitHeader h;
    h.replica = from->id();
    h.stream = stream;
    h.seq = Seq{1};
    h.control = from->control().head();
    h.catalog = from->control().newest_catalog()->version();
    h.time = static_cast<std::uint64_t>(from.clock.wall_ms) << 16;
    CommitWriter writer;
    writer.row("assignment", "A9");
    writer.part(fold::Op::put, "remark", {});
    writer.field("remark", text("不是他的"));
    const auto bytes = writer.finish(h);
    wire::Bundle b;
    b.city = from->control().city_mark();
    b.from = from->id();
    b.unit = from_unit;
    b.level = Level::branch;
    b.to = to_unit;
    b.control_after = to->control().head();
    b.control = ControlPos{to->control().head().value + 1000};  // a sender who knows a newer tree may know better
    b.certificates = from->certificate_chain(from->id());
    Packer().pack(bytes, b.commits.emplace_back());
    b.signatures.push_back({0, from.keys.device->sign(kForHead, view(hash_of(bytes).bytes))});
    b.ranges.push_back({{stream, from->id(), Seq{0}, {}}, Seq{1}});
    std::string letter, file = "TZB\x01";
    Writer inside(letter), frame(file);
    inside.raw(view(b.from.bytes));
    inside.str(from.keys.device->sign(kForBundle, wire::encode(b)));
    inside.str(wire::encode(b));
    frame.u8(trust::kSodium);
    const std::vector<trust::PublicKey> receivers{to.keys.device->public_key()};
    const auto sealed = trust::seal_to(receivers, file, letter);
    REQUIRE(sealed.has_value());
    frame.str({});
    frame.str(*sealed);
    const auto mark = hash_of(file);
    frame.str(view(mark.bytes));
    return file;
}

}  // namespace

TEST_CASE("bundle: a stream that neither the receiver nor the author holds is passed over", "[bundle][trust]") {
    World w;
    auto a = w.device("B01"), other = w.device("B01"), b = w.device("B02");
    w.sync(*b);
    const StreamId foreign{"K1", Audience::ledger};
    const auto synced = [&] {
        sync::Session s(**b);
        while (s.wants_more()) REQUIRE(s.reply(*w.hub->handle(*s.request())).has_value());
        CHECK(s.stats().refused.empty());
        CHECK(*sync::unsent_count(**b) == 0);
    };
    const auto take = [&](const StreamId& stream) {
        const auto taken = sync::take_bundle(**b, bundle_of(*a, "B01", *b, "B02", stream));
        if (!taken) FAIL(taken.error().detail);
        return taken->taken;
    };
    SECTION("by a tree that is known here") {
        const auto before = (*b)->log_head();
        CHECK(take(foreign) == 0);
        CHECK((*b)->log_head() == before);
        synced();
    }
    SECTION("by a tree that is not: once it is, the commit is let go") {
        REQUIRE(w.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})")
                    .has_value());
        w.sync(*a);
        w.sync(*other);
        CHECK(take(foreign) == 1);
        CHECK(sync::take_bundle(**b, bundle_of(*other, "B01", *b, "B02", foreign)).has_value());
        synced();
        synced();
        CHECK((*b)->chain_heads(std::span(&foreign, 1))->empty());
    }
    SECTION("what the author holds is carried on, as on any stick") {
        CHECK(take({"B01", Audience::ledger}) == 1);
        w.sync(*b);
        CHECK(*sync::unsent_count(**b) == 0);
    }
}

TEST_CASE("sync: what was written here in a stream that is nobody's here stays, and goes when the tree allows it",
          "[sync]") {
    World w;
    auto b = w.device("B02");
    Edit e;
    e.entity = "assignment";
    e.row = "A7";
    e.create = true;
    e.stream = StreamId{"B01", Audience::ledger};
    e.fields = {{"deadline", text("2025-12-31")}};  // from outside: becomes a request for an extension
    REQUIRE(b->edit(e).size() == 1);
    sync::Session s(**b);
    while (s.wants_more()) REQUIRE(s.reply(*w.hub->handle(*s.request())).has_value());
    CHECK(s.stats().refused.size() == 1);  // and the person hears of it
    CHECK(*sync::unsent_count(**b) == 1);
    REQUIRE(w.city
                ->append_control("unit", R"({"id":"B01","parent_id":"K1-01","level":"branch","name":"B01",)"
                                         R"("merged_into":"B02"})")
                .has_value());
    w.sync(*b);
    w.sync(*b);
    CHECK(*sync::unsent_count(**b) == 0);
    const auto head = w.city->chain_heads(std::span(&*e.stream, 1));
    CHECK(std::any_of(head->begin(), head->end(), [&](const auto& h) { return h.replica == (*b)->id(); }));
}

}  // namespace taizhang::bundle_scope_test
