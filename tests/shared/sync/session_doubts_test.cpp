// What a device makes of answers that a server could give and ours does not: twice the same wish, histories nobody
// asked for, other commits than were promised, the city's log once more.
#include "sync/acks.h"
#include "sync/bundle.h"
#include "sync/upstream_facts.h"
#include "tests/shared/sync/under_way.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <cstdio>
#include <vector>

namespace taizhang::session_doubts_test {
using namespace taizhang::support;

namespace {

using Change = std::function<void(wire::SyncReply&)>;

bool says(const std::string& line, const char* what) { return line.find(what) != std::string::npos; }

wire::SyncRequest opened(const std::string& bytes) {
    wire::SyncRequest q;
    must(wire::decode(bytes, q));
    return q;
}

/// The newest entry of the log, as a city with the same key but another past would give it.
std::vector<std::string> newest_entry(Device& city) {
    return must(city->control_after(ControlPos{city->control().head().value - 1}, 1u << 20));
}

/// Three edits of a colleague's are on their way to a PC that brings nothing.
struct Reading : World {
    std::unique_ptr<Device> author, reader;
    Reading() {
        new_assignment("A1", "T1", "B01");
        author = device("B01");
        reader = device("B01");
        for (const char* t : {"一", "二", "三"}) author->set("assignment", "A1", {{"remark", text(t)}});
        sync(*author);
    }
    /// What the hub answers, changed; the reader takes it.
    Result<> takes(const Change& change) {
        sync::Session s(**reader);
        auto m = UnderWay::read(must(hub->handle(must(s.request()))));
        change(m);
        return s.reply(UnderWay::write(m));
    }
    void refused(const char* what, const Change& change) {
        const auto head = (*reader)->log_head();
        const auto taken = takes(change);
        REQUIRE(taken.has_error());
        INFO(taken.error().detail);
        CHECK(taken.error().code == Errc::protocol);
        CHECK(says(taken.error().detail, what));
        CHECK((*reader)->log_head() == head);
        sync(*reader);
        CHECK(reader->field("A1", "remark") == "三");
    }
};

}  // namespace

TEST_CASE("session: what follows is asked for ahead only where the answer at hand leaves no other wish",
          "[sync][session]") {
    UnderWay w;
    w.sync(*w.a);
    const auto ahead = [&](const Change& change) {
        sync::Session s(**w.a);
        auto m = UnderWay::read(must(w.hub->handle(must(s.request()))));
        m.more = true;
        ++m.cursor.log.value;
        change(m);
        return must(s.ahead(UnderWay::write(m)));
    };
    CHECK_FALSE(ahead([](auto&) {}).empty());
    CHECK(ahead([](auto& m) { m.more = false; }).empty());
    CHECK(ahead([&](auto& m) { m.wants_certificates = {(*w.a)->id()}; }).empty());
    CHECK(ahead([](auto& m) { m.takes_control = true; }).empty());
    CHECK(ahead([](auto& m) { m.has_heads = true; }).empty());
    CHECK(ahead([](auto& m) { m.wants_vector = true; }).empty());
    CHECK(ahead([](auto& m) { m.pasts = {{{kB01, "assignment", "A1"}, {}}}; }).empty());
    CHECK(ahead([&](auto& m) {
              m.verdicts = {{wire::Verdict::Kind::denied, kB01, (*w.a)->id(), Seq{1}, {}, "the reason"}};
          }).empty());
}

TEST_CASE("session: the answer that is taken is the one that is given, whichever was looked at before",
          "[sync][session]") {
    UnderWay w;
    sync::Session s(**w.a);
    const auto answer = must(w.hub->handle(must(s.request())));
    must(s.ahead(UnderWay::write(w.changed([](auto& m) { ++m.city; }))));
    CHECK(ok(s.reply(answer)));
    CHECK(*sync::unsent_count(**w.a) == 0);
}

TEST_CASE("session: what is no commit is not taken, and an honest answer heals what came with it", "[sync][session]") {
    const bool is_first = GENERATE(false, true);
    for (const auto& what : {std::string(), std::string(1, Packer::kRaw), std::string(1, Packer::kRaw) + "no commit",
                             std::string(1, Packer::kZstd) + "no frame"}) {
        Reading w;
        static_cast<void>(w.takes([&](auto& m) {
            m.commits.insert(is_first ? m.commits.begin() : m.commits.end(), what);
            for (auto& x : m.signatures) x.index += is_first;
        }));
        w.sync(*w.reader);
        CHECK(w.reader->field("A1", "remark") == "三");
        CHECK(must((*w.reader)->commits_in(kB01)) == must(w.city->commits_in(kB01)));
        CHECK(ok((*w.reader)->verify()));
    }
}

TEST_CASE("session: a server that asks for the city's log again and again gets it once", "[sync][session]") {
    UnderWay w;
    sync::Session s(**w.a);
    must(s.request());
    auto m = w.changed([&](auto& x) {
        x.takes_control = true;
        x.control_head = ControlPos{(*w.a)->control().head().value - 1};
    });
    must(s.reply(UnderWay::write(m)));
    REQUIRE(s.wants_more());
    CHECK(opened(must(s.request())).control_entries == newest_entry(w.city));
    ++m.time_ms;  // not the same answer
    must(s.reply(UnderWay::write(m)));
    CHECK_FALSE(s.wants_more());
}

TEST_CASE("session: a server that asks for a certificate gets it, once", "[sync][session]") {
    UnderWay w;
    sync::Session s(**w.a);
    must(s.request());
    auto m = w.changed([&](auto& x) { x.wants_certificates = {w.city->id(), ReplicaId{}}; });
    must(s.reply(UnderWay::write(m)));
    REQUIRE(s.wants_more());
    // What the hub's own rests on it has.
    CHECK(opened(must(s.request())).certificates.empty());
    m.wants_certificates = {(*w.a)->id(), w.city->id()};
    ++m.time_ms;
    must(s.reply(UnderWay::write(m)));
    REQUIRE(s.wants_more());
    CHECK(opened(must(s.request())).certificates ==
          std::vector<std::string>{(*w.a)->control().cert((*w.a)->id())->encode()});
    ++m.time_ms;
    must(s.reply(UnderWay::write(m)));
    CHECK_FALSE(s.wants_more());
}

TEST_CASE("session: where the hub has said what it holds, what does not follow or is not signed is refused",
          "[sync][session][bad-relay]") {
    Reading w;
    SECTION("the first of a chain left out") {
        w.refused("do not follow", [](auto& m) {
            m.has_heads = true;
            m.commits.erase(m.commits.begin());
            for (auto& x : m.signatures) --x.index;
        });
    }
    SECTION("one that names another before it") {
        const auto chain = must(w.city->chain_after(kB01, (*w.author)->id(), Seq{2}, 1u << 20));
        std::string bytes;
        must(Packer().unpack(chain.front().packed, bytes));
        Commit c;
        must(c.decode(bytes));
        CommitWriter writer;
        writer.row("assignment", "A1");
        writer.part(fold::Op::put, "remark", {});
        writer.field("remark", text("接不上"));
        auto header = c.header;
        header.seq = Seq{1};
        header.prev = {};
        const auto first = writer.finish(header);
        CommitWriter again;
        again.row("assignment", "A1");
        again.part(fold::Op::put, "remark", {});
        again.field("remark", text("接不上"));
        header.seq = Seq{2};
        header.prev = hash_of("no such commit");
        const auto broken = again.finish(header);
        w.refused("do not follow", [&](auto& m) {
            m.has_heads = true;
            m.commits.clear();
            m.signatures.clear();
            for (const auto& b : {first, broken}) {
                m.signatures.push_back(
                    {m.commits.size(), w.author->keys.device->sign(kForHead, view(hash_of(b).bytes))});
                Packer().pack(b, m.commits.emplace_back());
            }
        });
    }
    SECTION("by somebody whose certificate is kept back") {
        auto fresh = w.device("B01");
        fresh->set("assignment", "A1", {{"next_steps", text("新同事")}});
        w.sync(*fresh);
        w.refused("not signed by their authors", [](auto& m) {
            m.has_heads = true;
            m.certificates.clear();
        });
    }
}

TEST_CASE("session: a page with a refusal or with histories that nobody asked for is taken like any other",
          "[sync][session]") {
    UnderWay w;
    sync::Session s(**w.a);
    must(s.request());
    must(s.reply(UnderWay::write(w.changed([&](auto& m) {
        m.more = true;
        m.took = 0;
        m.verdicts = {{wire::Verdict::Kind::broken, kB01, (*w.a)->id(), Seq{1}, {}, "the reason"}};
    }))));
    CHECK(s.stats().refused.size() == 1);
    REQUIRE(s.wants_more());
    must(s.request());
    must(s.reply(UnderWay::write(w.changed([&](auto& m) {
        m.more = true;
        m.took = 0;
        wire::RowPast past{{kB01, "assignment", "A1"}, {}};
        for (auto& c : must(w.city->row_commits({"assignment", "A1", kB01})))
            past.commits.push_back({std::move(c.packed), c.unstamped});
        m.pasts = {past};
    }))));
    CHECK(w.a->field("A1", "remark") == "二");
    CHECK(*sync::unsent_count(**w.a) == 2);
    w.sync(*w.a);
    CHECK(*sync::unsent_count(**w.a) == 0);
    CHECK(ok((*w.a)->verify()));
}

TEST_CASE("session: two logs of one city: what does not need the other goes on, and one's own entry is shown once",
          "[sync][session][trust]") {
    UnderWay one, other;
    must(one.city->append_control("unit", R"({"id":"B08","parent_id":"K1-01","level":"branch","name":"B08"})"));
    must(other.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})"));
    one.sync(*one.a);
    const auto theirs = newest_entry(other.city), ours = newest_entry(one.city);
    const auto chain = must(one.city->chain_after(kB01, one.city->id(), Seq{0}, 1u << 20));
    const std::vector<Change> with{
        [&](auto& m) {
            m.commits = {chain.front().packed};
            m.signatures = {{0, chain.front().signature}};
        },
        [](auto& m) { m.states = {"a state that nobody waits for"}; },
        [](auto& m) { m.has_heads = true; },
    };
    for (const auto& change : with) {
        sync::Session s(**one.a);
        must(s.request());
        CHECK(ok(s.reply(UnderWay::write(one.changed([&](auto& m) {
            m.took = 0;
            m.control = theirs;
            m.control_head = other.city->control().head();
            m.more = true;
            change(m);
        })))));
        one.sync(*one.a);
    }
    // It is known by now: a long request shows the entry once more, and the next one does not.
    must(sync::forget_cursor(**one.a));
    sync::Session s(**one.a);
    must(s.request());
    auto m = one.changed([&](auto& x) {
        x.took = 0;
        x.control = theirs;
        x.control_head = other.city->control().head();
        x.more = x.has_heads = x.wants_vector = true;
    });
    must(s.reply(UnderWay::write(m)));
    CHECK(opened(must(s.request())).control_entries == ours);
    ++m.time_ms;
    must(s.reply(UnderWay::write(m)));
    CHECK(opened(must(s.request())).control_entries.empty());
}

