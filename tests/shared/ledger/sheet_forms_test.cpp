// The issuers' own form fields in workbooks, checks and figures.
#include "ledger/decompose.h"
#include "ledger/sheet_export.h"
#include "ledger/sheet_import.h"
#include "tests/support/good.h"
#include "tests/support/world.h"

#include <filesystem>

namespace taizhang::ledger::sheet_forms_test {
namespace {

namespace json = boost::json;
using office::Cell;
using support::Device;
using support::fails;
using support::good;
using support::text_of;
using support::World;

const char* kForm = R"([{"name":"参会人数","type":"number","required":true},{"name":"日期","type":"date"},
    {"name":"形式","type":"choice","choices":["线上","线下"]}])";

struct City {
    World world;
    std::unique_ptr<Device> b1;
    std::string task, id, other;

    City() {
        Ledger l(*world.city);
        const auto issued = [&](const char* title, const char* form) {
            Assignments f{{"title", title}, {"deadline", "2025-12-20"}, {"target_value", "10"}};
            if (*form) f.emplace_back("extra_fields", form);
            const auto made = good(l.create("task", f, "")).record;
            good(l.act("issue", made, {}, ""));
            const auto down = good(decompose(*world.city, {made, {"B01"}, "", "", ""}));
            return std::pair(made, text_of(down.at("made").as_array()[0], "record"));
        };
        std::tie(task, id) = issued("冬训全覆盖", kForm);
        other = issued("阵地建设", "").second;
        b1 = world.device("B01");
        for (const auto& a : {id, other}) good(Ledger(**b1).act("acknowledge", a, {}, ""));
        report("参会人数=30\n形式=线上");
    }
    void report(const std::string& extra) {
        b1->clock.wall_ms += 60'000;
        ReportInput in;
        in.value = "3";
        in.text = "已开三场";
        in.extra = extra;
        good(Ledger(**b1).report(id, in, ""));
    }
};

json::object extra_of(Device& d, const std::string& id, const char* name = "extra") {
    const auto fields = good(Ledger(*d).show(id)).at("fields").as_object();
    const auto* v = fields.if_contains(name);
    return v && v->is_object() ? v->as_object() : json::object{};
}

office::Workbook exported(Device& d) { return good(export_sheet(*d, SheetKind::assignments, {})).workbook; }

json::object import(Device& d, const office::Workbook& w, bool dry_run = false) {
    const auto path = (std::filesystem::temp_directory_path() / "taizhang-forms-test.xlsx").string();
    SheetImportOptions o;
    o.dry_run = dry_run;
    return good(import_sheet(*d, good(office::write_xlsx(w, path)), o));
}

std::size_t column(const office::Workbook& w, const std::string& title) {
    const auto& titles = w.pages[0].sheet.rows[0];
    for (std::size_t c = 0; c < titles.size(); ++c)
        if (titles[c].text == title) return c;
    FAIL("no column " << title);
    return 0;
}

/// The row of the task with the form.
std::size_t row_of(const office::Workbook& w) {
    const auto c = column(w, "任务名称");
    for (std::size_t r = 1; r < w.pages[0].sheet.rows.size(); ++r)
        if (w.pages[0].sheet.rows[r][c].text == "冬训全覆盖") return r;
    FAIL("no row");
    return 0;
}

Cell& cell(office::Workbook& w, const std::string& title) { return w.pages[0].sheet.rows[row_of(w)][column(w, title)]; }

TEST_CASE("sheet forms: the fields stand behind the bound titles, and come back unchanged", "[sheet_forms][sheets]") {
    City c;
    auto w = exported(*c.b1);
    const auto& titles = w.pages[0].sheet.rows[0];
    REQUIRE(titles.size() == 20);
    CHECK(titles[16].text == "备注");
    CHECK(titles[17].text == "附加:参会人数");
    CHECK(cell(w, "附加:参会人数") == Cell::of_number(30));
    CHECK(cell(w, "附加:形式").text == "线上");
    CHECK(cell(w, "附加:日期").is_blank());
    for (const bool with_memory : {true, false}) {
        if (!with_memory) w.pages.pop_back();
        const auto r = import(*c.b1, w);
        INFO(json::serialize(r));
        CHECK(r.at("unchanged").as_int64() == 2);
        CHECK(r.at("ignored_columns").as_array().empty());
    }
}

