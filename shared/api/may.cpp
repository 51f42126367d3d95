#include "api/may.h"

#include "api/long_command.h"
#include "base/bytes.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace taizhang::api {

namespace json = boost::json;
using people::Roles;

namespace {

constexpr Roles kAny = people::kEverybody, kWriters = people::kWriters, kSigners = people::kSigners,
                kOfficers = people::kOfficers, kAdmin = people::kAdministrator;

// clang-format off
constexpr Rule kRules[] = {
    // What everybody may who has signed in: reading, syncing, carrying bundles, own drafts.
    {"list", kAny}, {"show", kAny}, {"status", kAny}, {"page", kAny}, {"overview", kAny}, {"units", kAny},
    {"catalog", kAny}, {"pulse", kAny}, {"search", kAny}, {"story", kAny}, {"expected", kAny}, {"form", kAny},
    {"duplicates", kAny}, {"burden", kAny}, {"meetings", kAny}, {"unanswered", kAny}, {"compare", kAny}, {"trend", kAny},
    {"breakdown", kAny}, {"behind", kAny}, {"openapi", kAny}, {"digest", kAny}, {"review", kAny},
    {"draft", kAny}, {"drafts", kAny}, {"sync", kAny}, {"progress", kAny}, {"fetch", kAny}, {"bundle", kAny},
    {"import", kAny},
    // Reads all of the log: long work for one store thread.
    {"verify", kSigners | kAdmin},
    // Records of the own unit; those of units below are an officer's.
    {"report", kWriters, Look::record, true}, {"set", kWriters, Look::record, true},
    {"undo", kWriters, Look::record, true}, {"attach", kWriters, Look::record, true},
    {"new", kWriters, Look::entity, true}, {"do", kWriters, Look::step, true},
    {"resolve", kSigners, Look::nothing, true},
    // What an office asks of those below.
    {"issue", kOfficers, Look::nothing, true}, {"decompose", kOfficers, Look::nothing, true},
    {"convene", kOfficers, Look::nothing, true},
    {"merge", kOfficers, Look::nothing, true}, {"stocktake", kOfficers, Look::nothing, true},
    {"circular", kOfficers, Look::nothing, true},
    // The office's own house.
    {"person", kAdmin}, {"enrol", kAdmin}, {"enrol-here", kAdmin}, {"devices", kAdmin}, {"revoke", kAdmin}, {"release", kAdmin},
    {"audit", kAdmin},
    {"unit", kAdmin, Look::nothing, true}, {"publish", kAdmin}, {"checkpoint", kAdmin}, {"compact", kAdmin},
    {"files", kAdmin},
    // Workbooks and documents as bytes; by a path they are the terminal's (check_paths).
    {"export-xlsx", kAny}, {"circular-docx", kAny}, {"import-xlsx", kWriters, Look::sheet, true},
    // Files of this computer by their names; every table there is.
    {"export", 0, Look::terminal}, {"backup", 0, Look::terminal}, {"file", 0, Look::terminal},
    {"export-city", 0, Look::terminal}, {"sql", 0, Look::terminal},
};
// clang-format on

/// Steps of a unit on its own records that a clerk takes; the others bind the unit and are the secretary's.
constexpr std::array<std::string_view, 3> kClerkSteps = {"acknowledge", "start", "resume"};
/// Kinds of records that speak for the unit.
constexpr std::array<std::string_view, 1> kSecretaryEntities = {"appeal"};

Error refused(const std::string& zh, const std::string& en) { return fail(Errc::denied, zh + " / " + en); }

Level own_level(Replica& r) {
    const auto& control = r.control();
    const auto* cert = control.cert(r.id());
    return cert ? cert->level : Level::none;
}

std::string own_unit(Replica& r) {
    const auto* cert = r.control().cert(r.id());
    return cert ? cert->unit : std::string();
}

/// The line names those of this office who may.
Result<> check(Replica& r, const Who& who, Roles needed) {
    if (who.is_owner() || who.roles & needed) return {};
    const auto here = needed & people::roles_at(own_level(r));
    if (!here)
        return refused("您的角色(" + people::zh_of(who.roles) + ")不能办这件事,由上级办理",
                       "your role (" + people::en_of(who.roles) + ") may not do this; it is for the office above");
    return refused(
        "您的角色(" + people::zh_of(who.roles) + ")不能办这件事,请由" + people::zh_of(here) + "办理",
        "your role (" + people::en_of(who.roles) + ") may not do this; it is for the " + people::en_of(here));
}

const Entity* entity_of(Replica& r, std::string_view name) {
    const auto* catalog = r.control().newest_catalog();
    return catalog ? catalog->find(name) : nullptr;
}

Roles for_step(const Transition& t) {
    if (!(t.by & kByUnit)) return kOfficers;
    const bool is_plain = std::find(kClerkSteps.begin(), kClerkSteps.end(), t.name) != kClerkSteps.end();
    return is_plain ? kWriters : kSigners;
}

Roles for_entity(const Entity& e) {
    if (e.audience == Audience::notice) return kOfficers;
    if (std::find(kSecretaryEntities.begin(), kSecretaryEntities.end(), e.name) != kSecretaryEntities.end())
        return kSigners;
    // Where every group, or the kind itself, is those above's to write.
    const bool is_above = !e.groups.empty() && std::all_of(e.groups.begin(), e.groups.end(), [](const Group& g) {
        return g.by != 0 && !(g.by & (kByUnit | kByBranch));
    });
    return is_above ? kOfficers : kWriters;
}

Result<> check_record(Replica& r, const Who& who, const std::string& id) {
    if (who.is_owner() || who.roles & kOfficers) return {};
    TRY(const auto found, r.find(id));
    const auto own = own_unit(r);
    const auto& control = r.control();
    for (const auto& row : found)
        // What was a unit's that was merged into the own one is the own one's to go on with.
        if ((row.stream.unit != own && control.successor(row.stream.unit, control.head()) != own) ||
            row.stream.audience == Audience::notice)
            return check(r, who, kOfficers);
    return {};
}

Result<> check_steps(Replica& r, const Who& who, const Command& c) {
    for (std::size_t i = 1; i < c.args.size(); ++i) {
        TRY(const auto found, r.find(c.args[i]));
        for (const auto& row : found) {
            const auto* e = entity_of(r, row.entity);
            const auto* t = e ? e->workflow.find(c.args[0]) : nullptr;
            TRY_VOID(check(r, who, t ? for_step(*t) : kOfficers));
        }
        TRY_VOID(check_record(r, who, c.args[i]));
    }
    return {};
}

/// The unit that a new record names is below: then it is an officer's.
Result<> check_new(Replica& r, const Who& who, const Command& c) {
    if (c.args.empty()) return {};
    const auto* e = entity_of(r, c.args[0]);
    if (!e) return {};  // refused by the ledger
    TRY_VOID(check(r, who, for_entity(*e)));
    if (e->home.empty()) return {};
    const auto own = own_unit(r);
    for (std::size_t i = 1; i < c.args.size(); ++i)
        if (c.args[i].starts_with(e->home + "=") && c.args[i].substr(e->home.size() + 1) != own)
            return check(r, who, kOfficers);
    return {};
}

/// A workbook writes what `set`, `report` and `new` would, row by row. A branch has its own records only; elsewhere the
/// rows may be those of any unit below.
Roles for_sheet(Replica& r) { return own_level(r) == Level::branch ? kWriters : kOfficers; }

/// Parts of commands that are more than the rest of them.
Result<> check_paths(const Command& c) {
    const bool by_path =
        (c.name == "import" && !c.has("bytes")) || (c.name == "enrol" && c.has("answer")) ||
        (c.name == "verify" && c.has("checkpoint")) || (c.name == "checkpoint" && c.has("out")) ||
        (c.name == "publish" && !c.args.empty()) || (c.name == "import-xlsx" && !c.args.empty()) ||
        ((c.name == "attach" || c.name == "export-xlsx" || c.name == "circular-docx") && c.args.size() > 1);
    if (!by_path) return {};
    return refused("要用这台电脑上的文件,请在终端办理", "this names a file of that computer: do it at its terminal");
}

}  // namespace

