#include "office/package.h"

#include <catch2/catch.hpp>

namespace taizhang::office::package_test {
namespace {

std::string zip_of(const std::vector<std::pair<std::string, std::string>>& parts) {
    auto r = make_package(parts);
    if (!r) FAIL(r.error().detail);
    return *r;
}

/// Which step refused it, if one did.
std::string refusal(const std::string& bytes, const PackageLimits& limits) {
    auto p = Package::open(bytes, limits);
    if (!p) return p.error().detail;
    for (const auto& name : p->names())
        if (const auto text = p->read(name); !text) return text.error().detail;
    return {};
}

TEST_CASE("package: parts come back as they went in, and the same parts are the same bytes", "[office][package]") {
    const std::vector<std::pair<std::string, std::string>> parts = {{"a.xml", "<a/>"},
                                                                    {"文件夹/b.xml", std::string(5000, 'x')}};
    const auto bytes = zip_of(parts);
    CHECK(bytes == zip_of(parts));
    auto p = Package::open(bytes);
    REQUIRE(p.has_value());
    for (const auto& [name, text] : parts) CHECK(*p->read(name) == text);
    CHECK(!p->has("c.xml"));
    CHECK(p->read("c.xml").has_error());
}

TEST_CASE("package: a bomb is refused before it is unpacked", "[office][package]") {
    const auto zeros = zip_of({{"xl/worksheets/sheet1.xml", std::string(40u << 20, '0')}});
    CHECK(zeros.size() < 100'000);
    CHECK(refusal(zeros, {}).find("压缩炸弹") != std::string::npos);

    PackageLimits small;
    small.entries_max = 3;
    CHECK(refusal(zip_of({{"a", "1"}, {"b", "2"}, {"c", "3"}}), small).empty());
    CHECK(!refusal(zip_of({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}), small).empty());
    small = {};
    small.entry_bytes_max = 1000;
    CHECK(!refusal(zip_of({{"a", std::string(1001, 'x')}}), small).empty());
    small = {};
    small.total_bytes_max = 1500;
    CHECK(refusal(zip_of({{"a", std::string(1000, 'x')}}), small).empty());
    CHECK(!refusal(zip_of({{"a", std::string(1000, 'x')}, {"b", std::string(1000, 'x')}}), small).empty());
    small = {};
    small.file_bytes_max = 10;
    CHECK(!refusal(zip_of({{"a", "1"}}), small).empty());
}

TEST_CASE("package: a directory that lies about sizes gains nothing", "[office][package]") {
    auto bytes = zip_of({{"a", std::string(200'000, 'x')}});
    // The uncompressed size, wherever it stands, becomes 5.
    const std::string size = {'\x40', '\x0d', '\x03', '\x00'};
    std::size_t found = 0;
    for (auto at = bytes.find(size); at != std::string::npos; at = bytes.find(size, at + 4), ++found)
        bytes.replace(at, 4, std::string("\x05\0\0\0", 4));
    REQUIRE(found > 0);
    PackageLimits limits;
    limits.entry_bytes_max = 1000;
    CHECK(!refusal(bytes, limits).empty());
}

}  // namespace
}  // namespace taizhang::office::package_test
