// The tree changes: units moved, merged, closed; records stay where they are, people are told, nothing is lost.
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::moves_test {
namespace {

using support::text;

std::string unit(const std::string& id, const std::string& parent, const std::string& more = {}) {
    return R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" +
           (parent == "K1" ? "township" : "branch") + R"(","name":")" + id + "\"" + more + "}";
}

std::size_t rows_here(Replica& r, const std::string& id) { return r.find(id)->size(); }

TEST_CASE("a unit that moves takes its records along unwritten, and the old office's PC lets them go",
          "[sync][moves]") {
    support::World w;
    REQUIRE(w.city->append_control("unit", unit("K1-02", "K1")).has_value());
    w.new_assignment("A1", "T1", "B01");
    auto branch = w.device("B01"), old_office = w.device("K1-01"), new_office = w.device("K1-02");
    CHECK(rows_here(**old_office, "A1") == 1);
    CHECK(rows_here(**new_office, "A1") == 0);
    // The old office writes without a link while the unit is moved.
    old_office->set("assignment", "A1", {{"deadline", text("2025-12-20")}});
    const auto commits = *w.city->commits_in({"B01", Audience::ledger});
    REQUIRE(w.city->append_control("unit", unit("B01", "K1-02")).has_value());
    w.sync(*new_office);
    CHECK(rows_here(**new_office, "A1") == 1);
    w.sync(*old_office);  // what it wrote counts: it might when it wrote
    CHECK(w.city.field("A1", "deadline") == "2025-12-20");
    CHECK(*w.city->commits_in({"B01", Audience::ledger}) == commits + 1);
    CHECK(rows_here(**old_office, "A1") == 0);
    CHECK(*sync::unsent_count(**old_office) == 0);
    CHECK_FALSE(old_office->replica
                    ->edit({{[] {
                                Edit e;
                                e.entity = "assignment";
                                e.row = "A1";
                                e.fields = {{"remark", text("太晚")}};
                                return e;
                            }()},
                            {}})
                    .has_value());
    w.sync(*branch);
    branch->set("assignment", "A1", {{"remark", text("在新乡镇")}});
    w.sync(*branch);
    w.sync(*new_office);
    CHECK(new_office->field("A1", "remark") == "在新乡镇");
    REQUIRE((*old_office)->verify().has_value());
    // And back again: the records return, and one's own numbers go on.
    REQUIRE(w.city->append_control("unit", unit("B01", "K1-01")).has_value());
    w.sync(*old_office);
    w.sync(*old_office);
    CHECK(old_office->field("A1", "remark") == "在新乡镇");
    old_office->set("assignment", "A1", {{"deadline", text("2025-12-25")}});
    w.sync(*old_office);
    CHECK(w.city.field("A1", "deadline") == "2025-12-25");
    CHECK_FALSE((*old_office)->is_copied());
}

TEST_CASE("a unit that moves gets the notices of its new office, old ones as well", "[sync][moves]") {
    support::World w;
    REQUIRE(w.city->append_control("unit", unit("K1-02", "K1")).has_value());
    auto branch = w.device("B01");
    Edit e;
    e.entity = "task";
    e.row = "T9";
    e.create = true;
    e.stream = StreamId{"K1-02", Audience::notice};
    e.fields = {{"title", text("新乡镇的任务")}};
    w.city.edit(std::move(e));
    w.new_assignment("A1", "T9", "B01");  // what the branch hears of moves its place in the log past the notice
    w.sync(*branch);
    REQUIRE(rows_here(**branch, "A1") == 1);
    REQUIRE(rows_here(**branch, "T9") == 0);
    REQUIRE(w.city->append_control("unit", unit("B01", "K1-02")).has_value());
    w.sync(*branch);
    w.sync(*branch);
    CHECK(rows_here(**branch, "T9") == 1);
}

TEST_CASE("nothing is written into a stream that came back before one's own work in it did", "[sync][moves]") {
    support::World w;
    REQUIRE(w.city->append_control("unit", unit("K1-02", "K1")).has_value());
    w.new_assignment("A1", "T1", "B01");
    auto office = w.device("K1-01");
    office->set("assignment", "A1", {{"deadline", text("2025-12-20")}});
    w.sync(*office);
    REQUIRE(w.city->append_control("unit", unit("B01", "K1-02")).has_value());
    w.sync(*office);
    w.sync(*office);
    REQUIRE(rows_here(**office, "A1") == 0);
    REQUIRE(w.city->append_control("unit", unit("B01", "K1-01")).has_value());
    REQUIRE((*office)->receive_control(*w.city->control_after((*office)->control().head(), 1u << 20)).has_value());
    Edit e;
    e.entity = "progress_report";
    e.row = "R1";
    e.create = true;
    e.stream = StreamId{"B01", Audience::ledger};
    e.fields = {{"assignment_id", text("A1")}};
    const auto early = (*office)->edit({{e}, {}});
    REQUIRE_FALSE(early.has_value());
    CHECK(early.error().code == Errc::not_allowed);
    w.sync(*office);
    w.sync(*office);
    office->set("assignment", "A1", {{"deadline", text("2025-12-25")}});
    w.sync(*office);
    CHECK(w.city.field("A1", "deadline") == "2025-12-25");
    CHECK_FALSE(*w.city->is_forked({"B01", Audience::ledger}, (*office)->id()));
}

TEST_CASE("X08: work under a unit that was merged is booked to it, then the PC must enrol again", "[sync][moves]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01"), other = w.device("B02");
    d->set("assignment", "A1", {{"result_text", text("没有网时写的")}});
    REQUIRE(w.city->append_control("unit", unit("B01", "K1-01", R"(,"merged_into":"B02")")).has_value());
    w.sync(*d);
    CHECK(w.city.field("A1", "result_text") == "没有网时写的");
    CHECK(w.city->read_row("assignment", "A1")->stream == StreamId{"B01", Audience::ledger});
    CHECK(*sync::must_enrol_again(**d));
    Edit e;
    e.entity = "assignment";
    e.row = "A1";
    e.fields = {{"remark", text("旧身份")}};
    const auto refused = (*d)->edit({{e}, {}});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::not_allowed);
    CHECK(refused.error().detail.find("B02") != std::string::npos);
    // The successor goes on with the records as its own.
    w.sync(*other);
    other->set("assignment", "A1", {{"result_text", text("接着写")}});
    w.sync(*other);
    CHECK(w.city.field("A1", "result_text") == "接着写");
    // The PC enrols again with all its data, under a new name.
    const auto before = (*d)->id();
    w.enrol_at(*w.hub, *d, "B02");
    w.sync(*d);
    CHECK((*d)->id() != before);
    CHECK(d->field("A1", "result_text") == "接着写");
    d->set("assignment", "A1", {{"remark", text("新身份")}});
    w.sync(*d);
    CHECK(w.city.field("A1", "remark") == "新身份");
    CHECK_FALSE(*sync::must_enrol_again(**d));
}

