#include "office/sheet.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace taizhang::office {

Cell Cell::of_number(double v, bool percent) {
    char buf[40];
    std::snprintf(buf, sizeof buf, "%.15g", v == 0 ? 0.0 : v);
    return {CellKind::number, buf, v, percent};
}

const Cell& Sheet::at(std::size_t row, std::size_t col) const {
    static const Cell blank;
    return row < rows.size() && col < rows[row].size() ? rows[row][col] : blank;
}

std::size_t Sheet::width() const {
    std::size_t w = 0;
    for (const auto& r : rows) w = std::max(w, r.size());
    return w;
}

std::string column_name(std::size_t col) {
    std::string out;
    for (auto n = col + 1; n > 0; n = (n - 1) / 26) out.insert(out.begin(), static_cast<char>('A' + (n - 1) % 26));
    return out;
}

std::string place_zh(std::size_t row, std::size_t col) {
    return "第 " + std::to_string(row + 1) + " 行 " + column_name(col) + " 列";
}
std::string place_en(std::size_t row, std::size_t col) {
    return "row " + std::to_string(row + 1) + ", column " + column_name(col);
}

std::string iso_date(std::int64_t days) {
    using namespace std::chrono;
    const year_month_day d{sys_days{std::chrono::days{days}}};
    char buf[32];
    std::snprintf(buf, sizeof buf, "%04d-%02u-%02u", static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
                  static_cast<unsigned>(d.day()));
    return buf;
}

std::int64_t days_since_1970(int y, unsigned m, unsigned d) {
    using namespace std::chrono;
    return sys_days{year{y} / month{m} / day{d}}.time_since_epoch().count();
}

}  // namespace taizhang::office
