// One city key says two things at one place, to two who then meet: by the link both ways, through a relay, by files
// both ways, by a checkpoint file. Both of them notice, and their work goes on.
#include "ledger/contradictions.h"
#include "replica/checkpoint_file.h"
#include "sync/bundle.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::two_faces_test {
using namespace taizhang::support;

namespace {

/// A city, two branches' PCs at it, a township's server with a PC below. Two of them are alike to the last byte, keys
/// and tokens too, until somebody does something in one of them.
struct Face : World {
    std::unique_ptr<Device> a, b, town, below;
    std::unique_ptr<sync::Hub> town_hub;
    Face() {
        new_assignment("A1", "T1", "B01");
        a = device("B01");
        b = device("B01");
        town = device("K1-01");
        town_hub = std::make_unique<sync::Hub>(*sync::Hub::open(**town));
        below = device_at(*town_hub, "B01");
        a->set("assignment", "A1", {{"remark", text("一")}});
        for (auto* d : {a.get(), b.get(), town.get()}) sync(*d);
        World::sync(*below, *town_hub);
    }
};

enum class What { checkpoints, logs };

void says(Face& f, What what, const std::string& id) {
    if (what == What::logs) {
        const auto unit = R"({"id":")" + id + R"(","parent_id":"K1-01","level":"branch","name":")" + id + "\"}";
        REQUIRE(ok(f.city->append_control("unit", unit)));
        return;
    }
    f.city.clock.wall_ms += id == "B08" ? 1000 : 2000;
    const auto signed_now = f.city->checkpoint();
    REQUIRE(ok(signed_now));
    REQUIRE_FALSE(signed_now->empty());
}

std::size_t noticed(Replica& r, What what) {
    const auto all = *ledger::contradictions(r);
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& c) {
        return c.kind ==
               (what == What::logs ? ledger::Contradiction::Kind::control : ledger::Contradiction::Kind::checkpoint);
    }));
}

void import_all(Replica& from, Replica& to, const std::string& unit, bool all = false) {
    sync::BundleOptions o;
    o.to = unit;
    o.all = all;
    const auto files = sync::make_bundle(from, o);
    REQUIRE(ok(files));
    for (const auto& part : files->parts) REQUIRE(ok(sync::take_bundle(to, part)));
}

}  // namespace

TEST_CASE("two faces: whoever heard one thing and meets who heard the other notices", "[trust][contradiction][sync]") {
    const auto what = GENERATE(What::checkpoints, What::logs);
    CAPTURE(static_cast<int>(what));
    Face one, other;
    REQUIRE(*one.city->digest() == *other.city->digest());
    REQUIRE((*one.b)->id() == (*other.b)->id());
    says(one, what, "B08");
    says(other, what, "B09");
    one.sync(*one.a);
    one.sync(*one.town);
    World::sync(*one.b, *other.hub);  // what it heard is the other face
    for (auto* r : {&*one.city, &**one.a, &**one.b, &**one.town}) REQUIRE(noticed(*r, what) == 0);

    SECTION("by the link, upwards and then downwards") {
        one.sync(*one.b);
        CHECK(noticed(*one.city, what) == 1);
        CHECK(noticed(**one.b, what) == 1);
        one.sync(*one.a);
        // One log stands at a device; what of the city's log differs is at those two who compared.
        CHECK(noticed(**one.a, what) == (what == What::checkpoints ? 1 : 0));
    }
    SECTION("through a relay") {
        other.sync(*other.town);
        World::sync(*one.below, *other.town_hub);
        REQUIRE(noticed(**one.below, what) == 0);
        World::sync(*one.below, *one.town_hub);
        CHECK(noticed(**one.below, what) == 1);
        CHECK(noticed(**one.town, what) == 1);
        one.sync(*one.town);
        CHECK(noticed(*one.city, what) == (what == What::checkpoints ? 1 : 0));
    }
    SECTION("by files, there and back") {
        import_all(**one.b, *one.city, "C");
        CHECK(noticed(*one.city, what) == 1);
        import_all(*one.city, **one.b, "B01");
        CHECK(noticed(**one.b, what) == 1);
        import_all(**one.b, *one.city, "C");
        CHECK(noticed(*one.city, what) == 1);
    }
    SECTION("by one file to whoever is above") {
        import_all(**one.b, *one.city, "");
        CHECK(noticed(*one.city, what) == 1);
    }
    SECTION("by one file to a township, and by its own to the city") {
        other.sync(*other.town);
        World::sync(*one.below, *other.town_hub);
        import_all(**one.below, **one.town, "");
        CHECK(noticed(**one.town, what) == 1);
        import_all(**one.town, *one.city, "");
        CHECK(noticed(*one.city, what) == (what == What::checkpoints ? 1 : 0));
    }
    SECTION("by a file to whoever is above, everything") {
        import_all(**one.b, *one.city, "", true);
        CHECK(noticed(*one.city, what) == 1);
    }
    SECTION("by a file downwards") {
        import_all(*one.city, **one.b, "B01");
        CHECK(noticed(**one.b, what) == 1);
    }
    SECTION("by a file between offices, through the township's hands") {
        import_all(**one.b, **one.town, "K1-01");
        CHECK(noticed(**one.town, what) == 1);
    }
    SECTION("by a checkpoint file") {
        const auto from_other = *make_checkpoint_file(*other.city);
        for (auto* r : {&*one.city, &**one.a}) {
            const auto found = compare_with(*r, from_other);
            REQUIRE(ok(found));
            REQUIRE_FALSE(found->differs.empty());
            const auto& said = found->differs.front();
            CHECK(said.find(what == What::logs ? "city log" : "/ledger") != std::string::npos);
        }
        CHECK(compare_with(*one.city, *make_checkpoint_file(**one.a))->holds());
        const auto heard = compare_with(*one.city, *make_checkpoint_file(**one.b));
        REQUIRE(ok(heard));
        CHECK_FALSE(heard->differs.empty());
    }

    // Nobody's work stops for it.
    one.a->set("assignment", "A1", {{"remark", text("照常")}});
    one.sync(*one.a);
    one.sync(*one.a);
    CHECK(one.city.field("A1", "remark") == "照常");
    for (auto* r : {&*one.city, &**one.a, &**one.b, &**one.town}) CHECK(ok(r->verify()));
}

