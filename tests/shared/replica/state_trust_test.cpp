// A state is taken under the city's signature only: each thing that a relay could alter in it.
#include "replica/checkpoint.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::state_trust_test {
namespace {

using support::text;

const StreamId kB01{"B01", Audience::ledger}, kB02{"B02", Audience::ledger};

/// Both branches have two rows, edited since; the city has signed where they stand.
struct Signed : support::World {
    std::unique_ptr<support::Device> a = device("B01"), reader = std::make_unique<support::Device>(78);
    Signed() {
        for (const char* unit : {"B01", "B02"})
            for (const char* n : {"-1", "-2"}) new_assignment(unit + std::string(n), "T1", unit);
        sync(*a);
        a->set("assignment", "B01-1", {{"remark", text("写过")}});
        a->set("assignment", "B01-1", {{"remark", text("改过")}});
        a->set("assignment", "B01-2", {{"remark", text("也改过")}});
        sync(*a);
        REQUIRE(city->checkpoint().has_value());
        // Knows the tree and everybody, and has nothing of the streams.
        REQUIRE((*reader)->receive_control(*city->control_after(ControlPos{0}, 1 << 20)).has_value());
        for (const auto& c : *city->certificates_after(0))
            REQUIRE((*reader)->add_certificate(*Certificate::decode(c.body)).has_value());
    }
    std::string state(const StreamId& stream) {
        auto bytes = *city->make_snapshot(stream, 1 << 20);
        REQUIRE_FALSE(bytes.empty());
        return bytes;
    }
    /// As when something came that cannot do without the row's past.
    void want(const Replica::RowKey& key) {
        auto s = (*reader)->database().prepare(
            "INSERT INTO wanted_row(stream, entity, row) SELECT no, ?1, ?2 FROM stream WHERE unit = ?3 AND audience = "
            "0",
            false);
        REQUIRE(s.has_value());
        s->bind(1, std::string_view(key.entity)).bind_blob(2, key.id).bind(3, std::string_view(key.stream.unit));
        REQUIRE(s->run().has_value());
        REQUIRE((*reader)->wanted_rows(64)->size() == 1);
    }
    void check_refused(const std::string& bytes) {
        const auto taken = (*reader)->take_snapshot(bytes);
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().code == Errc::protocol);
        CHECK(*(*reader)->commits_in(kB01) == 0);
        CHECK((*reader)->find("B01-1")->empty());
        CHECK((*reader)->find("B02-1")->empty());
    }
};

/// The state with another signature under its checkpoint.
std::string with_signature(const std::string& state, const std::function<std::string(const Hash&)>& sign) {
    Reader r(state);
    const auto format = r.u8();
    const auto unit = r.str();
    const auto audience = r.u8();
    const auto checkpoint = r.str();
    r.str();
    Packer packer;
    std::string raw, out;
    REQUIRE(packer.unpack(checkpoint, raw).has_value());
    Writer w(out);
    w.u8(format);
    w.str(unit);
    w.u8(audience);
    w.str(checkpoint);
    w.str(sign(hash_of(raw)));
    w.raw(std::string_view(state).substr(r.offset()));
    return out;
}

TEST_CASE("a state counts under the city's own signature only", "[replica][checkpoint][trust]") {
    Signed w;
    const auto state = w.state(kB01);
    const auto thief = support::make_key(99);
    w.check_refused(with_signature(state, [&](const Hash& h) { return thief->sign(kForHead, view(h.bytes)); }));
    w.check_refused(with_signature(state, [](const Hash&) { return std::string(); }));
    const auto& city = w.city.keys.device;
    w.check_refused(with_signature(state, [&](const Hash& h) { return city->sign(kForAck, view(h.bytes)); }));
    CHECK(*(*w.reader)->take_snapshot(
        with_signature(state, [&](const Hash& h) { return city->sign(kForHead, view(h.bytes)); })));
}

