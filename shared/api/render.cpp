// The documents of command.cpp for people at a terminal.
#include "api/command.h"
#include "api/ledger_commands.h"
#include "api/person_commands.h"
#include "api/render_attachments.h"
#include "api/sheets.h"
#include "text/text.h"

#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace taizhang::api {

namespace json = boost::json;
using text::Msg;
using text::say;

namespace {

std::string plain(const json::value& v) {
    if (v.is_string()) return std::string(v.as_string());
    if (v.is_null()) return "—";
    if (v.is_double()) {
        char buf[40];
        std::snprintf(buf, sizeof buf, "%g", v.as_double());
        return buf;
    }
    std::string out;
    if (v.is_array())
        for (const auto& x : v.as_array()) out += (out.empty() ? "" : "、") + plain(x);
    else if (v.is_object())
        for (const auto& [k, x] : v.as_object()) out += (out.empty() ? "" : ", ") + std::string(k) + "=" + plain(x);
    else
        out = json::serialize(v);
    return out;
}

std::string at(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v ? plain(*v) : std::string();
}

/// Columns that a Chinese character takes on a terminal.
std::size_t width(std::string_view s) {
    std::size_t w = 0;
    for (const unsigned char c : s) {
        if ((c & 0xc0) == 0x80) continue;
        w += c >= 0xe3 && c < 0xf0 ? 2 : 1;
    }
    return w;
}

std::string fit(std::string_view s, std::size_t columns) {
    std::string out;
    std::size_t w = 0;
    for (std::size_t i = 0; i < s.size();) {
        std::size_t n = 1;
        while (i + n < s.size() && (static_cast<unsigned char>(s[i + n]) & 0xc0) == 0x80) ++n;
        const auto next = width(s.substr(i, n));
        if (w + next > columns) break;
        out += s[i] == '\n' ? std::string_view(" ") : s.substr(i, n);
        w += next;
        i += n;
    }
    out.append(columns - w, ' ');
    return out;
}

std::string render_code(const json::object& o) {
    std::string out = say(Msg::code_is, {at(o, "code"), at(o, "unit"), at(o, "expires")}) + "\n" +
                      say(Msg::code_hint, {at(o, "fingerprint")}) + "\n";
    const auto* servers = o.if_contains("servers");
    if (!servers || servers->as_array().empty()) return out;
    std::string list;
    for (const auto& s : servers->as_array()) list += (list.empty() ? "" : "  ") + std::string(s.as_string());
    return out + say(Msg::code_servers, {list}) + "\n";
}

std::string render_verified(const json::object& o) {
    auto out = say(Msg::verified_ok, {at(o, "commits")}) + "\n";
    if (!o.at("page_checksums").as_bool()) out += say(Msg::no_page_sums) + "\n";
    if (const auto* c = o.if_contains("checkpoint"))
        out += say(Msg::verified_since, {at(c->as_object(), "signed_by"), at(c->as_object(), "time"),
                                         at(c->as_object(), "chains"), at(c->as_object(), "commits")}) +
               "\n";
    return out;
}

struct TableColumn {
    const char* key;
    const char* title;
    std::size_t columns;
};

std::string table(const json::array& rows, const std::vector<TableColumn>& columns) {
    std::string out = "   # ";
    for (const auto& c : columns) out += fit(c.title, c.columns) + " ";
    out += "\n";
    int n = 0;
    for (const auto& row : rows) {
        const auto number = std::to_string(++n);
        out += std::string(4 - std::min<std::size_t>(4, number.size()), ' ') + number + " ";
        for (const auto& c : columns) out += fit(at(row.as_object(), c.key), c.columns) + " ";
        while (!out.empty() && out.back() == ' ') out.pop_back();
        out += "\n";
    }
    return out;
}

std::string side(const json::value& v) {
    if (!v.is_object()) return "—";
    const auto& o = v.as_object();
    return plain(o.at("value")) + "  [" + at(o, "level") + " " + at(o, "unit") +
           (at(o, "person").empty() ? "" : " " + at(o, "person")) + ", " + at(o, "time") +
           (o.contains("time_unverified") ? " 时间待核/unverified" : "") + "]";
}

std::string conflict(const json::object& c) {
    std::string out = "  " + at(c, "id") + "  " + at(c, "row") + " · " + at(c, "group") + "  (" + at(c, "rule") + ", " +
                      say(c.at("open").as_bool() ? Msg::open_conflict : Msg::decided) + ")\n";
    out += "      " + say(Msg::winner) + ": " + side(c.at("winner")) + "\n";
    for (const auto& l : c.at("losers").as_array()) out += "      " + say(Msg::loser) + ": " + side(l) + "\n";
    return out + "      " + say(Msg::why) + ": " + text::choose(at(c, "why")) + "\n";
}

/// An entity without a list of its own: a line each, what is filled in.
std::string plain_list(const json::array& rows) {
    std::string out;
    for (const auto& row : rows) {
        const auto& o = row.as_object();
        out += "  " + fit(at(o, "id"), 14);
        for (const auto& [key, v] : o)
            if (key != "id" && key != "_unit" && key != "needs_program" && !v.is_null())
                out += " " + std::string(key) + "=" + plain(v);
        out += "\n";
    }
    return out;
}

/// Which rows of a list wait for a newer program.
std::string unread_rows(const json::array& rows) {
    std::string ids;
    for (const auto& row : rows)
        if (row.as_object().contains("needs_program")) ids += (ids.empty() ? "" : " ") + at(row.as_object(), "id");
    return ids.empty() ? "" : "  " + say(Msg::needs_program_rows, {ids}) + "\n";
}

std::string render_catalog(const json::object& o) {
    if (const auto* shown = o.if_contains("text")) return std::string(shown->as_string());
    std::string out;
    for (const auto& line : o.at("changes").as_array()) out += "  " + text::choose(plain(line)) + "\n";
    const auto said = o.at("published").as_bool() ? Msg::catalog_published : Msg::catalog_would;
    return out + say(said, {at(o, "version"), std::to_string(o.at("changes").as_array().size())}) + "\n";
}

/// Commits that are only here, a sentence each; first those whose ledger is another office's by now.
std::string render_unsent(const json::array& rows) {
    std::string ours, others;
    for (const auto& row : rows) {
        const auto& o = row.as_object();
        const bool is_ours = o.at("in_scope").as_bool();
        (is_ours ? ours : others) +=
            "  " + std::string(is_ours ? "" : "! ") + text::choose(at(o, "zh") + " / " + at(o, "en")) + "\n";
    }
    return others + ours + say(Msg::n_records, {std::to_string(rows.size())}) + "\n";
}

std::string render_list(const Command& command, const json::array& rows) {
    if (rows.empty()) return say(Msg::no_records) + "\n";
    if (command.args[0] == "unsent") return render_unsent(rows);
    if (command.args[0] == "conflicts") {
        std::string out = say(Msg::conflicts_title) + "\n";
        for (const auto& c : rows) out += conflict(c.as_object());
        return out;
    }
    std::string out;
    if (command.args[0] == "tasks")
        out = table(rows, {{"id", "编号/id", 12},
                           {"title", "任务/task", 44},
                           {"status", "状态/state", 10},
                           {"deadline", "时限/deadline", 13},
                           {"target_value", "目标/target", 11},
                           {"light_zh", "灯/light", 8}});
    else if (command.args[0] == "rectifications")
        out = table(rows, {{"id", "编号/id", 14},
                           {"problem", "问题/problem", 44},
                           {"unit", "单位/unit", 16},
                           {"status", "状态/state", 10},
                           {"deadline", "时限/deadline", 13},
                           {"light_zh", "灯/light", 8}});
    else if (command.args[0] != "assignments" && command.args[0] != "todo")
        out = plain_list(rows);
    else
        out = table(rows, {{"id", "编号/id", 14},
                           {"title", "任务/task", 36},
                           {"unit", "单位/unit", 16},
                           {"status", "状态/state", 10},
                           {"value", "填报/value", 10},
                           {"verified_value", "核查/verified", 13},
                           {"deadline", "时限/deadline", 13},
                           {"light_zh", "灯/light", 8}});
    return out + unread_rows(rows) + say(Msg::n_records, {std::to_string(rows.size())}) + "\n";
}

/// What was written, without the keys that only link records.
std::string what_of(const json::object& what) {
    std::string out;
    for (const auto& [k, v] : what) {
        const bool is_link = k == "assignment_id" || k == "task_id" || k == "unit_id" || k == "parent_assignment_id";
        if (v.is_null() || is_link) continue;
        out += (out.empty() ? "" : ", ") + std::string(k) + "=" + plain(v);
    }
    return out;
}

std::string render_show(const json::object& o) {
    std::string out = at(o, "id") + "  (" + at(o, "entity") + ", " + at(o, "stream") + ")";
    if (!o.at("state").is_null()) out += "  " + say(Msg::state) + ": " + at(o, "state");
    out += "\n";
    for (const auto& [k, v] : o.at("fields").as_object())
        if (!v.is_null()) out += "  " + fit(k, 22) + " " + plain(v) + "\n";
    const auto& acks = o.at("acks").as_object();
    const bool city = acks.at("city").as_bool(), township = acks.at("township").as_bool();
    out += "  " +
           (city || township ? (township ? say(Msg::township_has) + (city ? "; " : "") : std::string()) +
                                   (city ? say(Msg::city_has) : std::string())
                             : say(Msg::not_yet)) +
           "\n";
    if (const auto n = o.at("needs_program").as_array().size(); n > 0)
        out += "  " + say(Msg::needs_program, {std::to_string(n)}) + "\n";
    if (!o.at("allowed").as_array().empty()) {
        out += "  " + say(Msg::allowed_now) + ":";
        for (const auto& a : o.at("allowed").as_array())
            out += " " + at(a.as_object(), "transition") + "(" + at(a.as_object(), "zh") + ")";
        out += "\n";
    }
    if (!o.at("conflict_details").as_array().empty()) {
        out += say(Msg::conflicts_title) + "\n";
        for (const auto& c : o.at("conflict_details").as_array()) out += conflict(c.as_object());
    }
    if (const auto& list = o.at("attachments").as_array(); !list.empty()) {
        out += say(Msg::attachments) + "\n";
        for (const auto& a : list) out += render_content(a.as_object());
    }
    out += say(Msg::history) + "\n";
    for (const auto& h : o.at("history").as_array()) {
        const auto& e = h.as_object();
        out += "  " + at(e, "time") + (e.contains("time_unverified") ? " 时间待核/unverified" : "") + "  " +
               at(e, "unit") + (at(e, "person").empty() ? "" : " " + at(e, "person"));
        if (at(e, "record") != at(o, "id")) out += "  " + at(e, "entity") + " " + at(e, "record");
        out += "  " + what_of(e.at("what").as_object());
        if (!e.at("accepted").as_bool()) out += "  ✗ " + say(Msg::not_accepted);
        if (!at(e, "why").empty()) out += "  — " + text::choose(at(e, "why"));
        if (e.contains("late_days")) out += "  (" + say(Msg::arrived_late, {at(e, "late_days")}) + ")";
        out += "\n";
    }
    if (!o.at("history_complete").as_bool()) out += "  " + say(Msg::history_elsewhere) + "\n";
    return out;
}

/// What the process that serves does about the link; empty when none serves or there is no hub above.
std::string render_agent(const json::value* v) {
    if (!v || !v->is_object()) return {};
    const auto& o = v->as_object();
    const auto state = at(o, "state");
    const auto& p = o.at("progress").as_object();
    std::string line = say(Msg::agent_resting, {at(o, "next_in_s")});
    if (state == "syncing") line = say(Msg::sync_progress, {at(p, "sent"), at(p, "to_send"), at(p, "received")});
    if (state == "offline") line = say(Msg::agent_offline);
    if (state == "failing") line = say(Msg::agent_failing, {at(o, "next_in_s"), text::choose(at(o, "last_error"))});
    if (o.at("live").as_bool()) line += "  " + say(Msg::agent_live);
    return "  " + line + "\n";
}

std::string render_status(const json::object& o) {
    std::string out = at(o, "unit") + " " + at(o, "unit_name") + "\n";
    out += "  " + say(Msg::unsent, {at(o, "unsent")}) + "\n";
    out += "  " + (o.at("last_sync").is_null() ? say(Msg::never_synced) : say(Msg::last_sync, {at(o, "last_sync")})) +
           "\n";
    out += render_agent(o.if_contains("agent"));
    const auto& acks = o.at("acks").as_object();
    out += "  " + say(Msg::township_has) + ": " + at(acks, "township") + "  " + say(Msg::city_has) + ": " +
           at(acks, "city") + "\n";
    out += "  " + say(Msg::open_conflicts, {at(o, "open_conflicts")}) + "  " + say(Msg::waiting, {at(o, "waiting")}) +
           "\n";
    if (!o.at("merged_into").is_null())
        out += "  " + say(Msg::merged_into, {at(o, "merged_into")}) + "\n";
    else if (o.at("closed").as_bool())
        out += "  " + say(Msg::unit_closed) + "\n";
    if (o.at("enrol_again").as_bool()) out += "  " + say(Msg::enrol_again) + "\n";
    for (const auto& s : o.at("out_of_scope").as_array())
        out += "  " + say(Msg::out_of_scope, {at(s.as_object(), "stream"), at(s.as_object(), "commits")}) + "\n";
    for (const auto& m : o.at("missing").as_array())
        out += "  " + say(Msg::bundle_missing, {text::choose(plain(m))}) + "\n";
    if (at(o, "needs_program") != "0") out += "  " + say(Msg::needs_program, {at(o, "needs_program")}) + "\n";
    for (const auto& line : o.at("notices").as_array()) out += "  ! " + text::choose(plain(line)) + "\n";
    if (const auto left = at(o.at("attachments").as_object(), "unsent"); left != "0")
        out += "  " + say(Msg::files_left, {left}) + "\n";
    return out + "  " + say(at(o, "clock") == "low" ? Msg::clock_low : Msg::clock_trusted) + "\n";
}

std::string render_status_line(const json::object& o) {
    std::string out =
        at(o, "unit") + " " + at(o, "unit_name") + ": " + say(Msg::unsent, {at(o, "unsent")}) + "; " +
        (o.at("last_sync").is_null() ? say(Msg::never_synced) : say(Msg::last_sync, {at(o, "last_sync")})) + "; " +
        say(Msg::open_conflicts, {at(o, "open_conflicts")});
    if (at(o, "waiting") != "0") out += "; " + say(Msg::waiting, {at(o, "waiting")});
    if (const auto n = o.at("notices").as_array().size(); n > 0) out += "; !" + std::to_string(n);
    return out + "\n";
}

/// A bar says more than its number: how much of twenty cells is full.
std::string bar(double share) {
    const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * 20 + 0.5);
    std::string out;
    for (std::size_t i = 0; i < 20; ++i) out += i < full ? "█" : "·";
    return out;
}

