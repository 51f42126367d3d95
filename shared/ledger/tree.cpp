#include "ledger/tree.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

Level below(Level l) { return l == Level::branch ? Level::branch : static_cast<Level>(static_cast<int>(l) - 1); }

Result<json::object> entry_of(const ControlState& control, const UnitChange& c) {
    json::object o;
    const auto* known = control.unit(c.id);
    if (known) {
        boost::system::error_code ec;
        const auto v = json::parse(known->json, ec);
        if (!ec && v.is_object()) o = v.as_object();
    } else {
        if (!c.merge_into.empty() || c.abolish)
            return fail(Errc::not_found, "没有单位 " + c.id + " / there is no unit " + c.id);
        if (!c.parent || !c.name)
            return fail(Errc::usage,
                        "新单位 " + c.id + " 要给出 --name 和 --parent / a new unit needs --name and --parent");
    }
    const auto parent = c.parent ? *c.parent : known->parent;
    const auto* above = control.unit(parent);
    if (!above && !(known && known->parent.empty()))
        return fail(Errc::not_found, "没有上级单位 " + parent + " / there is no unit " + parent);
    if (above && above->abolished)
        return fail(Errc::bad_input, parent + " 已撤销,不能作上级 / " + parent + " is closed, it cannot be a parent");
    o["id"] = c.id;
    o["parent_id"] = parent;
    if (!known) o["level"] = taizhang::name_of(c.level ? *c.level : below(above->level));
    if (c.name) {
        o["name"] = *c.name;
        o.erase("short");  // it was short for the old one
    }
    if (c.short_name) o["short"] = *c.short_name;
    if (c.abolish) o["abolished"] = true;
    if (!c.merge_into.empty()) o["merged_into"] = c.merge_into;
    return o;
}

/// A record goes on with another unit: closed here as far as its workflow has a way, opened there with what may be
/// written for it from above.
Result<> continue_row(Replica& r, const std::string& id, const UnitChange& c, const std::string& person,
                      json::array& out) {
    TRY(const auto row, r.read_row({}, id));
    const auto& entity = *row.binding->newest;
    if (entity.home.empty() || row.stream.unit != c.split_from)
        return fail(Errc::bad_input,
                    id + " 不是 " + c.split_from + " 的记录 / " + id + " is no record of " + c.split_from);
    const StreamId there{c.id, row.stream.audience};
    const auto rel = r.control().relation(*r.control().cert(r.id()), there, r.control().head());
    Edit next;
    next.entity = row.entity;
    next.row = id + "@" + c.id;
    next.stream = there;
    next.create = true;
    for (const auto& [name, value] : row.fields) {
        const auto f = entity.field(name);
        if (f < 0 || value.is_null()) continue;
        const auto& group = entity.groups[static_cast<std::size_t>(entity.fields[static_cast<std::size_t>(f)].group)];
        if (!rel.may(group.by)) continue;
        next.fields.emplace_back(name, name == entity.home ? Value::text(c.id) : value);
    }
    if (entity.workflow.find("carry_over") && !row.state.empty()) {
        next.transition = "carry_over";
        next.arguments.emplace_back("state", Value::text(row.state));
    }
    Edit closed;
    closed.entity = row.entity;
    closed.row = id;
    const auto reason = "拆分:由 " + c.id + " 接续(" + next.row + ")";
    const auto step =
        std::find_if(row.allowed.begin(), row.allowed.end(), [](const auto* t) { return t->name == "withdraw"; });
    if (step != row.allowed.end()) {
        closed.transition = "withdraw";
        closed.arguments.emplace_back("reason", Value::text(reason));
    } else if (entity.field("remark") >= 0) {
        closed.fields.emplace_back("remark", Value::text(reason));
    }
    out.push_back({{"from", id}, {"to", next.row}});
    Draft draft;
    draft.person = person;
    draft.edits.push_back(std::move(next));
    if (!closed.transition.empty() || !closed.fields.empty()) draft.edits.push_back(std::move(closed));
    TRY_VOID(r.edit(draft));
    return {};
}

}  // namespace

Result<json::object> change_unit(Replica& r, const UnitChange& c, const std::string& person) {
    const auto* own = r.control().cert(r.id());
    if (!own || own->unit != r.control().root())
        return fail(Errc::not_allowed, "单位由市级服务器调整 / units are changed at the city's server");
    if (!c.split_from.empty() && r.control().unit(c.id))
        return fail(Errc::bad_input,
                    "拆分要建新单位," + c.id + " 已存在 / a split makes a new unit, " + c.id + " exists");
    UnitChange whole = c;
    if (!c.split_from.empty()) {
        const auto* from = r.control().unit(c.split_from);
        if (!from) return fail(Errc::not_found, "没有单位 " + c.split_from + " / there is no unit " + c.split_from);
        if (!whole.parent) whole.parent = from->parent;
        whole.level = from->level;
    }
    TRY(auto entry, entry_of(r.control(), whole));
    json::array continued;
    ControlPos pos;
    TRY_VOID(r.batch([&]() -> Result<> {
        TRY(pos, r.append_control("unit", json::serialize(entry)));
        for (const auto& row : c.rows) TRY_VOID(continue_row(r, row, c, person, continued));
        return {};
    }));
    entry["control"] = pos.value;
    if (!c.rows.empty()) entry["continued"] = std::move(continued);
    return entry;
}

}  // namespace taizhang::ledger
