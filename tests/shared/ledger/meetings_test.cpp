// Meetings: the rank that is asked for, who failed it, who has to come, decisions that become tasks.
#include "ledger/meetings.h"
#include "ledger/decompose.h"
#include "ledger/import.h"
#include "ledger/ranks.h"
#include "tests/support/good.h"
#include "tests/support/world.h"

#include <algorithm>

namespace taizhang::ledger::meetings_test {
namespace {

namespace json = boost::json;
using support::Device;
using support::fails;
using support::good;
using support::text_of;
using support::World;

std::string joined(const json::array& words) {
    std::string out;
    for (const auto& w : words) out += (out.empty() ? "" : " ") + std::string(w.as_string());
    return out;
}

/// What that unit failed; empty: nothing.
std::string why(const json::value& meeting, const std::string& unit) {
    for (const auto& f : meeting.at("failed").as_array())
        if (text_of(f, "unit_id") == unit) return joined(f.at("why").as_array());
    return {};
}

TEST_CASE("ranks: a ladder in people's words, and what a convener asks for", "[meetings]") {
    const char* ladder[] = {"科员",   "乡科级",     "乡科级副职", "乡科级正职",
                            "县处级", "县处级副职", "县处级正职", "厅局级副职"};
    for (std::size_t i = 0; i + 1 < std::size(ladder); ++i) {
        INFO(ladder[i]);
        CHECK(rank_of(ladder[i]) > 0);
        CHECK(rank_of(ladder[i]) < rank_of(ladder[i + 1]));
    }
    CHECK(rank_of("正处级干部") == rank_of("县处级正职"));
    CHECK(rank_of("组织委员(副科级)") == rank_of("乡科级副职"));
    CHECK(rank_of("党支部书记") == 0);
    CHECK(rank_of("") == 0);
    CHECK(rank_asked_by("市委常委、组织部部长", Level::city) == "县处级副职");
    CHECK(rank_asked_by("市委组织部分管副部长", Level::city) == "乡科级正职");
    CHECK(rank_asked_by("县委书记", Level::county) == "乡科级正职");
    CHECK(rank_asked_by("县委组织部副部长", Level::county) == "乡科级副职");
    CHECK(rank_asked_by("组织委员", Level::township).empty());
    CHECK(rank_asked_by("王某", Level::city).empty());
}

TEST_CASE("meetings: of the demo city, who failed what was asked and in what", "[meetings][import]") {
    Device d(1);
    const auto city = good(read_city_file(std::string(TZ_SOURCE_DIR) + "/schema/demo/yunxiu.json"));
    REQUIRE(import_city(*d, city, support::ledger_catalog(), {}).has_value());
    const auto all = good(meetings(*d, {}));
    REQUIRE(all.size() == 2);
    CHECK(text_of(all[0], "id") == "M2");  // the newest first
    CHECK(text_of(all[0], "required_rank") == "县处级副职");
    CHECK(text_of(all[0], "required_by") == "meeting");
    CHECK(why(all[0], "K4") == "deputy below_rank late");
    CHECK(why(all[0], "K5").empty());  // on leave, approved
    CHECK(all[0].at("in_person").to_number<int>() == 3);
    CHECK(why(all[1], "K1").empty());
    CHECK(why(all[1], "K2").empty());  // an approved deputy
    CHECK(why(all[1], "K3") == "deputy below_rank");
    CHECK(why(all[1], "K4") == "late");
    CHECK(why(all[1], "K5") == "absent");
    CHECK(text_of(all[1], "zh").find("迟到 31 分钟") != std::string::npos);

    const auto of_county = good(meetings(*d, {"K4", "", false}));
    REQUIRE(of_county.size() == 2);
    CHECK(of_county[0].at("expected").to_number<int>() == 1);
    CHECK(good(meetings(*d, {"K1", "", true})).empty());
    CHECK(good(meetings(*d, {"", "M1", false})).size() == 1);
    CHECK(fails(meetings(*d, {"", "M9", false})).find("M9") != std::string::npos);
    CHECK(meetings(*d, {"nobody", "", false}).has_error());
}

TEST_CASE("meetings: without a rank it is what this convener asked before, or what he implies", "[meetings]") {
    World w;
    Ledger l(*w.city);
    const auto meeting = [&](const char* at, const char* convener, const char* rank) {
        Assignments f{{"title", "调度会"}, {"at", at}, {"host_unit_id", "C-DJB"}, {"convener", convener}};
        if (*rank) f.emplace_back("required_rank", rank);
        return good(l.create("meeting", f, "")).record;
    };
    const auto asked = [&](const std::string& id) {
        const auto m = good(meetings(*w.city, {"", id, false}));
        const auto& o = m[0].as_object();
        return o.at("required_rank").is_null() ? std::string("none")
                                               : text_of(o, "required_by") + " " + text_of(o, "required_rank");
    };
    const auto implied = meeting("2025-03-01T09:00:00+08:00", "市委组织部分管副部长", "");
    CHECK(asked(implied) == "convener 乡科级正职");
    meeting("2025-05-01T09:00:00+08:00", "市委组织部分管副部长", "乡科级副职");
    CHECK(asked(implied) == "convener 乡科级正职");  // what came later was not known then
    CHECK(asked(meeting("2025-06-01T09:00:00+08:00", "市委组织部分管副部长", "")) == "precedent 乡科级副职");
    CHECK(asked(meeting("2025-07-01T09:00:00+08:00", "李某", "")) == "none");
}

TEST_CASE("convene: who has to come is written down, once, with the rank that is asked for", "[meetings]") {
    World w;
    Ledger l(*w.city);
    const auto id =
        good(l.create("meeting",
                      {{"title", "重点任务调度会"}, {"host_unit_id", "C-DJB"}, {"convener", "市委常委、组织部部长"}},
                      ""))
            .record;
    const auto made = good(convene(*w.city, {id, {}, "", "王"}));
    REQUIRE(made.at("made").as_array().size() == 1);  // the counties; departments are the host's own
    CHECK(text_of(made.at("made").as_array()[0], "unit") == "K1");
    CHECK(w.city.field(id, "required_rank") == "县处级副职");
    const auto row = text_of(made.at("made").as_array()[0], "record");
    CHECK(w.city.field(row, "expected") == "县处级副职");
    CHECK(good(convene(*w.city, {id, {}, "", ""})).at("there").as_array().size() == 1);
    CHECK(good(convene(*w.city, {id, {"K1-01", "nobody"}, "组织委员", ""})).at("refused").as_array().size() == 1);
    CHECK(convene(*w.city, {"M-nobody", {}, "", ""}).has_error());

    auto now = good(meetings(*w.city, {"", id, false}));
    CHECK(now[0].at("not_recorded").as_array().size() == 2);
    CHECK(now[0].at("failed").as_array().empty());
    good(l.set(row, {{"status", "本人到会"}, {"actual", "张某 乡科级正职"}, {"late_min", "10"}}, ""));
    now = good(meetings(*w.city, {"", id, false}));
    CHECK(why(now[0], "K1") == "below_rank");  // ten minutes are not late
    CHECK(now[0].at("not_recorded").as_array().size() == 1);
    good(l.set(row, {{"actual", "张某"}}, ""));
    now = good(meetings(*w.city, {"", id, false}));
    CHECK(why(now[0], "K1").empty());
    CHECK(now[0].at("rank_unknown").to_number<int>() == 1);
    for (const char* minutes : {"-1", "2000"})
        CHECK(fails(l.set(row, {{"late_min", minutes}}, "")).starts_with("late_min: "));
    // The county reads what it failed and cannot write it.
    auto county = w.device("K1");
    CHECK(good(meetings(**county, {})).size() == 1);
    const auto refused = Ledger(**county).set(row, {{"status", "缺席"}}, "");
    CHECK((refused.has_error() || county->field(row, "status") == "本人到会"));
}

TEST_CASE("meetings: a decision becomes a task and the meeting tells how far it is", "[meetings]") {
    World w;
    Ledger l(*w.city);
    const auto id = good(l.create("meeting", {{"title", "调度会"}}, "")).record;
    CHECK(fails(l.create("task", {{"title", "甲"}, {"meeting_id", "M-nobody"}}, "")).starts_with("meeting_id: "));
    const auto task =
        good(l.create("task", {{"title", "补齐两新组织台账"}, {"deadline", "2025-12-20"}, {"meeting_id", id}}, ""))
            .record;
    good(l.act("issue", task, {}, ""));
    const auto made = good(decompose(*w.city, {task, {"B01", "B02"}, "", "", ""}));
    CHECK(made.at("made").as_array().size() == 2);
    const auto m = good(meetings(*w.city, {"", id, false}));
    const auto& decisions = m[0].at("decisions").as_array();
    REQUIRE(decisions.size() == 1);
    CHECK(text_of(decisions[0], "id") == task);
    CHECK(decisions[0].at("assigned").to_number<int>() == 2);
    CHECK(decisions[0].at("done").to_number<int>() == 0);
}

}  // namespace
}  // namespace taizhang::ledger::meetings_test
