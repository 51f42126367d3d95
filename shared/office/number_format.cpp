// Which number formats make a date of a number. A file says so nowhere else.
#include "office/xlsx_reader.h"

namespace taizhang::office {
namespace {

/// The code without what it only prints: "text", \escapes, _spaces, *fills, [colours] and [conditions].
std::string bare(const std::string& code) {
    std::string out;
    for (std::size_t i = 0; i < code.size(); ++i) {
        const char c = code[i];
        if (c == '"') {
            i = code.find('"', i + 1);
            if (i == std::string::npos) break;
        } else if (c == '\\' || c == '_' || c == '*') {
            ++i;
        } else if (c == '[') {
            const auto end = code.find(']', i);
            if (end == std::string::npos) break;
            const auto inside = code.substr(i + 1, end - i - 1);
            const bool elapsed = !inside.empty() && inside.find_first_not_of("hHmMsS") == std::string::npos;
            if (elapsed) out += inside;
            i = end;
        } else if (c == ';') {
            break;  // the first section is the one for positive numbers
        } else {
            out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
        }
    }
    return out;
}

}  // namespace

NumberShape shape_of_format(unsigned id, const std::string& code) {
    if (code.empty()) {
        if (id == 9 || id == 10) return NumberShape::percent;
        if ((id >= 14 && id <= 17) || id == 22) return NumberShape::date;
        // The East Asian ones; 32 to 35 and 55, 56 are times of day.
        if ((id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) || id == 57 || id == 58)
            return NumberShape::date;
        if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47) || id == 55 || id == 56)
            return NumberShape::time;
        return NumberShape::number;
    }
    const auto b = bare(code);
    if (b.starts_with("general") || b.starts_with("g/")) return NumberShape::number;
    const bool day = b.find_first_of("yd") != std::string::npos;
    const bool clock = b.find_first_of("hs") != std::string::npos;
    const bool month = b.find('m') != std::string::npos;
    if (day || (month && !clock)) return NumberShape::date;
    if (clock) return NumberShape::time;
    return b.find('%') != std::string::npos ? NumberShape::percent : NumberShape::number;
}

}  // namespace taizhang::office
