#include "ledger/assignments_seen.h"

#include "ledger/report_index.h"

namespace taizhang::ledger {

Result<> each_assignment(StoredFacts& facts, std::int64_t now_ms,
                         const std::function<void(const FactTable&, const AssignmentSeen&)>& see) {
    const auto* v = facts.replica().control().newest("assignment");
    if (!v) return {};
    TRY(const auto* t, facts.now());
    const auto& index = t->report_index();
    for (Index n = 0; n < t->assignments().size(); ++n) {
        const auto& a = t->assignments()[n];
        if (a.task == kNone) continue;  // others speak of it, it is not here
        LightDates in;
        in.state = t->states()[a.status];
        in.due = a.due;
        in.now_ms = now_ms;
        if (const auto* task = t->task(a.task)) {
            if (task->issued_at != 0) in.issued = task->issued_at;
            in.target = task->target;
            in.longest = task->report_within;
            in.is_task_stopped = task->is_stopped;
        }
        if (const auto reports = index.of(n); !reports.empty()) {
            const auto& latest = t->reports()[reports.back()];
            in.value = latest.value;
            in.reported = latest.occurred_at;
        }
        see(*t, {a.unit, a.task, a.status, light_of(v->entity->workflow, in), n, in.value});
    }
    return {};
}

}  // namespace taizhang::ledger
