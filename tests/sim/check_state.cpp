// Tables and conflict lines against the reference: every row that the log gives, and no other.
//
// The invariants about one row are asked of what the tables show, before the comparison:
// a failure is then named after what it means to people, and the reference is not trusted alone.
#include "tests/sim/checks.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace taizhang::sim {
namespace {

using fold::Change;
using fold::LineKind;
using Changes = std::vector<Change>;

std::string text_of(const fold::Line& l) {
    static constexpr const char* kinds[] = {"open", "closed",          "refused",    "suggestion",
                                            "void", "after close-out", "quarantined"};
    return std::string(kinds[static_cast<int>(l.kind)]) + " g" + std::to_string(l.group) + " loser " +
           l.loser.hex().substr(0, 8) + " winner " + l.winner.hex().substr(0, 8) + " by " +
           l.decided_by.hex().substr(0, 8) + " rule " + std::to_string(static_cast<int>(l.rule));
}

std::string printable(const RowKey& key) {
    const bool is_text = is_utf8(key.id) && std::none_of(key.id.begin(), key.id.end(),
                                                         [](char c) { return static_cast<unsigned char>(c) < 32; });
    return key.entity + " " + (is_text ? key.id : to_hex(key.id)) + " in " + key.stream;
}

const Change* change_of(const Changes& changes, int group, const VersionId& id) {
    const auto it =
        std::find_if(changes.begin(), changes.end(), [&](const auto& x) { return x.group == group && x.id == id; });
    return it == changes.end() ? nullptr : &*it;
}

bool is_register(const Changes& changes, int group) {
    return std::all_of(changes.begin(), changes.end(), [&](const auto& x) {
        return x.group != group ||
               (x.rule != fold::Rule::append && x.rule != fold::Rule::set && x.rule != fold::Rule::sum);
    });
}

/// Everything that its bases reach within its group.
std::set<VersionId> past_of(const Changes& changes, int group, const VersionId& id) {
    std::set<VersionId> out;
    std::vector<VersionId> from{id};
    while (!from.empty()) {
        const auto* x = change_of(changes, group, from.back());
        from.pop_back();
        if (!x) continue;
        for (const auto& b : x->base)
            if (out.insert(b).second) from.push_back(b);
    }
    return out;
}

std::uint64_t fold_time(const Changes& changes, int group, const VersionId& id,
                        std::map<fold::Ref, std::uint64_t>& known) {
    if (const auto it = known.find({group, id}); it != known.end()) return it->second;
    const auto* x = change_of(changes, group, id);
    std::uint64_t t = x->stamp;
    for (const auto& b : x->base)
        if (change_of(changes, group, b)) t = std::max(t, 1 + fold_time(changes, group, b, known));
    for (const auto& r : x->reviewed)
        if (change_of(changes, r.group, r.id)) t = std::max(t, 1 + fold_time(changes, r.group, r.id, known));
    return known[{group, id}] = t;
}

std::string value_shown(std::string_view encoded) {
    const auto v = ValueView::of(encoded);
    if (v.is_null()) return kNull;
    return v.kind == ValueView::Kind::number ? shown(v.number.to_double()) : std::string(v.text);
}

/// A state as its author saw it, where every author had at most one step in front of him.
struct Step {
    int view = 0;
    bool legal = false;
};
std::optional<Step> step_of(const Changes& changes, const Change& x) {
    int before = 0;
    if (x.base.size() > 1) return std::nullopt;
    if (const auto* b = x.base.empty() ? nullptr : change_of(changes, fold::kWorkflow, x.base.front())) {
        const auto seen = step_of(changes, *b);
        if (!seen) return std::nullopt;
        before = seen->view;
    }
    const bool legal = x.entitled && (x.from >> before & 1);
    return Step{legal ? x.to : before, legal};
}

}  // namespace

