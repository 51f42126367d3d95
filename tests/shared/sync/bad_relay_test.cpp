// What a dishonest relay can do with real messages: it may delay and drop. Whatever else it does, what is taken is
// what honest people wrote, and an honest hub heals the rest.
#include "sync/token.h"
#include "tests/support/world.h"
#include "wire/runs.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>

namespace taizhang::bad_relay_test {
namespace {

using support::Device;
using support::text;
using support::World;

std::vector<std::pair<std::string, std::string>> state_of(Replica& r) { return *r.digest(); }

/// A reply of the hub to the device, as it left it.
struct Exchange {
    sync::Session session;
    std::string request, reply;
    explicit Exchange(Device& d, sync::Hub& hub)
        : session(*d), request(*session.request()), reply(*hub.handle(request)) {}
};

/// The reply with its commits in the open, changed, and put together again: every length and mark fits.
std::string changed(const std::string& reply, const std::function<void(wire::SyncReply&)>& how) {
    wire::SyncReply m;
    REQUIRE(wire::decode(reply, m).has_value());
    REQUIRE(wire::read_runs(m.runs, {}, m.commits).has_value());
    how(m);
    m.runs = wire::write_runs(m.commits, {});
    m.commits.clear();
    return wire::encode(m);
}

void check_healed(World& w, Device& d) {
    for (int i = 0; i < 3; ++i) w.sync(d);
    CHECK(d->verify().has_value());
    CHECK(d.field("A1", "remark") == "第三");
    CHECK(*sync::unsent_count(*d) == 0);
}

/// Three edits of another PC are on their way to this one.
struct Scene {
    World w;
    std::unique_ptr<Device> author, reader;
    Scene() {
        w.new_assignment("A1", "T1", "B01");
        author = w.device("B01");
        reader = w.device("B01");
        for (const char* t : {"第一", "第二", "第三"}) author->set("assignment", "A1", {{"remark", text(t)}});
        w.sync(*author);
    }
};

}  // namespace

TEST_CASE("bad relay: a reply in which commits are altered, left out, swapped or stripped is refused whole",
          "[sync][bad-relay]") {
    Scene s;
    Exchange x(*s.reader, *s.w.hub);
    const auto before = state_of(**s.reader);
    const auto head = (*s.reader)->log_head();
    std::function<void(wire::SyncReply&)> how;
    SECTION("altered") {
        how = [](auto& m) {
            auto& c = m.commits.front();
            const auto at = c.find("第一");
            REQUIRE(at != std::string::npos);
            c.replace(at, 6, "改了");
        };
    }
    SECTION("the one in the middle left out") {
        how = [](auto& m) { m.commits.erase(m.commits.begin() + 1); };
    }
    SECTION("swapped") {
        how = [](auto& m) { std::swap(m.commits[0], m.commits[1]); };
    }
    SECTION("signatures taken off") {
        how = [](auto& m) { m.signatures.clear(); };
    }
    SECTION("another signature") {
        how = [](auto& m) { m.signatures.back().signature = support::make_key(4)->sign(kForHead, "x"); };
    }
    SECTION("the last one left out, its signature moved down") {
        how = [](auto& m) {
            m.commits.pop_back();
            m.signatures = {{m.commits.size() - 1, m.signatures.back().signature}};
        };
    }
    SECTION("a level that the relay does not have") {
        how = [](auto& m) { m.level = Level::city; };
        // The hub here is the city's, so that much is true of it: its certificate decides, not its word.
        CHECK(x.session.reply(changed(x.reply, how)).has_value());
        return check_healed(s.w, *s.reader);
    }
    const auto taken = x.session.reply(changed(x.reply, how));
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().detail.find(" / ") != std::string::npos);
    CHECK((*s.reader)->log_head() == head);
    CHECK(state_of(**s.reader) == before);
    check_healed(s.w, *s.reader);
}