TEST_CASE("session: a mark of the city's log is compared where it can be, and asked about once", "[sync][session]") {
    UnderWay w;
    const auto head = (*w.a)->control().head();
    const auto marked = [&](ControlPos at) {
        return w.changed([&](auto& m) {
            m.took = 0;
            m.verdicts = {{wire::Verdict::Kind::broken, kB01, (*w.a)->id(), Seq{1}, {}, "the reason"}};
            m.control_mark = 5;
            m.control_head = at;
        });
    };
    for (const auto at : {ControlPos{0}, head, ControlPos{head.value + 1}}) {
        sync::Session s(**w.a);
        must(s.request());
        must(s.reply(UnderWay::write(marked(at))));
        CHECK(opened(must(s.request())).control == head);
    }
    sync::Session s(**w.a);
    must(s.request());
    auto m = marked(ControlPos{head.value - 1});
    must(s.reply(UnderWay::write(m)));
    REQUIRE(s.wants_more());
    CHECK(opened(must(s.request())).control == ControlPos{head.value - 2});
    ++m.time_ms;
    must(s.reply(UnderWay::write(m)));
    CHECK(opened(must(s.request())).control == head);
}

TEST_CASE("session: a server that passes over a stream's state leaves it to the log", "[sync][session][checkpoint]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    Device d(8900);
    World::enrol_at(*w.hub, d, "B01");
    REQUIRE(must(d->fact(sync::kState)) == "+");
    sync::Session s(*d);
    auto m = UnderWay::read(must(w.hub->handle(must(s.request()))));
    m.states.clear();
    m.state_through = kB01.str();
    m.more = true;
    must(s.reply(UnderWay::write(m)));
    CHECK(must(d->fact(sync::kState)) == "+" + kB01.str());
    w.sync(d);
    CHECK(d.field("A1", "task_id") == "T1");
    CHECK(must(d->fact(sync::kState)).empty());
}

