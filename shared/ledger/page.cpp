#include "ledger/page.h"

#include "base/hash.h"
#include "ledger/list_indexes.h"
#include "ledger/row_light.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/unread.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <unordered_map>
#include <unordered_set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

/// One list: which rows there are, and what a row shows.
struct Shape {
    const char* entity;
    const char* more;  ///< joined for the rows that are shown, not for those that are counted
    const char* unit_column;
    const char* searched;  ///< a condition; "?" is what is looked for
    const char* columns;
    const char* order;
};

constexpr Shape kAssignmentPage{
    "assignment",
    " LEFT JOIN task t ON t.id = a.task_id",
    "a.unit_id",
    "(instr(a.id, ?) > 0 OR a.task_id IN (SELECT id FROM task WHERE instr(title, ?) > 0))",
    "a.id, a.task_id, t.title, a.unit_id, a.status, a.deadline, t.target_value, t.indicator, t.indicator_unit, "
    "t.issued_at, t.report_frequency, t.status AS task_status, a.result_text",
    "a.deadline, a.id"};
constexpr Shape kRectificationPage{
    "rectification",
    "",
    "a.responsible_unit_id",
    "(instr(a.id, ?) > 0 OR instr(a.problem, ?) > 0)",
    "a.id, a.problem, a.source_type, a.responsible_unit_id AS unit_id, a.status, a.rectify_type, a.deadline, "
    "a.found_at, a.cycle, a.result_text, a.related_task_id, a.duplicate_of",
    "a.deadline, a.id"};
constexpr Shape kHelp{"help_request",
                      "",
                      "a.unit_id",
                      "(instr(a.id, ?) > 0 OR instr(a.text, ?) > 0)",
                      "a.id, a.assignment_id, a.unit_id, a.to_unit_id, a.asked_at, a.text, a.answered_at, a.answer",
                      "coalesce(a.answered_at, '') <> '', a.asked_at, a.id"};
constexpr Shape kAppeals{"appeal",
                         "",
                         "a.unit_id",
                         "(instr(a.id, ?) > 0 OR instr(a.text, ?) > 0)",
                         "a.id, a.about, a.unit_id, a.to_unit_id, a.asked_at, a.text, a.answered_at, a.decision",
                         "coalesce(a.answered_at, '') <> '', a.asked_at, a.id"};

const Shape* shape_of(const std::string& what) {
    if (what == "assignments") return &kAssignmentPage;
    if (what == "rectifications") return &kRectificationPage;
    if (what == "help_requests") return &kHelp;
    if (what == "appeals") return &kAppeals;
    return nullptr;
}

/// The conditions as SQL with ?1, ?2, … and what is bound there.
struct Where {
    std::string sql = " WHERE 1";
    std::vector<std::string> bound;
    std::string place(std::string value) {
        bound.push_back(std::move(value));
        return "?" + std::to_string(bound.size());
    }
};

// Each set is read once for a page, not once for each of its rows: a small office has no index by assignment.
constexpr const char* kUnchecked =
    " AND a.id IN (SELECT assignment_id FROM progress_report)"
    " AND a.id NOT IN (SELECT assignment_id FROM verification WHERE assignment_id IS NOT NULL)";
constexpr const char* kUnguided =
    " AND a.id NOT IN (SELECT assignment_id FROM guidance WHERE assignment_id IS NOT NULL)";

Result<Where> where_of(Replica& r, const PageQuery& q, const Shape& shape) {
    Where w;
    const bool is_assignments = &shape == &kAssignmentPage;
    if ((q.unchecked || q.unguided) && !is_assignments)
        return fail(Errc::usage,
                    "unchecked 和 unguided 只用于 assignments / unchecked and unguided are for assignments");
    if (!q.unit.empty()) {
        const auto& control = r.control();
        if (!control.unit(q.unit)) return fail(Errc::not_found, "没有单位 " + q.unit + " / there is no unit " + q.unit);
        json::array ids;
        for (const auto& u : control.units())
            if (control.is_at_or_below(u, q.unit, control.head())) ids.push_back(json::string(u));
        w.sql += std::string(" AND ") + shape.unit_column + " IN (SELECT value FROM json_each(" +
                 w.place(json::serialize(ids)) + "))";
    }
    if (!q.states.empty()) {
        json::array states;
        for (const auto& s : q.states) states.push_back(json::string(s));
        w.sql += " AND a.status IN (SELECT value FROM json_each(" + w.place(json::serialize(states)) + "))";
    }
    if (!q.task.empty()) w.sql += " AND a.task_id = " + w.place(q.task);
    if (!q.search.empty()) {
        const auto wanted = w.place(q.search);
        w.sql += " AND ";
        for (const char* c = shape.searched; *c; ++c) w.sql += *c == '?' ? wanted : std::string(1, *c);
    }
    if (q.unanswered) w.sql += " AND a.answered_at IS NULL";
    if (q.unchecked) w.sql += kUnchecked;
    if (q.unguided) w.sql += kUnguided;
    return w;
}

