#include "ledger/overview.h"

#include "ledger/assignments_seen.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

struct RoundedMean {
    std::int64_t n = 0;
    double sum = 0;
    void add(double v) {
        ++n;
        sum += v;
    }
    /// To four decimals, like every other figure; null where there is nothing.
    json::value value() const {
        return n == 0 ? json::value(nullptr) : json::value(std::round(sum / static_cast<double>(n) * 1e4) / 1e4);
    }
};

struct HeatCell {
    std::int64_t n = 0;
    std::array<std::int64_t, 5> lights{};
    RoundedMean verified;
};

struct Month {
    std::int64_t reports = 0, substantive = 0, pushes = 0;
    RoundedMean verified;
};

constexpr std::array kLightColumns{Light::green, Light::yellow, Light::red, Light::blue, Light::grey};

/// Which of the units right below `top` each unit belongs to, by the unit's number.
class Columns {
public:
    static constexpr int kOutside = -2, kTop = -1;

    Columns(const ControlState& control, const FactTable& t, const std::string& top) {
        of_.assign(t.unit_names().size(), kOutside);
        for (const auto& id : control.units()) {
            const auto* u = control.unit(id);
            if (u && u->parent == top && !u->abolished) ids.push_back(id);
        }
        for (Index n = 0; n < of_.size(); ++n) {
            const auto& id = t.unit_names()[n];
            if (!control.unit(id) || !control.is_at_or_below(id, top, control.head())) continue;
            of_[n] = kTop;
            for (std::size_t i = 0; i < ids.size(); ++i)
                if (control.is_at_or_below(id, ids[i], control.head())) of_[n] = static_cast<int>(i);
        }
    }
    bool holds(Index unit) const { return of_[unit] != kOutside; }
    /// Negative: the top itself, or a unit outside.
    int of(Index unit) const { return of_[unit]; }
    std::vector<std::string> ids;

private:
    std::vector<int> of_;
};

double share(double value, double target) { return target > 0 ? std::clamp(value / target, 0.0, 1.0) : 0; }

/// By column and task, both by number.
using Cells = std::map<std::pair<int, Index>, HeatCell>;
/// By number: year × 12 + month - 1, in the ledger's zone.
using Months = std::map<std::int64_t, Month>;

std::int64_t month_number(Seconds t) {
    using namespace std::chrono;
    const sys_days day{floor<days>(sys_seconds{seconds{t + 8 * 3600}})};
    const year_month_day ymd{day};
    return std::int64_t{static_cast<int>(ymd.year())} * 12 + static_cast<unsigned>(ymd.month()) - 1;
}

std::string month_text(std::int64_t n) {
    const auto month = n % 12 + 1;
    return std::to_string(n / 12) + (month < 10 ? "-0" : "-") + std::to_string(month);
}

Result<> add_lights(StoredFacts& facts, const Columns& columns, Cells& cells) {
    return each_assignment(facts, facts.replica().now().ms, [&](const FactTable&, const AssignmentSeen& a) {
        const int column = columns.of(a.unit);
        if (column < 0) return;
        auto& cell = cells[{column, a.task}];
        ++cell.n;
        ++cell.lights[static_cast<std::size_t>(std::find(kLightColumns.begin(), kLightColumns.end(), a.light) -
                                               kLightColumns.begin())];
    });
}

void add_verified(const FactTable& t, const Columns& columns, Cells& cells, Months& months) {
    for (const auto& v : t.verifications()) {
        const auto task = t.assignments()[v.assignment].task;
        const auto* of = task == kNone ? nullptr : t.task(task);
        if (!of || !columns.holds(v.unit)) continue;
        const auto reached = share(v.value, of->target);
        months[month_number(v.at)].verified.add(reached);
        if (const int column = columns.of(v.unit); column >= 0) cells[{column, task}].verified.add(reached);
    }
}

void add_months(const FactTable& t, const Columns& columns, Months& months) {
    for (const auto& r : t.reports()) {
        if (!columns.holds(r.unit)) continue;
        auto& m = months[month_number(r.occurred_at)];
        ++m.reports;
        m.substantive += r.substantive;
    }
    for (const auto& p : t.pushes())
        if (columns.holds(p.unit)) ++months[month_number(p.at)].pushes;
}

Result<json::array> newest_tasks(Replica& r, const FactTable& t, const Cells& cells) {
    std::set<std::string_view> used;
    for (const auto& [key, cell] : cells) used.insert(t.task_names()[key.second]);
    TRY(auto s, r.database().prepare("SELECT id, title FROM task ORDER BY issued_at DESC, id", false));
    json::array out;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row || out.size() == kOverviewTasks) return out;
        if (used.contains(s.text(0)))
            out.push_back({{"id", std::string(s.text(0))}, {"title", std::string(s.text(1))}});
    }
}

json::object cell_json(const Columns& columns, int column, const std::string& task, const HeatCell& cell) {
    json::object lights;
    for (std::size_t i = 0; i < kLightColumns.size(); ++i) lights[name_of(kLightColumns[i])] = cell.lights[i];
    return {{"unit", columns.ids[static_cast<std::size_t>(column)]},
            {"task", task},
            {"n", cell.n},
            {"lights", std::move(lights)},
            {"n_verified", cell.verified.n},
            {"verified_mean", cell.verified.value()}};
}

}  // namespace

Result<json::object> overview(StoredFacts& facts, const std::string& unit) {
    auto& r = facts.replica();
    const auto& control = r.control();
    const auto& top = unit.empty() ? control.root() : unit;
    if (!control.unit(top)) return fail(Errc::not_found, "没有单位 " + top + " / there is no unit " + top);
    TRY(const auto* t, facts.now());
    const Columns columns(control, *t, top);
    Cells cells;
    Months months;
    TRY_VOID(add_lights(facts, columns, cells));
    add_verified(*t, columns, cells, months);
    add_months(*t, columns, months);
    json::object out;
    TRY(auto tasks, newest_tasks(r, *t, cells));
    out["tasks"] = std::move(tasks);
    json::array units, list, by_month;
    for (const auto& id : columns.ids) units.push_back({{"id", id}, {"name", control.unit(id)->short_name}});
    for (const auto& [key, cell] : cells)
        list.push_back(cell_json(columns, key.first, t->task_names()[key.second], cell));
    while (months.size() > kOverviewMonths) months.erase(months.begin());
    for (const auto& [month, m] : months)
        by_month.push_back({{"month", month_text(month)},
                            {"reports", m.reports},
                            {"substantive", m.substantive},
                            {"n_verified", m.verified.n},
                            {"verified_mean", m.verified.value()},
                            {"pushes", m.pushes}});
    out["units"] = std::move(units);
    out["cells"] = std::move(list);
    out["months"] = std::move(by_month);
    return out;
}

}  // namespace taizhang::ledger
