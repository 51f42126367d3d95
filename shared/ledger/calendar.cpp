#include "ledger/calendar.h"

#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::int64_t kZoneMs = 8 * 3'600'000;

std::int64_t day_of(std::int64_t ms) {
    const auto local = ms + kZoneMs;
    return local >= 0 ? local / kDayMs : (local - kDayMs + 1) / kDayMs;
}

}  // namespace

Result<WorkingDays> WorkingDays::load(Replica& r) {
    WorkingDays out;
    if (!r.control().newest("calendar_day")) return out;
    TRY(const auto rows, rows_of(r, "SELECT date, kind FROM calendar_day ORDER BY date, id"));
    for (const auto& v : rows)
        if (const auto at = parse_time_seconds(text_at(v.as_object(), "date")))
            out.other_[day_of(*at * 1000)] = text_at(v.as_object(), "kind") == "上班";
    return out;
}

bool WorkingDays::is_working(std::int64_t day) const {
    if (const auto it = other_.find(day); it != other_.end()) return it->second;
    const auto weekday = ((day + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
    return weekday != 0 && weekday != 6;
}

int WorkingDays::between(std::int64_t from_ms, std::int64_t to_ms) const {
    int n = 0;
    const auto last = day_of(to_ms);
    // A record from before the ledger's time is simply very old.
    for (auto day = std::max(day_of(from_ms), last - 4000) + 1; day <= last; ++day) n += is_working(day);
    return n;
}

Result<json::array> unanswered(Replica& r, const std::string& unit) {
    TRY(const auto ids, units_below(r, unit));
    TRY(const auto days, WorkingDays::load(r));
    json::array out;
    for (const char* entity : {"help_request", "appeal"}) {
        if (!r.control().newest(entity)) continue;
        TRY(auto rows, rows_of(r,
                               std::string("SELECT id, unit_id, to_unit_id, asked_at, text FROM ") + entity +
                                   " WHERE coalesce(answered_at, '') = '' AND unit_id IN (SELECT value FROM "
                                   "json_each(?1)) ORDER BY asked_at, id",
                               {ids}));
        for (auto& v : rows) {
            auto& o = v.as_object();
            // Without an addressee it is the office above that owes the answer.
            auto owes = text_at(o, "to_unit_id");
            const auto* asker = r.control().unit(text_at(o, "unit_id"));
            if (!r.control().unit(owes) && asker) owes = asker->parent;
            const auto* u = r.control().unit(owes);
            const auto asked = parse_time_seconds(text_at(o, "asked_at"));
            const auto waited = asked ? days.between(*asked * 1000, r.now().ms) : 0;
            o["kind"] = entity;
            o["unit"] = unit_name(r.control(), text_at(o, "unit_id"));
            o["owes"] = owes;
            o["owes_name"] = unit_name(r.control(), owes);
            o["owes_level"] = u ? json::value(taizhang::name_of(u->level)) : json::value(nullptr);
            o["working_days"] = waited;
            o["late"] = waited > kPatienceDays;
            out.push_back(std::move(v));
        }
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return a.at("working_days").as_int64() > b.at("working_days").as_int64();
    });
    return out;
}

}  // namespace taizhang::ledger
