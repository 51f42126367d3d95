// sheet.h - a plain table, as people have it in a workbook: rows of typed cells, merged ranges.
//
// What the xlsx reader gives and the xlsx writer takes. It knows nothing of records:
// which column means what is ledger/sheets.h. Rows and columns count from 0 here and
// from 1 (and from A) in whatever people read.
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace taizhang::office {

enum class CellKind : std::uint8_t {
    blank,
    text,
    number,
    date,     ///< `text` is 2025-12-31 or 2025-12-31T08:30:00, without a zone
    boolean,  ///< `number` is 1 or 0
    error,    ///< cannot be believed: `text` says why, "中文 / English"
};

struct Cell {
    CellKind kind = CellKind::blank;
    std::string text;      ///< UTF-8; of a number its shortest form, of a boolean 是 or 否
    double number = 0;     ///< of numbers and booleans
    bool percent = false;  ///< a number that is shown as a percentage: 0.5 is 50%

    static Cell of_text(std::string s) {
        return {s.empty() ? CellKind::blank : CellKind::text, std::move(s), 0, false};
    }
    static Cell of_number(double v, bool percent = false);
    static Cell of_date(std::string iso) {
        return {iso.empty() ? CellKind::blank : CellKind::date, std::move(iso), 0, false};
    }
    static Cell of_bool(bool b) { return {CellKind::boolean, b ? "是" : "否", b ? 1.0 : 0.0, false}; }
    static Cell of_error(std::string why) { return {CellKind::error, std::move(why), 0, false}; }

    bool is_blank() const { return kind == CellKind::blank; }
    bool operator==(const Cell&) const = default;
};

struct Merge {
    std::size_t first_row = 0, first_col = 0, last_row = 0, last_col = 0;
    bool operator==(const Merge&) const = default;
};

struct Sheet {
    std::string name;
    bool hidden = false;
    std::vector<std::vector<Cell>> rows;  ///< rows may differ in length
    std::vector<Merge> merges;            ///< the value is in the first cell, the others are blank

    /// A blank cell where there is none.
    const Cell& at(std::size_t row, std::size_t col) const;
    std::size_t width() const;  ///< columns of the longest row
};

/// "A", "Z", "AA"… of a column counted from 0.
std::string column_name(std::size_t col);
/// 第 3 行 B 列 / row 3, column B.
std::string place_zh(std::size_t row, std::size_t col);
std::string place_en(std::size_t row, std::size_t col);
/// "2025-03-01" of a day counted from 1970-01-01, and back; the day must exist.
std::string iso_date(std::int64_t days_since_1970);
std::int64_t days_since_1970(int year, unsigned month, unsigned day);

}  // namespace taizhang::office
