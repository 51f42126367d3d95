#include "ledger/words.h"

#include "ledger/times.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

json::value json_of(const Value& v) {
    switch (v.kind()) {
        case Value::Kind::null: return nullptr;
        case Value::Kind::number:
            return v.as_number().scale == 0 ? json::value(v.as_number().mantissa)
                                            : json::value(v.as_number().to_double());
        case Value::Kind::text: return json::string(v.as_text());
        case Value::Kind::blob: return json::string(to_hex(v.as_text()));
    }
    return nullptr;
}

json::value json_of(const RowView& row, const std::string& field, const Value& v) {
    const auto f = row.binding->newest->field(field);
    if (f < 0) return json_of(v);
    const auto type = row.binding->newest->fields[static_cast<std::size_t>(f)].type;
    if (type == Type::boolean && v.kind() == Value::Kind::number) return v.as_number() != Decimal{};
    if (type == Type::json && v.kind() == Value::Kind::text) {
        boost::system::error_code ec;
        auto document = json::parse(v.as_text(), ec);
        if (!ec) return document;
    }
    return json_of(v);
}

std::string_view name_of(fold::Rule rule) {
    switch (rule) {
        case fold::Rule::latest: return "latest";
        case fold::Rule::authority: return "authority";
        case fold::Rule::owner: return "owner";
        case fold::Rule::keep_both: return "keep_both";
        case fold::Rule::append: return "append";
        case fold::Rule::set: return "set";
        case fold::Rule::sum: return "sum";
    }
    return "";
}

std::string_view name_of(fold::LineKind kind) {
    switch (kind) {
        case fold::LineKind::open: return "open";
        case fold::LineKind::closed: return "closed";
        case fold::LineKind::refused: return "refused";
        case fold::LineKind::suggestion: return "suggestion";
        case fold::LineKind::voided: return "void";
        case fold::LineKind::after_close: return "after_close";
        case fold::LineKind::quarantined: return "quarantined";
    }
    return "";
}

const HistoryItem* item_of(const RowView& row, const VersionId& version) {
    const auto it =
        std::find_if(row.history.begin(), row.history.end(), [&](const auto& i) { return i.version == version; });
    return it == row.history.end() ? nullptr : &*it;
}

namespace {

const Transition* transition_of(const RowView& row, const HistoryItem& item) {
    return row.binding->newest->workflow.find(item.transition);
}

std::string argument(const HistoryItem& item, std::string_view name) {
    for (const auto& [n, v] : item.arguments)
        if (n == name) return v.display();
    return {};
}

bool in_group(const RowView& row, int group, const std::string& field) {
    const auto f = row.binding->newest->field(field);
    if (f < 0) return false;
    const auto g = row.binding->newest->fields[static_cast<std::size_t>(f)].group;
    return row.binding->groups[static_cast<std::size_t>(group)] ==
           row.binding->newest->groups[static_cast<std::size_t>(g)].name;
}

}  // namespace

json::value value_of(const RowView& row, int group, const HistoryItem& item) {
    if (group == fold::kWorkflow) {
        json::object o;
        o["transition"] = item.transition;
        if (const auto* t = transition_of(row, item)) {
            o["label"] = t->label.both();
            if (t->to >= 0) o["to"] = row.binding->newest->workflow.states[static_cast<std::size_t>(t->to)];
        }
        for (const auto& [n, v] : item.arguments) o[n] = json_of(v);
        return o;
    }
    json::object o;
    for (const auto& [n, v] : item.fields)
        if (in_group(row, group, n)) o[n] = json_of(row, n, v);
    if (o.size() == 1 && row.binding->group_defs[static_cast<std::size_t>(group)]->fields.size() == 1)
        return o.begin()->value();
    return o;
}

json::object author_of(const RowView& row, int group, const HistoryItem& item) {
    json::object o;
    o["value"] = value_of(row, group, item);
    o["level"] = taizhang::name_of(item.level);
    o["unit"] = item.unit;
    o["time"] = time_text(item.time);
    if (item.time_unverified) o["time_unverified"] = true;
    if (!item.person.empty()) o["person"] = item.person;
    o["replica"] = item.commit.replica.hex();
    return o;
}

std::string time_text(std::uint64_t hybrid) { return format_local(static_cast<std::int64_t>(hybrid >> 16)); }

std::string unit_name(const ControlState& control, const std::string& unit) {
    const auto* u = control.unit(unit);
    return u ? u->short_name : unit;
}

std::string why(const ControlState& control, const RowView& row, const fold::Line& line) {
    const auto* winner = item_of(row, line.winner);
    const auto by = winner ? unit_name(control, winner->unit) : std::string("上级");
    const auto by_en = winner ? winner->unit : std::string("a superior");
    switch (line.kind) {
        case fold::LineKind::open:
            if (line.rule == fold::Rule::keep_both)
                return "两个版本并存,等有权的人选用或合并 / both versions are kept, side by side, until somebody "
                       "entitled decides";
            if (line.rule == fold::Rule::authority)
                return "同时修改,以上级(" + by + ")的为准,这一份留在冲突台账 / concurrent; the higher level (" + by_en +
                       ") stands, this one is kept here";
            return "同时修改,以后写的为准,这一份留在冲突台账 / concurrent; the later stands, this one is kept here";
        case fold::LineKind::closed: {
            const auto* z = item_of(row, line.decided_by);
            const auto who = z ? unit_name(control, z->unit) : std::string();
            return "已由" + who + "裁定,未采用的文字留存 / settled by " + (z ? z->unit : std::string("somebody")) +
                   "; the text that was not taken is kept here";
        }
        case fold::LineKind::refused:
            return "这一项不由该单位填写,未生效 / not this unit's to write: refused, kept here";
        case fold::LineKind::suggestion: {
            const auto& as = line.group >= 0 ? row.binding->group_defs[static_cast<std::size_t>(line.group)]->refused_as
                                             : std::string();
            if (as == "extension_request")
                return "完成时限由上级确定,已转为延期申请(草稿),请补理由 / the deadline is the issuer's: kept as a "
                       "draft extension request, please add the reason";
            return "这一项不由该单位填写,已转为建议 / not this unit's to write: kept as a suggestion (" + as + ")";
        }
        case fold::LineKind::voided: {
            if (!winner) return "基于旧版本的操作,不再适用,文字保留 / based on an old version: void, its text is kept";
            const auto* t = transition_of(row, *winner);
            const auto reason = argument(*winner, "reason");
            return "基于旧版本的操作,已作废:" + by + "已" + (t ? t->label.zh : winner->transition) +
                   (reason.empty() ? "" : ",理由:" + reason) + ";文字保留 / based on an old version: void; " + by_en +
                   " did " + winner->transition + (reason.empty() ? "" : " (" + reason + ")") + "; its text is kept";
        }
        case fold::LineKind::after_close: {
            const auto* t = winner ? transition_of(row, *winner) : nullptr;
            return std::string(t ? t->label.zh : "办结") + "后补充:" + by + "已" + (t ? t->label.zh : "办结") +
                   ",内容保留,重启后可见 / added after close-out by " + by_en + ": kept, comes back on reopening";
        }
        case fold::LineKind::quarantined: return "来自已吊销的设备,隔离 / from a revoked device: quarantined";
    }
    return {};
}

}  // namespace taizhang::ledger