void Checks::check_state(Machine& m) {
    check_2_outbox(m);
    check_6_no_phantom(m);
    auto control = prepared(m, "SELECT coalesce(max(pos), 0) FROM control");
    next(m, control);
    const auto at = control.unsigned_integer(0);
    control.reset();
    if (!reading_.newest_or_none(at)) return;
    std::set<ReplicaId> certified;
    auto certs = prepared(m, "SELECT replica FROM certificate");
    while (next(m, certs)) {
        ReplicaId id;
        std::memcpy(id.bytes.data(), certs.blob(0).data(), id.bytes.size());
        certified.insert(id);
    }
    const auto waits = m.replica->waiting();
    // What waits for a past that is at the hub does not count yet, and nothing that builds on it.
    std::set<Hash> not_yet;
    if (waits)
        for (const auto& w : *waits)
            if (w.reason == "history") not_yet.insert(w.id.hash);
    std::vector<const Told*> log;
    std::set<Hash> stated;
    for (const auto& line : read_log(m)) {
        if (not_yet.contains(line.commit->hash)) continue;
        log.push_back(line.commit);
        if (!line.has_body) stated.insert(line.commit->hash);
    }
    const auto ready = reading_.ready_rows(log, certified, stated, at, m.knows.catalog_level);
    if (!waits || waits->size() - not_yet.size() != ready.waiting)
        violated("8 liveness", m.name() + ": " + std::to_string(waits ? waits->size() : 0) + " commits wait, and " +
                                   std::to_string(ready.waiting) + " have a reason to");

    // A device was revoked, and what it wrote in these rows is at the hub.
    std::set<RowKey> unknown_past;
    if (const auto wanted = m.replica->wanted_rows(1'000'000))
        for (const auto& w : *wanted) unknown_past.insert({w.entity, w.stream.str(), w.id});
    check_10_clocks_contained(m, ready);
    const auto tables = read_tables(m);
    for (const auto& [key, commits] : ready.rows) {
        if (!reading_.newest(at).find(key.entity)) continue;
        if (unknown_past.contains(key)) continue;
        const auto have = tables.find(key);
        const bool says_something =
            std::any_of(commits.begin(), commits.end(), [&](const auto* c) { return reading_.has_catalog(*c); });
        if (!says_something && have == tables.end()) continue;
        if (have == tables.end())
            violated("3 no loss", m.name() + ": " + printable(key) + " is in the log and in no table");
        compare(m.name() + ": " + printable(key), key, commits, ready, have->second, at);
    }
    for (const auto& [key, row] : tables)
        if (!ready.rows.contains(key))
            violated("2 atomic prefix", m.name() + ": " + printable(key) + " is in a table and not in the log");
}

void Checks::compare(const std::string& where, const RowKey& key, const std::vector<const Told*>& commits,
                     const Reading::Rows& ready, const Shown& have, std::uint64_t at) {
    ++rows_compared_;
    lines_compared_ += have.lines.size();
    std::uint64_t sum = 0;
    for (const auto* c : commits) {
        std::uint64_t part = 0;
        std::memcpy(&part, c->hash.bytes.data(), sizeof part);
        sum += part * (ready.unstamped.contains(c->hash) ? 3 : 1) * (ready.quarantined.contains(c->hash) ? 7 : 1);
    }
    auto name = key.entity + "\n" + key.stream + "\n" + key.id + "\n" + std::to_string(sum) + " " +
                std::to_string(reading_.newest(at).version());
    auto known = known_.find(name);
    const bool is_new = known == known_.end();
    if (is_new)
        known =
            known_
                .emplace(std::move(name),
                         reading_.expected(key, reading_.changes(key, commits, ready.unstamped, ready.quarantined), at))
                .first;
    const auto& want = known->second;
    const bool same = want.columns == have.columns && want.lines == have.lines;
    if (same && !is_new) return;
    const auto changes = reading_.changes(key, commits, ready.unstamped, ready.quarantined);
    check_18_revocation(key, changes, have, where);
    check_17_bad_actors_contained(key, changes, have, at, where);
    check_12_legal_transitions(key, changes, want, have, where);
    check_9_causality(changes, have, where);
    check_11_visible_conflicts(changes, have, where);
    if (same) return;
    for (const auto& line : want.lines)
        if (!have.lines.contains(line)) violated("11 visible conflicts", where + " lacks the line " + text_of(line));
    for (const auto& line : have.lines)
        if (!want.lines.contains(line))
            violated("11 visible conflicts", where + " has a line that nothing gives: " + text_of(line));
    std::string differs;
    for (const auto& [column, value] : want.columns)
        if (const auto it = have.columns.find(column); it == have.columns.end() || it->second != value)
            differs +=
                " " + column + " is '" + (it == have.columns.end() ? "-" : it->second) + "', should be '" + value + "'";
    violated("7 strong convergence", where + (differs.empty() ? " has columns that no catalog gives" : differs));
}

/// What a revoked device wrote after what counts of it stands nowhere and has a line; nothing else has such a line.
void Checks::check_18_revocation(const RowKey& key, const Changes& changes, const Shown& have,
                                 const std::string& where) {
    const auto& names = reading_.groups_of(key.entity);
    const auto late = [&](int group, const VersionId& id) {
        const auto* x = change_of(changes, group, id);
        return x && x->quarantined;
    };
    for (const auto& line : have.lines) {
        if (late(line.group, line.winner) && line.kind != LineKind::after_close)
            violated("18 revocation",
                     where + ": a line says that a revoked device's late work stands, " + text_of(line));
        if (line.kind == LineKind::quarantined && !late(line.group, line.loser))
            violated("18 revocation", where + ": what counts is set aside, " + text_of(line));
    }
    for (const auto& x : changes) {
        if (!x.quarantined || !x.entitled) continue;
        if (std::none_of(have.lines.begin(), have.lines.end(), [&](const auto& l) {
                return l.group == x.group && l.loser == x.id && l.kind == LineKind::quarantined;
            }))
            violated("18 revocation", where + ": late work of a revoked device in " +
                                          (x.group < 0 ? "the workflow" : names[static_cast<std::size_t>(x.group)]) +
                                          " has no line");
    }
}

