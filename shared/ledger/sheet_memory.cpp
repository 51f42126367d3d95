#include "ledger/sheet_memory.h"

#include "base/hash.h"

#include <algorithm>

namespace taizhang::ledger {
namespace {

constexpr std::size_t kNameDigits = 16;  // of a version's 32: enough within one row's history
constexpr std::size_t kMarkDigits = 8;
constexpr const char* kMagic = "taizhang-sheet-1";

std::string joined(const SeenVersions& seen) {
    std::string out;
    for (const auto& [group, version] : seen) out += (out.empty() ? "" : " ") + group + ":" + version;
    return out;
}

std::vector<std::string> split(const std::string& s) {
    std::vector<std::string> out;
    std::size_t from = 0;
    while (from < s.size()) {
        const auto to = std::min(s.find(' ', from), s.size());
        if (to > from) out.push_back(s.substr(from, to - from));
        from = to + 1;
    }
    return out;
}

SeenVersions parsed(const std::string& s) {
    SeenVersions out;
    for (const auto& w : split(s))
        if (const auto colon = w.find(':'); colon != std::string::npos) out[w.substr(0, colon)] = w.substr(colon + 1);
    return out;
}

}  // namespace

std::string mark_of(const std::string& value) {
    return value.empty() ? "-" : hash_of(value).hex().substr(0, kMarkDigits);
}

SeenVersions seen_of(const RowView& row) {
    SeenVersions out;
    for (std::size_t g = 0; g < row.binding->groups.size() && g < row.fold.groups.size(); ++g) {
        const auto& stand = row.fold.groups[g].stand;
        out[row.binding->groups[g]] = stand == VersionId{} ? "-" : stand.hex().substr(0, kNameDigits);
    }
    return out;
}

std::optional<VersionId> seen_version(const RowView& row, const SeenVersions& seen, const std::string& group) {
    const auto it = seen.find(group);
    if (it == seen.end()) return std::nullopt;
    if (it->second == "-") return VersionId{};
    for (const auto& h : row.history)
        if (it->second.size() == kNameDigits && h.version.hex().starts_with(it->second)) return h.version;
    return std::nullopt;
}

office::Sheet SheetMemory::page() const {
    using office::Cell;
    office::Sheet s;
    s.name = "_taizhang";
    s.hidden = true;
    s.rows.push_back({Cell::of_text(kMagic), Cell::of_text(std::string(name_of(kind))), Cell::of_text(meeting)});
    for (const auto& [id, seen] : tasks)
        s.rows.push_back({Cell::of_text("t"), Cell::of_text(id), Cell::of_text(joined(seen))});
    for (const auto& name : extras) s.rows.push_back({Cell::of_text("x"), Cell::of_text(name)});
    for (const auto& [serial, row] : rows) {
        std::string marks;
        for (const auto& m : row.marks) marks += (marks.empty() ? "" : " ") + m;
        s.rows.push_back({Cell::of_text("r"), Cell::of_text(serial), Cell::of_text(row.id), Cell::of_text(row.task),
                          Cell::of_text(joined(row.seen)), Cell::of_text(marks)});
    }
    return s;
}

std::optional<SheetMemory> SheetMemory::of_page(const office::Sheet& s) {
    SheetMemory m;
    if (s.at(0, 0).text != kMagic || !find_kind(s.at(0, 1).text, m.kind)) return std::nullopt;
    m.meeting = s.at(0, 2).text;
    for (std::size_t r = 1; r < s.rows.size(); ++r) {
        if (s.at(r, 0).text == "t") m.tasks[s.at(r, 1).text] = parsed(s.at(r, 2).text);
        if (s.at(r, 0).text == "x") m.extras.push_back(s.at(r, 1).text);
        if (s.at(r, 0).text == "r")
            m.rows[s.at(r, 1).text] = {s.at(r, 2).text, s.at(r, 3).text, parsed(s.at(r, 4).text),
                                       split(s.at(r, 5).text)};
    }
    return m;
}

}  // namespace taizhang::ledger
