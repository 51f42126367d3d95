#include "ledger/city_facts.h"

#include "ledger/rows.h"
#include "ledger/times.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

std::optional<double> number_of(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    if (!v || !v->is_number()) return std::nullopt;
    if (const auto* i = v->if_int64()) return static_cast<double>(*i);
    if (const auto* u = v->if_uint64()) return static_cast<double>(*u);
    return v->get_double();
}

bool flag_of(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v && v->is_bool() && v->get_bool();
}

std::optional<Seconds> maybe_time_of(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    if (!v || !v->is_string()) return std::nullopt;
    const auto seconds = parse_time_seconds({v->get_string().data(), v->get_string().size()});
    return seconds ? std::optional(*seconds) : std::nullopt;
}

Seconds time_of(const json::object& o, std::string_view key) { return maybe_time_of(o, key).value_or(0); }

int whole_of(const json::object& o, std::string_view key, int otherwise) {
    const auto v = number_of(o, key);
    if (!v) return otherwise;
    // Upwards, so that 10.5 minutes are more than 10.
    constexpr double limit = std::numeric_limits<int>::max();
    return static_cast<int>(std::clamp(std::ceil(*v), -limit, limit));
}

std::vector<std::string> texts_of(const json::object& o, std::string_view key) {
    std::vector<std::string> out;
    if (const auto* list = o.if_contains(key); list && list->is_array())
        for (const auto& x : list->get_array())
            if (x.is_string()) out.emplace_back(x.get_string().data(), x.get_string().size());
    return out;
}

UnitFact unit_of(const json::object& o) {
    UnitFact u;
    u.id = text_at(o, "id");
    u.parent_id = text_at(o, "parent_id");
    u.name = text_at(o, "name");
    u.short_name = text_at(o, "short");
    u.field = text_at(o, "field");
    u.kind = text_at(o, "kind");
    u.level = level_from(text_at(o, "level"));
    u.is_demo_point = flag_of(o, "is_demo_point");
    u.emerging = flag_of(o, "emerging");
    u.has_emerging = o.contains("emerging");
    return u;
}

TaskFact task_of(const json::object& o) {
    TaskFact t;
    t.id = text_at(o, "id");
    t.target = number_of(o, "target_value").value_or(0);
    t.issued_at = time_of(o, "issued_at");
    t.landing_days = whole_of(o, "landing_days", t.landing_days);
    t.applies_to_fields = texts_of(o, "applies_to_fields");
    t.unit_types = texts_of(o, "unit_types");
    const auto state = text_at(o, "status");
    t.is_asked = state != "草稿" && state != "已撤回" && text_at(o, "same_as_task_id").empty();
    return t;
}

AssignmentFact assignment_of(const json::object& o) {
    AssignmentFact a;
    a.id = text_at(o, "id");
    a.task_id = text_at(o, "task_id");
    a.unit_id = text_at(o, "unit_id");
    a.status = text_at(o, "status");
    a.level = level_from(text_at(o, "level"));
    a.received_at = time_of(o, "received_at");
    a.forwarded_at = maybe_time_of(o, "forwarded_at");
    a.forward_text_similarity = number_of(o, "forward_text_similarity");
    return a;
}

ReportFact report_of(const json::object& o) {
    ReportFact r;
    r.id = text_at(o, "id");
    r.assignment_id = text_at(o, "assignment_id");
    r.unit_id = text_at(o, "unit_id");
    r.occurred_at = time_of(o, "occurred_at");
    r.value = number_of(o, "value").value_or(0);
    r.claims_complete = flag_of(o, "claims_complete");
    r.substantive = flag_of(o, "substantive");
    return r;
}

VerificationFact verification_of(const json::object& o) {
    VerificationFact v;
    v.id = text_at(o, "id");
    v.assignment_id = text_at(o, "assignment_id");
    v.task_id = text_at(o, "task_id");
    v.unit_id = text_at(o, "unit_id");
    v.at = time_of(o, "at");
    v.value = number_of(o, "verified_value").value_or(0);
    return v;
}

}  // namespace

Facts facts_from_city(const CityFile& city) {
    Facts facts;
    const auto fill = [&city](auto& to, const char* list, auto convert) {
        const auto& records = city.of(list);
        to.reserve(records.size());
        for (const auto& o : records) to.push_back(convert(o));
    };
    fill(facts.units, "units", unit_of);
    fill(facts.tasks, "tasks", task_of);
    fill(facts.assignments, "assignments", assignment_of);
    fill(facts.reports, "progress_reports", report_of);
    fill(facts.verifications, "verifications", verification_of);
    fill(facts.pushes, "pushes", [](const json::object& o) {
        return PushFact{text_at(o, "assignment_id"), text_at(o, "unit_id"), time_of(o, "at")};
    });
    fill(facts.guidance, "guidance", [](const json::object& o) { return GuidanceFact{text_at(o, "assignment_id")}; });
    fill(facts.help, "help_requests", [](const json::object& o) {
        return HelpFact{text_at(o, "unit_id"), time_of(o, "asked_at"), maybe_time_of(o, "answered_at")};
    });
    for (const auto& meeting : city.of("meetings")) {
        const auto* rows = meeting.if_contains("attendance");
        if (!rows || !rows->is_array()) continue;
        for (const auto& row : rows->get_array()) {
            const auto* o = row.if_object();
            if (!o) continue;
            facts.attendance.push_back({text_at(*o, "unit_id"), text_at(*o, "status"), whole_of(*o, "late_min", 0),
                                        flag_of(*o, "leave_approved")});
        }
    }
    return facts;
}

}  // namespace taizhang::ledger
