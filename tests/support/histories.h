// histories.h - made-up histories of one row, for the fold and its reference: of a field group, and of a small
// workflow.
#pragma once

#include "tests/support/reference_fold.h"

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace taizhang::reference {

using fold::Change;
using fold::Ref;
using fold::Rule;

namespace fields {

inline constexpr Rule kRules[] = {Rule::latest, Rule::authority, Rule::owner, Rule::keep_both,
                                  Rule::append, Rule::set,       Rule::sum};

/// An encoded number below 128.
const std::string& number_value(int n);
/// Changes of one group; what is not part of a test's product turns with `variant`.
std::vector<Change> new_history(int n, Rule rule, std::uint64_t variant);
/// A history as a careless world might write it: any bases, clocks, levels and standing.
std::vector<Change> random_history(Random& random, int n, Rule rule, bool all_may_stand = false);

}  // namespace fields

namespace workflow {

// A small state machine: a record is written, sent in, and closed, which freezes
// group 0 and leaves group 1 free. Only the city opens a closed record again.
inline constexpr int kDraft = 0, kSent = 1, kClosed = 2, kCancelled = 3;

enum Step { send, send_back, close, reopen, cancel };
inline constexpr int kSteps = 5;

struct StepRule {
    std::uint64_t from;
    int to;
    Level lowest;
    std::uint64_t freezes;
};
inline constexpr StepRule kStepRules[kSteps] = {
    {1u << kDraft, kSent, Level::branch, 0},
    {1u << kSent, kDraft, Level::township, 0},
    {1u << kDraft | 1u << kSent, kClosed, Level::township, 1},
    {1u << kClosed | 1u << kCancelled, kDraft, Level::city, 0},
    {1u << kDraft | 1u << kSent, kCancelled, Level::county, 0},
};
inline constexpr int kGroups = 2;

Change make_change(int n, int group, Level level);
Change make_step(int n, Step step, Level level);
Change make_put(int n, int group, Level level, Rule rule, int value);
Ref name_of(const Change& x);

class History {
public:
    explicit History(std::span<const Change> h) {
        for (const Change& x : h) by_name_.emplace(name_of(x), &x);
        for (const Change& x : h) look_back(past_[name_of(x)], x);
    }
    const std::set<Ref>& past(const Ref& x) const { return past_.at(x); }
    const Change& at(const Ref& x) const { return *by_name_.at(x); }

private:
    void look_back(std::set<Ref>& out, const Change& x) {
        for (const VersionId& b : x.base)
            if (out.insert({x.group, b}).second) look_back(out, *by_name_.at({x.group, b}));
        for (const Ref& r : x.reviewed)
            if (out.insert(r).second) look_back(out, *by_name_.at(r));
    }
    std::map<Ref, const Change*> by_name_;
    std::map<Ref, std::set<Ref>> past_;
};

struct Mix {
    int changes = 6;
    bool careless = false;         ///< bases and reviewed links at random, as no honest program would write them
    bool city_quarantined = true;  ///< whether devices of the city may be revoked as well
};

std::vector<Change> random_history(Random& random, const Mix& how);

}  // namespace workflow
}  // namespace taizhang::reference
