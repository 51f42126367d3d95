// New records of any entity that people make by hand: help requests, appeals, problems, guidance, …
#include "ledger/entry.h"
#include "ledger/ledger.h"
#include "ledger/new_record.h"
#include "ledger/record_rules.h"
#include "ledger/times.h"

#include <algorithm>

namespace taizhang::ledger {

Result<Saved> Ledger::create(const std::string& name, const Assignments& typed, const std::string& person) {
    const auto* v = r_.control().newest(name);
    if (!v) return fail(Errc::not_found, "目录里没有 " + name + " / the catalog has no " + name);
    const auto& entity = *v->entity;
    if (entity.uuid)
        return fail(Errc::usage, entity.label.zh + " 的编号由内容推出,不能这样新建 / the id of " + entity.name +
                                     " follows from its content: it is not made like this");
    Edit e;
    e.entity = name;
    e.create = true;
    for (const auto& [key, text] : typed) {
        TRY_VOID(check_marking(text));
        const auto f = entity.field(key);
        if (f < 0)
            return fail(Errc::not_found,
                        entity.label.zh + " 没有字段 " + key + " / " + entity.name + " has no field '" + key + "'");
        TRY(auto value, parse_value(entity.fields[static_cast<std::size_t>(f)], text));
        if (!value.is_null()) e.fields.emplace_back(key, std::move(value));
    }
    auto given = [&](const std::string& key) {
        return std::find_if(e.fields.begin(), e.fields.end(), [&](const auto& f) { return f.first == key; });
    };
    // What is for all below is the office's for which a department acts.
    const auto& control = r_.control();
    auto unit =
        entity.home.empty() && control.unit(own_unit()) ? control.authority(own_unit(), control.head()) : own_unit();
    if (!entity.home.empty()) {
        const auto it = given(entity.home);
        if (it == e.fields.end())
            e.fields.emplace_back(entity.home, Value::text(unit));
        else
            unit = it->second.display();
        if (!r_.control().unit(unit)) return fail(Errc::not_found, "没有单位 " + unit + " / there is no unit " + unit);
    }
    const auto when = std::find_if(entity.fields.begin(), entity.fields.end(),
                                   [](const auto& f) { return f.type == Type::datetime; });
    // A draft of a task has no time of issue: the step that issues it sets that.
    if (when != entity.fields.end() && given(when->name) == e.fields.end() && name != "task")
        e.fields.emplace_back(when->name, Value::text(format_local(r_.now().ms)));
    for (const auto& f : entity.fields)
        if (f.required && given(f.name) == e.fields.end())
            return fail(Errc::bad_input,
                        f.name + ": 请填写" + f.label.zh + " / " + f.name + ": " + f.label.en + " is needed");
    TRY_VOID(check_rules(r_, name, {}, e.fields));
    if (name == "assignment" && given("level") == e.fields.end() && entity.field("level") >= 0)
        e.fields.emplace_back("level", Value::text(std::string(taizhang::name_of(control.unit(unit)->level))));
    e.row = new_id(r_, entity);
    if (!entity.key.empty()) {
        std::vector<std::string> key;
        for (const auto& k : entity.key) key.push_back(given(k) == e.fields.end() ? "" : given(k)->second.display());
        e.row = derived_id(entity, key);
        TRY(const auto known, r_.find(e.row));
        if (!known.empty())
            return fail(Errc::not_allowed,
                        "已有这条" + entity.label.zh + ":" + e.row + " / there is one already: " + e.row);
    }
    e.stream = StreamId{unit, entity.audience};
    Draft draft;
    draft.person = person;
    const auto record = e.row;
    draft.edits.push_back(std::move(e));
    return save(std::move(draft), record);
}

}  // namespace taizhang::ledger
