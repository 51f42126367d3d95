#include "ledger/rows.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

json::value column_of(const sqlite::Statement& s, int col) {
    switch (s.type(col)) {
        case sqlite::ColumnType::null: return nullptr;
        case sqlite::ColumnType::integer: return s.integer(col);
        case sqlite::ColumnType::real: {
            const double v = s.real(col);
            const auto whole = static_cast<std::int64_t>(v);
            return static_cast<double>(whole) == v ? json::value(whole) : json::value(v);
        }
        case sqlite::ColumnType::text:
        case sqlite::ColumnType::blob: break;
    }
    return json::string(s.text(col));
}

Result<json::array> rows_of(Replica& r, const std::string& sql, const std::vector<std::string>& bound) {
    json::array out;
    TRY(auto s, r.database().prepare(sql, false));
    for (std::size_t i = 0; i < bound.size(); ++i) s.bind(static_cast<int>(i) + 1, std::string_view(bound[i]));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        json::object o;
        for (int c = 0; c < s.columns(); ++c) o[s.column_name(c)] = column_of(s, c);
        out.push_back(std::move(o));
    }
}

bool cut(json::array& rows, const Slice& slice) {
    const auto from = std::min(slice.offset, rows.size());
    const auto to = from + std::min({slice.limit, kSliceMax, rows.size() - from});
    const bool more = to < rows.size();
    rows.erase(rows.begin() + to, rows.end());
    rows.erase(rows.begin(), rows.begin() + from);
    return more;
}

std::string text_at(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v && v->is_string() ? std::string(v->as_string()) : std::string();
}

double number_at(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v && v->is_number() ? v->to_number<double>() : 0;
}

bool has_field(Replica& r, std::string_view entity, std::string_view field) {
    const auto* v = r.control().newest(entity);
    return v && v->entity->field(std::string(field)) >= 0;
}

std::string own_unit(Replica& r) {
    const auto* cert = r.control().cert(r.id());
    return cert ? cert->unit : std::string();
}

Result<std::string> units_below(Replica& r, const std::string& top) {
    const auto& control = r.control();
    if (!top.empty() && !control.unit(top))
        return fail(Errc::not_found, "没有单位 " + top + " / there is no unit " + top);
    json::array ids;
    for (const auto& u : control.units())
        if (top.empty() || control.is_at_or_below(u, top, control.head())) ids.push_back(json::string(u));
    return json::serialize(ids);
}

std::string unit_attribute(Replica& r, const std::string& unit, std::string_view key) {
    const auto* u = r.control().unit(unit);
    if (!u) return {};
    boost::system::error_code ec;
    const auto v = json::parse(u->json, ec);
    return !ec && v.is_object() ? text_at(v.as_object(), key) : std::string();
}

bool is_of_the_record(Errc code) {
    return code == Errc::usage || code == Errc::bad_input || code == Errc::not_found || code == Errc::not_allowed;
}

}  // namespace taizhang::ledger
