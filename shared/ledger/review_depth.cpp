#include "ledger/review_depth.h"

#include "ledger/rows.h"
#include "ledger/sheet_records.h"

#include <algorithm>
#include <array>

namespace taizhang::ledger {
namespace {

constexpr const char* kCloseFirst = "close_first";  ///< the first review that closes; not the county's close_out

struct Pass {
    const char* passes;  ///< to the next review
    const char* closes;  ///< where it is the last one
};
constexpr std::array<Pass, kReviewLevels> kPasses = {
    {{"pass_first", kCloseFirst}, {"pass_second", "close_out"}, {"close_out", "close_out"}}};

/// How many reviews are behind the record; those awaiting a check stand in the catalog in their order.
int passed(const Workflow& flow, const std::string& state) {
    const auto& waiting = flow.awaiting_check;
    const auto it = std::find(waiting.begin(), waiting.end(), state);
    return it == waiting.end() ? -1 : static_cast<int>(it - waiting.begin());
}

bool closes_early(const RowView& row, const std::string& transition, int depth) {
    const bool is_closing = transition == "close_out" || transition == kCloseFirst;
    return is_closing && depth > 0 && passed(row.binding->newest->workflow, row.state) + 1 < depth;
}

/// The first of those that closes, where the depth is reached with it.
std::string meant(const RowView& row, const std::string& transition, int depth) {
    const auto& flow = row.binding->newest->workflow;
    const auto at = passed(flow, row.state);
    if (depth <= 0 || at < 0 || at >= kReviewLevels || at + 1 < depth) return transition;
    const auto& pass = kPasses[static_cast<std::size_t>(at)];
    return transition == pass.passes && flow.find(pass.closes) ? pass.closes : transition;
}

}  // namespace

Result<int> review_depth(Replica& r, const RowView& row) {
    if (!has_field(r, "task", "review_depth")) return 0;
    const auto id = field_text(row, row.entity == "assignment" ? "task_id" : "related_task_id");
    if (id.empty()) return 0;
    TRY(auto s, r.database().prepare("SELECT max(review_depth) FROM task WHERE id = ?1", false));
    s.bind(1, std::string_view(id));
    TRY(const bool there, s.step());
    return there ? static_cast<int>(std::clamp<std::int64_t>(s.integer(0), 0, kReviewLevels)) : 0;
}

Result<std::string> step_at_depth(const RowView& row, const std::string& transition, int depth) {
    if (transition == kCloseFirst && depth != 1)
        return fail(Errc::not_allowed, row.id + " 的任务没有定为一级审核,初审不能办结 / the task of " + row.id +
                                           " does not say that one review is enough: the first one cannot close it");
    auto step = meant(row, transition, depth);
    if (!closes_early(row, step, depth)) return step;
    const auto levels = std::to_string(depth);
    return fail(Errc::not_allowed, row.id + " 的任务要 " + levels + " 级审核,现在是" + row.state +
                                       ",请逐级审核 / the task of " + row.id + " asks for " + levels +
                                       " levels of review and it is " + row.state + ": review it step by step");
}

std::vector<const Transition*> allowed_at_depth(const RowView& row, int depth) {
    std::vector<const Transition*> out;
    for (const auto* t : row.allowed) {
        const bool is_first = t->name == kCloseFirst;
        const bool goes_on = meant(row, t->name, depth) != t->name;  // another step stands for it
        if ((is_first && depth != 1) || goes_on || closes_early(row, t->name, depth)) continue;
        out.push_back(t);
    }
    return out;
}

}  // namespace taizhang::ledger
