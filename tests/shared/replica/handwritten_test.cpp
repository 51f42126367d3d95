// Commits that no program of ours writes, under the genuine key of somebody who may write there: each is kept, moves
// only what the catalog lets it move, and the quick way and the fold agree on what that is.
#include "replica/checkpoint.h"
#include "sync/upstream_facts.h"
#include "tests/support/late_worker.h"
#include "tests/support/ok.h"
#include "tests/support/reference_fold.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>
#include <list>

namespace taizhang::handwritten_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

const std::string kCatalog = R"(version = 1
[entity.probe]
label = ["试样", "probe"]
[entity.probe.groups]
pair = { rule = "latest" }
[entity.probe.fields]
title = { max = 200 }
left  = { max = 64, group = "pair" }
right = { max = 64, group = "pair" }
three = { max = 64 }
four  = { max = 64 }
one   = { type = "number" }
two   = { type = "number" }
tags  = { rule = "set" }
doses = { type = "number", rule = "append" }
[entity.probe.workflow]
states = ["open", "closed"]
frozen = { closed = ["title", "pair"] }
[entity.probe.workflow.transitions]
close = { from = ["open"], to = "closed" }
move  = { from = ["open"], to = "*", needs = ["state"], takes = ["why"] }
[entity.note]
label = ["便条", "note"]
id = "uuid"
[entity.note.fields]
text = { max = 200 }
)";

using Write = std::function<void(CommitWriter&)>;

/// A record P1 of a branch, and a device of the branch that writes by hand.
struct Hand : World {
    std::unique_ptr<Device> a;
    VersionId made;  ///< the commit that made P1
    Hand() : World(kCatalog) {
        Edit e;
        e.entity = "probe";
        e.row = "P1";
        e.create = true;
        e.stream = kB01;
        e.fields = {{"title", text("一")}};
        made = version_of(city.edit(std::move(e)).front().hash);
        a = device("B01");
    }
    /// The next commit of the device's chain, signed by its key, comes to the city. Gives its version.
    VersionId bring(const Write& what, std::uint8_t format = kCommitFormat) {
        CommitHeader h;
        h.replica = (*a)->id();
        h.stream = kB01;
        h.seq = Seq{++seq_};
        h.prev = last_;
        h.control = city->control().head();
        h.catalog = 1;
        h.time = static_cast<std::uint64_t>(a->clock.wall_ms + 1000 * static_cast<std::int64_t>(seq_)) << 16;
        CommitWriter w;
        what(w);
        auto bytes = w.finish(h);
        bytes.front() = static_cast<char>(format);
        last_ = hash_of(bytes);
        std::string packed;
        Packer().pack(bytes, packed);
        const std::string_view one(packed);
        const std::vector<HeadSignature> signatures{{0, a->keys.device->sign(kForHead, view(last_.bytes))}};
        REQUIRE(ok(city->batch([&]() -> Result<> {
            TRY_VOID(city->prove(std::span(&one, 1), signatures));
            TRY(const auto taken, sync::receive_from_below(*city, std::span(&one, 1)));
            if (taken.front().admission == Admission::admitted) return {};
            return fail(Errc::internal, "not admitted: " + taken.front().why);
        })));
        return version_of(last_);
    }
    VersionId put(const std::string& group, std::vector<VersionId> base,
                  std::vector<std::pair<std::string, Value>> fields, fold::Op op = fold::Op::put) {
        std::sort(base.begin(), base.end());
        return bring([&](CommitWriter& w) {
            w.row("probe", "P1");
            w.part(op, group, base);
            for (const auto& [name, value] : fields) w.field(name, value);
        });
    }
    /// A step from where the record was made; `reviewed`: what it says it had seen of groups.
    VersionId step(const std::string& name, std::vector<std::pair<std::string, Value>> arguments,
                   const std::vector<std::pair<std::string, std::vector<VersionId>>>& reviewed = {}) {
        return bring([&](CommitWriter& w) {
            w.row("probe", "P1");
            w.part(fold::Op::transition, name, {});
            for (const auto& [group, ids] : reviewed) w.reviewed(group, ids);
            for (const auto& [n, value] : arguments) w.field(n, value);
        });
    }
    bool is_refused(const VersionId& version) {
        const auto lines = *city->conflicts("P1");
        return std::any_of(lines.begin(), lines.end(), [&](const auto& l) {
            return l.line.kind == fold::LineKind::refused && l.line.loser == version;
        });
    }
    /// The tables are what the log gives, by the fold alone; and the record can be edited further.
    void check_whole() {
        CHECK(city->waiting_count() == 0);
        CHECK(ok(city->verify()));
        city.set("probe", "P1", {{"tags", text("后来")}});
        CHECK(ok(city->verify()));
    }

private:
    std::uint64_t seq_ = 0;
    Hash last_;
};

}  // namespace

