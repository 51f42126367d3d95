// What histories made by the other tests do not have: a change built on itself, more than 64 groups, sums whose fields
// come in another order or with bytes behind them.
#include "base/value.h"
#include "fold/fold.h"
#include "tests/support/reference_fold.h"

#include <catch2/catch.hpp>

namespace taizhang::fold_edges_test {
namespace {

using fold::Change;
using reference::version;

Change change(int n, int group = 0) {
    Change c;
    c.id = version(n);
    c.group = group;
    c.stamp = static_cast<std::uint64_t>(n) * 10;
    c.seq = Seq{static_cast<std::uint64_t>(n)};
    return c;
}

std::string number(int n) {
    std::string out;
    Writer w(out);
    Value::integer(n).write(w);
    return out;
}

std::string decimal(const char* n) {
    std::string out;
    Writer w(out);
    Value::number(*Decimal::parse(n)).write(w);
    return out;
}

TEST_CASE("a change that names itself as its base is built on nothing", "[fold]") {
    auto first = change(1), itself = change(2);
    first.fields = {{0, number(1)}};
    itself.fields = {{0, number(2)}};
    auto plain = itself;
    itself.base = {itself.id};
    CHECK(fold::fold(std::vector{first, itself}, 1) == fold::fold(std::vector{first, plain}, 1));
}

TEST_CASE("a group beyond the sixty-fourth is not frozen, whatever a transition says", "[fold]") {
    auto closing = change(1, fold::kWorkflow);
    closing.op = fold::Op::transition;
    closing.from = 1;
    closing.to = 1;
    closing.freezes = ~std::uint64_t{0};
    auto early = change(2, 63), late = change(3, 64);
    early.fields = late.fields = {{0, number(1)}};
    const auto row = fold::fold(std::vector{closing, early, late}, 65);
    CHECK(row.groups[63].stand == VersionId{});
    CHECK(row.groups[64].stand == late.id);
    REQUIRE(row.lines.size() == 1);
    CHECK(row.lines.front().kind == fold::LineKind::after_close);
    CHECK(row.lines.front().loser == early.id);
}

TEST_CASE("a sum has its fields in order, however they came, and counts whole numbers only", "[fold]") {
    auto high = change(1), low = change(2), damaged = change(3);
    high.rule = low.rule = damaged.rule = fold::Rule::sum;
    high.fields = {{5, decimal("1.5")}};
    low.fields = {{3, decimal("2")}, {5, decimal("0.25")}};
    damaged.fields = {{5, decimal("7") + "x"}};
    const auto row = fold::fold(std::vector{high, low, damaged}, 1);
    CHECK(row.groups[0].fields == fold::Fields{{3, decimal("2")}, {5, decimal("1.75")}});
}

}  // namespace
}  // namespace taizhang::fold_edges_test
