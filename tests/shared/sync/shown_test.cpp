// What a file shows of the city's checkpoints, and which of them is another word of the city's.
#include "sync/shown.h"

#include "replica/checkpoint.h"
#include "replica/contradiction.h"
#include "tests/support/must.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::shown_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger}, kB02{"B02", Audience::ledger};

/// A city that signed checkpoints of what a branch wrote.
struct Covered : World {
    std::unique_ptr<Device> a;
    std::vector<LogEntry> chain;  ///< the city's in that stream
    Covered() {
        new_assignment("A1", "T1", "B01");
        a = device("B01");
        a->set("assignment", "A1", {{"remark", text("一")}});
        sync(*a);
        must(city->note_backup(city->log_head()));
        must(city->checkpoint());
        chain = must(city->chain_after(kB01, city->id(), Seq{0}, 1u << 20));
    }
};

struct Read {
    std::string bytes;
    Commit commit;
    explicit Read(const LogEntry& e) {
        must(Packer().unpack(e.packed, bytes));
        must(commit.decode(bytes));
    }
};

}  // namespace

TEST_CASE("shown: another word of the city's is its checkpoint at a place where one stands, and nothing else",
          "[sync][contradiction]") {
    Covered w;
    const auto& newest = w.chain.back();
    Read checkpoint(newest), record(w.chain.front());
    REQUIRE(checkpoint_of(checkpoint.commit));
    const auto notes = [&](Replica& r, Commit& c) {
        return must(sync::note_contradicting_checkpoint(r, c, newest.packed, newest.signature));
    };
    CHECK_FALSE(notes(*w.city, checkpoint.commit));  // the same
    record.commit.hash = hash_of("another record");
    CHECK_FALSE(notes(*w.city, record.commit));
    Device old(1);
    found_city(old, ledger_catalog(), "a city without keys");
    CHECK_FALSE(notes(*old, checkpoint.commit));
    checkpoint.commit.hash = hash_of("another checkpoint");
    const auto city = checkpoint.commit.header.replica;
    checkpoint.commit.header.replica = ReplicaId{};
    CHECK_FALSE(notes(*w.city, checkpoint.commit));  // of nobody
    CHECK(must(w.city->facts(kContradictingCheckpoint)).empty());
    checkpoint.commit.header.replica = city;
    CHECK(notes(*w.city, checkpoint.commit));
    CHECK(must(w.city->facts(kContradictingCheckpoint)).size() == 1);
}

TEST_CASE("shown: the newest checkpoint of the streams that are asked for, where it is here as it was written",
          "[sync][checkpoint]") {
    Covered w;
    const auto all = must(sync::newest_checkpoints(*w.city, {kB01, kB02}));
    REQUIRE(all.size() == 1);
    CHECK(all.front().front().hash == w.chain.back().hash);
    CHECK(must(sync::newest_checkpoints(*w.city, {kB02})).empty());
    auto late = w.device("B01");  // begins with the state
    REQUIRE((*late)->has_dropped());
    const auto there = must(sync::newest_checkpoints(**late, {kB01}));
    for (const auto& entries : there) CHECK(entries.front().hash == w.chain.back().hash);
}

}  // namespace taizhang::shown_test
