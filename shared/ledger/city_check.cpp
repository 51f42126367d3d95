#include "ledger/city_check.h"

#include "base/ids.h"
#include "ledger/city_form.h"
#include "ledger/times.h"

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

using namespace city_form;

struct KindName {
    const char* chinese;
    const char* english;
};

KindName name_of(Kind kind) {
    switch (kind) {
        case Kind::number: return {"应为数字", "must be a number"};
        case Kind::boolean: return {"应为 true 或 false", "must be true or false"};
        case Kind::refs:
        case Kind::texts:
        case Kind::rows: return {"应为列表 […]", "must be a list […]"};
        case Kind::part: return {"应为对象 {…}", "must be an object {…}"};
        default: return {"应为文字", "must be text"};
    }
}

bool has_form(const json::value& v, Kind kind) {
    switch (kind) {
        case Kind::number: return v.is_number();
        case Kind::boolean: return v.is_bool();
        case Kind::refs:
        case Kind::texts:
        case Kind::rows: return v.is_array();
        case Kind::part: return v.is_object();
        default: return v.is_string();
    }
}

class Checker {
public:
    Checker(const CityFile& city, const std::string& path) : city_(city), path_(path) {}

    Result<> check() {
        if (city_.of("units").empty())
            return line(path_, "没有单位（units），请补上", "there are no units; add the list \"units\"");
        TRY_VOID(check_meta());
        TRY_VOID(gather_states());
        for (const auto& list : lists()) TRY_VOID(gather_ids(list));
        for (const auto& list : lists()) {
            const auto& records = city_.of(std::string(list.name));
            for (std::size_t i = 0; i < records.size(); ++i) {
                const auto* id = records[i].if_contains("id");
                const Place place{list.name, i, id && id->is_string() ? sv(id->get_string()) : std::string_view{}};
                TRY_VOID(check_fields(records[i], list.fields, place, {}));
            }
            if (list.name == "units") TRY_VOID(check_tree());
        }
        return check_loops("assignments", "parent_assignment_id");
    }

private:
    using Ids = std::unordered_map<std::string_view, std::size_t>;

    struct Place {
        std::string_view list;
        std::size_t index;
        std::string_view id;
        std::string str(const std::string& path) const {
            const auto record = record_name(list, index, id);
            return path.empty() ? record : record + " " + path;
        }
    };

    Result<> check_meta() const {
        const auto* as_of = city_.meta.if_contains("as_of");
        if (!as_of || as_of->is_null()) return {};
        if (as_of->is_string() && parse_time_seconds(sv(as_of->get_string()))) return {};
        return line("meta as_of", "不是真实存在的时间，请写成 2025-01-31T08:00:00+08:00",
                    "not a real time; write it as 2025-01-31T08:00:00+08:00");
    }

    /// The file's own dictionaries, else the known ones.
    Result<> gather_states() {
        states_["assignment"] = {std::begin(assignment_states()), std::end(assignment_states())};
        states_["rectification"] = {std::begin(rectification_states()), std::end(rectification_states())};
        const auto* all = city_.other.if_contains("dictionaries");
        if (!all || all->is_null()) return {};
        if (!all->is_object()) return line("dictionaries", "应为对象 {…}", "must be an object {…}");
        for (auto& [name, states] : states_) {
            const auto* own = all->get_object().if_contains(name);
            if (!own) continue;
            const auto place = "dictionaries " + std::string(name);
            if (!own->is_array() || own->get_array().empty())
                return line(place, "应为状态名称的列表", "must be a list of states");
            states.clear();
            for (const auto& s : own->get_array()) {
                if (!s.is_string()) return line(place, "状态名称应为文字", "a state must be text");
                states.insert(sv(s.get_string()));
            }
        }
        return {};
    }

    Result<> gather_ids(const List& list) {
        if (!list.has_id) return {};
        const auto& records = city_.of(std::string(list.name));
        auto& ids = ids_[list.name];
        ids.reserve(records.size());
        for (std::size_t i = 0; i < records.size(); ++i) {
            const auto id = sv(records[i].at("id").get_string());
            const Place place{list.name, i, id};
            if (id.empty()) return line(place.str("id"), "编号是空的，请补上", "the id is empty; fill it in");
            if (id.size() > kIdMax || std::any_of(id.begin(), id.end(), [](char c) {
                    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
                }))
                return line(place.str("id"), "编号太长或含有控制字符，请改正",
                            "the id is over 200 bytes or holds control characters; correct it");
            const auto [first, fresh] = ids.try_emplace(id, i);
            if (!fresh)
                return line(place.str("id"),
                            "编号与 " + record_name(list.name, first->second, {}) + " 重复，请改正其一",
                            "the id is already that of " + record_name(list.name, first->second, {}) + "; change one");
        }
        return {};
    }

    Result<> check_fields(const json::object& record, std::span<const FileField> fields, const Place& place,
                          const std::string& path) const {
        for (const auto& field : fields) {
            const auto* v = record.if_contains(json::string_view(field.name.data(), field.name.size()));
            // The path is put together only where a fault is to be named: a big file has millions of fields.
            const auto here = [&] {
                return place.str(path.empty() ? std::string(field.name) : path + "." + std::string(field.name));
            };
            if (!v || v->is_null()) {
                if (!field.required) continue;
                return line(here(), "缺少此项，请补上", "this is missing; fill it in");
            }
            if (!has_form(*v, field.kind)) {
                const auto name = name_of(field.kind);
                return line(here(), name.chinese, name.english);
            }
            TRY_VOID(check_value(*v, field, place, path, here));
        }
        return {};
    }

