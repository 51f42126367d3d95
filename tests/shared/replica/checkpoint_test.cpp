// Checkpoints, devices that begin from a state, history that is dropped and fetched again.
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang {
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
    w.back_up_and_sign();
    // b writes without a link, on what stood at the checkpoint; a drops and goes on.
    w.b->set("assignment", "A5", {{"result_text", text("乙:没有网时写的")}});
    w.a->set("assignment", "A5", {{"result_text", text("甲:已经写好")}});
    w.sync(*w.a);
    w.back_up_and_sign();  // settle() brings b's commit to a
    REQUIRE((*w.a)->conflicts("A5")->size() == 1);

    auto late = w.device("B01");
    w.b->set("assignment", "A6", {{"result_text", text("乙的")}});
    late->set("assignment", "A6", {{"result_text", text("新电脑的")}});
    w.sync(*w.b);
    w.sync(*late);
    CHECK((*late)->waiting()->empty());
    CHECK((*late)->conflicts("A6")->size() == 1);
    w.settle();
    CHECK(digest_of(**late, "B01/ledger") == digest_of(**w.b, "B01/ledger"));
    REQUIRE((*late)->verify().has_value());
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

}  // namespace
}  // namespace taizhang
