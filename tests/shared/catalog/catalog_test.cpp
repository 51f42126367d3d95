#include "catalog/catalog.h"
#include "catalog/toml_text.h"

#include "ledger/ledger.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace taizhang::catalog_test {
namespace {

using support::ledger_catalog;
using support::text;
using support::World;

std::string replaced(std::string s, const std::string& from, const std::string& to) {
    const auto at = s.find(from);
    REQUIRE(at != std::string::npos);
    return s.replace(at, from.size(), to);
}

std::string error_of(const std::string& toml) {
    const auto c = Catalog::parse(toml, "ledger.toml");
    REQUIRE(c.has_error());
    CHECK(c.error().code == Errc::bad_input);
    CHECK(c.error().detail.find('\n') == std::string::npos);
    return c.error().detail;
}

TEST_CASE("catalog: a file that surprises the TOML reader is refused in one line", "[catalog]") {
    for (const char* text :
         {"[/a]\nx = 1\n", "version = 1\n[entity.a]\n[/b.fields]\nx = { type = \"text\",, max = 2 }\n"}) {
        const auto c = Catalog::parse(text, "some.toml");
        REQUIRE(c.has_error());
        CHECK(c.error().code == Errc::bad_input);
        CHECK(c.error().detail.find("some.toml") != std::string::npos);
    }
}

TEST_CASE("catalog: letters outside quotes and comments are refused before the TOML reader sees them", "[catalog]") {
    // toml++ 3.3 reaches a __builtin_unreachable for each of these.
    for (const std::string letter : {"\u00b5", "\u0101", "\u0416", "\u2c80", "\ufe30"}) {
        INFO(letter);
        CHECK(error_of("version = 1\n" + letter + " = 1\n").find("ledger.toml:2:") != std::string::npos);
        CHECK(line_of_stray_letter("a = \"\"\"x\ny\"\"\"\"\" " + letter) == 2);
        CHECK(line_of_stray_letter("a = \"\\\"" + letter + "\"") == std::nullopt);
        CHECK(line_of_stray_letter("a = '\\'" + letter) == 1);
        CHECK(line_of_stray_letter("a = \"open\n" + letter) == 2);
        // A quote behind a number or a name begins no string for the reader.
        CHECK(line_of_stray_letter("v = 1en\"" + letter + "\"\n") == 1);
        CHECK(line_of_stray_letter("a\"" + letter + "\" = 1\n") == 1);
        CHECK(line_of_stray_letter("{a=[\"" + letter + "\",'" + letter + "'], b.\"" + letter + "\"=1}") ==
              std::nullopt);
        CHECK(line_of_stray_letter("a = '''\n\"" + letter + "'''\n# " + letter) == std::nullopt);
    }
    for (const char* open : {"\"\"\"", "'''", "\"", "\"\\", "'", "#", "a = \"\"\"x\"\"", "\xEF\xBB\xBF"})
        CHECK(line_of_stray_letter(open) == std::nullopt);
}

TEST_CASE("the ledger's catalog declares every record and every rule", "[catalog]") {
    const auto c = Catalog::parse(ledger_catalog(), "ledger.toml");
    REQUIRE(c.has_value());
    for (const char* e : {"task", "assignment", "progress_report", "verification", "rectification", "evidence",
                          "help_request", "appeal", "push", "supervision_order", "circular", "meeting", "attendance",
                          "submission_register", "guidance", "stocktake", "person"}) {
        INFO(e);
        CHECK((*c)->find(e) != nullptr);
    }
    const auto& flow = (*c)->find("rectification")->workflow;
    CHECK(flow.states.front() == "登记");
    CHECK(flow.find("reopen")->by == kByCity);
    CHECK(flow.freezes[static_cast<std::size_t>(flow.state("已销号"))] != 0);
}

TEST_CASE("an error in the catalog names file, line and what is wrong", "[catalog]") {
    const auto good = ledger_catalog();
    CHECK(error_of("version = \n").find("ledger.toml:") == 0);
    const std::string small = "version = 1\n[entity.x]\nlabel = [\"甲\", \"x\"]\n[entity.x.fields]\n";
    CHECK(error_of(small + "a = { type = \"colour\" }\n").find("ledger.toml:5:") == 0);
    CHECK(error_of(small + "a = { type = \"colour\" }\n").find("colour") != std::string::npos);
    CHECK(error_of(small + "a = { rule = \"best\" }\n").find("best") != std::string::npos);
    CHECK(error_of(small + "a = { group = \"nowhere\" }\n").find("nowhere") != std::string::npos);
    CHECK(error_of(small + "a = { lenght = 5 }\n").find("lenght") != std::string::npos);
    CHECK(error_of(replaced(good, "to = \"办理中\"", "to = \"没有的\"")).find("没有的") != std::string::npos);
    CHECK(error_of(replaced(good, "by = [\"county\", \"city\"]", "by = [\"king\"]")).find("king") != std::string::npos);
    // Older programs must not take such a step for one that everybody named may do.
    const auto unsaid = replaced(good, "[entity.assignment]\nneeds = 2\n", "[entity.assignment]\n");
    CHECK(error_of(unsaid).find("needs = 2") != std::string::npos);
    CHECK(error_of(replaced(good, "only_above = true, takes", "only_above = 1, takes")).find("only_above") !=
          std::string::npos);
    for (const char* engine : {"log", "fact", "conflict", "stream", "replica", "waiting", "control", "certificate",
                               "device", "enrol_code"}) {
        INFO(engine);
        const std::string name = engine;
        CHECK(error_of("version = 1\n[entity." + name + "]\nlabel = [\"甲\", \"x\"]\n[entity." + name +
                       ".fields]\na = { max = 5 }\n")
                  .find(name) != std::string::npos);
    }
}

/// A new field and a new entity, in the file and nowhere else, are there in tables, lists of fields, edits and sync.
TEST_CASE("adding a field or an entity is an edit of the file and nothing else", "[catalog]") {
    auto changed =
        replaced(ledger_catalog(), "remark               = {",
                 "helpers = { type = \"integer\", label = [\"帮办人数\", \"helpers\"] }\nremark               = {");
    changed +=
        "\n[entity.well]\nlabel = [\"水井\", \"well\"]\nhome = \"unit_id\"\n[entity.well.fields]\nunit_id = { type = "
        "\"ref\", ref = \"unit\", required = true, max = 64 }\n"
        "depth = { type = \"number\" }\n[entity.well.workflow]\nstates = [\"在用\", "
        "\"停用\"]\n[entity.well.workflow.transitions]\nclose = { from = [\"在用\"], to = \"停用\", by = [\"unit\"] "
        "}\n";
    World w(changed);
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    ledger::Ledger l(**d);
    REQUIRE(l.set("A1", {{"helpers", "3"}}, "").has_value());
    CHECK(l.set("A1", {{"helpers", "drei"}}, "").has_error());
    Edit e;
    e.entity = "well";
    e.row = "W1";
    e.create = true;
    e.stream = StreamId{"B01", Audience::ledger};
    e.fields = {{"unit_id", text("B01")}, {"depth", support::number("12.5")}};
    d->edit(e);
    REQUIRE(l.act("close", "W1", {}, "").has_value());
    w.sync(*d);
    const auto shown = ledger::Ledger(*w.city).show("W1");
    REQUIRE(shown.has_value());
    CHECK(shown->at("state").as_string() == "停用");
    auto s = w.city->database().prepare("SELECT depth, status FROM well WHERE id = 'W1'");
    REQUIRE(s.has_value());
    REQUIRE(*s->step());
    CHECK(s->real(0) == 12.5);
    CHECK(w.city.field("A1", "helpers") == "3");
}

TEST_CASE("a newer catalog reaches devices through the control log, and old records stay", "[catalog][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    d->set("assignment", "A1", {{"remark", text("旧目录写的")}});
    auto next = replaced(ledger_catalog(), "\nversion = 2", "\nversion = 3");
    next = replaced(next, "remark               = {", "helpers = { type = \"integer\" }\nremark               = {");
    REQUIRE(w.city->append_control("catalog", next).has_value());
    d->set("assignment", "A1", {{"problems", text("还不知道新目录")}});
    w.sync(*d);
    d->set("assignment", "A1", {{"helpers", support::number("4")}});
    w.sync(*d);
    CHECK(w.city.field("A1", "helpers") == "4");
    CHECK(w.city.field("A1", "remark") == "旧目录写的");
    CHECK(w.city.field("A1", "problems") == "还不知道新目录");
    CHECK((*d)->verify().has_value());
    CHECK(w.city->verify().has_value());

    const auto lossy = replaced(replaced(next, "\nversion = 3", "\nversion = 4"),
                                "problems             = { label = [\"存在问题\", \"problems\"], max = 8000,",
                                "problems             = { type = \"number\", label = [\"存在问题\", \"problems\"],");
    CHECK(w.city->append_control("catalog", lossy).has_error());
}

}  // namespace
}  // namespace taizhang::catalog_test