std::span<const Rule> rules() { return kRules; }

const Rule* rule_of(std::string_view command) {
    const auto it =
        std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& x) { return x.command == command; });
    return it == std::end(kRules) ? nullptr : it;
}

Result<> may(Replica& r, const Who& who, const Command& c) {
    const auto* rule = rule_of(c.name);
    if (!rule) return fail(Errc::usage, "没有这个命令:" + c.name + " / no such command: " + c.name);
    if (rule->look == Look::terminal)
        return refused("这件事只能在这台电脑的终端办理", "this is for the terminal of that computer only");
    TRY_VOID(check_paths(c));
    TRY_VOID(check(r, who, rule->roles));
    switch (rule->look) {
        case Look::record: return c.args.empty() ? Result<>() : check_record(r, who, c.args[0]);
        case Look::step: return check_steps(r, who, c);
        case Look::entity: return check_new(r, who, c);
        case Look::sheet: return check(r, who, for_sheet(r));
        case Look::nothing:
        case Look::terminal: break;
    }
    return {};
}

namespace {

Result<json::value> run_signed(node::Node& n, const Who& who, Command c) {
    TRY_VOID(may(n.replica(), who, c));
    const auto* rule = rule_of(c.name);
    // Whatever the browser says. In a command that writes nothing, a person is what is asked for.
    if (!who.is_owner() && rule->is_signed) c.options["person"] = who.name;
    if (rule->is_signed && c.option("person").empty() && !c.has("dry_run") && !c.has("dry-run"))
        return fail(Errc::usage, std::string(kNoPersonLine));
    const bool is_draft = c.name == "draft" && !c.args.empty();
    // Where several people sign in, nobody reads what another has typed and not saved.
    const std::string own = who.is_owner() ? std::string() : "@" + who.login + "/";
    if (is_draft) c.args[0] = own + c.args[0];
    TRY(auto document, run(n, c));
    if (c.name != "drafts" || who.is_owner()) return document;
    json::object mine;
    for (const auto& [key, value] : document.as_object())
        if (std::string_view(key).starts_with(own)) mine[std::string_view(key).substr(own.size())] = value;
    return json::value(std::move(mine));
}

/// What is refused is quoted in the line that says so, whatever somebody has typed or sent.
Error in_one_line(Error e) {
    e.detail = for_terminal(std::move(e.detail));
    std::replace_if(
        e.detail.begin(), e.detail.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    return e;
}

}  // namespace

Result<json::value> run_as(node::Node& n, const Who& who, Command c) {
    auto answer = run_signed(n, who, std::move(c));
    if (!answer) return in_one_line(std::move(answer).error());
    return answer;
}

Result<bool> read_some_as(node::Node& n, const Who& who, const Command& c, LongCommand& work) {
    const auto allowed = may(n.replica(), who, c);
    if (!allowed) return in_one_line(allowed.error());
    auto done = work.read_some(n);
    if (!done) return in_one_line(std::move(done).error());
    return done;
}

json::object refusals(Replica& r, const Who& who) {
    json::object commands, steps, entities;
    auto note = [](json::object& into, std::string_view name, const Result<>& verdict) {
        if (!verdict) into[name] = verdict.error().detail;
    };
    for (const auto& rule : kRules)
        if (rule.look != Look::terminal)
            note(commands, rule.command, check(r, who, rule.look == Look::sheet ? for_sheet(r) : rule.roles));
    if (const auto* catalog = r.control().newest_catalog())
        for (const auto& e : catalog->entities()) {
            note(entities, e.name, check(r, who, for_entity(e)));
            for (const auto& t : e.workflow.transitions) note(steps, e.name + "/" + t.name, check(r, who, for_step(t)));
        }
    const auto below = check(r, who, kOfficers);
    return {{"commands", std::move(commands)},
            {"steps", std::move(steps)},
            {"entities", std::move(entities)},
            {"below", below ? json::value(nullptr) : json::value(below.error().detail)}};
}

}  // namespace taizhang::api
