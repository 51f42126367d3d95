// What may follow a catalog: every way to orphan a record is refused in one line that names it.
#include "catalog/catalog.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::follow_test {
namespace {

const std::string kBefore = R"(version = 1
[entity.well]
label = ["水井", "well"]
home = "unit_id"
[entity.well.groups]
place = { rule = "latest" }
[entity.well.fields]
unit_id = { type = "ref", ref = "unit", max = 64 }
depth = { type = "number" }
street = { group = "place", max = 100 }
notes = { rule = "append" }
water = { type = "choice", choices = ["好", "差"] }
[entity.well.workflow]
states = ["在用", "停用"]
[entity.well.workflow.transitions]
close = { from = ["在用"], to = "停用" }
open = { from = ["停用"], to = "在用" }
[entity.pump]
label = ["水泵", "pump"]
id = "uuid"
[entity.pump.fields]
name = { max = 40 }
)";

std::string changed(const std::string& from, const std::string& to) {
    auto s = kBefore;
    s.replace(s.find("version = 1"), 11, "version = 2");
    const auto at = s.find(from);
    REQUIRE(at != std::string::npos);
    return s.replace(at, from.size(), to);
}

std::shared_ptr<const Catalog> parsed(const std::string& toml, std::uint32_t knows = kCatalogLevel) {
    auto c = Catalog::parse(toml, "ledger.toml", knows);
    INFO((c ? std::string() : c.error().detail));
    REQUIRE(c.has_value());
    return *c;
}

/// The one line that refuses it; empty when it is taken.
std::string refusal(const std::string& toml) {
    const auto r = parsed(kBefore)->may_be_followed_by(*parsed(toml));
    if (r) return {};
    CHECK(r.error().code == Errc::bad_input);
    CHECK(r.error().detail.find('\n') == std::string::npos);
    CHECK(r.error().detail.find(" / ") != std::string::npos);
    return r.error().detail;
}

bool names(const std::string& line, const std::string& what) { return line.find(what) != std::string::npos; }

TEST_CASE("a catalog that would orphan records is refused in one line that names them", "[catalog][follow]") {
    CHECK(names(refusal(changed("depth = { type = \"number\" }\n", "")), "well.depth"));
    CHECK(names(refusal(changed("depth = { type = \"number\" }", "depth = { type = \"integer\" }")), "well.depth"));
    CHECK(names(refusal(changed("street = { group = \"place\", max = 100 }",
                                "street = { max = 100 }\nlane = { group = \"place\" }")),
                "well.street"));
    CHECK(names(refusal(changed("rule = \"append\"", "rule = \"latest\"")), "well.notes"));
    CHECK(names(refusal(changed("rule = \"append\"", "rule = \"set\"")), "well.notes"));
    CHECK(names(refusal(changed("ref = \"unit\"", "ref = \"pump\"")), "well.unit_id"));
    CHECK(names(refusal(changed("states = [\"在用\", \"停用\"]", "states = [\"停用\", \"在用\"]")), "在用"));
    CHECK(names(refusal(changed("states = [\"在用\", \"停用\"]", "field = \"phase\"\nstates = [\"在用\", \"停用\"]")),
                "well.status"));
    CHECK(names(refusal(changed("open = { from = [\"停用\"], to = \"在用\" }\n", "")), "well.open"));
    CHECK(names(refusal(changed("home = \"unit_id\"\n", "")), "well"));
    CHECK(names(refusal(changed("home = \"unit_id\"", "home = \"unit_id\"\naudience = \"notice\"")), "well"));
    CHECK(names(refusal(changed("home = \"unit_id\"", "home = \"unit_id\"\nkey = [\"street\"]")), "well"));
    CHECK(names(refusal(changed("id = \"uuid\"\n", "")), "pump"));
    const auto at = kBefore.find("[entity.pump]");
    CHECK(names(refusal("version = 2" + kBefore.substr(11, at - 11)), "pump"));
    for (const char* version : {"version = 1", "version = 3"}) {
        auto s = kBefore;
        CHECK(names(refusal(s.replace(0, 11, version)), "version = 2"));
    }
}

