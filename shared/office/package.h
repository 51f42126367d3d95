// package.h - the zip container of xlsx and docx files, in memory, bounded.
//
// A file from outside is not believed: the number of its parts, the size of each and
// of all together, and how far a part may swell are checked before anything is
// unpacked, and again while it is. libzip is used here and nowhere else.
// Threads: one at a time for each Package.
#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace taizhang::office {

struct PackageLimits {
    std::size_t file_bytes_max = 32u << 20;    ///< more: a workbook of photographs; less: big ledgers are refused
    std::size_t entries_max = 2000;            ///< an honest workbook has some dozens
    std::size_t entry_bytes_max = 64u << 20;   ///< unpacked; parsing takes some times as much memory
    std::size_t total_bytes_max = 160u << 20;  ///< unpacked, of all parts that are read
    std::size_t ratio_max = 250;               ///< of parts above 1 MB; honest sheets stay below 100
};

class Package {
public:
    /// Errc::bad_input with one line: not a zip file, damaged, encrypted, or a bomb.
    static Result<Package> open(std::string bytes, const PackageLimits& limits = {});
    Package(Package&&) noexcept;
    Package& operator=(Package&&) noexcept;
    ~Package();

    bool has(const std::string& name) const;
    /// Errc::bad_input when it is not there, damaged or too large.
    Result<std::string> read(const std::string& name);
    std::vector<std::string> names() const;

private:
    struct Impl;
    explicit Package(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// The parts in this order as one zip file; the same parts give the same bytes.
Result<std::string> make_package(const std::vector<std::pair<std::string, std::string>>& parts);

/// For attribute values and text; drops what XML 1.0 cannot hold.
std::string xml_escaped(std::string_view text);

}  // namespace taizhang::office
