#include "ledger/conflicts.h"

#include "ledger/words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace taizhang::ledger {
namespace {

/// Letters and digits that nobody confuses when reading aloud.
std::string short_name(const Hash& h) {
    static constexpr char digits[] = "23456789abcdefghjkmnpqrstuvwxyz0";
    std::string out;
    std::uint64_t bits = 0;
    std::memcpy(&bits, h.bytes.data(), sizeof bits);
    for (int i = 0; i < 8; ++i, bits >>= 5) out.push_back(digits[bits & 31]);
    return out;
}

std::string group_name(const RowView& row, int group) {
    return group < 0 ? row.binding->newest->workflow.field : row.binding->groups[static_cast<std::size_t>(group)];
}

/// The smallest version that took part names the conflict: deciding adds no smaller one.
VersionId first_contender(const RowView& row, const Conflict& c) {
    auto smallest = *std::min_element(c.losers.begin(), c.losers.end());
    if (c.kind == fold::LineKind::open) smallest = std::min(smallest, c.winner);
    if (c.kind == fold::LineKind::closed)
        if (const auto* z = item_of(row, c.line.decided_by))
            for (const auto& [group, bases] : z->bases)
                if (group == c.group && !bases.empty())
                    smallest = std::min(smallest, *std::min_element(bases.begin(), bases.end()));
    return smallest;
}

}  // namespace

std::vector<Conflict> conflicts_of(const RowView& row) {
    std::vector<Conflict> out;
    for (const auto& line : row.fold.lines) {
        const bool joins = line.kind == fold::LineKind::open || line.kind == fold::LineKind::closed;
        auto it = out.end();
        if (joins)
            it = std::find_if(out.begin(), out.end(), [&](const auto& c) {
                return c.kind == line.kind && c.group == line.group && c.line.decided_by == line.decided_by;
            });
        if (it == out.end()) {
            Conflict c;
            c.kind = line.kind;
            c.group = line.group;
            c.rule = line.rule;
            c.winner = line.winner;
            c.line = line;
            c.open = line.kind == fold::LineKind::open && line.rule == fold::Rule::keep_both;
            it = out.insert(out.end(), std::move(c));
        }
        it->losers.push_back(line.loser);
    }
    std::map<std::string, int> seen;
    for (auto& c : out) {
        std::string name;
        Writer w(name);
        w.str(row.entity);
        w.str(row.id);
        w.str(row.stream.str());
        w.str(group_name(row, c.group));
        w.raw(view(first_contender(row, c).bytes));
        c.id = short_name(hash_of(name));
        if (const int n = seen[c.id]++; n > 0) c.id += "-" + std::to_string(n + 1);
    }
    return out;
}

boost::json::object to_json(const ControlState& control, const RowView& row, const Conflict& c) {
    boost::json::object o;
    o["id"] = c.id;
    o["entity"] = row.entity;
    o["row"] = row.id;
    o["group"] = group_name(row, c.group);
    o["kind"] = name_of(c.kind);
    // A change that was refused was refused by what the group's owner rule or workflow says.
    const bool by_owner = c.kind == fold::LineKind::refused || c.kind == fold::LineKind::suggestion;
    o["rule"] = c.group < 0 ? std::string_view("workflow") : by_owner ? std::string_view("owner") : name_of(c.rule);
    auto winner = c.winner;
    if (winner == VersionId{} && c.group >= 0) winner = row.fold.groups[static_cast<std::size_t>(c.group)].stand;
    if (winner == VersionId{} && c.group < 0) winner = row.fold.standing;
    if (const auto* item = item_of(row, winner))
        o["winner"] = author_of(row, c.kind == fold::LineKind::after_close ? fold::kWorkflow : c.group, *item);
    else
        o["winner"] = nullptr;
    boost::json::array losers;
    for (const auto& l : c.losers)
        if (const auto* item = item_of(row, l)) losers.push_back(author_of(row, c.group, *item));
    o["losers"] = std::move(losers);
    o["open"] = c.open;
    o["why"] = why(control, row, c.line);
    return o;
}

}  // namespace taizhang::ledger