/// The columns are what they would be if nobody had written what he may not. Asked where nobody who may built on it.
void Checks::check_17_bad_actors_contained(const RowKey& key, const Changes& changes, const Shown& have,
                                           std::uint64_t at, const std::string& where) {
    std::set<std::pair<int, VersionId>> beyond;
    for (const auto& x : changes)
        if (!x.entitled) beyond.insert({x.group, x.id});
    if (beyond.empty()) return;
    Changes rest;
    for (const auto& x : changes) {
        if (!x.entitled) continue;
        for (const auto& b : x.base)
            if (beyond.contains({x.group, b})) return;
        for (const auto& r : x.reviewed)
            if (beyond.contains({r.group, r.id})) return;
        rest.push_back(x);
    }
    const auto without = reading_.expected(key, rest, at);
    for (const auto& [column, value] : without.columns)
        if (const auto it = have.columns.find(column); it == have.columns.end() || it->second != value)
            violated("17 bad actors contained",
                     where + ": " + column + " is '" + (it == have.columns.end() ? "-" : it->second) +
                         "'; without what was written beyond its author's right it is '" + value + "'");
}

/// Nothing that an entitled author replaced, with it in front of him, beats what he wrote.
void Checks::check_9_causality(const Changes& changes, const Shown& have, const std::string& where) {
    for (const auto& line : have.lines)
        if (line.kind == LineKind::open && past_of(changes, line.group, line.loser).contains(line.winner))
            violated("9 causality", where + ": what stands was seen and replaced by what lost, " + text_of(line));
}

/// Every value that was put is shown, was seen by a later author, or has a line.
void Checks::check_11_visible_conflicts(const Changes& changes, const Shown& have, const std::string& where) {
    std::set<std::pair<int, VersionId>> named, seen;
    for (const auto& line : have.lines) named.insert({line.group, line.loser});
    for (const auto& x : changes)
        for (const auto& b : x.base) seen.insert({x.group, b});
    for (const auto& x : changes) {
        if (x.group == fold::kWorkflow || !is_register(changes, x.group) || named.contains({x.group, x.id}) ||
            seen.contains({x.group, x.id}))
            continue;
        for (const auto& [field, encoded] : x.fields) {
            const auto text = value_shown(encoded);
            if (std::none_of(have.columns.begin(), have.columns.end(), [&](const auto& c) { return c.second == text; }))
                violated("11 visible conflicts", where + ": '" + text + "' of " + x.id.hex().substr(0, 8) +
                                                     " in group " + std::to_string(x.group) + " is nowhere");
        }
    }
}

/// The state is what a legal step leads to, and that step had seen the city's last one: what the city closed stays
/// closed.
void Checks::check_12_legal_transitions(const RowKey& key, const Changes& changes, const Shown& want, const Shown& have,
                                        const std::string& where) {
    const auto& entity = *reading_.newest(reading_.head()).find(key.entity);
    if (!entity.has_workflow()) return;
    const auto column = have.columns.find(entity.workflow.field);
    const auto& should = want.columns.at(entity.workflow.field);
    if (column == have.columns.end() || column->second != should)
        violated("12 legal transitions", where + " is '" + (column == have.columns.end() ? "-" : column->second) +
                                             "', should be '" + should + "'");
    const auto state = entity.workflow.state(column->second);
    std::map<fold::Ref, std::uint64_t> times;
    std::vector<const Change*> legal;
    const Change* city = nullptr;
    const auto key_of = [&](const Change& x) {
        return std::tuple(fold_time(changes, x.group, x.id, times), x.replica, x.seq, x.id);
    };
    for (const auto& x : changes) {
        if (x.group != fold::kWorkflow) continue;
        const auto step = step_of(changes, x);
        if (!step) return;
        if (!step->legal || x.quarantined) continue;
        legal.push_back(&x);
        if (x.level == Level::city && (!city || key_of(*city) < key_of(x))) city = &x;
    }
    if (legal.empty() && state == 0) return;
    const bool is_led_to = std::any_of(legal.begin(), legal.end(), [&](const auto* x) {
        return x->to == state && (!city || x == city || past_of(changes, fold::kWorkflow, x->id).contains(city->id));
    });
    if (!is_led_to)
        violated("12 legal transitions",
                 where + " is '" + column->second + "', to which no step leads that had seen the city's last");
}

}  // namespace taizhang::sim
