#include "office/xlsx_writer.h"

#include "office/package.h"

#include <xlsxwriter.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace taizhang::office {
namespace {

constexpr double kUsualWidth = 14;
constexpr const char* kFont = "宋体";
/// The built-in format "text": used for guarded cells only, so that they are found in styles.xml afterwards.
constexpr unsigned kTextFormat = 49;

bool looks_like_formula(std::string_view s) {
    return !s.empty() && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t');
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// "_x0041_" in a text would be read as "A".
std::string with_escapes_escaped(const std::string& s) {
    if (s.find("_x") == std::string::npos) return s;
    std::string out;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const bool escape = s.compare(i, 2, "_x") == 0 && i + 6 < s.size() && s[i + 6] == '_' && is_hex(s[i + 2]) &&
                            is_hex(s[i + 3]) && is_hex(s[i + 4]) && is_hex(s[i + 5]);
        out += escape ? "_x005F_" : std::string(1, s[i]);
    }
    return out;
}

struct Formats {
    lxw_format *header, *text, *guarded, *number, *percent, *date, *time, *plain;

    explicit Formats(lxw_workbook* book) {
        for (auto** f : {&header, &text, &guarded, &number, &percent, &date, &time}) {
            *f = workbook_add_format(book);
            format_set_font_name(*f, kFont);
            format_set_font_size(*f, 10);
            format_set_border(*f, LXW_BORDER_THIN);
            format_set_align(*f, LXW_ALIGN_VERTICAL_CENTER);
            format_set_text_wrap(*f);
        }
        plain = workbook_add_format(book);
        format_set_bold(header);
        format_set_align(header, LXW_ALIGN_CENTER);
        format_set_bg_color(header, 0xD9E2F3);
        format_set_num_format_index(guarded, kTextFormat);
        format_set_num_format(percent, "0.0%");
        format_set_num_format(date, "yyyy-mm-dd");
        format_set_num_format(time, "yyyy-mm-dd hh:mm");
        for (auto* f : {number, percent, date, time}) format_set_align(f, LXW_ALIGN_CENTER);
    }
};

/// Days since 1899-12-30 of an ISO date or time; the ledger has no dates before 1900-03-01.
bool serial_of(const std::string& iso, double& out) {
    int y = 0, h = 0, min = 0, s = 0;
    unsigned m = 0, d = 0;
    const auto n = std::sscanf(iso.c_str(), "%d-%u-%uT%d:%d:%d", &y, &m, &d, &h, &min, &s);
    if (n < 3 || y < 1901 || y > 9999 || m < 1 || m > 12 || d < 1 || d > 31) return false;
    const auto days = days_since_1970(y, m, d) + 25569;
    out = static_cast<double>(days) + (h * 3600 + min * 60 + s) / 86400.0;
    return true;
}

lxw_error write_cell(lxw_worksheet* ws, lxw_row_t row, lxw_col_t col, const Cell& c, lxw_format* header,
                     const Formats& f, bool plain) {
    auto pick = [&](lxw_format* usual) { return plain ? f.plain : header ? header : usual; };
    switch (c.kind) {
        case CellKind::blank: return worksheet_write_blank(ws, row, col, pick(f.text));
        case CellKind::number:
            return worksheet_write_number(ws, row, col, c.number, pick(c.percent ? f.percent : f.number));
        case CellKind::date:
            if (double serial = 0; serial_of(c.text, serial))
                return worksheet_write_number(ws, row, col, serial, pick(c.text.size() > 10 ? f.time : f.date));
            break;
        default: break;
    }
    const auto text = with_escapes_escaped(c.text);
    return worksheet_write_string(ws, row, col, text.c_str(), looks_like_formula(text) ? f.guarded : pick(f.text));
}

void set_up_print(lxw_worksheet* ws, const Page& page) {
    worksheet_set_landscape(ws);
    worksheet_set_paper(ws, 9);  // A4
    worksheet_set_margins(ws, 0.4, 0.4, 0.75, 0.75);
    worksheet_fit_to_pages(ws, 1, 0);  // one page wide, as long as it takes
    if (page.header_rows > 0) {
        worksheet_repeat_rows(ws, 0, static_cast<lxw_row_t>(page.header_rows - 1));
        worksheet_freeze_panes(ws, static_cast<lxw_row_t>(page.header_rows), 2);
    }
    if (!page.title.empty()) worksheet_set_header(ws, ("&C&\"宋体,Bold\"&16" + page.title).c_str());
    worksheet_set_footer(ws, ("&L&10" + page.signature + "&R&10第 &P 页 共 &N 页").c_str());
}

Result<> write_page(lxw_workbook* book, const Page& page, const Formats& formats) {
    const auto& sheet = page.sheet;
    auto* ws = workbook_add_worksheet(book, sheet.name.c_str());
    if (!ws) return fail(Errc::bad_input, "工作表名称不能用:" + sheet.name + " / not a sheet's name: " + sheet.name);
    if (sheet.hidden) worksheet_hide(ws);
    const auto width = sheet.width();
    for (std::size_t c = 0; c < width; ++c)
        worksheet_set_column(ws, static_cast<lxw_col_t>(c), static_cast<lxw_col_t>(c),
                             c < page.widths.size() ? page.widths[c] : kUsualWidth, nullptr);
    for (const auto& m : sheet.merges)
        worksheet_merge_range(ws, static_cast<lxw_row_t>(m.first_row), static_cast<lxw_col_t>(m.first_col),
                              static_cast<lxw_row_t>(m.last_row), static_cast<lxw_col_t>(m.last_col), "",
                              m.first_row < page.header_rows ? formats.header : formats.text);
    for (std::size_t r = 0; r < sheet.rows.size(); ++r) {
        for (std::size_t c = 0; c < sheet.rows[r].size(); ++c) {
            const auto& cell = sheet.rows[r][c];
            const bool inside_merge = std::any_of(sheet.merges.begin(), sheet.merges.end(), [&](const auto& m) {
                return r >= m.first_row && r <= m.last_row && c >= m.first_col && c <= m.last_col;
            });
            if (cell.is_blank() && (inside_merge || sheet.hidden)) continue;
            const auto e = write_cell(ws, static_cast<lxw_row_t>(r), static_cast<lxw_col_t>(c), cell,
                                      r < page.header_rows ? formats.header : nullptr, formats, sheet.hidden);
            if (e != LXW_NO_ERROR)
                return fail(Errc::bad_input, sheet.name + " " + place_zh(r, c) + ":" + lxw_strerror(e) + " / " +
                                                 sheet.name + ", " + place_en(r, c) + ": " + lxw_strerror(e));
        }
    }
    if (!sheet.hidden) set_up_print(ws, page);
    return {};
}

/// The library has no call for the mark that keeps a text a text when its cell is edited.
Result<std::string> with_quote_marks(std::string bytes) {
    TRY(auto package, Package::open(std::move(bytes)));
    std::vector<std::pair<std::string, std::string>> parts;
    // The list of parts first, as every program that writes such files does.
    auto names = package.names();
    std::stable_sort(names.begin(), names.end(), [](const auto& a, const auto& b) {
        return (a == "[Content_Types].xml") > (b == "[Content_Types].xml");
    });
    for (const auto& name : names) {
        TRY(auto text, package.read(name));
        if (name == "xl/styles.xml") {
            const auto wanted = "<xf numFmtId=\"" + std::to_string(kTextFormat) + "\" ";
            if (const auto at = text.find(wanted); at != std::string::npos)
                text.insert(at + wanted.size(), "quotePrefix=\"1\" ");
        }
        parts.emplace_back(name, std::move(text));
    }
    return make_package(parts);
}

Error cannot_write(const std::string& path) { return fail(Errc::io, "不能写入 " + path + " / cannot write " + path); }

}  // namespace

Result<std::string> write_xlsx(const Workbook& workbook, const std::string& scratch) {
    lxw_workbook_options options{};
    auto* book = workbook_new_opt(scratch.c_str(), &options);
    if (!book) return fail(Errc::internal, "xlsx: no memory");
    const Formats formats(book);
    Result<> written;
    for (const auto& page : workbook.pages)
        if (written) written = write_page(book, page, formats);
    auto author = workbook.author;
    lxw_doc_properties properties{};
    properties.author = author.data();
    properties.created = workbook.made_ms / 1000;
    workbook_set_properties(book, &properties);
    const auto closed = workbook_close(book);
    struct Remove {
        const std::string& path;
        ~Remove() { std::remove(path.c_str()); }
    } remove{scratch};
    if (!written) return written.error();
    if (closed != LXW_NO_ERROR) return cannot_write(scratch);
    std::ifstream in(scratch, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (!in.good() && !in.eof()) return cannot_write(scratch);
    return with_quote_marks(std::move(bytes));
}

}  // namespace taizhang::office
