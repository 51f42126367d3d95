// To whom a bundle may be made, and what is remembered of those who sent some: where they stand, what they have.
#include "sync/acks.h"
#include "sync/held.h"
#include "sync/upstream_facts.h"
#include "tests/shared/sync/sealed_bundle.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

namespace taizhang::bundle_makes_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

Errc refused(Replica& r, const std::string& to) {
    sync::BundleOptions o;
    o.to = to;
    const auto made = sync::make_bundle(r, o);
    REQUIRE(made.has_error());
    INFO(made.error().detail);
    CHECK(made.error().detail.find(" / ") != std::string::npos);
    return made.error().code;
}

std::vector<std::string> made(Replica& r, const std::string& to, std::size_t part_bytes = sync::kBundleBytes) {
    sync::BundleOptions o;
    o.to = to;
    o.part_bytes = part_bytes;
    return must(sync::make_bundle(r, o)).parts;
}

sync::BundleTaken take(Replica& r, const std::vector<std::string>& files) {
    sync::BundleTaken sum;
    for (const auto& f : files) {
        const auto t = must(sync::take_bundle(r, f));
        sum.taken += t.taken;
        sum.known += t.known;
        sum.held += t.held;
        sum.released += t.released;
    }
    return sum;
}

struct Offices : World {
    std::unique_ptr<Device> town, a, b;
    std::unique_ptr<sync::Hub> town_hub;
    Offices() {
        new_assignment("A1", "T1", "B01");
        town = device("K1-01");
        town_hub = std::make_unique<sync::Hub>(must(sync::Hub::open(**town)));
        a = device("B01");
        b = device("B02");
    }
};

}  // namespace

TEST_CASE("bundle: it is made for those above and below, by who is enrolled and has his key", "[bundle]") {
    Offices w;
    Device fresh(9100);
    CHECK(refused(*fresh, "") == Errc::not_allowed);
    CHECK(refused(*w.city, "") == Errc::not_allowed);  // nothing is above it
    CHECK(refused(**w.a, "nowhere") == Errc::not_found);
    CHECK(refused(**w.a, "B02") == Errc::not_allowed);
    CHECK(refused(**w.a, "K1") == Errc::not_allowed);  // nobody's key there is known
    CHECK_FALSE(made(**w.a, "B01").empty());           // for another PC of its own, or itself
    CHECK_FALSE(made(**w.a, "C").empty());
}

TEST_CASE("bundle: a PC that lost its key makes none", "[bundle]") {
    World w;
    const std::string path = support::scratch("tz-bundle-makes-test.db");
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    {
        Device d(9101, path);
        w.enrol_at(*w.hub, d, "B01");
        w.sync(d);
        d.keys.device = make_key(4712);
        d.reopen();
        CHECK(refused(*d, "") == Errc::not_allowed);
    }
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
}

TEST_CASE("bundle: what was held and comes to follow is counted, and goes up like all work from below", "[bundle]") {
    Offices w;
    for (const char* t : {"一", "二", "三", "四"}) w.a->set("assignment", "A1", {{"remark", text(t)}});
    auto all = open_bundle(made(**w.a, "").front(), w.city);
    REQUIRE(all.commits.size() == 4);
    const auto some = [&](std::size_t first, std::size_t count) {
        auto b = all;
        b.commits.assign(all.commits.begin() + static_cast<std::ptrdiff_t>(first),
                         all.commits.begin() + static_cast<std::ptrdiff_t>(first + count));
        b.signatures.clear();
        for (const auto& s : all.signatures)
            if (s.index >= first && s.index < first + count) b.signatures.push_back({s.index - first, s.signature});
        return seal_bundle(b, *w.a, *w.town);
    };
    REQUIRE(all.signatures.size() == 4);
    const auto last = must(sync::take_bundle(**w.town, some(2, 2)));
    CHECK(last.held == 2);
    CHECK(last.taken == 0);
    REQUIRE(last.missing.size() == 1);
    CHECK(last.missing.front().find("1–2 missing") != std::string::npos);
    CHECK(must(sync::take_bundle(**w.town, some(2, 2))).held == 2);  // held once all the same
    const auto first = must(sync::take_bundle(**w.town, some(0, 2)));
    CHECK(first.taken == 2);
    CHECK(first.released == 2);
    CHECK(first.missing.empty());
    CHECK(w.town->field("A1", "remark") == "四");
    CHECK(must(sync::unsent_count(**w.town)) == 4);
    w.sync(*w.town);
    CHECK(w.city.field("A1", "remark") == "四");
    CHECK(take(**w.town, {some(0, 4)}).known == 4);
}