TEST_CASE("which commits lie below a state is signed with it", "[replica][checkpoint][trust]") {
    Signed w;
    auto state = w.state(kB01);
    // The first 8 bytes of each commit's hash, and the 8 after them of those that stand: the first one was overwritten.
    for (const std::uint64_t seq : {1, 3}) {
        const auto hash = (*w.a)->hashes_at(kB01, (*w.a)->id(), Seq{seq});
        REQUIRE(hash->size() == 1);
        const auto at = state.find(view(hash->front().bytes).substr(0, 16));
        REQUIRE(at != std::string::npos);
        for (std::size_t byte = 0; byte < (seq == 1 ? 8 : 16); ++byte) {
            INFO("commit " << seq << ", byte " << byte);
            state[at + byte] = static_cast<char>(state[at + byte] ^ 1);
            w.check_refused(state);
            state[at + byte] = static_cast<char>(state[at + byte] ^ 1);
        }
    }
    CHECK(*(*w.reader)->take_snapshot(state));
}

TEST_CASE("a state of one stream is not taken for another's", "[replica][checkpoint][trust]") {
    Signed w;
    auto state = w.state(kB02);
    const auto at = state.find("B02");
    REQUIRE(at < 4);  // the stream's unit, in the head
    state.replace(at, 3, "B01");
    w.check_refused(state);
}

TEST_CASE("a refused state leaves nothing behind in the transaction that goes on with the log",
          "[replica][checkpoint]") {
    Signed w;
    auto b = w.device("B01");
    w.a->set("assignment", "B01-1", {{"result_text", text("甲稿")}});
    b->set("assignment", "B01-1", {{"result_text", text("乙稿")}});
    w.sync(*w.a);
    w.sync(*b);
    REQUIRE(w.city->checkpoint().has_value());
    REQUIRE((*w.reader)->add_certificate(*(*b)->control().cert((*b)->id())).has_value());
    auto state = w.state(kB01);
    const auto at = state.find("也改过");
    REQUIRE(at != std::string::npos);
    state.replace(at, 9, "没改过");
    Lsn through;
    const auto all = *w.city->log_after(Lsn{0}, std::span(&kB01, 1), 1 << 20, through);
    // The chains the other way round, so that no commit gets the place that it had in the state.
    std::vector<std::string_view> packed;
    std::vector<HeadSignature> signatures;
    for (const auto& author : {(*b)->id(), (*w.a)->id(), w.city->id()})
        for (const auto& e : all) {
            if (e.replica != author) continue;
            if (!e.signature.empty()) signatures.push_back({packed.size(), e.signature});
            packed.push_back(e.packed);
        }
    REQUIRE((*w.reader)
                ->batch([&]() -> Result<> {
                    CHECK_FALSE((*w.reader)->take_snapshot(state).has_value());
                    TRY_VOID((*w.reader)->prove(packed, signatures));
                    TRY_VOID((*w.reader)->receive(packed, Origin::upstream));
                    return {};
                })
                .has_value());
    CHECK(w.reader->field("B01-1", "remark") == "改过");
    CHECK(w.reader->field("B01-2", "remark") == "也改过");
    CHECK((*w.reader)->conflicts("B01-1")->size() == 1);
    CHECK((*w.reader)->verify().has_value());
}

TEST_CASE("a state in which the city struck a time is taken as it was signed", "[replica][checkpoint]") {
    Signed w;
    auto b = w.device("B01");
    w.a->clock.wall_ms += std::int64_t{300} * 86'400'000;
    w.a->set("assignment", "B01-1", {{"remark", text("明年")}});
    b->set("assignment", "B01-1", {{"remark", text("今天")}});
    w.sync(*w.a);
    w.sync(*b);
    w.city.clock.wall_ms += 86'400'000;
    REQUIRE(w.city->checkpoint().has_value());
    REQUIRE(w.city.field("B01-1", "remark") == "今天");
    REQUIRE((*w.reader)->add_certificate(*(*b)->control().cert((*b)->id())).has_value());
    REQUIRE(*(*w.reader)->take_snapshot(w.state(kB01)));
    CHECK(w.reader->field("B01-1", "remark") == "今天");
}

