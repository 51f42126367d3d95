// Reads the catalog's TOML; the only file that includes toml++.
#include "catalog/catalog.h"
#include "catalog/toml_text.h"

#include <optional>
#include <stdexcept>

// What toml++ 3.3 takes for impossible can come from a file (a table called "/"): it must not end the program.
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : throw std::logic_error("toml: " #expr))
#define TOML_EXCEPTIONS 0
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wterminate"  // in accessors that we do not misuse
#endif
#include <toml++/toml.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <algorithm>
#include <map>
#include <set>

namespace taizhang {
namespace {

constexpr std::size_t kEntitiesMax = 256, kFieldsMax = 256, kGroupsMax = 63, kStatesMax = 63;
constexpr std::size_t kTextDefault = 20'000, kTextMax = 262'144, kShortDefault = 200;

const std::map<std::string_view, Type> kTypes = {
    {"text", Type::text},     {"number", Type::number}, {"integer", Type::integer},
    {"bool", Type::boolean},  {"date", Type::date},     {"datetime", Type::datetime},
    {"choice", Type::choice}, {"ref", Type::ref},       {"json", Type::json},
};
const std::map<std::string_view, fold::Rule> kRules = {
    {"latest", fold::Rule::latest}, {"authority", fold::Rule::authority},
    {"owner", fold::Rule::owner},   {"keep_both", fold::Rule::keep_both},
    {"append", fold::Rule::append}, {"set", fold::Rule::set},
    {"sum", fold::Rule::sum},
};
const std::map<std::string_view, std::uint32_t> kBy = {
    {"unit", kByUnit},         {"above", kByAbove},   {"branch", kByBranch},
    {"township", kByTownship}, {"county", kByCounty}, {"city", kByCity},
};

/// Tables of schema/engine, beside which the entities' tables stand.
const std::set<std::string, std::less<>> kEngineTables = {
    "fact",       "replica", "stream",        "control",      "certificate", "certificate_waiting",
    "log",        "waiting", "conflict",      "device",       "enrol_code",  "ack",
    "held",       "horizon", "backed",        "checkpoint",   "unstamped",   "floor",
    "wanted_row", "content", "content_range", "content_level"};

bool is_name(std::string_view s) {
    if (s.empty() || s.size() > 48) return false;
    if (!(s[0] >= 'a' && s[0] <= 'z')) return false;
    return std::all_of(s.begin(), s.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

/// First fault wins; every fault names file, line and what is wrong.
class CatalogParser {
public:
    CatalogParser(Catalog& out, std::string origin, std::uint32_t knows)
        : out_(out), origin_(std::move(origin)), knows_(knows) {}

    Result<> run(const toml::table& root) {
        const auto version = root["version"].value<std::int64_t>();
        if (!version || *version < 1 || *version > 1'000'000)
            bad(root, "version = 1 (a whole number from 1) is missing");
        out_.version_ = static_cast<std::uint32_t>(version.value_or(0));
        // Before anything else is looked at: the rest may be written in words that this program does not know.
        out_.needs_ = needs(root);
        if (out_.needs_ > knows_ && fault_.empty()) {
            out_.needs_newer_ = out_.needs_;
            return {};
        }
        known(root, "the catalog", {"version", "needs", "entity"});
        if (const auto* entities = table(root, "entity", true)) {
            for (const auto& [name, node] : in_file_order(*entities)) entity(name, *node);
        }
        if (out_.entities_.empty() && out_.newer_.empty()) bad(root, "no [entity.…] is declared");
        if (out_.entities_.size() + out_.newer_.size() > kEntitiesMax) bad(root, "too many entities (at most 256)");
        check_refs(root);
        if (!fault_.empty()) return fail(Errc::bad_input, fault_);
        return {};
    }

private:
    using Node = toml::node;

    void bad(const Node& node, const std::string& what) {
        if (!fault_.empty()) return;
        fault_ = origin_ + ":" + std::to_string(node.source().begin.line) + ": " + what;
    }

    /// Tables come sorted by key; people think in the order in which they wrote.
    static std::vector<std::pair<std::string, const Node*>> in_file_order(const toml::table& t) {
        std::vector<std::pair<std::string, const Node*>> v;
        for (const auto& [k, node] : t) v.emplace_back(std::string(k.str()), &node);
        std::stable_sort(v.begin(), v.end(), [](const auto& a, const auto& b) {
            const auto x = a.second->source().begin, y = b.second->source().begin;
            return x.line != y.line ? x.line < y.line : x.column < y.column;
        });
        return v;
    }

    void known(const toml::table& t, const std::string& where, std::initializer_list<std::string_view> keys) {
        for (const auto& [k, node] : t)
            if (std::find(keys.begin(), keys.end(), k.str()) == keys.end())
                bad(node, "unknown key '" + std::string(k.str()) + "' in " + where);
    }

    const toml::table* table(const toml::table& t, std::string_view key, bool required) {
        const auto* node = t.get(key);
        if (!node) {
            if (required) bad(t, "table '" + std::string(key) + "' is missing");
            return nullptr;
        }
        if (!node->is_table()) {
            bad(*node, "'" + std::string(key) + "' must be a table");
            return nullptr;
        }
        return node->as_table();
    }

    std::string text(const toml::table& t, std::string_view key, std::string fallback = {}) {
        const auto* node = t.get(key);
        if (!node) return fallback;
        if (const auto v = node->value<std::string>()) return *v;
        bad(*node, "'" + std::string(key) + "' must be text");
        return fallback;
    }

    bool flag(const toml::table& t, std::string_view key) {
        const auto* node = t.get(key);
        if (!node) return false;
        if (const auto* b = node->as_boolean()) return b->get();
        bad(*node, "'" + std::string(key) + "' must be true or false");
        return false;
    }

    std::vector<std::string> list(const toml::table& t, std::string_view key) {
        std::vector<std::string> out;
        const auto* node = t.get(key);
        if (!node) return out;
        const auto* a = node->as_array();
        if (!a) {
            bad(*node, "'" + std::string(key) + "' must be a list of texts");
            return out;
        }
        for (const auto& e : *a) {
            if (const auto v = e.value<std::string>())
                out.push_back(*v);
            else
                bad(e, "'" + std::string(key) + "' must be a list of texts");
        }
        return out;
    }

    Label label(const toml::table& t, const std::string& name) {
        const auto l = list(t, "label");
        if (l.empty()) return {name, name};
        if (l.size() != 2) {
            bad(*t.get("label"), "label must be [\"中文\", \"English\"]");
            return {name, name};
        }
        return {l[0], l[1]};
    }

    std::uint32_t needs(const toml::table& t) {
        const auto* node = t.get("needs");
        if (!node) return 0;
        const auto v = node->value<std::int64_t>();
        if (node->is_integer() && v && *v >= 1 && *v <= 1'000'000) return static_cast<std::uint32_t>(*v);
        bad(*node, "needs must be the number of a level of the language, from 1");
        return 0;
    }

    std::uint32_t by(const toml::table& t, std::uint32_t fallback) {
        const auto* node = t.get("by");
        if (!node) return fallback;
        std::uint32_t bits = 0;
        for (const auto& who : list(t, "by")) {
            const auto it = kBy.find(who);
            if (it == kBy.end())
                bad(*node, "by: '" + who + "' is none of unit, above, branch, township, county, city");
            else
                bits |= it->second;
        }
        if (bits == 0) bad(*node, "by: nobody could ever write this");
        return bits;
    }

    fold::Rule rule(const toml::table& t, fold::Rule fallback) {
        const auto* node = t.get("rule");
        if (!node) return fallback;
        const auto it = kRules.find(text(t, "rule"));
        if (it != kRules.end()) return it->second;
        bad(*node, "rule '" + node->value_or(std::string("?")) +
                       "': must be one of latest, authority, owner, keep_both, append, set, sum (a workflow has its "
                       "own table)");
        return fallback;
    }

    void entity(const std::string& name, const Node& node) {
        const auto* t = node.as_table();
        if (!t) return bad(node, "entity '" + name + "' must be a table");
        if (!is_name(name) || name.starts_with("sqlite_"))
            return bad(node, "'" + name + "' cannot name an entity (a-z, 0-9, _)");
        if (kEngineTables.contains(name))
            return bad(node, "'" + name + "' is a table of the engine and cannot name an entity");
        const auto needed = needs(*t);
        if (needed > knows_) {
            out_.newer_.push_back({name, label(*t, name), needed});
            return;
        }
        known(*t, "entity " + name,
              {"needs", "label", "audience", "home", "prefix", "key", "id", "groups", "fields", "workflow", "by"});
        Entity e;
        e.name = name;
        e.needs = needed;
        e.label = label(*t, name);
        const auto audience = text(*t, "audience", "ledger");
        if (audience != "ledger" && audience != "notice")
            bad(*t->get("audience"), "audience must be \"ledger\" or \"notice\"");
        e.audience = audience == "notice" ? Audience::notice : Audience::ledger;
        e.home = text(*t, "home");
        e.prefix = text(*t, "prefix", name.substr(0, 1));
        e.key = list(*t, "key");
        const auto id = text(*t, "id", "text");
        if (id != "text" && id != "uuid") bad(*t->get("id"), "id must be \"text\" or \"uuid\"");
        e.uuid = id == "uuid";
        default_by_ = by(*t, kByUnit | kByAbove);
        if (const auto* groups = table(*t, "groups", false))
            for (const auto& [g, n] : in_file_order(*groups)) group(e, g, *n);
        if (const auto* fields = table(*t, "fields", true))
            for (const auto& [f, n] : in_file_order(*fields)) field(e, f, *n);
        if (e.fields.empty()) bad(node, "entity " + name + " has no fields");
        if (e.fields.size() > kFieldsMax || e.groups.size() > kGroupsMax)
            bad(node, "entity " + name + " has too many fields or groups (256 and 63 at most)");
        for (const auto& g : e.groups)
            if (g.fields.empty()) bad(node, "group " + g.name + " of " + name + " has no field");
        for (const auto& g : e.groups)
            if ((g.rule == fold::Rule::append || g.rule == fold::Rule::set) && g.fields.size() != 1)
                bad(node, "group " + g.name + " of " + name + ": append and set take exactly one field");
        for (const auto& k : e.key)
            if (e.field(k) < 0) bad(*t->get("key"), "key: no field '" + k + "' in " + name);
        if (!e.home.empty() && e.field(e.home) < 0) bad(*t->get("home"), "home: no field '" + e.home + "' in " + name);
        if (const auto* w = table(*t, "workflow", false)) workflow(e, *w);
        out_.by_name_.emplace(name, out_.entities_.size());
        out_.entities_.push_back(std::move(e));
    }

    void group(Entity& e, const std::string& name, const Node& node) {
        const auto* t = node.as_table();
        if (!t) return bad(node, "group '" + name + "' must be a table");
        if (!is_name(name)) return bad(node, "'" + name + "' cannot name a group (a-z, 0-9, _)");
        known(*t, "group " + name, {"rule", "by", "refused_as", "label"});
        e.groups.push_back(
            {name, label(*t, name), rule(*t, fold::Rule::latest), by(*t, default_by_), text(*t, "refused_as"), {}});
    }

    void field(Entity& e, const std::string& name, const Node& node) {
        const auto* t = node.as_table();
        if (!t) return bad(node, "field '" + name + "' must be a table");
        if (!is_name(name) || name == "id")
            return bad(node, "'" + name + "' cannot name a field (a-z, 0-9, _; not id)");
        known(*t, "field " + name,
              {"type", "label", "group", "rule", "by", "refused_as", "max", "required", "choices", "ref"});
        Field f;
        f.name = name;
        f.label = label(*t, name);
        const auto type = kTypes.find(text(*t, "type", "text"));
        if (type == kTypes.end())
            bad(*t->get("type"), "type '" + t->get("type")->value_or(std::string("?")) + "' of " + name +
                                     ": must be one of text, number, integer, bool, date, datetime, choice, ref, json");
        else
            f.type = type->second;
        f.required = flag(*t, "required");
        f.choices = list(*t, "choices");
        f.ref = text(*t, "ref");
        if (f.type == Type::choice && f.choices.empty()) bad(node, "choice field " + name + " has no choices");
        if (f.type == Type::ref && f.ref.empty())
            bad(node, "ref field " + name + " does not say which entity (ref = …)");
        f.length_max = f.type == Type::text || f.type == Type::json ? kTextDefault : kShortDefault;
        if (const auto* max = t->get("max")) {
            const auto v = max->value<std::int64_t>();
            if (!v || *v < 1 || *v > static_cast<std::int64_t>(kTextMax))
                bad(*max, "max of " + name + " must be from 1 to 262144 bytes");
            else
                f.length_max = static_cast<std::size_t>(*v);
        }
        f.group = group_of(e, name, *t);
        if (f.group >= 0)
            e.groups[static_cast<std::size_t>(f.group)].fields.push_back(static_cast<int>(e.fields.size()));
        e.fields.push_back(std::move(f));
    }

    /// A field names its group, or is a group of its own with its own rule.
    int group_of(Entity& e, const std::string& field_name, const toml::table& t) {
        const auto* node = t.get("group");
        if (node) {
            const auto g = e.group(text(t, "group"));
            if (g < 0) bad(*node, "field " + field_name + ": no group '" + text(t, "group") + "' in " + e.name);
            for (const auto* key : {"rule", "by", "refused_as"})
                if (t.get(key)) bad(*t.get(key), "field " + field_name + ": '" + key + "' belongs to its group");
            return g;
        }
        if (e.group(field_name) >= 0) {
            bad(t, "field " + field_name + " has the name of a group: say group = \"" + field_name + "\"");
            return -1;
        }
        e.groups.push_back({field_name,
                            label(t, field_name),
                            rule(t, fold::Rule::latest),
                            by(t, default_by_),
                            text(t, "refused_as"),
                            {}});
        return static_cast<int>(e.groups.size()) - 1;
    }

    void workflow(Entity& e, const toml::table& t) {
        known(t, "workflow of " + e.name,
              {"field", "states", "frozen", "transitions", "done", "suspended", "awaiting_check"});
        auto& w = e.workflow;
        w.field = text(t, "field", "status");
        if (!is_name(w.field) || e.field(w.field) >= 0)
            bad(t, "workflow field '" + w.field + "' of " + e.name + " is not free");
        w.states = list(t, "states");
        if (w.states.empty() || w.states.size() > kStatesMax) bad(t, "workflow of " + e.name + " needs 1 to 63 states");
        for (std::size_t i = 0; i < w.states.size(); ++i)
            if (w.state(w.states[i]) != static_cast<int>(i))
                bad(*t.get("states"), "state '" + w.states[i] + "' stands twice");
        w.done = states(w, t, "done");
        w.suspended = states(w, t, "suspended");
        w.awaiting_check = states(w, t, "awaiting_check");
        w.freezes.assign(w.states.size(), 0);
        if (const auto* frozen = table(t, "frozen", false)) {
            for (const auto& [state, node] : in_file_order(*frozen)) {
                const auto s = w.state(state);
                if (s < 0) {
                    bad(*node, "frozen: no state '" + state + "' in " + e.name);
                    continue;
                }
                for (const auto& g : list(*frozen, state)) {
                    const auto n = e.group(g);
                    if (n < 0)
                        bad(*node, "frozen: no group '" + g + "' in " + e.name);
                    else
                        w.freezes[static_cast<std::size_t>(s)] |= std::uint64_t{1} << n;
                }
            }
        }
        if (const auto* ts = table(t, "transitions", true))
            for (const auto& [name, node] : in_file_order(*ts)) transition(e, name, *node);
    }

    std::vector<std::string> states(const Workflow& w, const toml::table& t, std::string_view key) {
        auto l = list(t, key);
        for (const auto& s : l)
            if (w.state(s) < 0) bad(*t.get(key), std::string(key) + ": no state '" + s + "'");
        return l;
    }

    void transition(Entity& e, const std::string& name, const Node& node) {
        const auto* t = node.as_table();
        if (!t) return bad(node, "transition '" + name + "' must be a table");
        if (!is_name(name)) return bad(node, "'" + name + "' cannot name a transition (a-z, 0-9, _)");
        known(*t, "transition " + name, {"from", "to", "by", "only_above", "needs", "takes", "label"});
        auto& w = e.workflow;
        Transition tr;
        tr.name = name;
        tr.label = label(*t, name);
        tr.by = by(*t, default_by_);
        const bool only_above = flag(*t, "only_above");
        if (only_above) tr.by |= kOnlyAbove;
        // A program of before would take it for an unknown key, or let through what this one refuses.
        if (only_above && std::max(out_.needs_, e.needs) < kLevelOfOnlyAbove)
            bad(*t->get("only_above"),
                "only_above: entity " + e.name + " must say needs = " + std::to_string(kLevelOfOnlyAbove));
        tr.needs = list(*t, "needs");
        tr.takes = list(*t, "takes");
        const auto to = text(*t, "to");
        tr.to = to == "*" ? Transition::kToArgument : w.state(to);
        if (tr.to == -1) bad(node, "transition " + name + ": no state '" + text(*t, "to") + "' in " + e.name);
        for (const auto& from : list(*t, "from")) {
            const auto s = from == "*" ? -2 : w.state(from);
            if (s == -1) bad(*t->get("from"), "transition " + name + ": no state '" + from + "' in " + e.name);
            if (s == -2)
                for (std::size_t i = 0; i < w.states.size(); ++i) tr.from |= std::uint64_t{1} << i;
            else if (s >= 0)
                tr.from |= std::uint64_t{1} << s;
        }
        if (tr.from == 0) bad(node, "transition " + name + " starts from nowhere");
        w.transitions.push_back(std::move(tr));
    }

    void check_refs(const Node& root) {
        for (const auto& e : out_.entities_)
            for (const auto& f : e.fields)
                if (f.type == Type::ref && f.ref != "unit" && !out_.by_name_.contains(f.ref) && !out_.find_newer(f.ref))
                    bad(root, "field " + f.name + " of " + e.name + " names an unknown entity '" + f.ref + "'");
    }

    Catalog& out_;
    std::string origin_;
    std::uint32_t knows_;
    std::string fault_;
    std::uint32_t default_by_ = 0;
};

namespace {

std::optional<toml::parse_result> parse_toml(const std::string& text) {
    try {
        return toml::parse(text);
    } catch (const std::logic_error&) {
        return std::nullopt;
    }
}

}  // namespace

Result<std::shared_ptr<const Catalog>> Catalog::parse(std::string text, const std::string& origin,
                                                      std::uint32_t knows) {
    auto catalog = std::make_shared<Catalog>();
    if (const auto line = line_of_stray_letter(text))
        return fail(Errc::bad_input, origin + ":" + std::to_string(*line) +
                                         ": 引号和注释以外只能用英文字符 / only ASCII outside quotes and comments");
    const auto parsed = parse_toml(text);
    if (!parsed) return fail(Errc::bad_input, origin + " 不是有效的 TOML / " + origin + " is not valid TOML");
    if (!*parsed) {
        const auto& e = parsed->error();
        return fail(Errc::bad_input,
                    origin + ":" + std::to_string(e.source().begin.line) + ": " + std::string(e.description()));
    }
    TRY_VOID(CatalogParser(*catalog, origin, knows).run(parsed->table()));
    catalog->text_ = std::move(text);
    return std::shared_ptr<const Catalog>(std::move(catalog));
}

}  // namespace taizhang
