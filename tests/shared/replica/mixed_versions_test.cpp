// Programs of different ages in one city: an older one keeps, passes on and names what it cannot read, and the newer
// one that opens its database later folds it.
#include "ledger/ledger.h"
#include "ledger/page.h"
#include "tests/support/scratch.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <cstdio>

namespace taizhang::mixed_versions_test {
namespace {

using support::Device;
using support::text;
using support::World;

constexpr Knows kOlder{1, 0};    // reads no catalog that says what it needs
constexpr Knows kCarrier{0, 0};  // reads no commit at all

/// The real catalog as every program reads it, and in its next version a new entity and a changed one that say they
/// need level 1.
std::string second_version(const std::string& changed = "push") {
    auto s = support::catalog_for_all_programs();
    s.replace(s.find("\nversion = 2"), 12, "\nversion = 3");
    const std::string head = "[entity." + changed + "]\n";
    s.replace(s.find(head), head.size(), head + "needs = 1\n");
    return s +
           "\n[entity.well]\nneeds = 1\nlabel = [\"水井\", \"well\"]\n[entity.well.fields]\ndepth = { type = "
           "\"number\" }\nname = { max = 60 }\n";
}

std::string fresh(const char* name) {
    const std::string path = support::scratch("tz-mixed-") + name + ".db";
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    return path;
}

Edit new_row(const char* entity, const std::string& id, std::vector<std::pair<std::string, Value>> fields) {
    Edit e;
    e.entity = entity;
    e.row = id;
    e.create = true;
    e.stream = StreamId{"B01", Audience::ledger};
    e.fields = std::move(fields);
    return e;
}

std::vector<std::string> reasons(Device& d) {
    std::vector<std::string> out;
    for (const auto& w : *d->waiting()) out.push_back(w.reason);
    return out;
}

void same_everywhere(Device& d, Device& city) {
    const auto here = *d->digest(), there = *city->digest();
    for (const auto& line : here) {
        INFO(line.first);
        CHECK(std::find(there.begin(), there.end(), line) != there.end());
    }
}

TEST_CASE("an older program keeps records of a newer catalog, names them, and shows them after its upgrade",
          "[replica][versions]") {
    World w(support::catalog_for_all_programs());
    w.new_assignment("A1", "T1", "B01");
    Device old(50, fresh("entity"), {}, kOlder);
    w.enrol_at(*w.hub, old, "B01");
    w.sync(old);
    auto now = w.device("B01");
    REQUIRE(w.city->append_control("catalog", second_version()).has_value());
    w.sync(*now);
    now->edit(new_row("well", "W1", {{"depth", support::number("12.5")}}));
    now->set("well", "W1", {{"name", text("东井")}});
    now->set("assignment", "A1", {{"remark", text("大家都懂的")}});
    w.sync(*now);
    w.sync(old);

    CHECK(reasons(old) == std::vector<std::string>{"program", "program"});
    CHECK(old.field("A1", "remark") == "大家都懂的");  // nothing else waits
    CHECK((*old).verify().has_value());
    ledger::Ledger l(*old);
    const auto shown = l.show("W1");
    REQUIRE(shown.has_error());
    CHECK(shown.error().detail.find("newer program") != std::string::npos);
    const auto list = l.list("well");
    REQUIRE(list.has_value());
    REQUIRE(list->size() == 1);
    CHECK(list->front().as_object().at("id").as_string() == "W1");
    CHECK(list->front().as_object().contains("needs_program"));
    CHECK(l.status()->at("needs_program").as_int64() == 2);
    // Of what it cannot read it has no state to give.
    CHECK(*old->make_snapshot(StreamId{"B01", Audience::ledger}, 1 << 20) == "");
    Draft draft;
    draft.edits.push_back(new_row("well", "W2", {}));
    const auto refused = old->edit(draft);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::not_allowed);

    // It goes on with what it knows, and what it knows counts everywhere.
    old.set("assignment", "A1", {{"problems", text("旧程序写的")}});
    w.sync(old);
    CHECK(w.city.field("A1", "problems") == "旧程序写的");

