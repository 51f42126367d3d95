// What a person may not write is refused in a line, before anything of it is written.
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::refused_edits_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

/// Two kinds of records: one with lists and steps, one whose ids are made by machines.
const std::string kCatalog = R"(version = 1
[entity.probe]
label = ["试样", "probe"]
[entity.probe.fields]
title = { max = 200 }
score = { type = "integer", by = ["above"] }
tags  = { rule = "set" }
diary = { rule = "append" }
[entity.probe.workflow]
states = ["open", "closed"]
frozen = { closed = ["title"] }
[entity.probe.workflow.transitions]
close  = { from = ["open"], to = "closed", needs = ["reason"], takes = ["text"] }
reopen = { from = ["closed"], to = "open", by = ["above"] }
[entity.note]
label = ["便条", "note"]
id = "uuid"
[entity.note.fields]
text = { max = 200 }
)";

struct Office : World {
    std::unique_ptr<Device> a;
    Office() : World(kCatalog) {
        a = device("B01");
        auto e = edit_of("probe", "P1");
        e.create = true;
        e.stream = kB01;
        e.fields = {{"title", text("一")}, {"tags", text("红")}};
        a->edit(std::move(e));
    }
    static Edit edit_of(const std::string& entity, const std::string& row) {
        Edit e;
        e.entity = entity;
        e.row = row;
        return e;
    }
    /// What it says; and nothing was written.
    Error refused(const Edit& e, const std::string& person = {}) {
        const auto before = (*a)->log_head();
        Draft d;
        d.edits = {e};
        d.person = person;
        const auto done = (*a)->edit(d);
        REQUIRE(done.has_error());
        CHECK((*a)->log_head() == before);
        CHECK(done.error().detail.find(" / ") != std::string::npos);
        return done.error();
    }
    Error refused(const std::function<void(Edit&)>& what) {
        auto e = edit_of("probe", "P1");
        what(e);
        return refused(e);
    }
};

}  // namespace

TEST_CASE("edit: nothing, nobody's kind of record and no record at all are refused", "[replica][edit]") {
    Office w;
    const auto nothing = (*w.a)->edit({});
    REQUIRE(nothing.has_error());
    CHECK(nothing.error().code == Errc::usage);
    CHECK(w.refused(Office::edit_of("nobody", "P1")).code == Errc::not_found);
    CHECK(w.refused(Office::edit_of("probe", "P9")).code == Errc::not_found);
    CHECK(w.refused([](Edit& e) { e.fields = {{"nothing", text("x")}}; }).code == Errc::not_found);
    CHECK(w.refused([](Edit& e) { e.remove = {{"nothing", text("x")}}; }).code == Errc::not_found);
    CHECK(w.refused([](Edit& e) { e.fields = {{"score", Value::integer(1)}}; }).code == Errc::not_allowed);
    CHECK(w.refused([](Edit& e) { e.fields = {{"score", text("many")}}; }).code == Errc::bad_input);
    auto e = Office::edit_of("probe", "P1");
    e.fields = {{"title", text("二")}};
    CHECK(w.refused(e, std::string(65, 'x')).code == Errc::usage);
    CHECK(w.refused(e, "\xff").code == Errc::usage);
    // A device that has met nobody has no catalog, and no certificate.
    Device fresh(900);
    Draft d;
    d.edits = {e};
    CHECK(fresh->edit(d).error().code == Errc::not_allowed);
    REQUIRE(ok(fresh->receive_control(*w.city->control_after(ControlPos{0}, 1 << 20))));
    d.edits[0].stream = kB01;
    CHECK(fresh->edit(d).error().code == Errc::not_allowed);
}

TEST_CASE("edit: an id is of its entity's form", "[replica][edit]") {
    Office w;
    for (const auto& id :
         {std::string(), std::string(kRowIdMax + 1, 'x'), std::string("\xff"), std::string("a\0b", 3)}) {
        auto e = Office::edit_of("probe", id);
        e.create = true;
        e.stream = kB01;
        CHECK(w.refused(e).code == Errc::bad_input);
        e.stream.reset();
        CHECK(w.refused(e).code == Errc::bad_input);
    }
    auto note = Office::edit_of("note", "12");
    note.create = true;
    note.stream = kB01;
    note.fields = {{"text", text("一")}};
    CHECK(w.refused(note).code == Errc::bad_input);
    note.row = std::string(32, 'a');  // as people see it
    w.a->edit(note);
    CHECK(w.a->field(note.row, "text") == "一");
    note.row = std::string(16, '\xaa');  // as the tables have it: the same one
    note.create = false;
    note.fields = {{"text", text("二")}};
    w.a->edit(note);
    CHECK(w.a->field(std::string(32, 'a'), "text") == "二");
    CHECK(ok((*w.a)->verify()));
}

