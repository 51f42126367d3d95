// Contents between a device and its hub: cuts, damage, scope, quota, relays.
#include "files/bundle_contents.h"
#include "sync/token.h"
#include "tests/shared/files/nodes.h"

#include <catch2/catch.hpp>

#include <random>

namespace taizhang::file_session_test {
namespace {

using files::Sent;
using support::Device;
using support::exchange;
using support::Fate;
using support::FileNode;
using support::noise;
using support::World;

/// The city and one PC of B01 below it.
struct Pair {
    Pair() : city(w.city) {
        w.new_assignment("A1", "T1", "B01");
        w.new_assignment("A2", "T1", "B02");
        pc_device = w.device("B01");
        pc = std::make_unique<FileNode>(*pc_device);
    }
    support::Traffic files(FileNode& below, std::size_t chunk = 4096, const support::Link& link = {}) {
        return exchange(below, *w.hub, city, chunk, link);
    }
    World w;
    FileNode city;
    std::unique_ptr<Device> pc_device;
    std::unique_ptr<FileNode> pc;
};

TEST_CASE("files: after the rows the content follows, once, and the levels are told", "[files]") {
    Pair p;
    const auto bytes = noise(100'000, 1);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    REQUIRE(*files::FileSession::has_work(*p.pc->contents, false));
    p.w.sync(*p.pc_device);
    const auto t = p.files(*p.pc);
    CHECK(p.city.blobs.bytes(hash) == bytes);
    CHECK(t.stats.sent == 1);
    CHECK(t.stats.bytes_sent == bytes.size());
    CHECK(t.up < bytes.size() + 200 * static_cast<std::uint64_t>(t.trips));
    CHECK((*p.pc->index().find(hash))->sent == Sent::there);
    CHECK(*p.pc->index().levels(hash) == std::vector{Level::city});
    CHECK_FALSE(*files::FileSession::has_work(*p.pc->contents, true));
}

TEST_CASE("files: a record that names a content with a size that makes no sense stands in nobody's way", "[files]") {
    Pair p;
    auto liar_device = p.w.device("B01"), other_device = p.w.device("B01");
    FileNode liar(*liar_device), other(*other_device);
    const auto bytes = noise(10'000, 4);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-5");
    const std::size_t size = GENERATE(0, std::size_t{1} << 40);
    liar.name("A1", "B01", hash, size, "E-1");             // of the same content, and read before the other one
    liar.name("A1", "B01", hash_of("none"), size, "E-2");  // of one that there is not
    for (auto* d : {liar_device.get(), p.pc_device.get(), other_device.get()}) p.w.sync(*d);
    p.files(*p.pc);
    CHECK(p.city.blobs.bytes(hash) == bytes);
    REQUIRE(other.contents->expect(hash).has_value());
    CHECK(other.contents->expect(hash_of("none")).error().code == Errc::not_found);
    REQUIRE(other.index().set_wanted(hash, files::kWantedHere).has_value());
    p.files(other);
    CHECK(other.blobs.bytes(hash) == bytes);
    // A device that asks for the other one all the same is told so, and gets the rest.
    wire::FileRequest q;
    q.token = *sync::upstream_token(**other_device);
    q.wishes = {{hash_of("none"), 0, 4096}, {hash, 0, 4096}};
    const auto answer = files::FileHub(*p.w.hub, *p.city.contents).handle(wire::encode(q));
    REQUIRE(answer.has_value());
    wire::FileReply reply;
    REQUIRE(wire::decode(*answer, reply).has_value());
    CHECK(reply.words.size() == 1);
    CHECK(reply.ranges.size() == 1);
}

TEST_CASE("files: a cut at any message costs at most one chunk, and the whole arrives", "[files]") {
    std::mt19937 random(11);
    for (int round = 0; round < 40; ++round) {
        Pair p;
        const auto bytes = noise(1 + random() % 60'000, static_cast<std::uint64_t>(round));
        const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
        p.w.sync(*p.pc_device);
        const std::size_t chunk = 1024 << random() % 4;
        std::uint64_t up = 0, trips = 0, cuts = 0;
        for (int sessions = 0; !p.city.blobs.has(hash); ++sessions) {
            REQUIRE(sessions < 500);
            const auto t = p.files(*p.pc, chunk, [&](std::string& request, std::string&) {
                if (request.empty()) return Fate::arrives;
                const auto dice = random() % 10;
                return dice == 0 ? Fate::request_lost : dice == 1 ? Fate::reply_lost : Fate::arrives;
            });
            up += t.up;
            trips += static_cast<std::uint64_t>(t.trips);
            if (t.cut) ++cuts;
            if (random() % 4 == 0) p.city.restart();
            if (random() % 4 == 0) p.pc->restart();
        }
        CHECK(p.city.blobs.bytes(hash) == bytes);
        CHECK(up <= bytes.size() + cuts * chunk + 200 * trips);
        p.files(*p.pc);
        CHECK((*p.pc->index().find(hash))->sent == Sent::there);
    }
}

TEST_CASE("files: damage on the way is noticed at the chunk, both ways", "[files]") {
    Pair p;
    const auto bytes = noise(50'000, 2);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    p.w.sync(*p.pc_device);
    std::mt19937 random(3);
    int damaged = 0;
    for (int sessions = 0; !p.city.blobs.has(hash) && sessions < 50; ++sessions)
        p.files(*p.pc, 4096, [&](std::string& request, std::string&) {
            if (request.size() > 4000 && random() % 3 == 0) {
                request[request.size() - 1000] ^= 1;
                ++damaged;
            }
            return Fate::arrives;
        });
    CHECK(damaged > 0);
    CHECK(p.city.blobs.bytes(hash) == bytes);

    auto other_device = p.w.device("B01");
    FileNode other(*other_device);
    REQUIRE(other.contents->expect(hash).has_value());
    REQUIRE(other.index().set_wanted(hash, files::kWantedHere).has_value());
    damaged = 0;
    for (int sessions = 0; !other.blobs.has(hash) && sessions < 50; ++sessions)
        p.files(other, 4096, [&](std::string&, std::string& reply) {
            if (reply.size() > 4000 && random() % 3 == 0) {
                reply[reply.size() - 1000] ^= 1;
                ++damaged;
            }
            return Fate::arrives;
        });
    CHECK(damaged > 0);
    CHECK(other.blobs.bytes(hash) == bytes);
}

TEST_CASE("files: what the hub has already never travels again", "[files]") {
    Pair p;
    const auto bytes = noise(80'000, 3);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    p.w.sync(*p.pc_device);
    p.files(*p.pc);

    // Another PC of the same branch, and a PC of another branch, with the same photo.
    for (const char* unit : {"B01", "B02"}) {
        auto device = p.w.device(unit);
        FileNode pc(*device);
        pc.attach(unit == std::string("B01") ? "A1" : "A2", unit, bytes, std::string("E-again-") + unit);
        p.w.sync(*device);
        const auto t = p.files(pc);
        CHECK(t.stats.known == 1);
        CHECK(t.stats.sent == 0);
        CHECK(t.up < 300);
        CHECK((*pc.index().find(hash))->sent == Sent::there);
    }
    CHECK(*p.city.index().bytes_of("B01") == 80'000);
    CHECK(*p.city.index().bytes_of("B02") == 0);
}

TEST_CASE("files: a device gets and gives only what a record in its scope names", "[files]") {
    Pair p;
    const auto bytes = noise(10'000, 4);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    p.w.sync(*p.pc_device);
    p.files(*p.pc);

    // A neighbour who has heard of the hash names nothing by it.
    auto neighbour_device = p.w.device("B02");
    FileNode neighbour(*neighbour_device);
    REQUIRE(neighbour.index().add(hash, bytes.size(), "B02", false).has_value());
    REQUIRE(neighbour.index().set_wanted(hash, files::kWantedHere).has_value());
    const auto asked = p.files(neighbour);
    CHECK(asked.stats.refused.size() == 1);
    CHECK(asked.down < 400);
    CHECK_FALSE(neighbour.blobs.has(hash));

    // And what no record names is not taken, nor begun.
    const auto stray = noise(5000, 5);
    REQUIRE(neighbour.contents->keep(support::source_of(stray), hash_of(stray), stray.size(), "B02").has_value());
    const auto sent = p.files(neighbour);
    CHECK_FALSE(sent.stats.refused.empty());
    CHECK_FALSE(p.city.blobs.has(hash_of(stray)));
    CHECK_FALSE((*p.city.index().find(hash_of(stray))).has_value());

    // Whoever is no device of this hub gets nothing at all.
    wire::FileRequest q;
    q.token = "0123456789abcdef";
    const auto denied = files::FileHub(*p.w.hub, *p.city.contents).handle(wire::encode(q));
    REQUIRE_FALSE(denied.has_value());
    CHECK(denied.error().code == Errc::denied);
}

TEST_CASE("files: a row that is not at the hub yet lets its content wait, not fail", "[files]") {
    Pair p;
    const auto bytes = noise(10'000, 6);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    CHECK(p.files(*p.pc).stats.refused.size() == 1);
    p.w.sync(*p.pc_device);
    CHECK(*files::FileSession::has_work(*p.pc->contents, false));  // whoever is woken by the sync goes on
    CHECK(p.files(*p.pc).stats.sent == 1);
    CHECK_FALSE(*files::FileSession::has_work(*p.pc->contents, false));
    CHECK(p.city.blobs.has(hash));
}

TEST_CASE("files: a unit's quota is kept, said in one line, and lifted later", "[files]") {
    Pair p;
    REQUIRE(p.city.index().set_quota(15'000).has_value());
    const auto first = p.pc->attach("A1", "B01", noise(10'000, 7), "E-1");
    const auto second = p.pc->attach("A1", "B01", noise(10'000, 8), "E-2");
    p.w.sync(*p.pc_device);
    const auto t = p.files(*p.pc);
    CHECK(t.stats.sent == 1);
    REQUIRE(t.stats.refused.size() == 1);
    CHECK(t.stats.refused.front().find("B01") != std::string::npos);
    CHECK(p.city.blobs.has(first) != p.city.blobs.has(second));
    CHECK(*p.city.index().bytes_of("B01") == 10'000);
    const auto& refused = p.city.blobs.has(first) ? second : first;
    CHECK((*p.pc->index().find(refused))->sent == Sent::refused);
    // Asking for it does not get round the quota.
    REQUIRE(p.city.contents->expect(refused).has_value());
    CHECK(p.files(*p.pc).stats.refused.size() == 1);
    REQUIRE(p.city.index().set_quota(100'000).has_value());
    CHECK(p.files(*p.pc).stats.sent == 1);
    CHECK(p.city.blobs.has(refused));
}

TEST_CASE("files: a hub that takes on demand asks when somebody there needs it", "[files]") {
    Pair p;
    REQUIRE(p.city.index().set_on_demand(true).has_value());
    const auto bytes = noise(30'000, 9);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    p.w.sync(*p.pc_device);
    CHECK(p.files(*p.pc).up < 300);
    CHECK_FALSE(p.city.blobs.has(hash));
    CHECK((*p.pc->index().find(hash))->sent == Sent::when_asked);
    CHECK_FALSE(*files::FileSession::has_work(*p.pc->contents, false));
    CHECK(*files::FileSession::has_work(*p.pc->contents, true));
    CHECK(p.files(*p.pc).up < 300);

    REQUIRE(p.city.contents->expect(hash).has_value());
    REQUIRE(p.city.index().set_wanted(hash, files::kWantedHere).has_value());
    p.files(*p.pc);
    CHECK(p.city.blobs.bytes(hash) == bytes);

    // It takes everything again: what was kept goes up by itself.
    const auto kept = p.pc->attach("A1", "B01", noise(5000, 91), "E-2");
    p.w.sync(*p.pc_device);
    p.files(*p.pc);
    CHECK_FALSE(p.city.blobs.has(kept));
    REQUIRE(p.city.index().set_on_demand(false).has_value());
    p.files(*p.pc);
    CHECK(p.city.blobs.has(kept));
}

TEST_CASE("files: a hub that came back from a backup without its contents is healed", "[files]") {
    Pair p;
    const auto bytes = noise(30'000, 10);
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    p.w.sync(*p.pc_device);
    p.files(*p.pc);
    p.city.blobs.lose_everything();
    REQUIRE(sync::Hub::restored(*p.w.city).has_value());
    p.w.hub = std::make_unique<sync::Hub>(*sync::Hub::open(*p.w.city));
    p.w.sync(*p.pc_device);
    REQUIRE(*files::FileSession::has_work(*p.pc->contents, false));
    p.files(*p.pc);
    CHECK(p.city.blobs.bytes(hash) == bytes);
}

TEST_CASE("files: a hub whose disk was put back without a word is healed, also after it has got others' contents",
          "[files]") {
    Pair p;
    const auto bytes = noise(60'000, 24);
    p.pc->attach("A1", "B01", noise(500, 25), "E-0");
    const auto hash = p.pc->attach("A1", "B01", bytes, "E-1");
    p.w.sync(*p.pc_device);
    p.files(*p.pc);
    REQUIRE(p.city.blobs.has(hash));
    // The copy is from before anything came, and whoever copied it back said nothing to the program.
    for (const char* table : {"content", "content_level", "content_range"})
        REQUIRE((*p.w.city).database().exec(std::string("DELETE FROM ") + table).has_value());
    p.city.blobs.lose_everything();
    SECTION("at once") {}
    SECTION("others brought as much since") {
        auto other_device = p.w.device("B01");
        FileNode other(*other_device);
        other.attach("A1", "B01", noise(700, 26), "E-2");
        other.attach("A1", "B01", noise(800, 27), "E-3");
        p.w.sync(*other_device);
        p.files(other);
    }
    p.w.sync(*p.pc_device);
    p.files(*p.pc);
    CHECK(p.city.blobs.bytes(hash) == bytes);
}

TEST_CASE("files: with the records that a move takes away their contents go, unless they still have to go up",
          "[files]") {
    Pair p;
    const auto sent = p.pc->attach("A1", "B01", noise(5000, 20), "E-1");
    p.w.sync(*p.pc_device);
    p.files(*p.pc);
    const auto unsent = p.pc->attach("A1", "B01", noise(5000, 21), "E-2");
    REQUIRE((*p.pc_device)->evict({"B01", Audience::ledger}).has_value());
    REQUIRE((*p.pc_device)->set_fact("upstream/evicted", "12").has_value());
    REQUIRE(files::FileSession::has_work(*p.pc->contents, false).has_value());
    CHECK_FALSE(p.pc->blobs.has(sent));
    CHECK_FALSE((*p.pc->index().find(sent)).has_value());
    CHECK(p.pc->blobs.has(unsent));
}

TEST_CASE("files: what an office attached before the tree took the unit from it still goes up, then it lets it go",
          "[files][moves]") {
    Pair p;
    auto office_device = p.w.device("K1-01");
    FileNode office(*office_device);
    const auto bytes = noise(5000, 23);
    const auto hash = office.attach("A1", "B01", bytes, "E-9");
    const auto unit = R"({"id":"B01","parent_id":"K1-02","level":"branch","name":"Branch 1"})";
    REQUIRE(p.w.city->append_control("unit", R"({"id":"K1-02","parent_id":"K1","level":"township","name":"New"})")
                .has_value());
    REQUIRE(p.w.city->append_control("unit", unit).has_value());
    p.w.sync(*office_device);
    CHECK((*office_device)->find("E-9")->empty());
    REQUIRE(*files::FileSession::has_work(*office.contents, false));
    const auto traffic = exchange(office, *p.w.hub, p.city);
    CHECK(traffic.stats.sent == 1);
    CHECK(traffic.stats.refused.empty());
    REQUIRE(p.city.blobs.has(hash));
    CHECK(p.city.blobs.bytes(hash) == bytes);
    CHECK_FALSE(office.blobs.has(hash));
    CHECK_FALSE((*office.index().find(hash)).has_value());
    // It may bring it, not fetch it.
    CHECK_FALSE(p.city.contents->reference_for("K1-01", hash)->has_value());
}

TEST_CASE("bundles: an office hands up by stick what it attached before the tree took the unit", "[files][moves]") {
    Pair p;
    auto office_device = p.w.device("K1-01");
    FileNode office(*office_device);
    const auto hash = office.attach("A1", "B01", noise(5000, 24), "E-9");
    const auto unit = R"({"id":"B01","parent_id":"K1-02","level":"branch","name":"Branch 1"})";
    REQUIRE(p.w.city->append_control("unit", R"({"id":"K1-02","parent_id":"K1","level":"township","name":"New"})")
                .has_value());
    REQUIRE(p.w.city->append_control("unit", unit).has_value());
    p.w.sync(*office_device);
    for (const char* to : {"C", "B02"}) {
        sync::BundleOptions o;
        o.to = to;
        files::BundleContents contents(*office.contents, 1 << 20);
        REQUIRE(contents.prepare(o).has_value());
        const auto made = sync::make_bundle(*office_device->replica, o);
        INFO(to);
        if (to != std::string("C")) {  // of whom no PC is known: nobody could open it
            CHECK(made.error().code == Errc::not_allowed);
            continue;
        }
        REQUIRE(made.has_value());
        CHECK(contents.stats().contents == 1);
        files::BundleContentsTaker taker(*p.city.contents);
        for (const auto& part : made->parts)
            REQUIRE(sync::take_bundle(
                        *p.w.city, part, [&](const wire::Bundle& b) { return taker.stage(b); },
                        [&](const wire::Bundle& b) { return taker.take(b); })
                        .has_value());
    }
    CHECK(p.city.blobs.has(hash));
}

/// A township's relay between the city and a PC.
struct Tiers : Pair {
    Tiers() {
        town_device = w.device("K1-01");
        town_hub = std::make_unique<sync::Hub>(*sync::Hub::open(**town_device));
        town = std::make_unique<FileNode>(*town_device);
        below_device = w.device_at(*town_hub, "B01");
        below = std::make_unique<FileNode>(*below_device);
    }
    support::Traffic to_town() { return exchange(*below, *town_hub, *town); }
    support::Traffic to_city() { return exchange(*town, *w.hub, city); }
    std::unique_ptr<Device> town_device, below_device;
    std::unique_ptr<sync::Hub> town_hub;
    std::unique_ptr<FileNode> town, below;
};

TEST_CASE("files: a relay keeps them without the city and forwards them when it is there", "[files][relay]") {
    Tiers t;
    const auto bytes = noise(40'000, 12);
    const auto hash = t.below->attach("A1", "B01", bytes, "E-1");
    World::sync(*t.below_device, *t.town_hub);
    t.to_town();
    CHECK(t.town->blobs.bytes(hash) == bytes);
    CHECK(*t.below->index().levels(hash) == std::vector{Level::township});
    CHECK(*t.town->index().count_sent(Sent::not_yet) == 1);

    t.w.sync(*t.town_device);
    CHECK(t.to_city().stats.sent == 1);
    CHECK(t.city.blobs.bytes(hash) == bytes);
    // "The city has it" comes down with the next question, which is small.
    REQUIRE(*files::FileSession::has_work(*t.below->contents, true));
    const auto news = t.to_town();
    CHECK(news.trips == 1);
    CHECK(news.up < 120);
    CHECK(*t.below->index().levels(hash) == std::vector{Level::township, Level::city});
    CHECK_FALSE(*files::FileSession::has_work(*t.below->contents, true));
}

TEST_CASE("files: a branch is told of all of its contents, more than one answer holds, and of no others",
          "[files][relay]") {
    Tiers t;
    std::vector<Hash> hashes;
    for (std::uint64_t n = 0; n < files::kNewsMax + 40; ++n)
        hashes.push_back(t.below->attach("A1", "B01", noise(20, 1000 + n), "E-" + std::to_string(n)));
    World::sync(*t.below_device, *t.town_hub);
    t.to_town();
    t.w.sync(*t.town_device);
    t.to_city();
    // What the office has from elsewhere lies in between in its account.
    const auto others = t.town->attach("A1", "K1-01", noise(20, 1), "E-other");
    REQUIRE(t.town->index().learn_level(others, Level::city).has_value());
    int questions = 0;
    while (*files::FileSession::has_work(*t.below->contents, true) && questions < 10) {
        t.to_town();
        ++questions;
    }
    CHECK(questions <= 3);
    for (const auto& hash : hashes) CHECK(*t.below->index().levels(hash) == std::vector{Level::township, Level::city});
    CHECK(t.below->index().levels(others)->empty());
}

TEST_CASE("files: what the city asks for comes through a relay that does not have it either", "[files][relay]") {
    Tiers t;
    REQUIRE(t.city.index().set_on_demand(true).has_value());
    REQUIRE(t.town->index().set_on_demand(true).has_value());
    const auto bytes = noise(40'000, 13);
    const auto hash = t.below->attach("A1", "B01", bytes, "E-1");
    World::sync(*t.below_device, *t.town_hub);
    t.w.sync(*t.town_device);
    t.to_town();
    t.to_city();
    CHECK_FALSE(t.town->blobs.has(hash));

    REQUIRE(t.city.contents->expect(hash).has_value());
    REQUIRE(t.city.index().set_wanted(hash, files::kWantedHere).has_value());
    t.to_city();  // the relay learns of the wish,
    t.to_town();  // gets it from below
    t.to_city();  // and sends it up
    CHECK(t.city.blobs.bytes(hash) == bytes);
}

TEST_CASE("files: a device gets through its relay what only the city has", "[files][relay]") {
    Tiers t;
    const auto bytes = noise(40'000, 14);
    const auto hash = t.city.attach("A1", "B01", bytes, "E-1");
    t.w.sync(*t.town_device);
    World::sync(*t.below_device, *t.town_hub);
    REQUIRE(t.below->contents->expect(hash).has_value());
    REQUIRE(t.below->index().set_wanted(hash, files::kWantedHere).has_value());
    CHECK(t.to_town().stats.not_here == 1);
    t.to_city();
    CHECK(t.town->blobs.has(hash));
    CHECK(t.to_town().stats.received == 1);
    CHECK(t.below->blobs.bytes(hash) == bytes);
    // What came from above is not offered upwards again.
    CHECK(*t.town->index().count_sent(Sent::not_yet) == 0);
    CHECK(*t.below->index().count_sent(Sent::not_yet) == 0);
}

}  // namespace
}  // namespace taizhang::file_session_test
