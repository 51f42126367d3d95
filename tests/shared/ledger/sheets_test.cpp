#include "ledger/sheet_export.h"
#include "ledger/sheet_import.h"
#include "ledger/sheet_memory.h"

#include "ledger/ledger.h"
#include "ledger/new_record.h"
#include "office/xlsx_reader.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <filesystem>

namespace taizhang::ledger::sheets_test {
namespace {

namespace json = boost::json;
using office::Cell;
using support::Device;
using support::World;

template <class T>
T good(Result<T> r) {
    if (!r) FAIL(r.error().detail);
    return std::move(*r);
}

std::string scratch() { return (std::filesystem::temp_directory_path() / "taizhang-sheets-test.xlsx").string(); }

std::string bytes_of(const office::Workbook& w) { return good(office::write_xlsx(w, scratch())); }

office::Workbook exported(Device& d, SheetKind kind, const std::string& meeting = {}) {
    ExportOptions o;
    o.scope.meeting = meeting;
    return good(export_sheet(*d, kind, o)).workbook;
}

json::object import(Device& d, const office::Workbook& w, bool dry_run = false, bool new_tasks = false,
                    const std::string& meeting = {}) {
    SheetImportOptions o;
    o.dry_run = dry_run;
    o.new_tasks = new_tasks;
    o.meeting = meeting;
    return good(import_sheet(*d, bytes_of(w), o));
}

int count(const json::object& o, const char* key) { return static_cast<int>(o.at(key).as_int64()); }

/// A workbook as people make one: no memory, whatever rows.
office::Workbook by_hand(std::vector<std::vector<Cell>> rows, std::vector<office::Merge> merges = {}) {
    office::Workbook w;
    office::Page page;
    page.sheet.name = "Sheet1";
    page.sheet.rows = std::move(rows);
    page.sheet.merges = std::move(merges);
    page.header_rows = 0;
    w.pages.push_back(std::move(page));
    return w;
}

Cell t(const char* s) { return Cell::of_text(s); }

office::Cell& cell(office::Workbook& w, const std::string& title, std::size_t row) {
    auto& sheet = w.pages[0].sheet;
    for (std::size_t c = 0; c < sheet.rows[0].size(); ++c)
        if (sheet.rows[0][c].text == title) return sheet.rows[row][c];
    FAIL("no column " << title);
    return sheet.rows[0][0];
}

/// Two branches with an assignment each of one task of ten, one rectification of B01.
struct City {
    World world;
    std::unique_ptr<Device> township, b1;