TEST_CASE("session: a refusal of what the tree lets one bring is told, whosever it is", "[sync][session]") {
    UnderWay w;
    const StreamId neighbours{"B02", Audience::ledger};
    Device stranger(8901);
    struct Refused {
        StreamId stream;
        ReplicaId author;
    };
    for (const auto& x :
         {Refused{kB01, w.city->id()}, Refused{neighbours, stranger->id()}, Refused{neighbours, w.city->id()}}) {
        sync::Session s(**w.a);
        must(s.request());
        must(s.reply(UnderWay::write(w.changed([&](auto& m) {
            m.took = 0;
            m.verdicts = {{wire::Verdict::Kind::denied, x.stream, x.author, Seq{1}, {}, "the reason"}};
        }))));
        CHECK(s.stats().refused.size() == 1);
    }
}

TEST_CASE("session: a hub's word on its own disk under a signature that does not fit counts, but is not passed on",
          "[sync][session][acks]") {
    UnderWay w;
    const auto chain = must((*w.a)->chain_after(kB01, (*w.a)->id(), Seq{0}, 1u << 20));
    sync::Session s(**w.a);
    must(s.request());
    must(s.reply(UnderWay::write(w.changed([&](auto& m) {
        m.took = 0;
        m.acks = {w.ack_of(Seq{2}, chain.back().hash)};
        m.acks.front().signer = w.city->id();
        m.acks.front().signature = make_key(3)->sign(kForAck, "what");
    }))));
    CHECK(must(sync::level_ack(**w.a, kB01, (*w.a)->id(), Level::city)) == Seq{2});
    std::uint64_t through = 0;
    CHECK(must(sync::acks_after(**w.a, 0, std::span(&kB01, 1), "B01", 100, through)).empty());
}

