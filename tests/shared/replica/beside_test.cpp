// Two who wrote the same thing at once: what the row itself tells of it is what the fold of its whole history gives.
#include "replica/rows.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <array>
#include <random>

namespace taizhang::replica_beside_test {
namespace {

using support::text;

constexpr const char* kCatalog = R"(version = 1
[entity.note]
label = ["便条", "note"]
home = "unit"
by = ["unit", "above"]
[entity.note.groups]
pair = { rule = "latest" }
[entity.note.fields]
unit   = { max = 64 }
plain  = { max = 64 }
count  = { type = "number" }
both   = { max = 64, rule = "keep_both" }
named  = { max = 64, rule = "owner", by = ["above"] }
ranked = { max = 64, rule = "authority" }
list   = { max = 64, rule = "append" }
left   = { max = 64, group = "pair" }
right  = { max = 64, group = "pair" }
[entity.note.workflow]
field = "state"
states = ["open", "closed"]
frozen = { "closed" = ["both"] }
[entity.note.workflow.transitions]
close  = { from = ["open"], to = "closed", by = ["above"] }
reopen = { from = ["closed"], to = "open", by = ["above"] }
)";
constexpr int kRows = 60;
constexpr std::int64_t kBegin = 1'761'955'200'000;

const StreamId kStream{"B", Audience::ledger};

std::string row_of(int n) { return "N" + std::to_string(n); }

/// A database of a city without keys, and who writes there: somebody of the branch, somebody above it. By clocks of
/// their own, which may say anything.
struct Site {
    std::unique_ptr<Replica> replica;
    std::array<ReplicaId, 2> authors{};

    explicit Site(std::uint8_t seed, Replica::Options o) {
        o.path = ":memory:";
        Environment env;
        env.wall_ms = [] { return kBegin; };
        env.steady_ms = [] { return std::int64_t{0}; };
        env.random = [seed](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), seed); };
        replica = std::move(*Replica::open(o, env));
        for (std::size_t n = 0; n < 2; ++n) authors[n].bytes.fill(static_cast<std::uint8_t>(0x80 + seed * 2 + n));
    }
    void begin_city() {
        REQUIRE(replica->append_control("catalog", kCatalog).has_value());
        for (const char* unit : {R"({"id":"C","parent_id":"","level":"city","name":"City"})",
                                 R"({"id":"B","parent_id":"C","level":"branch","name":"Branch"})"})
            REQUIRE(replica->append_control("unit", unit).has_value());
    }
    void know(const ReplicaId& who, bool is_above) {
        Certificate c;
        c.replica = who;
        c.unit = is_above ? "C" : "B";
        c.level = is_above ? Level::city : Level::branch;
        c.control = replica->control().head();
        c.issuer = "C";
        REQUIRE(replica->add_certificate(c).has_value());
    }
};

/// Two sites of one city that know each other's authors, and a copy for each way to a state.
struct Sites {
    std::vector<std::unique_ptr<Site>> all;

    Site& add(const Replica::Options& o = {}) {
        auto& s = *all.emplace_back(std::make_unique<Site>(static_cast<std::uint8_t>(all.size() + 1), o));
        if (all.size() == 1)
            s.begin_city();
        else
            REQUIRE(s.replica->receive_control(*all[0]->replica->control_after(ControlPos{0}, 1 << 20)).has_value());
        for (std::uint8_t seed = 1; seed <= 2; ++seed)
            for (std::size_t n = 0; n < 2; ++n) {
                ReplicaId who;
                who.bytes.fill(static_cast<std::uint8_t>(0x80 + seed * 2 + n));
                s.know(who, n == 1);
            }
        return s;
    }
};

void give(Replica& from, Replica& to, std::size_t portion, Lsn after = {}, Lsn until = Lsn{~std::uint64_t{0}}) {
    Lsn through;
    auto all = *from.log_after(after, from.streams(), 64 << 20, through);
    std::erase_if(all, [&](const auto& e) { return e.lsn > until; });
    for (std::size_t at = 0; at < all.size(); at += portion) {
        std::vector<std::string_view> packed;
        for (std::size_t i = at; i < std::min(all.size(), at + portion); ++i) packed.push_back(all[i].packed);
        const auto received = to.receive(packed, Origin::below);
        REQUIRE(received.has_value());
        for (const auto& r : *received)
            REQUIRE((r.admission == Admission::admitted || r.admission == Admission::duplicate));
    }
}

