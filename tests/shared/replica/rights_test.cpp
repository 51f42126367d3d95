// What a program of ours never writes, under the genuine key of somebody who may write beside it: it is kept, named,
// and does not stand.
#include "replica/checkpoint.h"
#include "sync/upstream_facts.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::rights_test {
namespace {

using support::text;

struct Office : support::World {
    std::string unit;  ///< whose device writes, and whose record A1 is
    std::unique_ptr<support::Device> a;
    VersionId step;  ///< by which the assignment came into its state
    explicit Office(const std::string& of = "B01", const std::string& state = "办理中",
                    const std::string& catalog = support::ledger_catalog())
        : World(catalog), unit(of) {
        new_assignment("A1", "T1", unit, state);
        a = device(unit);
        step = city->read_row("assignment", "A1")->fold.standing;
        REQUIRE(step != VersionId{});
    }
    /// The next commit of the device's chain, written by hand and signed by its key, comes to the city.
    void bring(const std::function<void(CommitWriter&)>& what, std::string_view entity = "assignment") {
        CommitHeader h;
        h.replica = (*a)->id();
        h.stream = StreamId{unit, Audience::ledger};
        h.seq = Seq{++seq_};
        h.prev = last_;
        h.control = city->control().head();
        h.catalog = city->control().newest_catalog()->version();
        h.time = static_cast<std::uint64_t>(a->clock.wall_ms + 1000) << 16;
        CommitWriter w;
        w.row(entity, "A1");
        what(w);
        const auto bytes = w.finish(h);
        last_ = hash_of(bytes);
        std::string packed;
        Packer().pack(bytes, packed);
        const std::string_view one(packed);
        const std::vector<HeadSignature> signatures{{0, a->keys.device->sign(kForHead, view(last_.bytes))}};
        REQUIRE(city->batch([&]() -> Result<> {
                        TRY_VOID(city->prove(std::span(&one, 1), signatures));
                        TRY(const auto taken, sync::receive_from_below(*city, std::span(&one, 1)));
                        if (taken.front().admission == Admission::admitted) return {};
                        return fail(Errc::internal, "not admitted");
                    })
                    .has_value());
    }
    bool is_named(fold::LineKind kind) {
        const auto lines = *city->conflicts("A1");
        return std::any_of(lines.begin(), lines.end(),
                           [&](const auto& l) { return l.line.kind == kind && l.line.loser == version_of(last_); });
    }

private:
    std::uint64_t seq_ = 0;
    Hash last_;
};

TEST_CASE("a field counts in its own group only, whoever may write the other one", "[replica][rights]") {
    Office w;
    w.bring([](CommitWriter& c) {
        c.part(fold::Op::put, "remark", {});
        c.field("deadline", text("2030-01-01"));  // the office above sets it
    });
    CHECK(w.city.field("A1", "deadline") == "2025-11-30");
    CHECK(w.is_named(fold::LineKind::refused));
    CHECK(w.city->verify().has_value());
}

TEST_CASE("a value that its field cannot hold does not stand", "[replica][rights]") {
    Office w;
    w.bring([](CommitWriter& c) {
        c.part(fold::Op::put, "signed_at", {});
        c.field("signed_at", text("昨天"));
    });
    CHECK(w.city.field("A1", "signed_at") == "—");
    CHECK(w.is_named(fold::LineKind::refused));
    CHECK(w.city->verify().has_value());
}

TEST_CASE("a step without what the catalog asks for with it does not happen", "[replica][rights]") {
    Office w;
    const std::vector<VersionId> base{w.step};
    w.bring([&](CommitWriter& c) { c.part(fold::Op::transition, "request_extension", base); });
    CHECK(w.city.state("A1") == "办理中");
    CHECK(w.is_named(fold::LineKind::refused));
    w.bring([&](CommitWriter& c) {
        c.part(fold::Op::transition, "request_extension", base);
        c.field("reason", text("下雨"));
    });
    CHECK(w.city.state("A1") == "延期待批");
    CHECK(w.city->verify().has_value());
}

TEST_CASE("a county's program that passes or closes what is the county's own moves nothing", "[replica][rights]") {
    for (const auto& [step, state] : {std::pair{"pass_second", "待复审"}, {"close_out", "待终审"}}) {
        INFO(step);
        Office w("K1", state);
        const std::vector<VersionId> base{w.step};
        w.bring([&, &taken = step](CommitWriter& c) { c.part(fold::Op::transition, taken, base); });
        CHECK(w.city.state("A1") == state);
        CHECK(w.is_named(fold::LineKind::refused));
        CHECK(w.city->verify().has_value());
        // Another PC of the county judges it likewise, and those above still take the step.
        auto beside = w.device("K1");
        CHECK(beside->state("A1") == state);
        w.city.act("assignment", "A1", step);
        CHECK(w.city.state("A1") != state);
        CHECK(w.city->verify().has_value());
    }
    // It is the catalog that says so: records of one without the rule stay as they were judged.
    Office before("K1", "待终审", support::catalog_for_all_programs());
    before.bring([&](CommitWriter& c) {
        const std::vector<VersionId> base{before.step};
        c.part(fold::Op::transition, "close_out", base);
    });
    CHECK(before.city.state("A1") == "已办结");
}

TEST_CASE("only the city's office makes checkpoints", "[replica][rights][checkpoint]") {
    Office w;
    w.bring(
        [](CommitWriter& c) {
            c.part(fold::Op::put, "horizon", {});
            c.field("at", Value::integer(1));
            c.field("heads", Value::blob(std::string(1, '\0')));
        },
        kCheckpointEntity);
    CHECK(w.city->checkpoints()->empty());
    REQUIRE(w.city->checkpoint().has_value());
    CHECK(w.city->checkpoints()->size() == 1);
}

}  // namespace
}  // namespace taizhang::rights_test