TEST_CASE("session: an office of the city's level passes the city's word on, and has none of its own",
          "[sync][session][acks]") {
    UnderWay w;
    auto office = w.device("C-DJB");
    must((*w.a)->add_certificate(*w.city->control().cert((*office)->id())));
    const auto chain = must((*w.a)->chain_after(kB01, (*w.a)->id(), Seq{0}, 1u << 20));
    const auto says_by = [&](Device& signer) {
        sync::Session s(**w.a);
        s.answered_by((*office)->id());
        must(s.request());
        must(s.reply(UnderWay::write(w.changed([&](auto& m) {
            m.took = 0;
            m.acks = {w.ack_of(Seq{2}, chain.back().hash)};
            must(sync::sign_ack(*signer, m.acks.front()));
        }))));
        return must(sync::level_ack(**w.a, kB01, (*w.a)->id(), Level::city));
    };
    CHECK(says_by(*office) == Seq{0});
    CHECK(says_by(w.city) == Seq{2});
}

TEST_CASE("session: a hub that has another branch of what a file carried gets this one", "[sync][session][carried]") {
    UnderWay w;
    must(sync::make_bundle(**w.a, {}));
    sync::Session s(**w.a);
    const auto q = opened(must(s.request()));
    REQUIRE(q.offers.size() == 1);
    must(s.reply(UnderWay::write(w.changed([&](auto& m) {
        m.took = 0;
        m.acks = {w.ack_of(Seq{2}, hash_of("another branch"))};
    }))));
    CHECK(*sync::unsent_count(**w.a) == 2);
    REQUIRE(s.wants_more());
    const auto then = opened(must(s.request()));
    CHECK(then.offers.empty());
    CHECK_FALSE(then.runs.empty());
}

