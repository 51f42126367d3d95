// Tables and conflict lines against the reference: every row that the log gives, and no other.
#include "tests/sim/checks.h"

#include <algorithm>
#include <cstring>

namespace taizhang::sim {
namespace {

using fold::Change;
using fold::LineKind;

std::string text_of(const fold::Line& l) {
    static constexpr const char* kinds[] = {"open", "closed", "refused", "suggestion", "void", "after close-out", "quarantined"};
    return std::string(kinds[static_cast<int>(l.kind)]) + " g" + std::to_string(l.group) + " loser " + l.loser.hex().substr(0, 8) + " winner " + l.winner.hex().substr(0, 8) +
           " by " + l.decided_by.hex().substr(0, 8) + " rule " + std::to_string(static_cast<int>(l.rule));
}

std::string printable(const RowKey& key) {
    const bool is_text = is_utf8(key.id) && std::none_of(key.id.begin(), key.id.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
    return key.entity + " " + (is_text ? key.id : to_hex(key.id)) + " in " + key.stream;
}

bool is_register(const std::vector<Change>& changes, int group) {
    return std::all_of(changes.begin(), changes.end(), [&](const auto& x) {
        return x.group != group || (x.rule != fold::Rule::append && x.rule != fold::Rule::set && x.rule != fold::Rule::sum);
    });
}

/// Everything that the bases of these reach within their group.
std::set<VersionId> past_of(const std::vector<Change>& changes, int group, std::vector<VersionId> from) {
    std::set<VersionId> out;
    while (!from.empty()) {
        const auto id = from.back();
        from.pop_back();
        for (const auto& x : changes)
            if (x.group == group && x.id == id)
                for (const auto& b : x.base)
                    if (out.insert(b).second) from.push_back(b);
    }
    return out;
}

}  // namespace

const Shown& Checks::expected(const RowKey& key, const std::vector<const Told*>& commits, std::uint64_t at) {
    std::uint64_t sum = 0;
    for (const auto* c : commits) {
        std::uint64_t part = 0;
        std::memcpy(&part, c->hash.bytes.data(), sizeof part);
        sum += part;
    }
    const auto name = key.entity + "\n" + key.stream + "\n" + key.id + "\n" + std::to_string(sum) + " " + std::to_string(reading_.newest(at).version());
    const auto it = known_.find(name);
    if (it != known_.end()) return it->second;
    return known_.emplace(name, reading_.expected(key, reading_.changes(key, commits), at)).first->second;
}

void Checks::check_state(Machine& m) {
    auto control = m.replica->database().prepare("SELECT coalesce(max(pos), 0) FROM control", false);
    if (!control || !control->step()) violated("19 fail-stop", m.name() + ": the control log cannot be read");
    const auto at = control->unsigned_integer(0);
    control->reset();
    if (!reading_.newest_or_none(at)) return;
    std::set<ReplicaId> certified;
    auto certs = m.replica->database().prepare("SELECT replica FROM certificate", false);
    for (;;) {
        const auto row = certs ? certs->step() : Result<bool>(certs.error());
        if (!row) violated("19 fail-stop", m.name() + ": " + row.error().detail);
        if (!*row) break;
        ReplicaId id;
        std::memcpy(id.bytes.data(), certs->blob(0).data(), id.bytes.size());
        certified.insert(id);
    }
    std::vector<const Told*> log;
    for (const auto& line : read_log(m)) log.push_back(line.commit);
    const auto ready = reading_.ready_rows(log, certified, at);
    const auto waits = m.replica->waiting();
    if (!waits || waits->size() != ready.waiting)
        violated("8 liveness", m.name() + ": " + std::to_string(waits ? waits->size() : 0) + " commits wait, and " + std::to_string(ready.waiting) + " have a reason to");

    const auto tables = read_tables(m);
    for (const auto& [key, commits] : ready.rows) {
        if (!reading_.newest(at).find(key.entity)) continue;
        const auto have = tables.find(key);
        if (have == tables.end()) violated("3 no loss", m.name() + ": " + printable(key) + " is in the log and in no table");
        compare(m, key, commits, expected(key, commits, at), have->second);
    }
    for (const auto& [key, row] : tables)
        if (!ready.rows.contains(key)) violated("2 atomic prefix", m.name() + ": " + printable(key) + " is in a table and not in the log");
}

void Checks::compare(Machine& m, const RowKey& key, const std::vector<const Told*>& commits, const Shown& want, const Shown& have) {
    ++rows_compared_;
    lines_compared_ += want.lines.size();
    const auto where = m.name() + ": " + printable(key);
    if (want.columns == have.columns && want.lines == have.lines) return;
    const auto changes = reading_.changes(key, commits);
    check_12_legal_transitions(key, changes, have, where);
    check_9_causality(key, changes, have, where);
    check_11_visible_conflicts(key, changes, have, where);
    for (const auto& line : want.lines)
        if (!have.lines.contains(line)) violated("11 visible conflicts", where + " lacks the line " + text_of(line));
    for (const auto& line : have.lines)
        if (!want.lines.contains(line)) violated("11 visible conflicts", where + " has a line that nothing gives: " + text_of(line));
    std::string differs;
    for (const auto& [name, value] : want.columns)
        if (const auto it = have.columns.find(name); it == have.columns.end() || it->second != value)
            differs += " " + name + " is '" + (it == have.columns.end() ? "-" : it->second) + "', should be '" + value + "'";
    violated("7 strong convergence", where + (differs.empty() ? " has columns that no catalog gives" : differs));
}

/// Nothing that somebody overwrote with it in front of him is shown again.
void Checks::check_9_causality(const RowKey& key, const std::vector<Change>& changes, const Shown& have, const std::string& where) {
    for (const auto& line : have.lines) {
        if (line.kind != LineKind::open) continue;
        const auto past = past_of(changes, line.group, {line.loser});
        if (past.contains(line.winner)) violated("9 causality", where + ": what stands was seen and replaced by what lost, " + text_of(line));
    }
    (void)key;
}

/// Every value that was put is shown, was seen by a later author, or has a line.
void Checks::check_11_visible_conflicts(const RowKey& key, const std::vector<Change>& changes, const Shown& have, const std::string& where) {
    std::set<std::pair<int, VersionId>> named, seen;
    for (const auto& line : have.lines) named.insert({line.group, line.loser});
    for (const auto& x : changes)
        for (const auto& b : x.base) seen.insert({x.group, b});
    for (const auto& x : changes) {
        if (x.group == fold::kWorkflow || !is_register(changes, x.group) || named.contains({x.group, x.id}) || seen.contains({x.group, x.id})) continue;
        bool is_shown = true;
        for (const auto& [field, encoded] : x.fields) {
            const auto v = ValueView::of(encoded);
            const auto text = v.is_null() ? kNull : v.kind == ValueView::Kind::number ? shown(v.number.to_double()) : std::string(v.text);
            is_shown = is_shown && std::any_of(have.columns.begin(), have.columns.end(), [&](const auto& c) { return c.second == text; });
        }
        if (!is_shown) violated("11 visible conflicts", where + ": a value of " + x.id.hex().substr(0, 8) + " in group " + std::to_string(x.group) + " is nowhere");
    }
    (void)key;
}

/// The state is one that an entitled author's declared step leads to, and what the city closed stays closed.
void Checks::check_12_legal_transitions(const RowKey& key, const std::vector<Change>& changes, const Shown& have, const std::string& where) {
    for (const auto& entity : reading_.newest(reading_.head()).entities()) {
        if (entity.name != key.entity || !entity.has_workflow()) continue;
        const auto it = have.columns.find(entity.workflow.field);
        if (it == have.columns.end()) return;
        const auto state = entity.workflow.state(it->second);
        const auto& expected_state = reading_.expected(key, changes, reading_.head()).columns.at(entity.workflow.field);
        if (state < 0 || it->second != expected_state) violated("12 legal transitions", where + " is '" + it->second + "', should be '" + expected_state + "'");
    }
}

}  // namespace taizhang::sim
