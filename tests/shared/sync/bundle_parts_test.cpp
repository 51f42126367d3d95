// Bundles in any order of their parts, of forked chains, for several PCs of one unit, and of whom one does not trust.
#include "sync/bundle.h"
#include "sync/held.h"
#include "sync/upstream_facts.h"
#include "tests/shared/sync/sealed_bundle.h"
#include "tests/support/must.h"
#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <cstdio>

namespace taizhang::bundle_parts_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

sync::BundleTaken take(Replica& r, const std::string& file) {
    auto taken = sync::take_bundle(r, file);
    if (!taken) FAIL(taken.error().detail);
    return *taken;
}

std::string words(int n) {
    std::string out;
    for (int k = 0; k < 100; ++k) out += std::to_string(n * 7919 + k * 104'729);
    return out;
}

}  // namespace

TEST_CASE("bundle: parts that came in the wrong order go up like any other work from below", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = *sync::Hub::open(**town);
    auto a = w.device_at(town_hub, "B01");
    for (int i = 0; i < 6; ++i) a->set("assignment", "A1", {{"remark", text(words(i))}});
    sync::BundleOptions o;
    o.part_bytes = 600;
    const auto made = sync::make_bundle(**a, o);
    REQUIRE(made.has_value());
    REQUIRE(made->parts.size() >= 3);
    for (auto part = made->parts.rbegin(); part != made->parts.rend(); ++part) take(**town, *part);
    CHECK(sync::gaps(**town)->empty());
    CHECK(town->field("A1", "remark") == words(5));
    CHECK(*sync::unsent_count(**town) == 6);
    w.sync(*town);
    CHECK(w.city.field("A1", "remark") == words(5));
    CHECK(w.city->verify().has_value());
}

TEST_CASE("bundle: one that is sealed to somebody else may be of another city, and the line says so", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), neighbour = w.device("B02");
    const auto made = sync::make_bundle(**a, {});
    REQUIRE(made.has_value());
    auto stranger = std::make_unique<Device>(9001);  // of a city that has never heard of this one
    for (Replica* r : {neighbour->replica.get(), stranger->replica.get()}) {
        const auto before = r->log_head();
        const auto taken = sync::take_bundle(*r, made->parts.front());
        REQUIRE(taken.has_error());
        CHECK(taken.error().code == Errc::not_allowed);
        const auto& line = taken.error().detail;
        CHECK(line.find("another unit or of another city") != std::string::npos);
        CHECK(line.find("别的单位或别的城市") != std::string::npos);
        CHECK(line.find('\n') == std::string::npos);
        CHECK(r->log_head() == before);
    }
}

TEST_CASE("bundle: what turns out not to be signed by its author does not stay held", "[bundle][trust]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("真")}});
    const auto chain = *(*a)->chain_after(kB01, (*a)->id(), Seq{0}, 1u << 20);
    REQUIRE(chain.size() == 1);
    Packer packer;
    std::string bytes;
    REQUIRE(packer.unpack(chain[0].packed, bytes).has_value());
    const auto header = *Commit::decode_header(bytes);
    const auto forged = make_key(9)->sign(kForHead, view(chain[0].hash.bytes));
    REQUIRE(sync::hold(*w.city, header, chain[0].hash, Origin::below, chain[0].packed, forged).has_value());
    REQUIRE(sync::gaps(*w.city)->size() == 1);
    CHECK(*sync::release_held(*w.city) == 0);
    CHECK(sync::gaps(*w.city)->empty());
    CHECK(w.city.field("A1", "remark") == "—");
}

TEST_CASE("bundle: for a unit with several PCs it begins where the one stands that has least", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto behind = w.device("B01"), ahead = w.device("B01");
    take(*w.city, sync::make_bundle(**behind, {})->parts.front());  // its word of what it has
    w.city.set("assignment", "A1", {{"deadline", text("2025-12-01")}});
    w.sync(*ahead);
    take(*w.city, sync::make_bundle(**ahead, {})->parts.front());
    w.city.set("assignment", "A1", {{"deadline", text("2025-12-02")}});
    sync::BundleOptions o;
    o.to = "B01";
    const auto down = sync::make_bundle(*w.city, o);
    REQUIRE(down.has_value());
    for (auto* d : {&behind, &ahead}) {
        take(***d, down->parts.front());
        CHECK((*d)->field("A1", "deadline") == "2025-12-02");
    }
}

