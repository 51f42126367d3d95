// Contents by stick: any order, any number of times, mixed with HTTP.
#include "files/bundle_contents.h"
#include "tests/shared/files/nodes.h"

#include <catch2/catch.hpp>

#include <random>

namespace taizhang::bundle_contents_test {
namespace {

using files::Sent;
using support::Device;
using support::FileNode;
using support::noise;
using support::World;

std::vector<std::string> export_from(FileNode& node, const std::string& to, std::size_t part_bytes,
                                     std::uint64_t room = files::kExportBytes) {
    sync::BundleOptions o;
    o.to = to;
    o.part_bytes = part_bytes;
    files::BundleContents contents(*node.contents, room);
    REQUIRE(contents.prepare(o).has_value());
    const auto made = sync::make_bundle(*node.device, o);
    REQUIRE(made.has_value());
    return made->parts;
}

Result<files::BundleContentsTaker::Stats> import_to(FileNode& node, const std::string& part) {
    files::BundleContentsTaker taker(*node.contents);
    TRY_VOID(sync::take_bundle(
        *node.device, part, [&](const wire::Bundle& b) { return taker.stage(b); },
        [&](const wire::Bundle& b) { return taker.take(b); }));
    return taker.stats();
}

struct Pair {
    Pair() : city(w.city) {
        w.new_assignment("A1", "T1", "B01");
        device = w.device("B01");
        pc = std::make_unique<FileNode>(*device);
    }
    World w;
    FileNode city;
    std::unique_ptr<Device> device;
    std::unique_ptr<FileNode> pc;
};

TEST_CASE("bundles: contents arrive in any order of parts, doubled, with crashes, and some by HTTP",
          "[files][bundle]") {
    std::mt19937 random(21);
    for (int round = 0; round < 12; ++round) {
        Pair p;
        std::vector<Hash> all;
        std::vector<std::string> bytes;
        for (int i = 0; i < 3; ++i) {
            bytes.push_back(noise(1 + random() % 40'000, static_cast<std::uint64_t>(round * 10 + i)));
            all.push_back(p.pc->attach("A1", "B01", bytes.back(), "E-" + std::to_string(i)));
        }
        auto parts = export_from(*p.pc, {}, 10'000);
        REQUIRE(parts.size() >= 1);
        const auto twice = parts;
        parts.insert(parts.end(), twice.begin(), twice.end());
        std::shuffle(parts.begin(), parts.end(), random);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            REQUIRE(import_to(p.city, parts[i]).has_value());
            if (random() % 5 == 0) p.city.restart();
            if (i == 1 && random() % 2 == 0) {
                p.w.sync(*p.device);
                exchange(*p.pc, *p.w.hub, p.city, 2048);
            }
        }
        for (std::size_t i = 0; i < all.size(); ++i) {
            REQUIRE(p.city.blobs.has(all[i]));
            CHECK(p.city.blobs.bytes(all[i]) == bytes[i]);
        }
        // The receipt comes back by stick: nothing of it goes up any more.
        for (const auto& part : export_from(p.city, "B01", 1 << 20)) REQUIRE(import_to(*p.pc, part).has_value());
        CHECK(*p.pc->index().count_sent(Sent::not_yet) == 0);
        CHECK(*p.pc->index().levels(all[0]) == std::vector{Level::city});
        files::BundleContents nothing(*p.pc->contents, files::kExportBytes);
        sync::BundleOptions o;
        REQUIRE(nothing.prepare(o).has_value());
        CHECK_FALSE((*o.next_content(1000)).has_value());
    }
}

TEST_CASE("bundles: what was asked for by stick comes by stick, and no neighbour's content with it",
          "[files][bundle]") {
    Pair p;
    p.w.new_assignment("A2", "T1", "B02");
    const auto bytes = noise(30'000, 5);
    const auto hash = p.city.attach("A1", "B01", bytes, "E-1");
    const auto other = p.city.attach("A2", "B02", noise(30'000, 6), "E-2");
    for (const auto& part : export_from(p.city, "B01", 1 << 20)) REQUIRE(import_to(*p.pc, part).has_value());
    CHECK_FALSE(p.pc->blobs.has(hash));  // the rows only: nobody asked yet
    REQUIRE(p.pc->contents->expect(hash).has_value());
    REQUIRE(p.pc->index().set_wanted(hash, files::kWantedHere).has_value());
    for (const auto& part : export_from(*p.pc, {}, 1 << 20)) REQUIRE(import_to(p.city, part).has_value());
    for (const auto& part : export_from(p.city, "B01", 1 << 20)) REQUIRE(import_to(*p.pc, part).has_value());
    REQUIRE(p.pc->blobs.has(hash));
    CHECK(p.pc->blobs.bytes(hash) == bytes);
    CHECK_FALSE(p.pc->blobs.has(other));
}

TEST_CASE("bundles: with too little room the rest goes with the next one", "[files][bundle]") {
    Pair p;
    const auto bytes = noise(50'000, 7);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    for (const auto& part : export_from(*p.pc, {}, 10'000, 20'000)) {
        CHECK(part.size() < 12'000);
        REQUIRE(import_to(p.city, part).has_value());
    }
    CHECK_FALSE(p.city.blobs.has(hash));
    CHECK(*p.city.index().bytes_here(**p.city.index().find(hash)) == 20'000);
    for (const auto& part : export_from(*p.pc, {}, 10'000)) REQUIRE(import_to(p.city, part).has_value());
    CHECK(p.city.blobs.bytes(hash) == bytes);
}

TEST_CASE("bundles: an import that finds the disk full changes nothing", "[files][bundle]") {
    Pair p;
    const auto bytes = noise(20'000, 8);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    const auto parts = export_from(*p.pc, {}, 1 << 20);
    const auto before = p.w.city->log_head();
    p.city.blobs.full = true;
    const auto refused = import_to(p.city, parts.front());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::disk_full);
    CHECK(p.w.city->log_head() == before);
    CHECK_FALSE((*p.city.index().find(hash)).has_value());
    p.city.blobs.full = false;
    REQUIRE(import_to(p.city, parts.front()).has_value());
    CHECK(p.city.blobs.bytes(hash) == bytes);
}

TEST_CASE("bundles: the sender's quota holds for contents by stick", "[files][bundle]") {
    Pair p;
    REQUIRE(p.city.index().set_quota(10'000).has_value());
    const auto hash = p.pc->attach("A1", "B01", noise(20'000, 9), "E-1");
    const auto before = p.w.city->log_head();
    const auto stats = import_to(p.city, export_from(*p.pc, {}, 1 << 20).front());
    REQUIRE(stats.has_value());
    CHECK(stats->refused.size() == 1);
    CHECK_FALSE(p.city.blobs.has(hash));
    CHECK(p.w.city->log_head() > before);  // the rows are through
}

}  // namespace
}  // namespace taizhang::bundle_contents_test
