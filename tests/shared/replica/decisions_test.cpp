// A decision names everything that it decides on; a close has reviewed everything that is shown.
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::decisions_test {
namespace {

using support::text;

/// Two PCs wrote different things into one field while neither had a link.
struct Beside : support::World {
    std::unique_ptr<support::Device> a, b;
    explicit Beside(const char* field) {
        new_assignment("A1", "T1", "B01");
        a = device("B01");
        b = device("B01");
        a->set("assignment", "A1", {{field, text("甲写的")}});
        b->set("assignment", "A1", {{field, text("乙写的")}});
        sync(*a);
        sync(*b);
        sync(*a);
        REQUIRE(count(fold::LineKind::open) == 1);
    }
    std::size_t count(fold::LineKind kind) {
        const auto lines = *city->conflicts("A1");
        return static_cast<std::size_t>(
            std::count_if(lines.begin(), lines.end(), [&](const auto& l) { return l.line.kind == kind; }));
    }
};

TEST_CASE("a decision closes what was open beside the value that stands, whatever the group's rule", "[replica]") {
    const auto* field = GENERATE("remark", "result_text");
    Beside w(field);
    Edit e;
    e.entity = "assignment";
    e.row = "A1";
    e.fields = {{field, text("定下来的")}};
    e.settle = true;
    w.a->edit(std::move(e));
    w.sync(*w.a);
    CHECK(w.city.field("A1", field) == "定下来的");
    CHECK(w.count(fold::LineKind::open) == 0);
    CHECK(w.count(fold::LineKind::closed) == 2);
    CHECK(w.city->verify().has_value());
}

TEST_CASE("who closes a record has reviewed what is open in it as well", "[replica]") {
    Beside w("result_text");
    w.city.act("assignment", "A1", "close_out");
    CHECK(w.count(fold::LineKind::after_close) == 0);
    CHECK(w.count(fold::LineKind::open) == 1);
    CHECK(w.city->verify().has_value());
}

TEST_CASE("what was written where nobody had looked when the record was closed has its line", "[replica]") {
    support::World w;
    const StreamId stream{"B01", Audience::ledger};
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), reader = w.device("B01");
    a->set("assignment", "A1", {{"result_text", text("没有网时写的")}});
    w.city.act("assignment", "A1", "close_out");  // has not seen it
    REQUIRE(support::carry(**a, **reader, stream, (*a)->id()).has_value());
    REQUIRE(support::carry(*w.city, **reader, stream, w.city->id()).has_value());
    CHECK(reader->state("A1") == "已办结");
    CHECK(reader->field("A1", "result_text") == "—");
    const auto lines = *(*reader)->conflicts("A1");
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().line.kind == fold::LineKind::after_close);
    CHECK((*reader)->verify().has_value());
}

}  // namespace
}  // namespace taizhang::decisions_test
