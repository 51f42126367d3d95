#include "ledger/sheet_values.h"

#include "catalog/catalog.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace taizhang::ledger {

namespace json = boost::json;
using office::Cell;
using office::CellKind;

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Up to `max` digits at `at`.
bool take_number(std::string_view s, std::size_t& at, std::size_t max, int& out) {
    const auto start = at;
    out = 0;
    while (at < s.size() && at - start < max && is_digit(s[at])) out = out * 10 + (s[at++] - '0');
    return at > start && (at == s.size() || !is_digit(s[at]));
}

bool take(std::string_view s, std::size_t& at, std::initializer_list<std::string_view> any_of) {
    while (at < s.size() && s[at] == ' ') ++at;
    for (const auto& x : any_of)
        if (s.substr(at).starts_with(x)) {
            at += x.size();
            while (at < s.size() && s[at] == ' ') ++at;
            return true;
        }
    return false;
}

std::string numbered(std::string_view line) {
    // 1. 2、 (3) ①: the number is the place in the list.
    const std::string s = plain_text(line);
    std::size_t at = 0;
    if (at < s.size() && s[at] == '(') ++at;
    int n = 0;
    if (take_number(s, at, 2, n) && take(s, at, {".", "、", ")", ")."}) && at < s.size() && !is_digit(s[at]))
        return s.substr(at);
    constexpr std::string_view circled = "①②③④⑤⑥⑦⑧⑨⑩";
    if (s.size() > 3 && circled.find(s.substr(0, 3)) != std::string_view::npos) return plain_text(s.substr(3));
    return s;
}

/// A person's text keeps its full-width punctuation; only line ends and outer blanks are made one.
std::string tidy(const std::string& text) {
    std::string s;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r') {
            if (i + 1 >= text.size() || text[i + 1] != '\n') s.push_back('\n');
        } else {
            s.push_back(text[i]);
        }
    }
    constexpr const char* blanks = " \t\n";
    const auto from = s.find_first_not_of(blanks);
    return from == std::string::npos ? std::string() : s.substr(from, s.find_last_not_of(blanks) - from + 1);
}

std::vector<std::string> pieces(const std::string& text, std::initializer_list<std::string_view> separators) {
    std::vector<std::string> out;
    std::size_t from = 0;
    for (std::size_t i = 0; i <= text.size();) {
        std::size_t n = 0;
        for (const auto& s : separators)
            if (i < text.size() && std::string_view(text).substr(i).starts_with(s)) n = s.size();
        if (n == 0 && i < text.size()) {
            ++i;
            continue;
        }
        if (auto piece = tidy(text.substr(from, i - from)); !piece.empty()) out.push_back(std::move(piece));
        i += std::max<std::size_t>(1, n);
        from = i;
    }
    return out;
}

/// As much of a cell as a line for people can hold.
std::string shortened(const std::string& text) {
    constexpr std::size_t max = 60;
    if (text.size() <= max) return text;
    auto n = max;
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
    return text.substr(0, n) + "…";
}

std::string json_list(const std::vector<std::string>& items) {
    json::array a;
    for (const auto& i : items) a.push_back(json::string(i));
    return items.empty() ? std::string() : json::serialize(a);
}

/// The texts of a JSON list; a document of another form is one text.
std::vector<std::string> items_of(const std::string& value) {
    std::vector<std::string> out;
    boost::system::error_code ec;
    const auto v = json::parse(value, ec);
    if (ec || !v.is_array()) return {value};
    for (const auto& x : v.as_array()) out.push_back(x.is_string() ? std::string(x.as_string()) : json::serialize(x));
    return out;
}

Error no_number(const std::string& text) {
    return fail(Errc::bad_input, "应为数字,不是“" + text + "” / must be a number, not '" + text + "'");
}

/// 12, 1,200, 12%, 1 2: as a double; `percent` is what the text said.
std::optional<double> number_of(const Cell& cell, bool& percent) {
    percent = cell.percent;
    if (cell.kind == CellKind::number) return cell.number;
    auto s = plain_text(cell.text);
    std::erase_if(s, [](char c) { return c == ',' || c == ' '; });
    if (s.ends_with("%")) {
        percent = true;
        s.pop_back();
        const auto d = Decimal::parse(s);
        return d ? std::optional(d->to_double() / 100) : std::nullopt;
    }
    const auto d = Decimal::parse(s);
    return d ? std::optional(d->to_double()) : std::nullopt;
}

