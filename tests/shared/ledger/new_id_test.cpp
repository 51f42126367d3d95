// Ids that PCs without a link give to what they write.
#include "ledger/entry.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <set>
#include <string>

namespace taizhang::ledger::new_id_test {

TEST_CASE("new ids: one PC's stand together in a table, and no two are alike", "[ledger]") {
    support::World w;
    auto a = w.device("B01"), b = w.device("B02");
    const auto& reports = *w.city->control().newest("progress_report")->entity;
    std::set<std::string> all, beginnings;
    constexpr int kEach = 2000;
    for (auto* d : {&*a, &*b})
        for (int n = 0; n < kEach; ++n) {
            const auto id = new_id(**d, reports);
            REQUIRE(id.size() == reports.prefix.size() + 11);
            all.insert(id);
            beginnings.insert(id.substr(0, reports.prefix.size() + 4));
        }
    CHECK(all.size() == 2 * kEach);
    CHECK(beginnings.size() == 2);
}

}  // namespace taizhang::ledger::new_id_test
