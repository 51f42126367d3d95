#include "ledger/stored_facts.h"

#include "ledger/frequency.h"
#include "ledger/lights.h"
#include "ledger/rows.h"
#include "ledger/times.h"

#include <boost/json.hpp>

#include <cmath>
#include <utility>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

using Row = sqlite::Statement;

constexpr std::int64_t kRowsAtOnce = 4000;  // some 20 ms

std::string text(const Row& s, int col) { return std::string(s.text(col)); }
std::optional<Seconds> maybe_time(const Row& s, int col) {
    if (s.is_null(col)) return std::nullopt;
    const auto t = parse_time_seconds(s.text(col));
    return t ? std::optional(*t) : std::nullopt;
}
Seconds time(const Row& s, int col) { return maybe_time(s, col).value_or(0); }

UnitFact unit_fact(const Unit& u) {
    UnitFact f;
    f.id = u.id;
    f.parent_id = u.parent;
    f.name = u.name;
    f.short_name = u.short_name;
    f.level = u.level;
    boost::system::error_code ec;
    const auto v = json::parse(u.json, ec);
    if (ec || !v.is_object()) return f;
    const auto& o = v.as_object();
    auto flag = [&](const char* key) {
        const auto* x = o.if_contains(key);
        return x && x->is_bool() && x->as_bool();
    };
    f.is_demo_point = flag("is_demo_point");
    f.emerging = flag("emerging");
    f.has_emerging = o.contains("emerging");
    if (const auto* x = o.if_contains("field"); x && x->is_string()) f.field = std::string(x->as_string());
    if (const auto* x = o.if_contains("kind"); x && x->is_string()) f.kind = std::string(x->as_string());
    return f;
}

std::vector<std::string> texts(std::string_view list) {
    std::vector<std::string> out;
    boost::system::error_code ec;
    const auto v = json::parse(list.empty() ? "[]" : list, ec);
    if (!ec && v.is_array())
        for (const auto& x : v.as_array())
            if (x.is_string()) out.emplace_back(x.as_string());
    return out;
}

TaskFact task_fact(const Row& s) {
    TaskFact t;
    t.id = text(s, 0);
    t.target = s.real(1);
    t.issued_at = time(s, 2);
    if (!s.is_null(3)) t.landing_days = static_cast<int>(s.integer(3));
    t.applies_to_fields = texts(s.text(4));
    const auto status = s.text(5);
    if (const auto frequency = Frequency::of(s.text(6))) t.report_within = frequency->longest();
    t.unit_types = texts(s.text(7));
    t.is_asked = status != "草稿" && status != "已撤回" && s.text(8).empty();
    t.is_stopped = is_stopped(status);
    return t;
}

AssignmentFact assignment_fact(const Row& s) {
    AssignmentFact a;
    a.id = text(s, 0);
    a.task_id = text(s, 1);
    a.unit_id = text(s, 2);
    a.status = text(s, 3);
    a.level = level_from(s.text(4));
    a.received_at = time(s, 5);
    a.forwarded_at = maybe_time(s, 6);
    if (!s.is_null(7)) a.forward_text_similarity = s.real(7);
    a.due = maybe_time(s, 8);
    return a;
}

}  // namespace

/// How the rows of one entity become facts. The columns of the query follow the id.
struct StoredFacts::Kind {
    const char* entity;
    const char* columns;
    void (*put)(FactTable& table, std::string id, const Row& s);
    std::span<const char* const> later = {};  ///< columns that follow; the first catalog has none of them

    std::string select(Replica& r) const {
        auto sql = std::string("SELECT id, ") + columns;
        for (const char* name : later) sql += std::string(", ") + (has_field(r, entity, name) ? name : "NULL");
        return sql + " FROM " + entity;
    }
};

