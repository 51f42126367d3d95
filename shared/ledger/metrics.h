// metrics.h - the five gaps and the four habits, from plain records; no SQL, no clock.
//
// Definitions: docs/METRICS.md. Values keep full precision here; rounding to four
// decimals happens where they are printed. `std::nullopt` where a side is empty.
// n stands beside every figure; below kTooFew a screen says "too few".
#pragma once

#include "base/ids.h"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace taizhang::ledger {

inline constexpr int kTooFew = 5;

/// Times are seconds since 1970-01-01 UTC.
using Seconds = std::int64_t;

inline constexpr int kLateMinutes = 10;  ///< D3: whoever comes later than this was late

struct UnitFact {
    std::string id, parent_id, name, short_name, field;
    Level level = Level::none;
    bool is_demo_point = false, emerging = false, has_emerging = false;
    std::string kind = {};
};
struct TaskFact {
    std::string id;
    double target = 0;
    Seconds issued_at = 0;
    int landing_days = 60;
    std::vector<std::string> applies_to_fields, unit_types;  ///< no unit types: of any
    bool is_asked = true;       ///< not a draft, not withdrawn, and no other task's answers stand for its own
    bool is_stopped = false;    ///< withdrawn or suspended
    Seconds report_within = 0;  ///< the longest time between two reports; 0: no schedule
};
struct AssignmentFact {
    std::string id, task_id, unit_id, status;
    Level level = Level::none;
    Seconds received_at = 0;
    std::optional<Seconds> forwarded_at;
    std::optional<double> forward_text_similarity;
    std::optional<Seconds> due;  ///< the deadline's first second
};
struct ReportFact {
    std::string id, assignment_id, unit_id;
    Seconds occurred_at = 0;
    double value = 0;
    bool claims_complete = false, substantive = false;
};
struct VerificationFact {
    std::string id, assignment_id, task_id, unit_id;
    Seconds at = 0;
    double value = 0;
};
struct PushFact {
    std::string assignment_id, unit_id;
    Seconds at = 0;
};
struct GuidanceFact {
    std::string assignment_id;
};
struct HelpFact {
    std::string unit_id;
    Seconds asked_at = 0;
    std::optional<Seconds> answered_at;
};
struct AttendanceFact {
    std::string unit_id, status;
    int late_min = 0;
    bool leave_approved = false;
};

struct Facts {
    std::vector<UnitFact> units;
    std::vector<TaskFact> tasks;
    std::vector<AssignmentFact> assignments;
    std::vector<ReportFact> reports;
    std::vector<VerificationFact> verifications;
    std::vector<PushFact> pushes;
    std::vector<GuidanceFact> guidance;
    std::vector<HelpFact> help;
    std::vector<AttendanceFact> attendance;
};

struct Rate {
    int hits = 0, of = 0;
    std::optional<double> rate() const { return of ? std::optional(double(hits) / of) : std::nullopt; }
};

struct ScopeMetrics {
    int n_verified = 0;
    std::optional<double> g1_reported_minus_verified, g1_under_reported;
    int n_g1 = 0;
    Rate d1_overturned;
    std::optional<double> g2_point_minus_surface;
    int n_g2_point = 0, n_g2_surface = 0;
    Rate g3_landed;  ///< hits = landed, of = expected; the gap is 1 - rate
    std::optional<double> g5_traditional_minus_emerging;
    int n_g5_traditional = 0, n_g5_emerging = 0;
    std::optional<double> g4_pushes_per_leaf, g4_verified_mean;
    int n_g4_pushes = 0, n_g4_leaves = 0;
    Rate d2_pure;
    Rate d4_driven;
    struct Peers {
        double effort = 0, effect = 0;  ///< percentiles among the peers, 0 to 1
        bool flagged = false;
    };
    std::optional<Peers> g4_peers;                 ///< where there are enough peers (beside.h)
    std::optional<Rate> d2_help_late, d4_unmoved;  ///< beside D2 and D4, where they were asked for (beside.h)
    std::map<Level, std::pair<double, int>> verified_mean_by_level;  ///< weaker downwards: mean v̂ and n
};

struct AttendanceCounts {
    int meetings = 0, in_person = 0, substitute_unapproved = 0, absent = 0, late_over_10min = 0;
};

struct Metrics {
    /// By scope unit id: the root and every unit directly below it of level county.
    std::map<std::string, ScopeMetrics> by_scope;
    std::map<std::string, AttendanceCounts> d3_attendance;  ///< by unit id
};

class FactTable;

/// One pass over the facts for the given scopes (unit ids); a scope is the unit and all below it. Only what had
/// happened before `end` counts.
Metrics compute_metrics(const FactTable& facts, const std::vector<std::string>& scopes,
                        Seconds end = std::numeric_limits<Seconds>::max());
Metrics compute_metrics(const Facts& facts, const std::vector<std::string>& scopes);

}  // namespace taizhang::ledger