TEST_CASE("edit: a step needs what the catalog asks for with it, and takes nothing else", "[replica][edit]") {
    Office w;
    const auto step = [&](const std::string& name, std::vector<std::pair<std::string, Value>> arguments) {
        return w.refused([&](Edit& e) {
            e.transition = name;
            e.arguments = arguments;
        });
    };
    CHECK(step("vanish", {}).code == Errc::not_found);
    CHECK(step("reopen", {}).code == Errc::not_allowed);  // not from here, and not by the unit
    CHECK(step("close", {}).code == Errc::usage);
    CHECK(step("close", {{"reason", Value::null()}}).code == Errc::usage);
    CHECK(step("close", {{"reason", text("")}}).code == Errc::usage);
    CHECK(step("close", {{"reason", text("好")}, {"state", text("closed")}}).code == Errc::usage);
    CHECK(step("close", {{"reason", text(std::string(8001, 'x'))}}).code == Errc::bad_input);
    CHECK(step("close", {{"reason", text("\xff")}}).code == Errc::bad_input);
    CHECK(step("close", {{"reason", text("好")}, {"text", text("机密★3年")}}).code == Errc::bad_input);
    // An entity without steps has none.
    auto note = Office::edit_of("note", std::string(32, 'a'));
    note.create = true;
    note.stream = kB01;
    note.transition = "close";
    CHECK(w.refused(note).code == Errc::not_found);
    CHECK(w.a->state("P1") == "open");
    w.a->act("probe", "P1", "close", {{"reason", text("好")}, {"text", Value::integer(7)}});
    CHECK(w.a->state("P1") == "closed");
}

TEST_CASE("edit: out of a set goes what is in it", "[replica][edit]") {
    Office w;
    CHECK(w.refused([](Edit& e) { e.remove = {{"title", text("一")}}; }).code == Errc::usage);
    CHECK(w.refused([](Edit& e) { e.remove = {{"diary", text("一")}}; }).code == Errc::usage);
    CHECK(w.refused([](Edit& e) { e.remove = {{"tags", text("蓝")}}; }).code == Errc::not_found);
    // A new record has nothing in it.
    auto e = Office::edit_of("probe", "P2");
    e.create = true;
    e.stream = kB01;
    e.remove = {{"tags", text("红")}};
    CHECK(w.refused(e).code == Errc::not_found);
    e = Office::edit_of("probe", "P1");
    e.remove = {{"tags", text("红")}};
    w.a->edit(e);
    CHECK(w.a->field("P1", "tags") == "—");
    CHECK(ok((*w.a)->verify()));
}

TEST_CASE("edit: more than two megabytes at once are refused", "[replica][edit]") {
    Office w;
    Draft d;
    for (int n = 0; n < 12'000; ++n) {
        auto e = Office::edit_of("probe", "L" + std::to_string(n));
        e.create = true;
        e.stream = kB01;
        e.fields = {{"title", text(std::string(190, 'x'))}};
        d.edits.push_back(std::move(e));
    }
    const auto before = (*w.a)->log_head();
    const auto done = (*w.a)->edit(d);
    REQUIRE(done.has_error());
    CHECK(done.error().code == Errc::bad_input);
    CHECK((*w.a)->log_head() == before);
    d.edits.resize(9'000);
    CHECK(ok((*w.a)->edit(d)));
}

TEST_CASE("edit: without the key that was enrolled nobody writes", "[replica][edit][trust]") {
    Office w;
    auto copy = Device(77, ":memory:", {}, {}, {make_key(4711), nullptr});
    CHECK(copy->can_sign() == true);  // nothing is signed before it knows a city
    REQUIRE(ok(copy->receive_control(*w.city->control_after(ControlPos{0}, 1 << 20))));
    CHECK_FALSE(copy->can_sign());
    auto e = Office::edit_of("probe", "P1");
    e.fields = {{"title", text("假的")}};
    e.stream = kB01;
    Draft d;
    d.edits = {e};
    // Under somebody else's name, whose certificate everybody has.
    for (const auto& c : *w.city->certificates_after(0))
        REQUIRE(ok(copy->add_certificate(*Certificate::decode(c.body))));
    const auto done = copy->edit_as((*w.a)->id(), d, copy.clock.wall_ms);
    REQUIRE(done.has_error());
    CHECK(done.error().code == Errc::not_allowed);
}

}  // namespace taizhang::refused_edits_test
