// What is refused of a bundle, whole and in one line, before anything is changed: files that are none, senders who are
// not who they say, receivers who are not meant, commits that are not where the bundle says.
#include "sync/held.h"
#include "tests/shared/sync/sealed_bundle.h"
#include "tests/support/ok.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::bundle_refuses_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

/// A branch's PC with three edits for the city, and the file that would carry them.
struct Written : World {
    std::unique_ptr<Device> a;
    wire::Bundle up;
    Written() {
        new_assignment("A1", "T1", "B01");
        a = device("B01");
        for (const char* t : {"一", "二", "三"}) a->set("assignment", "A1", {{"remark", text(t)}});
        up = open_bundle(must(sync::make_bundle(**a, {})).parts.front(), city);
    }
    std::string changed(const std::function<void(wire::Bundle&)>& how) {
        auto b = up;
        how(b);
        return seal_bundle(b, *a, city);
    }
    /// The one line that it is refused with; nothing has changed.
    std::string refused(const std::string& file, Errc code) {
        const auto head = city->log_head();
        const auto digest = *city->digest();
        const auto facts = city->facts("")->size();
        const auto taken = sync::take_bundle(*city, file);
        REQUIRE(taken.has_error());
        INFO(taken.error().detail);
        CHECK(taken.error().code == code);
        CHECK(taken.error().detail.find('\n') == std::string::npos);
        CHECK(taken.error().detail.find(" / ") != std::string::npos);
        CHECK(city->log_head() == head);
        CHECK(*city->digest() == digest);
        CHECK(city->facts("")->size() == facts);
        CHECK(sync::gaps(*city)->empty());
        return taken.error().detail;
    }
    void check_whole_one_is_taken() {
        const auto taken = sync::take_bundle(*city, changed([](auto&) {}));
        REQUIRE(ok(taken));
        CHECK(taken->taken == 3);
        CHECK(city.field("A1", "remark") == "三");
    }
};