TEST_CASE("by hand: an id that no table holds stays in the log and is shown nowhere", "[replica][rights]") {
    Hand w;
    const auto before = *w.city->digest();
    const auto written = [&](std::string_view entity, std::string_view id, std::vector<VersionId> base) {
        w.bring([&](CommitWriter& c) {
            c.row(entity, id);
            c.part(fold::Op::put, entity == "note" ? "text" : "title", base);
            c.field(entity == "note" ? "text" : "title", text("藏起来的"));
        });
    };
    written("probe", std::string_view("P\0001", 3), {});
    written("probe", "\xff\xfe", {});
    written("note", "no sixteen", {});
    written("probe", "\xff\xfe", {w.made});  // one that says it builds on something
    CHECK(*w.city->digest() == before);
    // Neither when its author is revoked, and all that it wrote is looked at again.
    REQUIRE(ok(w.city->append_control("revoke", R"({"replica":")" + (*w.a)->id().hex() + R"(","streams":{}})")));
    w.check_whole();
}

TEST_CASE("by hand: a step that the catalog does not have moves nothing", "[replica][rights]") {
    Hand w;
    const auto flown = w.step("fly", {});
    CHECK(w.city.state("P1") == "open");
    CHECK(w.is_refused(flown));
    w.check_whole();
}

TEST_CASE("by hand: a step to a state of its choice goes to a state that there is", "[replica][rights]") {
    Hand w;
    const auto nowhere = w.step("move", {{"title", text("closed")}, {"state", text("nowhere")}}, {{"title", {w.made}}});
    CHECK(w.city.state("P1") == "open");
    CHECK(w.is_refused(nowhere));
    const auto without = w.step("move", {{"title", text("closed")}}, {{"title", {w.made}}});
    CHECK(w.is_refused(without));
    const auto there = w.step("move", {{"title", text("x")}, {"state", text("closed")}}, {{"title", {w.made}}});
    CHECK(w.city.state("P1") == "closed");
    CHECK_FALSE(w.is_refused(there));
    CHECK(ok(w.city->verify()));
}

TEST_CASE("by hand: a change of no group, of no field, or of a list by nothing does not stand", "[replica][rights]") {
    Hand w;
    SECTION("of no group") {
        w.put("nothing", {}, {{"title", text("二")}});
        CHECK(w.city.field("P1", "title") == "一");
    }
    SECTION("of no field") { CHECK(w.is_refused(w.put("title", {w.made}, {{"nothing", text("二")}}))); }
    SECTION("a list by nothing") {
        CHECK(w.is_refused(w.put("doses", {}, {{"doses", Value::null()}})));
        CHECK(w.city.field("P1", "doses") == "—");
    }
    CHECK(w.city.field("P1", "title") == "一");
    w.check_whole();
}

TEST_CASE("by hand: an addition to a list that adds nothing shows nothing", "[replica][rights]") {
    Hand w;
    w.put("doses", {}, {});
    w.put("tags", {}, {});
    w.put("doses", {}, {{"doses", number("3")}});
    w.put("doses", {}, {{"doses", number("2.5")}});
    CHECK(w.city.field("P1", "doses") == "[3,2.5E0]");
    w.put("tags", {}, {{"tags", text("红")}});
    // What is taken out of a set is what somebody put there.
    Edit e;
    e.entity = "probe";
    e.row = "P1";
    e.remove = {{"tags", text("红")}};
    w.city.edit(e);
    CHECK(w.city.field("P1", "tags") == "—");
    w.check_whole();
}