TEST_CASE("session: a note of what a file carried beyond the end of a chain is not asked about",
          "[sync][session][carried]") {
    UnderWay w;
    ChainHead h;
    h.stream = kB01;
    h.replica = (*w.a)->id();
    h.seq = Seq{9};
    must(sync::note_carried(**w.a, h));
    sync::Session s(**w.a);
    const auto q = opened(must(s.request()));
    CHECK(q.offers.empty());
    CHECK_FALSE(q.runs.empty());
}

TEST_CASE("session: what an answer takes of a chain, and what it refuses of it", "[sync][session]") {
    UnderWay w;
    const auto kind = GENERATE(wire::Verdict::Kind::gap, wire::Verdict::Kind::denied, wire::Verdict::Kind::unproved,
                               wire::Verdict::Kind::broken);
    const auto chain = must((*w.a)->chain_after(kB01, (*w.a)->id(), Seq{0}, 1u << 20));
    sync::Session s(**w.a);
    must(s.request());
    must(s.reply(UnderWay::write(w.changed([&](auto& m) {
        m.took = 0;
        m.acks = {w.ack_of(Seq{1}, chain.front().hash)};
        m.verdicts = {{kind, kB01, (*w.a)->id(), Seq{2}, Seq{1}, "the reason"}};
    }))));
    CHECK(s.stats().sent == 1);
    CHECK(s.stats().refused.size() == 1);
    CHECK(*sync::unsent_count(**w.a) == 1);
}

TEST_CASE("session: what an office of the hub's level had of a chain that is not here is no answer to what was asked",
          "[sync][session][acks]") {
    Reading w;
    wire::Ack ack{{kB01, {}, Seq{4}, hash_of("not here")}, Level::city, {}, {}};
    ack.at.replica.bytes.fill(7);
    must(sync::sign_ack(*w.city, ack));
    CHECK(ok(w.takes([&](auto& m) { m.acks.push_back(ack); })));
    CHECK(must(sync::level_ack(**w.reader, kB01, ack.at.replica, Level::city)) == Seq{4});
    CHECK(w.reader->field("A1", "remark") == "三");
}

TEST_CASE("session: a branch of a forked chain that was altered on the way goes again, whatever of it was taken",
          "[sync][session][fork]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = must(sync::Hub::open(**town));
    auto a = w.device_at(town_hub, "B01");
    const std::string path = support::scratch("tz-session-doubts-test-copy.db");
    for (const char* x : {"", "-wal", "-shm"}) std::remove((path + x).c_str());
    must((*a)->database().backup_to(path));
    const auto kind = GENERATE(wire::Verdict::Kind::unproved, wire::Verdict::Kind::gap);
    {
        Device copy(77, path, {}, {}, a->keys);
        a->set("assignment", "A1", {{"remark", text("原机")}});
        World::sync(*a, town_hub);
        w.sync(*town);
        copy.set("assignment", "A1", {{"next_steps", text("副本")}});
        World::sync(copy, town_hub);
    }
    REQUIRE(must((*town)->is_forked(kB01, (*a)->id())));
    const auto left = must(sync::unsent_count(**town));
    REQUIRE(left > 0);
    sync::Session s(**town);
    auto m = UnderWay::read(must(w.hub->handle(must(s.request()))));
    REQUIRE_FALSE(m.acks.empty());
    m.verdicts = {{kind, kB01, (*a)->id(), Seq{1}, Seq{0}, "altered"}};
    must(s.reply(UnderWay::write(m)));
    const auto chains = must(sync::unsent(**town));
    CHECK(std::any_of(chains.begin(), chains.end(), [&](const auto& c) { return c.replica == (*a)->id(); }));
    w.sync(*town);
    CHECK(*sync::unsent_count(**town) == 0);
    CHECK(w.city.field("A1", "next_steps") == "副本");
    for (const char* x : {"", "-wal", "-shm"}) std::remove((path + x).c_str());
}

