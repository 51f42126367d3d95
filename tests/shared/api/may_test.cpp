#include "api/may.h"

#include "api/openapi.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <set>

namespace taizhang::api::may_test {
namespace {

using namespace people;

Who person(Roles roles) { return {"login", "某人", roles}; }

Command command(std::string name, std::vector<std::string> args = {}, std::map<std::string, std::string> options = {}) {
    Command c;
    c.name = std::move(name);
    c.args = std::move(args);
    c.options = std::move(options);
    return c;
}

TEST_CASE("roles: the table has every command of the API once, and no other", "[may]") {
    std::set<std::string> ruled;
    for (const auto& r : rules()) {
        INFO(r.command);
        CHECK(ruled.insert(r.command).second);
        CHECK((r.roles != 0 || r.look == Look::terminal));
    }
    auto known = known_commands();
    known.push_back("progress");  // of a serving program
    CHECK(ruled == std::set<std::string>(known.begin(), known.end()));
    for (const auto& spec : command_specs()) {
        INFO(spec.name);
        CHECK(ruled.contains(std::string(spec.name)));
    }
}

TEST_CASE("roles: what only reads is everybody's, what writes commits names a person", "[may]") {
    // Reads that show more than records, or write a file.
    const std::set<std::string> not_for_screens = {"sql", "export-city"};
    // Reads of who did what and on which PC, and one that takes long.
    const std::set<std::string> not_for_all = {"devices", "audit", "verify"};
    const std::set<std::string> no_commits = {"draft",      "sync",    "fetch",  "bundle",    "import",
                                              "person",     "enrol",   "revoke", "release",   "publish",
                                              "checkpoint", "compact", "files",  "enrol-here"};
    for (const auto& r : rules()) {
        INFO(r.command);
        if (r.look == Look::terminal) continue;
        if (!writes(r.command)) CHECK((r.roles == kEverybody) != not_for_all.contains(r.command));
        if (writes(r.command)) CHECK(r.is_signed != no_commits.contains(r.command));
    }
    for (const auto& name : not_for_screens) CHECK(rule_of(name)->look == Look::terminal);
}

TEST_CASE("roles: an administrator keeps the house and writes no records; nobody else keeps it", "[may]") {
    support::World w;
    for (const char* name : {"person", "enrol", "devices", "revoke", "release", "unit", "publish", "checkpoint",
                             "audit", "compact", "files"}) {
        INFO(name);
        CHECK(may(*w.city, person(kAdministrator), command(name)).has_value());
        for (const Roles r : {kClerk, kSecretary, kCityOfficer})
            CHECK(may(*w.city, person(r), command(name)).error().code == Errc::denied);
    }
    for (const char* name : {"report", "set", "new", "do", "resolve", "issue", "circular", "merge"}) {
        INFO(name);
        CHECK(may(*w.city, person(kAdministrator), command(name)).error().code == Errc::denied);
        CHECK(may(*w.city, person(kCityOfficer), command(name)).has_value());
    }
}

TEST_CASE("roles: files of the computer and all of its tables are for its terminal", "[may]") {
    support::World w;
    const Who all = person(kEverybody), owner{{}, {}, kEverybody};
    for (const auto& who : {all, owner}) {
        for (const char* name :
             {"sql", "export", "backup", "file", "export-city", "export-xlsx", "import-xlsx", "circular-docx"})
            CHECK(may(*w.city, who, command(name, {"x", "y"})).error().code == Errc::denied);
        CHECK(may(*w.city, who, command("import", {"/etc/passwd"})).error().code == Errc::denied);
        CHECK(may(*w.city, who, command("attach", {"A1", "/etc/passwd"})).error().code == Errc::denied);
        CHECK(may(*w.city, who, command("publish", {"/etc/passwd"})).error().code == Errc::denied);
        CHECK(may(*w.city, who, command("enrol", {"out"}, {{"answer", "x"}})).error().code == Errc::denied);
        CHECK(may(*w.city, who, command("verify", {}, {{"checkpoint", "x"}})).error().code == Errc::denied);
        CHECK(may(*w.city, who, command("checkpoint", {}, {{"out", "x"}})).error().code == Errc::denied);
        CHECK(may(*w.city, who, command("import", {}, {{"bytes", "TZB"}})).has_value());
    }
}

TEST_CASE("roles: a clerk drafts and reports, the secretary applies, those below are an officer's", "[may]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    const auto b = w.device("B01");
    const auto clerk = person(kClerk), secretary = person(kSecretary);
    auto refused = [](const Result<>& r) { return !r && r.error().code == Errc::denied; };
    CHECK(may(**b, clerk, command("report", {"A1"})).has_value());
    CHECK(may(**b, clerk, command("do", {"acknowledge", "A1"})).has_value());
    CHECK(refused(may(**b, clerk, command("do", {"apply_close_out", "A1"}))));
    CHECK(refused(may(**b, clerk, command("do", {"request_extension", "A1"}))));
    CHECK(may(**b, secretary, command("do", {"apply_close_out", "A1"})).has_value());
    CHECK(refused(may(**b, secretary, command("do", {"close_out", "A1"}))));
    CHECK(refused(may(**b, clerk, command("new", {"appeal", "about=A1"}))));
    CHECK(may(**b, secretary, command("new", {"appeal", "about=A1"})).has_value());
    CHECK(may(**b, clerk, command("new", {"help_request", "unit_id=B01"})).has_value());
    CHECK(refused(may(**b, clerk, command("resolve", {"x"}))));
    CHECK(may(**b, secretary, command("resolve", {"x"})).has_value());
    CHECK(refused(may(**b, secretary, command("new", {"task", "title=x"}))));

    // What was a unit's that was merged into the own one is the own one's; a neighbour's is not.
    const auto other = w.device("B02");
    const std::string merged = R"({"id":"B01","parent_id":"K1-01","level":"branch","name":"B01","merged_into":"B02"})";
    REQUIRE(w.city->append_control("unit", merged).has_value());
    w.sync(*other);
    CHECK(may(**other, clerk, command("set", {"A1", "remark=x"})).has_value());
    CHECK(may(**b, clerk, command("set", {"A1", "remark=x"})).has_value());  // the ledger says that it only reads

    // The same record, seen from above.
    const auto town = w.device("K1-01");
    const auto officer = person(kTownshipOfficer);
    CHECK(refused(may(**town, secretary, command("set", {"A1", "remark=x"}))));
    CHECK(refused(may(**town, clerk, command("new", {"verification", "unit_id=B01"}))));
    CHECK(refused(may(**town, clerk, command("new", {"rectification", "responsible_unit_id=B01"}))));
    CHECK(may(**town, officer, command("set", {"A1", "remark=x"})).has_value());
    CHECK(may(**town, officer, command("do", {"pass_first", "A1"})).has_value());
    CHECK(may(**town, officer, command("new", {"verification", "unit_id=B01"})).has_value());
}

TEST_CASE("roles: a branch takes its own workbook in, an office's officers those of the units below", "[may]") {
    support::World w;
    const auto b = w.device("B01"), town = w.device("K1-01");
    const auto in = command("import-xlsx", {}, {{"bytes", "PK"}});
    CHECK(may(**b, person(kSecretary), in).has_value());
    CHECK(may(**b, person(kClerk), in).has_value());
    CHECK(may(**b, person(kAdministrator), in).error().code == Errc::denied);
    CHECK(may(**town, person(kSecretary), in).error().code == Errc::denied);
    CHECK(may(**town, person(kTownshipOfficer), in).has_value());
    CHECK(refusals(**town, person(kClerk)).at("commands").as_object().contains("import-xlsx"));
    CHECK_FALSE(refusals(**b, person(kClerk)).at("commands").as_object().contains("import-xlsx"));
    // Taking a ledger out is reading.
    CHECK(may(**b, person(kClerk), command("export-xlsx", {"assignments"})).has_value());
    CHECK(may(**b, person(kSecretary), command("circular-docx", {"TB-1"})).has_value());
    CHECK(may(**b, person(kSecretary), command("burden")).has_value());
    CHECK(may(**b, person(kSecretary), command("stocktake", {"x"})).error().code == Errc::denied);
}

TEST_CASE("roles: a refusal is one line in both languages and says whose it is", "[may]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    const auto b = w.device("B01");
    const auto no = may(**b, person(kClerk), command("do", {"apply_close_out", "A1"}));
    REQUIRE_FALSE(no.has_value());
    CHECK(no.error().detail.find("书记") != std::string::npos);
    CHECK(no.error().detail.find(" / your role (clerk)") != std::string::npos);
    CHECK(no.error().detail.find('\n') == std::string::npos);
    // A branch has no officers: the office above is named instead.
    CHECK(may(**b, person(kSecretary), command("issue")).error().detail.find("上级") != std::string::npos);

    const auto list = refusals(**b, person(kClerk));
    CHECK(list.at("commands").as_object().contains("issue"));
    CHECK_FALSE(list.at("commands").as_object().contains("report"));
    CHECK(list.at("steps").as_object().contains("assignment/apply_close_out"));
    CHECK_FALSE(list.at("steps").as_object().contains("assignment/acknowledge"));
    CHECK(list.at("entities").as_object().contains("task"));
    CHECK(refusals(**b, Who{{}, {}, kEverybody}).at("commands").as_object().empty());
}

}  // namespace
}  // namespace taizhang::api::may_test