    City() {
        world.city.edit([] {
            Edit e;
            e.entity = "task";
            e.row = "T1";
            e.stream = StreamId{"C", Audience::notice};
            e.fields = {{"title", support::text("两新组织覆盖")},
                        {"target_value", support::number("10")},
                        {"source", support::text("省清单第1项")},
                        {"lead_unit_id", support::text("C-DJB")},
                        {"deadline", support::text("2025-12-20")}};
            return e;
        }());
        world.new_assignment("A1", "T1", "B01");
        world.new_assignment("A2", "T1", "B02");
        Edit e;
        e.entity = "rectification";
        e.row = "ZG1";
        e.stream = StreamId{"B01", Audience::ledger};
        e.fields = {{"responsible_unit_id", support::text("B01")},
                    {"problem", support::text("台账登记与实际不符")},
                    {"found_at", support::text("2025-08-29")},
                    {"measures", support::text("[\"逐村核对;查漏\",\"倒排换届日程\"]")}};
        world.city.edit(std::move(e));
        township = world.device("K1-01");
        b1 = world.device("B01");
    }
};

const std::vector<std::string> kTaskHeaders = {"序号",     "任务名称", "任务来源", "目标要求", "牵头单位", "责任领导",
                                               "责任单位", "责任人",   "配合单位", "完成时限", "进展情况", "完成率",
                                               "存在问题", "下步打算", "状态",     "预警",     "备注"};

TEST_CASE("sheets: the titles are those of the city file, to the letter", "[sheets]") {
    const auto file =
        json::parse(support::read_file(std::string(TZ_SOURCE_DIR) + "/schema/demo/yunxiu.json")).as_object();
    City c;
    c.world.city.edit([] {
        Edit e;
        e.entity = "meeting";
        e.row = "M1";
        e.stream = StreamId{"C", Audience::notice};
        e.fields = {{"title", support::text("调度会")}, {"at", support::text("2025-10-01T09:00:00+08:00")}};
        return e;
    }());
    for (const auto kind : {SheetKind::assignments, SheetKind::rectifications, SheetKind::attendance}) {
        const auto w = exported(c.world.city, kind, kind == SheetKind::attendance ? "M1" : "");
        std::vector<std::string> ours, wanted;
        for (const auto& x : w.pages[0].sheet.rows[0]) ours.push_back(x.text);
        for (const auto& x : file.at("ledger_headers").at(title_of(kind)).as_array())
            wanted.emplace_back(x.as_string());
        CHECK(ours == wanted);
    }
    ExportOptions o;
    o.with_unfinished = true;
    const auto w = good(export_sheet(*c.world.city, SheetKind::rectifications, o)).workbook;
    CHECK(w.pages[0].sheet.rows[0].back().text == "预计完成时间");
}

TEST_CASE("sheets: what was exported changes nothing when it comes back", "[sheets]") {
    City c;
    for (const auto kind : {SheetKind::assignments, SheetKind::rectifications}) {
        auto w = exported(c.world.city, kind);
        for (const bool with_memory : {true, false}) {
            if (!with_memory) w.pages.pop_back();
            const auto r = import(c.world.city, w);
            INFO(json::serialize(r));
            CHECK(count(r, "unchanged") == (kind == SheetKind::assignments ? 2 : 1));
            CHECK(count(r, "changed") + count(r, "created") + count(r, "refused") == 0);
        }
    }
}

TEST_CASE("sheets: one changed cell is one edit, and the same file again is none", "[sheets]") {
    City c;
    auto w = exported(*c.b1, SheetKind::assignments);
    REQUIRE(w.pages[0].sheet.rows.size() == 2);
    cell(w, "存在问题", 1) = t("=场地不足");
    const auto before = (*c.b1)->log_head();
    const auto dry = import(*c.b1, w, true);
    CHECK(count(dry, "changed") == 1);
    CHECK((*c.b1)->log_head() == before);
    CHECK(c.b1->field("A1", "problems") == Value().display());

    const auto r = import(*c.b1, w);
    CHECK(count(r, "changed") == 1);
    CHECK((*c.b1)->log_head().value == before.value + 1);
    CHECK(c.b1->field("A1", "problems") == "=场地不足");
    const auto again = import(*c.b1, w);
    CHECK(count(again, "unchanged") == 1);
    CHECK((*c.b1)->log_head().value == before.value + 1);
    CHECK((*c.b1)->verify().has_value());
}

TEST_CASE("sheets: a cell that nobody touched does not take back what came meanwhile", "[sheets]") {
    City c;
    auto w = exported(c.world.city, SheetKind::assignments);
    c.world.city.set("assignment", "A1", {{"deadline", support::text("2026-01-15")}});
    cell(w, "备注", 1) = t("已约谈");
    const auto r = import(c.world.city, w);
    INFO(json::serialize(r));
    CHECK(count(r, "changed") == 1);
    CHECK(c.world.city.field("A1", "deadline") == "2026-01-15");
    CHECK(c.world.city.field("A1", "remark") == "已约谈");
}

TEST_CASE("sheets: a cell changed on both sides is a conflict as any other", "[sheets]") {
    City c;
    auto w = exported(*c.b1, SheetKind::assignments);
    c.b1->set("assignment", "A1", {{"problems", support::text("在电脑上写的")}});
    cell(w, "存在问题", 1) = t("在表里写的");
    import(*c.b1, w);
    const auto lines = good((*c.b1)->conflicts("A1"));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].open);
    CHECK(lines[0].group == "problems");
    const auto head = (*c.b1)->log_head();
    import(*c.b1, w);
    CHECK((*c.b1)->log_head() == head);
    CHECK((*c.b1)->verify().has_value());
}

TEST_CASE("sheets: progress and rate are a report of the unit, and of nobody else", "[sheets]") {
    City c;
    auto w = exported(*c.b1, SheetKind::assignments);
    cell(w, "进展情况", 1) = t("已走访 5 家");
    cell(w, "完成率", 1) = t("50%");
    const auto r = import(*c.b1, w);
    INFO(json::serialize(r));
    CHECK(count(r, "changed") == 1);
    const auto shown = good(Ledger(**c.b1).show("A1"));
    CHECK(json::serialize(shown.at("fields").at("value")) == "5");
    CHECK(shown.at("fields").at("text").as_string() == "已走访 5 家");
    CHECK(count(import(*c.b1, w), "unchanged") == 1);

    auto above = exported(c.world.city, SheetKind::assignments);
    cell(above, "进展情况", 2) = t("替别人填");
    const auto refused = import(c.world.city, above);
    CHECK(count(refused, "refused") == 1);
    const auto& row = refused.at("rows").as_array()[0].as_object();
    CHECK(row.at("row").as_int64() == 3);
    CHECK(row.at("refused").as_array()[0].at("column").as_string() == "K");
}