TEST_CASE("bundle: a commit that contradicts its chain is held, the other chains of the file are taken", "[bundle]") {
    Offices w;
    w.a->set("assignment", "A1", {{"remark", text("一")}});
    w.a->set("assignment", "A1", {{"remark", text("二")}});
    auto colleague = w.device("B01");
    auto b = open_bundle(made(**w.a, "").front(), w.city);
    REQUIRE(b.commits.size() == 2);
    // The same author says that another first commit came before his second, and goes on from there.
    Commit c;
    std::string raw;
    must(Packer().unpack(b.commits[1], raw));
    must(c.decode(raw));
    auto h = c.header;
    const auto put = [&](const std::string& what) {
        CommitWriter writer;
        writer.row("assignment", "A1");
        writer.part(fold::Op::put, "result_text", {});
        writer.field("result_text", text(what));
        const auto bytes = writer.finish(h);
        b.signatures.push_back({b.commits.size(), w.a->keys.device->sign(kForHead, view(hash_of(bytes).bytes))});
        Packer().pack(bytes, b.commits.emplace_back());
        return hash_of(bytes);
    };
    h.prev = hash_of("another first");
    const auto second = put("另一个第二");
    h.seq = Seq{3};
    h.prev = second;
    put("另一个第三");
    b.ranges.front().last = Seq{3};
    // Behind them what a colleague wrote.
    colleague->set("assignment", "A1", {{"next_steps", text("同事写的")}});
    const auto theirs = must((*colleague)->chain_after(kB01, (*colleague)->id(), Seq{0}, 1u << 20));
    REQUIRE(theirs.size() == 1);
    b.signatures.push_back({b.commits.size(), theirs.front().signature});
    b.commits.push_back(theirs.front().packed);
    b.ranges.push_back({{kB01, (*colleague)->id(), Seq{0}, {}}, Seq{1}});
    const auto taken = must(sync::take_bundle(*w.city, seal_bundle(b, *w.a, w.city)));
    CHECK(taken.taken == 3);
    CHECK(taken.held == 2);
    CHECK(taken.missing.size() == 1);
    CHECK(w.city.field("A1", "remark") == "二");
    CHECK(w.city.field("A1", "result_text") == "—");
    CHECK(w.city.field("A1", "next_steps") == "同事写的");
    CHECK(ok(w.city->verify()));
}

TEST_CASE("bundle: an older word of a sender does not replace his newer one", "[bundle]") {
    Offices w;
    const auto peer = "peer/B01/" + (*w.a)->id().hex();
    const auto early = made(**w.a, "C");
    w.a->clock.wall_ms += 1000;
    w.a->clock.steady_ms += 1000;
    w.a->set("assignment", "A1", {{"remark", text("之后")}});
    const auto late = made(**w.a, "C");
    take(*w.city, late);
    const auto word = must(w.city->fact(peer));
    REQUIRE_FALSE(word.empty());
    take(*w.city, early);
    CHECK(must(w.city->fact(peer)) == word);
}

TEST_CASE("bundle: of a unit no more than thirty-two senders are remembered, the ones that are known go on",
          "[bundle]") {
    Offices w;
    const auto peer = "peer/B01/" + (*w.a)->id().hex();
    take(*w.city, made(**w.a, "C"));
    const auto word = must(w.city->fact(peer));
    for (int i = 0; i < 31; ++i) must(w.city->set_fact("peer/B01/" + std::to_string(i), "damaged"));
    auto colleague = w.device("B01");
    take(*w.city, made(**colleague, "C"));
    CHECK(must(w.city->fact("peer/B01/" + (*colleague)->id().hex())).empty());
    w.a->clock.wall_ms += 1000;
    w.a->clock.steady_ms += 1000;
    take(*w.city, made(**w.a, "C"));
    CHECK(must(w.city->fact(peer)) != word);
    // What cannot be read of them is passed over.
    take(**w.a, made(*w.city, "B01"));
    CHECK(w.a->field("A1", "task_id") == "T1");
}

