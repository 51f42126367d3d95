#include "catalog/catalog.h"

#include "catalog/json_text.h"
#include "catalog/marking.h"

#include <algorithm>
#include <cstring>

namespace taizhang {

std::string_view name_of(Type t) {
    static constexpr std::string_view names[] = {"text",     "number", "integer", "bool", "date",
                                                 "datetime", "choice", "ref",     "json"};
    return names[static_cast<int>(t)];
}

int Workflow::state(std::string_view name) const {
    const auto it = std::find(states.begin(), states.end(), name);
    return it == states.end() ? -1 : static_cast<int>(it - states.begin());
}

const Transition* Workflow::find(std::string_view name) const {
    for (const auto& t : transitions)
        if (t.name == name) return &t;
    return nullptr;
}

int Entity::field(std::string_view n) const {
    for (std::size_t i = 0; i < fields.size(); ++i)
        if (fields[i].name == n) return static_cast<int>(i);
    return -1;
}

int Entity::group(std::string_view n) const {
    for (std::size_t i = 0; i < groups.size(); ++i)
        if (groups[i].name == n) return static_cast<int>(i);
    return -1;
}

const Entity* Catalog::find(std::string_view entity) const {
    const auto it = by_name_.find(std::string(entity));
    return it == by_name_.end() ? nullptr : &entities_[it->second];
}

const NewerEntity* Catalog::find_newer(std::string_view entity) const {
    const auto it = std::find_if(newer_.begin(), newer_.end(), [&](const auto& e) { return e.name == entity; });
    return it == newer_.end() ? nullptr : &*it;
}

namespace {

bool digits(std::string_view s, std::size_t at, std::size_t n, int& out) {
    if (s.size() < at + n) return false;
    out = 0;
    for (std::size_t i = at; i < at + n; ++i) {
        if (s[i] < '0' || s[i] > '9') return false;
        out = out * 10 + (s[i] - '0');
    }
    return true;
}

/// Without an early exit, so that the compiler does many characters at once: this runs over every text of a bulk load.
bool is_control(char ch) {
    const auto c = static_cast<unsigned char>(ch);
    return c < 0x20 && c != '\n' && c != '\t';
}

/// Eight bytes at a time as long as none of them is below 0x20: in `(x - 0x20…) & ~x` such a byte leaves its top bit.
bool has_control_characters(std::string_view s) {
    constexpr std::uint64_t kEach = 0x0101010101010101;
    for (; s.size() >= 8; s.remove_prefix(8)) {
        std::uint64_t x;
        std::memcpy(&x, s.data(), 8);
        if (((x - kEach * 0x20) & ~x & (kEach * 0x80)) != 0 && std::any_of(s.begin(), s.begin() + 8, is_control))
            return true;
    }
    return std::any_of(s.begin(), s.end(), is_control);
}

}  // namespace

bool is_date(std::string_view s) {
    int y, m, d;
    if (s.size() != 10 || !digits(s, 0, 4, y) || s[4] != '-' || !digits(s, 5, 2, m) || s[7] != '-' ||
        !digits(s, 8, 2, d))
        return false;
    static constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (y < 1 || m < 1 || m > 12 || d < 1) return false;
    const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return d <= days[m - 1] + (m == 2 && leap ? 1 : 0);
}

bool is_datetime(std::string_view s) {
    int h, m, sec;
    if (s.size() < 17 || !is_date(s.substr(0, 10)) || s[10] != 'T' || !digits(s, 11, 2, h) || s[13] != ':' ||
        !digits(s, 14, 2, m))
        return false;
    if (h > 23 || m > 59) return false;
    std::size_t i = 16;
    if (i < s.size() && s[i] == ':') {
        if (!digits(s, i + 1, 2, sec) || sec > 60) return false;
        i += 3;
        if (i < s.size() && s[i] == '.') {
            ++i;
            const auto start = i;
            while (i < s.size() && s[i] >= '0' && s[i] <= '9') ++i;
            if (i == start) return false;
        }
    }
    if (i == s.size()) return false;
    if (s[i] == 'Z') return i + 1 == s.size();
    if (s[i] != '+' && s[i] != '-') return false;
    return s.size() == i + 6 && digits(s, i + 1, 2, h) && s[i + 3] == ':' && digits(s, i + 4, 2, m) && h < 15 && m < 60;
}

namespace {

/// One rule, two callers: with words for a person, without for bulk.
struct Misfit {
    std::string zh, en;
};

template <class Words>
bool judge(const Field& f, const ValueView& v, Words&& words) {
    if (v.is_null()) return true;
    const bool number = v.kind == ValueView::Kind::number;
    switch (f.type) {
        case Type::number: return number || words([] { return Misfit{"应为数字", "must be a number"}; });
        case Type::integer:
            return (number && v.number.scale == 0) || words([] {
                       return Misfit{"应为整数", "must be a whole number"};
                   });
        case Type::boolean:
            return (number && v.number.scale == 0 && (v.number.mantissa == 0 || v.number.mantissa == 1)) || words([] {
                       return Misfit{"应为“是”或“否”", "must be true or false"};
                   });
        default: break;
    }
    if (v.kind != ValueView::Kind::text) return words([] { return Misfit{"应为文字", "must be text"}; });
    const auto s = v.text;
    if (s.size() > f.length_max)
        return words([&] {
            const auto n = std::to_string(s.size()), max = std::to_string(f.length_max);
            return Misfit{"太长(" + n + " 字节,最多 " + max + ")", "too long (" + n + " bytes, at most " + max + ")"};
        });
    if (f.type != Type::json && has_control_characters(s))
        return words([] { return Misfit{"含有控制字符", "has control characters"}; });
    if (f.type == Type::date && !is_date(s))
        return words([] { return Misfit{"应为日期,如 2025-12-31", "must be a date such as 2025-12-31"}; });
    if (f.type == Type::datetime && !is_datetime(s))
        return words([] {
            return Misfit{"应为时间,如 2025-12-31T08:00:00+08:00", "must be a time such as 2025-12-31T08:00:00+08:00"};
        });
    if (f.type == Type::choice && std::find(f.choices.begin(), f.choices.end(), s) == f.choices.end())
        return words([&] {
            std::string all;
            for (const auto& c : f.choices) all += (all.empty() ? "" : "、") + c;
            return Misfit{"只能是 " + all, "must be one of " + all};
        });
    return true;
}

}  // namespace

bool fits(const Field& f, const ValueView& v) {
    return judge(f, v, [](auto&&) { return false; });
}

Result<> check_value(const Field& f, const ValueView& v) {
    Misfit misfit;
    const auto keep = [&](auto&& say) {
        misfit = say();
        return false;
    };
    const bool is_text = v.kind != ValueView::Kind::text || is_utf8(v.text) || keep([] {
                             return Misfit{"不是 UTF-8 文字", "is not UTF-8 text"};
                         });
    if (is_text && judge(f, v, keep)) {
        if (v.kind != ValueView::Kind::text) return {};
        // What hides behind JSON's escapes counts as if it stood there.
        const auto inside = f.type == Type::json ? without_json_escapes(v.text) : std::string();
        const bool is_clean = !has_control_characters(inside) || keep([] {
            return Misfit{"含有控制字符", "has control characters"};
        });
        const auto marking = secrecy_marking(f.type == Type::json ? std::string_view(inside) : v.text);
        if (is_clean && marking.empty()) return {};
        if (!marking.empty())
            misfit = {"含涉密标记“" + marking + "”,不得录入,没有保存",
                      "carries a secrecy marking (" + marking + "): not accepted, nothing was saved"};
    }
    return fail(Errc::bad_input, f.label.zh + "(" + f.name + "):" + misfit.zh + " / " + f.name + ": " + misfit.en);
}

Result<Value> parse_value(const Field& f, std::string_view text) {
    if (text.empty()) return Value::null();
    Value v = Value::text(std::string(text));
    if (f.type == Type::number || f.type == Type::integer) {
        if (const auto d = Decimal::parse(text)) v = Value::number(*d);
    } else if (f.type == Type::boolean) {
        if (text == "true" || text == "1" || text == "是") v = Value::integer(1);
        if (text == "false" || text == "0" || text == "否") v = Value::integer(0);
    }
    TRY_VOID(check_value(f, v.view()));
    return v;
}

}  // namespace taizhang
