#include "tests/support/histories.h"

#include "base/value.h"

namespace taizhang::reference {

using fold::kWorkflow;
using fold::Op;

namespace fields {

const std::string& number_value(int n) {
    static const auto values = [] {
        std::vector<std::string> out;
        for (int i = 0; i < 128; ++i) {
            std::string encoded;
            Writer writer(encoded);
            Value::integer(i).write(writer);
            out.push_back(encoded);
        }
        return out;
    }();
    return values.at(static_cast<std::size_t>(n));
}

std::vector<Change> new_history(int n, Rule rule, std::uint64_t variant) {
    // Everything that is not part of a product turns with `variant`: the order of
    // ids, replicas and seqs, and which values are equal.
    Choices v(variant);
    const int turn = v.pick(n), reverse = v.pick(2), replicas = 1 + v.pick(3), seqs = 1 + v.pick(2),
              values = 1 + v.pick(4);
    const int partial = v.pick(3), ascending = v.pick(2);
    std::vector<Change> h(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) {
        Change& x = h[static_cast<std::size_t>(i)];
        const int place = (i + turn) % n;
        x.id = version(1 + (reverse ? n - 1 - place : place));
        x.replica.bytes[0] = static_cast<std::uint8_t>(ascending ? i % replicas : (n - i) % replicas);
        x.seq.value = 1 + static_cast<std::uint64_t>(i % seqs);
        x.rule = rule;
        const bool first = partial != 1 || v.flip(), second = partial != 0 && (!first || v.flip());
        if (first) x.fields.emplace_back(0, number_value(1 + i % values));
        if (second) x.fields.emplace_back(1, number_value(1 + v.pick(2)));
    }
    return h;
}

std::vector<Change> random_history(Random& random, int n, Rule rule, bool all_may_stand) {
    auto h = new_history(n, rule, mix(static_cast<std::uint64_t>(random.pick(1 << 30))));
    const int density = 2 + random.pick(3), clocks = 1 + random.pick(2 * n);
    for (std::size_t i = 0; i < h.size(); ++i) {
        Change& x = h[i];
        for (std::size_t j = 0; j < i; ++j)
            if (random.one_in(density)) x.base.push_back(h[j].id);
        x.stamp = static_cast<std::uint64_t>(random.pick(clocks));
        x.level = static_cast<Level>(1 + random.pick(4));
        if (rule == Rule::set && random.one_in(3)) x.op = Op::remove;
        if (all_may_stand) continue;
        x.entitled = rule == Rule::owner ? x.level == Level::township : !random.one_in(8);
        x.suggest = !x.entitled && random.one_in(2);
        x.quarantined = random.one_in(8);
    }
    return h;
}

}  // namespace fields

namespace workflow {

Change make_change(int n, int group, Level level) {
    Change x;
    x.id = version(n);
    x.group = group;
    x.level = level;
    x.replica.bytes[0] = static_cast<std::uint8_t>(n * 7 % 4);
    x.seq.value = 1 + static_cast<std::uint64_t>(n % 2);
    return x;
}

Change make_step(int n, Step step, Level level) {
    const StepRule& rule = kStepRules[step];
    Change x = make_change(n, kWorkflow, level);
    x.op = Op::transition;
    x.from = rule.from;
    x.to = rule.to;
    x.freezes = rule.freezes;
    x.entitled = level >= rule.lowest;
    return x;
}

Change make_put(int n, int group, Level level, Rule rule, int value) {
    Change x = make_change(n, group, level);
    x.rule = rule;
    std::string encoded;
    Writer writer(encoded);
    Value::integer(value).write(writer);
    x.fields = {{static_cast<fold::FieldNo>(value % 2), encoded}};
    return x;
}

Ref name_of(const Change& x) { return Ref{x.group, x.id}; }

namespace {

/// What an author who holds `seen` (with all its past) names: the versions of a group
/// that nothing else there was built on.
std::vector<VersionId> heads(const std::set<Ref>& seen, int group, std::span<const Change> h) {
    std::set<VersionId> built_on;
    for (const Change& x : h)
        if (x.group == group && seen.contains(name_of(x))) built_on.insert(x.base.begin(), x.base.end());
    std::vector<VersionId> out;
    for (const Change& x : h)
        if (x.group == group && seen.contains(name_of(x)) && !built_on.contains(x.id)) out.push_back(x.id);
    return out;
}

}  // namespace

std::vector<Change> random_history(Random& random, const Mix& how) {
    const Rule rules[] = {Rule::latest, Rule::authority, Rule::keep_both, Rule::append};
    const Rule rule[kGroups] = {rules[random.pick(4)], rules[random.pick(4)]};
    const int clocks = 1 + random.pick(3 * how.changes), reverse = random.pick(2);
    std::vector<Change> h;
    for (int i = 0; i < how.changes; ++i) {
        const int n = reverse ? how.changes - i : 1 + i;
        const auto level = static_cast<Level>(1 + random.pick(4));
        Change x = random.one_in(2) ? make_step(n, static_cast<Step>(random.pick(kSteps)), level)
                                    : make_put(n, random.one_in(3), level, Rule::latest, 1 + random.pick(4));
        if (x.group != kWorkflow) {
            x.rule = rule[x.group];
            x.entitled = !random.one_in(10);
            x.suggest = !x.entitled && random.one_in(2);
        }
        x.stamp = static_cast<std::uint64_t>(random.pick(clocks));
        x.quarantined = random.one_in(8) && (how.city_quarantined || level != Level::city);
        if (how.careless) {
            for (const Change& e : h) {
                if (e.group == x.group && random.one_in(2)) x.base.push_back(e.id);
                if (x.group == kWorkflow && e.group != kWorkflow && random.one_in(3)) x.reviewed.push_back(name_of(e));
            }
        } else {
            // The author's copy of the row: some of what was written before, with its past.
            const History history(h);
            std::set<Ref> seen;
            const int missing = 2 + random.pick(3);
            for (const Change& e : h) {
                if (random.one_in(missing)) continue;
                seen.insert(name_of(e));
                seen.insert(history.past(name_of(e)).begin(), history.past(name_of(e)).end());
            }
            x.base = heads(seen, x.group, h);
            for (int g = 0; x.group == kWorkflow && g < kGroups; ++g)
                for (const VersionId& id : heads(seen, g, h)) x.reviewed.push_back(Ref{g, id});
        }
        h.push_back(std::move(x));
    }
    return h;
}

}  // namespace workflow
}  // namespace taizhang::reference