TEST_CASE("bundle: who cannot be judged before the city's log has come is taken at no more than his commits' word",
          "[bundle][trust]") {
    Offices w;
    for (const std::string id : {"B09", "B10"})  // the newest entry travels with every file
        must(w.city->append_control("unit",
                                    R"({"id":")" + id + R"(","parent_id":"K1-01","level":"branch","name":"x"})"));
    w.new_assignment("A9", "T1", "B09");
    auto n = w.device("B09");
    n->set("assignment", "A9", {{"remark", text("新支部写的")}});
    REQUIRE_FALSE((*w.town)->control().unit("B09"));
    const auto up = made(**n, "K1-01");
    const auto early = must(sync::take_bundle(**w.town, up.front()));
    CHECK(early.taken == 1);  // the city's, which waits for the log; his own is held
    CHECK(early.held == 1);
    REQUIRE(early.missing.size() == 2);
    CHECK(early.missing.front().find("city's log") != std::string::npos);
    CHECK(must((*w.town)->facts("peer/B09/")).empty());
    take(**w.town, made(*w.city, "K1-01"));
    CHECK(w.town->field("A9", "remark") == "新支部写的");
    CHECK(must(sync::gaps(**w.town)).empty());
}

TEST_CASE("bundle: the word of an office above on what it has is heard, of what stands here and not of what does not",
          "[bundle][receipt]") {
    Offices w;
    auto below = w.device_at(*w.town_hub, "B01");
    below->set("assignment", "A1", {{"remark", text("一")}});
    World::sync(*below, *w.town_hub);
    const auto at_city = [&] { return must(sync::level_ack(**below, kB01, (*below)->id(), Level::city)); };
    CHECK(at_city() == Seq{0});
    w.sync(*w.town);
    const auto down = made(**w.town, "B01");
    auto b = open_bundle(down.front(), *below);
    REQUIRE_FALSE(b.acks.empty());
    auto false_one = b;
    for (auto& a : false_one.acks) a.at.hash.bytes[0] ^= 1;
    must(sync::take_bundle(**below, seal_bundle(false_one, *w.town, *below)));
    CHECK(at_city() == Seq{0});
    auto lower = b;
    for (auto& a : lower.acks) a.level = Level::branch;
    must(sync::take_bundle(**below, seal_bundle(lower, *w.town, *below)));
    CHECK(at_city() == Seq{0});
    take(**below, down);
    CHECK(at_city() == Seq{1});
}

TEST_CASE("bundle: one's own file, or a colleague's, brings what is not here and says nothing of any level",
          "[bundle][receipt]") {
    Offices w;
    auto colleague = w.device("B01");
    w.sync(*w.a);  // hears of the colleague's key
    w.a->set("assignment", "A1", {{"remark", text("一")}});
    const auto files = made(**w.a, "");
    const auto own = take(**w.a, files);
    CHECK(own.taken == 0);
    CHECK(own.known == 1);
    CHECK(must(sync::unsent_count(**w.a)) == 1);
    const auto theirs = take(**colleague, made(**w.a, "B01"));
    CHECK(theirs.taken == 1);
    CHECK(colleague->field("A1", "remark") == "一");
    CHECK(must(sync::unsent_count(**colleague)) == 1);  // whoever meets the hub first brings it there
    for (const auto level : {Level::branch, Level::township, Level::city})
        CHECK(must(sync::level_ack(**colleague, kB01, (*w.a)->id(), level)) == Seq{0});
    w.sync(*colleague);
    CHECK(w.city.field("A1", "remark") == "一");
}

TEST_CASE("bundle: the city's log goes into as many parts as it needs, and they are taken in order", "[bundle]") {
    Offices w;
    const auto before = w.city->control().head();
    // An entry that is too large to travel only to be compared, and more of them than one part is to have.
    for (int i = 0; i < 3; ++i)
        must(w.city->append_control("unit", R"({"id":"X)" + std::to_string(i) +
                                                R"(","parent_id":"K1-01","level":"branch","name":"x","note":")" +
                                                std::string(600'000, 'x') + "\"}"));
    const auto parts = made(*w.city, "K1-01");
    REQUIRE(parts.size() == 2);
    REQUIRE((*w.town)->control().head() == before);
    const auto late = must(sync::take_bundle(**w.town, parts.back()));
    REQUIRE(late.missing.size() == 1);
    CHECK((*w.town)->control().head() == before);
    take(**w.town, parts);
    CHECK((*w.town)->control().head() == w.city->control().head());
    // Its newest entry is large: a file between those who have it is not.
    CHECK(made(**w.town, "C").front().size() < 20'000);
}

}  // namespace taizhang::bundle_makes_test