TEST_CASE("X08: until its new code was taken, a merged unit's PC stays who it was", "[sync][moves]") {
    support::World w;
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    REQUIRE(w.city->append_control("unit", unit("B01", "K1-01", R"(,"merged_into":"B02")")).has_value());
    w.sync(*d);
    const auto before = (*d)->id();
    const auto asked_as = [&](const std::string& request) {
        wire::EnrolRequest q;
        REQUIRE(wire::decode(request, q).has_value());
        return q.replica;
    };
    // A wrong code: the PC has its name, its unit and its link.
    const auto wrong = *sync::Enrolment(**d).request("AAAA-BBBB-CCCC", "test");
    CHECK_FALSE(w.hub->handle(wrong).has_value());
    CHECK((*d)->id() == before);
    CHECK(*sync::must_enrol_again(**d));
    w.sync(*d);
    // It asks by one new name, however often, so an answer that was lost is given again.
    const auto code = *w.hub->new_code("B02");
    const auto first = *sync::Enrolment(**d).request(code.code, "test");
    CHECK(asked_as(first) == asked_as(wrong));
    REQUIRE(w.hub->handle(first).has_value());  // lost on the way
    sync::Enrolment again(**d);
    const auto answer = w.hub->handle(*again.request(code.code, "test"));
    REQUIRE(answer.has_value());
    // An answer that is not taken whole changes nothing.
    const auto failed = (*d)->batch([&]() -> Result<> {
        TRY_VOID(sync::Enrolment(**d).reply(*answer));
        return fail(Errc::io, "the disk");
    });
    REQUIRE_FALSE(failed.has_value());
    CHECK((*d)->id() == before);
    REQUIRE(again.reply(*answer).has_value());
    CHECK((*d)->id() == asked_as(first));
    w.sync(*d);
    CHECK((*d)->control().cert((*d)->id())->unit == "B02");
    CHECK((*d)->fact("notice/copied")->empty());  // it is no copy
    d->set("assignment", "A1", {{"remark", text("新身份")}});
    w.sync(*d);
    CHECK(w.city.field("A1", "remark") == "新身份");
}

