// A checkpoint file that somebody kept: what is no such file, whose word it is, and what it finds in a log.
#include "replica/checkpoint_file.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"
#include "tests/support/sim_disk.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <functional>

namespace taizhang::checkpoint_file_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

void flip(Hash& h) { h.bytes[0] = static_cast<std::uint8_t>(h.bytes[0] ^ 1); }

struct Kept : World {
    std::unique_ptr<Device> a;
    Kept() {
        new_assignment("A1", "T1", "B01");
        a = device("B01");
        a->set("assignment", "A1", {{"remark", text("一")}});
        sync(*a);
    }
    std::string file() { return *make_checkpoint_file(*city); }
    /// The city's file with something else in it, which the city's key signed.
    std::string with(const std::function<void(CheckpointFile&)>& what) {
        auto f = *CheckpointFile::decode(file());
        what(f);
        f.signature = city.keys.device->sign(kForCheckpoint, f.body());
        return f.encode();
    }
};

/// Framed and with its sum, whatever the body is.
std::string framed(const std::string& body, const std::string& more = {}) {
    std::string out("TZC\1");
    Writer w(out);
    w.str(body);
    w.str("signature");
    out += more;
    out += view(hash_of(out).bytes);
    return out;
}

}  // namespace

TEST_CASE("checkpoint file: what is cut, of another version or out of bounds is no such file", "[replica][audit]") {
    Kept w;
    const auto whole = w.file();
    for (std::size_t n = 0; n < whole.size(); ++n) CHECK_FALSE(ok(CheckpointFile::decode(whole.substr(0, n))));
    const auto body = CheckpointFile::decode(whole)->body();
    REQUIRE(ok(CheckpointFile::decode(framed(body))));
    CHECK_FALSE(ok(CheckpointFile::decode(framed(body, "x"))));
    CHECK_FALSE(ok(CheckpointFile::decode(framed('\2' + body.substr(1)))));
    for (std::size_t n = 0; n < body.size(); ++n) CHECK_FALSE(ok(CheckpointFile::decode(framed(body.substr(0, n)))));
    CHECK_FALSE(ok(CheckpointFile::decode(framed(body + "x"))));
    // One with more than one certificate.
    const auto of_a = CheckpointFile::decode(*make_checkpoint_file(**w.a))->body();
    for (std::size_t n = 0; n < of_a.size(); ++n) CHECK_FALSE(ok(CheckpointFile::decode(framed(of_a.substr(0, n)))));
    const auto refused = [&](const std::function<void(CheckpointFile&)>& what) {
        const auto r = CheckpointFile::decode(w.with(what));
        return r.has_error() && r.error().code == Errc::bad_input;
    };
    CHECK(refused([](auto& f) { f.certificates.assign(65, "c"); }));
    CHECK_FALSE(refused([](auto& f) { f.certificates.assign(64, "c"); }));
    CHECK(refused([](auto& f) { f.streams.front().stream.unit.clear(); }));
    CHECK(refused([](auto& f) { f.streams.front().tips.front().seq = Seq{0}; }));
    CHECK(refused([](auto& f) { f.streams.front().tips.front().seq = Seq{(std::uint64_t{1} << 48) + 1}; }));
    CHECK_FALSE(refused([](auto& f) { f.streams.front().tips.front().seq = Seq{std::uint64_t{1} << 48}; }));
    // More streams than any city has, of a byte each.
    auto many = *CheckpointFile::decode(whole);
    many.streams.clear();
    auto bytes = many.body();
    bytes.pop_back();  // their number
    Writer(bytes).varint((1u << 20) + 1);
    bytes += std::string((1u << 20) + 1, '\0');
    CHECK_FALSE(ok(CheckpointFile::decode(framed(bytes))));
}

TEST_CASE("checkpoint file: only a node with the key that it was enrolled with makes one", "[replica][audit]") {
    Kept w;
    const auto refused = [](Device& d) {
        const auto made = make_checkpoint_file(*d);
        return made.has_error() && made.error().code == Errc::not_allowed;
    };
    Device stranger(900);
    CHECK(refused(stranger));  // of no city
    REQUIRE(ok(stranger->receive_control(*w.city->control_after(ControlPos{0}, 1 << 20))));
    CHECK(refused(stranger));  // enrolled nowhere
    CHECK(ok(make_checkpoint_file(**w.a)));
    Device without_keys(901);
    found_city(without_keys, ledger_catalog(), "a city without keys");
    CHECK(refused(without_keys));
}