Result<std::string> rate_value(const Cell& cell) {
    bool percent = false;
    const auto x = number_of(cell, percent);
    if (!x) return no_number(shortened(cell.text));
    // 50 means 50%; 0.5 as well.
    const double rate = !percent && *x > 1 ? *x / 100 : *x;
    if (rate < 0 || rate > 100)
        return fail(Errc::bad_input, "完成率应在 0% 以上 / a rate must be 0% or more: " + shortened(cell.text));
    char buf[32];
    std::snprintf(buf, sizeof buf, "%.4f", rate);
    return std::string(buf);
}

Result<std::string> integer_value(const Cell& cell) {
    bool percent = false;
    auto c = cell;
    // 31分钟: people write the unit as well.
    if (c.kind == CellKind::text) {
        c.text = plain_text(c.text);
        for (const std::string_view tail : {"分钟", "分"})
            if (c.text.ends_with(tail)) c.text.resize(c.text.size() - tail.size());
    }
    const auto x = number_of(c, percent);
    if (!x || percent || *x != std::floor(*x) || std::fabs(*x) >= 1e15)
        return fail(Errc::bad_input, "应为整数,不是“" + shortened(cell.text) + "” / must be a whole number, not '" +
                                         shortened(cell.text) + "'");
    return Cell::of_number(*x).text;
}

Result<std::string> flag_value(const Cell& cell) {
    if (cell.kind == CellKind::boolean) return std::string(cell.number != 0 ? "true" : "false");
    const auto s = folded_text(cell.text);
    for (const std::string_view yes :
         {"是", "有", "√", "✓", "y", "yes", "true", "1", "批准", "已批准", "已批", "同意", "已审批"})
        if (s == yes) return std::string("true");
    for (const std::string_view no :
         {"否", "无", "×", "✗", "x", "n", "no", "false", "0", "未批准", "未批", "不同意", "未审批"})
        if (s == no) return std::string("false");
    return fail(Errc::bad_input, "只能写“是”或“否”,不是“" + shortened(cell.text) + "” / must be 是 or 否, not '" +
                                     shortened(cell.text) + "'");
}

}  // namespace

std::optional<std::string> date_of(std::string_view text) {
    const auto s = plain_text(text);
    std::size_t at = 0;
    int y = 0, m = 0, d = 0;
    if (s.size() == 8 && std::all_of(s.begin(), s.end(), is_digit)) {
        y = std::stoi(s.substr(0, 4));
        m = std::stoi(s.substr(4, 2));
        d = std::stoi(s.substr(6, 2));
    } else {
        if (!take_number(s, at, 4, y) || at != 4 || !take(s, at, {"年", "-", "/", ".", "。"}) ||
            !take_number(s, at, 2, m) || !take(s, at, {"月", "-", "/", ".", "。"}) || !take_number(s, at, 2, d))
            return std::nullopt;
        take(s, at, {"日", "号"});
        // A time of day behind it says nothing about the day.
        const bool clock = at < s.size() && (s[at] == 'T' || is_digit(s[at]) || s[at] == ' ');
        if (at != s.size() && !(clock && s.find(':', at) != std::string::npos)) return std::nullopt;
    }
    char buf[40];
    std::snprintf(buf, sizeof buf, "%04d-%02d-%02d", y, m, d);
    return is_date(buf) ? std::optional<std::string>(buf) : std::nullopt;
}

