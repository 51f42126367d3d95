// Lists: what is there, what is in conflict, and what to do next.
#include "ledger/audit.h"
#include "ledger/circular.h"
#include "ledger/conflicts.h"
#include "ledger/frequency.h"
#include "ledger/ledger.h"
#include "ledger/lights.h"
#include "ledger/row_light.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/unread.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr const char* kTaskRows =
    "SELECT id, no, title, category, deadline, indicator, target_value, indicator_unit, lead_unit_id, issued_at, "
    "status FROM task ORDER BY id";
// A city has half a million of them: reports and checks of others' records are not even looked at for a list of some.
std::string assignments_sql(bool is_of_units) {
    const std::string units = "(SELECT value FROM json_each(?1))";
    const std::string some =
        is_of_units ? " WHERE assignment_id IN (SELECT id FROM assignment WHERE unit_id IN " + units + ")" : "";
    return "SELECT a.id, a.task_id, t.title, a.unit_id, a.status, a.deadline, r.value, r.text, r.occurred_at AS "
           "reported_at, v.verified_value, t.target_value, t.indicator, t.indicator_unit, t.report_frequency, "
           "t.task_status, t.issued_at, a.received_at FROM assignment a LEFT JOIN (SELECT id, min(title) AS title, "
           "min(target_value) AS target_value, min(indicator) AS indicator, min(indicator_unit) AS indicator_unit, "
           "min(report_frequency) AS report_frequency, min(issued_at) AS issued_at, min(status) AS task_status FROM "
           "task GROUP BY id) t ON t.id = a.task_id "
           "LEFT JOIN (SELECT assignment_id, value, text, occurred_at FROM (SELECT *, row_number() OVER (PARTITION BY "
           "assignment_id ORDER BY unixepoch(occurred_at) DESC, id DESC) AS n FROM progress_report" +
           some +
           ") WHERE n = 1) r ON r.assignment_id = a.id "
           "LEFT JOIN (SELECT assignment_id, verified_value FROM (SELECT *, row_number() OVER (PARTITION BY "
           "assignment_id ORDER BY unixepoch(at) DESC, id DESC) AS n FROM verification" +
           some + ") WHERE n = 1) v ON v.assignment_id = a.id" + (is_of_units ? " WHERE a.unit_id IN " + units : "") +
           " ORDER BY a.id";
}

std::string rectifications_sql(bool is_of_units) {
    return std::string(
               "SELECT id, problem, source_type, responsible_unit_id AS unit_id, status, rectify_type, "
               "deadline, found_at, cycle, duplicate_of FROM rectification") +
           (is_of_units ? " WHERE responsible_unit_id IN (SELECT value FROM json_each(?1))" : "") + " ORDER BY id";
}

/// Where a record comes in the day's work: lower first.
int urgency(const json::object& o, const Workflow& flow) {
    const auto status = text_at(o, "status");
    if (status.starts_with("退回")) return 1;
    if (text_at(o, "light") == "red") return 2;
    const auto state = flow.state(status);
    for (const auto& t : flow.transitions)
        if (t.name == "acknowledge" && state >= 0 && (t.from >> state & 1)) return 3;
    return text_at(o, "light") == "yellow" || o.contains("due_this_period") ? 4 : 5;
}

/// A report is asked for in each week, month, …, and there is none yet in this one.
bool is_due_this_period(const json::object& o, Seconds now) {
    const auto frequency = Frequency::of(text_at(o, "report_frequency"));
    if (!frequency) return false;
    const auto last = parse_time_seconds(text_at(o, "reported_at"));
    return !last || !frequency->is_same_period(*last, now);
}

/// Problems that were merged into another ask nothing by themselves. Two offices without a link may merge in opposite
/// ways, so that each points at the other: of such a circle the lowest id goes on.
class Merged {
public:
    explicit Merged(const json::array& rows) {
        for (const auto& row : rows)
            if (auto into = text_at(row.as_object(), "duplicate_of"); !into.empty())
                into_[text_at(row.as_object(), "id")] = std::move(into);
    }
    bool is_away(const std::string& id) const {
        auto at = into_.find(id);
        if (at == into_.end()) return false;
        auto lowest = id;
        for (std::size_t steps = 0; at != into_.end() && steps <= into_.size(); ++steps) {
            if (at->second == id) return lowest != id;
            lowest = std::min(lowest, at->second);
            at = into_.find(at->second);
        }
        return true;
    }

private:
    std::map<std::string, std::string> into_;
};

/// Orders of those above to which the unit has not replied.
Result<json::array> open_orders(Replica& r, const std::string& unit) {
    if (!r.control().newest("supervision_order")) return json::array{};
    return rows_of(
        r,
        "SELECT id, 'supervision_order' AS kind, text AS title, unit_id, assignment_id, rectification_id, at, "
        "by_unit_id, reply_by, reply_by AS deadline, '写明答复:set ID reply=… / reply by: set ID reply=…' AS "
        "todo FROM supervision_order WHERE unit_id = ?1 AND coalesce(reply, '') = '' ORDER BY reply_by, id",
        {unit});
}

}  // namespace

Result<json::array> Ledger::list(const std::string& what) {
    if (what == "conflicts") return conflicts();
    if (what == "todo") return todo();
    if (what == "unsent") return unsent_entries(r_, own_unit());
    const bool has_list = what == "tasks" || what == "assignments" || what == "rectifications";
    const auto entity = has_list ? what.substr(0, what.size() - 1) : what;
    std::string known = "tasks assignments rectifications conflicts todo unsent";
    if (!has_list && !r_.control().newest(entity) && r_.control().needs_newer(entity) == 0) {
        for (const auto& b : r_.control().bindings()) known += " " + b->name;
        return fail(Errc::usage, "可列出:" + known + " / can list: " + known + "; not '" + what + "'");
    }
    TRY(auto rows, has_list ? records(entity) : plain_records(entity));
    TRY_VOID(mark_unread(r_, entity, rows));
    return rows;
}

