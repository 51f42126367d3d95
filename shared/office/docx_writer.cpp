#include "office/docx_writer.h"

#include "office/package.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace taizhang::office {
namespace {

// Lengths are twentieths of a point (1 mm = 56.7) unless said otherwise.
//
// Margins 37, 26, 35 and 28 mm leave 156 x 225 mm. 225 mm / 22 lines = 579 (28.95 pt): exact, since 580 gives 21
// lines. 28 characters of 16 pt are 448 pt in 442: each is set 0.25 pt closer (spacing -5). A document grid with
// characters (linesAndChars) would give 14 characters a line, so it has lines only.
constexpr const char* kPage =
    "<w:pgSz w:w=\"11906\" w:h=\"16838\"/>"
    "<w:pgMar w:top=\"2098\" w:right=\"1474\" w:bottom=\"1984\" w:left=\"1588\" w:header=\"851\" w:footer=\"1400\" "
    "w:gutter=\"0\"/><w:docGrid w:type=\"lines\" w:linePitch=\"579\"/>";

constexpr const char* kSongTitle = "方正小标宋简体";
constexpr const char* kFangSong = "仿宋_GB2312";
constexpr const char* kHei = "黑体";
constexpr const char* kKai = "楷体_GB2312";

constexpr const char* kNamespaces =
    "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" "
    "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
constexpr const char* kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// How one kind of line looks. Size in half points.
struct Look {
    const char *id, *name, *font;
    int size;
    bool fits_grid;  ///< set 0.25 pt closer, as 28 characters a line need
    const char *indent, *align;
    const char* extra;  ///< more of w:pPr or w:rPr
};

const Look& look_of(Line l) {
    static const std::array<Look, 10> looks = {{
        {"TzMasthead", "发文机关标志", kSongTitle, 72, false, "", "center", "<w:color w:val=\"FF0000\"/>"},
        {"TzNumber", "发文字号", kFangSong, 32, true, "", "center", ""},
        {"TzTitle", "公文标题", kSongTitle, 44, false, "", "center", ""},
        {"TzAddressee", "主送机关", kFangSong, 32, true, "", "left", ""},
        {"TzHeading", "一级标题", kHei, 32, true, "<w:ind w:firstLineChars=\"200\" w:firstLine=\"630\"/>", "both", ""},
        {"TzSubheading", "二级标题", kKai, 32, true, "<w:ind w:firstLineChars=\"200\" w:firstLine=\"630\"/>", "both",
         ""},
        {"TzBody", "公文正文", kFangSong, 32, true, "<w:ind w:firstLineChars=\"200\" w:firstLine=\"630\"/>", "both",
         ""},
        {"TzSigner", "发文机关署名", kFangSong, 32, true, "<w:ind w:rightChars=\"400\" w:right=\"1260\"/>", "right",
         ""},
        {"TzDate", "成文日期", kFangSong, 32, true, "<w:ind w:rightChars=\"400\" w:right=\"1260\"/>", "right", ""},
        {"TzNote", "附件说明", kFangSong, 32, true, "<w:ind w:firstLineChars=\"200\" w:firstLine=\"630\"/>", "both",
         ""},
    }};
    return looks[static_cast<std::size_t>(l)];
}

std::string fonts(const char* east_asia) {
    return std::string("<w:rFonts w:ascii=\"") + east_asia + "\" w:hAnsi=\"" + east_asia + "\" w:eastAsia=\"" +
           east_asia + "\" w:cs=\"" + east_asia + "\"/>";
}

/// What a run needs; also in the run itself, so that a paste elsewhere keeps its font.
std::string run_properties(const Look& l) {
    const auto size = std::to_string(l.size);
    return fonts(l.font) + l.extra + (l.fits_grid ? "<w:spacing w:val=\"-5\"/>" : "") +
           "<w:kern w:val=\"0\"/><w:sz w:val=\"" + size + "\"/><w:szCs w:val=\"" + size + "\"/>";
}

std::string paragraph_properties(const Look& l, bool of_masthead, bool of_number) {
    // A masthead of 36 pt needs two lines of the grid; the red rule hangs below the number.
    const char* line = of_masthead ? "1158" : "579";
    std::string out = "<w:widowControl w:val=\"0\"/>";
    if (of_number) out += "<w:pBdr><w:bottom w:val=\"single\" w:sz=\"18\" w:space=\"4\" w:color=\"FF0000\"/></w:pBdr>";
    out +=
        "<w:overflowPunct w:val=\"0\"/><w:autoSpaceDE w:val=\"0\"/><w:autoSpaceDN w:val=\"0\"/><w:snapToGrid "
        "w:val=\"0\"/>";
    out += std::string("<w:spacing w:before=\"0\" w:after=\"0\" w:line=\"") + line + "\" w:lineRule=\"exact\"/>";
    return out + l.indent + "<w:jc w:val=\"" + l.align + "\"/>";
}

std::string styles_xml() {
    std::string out = kHead;
    out += std::string("<w:styles ") + kNamespaces + "><w:docDefaults><w:rPrDefault><w:rPr>" + fonts(kFangSong) +
           "<w:sz w:val=\"32\"/><w:szCs w:val=\"32\"/><w:lang w:val=\"en-US\" "
           "w:eastAsia=\"zh-CN\"/></w:rPr></w:rPrDefault>"
           "<w:pPrDefault><w:pPr><w:spacing w:before=\"0\" w:after=\"0\" w:line=\"579\" w:lineRule=\"exact\"/></w:pPr>"
           "</w:pPrDefault></w:docDefaults>"
           "<w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name w:val=\"Normal\"/></w:style>";
    for (int i = 0; i <= static_cast<int>(Line::note); ++i) {
        const auto line = static_cast<Line>(i);
        const auto& l = look_of(line);
        out += std::string("<w:style w:type=\"paragraph\" w:customStyle=\"1\" w:styleId=\"") + l.id +
               "\"><w:name w:val=\"" + l.name + "\"/><w:basedOn w:val=\"Normal\"/><w:qFormat/><w:pPr>" +
               paragraph_properties(l, line == Line::masthead, line == Line::number) + "</w:pPr><w:rPr>" +
               run_properties(l) + "</w:rPr></w:style>";
    }
    return out + "</w:styles>";
}

std::string paragraph(const Paragraph& p) {
    const auto& l = look_of(p.line);
    std::string out = std::string("<w:p><w:pPr><w:pStyle w:val=\"") + l.id + "\"/></w:pPr><w:r><w:rPr>" +
                      run_properties(l) + "</w:rPr>";
    for (std::size_t from = 0; from <= p.text.size();) {
        const auto to = std::min(p.text.find('\n', from), p.text.size());
        if (from > 0) out += "<w:br/>";
        out +=
            "<w:t xml:space=\"preserve\">" + xml_escaped(std::string_view(p.text).substr(from, to - from)) + "</w:t>";
        from = to + 1;
    }
    return out + "</w:r></w:p>";
}

/// — 1 —, 14 pt 宋体, one character in from the outer edge.
std::string footer_xml(bool even) {
    const std::string look = "<w:rPr>" + fonts("宋体") + "<w:sz w:val=\"28\"/><w:szCs w:val=\"28\"/></w:rPr>";
    auto field = [&](const char* type) { return "<w:r>" + look + "<w:fldChar w:fldCharType=\"" + type + "\"/></w:r>"; };
    return std::string(kHead) + "<w:ftr " + kNamespaces + "><w:p><w:pPr>" +
           (even ? "<w:ind w:left=\"280\"/><w:jc w:val=\"left\"/>"
                 : "<w:ind w:right=\"280\"/><w:jc w:val=\"right\"/>") +
           "</w:pPr><w:r>" + look + "<w:t xml:space=\"preserve\">— </w:t></w:r>" + field("begin") + "<w:r>" + look +
           "<w:instrText xml:space=\"preserve\"> PAGE </w:instrText></w:r>" + field("separate") + "<w:r>" + look +
           "<w:t>1</w:t></w:r>" + field("end") + "<w:r>" + look +
           "<w:t xml:space=\"preserve\"> —</w:t></w:r></w:p></w:ftr>";
}

std::string document_xml(const Document& d) {
    std::string out = std::string(kHead) + "<w:document " + kNamespaces + "><w:body>";
    for (const auto& p : d.paragraphs) out += paragraph(p);
    return out +
           "<w:sectPr><w:footerReference w:type=\"default\" r:id=\"rId3\"/><w:footerReference w:type=\"even\" "
           "r:id=\"rId4\"/>" +
           kPage + "</w:sectPr></w:body></w:document>";
}

std::string relationships(std::initializer_list<std::pair<const char*, const char*>> type_and_target) {
    std::string out =
        std::string(kHead) + "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">";
    int n = 0;
    for (const auto& [type, target] : type_and_target)
        out += "<Relationship Id=\"rId" + std::to_string(++n) + "\" Type=\"http://schemas.openxmlformats.org/" + type +
               "\" Target=\"" + target + "\"/>";
    return out + "</Relationships>";
}

std::string content_types() {
    constexpr const char* word = "application/vnd.openxmlformats-officedocument.wordprocessingml.";
    std::string out = std::string(kHead) +
                      "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default "
                      "Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
                      "<Default Extension=\"xml\" ContentType=\"application/xml\"/>";
    for (const auto& [part, type] :
         std::initializer_list<std::pair<const char*, const char*>>{{"document", "document.main"},
                                                                    {"styles", "styles"},
                                                                    {"settings", "settings"},
                                                                    {"footer1", "footer"},
                                                                    {"footer2", "footer"}})
        out += std::string("<Override PartName=\"/word/") + part + ".xml\" ContentType=\"" + word + type + "+xml\"/>";
    return out +
           "<Override PartName=\"/docProps/core.xml\" "
           "ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>";
}

std::string core_xml(const Document& d) {
    using namespace std::chrono;
    const auto at = floor<seconds>(sys_time<milliseconds>{milliseconds{d.made_ms}});
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss clock{at - day};
    char when[40];
    std::snprintf(when, sizeof when, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return std::string(kHead) +
           "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" "
           "xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" "
           "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>" +
           xml_escaped(d.title) + "</dc:title><dc:creator>" + xml_escaped(d.author) +
           "</dc:creator><dcterms:created xsi:type=\"dcterms:W3CDTF\">" + when +
           "</dcterms:created></cp:coreProperties>";
}

std::string settings_xml() {
    return std::string(kHead) + "<w:settings " + kNamespaces +
           "><w:evenAndOddHeaders/><w:defaultTabStop w:val=\"420\"/><w:characterSpacingControl "
           "w:val=\"doNotCompress\"/><w:compat><w:compatSetting w:name=\"compatibilityMode\" "
           "w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat></w:settings>";
}

bool starts_with_number(std::string_view s, std::string_view before, std::string_view after) {
    if (!s.starts_with(before)) return false;
    s.remove_prefix(before.size());
    std::size_t n = 0;
    for (bool more = true; more;) {
        more = false;
        for (const char* digit : {"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"})
            if (s.substr(n).starts_with(digit)) {
                n += std::string_view(digit).size();
                more = true;
            }
    }
    return n > 0 && s.substr(n).starts_with(after);
}

}  // namespace

Line line_of(const std::string& text) {
    if (starts_with_number(text, "", "、")) return Line::heading;
    for (const auto& [open, close] : {std::pair{"(", ")"}, std::pair{"（", "）"}})
        if (starts_with_number(text, open, close)) return Line::subheading;
    return Line::body;
}

Result<std::string> write_docx(const Document& d) {
    constexpr const char* office = "officeDocument/2006/relationships/";
    return make_package({
        {"[Content_Types].xml", content_types()},
        {"_rels/.rels", relationships({{"officeDocument/2006/relationships/officeDocument", "word/document.xml"},
                                       {"package/2006/relationships/metadata/core-properties", "docProps/core.xml"}})},
        {"word/document.xml", document_xml(d)},
        {"word/_rels/document.xml.rels", relationships({{(std::string(office) + "styles").c_str(), "styles.xml"},
                                                        {(std::string(office) + "settings").c_str(), "settings.xml"},
                                                        {(std::string(office) + "footer").c_str(), "footer1.xml"},
                                                        {(std::string(office) + "footer").c_str(), "footer2.xml"}})},
        {"word/styles.xml", styles_xml()},
        {"word/settings.xml", settings_xml()},
        {"word/footer1.xml", footer_xml(false)},
        {"word/footer2.xml", footer_xml(true)},
        {"docProps/core.xml", core_xml(d)},
    });
}

}  // namespace taizhang::office
