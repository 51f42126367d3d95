// The fold on histories small enough to work out by hand. The exhaustive tests
// beside this one compare two programs; these compare with what people expect.
#include "tests/support/reference_fold.h"

#include "base/value.h"
#include "fold/fold.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::fold_test {
namespace {

using fold::Change;
using fold::GroupState;
using fold::kWorkflow;
using fold::Line;
using fold::LineKind;
using fold::Op;
using fold::Ref;
using fold::RowState;
using fold::Rule;
using reference::version;

std::string encoded(const Value& value) {
    std::string out;
    Writer writer(out);
    value.write(writer);
    return out;
}

std::string text(const std::string& s) { return encoded(Value::text(s)); }
std::string number(const std::string& s) { return encoded(Value::number(Decimal::parse(s).value())); }

std::vector<VersionId> versions(std::initializer_list<int> numbers) {
    std::vector<VersionId> out;
    for (const int n : numbers) out.push_back(version(n));
    return out;
}

Change put(int n, Rule rule, Level level, std::uint64_t stamp, std::initializer_list<int> base, fold::Fields fields) {
    Change x;
    x.id = version(n);
    x.rule = rule;
    x.level = level;
    x.stamp = stamp;
    x.replica.bytes[0] = static_cast<std::uint8_t>(n);
    x.seq.value = 1;
    x.base = versions(base);
    x.fields = std::move(fields);
    return x;
}

constexpr int kOpen = 0, kSubmitted = 1, kClosed = 2;

Change transition(int n, Level level, std::uint64_t stamp, std::initializer_list<int> base, std::uint64_t from,
                  int to) {
    Change x = put(n, Rule::latest, level, stamp, base, {});
    x.group = kWorkflow;
    x.op = Op::transition;
    x.from = from;
    x.to = to;
    return x;
}
Change submit(int n, Level level, std::uint64_t stamp, std::initializer_list<int> base) {
    return transition(n, level, stamp, base, 1u << kOpen, kSubmitted);
}
Change send_back(int n, Level level, std::uint64_t stamp, std::initializer_list<int> base) {
    return transition(n, level, stamp, base, 1u << kSubmitted, kOpen);
}
Change reopen(int n, Level level, std::uint64_t stamp, std::initializer_list<int> base) {
    return transition(n, level, stamp, base, 1u << kClosed, kOpen);
}
/// Freezes group 0.
Change close(int n, Level level, std::uint64_t stamp, std::initializer_list<int> base,
             std::initializer_list<int> reviewed) {
    Change x = transition(n, level, stamp, base, 1u << kOpen | 1u << kSubmitted, kClosed);
    for (const int r : reviewed) x.reviewed.push_back(Ref{0, version(r)});
    x.freezes = 1;
    return x;
}

/// In every order of arrival, and as the reference says.
RowState fold_of(std::vector<Change> changes, int groups = 1) {
    const auto by_id = [](const Change& a, const Change& b) { return a.id < b.id; };
    std::sort(changes.begin(), changes.end(), by_id);
    const RowState first = fold::fold(changes, groups);
    CHECK(first == reference::fold(changes, groups));
    while (std::next_permutation(changes.begin(), changes.end(), by_id)) CHECK(fold::fold(changes, groups) == first);
    return first;
}

Line line(LineKind kind, int loser, int winner, Rule rule, int group = 0, int decided_by = 0) {
    return Line{kind, group, version(loser), version(winner), version(decided_by), rule};
}

TEST_CASE("a row without changes is in its initial state, with nothing in its groups", "[fold]") {
    const RowState row = fold_of({}, 2);
    CHECK(row.state == 0);
    CHECK(row.standing == VersionId{});
    CHECK(row.groups == std::vector<GroupState>(2));
    CHECK(row.lines.empty());
    CHECK(row.times.empty());
}

TEST_CASE("fold time is the stamp, or one more than the latest base", "[fold]") {
    CHECK(fold::fold_time(7, {}) == 7);
    const std::vector<std::uint64_t> bases{3, 9, 4};
    CHECK(fold::fold_time(7, bases) == 10);
    CHECK(fold::fold_time(10, bases) == 10);
    CHECK(fold::fold_time(11, bases) == 11);
    CHECK(fold::fold_time(0, bases) == 10);
}

TEST_CASE("a clock years ahead does not win over the edit that had seen it", "[fold]") {
    const auto row = fold_of({put(1, Rule::latest, Level::branch, 1'000'000, {}, {{0, text("far future")}}),
                              put(2, Rule::latest, Level::branch, 5, {1}, {{0, text("corrected")}})});
    CHECK(row.groups[0].stand == version(2));
    CHECK(row.lines.empty());
    CHECK(row.times ==
          std::vector<std::pair<Ref, std::uint64_t>>{{{0, version(1)}, 1'000'000}, {{0, version(2)}, 1'000'001}});
}

TEST_CASE("latest: the later stands, the other is in an open line, and a decision closes both", "[fold]") {
    const auto a = put(1, Rule::latest, Level::branch, 10, {}, {{0, text("east")}});
    const auto b = put(2, Rule::latest, Level::branch, 20, {}, {{0, text("west")}});
    auto row = fold_of({a, b});
    CHECK(row.groups[0].stand == version(2));
    CHECK(row.groups[0].shown.empty());
    CHECK(row.lines == std::vector{line(LineKind::open, 1, 2, Rule::latest)});

    row = fold_of({a, b, put(3, Rule::latest, Level::township, 1, {1, 2}, {{0, text("east")}})});
    CHECK(row.groups[0].stand == version(3));
    CHECK(row.lines == std::vector{line(LineKind::closed, 2, 3, Rule::latest, 0, 3)});  // 1 said the same
}

TEST_CASE("the same value typed twice is no conflict", "[fold]") {
    const auto row = fold_of({put(1, Rule::latest, Level::branch, 10, {}, {{0, text("east")}}),
                              put(2, Rule::latest, Level::branch, 20, {}, {{0, text("east")}})});
    CHECK(row.groups[0].stand == version(2));
    CHECK(row.lines.empty());
}

TEST_CASE("equal fold times are decided by level, replica, seq and id, in this order", "[fold]") {
    auto a = put(9, Rule::latest, Level::branch, 10, {}, {{0, text("a")}});
    auto b = put(1, Rule::latest, Level::township, 10, {}, {{0, text("b")}});
    CHECK(fold_of({a, b}).groups[0].stand == b.id);
    b.level = Level::branch;
    CHECK(fold_of({a, b}).groups[0].stand == a.id);  // replica 9
    b.replica = a.replica;
    b.seq.value = 2;
    CHECK(fold_of({a, b}).groups[0].stand == b.id);
    b.seq = a.seq;  // a cloned device: two commits with one number
    CHECK(fold_of({a, b}).groups[0].stand == a.id);
}

TEST_CASE("a raw clock is no order: a base lifts what was built on it", "[fold]") {
    // 2 has the lowest clock and was built on 1, so it comes after 3 as well.
    const auto row = fold_of({put(1, Rule::latest, Level::branch, 30, {}, {{0, text("a")}}),
                              put(2, Rule::latest, Level::branch, 10, {1}, {{0, text("b")}}),
                              put(3, Rule::latest, Level::branch, 20, {}, {{0, text("c")}})});
    CHECK(row.groups[0].stand == version(2));
    CHECK(row.lines == std::vector{line(LineKind::open, 3, 2, Rule::latest)});
}

TEST_CASE("fields that a change does not name come from what its author had in front of them", "[fold]") {
    const auto first = put(1, Rule::latest, Level::branch, 10, {}, {{0, text("pump")}, {1, text("red")}});
    const auto colour = put(2, Rule::latest, Level::branch, 20, {1}, {{1, text("blue")}});
    const auto name = put(3, Rule::latest, Level::branch, 30, {1}, {{0, text("pump no. 2")}});
    auto row = fold_of({first, colour, name});
    CHECK(row.groups[0].stand == version(3));
    // A group is one thing: the blue of 2 is not mixed into what 3 saw, it is in the line.
    CHECK(row.groups[0].fields == fold::Fields{{0, text("pump no. 2")}, {1, text("red")}});
    CHECK(row.lines == std::vector{line(LineKind::open, 2, 3, Rule::latest)});

    row = fold_of({first, colour, name, put(4, Rule::latest, Level::branch, 40, {2, 3}, {{1, text("blue")}})});
    CHECK(row.groups[0].fields == fold::Fields{{0, text("pump no. 2")}, {1, text("blue")}});
    CHECK(row.lines == std::vector{line(LineKind::closed, 2, 4, Rule::latest, 0, 4),
                                   line(LineKind::closed, 3, 4, Rule::latest, 0, 4)});
}

TEST_CASE("authority: the highest level stands, then the highest among those who had seen it", "[fold]") {
    const auto city = put(1, Rule::authority, Level::city, 10, {}, {{0, text("city")}});
    const auto branch = put(2, Rule::authority, Level::branch, 99, {}, {{0, text("branch")}});
    auto row = fold_of({city, branch});
    CHECK(row.groups[0].stand == city.id);
    CHECK(row.lines == std::vector{line(LineKind::open, 2, 1, Rule::authority)});

    const auto seen = put(3, Rule::authority, Level::branch, 5, {1}, {{0, text("branch, later")}});
    row = fold_of({city, branch, seen});
    CHECK(row.groups[0].stand == seen.id);
    CHECK(row.lines == std::vector{line(LineKind::open, 2, 3, Rule::authority)});

    // A township that had seen the city stands above the branch that had seen the city only.
    const auto town = put(4, Rule::authority, Level::township, 4, {1}, {{0, text("town")}});
    row = fold_of({city, branch, seen, town});
    CHECK(row.groups[0].stand == town.id);
    CHECK(row.lines ==
          std::vector{line(LineKind::open, 2, 4, Rule::authority), line(LineKind::open, 3, 4, Rule::authority)});
}

TEST_CASE("keep_both: all stay side by side until somebody settles them", "[fold]") {
    const auto a = put(1, Rule::keep_both, Level::branch, 10, {}, {{0, text("two")}});
    const auto b = put(2, Rule::keep_both, Level::branch, 30, {}, {{0, text("three")}});
    const auto c = put(3, Rule::keep_both, Level::branch, 20, {}, {{0, text("four")}});
    auto row = fold_of({a, b, c});
    CHECK(row.groups[0].stand == version(2));
    CHECK(row.groups[0].shown == versions({2, 1, 3}));
    CHECK(row.lines ==
          std::vector{line(LineKind::open, 1, 2, Rule::keep_both), line(LineKind::open, 3, 2, Rule::keep_both)});

    row = fold_of({a, b, c, put(4, Rule::keep_both, Level::township, 1, {1, 2}, {{0, text("three")}})});
    CHECK(row.groups[0].shown == versions({4, 3}));
    CHECK(row.lines == std::vector{line(LineKind::open, 3, 4, Rule::keep_both),
                                   line(LineKind::closed, 1, 4, Rule::keep_both, 0, 4)});
}

TEST_CASE("owner: what is not the author's to write is refused or becomes a suggestion, and never stands", "[fold]") {
    auto refused = put(2, Rule::owner, Level::branch, 99, {1}, {{0, text("b")}});
    refused.entitled = false;
    auto suggested = put(3, Rule::owner, Level::branch, 98, {1}, {{0, text("c")}});
    suggested.entitled = false;
    suggested.suggest = true;
    suggested.quarantined = true;  // one line is enough
    const auto row = fold_of({put(1, Rule::owner, Level::township, 10, {}, {{0, text("a")}}), refused, suggested});
    CHECK(row.groups[0].stand == version(1));
    CHECK(row.lines ==
          std::vector{line(LineKind::refused, 2, 0, Rule::owner), line(LineKind::suggestion, 3, 0, Rule::owner)});
}

TEST_CASE("append: everything, by key", "[fold]") {
    const auto row = fold_of({put(1, Rule::append, Level::branch, 30, {}, {{0, text("a")}}),
                              put(2, Rule::append, Level::city, 10, {}, {{0, text("b")}}),
                              put(3, Rule::append, Level::branch, 1, {2}, {{0, text("c")}})});
    CHECK(row.groups[0].shown == versions({2, 3, 1}));
    CHECK(row.groups[0].stand == VersionId{});
    CHECK(row.groups[0].fields.empty());
    CHECK(row.lines.empty());
}

TEST_CASE("set: a removal takes away the adds that it names, not the same element added elsewhere", "[fold]") {
    auto remove = put(3, Rule::set, Level::branch, 99, {1}, {{0, text("K12")}});
    remove.op = Op::remove;
    const auto row = fold_of({put(1, Rule::set, Level::branch, 10, {}, {{0, text("K12")}}),
                              put(2, Rule::set, Level::branch, 20, {}, {{0, text("K12")}}), remove});
    CHECK(row.groups[0].shown == versions({2}));
    CHECK(row.groups[0].stand == VersionId{});
    CHECK(row.lines.empty());
}

TEST_CASE("sum: exact decimals, field by field; what is no number counts as 0", "[fold]") {
    const auto row = fold_of({put(1, Rule::sum, Level::branch, 10, {}, {{0, number("30")}, {1, number("1")}}),
                              put(2, Rule::sum, Level::branch, 20, {1}, {{0, number("-0.5")}}),
                              put(3, Rule::sum, Level::branch, 30, {}, {{0, text("many")}, {2, text("?")}})});
    CHECK(row.groups[0].fields == fold::Fields{{0, number("29.5")}, {1, number("1")}, {2, number("0")}});
    CHECK(row.groups[0].stand == VersionId{});
    CHECK(row.groups[0].shown.empty());
    CHECK(row.lines.empty());
}

TEST_CASE("sum: a term that would overflow counts as 0, and which one it is depends on the one order only", "[fold]") {
    const auto row = fold_of({put(1, Rule::sum, Level::branch, 10, {}, {{0, number("9223372036854775000")}}),
                              put(2, Rule::sum, Level::branch, 20, {}, {{0, number("1000")}}),
                              put(3, Rule::sum, Level::branch, 30, {}, {{0, number("7")}}),
                              put(4, Rule::sum, Level::branch, 40, {}, {{0, number("0.25")}})});
    CHECK(row.groups[0].fields == fold::Fields{{0, number("9223372036854775007")}});
}

TEST_CASE("quarantined: cannot stand, counts as seen", "[fold]") {
    auto thief = put(2, Rule::latest, Level::township, 20, {1}, {{0, text("stolen")}});
    thief.quarantined = true;
    const auto first = put(1, Rule::latest, Level::branch, 10, {}, {{0, text("a")}, {1, text("b")}});
    auto row = fold_of({first, thief});
    CHECK(row.groups[0].stand == version(1));
    CHECK(row.lines == std::vector{line(LineKind::quarantined, 2, 0, Rule::latest)});

    // What an honest person built on it stands, without the fields that only the thief wrote.
    row = fold_of({first, thief, put(3, Rule::latest, Level::branch, 1, {2}, {{1, text("c")}})});
    CHECK(row.groups[0].stand == version(3));
    CHECK(row.groups[0].fields == fold::Fields{{0, text("a")}, {1, text("c")}});
    CHECK(row.lines == std::vector{line(LineKind::quarantined, 2, 0, Rule::latest)});
}

TEST_CASE("a row closed on a quarantined submission stays closed", "[fold]") {
    auto thief = submit(1, Level::branch, 10, {});
    thief.quarantined = true;
    auto done = close(2, Level::city, 20, {1}, {});
    done.from = 1u << kSubmitted;  // legal from there only: the author saw it submitted
    const auto row = fold_of({thief, done});
    CHECK(row.state == kClosed);
    CHECK(row.standing == version(2));
    CHECK(row.lines == std::vector{line(LineKind::quarantined, 1, 0, Rule::latest, kWorkflow)});
}

TEST_CASE("a late return does not reopen what the city closed", "[fold]") {
    const auto sent = submit(1, Level::branch, 10, {});
    const auto closed = close(2, Level::city, 20, {1}, {});
    const auto returned = send_back(3, Level::township, 900, {1});  // two weeks without a link, and a fast clock
    auto row = fold_of({sent, closed, returned});
    CHECK(row.state == kClosed);
    CHECK(row.standing == version(2));
    CHECK(row.lines == std::vector{line(LineKind::voided, 3, 2, Rule::latest, kWorkflow)});

    // Nor does what was built on the late return.
    row = fold_of({sent, closed, returned, submit(4, Level::branch, 950, {3})});
    CHECK(row.standing == version(2));
    CHECK(row.lines == std::vector{line(LineKind::voided, 3, 2, Rule::latest, kWorkflow),
                                   line(LineKind::voided, 4, 2, Rule::latest, kWorkflow)});

    // The city reopens it, whatever its clock says, having seen both.
    row = fold_of({sent, closed, returned, reopen(5, Level::city, 1, {2, 3})});
    CHECK(row.state == kOpen);
    CHECK(row.standing == version(5));
    CHECK(row.lines.empty());
}

TEST_CASE("a transition is judged by its author's view, and that view is never judged again", "[fold]") {
    // 2 closes from submitted. 3 had not heard of it and returns from submitted: legal as well, overruled.
    // 4 submits again on top of 3 only: legal in that view, though the row was closed by then.
    const std::vector<Change> changes{submit(1, Level::branch, 10, {}), close(2, Level::township, 20, {1}, {}),
                                      send_back(3, Level::township, 30, {1}), submit(4, Level::branch, 40, {3}),
                                      reopen(5, Level::township, 50, {1})};
    const auto row = fold_of(changes);
    CHECK(row.state == kSubmitted);  // 3 is the later of two equals, and 4 had seen it
    CHECK(row.standing == version(4));
    CHECK(row.lines == std::vector{line(LineKind::voided, 2, 4, Rule::latest, kWorkflow),
                                   line(LineKind::voided, 5, 4, Rule::latest, kWorkflow)});
}

TEST_CASE("a transition that is not the author's to make is refused, and changes nobody's view", "[fold]") {
    auto forged = close(2, Level::branch, 20, {1}, {});
    forged.entitled = false;
    const auto row = fold_of({submit(1, Level::branch, 10, {}), forged, send_back(3, Level::township, 1, {2})});
    CHECK(row.state == kOpen);
    CHECK(row.standing == version(3));
    CHECK(row.lines == std::vector{line(LineKind::refused, 2, 0, Rule::latest, kWorkflow)});
}

TEST_CASE("a transition on two bases is judged from what stands among all that its author had seen", "[fold]") {
    const auto sent = submit(1, Level::branch, 10, {});
    const auto closed = close(2, Level::city, 20, {1}, {});
    const auto returned = send_back(3, Level::township, 30, {1});
    CHECK(fold_of({sent, closed, returned, submit(4, Level::branch, 40, {2, 3})}).standing == version(2));
    CHECK(fold_of({sent, closed, returned, reopen(4, Level::city, 40, {2, 3})}).standing == version(4));
    // Nothing legal among what was seen: the initial state.
    const auto early = send_back(5, Level::branch, 1, {}), early_too = reopen(6, Level::branch, 2, {});
    const auto row = fold_of({early, early_too, submit(7, Level::branch, 3, {5, 6})});
    CHECK(row.state == kSubmitted);
    CHECK(row.lines == std::vector{line(LineKind::voided, 5, 7, Rule::latest, kWorkflow),
                                   line(LineKind::voided, 6, 7, Rule::latest, kWorkflow)});
}

TEST_CASE("illegal transitions have a line without a winner when nothing stands", "[fold]") {
    const auto row = fold_of({reopen(1, Level::city, 10, {})});
    CHECK(row.state == 0);
    CHECK(row.standing == VersionId{});
    CHECK(row.lines == std::vector{line(LineKind::voided, 1, 0, Rule::latest, kWorkflow)});
}

TEST_CASE("what the closing transition had not reviewed is added after close-out, and comes back on reopening",
          "[fold]") {
    const auto before = put(1, Rule::latest, Level::branch, 10, {}, {{0, text("30 bags")}});
    const auto reviewed = put(2, Rule::latest, Level::branch, 20, {1}, {{0, text("31 bags")}});
    const auto late = put(3, Rule::latest, Level::branch, 15, {1}, {{0, text("60 bags")}});
    const auto after = put(4, Rule::latest, Level::branch, 99, {2}, {{0, text("32 bags")}});
    auto elsewhere = put(5, Rule::latest, Level::branch, 99, {}, {{0, text("note")}});
    elsewhere.group = 1;
    const auto closed = close(6, Level::city, 30, {}, {2});
    auto row = fold_of({before, reviewed, late, after, elsewhere, closed}, 2);
    CHECK(row.state == kClosed);
    CHECK(row.groups[0].stand == version(2));
    CHECK(row.groups[1].stand == version(5));
    CHECK(row.lines == std::vector{line(LineKind::after_close, 3, 6, Rule::latest),
                                   line(LineKind::after_close, 4, 6, Rule::latest)});

    row = fold_of({before, reviewed, late, after, closed, reopen(7, Level::city, 40, {6})}, 2);
    CHECK(row.state == kOpen);
    CHECK(row.groups[0].stand == version(4));
    CHECK(row.lines == std::vector{line(LineKind::open, 3, 4, Rule::latest)});
}

TEST_CASE("a closing transition comes after all that it had reviewed, whatever its clock says", "[fold]") {
    const auto row =
        fold_of({put(1, Rule::latest, Level::branch, 500, {}, {{0, text("a")}}), close(2, Level::city, 1, {}, {1})});
    CHECK(row.times ==
          std::vector<std::pair<Ref, std::uint64_t>>{{{kWorkflow, version(2)}, 501}, {{0, version(1)}, 500}});
}

TEST_CASE("a group's rule is that of the newest catalog version among the changes that may stand", "[fold]") {
    auto older = put(1, Rule::latest, Level::city, 10, {}, {{0, text("a")}});
    auto newer = put(2, Rule::authority, Level::branch, 99, {}, {{0, text("b")}});
    newer.catalog = 2;
    auto row = fold_of({older, newer});
    CHECK(row.groups[0].rule == Rule::authority);
    CHECK(row.groups[0].stand == version(1));

    auto forged = newer;
    forged.entitled = false;
    row = fold_of({older, forged});
    CHECK(row.groups[0].rule == Rule::latest);
    CHECK(row.lines == std::vector{line(LineKind::refused, 2, 0, Rule::authority)});

    forged.entitled = true;
    forged.quarantined = true;
    row = fold_of({older, forged});
    CHECK(row.groups[0].rule == Rule::latest);
    CHECK(row.lines == std::vector{line(LineKind::quarantined, 2, 0, Rule::authority)});
}

TEST_CASE("the rule counts changes that a close leaves out", "[fold]") {
    const auto kept = put(1, Rule::latest, Level::city, 10, {}, {{0, text("a")}});
    auto left_out = put(2, Rule::keep_both, Level::branch, 99, {}, {{0, text("b")}});
    left_out.catalog = 2;
    const auto row = fold_of({kept, left_out, close(3, Level::city, 20, {}, {1})});
    CHECK(row.groups[0].rule == Rule::keep_both);
    CHECK(row.groups[0].shown == versions({1}));
    CHECK(row.lines == std::vector{line(LineKind::after_close, 2, 3, Rule::keep_both)});
}

TEST_CASE("a base that is not here counts as none, and one named twice as one", "[fold]") {
    auto row = fold_of({submit(1, Level::branch, 10, {77}), send_back(2, Level::township, 5, {1, 1})});
    CHECK(row.state == kOpen);
    CHECK(row.standing == version(2));
    CHECK(row.lines.empty());
    CHECK(row.times ==
          std::vector<std::pair<Ref, std::uint64_t>>{{{kWorkflow, version(1)}, 10}, {{kWorkflow, version(2)}, 11}});

    // One base that is here is an ordinary edit, not a decision between several.
    row = fold_of({put(1, Rule::latest, Level::branch, 10, {}, {{0, text("a")}}),
                   put(2, Rule::latest, Level::branch, 5, {1, 77}, {{0, text("b")}}),
                   put(3, Rule::latest, Level::branch, 6, {1, 1}, {{0, text("c")}})});
    CHECK(row.groups[0].stand == version(3));
    CHECK(row.lines == std::vector{line(LineKind::open, 2, 3, Rule::latest)});
}

TEST_CASE("one commit's versions in several groups share its name and do not meet", "[fold]") {
    auto first = put(1, Rule::latest, Level::branch, 10, {}, {{0, text("a")}});
    auto second = first;
    second.group = 1;
    auto flow = submit(1, Level::branch, 10, {});
    const std::vector<Change> changes{first, second, flow};
    const auto row = fold::fold(changes, 2);
    CHECK(row == reference::fold(changes, 2));
    CHECK(row.state == kSubmitted);
    CHECK(row.groups[0].stand == version(1));
    CHECK(row.groups[1].stand == version(1));
    CHECK(row.times.size() == 3);
    CHECK(row.lines.empty());
}

}  // namespace
}  // namespace taizhang::fold_test
