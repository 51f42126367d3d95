#include "api/sheets.h"

#include "api/base64.h"
#include "api/new_file.h"
#include "ledger/circular.h"
#include "ledger/sheet_export.h"
#include "ledger/sheet_import.h"
#include "ledger/times.h"
#include "text/text.h"

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>
#include <optional>

namespace taizhang::api {

namespace json = boost::json;
using text::Msg;
using text::say;

namespace {

constexpr std::size_t kSheetFileMax = 32u << 20;

std::string shown(const json::object& o, std::string_view key) {
    const auto& v = o.at(key);
    if (v.is_null()) return "—";
    return v.is_string() ? std::string(v.as_string()) : json::serialize(v);
}

std::string one_line(std::string s) {
    for (auto& c : s)
        if (c == '\n') c = ' ';
    return s;
}

/// 任务台账-老码头社区-20260131.xlsx: what a person finds again among downloads.
std::string some_name(node::Node& n, const std::string& what, const std::string& of, const char* suffix) {
    std::string day;
    for (const char c : ledger::format_local(n.replica().now().ms).substr(0, 10))
        if (c >= '0' && c <= '9') day.push_back(c);
    auto name = what + "-" + (of.empty() ? "" : of + "-") + day + suffix;
    for (auto& c : name)
        if (std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos || static_cast<unsigned char>(c) < 32)
            c = '_';
    return name;
}

/// Onto the disk if a path was given, otherwise into the answer.
Result<> hand_over(const std::string& bytes, const std::string& path, std::string name, json::object& answer) {
    answer["bytes"] = static_cast<std::int64_t>(bytes.size());
    if (path.empty()) {
        answer["name"] = std::move(name);
        answer["base64"] = base64(bytes);
        return {};
    }
    answer["file"] = path;
    return node::write_file(path, bytes);
}

constexpr std::size_t kPastedRowsMax = 5000, kPastedColumnsMax = 100;

/// [["a","b"],["c","d"]]: rows of texts, as a browser reads them from the clipboard.
Result<std::vector<std::vector<std::string>>> cells_of(const std::string& text) {
    boost::system::error_code ec;
    const auto v = json::parse(text, ec);
    const auto bad = fail(Errc::bad_input, "贴入的内容不是表格 / what was pasted is not a table");
    if (ec || !v.is_array()) return bad;
    if (v.as_array().size() > kPastedRowsMax)
        return fail(Errc::bad_input,
                    "一次最多贴入 5000 行,再多请存成文件导入 / at most 5000 rows at once: import a file");
    std::vector<std::vector<std::string>> out;
    for (const auto& row : v.as_array()) {
        if (!row.is_array() || row.as_array().size() > kPastedColumnsMax) return bad;
        auto& cells = out.emplace_back();
        for (const auto& cell : row.as_array()) {
            if (!cell.is_string()) return bad;
            cells.emplace_back(cell.as_string());
        }
    }
    return out;
}

Result<ledger::SheetKind> kind_of(const std::string& name) {
    ledger::SheetKind kind{};
    if (ledger::find_kind(name, kind)) return kind;
    return fail(Errc::usage,
                "台账是 assignments(任务台账) rectifications(问题整改台账) attendance(调度会签到表);不是 '" + name +
                    "' / a ledger is assignments rectifications attendance; not '" + name + "'");
}

/// "G1,D1" or "none"; each must be one that a circular can give.
Result<std::set<std::string>> figures_of(const std::string& list) {
    std::set<std::string> out;
    for (std::size_t from = 0; from <= list.size() && list != "none";) {
        const auto to = std::min(list.find(',', from), list.size());
        const auto name = list.substr(from, to - from);
        if (std::none_of(std::begin(ledger::kCircularFigures), std::end(ledger::kCircularFigures),
                         [&](const char* known) { return name == known; }))
            return fail(Errc::usage, "--figures 用逗号分开,可选 checked mean G1 G3 G4 D1 D2 D4 或 none,不是 '" + name +
                                         "' / --figures is none or some of checked,mean,G1,G3,G4,D1,D2,D4; not '" +
                                         name + "'");
        out.insert(name);
        from = to + 1;
    }
    return out;
}

const char* name_of(office::Line line) {
    switch (line) {
        case office::Line::masthead: return "masthead";
        case office::Line::number: return "number";
        case office::Line::title: return "title";
        case office::Line::addressee: return "addressee";
        case office::Line::heading: return "heading";
        case office::Line::subheading: return "subheading";
        case office::Line::signer: return "signer";
        case office::Line::date: return "date";
        case office::Line::note: return "note";
        case office::Line::body: break;
    }
    return "body";
}

json::array paragraphs_json(const office::Document& d) {
    json::array out;
    for (const auto& p : d.paragraphs) out.push_back({{"line", name_of(p.line)}, {"text", p.text}});
    return out;
}

json::object saved_circular(const ledger::Saved& saved, const RowView& row) {
    json::array commits, notes;
    for (const auto& id : saved.commits)
        commits.push_back({{"replica", id.replica.hex()}, {"stream", id.stream.str()}, {"seq", id.seq.value}});
    for (const auto& note : saved.notes) notes.push_back(json::string(note));
    return {{"saved", true},
            {"record", saved.record},
            {"no", ledger::field_text(row, "no")},
            {"commits", std::move(commits)},
            {"notes", std::move(notes)}};
}

/// Composed, laid out, and taken back.
Result<json::value> circular_preview(Replica& r, const ledger::CircularInput& in) {
    json::object out;
    const auto taken_back = fail(Errc::usage, "dry run");
    const auto done = r.batch([&]() -> Result<> {
        TRY(const auto saved, ledger::compose_circular(r, in));
        TRY(const auto row, r.read_row("circular", saved.record));
        TRY(const auto document, ledger::circular_document(r, saved.record, in.facts));
        for (const char* field : {"no", "title", "text"}) out[field] = ledger::field_text(row, field);
        out["named"] = json::parse(ledger::field_text(row, "named"));
        out["paragraphs"] = paragraphs_json(document);
        return taken_back;
    });
    if (!done && done.error().detail != taken_back.detail) return done.error();
    return json::value(std::move(out));
}

}  // namespace

namespace {

class Export : public LongCommand {
public:
    explicit Export(const Command& c)
        : kind_(kind_of(c.args[0])), path_(c.args.size() > 1 ? c.args[1] : std::string()), unit_(c.option("unit")) {
        if (kind_) sheet_.emplace(*kind_, options_of(c));
    }

