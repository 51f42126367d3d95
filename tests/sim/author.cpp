#include "tests/sim/author.h"

#include <algorithm>
#include <array>

namespace taizhang::sim {
namespace {

constexpr int kWritesMax = 26;  // of one row; the naive fold grows with the cube
constexpr std::array kWords = {"已报",  "整改",          "核查", "拨付", "走访",
                               "draft", "final \"two\"", "a\\b", "会议", "材料"};
constexpr std::array kTags = {"红", "黄", "绿", "blue", "急"};

}  // namespace

const Catalog& Author::catalog() const { return w_.reading_.newest(m_.replica->control().head().value); }

const Entity& Author::some_entity() {
    const auto& all = catalog().entities();
    const auto named = [&](const char* name) -> const Entity& { return *catalog().find(name); };
    switch (w_.pick(10)) {
        case 0:
        case 1: return named("bulletin");
        case 2: return named("register");
        case 3:
        case 4: return all[static_cast<std::size_t>(w_.pick(static_cast<int>(all.size())))];
        default: return named("probe");
    }
}

/// Mostly the author's own unit, often one below, now and then any.
StreamId Author::some_stream(const Entity& e) {
    const auto& units = w_.reading_.unit_ids();
    StreamId out{m_.unit, e.audience};
    for (int tries = 0; tries < 6 && !w_.one_in(4); ++tries) {
        const auto& unit = units[static_cast<std::size_t>(w_.pick(static_cast<int>(units.size())))];
        if (w_.reading_.holds(m_.unit, {unit, Audience::ledger})) out.unit = unit;
    }
    return out;
}

World::Row* Author::some_row_of(const Entity& e, bool anywhere) {
    std::vector<World::Row*> fit;
    for (auto& r : w_.rows_)
        if (r.entity == e.name && r.writes < kWritesMax && (anywhere || w_.reading_.holds(m_.unit, r.stream)))
            fit.push_back(&r);
    if (fit.empty()) return nullptr;
    // A few rows get most of the writing: that is where people meet.
    const auto few = std::min<int>(static_cast<int>(fit.size()), w_.one_in(3) ? 100 : 4);
    return fit[fit.size() - 1 - static_cast<std::size_t>(w_.pick(few))];
}

bool Author::may_write(const Group& g, const StreamId& stream) {
    return w_.reading_.may(g.by, m_.unit, stream, m_.replica->control().head().value) ||
           (!g.refused_as.empty() && w_.one_in(3));
}

Value Author::some_value(const Field& f) {
    const auto word = std::string(kWords[static_cast<std::size_t>(w_.pick(static_cast<int>(kWords.size())))]) +
                      std::to_string(w_.pick(40));
    switch (f.type) {
        case Type::number:
            return Value::number(*Decimal::parse(std::to_string(w_.pick(100)) + "." + std::to_string(w_.pick(100))));
        case Type::integer: return Value::integer(w_.pick(50) - 5);
        case Type::boolean: return Value::integer(w_.pick(2));
        case Type::date: return Value::text("2025-12-" + std::to_string(10 + w_.pick(20)));
        case Type::datetime: return Value::text("2025-12-" + std::to_string(10 + w_.pick(20)) + "T08:00:00+08:00");
        case Type::choice:
            return Value::text(f.choices[static_cast<std::size_t>(w_.pick(static_cast<int>(f.choices.size())))]);
        case Type::json: return Value::text("[" + std::to_string(w_.pick(9)) + "]");
        case Type::ref: return Value::text("r" + std::to_string(w_.pick(9)));
        case Type::text: break;
    }
    if (f.name == "tags" || f.name == "readers")
        return Value::text(kTags[static_cast<std::size_t>(w_.pick(static_cast<int>(kTags.size())))]);
    if (f.length_max < 60) return Value::text(std::to_string(w_.pick(40)));
    // In some worlds texts that do not compress, so that chunks fill up.
    if (f.length_max > 15'000 && (w_.heavy_ || w_.one_in(60)))
        return Value::text(noise(w_.pick(w_.heavy_ ? 19'000 : 1500)));
    return Value::text(word);
}

std::string Author::noise(int length) {
    std::string out;
    while (static_cast<int>(out.size()) < length) out.push_back(static_cast<char>('!' + w_.pick(90)));
    std::replace(out.begin(), out.end(), '\\', 'b');
    return out;
}

Author::Values Author::some_fields(const Entity& e, const StreamId& stream, int most) {
    Values out;
    for (int n = 1 + w_.pick(most), tries = 0; n > 0 && tries < 12; ++tries) {
        const auto& f = e.fields[static_cast<std::size_t>(w_.pick(static_cast<int>(e.fields.size())))];
        const auto& group = e.groups[static_cast<std::size_t>(f.group)];
        if (!may_write(group, stream)) continue;
        if (std::any_of(out.begin(), out.end(), [&](const auto& v) { return v.first == f.name; })) continue;
        const bool is_list = group.rule == fold::Rule::append || group.rule == fold::Rule::set;
        out.emplace_back(f.name, !is_list && w_.one_in(15) ? Value::null() : some_value(f));
        --n;
    }
    return out;
}

Edit Author::new_row(const Entity& e) {
    Edit edit;
    edit.entity = e.name;
    edit.stream = some_stream(e);
    edit.create = w_.one_in(2);
    edit.fields = some_fields(e, *edit.stream, 4);
    if (e.uuid) {
        std::string raw(16, '\0');
        for (auto& c : raw) c = static_cast<char>(w_.pick(256));
        edit.row = to_hex(raw);
    } else if (!e.key.empty()) {
        // From its natural key: two devices that do not know of each other create the same one.
        edit.row = edit.stream->unit + "-" + std::to_string(2020 + w_.pick(12));
    } else {
        edit.row = e.prefix + std::to_string(m_.number) + "-" + std::to_string(++w_.serial_);
    }
    const auto same = std::find_if(w_.rows_.begin(), w_.rows_.end(), [&](const auto& r) {
        return r.entity == edit.entity && r.id == edit.row && r.stream == *edit.stream;
    });
    if (same == w_.rows_.end())
        w_.rows_.push_back({edit.entity, edit.row, *edit.stream, 1});
    else
        ++same->writes;
    return edit;
}

/// A step that this machine thinks allowed; false when there is none.
bool Author::step(const Entity& e, World::Row& row, Edit& edit) {
    const auto view = m_.replica->read_row(e.name, row.id);
    if (!view || view->stream != row.stream || view->allowed.empty()) return false;
    const auto& t = *view->allowed[static_cast<std::size_t>(w_.pick(static_cast<int>(view->allowed.size())))];
    edit.transition = t.name;
    for (const auto& need : t.needs) {
        const auto& states = e.workflow.states;
        edit.arguments.emplace_back(
            need,
            Value::text(need == "state" ? states[static_cast<std::size_t>(w_.pick(static_cast<int>(states.size())))]
                                        : "因"));
    }
    return true;
}

Edit Author::change(const Entity& e, World::Row& row) {
    Edit edit;
    edit.entity = e.name;
    edit.row = row.id;
    ++row.writes;
    if (e.has_workflow() && w_.one_in(3) && step(e, row, edit)) {
        ++w_.figures_.transitions;
        if (!w_.one_in(4)) return edit;
    }
    edit.fields = some_fields(e, row.stream, 3);
    for (const auto& f : e.fields) {
        const auto& group = e.groups[static_cast<std::size_t>(f.group)];
        if (group.rule != fold::Rule::set || !w_.one_in(4)) continue;
        const bool adds =
            std::any_of(edit.fields.begin(), edit.fields.end(), [&](const auto& v) { return v.first == f.name; });
        if (!adds) edit.remove.emplace_back(f.name, some_value(f));
    }
    return edit;
}

Result<std::vector<CommitId>> Author::write() {
    Draft draft;
    if (w_.one_in(2)) draft.person = "王" + std::to_string(w_.pick(3));
    const int edits = w_.one_in(8) ? 2 + w_.pick(2) : 1;
    std::vector<std::string> taken;
    for (int i = 0; i < edits; ++i) {
        const auto& e = some_entity();
        auto* row = w_.rows_.size() < 25 || w_.one_in(6) ? nullptr : some_row(e);
        auto edit = row ? change(e, *row) : new_row(e);
        if (edit.fields.empty() && edit.remove.empty() && edit.transition.empty()) continue;
        // One commit names a row once.
        if (std::find(taken.begin(), taken.end(), edit.entity + edit.row) != taken.end()) continue;
        taken.push_back(edit.entity + edit.row);
        draft.edits.push_back(std::move(edit));
    }
    if (draft.edits.empty()) return std::vector<CommitId>();
    return m_.replica->edit(draft);
}

Result<std::vector<CommitId>> Author::decide() {
    TRY(auto conflicts, m_.replica->conflicts());
    std::erase_if(conflicts, [](const auto& c) { return c.line.kind != fold::LineKind::open; });
    if (conflicts.empty()) return std::vector<CommitId>();
    const auto& c = conflicts[static_cast<std::size_t>(w_.pick(static_cast<int>(conflicts.size())))];
    const auto* e = catalog().find(c.entity);
    const auto g = e ? e->group(c.group) : -1;
    if (g < 0) return std::vector<CommitId>();
    const auto& group = e->groups[static_cast<std::size_t>(g)];
    Edit edit;
    edit.entity = c.entity;
    edit.row = c.row;
    edit.stream = c.stream;
    edit.settle = true;
    const auto& f = e->fields[static_cast<std::size_t>(
        group.fields[static_cast<std::size_t>(w_.pick(static_cast<int>(group.fields.size())))])];
    edit.fields.emplace_back(f.name, some_value(f));
    ++w_.figures_.decisions;
    return m_.replica->edit({{std::move(edit)}, "李"});
}

}  // namespace taizhang::sim
