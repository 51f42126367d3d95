#include "office/xlsx_reader.h"

#include "base/bytes.h"
#include "office/package.h"

#include <pugixml.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

namespace taizhang::office {
namespace {

using Node = pugi::xml_node;

std::string_view local(const char* name) {
    const auto* colon = std::strchr(name, ':');
    return colon ? colon + 1 : name;
}

/// The first child of that name, whatever prefix the file gives the namespace.
Node child(Node n, std::string_view name) {
    for (auto c : n.children())
        if (local(c.name()) == name) return c;
    return {};
}

std::string_view attribute(Node n, std::string_view name) {
    for (auto a : n.attributes())
        if (local(a.name()) == name) return a.value();
    return {};
}

bool is_true(std::string_view s) { return s == "1" || s == "true"; }

template <class Int>
bool parse_int(std::string_view s, Int& out) {
    const auto r = std::from_chars(s.data(), s.data() + s.size(), out);
    return r.ec == std::errc() && r.ptr == s.data() + s.size() && !s.empty();
}

Error unreadable(const std::string& zh, const std::string& en) {
    return fail(Errc::bad_input, "读不出这个表格:" + zh + " / cannot read this workbook: " + en);
}

/// _xHHHH_ stands for one UTF-16 unit; what is no character stays as it was written.
std::string unescaped(std::string_view s) {
    std::string out;
    for (std::size_t i = 0; i < s.size(); ++i) {
        unsigned code = 0;
        const bool escape = s[i] == '_' && i + 6 < s.size() && s[i + 1] == 'x' && s[i + 6] == '_' &&
                            std::from_chars(&s[i + 2], &s[i + 6], code, 16).ptr == &s[i + 6];
        if (!escape || code == 0 || (code >= 0xd800 && code < 0xe000)) {
            out.push_back(s[i]);
            continue;
        }
        if (code < 0x80) {
            out.push_back(static_cast<char>(code));
        } else if (code < 0x800) {
            out.push_back(static_cast<char>(0xc0 | code >> 6));
            out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
        } else {
            out.push_back(static_cast<char>(0xe0 | code >> 12));
            out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
            out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
        }
        i += 6;
    }
    return out;
}

/// The text of a shared or inline string: every run joined, without the readings above the characters.
std::string rich_text(Node n) {
    std::string out;
    for (auto c : n.children()) {
        const auto name = local(c.name());
        if (name == "t") out += c.text().get();
        if (name == "r") out += child(c, "t").text().get();
    }
    return out.find("_x") == std::string::npos ? out : unescaped(out);
}

std::string folder_of(const std::string& part) {
    const auto slash = part.rfind('/');
    return slash == std::string::npos ? std::string() : part.substr(0, slash + 1);
}

/// A relationship's target as the name of a part.
std::string resolved(const std::string& folder, std::string target) {
    if (target.starts_with("/")) return target.substr(1);
    std::string path = folder + target;
    for (auto up = path.find("/../"); up != std::string::npos; up = path.find("/../")) {
        const auto before = up == 0 ? std::string::npos : path.rfind('/', up - 1);
        path = (before == std::string::npos ? std::string() : path.substr(0, before + 1)) + path.substr(up + 4);
    }
    for (auto here = path.find("./"); here == 0; here = path.find("./")) path.erase(0, 2);
    return path;
}

struct Related {
    std::string type, part;
};

class Reader {
public:
    Reader(Package package, const XlsxLimits& limits) : package_(std::move(package)), limits_(limits) {}

    Result<std::vector<Sheet>> read() {
        TRY(const auto roots, relationships(""));
        std::string workbook = "xl/workbook.xml";
        for (const auto& [id, r] : roots)
            if (r.type.ends_with("/officeDocument")) workbook = r.part;
        TRY(const auto related, relationships(workbook));
        for (const auto& [id, r] : related) {
            if (r.type.ends_with("/sharedStrings")) TRY_VOID(read_strings(r.part));
            if (r.type.ends_with("/styles")) TRY_VOID(read_styles(r.part));
        }
        pugi::xml_document doc;
        TRY_VOID(parse(workbook, doc));
        const auto root = child(doc, "workbook");
        is_1904_ = is_true(attribute(child(root, "workbookPr"), "date1904"));
        std::vector<Sheet> out;
        for (auto s : child(root, "sheets").children()) {
            const auto it = related.find(std::string(relationship_id(s)));
            // A page that is only a chart has no cells.
            if (it == related.end() || !it->second.type.ends_with("/worksheet")) continue;
            Sheet sheet;
            sheet.name = std::string(attribute(s, "name"));
            sheet.hidden = attribute(s, "state").find("idden") != std::string_view::npos;
            TRY_VOID(read_sheet(it->second.part, sheet));
            out.push_back(std::move(sheet));
        }
        if (out.empty()) return unreadable("没有工作表", "it has no sheets");
        return out;
    }

private:
    Result<> parse(const std::string& part, pugi::xml_document& doc) {
        TRY(auto text, package_.read(part));
        if (text.find("<!DOCTYPE") != std::string::npos || text.find("<!ENTITY") != std::string::npos)
            return unreadable("含有 DOCTYPE", "it has a DOCTYPE");
        const auto r = doc.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
        if (!r) return unreadable(part + " " + r.description(), part + ": " + r.description());
        return {};
    }

