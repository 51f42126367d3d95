// A city that an earlier program made has no keys: nothing is signed or sealed there, and all of it goes on.
#include "replica/checkpoint.h"
#include "sync/bundle.h"
#include "sync/held.h"
#include "sync/restored.h"
#include "sync/token.h"
#include "sync/upstream_facts.h"
#include "tests/shared/sync/asked.h"
#include "tests/shared/sync/sealed_bundle.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"
#include "wire/runs.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>

namespace taizhang::without_keys_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

struct OldCity {
    Device city{1};
    std::unique_ptr<sync::Hub> hub;
    OldCity() {
        found_city(city, ledger_catalog(), "a city without keys");
        hub = std::make_unique<sync::Hub>(*sync::Hub::open(*city));
        new_assignment(city, "A1", "T1", "B01");
    }
    static std::unique_ptr<Device> device(std::uint64_t seed, const std::string& unit, sync::Hub& at) {
        auto d = std::make_unique<Device>(seed);
        World::enrol_at(at, *d, unit);
        World::sync(*d, at);
        return d;
    }
};

wire::Bundle opened(const std::string& file) {
    Reader r(std::string_view(file).substr(5));
    r.str();
    wire::Bundle out;
    must(wire::decode(r.str(), out));
    return out;
}

sync::BundleTaken take(Replica& r, const wire::Bundle& b) {
    return must(sync::take_bundle(r, bundle_file(0, wire::encode(b))));
}

/// A bundle upwards of a PC that the city does not know, without the certificate that would come along.
wire::Bundle from_a_stranger(Device& d) {
    auto b = opened(must(sync::make_bundle(*d, {})).parts.front());
    b.certificates.clear();
    return b;
}

}  // namespace