TEST_CASE("by hand: nothing is taken out of a field that is no list", "[replica][rights]") {
    Hand w;
    w.put("title", {w.made}, {{"title", text("一")}}, fold::Op::remove);
    CHECK(w.city.field("P1", "title") == "一");
    w.check_whole();
}

TEST_CASE("by hand: a step has reviewed what is there, not what it names besides", "[replica][rights]") {
    Hand w;
    const auto second = w.put("title", {w.made}, {{"title", text("二")}});
    std::vector<VersionId> both{w.made, second};
    std::sort(both.begin(), both.end());
    SECTION("a group that there is not") { w.step("close", {}, {{"nothing", {second}}, {"title", {second}}}); }
    SECTION("one group twice over") { w.step("close", {}, {{"title", both}}); }
    SECTION("a group in which nobody wrote") { w.step("close", {}, {{"pair", {w.made}}, {"title", {second}}}); }
    CHECK(w.city.state("P1") == "closed");
    CHECK(w.city.field("P1", "title") == "二");
    CHECK(ok(w.city->verify()));
}

TEST_CASE("by hand: a change may name more than what it builds on", "[replica][rights]") {
    Hand w;
    const auto second = w.put("title", {w.made}, {{"title", text("二")}});
    SECTION("both versions of its own group") {
        w.put("title", {w.made, second}, {{"title", text("三")}});
        CHECK(w.city.field("P1", "title") == "三");
    }
    SECTION("a version of another group") {
        const auto beside = w.put("pair", {}, {{"left", text("左")}, {"right", text("右")}});
        w.put("title", {beside}, {{"title", text("三")}});
        CHECK(w.city->conflicts("P1")->size() == 1);
    }
    SECTION("a version of another group, of one in which nobody wrote") {
        w.put("pair", {second}, {{"left", text("左")}, {"right", text("右")}});
        CHECK(w.city.field("P1", "left") == "左");
    }
    w.check_whole();
}

TEST_CASE("by hand: a step may build on two others", "[replica][rights]") {
    Hand w;
    const auto step = [&](const std::string& name, std::vector<VersionId> base, const std::string& to) {
        std::sort(base.begin(), base.end());
        return w.bring([&](CommitWriter& c) {
            c.row("probe", "P1");
            c.part(fold::Op::transition, name, base);
            c.reviewed("title", std::vector<VersionId>{w.made});
            if (!to.empty()) c.field("state", text(to));
        });
    };
    const auto first = step("move", {}, "open");
    const auto second = step("move", {first}, "open");
    step("close", {first, second}, {});
    CHECK(w.city.state("P1") == "closed");
    CHECK(w.city->conflicts("P1")->empty());
    CHECK(ok(w.city->verify()));
}

TEST_CASE("numbers of more digits than a table tells are given with the history of their row",
          "[replica][checkpoint]") {
    Hand w;
    const std::string most = "12345678901234567", least = "-12345678901234567";
    const auto before = version_of(w.city.set("probe", "P1", {{"one", number("1")}}).front().hash);
    w.city.set("probe", "P1", {{"one", number(most.c_str())}});
    const std::string end = "9223372036854775799";  // the largest of all; its double is larger
    for (const auto& [id, one, two] : {std::tuple{"P2", least, most}, {"P3", end, std::string("1")}}) {
        Edit e;
        e.entity = "probe";
        e.row = id;
        e.create = true;
        e.stream = kB01;
        e.fields = {{"one", number(one.c_str())}, {"two", number(two.c_str())}};
        w.city.edit(std::move(e));
    }
    REQUIRE(ok(w.city->checkpoint()));
    auto late = w.device("B01");
    REQUIRE((*late)->has_dropped());
    CHECK(late->field("P1", "one") == most);
    CHECK(late->field("P2", "one") == least);
    CHECK(late->field("P2", "two") == most);
    CHECK(late->field("P3", "one") == end);
    CHECK(late->field("P3", "two") == "1");
    CHECK(ok((*late)->verify()));
    // Who writes the same beside it without having seen it agrees; what the table says of it is not asked.
    w.put("one", {before}, {{"one", number(most.c_str())}});
    CHECK(w.city.field("P1", "one") == most);
    CHECK(w.city->conflicts("P1")->empty());
    CHECK(ok(w.city->verify()));
}

