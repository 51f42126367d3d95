// docx_writer.h - an official document (公文) as .docx, in the layout that offices are bound to.
//
// A4; top margin 37 mm, binding edge 28 mm, type area 156 x 225 mm; 22 lines of 28
// characters a page. Title in 小标宋 size 2, text in 仿宋 size 3, 一、 in 黑体, (一) in 楷体;
// page number — 1 — outside at the foot. Fonts are named, not shipped: the office's own PCs
// have them. How the figures were found stands beside them in the .cpp.
// Threads: any.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace taizhang::office {

enum class Line : std::uint8_t {
    masthead,    ///< 发文机关标志, red
    number,      ///< 文号, below the masthead and above the red rule
    title,       ///< 标题
    addressee,   ///< 主送机关, from the left edge
    heading,     ///< 一、
    subheading,  ///< (一)
    body,
    signer,  ///< 署名, at the right
    date,    ///< 成文日期, at the right
    note,    ///< 附件 and the like; as the body
};

struct Paragraph {
    Line line = Line::body;
    std::string text;  ///< UTF-8; a line break inside stays one
};

struct Document {
    std::vector<Paragraph> paragraphs;
    std::string title, author;  ///< of the file's properties
    std::int64_t made_ms = 0;   ///< since 1970, UTC
};

/// 一、 and (一) are recognised at the beginning of a line of plain text.
Line line_of(const std::string& text);
/// The bytes of the .docx; the same document gives the same bytes.
Result<std::string> write_docx(const Document& document);

}  // namespace taizhang::office
