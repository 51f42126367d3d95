// Field groups: every small history, and random larger ones, against the
// reference; and what people are promised, checked without the reference.
#include "tests/support/histories.h"
#include "tests/support/reference_fold.h"

#include "base/value.h"
#include "fold/fold.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

namespace taizhang::fold_fields_test {
namespace {

using fold::Change;
using fold::Fields;
using fold::GroupState;
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
using reference::fields::kRules;
using reference::fields::new_history;
using reference::fields::number_value;
using reference::fields::random_history;

std::uint64_t power(std::uint64_t base, int n) { return n == 0 ? 1 : base * power(base, n - 1); }
std::uint64_t factorial(int n) { return n <= 1 ? 1 : static_cast<std::uint64_t>(n) * factorial(n - 1); }
std::uint64_t base_sets(int n) { return power(2, n * (n - 1) / 2); }

// --- building histories

void pick_bases(Choices& choices, std::vector<Change>& h) {
    for (std::size_t i = 0; i < h.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (choices.flip()) h[i].base.push_back(h[j].id);
}

/// One of the n! orders of the clocks. A step of 1 lets 1 + a base's time meet
/// other stamps, so that ties come up as well; a step of 10 keeps them apart.
void pick_clocks(Choices& choices, std::vector<Change>& h, std::uint64_t step) {
    std::vector<std::uint64_t> free;
    for (std::size_t i = 1; i <= h.size(); ++i) free.push_back(i * step);
    for (Change& x : h) {
        const int at = choices.pick(static_cast<int>(free.size()));
        x.stamp = free[static_cast<std::size_t>(at)];
        free.erase(free.begin() + at);
    }
}

void pick_levels(Choices& choices, std::vector<Change>& h, int levels) {
    for (Change& x : h) x.level = static_cast<Level>(1 + choices.pick(levels));
}

/// For a reader who wants to repeat it, a history and both results.
std::string both(std::span<const Change> h, const RowState& is, const RowState& should_be) {
    return reference::describe(h) + "--- the fold says\n" + reference::describe(is) + "--- the reference says\n" +
           reference::describe(should_be);
}

/// Against the reference: every order of arrival of up to three changes; of more, as many
/// orders as asked for, which turn with `variant`.
RowState same_as_reference(std::vector<Change>& h, std::uint64_t variant, int orders = 1) {
    const RowState should_be = reference::fold(h, 1);
    const auto check = [&] {
        if (const RowState is = fold::fold(h, 1); is != should_be) FAIL(both(h, is, should_be));
    };
    if (h.size() <= 3) {
        in_every_order(h, h.size(), check);
    } else {
        Random random(variant);
        for (int order = 0; order < orders; ++order) {
            for (std::size_t i = 1; i < h.size(); ++i)
                std::swap(h[i], h[static_cast<std::size_t>(random.pick(static_cast<int>(i) + 1))]);
            check();
        }
    }
    return should_be;
}

// --- promises, checked on a result without the help of the reference

struct History {
    std::map<VersionId, const Change*> by_id;
    std::map<VersionId, std::set<VersionId>> past;
    explicit History(std::span<const Change> h) {
        for (const Change& x : h) by_id.emplace(x.id, &x);
        for (const Change& x : h) look_back(x.id, x);
    }
    bool saw(const Change& later, const Change& earlier) const { return past.at(later.id).contains(earlier.id); }

private:
    void look_back(const VersionId& from, const Change& x) {
        past[from];
        for (const VersionId& b : x.base)
            if (past[from].insert(b).second) look_back(from, *by_id.at(b));
    }
};

bool may_stand(const Change& x) { return x.entitled && !x.quarantined; }

void check_causality(std::span<const Change> h, const RowState& row) {
    const std::map<Ref, std::uint64_t> time(row.times.begin(), row.times.end());
    if (time.size() != h.size()) FAIL("a fold time is missing\n" << reference::describe(h) << reference::describe(row));
    const History history(h);
    for (const Change& a : h)
        for (const Change& b : h)
            if (history.saw(a, b) && time.at({a.group, a.id}) <= time.at({b.group, b.id}))
                FAIL("a base does not come first\n" << reference::describe(h) << reference::describe(row));
}

/// What people see of `x` in one field: its own value, or that of the last in fold order
/// among what its author had seen and may stand.
std::string shown_value(const History& history, const RowState& row, const Change& x, fold::FieldNo field) {
    const std::map<Ref, std::uint64_t> time(row.times.begin(), row.times.end());
    const auto own = [&](const Change& c) {
        const auto f = std::find_if(c.fields.begin(), c.fields.end(), [&](const auto& e) { return e.first == field; });
        return f == c.fields.end() ? std::string() : f->second;
    };
    const auto key = [&](const Change& c) {
        return std::tuple(time.at({c.group, c.id}), c.level, c.replica, c.seq, c.id);
    };
    if (!own(x).empty()) return own(x);
    const Change* last = nullptr;
    for (const VersionId& id : history.past.at(x.id)) {
        const Change& c = *history.by_id.at(id);
        if (may_stand(c) && !own(c).empty() && (last == nullptr || key(*last) < key(c))) last = &c;
    }
    return last == nullptr ? std::string() : own(*last);
}

/// Every value put is in the state, or was overwritten by somebody who had it in front of
/// them, or has a line. `by_field` asks it of each field that a change wrote: somebody who
/// had seen it has to have written that very field, or a line has to show that very value.
void check_no_value_lost(std::span<const Change> h, const RowState& row, bool by_field) {
    const GroupState& group = row.groups[0];
    const History history(h);
    std::set<VersionId> in_a_line;
    for (const auto& l : row.lines) in_a_line.insert(l.loser);
    const std::set<VersionId> shown(group.shown.begin(), group.shown.end());
    std::map<fold::FieldNo, std::int64_t> total;

    const auto lost = [&](const Change& x) {
        FAIL(x.id.hex() << " is gone without a line\n" << reference::describe(h) << reference::describe(row));
    };
    for (const Change& x : h) {
        if (!may_stand(x)) {
            if (!in_a_line.contains(x.id)) lost(x);
            continue;
        }
        switch (group.rule) {
            case Rule::append:
                if (!shown.contains(x.id)) lost(x);
                break;
            case Rule::set: {
                const bool removed = std::any_of(h.begin(), h.end(), [&](const Change& r) {
                    return may_stand(r) && r.op == Op::remove && std::count(r.base.begin(), r.base.end(), x.id) != 0;
                });
                if (x.op == Op::put && shown.contains(x.id) == removed) lost(x);
                break;
            }
            case Rule::sum:
                for (const auto& [field, encoded] : x.fields) {
                    Reader in(encoded);
                    total[field] += Value::read(in).as_number().mantissa;
                }
                break;
            default:
                for (const auto& field : x.fields) {
                    const bool stands = std::count(group.fields.begin(), group.fields.end(), field) != 0;
                    const bool handled = std::any_of(h.begin(), h.end(), [&](const Change& y) {
                        if (y.id == x.id) return in_a_line.contains(y.id);
                        if (!history.saw(y, x) || !may_stand(y)) return false;
                        if (!by_field) return true;
                        const bool wrote = std::any_of(y.fields.begin(), y.fields.end(),
                                                       [&](const auto& f) { return f.first == field.first; });
                        return wrote ||
                               (in_a_line.contains(y.id) && shown_value(history, row, y, field.first) == field.second);
                    });
                    if (!stands && !handled) lost(x);
                }
        }
    }
    if (group.rule == Rule::sum) {
        Fields expected;
        for (const auto& [field, sum] : total) expected.emplace_back(field, number_value(static_cast<int>(sum)));
        if (group.fields != expected) FAIL("the sum is wrong\n" << reference::describe(h) << reference::describe(row));
    }
}

// --- against the reference

TEST_CASE("every history of up to four changes of a field group folds as the reference says", "[fold]") {
    // In full: rule x base sets x orders of the clocks x levels (three; four for
    // `authority`). Values, ids, replicas and seqs turn with the number of the history.
    std::uint64_t checked = 0;
    for (const Rule rule : kRules) {
        const int levels = rule == Rule::authority ? 4 : 3;
        for (int n = 1; n <= 4; ++n) {
            const std::uint64_t count = base_sets(n) * factorial(n) * power(static_cast<std::uint64_t>(levels), n);
            for (std::uint64_t number = 0; number < count; ++number) {
                const std::uint64_t variant = mix(number);
                auto h = new_history(n, rule, variant);
                Choices choices(number);
                pick_bases(choices, h);
                pick_clocks(choices, h, variant % 3 == 0 ? 10 : 1);
                pick_levels(choices, h, levels);
                for (std::size_t i = 0; i < h.size(); ++i) {
                    if (rule == Rule::owner) h[i].entitled = h[i].level == Level::township;
                    if (rule == Rule::owner) h[i].suggest = h[i].level == Level::branch;
                    if (rule == Rule::set && ((variant >> (40 + i)) & 1)) h[i].op = Op::remove;
                }
                same_as_reference(h, variant);
                ++checked;
            }
        }
    }
    INFO(checked);
    CHECK(checked == 6 * (3 + 36 + 1'296 + 124'416) + (4 + 64 + 3'072 + 393'216));
}

TEST_CASE("histories with refused, suggested and quarantined changes fold as the reference says", "[fold]") {
    // Base sets x orders of the clocks x what each change is: may stand, refused,
    // suggested, quarantined. Up to three changes in full; of four, every 11th.
    std::uint64_t checked = 0;
    for (const Rule rule : kRules)
        for (int n = 1; n <= 4; ++n) {
            const std::uint64_t count = base_sets(n) * factorial(n) * power(4, n);
            for (std::uint64_t number = 0; number < count; number += n == 4 ? 11 : 1) {
                const std::uint64_t variant = mix(number ^ 0xabcd);
                auto h = new_history(n, rule, variant);
                Choices choices(number);
                pick_bases(choices, h);
                pick_clocks(choices, h, 1);
                Choices turning(variant >> 20);
                pick_levels(turning, h, 4);
                for (Change& x : h) {
                    const int what = choices.pick(4);
                    x.entitled = what == 0 || what == 3;
                    x.suggest = what == 2;
                    x.quarantined = what == 3 || (what == 1 && turning.flip());
                    if (rule == Rule::set && turning.flip()) x.op = Op::remove;
                }
                same_as_reference(h, variant);
                ++checked;
            }
        }
    CHECK(checked >= 7 * (4 + 64 + 3'072 + 35'747));
}

TEST_CASE("clocks that tie fold as the reference says", "[fold]") {
    // Base sets x every way to set the clocks from 1 to n, equal ones included, x levels
    // (two). Up to three changes in full; of four, every 11th.
    std::uint64_t checked = 0;
    for (const Rule rule : {Rule::latest, Rule::authority, Rule::keep_both, Rule::append})
        for (int n = 1; n <= 4; ++n) {
            const std::uint64_t count = base_sets(n) * power(static_cast<std::uint64_t>(n), n) * power(2, n);
            for (std::uint64_t number = 0; number < count; number += n == 4 ? 11 : 1) {
                const std::uint64_t variant = mix(number ^ 0x7135);
                auto h = new_history(n, rule, variant);
                Choices choices(number);
                pick_bases(choices, h);
                for (Change& x : h) x.stamp = 1 + static_cast<std::uint64_t>(choices.pick(n));
                pick_levels(choices, h, 2);
                same_as_reference(h, variant);
                ++checked;
            }
        }
    CHECK(checked >= 4 * (2 + 32 + 1'728 + 23'831));
}

TEST_CASE("a group whose rule changed along the way folds as the reference says", "[fold]") {
    std::uint64_t checked = 0;
    for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
        Random random(seed ^ 0x5eed0001);
        const std::array rules{kRules[random.pick(7)], kRules[random.pick(7)], kRules[random.pick(7)]};
        auto h = random_history(random, 1 + random.pick(6), rules[0]);
        for (Change& x : h) {
            x.catalog = 1 + static_cast<std::uint32_t>(random.pick(3));
            x.rule = rules[x.catalog - 1];
        }
        same_as_reference(h, seed, 4);
        ++checked;
    }
    CHECK(checked == 20'000);
}

TEST_CASE("random histories of up to 24 changes fold as the reference says", "[fold]") {
    std::uint64_t checked = 0;
    for (const Rule rule : kRules)
        for (std::uint64_t seed = 0; seed < 700; ++seed) {
            Random random(seed ^ 0x5eed0002);
            auto h = random_history(random, 5 + random.pick(20), rule, seed % 2 == 0);
            const RowState row = same_as_reference(h, seed, 4);
            check_causality(h, row);
            check_no_value_lost(h, row, false);
            ++checked;
        }
    CHECK(checked == 7 * 700);
}

// --- promises

TEST_CASE("all orders of arrival of six changes give one state, whatever the rule", "[fold]") {
    std::uint64_t orders = 0;
    for (const Rule rule : kRules)
        for (std::uint64_t seed = 0; seed < 48; ++seed) {
            Random random(seed ^ 0x5eed0003);
            auto h = random_history(random, 6, rule, seed % 2 == 0);
            const RowState first = fold::fold(h, 1);
            if (const auto should_be = reference::fold(h, 1); first != should_be) FAIL(both(h, first, should_be));
            in_every_order(h, h.size(), [&] {
                if (const RowState is = fold::fold(h, 1); is != first) FAIL(both(h, is, first));
                ++orders;
            });
        }
    CHECK(orders == 7 * 48 * 720);
}

TEST_CASE("causality comes from bases: what had a change in its past has a later fold time", "[fold]") {
    std::uint64_t checked = 0;
    for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
        Random random(seed ^ 0x5eed0004);
        auto h = random_history(random, 2 + random.pick(8), Rule::latest);
        for (Change& x : h)
            if (random.one_in(4)) x.stamp = random.one_in(2) ? 0 : 1'000'000'000;
        check_causality(h, fold::fold(h, 1));
        ++checked;
    }
    CHECK(checked == 5'000);
}

TEST_CASE("no clock order changes an authority result between levels", "[fold]") {
    // Every history of four changes at four levels in which the changes of one level follow
    // each other: nothing is left for a clock to decide. All its clock orders must agree, and
    // agree with the rule as people say it: the highest level stands; then, among those who
    // had seen it, the highest; and so on.
    std::uint64_t histories = 0, all_levels_differ = 0;
    for (std::uint64_t number = 0; number < base_sets(4) * power(4, 4); ++number) {
        auto h = new_history(4, Rule::authority, 0);
        for (int i = 0; i < 4; ++i) h[static_cast<std::size_t>(i)].fields = {{0, number_value(i)}};
        Choices choices(number);
        pick_bases(choices, h);
        pick_levels(choices, h, 4);
        const History history(h);

        bool clocks_decide_within_a_level = false;
        std::set<Level> levels;
        for (const Change& a : h) {
            levels.insert(a.level);
            for (const Change& b : h)
                if (a.level == b.level && a.id < b.id && !history.saw(a, b) && !history.saw(b, a))
                    clocks_decide_within_a_level = true;
        }
        if (clocks_decide_within_a_level) continue;

        const Change* expected = nullptr;
        for (bool found = true; found;) {
            const Change* next = nullptr;
            for (const Change& x : h) {
                if (expected != nullptr && (x.level >= expected->level || !history.saw(x, *expected))) continue;
                if (next == nullptr || x.level > next->level || (x.level == next->level && history.saw(x, *next)))
                    next = &x;
            }
            found = next != nullptr;
            if (found) expected = next;
        }

        const VersionId stands = expected->id;
        for (std::uint64_t clocks = 0; clocks < factorial(4); ++clocks) {
            Choices order(clocks);
            pick_clocks(order, h, 10);
            const RowState row = fold::fold(h, 1);
            if (row.groups[0].stand != stands) FAIL(reference::describe(h) << reference::describe(row));
        }
        ++histories;
        all_levels_differ += levels.size() == 4;
    }
    CHECK(all_levels_differ == 64 * 24);
    CHECK(histories >= 5'000);
}

TEST_CASE("a single-base edit of what stands, stands: the fast path", "[fold]") {
    std::uint64_t checked = 0;
    for (const Rule rule : {Rule::latest, Rule::authority, Rule::keep_both})
        for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
            Random random(seed ^ 0x5eed0005);
            auto h = random_history(random, 1 + random.pick(7), rule);
            const RowState before = fold::fold(h, 1);
            if (before.groups[0].stand == VersionId{}) continue;
            Change edit;
            edit.id = version(200);
            edit.rule = rule;
            edit.base = {before.groups[0].stand};
            edit.level = static_cast<Level>(1 + random.pick(4));
            edit.stamp = static_cast<std::uint64_t>(random.pick(20));
            edit.fields = {{0, number_value(60)}};
            h.push_back(edit);
            const RowState after = fold::fold(h, 1);
            if (after.groups[0].stand != edit.id) FAIL(reference::describe(h) << reference::describe(after));
            ++checked;
        }
    CHECK(checked >= 25'000);
}

TEST_CASE("every value put is in the state, or overwritten by somebody who had seen it, or in a line", "[fold]") {
    std::uint64_t checked = 0;
    for (const Rule rule : kRules) {
        // Base sets x orders of the clocks of up to four changes that may all stand, in full,
        // for three choices of levels and values; asked of each field.
        for (int n = 1; n <= 4; ++n)
            for (std::uint64_t number = 0; number < 3 * base_sets(n) * factorial(n); ++number) {
                const std::uint64_t variant = mix(number ^ 0x10ad);
                auto h = new_history(n, rule, variant);
                Choices choices(number / 3);
                pick_bases(choices, h);
                pick_clocks(choices, h, 1);
                Choices turning(variant >> 20);
                pick_levels(turning, h, 4);
                for (Change& x : h)
                    if (rule == Rule::set && turning.flip()) x.op = Op::remove;
                check_no_value_lost(h, fold::fold(h, 1), true);
                ++checked;
            }
        // Larger ones: each field where all may stand, each change where some may not (see
        // docs/FOLD.md, "Known gaps").
        for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
            Random random(seed ^ 0x5eed0006);
            const bool all_may_stand = seed % 2 == 0;
            const auto h = random_history(random, 2 + random.pick(8), rule, all_may_stand);
            check_no_value_lost(h, fold::fold(h, 1), all_may_stand);
            ++checked;
        }
    }
    CHECK(checked == 7 * (3 * (1 + 4 + 48 + 1'536) + 3'000));
}

}  // namespace
}  // namespace taizhang::fold_fields_test
