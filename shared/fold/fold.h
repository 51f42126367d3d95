// fold.h - changes of one row in, the row's state and its conflict lines out.
//
// Pure: no clock, no I/O, no allocation that outlives the call. The result
// depends on the set of changes only, never on their order in the span.
//
// A Change is one version of one group of one row: a commit that touches three
// groups of a row brings three. Everything that depends on the catalog, the tree
// or a certificate is resolved before (entitled, rule, from/to, freezes), at the
// control position and catalog version that the commit recorded, so it never
// changes afterwards. Only changes of ready commits are passed in.
//
// Model: docs/FOLD.md. Threads: any.
#pragma once

#include "base/ids.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace taizhang::fold {

enum class Rule : std::uint8_t { latest, authority, owner, keep_both, append, set, sum };

/// `put` writes fields (for a set: adds its one element; for append: appends; for
/// sum: adds). `remove` is for sets: it removes the adds that its base names.
enum class Op : std::uint8_t { put, remove, transition };

/// Group number of the workflow; field groups are 0, 1, 2 …
inline constexpr int kWorkflow = -1;

/// Names a version: within a row, (group, id) is unique.
struct Ref {
    int group = 0;
    VersionId id;
    auto operator<=>(const Ref&) const = default;
};

using FieldNo = std::uint32_t;
/// Encoded values (Value::write) by field, ascending; a field that is not here
/// keeps what the change's own past says (the greatest by key there that has it).
using Fields = std::vector<std::pair<FieldNo, std::string>>;

struct Change {
    VersionId id;
    int group = 0;
    Op op = Op::put;
    std::vector<VersionId> base;  ///< versions of the same group; those not passed in count as absent
    std::vector<Ref> reviewed;    ///< transitions only: field versions that the author had in front of them

    // The one order: (fold time, level, replica, seq, id).
    std::uint64_t stamp = 0;  ///< hybrid time; 0 when it is later than the checkpoint that covers it
    Level level = Level::none;
    ReplicaId replica;
    Seq seq;

    bool entitled = true;       ///< by tree, certificate and catalog at its control position
    bool suggest = false;       ///< not entitled, and the catalog makes a suggestion of it
    bool quarantined = false;   ///< revoked: counts as seen, cannot stand
    std::uint32_t catalog = 1;  ///< catalog version that it recorded

    Rule rule = Rule::latest;  ///< field groups: the group's rule in that catalog version
    Fields fields;

    // Transitions.
    std::uint64_t from = 0;  ///< bit n: legal from state n; state 0 is the initial one
    int to = 0;
    std::uint64_t freezes = 0;  ///< bit g: group g is frozen in state `to`
};

enum class LineKind : std::uint8_t {
    open,         ///< another value beside the one that stands, nobody has decided
    closed,       ///< was another value; `decided_by` settled it
    refused,      ///< not the author's to write
    suggestion,   ///< not the author's to write; kept as a suggestion to the owner
    voided,       ///< a transition from an old state, or overruled by `winner`
    after_close,  ///< written without having been reviewed by the closing transition `winner`
    quarantined,  ///< from a revoked device
};

/// One line of the conflict ledger. Its identity is (group, loser, kind, decided_by).
struct Line {
    LineKind kind = LineKind::open;
    int group = 0;
    VersionId loser;       ///< the version that does not stand
    VersionId winner;      ///< what stands instead; zero when nothing does
    VersionId decided_by;  ///< `closed` only
    Rule rule = Rule::latest;
    auto operator<=>(const Line&) const = default;
};

struct GroupState {
    Rule rule = Rule::latest;
    VersionId stand;               ///< zero when no change stands (and for append, set, sum)
    std::vector<VersionId> shown;  ///< keep_both: stand, then the open ones by key. append, set: members by key
    Fields fields;  ///< latest, authority, owner, keep_both: the resolved value of `stand`; sum: the total
    bool operator==(const GroupState&) const = default;
};

struct RowState {
    int state = 0;       ///< workflow state; 0 = initial
    VersionId standing;  ///< the transition that stands; zero when none
    std::vector<GroupState> groups;
    std::vector<Line> lines;                           ///< sorted
    std::vector<std::pair<Ref, std::uint64_t>> times;  ///< fold time of every change, sorted by Ref
    bool operator==(const RowState&) const = default;
};

/// Details that docs/FOLD.md leaves open, decided here:
///  - a group without changes has rule `latest`, no stand, no fields;
///  - a field change that is both not entitled and quarantined gets the refused (or suggestion) line only;
///    a transition gets its void/refused line if it is not legal, and the quarantined one as well;
///  - "another value" compares the resolved fields (see Fields);
///  - a `closed` line is drawn only for bases that are in C;
///  - winner of open lines is the stand, of closed lines the stand, of void lines the standing
///    transition (zero if none), of after_close the closing transition, of refused, suggestion and
///    quarantined: zero;
///  - sum adds field by field (Decimal::add); a value that is not a number, or an overflow, counts as 0;
///  - `rule` of refused/suggestion/quarantined/after_close/void lines is the change's own `rule`
///    (latest for transitions), of open and closed lines the group's rule.
RowState fold(std::span<const Change> changes, int group_count);

/// Fold time of one change, given those of its bases: max(stamp, 1 + each base's).
std::uint64_t fold_time(std::uint64_t stamp, std::span<const std::uint64_t> base_times);

}  // namespace taizhang::fold