TEST_CASE("sheets: a large office, which reads the reports of each row by an index, writes the same", "[sheets]") {
    City c;
    for (const char* rate : {"50%", "70%"}) {
        auto w = exported(*c.b1, SheetKind::assignments);
        cell(w, "进展情况", 1) = t(rate);
        cell(w, "完成率", 1) = t(rate);
        CHECK(count(import(*c.b1, w), "changed") == 1);
        c.b1->clock.wall_ms += 3'600'000;
    }
    c.world.sync(*c.b1);
    const auto words = [&](const std::string& unit) {
        ExportOptions o;
        o.scope.unit = unit;
        const auto w = good(export_sheet(*c.world.city, SheetKind::assignments, o)).workbook;
        std::vector<std::string> out;
        for (const auto& row : w.pages[0].sheet.rows)
            for (const auto& x : row) out.push_back(x.text + "|" + std::to_string(x.number));
        return out;
    };
    const auto has_index = [&] {
        auto s =
            good(c.world.city->database().prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'list_report'"));
        return good(s.step()) && s.integer(0) == 1;
    };
    const auto all = words(""), of_one = words("B01");
    CHECK(std::find(all.begin(), all.end(), "70%|0.000000") != all.end());
    CHECK(of_one.size() < all.size());
    CHECK_FALSE(has_index());
    for (int i = 0; i < 500; ++i)
        good(c.world.city->append_control("unit", R"({"id":"X)" + std::to_string(i) +
                                                      R"(","parent_id":"K1-01","level":"branch","name":"支部)" +
                                                      std::to_string(i) + "\"}"));
    CHECK(words("") == all);
    CHECK(words("B01") == of_one);
    CHECK(has_index());
}

TEST_CASE("sheets: a deadline that is not the unit's becomes a suggestion, once", "[sheets]") {
    City c;
    auto w = exported(*c.b1, SheetKind::assignments);
    cell(w, "完成时限", 1) = t("2026年3月1日");
    const auto r = import(*c.b1, w);
    CHECK(count(r, "changed") == 1);
    CHECK(r.at("rows").as_array()[0].at("notes").as_array().size() == 1);
    CHECK(c.b1->field("A1", "deadline") != "2026-03-01");
    const auto head = (*c.b1)->log_head();
    import(*c.b1, w);
    CHECK((*c.b1)->log_head() == head);
    w.pages.pop_back();
    import(*c.b1, w);
    CHECK((*c.b1)->log_head() == head);
}

TEST_CASE("sheets: a file as people make them", "[sheets]") {
    City c;
    // A title over everything, titles merged over two rows, columns of their own, blank lines, a unit's name merged
    // over two rows, dates of every kind, notes below.
    const auto w = by_hand({{t("2025年问题整改台账")},
                            {t("序\n号"),
                             t("问 题 来 源"),
                             t("反馈时间"),
                             t("具体问题"),
                             t("责任单位"),
                             t("整改情况"),
                             {},
                             t("完成时限(年月日)"),
                             t("联系电话"),
                             t("整改措施")},
                            {{}, {}, {}, {}, {}, t("整改进展"), t("整改成效"), {}, {}, {}},
                            {Cell::of_number(1),
                             t("巡察"),
                             t("2025.3.1"),
                             t("阵地管理松散"),
                             t("B02"),
                             {},
                             {},
                             t("2025年12月1日"),
                             Cell::of_number(13800000000),
                             t("1.立规矩\n2.抓落实")},
                            {},
                            {Cell::of_number(2),
                             t("自查"),
                             Cell::of_date("2025-03-02"),
                             t("三会一课记录不全"),
                             {},
                             {},
                             {},
                             t("2025/12/31"),
                             {},
                             t("补记录;常检查")},
                            {t("备注:以上问题请于年底前整改到位。")},
                            {t("填报人:"), {}, {}, t("审核人:")}},
                           {{0, 0, 0, 9}, {1, 5, 1, 6}, {1, 0, 2, 0}, {1, 3, 2, 3}, {3, 4, 5, 4}});
    const auto dry = import(*c.township, w, true);
    INFO(json::serialize(dry));
    CHECK(count(dry, "created") == 2);
    CHECK(dry.at("ignored_columns").as_array().size() == 1);
    CHECK(dry.at("note_rows").as_array().size() == 2);
    const auto r = import(*c.township, w);
    CHECK(count(r, "created") == 2);
    const auto& second = r.at("rows").as_array()[1].as_object();
    CHECK(second.at("row").as_int64() == 6);
    const std::string id(second.at("record").as_string());
    CHECK(c.township->field(id, "responsible_unit_id") == "B02");
    CHECK(c.township->field(id, "found_at") == "2025-03-02");
    CHECK(c.township->field(id, "deadline") == "2025-12-31");
    CHECK(c.township->field(id, "measures") == "[\"补记录\",\"常检查\"]");
    const auto head = (*c.township)->log_head();
    const auto again = import(*c.township, w);
    INFO(json::serialize(again));
    CHECK(count(again, "unchanged") == 2);
    CHECK((*c.township)->log_head() == head);
}

