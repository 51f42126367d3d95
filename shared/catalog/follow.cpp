// What may follow a catalog that people have written records by, and what such a step changes.
//
// Names, types and places are for ever: records, conflict lines and half-written edits on PCs that have not synced for
// months mean them. Labels, lengths, choices, rights and rules may change; a commit is judged by the version it
// records.
#include "catalog/catalog.h"

#include <algorithm>

namespace taizhang {
namespace {

class Step {
public:
    Step(const Entity& before, const Entity& after, std::uint32_t version) : a_(before), b_(after), version_(version) {}

    Result<> check() const {
        if (a_.audience != b_.audience) return bad("", "不能改 audience(谁能看)", "may not change its audience");
        if (a_.home != b_.home) return bad("", "不能改 home(记录归谁)", "may not change its home");
        if (a_.uuid != b_.uuid || a_.key != b_.key)
            return bad("", "不能改编号的形式(id、key)", "may not change the form of its ids (id, key)");
        // An older program that skipped one version must not read a later one: it would number the fields otherwise.
        if (b_.needs < a_.needs) return bad("", "的 needs 不能降低", "may not need less than before (needs)");
        for (const auto& f : a_.fields) TRY_VOID(field(f));
        return workflow();
    }

private:
    Error bad(const std::string& name, const std::string& zh, const std::string& en) const {
        const auto what = name.empty() ? a_.name : a_.name + "." + name;
        const auto v = std::to_string(version_);
        return fail(Errc::bad_input,
                    "目录第 " + v + " 版:" + what + " " + zh + " / catalog version " + v + ": " + what + " " + en);
    }

    static int kind_of(fold::Rule r) {
        switch (r) {
            case fold::Rule::append: return 1;
            case fold::Rule::set: return 2;
            case fold::Rule::sum: return 3;
            default: return 0;  // one value stands
        }
    }

    Result<> field(const Field& f) const {
        const auto i = b_.field(f.name);
        if (i < 0)
            return bad(f.name, "被删去了,已填的内容会成为孤儿", "is gone; what people typed there would be orphaned");
        const auto& g = b_.fields[static_cast<std::size_t>(i)];
        if (g.type != f.type)
            return bad(f.name, "不能改类型(" + std::string(name_of(f.type)) + ")",
                       "may not change its type (" + std::string(name_of(f.type)) + ")");
        if (g.ref != f.ref)
            return bad(f.name, "不能改指向(" + f.ref + ")", "may not refer to another entity than " + f.ref);
        const auto& was = a_.groups[static_cast<std::size_t>(f.group)];
        const auto& is = b_.groups[static_cast<std::size_t>(g.group)];
        if (was.name != is.name)
            return bad(f.name, "不能改字段组(" + was.name + ")", "may not leave its group " + was.name);
        if (kind_of(was.rule) != kind_of(is.rule))
            return bad(f.name, "不能在单值、append、set、sum 之间改规则",
                       "may not change between one value, append, set and sum");
        return {};
    }

    Result<> workflow() const {
        const auto &was = a_.workflow, &is = b_.workflow;
        if (!a_.has_workflow()) return {};
        if (!b_.has_workflow() || was.field != is.field)
            return bad(was.field, "(状态)不能删去或改名", "(its state) may not go or change its name");
        for (std::size_t s = 0; s < was.states.size(); ++s) {
            if (is.state(was.states[s]) < 0)
                return bad(was.field, "的状态“" + was.states[s] + "”被删去了,处于其中的记录会成为孤儿",
                           "has lost the state " + was.states[s] + "; records in it would be orphaned");
            if (is.state(was.states[s]) != static_cast<int>(s))
                return bad(was.field, "的状态“" + was.states[s] + "”挪了位置;新状态加在最后",
                           "has moved the state " + was.states[s] + "; add new states at the end");
        }
        for (const auto& t : was.transitions)
            if (!is.find(t.name))
                return bad(t.name, "这一步被删去了;要停用就收紧 by",
                           "(a transition) is gone; to retire it, narrow its by");
        return {};
    }

