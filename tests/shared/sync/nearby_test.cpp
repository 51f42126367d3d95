// Which certificates matter to whom, held to the definition, through moves and transactions that are given up.
#include "sync/nearby.h"

#include "tests/support/must.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::nearby_test {
using namespace taizhang::support;

namespace {

/// The definition: each certificate asked by itself.
std::vector<std::uint64_t> by_asking(Replica& r, const std::string& unit, std::uint64_t after,
                                     const std::vector<ReplicaId>& others = {}) {
    std::vector<std::uint64_t> out;
    for (const auto& s : must(r.certificates_after(after))) {
        const auto cert = must(Certificate::decode(s.body));
        if (sync::matters_to(r.control(), unit, cert) ||
            std::find(others.begin(), others.end(), cert.replica) != others.end())
            out.push_back(s.pos);
    }
    return out;
}

struct City {
    World w;
    sync::Nearby nearby;
    std::uint8_t next = 1;
    std::vector<ReplicaId> enrolled;

    void put(const std::string& id, const std::string& parent, const std::string& level, const std::string& more = {}) {
        REQUIRE(ok(w.city->append_control("unit", R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" +
                                                      level + R"(","name":")" + id + R"(")" + more + "}")));
    }
    Result<> enrol(const std::string& unit) {
        Replica::Subject s;
        s.unit = unit;
        s.label = unit;
        s.key = make_key(1000u + next)->public_key();
        s.nonce.assign(trust::kNonceBytes, static_cast<char>(next++));
        s.replica = trust::replica_id(s.key, s.nonce);
        enrolled.push_back(s.replica);
        return w.city->issue_certificate(s);
    }
    void check() {
        auto units = w.city->control().units();
        units.push_back("nowhere");
        for (const auto& unit : units)
            for (const std::uint64_t after : {0, 1, 4, 9, 1000}) {
                INFO(unit << " after " << after);
                CHECK(must(nearby.find(*w.city, unit, after, {})).places == by_asking(*w.city, unit, after));
            }
    }
};

}  // namespace

TEST_CASE("nearby: by the tree's order the same certificates as by asking each, also after moves", "[sync][nearby]") {
    City c;
    c.check();
    c.put("K2", "C", "county");
    c.put("K2-01", "K2", "township");
    c.put("K2-02", "K2", "township");
    c.put("K2-DJB", "K2", "county");  // a department acts for its county
    for (int n = 0; n < 6; ++n) c.put("X" + std::to_string(n), n % 2 ? "K2-01" : "K2-02", "branch");
    for (const auto* unit :
         {"C", "K1", "K2", "K2-DJB", "K1-01", "K2-01", "K2-02", "B01", "B02", "X0", "X1", "X2", "X5"})
        REQUIRE(ok(c.enrol(unit)));
    c.check();
    c.put("K2-01", "K1", "township");  // with all below it
    c.check();
    c.put("X0", "K1-01", "branch");
    c.put("X3", "K2-01", "branch", R"(,"merged_into":"X1")");
    REQUIRE(ok(c.enrol("X0")));
    REQUIRE(ok(c.enrol("X4")));
    c.check();
}

TEST_CASE("nearby: what is asked for by name is given as well, and how far was looked is said", "[sync][nearby]") {
    City c;
    REQUIRE(ok(c.enrol("B01")));
    REQUIRE(ok(c.enrol("B02")));
    const auto b02 = c.enrolled.back();
    const auto last = must(c.w.city->certificates_after(0)).back().pos;
    const auto without = must(c.nearby.find(*c.w.city, "B01", 0, {}));
    const auto with = must(c.nearby.find(*c.w.city, "B01", 0, {b02}));
    CHECK(without.through == last);
    CHECK(with.through == last);
    CHECK(with.places.size() == without.places.size() + 1);
    CHECK(with.places == by_asking(*c.w.city, "B01", 0, {b02}));
    CHECK(must(c.nearby.find(*c.w.city, "B01", last, {b02})).places.empty());
    CHECK(must(c.nearby.find(*c.w.city, "B01", last + 7, {})).through == last + 7);
}

TEST_CASE("nearby: certificates of a transaction that was given up are forgotten with it", "[sync][nearby][group]") {
    City c;
    c.check();
    (void)c.w.city->group([&] {
        (void)c.enrol("B01");
        c.check();
        (void)c.w.city->batch([&]() -> Result<> {
            TRY_VOID(c.w.city->set_fact("given", "up"));
            return fail(Errc::bad_input, "no");
        });
    });
    c.check();
    REQUIRE(ok(c.enrol("B02")));  // at the place that the other one had
    c.check();
}

}  // namespace taizhang::nearby_test