TEST_CASE("rows of a state from before a revocation have their past asked for", "[replica][checkpoint][revocation]") {
    Signed w;
    const auto old = w.state(kB01);
    REQUIRE(
        w.city->append_control("revoke", R"({"replica":")" + (*w.a)->id().hex() + R"(","streams":{}})").has_value());
    REQUIRE((*w.reader)->receive_control(*w.city->control_after((*w.reader)->control().head(), 1 << 20)).has_value());
    // From a server that has not heard of it.
    REQUIRE(*(*w.reader)->take_snapshot(old));
    const auto wanted = *(*w.reader)->wanted_rows(64);
    REQUIRE(wanted.size() == 2);
    for (const auto& key : wanted) REQUIRE((*w.reader)->complete_row(key, *w.city->row_commits(key)).has_value());
    CHECK(w.reader->field("B01-1", "remark") == "—");
    CHECK(w.reader->field("B01-1", "remark") == w.city.field("B01-1", "remark"));
}

TEST_CASE("rows of a state by a name that a revoked device gave itself have their past asked for",
          "[replica][checkpoint][revocation]") {
    Signed w;
    auto b = w.device("B01");
    const auto first = (*b)->id();  // wrote nothing under this one
    REQUIRE((*b)->reincarnate().has_value());
    b->set("assignment", "B01-2", {{"result_text", text("换名以后写的")}});
    w.sync(*b);
    REQUIRE(w.city->checkpoint().has_value());
    for (const auto& c : *w.city->certificates_after(0))
        REQUIRE((*w.reader)->add_certificate(*Certificate::decode(c.body)).has_value());
    const auto old = w.state(kB01);
    REQUIRE(w.city->append_control("revoke", R"({"replica":")" + first.hex() + R"(","streams":{}})").has_value());
    REQUIRE((*w.reader)->receive_control(*w.city->control_after((*w.reader)->control().head(), 1 << 20)).has_value());
    REQUIRE(*(*w.reader)->take_snapshot(old));
    const auto wanted = *(*w.reader)->wanted_rows(64);
    REQUIRE(wanted.size() == 2);
    for (const auto& key : wanted) REQUIRE((*w.reader)->complete_row(key, *w.city->row_commits(key)).has_value());
    CHECK(w.city.field("B01-2", "result_text") == "—");
    CHECK(w.reader->field("B01-2", "result_text") == "—");
}

TEST_CASE("a row's dropped past is taken whole, and of what was signed for", "[replica][checkpoint][trust]") {
    Signed w;
    REQUIRE(*(*w.reader)->take_snapshot(w.state(kB01)));
    const Replica::RowKey key{"assignment", "B01-1", kB01};
    w.want(key);
    auto past = *w.city->row_commits(key);
    REQUIRE(past.size() == 3);
    const auto is_whole = [&] { return (*w.reader)->read_row("assignment", "B01-1")->is_whole; };
    SECTION("without the commit that another builds on") {
        past.erase(past.begin() + 1);
        REQUIRE((*w.reader)->complete_row(key, past).has_value());
        CHECK_FALSE(is_whole());
    }
    SECTION("without the one that made the record, which nothing else builds on") {
        past.pop_back();
        REQUIRE((*w.reader)->complete_row(key, past).has_value());
        CHECK_FALSE(is_whole());
        CHECK(w.reader->field("B01-1", "deadline") == "2025-11-30");
    }
    SECTION("with another row's, or another stream's") {
        auto other = *w.city->row_commits({"assignment", "B01-2", kB01});
        REQUIRE_FALSE(other.empty());
        CHECK((*w.reader)->complete_row(key, other).error().code == Errc::protocol);
        // Of that name, in another stream and in another table.
        w.new_assignment("B01-1", "T1", "B02");
        other = *w.city->row_commits({"assignment", "B01-1", kB02});
        REQUIRE(other.size() == 1);
        CHECK((*w.reader)->complete_row(key, other).error().code == Errc::protocol);
        Edit e;
        e.entity = "push";
        e.row = "B01-1";
        e.create = true;
        e.stream = kB01;
        e.fields = {{"kind", text("催办")}, {"text", text("第一次")}};
        w.city.edit(std::move(e));
        other = *w.city->row_commits({"push", "B01-1", kB01});
        REQUIRE(other.size() == 1);
        CHECK((*w.reader)->complete_row(key, other).error().code == Errc::protocol);
        CHECK_FALSE(is_whole());
    }
    SECTION("with what is no commit") {
        past.back().packed = std::string(1, '\0') + "no commit";
        CHECK((*w.reader)->complete_row(key, past).has_error());
        CHECK_FALSE(is_whole());
    }
    SECTION("with a word of the server on the time, which the city has signed otherwise") {
        for (auto& p : past) p.unstamped = true;
        REQUIRE((*w.reader)->complete_row(key, past).has_value());
        CHECK(is_whole());
        auto s = (*w.reader)->database().prepare("SELECT count(*) FROM unstamped", false);
        REQUIRE(*s->step());
        CHECK(s->integer(0) == 0);
    }
    SECTION("of nobody") {
        REQUIRE((*w.reader)->complete_row(key, {}).has_value());
        CHECK_FALSE(is_whole());
    }
    SECTION("with one that nobody knows") {
        const auto heads = *w.city->chain_heads(std::span(&kB01, 1));
        const auto own =
            std::find_if(heads.begin(), heads.end(), [&](const auto& h) { return h.replica == (*w.a)->id(); });
        REQUIRE(own != heads.end());
        CommitHeader h;
        h.replica = own->replica;
        h.stream = kB01;
        h.seq = Seq{own->seq.value + 1};
        h.prev = own->hash;
        h.control = w.city->control().head();
        h.catalog = w.city->control().newest_catalog()->version();
        h.time = kTimeMax - 1;
        CommitWriter c;
        c.row("assignment", "B01-1");
        c.part(fold::Op::put, "remark", {});
        c.field("remark", text("没有人写过"));
        const auto bytes = c.finish(h);
        Packer().pack(bytes, past.emplace_back().packed);
        REQUIRE((*w.reader)->complete_row(key, past).has_value());
        CHECK(is_whole());
        CHECK((*w.reader)->hashes_at(kB01, own->replica, h.seq)->empty());
    }
    CHECK(w.reader->field("B01-1", "remark") == "改过");
}

