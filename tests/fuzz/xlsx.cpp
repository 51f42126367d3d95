// Workbooks: a whole file, or one part of a good one.
#include "office/package.h"
#include "office/xlsx_reader.h"
#include "office/xlsx_writer.h"
#include "tests/fuzz/fuzz.h"

#include <vector>

using namespace taizhang;

namespace {

using Parts = std::vector<std::pair<std::string, std::string>>;

const Parts& good_parts() {
    static const Parts parts = [] {
        office::Workbook book;
        office::Page page;
        page.sheet.name = "台账";
        page.sheet.rows = {{office::Cell::of_text("序号"), office::Cell::of_text("任务")},
                           {office::Cell::of_number(1), office::Cell::of_text("走访")},
                           {office::Cell::of_date("2025-03-01"), office::Cell::of_bool(true)}};
        book.pages.push_back(page);
        const auto bytes = office::write_xlsx(book, "fuzz.xlsx");
        auto package = office::Package::open(*bytes);
        Parts out;
        for (const auto& name : package->names()) out.emplace_back(name, *package->read(name));
        return out;
    }();
    return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    const auto rest = std::string(bytes.substr(1));
    const auto which = static_cast<std::size_t>(static_cast<unsigned char>(bytes.front()));
    const auto& parts = good_parts();
    if (which >= parts.size()) {
        static_cast<void>(office::read_xlsx(rest));
        return 0;
    }
    auto changed = parts;
    changed[which].second = rest;
    const auto file = office::make_package(changed);
    if (!file) return 0;
    const auto sheets = office::read_xlsx(*file);
    if (sheets)
        for (const auto& s : *sheets) fuzz::require(s.width() <= office::XlsxLimits{}.columns_max);
    return 0;
}
