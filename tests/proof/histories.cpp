// The fold against the reference that was written from docs/FOLD.md alone: random histories of a row, and all orders
// of up to six changes for each rule.
#include "tests/support/histories.h"
#include "tests/proof/proof.h"

#include "fold/fold.h"

#include <algorithm>

namespace taizhang::proof {
namespace {

using fold::Change;
using reference::Random;

constexpr int kAtOnce = 20'000;

class Histories final : public Proof {
public:
    explicit Histories(std::uint64_t seed) : seed_(seed) {}

    void step(std::uint64_t number, Counts& counts) override {
        Random random(seed_ * 1'000'003 + number);
        for (int n = 0; n < kAtOnce; ++n) one(random, counts);
        for (const auto rule : reference::fields::kRules)
            all_orders(reference::fields::random_history(random, 2 + random.pick(5), rule, random.one_in(2)), 1,
                       counts);
        reference::workflow::Mix how;
        how.changes = 2 + random.pick(5);
        how.careless = random.one_in(2);
        all_orders(reference::workflow::random_history(random, how), reference::workflow::kGroups, counts);
    }

private:
    static std::string both(std::span<const Change> h, const fold::RowState& is, const fold::RowState& should_be) {
        return "of these changes\n" + reference::describe(h) + "the fold says\n" + reference::describe(is) +
               "the reference says\n" + reference::describe(should_be);
    }

    /// Mostly short ones, where every shape comes up; now and then a row with a long past.
    static int some_length(Random& random) { return random.one_in(40) ? 12 + random.pick(12) : 2 + random.pick(7); }

    static void one(Random& random, Counts& counts) {
        std::vector<Change> h;
        int groups = 1;
        if (random.one_in(3)) {
            reference::workflow::Mix how;
            how.changes = some_length(random);
            how.careless = random.one_in(2);
            h = reference::workflow::random_history(random, how);
            groups = reference::workflow::kGroups;
        } else {
            const auto rule =
                reference::fields::kRules[random.pick(static_cast<int>(std::size(reference::fields::kRules)))];
            h = reference::fields::random_history(random, some_length(random), rule, random.one_in(2));
        }
        // The order in which they came is nothing that the fold may know.
        for (std::size_t i = h.size(); i > 1; --i)
            std::swap(h[i - 1], h[static_cast<std::size_t>(random.pick(static_cast<int>(i)))]);
        const auto is = fold::fold(h, groups), should_be = reference::fold(h, groups);
        ++counts["histories"];
        if (is != should_be) throw Failure(both(h, is, should_be));
    }

    static void all_orders(std::vector<Change> h, int groups, Counts& counts) {
        const auto should_be = reference::fold(h, groups);
        ++counts["in_every_order"];
        reference::in_every_order(h, h.size(), [&] {
            ++counts["orders"];
            if (const auto is = fold::fold(h, groups); is != should_be) throw Failure(both(h, is, should_be));
        });
    }

    std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<Proof> make_histories(std::uint64_t seed) { return std::make_unique<Histories>(seed); }

}  // namespace taizhang::proof