TEST_CASE("bundle: one of a revoked device is refused", "[bundle][revoke]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto stolen = w.device("B01");
    stolen->set("assignment", "A1", {{"remark", text("之前写的")}});
    const auto file = sync::make_bundle(**stolen, {})->parts.front();
    REQUIRE(
        w.city->append_control("revoke", R"({"replica":")" + (*stolen)->id().hex() + R"(","streams":{}})").has_value());
    const auto taken = sync::take_bundle(*w.city, file);
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().code == Errc::not_allowed);
    CHECK(w.city->hashes_at(kB01, (*stolen)->id(), Seq{1})->empty());
}

TEST_CASE("bundle: a finder does not learn how many can open it", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto slots = [&] {
        sync::BundleOptions o;
        o.to = "B01";
        const auto files = sync::make_bundle(*w.city, o);
        REQUIRE(files.has_value());
        Reader frame(std::string_view(files->parts.front()).substr(5));
        frame.str();
        Reader sealed(frame.str());
        sealed.u8();  // suite
        return sealed.varint();
    };
    const auto few = slots();
    auto b = w.device("B01"), c = w.device("B01"), d = w.device("B01");
    CHECK(slots() == few);
    CHECK(few == 16);
    sync::BundleOptions o;
    o.to = "B01";
    const auto files = sync::make_bundle(*w.city, o);
    for (auto* one : {&a, &b, &c, &d}) take(***one, files->parts.front());
}

TEST_CASE("bundle: a revocation and a release reach who has no link", "[bundle][revoke]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto stolen = w.device("B01"), far = w.device("B01");
    stolen->set("assignment", "A1", {{"remark", text("小偷写的")}});
    w.sync(*stolen);
    w.sync(*far);
    far->set("assignment", "A1", {{"next_steps", text("看过之后写的")}});
    const auto carry = [&] {
        sync::BundleOptions o;
        o.to = "B01";
        const auto files = sync::make_bundle(*w.city, o);
        REQUIRE(files.has_value());
        for (const auto& part : files->parts) take(**far, part);
    };
    const auto thief = (*stolen)->id().hex();
    REQUIRE(w.city->append_control("revoke", R"({"replica":")" + thief + R"(","streams":{}})").has_value());
    CHECK(w.city.field("A1", "remark") != "小偷写的");
    CHECK(far->field("A1", "remark") == "小偷写的");
    carry();
    CHECK(far->field("A1", "remark") == w.city.field("A1", "remark"));
    CHECK(far->field("A1", "next_steps") == "看过之后写的");  // it counts as seen: what was built on it stands
    const auto hash = w.city->hashes_at(kB01, (*stolen)->id(), Seq{1})->front().hex();
    REQUIRE(w.city->append_control("release", R"({"hash":")" + hash + "\"}").has_value());
    CHECK(w.city.field("A1", "remark") == "小偷写的");
    carry();
    CHECK(far->field("A1", "remark") == "小偷写的");
    REQUIRE((*far)->verify().has_value());
}

TEST_CASE("bundle: to a named unit above it brings both branches of a forked chain", "[bundle][fork]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01"), office = w.device("K1-01");
    const auto of_a = (*a)->id();
    w.sync(*a);  // knows the office's key
    // A copy of the PC writes beside it; the office hears of that by a stick.
    const std::string path = support::scratch("tz-bundle-parts-test-copy.db");
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    REQUIRE((*a)->database().backup_to(path).has_value());
    Device copy(77, path, "", Knows{}, a->keys);
    copy.set("assignment", "A1", {{"result_text", text("副本写的")}});
    a->set("assignment", "A1", {{"remark", text("本机写的")}});
    a->set("assignment", "A1", {{"remark", text("本机又写的")}});
    w.sync(*a);
    w.sync(*office);
    take(**office, sync::make_bundle(*copy, {})->parts.front());
    REQUIRE(*(*office)->is_forked(kB01, of_a));
    REQUIRE_FALSE(*w.city->is_forked(kB01, of_a));
    sync::BundleOptions o;
    o.to = "C";
    const auto up = sync::make_bundle(**office, o);
    REQUIRE(up.has_value());
    for (const auto& part : up->parts) take(*w.city, part);
    CHECK(*w.city->is_forked(kB01, of_a));
    CHECK(w.city.field("A1", "result_text") == "副本写的");
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
}