TEST_CASE("checkpoint file: the key that it was enrolled with may be gone", "[replica][audit]") {
    SimDisk disk(1);
    World w;
    Device d(7, "ledger.db", disk.vfs_name());
    World::enrol_at(*w.hub, d, "B01");
    World::sync(d, *w.hub);
    CHECK(ok(make_checkpoint_file(*d)));
    d.keys.device = make_key(4711);
    d.reopen();
    CHECK(make_checkpoint_file(*d).error().code == Errc::not_allowed);
    d.keys.device.reset();
    d.reopen();
    CHECK(make_checkpoint_file(*d).error().code == Errc::not_allowed);
    CHECK_FALSE(d->can_sign());
}

TEST_CASE("checkpoint file: whose word it is", "[replica][audit][trust]") {
    Kept w;
    const auto why = [&](const std::string& bytes) {
        const auto found = compare_with(**w.a, bytes);
        REQUIRE(found.has_error());
        return found.error().code;
    };
    CHECK(why(w.with([](auto& f) { f.certificates.clear(); })) == Errc::denied);
    CHECK(why(w.with([](auto& f) { f.certificates.back() = "no certificate"; })) == Errc::denied);
    // Of a device of an office that this node has not heard of.
    REQUIRE(
        ok(w.city->append_control("unit", R"({"id":"B03","parent_id":"K1-01","level":"branch","name":"Branch 3"})")));
    auto c = w.device("B03");
    const auto theirs = *make_checkpoint_file(**c);
    CHECK(why(theirs) == Errc::not_found);
    w.sync(*w.a);
    CHECK(ok(compare_with(**w.a, theirs)));
    // And of one whose key somebody else may have.
    REQUIRE(ok(w.city->append_control("revoke", R"({"replica":")" + (*c)->id().hex() + R"(","streams":{}})")));
    CHECK(ok(compare_with(**w.a, theirs)));  // before it hears of it
    w.sync(*w.a);
    CHECK(why(theirs) == Errc::denied);
}

TEST_CASE("checkpoint file: what it names and this node lacks, or has otherwise", "[replica][audit]") {
    Kept w;
    w.new_assignment("A2", "T1", "B02");
    const auto before = w.file();
    SECTION("streams of other offices are not looked for") {
        const auto found = *compare_with(**w.a, before);
        CHECK(found.holds());
        CHECK(found.not_held == 1);
        CHECK(compare_with(*w.city, before)->not_held == 0);
    }
    SECTION("who is enrolled nowhere holds none of it") {
        Device reader(900);
        REQUIRE(ok(reader->receive_control(*w.city->control_after(ControlPos{0}, 1 << 20))));
        const auto found = *compare_with(*reader, before);
        CHECK(found.not_held == 0);
        CHECK(found.missing.size() == found.chains);
        CHECK(found.differs.empty());
    }
    SECTION("a part of the city's log") {
        REQUIRE(ok(
            w.city->append_control("unit", R"({"id":"B03","parent_id":"K1-01","level":"branch","name":"Branch 3"})")));
        const auto found = *compare_with(**w.a, w.file());
        REQUIRE(found.missing.size() == 1);
        CHECK(found.missing.front().find("city log #") == 0);
    }
    SECTION("another hash at a place, and a place that is above all") {
        const auto otherwise = w.with([](auto& f) {
            for (auto& s : f.streams)
                if (s.stream == kB01) flip(s.tips.front().hash);
        });
        CHECK(compare_with(*w.city, otherwise)->differs.size() == 1);
        const auto above = w.with([](auto& f) {
            for (auto& s : f.streams)
                if (s.stream == kB01) s.tips.front().seq.value += 5;
        });
        CHECK(compare_with(*w.city, above)->missing.size() == 1);
    }
}

