#include "office/docx_writer.h"
#include "office/package.h"

#include <catch2/catch.hpp>

namespace taizhang::office {
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

TEST_CASE("docx: 一、 and (一) are headings, dates and lists are not", "[office][docx]") {
    CHECK(line_of("一、总体情况") == Line::heading);
    CHECK(line_of("十二、其他") == Line::heading);
    CHECK(line_of("(三)具体问题") == Line::subheading);
    CHECK(line_of("（三）具体问题") == Line::subheading);
    for (const char* body : {"一是认识不足", "1.数字", "", "、", "()", "二〇二五年", "(见附件)"})
        CHECK(line_of(body) == Line::body);
}

}  // namespace
}  // namespace taizhang::office