TEST_CASE("two faces: a checkpoint that follows others which nobody brought is noticed all the same, once",
          "[trust][contradiction][sync]") {
    Face one, other;
    for (auto* face : {&one, &other}) {
        for (int day = 0; day < 3; ++day) {
            face->a->set("assignment", "A1", {{"remark", text("第" + std::to_string(day) + "天")}});
            face->sync(*face->a);
            says(*face, What::checkpoints, face == &one ? "B08" : "B09");
        }
    }
    World::sync(*one.b, *other.hub);
    const auto missing = [&](Replica& at, const std::string& file) {
        const auto taken = sync::take_bundle(at, file);
        REQUIRE(ok(taken));
        CHECK(taken->taken == 0);
        CHECK(taken->known == 0);
        return taken->missing;
    };
    const auto file = sync::make_bundle(**one.b, {});
    REQUIRE(ok(file));
    CHECK(file->commits == 0);
    // What goes between them is not here, so it does not follow, and is held as a file's commits are.
    CHECK_FALSE(missing(*one.city, file->parts.front()).empty());
    CHECK(noticed(*one.city, What::checkpoints) == 1);
    missing(*one.city, file->parts.front());
    CHECK(noticed(*one.city, What::checkpoints) == 1);
    // Once all of it has come there is one line still.
    World::sync(*one.b, *one.hub);
    CHECK(noticed(*one.city, What::checkpoints) == 1);
    CHECK(missing(*one.city, file->parts.front()).empty());
    CHECK(ok(one.city->verify()));
}

TEST_CASE("two faces: whoever says the same as the city is told nothing, and a file costs little more",
          "[trust][contradiction][sync]") {
    Face one;
    const auto before = sync::make_bundle(**one.b, {});
    REQUIRE(ok(before));
    says(one, What::checkpoints, "B08");
    one.sync(*one.b);
    const auto quiet = sync::make_bundle(**one.b, {});
    REQUIRE(ok(quiet));
    CHECK(quiet->commits == 0);
    const auto more = quiet->parts.front().size() - before->parts.front().size();
    const auto streams = (*one.b)->checkpoints()->size();
    CAPTURE(more, streams);
    CHECK(streams > 0);
    CHECK(more > 0);
    CHECK(more <= 500 * streams);
    const auto taken = sync::take_bundle(*one.city, quiet->parts.front());
    REQUIRE(ok(taken));
    CHECK(taken->missing.empty());
    CHECK(noticed(*one.city, What::checkpoints) == 0);
    // The city goes on, and what it signed before is its own word still.
    one.a->set("assignment", "A1", {{"remark", text("之后")}});
    one.sync(*one.a);
    says(one, What::checkpoints, "B09");
    REQUIRE(ok(sync::take_bundle(*one.city, quiet->parts.front())));
    CHECK(noticed(*one.city, What::checkpoints) == 0);
}

}  // namespace taizhang::two_faces_test
