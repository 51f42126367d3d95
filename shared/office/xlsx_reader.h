// xlsx_reader.h - workbooks that people have really made, whichever program wrote them.
//
// Parts are found through their relationships, never by name. Understood: shared strings,
// inline strings, rich text (its runs joined), _x005F_ escapes, line breaks, significant spaces,
// types left out, dates as serial numbers known by their number format (1900 and 1904), booleans,
// merged cells, names with any prefix. Formulas count as the value that was stored with them.
// A number of more than 15 digits that was stored as a number has lost its last ones: its cell
// is an error. No DTD, no entities from outside; sizes are bounded (package.h).
// pugixml is used in this folder's .cpp files and nowhere else.
// Threads: any.
#pragma once

#include "base/result.h"
#include "office/sheet.h"

#include <string>
#include <vector>

namespace taizhang::office {

struct XlsxLimits {
    std::size_t rows_max = 100'000;       ///< of a sheet; above: split the file
    std::size_t columns_max = 512;        ///< cells further right are refused unless they are blank
    std::size_t cells_max = 4'000'000;    ///< of all sheets, blank ones not counted
    std::size_t cell_bytes_max = 262144;  ///< a text; Excel itself stops at 32 767 characters
};

/// All sheets in the order of the workbook, hidden ones too. Errc::bad_input, one line that names sheet, row and
/// column where there is one.
Result<std::vector<Sheet>> read_xlsx(std::string bytes, const XlsxLimits& limits = {});

/// What a number format does with a number: the codes of Excel and LibreOffice, Chinese ones too.
enum class NumberShape : std::uint8_t { number, percent, date, time };
NumberShape shape_of_format(unsigned id, const std::string& code);

}  // namespace taizhang::office
