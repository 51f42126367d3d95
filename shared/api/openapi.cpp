#include "api/openapi.h"

#include "api/answers.h"
#include "api/command.h"

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr CommandSpec kSpecs[] = {
    {"list", "records: tasks, assignments, rectifications, conflicts, todo, unsent or any entity", "what", ""},
    {"show", "one record with its history", "id", ""},
    {"story", "a record's history in words", "id", ""},
    {"status", "what is unsent, the last sync, what waits", "", "short!"},
    {"report", "reports progress", "assignment", "value text extra claim-complete! no-change! person"},
    {"set", "edits fields", "id field=value…", "person"},
    {"undo", "takes back the last edit of this PC, by a new one", "id [field]…", "person"},
    {"new", "makes a record", "entity field=value…", "person"},
    {"do", "a step of the workflow, on one record or on many at once", "transition id…",
     "reason text new_deadline state person"},
    {"resolve", "settles a conflict", "conflict", "pick person"},
    {"search", "looks for words in all records", "words…", "limit"},
    {"decompose", "hands a task down to units below", "task [unit]…", "guidance deadline person"},
    {"expected", "who is expected by a task's scope, and who was not reached", "task", "unit"},
    {"form", "figures of a task's extra form fields", "task", "unit"},
    {"duplicates", "problems that read alike", "", "unit"},
    {"merge", "merges a problem into another of the same unit", "duplicate into", "person"},
    {"burden", "forms and fields asked of branches in a month, by the office that asks", "", "unit month limit offset"},
    {"meetings", "meetings with who failed what was asked, and what was decided", "[meeting]", "unit failed!"},
    {"convene", "says who has to come to a meeting", "meeting [unit]…", "expected person"},
    {"unanswered", "requests for help and appeals that wait, and who owes the answer", "", "unit"},
    {"stocktake", "freezes the figures under a title", "title", "unit person"},
    {"compare", "a stocktake beside another, or beside now", "stocktake [other]", ""},
    {"trend", "the figures month by month", "", "unit months"},
    {"breakdown", "counts by unit, level, field, task or source", "by", "unit"},
    {"behind", "the records behind a figure or a light", "figure", "unit limit offset"},
    {"review", "the consolidated review", "", "unit"},
    {"verify", "rebuilds all tables from the log and compares, and with a checkpoint file", "", "checkpoint"},
    {"audit", "who did what, when, on which device: one page of the log", "",
     "since until unit person device after limit"},
    {"digest", "digests of the streams", "", "stream"},
    {"sql", "one reading SQL statement", "select", ""},
    {"attach", "attaches a file", "id file", "name person"},
    {"fetch", "asks for contents that are not here", "id", ""},
    {"file", "writes a content to a file", "id", "out"},
    {"files", "room that contents take, and its limits", "", "quota-mb on-demand"},
    {"export", "writes a bundle", "file", "to all! max-mb files-mb"},
    {"import", "takes bundles", "file…", ""},
    {"backup", "backs up while serving", "file", "passphrase-file"},
    {"compact", "drops old history that the city's backup holds", "", "keep-days"},
    {"export-xlsx", "a ledger as a workbook: into a file, or in the answer", "kind [file]",
     "unit meeting with-unfinished!"},
    {"export-city", "all that is held, as a city file", "file", ""},
    {"import-xlsx", "takes in a workbook, or cells that were pasted", "[file]",
     "dry-run! sheet meeting new-tasks! kind cells person"},
    {"circular", "composes a circular from findings", "id…",
     "kind title period issuer no demand figures text dry-run! person"},
    {"circular-docx", "a circular as an official document: into a file, or in the answer", "id [file]", ""},
    {"enrol", "a one-time code for a device, or the answer to its request (a server)", "[out]", "unit answer"},
    {"enrol-here", "enrols this PC with an office above; without a code it says whose address that is (a branch's PC)",
     "", "server code fingerprint request!"},
    {"devices", "the enrolled devices (a server)", "", ""},
    {"person", "the accounts of this office; `add` and `password` take an option `password` as well", "what [login]",
     "role name"},
    {"revoke", "revokes a device (the city)", "replica", "none! alone!"},
    {"release", "lets one quarantined commit count (the city)", "stream replica seq", "alone!"},
    {"unit", "makes, renames, moves, merges, closes or splits a unit (the city)", "unit record…",
     "name short parent level merge-into abolish! split-from person alone!"},
    {"checkpoint", "signs what the city holds; into a file, what this node holds", "", "out"},
    {"publish", "looks at the catalog or publishes one (`catalog` on the command line)", "[file]",
     "dry-run! shipped! show! alone!"},
    {"page", "one page of a list", "what", "unit state task search unanswered! unchecked! unguided! offset limit seed"},
    {"issue", "hands a task down to all units of a level", "[field=value]…", "task under level person dry-run!"},
    {"overview", "counts by unit and task, for the pages of offices", "", "unit"},
    {"units", "the tree", "", ""},
    {"catalog", "labels, types, states and steps", "", ""},
    {"pulse", "whether something is new", "", ""},
    {"draft", "keeps what somebody typed and did not save", "key", "value"},
    {"drafts", "all of that", "", ""},
    {"bundle", "a bundle's bytes", "", "to all!"},
    {"sync", "syncs with the hub above, now", "", ""},
    {"openapi", "this description", "", ""},
};

