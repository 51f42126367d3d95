#include "tests/sim/reading.h"

#include "replica/checkpoint.h"
#include "tests/sim/machine.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>

namespace taizhang::sim {
namespace {

int place(const std::vector<std::string>& names, const std::string& name) {
    const auto it = std::find(names.begin(), names.end(), name);
    return it == names.end() ? -1 : static_cast<int>(it - names.begin());
}

void add_name(std::vector<std::string>& names, const std::string& name) {
    if (place(names, name) < 0) names.push_back(name);
}

std::string shown(std::string_view encoded) {
    const auto v = ValueView::of(encoded);
    if (v.is_null()) return kNull;
    return v.kind == ValueView::Kind::number ? sim::shown(v.number.to_double()) : std::string(v.text);
}

/// One element of a list, as JSON has it. The simulator's texts need no other escapes.
std::string json_element(std::string_view encoded) {
    const auto v = ValueView::of(encoded);
    if (v.kind == ValueView::Kind::number) return v.number.str();
    std::string out = "\"";
    for (const char c : v.text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

template <class Id>
Id of_hex(std::string_view hex) {
    Id id;
    const auto raw = from_hex(hex);
    if (raw.size() == id.bytes.size()) std::copy(raw.begin(), raw.end(), id.bytes.begin());
    return id;
}

bool is_list(fold::Rule r) { return r == fold::Rule::append || r == fold::Rule::set; }

}  // namespace

std::string shown(double number) {
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", number);
    return text;
}

// ------------------------------------------------------------------ the control log

void Reading::control_entry(const std::string& kind, const std::string& payload) {
    ++head_;
    if (kind == "unit") {
        const auto o = boost::json::parse(payload).as_object();
        const std::string id(o.at("id").as_string()), parent(o.at("parent_id").as_string());
        if (parent.empty()) root_ = id;
        if (!units_.contains(id)) unit_order_.push_back(id);
        Office office{head_, parent, level_from(std::string(o.at("level").as_string())), o.contains("abolished"), {}};
        if (const auto* next = o.if_contains("merged_into")) {
            office.parent = office.next = std::string(next->as_string());
            office.closed = true;
        }
        units_[id].push_back(std::move(office));
    }
    if (kind == "revoke") {
        const auto o = boost::json::parse(payload).as_object();
        Revoked r{head_, {}};
        for (const auto& [stream, place] : o.at("streams").as_object())
            r.last[std::string(stream)] = {place.at("seq").to_number<std::uint64_t>(),
                                           of_hex<Hash>(place.at("hash").as_string())};
        revoked_[of_hex<ReplicaId>(o.at("replica").as_string())].push_back(std::move(r));
    }
    if (kind == "release")
        released_.try_emplace(of_hex<Hash>(boost::json::parse(payload).at("hash").as_string()), head_);
    if (kind != "catalog") return;
    const auto catalog = *Catalog::parse(payload, "catalog");
    for (const auto& e : catalog->entities()) {
        auto& n = names_[e.name];
        for (const auto& g : e.groups) add_name(n.groups, g.name);
        for (const auto& f : e.fields) add_name(n.fields, f.name);
        n.groups_at[head_] = n.groups.size();
    }
    catalogs_[catalog->version()] = {head_, catalog, *Catalog::parse(payload, "catalog", 0)};
}

void Reading::author(const ReplicaId& replica, const std::string& unit, Level level, const trust::PublicKey& key,
                     const ReplicaId& by) {
    authors_[replica] = {unit, level, key, by};
}

const Catalog* Reading::newest_or_none(std::uint64_t at) const {
    const Catalog* found = nullptr;
    for (const auto& [version, v] : catalogs_)
        if (v.since <= at) found = v.catalog.get();
    return found;
}

const Reading::Office* Reading::office(const std::string& unit, std::uint64_t at) const {
    const auto it = units_.find(unit);
    const Office* found = nullptr;
    if (it != units_.end())
        for (const auto& o : it->second)
            if (o.since <= at) found = &o;
    return found;
}

std::string Reading::successor(const std::string& unit, std::uint64_t at) const {
    const auto* o = office(unit, at);
    return o && !o->next.empty() ? successor(o->next, at) : unit;
}

/// An office within a unit (same level) acts for that unit.
std::string Reading::reach(const std::string& unit, std::uint64_t at) const {
    const auto* o = office(unit, at);
    const auto* above = o && !o->closed ? office(o->parent, at) : nullptr;
    return above && above->level == o->level ? reach(o->parent, at) : unit;
}

bool Reading::was_ever_below(const std::string& unit, const std::string& top) const {
    for (auto at = head_; at > 0; --at)
        if (is_at_or_below(unit, top, at)) return true;
    return false;
}

bool Reading::is_at_or_below(const std::string& unit, const std::string& top, std::uint64_t at) const {
    const auto* o = office(unit, at);
    if (!o) return false;
    return unit == top || is_at_or_below(o->parent, top, at);
}

bool Reading::holds(const std::string& unit, const StreamId& stream, std::uint64_t at) const {
    if (is_at_or_below(stream.unit, reach(unit, at), at)) return true;
    return stream.audience == Audience::notice && is_at_or_below(unit, stream.unit, at);
}

bool Reading::given_away(const std::string& unit, const StreamId& stream, std::uint64_t at) const {
    for (auto p = at; p > 0 && office(stream.unit, p) && office(unit, p); --p)
        if (!holds(unit, stream, p)) return true;
    return false;
}

bool Reading::may(std::uint32_t by, const std::string& unit, const StreamId& stream, std::uint64_t at) const {
    const auto* o = office(unit, at);
    if (!o || o->closed || !office(stream.unit, at)) return false;
    const auto top = reach(unit, at);
    const bool own = unit == stream.unit || top == successor(stream.unit, at);
    const bool above = (!own && is_at_or_below(stream.unit, top, at)) || (unit == root_ && stream.unit == root_);
    if (!own && !above) return false;
    if ((by & kOnlyAbove) != 0 && !above) return false;
    if (((by & kByUnit) && own) || ((by & kByAbove) && above)) return true;
    return (o->level == Level::branch && (by & kByBranch)) || (o->level == Level::township && (by & kByTownship)) ||
           (o->level == Level::county && (by & kByCounty)) || (o->level == Level::city && (by & kByCity));
}

int Reading::group_no(const std::string& entity, const std::string& group) const {
    const auto it = names_.find(entity);
    return it == names_.end() ? -1 : place(it->second.groups, group);
}

// ------------------------------------------------------------------ commits

const Told& Reading::told(const Hash& hash, std::string_view packed) {
    auto& known = told_[hash];
    if (known) {
        if (known->packed != packed) violated("3 no loss", "commit " + hash.hex() + " has other bytes in another log");
        return *known;
    }
    std::string bytes;
    Commit c;
    if (!packer_.unpack(packed, bytes) || !c.decode(bytes) || hash_of(bytes) != hash)
        violated("2 atomic prefix", "a log holds bytes that do not have the hash " + hash.hex());
    known = std::make_unique<Told>();
    known->header = c.header;
    known->hash = hash;
    known->packed = packed;
    for (const auto& row : c.rows) {
        ToldRow r{std::string(c.names[row.entity]), std::string(row.id), {}};
        for (const auto& p : c.parts_of(row)) {
            ToldPart part;
            part.op = p.op;
            part.name = c.names[p.name];
            part.base.assign(c.base(p).begin(), c.base(p).end());
            for (const auto& v : c.reviews_of(p))
                part.reviewed.emplace_back(c.names[v.group], std::vector<VersionId>(c.ids(v).begin(), c.ids(v).end()));
            for (const auto& f : c.fields_of(p)) part.fields.emplace_back(c.names[f.name], f.value);
            r.parts.push_back(std::move(part));
        }
        touching_[{r.entity, c.header.stream.str(), r.id}].push_back(known.get());
        known->rows.push_back(std::move(r));
    }
    if (authors_.contains(known->header.replica))
        for (const auto& row : known->rows) known->changes.push_back(changes_of(*known, row));
    return *known;
}

/// Whether what the part says is what the catalog has it say; who says it is asked elsewhere.
bool Reading::is_rightful(const ToldPart& part, const Entity& entity, int group) const {
    for (const auto& [name, encoded] : part.fields) {
        const auto f = entity.field(name);
        if (f < 0 || entity.fields[static_cast<std::size_t>(f)].group != group) return false;
        const auto& field = entity.fields[static_cast<std::size_t>(f)];
        const auto v = ValueView::of(encoded);
        if (v.is_null()) {
            if (is_list(entity.groups[static_cast<std::size_t>(group)].rule)) return false;
            continue;
        }
        const bool wants_number =
            field.type == Type::number || field.type == Type::integer || field.type == Type::boolean;
        if (wants_number != (v.kind == ValueView::Kind::number)) return false;
        if (wants_number && field.type != Type::number && v.number.scale != 0) return false;
        if (!wants_number && v.text.size() > field.length_max) return false;
    }
    return true;
}

fold::Change Reading::transition_of(const ToldPart& part, const Entity& entity, fold::Change x) const {
    x.group = fold::kWorkflow;
    for (const auto& [group, ids] : part.reviewed)
        for (const auto& id : ids) x.reviewed.push_back({group_no(entity.name, group), id});
    const Transition* t = nullptr;
    for (const auto& candidate : entity.workflow.transitions)
        if (candidate.name == part.name) t = &candidate;
    if (!t) {
        x.entitled = false;
        return x;
    }
    std::map<std::string, std::string> given(part.fields.begin(), part.fields.end());
    for (const auto& need : t->needs) x.entitled = x.entitled && given.contains(need);
    x.from = t->from;
    x.to = t->to == Transition::kToArgument ? entity.workflow.state(ValueView::of(given["state"]).text) : t->to;
    if (x.to < 0) {
        x.entitled = false;
        return x;
    }
    for (std::size_t g = 0; g < entity.groups.size(); ++g)
        if (entity.workflow.freezes[static_cast<std::size_t>(x.to)] >> g & 1)
            x.freezes |= std::uint64_t{1} << group_no(entity.name, entity.groups[g].name);
    return x;
}

std::vector<fold::Change> Reading::changes_of(const Told& commit, const ToldRow& row) const {
    std::vector<fold::Change> out;
    const auto& h = commit.header;
    const auto version = catalogs_.find(h.catalog);
    const Entity* entity = version == catalogs_.end() || version->second.since > h.control.value
                               ? nullptr
                               : version->second.catalog->find(row.entity);
    if (!entity) return out;
    const auto& who = authors_.at(h.replica);
    const auto& unit = who.unit;
    for (const auto& part : row.parts) {
        fold::Change x;
        x.id = version_of(commit.hash);
        x.op = part.op;
        x.base = part.base;
        x.stamp = h.time;
        x.level = who.level;
        x.replica = h.replica;
        x.seq = h.seq;
        x.catalog = h.catalog;
        if (part.op == fold::Op::transition) {
            std::uint32_t by = 0;
            for (const auto& t : entity->workflow.transitions)
                if (t.name == part.name) by = t.by;
            x.entitled = may(by, unit, h.stream, h.control.value);
            out.push_back(transition_of(part, *entity, std::move(x)));
            continue;
        }
        const auto g = entity->group(part.name);
        if (g < 0) continue;
        const auto& group = entity->groups[static_cast<std::size_t>(g)];
        x.group = group_no(entity->name, group.name);
        x.rule = group.rule;
        x.entitled = may(group.by, unit, h.stream, h.control.value) && is_rightful(part, *entity, g);
        x.suggest = !x.entitled && !group.refused_as.empty();
        for (const auto& [name, encoded] : part.fields)
            if (const auto f = place(names_.at(entity->name).fields, name); f >= 0)
                x.fields.emplace_back(static_cast<fold::FieldNo>(f), encoded);
        std::sort(x.fields.begin(), x.fields.end());
        out.push_back(std::move(x));
    }
    return out;
}

// ------------------------------------------------------------------ rows

/// Whether the program knows how the commit's catalog declares what the commit writes.
bool Reading::can_read(const Told& c, std::uint32_t level) const {
    const auto it = catalogs_.find(c.header.catalog);
    if (level >= kCatalogLevel || it == catalogs_.end() || it->second.since > c.header.control.value) return true;
    return std::none_of(c.rows.begin(), c.rows.end(), [&](const auto& row) {
        return it->second.catalog->find(row.entity) && !it->second.to_older->find(row.entity);
    });
}

bool Reading::has_catalog(const Told& c) const {
    const auto it = catalogs_.find(c.header.catalog);
    return it != catalogs_.end() && it->second.since <= c.header.control.value;
}

Reading::Rows Reading::ready_rows(const std::vector<const Told*>& log, const std::set<ReplicaId>& certified,
                                  const std::set<Hash>& stated, std::uint64_t at, std::uint32_t level) const {
    Rows out;
    std::vector<const Told*> checkpoints;
    std::map<RowKey, std::set<VersionId>> here;
    std::vector<const Told*> left = log;
    auto is_ready = [&](const Told& c) {
        const bool is_known = certified.contains(c.header.replica) || stated.contains(c.hash);
        if (c.header.control.value > at || !is_known || !can_read(c, level)) return false;
        if (!has_catalog(c)) return true;  // says nothing, so it needs nothing
        for (const auto& row : c.rows) {
            const auto known = here.find({row.entity, c.header.stream.str(), row.id});
            for (const auto& p : row.parts) {
                auto wanted = p.base;
                for (const auto& [group, ids] : p.reviewed) wanted.insert(wanted.end(), ids.begin(), ids.end());
                for (const auto& id : wanted)
                    if (known == here.end() || !known->second.contains(id)) return false;
            }
        }
        return true;
    };
    for (bool moved = true; moved;) {
        moved = false;
        std::vector<const Told*> still;
        for (const auto* c : left) {
            if (!is_ready(*c)) {
                still.push_back(c);
                continue;
            }
            moved = true;
            const auto author = authors_.find(c->header.replica);
            if (!c->rows.empty() && c->rows[0].entity == kCheckpointEntity && author != authors_.end() &&
                author->second.unit == root_)
                checkpoints.push_back(c);
            for (const auto& row : c->rows) {
                const RowKey key{row.entity, c->header.stream.str(), row.id};
                here[key].insert(version_of(c->hash));
                out.rows[key].push_back(c);
            }
        }
        left = std::move(still);
    }
    out.waiting = left.size();
    std::set<Hash> all;
    for (const auto* c : log) all.insert(c->hash);
    out.unstamped = unstamped_by(checkpoints, all);
    out.quarantined = quarantined_by(log, at);
    return out;
}

/// The newest entry that names the replica; one of the same key that a revoked one vouched for has none of its own, and
/// nothing of it counts.
const Reading::Revoked* Reading::revocation(const ReplicaId& replica, std::uint64_t at) const {
    static const Revoked nothing_counts;
    const auto named = [&](const ReplicaId& id) {
        const Revoked* found = nullptr;
        if (const auto it = revoked_.find(id); it != revoked_.end())
            for (const auto& r : it->second)
                if (r.since <= at) found = &r;
        return found;
    };
    if (const auto* r = named(replica)) return r;
    for (auto who = authors_.find(replica); who != authors_.end();) {
        const auto by = authors_.find(who->second.by);
        if (by == authors_.end() || by->second.key != who->second.key) return nullptr;
        if (named(by->first)) return &nothing_counts;
        who = by;
    }
    return nullptr;
}

/// What lies on the way down from the commit that the revocation names counts. Where a chain is forked here and the
/// named commit is not, nobody can tell the branches apart: none of it counts yet.
std::set<Hash> Reading::quarantined_by(const std::vector<const Told*>& log, std::uint64_t at) const {
    std::set<Hash> out;
    if (revoked_.empty()) return out;
    using Chain = std::pair<std::string, ReplicaId>;
    std::map<Chain, std::map<std::uint64_t, std::set<Hash>>> chains;
    for (const auto* c : log)
        if (revocation(c->header.replica, at))
            chains[{c->header.stream.str(), c->header.replica}][c->header.seq.value].insert(c->hash);
    for (const auto& [chain, places] : chains) {
        const auto* r = revocation(chain.second, at);
        const bool is_forked =
            std::any_of(places.begin(), places.end(), [](const auto& p) { return p.second.size() > 1; });
        const auto named = r->last.find(chain.first);
        std::set<Hash> counts;
        if (named != r->last.end()) {
            const auto& [seq, hash] = named->second;
            const auto place = places.find(seq);
            if (place != places.end() && place->second.contains(hash))
                for (const auto* c = known(hash); c; c = known(c->header.prev)) counts.insert(c->hash);
            for (const auto& [n, hashes] : places)
                if (n < seq && !is_forked) counts.insert(hashes.begin(), hashes.end());
        }
        for (const auto& [n, hashes] : places)
            for (const auto& h : hashes) {
                const auto released = released_.find(h);
                if (!counts.contains(h) && (released == released_.end() || released->second > at)) out.insert(h);
            }
    }
    return out;
}

/// A commit's time is none when it lies behind the earliest checkpoint that covers the commit: names it, or one that
/// follows it in its chain.
std::set<Hash> Reading::unstamped_by(const std::vector<const Told*>& checkpoints, const std::set<Hash>& here) const {
    std::map<Hash, std::int64_t> covered_at;
    for (const auto* c : checkpoints) {
        std::int64_t at = 0;
        std::string_view heads;
        for (const auto& [name, encoded] : c->rows[0].parts[0].fields) {
            if (name == "at") at = ValueView::of(encoded).number.mantissa;
            if (name == "heads") heads = ValueView::of(encoded).text;
        }
        Reader r(heads);
        for (auto n = r.size(); n > 0 && r.ok(); --n) {
            r.array<16>();
            r.varint();
            Hash tip;
            tip.bytes = r.array<32>();
            for (const auto* x = here.contains(tip) ? known(tip) : nullptr; x; x = known(x->header.prev)) {
                const auto [it, is_new] = covered_at.try_emplace(x->hash, at);
                if (!is_new) it->second = std::min(it->second, at);
            }
        }
    }
    std::set<Hash> out;
    for (const auto& [hash, at] : covered_at)
        if (static_cast<std::int64_t>(known(hash)->header.time >> 16) > at) out.insert(hash);
    return out;
}

const Told* Reading::known(const Hash& hash) const {
    const auto it = told_.find(hash);
    return it == told_.end() ? nullptr : it->second.get();
}

std::vector<fold::Change> Reading::changes(const RowKey& key, const std::vector<const Told*>& commits,
                                           const std::set<Hash>& unstamped, const std::set<Hash>& quarantined) const {
    std::vector<fold::Change> out;
    for (const auto* c : commits)
        for (std::size_t r = 0; r < c->rows.size(); ++r)
            if (c->rows[r].entity == key.entity && c->rows[r].id == key.id)
                for (auto x : c->changes[r]) {
                    if (unstamped.contains(c->hash)) x.stamp = 0;
                    x.quarantined = quarantined.contains(c->hash);
                    out.push_back(std::move(x));
                }
    return out;
}

Shown Reading::expected(const RowKey& key, const std::vector<fold::Change>& changes, std::uint64_t at) const {
    const auto& names = names_.at(key.entity);
    std::size_t groups = 0;
    for (const auto& [since, count] : names.groups_at)
        if (since <= at) groups = count;
    const auto state = reference::fold(changes, static_cast<int>(groups));
    Shown out;
    const auto& entity = *newest(at).find(key.entity);
    for (const auto& f : entity.fields) out.columns[f.name] = kNull;
    for (std::size_t g = 0; g < groups; ++g) {
        const auto& s = state.groups[g];
        if (!is_list(s.rule)) {
            for (const auto& [field, encoded] : s.fields) out.columns[names.fields[field]] = shown(encoded);
            continue;
        }
        std::string list, field;
        for (const auto& id : s.shown)
            for (const auto& x : changes)
                if (x.group == static_cast<int>(g) && x.id == id && !x.fields.empty()) {
                    list += (list.empty() ? "" : ",") + json_element(x.fields.front().second);
                    field = names.fields[x.fields.front().first];
                }
        if (!field.empty()) out.columns[field] = "[" + list + "]";
    }
    if (entity.has_workflow())
        out.columns[entity.workflow.field] = entity.workflow.states[static_cast<std::size_t>(std::max(0, state.state))];
    out.lines.insert(state.lines.begin(), state.lines.end());
    return out;
}

}  // namespace taizhang::sim