bool says(const std::string& line, const char* what) { return line.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("bundle: what is none, of a later kind of seal, or altered inside its seal is refused", "[bundle][refused]") {
    Written w;
    CHECK(says(w.refused("", Errc::bad_input), "not a bundle"));
    CHECK(says(w.refused("TZB\x01", Errc::bad_input), "damaged"));
    CHECK(says(w.refused(bundle_file(9, "x"), Errc::bad_input), "upgrade"));
    CHECK(says(w.refused(bundle_file(0, wire::encode(w.up)), Errc::not_allowed), "neither sealed nor signed"));
    // Sealed in its first bytes, another mark over what was altered behind them.
    const auto whole = w.changed([](auto&) {});
    Reader r(std::string_view(whole).substr(5));
    r.str();
    auto sealed = std::string(r.str());
    sealed.back() = static_cast<char>(sealed.back() ^ 1);
    CHECK(says(w.refused(bundle_file(trust::kSodium, sealed), Errc::bad_input), "damaged"));
    const auto letter = letter_of(w.up, *w.a);
    CHECK(says(w.refused(seal_letter(letter.substr(0, letter.size() - 1), w.city), Errc::bad_input), "damaged"));
    CHECK(says(w.refused(seal_letter(letter + 'x', w.city), Errc::bad_input), "damaged"));
    std::string of_something_else;
    Writer out(of_something_else);
    out.raw(view((*w.a)->id().bytes));
    out.str(w.a->keys.device->sign(kForBundle, "a letter"));
    out.str("a letter");
    CHECK(says(w.refused(seal_letter(of_something_else, w.city), Errc::bad_input), "damaged"));
    w.check_whole_one_is_taken();
}

TEST_CASE("bundle: a part that is none of its parts is refused", "[bundle][refused]") {
    Written w;
    w.refused(w.changed([](auto& b) { b.part = 2; }), Errc::bad_input);
    // One that says nothing of it is the first and only one.
    w.up.part = w.up.parts = 0;
    w.check_whole_one_is_taken();
}

TEST_CASE("bundle: a PC without a key can open none", "[bundle][refused]") {
    Written w;
    Device bare(9002);
    bare.keys.device = nullptr;
    bare.reopen();
    const auto taken = sync::take_bundle(*bare, w.changed([](auto&) {}));
    REQUIRE(taken.has_error());
    CHECK(taken.error().code == Errc::not_allowed);
}

TEST_CASE("bundle: whoever seals one says who he is as his certificate has it", "[bundle][refused][trust]") {
    Written w;
    auto colleague = w.device("B01");
    auto b = w.up;
    CHECK(says(w.refused(seal_bundle(b, *colleague, w.city), Errc::not_allowed), "not signed by"));
    CHECK(says(w.refused(w.changed([](auto& x) { x.unit = "K1-01"; }), Errc::not_allowed), "not signed by"));
    CHECK(says(w.refused(w.changed([](auto& x) { x.level = Level::city; }), Errc::not_allowed), "not signed by"));
    // Nobody has vouched for him, and the bundle has all that the city's log says of it.
    Device stranger(9003);
    b.from = stranger->id();
    CHECK(says(w.refused(seal_bundle(b, stranger, w.city), Errc::not_allowed), "not signed by"));
    w.check_whole_one_is_taken();
}

TEST_CASE("bundle: who is not meant, or not enrolled, does not take it", "[bundle][refused]") {
    Written w;
    CHECK(says(w.refused(w.changed([](auto& b) { ++b.city; }), Errc::not_allowed), "another city"));
    CHECK(says(w.refused(w.changed([](auto& b) { b.to = "K1"; }), Errc::not_allowed), "is for K1"));
    CHECK(says(w.refused(w.changed([](auto& b) { b.ranges.front().after.stream.unit = "nowhere"; }), Errc::not_allowed),
               "outside"));
    Device fresh(9004);
    const auto taken = sync::take_bundle(*fresh, seal_bundle(w.up, *w.a, fresh));
    REQUIRE(taken.has_error());
    CHECK(taken.error().code == Errc::not_allowed);
    CHECK(says(taken.error().detail, "not enrolled"));
    // For those above its sender, and this node stands beside him.
    auto neighbour = w.device("B02");
    const auto beside = sync::take_bundle(**neighbour, seal_bundle(w.up, *w.a, *neighbour));
    REQUIRE(beside.has_error());
    CHECK(says(beside.error().detail, "for those above it"));
    w.check_whole_one_is_taken();
}

TEST_CASE("bundle: a commit that lies in none of its ranges is refused with all the others", "[bundle][refused]") {
    Written w;
    REQUIRE(w.up.ranges.size() == 1);
    const auto with_range = [&](const std::function<void(wire::Range&)>& how) {
        return w.changed([&](auto& b) { how(b.ranges.front()); });
    };
    w.refused(with_range([](auto& x) { x.last = Seq{2}; }), Errc::bad_input);
    w.refused(with_range([](auto& x) { x.after.seq = Seq{1}; }), Errc::bad_input);
    w.refused(with_range([](auto& x) { x.after.replica.bytes[0] ^= 1; }), Errc::bad_input);
    w.refused(with_range([](auto& x) { x.after.stream.audience = Audience::notice; }), Errc::bad_input);
    w.refused(w.changed([](auto& b) { b.ranges.clear(); }), Errc::bad_input);
    w.check_whole_one_is_taken();
}

TEST_CASE("bundle: a commit without its author's signature is refused with all the others", "[bundle][refused]") {
    Written w;
    CHECK(says(w.refused(w.changed([](auto& b) { b.signatures.clear(); }), Errc::not_allowed), "not signed by their"));
    CHECK(says(w.refused(w.changed([](auto& b) { b.commits.push_back("no commit"); }), Errc::not_allowed),
               "not signed by their"));
    // One under a commit that is not there is nobody's.
    const auto taken = sync::take_bundle(*w.city, w.changed([](auto& b) {
        b.signatures.push_back({b.commits.size(), b.signatures.front().signature});
    }));
    CHECK(ok(taken));
}

}  // namespace taizhang::bundle_refuses_test