TEST_CASE("bad relay: any byte of any message changed, nothing false is taken", "[sync][bad-relay]") {
    Scene s;
    s.reader->set("assignment", "A1", {{"next_steps", text("自己写的")}});
    Exchange x(*s.reader, *s.w.hub);
    int refused = 0, tried = 0;
    for (std::size_t i = 0; i < x.reply.size(); ++i) {
        auto bad = x.reply;
        bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
        sync::Session fresh(**s.reader);
        REQUIRE(fresh.request().has_value());
        ++tried;
        refused += !fresh.reply(bad).has_value();
    }
    CHECK(tried > 100);
    CHECK(refused > tried / 2);
    for (std::size_t i = 0; i < x.request.size(); ++i) {
        auto bad = x.request;
        bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
        static_cast<void>(s.w.hub->handle(bad));
    }
    check_healed(s.w, *s.reader);
    CHECK(s.w.city->verify().has_value());
    CHECK(s.w.city.field("A1", "next_steps") == "自己写的");
}

TEST_CASE("bad relay: old replies and old acks again and again change nothing", "[sync][bad-relay]") {
    Scene s;
    std::vector<std::string> kept;
    for (const char* t : {"四", "五", "六"}) {
        s.author->set("assignment", "A1", {{"next_steps", text(t)}});
        Exchange x(*s.author, *s.w.hub);
        kept.push_back(x.reply);
        REQUIRE(x.session.reply(x.reply).has_value());
    }
    s.author->set("assignment", "A1", {{"next_steps", text("还没送到")}});
    REQUIRE(*sync::unsent_count(**s.author) == 1);
    const auto before = state_of(**s.author);
    for (int round = 0; round < 3; ++round)
        for (const auto& old : kept) {
            sync::Session session(**s.author);
            REQUIRE(session.request().has_value());
            static_cast<void>(session.reply(old));
            // What it wrote and nobody acknowledged is still to be sent.
            CHECK(*sync::unsent_count(**s.author) == 1);
            CHECK(state_of(**s.author) == before);
        }
    s.w.sync(*s.author);
    CHECK(*sync::unsent_count(**s.author) == 0);
    CHECK(s.w.city.field("A1", "next_steps") == "还没送到");
    // Old requests at the hub, likewise.
    s.author->set("assignment", "A1", {{"next_steps", text("七")}});
    Exchange x(*s.author, *s.w.hub);
    const auto there = s.w.city->log_head();
    for (int i = 0; i < 3; ++i) REQUIRE(s.w.hub->handle(x.request).has_value());
    CHECK(s.w.city->log_head() == there);
}

TEST_CASE("bad relay: what one withholds, with a cursor as if it had given it, comes from another hub",
          "[sync][bad-relay]") {
    Scene s;
    // Two faces: this reader is shown nothing of what the author wrote, the other one is.
    Exchange x(*s.reader, *s.w.hub);
    REQUIRE(x.session
                .reply(changed(x.reply,
                               [](auto& m) {
                                   m.commits.clear();
                                   m.signatures.clear();
                               }))
                .has_value());
    s.w.sync(*s.reader);
    CHECK(s.reader->field("A1", "remark") != "第三");
    auto other = s.w.device("B01");
    CHECK(other->field("A1", "remark") == "第三");
    // It meets an honest one: what both hold is compared, and the rest comes.
    auto honest = s.w.device("K1-01");
    auto hub = *sync::Hub::open(**honest);
    s.w.enrol_at(hub, *s.reader, "B01");
    World::sync(*s.reader, hub);
    CHECK(s.reader->field("A1", "remark") == "第三");
    for (const auto& line : state_of(**other))
        for (const auto& mine : state_of(**s.reader))
            if (line.first == mine.first) CHECK(line == mine);
}