TEST_CASE("sheets: a fault of form anywhere, and nothing of the file is written", "[sheets]") {
    City c;
    const std::vector<std::pair<std::string, Cell>> faults = {
        {"完成时限", t("2025-02-30")},
        {"完成时限", t("月底")},
        {"完成时限", Cell::of_number(45717)},
        {"备注", t("【机密】请勿外传")},
        {"备注", Cell::of_text(std::string(30000, 'x'))},
    };
    for (const auto& [title, value] : faults) {
        auto w = exported(c.world.city, SheetKind::assignments);
        cell(w, "备注", 1) = t("好的");
        cell(w, title, 2) = value;
        const auto head = c.world.city->log_head();
        SheetImportOptions o;
        const auto r = import_sheet(*c.world.city, bytes_of(w), o);
        INFO(value.text.substr(0, 40));
        REQUIRE(r.has_error());
        CHECK(r.error().code == Errc::bad_input);
        CHECK(r.error().detail.find("第 3 行 ") != std::string::npos);
        CHECK(r.error().detail.find("row 3, column ") != std::string::npos);
        CHECK(c.world.city->log_head() == head);
        o.dry_run = true;
        const auto dry = good(import_sheet(*c.world.city, bytes_of(w), o));
        CHECK(dry.at("faults").as_array().size() == 1);
    }
}

TEST_CASE("sheets: refused rows are named, the others are taken", "[sheets]") {
    City c;
    const auto w = by_hand({{t("序号"), t("任务名称"), t("责任单位"), t("状态"), t("备注")},
                            {t("1"), t("两新组织覆盖"), t("B01"), {}, t("甲")},
                            {t("2"), t("没有的任务"), t("B01"), {}, t("乙")},
                            {t("3"), t("两新组织覆盖"), t("没有的单位"), {}, t("丙")},
                            {t("4"), t("两新组织覆盖"), t("B02"), t("已办结"), t("丁")},
                            {t("5"), t("两新组织覆盖"), t("B01"), {}, t("戊")}});
    const auto r = import(c.world.city, w);
    INFO(json::serialize(r));
    CHECK(count(r, "changed") == 2);
    CHECK(count(r, "refused") == 4);
    CHECK(c.world.city.field("A1", "remark") == "甲");
    CHECK(c.world.city.field("A2", "remark") == "丁");
    CHECK(c.world.city.state("A2") != "已办结");
}

TEST_CASE("sheets: pasted cells are taken like those of a file, with their titles or without", "[sheets]") {
    City c;
    SheetImportOptions o;
    const auto paste = [&](std::vector<std::vector<std::string>> cells) {
        return import_cells(*c.world.city, SheetKind::assignments, std::move(cells), o);
    };
    const auto titled = good(paste({{"任务名称", "责任单位", "备注"}, {"两新组织覆盖", "B01", "贴的"}, {"", "", ""}}));
    CHECK(count(titled, "changed") == 1);
    CHECK(!titled.at("titles_added").as_bool());
    CHECK(c.world.city.field("A1", "remark") == "贴的");

    o.dry_run = true;
    const auto plain = good(paste({{"1", "两新组织覆盖", "", "", "", "", "B02", "", "", "2025-11-29"}}));
    CHECK(plain.at("titles_added").as_bool());
    CHECK(count(plain, "changed") == 1);
    CHECK(plain.at("rows").at(0).at("row").as_int64() == 2);
    CHECK(c.world.city.field("A2", "deadline") != "2025-11-29");

    const auto fault = good(paste({{"任务名称", "责任单位", "完成时限"}, {"两新组织覆盖", "B01", "改天"}}));
    CHECK(fault.at("faults").as_array().size() == 1);
    CHECK(paste({}).has_error());
    CHECK(paste({{"", ""}, {""}}).has_error());
    CHECK(paste({{"没有一栏认得"}}).has_error());
}