    old.knows = {};
    old.reopen();
    CHECK(old->waiting()->empty());
    CHECK(old.field("W1", "depth") == "12.5");
    CHECK(old.field("W1", "name") == "东井");
    CHECK((*old).verify().has_value());
    w.sync(old);
    same_everywhere(old, w.city);
    // What a newer program folded an older one would misread.
    old.knows = kOlder;
    const auto refused_open = old.try_open();
    REQUIRE(refused_open.has_error());
    CHECK(refused_open.error().code == Errc::foreign_data);
    old.knows = {};
    old.reopen();
    old.set("well", "W1", {{"name", text("西井")}});
    w.sync(old);
    CHECK(w.city.field("W1", "name") == "西井");
}

TEST_CASE("what an older program cannot read is told by its ids, however they are written", "[replica][versions]") {
    World w(support::catalog_for_all_programs());
    Device old(53, fresh("ids"), {}, kOlder);
    w.enrol_at(*w.hub, old, "B01");
    auto now = w.device("B01");
    REQUIRE(w.city->append_control("catalog", second_version()).has_value());
    for (auto* d : {&*now, &old}) w.sync(*d);
    const StreamId b01{"B01", Audience::ledger};
    Hash last;
    const auto bring = [&](std::uint64_t seq, const std::string& id, std::uint64_t control) {
        CommitHeader h;
        h.replica = (*now)->id();
        h.stream = b01;
        h.seq = Seq{seq};
        h.prev = last;
        h.control = ControlPos{control};
        h.catalog = 3;
        h.time = static_cast<std::uint64_t>(now->clock.wall_ms) << 16;
        CommitWriter c;
        c.row("well", id);
        c.part(fold::Op::put, "name", {});
        c.field("name", text("井"));
        const auto bytes = c.finish(h);
        last = hash_of(bytes);
        std::string packed;
        Packer().pack(bytes, packed);
        const std::string_view one(packed);
        const std::vector<HeadSignature> signatures{{0, now->keys.device->sign(kForHead, view(last.bytes))}};
        REQUIRE(old->batch([&]() -> Result<> {
                       TRY_VOID(old->prove(std::span(&one, 1), signatures));
                       TRY_VOID(old->receive(std::span(&one, 1), Origin::below));
                       return {};
                   })
                    .has_value());
    };
    const auto head = old->control().head().value;
    bring(1, "W1", head);
    bring(2, "0123456789abcdef", head);  // as many bytes as a machine's id has
    bring(3, "\xff\xfe", head);
    bring(4, "W4", head + 1);  // waits for the tree first
    REQUIRE(old->waiting_count() == 4);
    std::vector<std::string> ids;
    for (const auto& row : *old->unread()) ids.push_back(row.id);
    CHECK(ids == std::vector<std::string>{"W1", "30313233343536373839616263646566", "fffe"});
}

TEST_CASE("a row of a page is marked that has changes for a newer program, and none is added", "[replica][versions]") {
    World w(support::catalog_for_all_programs());
    Device old(52, fresh("page"), {}, kOlder);
    w.enrol_at(*w.hub, old, "B01");
    auto branch = w.device("B01");
    branch->edit(new_row("help_request", "H1", {{"text", text("缺会议室")}}));
    w.sync(*branch);
    w.sync(old);
    const auto page = [&](const std::string& search) {
        ledger::PageQuery q;
        q.what = "help_requests";
        q.search = search;
        return ledger::page(*old, q)->at("rows").as_array();
    };
    REQUIRE(page("").size() == 1);
    CHECK_FALSE(page("")[0].as_object().contains("needs_program"));
    REQUIRE(w.city->append_control("catalog", second_version("help_request")).has_value());
    w.sync(*branch);
    branch->edit(new_row("help_request", "H2", {{"text", text("缺投影仪")}}));
    branch->set("help_request", "H1", {{"text", text("缺大会议室")}});
    w.sync(*branch);
    w.sync(old);
    REQUIRE(page("").size() == 1);
    CHECK(page("")[0].as_object().contains("needs_program"));
    CHECK(page("nothing").empty());
}

TEST_CASE("a known entity that a newer catalog declares anew is shown as it stood, and marked", "[replica][versions]") {
    World w(support::catalog_for_all_programs());
    Device old(51, fresh("changed"), {}, kOlder);
    w.enrol_at(*w.hub, old, "B01");
    w.city.edit(new_row("push", "P1", {{"kind", text("催办")}, {"text", text("第一次")}}));
    w.sync(old);
    REQUIRE(w.city->append_control("catalog", second_version()).has_value());
    w.city.set("push", "P1", {{"text", text("第二次")}});
    w.sync(old);
    CHECK(old.field("P1", "text") == "第一次");
    CHECK(reasons(old) == std::vector<std::string>{"program"});
    const auto shown = ledger::Ledger(*old).show("P1");
    REQUIRE(shown.has_value());
    CHECK(shown->at("needs_program").as_array().size() == 1);
    CHECK(shown->at("allowed").as_array().empty());
    const auto refused = ledger::Ledger(*old).set("P1", {{"text", "第三次"}}, "");
    REQUIRE(refused.has_error());
    CHECK(refused.error().detail.find("newer program") != std::string::npos);
    old.knows = {};
    old.reopen();
    CHECK(old.field("P1", "text") == "第二次");
    CHECK((*old).verify().has_value());
    same_everywhere(old, w.city);
}

TEST_CASE("a relay that can read nothing passes everything on", "[replica][versions][sync]") {
    World w(support::catalog_for_all_programs());
    w.new_assignment("A1", "T1", "B01");
    Device town(52, fresh("carrier"), {}, kCarrier);
    w.enrol_at(*w.hub, town, "K1-01");
    w.sync(town);
    auto hub = *sync::Hub::open(*town);
    auto branch = w.device_at(hub, "B01");
    CHECK(branch->field("A1", "status") == "办理中");  // from the city, through a program that cannot read it
    branch->set("assignment", "A1", {{"remark", text("经过旧中继")}});
    branch->set("assignment", "A1", {{"remark", text("再经过一次")}});
    World::sync(*branch, hub);
    for (const auto& r : reasons(town)) CHECK(r == "program");
    CHECK(town->waiting()->size() == 3);
    w.sync(town);
    CHECK(w.city.field("A1", "remark") == "再经过一次");
    CHECK(*sync::unsent_count(*town) == 0);
    CHECK(town->verify().has_value());
    CHECK(ledger::Ledger(*town).show("A1").error().detail.find("newer program") != std::string::npos);
    const auto packed = town->chain_after(StreamId{"B01", Audience::ledger}, (*branch)->id(), Seq{0}, 1 << 20);
    const auto origin = (*branch)->chain_after(StreamId{"B01", Audience::ledger}, (*branch)->id(), Seq{0}, 1 << 20);
    REQUIRE(packed->size() == 2);
    for (std::size_t i = 0; i < 2; ++i) CHECK((*packed)[i].packed == (*origin)[i].packed);

    town.knows = {};
    town.reopen();
    CHECK(town->waiting()->empty());
    CHECK(town.field("A1", "remark") == "再经过一次");
    CHECK(town->verify().has_value());
    same_everywhere(town, w.city);
}

TEST_CASE("a commit of a later format is checked by its chain, kept, passed on and named", "[replica][versions]") {
    World w(support::catalog_for_all_programs());
    w.new_assignment("A1", "T1", "B01");
    auto d = w.device("B01");
    auto other = w.device("B01");
    const auto first = d->set("assignment", "A1", {{"remark", text("一")}});
    const auto packed = (*d)->chain_after(StreamId{"B01", Audience::ledger}, (*d)->id(), Seq{0}, 1 << 20);
    Packer packer;
    std::string bytes;
    REQUIRE(packer.unpack((*packed)[0].packed, bytes).has_value());
    // The next of the chain, by a program of tomorrow: the first fields, and then what nobody here has seen.
    CommitHeader h;
    h.replica = (*d)->id();
    h.stream = StreamId{"B01", Audience::ledger};
    h.seq = Seq{2};
    h.prev = first.front().hash;
    h.control = w.city->control().head();
    h.catalog = 1;
    CommitWriter writer;
    writer.row("assignment", "A1");
    writer.lone_field(fold::Op::put, "remark", {}, false, text("明天"));
    auto tomorrow = writer.finish(h);
    tomorrow[0] = 2;
    tomorrow += "\x7f and something new";
    auto sent = [&](const std::string& raw) {
        std::string out;
        packer.pack(raw, out);
        const std::string_view one = out;
        const HeadSignature under{0, d->keys.device->sign(kForHead, view(hash_of(raw).bytes))};
        Result<std::vector<Replica::Received>> done = std::vector<Replica::Received>();
        REQUIRE((*other)
                    ->batch([&]() -> Result<> {
                        TRY_VOID((*other)->prove(std::span(&one, 1), std::span(&under, 1)));
                        done = (*other)->receive(std::span(&one, 1), Origin::below);
                        return {};
                    })
                    .has_value());
        return done;
    };
    w.sync(*d);
    w.sync(*other);
    auto broken = tomorrow;
    broken[40] ^= 1;  // the hash of the one before
    CHECK(sent(broken)->front().admission == Admission::broken);
    auto none = tomorrow;
    none[0] = 0;
    CHECK(sent(none)->front().admission == Admission::broken);
    CHECK(sent(tomorrow)->front().admission == Admission::admitted);
    CHECK(sent(tomorrow)->front().admission == Admission::duplicate);
    REQUIRE((*other)->waiting()->size() == 1);
    CHECK((*other)->waiting()->front().reason == "program");
    CHECK((*other)->waiting()->front().what == "commit format 2");
    CHECK(other->field("A1", "remark") == "一");
    w.sync(*other);
    CHECK(w.city->waiting()->size() == 1);
    CHECK(w.city->hashes_at(h.stream, h.replica, Seq{2})->front() == hash_of(tomorrow));
    CHECK(w.city->verify().has_value());
    CHECK((*other)->verify().has_value());
}

TEST_CASE("thousands of commits that wait cost the next edit nothing but a glance", "[replica][versions]") {
    World w(support::catalog_for_all_programs());
    w.new_assignment("A1", "T1", "B01");
    Device old(53, ":memory:", {}, kOlder);
    w.enrol_at(*w.hub, old, "B01");
    auto now = w.device("B01");
    REQUIRE(w.city->append_control("catalog", second_version()).has_value());
    w.sync(*now);
    for (int i = 0; i < 300; ++i) now->edit(new_row("well", "W" + std::to_string(i), {{"name", text("井")}}));
    w.sync(*now);
    w.sync(old);
    CHECK(old->waiting_count() == 300);
    old.set("assignment", "A1", {{"remark", text("照常")}});
    CHECK(old->waiting_count() == 300);
    CHECK(old.field("A1", "remark") == "照常");
    CHECK((*old).verify().has_value());
}

TEST_CASE("a record from before its entity had states is in the first one, whenever the catalog came",
          "[replica][versions]") {
    const std::string small =
        "version = 1\n[entity.well]\nlabel = [\"水井\", \"well\"]\n[entity.well.fields]\nname = { max = 60 }\n";
    World w(small);
    auto d = w.device("B01");
    d->edit(new_row("well", "W1", {{"name", text("东井")}}));
    w.sync(*d);
    auto next = small;
    next.replace(next.find("version = 1"), 11, "version = 2");
    next +=
        "[entity.well.workflow]\nstates = [\"在用\", \"停用\"]\n[entity.well.workflow.transitions]\nclose = { from = "
        "[\"在用\"], to = \"停用\" }\n";
    REQUIRE(w.city->append_control("catalog", next).has_value());
    w.sync(*d);
    auto late = w.device("B01");  // knows both versions before it has the record
    CHECK(d->state("W1") == "在用");
    same_everywhere(*d, w.city);
    same_everywhere(*late, w.city);
    CHECK((*d)->verify().has_value());
}

}  // namespace
}  // namespace taizhang::mixed_versions_test
