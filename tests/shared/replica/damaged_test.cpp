// What bits that changed on the disk come to when the database is opened.
#include "sqlite/page_sums.h"
#include "tests/support/sim_disk.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <stdexcept>

namespace taizhang::damaged_test {
using namespace taizhang::support;

namespace {

/// One bit of the newest entry of the city's log, near its end: of a name, or of the signature.
void flip_in_control(Device& d, std::size_t from_end) {
    auto read = *d->database().prepare("SELECT pos, body FROM control ORDER BY pos DESC LIMIT 1", false);
    REQUIRE(*read.step());
    const auto pos = read.integer(0);
    std::string body(read.blob(1));
    read.reset();
    REQUIRE(body.size() > from_end);
    body[body.size() - from_end] = static_cast<char>(body[body.size() - from_end] ^ 1);
    auto write = *d->database().prepare("UPDATE control SET body = ?1 WHERE pos = ?2", false);
    write.bind_blob(1, body).bind(2, pos);
    REQUIRE(write.run().has_value());
}

}  // namespace

TEST_CASE("a bit that changed in the newest entry of the city's log is noticed when it is opened",
          "[replica][damage]") {
    for (const std::size_t from_end : {1u, 40u, 75u, 90u}) {
        World w;
        SimDisk disk(1);
        Device d(7, "ledger.db", disk.vfs_name());
        World::enrol_at(*w.hub, d, "B01");
        World::sync(d, *w.hub);
        flip_in_control(d, from_end);
        const auto opened = d.try_open();
        REQUIRE(opened.has_error());
        CHECK(opened.error().code == Errc::corrupt);
        CHECK(opened.error().detail.find("已损坏") != std::string::npos);
        CHECK(opened.error().detail.find(" / control entry ") != std::string::npos);
    }
}

TEST_CASE("a damaged schema is told in one line", "[replica][damage]") {
    SimDisk disk(1);
    { Device d(7, "ledger.db", disk.vfs_name()); }
    const auto bytes = disk.snapshot().files.at("ledger.db");
    const std::string_view text(bytes.data(), bytes.size());
    const auto at = text.find(" PRIMARY KEY\n) STRICT");  // as the message would show it
    REQUIRE(at != std::string_view::npos);
    // Whoever altered it knew of the page's checksum: SQLite is the first to notice.
    auto files = disk.snapshot();
    auto& altered = files.files.at("ledger.db");
    altered[at] = static_cast<char>(altered[at] ^ 64);
    constexpr std::size_t kPage = 4096, kSummed = kPage - sqlite::kSumBytes;
    char* page = altered.data() + at / kPage * kPage;
    const auto sum = sqlite::page_sum(page, kSummed, static_cast<std::uint32_t>(at / kPage + 1));
    for (std::size_t i = 0; i < sizeof sum; ++i) page[kSummed + i] = static_cast<char>(sum >> (8 * i));
    disk.restore(files);
    const auto opened = [&] {
        try {
            Device d(8, "ledger.db", disk.vfs_name());
        } catch (const std::runtime_error& e) {
            return std::string(e.what());
        }
        return std::string("opened");
    }();
    CHECK(opened.find("已损坏") != std::string::npos);
    CHECK(opened.find("malformed") != std::string::npos);
    CHECK(opened.find('\n') == std::string::npos);
}

}  // namespace taizhang::damaged_test