TEST_CASE("bad device: what it writes outside its scope is denied, and its own work goes on", "[sync][bad-relay]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T2", "B02");
    auto bad = w.device("B01"), victim = w.device("B02");
    CommitHeader h;
    h.replica = (*bad)->id();
    h.stream = {"B02", Audience::ledger};
    h.seq = Seq{1};
    h.control = w.city->control().head();
    h.catalog = w.city->control().newest_catalog()->version();
    h.time = static_cast<std::uint64_t>(bad->clock.wall_ms) << 16;
    CommitWriter writer;
    writer.row("assignment", "A2");
    writer.part(fold::Op::put, "remark", {});
    writer.field("remark", text("邻居写的"));
    const auto bytes = writer.finish(h);
    std::string packed;
    Packer().pack(bytes, packed);
    // Signed as it should be, by its own enrolled key.
    sync::Session session(**bad);
    wire::SyncRequest q;
    REQUIRE(wire::decode(*session.request(), q).has_value());
    q.token = *sync::upstream_token(**bad);
    q.place = 0;
    q.replica = (*bad)->id();
    q.city = (*bad)->control().city_mark();
    q.commits = {packed};
    q.runs = wire::write_runs(q.commits, q.replica);
    q.signatures = {{0, bad->keys.device->sign(kForHead, view(hash_of(bytes).bytes))}};
    wire::SyncReply reply;
    REQUIRE(wire::decode(*w.hub->handle(wire::encode(q)), reply).has_value());
    REQUIRE(reply.verdicts.size() == 1);
    CHECK(reply.verdicts[0].kind == wire::Verdict::Kind::denied);
    w.sync(*victim);
    CHECK(victim->field("A2", "remark") != "邻居写的");
    CHECK(w.city.field("A2", "remark") != "邻居写的");
    bad->set("assignment", "A1", {{"remark", text("自己的")}});
    w.sync(*bad);
    CHECK(w.city.field("A1", "remark") == "自己的");
    CHECK(w.city->verify().has_value());
}

TEST_CASE("bad relay: where an office answers in the place of another, its word is its own level's",
          "[sync][bad-relay][level]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01"), office = w.device("C-DJB");
    auto a = w.device("B01");
    a->set("assignment", "A1", {{"remark", text("交给市级的")}});
    sync::Session s(**a);
    wire::SyncRequest q;
    REQUIRE(wire::decode(*s.request(), q).has_value());
    const auto chain = *(*a)->chain_after(StreamId{"B01", Audience::ledger}, (*a)->id(), Seq{0}, 1u << 20);
    wire::SyncReply m;
    m.level = Level::city;
    m.time_ms = a->clock.wall_ms;
    m.control_head = (*a)->control().head();
    m.cursor.log = q.cursor.log;
    m.cursor.certificates = q.cursor.certificates;
    m.cursor.acks = q.cursor.acks;
    m.took = wire::mark_of({chain.back().hash});

    SECTION("a township that says it is the city is not believed at all") {
        s.answered_by((*town)->id());
        const auto r = s.reply(wire::encode(m));
        REQUIRE(r.has_error());
        CHECK(r.error().code == Errc::protocol);
        CHECK(*sync::unsent_count(**a) == 1);
        CHECK(*sync::own_commits_at(**a, Level::city) == 0);
    }
    SECTION("what it says as a township is the township's") {
        m.level = Level::township;
        s.answered_by((*town)->id());
        REQUIRE(s.reply(wire::encode(m)).has_value());
        CHECK(*sync::own_commits_at(**a, Level::township) == 1);
        CHECK(*sync::own_commits_at(**a, Level::city) == 0);
    }
    SECTION("an office of the city's level that is not the city's own server has it, and the city has not") {
        s.answered_by((*office)->id());
        REQUIRE(s.reply(wire::encode(m)).has_value());
        CHECK(*sync::unsent_count(**a) == 0);
        CHECK(*sync::own_commits_at(**a, Level::city) == 0);
    }
    SECTION("the city's server is the city") {
        s.answered_by(w.city->id());
        REQUIRE(s.reply(wire::encode(m)).has_value());
        CHECK(*sync::own_commits_at(**a, Level::city) == 1);
    }
}

}  // namespace taizhang::bad_relay_test