    template <class Here>
    Result<> check_value(const json::value& v, const FileField& field, const Place& place, const std::string& path,
                         const Here& here) const {
        switch (field.kind) {
            case Kind::text:
            case Kind::number:
            case Kind::boolean: return {};
            case Kind::time:
            case Kind::date:
            case Kind::day_or_time: return check_time(sv(v.get_string()), field.kind, here);
            case Kind::level:
                if (level_from(sv(v.get_string())) != Level::none) return {};
                return line(
                    here(),
                    "没有 " + shown_text(sv(v.get_string())) + " 这个层级，应为 city、county、township 或 branch",
                    "no level " + shown_text(sv(v.get_string())) + "; use city, county, township or branch");
            case Kind::status:
                if (states_.at(field.target).contains(sv(v.get_string()))) return {};
                return line(here(), "没有“" + shown_text(sv(v.get_string())) + "”这个状态，请改为字典中的状态",
                            "no state \"" + shown_text(sv(v.get_string())) + "\" in the dictionary; use one that is");
            case Kind::ref:
                if (v.get_string().empty() && !field.required) return {};
                return check_ref(sv(v.get_string()), field, here);
            case Kind::refs:
            case Kind::texts:
                for (const auto& item : v.get_array()) {
                    if (!item.is_string()) return line(here(), "列表里应全是文字", "the list must hold only text");
                    if (field.kind == Kind::refs) TRY_VOID(check_ref(sv(item.get_string()), field, here));
                }
                return {};
            case Kind::part: return check_fields(v.get_object(), field.nested, place, join(path, field.name));
            case Kind::rows: {
                const auto& rows = v.get_array();
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    const auto row = join(path, field.name) + "[" + std::to_string(i) + "]";
                    if (!rows[i].is_object()) return line(place.str(row), "应为对象 {…}", "must be an object {…}");
                    TRY_VOID(check_fields(rows[i].get_object(), field.nested, place, row));
                }
                return {};
            }
        }
        return {};
    }

    static std::string join(const std::string& path, std::string_view name) {
        return path.empty() ? std::string(name) : path + "." + std::string(name);
    }

    template <class Here>
    Result<> check_time(std::string_view text, Kind kind, const Here& here) const {
        if (kind == Kind::date ? is_calendar_date(text) : parse_time_seconds(text).has_value()) return {};
        if (kind == Kind::date)
            return line(here(), shown_text(text) + " 不是真实存在的日期，请写成 2025-01-31",
                        shown_text(text) + " is not a real date; write it as 2025-01-31");
        return line(here(), shown_text(text) + " 不是真实存在的时间，请写成 2025-01-31T08:00:00+08:00",
                    shown_text(text) + " is not a real time; write it as 2025-01-31T08:00:00+08:00");
    }

    template <class Here>
    Result<> check_ref(std::string_view id, const FileField& field, const Here& here) const {
        if (ids_.at(field.target).contains(id)) return {};
        const auto target = std::string(field.target);
        return line(here(), target + " 里没有 " + shown_text(id) + "，请补上该记录或改正此处",
                    "there is no " + shown_text(id) + " in " + target + "; add it or correct this field");
    }

    std::string_view parent_of(const json::object& record, std::string_view key) const {
        const auto* v = record.if_contains(json::string_view(key.data(), key.size()));
        return v && v->is_string() ? sv(v->get_string()) : std::string_view{};
    }

    /// One root, no loops, and nobody above their own superior.
    Result<> check_tree() const {
        TRY_VOID(check_loops("units", "parent_id"));
        const auto& units = city_.of("units");
        const auto& ids = ids_.at("units");
        std::optional<std::size_t> root;
        for (std::size_t i = 0; i < units.size(); ++i) {
            const Place place{"units", i, sv(units[i].at("id").get_string())};
            const auto parent = parent_of(units[i], "parent_id");
            if (parent.empty()) {
                if (root)
                    return line(place.str("parent_id"),
                                "这是第二个没有上级的单位（第一个是 " + record_name("units", *root, {}) +
                                    "），只能有一个，请补上上级",
                                "a second unit without a parent (the first is " + record_name("units", *root, {}) +
                                    "); there is only one root, so name its parent");
                root = i;
                continue;
            }
            const auto& above = units[ids.at(parent)];
            if (level_of(units[i]) > level_of(above))
                return line(place.str("level"), "层级高于上级单位 " + shown_text(parent) + "，请改正层级或上级",
                            "the level is above that of the parent " + shown_text(parent) +
                                "; correct the level or the parent");
        }
        return {};
    }

    static Level level_of(const json::object& unit) { return level_from(sv(unit.at("level").get_string())); }

    /// Walks up from every record once: those passed on earlier walks are known to end.
    Result<> check_loops(std::string_view list, std::string_view key) const {
        const auto& records = city_.of(std::string(list));
        const auto& ids = ids_.at(list);
        constexpr std::size_t unseen = static_cast<std::size_t>(-1);
        std::vector<std::size_t> walk_of(records.size(), unseen);
        for (std::size_t start = 0; start < records.size(); ++start) {
            for (auto at = start; walk_of[at] == unseen;) {
                walk_of[at] = start;
                const auto parent = parent_of(records[at], key);
                if (parent.empty()) break;
                const auto above = ids.at(parent);
                if (walk_of[above] == start)
                    return line(Place{list, above, parent}.str(std::string(key)),
                                "上下级关系绕成了圈，请改正其中一个上级",
                                "going up from here comes back here; correct one of the parents");
                at = above;
            }
        }
        return {};
    }

    const CityFile& city_;
    const std::string& path_;
    std::unordered_map<std::string_view, Ids> ids_;
    std::unordered_map<std::string_view, std::unordered_set<std::string_view>> states_;
};

}  // namespace

Result<> check_city_records(const CityFile& city, const std::string& path) { return Checker(city, path).check(); }

}  // namespace taizhang::ledger