TEST_CASE("a form may be filled in in more ways than are remembered", "[replica]") {
    Hand w;
    const std::vector<std::string> names{"title", "left", "right", "three", "four", "one", "two"};
    for (unsigned shape = 1; shape < 1u << names.size(); ++shape) {
        std::vector<std::pair<std::string, Value>> fields;
        for (std::size_t i = 0; i < names.size(); ++i)
            if (shape >> i & 1) {
                const bool is_number = i >= 5;
                const auto n = std::to_string(shape);
                fields.emplace_back(names[i], is_number ? number(n.c_str()) : text(n));
            }
        w.city.set("probe", "P1", fields);
    }
    for (const auto& name : names) CHECK(w.city.field("P1", name) == "127");
    CHECK(ok(w.city->verify()));
}

TEST_CASE("a person gives a step a reason besides the state that it goes to", "[replica]") {
    Hand w;
    w.city.act("probe", "P1", "move", {{"why", text("审完了")}, {"state", text("closed")}});
    CHECK(w.city.state("P1") == "closed");
    CHECK(ok(w.city->verify()));
}

TEST_CASE("what a message's commits unfold to is taken piece by piece", "[replica]") {
    Hand w;
    std::vector<std::string> packed;
    std::vector<HeadSignature> signatures;
    Hash last;
    for (std::uint64_t n = 1; n <= 6; ++n) {  // a megabyte each, some hundred bytes as they come
        CommitHeader h;
        h.replica = (*w.a)->id();
        h.stream = kB01;
        h.seq = Seq{n};
        h.prev = last;
        h.control = w.city->control().head();
        h.catalog = 1;
        h.time = static_cast<std::uint64_t>(w.a->clock.wall_ms + static_cast<std::int64_t>(n)) << 16;
        CommitWriter c;
        c.row("probe", "X" + std::to_string(n));
        c.part(fold::Op::put, "title", {});
        c.field("title", text(std::string(1 << 20, 'x')));
        const auto bytes = c.finish(h);
        last = hash_of(bytes);
        Packer().pack(bytes, packed.emplace_back());
        REQUIRE(packed.back().size() < 4096);
    }
    signatures.push_back({5, w.a->keys.device->sign(kForHead, view(last.bytes))});
    const std::vector<std::string_view> views(packed.begin(), packed.end());
    // Under a signature that no suite makes nothing is proved.
    auto long_ones = signatures;
    long_ones.front().signature = std::string(1 << 16, 's');
    for (const auto p : *w.city->prove(views, long_ones)) CHECK(p == Proved::no);
    std::size_t admitted = 0;
    REQUIRE(ok(w.city->batch([&]() -> Result<> {
        TRY_VOID(w.city->prove(views, signatures));
        TRY(const auto taken, w.city->receive(views, Origin::below));
        for (const auto& t : taken) admitted += t.admission == Admission::admitted;
        return {};
    })));
    CHECK(admitted == 6);
    CHECK(ok(w.city->verify()));
}