TEST_CASE("bundle: parts smaller than any record bring one each, and all of it arrives", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    if (GENERATE(false, true)) {  // an entry that is too large to travel for comparison alone
        auto catalog = ledger_catalog();
        const auto at = catalog.find("\nversion = ") + 11;
        catalog.replace(at, catalog.find('\n', at) - at, "3");
        must(w.city->append_control("catalog", catalog));
        w.sync(*a);
    }
    for (int i = 0; i < 3; ++i) a->set("assignment", "A1", {{"remark", text(words(i))}});
    sync::BundleOptions o;
    o.part_bytes = 1;
    const auto made = must(sync::make_bundle(**a, o));
    CHECK(made.parts.size() >= 3);
    for (const auto& part : made.parts) take(*w.city, part);
    CHECK(w.city.field("A1", "remark") == words(2));
}

TEST_CASE("bundle: a tiny part that has nothing yet takes what does not fit", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    const bool is_checkpoint = GENERATE(false, true);
    if (is_checkpoint) {
        must(w.city->note_backup(w.city->log_head()));
        must(w.city->checkpoint());
    }
    auto catalog = ledger_catalog();  // an entry that is too large to travel for comparison alone
    const auto at = catalog.find("\nversion = ") + 11;
    catalog.replace(at, catalog.find('\n', at) - at, "3");
    must(w.city->append_control("catalog", catalog));
    auto a = w.device("B01");
    sync::BundleOptions o;
    o.part_bytes = 1;
    int left = is_checkpoint ? 0 : 1;
    o.next_content = [&](std::size_t) -> Result<std::optional<wire::ContentRange>> {
        if (left-- <= 0) return std::optional<wire::ContentRange>();
        wire::ContentRange range;
        range.bytes = "a picture";
        return std::optional(range);
    };
    const auto made = must(sync::make_bundle(**a, o));
    REQUIRE(made.parts.size() == 1);
    const auto b = open_bundle(made.parts.front(), w.city);
    CHECK(b.control_entries.empty());
    CHECK(b.contents.size() == (is_checkpoint ? 0 : 1));
    CHECK(b.commits.size() == (is_checkpoint ? 1 : 0));
}

TEST_CASE("bundle: a PC whose key is of another kind keeps nobody from opening it, and finds nobody above",
          "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Device other(8700, ":memory:", {}, {}, {make_key(8700, trust::kSm), nullptr});
    w.enrol_at(*w.hub, other, "B01");
    w.sync(other);
    auto a = w.device("B01");
    w.city.set("assignment", "A1", {{"deadline", text("2025-12-01")}});
    sync::BundleOptions o;
    o.to = "B01";
    take(**a, must(sync::make_bundle(*w.city, o)).parts.front());
    CHECK(a->field("A1", "deadline") == "2025-12-01");
    const auto up = sync::make_bundle(*other, {});
    REQUIRE(up.has_error());
    CHECK(up.error().code == Errc::not_allowed);
    CHECK(up.error().detail.find("anybody above") != std::string::npos);
}

