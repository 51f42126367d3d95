#include "ledger/search.h"

#include "ledger/rows.h"
#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::ledger {

namespace json = boost::json;

namespace {

constexpr std::string_view kBehindAllIds = "\xff";  ///< no UTF-8 text is at or behind it
constexpr std::size_t kAround = 45;                 ///< bytes of text on either side of what was found

std::vector<std::string> words_of(const std::string& typed) {
    std::vector<std::string> out;
    std::string word;
    const std::string_view wide = "　";
    for (std::size_t i = 0; i < typed.size(); ++i) {
        const bool is_wide = std::string_view(typed).substr(i, wide.size()) == wide;
        if (typed[i] == ' ' || typed[i] == '\t' || is_wide) {
            if (!word.empty()) out.push_back(std::move(word));
            word.clear();
            if (is_wide) i += wide.size() - 1;
        } else {
            word.push_back(typed[i]);
        }
    }
    if (!word.empty()) out.push_back(std::move(word));
    return out;
}

/// Whole characters around the place.
std::string excerpt(std::string_view text, std::string_view word) {
    const auto at = text.find(word);
    if (at == std::string_view::npos) return std::string(text.substr(0, 0));
    auto is_inside = [&](std::size_t i) {
        return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
    };
    auto from = at > kAround ? at - kAround : 0, to = std::min(text.size(), at + word.size() + kAround);
    while (from > 0 && is_inside(from)) --from;
    while (to < text.size() && is_inside(to)) ++to;
    std::string out = (from > 0 ? "…" : "") + std::string(text.substr(from, to - from)) + (to < text.size() ? "…" : "");
    for (auto& c : out)
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    return out;
}

class Search {
public:
    Search(Replica& r, std::vector<std::string> words, std::size_t limit, TextFilter* filter)
        : r_(r), words_(std::move(words)), limit_(limit), filter_(filter) {}

    Result<json::object> run() {
        std::vector<const EntityBinding*> order;
        for (const auto& b : r_.control().bindings())
            if (b->newest) order.push_back(b.get());
        // What people look for most stands first.
        auto rank = [](const EntityBinding* b) {
            return b->name == "task" ? 0 : b->name == "assignment" ? 1 : b->name == "rectification" ? 2 : 3;
        };
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return rank(a) < rank(b); });
        for (const auto* b : order) {
            if (rows_.size() > limit_) break;
            TRY_VOID(entity(*b->newest));
        }
        const bool more = rows_.size() > limit_;
        if (more) rows_.pop_back();
        return json::object{{"rows", std::move(rows_)}, {"more", more}};
    }

private:
    Result<> entity(const Entity& e) {
        std::vector<const Field*> fields;
        for (const auto& f : e.fields)
            if (f.type == Type::text || f.type == Type::json) fields.push_back(&f);
        if (e.uuid) return {};
        std::string sql = "SELECT t.id, s.unit";
        sql += e.has_workflow() ? ", t.\"" + e.workflow.field + "\"" : std::string(", ''");
        for (const auto* f : fields) sql += ", t.\"" + f->name + "\"";
        sql += " FROM \"" + e.name + "\" t JOIN stream s ON s.no = t._s WHERE t.id >= ?1 AND t.id < ?2";
        for (std::size_t w = 0; w < words_.size(); ++w) {
            const auto place = "?" + std::to_string(w + 3);
            sql += " AND (t.id = " + place;
            for (const auto* f : fields) sql += " OR instr(t.\"" + f->name + "\", " + place + ")";
            if (e.name == "assignment")
                sql += " OR t.task_id IN (SELECT id FROM task WHERE id = " + place + " OR instr(title, " + place + "))";
            sql += ")";
        }
        TRY(const auto ranges, where_to_look(e));
        TRY(auto s, r_.database().prepare(sql, false));
        for (std::size_t w = 0; w < words_.size(); ++w) s.bind(static_cast<int>(w) + 3, std::string_view(words_[w]));
        for (const auto& range : ranges) {
            s.bind(1, std::string_view(range.from));
            s.bind(2, range.to ? std::string_view(*range.to) : kBehindAllIds);
            while (rows_.size() <= limit_) {
                TRY(const bool row, s.step());
                if (!row) break;
                add(e, fields, s);
            }
            s.reset();
        }
        return {};
    }

    Result<std::vector<TextFilter::Range>> where_to_look(const Entity& e) {
        if (!filter_) return std::vector<TextFilter::Range>{{"", std::nullopt}};
        std::vector<TextFilter::Wanted> wanted;
        for (const auto& word : words_) {
            auto& w = wanted.emplace_back();
            w.word = word;
            if (e.name != "assignment") continue;
            TRY(auto tasks, r_.database().prepare("SELECT id FROM task WHERE id = ?1 OR instr(title, ?1)"));
            tasks.bind(1, std::string_view(word));
            for (;;) {
                TRY(const bool row, tasks.step());
                if (!row) break;
                w.tasks.emplace_back(tasks.text(0));
            }
        }
        return filter_->ranges(e, wanted);
    }

    void add(const Entity& e, const std::vector<const Field*>& fields, const sqlite::Statement& s) {
        json::object o{{"entity", e.name},
                       {"kind", e.label.zh},
                       {"id", s.text(0)},
                       {"unit_id", s.text(1)},
                       {"unit", unit_name(r_.control(), std::string(s.text(1)))},
                       {"state", s.text(2).empty() ? json::value(nullptr) : json::value(s.text(2))},
                       {"field", nullptr},
                       {"label", nullptr},
                       {"excerpt", nullptr}};
        for (std::size_t f = 0; f < fields.size(); ++f) {
            auto found = excerpt(s.text(static_cast<int>(f) + 3), words_.front());
            if (found.empty()) continue;
            o["field"] = fields[f]->name;
            o["label"] = fields[f]->label.zh;
            o["excerpt"] = found;
            break;
        }
        rows_.push_back(std::move(o));
    }

    Replica& r_;
    std::vector<std::string> words_;
    std::size_t limit_;
    TextFilter* filter_;
    json::array rows_;
};

}  // namespace

Result<json::object> search(Replica& r, const std::string& typed, std::size_t limit, TextFilter* filter) {
    auto words = words_of(typed);
    if (words.empty()) return fail(Errc::usage, "请给出要找的词 / say which words to look for");
    if (words.size() > 8 || typed.size() > 400) return fail(Errc::usage, "要找的词太多 / too many words to look for");
    return Search(r, std::move(words), std::min<std::size_t>(limit, 500), filter).run();
}

}  // namespace taizhang::ledger
