// Rows with a workflow: enumerated and random histories against the reference; and
// what people are promised, above all that the city's close survives, checked without it.
#include "tests/support/histories.h"
#include "tests/support/reference_fold.h"

#include "base/value.h"
#include "fold/fold.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace taizhang::fold_workflow_test {
namespace {

using fold::Change;
using fold::kWorkflow;
using fold::LineKind;
using fold::Op;
using fold::Ref;
using fold::RowState;
using fold::Rule;
using reference::Choices;
using reference::in_every_order;
using reference::mix;
using reference::Random;
using reference::version;
using namespace reference::workflow;

void pick_clocks(Choices& choices, std::vector<Change>& h, std::uint64_t step = 1) {
    std::vector<std::uint64_t> free;
    for (std::size_t i = 1; i <= h.size(); ++i) free.push_back(i * step);
    for (Change& x : h) {
        const int at = choices.pick(static_cast<int>(free.size()));
        x.stamp = free[static_cast<std::size_t>(at)];
        free.erase(free.begin() + at);
    }
}

void pick_bases(Choices& choices, Change& x, std::span<const Change> earlier) {
    for (const Change& e : earlier)
        if (e.group == x.group && choices.flip()) x.base.push_back(e.id);
}

/// Against the reference: every order of arrival of up to three changes; of more, two
/// orders that turn with `variant`.
RowState same_as_reference(std::vector<Change>& h, std::uint64_t variant) {
    const RowState should_be = reference::fold(h, kGroups);
    const auto check = [&] {
        if (const RowState is = fold::fold(h, kGroups); is != should_be)
            FAIL(reference::describe(h) << "--- the fold says\n"
                                        << reference::describe(is) << "--- the reference says\n"
                                        << reference::describe(should_be));
    };
    if (h.size() <= 3) {
        in_every_order(h, h.size(), check);
    } else {
        Random random(variant);
        for (int order = 0; order < 2; ++order) {
            for (std::size_t i = 1; i < h.size(); ++i)
                std::swap(h[i], h[static_cast<std::size_t>(random.pick(static_cast<int>(i) + 1))]);
            check();
        }
    }
    return should_be;
}

// --- against the reference

TEST_CASE("every history of up to three transitions folds as the reference says", "[fold]") {
    // In full: base sets x orders of the clocks x levels (branch, township, city) x steps
    // (send, send back, close, reopen). Who is quarantined turns with the number of the history.
    const Level levels[] = {Level::branch, Level::township, Level::city};
    std::uint64_t checked = 0, closed = 0;
    for (int n = 1; n <= 3; ++n) {
        const std::uint64_t counts[] = {1 * 1 * 3 * 4, 2 * 2 * 9 * 16, 8 * 6 * 27 * 64};
        for (std::uint64_t number = 0; number < counts[n - 1]; ++number) {
            const std::uint64_t variant = mix(number);
            Choices choices(number);
            std::vector<Change> h;
            for (int i = 0; i < n; ++i) {
                Change x =
                    make_step(variant % 2 ? n - i : 1 + i, static_cast<Step>(choices.pick(4)), levels[choices.pick(3)]);
                pick_bases(choices, x, h);
                x.quarantined = (variant >> (8 + 3 * i)) % 8 == 0;
                h.push_back(std::move(x));
            }
            pick_clocks(choices, h, variant % 3 == 0 ? 10 : 1);
            closed += same_as_reference(h, variant).state == kClosed;
            ++checked;
        }
    }
    CHECK(checked == 12 + 576 + 82'944);
    CHECK(closed >= 20'000);
}

TEST_CASE("every history of two field changes and two transitions folds as the reference says", "[fold]") {
    // In full: where the second field change is (same group, same group on the first, the
    // other group) x bases and reviewed links of both transitions x steps x levels (township,
    // city) x orders of the clocks.
    const Rule rules[] = {Rule::latest, Rule::authority, Rule::keep_both, Rule::append};
    std::uint64_t checked = 0, left_out = 0;
    for (std::uint64_t number = 0; number < 3 * 2 * 4 * 4 * 4 * 4 * 24; ++number) {
        const std::uint64_t variant = mix(number ^ 0xf1e1d);
        Choices choices(number);
        const int second = choices.pick(3);
        std::vector<Change> h;
        h.push_back(make_put(1, 0, Level::branch, rules[variant % 4], 1));
        h.push_back(make_put(2, second == 2 ? 1 : 0, Level::county, rules[variant % 4],
                             1 + static_cast<int>(variant >> 8 & 1)));
        if (second == 1) h[1].base = {h[0].id};
        const Step steps[2][2] = {{send, close}, {close, reopen}};
        for (int i = 0; i < 2; ++i) {
            Change x = make_step(4 - i, steps[i][choices.pick(2)], choices.flip() ? Level::city : Level::township);
            for (int f = 0; f < 2; ++f)
                if (choices.flip()) x.reviewed.push_back(name_of(h[static_cast<std::size_t>(f)]));
            if (i == 1) pick_bases(choices, x, h);
            h.push_back(std::move(x));
        }
        pick_clocks(choices, h);
        const RowState row = same_as_reference(h, variant);
        left_out += std::count_if(row.lines.begin(), row.lines.end(),
                                  [](const auto& l) { return l.kind == LineKind::after_close; }) != 0;
        ++checked;
    }
    CHECK(checked == 36'864);
    CHECK(left_out >= 5'000);
}

TEST_CASE("60,000 random workflow histories fold as the reference says", "[fold]") {
    std::uint64_t checked = 0, closed = 0, reopened = 0, quarantined = 0;
    for (std::uint64_t seed = 0; seed < 60'000; ++seed) {
        Random random(seed ^ 0x5eed1001);
        Mix how;
        how.changes = 3 + random.pick(8);
        how.careless = seed % 2 == 0;
        auto h = random_history(random, how);
        const RowState row = same_as_reference(h, seed);
        closed += row.state == kClosed;
        for (const Change& x : h) {
            quarantined += x.quarantined;
            reopened += x.id == row.standing && x.group == kWorkflow && x.from == kStepRules[reopen].from;
        }
        ++checked;
    }
    CHECK(checked == 60'000);
    CHECK(closed >= 10'000);
    CHECK(reopened >= 500);
    CHECK(quarantined >= 20'000);
}

TEST_CASE("rows of 40 changes with a workflow fold as the reference says", "[fold]") {
    std::uint64_t checked = 0;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Random random(seed ^ 0x5eed1002);
        Mix how;
        how.changes = 40;
        how.careless = seed % 3 == 0;
        auto h = random_history(random, how);
        same_as_reference(h, seed);
        ++checked;
    }
    CHECK(checked == 300);
}

// --- promises

TEST_CASE("all orders of arrival of six changes of a workflow row give one state", "[fold]") {
    std::uint64_t orders = 0;
    for (std::uint64_t seed = 0; seed < 80; ++seed) {
        Random random(seed ^ 0x5eed1003);
        Mix how;
        how.careless = seed % 2 == 0;
        auto h = random_history(random, how);
        const RowState first = fold::fold(h, kGroups);
        in_every_order(h, h.size(), [&] {
            if (const RowState is = fold::fold(h, kGroups); is != first)
                FAIL(reference::describe(h) << reference::describe(is) << "---\n" << reference::describe(first));
            ++orders;
        });
    }
    CHECK(orders == 80 * 720);
}

/// What a close has settled: the state, who closed it, and the groups it froze.
bool still_closed(const RowState& before, const RowState& after) {
    return after.state == kClosed && after.standing == before.standing && after.groups[0] == before.groups[0];
}

TEST_CASE("the city's close survives any late transition from below: small histories, in full", "[fold]") {
    // A branch sends, a township sends back (having seen it or not), the city closes on any of
    // these; then any step comes late from any lower level, on any bases (the close included),
    // with the clocks in any order.
    std::uint64_t checked = 0;
    for (std::uint64_t number = 0; number < 2 * 4 * 8 * kSteps * 3 * 24; ++number) {
        Choices choices(number);
        std::vector<Change> h{make_step(1, send, Level::branch), make_step(2, send_back, Level::township),
                              make_step(3, close, Level::city)};
        pick_bases(choices, h[1], std::span(h).first(1));
        pick_bases(choices, h[2], std::span(h).first(2));
        const auto step = static_cast<Step>(choices.pick(kSteps));
        Change late = make_step(4, step, static_cast<Level>(1 + choices.pick(3)));
        pick_bases(choices, late, h);
        h.push_back(late);
        pick_clocks(choices, h);

        const RowState before = fold::fold(std::span(h).first(3), kGroups);
        const RowState after = fold::fold(h, kGroups);
        if (before.standing != version(3) || !still_closed(before, after))
            FAIL(reference::describe(h) << reference::describe(before) << "---\n" << reference::describe(after));
        if (after.lines.empty()) FAIL("the late change has no line\n" << reference::describe(h));
        ++checked;
    }
    CHECK(checked == 23'040);
}

TEST_CASE("the city's close survives any late change from below: random histories", "[fold]") {
    // Up to three late changes, each on any bases and with any clock. Devices of the city are
    // not revoked here: a reopening by a revoked city device does count as seen, so that what
    // was built on it would stand.
    std::uint64_t checked = 0, late_fields = 0;
    for (std::uint64_t seed = 0; seed < 60'000; ++seed) {
        Random random(seed ^ 0x5eed1004);
        Mix how;
        how.changes = 3 + random.pick(7);
        how.careless = seed % 2 == 0;
        how.city_quarantined = false;
        auto h = random_history(random, how);
        const RowState before = fold::fold(h, kGroups);
        const auto closing = std::find_if(
            h.begin(), h.end(), [&](const Change& x) { return x.group == kWorkflow && x.id == before.standing; });
        if (closing == h.end() || before.state != kClosed || closing->level != Level::city) continue;

        Rule frozen_rule = before.groups[0].rule;
        for (int late = 0; late < 1 + static_cast<int>(seed % 3); ++late) {
            const auto level = static_cast<Level>(1 + random.pick(3));
            Change x = random.one_in(3) ? make_put(100 + late, random.pick(2), level, frozen_rule, 1 + random.pick(4))
                                        : make_step(100 + late, static_cast<Step>(random.pick(kSteps)), level);
            if (x.group == 1) x.rule = before.groups[1].rule;
            late_fields += x.group == 0;
            x.stamp = static_cast<std::uint64_t>(random.pick(100));
            x.quarantined = random.one_in(8);
            for (const Change& e : h) {
                if (e.group == x.group && random.one_in(2)) x.base.push_back(e.id);
                if (x.group == kWorkflow && e.group != kWorkflow && random.one_in(3)) x.reviewed.push_back(name_of(e));
            }
            h.push_back(std::move(x));
            // A group that nobody had written may be the first to learn its rule from the late change.
            RowState after = fold::fold(h, kGroups);
            if (before.groups[0] == fold::GroupState{}) after.groups[0].rule = frozen_rule;
            if (!still_closed(before, after))
                FAIL(reference::describe(h) << reference::describe(before) << "---\n" << reference::describe(after));
        }
        ++checked;
    }
    CHECK(checked >= 5'000);
    CHECK(late_fields >= 1'000);
}

TEST_CASE("every transition stands, was seen by what stands, or is in a line", "[fold]") {
    std::uint64_t checked = 0;
    for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
        Random random(seed ^ 0x5eed1005);
        Mix how;
        how.changes = 3 + random.pick(8);
        how.careless = seed % 2 == 0;
        const auto h = random_history(random, how);
        const RowState row = fold::fold(h, kGroups);
        const History history(h);
        const auto lost = [&](const Change& x) {
            FAIL(x.id.hex() << " is gone without a line\n" << reference::describe(h) << reference::describe(row));
        };
        std::set<Ref> in_a_line;
        for (const auto& l : row.lines) in_a_line.insert({l.group, l.loser});
        const bool stands = row.standing != VersionId{};
        const Ref w{kWorkflow, row.standing};
        if (stands && (!history.at(w).entitled || history.at(w).quarantined || history.at(w).to != row.state))
            lost(history.at(w));
        for (const Change& x : h) {
            const bool may_stand = x.entitled && !x.quarantined;
            if (in_a_line.contains(name_of(x))) continue;
            if (!may_stand) lost(x);
            if (x.group != kWorkflow) continue;
            if (!stands || (name_of(x) != w && !history.past(w).contains(name_of(x)))) lost(x);
        }
        ++checked;
    }
    CHECK(checked == 20'000);
}

TEST_CASE("a frozen group holds what the close had reviewed, and everything else has a line", "[fold]") {
    std::uint64_t checked = 0, left_out = 0;
    for (std::uint64_t seed = 0; seed < 30'000; ++seed) {
        Random random(seed ^ 0x5eed1006);
        Mix how;
        how.changes = 4 + random.pick(7);
        how.careless = seed % 2 == 0;
        const auto h = random_history(random, how);
        const RowState row = fold::fold(h, kGroups);
        const History history(h);
        std::set<Ref> reviewed;
        if (row.state == kClosed)
            for (const Ref& r : history.at({kWorkflow, row.standing}).reviewed) {
                reviewed.insert(r);
                reviewed.insert(history.past(r).begin(), history.past(r).end());
            }
        for (const Change& x : h) {
            if (x.group == kWorkflow) continue;
            const bool expected =
                row.state == kClosed && x.group == 0 && x.entitled && !x.quarantined && !reviewed.contains(name_of(x));
            const auto count = std::count(row.lines.begin(), row.lines.end(),
                                          fold::Line{LineKind::after_close, x.group, x.id, row.standing, {}, x.rule});
            if (count != (expected ? 1 : 0))
                FAIL(x.id.hex() << '\n' << reference::describe(h) << reference::describe(row));
            const auto& group = row.groups[static_cast<std::size_t>(x.group)];
            if (expected && (group.stand == x.id || std::count(group.shown.begin(), group.shown.end(), x.id) != 0))
                FAIL(x.id.hex() << '\n' << reference::describe(h) << reference::describe(row));
            left_out += expected;
        }
        checked += row.state == kClosed;
    }
    CHECK(checked >= 5'000);
    CHECK(left_out >= 2'000);
}

TEST_CASE("a transition comes after its bases and after all that it had reviewed", "[fold]") {
    std::uint64_t pairs = 0;
    for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
        Random random(seed ^ 0x5eed1007);
        Mix how;
        how.changes = 3 + random.pick(8);
        how.careless = seed % 2 == 0;
        auto h = random_history(random, how);
        for (Change& x : h)
            if (random.one_in(4)) x.stamp = random.one_in(2) ? 0 : 1'000'000'000;
        const RowState row = fold::fold(h, kGroups);
        const std::map<Ref, std::uint64_t> time(row.times.begin(), row.times.end());
        const History history(h);
        for (const Change& x : h)
            for (const Ref& earlier : history.past(name_of(x))) {
                if (time.at(name_of(x)) <= time.at(earlier)) FAIL(reference::describe(h) << reference::describe(row));
                ++pairs;
            }
    }
    CHECK(pairs >= 20'000);
}

TEST_CASE("a legal step whose only base is what stands, stands: the fast path", "[fold]") {
    std::uint64_t checked = 0;
    for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
        Random random(seed ^ 0x5eed1008);
        Mix how;
        how.changes = 2 + random.pick(8);
        how.careless = seed % 2 == 0;
        auto h = random_history(random, how);
        const RowState before = fold::fold(h, kGroups);
        if (before.standing == VersionId{}) continue;
        Change x = make_step(200, static_cast<Step>(random.pick(kSteps)), static_cast<Level>(1 + random.pick(4)));
        if (!x.entitled || ((x.from >> before.state) & 1) == 0) continue;
        x.base = {before.standing};
        x.stamp = static_cast<std::uint64_t>(random.pick(30));
        h.push_back(x);
        const RowState after = fold::fold(h, kGroups);
        if (after.standing != x.id || after.state != x.to) FAIL(reference::describe(h) << reference::describe(after));
        ++checked;
    }
    CHECK(checked >= 2'000);
}

}  // namespace
}  // namespace taizhang::fold_workflow_test