Result<Names> Names::load(Replica& r) {
    Names n;
    n.control_ = &r.control();
    for (const auto& id : n.control_->units()) {
        const auto* u = n.control_->unit(id);
        std::vector<std::string> words{folded_text(u->name), folded_text(u->short_name), folded_text(id)};
        std::sort(words.begin(), words.end());
        words.erase(std::unique(words.begin(), words.end()), words.end());
        for (const auto& w : words)
            if (!w.empty()) n.units_[w].push_back(id);
    }
    if (!n.control_->newest("person")) return n;
    TRY(auto s, r.database().prepare("SELECT id, name, title, unit_id FROM person ORDER BY id", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return n;
        n.people_.push_back(
            {std::string(s.text(0)), std::string(s.text(1)), std::string(s.text(2)), std::string(s.text(3))});
        n.people_of_[n.people_.back().unit].push_back(n.people_.size() - 1);
    }
}

Result<std::string> Names::unit_id(std::string_view name) const {
    const auto wanted = folded_text(name);
    const auto it = units_.find(wanted);
    if (it != units_.end() && it->second.size() == 1) return it->second.front();
    // "名称(B03)", as unit_name() writes it where names repeat.
    if (const auto bracket = wanted.rfind('('); bracket != std::string::npos && wanted.ends_with(")")) {
        const auto by_id = units_.find(wanted.substr(bracket + 1, wanted.size() - bracket - 2));
        if (by_id != units_.end() && by_id->second.size() == 1) return by_id->second.front();
    }
    const auto words = shortened(std::string(name));
    if (it == units_.end())
        return fail(Errc::not_found, "没有这个单位:" + words + " / there is no such unit: " + words);
    std::string all;
    for (const auto& id : it->second) all += (all.empty() ? "" : " ") + id;
    return fail(Errc::not_found, "有几个单位叫“" + words + "”(" + all + "),请写编号 / several units are called '" +
                                     words + "' (" + all + "): give the id");
}

std::string Names::unit_name(const std::string& id) const {
    const auto* u = control_->unit(id);
    if (!u || u->name.empty()) return id;
    const auto it = units_.find(folded_text(u->name));
    return it != units_.end() && it->second.size() == 1 ? u->name : u->name + "(" + id + ")";
}

std::string Names::person(const std::string& id) const {
    for (const auto& p : people_)
        if (p.id == id) return p.title.empty() ? p.name : p.name + " " + p.title;
    return id;
}

std::string Names::person_id(const std::string& unit, std::string_view words) const {
    const auto wanted = folded_text(words);
    for (std::string u = unit; !u.empty();) {
        if (const auto it = people_of_.find(u); it != people_of_.end())
            for (const auto i : it->second) {
                const auto& p = people_[i];
                const auto name = folded_text(p.name);
                if (!name.empty() && (wanted == name || wanted == name + folded_text(p.title))) return p.id;
            }
        const auto* known = control_->unit(u);
        u = known ? known->parent : std::string();
    }
    return {};
}

std::string Names::first_person(const std::string& unit) const {
    const auto it = people_of_.find(unit);
    return it == people_of_.end() ? std::string() : people_[it->second.front()].name;
}

Result<std::string> value_of_cell(const SheetColumn& column, const Cell& cell, const Names& names) {
    if (cell.is_blank()) return std::string();
    if (cell.kind == CellKind::error) return fail(Errc::bad_input, cell.text);
    switch (column.kind) {
        case ColumnKind::date: {
            const auto text = cell.kind == CellKind::date ? cell.text.substr(0, 10) : cell.text;
            if (plain_text(text).empty()) return std::string();
            const auto d = date_of(text);
            if (!d)
                return fail(Errc::bad_input, "不是日期:“" + shortened(cell.text) +
                                                 "”,请写成 2025-12-31 / not a date: '" + shortened(cell.text) +
                                                 "': write it as 2025-12-31");
            return *d;
        }
        case ColumnKind::integer: return integer_value(cell);
        case ColumnKind::rate: return rate_value(cell);
        case ColumnKind::flag: return flag_value(cell);
        case ColumnKind::unit:
            return tidy(cell.text).empty() ? Result<std::string>(std::string()) : names.unit_id(cell.text);
        case ColumnKind::units: {
            std::vector<std::string> ids;
            for (const auto& name : pieces(cell.text, {"、", ",", "，", ";", "；", "\n", " "})) {
                TRY(auto id, names.unit_id(name));
                ids.push_back(std::move(id));
            }
            return json_list(ids);
        }
        case ColumnKind::lines: {
            std::vector<std::string> items;
            auto lines = pieces(cell.text, {"\n"});
            // One line may hold several, unless its number says that it is one.
            if (lines.size() == 1 && numbered(lines.front()) == plain_text(lines.front()))
                lines = pieces(cell.text, {";", "；"});
            for (const auto& line : lines) items.push_back(numbered(line));
            return json_list(items);
        }
        case ColumnKind::id:
        case ColumnKind::serial: return plain_text(cell.text);
        default: return tidy(cell.text);
    }
}

Cell cell_of_value(const SheetColumn& column, const std::string& value, const Names& names) {
    if (value.empty()) return {};
    switch (column.kind) {
        case ColumnKind::date: return is_date(value) ? Cell::of_date(value) : Cell::of_text(value);
        case ColumnKind::integer:
        case ColumnKind::serial: return Cell::of_number(std::strtod(value.c_str(), nullptr));
        case ColumnKind::rate: return Cell::of_number(std::strtod(value.c_str(), nullptr), true);
        case ColumnKind::flag: return Cell::of_text(value == "true" ? "是" : "否");
        case ColumnKind::unit: return Cell::of_text(names.unit_name(value));
        case ColumnKind::units: {
            std::string out;
            for (const auto& id : items_of(value)) out += (out.empty() ? "" : "、") + names.unit_name(id);
            return Cell::of_text(out);
        }
        case ColumnKind::lines: {
            const auto items = items_of(value);
            std::string out;
            for (std::size_t i = 0; i < items.size(); ++i)
                out += (i ? "\n" : "") + (items.size() > 1 ? std::to_string(i + 1) + "." + items[i] : items[i]);
            return Cell::of_text(out);
        }
        default: return Cell::of_text(value);
    }
}

}  // namespace taizhang::ledger