void bind_all(sqlite::Statement& s, const Where& w);

/// Narrows the condition to a sample: whoever has the seed can draw it again and see that nobody was picked.
Result<> narrow_to_sample(Replica& r, const PageQuery& q, const Shape& shape, Where& w) {
    std::vector<std::pair<Hash, std::string>> drawn;
    TRY(auto s, r.database().prepare(std::string("SELECT a.id FROM ") + shape.entity + " a" + w.sql, false));
    bind_all(s, w);
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        std::string id(s.text(0));
        drawn.emplace_back(hash_of(q.seed + '\n' + id), std::move(id));
    }
    const auto kept = std::min({q.sample, kPageMax, drawn.size()});
    std::partial_sort(drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(kept), drawn.end(),
                      [](const auto& a, const auto& b) { return a.first.bytes < b.first.bytes; });
    json::array ids;
    for (std::size_t i = 0; i < kept; ++i) ids.push_back(json::string(drawn[i].second));
    w.sql += " AND a.id IN (SELECT value FROM json_each(" + w.place(json::serialize(ids)) + "))";
    return {};
}

void bind_all(sqlite::Statement& s, const Where& w) {
    for (std::size_t i = 0; i < w.bound.size(); ++i) s.bind(static_cast<int>(i) + 1, std::string_view(w.bound[i]));
}

/// The latest of an entity's records for each assignment of the page, in one pass over the table: a small office has no
/// index by assignment, and a query for each row would pass over it fifty times.
Result<> add_latest(Replica& r, json::array& rows, const char* sql, std::initializer_list<const char*> names) {
    json::array ids;
    std::unordered_map<std::string, json::object*> by_id;
    for (auto& row : rows) {
        auto& o = row.as_object();
        for (const char* name : names) o[name] = nullptr;
        by_id[text_at(o, "id")] = &o;
        ids.push_back(o.at("id"));
    }
    const auto wanted = json::serialize(ids);
    TRY(auto s, r.database().prepare(sql, false));
    s.bind(1, std::string_view(wanted));
    for (;;) {
        TRY(const bool there, s.step());
        if (!there) return {};
        const auto it = by_id.find(std::string(s.text(0)));
        if (it == by_id.end()) continue;
        int c = 0;
        for (const char* name : names) (*it->second)[name] = column_of(s, ++c);
    }
}

// The later one comes last and stays.
constexpr const char* kLatestReport =
    "SELECT assignment_id, value, text, occurred_at FROM progress_report WHERE assignment_id IN (SELECT value FROM "
    "json_each(?1)) ORDER BY unixepoch(occurred_at), id";
constexpr const char* kLatestVerification =
    "SELECT assignment_id, verified_value FROM verification WHERE assignment_id IN (SELECT value FROM json_each(?1)) "
    "ORDER BY unixepoch(at), id";

void add_light(Replica& r, const EntityVersion& v, json::object& o) {
    const auto light = row_light(r, v.entity->workflow, o);
    o["light"] = name_of(light);
    o["light_zh"] = word_of(light);
}

}  // namespace

