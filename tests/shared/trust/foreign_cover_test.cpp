// One signature covers what lies below it in its own chain, and nothing of anybody else's.
#include "sync/upstream_facts.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::foreign_cover_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

std::string commit_of(const World& w, const ReplicaId& author, Seq seq, const Hash& prev, const char* value) {
    CommitHeader h;
    h.replica = author;
    h.stream = kB01;
    h.seq = seq;
    h.prev = prev;
    h.control = w.city.replica->control().head();
    h.catalog = w.city.replica->control().newest_catalog()->version();
    h.time = static_cast<std::uint64_t>(w.city.clock.wall_ms + 1000) << 16;
    CommitWriter writer;
    writer.row("assignment", "A1");
    writer.part(fold::Op::put, "remark", {});
    writer.field("remark", text(value));
    return writer.finish(h);
}

}  // namespace

TEST_CASE("city: a signed commit that names another's as the one before it proves nothing of that one",
          "[trust][replica]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), thief = w.device("B02");
    a->set("assignment", "A1", {{"remark", text("真")}});
    w.sync(*a);
    Hash head;
    for (const auto& h : *(*a)->chain_heads(std::span(&kB01, 1)))
        if (h.replica == (*a)->id()) head = h.hash;
    // The forged one follows the victim's chain; the thief's own, under his genuine signature, follows the forged one.
    const auto forged = commit_of(w, (*a)->id(), Seq{2}, head, "假");
    const auto cover = commit_of(w, (*thief)->id(), Seq{2}, hash_of(forged), "盖");
    Packer packer;
    std::vector<std::string> packed(2);
    packer.pack(forged, packed[0]);
    packer.pack(cover, packed[1]);
    const std::vector<HeadSignature> signatures{{1, thief->keys.device->sign(kForHead, view(hash_of(cover).bytes))}};
    const auto before = w.city->log_head();
    const std::vector<std::string_view> views(packed.begin(), packed.end());
    std::vector<Replica::Received> out;
    REQUIRE(w.city
                ->batch([&]() -> Result<> {
                    TRY_VOID(w.city->prove(views, signatures));
                    TRY(out, sync::receive_from_below(*w.city, views));
                    return {};
                })
                .has_value());
    CHECK(out.front().admission == Admission::unproved);
    CHECK(w.city->log_head() == before);
    CHECK(w.city.field("A1", "remark") == "真");
    w.sync(*a);
    CHECK_FALSE((*a)->is_copied());
    CHECK(w.city->verify().has_value());
}

}  // namespace taizhang::foreign_cover_test