TEST_CASE("what may change is taken, and is told", "[catalog][follow]") {
    auto next = changed("depth = {", "owner = { max = 60, label = [\"管理人\", \"keeper\"] }\ndepth = {");
    const std::string choices = "\"好\", \"差\"", rule = "place = { rule = \"latest\" }";
    next.replace(next.find(choices), choices.size(), choices + ", \"干\"");
    next.replace(next.find(rule), rule.size(), "place = { rule = \"keep_both\" }");
    next += "[entity.pipe]\nlabel = [\"水管\", \"pipe\"]\n[entity.pipe.fields]\nlength = { type = \"number\" }\n";
    CHECK(refusal(next).empty());
    std::string all;
    for (const auto& l : changes_between(*parsed(kBefore), *parsed(next))) all += l.en + "\n";
    for (const char* what : {"well.owner", "well.water", "well.place", "pipe"}) {
        INFO(all);
        CHECK(names(all, what));
    }
    CHECK(changes_between(*parsed(kBefore), *parsed(kBefore)).empty());
}

TEST_CASE("a program that does not know only_above leaves the whole entity to newer ones", "[catalog][follow]") {
    const auto c = parsed(support::ledger_catalog(), kLevelOfOnlyAbove - 1);
    CHECK(c->find_newer("assignment"));
    CHECK(c->find_newer("rectification"));
    CHECK(c->find("task"));
    CHECK(c->find("progress_report"));
    // Who closes is not what it was: people are told.
    const auto before = parsed(support::catalog_for_all_programs()), after = parsed(support::ledger_catalog());
    const auto changes = changes_between(*before, *after);
    CHECK(changes.size() == 5);
    CHECK(names(changes.front().en, "assignment.pass_second"));
}

TEST_CASE("what needs a newer program is left to it, whatever it says", "[catalog][follow]") {
    const auto newer = changed("[entity.pump]", "[entity.pump]\nneeds = 9\nshape = { round = true }");
    const auto c = parsed(newer);
    REQUIRE(c->find_newer("pump") != nullptr);
    CHECK(c->find_newer("pump")->needs == 9);
    CHECK(c->find_newer("pump")->label.zh == "水泵");
    CHECK(c->find("pump") == nullptr);
    CHECK(c->find("well") != nullptr);
    CHECK(parsed(kBefore)->may_be_followed_by(*c).has_value());
    // A whole file in another language: its version is all that is read.
    const auto whole = parsed("version = 2\nneeds = 7\n[record.x]\nwhatever = 1\n");
    CHECK(whole->needs_newer() == 7);
    CHECK(whole->version() == 2);
    CHECK(whole->entities().empty());
    CHECK(parsed(kBefore)->may_be_followed_by(*whole).has_value());
    // What was skipped once stays skipped, or its fields would be numbered otherwise here than elsewhere.
    auto lower = changed("[entity.pump]", "[entity.pump]\nneeds = 1");
    const auto needing = parsed(lower);
    lower.replace(lower.find("version = 2"), 11, "version = 3");
    lower.replace(lower.find("needs = 1\n"), 10, "");
    CHECK(needing->may_be_followed_by(*parsed(lower)).has_error());
    // What this program knows, it reads; an older one does not.
    const auto known = changed("[entity.pump]", "[entity.pump]\nneeds = 1");
    CHECK(parsed(known)->find("pump") != nullptr);
    CHECK(parsed(known, 0)->find("pump") == nullptr);
    CHECK(Catalog::parse("version = 1\nneeds = \"much\"\n", "x").has_error());
}

TEST_CASE("no entity can be called like a table of the engine", "[catalog]") {
    support::Device d(3);
    auto s = d->database().prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    REQUIRE(s.has_value());
    for (;;) {
        const auto row = s->step();
        REQUIRE(row.has_value());
        if (!*row) break;
        const std::string name(s->text(0));
        INFO(name);
        CHECK(Catalog::parse("version = 1\n[entity." + name + "]\n[entity." + name + ".fields]\na = { max = 5 }\n", "x")
                  .has_error());
    }
}

}  // namespace
}  // namespace taizhang::follow_test
