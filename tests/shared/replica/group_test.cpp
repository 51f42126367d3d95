// Several batches in one transaction: what devices bring while the disk is busy.
#include "tests/support/world.h"

#include <catch2/catch.hpp>

namespace taizhang::group_test {
namespace {

using support::text;

/// One more record of that unit, as a batch of its own.
Result<> add(Replica& r, const std::string& id, const std::string& unit) {
    Edit e;
    e.entity = "evidence";
    e.row = id;
    e.stream = StreamId{unit, Audience::ledger};
    e.create = true;
    e.fields = {{"record_id", text("A1")}, {"unit_id", text(unit)}};
    Draft d;
    d.edits.push_back(e);
    auto made = r.edit(d);
    return made ? Result<>() : Result<>(made.error());
}

TEST_CASE("group: what several batches wrote is there when it has returned, for the next start too",
          "[replica][group]") {
    support::World w;
    const auto before = w.city->log_head();
    Result<> first, second;
    REQUIRE(w.city
                ->group([&] {
                    first = add(*w.city, "G1", "B01");
                    second = add(*w.city, "G2", "B02");
                })
                .has_value());
    CHECK(first.has_value());
    CHECK(second.has_value());
    CHECK_FALSE(w.city->has_group_failed());
    CHECK(w.city->log_head().value == before.value + 2);
    CHECK(w.city->verify().has_value());
    CHECK_FALSE(w.city->database().in_transaction());
}

TEST_CASE("group: one inside another, or inside a batch, is refused and disturbs neither", "[replica][group]") {
    support::World w;
    Result<> inner, within;
    REQUIRE(w.city
                ->group([&] {
                    within = w.city->group([] {});
                    inner = add(*w.city, "G1", "B01");
                })
                .has_value());
    CHECK(within.error().code == Errc::internal);
    CHECK(inner.has_value());
    REQUIRE(w.city
                ->batch([&]() -> Result<> {
                    CHECK(w.city->group([] {}).error().code == Errc::internal);
                    return add(*w.city, "G2", "B01");
                })
                .has_value());
    CHECK(w.city->find("G1")->size() == 1);
    CHECK(w.city->find("G2")->size() == 1);
    CHECK(w.city->verify().has_value());
}

TEST_CASE("group: a batch that is refused before it wrote anything fails alone", "[replica][group]") {
    support::World w;
    const auto before = w.city->log_head();
    Result<> first, refused, last;
    REQUIRE(w.city
                ->group([&] {
                    first = add(*w.city, "G1", "B01");
                    Edit e;
                    e.entity = "no-such-thing";
                    e.row = "X";
                    Draft d;
                    d.edits.push_back(e);
                    auto none = w.city->edit(d);
                    refused = none ? Result<>() : Result<>(none.error());
                    last = add(*w.city, "G2", "B02");
                })
                .has_value());
    CHECK(first.has_value());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::not_found);
    CHECK(last.has_value());
    CHECK(w.city->log_head().value == before.value + 2);
    CHECK(w.city->verify().has_value());
}

TEST_CASE("group: a commit that was made and not yet in the log when its batch failed counts as written",
          "[replica][group]") {
    support::World w;
    REQUIRE(add(*w.city, "G1", "B01").has_value());
    REQUIRE(add(*w.city, "G2", "B02").has_value());
    const auto before = w.city->log_head();
    Draft two;  // the first stream's commit is made when the second one's is refused
    for (const char* unit : {"B01", "B02"}) {
        Edit e;
        e.entity = "evidence";
        e.row = std::string("G3") + unit;
        e.stream = StreamId{unit, Audience::ledger};
        e.create = true;
        e.fields = {{"record_id", text("A1")}, {"unit_id", text(unit)}};
        two.edits.push_back(e);
    }
    two.edits.back().fields.emplace_back("no_such_field", text("x"));
    const auto done = w.city->group([&] { CHECK_FALSE(w.city->edit(two).has_value()); });
    CHECK_FALSE(done.has_value());
    CHECK(w.city->log_head() == before);
    REQUIRE(add(*w.city, "G4", "B01").has_value());
    CHECK(w.city->log_head().value == before.value + 1);
    CHECK(w.city->verify().has_value());
}

TEST_CASE("group: a batch that fails after it wrote undoes all of them, and each can be run by itself",
          "[replica][group]") {
    support::World w;
    const auto before = w.city->log_head();
    const auto digest = w.city->digest();
    Result<> late;
    bool was_failed = false;
    const auto done = w.city->group([&] {
        (void)add(*w.city, "G1", "B01");
        (void)w.city->batch([&]() -> Result<> {
            (void)add(*w.city, "G2", "B02");
            return fail(Errc::bad_input, "no");
        });
        was_failed = w.city->has_group_failed();
        late = add(*w.city, "G3", "B01");
    });
    CHECK_FALSE(done.has_value());
    CHECK(was_failed);
    CHECK_FALSE(late.has_value());
    CHECK(w.city->log_head() == before);
    CHECK(*w.city->digest() == *digest);
    CHECK_FALSE(w.city->has_group_failed());
    CHECK(add(*w.city, "G1", "B01").has_value());
    CHECK(w.city->log_head().value == before.value + 1);
    CHECK(w.city->verify().has_value());
}

TEST_CASE("group: what is thrown undoes all of them", "[replica][group]") {
    support::World w;
    const auto before = w.city->log_head();
    CHECK_THROWS(w.city->group([&] {
        (void)add(*w.city, "G1", "B01");
        throw std::runtime_error("from elsewhere");
    }));
    CHECK(w.city->log_head() == before);
    CHECK_FALSE(w.city->database().in_transaction());
    CHECK(add(*w.city, "G1", "B01").has_value());
}

TEST_CASE("group: a control entry that was undone is not known afterwards", "[replica][group]") {
    support::World w;
    const auto before = w.city->control().head();
    CHECK_FALSE(w.city
                    ->group([&] {
                        (void)w.city->append_control(
                            "unit", R"({"id":"B77","parent_id":"K1-01","level":"branch","name":"七七村党支部"})");
                        (void)w.city->batch([&]() -> Result<> {
                            (void)add(*w.city, "G2", "B02");
                            return fail(Errc::bad_input, "no");
                        });
                    })
                    .has_value());
    CHECK(w.city->control().head() == before);
    CHECK_FALSE(w.city->control().unit("B77"));
}

TEST_CASE("group: many devices in one transaction get the answers that each alone would get", "[sync][group]") {
    support::World apart, together;
    std::vector<std::unique_ptr<support::Device>> there, here;
    for (const auto* unit : {"B01", "B02", "B01", "B02"}) {
        there.push_back(apart.device(unit));
        here.push_back(together.device(unit));
    }
    std::vector<std::string> requests;
    std::vector<std::unique_ptr<sync::Session>> sessions;
    for (std::size_t i = 0; i < here.size(); ++i) {
        const auto unit = i % 2 ? "B02" : "B01";
        REQUIRE(add(**there[i], "G" + std::to_string(i), unit).has_value());
        REQUIRE(add(**here[i], "G" + std::to_string(i), unit).has_value());
        apart.sync(*there[i]);
        sessions.push_back(std::make_unique<sync::Session>(**here[i]));
        requests.push_back(*sessions.back()->request());
    }
    std::vector<Result<std::string>> answers;
    REQUIRE(together.city
                ->group([&] {
                    answers.push_back(together.hub->handle("not a message"));
                    for (const auto& q : requests) answers.push_back(together.hub->handle(q));
                })
                .has_value());
    CHECK_FALSE(answers.front().has_value());
    for (std::size_t i = 0; i < here.size(); ++i) {
        REQUIRE(answers[i + 1].has_value());
        REQUIRE(sessions[i]->reply(*answers[i + 1]).has_value());
        CHECK(*sync::unsent_count(**here[i]) == 0);
    }
    CHECK(*apart.city->digest() == *together.city->digest());
}

}  // namespace
}  // namespace taizhang::group_test
