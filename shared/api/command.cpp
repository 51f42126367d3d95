#include "api/command.h"

#include "api/as_value.h"
#include "api/attachments.h"
#include "api/audit.h"
#include "api/export_city.h"
#include "api/files.h"
#include "api/ledger_commands.h"
#include "api/long_command.h"
#include "api/openapi.h"
#include "api/person_commands.h"
#include "api/publish.h"
#include "api/revoke.h"
#include "api/screen_commands.h"
#include "api/sheets.h"
#include "ledger/batch.h"
#include "ledger/review.h"
#include "ledger/times.h"
#include "ledger/tree.h"

#include <boost/json.hpp>

#include <algorithm>
#include <functional>

namespace taizhang::api {

namespace json = boost::json;

std::string Command::option(const std::string& key) const {
    const auto it = options.find(key);
    return it == options.end() ? std::string() : it->second;
}

std::string Command::encode() const {
    json::object o;
    o["command"] = name;
    json::array list;
    for (const auto& a : args) list.push_back(json::string(a));
    o["args"] = std::move(list);
    json::object opts;
    for (const auto& [k, v] : options) opts[k] = v;
    o["options"] = std::move(opts);
    return json::serialize(o);
}

Result<Command> Command::decode(std::string_view text) {
    boost::system::error_code ec;
    const auto v = json::parse(text, ec);
    if (ec || !v.is_object()) return fail(Errc::bad_input, "请求不是 JSON / the request is not JSON");
    Command c;
    const auto& o = v.as_object();
    auto as_text = [](const json::value& x) { return x.is_string() ? std::string(x.as_string()) : json::serialize(x); };
    if (const auto* n = o.if_contains("command"); n && n->is_string()) c.name = std::string(n->as_string());
    if (const auto* a = o.if_contains("args"); a && a->is_array())
        for (const auto& x : a->as_array()) c.args.push_back(as_text(x));
    if (const auto* p = o.if_contains("options"); p && p->is_object())
        for (const auto& [k, x] : p->as_object()) c.options[k] = as_text(x);
    return c;
}

json::value saved_json(const ledger::Saved& s) {
    json::object o;
    json::array commits, notes;
    for (const auto& c : s.commits)
        commits.push_back({{"replica", c.replica.hex()}, {"stream", c.stream.str()}, {"seq", c.seq.value}});
    for (const auto& n : s.notes) notes.push_back(json::string(n));
    o["saved"] = true;
    o["record"] = s.record;
    o["commits"] = std::move(commits);
    o["notes"] = std::move(notes);
    return o;
}

namespace {

using Run = std::function<Result<json::value>(node::Node&, const Command&)>;

struct Entry {
    bool writes;
    std::size_t args_min, args_max;
    const char* usage;
    Run run;
};

Result<json::value> report(node::Node& n, const Command& c) {
    ledger::ReportInput in;
    if (c.has("value")) in.value = c.option("value");
    in.text = c.option("text");
    in.extra = c.option("extra");
    in.claims_complete = c.has("claim-complete");
    in.no_change = c.has("no-change");
    return as_saved(n.ledger().report(c.args[0], in, c.option("person")));
}

Result<json::value> digest(node::Node& n, const Command& c) {
    TRY(const auto all, n.replica().digest());
    json::object o;
    for (const auto& [stream, hex] : all)
        if (!c.has("stream") || c.option("stream") == stream) o[stream] = hex;
    if (o.empty())
        return fail(Errc::not_found, "本机没有 " + c.option("stream") + " / no stream " + c.option("stream") + " here");
    return json::value(std::move(o));
}

constexpr std::size_t kFindingsMax = 1000;  ///< of a circular; nobody reads a longer one
constexpr std::size_t kSqlRowsMax = 100'000;

/// For people who know SQL: the tables are theirs to read.
Result<json::value> sql(node::Node& n, const Command& c) {
    TRY(auto s, n.replica().database().prepare_query(c.args[0]));
    json::array columns, rows;
    for (int i = 0; i < s.columns(); ++i) columns.push_back(json::string(s.column_name(i)));
    while (rows.size() < kSqlRowsMax) {
        TRY(const bool row, s.step());
        if (!row) break;
        json::array r;
        for (int i = 0; i < s.columns(); ++i) {
            switch (s.type(i)) {
                case sqlite::ColumnType::integer: r.push_back(s.integer(i)); break;
                case sqlite::ColumnType::real: r.push_back(s.real(i)); break;
                case sqlite::ColumnType::null: r.push_back(nullptr); break;
                case sqlite::ColumnType::blob: r.push_back(json::string(to_hex(s.blob(i)))); break;
                case sqlite::ColumnType::text: r.push_back(json::string(s.text(i))); break;
            }
        }
        rows.push_back(std::move(r));
    }
    return json::value{{"columns", std::move(columns)}, {"rows", std::move(rows)}};
}

Result<json::value> enrol_code(node::Node& n, const Command& c) {
    if (!c.has("unit")) return fail(Errc::usage, "请给出 --unit / give --unit");
    const auto& control = n.replica().control();
    if (const auto& next = control.successor(c.option("unit"), control.head());
        control.is_abolished(c.option("unit"), control.head()))
        return fail(Errc::not_allowed, c.option("unit") + " 已撤销,请为 " + next + " 发码 / " + c.option("unit") +
                                           " is closed: make a code for " + next);
    if (c.has("answer") || c.has("bytes")) return enrol_answer(n, c);
    TRY(const auto code, n.hub().new_code(c.option("unit")));
    // Both sides compare it, face to face or over the telephone. A city without keys has its server's name only.
    auto fingerprint = n.hub().fingerprint();
    if (fingerprint.empty())
        fingerprint = n.replica().control().root() + "-" + hash_of(view(n.replica().id().bytes)).hex().substr(0, 8);
    return json::value{{"code", code.code},
                       {"unit", c.option("unit")},
                       {"expires", ledger::format_local(code.expires_ms)},
                       {"fingerprint", fingerprint}};
}

Result<json::value> set(node::Node& n, const Command& c) {
    TRY(auto fields, assignments(c.args, 1));
    return as_saved(n.ledger().set(c.args[0], fields, c.option("person")));
}

/// Makes, renames, moves, merges, closes or splits a unit.
Result<json::value> unit(node::Node& n, const Command& c) {
    ledger::UnitChange u;
    u.id = c.args[0];
    if (c.has("name")) u.name = c.option("name");
    if (c.has("short")) u.short_name = c.option("short");
    if (c.has("parent")) u.parent = c.option("parent");
    if (c.has("level")) {
        u.level = level_from(c.option("level"));
        if (*u.level == Level::none)
            return fail(Errc::usage,
                        "--level 是 branch、township、county 或 city / --level is branch, township, county "
                        "or city");
    }
    u.merge_into = c.option("merge-into");
    u.abolish = c.has("abolish");
    u.split_from = c.option("split-from");
    for (std::size_t i = 1; i < c.args.size(); ++i) u.rows.push_back(c.args[i]);
    if (!u.rows.empty() && u.split_from.empty())
        return fail(Errc::usage, "记录编号只在拆分(--split-from)时给 / record ids go with --split-from only");
    TRY_VOID(heed_alone(n, c));
    return as_value(ledger::change_unit(n.replica(), u, c.option("person")));
}

/// Drops old history that the city's backup holds.
Result<json::value> compact(node::Node& n, const Command& c) {
    const auto text = c.has("keep-days") ? c.option("keep-days") : std::to_string(kKeepDays);
    char* end = nullptr;
    const auto days = std::strtoll(text.c_str(), &end, 10);
    if (text.empty() || *end != 0 || days < 0 || days > 36'500)
        return fail(Errc::usage, "--keep-days 要是天数 / --keep-days must be a number of days");
    TRY(const auto devices, n.hub().devices());
    const auto* own = n.replica().control().cert(n.replica().id());
    if (!devices.empty() || (own && own->unit == n.replica().control().root()))
        return fail(Errc::not_allowed,
                    "服务器保留全部历史,不精简 / a server keeps all history: nothing is dropped here");
    TRY(const auto bytes, n.replica().drop_old(n.replica().now().ms - days * ledger::kDayMs));
    return json::value{{"bytes", bytes}, {"keep_days", days}};
}

Result<json::value> create(node::Node& n, const Command& c) {
    TRY(auto fields, assignments(c.args, 1));
    return as_saved(n.ledger().create(c.args[0], fields, c.option("person")));
}

const std::map<std::string, Entry>& table() {
    static const std::map<std::string, Entry> t = {
        {"list",
         {false, 1, 1, "list tasks|assignments|rectifications|conflicts|todo|unsent|ENTITY",
          [](auto& n, const auto& c) { return as_value(n.ledger().list(c.args[0])); }}},
        {"show", {false, 1, 1, "show ID", [](auto& n, const auto& c) { return as_value(n.ledger().show(c.args[0])); }}},
        {"status",
         {false, 0, 0, "status [--short]",
          [](auto& n, const auto& c) { return as_value(n.ledger().status(!c.has("short"))); }}},
        {"report", {true, 1, 1, "report ASSIGNMENT --value V", report}},
        {"set", {true, 2, 200, "set ID FIELD=VALUE…", set}},
        {"new", {true, 1, 200, "new ENTITY FIELD=VALUE…", create}},
        {"publish", {true, 0, 1, "catalog [FILE.toml] [--dry-run]", publish}},
        {"page", {false, 1, 1, "page assignments|rectifications|help_requests|appeals", page}},
        {"issue", {true, 0, 60, "issue [FIELD=VALUE…] --level branch [--task ID] [--under UNIT] [--dry-run]", issue}},
        {"overview", {false, 0, 0, "overview [--unit ID]", overview}},
        {"units", {false, 0, 0, "units", units}},
        {"catalog", {false, 0, 0, "catalog", catalog}},
        {"pulse", {false, 0, 0, "pulse", pulse}},
        {"draft", {true, 1, 1, "draft KEY --value TEXT", draft}},
        {"drafts", {false, 0, 0, "drafts", drafts}},
        {"bundle", {true, 0, 0, "bundle [--to UNIT] [--all]", bundle}},
        {"do", {true, 2, 1 + ledger::kBatchMax, "do TRANSITION ID…", act_on}},
        {"search", {false, 1, 8, "search WORD…", search}},
        {"story", {false, 1, 1, "story ID", story}},
        {"undo", {true, 1, 50, "undo ID [FIELD…]", undo}},
        {"decompose", {true, 1, 500, "decompose TASK [UNIT…] [--guidance TEXT]", decompose}},
        {"expected", {false, 1, 1, "expected TASK [--unit U]", expected}},
        {"form", {false, 1, 1, "form TASK [--unit U]", form}},
        {"duplicates", {false, 0, 0, "duplicates [--unit U]", duplicates}},
        {"merge", {true, 2, 2, "merge DUPLICATE INTO", merge}},
        {"burden", {false, 0, 0, "burden [--unit U] [--month 2025-11] [--limit N] [--offset N]", burden}},
        {"meetings", {false, 0, 1, "meetings [MEETING] [--unit U] [--failed]", meetings}},
        {"convene", {true, 1, 500, "convene MEETING [UNIT…] [--expected WORDS]", convene}},
        {"unanswered", {false, 0, 0, "unanswered [--unit U]", unanswered}},
        {"stocktake", {true, 1, 1, "stocktake TITLE [--unit U]", stocktake}},
        {"compare", {false, 1, 2, "compare STOCKTAKE [OTHER]", compare}},
        {"trend", {false, 0, 0, "trend [--unit U] [--months N]", trend}},
        {"breakdown", {false, 1, 1, "breakdown unit|level|field|task|source [--unit U]", breakdown}},
        {"behind", {false, 1, 1, "behind FIGURE [--unit U] [--limit N] [--offset N]", behind}},
        {"openapi",
         {false, 0, 0, "openapi", [](auto&, const auto&) -> Result<json::value> { return json::value(openapi()); }}},
        {"resolve",
         {true, 1, 1, "resolve CONFLICT --pick mine|theirs|TEXT",
          [](auto& n, const auto& c) -> Result<json::value> {
              if (!c.has("pick"))
                  return fail(Errc::usage, "请给出 --pick mine|theirs|文字 / give --pick mine|theirs|TEXT");
              return as_saved(n.ledger().resolve(c.args[0], c.option("pick"), c.option("person")));
          }}},
        {"verify", {false, 0, 0, "verify [--checkpoint FILE]", verify}},
        {"audit", {false, 0, 0, "audit [--since T] [--until T] [--unit ID] [--person P] [--device D]", audit}},
        {"digest", {false, 0, 0, "digest", digest}},
        {"sql", {false, 1, 1, "sql \"SELECT …\"", sql}},
        {"review",
         {false, 0, 0, "review",
          [](auto& n, const auto& c) {
              return as_value(ledger::review(n.facts(), c.option("unit"), n.replica().now().ms));
          }}},
        {"enrol", {true, 0, 1, "enrol --unit ID [--answer REQUEST OUT]", enrol_code}},
        // What serves does it (server_office.cpp): it has the network.
        {"enrol-here",
         {true, 0, 0, "enrol-here",
          [](auto&, const auto&) -> Result<json::value> {
              return fail(Errc::usage,
                          "没有程序在服务,请用 enrol --server … --code … / nothing serves here: use enrol --server … "
                          "--code …");
          }}},
        {"devices", {false, 0, 0, "devices", devices}},
        {"person", {true, 1, 2, "person list|add|role|name|password|remove [LOGIN]", person}},
        {"revoke", {true, 1, 1, "revoke REPLICA [--none]", revoke}},
        {"release", {true, 3, 3, "release STREAM REPLICA SEQ", release}},
        {"export", {true, 1, 1, "export FILE.tzb [--to UNIT]", export_bundle}},
        {"import", {true, 0, 200, "import FILE.tzb…", import_bundles}},
        {"backup", {true, 1, 1, "backup FILE", backup}},
        {"unit", {true, 1, 200, "unit ID [--name N] [--parent P] [--merge-into U] [--abolish]", unit}},
        {"checkpoint", {true, 0, 0, "checkpoint [--out FILE]", checkpoint}},
        {"compact", {true, 0, 0, "compact [--keep-days N]", compact}},
        {"attach", {true, 2, 2, "attach ID FILE", attach}},
        {"fetch", {true, 1, 1, "fetch ID|HASH", fetch}},
        {"file", {true, 1, 1, "file ID|HASH --out FILE", file}},
        {"files", {true, 0, 0, "files [--quota-mb N] [--on-demand yes|no]", files}},
        {"export-xlsx", {false, 1, 2, "export-xlsx assignments|rectifications|attendance FILE.xlsx", export_xlsx}},
        {"circular", {true, 0, kFindingsMax, "circular ID… [--kind general|special]", circular}},
        {"export-city", {false, 1, 1, "export-city FILE.json", export_city}},
        {"circular-docx", {false, 1, 2, "circular-docx ID FILE.docx", circular_docx}},
        {"import-xlsx", {true, 0, 1, "import-xlsx FILE.xlsx [--dry-run]", import_xlsx}},
    };
    return t;
}

}  // namespace

Result<ledger::Assignments> assignments(const std::vector<std::string>& args, std::size_t from) {
    ledger::Assignments out;
    for (auto i = from; i < args.size(); ++i) {
        const auto eq = args[i].find('=');
        if (eq == 0 || eq == std::string::npos)
            return fail(Errc::usage,
                        "请写成 字段=值,不是 '" + args[i] + "' / write FIELD=VALUE, not '" + args[i] + "'");
        out.emplace_back(args[i].substr(0, eq), args[i].substr(eq + 1));
    }
    return out;
}

std::vector<std::string> known_commands() {
    std::vector<std::string> out{"sync"};
    for (const auto& [name, entry] : table()) out.push_back(name);
    return out;
}

bool is_known(const std::string& command) { return table().contains(command); }

bool writes(const std::string& command) {
    if (command == "sync") return true;
    const auto it = table().find(command);
    return it != table().end() && it->second.writes;
}

namespace {

/// Its line of the table, where the command has the form that the table asks for.
Result<const Entry*> entry_of(const Command& command) {
    const auto it = table().find(command.name);
    if (it == table().end())
        return fail(Errc::usage, "没有这个命令:" + command.name + " / no such command: " + command.name);
    const auto& e = it->second;
    if (command.args.size() < e.args_min || command.args.size() > e.args_max)
        return fail(Errc::usage, std::string("用法:") + e.usage + " / usage: " + e.usage);
    if (!is_line(command.option("person")))
        return fail(Errc::bad_input, "person: 姓名里有控制字符 / person: the name has control characters");
    return &e;
}

}  // namespace

Result<json::value> run(node::Node& node, const Command& command) {
    TRY(const auto* e, entry_of(command));
    return e->run(node, command);
}

std::unique_ptr<LongCommand> long_command(const Command& command) {
    return command.name == "export-xlsx" && entry_of(command) ? export_in_pieces(command) : nullptr;
}

}  // namespace taizhang::api