TEST_CASE("by hand: what this program cannot read, or show, keeps its body when old history is dropped",
          "[replica][drop][versions]") {
    Hand w;
    const auto title = [](const std::string& id, const std::string& words) {
        return [id, words](CommitWriter& c) {
            c.row("probe", id);
            c.part(fold::Op::put, "title", {});
            c.field("title", text(words));
        };
    };
    w.bring(title("P2", "先写的"));
    w.bring(title("P3", "新格式写的"), kCommitFormat + 1);
    w.bring(title(std::string("P\0004", 3), "没有表能放的"));
    w.bring(title("P5", "再写的"));
    w.bring(title("P6", "最后写的"));
    auto reader = w.device("B01");
    REQUIRE(ok(w.city->note_backup(w.city->log_head())));
    REQUIRE(ok(w.city->checkpoint()));
    w.sync(*reader);
    const auto has_body = [&] {
        std::vector<std::int64_t> out;
        auto s = *(*reader)->database().prepare(
            "SELECT l.seq FROM log l JOIN replica r ON r.no = l.replica WHERE r.id = ?1 AND length(l.body) > 0 ORDER "
            "BY 1",
            false);
        s.bind_blob(1, view((*w.a)->id().bytes));
        while (*s.step()) out.push_back(s.integer(0));
        return out;
    };
    REQUIRE(has_body().size() == 5);
    REQUIRE(*(*reader)->drop_old(reader->clock.wall_ms + 86'400'000) > 0);
    CHECK(has_body() == std::vector<std::int64_t>{2, 3, 5});
    CHECK((*reader)->waiting_count() == 1);
    CHECK(reader->field("P5", "title") == "再写的");
    CHECK(ok((*reader)->verify()));
}

TEST_CASE("a list of a row whose past was dropped is added to when the past is here again", "[replica][drop]") {
    Hand w;
    w.a->set("probe", "P1", {{"title", text("二")}});
    w.a->set("probe", "P1", {{"title", text("三")}});
    w.sync(*w.a);
    REQUIRE(ok(w.city->note_backup(w.city->log_head())));
    REQUIRE(ok(w.city->checkpoint()));
    w.sync(*w.a);
    REQUIRE(*(*w.a)->drop_old(w.a->clock.wall_ms + 86'400'000) > 0);
    w.a->set("probe", "P1", {{"doses", number("3")}});
    REQUIRE((*w.a)->waiting_count() == 1);
    CHECK((*w.a)->waiting()->front().reason == "history");
    for (int i = 0; i < 3; ++i) w.sync(*w.a);
    CHECK((*w.a)->waiting_count() == 0);
    CHECK(w.a->field("P1", "doses") == "[3]");
    CHECK(w.city.field("P1", "doses") == "[3]");
    CHECK(ok((*w.a)->verify()));
}

TEST_CASE("a commit of a stream that the tree here does not know is kept, whoever it is for", "[replica]") {
    Hand w;
    CommitHeader h;
    h.replica = w.city->id();
    h.stream = StreamId{"B99", Audience::ledger};
    h.seq = Seq{1};
    h.control = ControlPos{w.city->control().head().value + 1};
    h.catalog = 1;
    h.time = static_cast<std::uint64_t>(w.city.clock.wall_ms) << 16;
    CommitWriter c;
    c.row("probe", "P9");
    c.part(fold::Op::put, "title", {});
    c.field("title", text("树还没有到"));
    const auto bytes = c.finish(h);
    const auto hash = hash_of(bytes);
    std::string packed;
    Packer().pack(bytes, packed);
    const std::string_view one(packed);
    const std::vector<HeadSignature> signatures{{0, w.city.keys.device->sign(kForHead, view(hash.bytes))}};
    REQUIRE(ok((*w.a)->batch([&]() -> Result<> {
        TRY_VOID((*w.a)->prove(std::span(&one, 1), signatures));
        TRY_VOID((*w.a)->receive(std::span(&one, 1), Origin::upstream));
        return {};
    })));
    CHECK((*w.a)->hashes_at(h.stream, h.replica, Seq{1})->size() == 1);
    REQUIRE((*w.a)->waiting_count() == 1);
    CHECK((*w.a)->waiting()->front().reason == "control");
    REQUIRE(
        ok(w.city->append_control("unit", R"({"id":"B99","parent_id":"K1-01","level":"branch","name":"Branch 99"})")));
    REQUIRE(ok((*w.a)->receive_control(*w.city->control_after((*w.a)->control().head(), 1 << 20))));
    CHECK((*w.a)->waiting_count() == 0);
    CHECK(w.a->field("P9", "title") == "树还没有到");
}