std::span<const StoredFacts::Kind> StoredFacts::kinds() {
    static constexpr const char* kLaterOfTask[] = {"unit_types", "same_as_task_id"};
    static constexpr Kind kKinds[] = {
        {"task", "target_value, issued_at, landing_days, coalesce(applies_to_fields, '[]'), status, report_frequency",
         [](FactTable& t, std::string, const Row& s) { t.put(task_fact(s)); }, kLaterOfTask},
        {"assignment", "task_id, unit_id, status, level, received_at, forwarded_at, forward_text_similarity, deadline",
         [](FactTable& t, std::string, const Row& s) { t.put(assignment_fact(s)); }},
        {"progress_report", "assignment_id, unit_id, occurred_at, value, claims_complete, substantive",
         [](FactTable& t, std::string id, const Row& s) {
             t.put(ReportFact{std::move(id), text(s, 1), text(s, 2), time(s, 3), s.real(4), s.integer(5) != 0,
                              s.integer(6) != 0});
         }},
        {"verification", "assignment_id, task_id, unit_id, at, verified_value",
         [](FactTable& t, std::string id, const Row& s) {
             t.put(VerificationFact{std::move(id), text(s, 1), text(s, 2), text(s, 3), time(s, 4), s.real(5)});
         }},
        {"push", "assignment_id, unit_id, at",
         [](FactTable& t, std::string id, const Row& s) {
             t.put(id, PushFact{text(s, 1), text(s, 2), time(s, 3)});
         }},
        {"guidance", "assignment_id",
         [](FactTable& t, std::string id, const Row& s) { t.put(id, GuidanceFact{text(s, 1)}); }},
        {"attendance", "unit_id, status, late_min, leave_approved",
         [](FactTable& t, std::string id, const Row& s) {
             t.put(id,
                   AttendanceFact{text(s, 1), text(s, 2), static_cast<int>(std::ceil(s.real(3))), s.integer(4) != 0});
         }},
    };
    return kKinds;
}

void StoredFacts::begin() {
    if (use_ == Use::kept && !has_begun_) {
        r_.watch_rows();
        also_ = {true, {}};
    }
    has_begun_ = true;
    table_ = {};
    kind_ = 0;
    after_.clear();
    units_at_ = ControlPos{0};
}

Result<bool> StoredFacts::load_rows(const Kind& kind) {
    if (!r_.control().newest(kind.entity)) return true;
    TRY(auto s, r_.database().prepare(kind.select(r_) + " WHERE id > ?1 ORDER BY id LIMIT ?2", false));
    const bool is_blob = r_.control().newest(kind.entity)->entity->uuid;
    if (is_blob)
        s.bind_blob(1, after_);
    else
        s.bind(1, std::string_view(after_));
    s.bind(2, kRowsAtOnce);
    std::int64_t n = 0;
    for (;; ++n) {
        TRY(const bool row, s.step());
        if (!row) break;
        after_ = is_blob ? s.blob(0) : s.text(0);
        kind.put(table_, after_, s);
    }
    return n < kRowsAtOnce;
}

Result<bool> StoredFacts::load_some() {
    if (!has_begun_) begin();
    if (kind_ == kinds().size()) return true;
    TRY(const bool whole, load_rows(kinds()[kind_]));
    if (whole) {
        ++kind_;
        after_.clear();
    }
    return kind_ == kinds().size();
}

namespace {

constexpr std::size_t kWrittenMax = 100'000;  // rows of an entity; beyond that all is read anew

void add_to(Replica::Written& account, const Replica::Written& more) {
    account.all = account.all || more.all;
    if (account.all) account.rows.clear();
    if (account.all) return;
    for (const auto& [entity, ids] : more.rows) {
        auto& known = account.rows[entity];
        known.insert(ids.begin(), ids.end());
        account.all = account.all || known.size() > kWrittenMax;
    }
}

}  // namespace

void StoredFacts::drain() {
    if (use_ != Use::kept || !has_begun_) return;
    const auto more = r_.take_written();
    add_to(written_, more);
    add_to(also_, more);
}

Replica::Written StoredFacts::take_also() {
    drain();
    return std::exchange(also_, {});
}

/// The rows that were written since; all anew when those were too many to remember.
Result<> StoredFacts::take_written() {
    drain();
    const auto written = std::exchange(written_, {});
    if (written.all) begin();
    for (;;) {
        TRY(const bool whole, load_some());
        if (whole) break;
    }
    for (const auto& kind : kinds()) {
        if (!r_.control().newest(kind.entity)) continue;
        const auto ids = written.rows.find(kind.entity);
        if (ids == written.rows.end()) continue;
        TRY(auto s, r_.database().prepare(kind.select(r_) + " WHERE id = ?1", false));
        const bool is_blob = r_.control().newest(kind.entity)->entity->uuid;
        for (const auto& id : ids->second) {
            if (is_blob)
                s.bind_blob(1, id);
            else
                s.bind(1, std::string_view(id));
            TRY(const bool here, s.step());
            if (here) kind.put(table_, id, s);
            s.reset();
        }
    }
    return {};
}

Result<const FactTable*> StoredFacts::now() {
    TRY_VOID(take_written());
    if (units_at_ != r_.control().head()) {
        std::vector<UnitFact> units;
        for (const auto& id : r_.control().units()) units.push_back(unit_fact(*r_.control().unit(id)));
        table_.set_units(std::move(units));
        units_at_ = r_.control().head();
    }
    return &std::as_const(table_);
}

}  // namespace taizhang::ledger