TEST_CASE("session: histories that the hub does not give are not asked for without end",
          "[sync][session][checkpoint]") {
    World w;
    for (const char* id : {"A6", "A7"}) w.new_assignment(id, "T1", "B01");
    auto b = w.device("B01");
    for (const char* id : {"A6", "A7"}) b->set("assignment", id, {{"result_text", text("一稿")}});
    w.sync(*b);
    must(w.city->note_backup(w.city->log_head()));
    must(w.city->checkpoint());
    auto late = w.device("B01");
    REQUIRE((*late)->has_dropped());
    for (const char* id : {"A6", "A7"}) {
        late->set("assignment", id, {{"result_text", text("新电脑写的")}});
        b->set("assignment", id, {{"result_text", text("乙写的")}});
    }
    w.sync(*b);
    sync::Session s(**late);
    for (int i = 0; i < 9 && must((*late)->wanted_rows(9)).empty(); ++i)
        must(s.reply(must(w.hub->handle(must(s.request())))));
    REQUIRE(must((*late)->wanted_rows(9)).size() == 2);
    const auto answer = [&](std::size_t given) {
        auto m = UnderWay::read(must(w.hub->handle(must(s.request()))));
        REQUIRE(m.pasts.size() > given);
        m.pasts.resize(given);
        must(s.reply(UnderWay::write(m)));
    };
    SECTION("none") { answer(0); }
    SECTION("one, and then no more") {
        answer(1);
        CHECK(s.wants_more());
        answer(0);
    }
    CHECK_FALSE(s.wants_more());
    w.sync(*late);
    CHECK(must((*late)->wanted_rows(9)).empty());
    CHECK(must((*late)->conflicts("A6")).size() == 1);
}

TEST_CASE("session: histories of more rows than one question names are asked for until all are here",
          "[sync][session][checkpoint]") {
    World w;
    auto b = w.device("B01");
    std::vector<std::string> ids;
    for (int n = 0; n < 130; ++n) w.new_assignment(ids.emplace_back("A" + std::to_string(n)), "T1", "B01");
    w.sync(*b);
    for (const auto& id : ids) b->set("assignment", id, {{"result_text", text("一稿")}});
    w.sync(*b);
    must(w.city->note_backup(w.city->log_head()));
    must(w.city->checkpoint());
    auto late = w.device("B01");
    for (const auto& id : ids) {
        late->set("assignment", id, {{"result_text", text("新电脑写的")}});
        b->set("assignment", id, {{"result_text", text("乙写的")}});
    }
    w.sync(*b);
    SECTION("by a hub that has them") { w.sync(*late); }
    SECTION("by a hub that has none at first") {
        sync::Session s(**late);
        int trips = 0;
        for (; s.wants_more(); ++trips) {
            auto m = UnderWay::read(must(w.hub->handle(must(s.request()))));
            m.pasts.clear();
            must(s.reply(UnderWay::write(m)));
        }
        CHECK(trips < 8);
        CHECK(must((*late)->wanted_rows(200)).size() == ids.size());
        w.sync(*late);
    }
    CHECK(must((*late)->wanted_rows(1)).empty());
    CHECK(must((*late)->conflicts()).size() == ids.size());
}