TEST_CASE("a decision where nothing is open is an edit like any other", "[replica]") {
    Hand w;
    Edit e;
    e.entity = "probe";
    e.row = "P1";
    e.settle = true;
    e.fields = {{"title", text("定了")}};
    w.city.edit(e);
    CHECK(w.city.field("P1", "title") == "定了");
    CHECK(w.city->conflicts("P1")->empty());
    w.check_whole();
}

TEST_CASE("who watches rows hears after a stream has gone that all of them may have changed", "[replica]") {
    Hand w;
    w.city->watch_rows();
    w.city.set("probe", "P1", {{"title", text("二")}});
    auto written = w.city->take_written();
    CHECK_FALSE(written.all);
    CHECK(written.rows.at("probe").contains("P1"));
    REQUIRE(ok(w.city->evict(kB01)));
    Edit e;
    e.entity = "probe";
    e.row = "P7";
    e.create = true;
    e.stream = StreamId{"B02", Audience::ledger};
    e.fields = {{"title", text("别处的")}};
    w.city.edit(e);
    written = w.city->take_written();
    CHECK(written.all);
    CHECK_FALSE(w.city->take_written().all);
}

TEST_CASE("many commits about two rows each, in little memory, give the same as one by one", "[replica][unsigned]") {
    Device city(1);
    found_city(city, kCatalog, "a city without keys");
    REQUIRE(ok(city->issue_certificate(*city->self_as_subject("C", "root"))));
    for (int i = 0; i < 300; ++i) {
        Draft d;
        for (const char* half : {"a", "b"}) {
            auto& e = d.edits.emplace_back();
            e.entity = "probe";
            e.row = half + std::to_string(i);
            e.create = true;
            e.stream = kB01;
            e.fields = {{"title", text(std::string(120, 'x') + std::to_string(i))}};
        }
        REQUIRE(ok(city->edit(d)));
    }
    for (const bool has_worker : {true, false}) {
        Environment env;
        env.wall_ms = [] { return std::int64_t{1'761'955'200'000}; };
        env.steady_ms = [] { return std::int64_t{0}; };
        env.random = [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), std::uint8_t{5}); };
        if (has_worker) env.worker = std::make_shared<LateWorker>();
        Replica::Options o;
        o.path = ":memory:";
        o.bytes_at_hand = 40'000;
        const auto reader = *Replica::open(o, env);
        REQUIRE(ok(reader->receive_control(*city->control_after(ControlPos{0}, 1 << 20))));
        REQUIRE(ok(reader->add_certificate(*city->control().cert(city->id()))));
        const auto entries = *city->chain_after(kB01, city->id(), Seq{0}, 1 << 24);
        std::vector<std::string_view> packed;
        for (const auto& e : entries) packed.push_back(e.packed);
        // Before them one that builds on what is not here, of a record that is not here either.
        CommitHeader h;
        h.replica = city->id();
        h.stream = StreamId{"B02", Audience::ledger};
        h.seq = Seq{1};
        h.control = city->control().head();
        h.catalog = 1;
        h.time = std::uint64_t{1'761'955'200'000} << 16;
        CommitWriter c;
        c.row("probe", "nowhere");
        VersionId nothing;
        nothing.bytes.fill(9);
        c.part(fold::Op::put, "title", std::vector<VersionId>{nothing});
        c.field("title", text("接着没有的写"));
        std::string first;
        const auto written = c.finish(h);
        Packer().pack(written, first);
        packed.insert(packed.begin(), first);
        const auto taken = reader->receive(packed, Origin::below);
        REQUIRE(ok(taken));
        CHECK(taken->size() == 301);
        CHECK(reader->waiting_count() == 1);
        const auto here = *reader->digest(), there = *city->digest();
        CHECK(here == there);
        // Few that are large, and unfold to much more.
        packed.clear();
        std::list<std::string> large;
        Hash last = hash_of(written);
        for (std::uint64_t n = 2; n <= 8; ++n) {
            h.seq = Seq{n};
            h.prev = last;
            c.row("probe", "L" + std::to_string(n));
            c.part(fold::Op::put, "title", {});
            auto words = std::string(300'000, 'x');
            for (std::uint64_t i = 0, state = n; i < 9000; ++i)
                words.push_back(static_cast<char>((state = reference::mix(state)) >> 24));
            c.field("title", Value::blob(std::move(words)));
            const auto bytes = c.finish(h);
            last = hash_of(bytes);
            Packer().pack(bytes, large.emplace_back());
            packed.push_back(large.back());
        }
        const auto then = *reader->receive(packed, Origin::below);
        REQUIRE(then.size() == 7);
        for (const auto& t : then) CHECK(t.admission == Admission::admitted);
        CHECK(ok(reader->verify()));
    }
}