std::string figure(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    if (!v || v->is_null()) return fit("—", 9);
    char buf[24];
    std::snprintf(buf, sizeof buf, "%-9.4g", v->is_double() ? v->as_double() : static_cast<double>(v->as_int64()));
    return buf;
}

/// "of" with n: a rate that is an object {hits, of, rate}.
std::string rate_of(const json::object& m, std::string_view key) {
    const auto* v = m.if_contains(key);
    return v && v->is_object() ? figure(v->as_object(), "rate") : figure(m, key);
}

constexpr int kTooFew = 5;

std::string render_review(const json::object& o) {
    std::string out = say(Msg::review_title) + "\n\n" + say(Msg::review_gap) + "\n";
    out += "  " + fit("", 16) + fit("G1 填报−核查", 34) + fit("n", 5) + fit("G2 点−面", 10) + fit("G3 未落地", 11) +
           fit("G4 催办/支部", 14) + fit("G5 传统−新兴", 14) + fit("D1 不实", 9) + fit("D2 空转", 9) + "D4 推动\n";
    for (const auto& [name, v] : o.at("metrics").as_object().at("by_scope").as_object()) {
        const auto& m = v.as_object();
        const auto* g1 = m.if_contains("G1_reported_minus_verified");
        const auto* n = m.if_contains("n_verified");
        const bool few = n && n->is_int64() && n->as_int64() < kTooFew;
        out += "  " + fit(std::string(name), 16) + figure(m, "G1_reported_minus_verified") + " " +
               (few ? fit(say(Msg::too_few), 24) : bar(g1 && g1->is_double() ? g1->as_double() : 0) + "    ") +
               fit(at(m, "n_verified"), 5);
        out += figure(m, "G2_point_minus_surface") + " " + rate_of(m, "G3_not_landed_60d") + "  " +
               fit(figure(m, "G4_pushes_per_leaf"), 14) + fit(figure(m, "G5_traditional_minus_emerging"), 14);
        out += rate_of(m, "D1_false_completion") + rate_of(m, "D2_pure_forward") + rate_of(m, "D4_push_driven") + "\n";
    }
    out += "\n" + say(Msg::review_units) + "\n";
    for (const auto& u : o.at("units").as_array()) {
        const auto& unit = u.as_object();
        std::string lights;
        for (const auto& [colour, n] : unit.at("lights").as_object())
            if (n.is_int64() && n.as_int64() > 0) {
                const auto zh = colour == "green"    ? "绿"
                                : colour == "yellow" ? "黄"
                                : colour == "red"    ? "红"
                                : colour == "blue"   ? "蓝"
                                                     : "灰";
                lights += std::string(zh) + " " + plain(n) + "  ";
            }
        if (lights.empty()) continue;
        out += "  " + fit(at(unit, "id"), 8) + fit(at(unit, "name"), 36) + lights + "\n";
    }
    return out;
}

