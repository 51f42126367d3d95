// What a commit's bytes may not say, because it would say the same twice, or of something else.
#include "log/commit.h"

#include "tests/shared/log/second_commit.h"
#include "tests/support/reference_fold.h"

#include <catch2/catch.hpp>

namespace taizhang::encoding_test {
namespace {

TEST_CASE("a name that stands twice in a commit's list is refused: numbers compare like names", "[log]") {
    CommitWriter w;
    w.row("assignment", "1");
    w.lone_field(fold::Op::put, "remark", {}, false, Value::integer(1));
    w.lone_field(fold::Op::put, "remarx", {}, false, Value::integer(2));
    auto bytes = w.finish(header_of_second());
    Commit c;
    REQUIRE(c.decode(bytes).has_value());
    bytes.replace(bytes.find("remarx"), 6, "remark");
    CHECK(c.decode(bytes).has_error());
}

TEST_CASE("the first part of a row cannot have the base of the part before", "[log]") {
    const std::vector<VersionId> base{reference::version(1)};
    CommitWriter w;
    w.row("assignment", "1");
    w.lone_field(fold::Op::put, "remark", base, false, Value::integer(1));
    w.row("assignment", "2");
    w.lone_field(fold::Op::put, "remark", {}, true, Value::integer(2));
    Commit c;
    CHECK(c.decode(w.finish(header_of_second())).has_error());
}

}  // namespace
}  // namespace taizhang::encoding_test
