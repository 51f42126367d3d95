// Databases that earlier versions wrote, kept in tests/golden, open after an upgrade with everything in them.
#include "sync/held.h"
#include "tests/support/world.h"

#include <zstd.h>
#include <catch2/catch.hpp>

#include <cstdio>
#include <fstream>
#include <map>

namespace taizhang {
namespace {

/// Unpacks a kept database to a file of its own.
std::string unpacked(const std::string& name) {
    const auto packed = support::read_file(std::string(TZ_SOURCE_DIR) + "/tests/golden/" + name);
    std::string bytes(ZSTD_getFrameContentSize(packed.data(), packed.size()), 0);
    REQUIRE(ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()) == bytes.size());
    const std::string path = "/tmp/tz-upgrade-test.db";
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
}

std::string digest_of(Replica& r, const std::string& stream) {
    const auto all = r.digest();
    REQUIRE(all.has_value());
    for (const auto& [name, hex] : *all)
        if (name == stream) return hex;
    return {};
}

TEST_CASE("a database of schema version 1 opens and nothing in it changes", "[replica][upgrade]") {
    support::Device d(5, unpacked("branch-v1.db.zst"));
    CHECK(digest_of(*d, "B03/ledger") == "b761252bda294c5ae3809348d691e344fb9dbacae89d7cf11037bdf914ff443a");
    CHECK(digest_of(*d, "C/notice") == "c6a7922a0a441137b2d4efae835e5a2226326407ca66a8ed034cc20b2c7c646e");
    REQUIRE(d->verify().has_value());
    CHECK(*sync::unsent_count(*d) == 1);
    CHECK(d.state("ZG2025-02") == "已销号");
    CHECK(d->conflicts("ZG2025-02")->size() == 1);  // what was added after close-out
    d.set("assignment", "A0019", {{"remark", support::text("升级之后")}});
    d.reopen();
    CHECK(d.field("A0019", "remark") == "升级之后");
    CHECK(*sync::unsent_count(*d) == 2);
}

TEST_CASE("a database of schema version 2 opens and nothing in it changes", "[replica][upgrade]") {
    support::Device d(5, unpacked("branch-v2.db.zst"));
    CHECK(digest_of(*d, "B03/ledger") == "1a4e488651295a3119b28689c94f4d46e56da70ddd920835490346aa49a73ad2");
    CHECK(digest_of(*d, "C/notice") == "c6a7922a0a441137b2d4efae835e5a2226326407ca66a8ed034cc20b2c7c646e");
    REQUIRE(d->verify().has_value());
    CHECK(*sync::unsent_count(*d) == 1);
    CHECK(*sync::own_commits_at(*d, Level::city) == 2);
    d.set("assignment", "A0019", {{"remark", support::text("升级之后")}});
    d.reopen();
    CHECK(d.field("A0019", "remark") == "升级之后");
}

TEST_CASE("a database of schema version 3 opens and nothing in it changes", "[replica][upgrade]") {
    support::Device d(5, unpacked("branch-v3.db.zst"));
    CHECK(digest_of(*d, "B03/ledger") == "8f25c9d902f1c0b86758eb7e3766166215d9fe1970502563a50cba5c4dfde2e6");
    CHECK(digest_of(*d, "C/notice") == "c6a7922a0a441137b2d4efae835e5a2226326407ca66a8ed034cc20b2c7c646e");
    REQUIRE(d->verify().has_value());
    CHECK(*sync::unsent_count(*d) == 1);
    CHECK(d->conflicts("A0019")->size() == 1);
    d.set("assignment", "A0019", {{"remark", support::text("升级之后")}});
    d.reopen();
    CHECK(d.field("A0019", "remark") == "升级之后");
}

TEST_CASE("a database of schema version 3 opens with what a bundle brought before its time", "[replica][upgrade]") {
    support::Device d(5, unpacked("branch-v3-held.db.zst"));
    CHECK(digest_of(*d, "B03/ledger") == "240e65b51c79b7e3a3e2192328b7b9859002d57dd119efe360a9e283ad9f3b3c");
    REQUIRE(d->verify().has_value());
    CHECK(*sync::own_commits_at(*d, Level::city) == 2);
    // A part of a bundle came before those that it follows: held, and named.
    const auto gaps = sync::gaps(*d);
    REQUIRE(gaps->size() == 1);
    CHECK(gaps->front().count == 3);
    CHECK(gaps->front().have == Seq{1});
    d.set("assignment", "A0019", {{"remark", support::text("升级之后")}});
    d.reopen();
    CHECK(*sync::unsent_count(*d) == 2);
}

/// The engine's own tables and indexes, as they were declared.
std::map<std::string, std::string> engine_schema(Replica& r, const std::map<std::string, std::string>& only) {
    std::map<std::string, std::string> out;
    auto s = r.database().prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
    REQUIRE(s.has_value());
    for (;;) {
        const auto row = s->step();
        REQUIRE(row.has_value());
        if (!*row) return out;
        const std::string name(s->text(0));
        if (only.empty() || only.contains(name)) out[name] = std::string(s->text(1));
    }
}

TEST_CASE("an upgraded database has the schema of a new one", "[replica][upgrade]") {
    support::Device fresh(6);
    const auto wanted = engine_schema(*fresh, {});
    for (const char* kept : {"branch-v1.db.zst", "branch-v2.db.zst", "branch-v3.db.zst", "branch-v3-held.db.zst"}) {
        INFO(kept);
        support::Device d(5, unpacked(kept));
        CHECK(engine_schema(*d, wanted) == wanted);
    }
}

}  // namespace
}  // namespace taizhang