std::string render_saved(const json::object& o) {
    std::string out = say(Msg::saved, {at(o, "record")}) + "\n";
    for (const auto& n : o.at("notes").as_array()) out += "  " + text::choose(plain(n)) + "\n";
    return out;
}

std::string render_sql(const json::object& o) {
    std::string out;
    auto line = [&](const json::array& row) {
        for (std::size_t i = 0; i < row.size(); ++i) out += (i ? "\t" : "") + plain(row[i]);
        out += "\n";
    };
    line(o.at("columns").as_array());
    for (const auto& r : o.at("rows").as_array()) line(r.as_array());
    return out;
}

std::string render_export(const json::object& o) {
    std::string names;
    for (const auto& f : o.at("files").as_array()) names += (names.empty() ? "" : " ") + plain(f);
    std::string out = say(Msg::exported, {names, at(o, "commits"), at(o, "bytes")}) + "\n";
    if (at(o, "commits") == "0") return out + "  " + say(Msg::export_receipt) + "\n";
    return at(o, "to").empty() ? out + "  " + say(Msg::export_to_above) + "\n" : out;
}

std::string render_import(const json::object& o) {
    std::string out;
    for (const auto& v : o.at("files").as_array()) {
        const auto& f = v.as_object();
        out += say(Msg::bundle_taken,
                   {at(f, "file"), at(f, "unit"), at(f, "part"), at(f, "parts"), at(f, "taken"), at(f, "known")}) +
               "\n";
        if (at(f, "held") != "0") out += "  " + say(Msg::bundle_held, {at(f, "held")}) + "\n";
    }
    for (const auto& m : o.at("missing").as_array())
        out += "  " + say(Msg::bundle_missing, {text::choose(plain(m))}) + "\n";
    return out;
}