TEST_CASE("checkpoint file: what was changed in it after it was signed makes it nobody's", "[replica][audit][trust]") {
    Kept w;
    auto f = *CheckpointFile::decode(w.file());
    REQUIRE(ok(compare_with(*w.city, f.encode())));
    f.at_ms += 1;
    const auto r = compare_with(*w.city, f.encode());
    REQUIRE(r.has_error());
    CHECK(r.error().code == Errc::denied);
}

TEST_CASE("checkpoint file: a commit that a copied PC put beside one that it covers is named", "[replica][audit]") {
    Kept w;
    const auto path = scratch("tz-checkpoint-file-test-copy.db");
    std::filesystem::remove(path);
    REQUIRE(ok((*w.a)->database().backup_to(path)));
    w.a->set("assignment", "A1", {{"remark", text("二")}});
    World::sync(*w.a, *w.hub);
    const auto kept = w.file();
    CHECK(compare_with(*w.city, kept)->added.empty());
    Device copy(77, path, {}, {}, w.a->keys);
    copy.set("assignment", "A1", {{"remark", text("副本写的")}});
    World::sync(copy, *w.hub);
    REQUIRE(*w.city->is_forked(kB01, (*w.a)->id()));
    const auto found = *compare_with(*w.city, kept);
    CHECK(found.added.size() == 1);
    CHECK(found.differs.empty());
    CHECK(found.missing.empty());
}

TEST_CASE("checkpoint file: a node that began with a state answers for what lies in it", "[replica][audit]") {
    Kept w;
    w.a->set("assignment", "A1", {{"remark", text("二")}});
    w.a->set("assignment", "A1", {{"remark", text("三")}});
    w.sync(*w.a);
    const auto early = w.file();
    w.a->set("assignment", "A1", {{"remark", text("四")}});
    w.sync(*w.a);
    REQUIRE(ok(w.city->checkpoint()));
    auto reader = w.device("B01");
    REQUIRE((*reader)->has_dropped());
    CHECK(compare_with(**reader, early)->holds());
    CHECK(compare_with(**reader, w.file())->holds());
    const auto own = (*w.a)->id();
    auto changed = *CheckpointFile::decode(early);
    for (auto& s : changed.streams)
        for (auto& t : s.tips)
            if (t.replica == own) flip(t.hash);
    changed.signature = w.city.keys.device->sign(kForCheckpoint, changed.body());
    CHECK(compare_with(**reader, changed.encode())->differs.size() == 1);
    CHECK(ok(CheckpointFile::decode(*make_checkpoint_file(**reader))));
}

TEST_CASE("a city's log of more entries than a message carries verifies, and so does a checkpoint file over it",
          "[replica][audit]") {
    Kept w;
    REQUIRE(ok(w.city->batch([&]() -> Result<> {
        for (int i = 0; i < 4200; ++i) TRY_VOID(w.city->append_control("note", "x"));
        return {};
    })));
    w.city.set("assignment", "A1", {{"remark", text("写在很多条之后")}});
    CHECK(ok(w.city->verify()));
    const auto found = compare_with(*w.city, w.file());
    REQUIRE(ok(found));
    CHECK(found->differs.empty());
    CHECK(found->missing.empty());
    // A message carries some, the next one those behind them.
    const auto some = *w.city->control_after(ControlPos{0}, 1 << 30);
    CHECK(some.size() == 4096);
    CHECK(some.size() + w.city->control_after(ControlPos{4096}, 1 << 30)->size() == w.city->control().head().value);
}

TEST_CASE(
    "checkpoint file: of a stream that should be here and is not, all is missing; of another city, nothing is said",
    "[replica][audit]") {
    World w;
    auto a = w.device("B01");  // before anything was written for it
    w.new_assignment("A1", "T1", "B01");
    const auto file = *make_checkpoint_file(*w.city);
    const auto found = compare_with(**a, file);
    REQUIRE(ok(found));
    CHECK(found->not_held == 0);
    REQUIRE(found->missing.size() == 1);
    CHECK(found->missing.front().find("B01/ledger") != std::string::npos);
    CHECK(compare_with(*Device(900), file).error().code == Errc::denied);
}

}  // namespace taizhang::checkpoint_file_test