TEST_CASE("a unit's scope, walked through the tree, is what it holds stream by stream", "[replica][moves]") {
    support::World w;
    const auto put = [&](const std::string& id, const std::string& parent, const std::string& level,
                         const std::string& merged_into = {}) {
        const auto more = merged_into.empty() ? std::string() : R"(,"merged_into":")" + merged_into + R"(")";
        REQUIRE(w.city
                    ->append_control("unit", R"({"id":")" + id + R"(","parent_id":")" + parent + R"(","level":")" +
                                                 level + R"(","name":")" + id + R"(")" + more + "}")
                    .has_value());
    };
    const auto check = [&] {
        const auto& c = w.city->control();
        for (const auto& unit : c.units()) {
            INFO(unit);
            std::vector<StreamId> held;
            for (const auto& of : c.units())
                for (const auto audience : {Audience::ledger, Audience::notice})
                    if (c.holds(unit, {of, audience})) held.push_back({of, audience});
            std::sort(held.begin(), held.end());
            CHECK(c.scope(unit) == held);
        }
        CHECK(c.scope("nowhere").empty());
    };
    check();
    put("K2", "C", "county");
    put("K2-01", "K2", "township");
    put("K2-02", "K2", "township");
    put("K2-DJB", "K2", "county");  // a department acts for its county
    for (int n = 0; n < 6; ++n) put("X" + std::to_string(n), n % 2 ? "K2-01" : "K2-02", "branch");
    check();
    put("K2-01", "K1", "township");      // with all below it
    put("X0", "K1-01", "branch");        // to another county
    put("X3", "K2-01", "branch", "X1");  // merged
    put("X2", "K1-01", "branch");
    put("X4", "K1-01", "branch");
    put("K2-02", "K2", "township", "K1-01");  // nobody below it any more
    check();
}

TEST_CASE("the tree refuses what makes no sense, and stays as it is", "[replica][moves]") {
    support::World w;
    const auto head = w.city->control().head();
    for (const auto& entry :
         {unit("K1-01", "K1", R"(,"abolished":true)"), unit("B01", "K1-01", R"(,"merged_into":"K1-01")"),
          unit("B01", "K1-01", R"(,"merged_into":"B01")"), unit("B01", "K1-01", R"(,"merged_into":"X")"),
          unit("B01", "B02"), std::string("[]")}) {
        if (entry == unit("B01", "B02")) continue;  // an office within another is allowed
        CHECK_FALSE(w.city->append_control("unit", entry).has_value());
    }
    CHECK(w.city->control().head() == head);
    REQUIRE(w.city->append_control("unit", unit("B01", "K1-01", R"(,"abolished":true)")).has_value());
    CHECK(w.city->control().is_abolished("B01", w.city->control().head()));
    CHECK_FALSE(w.city->control().is_abolished("B01", head));
}

}  // namespace
}  // namespace taizhang::moves_test
