// review_depth.h - how many levels verify before a record counts as reviewed: the task says it (`review_depth`).
//
// 1: the first review closes; 2: the second one; 3: all of them. A task that says nothing goes through all three, and a
// county or the city may close earlier, as ever. The depth counts when a reviewer acts: a record that has passed a step
// stays where it is when the task changes its mind. The task lies in another stream than the record, so the fold does
// not look at it: it knows the steps and who may take them, this says which of them the depth means.
//
// Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <string>
#include <vector>

namespace taizhang::ledger {

inline constexpr int kReviewLevels = 3;

/// The depth that the record's task asks for; 0: it says nothing, or there is no task here.
Result<int> review_depth(Replica& r, const RowView& row);

/// The step that a reviewer's `transition` means at that depth: the last review closes. Errc::not_allowed: it would
/// close before that many levels have looked.
Result<std::string> step_at_depth(const RowView& row, const std::string& transition, int depth);

/// Of what this node may do, what makes sense at that depth.
std::vector<const Transition*> allowed_at_depth(const RowView& row, int depth);

}  // namespace taizhang::ledger
