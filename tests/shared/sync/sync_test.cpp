#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::sync_test {
namespace {

using support::Device;
using support::text;
using support::World;

std::string must_request(sync::Session& s) {
    auto r = s.request();
    REQUIRE(r.has_value());
    return *r;
}
std::string must_handle(World& w, const std::string& request) {
    auto r = w.hub->handle(request);
    REQUIRE(r.has_value());
    return *r;
}

/// Streams that both hold have the same digest.
void check_same(Device& a, Device& b) {
    const auto da = a->digest(), db = b->digest();
    REQUIRE(da.has_value());
    REQUIRE(db.has_value());
    std::size_t shared = 0;
    for (const auto& line : *da)
        for (const auto& other : *db)
            if (line.first == other.first) {
                CHECK(line == other);
                ++shared;
            }
    CHECK(shared >= 2);
}

TEST_CASE("sync: a hub knows when it last heard of a device that has nothing to say", "[sync][seen]") {
    World w;
    auto b = w.device("B01");
    auto seen = [&] { return w.hub->devices()->front().last_seen_ms; };
    const auto first = seen();
    auto later = [&](std::int64_t ms) {
        for (auto* d : {&w.city, b.get()}) d->clock.wall_ms += ms, d->clock.steady_ms += ms;
        w.sync(*b);
    };
    later(60'000);
    CHECK(seen() == first);  // not a wait for the disk each time
    later(20 * 60'000);
    CHECK(seen() >= first + 21 * 60'000);
    later(9 * 86'400'000);
    CHECK(seen() >= first + 9 * 86'400'000);
}

TEST_CASE("nothing new takes one small round trip", "[sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    sync::Session s(**d);
    const auto request = must_request(s);
    const auto reply = must_handle(w, request);
    REQUIRE(s.reply(reply).has_value());
    CHECK_FALSE(s.wants_more());
    CHECK(request.size() < 100);
    CHECK(reply.size() < 100);
}

TEST_CASE("a lost reply costs a repetition and nothing else", "[sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    d->set("assignment", "A1", {{"result_text", text("写好的")}});
    {
        sync::Session lost(**d);
        (void)must_handle(w, must_request(lost));
    }
    CHECK(*sync::unsent_count(**d) == 1);
    CHECK(w.city.field("A1", "result_text") == "写好的");
    const auto before = w.city->log_head();
    sync::Session again(**d);
    REQUIRE(again.reply(must_handle(w, must_request(again))).has_value());
    CHECK_FALSE(again.wants_more());
    CHECK(*sync::unsent_count(**d) == 0);
    CHECK(w.city->log_head() == before);
    check_same(*d, w.city);
}

TEST_CASE("a reply that is cut at any byte leaves the device as it was", "[sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    w.city.set("assignment", "A1", {{"deadline", text("2025-12-10")}});
    sync::Session s(**d);
    const auto reply = must_handle(w, must_request(s));
    const auto before = (*d)->digest();
    for (std::size_t n = 0; n < reply.size(); n += 3) {
        sync::Session cut(**d);
        (void)must_request(cut);
        CHECK(cut.reply(reply.substr(0, n)).has_error());
    }
    CHECK(*(*d)->digest() == *before);
    // The same reply twice: the second time changes nothing.
    sync::Session once(**d), twice(**d);
    REQUIRE(once.reply(reply).has_value());
    const auto after = (*d)->digest();
    REQUIRE(twice.reply(reply).has_value());
    CHECK(*(*d)->digest() == *after);
    check_same(*d, w.city);
}

TEST_CASE("many commits go up and down in bounded messages, and resume in the middle", "[sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    auto other = w.device("B01");
    // Text that does not compress: 400 commits of 3 kB.
    for (int i = 0; i < 400; ++i) {
        std::string noise;
        while (noise.size() < 6000) noise += hash_of(std::to_string(i) + "/" + std::to_string(noise.size())).hex();
        d->set("assignment", "A1", {{"result_text", text(noise)}});
    }
    int requests = 0;
    std::size_t largest = 0;
    {
        sync::Session s(**d);
        for (; requests < 2; ++requests) {
            const auto q = must_request(s);
            largest = std::max(largest, q.size());
            REQUIRE(s.reply(must_handle(w, q)).has_value());
            REQUIRE(s.wants_more());
        }
    }  // the link drops here
    const auto left = *sync::unsent_count(**d);
    CHECK(left > 0);
    CHECK(left < 400);
    sync::Session s(**d);
    while (s.wants_more()) {
        const auto q = must_request(s);
        largest = std::max(largest, q.size());
        REQUIRE(s.reply(must_handle(w, q)).has_value());
        REQUIRE(++requests < 100);
    }
    CHECK(s.stats().sent == left);
    CHECK(largest < sync::kRequestBytes + 20'000);
    CHECK(w.sync(*other) >= 1);
    check_same(*d, *other);
    check_same(*d, w.city);
}

TEST_CASE("a branch receives its own ledger and never a neighbour's", "[sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    w.new_assignment("A2", "T1", "B02");
    auto b1 = w.device("B01");
    auto b2 = w.device("B02");
    auto township = w.device("K1-01");
    auto office = w.device("C-DJB");
    CHECK((*b1)->read_row({}, "A1").has_value());
    CHECK((*b1)->read_row({}, "A2").has_error());
    CHECK((*b2)->read_row({}, "A1").has_error());
    for (auto* d : {township.get(), office.get()}) {
        CHECK((*d)->read_row({}, "A1").has_value());
        CHECK((*d)->read_row({}, "A2").has_value());
    }
    // And may not write there: refused whole, said so, kept at home.
    Edit e;
    e.entity = "push";
    e.row = "P1";
    e.create = true;
    e.stream = StreamId{"B02", Audience::ledger};
    e.fields = {{"assignment_id", text("A2")}, {"unit_id", text("B02")}, {"at", text("2025-11-01T08:00:00Z")}};
    Draft d;
    d.edits.push_back(e);
    CHECK((*b1)->edit(d).has_error());
}

TEST_CASE("strangers get nothing", "[sync]") {
    World w;
    wire::SyncRequest q;
    q.token = "guessed";
    q.replica.bytes.fill(3);
    auto r = w.hub->handle(wire::encode(q));
    REQUIRE(r.has_error());
    CHECK(r.error().code == Errc::denied);
    wire::EnrolRequest e;
    e.code = "AAAA-BBBB-CCCC";
    e.replica.bytes.fill(4);
    r = w.hub->handle(wire::encode(e));
    REQUIRE(r.has_error());
    CHECK(r.error().code == Errc::denied);
}

TEST_CASE("an enrolment whose answer was lost is asked again, by the same device only", "[sync]") {
    World w;
    Device d(60), thief(61);
    const auto code = *w.hub->new_code("B01");
    sync::Enrolment e(*d);
    REQUIRE(w.hub->handle(*e.request(code.code, "pc")).has_value());  // lost
    const auto again = w.hub->handle(*e.request(code.code, "pc"));
    REQUIRE(again.has_value());
    CHECK(w.hub->handle(*sync::Enrolment(*thief).request(code.code, "pc")).has_error());
    REQUIRE(e.reply(*again).has_value());
    CHECK(w.sync(d) == 1);
    CHECK(w.hub->devices()->size() == 1);
    // A second code for another unit does not move it.
    CHECK(w.hub->handle(*sync::Enrolment(*thief).request(w.hub->new_code("B02")->code, "pc")).has_value());
}

TEST_CASE("a commit waits for its base, visibly, and whoever builds on it too", "[replica][sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    auto b = w.device("B01");
    const auto first = a->set("assignment", "A1", {{"remark", text("一")}});
    w.sync(*a);
    w.sync(*b);
    const auto second = b->set("assignment", "A1", {{"remark", text("二")}});
    const auto unrelated = b->set("assignment", "A1", {{"result_text", text("别的")}});

    // A third replica gets them in the wrong order.
    auto c = std::make_unique<Device>(77);
    std::vector<std::string> control = *w.city->control_after(ControlPos{0}, 1 << 20);
    REQUIRE((*c)->receive_control(control).has_value());
    for (const auto& s : *w.city->certificates_after(0))
        REQUIRE((*c)->add_certificate(*Certificate::decode(s.body)).has_value());
    for (const auto& s : *(*b)->certificates_after(0))
        REQUIRE((*c)->add_certificate(*Certificate::decode(s.body)).has_value());
    auto give = [&](Device& from, const ReplicaId& replica) {
        REQUIRE(support::carry(*from, **c, StreamId{"B01", Audience::ledger}, replica).has_value());
    };
    give(w.city, w.city->id());
    give(*b, (*b)->id());
    CHECK((*c)->waiting()->size() == 1);
    CHECK((*c)->waiting()->front().reason == "base");
    CHECK(c->field("A1", "remark") == "—");
    CHECK(c->field("A1", "result_text") == "别的");  // nothing else waits
    REQUIRE((*c)->verify().has_value());
    give(*a, (*a)->id());
    CHECK((*c)->waiting()->empty());
    CHECK(c->field("A1", "remark") == "二");
    REQUIRE((*c)->verify().has_value());
    w.sync(*b);
    w.sync(*a);
    check_same(*c, *a);
}

TEST_CASE("a commit is taken under its author's signature only, and waits for its control position", "[replica]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto known = w.city->control().head().value;
    REQUIRE(w.city->append_control("unit", R"({"id":"B09","parent_id":"K1-01","level":"branch","name":"B09"})")
                .has_value());
    w.sync(*a);
    a->set("assignment", "A1", {{"remark", text("一")}});
    w.sync(*a);
    Device late(5);
    const StreamId stream{"B01", Audience::ledger};
    auto bring = [&](const ReplicaId& author) { return *support::carry(*w.city, *late, stream, author); };
    auto control = *w.city->control_after(ControlPos{0}, 1 << 20);
    REQUIRE(late->receive_control(std::span(control).first(known)).has_value());
    // Nobody's certificate is here: whoever writes a name need not be its owner.
    CHECK(bring(w.city->id()).front().admission == Admission::unproved);
    CHECK(late->log_head().value == 0);
    for (const auto& s : *w.city->certificates_after(0))
        REQUIRE(late->add_certificate(*Certificate::decode(s.body)).has_value());
    const auto theirs = *w.city->chain_after(stream, (*a)->id(), Seq{0}, 1 << 20);
    const std::string_view bare(theirs[0].packed);
    CHECK(late->receive(std::span(&bare, 1), Origin::below)->front().admission == Admission::unproved);
    CHECK(bring(w.city->id()).front().admission == Admission::admitted);
    CHECK(bring((*a)->id()).front().admission == Admission::admitted);
    REQUIRE(late->waiting()->size() == 1);
    CHECK(late->waiting()->front().reason == "control");
    REQUIRE(late->receive_control(std::span(control).subspan(known)).has_value());
    CHECK(late->waiting()->empty());
    CHECK(late.field("A1", "remark") == "一");
    REQUIRE(late->verify().has_value());
}

TEST_CASE("a gap is named and nothing of what follows is taken", "[replica]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    for (const char* t : {"一", "二", "三"}) a->set("assignment", "A1", {{"remark", text(t)}});
    const auto chain = *(*a)->chain_after(StreamId{"B01", Audience::ledger}, (*a)->id(), Seq{0}, 1 << 20);
    REQUIRE(chain.size() == 3);
    const std::vector<std::string_view> all{chain[0].packed, chain[1].packed, chain[2].packed}, packed{all[0], all[2]};
    const std::vector<HeadSignature> signatures{{2, chain[2].signature}};
    const auto before = w.city->log_head();
    std::vector<Replica::Received> r;
    REQUIRE(w.city
                ->batch([&]() -> Result<> {
                    TRY_VOID(w.city->prove(all, signatures));
                    TRY(r, w.city->receive(packed, Origin::below));
                    return {};
                })
                .has_value());
    CHECK(r[0].admission == Admission::admitted);
    CHECK(r[1].admission == Admission::gap);
    CHECK(w.city->log_head().value == before.value + 1);
    w.sync(*a);
    CHECK(w.city.field("A1", "remark") == "三");
}

TEST_CASE("a hub restored from an old backup is noticed and healed by its devices", "[sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    auto b = w.device("B01");
    const std::string backup = support::scratch("tz-sync-test-backup.db");
    std::remove(backup.c_str());
    REQUIRE(w.city->database().backup_to(backup).has_value());
    a->set("assignment", "A1", {{"remark", text("备份之后")}});
    w.sync(*a);
    w.sync(*b);
    CHECK(*sync::unsent_count(**a) == 0);

    // The city comes back from its backup; a restored hub starts a new generation.
    Device restored(1, backup);
    REQUIRE(restored->set_fact("hub/self", "").has_value());
    auto hub = sync::Hub::open(*restored);
    REQUIRE(hub.has_value());
    auto meet = [&](Device& d) {
        sync::Session s(*d);
        int trips = 0;
        while (s.wants_more()) {
            REQUIRE(++trips < 10);
            auto q = s.request();
            REQUIRE(q.has_value());
            auto r = hub->handle(*q);
            REQUIRE(r.has_value());
            REQUIRE(s.reply(*r).has_value());
        }
        return trips;
    };
    CHECK(restored.field("A1", "remark") == "—");
    // Even the device that did not write it brings it back.
    CHECK(meet(*b) <= 3);
    CHECK(restored.field("A1", "remark") == "备份之后");
    CHECK(meet(*a) <= 3);
    check_same(*a, restored);
    REQUIRE(restored->verify().has_value());
    restored.replica.reset();
    for (const char* s : {"", "-wal", "-shm"}) std::remove((backup + s).c_str());
}

TEST_CASE("a hub that came back from a backup unnoticed and grew past the cursors is healed all the same", "[sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    auto b = w.device("B01");
    const std::string backup = support::scratch("tz-sync-test-grown.db");
    std::remove(backup.c_str());
    REQUIRE(w.city->database().backup_to(backup).has_value());
    for (const char* t : {"一", "二", "三"}) a->set("assignment", "A1", {{"remark", text(t)}});
    w.sync(*a);
    w.sync(*b);

    Device restored(1, backup);
    auto hub = sync::Hub::open(*restored);
    REQUIRE(hub.has_value());
    const auto last = GENERATE(2, 5);  // as many as were lost, or more
    for (int i = 0; i <= last; ++i)
        restored.set("assignment", "A1", {{"deadline", text("2025-12-1" + std::to_string(i))}});
    // One that goes on under another name says in full where it stands.
    if (GENERATE(false, true)) REQUIRE((*b)->reincarnate().has_value());
    for (auto* d : {a.get(), b.get(), a.get()}) {
        sync::Session s(**d);
        for (int trips = 0; s.wants_more(); ++trips) {
            REQUIRE(trips < 10);
            auto q = s.request();
            REQUIRE(q.has_value());
            auto r = hub->handle(*q);
            REQUIRE(r.has_value());
            REQUIRE(s.reply(*r).has_value());
        }
    }
    CHECK(restored.field("A1", "remark") == "三");
    CHECK(a->field("A1", "deadline") == "2025-12-1" + std::to_string(last));
    check_same(*a, restored);
    check_same(*b, restored);
    restored.replica.reset();
    for (const char* s : {"", "-wal", "-shm"}) std::remove((backup + s).c_str());
}

TEST_CASE("a copied device: both branches are kept, and it goes on under a new incarnation", "[sync]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    const std::string path = support::scratch("tz-sync-test-device.db"),
                      copy = support::scratch("tz-sync-test-copy.db");
    for (const auto& p : {path, copy})
        for (const char* s : {"", "-wal", "-shm"}) std::remove((p + s).c_str());
    Device a(50, path);
    sync::Enrolment e(*a);
    auto code = w.hub->new_code("B01");
    REQUIRE(e.reply(*w.hub->handle(*e.request(code->code, "pc"))).has_value());
    w.sync(a);
    REQUIRE(a->database().backup_to(copy).has_value());
    Device b(51, copy, {}, {}, a.keys);
    const auto id = a->id();
    REQUIRE(b->id() == id);
    a.set("assignment", "A1", {{"result_text", text("原机")}});
    b.set("assignment", "A1", {{"result_text", text("副本")}});
    w.sync(a);
    w.sync(b);
    w.sync(a);
    w.sync(b);
    CHECK(((a->id() != id) || (b->id() != id)));
    a.set("assignment", "A1", {{"remark", text("继续")}});
    w.sync(a);
    w.sync(b);
    check_same(a, b);
    check_same(a, w.city);
    CHECK(a.field("A1", "remark") == "继续");
    const auto lines = a->conflicts();
    REQUIRE(lines.has_value());
    CHECK(std::any_of(lines->begin(), lines->end(), [](const auto& l) { return l.group == "result_text" && l.open; }));
    for (auto* d : {&a, &b, &w.city}) REQUIRE((*d)->verify().has_value());
    a.replica.reset();
    b.replica.reset();
    for (const auto& p : {path, copy})
        for (const char* s : {"", "-wal", "-shm"}) std::remove((p + s).c_str());
}

}  // namespace
}  // namespace taizhang::sync_test
