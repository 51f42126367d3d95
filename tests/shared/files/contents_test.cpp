// The account of contents and the bytes beside it.
#include "tests/shared/files/nodes.h"

#include <catch2/catch.hpp>

#include <random>

namespace taizhang::contents_test {
namespace {

using files::Contents;
using files::Span;
using support::FileNode;
using support::noise;
using support::source_of;
using support::World;

wire::ContentRange range_of(const std::string& bytes, std::size_t offset, std::size_t n) {
    wire::ContentRange r;
    r.content = hash_of(bytes);
    r.size = bytes.size();
    r.offset = offset;
    r.bytes = bytes.substr(offset, n);
    r.check = wire::range_check(r.bytes);
    return r;
}

TEST_CASE("contents: stretches in any order, doubled and overlapping, make the whole", "[files]") {
    std::mt19937 random(7);
    for (int round = 0; round < 30; ++round) {
        World w;
        FileNode city(w.city);
        const auto bytes = noise(1 + random() % 5000, static_cast<std::uint64_t>(round));
        const auto hash = hash_of(bytes);
        REQUIRE(city.index().add(hash, bytes.size(), "B01", false).has_value());
        std::vector<bool> has(bytes.size());
        for (int step = 0;; ++step) {
            REQUIRE(step < 5000);
            // Both ends as often as the middle.
            const auto start = random() % (bytes.size() + 800), n = 1 + random() % 900;
            const auto at = std::min<std::size_t>(bytes.size() - 1, start < 400 ? 0 : start - 400);
            const auto r = range_of(bytes, at, n);
            const auto taken = city.contents->take(r);
            REQUIRE(taken.has_value());
            for (std::size_t i = at; i < at + r.bytes.size(); ++i) has[i] = true;
            const auto c = *city.index().find(hash);
            // The account is what a naive reckoning says.
            const auto first = std::find(has.begin(), has.end(), false);
            REQUIRE(c->whole == (first == has.end()));
            if (c->whole) break;
            const auto gap = *city.contents->missing(*c);
            const auto past = std::find(first, has.end(), true);
            CHECK(gap.first == static_cast<std::uint64_t>(first - has.begin()));
            CHECK(gap.past == static_cast<std::uint64_t>(past - has.begin()));
            CHECK(*city.index().bytes_here(*c) == static_cast<std::uint64_t>(std::count(has.begin(), has.end(), true)));
            if (random() % 20 == 0) city.restart();
        }
        CHECK(city.blobs.bytes(hash) == bytes);
    }
}

TEST_CASE("contents: a damaged stretch is refused alone, a wrong whole is dropped", "[files]") {
    World w;
    FileNode city(w.city);
    const auto bytes = noise(3000, 1), wrong = noise(3000, 2);
    const auto hash = hash_of(bytes);
    REQUIRE(city.index().add(hash, bytes.size(), "B01", false).has_value());
    auto r = range_of(bytes, 0, 1000);
    r.bytes[500] ^= 4;
    CHECK(*city.contents->take(r) == Contents::Taken::damaged);
    CHECK(*city.index().bytes_here(**city.index().find(hash)) == 0);
    CHECK(*city.contents->take(range_of(bytes, 0, 1000)) == Contents::Taken::part);
    r = range_of(wrong, 1000, 2000);
    r.content = hash;
    CHECK(*city.contents->take(r) == Contents::Taken::damaged);
    CHECK(*city.index().bytes_here(**city.index().find(hash)) == 0);
    CHECK_FALSE(city.blobs.has(hash));
    CHECK(*city.contents->take(range_of(bytes, 0, 3000)) == Contents::Taken::whole);
    CHECK(city.blobs.bytes(hash) == bytes);
}

TEST_CASE("contents: a flipped bit is never served, the content is asked for again", "[files]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    FileNode city(w.city);
    const auto bytes = noise(5000, 3);
    const auto hash = city.attach("A1", "B01", bytes, "E-1");
    CHECK(*city.contents->read(hash, 0, 10'000) == bytes);
    city.blobs.flip(hash, 4000);
    city.restart();
    const auto read = city.contents->read(hash, 0, 100);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == Errc::not_found);
    CHECK_FALSE((*city.index().find(hash))->whole);
    CHECK((*city.index().find(hash))->wanted == files::kWantedHere);
}

TEST_CASE("contents: a crash between the file's name and the account is mended when it is looked at", "[files]") {
    World w;
    FileNode city(w.city);
    const auto bytes = noise(2000, 4);
    const auto hash = hash_of(bytes);
    REQUIRE(city.index().add(hash, bytes.size(), "B01", false).has_value());
    REQUIRE(city.index().note_range(hash, Span{0, 2000}).has_value());
    REQUIRE(city.blobs.write_part(hash, 0, bytes, true).has_value());
    REQUIRE(city.blobs.finish(hash, 2000).has_value());
    CHECK((*city.contents->look(hash))->whole);

    // The account says all is here, and the bytes were lost: asked for from the beginning.
    city.blobs.lose_everything();
    const auto c = *city.contents->look(hash);
    CHECK_FALSE(c->whole);
    CHECK(city.contents->missing(*c)->past == 2000);
}

TEST_CASE("contents: the same photo is kept once, an empty or an oversized file never", "[files]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T1", "B01");
    FileNode city(w.city);
    const auto bytes = noise(9000, 5);
    const auto hash = city.attach("A1", "B01", bytes, "E-1");
    const auto writes = city.blobs.writes;
    city.attach("A2", "B01", bytes, "E-2");
    CHECK(city.blobs.writes == writes);
    CHECK(city.index().references(hash)->size() == 2);
    CHECK(*city.index().bytes_of("B01") == 9000);
    CHECK_FALSE(Contents::hash_of_source(source_of("")).has_value());
    const auto endless = Contents::hash_of_source(
        [](std::uint64_t, std::size_t n) -> Result<std::string> { return std::string(n, 'x'); });
    REQUIRE_FALSE(endless.has_value());
    CHECK(endless.error().code == Errc::bad_input);
}

TEST_CASE("contents: a full disk changes nothing in the account", "[files]") {
    World w;
    FileNode city(w.city);
    const auto bytes = noise(2000, 6);
    const auto hash = hash_of(bytes);
    REQUIRE(city.index().add(hash, bytes.size(), "B01", false).has_value());
    city.blobs.full = true;
    const auto taken = city.contents->take(range_of(bytes, 0, 1000));
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().code == Errc::disk_full);
    CHECK(*city.index().bytes_here(**city.index().find(hash)) == 0);
    city.blobs.full = false;
    CHECK(*city.contents->take(range_of(bytes, 0, 2000)) == Contents::Taken::whole);
}

}  // namespace
}  // namespace taizhang::contents_test
