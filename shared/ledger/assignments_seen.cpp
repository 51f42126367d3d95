#include "ledger/assignments_seen.h"

namespace taizhang::ledger {

namespace {

/// The latest report of each assignment, by its number; of two at the same time the one with the higher id.
std::vector<Index> latest_reports(const FactTable& t) {
    std::vector<Index> out(t.assignments().size(), kNone);
    for (Index i = 0; i < t.reports().size(); ++i) {
        auto& latest = out[t.reports()[i].assignment];
        if (latest == kNone || t.is_before(t.reports()[latest], t.reports()[i])) latest = i;
    }
    return out;
}

}  // namespace

Result<> each_assignment(StoredFacts& facts, std::int64_t now_ms,
                         const std::function<void(const FactTable&, const AssignmentSeen&)>& see) {
    const auto* v = facts.replica().control().newest("assignment");
    if (!v) return {};
    TRY(const auto* t, facts.now());
    const auto latest = latest_reports(*t);
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
        if (latest[n] != kNone) {
            in.value = t->reports()[latest[n]].value;
            in.reported = t->reports()[latest[n]].occurred_at;
        }
        see(*t, {a.unit, a.task, &t->states()[a.status], light_of(v->entity->workflow, in), n, in.value});
    }
    return {};
}

}  // namespace taizhang::ledger