Result<json::object> page(Replica& r, const PageQuery& q) {
    const auto* shape = shape_of(q.what);
    if (!shape)
        return fail(Errc::usage,
                    "可分页列出:assignments rectifications help_requests appeals / pages of: assignments "
                    "rectifications help_requests appeals; not '" +
                        q.what + "'");
    json::object out{{"total", 0}, {"offset", q.offset}, {"rows", json::array{}}};
    const auto* v = r.control().newest(shape->entity);
    if (!v) return out;
    TRY_VOID(ensure_list_indexes(r));
    const auto from = std::string(" FROM ") + shape->entity + " a";
    TRY(auto where, where_of(r, q, *shape));
    if (q.sample > 0) {
        TRY_VOID(narrow_to_sample(r, q, *shape, where));
        out["seed"] = q.seed;
    }
    {
        TRY(auto count, r.database().prepare("SELECT count(*)" + from + where.sql, false));
        bind_all(count, where);
        TRY(const bool row, count.step());
        if (row) out["total"] = count.integer(0);
    }
    // First which ones, then what they show: rows that are skipped are not joined with anything.
    const auto shown = "SELECT a.id" + from + where.sql + " ORDER BY " + shape->order + " LIMIT " +
                       std::to_string(std::min(q.limit, kPageMax)) + " OFFSET " + std::to_string(q.offset);
    TRY(auto s, r.database().prepare(std::string("SELECT ") + shape->columns + from + shape->more + " WHERE a.id IN (" +
                                         shown + ") ORDER BY " + shape->order,
                                     false));
    bind_all(s, where);
    auto& rows = out["rows"].as_array();
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        json::object o;
        for (int c = 0; c < s.columns(); ++c) o[s.column_name(c)] = column_of(s, c);
        o["unit"] = unit_name(r.control(), text_at(o, "unit_id"));
        rows.push_back(std::move(o));
    }
    if (shape == &kAssignmentPage) {
        TRY_VOID(add_latest(r, rows, kLatestReport, {"value", "text", "reported_at"}));
        TRY_VOID(add_latest(r, rows, kLatestVerification, {"verified_value"}));
    }
    if (v->entity->has_workflow())
        for (auto& row : rows) add_light(r, *v, row.as_object());
    TRY_VOID(mark_unread(r, shape->entity, rows, Unknown::left_out));
    return out;
}

json::array units(Replica& r, const std::vector<SeenDevice>& devices) {
    std::unordered_map<std::string, json::array> seen;
    for (const auto& d : devices)
        seen[d.unit].push_back({{"label", d.label}, {"last_seen", format_local(d.last_seen_ms)}});
    json::array out;
    const auto& control = r.control();
    for (const auto& id : control.units()) {
        const auto* u = control.unit(id);
        if (!u) continue;
        json::object o{{"id", u->id},     {"parent_id", u->parent}, {"level", taizhang::name_of(u->level)},
                       {"name", u->name}, {"short", u->short_name}, {"field", nullptr}};
        boost::system::error_code ec;
        const auto whole = json::parse(u->json, ec);
        if (!ec && whole.is_object())
            if (const auto* f = whole.as_object().if_contains("field")) o["field"] = *f;
        if (u->abolished) o["closed"] = true;
        if (!u->merged_into.empty()) o["merged_into"] = u->merged_into;
        if (const auto it = seen.find(id); it != seen.end()) o["devices"] = std::move(it->second);
        out.push_back(std::move(o));
    }
    return out;
}

namespace {

json::array strings(const std::vector<std::string>& list) {
    json::array out;
    for (const auto& s : list) out.push_back(json::string(s));
    return out;
}

json::object outline_of(const Workflow& flow) {
    json::array transitions;
    for (const auto& t : flow.transitions) {
        json::array from;
        for (std::size_t i = 0; i < flow.states.size(); ++i)
            if (t.from >> i & 1) from.push_back(json::string(flow.states[i]));
        json::object o{{"name", t.name},          {"zh", t.label.zh},          {"en", t.label.en},
                       {"from", std::move(from)}, {"needs", strings(t.needs)}, {"takes", strings(t.takes)}};
        o["to"] = t.to < 0 ? json::value(nullptr) : json::value(flow.states[static_cast<std::size_t>(t.to)]);
        transitions.push_back(std::move(o));
    }
    return {{"field", flow.field},
            {"states", strings(flow.states)},
            {"done", strings(flow.done)},
            {"suspended", strings(flow.suspended)},
            {"awaiting_check", strings(flow.awaiting_check)},
            {"transitions", std::move(transitions)}};
}

}  // namespace

json::object catalog_outline(Replica& r) {
    json::object entities;
    const auto* catalog = r.control().newest_catalog();
    if (!catalog) return {{"version", 0}, {"entities", std::move(entities)}};
    for (const auto& e : catalog->entities()) {
        json::array fields;
        for (const auto& f : e.fields) {
            json::object o{{"name", f.name},
                           {"zh", f.label.zh},
                           {"en", f.label.en},
                           {"type", taizhang::name_of(f.type)},
                           {"required", f.required}};
            if (f.length_max > 0) o["max"] = f.length_max;
            if (!f.choices.empty()) o["choices"] = strings(f.choices);
            fields.push_back(std::move(o));
        }
        json::object o{{"zh", e.label.zh}, {"en", e.label.en}, {"fields", std::move(fields)}};
        if (e.has_workflow()) o["workflow"] = outline_of(e.workflow);
        entities[e.name] = std::move(o);
    }
    return {{"version", catalog->version()}, {"entities", std::move(entities)}};
}

}  // namespace taizhang::ledger