    const Entity& a_;
    const Entity& b_;
    std::uint32_t version_;
};

}  // namespace

Result<> may_become(const Entity& before, const Entity& after, std::uint32_t version) {
    return Step(before, after, version).check();
}

Result<> may_follow(std::uint32_t before, std::uint32_t version) {
    if (version == before + 1) return {};
    const auto next = std::to_string(before + 1), is = std::to_string(version);
    return fail(Errc::bad_input, "目录现为第 " + std::to_string(before) + " 版,下一版必须是 version = " + next +
                                     ",不是 " + is + " / the catalog is at version " + std::to_string(before) +
                                     ": the next one must say version = " + next + ", not " + is);
}

Result<> Catalog::may_be_followed_by(const Catalog& next) const {
    TRY_VOID(may_follow(version_, next.version()));
    if (next.needs() < needs_)
        return fail(Errc::bad_input,
                    "目录的 needs 不能降低(原为 " + std::to_string(needs_) +
                        ") / a catalog may not need less than the one before (needs = " + std::to_string(needs_) + ")");
    if (next.needs_newer() > 0) return {};
    for (const auto& e : entities_) {
        if (next.find_newer(e.name)) continue;
        const auto* n = next.find(e.name);
        if (!n) {
            const auto v = std::to_string(next.version());
            return fail(Errc::bad_input, "目录第 " + v + " 版:" + e.name +
                                             " 被删去了,已有的记录会成为孤儿 / catalog version " + v + ": entity " +
                                             e.name + " is gone; its records would be orphaned");
        }
        TRY_VOID(may_become(e, *n, next.version()));
    }
    return {};
}

// ------------------------------------------------------------------ what changes

namespace {

bool same_rights(const Group& a, const Group& b) {
    return a.rule == b.rule && a.by == b.by && a.refused_as == b.refused_as;
}

void field_changes(const Entity& a, const Entity& b, std::vector<Label>& out) {
    for (const auto& f : b.fields) {
        const auto name = b.name + "." + f.name;
        const auto i = a.field(f.name);
        if (i < 0) {
            out.push_back({"新字段 " + name + "(" + f.label.zh + ")", "new field " + name + " (" + f.label.en + ")"});
            continue;
        }
        const auto& was = a.fields[static_cast<std::size_t>(i)];
        if (was.length_max != f.length_max)
            out.push_back({name + " 最长 " + std::to_string(f.length_max) + " 字节",
                           name + " takes at most " + std::to_string(f.length_max) + " bytes"});
        if (was.choices != f.choices) out.push_back({name + " 的选项变了", name + " has other choices"});
        if (was.required != f.required)
            out.push_back({name + (f.required ? " 成为必填" : " 不再必填"),
                           name + (f.required ? " is required now" : " is not required any more")});
        if (was.label.zh != f.label.zh || was.label.en != f.label.en)
            out.push_back({name + " 改称“" + f.label.zh + "”", name + " is called " + f.label.en + " now"});
    }
    for (const auto& g : b.groups) {
        const auto i = a.group(g.name);
        if (i >= 0 && !same_rights(a.groups[static_cast<std::size_t>(i)], g))
            out.push_back(
                {b.name + " 的 " + g.name + " 规则或填写权变了", "rule or rights of " + b.name + "." + g.name});
    }
}

void workflow_changes(const Entity& a, const Entity& b, std::vector<Label>& out) {
    const auto &was = a.workflow, &is = b.workflow;
    for (std::size_t s = 0; s < is.states.size(); ++s) {
        if (was.state(is.states[s]) < 0)
            out.push_back({b.name + " 新状态“" + is.states[s] + "”", "new state " + is.states[s] + " of " + b.name});
        else if (was.freezes[s] != is.freezes[s])
            out.push_back({b.name + " 的“" + is.states[s] + "”锁定的内容变了",
                           "what " + is.states[s] + " of " + b.name + " freezes"});
    }
    for (const auto& t : is.transitions) {
        const auto* old = was.find(t.name);
        const auto name = b.name + "." + t.name;
        if (!old)
            out.push_back({"新步骤 " + name + "(" + t.label.zh + ")", "new transition " + name});
        else if (old->from != t.from || old->to != t.to || old->by != t.by || old->needs != t.needs ||
                 old->takes != t.takes)
            out.push_back({"步骤 " + name + " 变了", "transition " + name + " is another"});
    }
}

}  // namespace

std::vector<Label> changes_between(const Catalog& before, const Catalog& after) {
    std::vector<Label> out;
    for (const auto& e : after.entities()) {
        const auto* was = before.find(e.name);
        if (!was) {
            out.push_back(
                {"新记录 " + e.name + "(" + e.label.zh + ")", "new entity " + e.name + " (" + e.label.en + ")"});
            continue;
        }
        field_changes(*was, e, out);
        workflow_changes(*was, e, out);
    }
    return out;
}

}  // namespace taizhang