    Result<bool> read_some(node::Node& n) override {
        if (!kind_) return kind_.error();
        if (scratch_.empty()) TRY_VOID(begin(n));
        return sheet_->read_some(n.replica());
    }

    Result<json::value> make() override {
        const auto sheet = sheet_->make();
        if (!path_.empty()) TRY_VOID(check_is_new(path_));
        TRY(const auto bytes, office::write_xlsx(sheet.workbook, scratch_));
        json::object answer{{"kind", ledger::name_of(*kind_)}, {"rows", sheet.rows}};
        TRY_VOID(hand_over(bytes, path_, name_, answer));
        return json::value(std::move(answer));
    }

private:
    static ledger::ExportOptions options_of(const Command& c) {
        ledger::ExportOptions o;
        o.scope = {c.option("unit"), c.option("meeting")};
        o.with_unfinished = c.has("with-unfinished");
        return o;
    }

    Result<> begin(node::Node& n) {
        if (!path_.empty()) TRY_VOID(check_is_new(path_));
        const auto* unit = n.replica().control().unit(unit_);
        name_ = some_name(n, std::string(ledger::title_of(*kind_)), unit ? unit->name : "", ".xlsx");
        scratch_ = path_.empty() ? n.dir().path() + "/export.xlsx.new" : path_ + ".new";
        return {};
    }