TEST_CASE("bundle: for a unit with more PCs than a seal can hold it opens for as many as it can", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    for (std::uint64_t n = 0; n < trust::kReceiversMax + 4; ++n) {
        const auto key = make_key(20'000 + n)->public_key();
        const std::string nonce(trust::kNonceBytes, 'n');
        must(w.city->issue_certificate({trust::replica_id(key, nonce), "B01", "PC", key, nonce}));
    }
    sync::BundleOptions o;
    o.to = "B01";
    const auto made = must(sync::make_bundle(*w.city, o));
    Reader frame(std::string_view(made.parts.front()).substr(5));
    frame.str();
    Reader sealed(frame.str());
    sealed.u8();  // suite
    CHECK(sealed.varint() == trust::kReceiversMax);
}

TEST_CASE("bundle: a receiver who knows more of the city's log than this office is sent none of it", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01"), a = w.device("B01");
    for (const char* id : {"B08", "B09"})
        must(w.city->append_control(
            "unit", R"({"id":")" + std::string(id) + R"(","parent_id":"K1-01","level":"branch","name":"B"})"));
    w.sync(*a);
    sync::BundleOptions up;
    up.to = "K1-01";
    const auto taken = take(**town, must(sync::make_bundle(**a, up)).parts.front());
    CHECK(taken.missing.size() == 1);
    REQUIRE((*town)->control().head() < (*a)->control().head());
    town->set("assignment", "A1", {{"deadline", text("2025-12-01")}});
    sync::BundleOptions down;
    down.to = "B01";
    take(**a, must(sync::make_bundle(**town, down)).parts.front());
    CHECK(a->field("A1", "deadline") == "2025-12-01");
}

TEST_CASE("bundle: an older file of the hub does not take back what a newer one said", "[bundle][receipt]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = *sync::Hub::open(**town);
    auto a = w.device_at(town_hub, "B01");
    const auto write_and_fetch = [&](const char* what) {
        a->set("assignment", "A1", {{"remark", text(what)}});
        World::sync(*a, town_hub);
        town->clock.wall_ms += 1000;
        sync::BundleOptions o;
        o.to = "B01";
        return must(sync::make_bundle(**town, o)).parts.front();
    };
    const auto older = write_and_fetch("一"), newer = write_and_fetch("二");
    take(**a, newer);
    CHECK(*sync::unsent_count(**a) == 0);
    const auto cursor = must(sync::upstream_cursor(**a));
    take(**a, older);
    CHECK(*sync::unsent_count(**a) == 0);
    CHECK(must(sync::level_ack(**a, kB01, (*a)->id(), Level::township)) == Seq{2});
    CHECK(must(sync::upstream_cursor(**a)) == cursor);
}

TEST_CASE("bundle: parts of the hub's that came in the wrong order are not sent back to it", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    for (int i = 0; i < 6; ++i)
        w.city.set("assignment", "A1", {{"deadline", text("2025-12-0" + std::to_string(i + 1))}});
    sync::BundleOptions o;
    o.to = "B01";
    o.part_bytes = 600;
    const auto made = must(sync::make_bundle(*w.city, o));
    REQUIRE(made.parts.size() >= 3);
    take(**a, made.parts.front());
    for (auto part = made.parts.rbegin(); part != made.parts.rend(); ++part) take(**a, *part);
    CHECK(a->field("A1", "deadline") == "2025-12-06");
    CHECK(sync::gaps(**a)->empty());
    CHECK(*sync::unsent_count(**a) == 0);
}

TEST_CASE("bundle: what does not follow is held up to a bound, and the person is told what to do", "[bundle]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("一")}});
    const auto first = must(sync::make_bundle(**a, {})).parts.front();
    const auto here = must((*a)->chain_heads(std::span(&kB01, 1)));
    for (const auto& h : here) must((*a)->set_place(kB01, h.replica, h.seq));
    a->set("assignment", "A1", {{"remark", text("二")}});
    const auto second = must(sync::make_bundle(**a, {})).parts.front();
    must(
        w.city->database().exec("INSERT INTO held(unit, audience, replica, seq, hash, origin, body) VALUES('B02', 0, "
                                "zeroblob(16), 9, zeroblob(32), 0, zeroblob(" +
                                std::to_string(sync::kHeldBytesMax) + "))"));
    const auto refused = sync::take_bundle(*w.city, second);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::not_allowed);
    CHECK(refused.error().detail.find("earlier files first") != std::string::npos);
    must(w.city->database().exec("DELETE FROM held"));
    CHECK(take(*w.city, second).held == 1);
    CHECK(take(*w.city, first).released == 1);
    CHECK(w.city.field("A1", "remark") == "二");
}

}  // namespace taizhang::bundle_parts_test
