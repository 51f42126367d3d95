#include "office/package.h"
#include "office/xlsx_reader.h"
#include "office/xlsx_writer.h"

#include <catch2/catch.hpp>

#include <filesystem>

namespace taizhang::office::xlsx_test {
namespace {

std::string scratch() { return (std::filesystem::temp_directory_path() / "taizhang-xlsx-test.xlsx").string(); }

std::string written(const Sheet& sheet, std::size_t header_rows = 1) {
    Workbook book;
    book.pages.push_back({sheet, header_rows, {8, 30}, "任务台账", "填报人:"});
    auto bytes = write_xlsx(book, scratch());
    if (!bytes) FAIL(bytes.error().detail);
    return *bytes;
}

Sheet read_one(std::string bytes) {
    auto sheets = read_xlsx(std::move(bytes));
    if (!sheets) FAIL(sheets.error().detail);
    REQUIRE(sheets->size() == 1);
    return sheets->front();
}

std::string part(const std::string& bytes, const std::string& name) {
    auto package = Package::open(bytes);
    if (!package) FAIL(package.error().detail);
    auto text = package->read(name);
    if (!text) FAIL(text.error().detail);
    return *text;
}

constexpr const char* kTypes = "<Types/>";

/// A workbook by hand: strange names of parts, relationships in any order.
std::string by_hand(const std::string& sheet_data, const std::string& strings = "", const std::string& styles = "",
                    const std::string& workbook_pr = "") {
    const std::string r = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    auto made = make_package(
        {{"data/the sheet.xml", "<?xml version=\"1.0\"?><x:worksheet xmlns:x=\"m\"><x:sheetData>" + sheet_data +
                                    "</x:sheetData></x:worksheet>"},
         {"[Content_Types].xml", kTypes},
         {"book/_rels/main.xml.rels",
          "<Relationships><Relationship Id=\"rId9\" Type=\"" + r +
              "/worksheet\" Target=\"../data/the sheet.xml\"/><Relationship Id=\"rId1\" Type=\"" + r +
              "/sharedStrings\" Target=\"/texts.xml\"/><Relationship Id=\"rId2\" Type=\"" + r +
              "/styles\" Target=\"looks.xml\"/></Relationships>"},
         {"texts.xml", "<sst>" + strings + "</sst>"},
         {"book/looks.xml", "<styleSheet>" + styles + "</styleSheet>"},
         {"book/main.xml", "<workbook xmlns:r=\"r\"><workbookPr " + workbook_pr +
                               "/><sheets><sheet name=\"台账\" sheetId=\"7\" r:id=\"rId9\"/></sheets></workbook>"},
         {"_rels/.rels", "<Relationships><Relationship Id=\"a\" Type=\"" + r +
                             "/officeDocument\" Target=\"book/main.xml\"/></Relationships>"}});
    REQUIRE(made.has_value());
    return *made;
}

TEST_CASE("xlsx: what was written is read, whatever its type", "[office][xlsx]") {
    Sheet s;
    s.name = "任务台账";
    s.rows = {{Cell::of_text("序号"), Cell::of_text("任务 <名称> & \"引号\"")},
              {Cell::of_number(1), Cell::of_text("第一行\n第二行")},
              {Cell::of_number(-0.125), Cell::of_text("  前后有空格  ")},
              {Cell::of_number(0.5, true), Cell::of_text("_x0041_ 不是 A")},
              {Cell::of_date("2025-02-28"), Cell::of_text("𠮷野家 👍")},
              {Cell::of_date("2025-12-31T08:30:00"), {}},
              {{}, {}, Cell::of_text("右边")}};
    const auto back = read_one(written(s));
    CHECK(back.name == s.name);
    for (std::size_t r = 0; r < s.rows.size(); ++r)
        for (std::size_t c = 0; c < 3; ++c) {
            INFO(place_en(r, c) << " " << back.at(r, c).text);
            CHECK(back.at(r, c) == s.at(r, c));
        }
}

TEST_CASE("xlsx: text that looks like a formula stays text, also after an edit", "[office][xlsx]") {
    Sheet s;
    s.name = "a";
    s.rows = {{Cell::of_text("标题")}};
    for (const char* t : {"=1+1", "+86 138", "-5", "@SUM(A1)", "=HYPERLINK(\"x\")"})
        s.rows.push_back({Cell::of_text(t)});
    const auto bytes = written(s);
    const auto back = read_one(bytes);
    for (std::size_t r = 0; r < s.rows.size(); ++r) CHECK(back.at(r, 0) == s.at(r, 0));
    CHECK(part(bytes, "xl/worksheets/sheet1.xml").find("<f>") == std::string::npos);
    CHECK(part(bytes, "xl/styles.xml").find("quotePrefix=\"1\"") != std::string::npos);
}

TEST_CASE("xlsx: a page prints on A4 landscape with its header on every page", "[office][xlsx]") {
    Sheet s;
    s.name = "任务台账";
    s.rows = {{Cell::of_text("序号"), Cell::of_text("任务名称")}, {Cell::of_number(1), Cell::of_text("甲")}};
    const auto bytes = written(s);
    const auto sheet = part(bytes, "xl/worksheets/sheet1.xml");
    CHECK(sheet.find("paperSize=\"9\"") != std::string::npos);
    CHECK(sheet.find("orientation=\"landscape\"") != std::string::npos);
    CHECK(sheet.find("state=\"frozen\"") != std::string::npos);
    CHECK(sheet.find("填报人:") != std::string::npos);
    CHECK(sheet.find("fitToHeight=\"0\"") != std::string::npos);
    CHECK(part(bytes, "xl/workbook.xml").find("_xlnm.Print_Titles") != std::string::npos);
}

TEST_CASE("xlsx: merged cells keep their range and their one value", "[office][xlsx]") {
    Sheet s;
    s.name = "a";
    s.rows = {{Cell::of_text("大标题"), {}, {}}, {Cell::of_text("a"), Cell::of_text("b"), Cell::of_text("c")}};
    s.merges = {{0, 0, 0, 2}};
    const auto back = read_one(written(s, 2));
    CHECK(back.merges == s.merges);
    CHECK(back.at(0, 0).text == "大标题");
    CHECK(back.at(0, 1).is_blank());
}

TEST_CASE("xlsx: strings of every form", "[office][xlsx]") {
    const auto s = read_one(by_hand(
        "<x:row r=\"2\"><x:c r=\"B2\" t=\"s\"><x:v>0</x:v></x:c><x:c t=\"s\"><x:v>1</x:v></x:c>"
        "<x:c r=\"F2\" t=\"inlineStr\"><x:is><x:r><x:t>甲</x:t></x:r><x:r><x:t xml:space=\"preserve\"> </x:t></x:r>"
        "<x:r><x:t>乙</x:t></x:r></x:is></x:c><x:c t=\"str\"><x:f>A1</x:f><x:v>公式的值</x:v></x:c></x:row>"
        "<x:row><x:c t=\"s\"><x:v>2</x:v></x:c><x:c t=\"s\"><x:v>9</x:v></x:c><x:c "
        "t=\"e\"><x:v>#REF!</x:v></x:c></x:row>",
        "<si><t>一&#10;二</t></si><si><r><rPr/><t xml:space=\"preserve\">中文 </t></r><r><t>abc</t></r>"
        "<rPh><t>zhong</t></rPh></si><si><t>a_x005F_x000D_b_x0041_</t></si>"));
    CHECK(s.name == "台账");
    CHECK(s.at(1, 1).text == "一\n二");
    CHECK(s.at(1, 2).text == "中文 abc");
    CHECK(s.at(1, 5).text == "甲 乙");
    CHECK(s.at(1, 6).text == "公式的值");
    CHECK(s.at(2, 0).text == "a_x000D_bA");
    CHECK(s.at(2, 1).kind == CellKind::error);
    CHECK(s.at(2, 2).kind == CellKind::error);
}

TEST_CASE("xlsx: dates are known by their number format only", "[office][xlsx]") {
    const std::string styles =
        "<numFmts><numFmt numFmtId=\"170\" formatCode=\"yyyy\\-mm\\-dd\"/><numFmt numFmtId=\"171\" "
        "formatCode=\"yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@\"/><numFmt numFmtId=\"172\" "
        "formatCode=\"0.0&quot;days&quot;\"/><numFmt numFmtId=\"173\" formatCode=\"[Red]#,##0.00\"/></numFmts>"
        "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"170\"/><xf numFmtId=\"171\"/><xf "
        "numFmtId=\"172\"/><xf numFmtId=\"173\"/><xf numFmtId=\"10\"/><xf numFmtId=\"58\"/><xf "
        "numFmtId=\"22\"/></cellXfs>";
    std::string cells;
    for (int style = 0; style < 8; ++style) cells += "<x:c s=\"" + std::to_string(style) + "\"><x:v>45717</x:v></x:c>";
    cells += "<x:c s=\"8\" t=\"n\"><x:v>45717.354166666664</x:v></x:c><x:c s=\"1\"><x:v>60</x:v></x:c>";
    const auto s = read_one(by_hand("<x:row>" + cells + "</x:row>", "", styles));
    for (const std::size_t col : {1u, 2u, 3u, 7u}) CHECK(s.at(0, col) == Cell::of_date("2025-03-01"));
    for (const std::size_t col : {0u, 4u, 5u}) CHECK(s.at(0, col) == Cell::of_number(45717));
    CHECK(s.at(0, 6) == Cell::of_number(45717, true));
    CHECK(s.at(0, 8) == Cell::of_date("2025-03-01T08:30:00"));

    const auto mac =
        read_one(by_hand("<x:row><x:c s=\"1\"><x:v>44255</x:v></x:c></x:row>", "", styles, "date1904=\"1\""));
    CHECK(mac.at(0, 0) == Cell::of_date("2025-03-01"));
}

TEST_CASE("xlsx: booleans, numbers and numbers that were ruined", "[office][xlsx]") {
    const auto s = read_one(
        by_hand("<x:row><x:c t=\"b\"><x:f>TRUE()</x:f><x:v>1</x:v></x:c><x:c><x:v>0.30000000000000004</x:v></x:c>"
                "<x:c><x:v>999999999999999</x:v></x:c><x:c><x:v>1.10101199001011E+17</x:v></x:c><x:c><x:v>many</x:v></"
                "x:c></x:row>"));
    CHECK(s.at(0, 0) == Cell::of_bool(true));
    CHECK(s.at(0, 1).text == "0.3");
    CHECK(s.at(0, 2).text == "999999999999999");
    CHECK(s.at(0, 3).kind == CellKind::error);
    CHECK(s.at(0, 4).kind == CellKind::error);
}

TEST_CASE("xlsx: what is not a workbook is refused in one line", "[office][xlsx]") {
    for (const std::string& bytes : {std::string("hello"), std::string(), std::string("PK\x03\x04 garbage"),
                                     std::string("\xD0\xCF\x11\xE0 xls"), by_hand("<x:row><x:c><x:v>1</x:v></x:row>"),
                                     by_hand("<x:row r=\"2\"><x:c r=\"ZZZ2\"><x:v>1</x:v></x:c></x:row>"),
                                     by_hand("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hostname\">]>")}) {
        const auto r = read_xlsx(bytes);
        REQUIRE(r.has_error());
        CHECK(r.error().code == Errc::bad_input);
        CHECK(r.error().detail.find(" / ") != std::string::npos);
        CHECK(r.error().detail.find('\n') == std::string::npos);
    }
    const auto far = read_xlsx(by_hand("<x:row r=\"2\"><x:c r=\"ZZZ2\"><x:v>1</x:v></x:c></x:row>"));
    CHECK(far.error().detail.find("台账 第 2 行 ZZZ 列") != std::string::npos);
}

TEST_CASE("xlsx: every cut of a good file is refused or read, never a crash", "[office][xlsx]") {
    Sheet s;
    s.name = "a";
    s.rows = {{Cell::of_text("标题")}, {Cell::of_number(1)}};
    const auto bytes = written(s);
    for (std::size_t n = 0; n < bytes.size(); n += 37) {
        const auto r = read_xlsx(bytes.substr(0, n));
        CHECK(r.has_error());
    }
    std::uint32_t random = 7;
    for (int i = 0; i < 200; ++i) {
        auto damaged = bytes;
        for (int k = 0; k < 4; ++k) {
            random = random * 1664525 + 1013904223;
            damaged[random % damaged.size()] = static_cast<char>(random >> 24);
        }
        (void)read_xlsx(damaged);
    }
}

}  // namespace
}  // namespace taizhang::office::xlsx_test
