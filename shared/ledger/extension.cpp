#include "ledger/extension.h"

#include "ledger/sheet_records.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <algorithm>

namespace taizhang::ledger {
namespace {

constexpr const char* kNewDeadline = "new_deadline";

std::string typed(const Assignments& arguments, std::string_view name) {
    const auto it = std::find_if(arguments.begin(), arguments.end(), [&](const auto& a) { return a.first == name; });
    return it == arguments.end() ? std::string() : it->second;
}

Result<> check_date(const std::string& date) {
    if (is_calendar_date(date)) return {};
    return fail(Errc::bad_input,
                "new_deadline: 不是日期(2025-11-06):" + date + " / new_deadline: not a date (2025-11-06): " + date);
}

/// The date of the request that stands; empty when its history is not here.
std::string requested(const RowView& row) {
    const auto request = std::find_if(row.history.rbegin(), row.history.rend(),
                                      [](const auto& h) { return h.transition == "request_extension"; });
    if (request == row.history.rend()) return {};
    for (const auto& [name, value] : request->arguments)
        if (name == kNewDeadline && !value.is_null()) return value.display();
    return {};
}

bool is_issuer(Replica& r, const RowView& task) {
    const auto& control = r.control();
    const auto* own = control.cert(r.id());
    if (!own) return false;
    const auto& reach = control.authority(own->unit, control.head());
    return control.is_at_or_below(control.authority(task.stream.unit, control.head()), reach, control.head());
}

}  // namespace

Result<> check_extension_request(Replica& r, const RowView& row, const Assignments& arguments) {
    const auto wanted = typed(arguments, kNewDeadline), due = field_text(row, "deadline");
    if (wanted.empty())
        return fail(Errc::usage,
                    "申请延期要写明新的时限 new_deadline / request_extension needs --new_deadline, the new date");
    TRY_VOID(check_date(wanted));
    if (!due.empty() && wanted <= due)
        return fail(Errc::bad_input, "new_deadline: " + wanted + " 不晚于现在的时限 " + due +
                                         " / new_deadline: " + wanted + " is not later than the deadline, " + due);
    const auto end = parse_time_seconds(due);
    const auto now = r.now();
    if (!end || now.unverified || now.ms / 1000 < *end + kDaySeconds) return {};
    return fail(Errc::not_allowed, row.id + " 的时限 " + due + " 已过,延期要在到期前申请 / the deadline of " + row.id +
                                       ", " + due + ", is over: an extension is asked for before that");
}

Result<std::string> granted_deadline(Replica& r, const RowView& row, const Assignments& arguments) {
    auto date = typed(arguments, kNewDeadline);
    if (date.empty()) date = requested(row);
    if (date.empty())
        return fail(Errc::usage, row.id + " 的申请没有写时限,请写 new_deadline / the request for " + row.id +
                                     " names no date: give --new_deadline");
    TRY_VOID(check_date(date));
    if (row.entity != "assignment") return date;
    const auto task = r.read_row("task", field_text(row, "task_id"));
    if (!task) return date;
    const auto limit = field_text(*task, "deadline");
    if (limit.empty() || date <= limit || is_issuer(r, *task)) return date;
    const auto issuer = unit_name(r.control(), task->stream.unit);
    return fail(Errc::not_allowed, "new_deadline: " + date + " 晚于任务时限 " + limit + ",由下达单位 " + issuer +
                                       " 决定 / new_deadline: " + date + " is later than the task's deadline, " +
                                       limit + ": " + issuer + ", which issued it, decides");
}

}  // namespace taizhang::ledger
