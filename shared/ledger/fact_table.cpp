#include "ledger/fact_table.h"

#include "ledger/report_index.h"

#include <algorithm>
#include <cstring>

namespace taizhang::ledger {

Index Numbering::add(std::string_view name) {
    if (const auto it = index_.find(name); it != index_.end()) return it->second;
    const auto it = index_.emplace(std::string(name), static_cast<Index>(list_.size())).first;
    list_.push_back(&it->first);
    return it->second;
}

Index Numbering::find(std::string_view name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? kNone : it->second;
}

RecordId FactTable::record_id(std::string_view id) {
    RecordId out;
    std::memcpy(out.head.data(), id.data(), std::min(id.size(), out.head.size()));
    if (id.size() > out.head.size()) out.whole = long_ids_.add(id);
    return out;
}

template <class T>
void FactTable::put_at(Places& places, std::string_view id, std::vector<T>& list, T record) {
    const auto key = record_id(id);
    if (const auto at = places.find(key); at != places.end()) {
        list[at->second] = std::move(record);
        return;
    }
    places.emplace(key, static_cast<Index>(list.size()));
    try {
        list.push_back(std::move(record));
    } catch (...) {  // no place may lead past the end
        places.erase(key);
        throw;
    }
}

void FactTable::set_units(std::vector<UnitFact> units) {
    units_ = std::move(units);
    std::fill(unit_at_.begin(), unit_at_.end(), kNone);
    for (Index i = 0; i < units_.size(); ++i) {
        const auto number = unit_names_.add(units_[i].id);
        unit_at_.resize(unit_names_.size(), kNone);
        if (unit_at_[number] == kNone) unit_at_[number] = i;
    }
}

void FactTable::put(const TaskFact& f) {
    const auto number = task_names_.add(f.id);
    task_at_.resize(task_names_.size(), kNone);
    if (task_at_[number] != kNone) {
        tasks_[task_at_[number]] = f;
        return;
    }
    task_at_[number] = static_cast<Index>(tasks_.size());
    tasks_.push_back(f);
}

Index FactTable::assignment(std::string_view id) {
    const auto number = assignment_names_.add(id);
    if (assignments_.size() < assignment_names_.size()) {
        assignments_.resize(assignment_names_.size());
        report_index_.reset();
    }
    return number;
}

void FactTable::put(const AssignmentFact& f) {
    auto& a = assignments_[assignment(f.id)];
    a.task = task_names_.add(f.task_id);
    a.unit = unit_names_.add(f.unit_id);
    a.status = states_.add(f.status);
    a.level = f.level;
    a.received_at = f.received_at;
    a.forwarded_at = f.forwarded_at;
    a.forward_text_similarity = f.forward_text_similarity;
    a.due = f.due;
}

void FactTable::put(const ReportFact& f) {
    report_index_.reset();
    put_at(report_places_, f.id, reports_,
           Report{record_id(f.id), assignment(f.assignment_id), unit_names_.add(f.unit_id), f.occurred_at, f.value,
                  f.claims_complete, f.substantive});
}

void FactTable::put(const VerificationFact& f) {
    put_at(verification_places_, f.id, verifications_,
           Verification{assignment(f.assignment_id), task_names_.add(f.task_id), unit_names_.add(f.unit_id), f.at,
                        f.value});
}

void FactTable::put(const std::string& id, const PushFact& f) {
    report_index_.reset();
    put_at(push_places_, id, pushes_, Push{assignment(f.assignment_id), unit_names_.add(f.unit_id), f.at});
}

void FactTable::put(const std::string& id, const GuidanceFact& f) {
    put_at(guidance_places_, id, guidance_, assignment(f.assignment_id));
}

void FactTable::put(const std::string& id, const AttendanceFact& f) { put_at(attendance_places_, id, attendance_, f); }

FactTable FactTable::of(const Facts& facts) {
    FactTable t;
    t.set_units(facts.units);
    for (const auto& x : facts.tasks) t.put(x);
    for (const auto& x : facts.assignments) t.put(x);
    for (const auto& x : facts.reports) t.put(x);
    for (const auto& x : facts.verifications) t.put(x);
    std::size_t n = 0;  // those that nothing else names by id
    for (const auto& x : facts.pushes) t.put(std::to_string(n++), x);
    for (const auto& x : facts.guidance) t.put(std::to_string(n++), x);
    for (const auto& x : facts.attendance) t.put(std::to_string(n++), x);
    return t;
}

const ReportIndex& FactTable::report_index() const {
    if (!report_index_) report_index_ = std::make_shared<ReportIndex>(*this);
    return *report_index_;
}

bool FactTable::is_before(const Report& a, const Report& b) const {
    return a.occurred_at != b.occurred_at ? a.occurred_at < b.occurred_at : is_before(a.id, b.id);
}

bool FactTable::is_before(const RecordId& a, const RecordId& b) const {
    if (a.head != b.head) return std::memcmp(a.head.data(), b.head.data(), a.head.size()) < 0;
    const auto rest = [this](const RecordId& id) {
        return id.whole == kNone ? std::string_view() : long_ids_[id.whole];
    };
    return rest(a) < rest(b);
}

std::string FactTable::text(const RecordId& id) const {
    if (id.whole != kNone) return long_ids_[id.whole];
    return std::string(id.head.data(), ::strnlen(id.head.data(), id.head.size()));
}

std::vector<RecordId> FactTable::ids_of(const Places& places) {
    std::vector<RecordId> out(places.size());
    for (const auto& [id, at] : places) out[at] = id;
    return out;
}

}  // namespace taizhang::ledger
