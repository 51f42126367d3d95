// fact_table.h - the records that the figures follow from, by number instead of by name, each one replaceable.
//
// Some 100 bytes for each record: half a million assignments with two million reports are some 300 MB. A record that
// comes again under its id takes the place of the one before; what a record speaks of need not be here.
//
// Threads: one at a time.
#pragma once

#include "ledger/metrics.h"

#include <array>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace taizhang::ledger {

/// An index into one of the table's lists.
using Index = std::uint32_t;
inline constexpr Index kNone = ~Index{0};

/// Numbers names densely, in order of first use.
class Numbering {
public:
    Index add(std::string_view name);
    /// kNone: not named yet.
    Index find(std::string_view name) const;
    std::size_t size() const { return list_.size(); }
    const std::string& operator[](Index i) const { return *list_[i]; }

    Numbering() = default;
    Numbering(Numbering&&) = default;
    Numbering& operator=(Numbering&&) = default;
    Numbering(const Numbering&) = delete;  // the list points into the map
    Numbering& operator=(const Numbering&) = delete;

private:
    struct HashOfText {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    std::unordered_map<std::string, Index, HashOfText, std::equal_to<>> index_;
    std::vector<const std::string*> list_;  ///< the map's keys stay where they are
};

/// A record's id in 20 bytes: its first 16, and a number for what is longer.
struct RecordId {
    std::array<char, 16> head{};
    Index whole = kNone;  ///< of an id of more than 16 bytes
    bool operator==(const RecordId&) const = default;
};
struct HashOfRecordId {
    std::size_t operator()(const RecordId& id) const noexcept {
        return std::hash<std::string_view>{}({id.head.data(), id.head.size()}) ^ id.whole;
    }
};

class ReportIndex;

class FactTable {
public:
    /// Instead of all units that were there.
    void set_units(std::vector<UnitFact> units);
    void put(const TaskFact& f);
    void put(const AssignmentFact& f);
    void put(const ReportFact& f);
    void put(const VerificationFact& f);
    void put(const std::string& id, const PushFact& f);
    void put(const std::string& id, const GuidanceFact& f);
    void put(const std::string& id, const AttendanceFact& f);
    static FactTable of(const Facts& facts);

    struct Assignment {
        Index task = kNone, unit = kNone, status = kNone;  ///< task kNone: others speak of it, it is not here
        Level level = Level::none;
        Seconds received_at = 0;
        std::optional<Seconds> forwarded_at;
        std::optional<double> forward_text_similarity;
        std::optional<Seconds> due;  ///< the deadline's first second
    };
    struct Report {
        RecordId id;
        Index assignment = kNone, unit = kNone;
        Seconds occurred_at = 0;
        double value = 0;
        bool claims_complete = false, substantive = false;
    };
    struct Verification {
        Index assignment = kNone, task = kNone, unit = kNone;
        Seconds at = 0;
        double value = 0;
    };
    struct Push {
        Index assignment = kNone, unit = kNone;
        Seconds at = 0;
    };

    const std::vector<UnitFact>& units() const { return units_; }
    /// By the unit's number; nullptr: not in the tree.
    const UnitFact* unit(Index number) const {
        return number < unit_at_.size() && unit_at_[number] != kNone ? &units_[unit_at_[number]] : nullptr;
    }
    /// By the task's number; nullptr: others speak of it, it is not here.
    const TaskFact* task(Index number) const {
        return number < task_at_.size() && task_at_[number] != kNone ? &tasks_[task_at_[number]] : nullptr;
    }
    const std::vector<TaskFact>& tasks() const { return tasks_; }
    const Numbering& unit_names() const { return unit_names_; }
    const Numbering& task_names() const { return task_names_; }
    const Numbering& assignment_names() const { return assignment_names_; }
    const Numbering& states() const { return states_; }
    const std::vector<Assignment>& assignments() const { return assignments_; }  ///< by number
    const std::vector<Report>& reports() const { return reports_; }
    const std::vector<Verification>& verifications() const { return verifications_; }
    const std::vector<Push>& pushes() const { return pushes_; }
    const std::vector<Index>& guided() const { return guidance_; }  ///< assignments
    const std::vector<AttendanceFact>& attendance() const { return attendance_; }
    /// Kept until the next report, push or assignment comes.
    const ReportIndex& report_index() const;
    /// By time, those of one second by id.
    bool is_before(const Report& a, const Report& b) const;
    /// By id, as text byte by byte.
    bool is_before(const RecordId& a, const RecordId& b) const;
    std::string text(const RecordId& id) const;
    /// Of each verification and push, in the order of the lists: few ask, so they are put together when somebody does.
    std::vector<RecordId> verification_ids() const { return ids_of(verification_places_); }
    std::vector<RecordId> push_ids() const { return ids_of(push_places_); }

private:
    /// Where each record of a kind stands, by its id.
    using Places = std::unordered_map<RecordId, Index, HashOfRecordId>;
    RecordId record_id(std::string_view id);
    static std::vector<RecordId> ids_of(const Places& places);
    Index assignment(std::string_view id);
    template <class T>
    void put_at(Places& places, std::string_view id, std::vector<T>& list, T record);

    std::vector<UnitFact> units_;
    std::vector<TaskFact> tasks_;
    std::vector<Index> unit_at_, task_at_;  ///< by number, where in the list
    Numbering unit_names_, task_names_, assignment_names_, states_, long_ids_;
    std::vector<Assignment> assignments_;
    std::vector<Report> reports_;
    std::vector<Verification> verifications_;
    std::vector<Push> pushes_;
    std::vector<Index> guidance_;
    std::vector<AttendanceFact> attendance_;
    mutable std::shared_ptr<const ReportIndex> report_index_;
    Places report_places_, verification_places_, push_places_, guidance_places_, attendance_places_;
};

}  // namespace taizhang::ledger
