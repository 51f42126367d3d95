// Whose word on what a level has is believed, and about what.
#include "sync/acks.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::acks_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

struct Written : World {
    std::unique_ptr<Device> a;
    wire::Ack ack;  ///< of what the device wrote, without a signature
    Written() {
        new_assignment("A1", "T1", "B01");
        a = device("B01");
        a->set("assignment", "A1", {{"remark", text("一")}});
        const auto chain = *(*a)->chain_after(kB01, (*a)->id(), Seq{0}, 1u << 20);
        ack.at = {kB01, (*a)->id(), Seq{1}, chain.front().hash};
    }
    bool believes(Device& signer, wire::Ack x) {
        REQUIRE(sync::sign_ack(*signer, x).has_value());
        const bool is_true = *sync::take_ack(**a, x);
        CHECK((*sync::level_ack(**a, kB01, (*a)->id(), x.level) == x.at.seq) == is_true);
        return is_true;
    }
};

}  // namespace

TEST_CASE("acks: one that names another commit than stands here is not believed", "[sync][acks]") {
    Written w;
    w.ack.level = Level::city;
    auto other = w.ack;
    other.at.hash.bytes[0] ^= 1;
    CHECK_FALSE(w.believes(w.city, other));
    CHECK(w.believes(w.city, w.ack));
}

TEST_CASE("acks: an office speaks of what it holds", "[sync][acks]") {
    Written w;
    auto neighbour = w.device("B02"), own = w.device("B01");
    w.ack.level = Level::branch;
    for (auto* d : {&neighbour, &own})
        REQUIRE((*w.a)->add_certificate(*(**d)->control().cert((**d)->id())).has_value());
    CHECK_FALSE(w.believes(*neighbour, w.ack));
    CHECK(w.believes(*own, w.ack));
}

TEST_CASE("acks: a revoked server's count no more", "[sync][acks]") {
    Written w;
    auto township = w.device("K1-01");
    w.ack.level = Level::township;
    REQUIRE((*w.a)->add_certificate(*(*township)->control().cert((*township)->id())).has_value());
    REQUIRE(w.city->append_control("revoke", R"({"replica":")" + (*township)->id().hex() + R"(","streams":{}})")
                .has_value());
    auto later = w.ack;
    SECTION("before it was heard of") { CHECK(w.believes(*township, later)); }
    SECTION("after") {
        REQUIRE((*w.a)->receive_control(*w.city->control_after((*w.a)->control().head(), 1u << 20)).has_value());
        CHECK_FALSE(w.believes(*township, later));
    }
}

TEST_CASE("acks: a server whose memory of them is shorter than the reader's place gives all of them", "[sync][acks]") {
    Written w;
    w.sync(*w.a);
    REQUIRE(sync::learn_ack(**w.a, w.ack).has_value());
    std::uint64_t through = 0;
    w.ack.level = Level::city;
    REQUIRE(sync::sign_ack(*w.city, w.ack).has_value());
    REQUIRE(*sync::take_ack(**w.a, w.ack));
    const auto all = *sync::acks_after(**w.a, 0, std::span(&kB01, 1), "B01", 100, through);
    REQUIRE_FALSE(all.empty());
    const auto again = *sync::acks_after(**w.a, through + 1000, std::span(&kB01, 1), "B01", 100, through);
    CHECK(again.size() == all.size());
}

TEST_CASE("acks: they are passed on in pages, and none of a stranger's chain elsewhere", "[sync][acks]") {
    Written w;
    const StreamId elsewhere{"B02", Audience::ledger};
    for (std::uint8_t n = 1; n <= 5; ++n) {
        auto x = w.ack;
        x.level = Level::city;
        x.at.stream = n == 3 ? elsewhere : kB01;
        x.at.replica.bytes[0] = n;
        REQUIRE(sync::sign_ack(*w.city, x).has_value());
        REQUIRE(sync::learn_ack(**w.a, x).has_value());
    }
    std::vector<std::uint8_t> given;
    std::uint64_t through = 0;
    for (int pages = 0; pages < 5; ++pages)
        for (const auto& x : *sync::acks_after(**w.a, through, std::span(&kB01, 1), "B01", 2, through))
            given.push_back(x.at.replica.bytes[0]);
    CHECK(given == std::vector<std::uint8_t>{1, 2, 4, 5});
}

}  // namespace taizhang::acks_test