TEST_CASE("in a city without keys a state and the past of its rows are believed", "[replica][checkpoint][unsigned]") {
    support::Device city(1);
    support::found_city(city, support::ledger_catalog(), "a city without keys");
    auto hub = *sync::Hub::open(*city);
    support::new_assignment(city, "A1", "T1", "B01");
    support::Device a(10), b(11), late(12);
    for (auto* d : {&a, &b}) {
        support::World::enrol_at(hub, *d, "B01");
        support::World::sync(*d, hub);
    }
    a.clock.wall_ms += std::int64_t{300} * 86'400'000;
    a.set("assignment", "A1", {{"remark", text("明年")}});
    support::World::sync(a, hub);
    city.clock.wall_ms += 86'400'000;
    REQUIRE(city->checkpoint().has_value());  // takes its time
    support::World::sync(b, hub);
    support::World::enrol_at(hub, late, "B01");
    support::World::sync(late, hub);
    REQUIRE(late->has_dropped());
    CHECK(late.field("A1", "remark") == "明年");
    // Two who had not seen each other: the past is needed, the struck commit with it.
    b.clock.wall_ms += 3'600'000;
    b.set("assignment", "A1", {{"remark", text("乙的")}});
    late.set("assignment", "A1", {{"remark", text("新电脑的")}});
    support::World::sync(b, hub);
    for (int i = 0; i < 3; ++i) support::World::sync(late, hub);
    CHECK(late->waiting_count() == 0);
    CHECK(late->read_row("assignment", "A1")->is_whole);
    CHECK(late.field("A1", "remark") == city.field("A1", "remark"));
    CHECK(late->conflicts("A1")->size() == 1);
    CHECK(late->verify().has_value());
}

TEST_CASE("past that was asked for and is not wanted any more is passed over", "[replica][checkpoint]") {
    Signed w;
    REQUIRE(*(*w.reader)->take_snapshot(w.state(kB01)));
    const Replica::RowKey nothing{"assignment", "B01-9", kB01}, key{"assignment", "B01-1", kB01};
    w.want(nothing);
    REQUIRE((*w.reader)->complete_row(nothing, {}).has_value());
    CHECK((*w.reader)->wanted_rows(9)->empty());
    for (int twice = 0; twice < 2; ++twice) {
        w.want(key);
        REQUIRE((*w.reader)->complete_row(key, *w.city->row_commits(key)).has_value());
        CHECK((*w.reader)->wanted_rows(9)->empty());
        CHECK((*w.reader)->read_row("assignment", "B01-1")->is_whole);
    }
}