    Result<ledger::SheetKind> kind_;
    std::string path_, unit_, name_, scratch_;
    std::optional<ledger::SheetExport> sheet_;
};

}  // namespace

std::unique_ptr<LongCommand> export_in_pieces(const Command& c) { return std::make_unique<Export>(c); }

Result<json::value> export_xlsx(node::Node& n, const Command& c) {
    Export work(c);
    for (;;) {
        TRY(const bool whole, work.read_some(n));
        if (whole) return work.make();
    }
}

Result<json::value> import_xlsx(node::Node& n, const Command& c) {
    ledger::SheetImportOptions o;
    o.dry_run = c.has("dry-run");
    o.new_tasks = c.has("new-tasks");
    o.person = c.option("person");
    o.meeting = c.option("meeting");
    o.sheet = c.option("sheet");
    json::object done;
    if (c.has("cells")) {
        TRY(const auto kind, kind_of(c.option("kind")));
        TRY(auto cells, cells_of(c.option("cells")));
        TRY(done, ledger::import_cells(n.replica(), kind, std::move(cells), o));
    } else if (c.has("bytes")) {  // by a browser, which names no path
        TRY(done, ledger::import_sheet(n.replica(), c.option("bytes"), o));
        done["file"] = c.option("name");
    } else {
        if (c.args.empty()) return fail(Errc::usage, "用法:import-xlsx FILE.xlsx / usage: import-xlsx FILE.xlsx");
        TRY(auto bytes, node::read_file(c.args[0], kSheetFileMax));
        TRY(done, ledger::import_sheet(n.replica(), std::move(bytes), o));
        done["file"] = c.args[0];
    }
    return json::value(std::move(done));
}

Result<json::value> circular(node::Node& n, const Command& c) {
    ledger::CircularInput in;
    const auto kind = c.has("kind") ? c.option("kind") : std::string("general");
    if (kind != "general" && kind != "special")
        return fail(Errc::usage, "--kind 是 general(综合)或 special(专项) / --kind is general or special");
    in.special = kind == "special";
    in.facts = &n.facts();
    in.about = c.args;
    in.issuer = c.option("issuer");
    in.title = c.option("title");
    in.period = c.option("period");
    in.number = c.option("no");
    in.demand = c.option("demand");
    in.text = c.option("text");
    in.person = c.option("person");
    if (c.has("figures")) {
        TRY(in.figures, figures_of(c.option("figures")));
    }
    if (c.has("dry-run")) return circular_preview(n.replica(), in);
    TRY(const auto saved, ledger::compose_circular(n.replica(), in));
    TRY(const auto row, n.replica().read_row("circular", saved.record));
    return json::value(saved_circular(saved, row));
}

Result<json::value> circular_docx(node::Node& n, const Command& c) {
    const auto path = c.args.size() > 1 ? c.args[1] : std::string();
    if (!path.empty()) TRY_VOID(check_is_new(path));
    TRY(const auto document, ledger::circular_document(n.replica(), c.args[0], &n.facts()));
    TRY(const auto bytes, office::write_docx(document));
    json::object answer{{"record", c.args[0]}, {"paragraphs", document.paragraphs.size()}};
    if (path.empty()) answer["lines"] = paragraphs_json(document);
    TRY(const auto row, n.replica().read_row("circular", c.args[0]));
    TRY_VOID(hand_over(bytes, path, some_name(n, ledger::field_text(row, "no"), "", ".docx"), answer));
    return json::value(std::move(answer));
}

std::string render_circular_docx(const json::object& o) {
    return say(Msg::document_written, {shown(o, "file"), shown(o, "record")}) + "\n";
}

std::string render_export_xlsx(const json::object& o) {
    return say(Msg::sheet_written, {shown(o, "file"), shown(o, "rows")}) + "\n";
}

std::string render_import_xlsx(const json::object& o) {
    std::string out;
    for (const auto& v : o.at("faults").as_array()) {
        const auto& f = v.as_object();
        out += "  ✗ " + say(Msg::sheet_place, {shown(f, "row"), shown(f, "column"), shown(f, "title")}) + ": " +
               text::choose(shown(f, "why")) + "\n";
    }
    for (const auto& v : o.at("rows").as_array()) {
        const auto& row = v.as_object();
        const auto action = shown(row, "action");
        const auto what = action == "create"   ? Msg::sheet_create
                          : action == "change" ? Msg::sheet_change
                          : action == "refuse" ? Msg::sheet_refuse
                                               : Msg::sheet_same;
        out += say(Msg::sheet_row, {shown(row, "row")}) + "  " + say(what) + "  " + shown(row, "record") + "\n";
        for (const auto& cell : row.at("cells").as_array()) {
            const auto& c = cell.as_object();
            out += "    " + shown(c, "column") + " " + shown(c, "title") + ": " + one_line(shown(c, "from")) + " → " +
                   one_line(shown(c, "to")) + "\n";
        }
        for (const auto& refused : row.at("refused").as_array()) {
            const auto& r = refused.as_object();
            out +=
                "    ✗ " + shown(r, "column") + " " + shown(r, "title") + ": " + text::choose(shown(r, "why")) + "\n";
        }
        for (const auto& note : row.at("notes").as_array())
            out += "    " + text::choose(std::string(note.as_string())) + "\n";
    }
    std::string ignored;
    for (const auto& t : o.at("ignored_columns").as_array())
        ignored += (ignored.empty() ? "" : "、") + one_line(std::string(t.as_string()));
    if (!ignored.empty()) out += say(Msg::sheet_ignored, {ignored}) + "\n";
    out += say(Msg::sheet_result, {shown(o, "created"), shown(o, "changed"), shown(o, "unchanged"), shown(o, "refused"),
                                   std::to_string(o.at("faults").as_array().size())}) +
           "\n";
    if (o.at("dry_run").as_bool()) out += say(Msg::sheet_dry_run) + "\n";
    return out;
}

}  // namespace taizhang::api