/// Every column, for an entity that has no list of its own.
Result<json::array> Ledger::plain_records(const std::string& entity) {
    const auto* v = r_.control().newest(entity);
    if (!v) return json::array{};
    std::string sql = v->entity->uuid ? "SELECT lower(hex(t.id)) AS id" : "SELECT t.id";
    for (const auto& f : v->entity->fields) sql += ", t.\"" + f.name + "\"";
    if (v->entity->has_workflow()) sql += ", t.\"" + v->entity->workflow.field + "\"";
    return rows_of(
        r_, sql + ", s.unit AS _unit FROM \"" + entity + "\" t JOIN stream s ON s.no = t._s ORDER BY t.id, s.unit");
}

Result<json::array> Ledger::records(const std::string& entity, const std::string& of) {
    const auto* v = r_.control().newest(entity);
    if (!v) return json::array{};
    const bool is_some = !of.empty();
    TRY(auto rows, rows_of(r_,
                           entity == "task"         ? kTaskRows
                           : entity == "assignment" ? assignments_sql(is_some)
                                                    : rectifications_sql(is_some),
                           is_some ? std::vector<std::string>{of} : std::vector<std::string>{}));
    for (auto& row : rows) {
        auto& o = row.as_object();
        const auto light = row_light(r_, v->entity->workflow, o);
        o["light"] = name_of(light);
        o["light_zh"] = word_of(light);
        if (entity != "task") o["unit"] = unit_name(r_.control(), text_at(o, "unit_id"));
    }
    return rows;
}

Result<json::array> Ledger::conflicts(const std::string& row) {
    json::array out;
    TRY(const auto lines, r_.conflicts(row));
    std::set<std::pair<std::string, std::string>> done;
    for (const auto& line : lines) {
        if (!done.emplace(line.entity, line.row).second) continue;
        TRY(const auto view, r_.read_row(line.entity, line.row));
        for (const auto& c : conflicts_of(view)) out.push_back(to_json(r_.control(), view, c));
    }
    // What waits for somebody first.
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.at("open").as_bool() && !b.at("open").as_bool(); });
    return out;
}

namespace {

/// That unit and those that were merged into it: what was theirs to do is its to go on with (X08).
std::vector<std::string> with_merged(const ControlState& control, const std::string& unit) {
    std::vector<std::string> out{unit};
    for (const auto& u : control.units())
        if (u != unit && control.successor(u, control.head()) == unit) out.push_back(u);
    return out;
}

}  // namespace

Result<json::array> Ledger::todo() {
    struct Item {
        int rank;
        std::string deadline, id;
        json::object o;
    };
    std::vector<Item> items;
    const auto units = with_merged(r_.control(), own_unit());
    const std::set<std::string> ours(units.begin(), units.end());
    TRY(const auto open, conflicts());
    for (const auto& c : open)
        if (c.at("open").as_bool()) {
            json::object o = c.as_object();
            o["conflict_kind"] = std::exchange(o["kind"], "conflict");
            items.push_back({0, "", text_at(o, "id"), std::move(o)});
        }
    // A circular that names this unit: before what is merely near due.
    for (const auto& unit : units) {
        TRY(const auto circulars, circulars_naming(r_, unit));
        TRY(const auto orders, open_orders(r_, unit));
        for (const auto* list : {&circulars, &orders})
            for (const auto& v : *list) {
                const auto deadline = text_at(v.as_object(), "deadline");
                items.push_back({2, deadline.empty() ? "9999" : deadline, text_at(v.as_object(), "id"), v.as_object()});
            }
    }
    TRY(const auto due, circular_due(r_));
    for (const auto& v : due) {
        const auto& o = v.as_object();
        items.push_back({text_at(o, "light") == "red" ? 2 : 4, text_at(o, "deadline"), text_at(o, "id"), o});
    }
    const auto of = json::serialize(json::value_from(units));
    for (const char* entity : {"assignment", "rectification"}) {
        const auto* v = r_.control().newest(entity);
        if (!v) continue;
        TRY(auto rows, records(entity, of));
        TRY_VOID(mark_unread(r_, entity, rows, Unknown::left_out));
        const Merged merged(rows);
        for (auto& row : rows) {
            auto& o = row.as_object();
            const auto light = text_at(o, "light");
            const auto& flow = v->entity->workflow;
            const bool is_done = std::find(flow.done.begin(), flow.done.end(), text_at(o, "status")) != flow.done.end();
            if (merged.is_away(text_at(o, "id"))) continue;
            if (!ours.contains(text_at(o, "unit_id")) || is_done || light == "blue" || light == "grey") continue;
            o["kind"] = entity;
            if (!o.contains("title")) o["title"] = text_at(o, "problem");
            if (is_due_this_period(o, r_.now().ms / 1000)) o["due_this_period"] = true;
            TRY(const auto whole, show(text_at(o, "id")));
            o["acks"] = whole.at("acks");
            const auto rank = urgency(o, flow);
            auto deadline = text_at(o, "deadline");
            if (deadline.empty()) deadline = "9999";
            items.push_back({rank, std::move(deadline), text_at(o, "id"), std::move(o)});
        }
    }
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
        return std::tie(a.rank, a.deadline, a.id) < std::tie(b.rank, b.deadline, b.id);
    });
    json::array out;
    for (auto& i : items) out.push_back(std::move(i.o));
    return out;
}

}  // namespace taizhang::ledger
