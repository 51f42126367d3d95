#include "ledger/sheet_parse.h"

#include <algorithm>
#include <set>

namespace taizhang::ledger {

using office::Cell;
using office::Sheet;

namespace {

constexpr std::size_t kHeaderWithin = 30;  // rows from the top in which the titles are looked for
constexpr std::size_t kHeaderSpanMax = 3;
constexpr std::size_t kMatchesMin = 3;  // fewer could be a sentence

/// The columns without which a row says nothing.
std::vector<std::string_view> keys_of(SheetKind kind) {
    switch (kind) {
        case SheetKind::assignments: return {"任务名称", "责任单位"};
        case SheetKind::rectifications: return {"具体问题", "责任单位"};
        case SheetKind::attendance: break;
    }
    return {"单位", "到会情况"};
}

int index_of(SheetKind kind, std::string_view title) {
    const auto columns = columns_of(kind);
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (columns[i].title == title) return static_cast<int>(i);
    return -1;
}

/// Titles merged over several columns count in each of them while titles are looked for.
Sheet spread(const Sheet& in, bool across) {
    Sheet out = in;
    for (const auto& m : in.merges) {
        if (!across && m.first_col != m.last_col) continue;
        const auto value = in.at(m.first_row, m.first_col);
        if (value.is_blank()) continue;
        // A merge to the end of the sheet is no reason to fill a million rows.
        const auto last_row = std::min(m.last_row, in.rows.size() - 1);
        for (auto r = m.first_row; r <= last_row; ++r) {
            auto& row = out.rows[r];
            if (row.size() <= m.last_col) row.resize(m.last_col + 1);
            for (auto c = m.first_col; c <= m.last_col; ++c) row[c] = value;
        }
    }
    return out;
}

struct Header {
    std::size_t matches = 0, row = 0, span = 1;
    SheetKind kind = SheetKind::assignments;
    std::vector<int> sheet_column;
};

/// What the titles in rows [row, row + span) name: the lowest one first, then the ones above it.
Header header_at(const Sheet& s, std::size_t row, std::size_t span, SheetKind kind) {
    Header h{0, row, span, kind, std::vector<int>(columns_of(kind).size(), -1)};
    const auto width = s.width();
    for (std::size_t c = 0; c < width; ++c) {
        int found = -1;
        std::string all;
        for (std::size_t r = row; r < row + span; ++r) {
            const auto& text = s.at(r, c).text;
            if (r == row || text != s.at(r - 1, c).text) all += text;
        }
        for (std::size_t k = span; k-- > 0 && found < 0;) found = column_named(kind, s.at(row + k, c).text);
        if (found < 0) found = column_named(kind, all);
        if (found < 0 || h.sheet_column[static_cast<std::size_t>(found)] >= 0) continue;
        h.sheet_column[static_cast<std::size_t>(found)] = static_cast<int>(c);
        ++h.matches;
    }
    for (const auto& key : keys_of(kind))
        if (h.sheet_column[static_cast<std::size_t>(index_of(kind, key))] < 0) h.matches = 0;
    return h;
}

Header best_header(const Sheet& spread_sheet) {
    Header best;
    const auto rows = std::min(spread_sheet.rows.size(), kHeaderWithin);
    for (const auto kind : {SheetKind::assignments, SheetKind::rectifications, SheetKind::attendance})
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t span = 1; span <= kHeaderSpanMax && r + span <= spread_sheet.rows.size(); ++span)
                if (auto h = header_at(spread_sheet, r, span, kind); h.matches > best.matches) best = std::move(h);
    return best;
}

bool is_note(const std::string& text) {
    const auto t = folded_text(text);
    for (const std::string_view w : {"注:", "注", "备注:", "说明", "填报人", "填表人", "制表", "审核", "合计", "总计",
                                     "小计", "填报单位", "填报日期", "单位负责人", "联系人", "联系电话"})
        if (t.starts_with(w)) return true;
    return false;
}

void sort_rows(SheetTable& t, const Sheet& as_it_is) {
    const auto columns = columns_of(t.kind);
    std::vector<std::size_t> keys;
    for (const auto& key : keys_of(t.kind)) keys.push_back(static_cast<std::size_t>(index_of(t.kind, key)));
    for (auto r = t.first_row; r < t.sheet.rows.size(); ++r) {
        std::size_t filled = 0, key_cells = 0;
        for (std::size_t c = 0; c < columns.size(); ++c) {
            if (t.cell(r, c).is_blank() || columns[c].kind == ColumnKind::serial) continue;
            ++filled;
            if (std::find(keys.begin(), keys.end(), c) != keys.end()) ++key_cells;
        }
        std::string first;
        for (const auto& cell : t.sheet.rows[r])
            if (first.empty()) first = plain_text(cell.text);
        // What a merged cell fills in makes no record of a blank line.
        const auto& own = as_it_is.rows[r];
        const bool blank =
            std::all_of(own.begin(), own.end(), [](const auto& c) { return plain_text(c.text).empty(); });
        if (first.empty() || blank) continue;
        const bool beside = filled <= 1 && key_cells < keys.size();
        if (beside || (is_note(first) && key_cells < keys.size()))
            t.notes.push_back(r);
        else
            t.rows.push_back(r);
    }
}

}  // namespace

const Cell& SheetTable::cell(std::size_t row, std::size_t column) const {
    static const Cell blank;
    const auto own = sheet_column.size();
    const auto at = column < own ? sheet_column[column] : extras[column - own].sheet_column;
    return at < 0 ? blank : sheet.at(row, static_cast<std::size_t>(at));
}

Result<SheetTable> find_table(const std::vector<Sheet>& sheets, const std::string& only) {
    Header best;
    const Sheet* where = nullptr;
    for (const auto& s : sheets) {
        if (s.hidden || s.rows.empty() || (!only.empty() && s.name != only)) continue;
        auto h = best_header(spread(s, true));
        if (h.matches > best.matches) {
            best = std::move(h);
            where = &s;
        }
    }
    if (!where || best.matches < kMatchesMin) {
        std::string names;
        for (const auto& s : sheets)
            if (!s.hidden) names += (names.empty() ? "" : "、") + s.name;
        return fail(Errc::bad_input,
                    "没有找到台账表头(任务台账要有任务名称、责任单位,问题整改台账要有具体问题、责任单位,"
                    "签到表要有单位、到会情况);看过的工作表:" +
                        names + " / no titles of a ledger found; sheets looked at: " + names);
    }
    SheetTable t;
    t.kind = best.kind;
    t.first_row = best.row + best.span;
    t.sheet_column = best.sheet_column;
    t.sheet = spread(*where, false);
    const auto titles = spread(*where, true);
    for (std::size_t c = 0; c < titles.width(); ++c) {
        if (std::find(t.sheet_column.begin(), t.sheet_column.end(), static_cast<int>(c)) != t.sheet_column.end())
            continue;
        std::string title;
        for (auto r = t.first_row; r-- > best.row && title.empty();) title = plain_text(titles.at(r, c).text);
        if (!title.empty()) t.ignored.push_back({title, static_cast<int>(c)});
    }
    sort_rows(t, *where);
    return t;
}

}  // namespace taizhang::ledger
