#include "office/docx_writer.h"
#include "office/package.h"

#include <catch2/catch.hpp>

namespace taizhang::office::docx_test {
namespace {

Document sample() {
    Document d;
    d.title = "关于<两新>组织覆盖情况的通报";
    d.author = "市委组织部";
    d.paragraphs = {{Line::number, "专项通报〔2025〕第2号"}, {Line::title, d.title},
                    {Line::addressee, "各县区委:"},          {line_of("一、总体情况"), "一、总体情况"},
                    {line_of("(一)问题"), "(一)问题"},       {Line::body, "正文 & 其他"}};
    return d;
}

TEST_CASE("docx: margins, lines and fonts are those of an official document", "[office][docx]") {
    const auto bytes = write_docx(sample());
    REQUIRE(bytes.has_value());
    CHECK(*bytes == *write_docx(sample()));
    auto p = Package::open(*bytes);
    REQUIRE(p.has_value());
    const auto text = *p->read("word/document.xml");
    CHECK(text.find("w:top=\"2098\" w:right=\"1474\" w:bottom=\"1984\" w:left=\"1588\"") != std::string::npos);
    CHECK(text.find("关于&lt;两新&gt;组织覆盖情况的通报") != std::string::npos);
    for (const char* font : {"方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312"})
        CHECK(text.find(font) != std::string::npos);
    const auto styles = *p->read("word/styles.xml");
    CHECK(styles.find("<w:docDefaults>") != std::string::npos);
    CHECK(styles.find("w:line=\"579\" w:lineRule=\"exact\"") != std::string::npos);
    for (const char* part : {"[Content_Types].xml", "_rels/.rels", "word/_rels/document.xml.rels", "word/settings.xml",
                             "word/footer1.xml", "word/footer2.xml", "docProps/core.xml"})
        CHECK(p->has(part));
}

/// The run of the paragraph that has this text.
std::string run_of(const std::string& document, const std::string& text) {
    const auto at = document.find(text);
    REQUIRE(at != std::string::npos);
    const auto from = document.rfind("<w:p>", at);
    return document.substr(from, at - from);
}

TEST_CASE("docx: each kind of line names its font and size, and fits the grid of 28 characters", "[office][docx]") {
    struct Look {
        Line line;
        const char *text, *font, *half_points;
        bool fits_grid;
    };
    const std::vector<Look> looks = {
        {Line::masthead, "云岫市委组织部", "方正小标宋简体", "72", false},
        {Line::number, "综合通报〔2025〕第4号", "仿宋_GB2312", "32", true},
        {Line::title, "关于冬训的通报", "方正小标宋简体", "44", false},
        {Line::addressee, "各县区党委", "仿宋_GB2312", "32", true},
        {Line::heading, "一、总体情况", "黑体", "32", true},
        {Line::subheading, "(一)问题", "楷体_GB2312", "32", true},
        {Line::body, "正文如下", "仿宋_GB2312", "32", true},
        {Line::signer, "中共云岫市委", "仿宋_GB2312", "32", true},
        {Line::date, "2025年11月6日", "仿宋_GB2312", "32", true},
        {Line::note, "附件:清单", "仿宋_GB2312", "32", true},
    };
    Document d;
    for (const auto& l : looks) d.paragraphs.push_back({l.line, l.text});
    auto p = Package::open(*write_docx(d));
    REQUIRE(p.has_value());
    const auto document = *p->read("word/document.xml");
    for (const auto& l : looks) {
        INFO(l.text);
        const auto run = run_of(document, l.text);
        for (const char* script : {"ascii", "hAnsi", "eastAsia", "cs"})
            CHECK(run.find(std::string("w:") + script + "=\"" + l.font + "\"") != std::string::npos);
        CHECK(run.find(std::string("<w:sz w:val=\"") + l.half_points + "\"/>") != std::string::npos);
        CHECK((run.find("<w:spacing w:val=\"-5\"/>") != std::string::npos) == l.fits_grid);
    }
    CHECK(run_of(document, "云岫市委组织部").find("FF0000") != std::string::npos);
    // Page numbers outside: odd pages to the right, even ones to the left, 14 pt 宋体.
    for (const auto& [part, side] : {std::pair{"word/footer1.xml", "right"}, {"word/footer2.xml", "left"}}) {
        const auto footer = *p->read(part);
        CHECK(footer.find(std::string("<w:jc w:val=\"") + side + "\"/>") != std::string::npos);
        CHECK(footer.find(" PAGE ") != std::string::npos);
        CHECK(footer.find("宋体") != std::string::npos);
        CHECK(footer.find("<w:sz w:val=\"28\"/>") != std::string::npos);
    }
    CHECK(document.find("<w:footerReference w:type=\"even\" r:id=\"rId4\"/>") != std::string::npos);
    CHECK((*p->read("word/settings.xml")).find("<w:evenAndOddHeaders/>") != std::string::npos);
}

TEST_CASE("docx: 一、 and (一) are headings, dates and lists are not", "[office][docx]") {
    CHECK(line_of("一、总体情况") == Line::heading);
    CHECK(line_of("十二、其他") == Line::heading);
    CHECK(line_of("(三)具体问题") == Line::subheading);
    CHECK(line_of("（三）具体问题") == Line::subheading);
    for (const char* body : {"一是认识不足", "1.数字", "", "、", "()", "二〇二五年", "(见附件)"})
        CHECK(line_of(body) == Line::body);
}

}  // namespace
}  // namespace taizhang::office::docx_test