TEST_CASE("a city without keys: devices enrol, edit, meet in a conflict and end alike", "[sync][unsigned]") {
    OldCity w;
    CHECK_FALSE(w.city->control().is_signed());
    CHECK(w.hub->fingerprint().empty());
    auto a = OldCity::device(10, "B01", *w.hub), b = OldCity::device(11, "B01", *w.hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    b->clock.wall_ms += 1000;
    b->set("assignment", "A1", {{"remark", text("二")}});
    for (int round = 0; round < 2; ++round)
        for (auto* d : {a.get(), b.get()}) World::sync(*d, *w.hub);
    for (Device* d : {&w.city, a.get(), b.get()}) {
        CHECK(d->field("A1", "remark") == "二");
        CHECK((*d)->conflicts("A1")->size() == 1);
        CHECK(ok((*d)->verify()));
    }
    CHECK(*sync::unsent_count(**a) == 0);
    // A copied PC goes on under another name; its unit vouches by itself.
    REQUIRE(ok((*a)->reincarnate()));
    a->set("assignment", "A1", {{"remark", text("三")}});
    World::sync(*a, *w.hub);
    CHECK(w.city.field("A1", "remark") == "三");
}

TEST_CASE("a city without keys: a relay passes on what is written below it", "[sync][unsigned]") {
    OldCity w;
    auto town = OldCity::device(20, "K1-01", *w.hub);
    auto town_hub = *sync::Hub::open(**town);
    auto a = OldCity::device(21, "B01", town_hub);
    CHECK(a->field("A1", "task_id") == "T1");
    a->set("assignment", "A1", {{"remark", text("经过镇里")}});
    World::sync(*a, town_hub);
    World::sync(*town, *w.hub);
    CHECK(w.city.field("A1", "remark") == "经过镇里");
    CHECK(ok(w.city->verify()));
    CHECK(ok((*town)->verify()));
}

TEST_CASE("a city without keys: a bundle is neither signed nor sealed, and is taken", "[bundle][unsigned]") {
    OldCity w;
    auto a = OldCity::device(30, "B01", *w.hub);
    a->set("assignment", "A1", {{"remark", text("装在口袋里")}});
    const auto made = sync::make_bundle(**a, {});
    REQUIRE(ok(made));
    REQUIRE(made->parts.size() == 1);
    const auto& file = made->parts.front();
    REQUIRE(ok(sync::take_bundle(*w.city, file)));
    CHECK(w.city.field("A1", "remark") == "装在口袋里");
    sync::BundleOptions tiny;
    tiny.part_bytes = 1;
    const auto small = must(sync::make_bundle(**a, tiny));
    REQUIRE(small.parts.size() == 1);  // a record is not cut, and none of the parts is empty
    CHECK(opened(small.parts.front()).commits.size() == 1);
    // Its hash alone says that it is whole: a flipped bit is noticed.
    auto again = file;
    again[again.size() / 2] = static_cast<char>(again[again.size() / 2] ^ 1);
    CHECK_FALSE(ok(sync::take_bundle(*w.city, again)));
    // A city with keys takes none that is not signed, of whatever city it says it is.
    World with_keys;
    CHECK_FALSE(ok(sync::take_bundle(*with_keys.city, file)));
    // And here none that a city with keys made.
    auto b = with_keys.device("B01");
    with_keys.new_assignment("A1", "T1", "B01");
    with_keys.sync(*b);
    b->set("assignment", "A1", {{"remark", text("别的城市")}});
    const auto other = sync::make_bundle(**b, {});
    REQUIRE(ok(other));
    CHECK_FALSE(ok(sync::take_bundle(*w.city, other->parts.front())));
    CHECK(w.city.field("A1", "remark") == "装在口袋里");
}

TEST_CASE("a city without keys: enrolment by files needs keys and says so", "[sync][unsigned]") {
    OldCity w;
    Device d(40);
    const auto refused = w.hub->answer(*sync::Enrolment(*d).request_file("PC"), "B01");
    REQUIRE_FALSE(ok(refused));
    CHECK(refused.error().code == Errc::not_allowed);
    CHECK(refused.error().detail.find("root key") != std::string::npos);
}

TEST_CASE("a city without keys: a commit in a bundle that is none is refused with all the others",
          "[bundle][unsigned][refused]") {
    OldCity w;
    auto a = OldCity::device(31, "B01", *w.hub);
    for (const char* t : {"一", "二"}) a->set("assignment", "A1", {{"remark", text(t)}});
    const auto made = must(sync::make_bundle(**a, {}));
    Reader r(std::string_view(made.parts.front()).substr(5));
    r.str();
    wire::Bundle whole;
    must(wire::decode(r.str(), whole));
    REQUIRE(whole.commits.size() == 2);
    const auto refused = [&](std::size_t i, const std::string& bytes) {
        auto b = whole;
        b.commits[i] = bytes;
        const auto head = w.city->log_head();
        const auto taken = sync::take_bundle(*w.city, bundle_file(0, wire::encode(b)));
        REQUIRE(taken.has_error());
        CHECK(taken.error().code == Errc::bad_input);
        CHECK(w.city->log_head() == head);
    };
    const auto& second = whole.commits[1];
    for (const std::size_t i : {0u, 1u}) {
        refused(i, "");
        refused(i, std::string(1, Packer::kZstd) + "no frame");
        refused(i, std::string(1, Packer::kRaw) + "no commit");
    }
    refused(1, second.substr(0, second.size() - 1));  // its head is whole, and what it says is not
    REQUIRE(ok(sync::take_bundle(*w.city, bundle_file(0, wire::encode(whole)))));
    CHECK(w.city.field("A1", "remark") == "二");
}

TEST_CASE("a city without keys: what a server says it has is heard by file, of commits that stand here",
          "[bundle][unsigned][receipt]") {
    OldCity w;
    auto town = OldCity::device(32, "K1-01", *w.hub);
    auto town_hub = must(sync::Hub::open(**town));
    auto a = OldCity::device(33, "B01", town_hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    World::sync(*a, town_hub);
    World::sync(*town, *w.hub);
    const auto at_city = [&] { return must(sync::level_ack(**a, kB01, (*a)->id(), Level::city)); };
    REQUIRE(at_city() == Seq{0});
    sync::BundleOptions o;
    o.to = "B01";
    const auto made = must(sync::make_bundle(**town, o));
    Reader r(std::string_view(made.parts.front()).substr(5));
    r.str();
    wire::Bundle down;
    must(wire::decode(r.str(), down));
    REQUIRE_FALSE(down.acks.empty());
    auto other = down;
    for (auto& x : other.acks) x.at.hash.bytes[0] ^= 1;
    must(sync::take_bundle(**a, bundle_file(0, wire::encode(other))));
    CHECK(at_city() == Seq{0});
    must(sync::take_bundle(**a, made.parts.front()));
    CHECK(at_city() == Seq{1});
}

TEST_CASE("a city without keys: what the city has is told downwards by a relay", "[sync][unsigned][acks]") {
    OldCity w;
    auto town = OldCity::device(50, "K1-01", *w.hub);
    auto town_hub = must(sync::Hub::open(**town));
    auto a = OldCity::device(51, "B01", town_hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    World::sync(*a, town_hub);
    World::sync(*town, *w.hub);
    CHECK(must(sync::own_commits_at(**a, Level::city)) == 0);
    World::sync(*a, town_hub);
    CHECK(must(sync::own_commits_at(**a, Level::city)) == 1);
    // Whoever answers, and whatever his certificate says: there is no key that could tell the city's server.
    CHECK(must(sync::word_of(**a, w.city->id(), Level::city)) == Level::city);
}

TEST_CASE("a city without keys: a PC without a key enrols, and nobody has a fingerprint", "[sync][unsigned][enrol]") {
    OldCity w;
    Device d(52);
    d.keys.device = nullptr;
    d.reopen();
    World::enrol_at(*w.hub, d, "B01");
    World::sync(d, *w.hub);
    CHECK(d.field("A1", "task_id") == "T1");
    const auto introduction = must(w.hub->handle(must(sync::Enrolment(*d).question())));
    CHECK(must(sync::Enrolment::hub_key(introduction)).empty());
    CHECK(must(sync::Enrolment(*d).fingerprint(introduction)).empty());
}

TEST_CASE("a city without keys: a record waits for its author's certificate, is passed on and asked about",
          "[sync][unsigned][waiting]") {
    OldCity w;
    auto town = OldCity::device(53, "K1-01", *w.hub);
    auto town_hub = must(sync::Hub::open(**town));
    auto a = OldCity::device(54, "B01", town_hub), reader = OldCity::device(55, "B01", *w.hub);
    a->set("assignment", "A1", {{"remark", text("谁写的")}});
    const auto file = from_a_stranger(*a);
    CHECK(take(*w.city, file).taken == 1);
    CHECK(take(*w.city, file).known == 1);
    CHECK(w.city.field("A1", "remark") == "—");
    // It goes on to whoever reads the stream, and upwards, as it is.
    const auto served = answer_to(*w.hub, *reader, [](auto&) {});
    CHECK(served.commits.size() == 2);
    CHECK(served.wants_certificates == std::vector<ReplicaId>{(*a)->id()});
    World::sync(*reader, *w.hub);
    sync::BundleOptions up;
    up.to = "K1-01";
    const auto carried = opened(must(sync::make_bundle(**reader, up)).parts.front());
    CHECK(carried.commits.size() == 2);
    // The certificate comes by another way, and all of them are asked for again.
    World::sync(*a, town_hub);
    World::sync(*town, *w.hub);
    CHECK(w.city.field("A1", "remark") == "谁写的");
    CHECK(reader->field("A1", "remark") == "—");
    World::sync(*reader, *w.hub);
    CHECK(reader->field("A1", "remark") == "谁写的");
}

TEST_CASE("a city without keys: whom a device may speak for", "[sync][unsigned][hub]") {
    OldCity w;
    auto town = OldCity::device(56, "K1-01", *w.hub), a = OldCity::device(57, "B01", *w.hub);
    const auto certificate = [&](std::uint64_t seed, const std::string& unit, Level level) {
        Certificate c;
        Device other(seed);
        c.replica = other->id();
        c.unit = unit;
        c.level = level;
        c.control = w.city->control().head();
        c.issuer = "K1-01";
        c.label = "PC";
        return c;
    };
    const auto own = certificate(900, "B01", Level::branch), neighbour = certificate(901, "B02", Level::branch);
    answer_to(*w.hub, *a, [&](auto& q) { q.certificates = {own.encode(), neighbour.encode()}; });
    CHECK(w.city->control().cert(own.replica));
    CHECK_FALSE(w.city->control().cert(neighbour.replica));
    answer_to(*w.hub, *town, [&](auto& q) { q.certificates = {neighbour.encode()}; });
    CHECK(w.city->control().cert(neighbour.replica));
    // A second word for somebody who is known is not heard at the hub, and refused elsewhere.
    auto moved = own;
    moved.unit = "B02";
    answer_to(*w.hub, *town, [&](auto& q) { q.certificates = {moved.encode()}; });
    CHECK(w.city->control().cert(own.replica)->unit == "B01");
    must(sync::take_certificates(**a, {own.encode()}));
    const auto refused = sync::take_certificates(**a, {moved.encode()});
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::protocol);
    CHECK((*a)->control().cert(own.replica)->unit == "B01");
}

TEST_CASE("a city without keys: a request that speaks of signatures and marks is answered plainly",
          "[sync][unsigned][hub]") {
    OldCity w;
    auto a = OldCity::device(58, "B01", *w.hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    const auto chain = must((*a)->chain_after(kB01, (*a)->id(), Seq{0}, 1u << 20));
    const auto answer = answer_to(*w.hub, *a, [&](auto& q) {
        q.passes_on = true;
        q.control_mark = 7;
        q.commits = {chain.front().packed};
        const auto here = must(w.city->chain_heads(std::span(&kB01, 1))).front();
        q.offers = {{kB01, here.replica, here.seq, here.hash}};
    });
    REQUIRE(answer.acks.size() == 1);
    CHECK(answer.acks.front().signature.empty());
    CHECK(answer.took == wire::mark_of({chain.front().hash}));
    CHECK(answer.given_acks.empty());
    CHECK(answer.control.empty());
    const auto ahead = answer_to(*w.hub, *a, [](auto& q) { q.control.value += 5; });
    CHECK_FALSE(ahead.takes_control);
    CHECK(ahead.control_mark == 0);
}

TEST_CASE("a city without keys: a relay takes the city's log from below, and none of another past",
          "[sync][unsigned][hub]") {
    OldCity w;
    auto town = OldCity::device(59, "K1-01", *w.hub);
    auto town_hub = must(sync::Hub::open(**town));
    auto a = OldCity::device(60, "B01", town_hub);
    const auto before = (*town)->control().head();
    must(w.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})"));
    must(w.city->append_control("unit", R"({"id":"B10","parent_id":"K1-01","level":"branch","name":"B10"})"));
    const auto news = must(w.city->control_after(before, 1u << 20));
    REQUIRE(news.size() == 2);
    auto other = must(ControlEntry::decode(news.front()));
    other.prev = hash_of("another past");
    answer_to(town_hub, *a, [&](auto& q) { q.control_entries = {other.encode()}; });
    answer_to(town_hub, *a, [&](auto& q) { q.control_entries = {news.back()}; });
    CHECK((*town)->control().head() == before);
    answer_to(town_hub, *a, [&](auto& q) { q.control_entries = news; });
    CHECK((*town)->control().unit("B10"));
}

TEST_CASE("a city without keys: what came before its unit was known goes up and stays", "[sync][unsigned][scope]") {
    OldCity w;
    auto town = OldCity::device(61, "K1-01", *w.hub);
    must(w.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})"));
    const StreamId stream{"B09", Audience::ledger};
    Edit e;
    e.entity = "assignment";
    e.row = "A9";
    e.create = true;
    e.stream = stream;
    e.fields = {{"task_id", text("T9")}, {"unit_id", text("B09")}, {"deadline", text("2025-11-30")}};
    e.transition = "carry_over";
    e.arguments = {{"state", text("办理中")}};
    w.city.edit(std::move(e));
    const auto chain = must(w.city->chain_after(stream, w.city->id(), Seq{0}, 1u << 20));
    const std::vector<std::string_view> packed{chain.front().packed};
    must(sync::receive_from_below(**town, packed));
    must(sync::learn_hub_heads(**town, {}, Level::none));
    const auto left = must(sync::unsent(**town));
    CHECK(std::any_of(left.begin(), left.end(), [&](const auto& c) { return c.stream == stream; }));
    must((*town)->set_place(stream, w.city->id(), Seq{1}));  // the hub has it
    must(sync::evict_out_of_scope(**town));
    CHECK(must((*town)->chain_heads(std::span(&stream, 1))).size() == 1);
    // On a PC that nobody has enrolled yet as well.
    Device fresh(64);
    must(fresh->receive_control(must(w.city->control_after(ControlPos{0}, 1u << 20))));
    must(sync::receive_from_below(*fresh, packed));
    must(sync::learn_hub_heads(*fresh, {}, Level::none));
    CHECK(must(sync::unsent_count(*fresh)) == 1);
    CHECK_FALSE(must(sync::level_has(*fresh, {w.city->id(), stream, Seq{1}, chain.front().hash}, Level::city)));
}

TEST_CASE("a city without keys: parts that came in the wrong order are put in order", "[bundle][unsigned]") {
    OldCity w;
    auto a = OldCity::device(65, "B01", *w.hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    const auto first = opened(must(sync::make_bundle(**a, {})).parts.front());
    World::sync(*a, *w.hub);
    auto reader = OldCity::device(66, "B01", *w.hub);
    OldCity fresh;  // the same city, from the same seed, before any of that
    a->set("assignment", "A1", {{"remark", text("二")}});
    const auto second = opened(must(sync::make_bundle(**a, {})).parts.front());
    REQUIRE(second.commits.size() == 1);
    CHECK(take(*fresh.city, second).held == 1);
    CHECK(sync::gaps(*fresh.city)->size() == 1);
    const auto taken = take(*fresh.city, first);
    CHECK(taken.taken == 1);
    CHECK(taken.released == 1);
    CHECK(fresh.city.field("A1", "remark") == "二");
}

TEST_CASE("a city without keys: a file's word on its own level is what it holds, not what it repeats",
          "[bundle][unsigned][receipt]") {
    OldCity w;
    auto town = OldCity::device(67, "K1-01", *w.hub);
    auto town_hub = must(sync::Hub::open(**town));
    auto a = OldCity::device(68, "B01", town_hub);
    a->set("assignment", "A1", {{"remark", text("一")}});
    World::sync(*a, town_hub);
    sync::BundleOptions o;
    o.to = "B01";
    auto down = opened(must(sync::make_bundle(**town, o)).parts.front());
    a->set("assignment", "A1", {{"remark", text("二")}});
    const auto mine = must((*a)->chain_after(kB01, (*a)->id(), Seq{1}, 1u << 20)).front();
    down.hub = {};  // not the hub's own word, which would be compared
    down.acks = {{{kB01, (*a)->id(), Seq{2}, mine.hash}, down.level, {}, {}}};
    take(**a, down);
    CHECK(must(sync::level_ack(**a, kB01, (*a)->id(), Level::township)) == Seq{1});
}

TEST_CASE("a city without keys: a restored city's server waits for whom it knew, not for strangers",
          "[sync][unsigned][restored]") {
    OldCity w;
    auto a = OldCity::device(69, "B01", *w.hub), town = OldCity::device(70, "K1-01", *w.hub);
    auto town_hub = must(sync::Hub::open(**town));
    auto stranger = OldCity::device(71, "B01", town_hub);
    stranger->set("assignment", "A1", {{"remark", text("一")}});
    must(sync::Hub::restored(*w.city));
    w.hub = std::make_unique<sync::Hub>(must(sync::Hub::open(*w.city)));
    REQUIRE(must(sync::restored_progress(*w.city)).has_value());
    auto b = from_a_stranger(*stranger);
    b.control_entries = must(w.city->control_after(ControlPos{0}, 1u << 20));
    b.control_after = ControlPos{0};
    take(*w.city, b);
    REQUIRE(must(sync::restored_progress(*w.city)).has_value());
    CHECK(must(sync::restored_progress(*w.city))->met == 0);
    World::sync(*a, *w.hub);
    CHECK_FALSE(must(sync::restored_progress(*w.city)).has_value());
}

}  // namespace taizhang::without_keys_test
