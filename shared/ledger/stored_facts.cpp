#include "ledger/stored_facts.h"

#include "ledger/times.h"

#include <boost/json.hpp>

#include <cmath>
#include <functional>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

using Row = sqlite::Statement;

/// One call of `f` for each row; an entity that the catalog does not have gives none.
Result<> each(Replica& r, const char* entity, const char* sql, const std::function<void(const Row&)>& f) {
    if (!r.control().newest(entity)) return {};
    TRY(auto s, r.database().prepare(sql, false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        f(s);
    }
}

std::string text(const Row& s, int col) { return std::string(s.text(col)); }
std::optional<Seconds> maybe_time(const Row& s, int col) {
    if (s.is_null(col)) return std::nullopt;
    const auto t = parse_time_seconds(s.text(col));
    return t ? std::optional(*t) : std::nullopt;
}
Seconds time(const Row& s, int col) { return maybe_time(s, col).value_or(0); }

UnitFact unit_fact(const Unit& u) {
    UnitFact f;
    f.id = u.id;
    f.parent_id = u.parent;
    f.name = u.name;
    f.short_name = u.short_name;
    f.level = u.level;
    boost::system::error_code ec;
    const auto v = json::parse(u.json, ec);
    if (ec || !v.is_object()) return f;
    const auto& o = v.as_object();
    auto flag = [&](const char* key) {
        const auto* x = o.if_contains(key);
        return x && x->is_bool() && x->as_bool();
    };
    f.is_demo_point = flag("is_demo_point");
    f.emerging = flag("emerging");
    f.has_emerging = o.contains("emerging");
    if (const auto* x = o.if_contains("field"); x && x->is_string()) f.field = std::string(x->as_string());
    return f;
}

TaskFact task_fact(const Row& s) {
    TaskFact t;
    t.id = text(s, 0);
    t.target = s.real(1);
    t.issued_at = time(s, 2);
    if (!s.is_null(3)) t.landing_days = static_cast<int>(s.integer(3));
    boost::system::error_code ec;
    const auto fields = json::parse(s.text(4), ec);
    if (!ec && fields.is_array())
        for (const auto& f : fields.as_array())
            if (f.is_string()) t.applies_to_fields.emplace_back(f.as_string());
    return t;
}

AssignmentFact assignment_fact(const Row& s) {
    AssignmentFact a;
    a.id = text(s, 0);
    a.task_id = text(s, 1);
    a.unit_id = text(s, 2);
    a.status = text(s, 3);
    a.level = level_from(s.text(4));
    a.received_at = time(s, 5);
    a.forwarded_at = maybe_time(s, 6);
    if (!s.is_null(7)) a.forward_text_similarity = s.real(7);
    return a;
}

}  // namespace

Result<Facts> facts_from_replica(Replica& r) {
    Facts f;
    for (const auto& id : r.control().units()) f.units.push_back(unit_fact(*r.control().unit(id)));
    TRY_VOID(each(
        r, "task",
        "SELECT id, target_value, issued_at, landing_days, coalesce(applies_to_fields, '[]') FROM task ORDER BY id",
        [&](const Row& s) { f.tasks.push_back(task_fact(s)); }));
    TRY_VOID(each(r, "assignment",
                  "SELECT id, task_id, unit_id, status, level, received_at, forwarded_at, forward_text_similarity FROM "
                  "assignment ORDER BY id",
                  [&](const Row& s) { f.assignments.push_back(assignment_fact(s)); }));
    TRY_VOID(each(r, "progress_report",
                  "SELECT id, assignment_id, unit_id, occurred_at, value, claims_complete, substantive FROM "
                  "progress_report ORDER BY id",
                  [&](const Row& s) {
                      f.reports.push_back({text(s, 0), text(s, 1), text(s, 2), time(s, 3), s.real(4), s.integer(5) != 0,
                                           s.integer(6) != 0});
                  }));
    TRY_VOID(
        each(r, "verification",
             "SELECT id, assignment_id, task_id, unit_id, at, verified_value FROM verification ORDER BY id",
             [&](const Row& s) {
                 f.verifications.push_back({text(s, 0), text(s, 1), text(s, 2), text(s, 3), time(s, 4), s.real(5)});
             }));
    TRY_VOID(each(r, "push", "SELECT assignment_id, unit_id, at FROM push ORDER BY id", [&](const Row& s) {
        f.pushes.push_back({text(s, 0), text(s, 1), time(s, 2)});
    }));
    TRY_VOID(each(r, "guidance", "SELECT assignment_id FROM guidance ORDER BY id",
                  [&](const Row& s) { f.guidance.push_back({text(s, 0)}); }));
    TRY_VOID(each(r, "help_request", "SELECT unit_id, asked_at, answered_at FROM help_request ORDER BY id",
                  [&](const Row& s) {
                      f.help.push_back({text(s, 0), time(s, 1), maybe_time(s, 2)});
                  }));
    TRY_VOID(each(
        r, "attendance", "SELECT unit_id, status, late_min, leave_approved FROM attendance ORDER BY id",
        [&](const Row& s) {
            f.attendance.push_back({text(s, 0), text(s, 1), static_cast<int>(std::ceil(s.real(2))), s.integer(3) != 0});
        }));
    return f;
}

}  // namespace taizhang::ledger