TEST_CASE("sheet forms: a changed answer is one report that carries the rest, and the same file again is none",
          "[sheet_forms][sheets]") {
    City c;
    auto w = exported(*c.b1);
    cell(w, "附加:参会人数") = Cell::of_text("３2");
    cell(w, "附加:日期") = Cell::of_text("2025年11月3日");
    const auto dry = import(*c.b1, w, true);
    const auto& cells = dry.at("rows").as_array().front().at("cells").as_array();
    REQUIRE(cells.size() == 2);
    CHECK(text_of(cells[0], "title") == "附加:参会人数");
    CHECK(text_of(cells[0], "from") == "30");
    CHECK(text_of(cells[0], "to") == "32");
    CHECK(extra_of(*c.b1, c.id).at("参会人数").to_number<int>() == 30);

    c.b1->clock.wall_ms += 60'000;
    CHECK(import(*c.b1, w).at("changed").as_int64() == 1);
    const auto now = extra_of(*c.b1, c.id);
    CHECK(now.at("参会人数").to_number<int>() == 32);
    CHECK(now.at("日期").as_string() == "2025-11-03");
    CHECK(now.at("形式").as_string() == "线上");
    CHECK(c.b1->state(c.id) == "办理中");
    const auto head = (*c.b1)->log_head();
    CHECK(import(*c.b1, w).at("changed").as_int64() == 0);
    CHECK((*c.b1)->log_head() == head);

    // Somebody answered since: a cell that nobody touched in the file takes nothing back.
    auto again = exported(*c.b1);
    c.report("参会人数=40");
    cell(again, "备注") = Cell::of_text("已补录");
    import(*c.b1, again);
    CHECK(extra_of(*c.b1, c.id).at("参会人数").to_number<int>() == 40);
}

TEST_CASE("sheet forms: people's own files say a field by its bare name", "[sheet_forms][sheets]") {
    City c;
    office::Workbook w;
    office::Page page;
    page.sheet.name = "Sheet1";
    const auto t = [](const char* s) { return Cell::of_text(s); };
    page.sheet.rows = {{t("任务名称"), t("责任单位"), t("备注"), t("参会人数"), t("联系电话")},
                       {t("冬训全覆盖"), t("B01"), t("好"), Cell::of_number(35), t("1")}};
    page.header_rows = 0;
    w.pages.push_back(std::move(page));
    c.b1->clock.wall_ms += 60'000;
    const auto r = import(*c.b1, w);
    INFO(json::serialize(r));
    CHECK(r.at("changed").as_int64() == 1);
    REQUIRE(r.at("ignored_columns").as_array().size() == 1);
    CHECK(r.at("ignored_columns").as_array()[0].as_string() == "联系电话");
    CHECK(extra_of(*c.b1, c.id).at("参会人数").to_number<int>() == 35);
}

TEST_CASE("sheet forms: what is no answer is refused by itself, with its column", "[sheet_forms][sheets]") {
    City c;
    auto w = exported(*c.b1);
    cell(w, "附加:参会人数") = Cell::of_text("很多");
    cell(w, "附加:形式") = Cell::of_text("电话");
    cell(w, "备注") = Cell::of_text("照写");
    auto& foreign = w.pages[0].sheet.rows[row_of(w) == 1 ? 2 : 1][column(w, "附加:参会人数")];
    foreign = Cell::of_number(5);
    const auto r = import(*c.b1, w);
    INFO(json::serialize(r));
    std::vector<std::string> refused;
    for (const auto& row : r.at("rows").as_array())
        for (const auto& x : row.at("refused").as_array()) refused.push_back(text_of(x, "title"));
    CHECK(refused.size() == 3);
    CHECK(c.b1->field(c.id, "remark") == "照写");
    CHECK(extra_of(*c.b1, c.id).at("参会人数").to_number<int>() == 30);
    // Progress is the unit's own to report: the city's sheet cannot answer for it.
    c.world.sync(*c.b1);
    auto at_city = exported(c.world.city);
    cell(at_city, "附加:参会人数") = Cell::of_number(99);
    CHECK(import(c.world.city, at_city).at("refused").as_int64() == 1);
    CHECK(extra_of(c.world.city, c.id).at("参会人数").to_number<int>() == 30);
}

TEST_CASE("form: a check answers the same fields, beside the report and never added to it", "[sheet_forms][form]") {
    City c;
    c.world.sync(*c.b1);
    Ledger l(*c.world.city);
    good(l.set(c.id, {{"verified_value", "2"}, {"extra", "参会人数=21"}}, ""));
    CHECK(fails(l.set(c.id, {{"verified_value", "2"}, {"extra", "参会人数=许多"}}, "")).find("参会人数") !=
          std::string::npos);
    CHECK(l.set(c.id, {{"verified_value", "2"}, {"text", "甲"}}, "").has_error());
    const auto f = good(form_figures(*c.world.city, c.task, ""));
    const auto& field = f.at("fields").as_array()[0];
    CHECK(field.at("sum").to_number<double>() == 30);
    CHECK(field.at("verified_sum").to_number<double>() == 21);
    CHECK(field.at("n_verified").to_number<int>() == 1);
    CHECK(f.at("fields").as_array()[2].at("verified_counts").at("线上").to_number<int>() == 0);
    CHECK(extra_of(c.world.city, c.id, "verified_extra").at("参会人数").to_number<int>() == 21);
    CHECK(extra_of(c.world.city, c.id).at("参会人数").to_number<int>() == 30);
}

}  // namespace
}  // namespace taizhang::ledger::sheet_forms_test