    /// r:id, and not the sheet's own sheetId.
    static std::string_view relationship_id(Node n) {
        for (auto a : n.attributes())
            if (local(a.name()) == "id" && std::strchr(a.name(), ':')) return a.value();
        return {};
    }

    Result<std::map<std::string, Related>> relationships(const std::string& part) {
        std::map<std::string, Related> out;
        const auto folder = folder_of(part);
        const auto rels = folder + "_rels/" + part.substr(folder.size()) + ".rels";
        if (!package_.has(rels)) return out;
        pugi::xml_document doc;
        TRY_VOID(parse(rels, doc));
        for (auto r : child(doc, "Relationships").children()) {
            if (attribute(r, "TargetMode") == "External") continue;  // never followed
            out[std::string(attribute(r, "Id"))] = {std::string(attribute(r, "Type")),
                                                    resolved(folder, std::string(attribute(r, "Target")))};
        }
        return out;
    }

    Result<> read_strings(const std::string& part) {
        pugi::xml_document doc;
        TRY_VOID(parse(part, doc));
        for (auto si : child(doc, "sst").children())
            if (local(si.name()) == "si") strings_.push_back(rich_text(si));
        return {};
    }

    Result<> read_styles(const std::string& part) {
        pugi::xml_document doc;
        TRY_VOID(parse(part, doc));
        const auto root = child(doc, "styleSheet");
        std::map<unsigned, std::string> codes;
        for (auto f : child(root, "numFmts").children()) {
            unsigned id = 0;
            if (parse_int(attribute(f, "numFmtId"), id)) codes[id] = std::string(attribute(f, "formatCode"));
        }
        for (auto xf : child(root, "cellXfs").children()) {
            unsigned id = 0;
            parse_int(attribute(xf, "numFmtId"), id);
            const auto it = codes.find(id);
            shapes_.push_back(shape_of_format(id, it == codes.end() ? std::string() : it->second));
        }
        return {};
    }

    Error in_sheet(const Sheet& s, std::size_t row, std::size_t col, const std::string& zh, const std::string& en) {
        return fail(Errc::bad_input, s.name + " " + place_zh(row, col) + ":" + zh + " / " + s.name + ", " +
                                         place_en(row, col) + ": " + en);
    }

    /// "BC12"; false when it is none.
    static bool parse_ref(std::string_view ref, std::size_t& row, std::size_t& col) {
        std::size_t i = 0, c = 0;
        while (i < ref.size() && ref[i] >= 'A' && ref[i] <= 'Z' && c < 1'000'000)
            c = c * 26 + static_cast<std::size_t>(ref[i++] - 'A' + 1);
        std::size_t r = 0;
        if (c == 0 || !parse_int(ref.substr(i), r) || r == 0) return false;
        row = r - 1;
        col = c - 1;
        return true;
    }

    Result<> read_sheet(const std::string& part, Sheet& sheet) {
        pugi::xml_document doc;
        TRY_VOID(parse(part, doc));
        const auto root = child(doc, "worksheet");
        std::size_t next_row = 0;
        for (auto r : child(root, "sheetData").children()) {
            if (local(r.name()) != "row") continue;
            std::size_t row = next_row;
            if (std::size_t given = 0; parse_int(attribute(r, "r"), given) && given > 0) row = given - 1;
            next_row = row + 1;
            TRY_VOID(read_row(r, row, sheet));
        }
        for (auto m : child(root, "mergeCells").children()) {
            const auto ref = attribute(m, "ref");
            const auto colon = ref.find(':');
            Merge range;
            if (colon == std::string_view::npos || !parse_ref(ref.substr(0, colon), range.first_row, range.first_col) ||
                !parse_ref(ref.substr(colon + 1), range.last_row, range.last_col))
                continue;
            range.last_row = std::min(range.last_row, limits_.rows_max);
            range.last_col = std::min(range.last_col, limits_.columns_max);
            if (range.last_row >= range.first_row && range.last_col >= range.first_col) sheet.merges.push_back(range);
        }
        return {};
    }

