// Checkpoints, devices that begin from a state, history that is dropped and fetched again.
#include "replica/checkpoint_file.h"
#include "sync/bundle.h"
#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <cstdio>

namespace taizhang::checkpoint_test {
namespace {

using support::text;

std::string digest_of(Replica& r, const std::string& stream) {
    const auto all = r.digest();
    REQUIRE(all.has_value());
    for (const auto& [name, hex] : *all)
        if (name == stream) return hex;
    return {};
}

std::size_t bodies(Replica& r) {
    auto s = r.database().prepare("SELECT count(*) FROM log WHERE length(body) > 0", false);
    REQUIRE(s.has_value());
    REQUIRE(*s->step());
    return static_cast<std::size_t>(s->integer(0));
}

/// The city has a year of B01: reports, edits, one conflict that is open.
struct Year : support::World {
    std::unique_ptr<support::Device> a = device("B01"), b = device("B01");
    Year() {
        for (int i = 0; i < 20; ++i) new_assignment("A" + std::to_string(i), "T1", "B01");
        sync(*a);
        sync(*b);
        for (int i = 0; i < 20; ++i) a->set("assignment", "A" + std::to_string(i), {{"remark", text("年初")}});
        a->set("assignment", "A1", {{"result_text", text("甲稿")}});
        b->set("assignment", "A1", {{"result_text", text("乙稿")}});
        settle();
    }
    void settle() {
        for (int i = 0; i < 2; ++i) {
            sync(*a);
            sync(*b);
        }
    }
    void back_up_and_sign() {
        REQUIRE(city->note_backup(city->log_head()).has_value());
        const auto signed_at = city->checkpoint();
        REQUIRE(signed_at.has_value());
        REQUIRE_FALSE(signed_at->empty());
        settle();
    }
};

TEST_CASE("a checkpoint changes no state, and a second one without news signs nothing", "[replica][checkpoint]") {
    Year w;
    const auto before = digest_of(*w.city, "B01/ledger");
    w.back_up_and_sign();
    CHECK(digest_of(*w.city, "B01/ledger") == before);
    CHECK(digest_of(**w.a, "B01/ledger") == before);
    CHECK(w.city->checkpoint()->empty());
    CHECK(w.city->verify().has_value());
    CHECK((*w.a)->checkpoint().error().code == Errc::not_allowed);
}

TEST_CASE("a new device begins with the state that the city signed and the log above it", "[sync][checkpoint]") {
    Year w;
    w.back_up_and_sign();
    w.a->set("assignment", "A2", {{"remark", text("检查点之后")}});
    w.settle();
    auto late = w.device("B01");
    CHECK(digest_of(**late, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
    CHECK((*late)->has_dropped());
    CHECK(bodies(**late) < bodies(**w.a) / 2);
    CHECK(late->field("A2", "remark") == "检查点之后");
    CHECK(late->field("A3", "remark") == "年初");
    CHECK((*late)->conflicts("A1")->size() == 1);
    REQUIRE((*late)->verify().has_value());
    // It works on: plain edits at once, and they count everywhere.
    late->set("assignment", "A3", {{"remark", text("新电脑写的")}});
    w.sync(*late);
    w.settle();
    CHECK(w.a->field("A3", "remark") == "新电脑写的");
    CHECK(digest_of(**late, "B01/ledger") == digest_of(**w.a, "B01/ledger"));
}

TEST_CASE("a revocation reaches rows that came with a state", "[sync][checkpoint][revocation]") {
    Year w;
    w.back_up_and_sign();
    auto late = w.device("B01");
    REQUIRE((*late)->has_dropped());
    CHECK(late->field("A3", "remark") == "年初");
    REQUIRE(
        w.city->append_control("revoke", R"({"replica":")" + (*w.a)->id().hex() + R"(","streams":{}})").has_value());
    for (int i = 0; i < 3; ++i) w.sync(*late);
    CHECK(w.city.field("A3", "remark") != "年初");
    CHECK(digest_of(**late, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
    CHECK((*late)->wanted_rows(1)->empty());
}

TEST_CASE("a checkpoint under a clock that was ahead is followed by others", "[sync][checkpoint][clock]") {
    Year w;
    const auto honest = w.city.clock.wall_ms;
    w.city.clock.wall_ms += 300LL * 86'400'000;
    w.back_up_and_sign();
    w.city.clock.wall_ms = honest + 1000;
    w.a->set("assignment", "A6", {{"result_text", text("校准以后写的")}});
    w.settle();
    w.back_up_and_sign();
    const auto all = *w.city->checkpoints();
    REQUIRE_FALSE(all.empty());
    // A new device begins with the newer one's state.
    auto late = w.device("B01");
    CHECK((*late)->has_dropped());
    CHECK(late->field("A6", "result_text") == "校准以后写的");
    CHECK(digest_of(**late, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
    CHECK((*late)->verify().has_value());
}

TEST_CASE("the city's server does not believe a clock of another age", "[replica][clock]") {
    Year w;
    REQUIRE(w.city->trust_time(w.city.clock.wall_ms).has_value());
    const auto honest = w.city.clock.wall_ms;
    w.city.clock.wall_ms = 4'102'444'800'000;  // 2100
    CHECK(w.city->now().unverified);
    CHECK(w.city->now().ms < honest + 86'400'000);
    w.city.clock.wall_ms = honest + 3LL * 365 * 86'400'000;  // it was off for three years
    CHECK_FALSE(w.city->now().unverified);
    w.city.clock.wall_ms = honest - 2LL * 86'400'000;
    CHECK(w.city->now().unverified);
}

TEST_CASE("a hub cannot roll a row back by giving a part of its past", "[sync][checkpoint][bad-relay]") {
    Year w;
    w.a->set("assignment", "A6", {{"result_text", text("二稿")}});
    w.settle();
    w.back_up_and_sign();
    auto late = w.device("B01");
    REQUIRE((*late)->has_dropped());
    const Replica::RowKey row{"assignment", "A6", {"B01", Audience::ledger}};
    auto past = *w.city->row_commits(row);
    REQUIRE(past.size() >= 3);
    const std::vector<Replica::PastCommit> whole = past;
    const auto is_creation = [&](const Replica::PastCommit& p) {
        std::string bytes;
        Commit c;
        REQUIRE(Packer().unpack(p.packed, bytes).has_value());
        REQUIRE(c.decode(bytes).has_value());
        return c.header.replica == w.city->id();
    };
    std::erase_if(past, [&](const auto& p) { return !is_creation(p); });
    REQUIRE(past.size() == 1);
    SECTION("unasked") {
        REQUIRE((*late)->complete_row(row, past).has_value());
        CHECK(late->field("A6", "result_text") == "二稿");
        REQUIRE((*late)->complete_row(row, whole).has_value());
        CHECK((*late)->wanted_rows(9)->empty());
    }
    SECTION("asked, with its newest changes left out") {
        // Two edits on one base that is not here make the device ask.
        late->set("assignment", "A6", {{"result_text", text("新电脑写的")}});
        w.b->set("assignment", "A6", {{"result_text", text("乙写的")}});
        w.sync(*w.b);
        sync::Session session(**late);
        for (int i = 0; i < 9 && (*late)->wanted_rows(1)->empty(); ++i) {
            const auto answer = w.hub->handle(*session.request());
            REQUIRE(answer.has_value());
            REQUIRE(session.reply(*answer).has_value());
        }
        REQUIRE((*late)->wanted_rows(9)->size() == 1);
        REQUIRE((*late)->complete_row(row, past).has_value());
        CHECK((*late)->wanted_rows(9)->size() == 1);  // asked again
        w.sync(*late);
        CHECK((*late)->wanted_rows(9)->empty());
        CHECK((*late)->conflicts("A6")->size() == 1);
        w.settle();
        CHECK(digest_of(**late, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
    }
    CHECK((*late)->verify().has_value());
}

TEST_CASE("a new row has a whole past, whatever row was written before it", "[sync][checkpoint]") {
    Year w;
    w.back_up_and_sign();
    auto late = w.device("B01");
    w.a->set("assignment", "A2", {{"remark", text("先写旧的")}});
    w.sync(*w.a);
    w.sync(*late);  // a row without its past
    // Not a plain one: somebody who may not set the deadline does, as the first that is heard of the row.
    Edit e;
    e.entity = "assignment";
    e.row = "A99";
    e.create = true;
    e.stream = StreamId{"B01", Audience::ledger};
    e.fields = {{"deadline", text("2026-01-31")}};
    w.a->edit(e);
    w.sync(*w.a);
    w.sync(*late);
    CHECK((*late)->waiting_count() == 0);
    CHECK((*late)->wanted_rows(1)->empty());
    CHECK(digest_of(**late, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
}

TEST_CASE("certificates that somebody on the way kept back come with the next question", "[sync][checkpoint]") {
    Year w;
    w.back_up_and_sign();
    w.a->set("assignment", "A2", {{"remark", text("检查点之后")}});
    w.settle();
    support::Device late(300);
    const auto code = *w.hub->new_code("B01");
    sync::Enrolment e(*late, sync::Enrolment::Begin::with_state);
    REQUIRE(e.reply(*w.hub->handle(*e.request(code.code, "test"))).has_value());
    sync::Session s(*late);
    int kept_back = 0;
    while (s.wants_more()) {
        auto answer = *w.hub->handle(*s.request());
        wire::SyncReply reply;
        REQUIRE(wire::decode(answer, reply).has_value());
        if (kept_back == 0 && !reply.states.empty()) {
            kept_back = static_cast<int>(reply.certificates.size());
            reply.certificates.clear();
            answer = wire::encode(reply);
        }
        const auto taken = s.reply(answer);
        if (!taken) FAIL(taken.error().detail);
    }
    CHECK(kept_back > 0);
    CHECK(late.field("A2", "remark") == "检查点之后");
    CHECK(digest_of(*late, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
}

TEST_CASE("what follows can be asked for while an answer is taken", "[sync][checkpoint]") {
    support::World w;
    std::uint64_t noise = 1;
    for (const std::string unit : {"B03", "B04", "B05", "B06"}) {
        REQUIRE(w.city
                    ->append_control("unit",
                                     R"({"id":")" + unit + R"(","parent_id":"K1-01","level":"branch","name":"Branch"})")
                    .has_value());
        auto d = w.device(unit);
        for (int i = 0; i < 20; ++i) {
            const auto id = unit + "-" + std::to_string(i);
            w.new_assignment(id, "T" + std::to_string(i), unit);
            w.sync(*d);
            std::string long_text;  // that no compression makes short
            while (long_text.size() < 3900) long_text += std::to_string(noise *= 6364136223846793005u);
            d->set("assignment", id, {{"remark", text(long_text)}});
        }
        w.sync(*d);
    }
    REQUIRE(w.city->note_backup(w.city->log_head()).has_value());
    REQUIRE(w.city->checkpoint().has_value());
    for (const auto how : {sync::Enrolment::Begin::with_state, sync::Enrolment::Begin::with_log}) {
        const std::uint64_t seed = how == sync::Enrolment::Begin::with_log ? 301 : 302;
        support::Device alone(seed), ahead(seed + 10);
        for (auto* d : {&alone, &ahead}) {
            const auto code = *w.hub->new_code("K1-01");
            sync::Enrolment e(**d, how);
            REQUIRE(e.reply(*w.hub->handle(*e.request(code.code, "test"))).has_value());
        }
        const auto run = [&](support::Device& d, bool asks_ahead) {
            sync::Session s(*d);
            int early = 0;
            std::string next;
            while (s.wants_more()) {
                const auto answer = *w.hub->handle(next.empty() ? *s.request() : next);
                next = asks_ahead ? *s.ahead(answer) : std::string();
                early += !next.empty();
                REQUIRE(s.reply(answer).has_value());
            }
            return early;
        };
        CHECK(run(alone, false) == 0);
        CHECK(run(ahead, true) > 0);
        CHECK(*alone->digest() == *ahead->digest());
        CHECK(ahead->verify().has_value());
    }
}

TEST_CASE("a state that is not what the city signed is refused whole", "[replica][checkpoint]") {
    Year w;
    w.back_up_and_sign();
    auto state = *w.city->make_snapshot({"B01", Audience::ledger}, 1 << 20);
    REQUIRE_FALSE(state.empty());
    const auto at = state.find("年初");
    REQUIRE(at != std::string::npos);
    state.replace(at, 6, "年末");
    support::Device d(77);
    REQUIRE(d->receive_control(*w.city->control_after(ControlPos{0}, 1 << 20)).has_value());
    for (const auto& c : *w.city->certificates_after(0))
        REQUIRE(d->add_certificate(*Certificate::decode(c.body)).has_value());
    CHECK(d->take_snapshot(state).error().code == Errc::protocol);
    CHECK(*d->commits_in({"B01", Audience::ledger}) == 0);
    CHECK(d->find("A3")->empty());
    // Cut or damaged anywhere: refused, never half taken.
    for (std::size_t n = 0; n < state.size(); n += 97) {
        CHECK_FALSE(d->take_snapshot(state.substr(0, n)).has_value());
        CHECK(*d->commits_in({"B01", Audience::ledger}) == 0);
    }
    state.replace(state.find("年末"), 6, "年初");
    CHECK(*d->take_snapshot(state));
    CHECK_FALSE(*d->take_snapshot(state));  // it is there
}

TEST_CASE("a device drops what the city's backup holds, and no more", "[replica][checkpoint]") {
    Year w;
    REQUIRE(w.city->checkpoint().has_value());
    w.settle();
    CHECK(*(*w.a)->drop_old(w.a->clock.wall_ms + 1000) == 0);  // signed, but in no backup
    w.back_up_and_sign();
    const auto before = bodies(**w.a);
    CHECK(*(*w.a)->drop_old(w.a->clock.wall_ms - 1000) == 0);  // not old enough
    CHECK(*(*w.a)->drop_old(w.a->clock.wall_ms + 1000) > 0);
    CHECK(bodies(**w.a) < before / 2);
    CHECK(digest_of(**w.a, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
    REQUIRE((*w.a)->verify().has_value());
    w.a->set("assignment", "A4", {{"remark", text("精简之后")}});
    w.a->act("assignment", "A4", "apply_close_out");
    w.settle();
    CHECK(w.city.field("A4", "remark") == "精简之后");
    CHECK(w.city.state("A4") == w.a->state("A4"));
}

TEST_CASE("an edit on a base that was dropped waits, fetches the row's history and counts", "[sync][checkpoint]") {
    Year w;
    // A past with a commit that stands nowhere any more: a state does not name it.
    w.a->set("assignment", "A6", {{"result_text", text("初稿")}});
    w.a->set("assignment", "A6", {{"result_text", text("二稿")}});
    w.settle();
    w.back_up_and_sign();
    // b writes without a link, on what stood at the checkpoint; a drops and goes on.
    w.b->set("assignment", "A5", {{"result_text", text("乙:没有网时写的")}});
    w.a->set("assignment", "A5", {{"result_text", text("甲:已经写好")}});
    w.sync(*w.a);
    w.back_up_and_sign();  // settle() brings b's commit to a
    REQUIRE((*w.a)->conflicts("A5")->size() == 1);

    CHECK(digest_of(**w.a, "B01/ledger") == digest_of(**w.b, "B01/ledger"));
    CHECK(digest_of(**w.a, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
    for (auto* d : {&*w.a, &*w.b, &w.city}) CHECK((*d)->verify().has_value());
    auto late = w.device("B01");
    CHECK(digest_of(**w.a, "B01/ledger") == digest_of(**late, "B01/ledger"));
    CHECK((*late)->verify().has_value());
    w.b->set("assignment", "A6", {{"result_text", text("乙的")}});
    late->set("assignment", "A6", {{"result_text", text("新电脑的")}});
    w.sync(*w.b);
    w.sync(*late);
    CHECK((*late)->waiting()->empty());
    CHECK((*late)->conflicts("A6")->size() == 1);
    w.settle();
    CHECK(digest_of(**late, "B01/ledger") == digest_of(**w.b, "B01/ledger"));
    const auto verified = (*late)->verify();
    INFO((verified ? "" : verified.error().detail));
    REQUIRE(verified.has_value());
}

/// A PC of the township that dropped what the city's backup holds, and a branch's PC that was copied before.
struct CopiedBranch : support::World {
    const std::string path = support::scratch("tz-checkpoint-test-copy.db");
    std::unique_ptr<support::Device> a = device("B01"), office = device("K1-01"), copy;
    explicit CopiedBranch(const std::string& later = "A1") {
        for (const char* id : {"A1", "A2"}) new_assignment(id, "T1", "B01");
        sync(*a);
        write(3);
        forget_copy();
        REQUIRE((*a)->database().backup_to(path).has_value());
        copy = std::make_unique<support::Device>(77, path, "", Knows{}, a->keys);
        write(7, later);
        sync(*office);
        REQUIRE(city->note_backup(city->log_head()).has_value());
        REQUIRE(city->checkpoint().has_value());
        sync(*office);
        REQUIRE(*(*office)->drop_old(office->clock.wall_ms + 1000) > 0);
        copy->set("assignment", "A1", {{"result_text", text("副本写的")}});
    }
    ~CopiedBranch() {
        copy.reset();
        forget_copy();
    }
    void forget_copy() {
        for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    }
    void write(int n, const std::string& id = "A1") {
        for (int i = 0; i < n; ++i) a->set("assignment", id, {{"remark", text(std::to_string(i))}});
        sync(*a);
    }
    bool city_has_both() { return city->is_forked({"B01", Audience::ledger}, (*a)->id()).value(); }
};

TEST_CASE("a forked chain whose beginning was dropped here does not stay unsent for ever", "[sync][checkpoint]") {
    CopiedBranch w;
    const auto before = (*w.a)->id();
    w.sync(*w.copy);
    w.sync(*w.office);
    REQUIRE((*w.office)->is_forked({"B01", Audience::ledger}, before).value());
    REQUIRE(sync::forget_cursor(**w.office).has_value());  // as when the tree moves: heads are compared
    w.sync(*w.office);
    CHECK(*sync::unsent_count(**w.office) == 0);
    CHECK(w.sync(*w.office) == 1);
    REQUIRE((*w.office)->verify().has_value());
}

TEST_CASE("a branch of a fork goes up although the other one was dropped here", "[sync][checkpoint]") {
    CopiedBranch w;
    const auto made = sync::make_bundle(**w.copy, {});
    REQUIRE(made.has_value());
    for (const auto& part : made->parts) REQUIRE(sync::take_bundle(**w.office, part).has_value());
    REQUIRE_FALSE(w.city_has_both());
    w.sync(*w.office);
    CHECK(w.city_has_both());
    CHECK(w.city.field("A1", "result_text") == "副本写的");
    CHECK(*sync::unsent_count(**w.office) == 0);
    CHECK(digest_of(**w.office, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
}

TEST_CASE("a clock from the future wins until a checkpoint covers it, and not after", "[replica][checkpoint]") {
    support::World w;
    auto a = w.device("B01"), b = w.device("B01");
    w.new_assignment("A1", "T1", "B01");
    w.sync(*a);
    w.sync(*b);
    a->clock.wall_ms += std::int64_t{300} * 86'400'000;  // not yet 400 days: it is believed
    a->set("assignment", "A1", {{"remark", text("明年")}});
    b->set("assignment", "A1", {{"remark", text("今天")}});
    w.sync(*a);
    w.sync(*b);
    CHECK(w.city.field("A1", "remark") == "明年");
    w.city.clock.wall_ms += 86'400'000;
    REQUIRE(w.city->checkpoint().has_value());
    CHECK(w.city.field("A1", "remark") == "今天");
    REQUIRE(w.city->conflicts("A1")->size() == 1);  // kept, with its line
    w.sync(*a);
    w.sync(*b);
    CHECK(a->field("A1", "remark") == "今天");
    CHECK(b->field("A1", "remark") == "今天");
    REQUIRE(w.city->verify().has_value());
    // Who comes to it from the state sees the same.
    auto late = w.device("B01");
    CHECK(digest_of(**late, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
}

TEST_CASE("what the city has signed that it has is known commit by commit", "[replica][checkpoint]") {
    CopiedBranch w;
    const CommitId signed_one{(*w.a)->id(), {"B01", Audience::ledger}, Seq{10}, {}};
    auto next = signed_one;
    next.seq = Seq{11};
    CHECK(*(*w.office)->is_covered(signed_one));
    CHECK_FALSE(*(*w.office)->is_covered(next));
    auto elsewhere = signed_one;
    elsewhere.stream = StreamId{"K1-01", Audience::ledger};
    CHECK_FALSE(*(*w.office)->is_covered(elsewhere));
    // Of a forked chain it is not told: a place does not say which branch.
    w.sync(*w.copy);
    w.sync(*w.office);
    REQUIRE(*(*w.office)->is_forked(signed_one.stream, signed_one.replica));
    CHECK_FALSE(*(*w.office)->is_covered(signed_one));
}

TEST_CASE("a checkpoint file names both branches of a forked chain, also of a node that dropped what they began with",
          "[replica][checkpoint][audit]") {
    CopiedBranch w;
    w.sync(*w.copy);
    w.sync(*w.office);
    REQUIRE(w.city_has_both());
    auto ends = *w.city->hashes_at({"B01", Audience::ledger}, (*w.a)->id(), Seq{4});
    REQUIRE(ends.size() == 2);
    std::erase_if(ends, [&](const Hash& h) {
        return *(*w.a)->hashes_at({"B01", Audience::ledger}, (*w.a)->id(), Seq{4}) == std::vector<Hash>{h};
    });
    ends.push_back(w.city->hashes_at({"B01", Audience::ledger}, (*w.a)->id(), Seq{10})->front());
    REQUIRE(ends.size() == 2);
    for (Replica* r : {w.city.replica.get(), w.office->replica.get()}) {
        const auto file = make_checkpoint_file(*r);
        REQUIRE(file.has_value());
        const auto parts = CheckpointFile::decode(*file);
        REQUIRE(parts.has_value());
        // Whose branches end at #10 and, the copy's, at #4.
        for (const auto& end : ends)
            CHECK(std::any_of(parts->streams.begin(), parts->streams.end(), [&](const auto& s) {
                return std::any_of(s.tips.begin(), s.tips.end(), [&](const auto& t) { return t.hash == end; });
            }));
        for (Replica* other : {w.city.replica.get(), w.office->replica.get()}) {
            const auto found = compare_with(*other, *file);
            REQUIRE(found.has_value());
            CHECK(found->differs.empty());
            CHECK(found->missing.empty());
            CHECK(found->added.empty());
        }
    }
    // What was dropped is given to nobody as if it were here.
    Lsn through;
    const StreamId b01{"B01", Audience::ledger};
    for (const auto& e : *(*w.office)->log_after(Lsn{0}, std::span(&b01, 1), 1 << 20, through))
        CHECK_FALSE(e.packed.empty());
    CHECK(*(*w.office)->make_snapshot(b01, 1 << 20) == "");
}

TEST_CASE("which branch of a revoked device's chain counts can be told where it was dropped, or came with a state",
          "[replica][revocation]") {
    const std::uint64_t seq = GENERATE(4, 13);
    // What the device wrote later may be about another record, whose past nobody asks for.
    CopiedBranch w(GENERATE("A1", "A2"));
    const auto late = w.device("B01");
    REQUIRE((*late)->has_dropped());
    const StreamId b01{"B01", Audience::ledger};
    const auto revoked = (*w.a)->id();
    w.write(3, "A2");
    REQUIRE(w.city->note_backup(w.city->log_head()).has_value());
    REQUIRE(w.city->checkpoint().has_value());
    w.sync(*late);
    REQUIRE(*(*late)->drop_old(late->clock.wall_ms + 1000) > 0);
    auto own = *(*w.a)->hashes_at(b01, revoked, Seq{seq});
    REQUIRE(own.size() == 1);
    const bool is_here = GENERATE(true, false);
    if (!is_here) own.front() = hash_of("a commit that nobody has");
    w.sync(*w.copy);
    for (auto* d : {&*w.office, &*late}) w.sync(*d);
    REQUIRE(w.city.field("A1", "result_text") == "副本写的");
    REQUIRE(w.city
                ->append_control("revoke", R"({"replica":")" + revoked.hex() + R"(","streams":{"B01/ledger":{"seq":)" +
                                               std::to_string(seq) + R"(,"hash":")" + own.front().hex() + R"("}}})")
                .has_value());
    CHECK(w.city.field("A1", "result_text") == "—");
    for (auto* d : {&*w.office, &*late}) {
        auto& r = **d;
        INFO((d == &*late ? "began in a state" : "dropped"));
        REQUIRE(r.receive_control(*w.city->control_after(r.control().head(), 1 << 20)).has_value());
        // One row after the other, as when they do not fit into one answer.
        for (const auto& key : *r.wanted_rows(9)) REQUIRE(r.complete_row(key, *w.city->row_commits(key)).has_value());
        CHECK(r.wanted_rows(9)->empty());
        CHECK(d->field("A1", "result_text") == "—");
        CHECK(d->field("A1", "remark") == w.city.field("A1", "remark"));
        CHECK(digest_of(r, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
    }
    CHECK(w.city->verify().has_value());
}

TEST_CASE("a city without a catalog signs no checkpoint", "[replica][checkpoint]") {
    support::Device city(1, ":memory:", {}, {}, {nullptr, support::make_key(0)});
    REQUIRE(city->append_control("city", R"({"title":"new"})").has_value());
    REQUIRE(city->append_control("unit", R"({"id":"C","parent_id":"","level":"city","name":"City"})").has_value());
    REQUIRE(city->issue_certificate(*city->self_as_subject("C", "root")).has_value());
    CHECK(city->checkpoint().error().code == Errc::not_allowed);
}

TEST_CASE("a copied PC verifies though the city has signed the other branch", "[replica][checkpoint]") {
    CopiedBranch w;
    const StreamId b01{"B01", Audience::ledger};
    for (int i = 0; i < 9; ++i) w.copy->set("assignment", "A1", {{"result_text", text(std::to_string(i))}});
    REQUIRE(support::carry(*w.city, **w.copy, b01, w.city->id()).has_value());
    REQUIRE_FALSE((*w.copy)->checkpoints()->empty());
    CHECK((*w.copy)->verify().has_value());
}

TEST_CASE("a device that dropped history does not verify when it has another commit than the city signed",
          "[replica][checkpoint][damage]") {
    CopiedBranch w;
    REQUIRE((*w.office)->verify().has_value());
    REQUIRE((*w.office)->database().exec("UPDATE horizon SET hash = zeroblob(32)").has_value());
    const auto r = (*w.office)->verify();
    REQUIRE(r.has_error());
    CHECK(r.error().code == Errc::corrupt);
    CHECK(r.error().detail.find("differs from what the city's checkpoint signed: B01/ledger") != std::string::npos);
}

TEST_CASE("a city's server that lost what its checkpoint names says so, unless it was put back from a backup",
          "[replica][checkpoint][damage]") {
    support::World w;
    const StreamId b01{"B01", Audience::ledger};
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const std::string path = support::scratch("tz-checkpoint-test-city.db");
    const auto forget = [&] {
        for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    };
    forget();
    a->set("assignment", "A1", {{"remark", text("备份以前写的")}});
    w.sync(*a);
    REQUIRE(w.city->database().backup_to(path).has_value());
    a->set("assignment", "A1", {{"remark", text("备份以后写的")}});
    w.sync(*a);
    REQUIRE(w.city->checkpoint().has_value());
    {
        support::Device old(1, path, "", Knows{}, w.city.keys);
        REQUIRE(old->verify().has_value());
        // Its own checkpoint comes back, what it names does not.
        REQUIRE(support::carry(*w.city, *old, b01, w.city->id()).has_value());
        const auto r = old->verify();
        REQUIRE(r.has_error());
        CHECK(r.error().code == Errc::corrupt);
        CHECK(r.error().detail.find("is not here any more: B01/ledger") != std::string::npos);
        CHECK(*old->make_snapshot(b01, 1 << 20) == "");  // of what is not all here there is no state
        const auto put_back = GENERATE("hub/restored", "notice/copied");
        REQUIRE(old->set_fact(put_back, "1").has_value());
        CHECK(old->verify().has_value());
    }
    forget();
}

TEST_CASE("a device that began with a state gives no place in its log twice after a start", "[replica][checkpoint]") {
    Year w;
    w.back_up_and_sign();
    const std::string path = support::scratch("tz-checkpoint-test-late.db");
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    {
        support::Device late(99, path);
        w.enrol_at(*w.hub, late, "B01");
        {
            sync::Session session(*late);  // is cut when the state is here, and nothing of the log above it
            while (!late->has_dropped()) REQUIRE(session.reply(*w.hub->handle(*session.request())).has_value());
        }
        const auto head = late->log_head();
        late.reopen();
        CHECK(late->log_head() == head);
        w.sync(late);
        late.set("assignment", "A1", {{"remark", text("新")}});
        w.sync(late);
        CHECK(digest_of(*late, "B01/ledger") == digest_of(*w.city, "B01/ledger"));
    }
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
}

}  // namespace
}  // namespace taizhang::checkpoint_test
