// catalog.h - schema/ledger.toml as rules: entities, fields, groups, workflows.
//
// The file is data: it is read at run time, travels in the control log, and several
// versions of it live side by side (a commit is judged by the version it recorded).
// Tables, JSON and forms follow from it, so that a new field is an edit of the file.
//
// A Catalog is immutable after parsing. Threads: any, once parsed.
#pragma once

#include "base/ids.h"
#include "base/result.h"
#include "base/value.h"
#include "fold/fold.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace taizhang {

/// The level of the catalog's language that this program knows, the highest number that `needs` may have. A new key,
/// type, rule or meaning of the language raises it; a catalog that uses it says so in `needs`, for itself or for an
/// entity, and a program that knows less leaves that part to newer ones instead of misreading it.
/// 1: `needs` itself; 2: `only_above` of a transition.
inline constexpr std::uint32_t kCatalogLevel = 2;
inline constexpr std::uint32_t kLevelOfOnlyAbove = 2;

/// Chinese first, English beside it.
struct Label {
    std::string zh, en;
    std::string both() const { return zh == en ? zh : zh + " / " + en; }
};

enum class Type : std::uint8_t { text, number, integer, boolean, date, datetime, choice, ref, json };
std::string_view name_of(Type t);

/// Who may write, as bits: relative to the row's unit, or by the author's level.
/// Whoever does not reach the row's unit at all may write nothing, whatever it says here.
enum By : std::uint32_t {
    kByUnit = 1,   ///< the row's own unit
    kByAbove = 2,  ///< any unit above it
    kByBranch = 4,
    kByTownship = 8,
    kByCounty = 16,
    kByCity = 32,
    kOnlyAbove = 64,  ///< whoever the others name must also stand above the row's unit: no self-service
};

struct Field {
    std::string name;
    Label label;
    Type type = Type::text;
    int group = 0;               ///< index into Entity::groups
    std::size_t length_max = 0;  ///< bytes; text and json
    bool required = false;       ///< a new record must have it
    std::vector<std::string> choices;
    std::string ref;  ///< entity that it names
};

struct Group {
    std::string name;
    Label label;
    fold::Rule rule = fold::Rule::latest;
    std::uint32_t by = 0;
    std::string refused_as;   ///< a refused change becomes this suggestion; empty: plainly refused
    std::vector<int> fields;  ///< indices into Entity::fields
};

struct Transition {
    std::string name;
    Label label;
    std::uint64_t from = 0;                 ///< bits over Workflow::states
    static constexpr int kToArgument = -2;  ///< `to` when the argument "state" says where to
    int to = 0;
    std::uint32_t by = 0;
    std::vector<std::string> needs;  ///< arguments that must be given ("reason")
    std::vector<std::string> takes;  ///< arguments that may be given
};

struct Workflow {
    std::string field;                   ///< column that shows the state
    std::vector<std::string> states;     ///< 0 is the initial one
    std::vector<std::uint64_t> freezes;  ///< per state: bits over Entity::groups
    std::vector<Transition> transitions;
    std::vector<std::string> done, suspended, awaiting_check;  ///< for lights
    int state(std::string_view name) const;                    ///< -1 when unknown
    const Transition* find(std::string_view name) const;
};

struct Entity {
    std::string name;
    Label label;
    Audience audience = Audience::ledger;
    std::string home;              ///< field that names the unit whose stream holds the row; empty: the author's unit
    std::string prefix;            ///< of generated ids
    std::uint32_t needs = 0;       ///< level of the language that reads this declaration
    std::vector<std::string> key;  ///< natural key: the id of a new row is derived from these fields
    bool uuid = false;             ///< ids are 16 bytes, written as 32 hex digits
    std::vector<Field> fields;     ///< in the order of the file
    std::vector<Group> groups;
    Workflow workflow;  ///< no states: none
    bool has_workflow() const { return !workflow.states.empty(); }
    int field(std::string_view name) const;  ///< -1 when unknown
    int group(std::string_view name) const;
};

/// An entity whose declaration this program does not know how to read.
struct NewerEntity {
    std::string name;
    Label label;
    std::uint32_t needs = 0;
};

class Catalog {
public:
    /// `origin` names the file in errors: "ledger.toml:12: …". Errc::bad_input. `knows`: the level of the language
    /// that is known; what needs more is not read.
    static Result<std::shared_ptr<const Catalog>> parse(std::string text, const std::string& origin,
                                                        std::uint32_t knows = kCatalogLevel);

    std::uint32_t version() const { return version_; }
    const std::string& text() const { return text_; }
    const std::vector<Entity>& entities() const { return entities_; }
    const Entity* find(std::string_view entity) const;
    /// The level that the whole file needs, if this program does not know it: then nothing of it was read but its
    /// version. Else 0.
    std::uint32_t needs_newer() const { return needs_newer_; }
    /// The level that the file says it needs; 0: every program reads it.
    std::uint32_t needs() const { return needs_; }
    const std::vector<NewerEntity>& newer() const { return newer_; }
    const NewerEntity* find_newer(std::string_view entity) const;

    /// Whether anything that was written by this version would be orphaned if `next` followed it. Errc::bad_input with
    /// one line that names entity and field, or nothing. What either side leaves to newer programs is not compared.
    Result<> may_be_followed_by(const Catalog& next) const;

private:
    friend class CatalogParser;
    std::uint32_t version_ = 0;
    std::uint32_t needs_newer_ = 0, needs_ = 0;
    std::string text_;
    std::vector<Entity> entities_;
    std::vector<NewerEntity> newer_;
    std::unordered_map<std::string, std::size_t> by_name_;
};

/// The same question for one entity; `version` is that of the later catalog, for the error's words.
Result<> may_become(const Entity& before, const Entity& after, std::uint32_t version);
/// Versions rise one by one.
Result<> may_follow(std::uint32_t before, std::uint32_t version);

/// What people will notice when `after` follows `before`, in the order of the file.
std::vector<Label> changes_between(const Catalog& before, const Catalog& after);

/// Checks a value against a field before it is written: type, length, choice, real date, no secrecy marking
/// (marking.h). Errc::bad_input, one line naming the field.
Result<> check_value(const Field& field, const ValueView& value);
/// The same check without the words and the marking, for a value of a decoded commit, whose text is UTF-8.
bool fits(const Field& field, const ValueView& value);
/// What a person typed, as the field's type; empty text is null.
Result<Value> parse_value(const Field& field, std::string_view text);

bool is_date(std::string_view text);      ///< YYYY-MM-DD and on the calendar
bool is_datetime(std::string_view text);  ///< ISO 8601 with offset or Z

}  // namespace taizhang