std::vector<std::string> split(std::string_view s) {
    std::vector<std::string> out;
    while (!s.empty()) {
        const auto blank = s.find(' ');
        if (blank != 0) out.emplace_back(s.substr(0, blank));
        s = blank == std::string_view::npos ? std::string_view() : s.substr(blank + 1);
    }
    return out;
}

json::object text_schema() { return {{"type", "string"}}; }

/// The body of a POST: what the target does not say.
json::object body_of(const CommandSpec& c) {
    json::object options;
    for (auto name : split(c.options)) {
        const bool is_flag = name.back() == '!';
        if (is_flag) name.pop_back();
        options[name] =
            is_flag ? json::object{{"type", "string"}, {"description", "a flag: any value"}} : text_schema();
    }
    json::object properties{
        {"args", {{"type", "array"}, {"items", text_schema()}, {"description", std::string(c.args)}}},
        {"options", {{"type", "object"}, {"properties", std::move(options)}}}};
    return {
        {"content", {{"application/json", {{"schema", {{"type", "object"}, {"properties", std::move(properties)}}}}}}}};
}

json::object responses(std::string_view command) {
    const json::object error{
        {"description", "refused; one line, Chinese / English"},
        {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
    return {{"200",
             {{"description", "the document that --json prints"},
              {"content", {{"application/json", {{"schema", answer_schema(command)}}}}}}},
            {"400", error},
            {"403", error},
            {"404", error},
            {"default", error}};
}

json::object operation(const CommandSpec& c, bool is_post) {
    json::array parameters;
    if (!is_post)
        for (auto name : split(c.options)) {
            const bool is_flag = name.back() == '!';
            if (is_flag) name.pop_back();
            parameters.push_back({{"name", name}, {"in", "query"}, {"required", false}, {"schema", text_schema()}});
        }
    std::string id(c.name);
    json::object o{{"operationId", id}, {"summary", std::string(c.summary)}, {"x-args", std::string(c.args)}};
    if (is_post) o["requestBody"] = body_of(c);
    if (!parameters.empty()) o["parameters"] = std::move(parameters);
    o["responses"] = responses(c.name);
    return o;
}

/// Arguments of a reading command stand in the path: /api/show/{id}.
std::string path_of(const CommandSpec& c, json::array& parameters) {
    std::string path = "/api/" + std::string(c.name);
    for (auto name : split(c.args)) {
        if (name.front() == '[') break;
        const bool many = name.ends_with("…");
        if (many) name.resize(name.size() - std::string_view("…").size());
        path += "/{" + name + "}";
        parameters.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", text_schema()}});
        if (many) break;
    }
    return path;
}

}  // namespace

std::span<const CommandSpec> command_specs() { return kSpecs; }

json::object openapi() {
    json::object paths;
    for (const auto& c : kSpecs) {
        const std::string name(c.name);
        if (writes(name)) {
            paths["/api/" + name] = json::object{{"post", operation(c, true)}};
            continue;
        }
        json::array in_path;
        const auto path = path_of(c, in_path);
        auto get = operation(c, false);
        if (!in_path.empty()) {
            if (const auto* more = get.if_contains("parameters"))
                for (const auto& p : more->as_array()) in_path.push_back(p);
            get["parameters"] = std::move(in_path);
        }
        paths[path] = json::object{{"get", std::move(get)}};
    }
    auto schemas = answer_part_schemas();
    schemas["Error"] = json::object{
        {"type", "object"},
        {"properties",
         {{"error", {{"type", "object"}, {"properties", {{"code", text_schema()}, {"line", text_schema()}}}}}}}};
    return {{"openapi", "3.0.3"},
            {"info",
             {{"title", "Taizhang"},
              {"version", "1"},
              {"description", "The commands of docs/CLI.md over HTTP, for the PC itself only."}}},
            {"paths", std::move(paths)},
            {"components", {{"schemas", std::move(schemas)}}}};
}

}  // namespace taizhang::api