TEST_CASE("past whose author nobody here has heard of is asked for again", "[replica][checkpoint][trust]") {
    Signed w;
    auto b = w.device("B01");
    b->set("assignment", "B01-2", {{"responsible_person", text("新来的")}});
    w.sync(*b);
    REQUIRE(w.city->checkpoint().has_value());
    REQUIRE(*(*w.reader)->take_snapshot(w.state(kB01)));
    const Replica::RowKey key{"assignment", "B01-2", kB01};
    w.want(key);
    REQUIRE((*w.reader)->complete_row(key, *w.city->row_commits(key)).has_value());
    REQUIRE((*w.reader)->wanted_rows(9)->size() == 1);
    REQUIRE((*w.reader)->add_certificate(*w.city->control().cert((*b)->id())).has_value());
    REQUIRE((*w.reader)->complete_row(key, *w.city->row_commits(key)).has_value());
    CHECK((*w.reader)->wanted_rows(9)->empty());
    CHECK(w.reader->field("B01-2", "responsible_person") == "新来的");
}

TEST_CASE("no state is given under a checkpoint that has no signature of its own", "[replica][checkpoint][trust]") {
    Signed w;
    REQUIRE(w.city
                ->batch([&]() -> Result<> {
                    w.city.set("assignment", "B01-1", {{"deadline", text("2025-12-31")}});
                    w.a->set("assignment", "B01-1", {{"remark", text("又改")}});
                    TRY_VOID(support::carry(**w.a, *w.city, kB01, (*w.a)->id()));
                    TRY_VOID(w.city->checkpoint());
                    w.city.set("assignment", "B01-2", {{"deadline", text("2025-12-31")}});
                    return {};
                })
                .has_value());
    CHECK(*w.city->make_snapshot(kB01, 1 << 20) == "");
}

TEST_CASE("a state brings what waits at the hub", "[replica][checkpoint]") {
    Signed w;
    auto early = w.device("B01"), late = w.device("B01");
    early->set("assignment", "B01-2", {{"result_text", text("先写的")}});
    REQUIRE(support::carry(**early, **late, kB01, (*early)->id()).has_value());
    late->set("assignment", "B01-2", {{"result_text", text("接着写的")}});
    // The city hears the second one only, and signs that it has it.
    REQUIRE(support::carry(**late, *w.city, kB01, (*late)->id()).has_value());
    REQUIRE(w.city->waiting_count() == 1);
    REQUIRE(w.city->checkpoint().has_value());
    // What comes to wait later is not in it.
    late->set("assignment", "B01-2", {{"result_text", text("再接着写的")}});
    auto other = w.device("B01");
    REQUIRE(support::carry(**early, **other, kB01, (*early)->id()).has_value());
    other->set("assignment", "B01-2", {{"result_text", text("别人接着写的")}});
    for (auto* d : {&late, &other}) REQUIRE(support::carry(***d, *w.city, kB01, (**d)->id()).has_value());
    REQUIRE(w.city->waiting_count() == 3);
    for (const auto* d : {&early, &late})
        REQUIRE((*w.reader)->add_certificate(*(**d)->control().cert((**d)->id())).has_value());
    REQUIRE(*(*w.reader)->take_snapshot(w.state(kB01)));
    CHECK((*w.reader)->waiting_count() == 1);
    REQUIRE(support::carry(**early, **w.reader, kB01, (*early)->id()).has_value());
    for (const auto& key : *(*w.reader)->wanted_rows(64))
        REQUIRE((*w.reader)->complete_row(key, *w.city->row_commits(key)).has_value());
    CHECK((*w.reader)->waiting_count() == 0);
    CHECK(w.reader->field("B01-2", "result_text") == "接着写的");
}

}  // namespace
}  // namespace taizhang::state_trust_test