TEST_CASE("sheets: rows that are not there yet are made, and two offices make the same one", "[sheets]") {
    City c;
    const auto w = by_hand({{t("任务名称"), t("责任单位"), t("完成时限"), t("状态")},
                            {t("两新组织覆盖"), t("K1-01"), t("2025-11-30"), t("办理中")},
                            {t("新任务"), t("B02"), t("2025-10-31"), {}}});
    CHECK(count(import(c.world.city, w), "created") == 1);
    const auto r = import(c.world.city, w, false, true);
    INFO(json::serialize(r));
    CHECK(count(r, "created") == 1);
    const auto all = good(Ledger(*c.world.city).list("assignments"));
    std::string id, state;
    for (const auto& a : all)
        if (a.at("unit_id").as_string() == "K1-01") {
            id = a.at("id").as_string();
            state = a.at("status").as_string();
        }
    CHECK(state == "办理中");
    CHECK(id == derived_id(*c.world.city->control().newest("assignment")->entity, {"T1", "K1-01"}));
    CHECK(count(import(c.world.city, w), "unchanged") == 2);
}

TEST_CASE("sheets: the attendance of a meeting out and in", "[sheets]") {
    City c;
    Ledger ledger(*c.world.city);
    const auto meeting = good(ledger.create(
        "meeting", {{"title", "第一次调度会"}, {"at", "2025-10-01T09:00:00+08:00"}, {"required_rank", "乡科级正职"}},
        ""));
    const auto w =
        by_hand({{t("序号"), t("单位"), t("应到人员及职务"), t("实到人员及职务"), t("到会情况"), t("迟到(分钟)"),
                  t("请假审批"), t("备注")},
                 {Cell::of_number(1), t("K1"), t("常委部长"), t("副部长"), t("委托代会"), t("31分钟"), t("否"), {}},
                 {Cell::of_number(2), t("K1-01"), t("书记"), {}, t("缺席"), {}, {}, {}}});
    const auto r = import(c.world.city, w, false, false, meeting.record);
    INFO(json::serialize(r));
    CHECK(count(r, "created") == 2);
    CHECK(count(import(c.world.city, w, false, false, meeting.record), "unchanged") == 2);
    auto back = exported(c.world.city, SheetKind::attendance, meeting.record);
    CHECK(cell(back, "实到人员及职务", 1).text == "副部长");
    CHECK(cell(back, "迟到(分钟)", 1).number == 31);
    cell(back, "请假审批", 1) = t("是");
    CHECK(count(import(c.world.city, back), "changed") == 1);
}

TEST_CASE("sheets: dates as people write them", "[sheets]") {
    for (const char* d : {"2025.3.1", "2025-03-01", "2025/3/1", "2025年3月1日", "20250301", "2025年03月01号",
                          " 2025 年 3 月 1 日 ", "２０２５．３．１", "2025-3-1 08:30", "2025-03-01T08:30:00"})
        CHECK(date_of(d) == std::optional<std::string>("2025-03-01"));
    for (const char* d :
         {"", "2025", "2025.13.1", "2025-02-29", "3月1日", "2025.3", "25.3.1", "2025-03-01 左右", "20250230"})
        CHECK(!date_of(d));
}

TEST_CASE("sheets: a long ledger is read in pieces, and what changes meanwhile is still told from an edit",
          "[sheets]") {
    World w;
    for (int i = 0; i < 500; ++i) {
        Edit e;
        e.entity = "rectification";
        e.row = "ZG" + std::to_string(1000 + i);
        e.stream = StreamId{"B01", Audience::ledger};
        e.fields = {{"no", support::number(std::to_string(i).c_str())},
                    {"responsible_unit_id", support::text("B01")},
                    {"problem", support::text("台账登记与实际不符")}};
        w.city.edit(std::move(e));
    }
    SheetExport work(SheetKind::rectifications, {});
    int pieces = 0;
    for (; !good(work.read_some(*w.city)); ++pieces)
        for (const auto* id : {"ZG1000", "ZG1499"})  // read already, and still to be read
            w.city.set("rectification", id, {{"remark", support::text("第" + std::to_string(pieces) + "次")}});
    CHECK(pieces >= 3);
    auto made = work.make();
    CHECK(made.rows == 500);
    const auto said = cell(made.workbook, "备注", 500).text;
    CHECK(said.starts_with("第"));
    // The first row was read before it changed: its cell says nothing now, and the newer remark stands.
    CHECK(count(import(w.city, made.workbook), "unchanged") == 500);
    CHECK(w.city.field("ZG1000", "remark") == "第" + std::to_string(pieces - 1) + "次");
    cell(made.workbook, "备注", 500) = t("已核");
    CHECK(count(import(w.city, made.workbook), "changed") == 1);
}

}  // namespace
}  // namespace taizhang::ledger::sheets_test