    Result<> read_row(Node r, std::size_t row, Sheet& sheet) {
        std::size_t next_col = 0;
        for (auto c : r.children()) {
            if (local(c.name()) != "c") continue;
            std::size_t at_row = row, col = next_col;
            if (const auto ref = attribute(c, "r"); !ref.empty()) parse_ref(ref, at_row, col);
            next_col = col + 1;
            auto cell = read_cell(c);
            if (cell.is_blank()) continue;  // styled to the last column, as often as not
            if (row >= limits_.rows_max || col >= limits_.columns_max || ++cells_ > limits_.cells_max)
                return in_sheet(sheet, row, col, "超出可读范围,请拆成几个文件", "beyond what is read: split the file");
            if (cell.text.size() > limits_.cell_bytes_max)
                return in_sheet(sheet, row, col, "文字太长(" + std::to_string(cell.text.size()) + " 字节)",
                                "the text is too long (" + std::to_string(cell.text.size()) + " bytes)");
            if (!is_utf8(cell.text)) return in_sheet(sheet, row, col, "文字编码有误", "the text is not Unicode");
            if (sheet.rows.size() <= row) sheet.rows.resize(row + 1);
            auto& cells = sheet.rows[row];
            if (cells.size() <= col) cells.resize(col + 1);
            cells[col] = std::move(cell);
        }
        return {};
    }

    Cell read_cell(Node c) const {
        const auto type = attribute(c, "t");
        if (type == "inlineStr") return Cell::of_text(rich_text(child(c, "is")));
        const std::string_view v = child(c, "v").text().get();
        if (v.empty()) return {};
        if (type == "s") {
            std::size_t i = 0;
            if (!parse_int(v, i) || i >= strings_.size())
                return Cell::of_error("文字不在文件里 / its text is not in the file");
            return Cell::of_text(strings_[i]);
        }
        if (type == "str") return Cell::of_text(unescaped(v));
        if (type == "b") return Cell::of_bool(is_true(v));
        if (type == "e")
            return Cell::of_error("公式出错 " + std::string(v) + " / the formula failed: " + std::string(v));
        if (type == "d") return Cell::of_date(std::string(v.substr(0, v.size() > 19 ? 19 : v.size())));
        return number(v, style(c));
    }

    NumberShape style(Node c) const {
        std::size_t i = 0;
        return parse_int(attribute(c, "s"), i) && i < shapes_.size() ? shapes_[i] : NumberShape::number;
    }

    Cell number(std::string_view v, NumberShape shape) const {
        double x = 0;
        const auto r = std::from_chars(v.data(), v.data() + v.size(), x);
        if (r.ec != std::errc() || r.ptr != v.data() + v.size() || !std::isfinite(x))
            return Cell::of_error("不是数字:" + std::string(v) + " / not a number: " + std::string(v));
        if (shape == NumberShape::date) return date(x);
        if (std::fabs(x) >= 1e15)
            return Cell::of_error(
                "超过 15 位的数字按数值保存,后面几位已失真,请改为文本格式重新填写 / a number of more than 15 digits "
                "stored as "
                "a number has lost its last ones: format the cell as text and type it again");
        return Cell::of_number(x, shape == NumberShape::percent);
    }

    Cell date(double serial) const {
        if (is_1904_) serial += 1462;
        if (serial < 1 || serial >= 2958466)
            return Cell::of_error("日期超出范围 / not a date that exists: " + Cell::of_number(serial).text);
        auto days = static_cast<std::int64_t>(std::floor(serial));
        auto seconds = static_cast<std::int64_t>(std::llround((serial - std::floor(serial)) * 86400));
        if (seconds == 86400) {
            seconds = 0;
            ++days;
        }
        // Serial 60 is 1900-02-29, a day that never was; before it all days are one further on.
        auto text = iso_date(days - 25569 + (days < 60 ? 1 : 0));
        if (seconds > 0) {
            char clock[16];
            std::snprintf(clock, sizeof clock, "T%02d:%02d:%02d", static_cast<int>(seconds / 3600),
                          static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
            text += clock;
        }
        return Cell::of_date(std::move(text));
    }

    Package package_;
    XlsxLimits limits_;
    std::vector<std::string> strings_;
    std::vector<NumberShape> shapes_;
    bool is_1904_ = false;
    std::size_t cells_ = 0;
};

}  // namespace

Result<std::vector<Sheet>> read_xlsx(std::string bytes, const XlsxLimits& limits) {
    if (bytes.starts_with("\xD0\xCF\x11\xE0"))
        return unreadable("是旧的 .xls 或加了密码,请另存为不带密码的 .xlsx",
                          "an old .xls, or with a password: save it as .xlsx without one");
    TRY(auto package, Package::open(std::move(bytes)));
    return Reader(std::move(package), limits).read();
}

}  // namespace taizhang::office