TEST_CASE("by hand: who writes on for a closed office moves nothing", "[replica][rights]") {
    Hand w;
    REQUIRE(ok(w.city->append_control(
        "unit", R"({"id":"B01","parent_id":"K1-01","level":"branch","name":"Branch 1","abolished":true})")));
    const auto after = w.put("title", {w.made}, {{"title", text("二")}});
    CHECK(w.is_refused(after));
    CHECK(w.city.field("P1", "title") == "一");
    CHECK(ok(w.city->verify()));
    // Its own program says so, and to whom its records went: nobody.
    REQUIRE(ok((*w.a)->receive_control(*w.city->control_after((*w.a)->control().head(), 1 << 20))));
    Draft d;
    d.edits.emplace_back();
    d.edits[0].entity = "probe";
    d.edits[0].row = "P1";
    d.edits[0].fields = {{"title", text("三")}};
    const auto refused = (*w.a)->edit(d);
    REQUIRE(refused.has_error());
    CHECK(refused.error().detail.find("B01 was closed") != std::string::npos);
}

TEST_CASE("by hand: something in the shape of a checkpoint that is none changes nothing",
          "[replica][rights][checkpoint]") {
    Hand w;
    const auto before = *w.city->digest();
    const auto tips = [](std::uint64_t says, std::size_t has) {
        std::string out;
        Writer t(out);
        t.varint(says);
        for (std::size_t i = 0; i < has; ++i) t.raw(std::string(16 + 1 + 32, '\1'));
        return Value::blob(out);
    };
    const auto horizon = [&](const Write& fields) {
        w.bring([&](CommitWriter& c) {
            c.row(kCheckpointEntity, "1");
            c.part(fold::Op::put, "horizon", {});
            fields(c);
        });
    };
    horizon([&](CommitWriter& c) { c.field("heads", tips(9, 1)); });             // fewer than it says
    horizon([&](CommitWriter& c) { c.field("heads", tips(1, 2)); });             // more
    horizon([&](CommitWriter& c) { c.field("backed", tips(20'001, 20'001)); });  // too many
    horizon([&](CommitWriter& c) { c.field("at", text("yesterday")); });
    horizon([&](CommitWriter& c) {
        c.field("digest", Value::blob("short"));
        c.field("marks", Value::blob("short"));
    });
    w.bring([](CommitWriter& c) {  // two rows
        for (const char* id : {"1", "2"}) {
            c.row(kCheckpointEntity, id);
            c.part(fold::Op::put, "horizon", {});
        }
    });
    w.bring([](CommitWriter& c) {  // two parts
        c.row(kCheckpointEntity, "1");
        for (const char* group : {"horizon", "other"}) c.part(fold::Op::put, group, {});
    });
    CHECK(*w.city->digest() == before);
    CHECK(w.city->checkpoints()->empty());
    CHECK(ok(w.city->verify()));
    // The city's own, which names all of that, is taken.
    REQUIRE(ok(w.city->checkpoint()));
    CHECK(w.city->checkpoints()->size() == 1);
    w.check_whole();
}

}  // namespace taizhang::handwritten_test