TEST_CASE("session: what a PC began with as a state it does not send to a hub that lost it", "[sync][checkpoint]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto b = w.device("B01");
    for (const char* t : {"一", "二"}) b->set("assignment", "A1", {{"remark", text(t)}});
    w.sync(*b);
    must(w.city->note_backup(w.city->log_head()));
    must(w.city->checkpoint());
    auto late = w.device("B01");
    REQUIRE(must((*late)->chain_after(kB01, (*b)->id(), Seq{0}, 1u << 20)).empty());
    must(sync::learn_hub_heads(**late, {}, Level::none));
    REQUIRE(*sync::unsent_count(**late) > 0);
    ChainHead h;  // which a file is said to have carried, up to a place that is not here
    h.stream = kB01;
    h.replica = (*b)->id();
    h.seq = Seq{1};
    must(sync::note_carried(**late, h));
    sync::Session s(**late);
    const auto q = opened(must(s.request()));
    CHECK(q.runs.empty());
    CHECK(q.offers.empty());
    CHECK(q.has_vector);
    w.sync(*late);
    CHECK(*sync::unsent_count(**late) == 0);
    // Nor by a file: the checkpoint itself is not here as it was written.
    const auto up = must(sync::make_bundle(**late, {}));
    CHECK(ok(sync::take_bundle(*w.city, up.parts.front())));
}

TEST_CASE("session: an answer that comes before the tree is judged without it", "[sync][session][bad-relay]") {
    UnderWay w;
    Device d(8902);
    World::enrol_at(*w.hub, d, "B01");
    REQUIRE_FALSE(d->control().cert(d->id()));  // nobody can say yet who that is
    const auto takes = [&](const Change& change) {
        sync::Session s(*d);
        auto m = UnderWay::read(must(w.hub->handle(must(s.request()))));
        m.control.clear();
        m.commits.clear();
        m.signatures.clear();
        m.states.clear();
        m.heads.clear();
        m.certificates.clear();
        m.acks.clear();
        m.control_head = d->control().head();
        change(m);
        return s.reply(UnderWay::write(m));
    };
    CHECK(ok(takes([](auto& m) { m.control_head = ControlPos{0}; })));
    CHECK(ok(takes([&](auto& m) {
        m.verdicts = {{wire::Verdict::Kind::denied, kB01, w.city->id(), Seq{1}, {}, "the reason"}};
    })));
    const auto acked = takes([&](auto& m) { m.acks = {w.ack_of(Seq{1}, hash_of("what"))}; });
    REQUIRE(acked.has_error());
    CHECK(acked.error().code == Errc::protocol);
    w.sync(d);
    CHECK(d.field("A1", "task_id") == "T1");
}

TEST_CASE("session: of a chain that a PC began with as a state, the branch that comes by file goes up and no more",
          "[sync][session][checkpoint][fork]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto b = w.device("B01");
    b->set("assignment", "A1", {{"remark", text("一")}});
    w.sync(*b);
    const std::string path = support::scratch("tz-session-doubts-test-branch.db");
    for (const char* x : {"", "-wal", "-shm"}) std::remove((path + x).c_str());
    must((*b)->database().backup_to(path));
    {
        Device copy(78, path, {}, {}, b->keys);
        for (const char* t : {"二", "三"}) b->set("assignment", "A1", {{"remark", text(t)}});
        w.sync(*b);
        must(w.city->note_backup(w.city->log_head()));
        must(w.city->checkpoint());
        auto late = w.device("B01");
        REQUIRE(must((*late)->chain_after(kB01, (*b)->id(), Seq{0}, 1u << 20)).empty());
        copy.set("assignment", "A1", {{"next_steps", text("副本写的")}});
        must(copy->add_certificate(*w.city->control().cert((*late)->id())));
        sync::BundleOptions o;
        o.to = "B01";
        const auto file = must(sync::make_bundle(*copy, o));
        const auto taken = must(sync::take_bundle(**late, file.parts.front()));
        CHECK(taken.taken == 1);
        CHECK(must((*late)->is_forked(kB01, (*b)->id())));
        w.sync(*late);
        CHECK(*sync::unsent_count(**late) == 0);
        CHECK(must(w.city->is_forked(kB01, (*b)->id())));
        CHECK(w.city.field("A1", "next_steps") == "副本写的");
    }
    for (const char* x : {"", "-wal", "-shm"}) std::remove((path + x).c_str());
}

}  // namespace taizhang::session_doubts_test