/// A table, a line for each row; of a note's clocks what they say, since the bytes may be filled up differently.
std::vector<std::string> table_of(Replica& r, const std::string& sql) {
    auto s = r.database().prepare(sql, false);
    REQUIRE(s.has_value());
    std::vector<std::string> out;
    while (*s->step()) {
        std::string line(s->text(0));
        RowMeta m;
        if (RowMeta::decode(s->blob(1), m)) {
            line += m.complex ? " complex" : " plain";
            for (const auto& g : m.groups) line += " " + std::to_string(g.lsn) + "@" + std::to_string(g.time);
        }
        out.push_back(std::move(line));
    }
    return out;
}

std::vector<std::string> notes_of(Replica& r) {
    return table_of(r,
                    "SELECT concat_of, _m FROM (SELECT id || '|' || state || '|' || quote(plain) || quote(count) || "
                    "quote(both) || quote(named) || quote(ranked) || quote(list) || quote(\"left\") || "
                    "quote(\"right\") AS concat_of, _m FROM note) ORDER BY 1");
}

std::vector<std::string> lines_of(Replica& r) {
    return table_of(r,
                    "SELECT quote(row) || grp || quote(loser) || kind || quote(decided_by) || quote(winner) || rule, "
                    "x'' FROM conflict ORDER BY 1");
}

/// Some of what people do to a note, each on what he sees.
Edit edit_of(Site& at, std::string row_id, bool is_above, std::mt19937& random) {
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const auto word = [&] { return text(std::string(1, static_cast<char>('a' + pick(3)))); };
    Edit e;
    e.entity = "note";
    e.row = std::move(row_id);
    e.stream = kStream;
    const auto row = at.replica->read_row("note", e.row);
    const char* const fields[] = {"plain", "both", "ranked", "left", "ranked", "list", "named"};
    const int what = pick(12);
    if (!row) {
        e.create = true;
        e.fields = {{"unit", text("B")}, {"plain", text("p")}, {"both", text("b")}, {"left", text("l")}};
        if (pick(2) == 0) e.fields.emplace_back("right", text("r"));
    } else if (is_above && what > 8) {
        e.transition = row->state == "open" ? "close" : "reopen";
    } else if (what == 7) {
        e.fields = {{"left", word()}, {"right", word()}};
    } else if (what == 8) {
        e.fields = {{"plain", pick(4) == 0 ? Value::null() : word()}, {"both", word()}};
    } else if (what == 9 || what == 10) {
        e.fields = {{"count", support::number(pick(2) == 0 ? "1.5" : "2")}};
    } else {
        e.fields = {{fields[what > 8 ? 2 : what == 6 && !is_above ? 0 : what], word()}};
    }
    return e;
}

/// Mostly one note at a time, sometimes several.
void work(Site& at, std::mt19937& random) {
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const bool is_above = pick(3) == 0;
    const int first = pick(kRows), count = pick(3) == 0 ? 3 : 1;
    Draft draft;
    for (int n = 0; n < count; ++n)
        draft.edits.push_back(edit_of(at, row_of((first + n * 7) % kRows), is_above, random));
    REQUIRE(at.replica->edit_as(at.authors[is_above], draft, kBegin + pick(12)).has_value());
}

