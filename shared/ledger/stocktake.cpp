#include "ledger/stocktake.h"

#include "ledger/metrics_json.h"
#include "ledger/review.h"
#include "ledger/rows.h"
#include "ledger/sheet_records.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr int kMonthsMax = 36;

std::string own_office(Replica& r) { return r.control().authority(own_unit(r), r.control().head()); }

/// What a stocktake keeps: the figures, and states summed over all units of the scope.
Result<json::object> figures_now(StoredFacts& facts, const std::string& unit) {
    TRY(auto out, review_in_sum(facts, unit, facts.replica().now().ms));
    out["unit"] = unit;
    return out;
}

Result<json::object> frozen(Replica& r, const std::string& id) {
    TRY(const auto row, r.read_row("stocktake", id));
    boost::system::error_code ec;
    auto v = json::parse(field_text(row, "figures"), ec);
    if (ec || !v.is_object())
        return fail(Errc::bad_input, id + " 没有可比的数据 / " + id + " has no figures to compare");
    v.as_object()["title"] = field_text(row, "title");
    v.as_object()["at"] = field_text(row, "at");
    return std::move(v.as_object());
}

/// Every figure that is a number, rates by their rate.
void flatten(const json::object& o, const std::string& prefix, std::map<std::string, double>& out) {
    for (const auto& [key, v] : o) {
        const auto name = prefix.empty() ? std::string(key) : prefix + "." + std::string(key);
        if (v.is_number()) out[name] = v.to_number<double>();
        if (v.is_object()) flatten(v.as_object(), name, out);
    }
}

json::value number_or_null(const std::map<std::string, double>& from, const std::string& key) {
    const auto it = from.find(key);
    return it == from.end() ? json::value(nullptr) : json::value(it->second);
}

json::object difference(const json::object& before, const json::object& after) {
    std::map<std::string, double> a, b;
    flatten(before, "", a);
    flatten(after, "", b);
    std::set<std::string> keys;
    for (const auto& [k, v] : a) keys.insert(k);
    for (const auto& [k, v] : b) keys.insert(k);
    json::object out;
    for (const auto& k : keys) {
        json::object o{{"before", number_or_null(a, k)}, {"after", number_or_null(b, k)}, {"change", nullptr}};
        if (a.contains(k) && b.contains(k)) o["change"] = round_to_4(b[k] - a[k]);
        out[k] = std::move(o);
    }
    return out;
}

/// Days since 1970-01-01 of a civil date (Howard Hinnant's algorithm).
std::int64_t days_from_civil(std::int64_t y, int m, int d) {
    y -= m <= 2;
    const auto era = (y >= 0 ? y : y - 399) / 400;
    const auto yoe = y - era * 400;
    const auto doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

}  // namespace

Result<Saved> take_stock(StoredFacts& facts, const std::string& title, const std::string& unit,
                         const std::string& person) {
    auto& r = facts.replica();
    const auto scope = unit.empty() ? own_office(r) : unit;
    TRY(const auto figures, figures_now(facts, scope));
    return Ledger(r).create("stocktake", {{"title", title}, {"figures", json::serialize(figures)}}, person);
}

Result<json::object> compare_stock(StoredFacts& facts, const std::string& a, const std::string& b) {
    auto& r = facts.replica();
    TRY(const auto first, frozen(r, a));
    json::object second;
    if (b == "now") {
        TRY(second, figures_now(facts, text_at(first, "unit").empty() ? own_office(r) : text_at(first, "unit")));
        second["title"] = "现状";
        second["at"] = format_local(r.now().ms);
    } else {
        TRY(second, frozen(r, b));
    }
    json::object scopes;
    const auto scopes_of = [](const json::object& o) -> json::object {
        const auto* m = o.if_contains("metrics");
        const auto* s = m && m->is_object() ? m->as_object().if_contains("by_scope") : nullptr;
        return s && s->is_object() ? s->as_object() : json::object{};
    };
    const auto was = scopes_of(first), is = scopes_of(second);
    for (const auto& [name, figures] : was)
        if (const auto* other = is.if_contains(name))
            scopes[name] = difference(figures.as_object(), other->as_object());
    json::object out{{"from", {{"id", a}, {"title", text_at(first, "title")}, {"at", text_at(first, "at")}}},
                     {"to", {{"id", b}, {"title", text_at(second, "title")}, {"at", text_at(second, "at")}}}};
    out["scopes"] = std::move(scopes);
    for (const char* part : {"counts", "rectifications", "lights"}) {
        const auto part_of = [&](const json::object& o) {
            const auto* v = o.if_contains(part);
            return v && v->is_object() ? v->as_object() : json::object{};
        };
        out[part] = difference(part_of(first), part_of(second));
    }
    return out;
}

Result<json::object> trend(StoredFacts& facts, const std::string& unit, int months) {
    auto& r = facts.replica();
    if (months < 1 || months > kMonthsMax) return fail(Errc::usage, "--months 是 1 到 36 / --months is 1 to 36");
    const auto scope = unit.empty() ? own_office(r) : unit;
    if (!r.control().unit(scope)) return fail(Errc::not_found, "没有单位 " + scope + " / there is no unit " + scope);
    TRY(const auto* table, facts.now());
    const auto today = format_local(r.now().ms);
    const int year = std::atoi(today.substr(0, 4).c_str()), month = std::atoi(today.substr(5, 2).c_str());
    json::array out;
    for (int back = months - 1; back >= 0; --back) {
        const int n = year * 12 + month - 1 - back;
        const int y = n / 12, m = n % 12 + 1;
        const int next_y = (n + 1) / 12, next_m = (n + 1) % 12 + 1;
        const auto end =
            std::min<Seconds>(days_from_civil(next_y, next_m, 1) * kDaySeconds - 8 * 3600, r.now().ms / 1000 + 1);
        out.push_back({{"month", std::to_string(y) + (m < 10 ? "-0" : "-") + std::to_string(m)},
                       {"figures", figures_of_scope(*table, scope, end)}});
    }
    return json::object{{"unit", scope}, {"name", unit_name(r.control(), scope)}, {"months", std::move(out)}};
}

}  // namespace taizhang::ledger
