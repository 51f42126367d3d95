// Searching in a large office: what the filter leaves out has nothing of what is looked for, whatever was written when.
#include "ledger/search.h"

#include "ledger/text_filter.h"
#include "tests/support/good.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <random>

namespace taizhang::ledger::search_test {
namespace {

using support::good;
using support::text;
using support::World;

namespace json = boost::json;

/// Words of few characters, so that they meet in all ways.
std::string some_text(std::mt19937& random, int length) {
    static const std::vector<std::string> characters{"支", "部", "党", "会", "流", "动",
                                                     "a",  "1",  ",",  "台", "账", "é"};
    std::string out;
    for (int i = 0; i < length; ++i) out += characters[random() % characters.size()];
    return out;
}

std::string many_texts(std::mt19937& random) {
    std::string out;
    for (int i = 0; i < 3; ++i) out += some_text(random, 1 + static_cast<int>(random() % 6)) + "。";
    return out;
}

void load(TextFilter& f) {
    for (int i = 0; i < 1000; ++i)
        if (good(f.load_some())) return;
    FAIL("the filter is never whole");
}

TEST_CASE("search: a filter changes no answer, also for what was written since", "[search]") {
    World w;
    std::mt19937 random(7);
    auto& city = w.city;
    const auto write = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            Edit e;
            e.entity = "rectification";
            e.row = "ZG" + std::to_string(10'000 + (i * 7919) % 9000);
            e.create = true;
            e.stream = StreamId{i % 2 ? "B01" : "B02", Audience::ledger};
            e.fields = {{"responsible_unit_id", text(e.stream->unit)}, {"problem", text(many_texts(random))}};
            city.edit(e);
        }
    };
    for (int i = 0; i < 40; ++i) w.new_assignment("A" + std::to_string(i), i % 3 ? "T1" : "T2", "B01");
    write(0, 900);
    StoredFacts facts(*city);
    TextFilter filter(facts, 1);
    const auto same = [&] {
        for (int i = 0; i < 60; ++i) {
            std::string words = some_text(random, 1 + static_cast<int>(random() % 4));
            if (random() % 2) words += " " + some_text(random, 1 + static_cast<int>(random() % 2));
            if (random() % 12 == 0) words = "ZG" + std::to_string(10'000 + random() % 9000);
            INFO(words);
            CHECK(good(search(*city, words, 400, &filter)) == good(search(*city, words, 400)));
        }
    };
    same();  // before anything was read
    CHECK_FALSE(good(filter.load_some()));
    same();  // between
    write(900, 930);
    load(filter);
    same();
    write(930, 1300);  // below, between and behind
    for (int i = 0; i < 20; ++i)
        city.set("rectification", "ZG" + std::to_string(10'000 + (i * 7919) % 9000),
                 {{"remark", text(many_texts(random))}});
    city.set("assignment", "A3", {{"remark", text("后来写上的生僻字:彧")}});
    same();
    CHECK(good(search(*city, "彧", 5, &filter)).at("rows").as_array().size() == 1);
    CHECK(good(search(*city, "T2", 50, &filter)) == good(search(*city, "T2", 50)));
    CHECK(filter.bytes() > 0);
}

TEST_CASE("search: what nobody wrote is looked for in no record", "[search]") {
    World w;
    std::mt19937 random(8);
    for (int i = 0; i < 700; ++i) {
        Edit e;
        e.entity = "rectification";
        e.row = "ZG" + std::to_string(10'000 + i);
        e.create = true;
        e.stream = StreamId{"B01", Audience::ledger};
        e.fields = {{"responsible_unit_id", text("B01")}, {"problem", text(many_texts(random))}};
        w.city.edit(e);
    }
    w.city.set("rectification", "ZG10600", {{"remark", text("QK-7")}});
    const auto* problems = w.city->control().newest("rectification")->entity;
    StoredFacts facts(*w.city);
    TextFilter filter(facts, 1), small(facts, 500);
    const auto ranges = [&](TextFilter& f, const char* word) { return good(f.ranges(*problems, {{word, {}}})); };
    CHECK_FALSE(ranges(filter, "QX")[0].to);  // everything, as long as nothing was read
    load(filter);
    // One block is always read: where the word would be, were it an id.
    const auto none = ranges(filter, "QX");
    REQUIRE(none.size() == 1);
    CHECK(none[0].from.empty());
    CHECK(none[0].to == "ZG10256");
    const auto one = ranges(filter, "QK");
    REQUIRE(one.size() == 2);
    CHECK(one[0].to == "ZG10256");
    CHECK(one[1].from == "ZG10512");
    CHECK_FALSE(one[1].to);
    CHECK(ranges(filter, "ZG10300")[0].from == "ZG10256");  // by its id
    // A small office keeps nothing.
    load(small);
    CHECK(small.bytes() == 0);
    CHECK_FALSE(ranges(small, "QX")[0].to);
}

TEST_CASE("search: while texts are being read, those that were are left out already", "[search]") {
    World w;
    constexpr int kRows = 4500;  // more than are read at once
    const auto write = [&](int i, const char* words) {
        Edit e;
        e.entity = "rectification";
        e.row = "ZG" + std::to_string(10'000 + i);
        e.create = true;
        e.stream = StreamId{"B01", Audience::ledger};
        e.fields = {{"responsible_unit_id", text("B01")}, {"problem", text(words)}};
        return e;
    };
    const auto written = w.city->batch([&]() -> Result<> {
        for (int i = 0; i < kRows; ++i) w.city.edit(write(2 * i, "台账登记与实际不符"));
        return {};
    });
    REQUIRE(written.has_value());
    const auto* problems = w.city->control().newest("rectification")->entity;
    StoredFacts facts(*w.city);
    TextFilter filter(facts, 1);
    const auto ranges = [&] { return good(filter.ranges(*problems, {{"彧", {}}})); };
    while (ranges().back().from.empty()) REQUIRE_FALSE(good(filter.load_some()));
    // Nothing up to the last row that was read, and all behind it.
    REQUIRE(ranges().size() == 1);
    const auto from = ranges()[0].from;
    CHECK(from > "ZG10000");
    CHECK_FALSE(ranges()[0].to);
    const auto found = [&] { return good(search(*w.city, "彧", 5, &filter)).at("rows").as_array().size(); };
    CHECK(found() == 0);
    w.city.edit(write(2 * kRows - 1, "彧"));  // not read yet
    w.city.edit(write(1, "彧"));              // read already
    CHECK(found() == 2);
    load(filter);
    CHECK(found() == 2);
}

}  // namespace
}  // namespace taizhang::ledger::search_test
