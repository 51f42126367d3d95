// Databases that earlier versions wrote, kept in tests/golden, open after an upgrade with everything in them.
#include "sync/held.h"
#include "tests/shared/files/nodes.h"
#include "tests/support/scratch.h"

#include <zstd.h>
#include <catch2/catch.hpp>

#include <cstdio>
#include <fstream>
#include <map>

namespace taizhang::upgrade_test {
namespace {

/// Unpacks a kept database to a file of its own.
std::string unpacked(const std::string& name) {
    const auto packed = support::read_file(std::string(TZ_SOURCE_DIR) + "/tests/golden/" + name);
    std::string bytes(ZSTD_getFrameContentSize(packed.data(), packed.size()), 0);
    REQUIRE(ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()) == bytes.size());
    const std::string path = support::scratch("tz-upgrade-test-") + name.substr(0, name.find('.')) + ".db";
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

std::int64_t count(Replica& r, const std::string& what) {
    auto s = r.database().prepare("SELECT count(*) FROM " + what, false);
    REQUIRE(s.has_value());
    REQUIRE(*s->step());
    return s->integer(0);
}

/// What tests/keep wrote with the program of that version, opened by this one; the PCs meet their city again.
struct Kept {
    /// With the keys that tests/keep gave them: the later versions sign.
    explicit Kept(const std::string& v)
        : late(55, unpacked("branch-" + v + ".db.zst"), {}, {}, {support::make_key(102), nullptr}),
          dropped(56, unpacked("branch-" + v + "-dropped.db.zst"), {}, {}, {support::make_key(100), nullptr}),
          city(57, unpacked("city-" + v + ".db.zst"), {}, {}, {support::make_key(1), support::make_key(0)}) {
        for (auto* d : {&late, &dropped, &city}) d->clock.wall_ms += 86'400'000;
    }
    void meet() {
        auto hub = sync::Hub::open(*city);
        REQUIRE(hub.has_value());
        for (int i = 0; i < 2; ++i)
            for (auto* d : {&late, &dropped}) support::World::sync(*d, *hub);
        for (auto* d : {&late, &dropped, &city}) {
            CHECK(digest_of(**d, "B01/ledger") == digest_of(*city, "B01/ledger"));
            CHECK((*d)->waiting()->empty());
            REQUIRE((*d)->verify().has_value());
        }
    }
    support::Device late, dropped, city;
};

/// From a state, with a row that waits for its past, work that was not sent, a stamp that counts as none.
void check_late(support::Device& d) {
    REQUIRE(d->verify().has_value());
    CHECK(count(*d, "floor") == 3);
    CHECK(count(*d, "unstamped") == 1);
    CHECK(count(*d, "wanted_row") == 1);
    CHECK(d.field("A7", "remark") == "今天");
    CHECK(d.field("A8", "remark") == "还没有发");
    CHECK(d->conflicts("A1")->size() == 1);
    REQUIRE(d->waiting()->size() == 1);
    CHECK(d->waiting()->front().reason == "history");
}

/// The city has two signs of the same row now, and everything that the PCs had not sent.
void check_met(Kept& k) {
    k.meet();
    CHECK(k.city.field("A8", "remark") == "还没有发");
    CHECK(k.city->conflicts("A6")->size() == 1);
    CHECK(*sync::unsent_count(*k.late) == 0);
    k.dropped.set("assignment", "A9", {{"remark", support::text("升级之后")}});
    k.meet();
    CHECK(k.late.field("A9", "remark") == "升级之后");
}

TEST_CASE("databases of schema version 4: states, dropped history and checkpoints go on", "[replica][upgrade]") {
    Kept k("v4");
    const std::string dropped = "c323a3fb87b70677e044019227f509e68905dd6cfc9085bceb76fdf990eb1e9c";
    CHECK(digest_of(*k.late, "B01/ledger") == "8ee70a9bb590a9136642078a9e03737715af7eab67bd27cff071e44059b09dd2");
    CHECK(digest_of(*k.dropped, "B01/ledger") == dropped);
    CHECK(digest_of(*k.city, "B01/ledger") == "d2321c5f40f5922cc40e4d8f0897fa07cabe4f23f5a8f3f80082238a752eb4a5");
    CHECK(*sync::unsent_count(*k.late) == 1);
    check_late(k.late);
    CHECK(count(*k.dropped, "log WHERE length(body) = 0") == 37);
    REQUIRE(k.dropped->verify().has_value());
    REQUIRE(k.city->verify().has_value());
    check_met(k);
}

TEST_CASE("databases of schema version 5: contents in every state go on", "[replica][upgrade][files]") {
    Kept k("v5");
    const std::string dropped = "c323a3fb87b70677e044019227f509e68905dd6cfc9085bceb76fdf990eb1e9c";
    CHECK(digest_of(*k.late, "B01/ledger") == "ee0ffcb34bdbac7afb16656bf6f7be7bef23067ffaeb32854c1d864eda7537df");
    CHECK(digest_of(*k.dropped, "B01/ledger") == dropped);
    CHECK(digest_of(*k.city, "B01/ledger") == "fcf03626bf873254381e6a5580d19daf7239f925ab34837cdb9704b1097635e0");
    CHECK(*sync::unsent_count(*k.late) == 1);
    check_late(k.late);
    files::ContentIndex here(*k.late), there(*k.city);
    const auto sent = here.find(hash_of(support::noise(3000, 1)));
    CHECK((*sent)->sent == files::Sent::there);
    CHECK((*there.find((*sent)->hash))->whole);
    const auto unsent = here.find(hash_of(support::noise(5000, 2)));
    CHECK((*unsent)->sent == files::Sent::not_yet);
    const auto begun = here.find(hash_of(support::noise(9000, 3)));
    CHECK_FALSE((*begun)->whole);
    CHECK((*begun)->wanted == files::kWantedHere);
    CHECK(*here.bytes_here(**begun) == 4096);
    check_met(k);
}

TEST_CASE("databases of schema version 6: chains that began in a state keep their places", "[replica][upgrade]") {
    Kept k("v6");
    CHECK(digest_of(*k.late, "B01/ledger") == "6156d423d7d4c8b1af3c52cc32be6f7e5bf0c9a6a013587566343b1f943274b3");
    CHECK(digest_of(*k.dropped, "B01/ledger") == "e72255fbc6a897e49215276f5086722d528fbdc41875485a35ede965c43028d9");
    CHECK(digest_of(*k.city, "B01/ledger") == "9bf52b4b473db34f6e0f60b3d05550fb871357350789627e7ce85f25c1fe6799");
    check_late(k.late);
    CHECK(count(*k.late, "floor WHERE first_lsn = 0") == 3);
    check_met(k);
}

TEST_CASE("databases of schema version 7: their pages get checksums", "[replica][upgrade]") {
    Kept k("v7");
    CHECK(digest_of(*k.late, "B01/ledger") == "6156d423d7d4c8b1af3c52cc32be6f7e5bf0c9a6a013587566343b1f943274b3");
    CHECK(digest_of(*k.dropped, "B01/ledger") == "e72255fbc6a897e49215276f5086722d528fbdc41875485a35ede965c43028d9");
    CHECK(digest_of(*k.city, "B01/ledger") == "9bf52b4b473db34f6e0f60b3d05550fb871357350789627e7ce85f25c1fe6799");
    check_late(k.late);
    for (auto* d : {&k.late, &k.dropped, &k.city}) CHECK(*(*d)->database().check_pages());
    check_met(k);
}

TEST_CASE("a city that began with an earlier program can publish the catalog of this one",
          "[replica][upgrade][catalog]") {
    const auto shipped = Catalog::parse(support::ledger_catalog(), "ledger.toml");
    REQUIRE(shipped.has_value());
    for (const char* kept : {"branch-v1.db.zst", "branch-v2.db.zst", "branch-v3.db.zst"}) {
        INFO(kept);
        support::Device d(5, unpacked(kept));
        const auto* before = d->control().newest_catalog();
        REQUIRE(before);
        const auto may = before->may_be_followed_by(**shipped);
        INFO((may ? "" : may.error().detail));
        CHECK(may.has_value());
    }
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
    for (const char* kept :
         {"branch-v1.db.zst", "branch-v2.db.zst", "branch-v3.db.zst", "branch-v3-held.db.zst", "branch-v4.db.zst",
          "city-v4.db.zst", "branch-v5.db.zst", "city-v5.db.zst", "branch-v7.db.zst"}) {
        INFO(kept);
        support::Device d(5, unpacked(kept));
        CHECK(engine_schema(*d, wanted) == wanted);
    }
}

}  // namespace
}  // namespace taizhang::upgrade_test
