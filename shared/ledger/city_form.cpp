#include "ledger/city_form.h"

#include <algorithm>

namespace taizhang::ledger::city_form {
namespace {

constexpr bool must = true, may = false;

constexpr FileField kConnectivity[] = {
    {"zone", Kind::text, may}, {"link", Kind::text, may}, {"typical_offline_days", Kind::number, may}};
constexpr FileField kDevice[] = {
    {"os", Kind::text, may}, {"arch", Kind::text, may}, {"ram_gb", Kind::number, may}, {"disk", Kind::text, may}};
constexpr FileField kIndicator[] = {{"name", Kind::text, may},
                                    {"reported", Kind::number, may},
                                    {"verified", Kind::number, may},
                                    {"target", Kind::number, may}};
constexpr FileField kEvent[] = {{"at", Kind::time, must},
                                {"action", Kind::text, must},
                                {"by_unit_id", Kind::ref, may, "units"},
                                {"note", Kind::text, may}};
constexpr FileField kAttendance[] = {
    {"unit_id", Kind::ref, must, "units"}, {"expected", Kind::text, may},   {"actual_user_id", Kind::ref, may, "users"},
    {"status", Kind::text, must},          {"late_min", Kind::number, may}, {"leave_approved", Kind::boolean, may}};
constexpr FileField kNamed[] = {
    {"unit_id", Kind::ref, must, "units"}, {"problem_id", Kind::ref, may, "rectifications"}, {"text", Kind::text, may}};

constexpr FileField kUnits[] = {{"parent_id", Kind::ref, may, "units"},
                                {"name", Kind::text, must},
                                {"level", Kind::level, must},
                                {"kind", Kind::text, may},
                                {"field", Kind::text, may},
                                {"short", Kind::text, may},
                                {"county_kind", Kind::text, may},
                                {"members", Kind::number, may},
                                {"households", Kind::number, may},
                                {"site_area_sqm", Kind::number, may},
                                {"is_demo_point", Kind::boolean, may},
                                {"emerging", Kind::boolean, may},
                                {"connectivity", Kind::part, may, {}, kConnectivity},
                                {"device", Kind::part, may, {}, kDevice}};
constexpr FileField kUsers[] = {{"name", Kind::text, must},
                                {"unit_id", Kind::ref, must, "units"},
                                {"role", Kind::text, may},
                                {"title", Kind::text, may},
                                {"rank", Kind::text, may}};
constexpr FileField kTasks[] = {{"no", Kind::number, may},
                                {"title", Kind::text, must},
                                {"category", Kind::text, may},
                                {"source", Kind::text, may},
                                {"lead_unit_id", Kind::ref, may, "units"},
                                {"responsible_leader", Kind::text, may},
                                {"cooperating_units", Kind::refs, may, "units"},
                                {"issued_at", Kind::time, must},
                                {"deadline", Kind::date, may},
                                {"indicator", Kind::text, may},
                                {"indicator_unit", Kind::text, may},
                                {"target_value", Kind::number, must},
                                {"applies_to_fields", Kind::texts, must},
                                {"landing_days", Kind::number, may},
                                {"review_depth", Kind::number, may},
                                {"is_basic", Kind::boolean, may},
                                {"requirement", Kind::text, may},
                                {"report_frequency", Kind::text, may},
                                {"fields_to_fill", Kind::number, may},
                                {"scored", Kind::boolean, may},
                                {"basis", Kind::text, may},
                                {"priority", Kind::text, may}};
constexpr FileField kAssignments[] = {{"task_id", Kind::ref, must, "tasks"},
                                      {"unit_id", Kind::ref, must, "units"},
                                      {"parent_assignment_id", Kind::ref, may, "assignments"},
                                      {"received_at", Kind::time, must},
                                      {"signed_at", Kind::time, may},
                                      {"forwarded_at", Kind::time, may},
                                      {"forward_text_similarity", Kind::number, may},
                                      {"deadline", Kind::date, may},
                                      {"status", Kind::status, must, "assignment"},
                                      {"level", Kind::level, must},
                                      {"version", Kind::number, may}};
constexpr FileField kReports[] = {{"assignment_id", Kind::ref, must, "assignments"},
                                  {"task_id", Kind::ref, may, "tasks"},
                                  {"unit_id", Kind::ref, must, "units"},
                                  {"occurred_at", Kind::time, must},
                                  {"synced_at", Kind::time, may},
                                  {"value", Kind::number, must},
                                  {"claims_complete", Kind::boolean, must},
                                  {"substantive", Kind::boolean, must},
                                  {"evidence_count", Kind::number, may},
                                  {"text", Kind::text, may}};
constexpr FileField kVerifications[] = {{"assignment_id", Kind::ref, must, "assignments"},
                                        {"task_id", Kind::ref, must, "tasks"},
                                        {"unit_id", Kind::ref, must, "units"},
                                        {"at", Kind::time, must},
                                        {"method", Kind::text, may},
                                        {"verified_value", Kind::number, must},
                                        {"verified_by_unit_id", Kind::ref, may, "units"},
                                        {"notice_given", Kind::boolean, may}};
constexpr FileField kPushes[] = {{"assignment_id", Kind::ref, must, "assignments"},
                                 {"unit_id", Kind::ref, must, "units"},
                                 {"kind", Kind::text, may},
                                 {"at", Kind::time, must},
                                 {"by_unit_id", Kind::ref, may, "units"}};
constexpr FileField kGuidance[] = {{"assignment_id", Kind::ref, must, "assignments"},
                                   {"unit_id", Kind::ref, must, "units"},
                                   {"at", Kind::time, must},
                                   {"kind", Kind::text, may},
                                   {"text", Kind::text, may}};
constexpr FileField kHelp[] = {{"assignment_id", Kind::ref, may, "assignments"},
                               {"unit_id", Kind::ref, must, "units"},
                               {"to_unit_id", Kind::ref, may, "units"},
                               {"asked_at", Kind::time, must},
                               {"answered_at", Kind::time, may},
                               {"text", Kind::text, may}};
constexpr FileField kRectifications[] = {{"no", Kind::number, may},
                                         {"source_type", Kind::text, may},
                                         {"source_doc", Kind::text, may},
                                         {"found_at", Kind::day_or_time, may},
                                         {"responsible_unit_id", Kind::ref, must, "units"},
                                         {"problem", Kind::text, must},
                                         {"related_task_id", Kind::ref, may, "tasks"},
                                         {"rectify_type", Kind::text, may},
                                         {"measures", Kind::texts, may},
                                         {"goal", Kind::text, may},
                                         {"responsible_leader", Kind::text, may},
                                         {"responsible_person", Kind::text, may},
                                         {"deadline", Kind::date, may},
                                         {"status", Kind::status, must, "rectification"},
                                         {"result_text", Kind::text, may},
                                         {"evidence", Kind::texts, may},
                                         {"acceptance_standard", Kind::text, may},
                                         {"indicator", Kind::part, may, {}, kIndicator},
                                         {"cycle", Kind::number, may},
                                         {"events", Kind::rows, may, {}, kEvent}};
constexpr FileField kMeetings[] = {{"title", Kind::text, may},
                                   {"at", Kind::time, must},
                                   {"host_unit_id", Kind::ref, may, "units"},
                                   {"convener", Kind::text, may},
                                   {"required_rank", Kind::text, may},
                                   {"attendance", Kind::rows, may, {}, kAttendance}};
constexpr FileField kCirculars[] = {{"issuer", Kind::text, may},     {"kind", Kind::text, may},
                                    {"no", Kind::text, may},         {"period", Kind::text, may},
                                    {"issued_at", Kind::time, must}, {"named", Kind::rows, may, {}, kNamed}};
constexpr FileField kSubmissions[] = {{"unit_id", Kind::ref, must, "units"}, {"year", Kind::number, must},
                                      {"zugong_xinxi", Kind::number, may},   {"canyue_xinxi", Kind::number, may},
                                      {"wangping", Kind::number, may},       {"influential", Kind::number, may},
                                      {"scored", Kind::boolean, may}};

constexpr List kLists[] = {
    {"units", true, kUnits},
    {"users", true, kUsers},
    {"tasks", true, kTasks},
    {"assignments", true, kAssignments},
    {"progress_reports", true, kReports},
    {"verifications", true, kVerifications},
    {"pushes", true, kPushes},
    {"guidance", true, kGuidance},
    {"help_requests", true, kHelp},
    {"rectifications", true, kRectifications},
    {"meetings", true, kMeetings},
    {"circulars", true, kCirculars},
    {"submissions_register", false, kSubmissions},
};

constexpr std::string_view kAssignmentStates[] = {"草稿",   "待签收", "已签收",   "办理中", "待初审", "待复审",
                                                  "待终审", "退回",   "延期待批", "已办结", "已撤回", "已中止"};
constexpr std::string_view kRectificationStates[] = {"登记",   "待签收",   "制定方案", "整改中",   "待初审", "待复审",
                                                     "待终审", "退回整改", "延期待批", "持续整改", "已销号", "重启"};

}  // namespace

std::span<const List> lists() { return kLists; }

const List* list_named(std::string_view name) {
    const auto it = std::find_if(std::begin(kLists), std::end(kLists), [&](const List& l) { return l.name == name; });
    return it == std::end(kLists) ? nullptr : it;
}

std::span<const std::string_view> assignment_states() { return kAssignmentStates; }
std::span<const std::string_view> rectification_states() { return kRectificationStates; }

std::string shown_text(std::string_view text) {
    constexpr std::size_t max = 60;
    auto n = std::min(text.size(), max);
    while (n < text.size() && n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
    std::string out(text.substr(0, n));
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    if (n < text.size()) out += "…";
    return out;
}

Error line(const std::string& where, const std::string& chinese, const std::string& english) {
    return fail(Errc::bad_input, where + ": " + chinese + " / " + english);
}

std::string record_name(std::string_view list, std::size_t index, std::string_view id) {
    auto name = shown_text(list) + "[" + std::to_string(index) + "]";
    if (!id.empty()) name += " (" + shown_text(id) + ")";
    return name;
}

}  // namespace taizhang::ledger::city_form