std::string render_devices(const json::array& list) {
    std::string out;
    for (const auto& d : list) {
        const auto& o = d.as_object();
        out += at(o, "unit") + "  " + at(o, "replica") + "  " + at(o, "key") + "  " + at(o, "label") +
               (o.at("revoked").as_bool() ? "  已吊销 / revoked" : "") + "\n";
    }
    return out;
}

}  // namespace

std::string render(const Command& command, const json::value& d) {
    const auto& name = command.name;
    if (name == "list") return render_list(command, d.as_array());
    if (name == "devices") return render_devices(d.as_array());
    if (name == "person") return render_person(command, d);
    if (name == "open") return plain(d.as_object().at("address")) + "\n";
    if (d.is_array() || name == "issue" || !d.as_object().contains("record")) {
        static const std::set<std::string> plain_ones = {
            "search",  "story", "decompose", "expected", "form",   "duplicates", "burden", "unanswered",
            "compare", "trend", "breakdown", "behind",   "do",     "page",       "units",  "meetings",
            "convene", "issue", "catalog",   "pulse",    "drafts", "openapi"};
        if (plain_ones.contains(name)) return render_plainly(d);
    }
    const auto& o = d.as_object();
    if (name == "show") return render_show(o);
    if (name == "status") return command.options.contains("short") ? render_status_line(o) : render_status(o);
    if (name == "review") return render_review(o);
    if (name == "publish") return render_catalog(o);
    if (name == "export") return render_export(o);
    if (name == "import") return render_import(o);
    if (name == "attach") return render_saved(o) + render_attached(o);
    if (name == "fetch") return render_contents(o);
    if (name == "file") return render_file(o);
    if (name == "files") return render_files(o);
    if (name == "backup")
        return say(Msg::backup_made, {at(o, "file"), at(o, "commits"), at(o, "bytes")}) + "\n" +
               (o.at("keys_wrapped").as_bool() ? std::string() : say(Msg::backup_keys_open, {at(o, "keys")}) + "\n");
    if (name == "checkpoint")
        return (o.contains("file") && o.at("streams").as_array().empty()
                    ? std::string()
                    : say(Msg::checkpoint_made, {std::to_string(o.at("streams").as_array().size()), at(o, "covered")}) +
                          "\n") +
               (o.contains("file") ? say(Msg::checkpoint_file, {at(o, "file"), at(o, "bytes")}) + "\n" : "");
    if (name == "unit") return say(Msg::unit_changed, {at(o, "id")}) + "\n";
    if (name == "compact") return say(Msg::compacted, {at(o, "bytes")}) + "\n";
    if (name == "restore") return say(Msg::restored, {at(o, "data"), at(o, "unit"), at(o, "commits")}) + "\n";
    if (name == "revoke") return say(Msg::revoked, {at(o, "revoked"), at(o, "quarantined")}) + "\n";
    if (name == "release") return say(Msg::released, {at(o, "released")}) + "\n";
    if (name == "export-city") return say(Msg::city_written, {at(o, "file"), at(o, "bytes")}) + "\n";
    if (name == "export-xlsx") return render_export_xlsx(o);
    if (name == "circular-docx") return render_circular_docx(o);
    if (name == "import-xlsx") return render_import_xlsx(o);
    if (name == "sql") return render_sql(o);
    if (name == "verify") return render_verified(o);
    if (name == "enrol" && o.contains("request")) return say(Msg::request_made, {at(o, "request")}) + "\n";
    if (name == "enrol" && o.contains("device"))
        return say(Msg::enrolled_by_file, {at(o, "unit"), at(o, "device")}) + "\n" +
               say(Msg::code_hint, {at(o, "fingerprint")}) + "\n";
    if (name == "enrol") return render_code(o);
    if (name == "digest") {
        std::string out;
        for (const auto& [k, v] : o) out += std::string(k) + "  " + plain(v) + "\n";
        return out;
    }
    return render_saved(o);
}

std::string render_sync(const json::object& o) {
    std::string out = say(Msg::sync_done, {at(o, "sent"), at(o, "received"), at(o, "round_trips"), at(o, "bytes_up"),
                                           at(o, "bytes_down")}) +
                      "\n";
    for (const auto& r : o.at("refused").as_array()) out += "  " + say(Msg::sync_refused, {plain(r)}) + "\n";
    if (const auto* told = o.if_contains("notices"))
        for (const auto& line : told->as_array()) out += "  ! " + text::choose(plain(line)) + "\n";
    out += "  " + say(Msg::unsent, {at(o, "unsent")}) + "\n";
    const auto* files = o.if_contains("files");
    return files ? out + render_files_synced(files->as_object()) : out;
}

}  // namespace taizhang::api
