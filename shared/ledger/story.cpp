#include "ledger/story.h"

#include "ledger/children.h"
#include "ledger/lateness.h"
#include "ledger/rows.h"
#include "ledger/times.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::int64_t kOfflineMs = 10 * 60'000;  ///< later than this at the next level: the writer had no link
constexpr std::size_t kShownMax = 120;            ///< bytes of a value in a sentence

std::string shown(const Value& v) {
    if (v.is_null()) return "(空)";
    auto s = v.display();
    for (auto& c : s)
        if (c == '\n' || c == '\r') c = ' ';
    if (s.size() <= kShownMax) return "“" + s + "”";
    auto cut = kShownMax;
    while (cut > 0 && (static_cast<unsigned char>(s[cut]) & 0xc0) == 0x80) --cut;
    return "“" + s.substr(0, cut) + "…”";
}

const Label& label_of(const RowView& row, const std::string& field) {
    static const Label none;
    const auto f = row.binding->newest->field(field);
    return f < 0 ? none : row.binding->newest->fields[static_cast<std::size_t>(f)].label;
}

/// Something of this change was not simply taken.
bool is_set_aside(const HistoryItem& h) {
    return std::any_of(h.lines.begin(), h.lines.end(),
                       [&](const auto& l) { return l.loser == h.version && l.kind != fold::LineKind::closed; });
}

class Teller {
public:
    Teller(Replica& r, const RowView& row) : r_(r), row_(row) {}

    json::array tell() {
        json::array out;
        for (const auto& h : row_.history) out.push_back(entry(h));
        return out;
    }

private:
    json::object entry(const HistoryItem& h) {
        std::string zh, en;
        auto add = [&](const std::string& z, const std::string& e) {
            zh += (zh.empty() ? "" : ";") + z;
            en += (en.empty() ? "" : "; ") + e;
        };
        json::array replaced;
        if (!has_begun_) add("新建" + row_.binding->newest->label.zh, "made the " + row_.binding->newest->label.en);
        for (const auto& [name, value] : h.fields) {
            const auto& label = label_of(row_, name);
            const auto before = now_.find(name);
            const bool had = before != now_.end() && !before->second.is_null();
            const auto zh_name = label.zh.empty() ? name : label.zh, en_name = label.en.empty() ? name : label.en;
            if (had)
                add("把" + zh_name + "由" + shown(before->second) + "改为" + shown(value),
                    en_name + ": " + shown(before->second) + " → " + shown(value));
            else
                add(zh_name + "填为" + shown(value), en_name + ": " + shown(value));
            if (had) replaced.push_back({{"field", name}, {"value", json_of(row_, name, before->second)}});
        }
        if (!h.transition.empty()) step(h, add);
        const bool aside = is_set_aside(h);
        if (!aside)
            for (const auto& [name, value] : h.fields) now_[name] = value;
        has_begun_ = true;
        const auto late = lateness_ms(r_, h);
        const bool offline = late && *late >= kOfflineMs;
        if (offline) add("离线填写,后来送达", "written offline, came later");
        if (h.time_unverified) add("时间待核", "time unverified");
        if (aside) add("没有直接采用", "not simply taken");
        const auto unit = unit_name(r_.control(), h.unit);
        const auto who = unit + (h.person.empty() ? "" : " " + h.person);
        const auto when = time_text(h.time);
        return {{"time", when},
                {"unit", h.unit},
                {"unit_name", unit},
                {"level", taizhang::name_of(h.level)},
                {"person", h.person},
                {"offline", offline},
                {"received", h.origin == Origin::own ? json::value(nullptr) : json::value(format_local(h.received_ms))},
                {"accepted", !aside},
                {"replaced", std::move(replaced)},
                {"zh", when.substr(0, 16) + " " + who + ":" + zh},
                {"en", when.substr(0, 16) + " " + who + ": " + en}};
    }

    template <class Add>
    void step(const HistoryItem& h, Add add) {
        const auto* t = row_.binding->newest->workflow.find(h.transition);
        std::string zh = t ? t->label.zh : h.transition, en = t ? t->label.en : h.transition;
        for (const auto& [name, value] : h.arguments) {
            if (value.is_null()) continue;
            const char* word = name == "reason"         ? "理由"
                               : name == "new_deadline" ? "新时限"
                               : name == "state"        ? "状态"
                                                        : "说明";
            zh += "," + std::string(word) + shown(value);
            en += ", " + name + " " + shown(value);
        }
        add(zh, en);
    }

    Replica& r_;
    const RowView& row_;
    std::map<std::string, Value> now_;
    bool has_begun_ = false;
};

}  // namespace

Result<json::array> story(Replica& r, const std::string& id) {
    TRY(const auto row, r.read_row({}, id));
    auto out = Teller(r, row).tell();
    for (const auto& child : kChildren) {
        if (row.entity != child.of || !r.control().newest(child.entity)) continue;
        const std::string entity(child.entity);
        TRY(const auto rows,
            rows_of(r, "SELECT id FROM " + entity + " WHERE " + std::string(child.of) + "_id = ?1 ORDER BY id", {id}));
        for (const auto& c : rows) {
            TRY(const auto view, r.read_row(entity, text_at(c.as_object(), "id")));
            for (auto& e : Teller(r, view).tell()) out.push_back(std::move(e));
        }
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.at("time").as_string() < b.at("time").as_string(); });
    return out;
}

Result<Saved> undo(Replica& r, const std::string& id, const std::vector<std::string>& fields,
                   const std::string& person) {
    TRY(const auto row, r.read_row({}, id));
    const auto wanted = [&](const std::string& f) {
        return fields.empty() || std::find(fields.begin(), fields.end(), f) != fields.end();
    };
    const auto own = std::find_if(row.history.rbegin(), row.history.rend(), [&](const HistoryItem& h) {
        return h.commit.replica == r.id() && !h.removal && !is_set_aside(h) &&
               std::any_of(h.fields.begin(), h.fields.end(), [&](const auto& f) { return wanted(f.first); });
    });
    const bool is_first = own == row.history.rend() || std::next(own) == row.history.rend();
    if (is_first || !row.is_whole)
        return fail(Errc::not_allowed, id + " 没有本机写的、可以撤销的修改;办过的步骤用办理步骤改回 / " + id +
                                           ": no edit of this PC to take back; steps are taken back by steps");
    Edit e;
    e.entity = row.entity;
    e.row = id;
    e.stream = row.stream;
    for (const auto& [name, value] : own->fields) {
        if (!wanted(name)) continue;
        for (auto later = row.history.rbegin(); later != own; ++later)
            for (const auto& f : later->fields)
                if (f.first == name && !is_set_aside(*later))
                    return fail(Errc::not_allowed, label_of(row, name).zh + " 后来又改过,不能撤销 / " + name +
                                                       " was written again since: it cannot be taken back");
        Value before;
        for (auto earlier = std::next(own); earlier != row.history.rend(); ++earlier) {
            const auto it = std::find_if(earlier->fields.begin(), earlier->fields.end(),
                                         [&named = name](const auto& f) { return f.first == named; });
            if (it == earlier->fields.end() || is_set_aside(*earlier)) continue;
            before = it->second;
            break;
        }
        e.fields.emplace_back(name, before);
    }
    Saved saved;
    saved.record = id;
    Draft draft;
    draft.person = person;
    draft.edits.push_back(std::move(e));
    TRY(saved.commits, r.edit(draft));
    return saved;
}

}  // namespace taizhang::ledger