TEST_CASE("beside: what a row tells of two who wrote at once is what its history gives", "[replica][fast-path]") {
    std::size_t lines = 0;
    for (unsigned seed = 1; seed <= 30; ++seed) {
        INFO("seed " << seed);
        std::mt19937 random(seed);
        Sites sites;
        auto &a = sites.add(), &b = sites.add();
        for (int step = 0; step < 260; ++step) {
            work(random() % 2 ? a : b, random);
            if (random() % 12 == 0) give(*a.replica, *b.replica, 1000);
            if (random() % 12 == 0) give(*b.replica, *a.replica, 1000);
        }
        give(*b.replica, *a.replica, 1000);
        auto& folded = *sites.add({.always_fold = true}).replica;
        give(*a.replica, folded, 7);
        for (const std::size_t portion : {1, 5, 1000}) {
            INFO("portion " << portion);
            auto& fast = *sites.add().replica;
            give(*a.replica, fast, portion);
            REQUIRE(fast.log_head() == folded.log_head());
            CHECK(notes_of(fast) == notes_of(folded));
            CHECK(lines_of(fast) == lines_of(folded));
        }
        // All in one transaction that has little room in memory: values go back to the log and are fetched again.
        for (const std::size_t room : {300, 1200, 4000}) {
            INFO("room " << room);
            auto& small = *sites.add({.rows_at_hand = room / 20, .bytes_at_hand = room}).replica;
            const auto take = [&](Lsn after, Lsn until) {
                const auto done = small.batch([&]() -> Result<> {
                    give(*a.replica, small, 5, after, until);
                    return {};
                });
                REQUIRE(done.has_value());
            };
            take(Lsn{0}, Lsn{100});
            take(Lsn{100}, Lsn{1'000});
            REQUIRE(small.log_head() == folded.log_head());
            CHECK(notes_of(small) == notes_of(folded));
            CHECK(lines_of(small) == lines_of(folded));
        }
        CHECK(notes_of(*a.replica) == notes_of(folded));
        CHECK(lines_of(*a.replica) == lines_of(folded));
        lines += lines_of(folded).size();
    }
    CHECK(lines > 100);
}

TEST_CASE("beside: what a higher level wrote stands, whatever the clocks say", "[replica][fast-path]") {
    Sites sites;
    auto &a = sites.add(), &b = sites.add();
    const auto write = [](Site& at, bool is_above, const char* value, std::int64_t ms, bool create = false) {
        Draft draft;
        auto& e = draft.edits.emplace_back();
        e.entity = "note";
        e.row = "N1";
        e.stream = kStream;
        e.create = create;
        e.fields = {{"ranked", text(value)}};
        if (create) e.fields.emplace_back("unit", text("B"));
        REQUIRE(at.replica->edit_as(at.authors[is_above], draft, kBegin + ms).has_value());
    };
    write(a, false, "first", 0, true);
    give(*a.replica, *b.replica, 1);
    write(a, true, "of the city", 1);
    write(b, false, "of the branch", 2);
    give(*b.replica, *a.replica, 1);
    CHECK(notes_of(*a.replica)[0].find("of the city") != std::string::npos);
    CHECK(lines_of(*a.replica).size() == 1);
    CHECK(a.replica->verify().has_value());
}

/// The ordinary case, read without the log: the clocks tell who stands, the other has its line on every side.
TEST_CASE("beside: two who wrote one field, by clocks that are right", "[replica][fast-path]") {
    for (const bool second_first : {false, true}) {
        support::World w;
        auto a = w.device("B01"), b = w.device("B01");
        w.new_assignment("A1", "T1", "B01");
        w.sync(*a);
        w.sync(*b);
        a->clock.wall_ms += 60'000;
        b->clock.wall_ms += 120'000;
        a->set("assignment", "A1", {{"problems", text("缺场地")}, {"remark", text("甲")}});
        b->set("assignment", "A1", {{"problems", text("缺经费")}});
        auto& first = second_first ? *b : *a;
        auto& second = second_first ? *a : *b;
        w.sync(first);
        w.sync(second);
        w.sync(first);
        for (auto* d : {&first, &second, &w.city}) {
            CHECK(d->field("A1", "problems") == "缺经费");
            CHECK(d->field("A1", "remark") == "甲");
            const auto open = *(*d)->conflicts();
            REQUIRE(open.size() == 1);
            CHECK((*d)->verify().has_value());
        }
    }
}

}  // namespace
}  // namespace taizhang::replica_beside_test
