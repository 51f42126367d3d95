// A state is read as it was written: what is cut, out of bounds or names nothing is refused, and nothing of it stays.
#include "replica/checkpoint.h"
#include "replica/snapshot.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::state_layout_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

/// The layout of snapshot.h, as far as a row.
struct State {
    struct Place {
        std::uint64_t replica = 0, seq = 0;
        std::string hash, marks;
    };
    struct Standing {
        std::uint64_t name = 0, replica = 0, seq = 0, time = 0;
    };
    struct Row {
        std::string id;
        std::uint64_t state = 0;
        std::vector<std::pair<std::uint64_t, std::string>> fields;
        std::optional<Standing> flow;
        std::vector<Standing> groups;
    };
    struct Table {
        std::string entity;
        std::vector<Row> rows;
    };
    std::uint8_t format = 0, audience = 0;
    std::string unit, checkpoint, signature;
    std::vector<std::string> replicas, names;
    std::vector<Place> tips, unstamped;
    std::vector<Table> tables;
    std::vector<std::pair<std::string, std::uint8_t>> past;
    std::vector<std::pair<std::string, std::string>> folded;

    static State read(std::string_view bytes) {
        Reader r(bytes);
        State s;
        const auto place = [&](bool has_marks) {
            Place p;
            p.replica = r.varint();
            p.seq = r.varint();
            p.hash = r.raw(32);
            if (has_marks) p.marks = r.raw(p.seq * snapshot::kVersionBytes);
            return p;
        };
        s.format = r.u8();
        s.unit = r.str();
        s.audience = r.u8();
        s.checkpoint = r.str();
        s.signature = r.str();
        for (auto n = r.size(); n > 0; --n) s.replicas.emplace_back(r.raw(16));
        for (auto n = r.size(); n > 0; --n) s.names.emplace_back(r.str());
        for (auto n = r.size(); n > 0; --n) s.tips.push_back(place(true));
        for (auto n = r.size(); n > 0; --n) s.unstamped.push_back(place(false));
        for (auto n = r.size(); n > 0; --n) {
            auto& t = s.tables.emplace_back();
            t.entity = r.str();
            for (auto rows = r.size(); rows > 0; --rows) t.rows.push_back(read_row(r, bytes));
        }
        for (auto n = r.size(); n > 0; --n) {
            const std::string packed(r.str());
            s.past.emplace_back(packed, r.u8());
        }
        for (auto n = r.size(); n > 0; --n) {
            const std::string entity(r.str());
            s.folded.emplace_back(entity, r.str());
        }
        REQUIRE(r.done());
        return s;
    }
    std::string bytes() const {
        std::string out;
        Writer w(out);
        const auto place = [&](const Place& p) {
            w.varint(p.replica);
            w.varint(p.seq);
            w.raw(p.hash);
            w.raw(p.marks);
        };
        w.u8(format);
        w.str(unit);
        w.u8(audience);
        w.str(checkpoint);
        w.str(signature);
        w.varint(replicas.size());
        for (const auto& x : replicas) w.raw(x);
        w.varint(names.size());
        for (const auto& x : names) w.str(x);
        for (const auto* list : {&tips, &unstamped}) {
            w.varint(list->size());
            for (const auto& p : *list) place(p);
        }
        w.varint(tables.size());
        for (const auto& t : tables) {
            w.str(t.entity);
            w.varint(t.rows.size());
            for (const auto& x : t.rows) write_row(w, x);
        }
        w.varint(past.size());
        for (const auto& [packed, flags] : past) {
            w.str(packed);
            w.u8(flags);
        }
        w.varint(folded.size());
        for (const auto& [entity, id] : folded) {
            w.str(entity);
            w.str(id);
        }
        return out;
    }

private:
    static Row read_row(Reader& r, std::string_view bytes) {
        Row x;
        x.id = r.str();
        x.state = r.varint();
        for (auto name = r.varint(); name != 0; name = r.varint()) {
            const auto before = r.offset();
            ValueView::read(r);
            x.fields.emplace_back(name, bytes.substr(before, r.offset() - before));
        }
        if (const auto flow = r.varint(); flow != 0) {
            Standing s{0, flow - 1, r.varint(), 0};
            s.time = r.varint();
            x.flow = s;
        }
        for (auto name = r.varint(); name != 0; name = r.varint()) {
            Standing s{name, r.varint(), 0, 0};
            s.seq = r.varint();
            s.time = r.varint();
            x.groups.push_back(s);
        }
        return x;
    }
    static void write_row(Writer& w, const Row& x) {
        w.str(x.id);
        w.varint(x.state);
        for (const auto& [name, value] : x.fields) {
            w.varint(name);
            w.raw(value);
        }
        w.varint(0);
        const auto standing = [&](const Standing& s) {
            w.varint(s.seq);
            w.varint(s.time);
        };
        w.varint(x.flow ? x.flow->replica + 1 : 0);
        if (x.flow) standing(*x.flow);
        for (const auto& s : x.groups) {
            w.varint(s.name);
            w.varint(s.replica);
            standing(s);
        }
        w.varint(0);
    }
};

/// A stream with a plain row, one in conflict, a commit that waits and one without a time.
struct City : World {
    std::unique_ptr<Device> a = device("B01"), b = device("B01"), late = device("B01"), c = device("B01");
    Device reader{78};
    State state;
    City() {
        for (const char* id : {"A1", "A2"}) new_assignment(id, "T1", "B01");
        for (auto* d : {&a, &b, &late, &c}) sync(**d);
        a->set("assignment", "A1", {{"remark", text("写过")}});
        a->set("assignment", "A2", {{"result_text", text("甲稿")}});
        c->set("assignment", "A2", {{"result_text", text("丙稿")}});
        b->set("assignment", "A2", {{"result_text", text("乙稿")}});
        REQUIRE(ok(carry(**b, **late, kB01, (*b)->id())));
        late->set("assignment", "A2", {{"result_text", text("接着乙稿")}});
        REQUIRE(ok(carry(**late, *city, kB01, (*late)->id())));  // what it builds on does not come along
        REQUIRE(city->waiting_count() == 1);
        a->clock.wall_ms += std::int64_t{300} * 86'400'000;
        a->set("assignment", "A1", {{"responsible_person", text("明年")}});
        sync(*a);
        sync(*c);
        city.clock.wall_ms += 86'400'000;
        REQUIRE(ok(city->checkpoint()));
        REQUIRE(ok(reader->receive_control(*city->control_after(ControlPos{0}, 1 << 20))));
        for (const auto& stored : *city->certificates_after(0))
            REQUIRE(ok(reader->add_certificate(*Certificate::decode(stored.body))));
        state = State::read(whole());
        REQUIRE(state.bytes() == whole());
        REQUIRE_FALSE(state.unstamped.empty());
        REQUIRE_FALSE(state.folded.empty());
        REQUIRE(state.tables.size() == 1);
        REQUIRE(std::any_of(state.past.begin(), state.past.end(),
                            [](const auto& p) { return p.second == snapshot::kWaits; }));
    }
    std::string whole() { return *city->make_snapshot(kB01, 1 << 20); }
    void check_refused(const std::string& bytes) {
        const auto taken = reader->take_snapshot(bytes);
        REQUIRE(taken.has_error());
        CHECK(taken.error().code == Errc::protocol);
        CHECK(taken.error().detail.find(" / ") != std::string::npos);
        CHECK(*reader->commits_in(kB01) == 0);
        CHECK(reader->find("A1")->empty());
        CHECK_FALSE(reader->has_dropped());
        CHECK(reader->waiting_count() == 0);
    }
    void check_refused(const std::function<void(State&)>& what) {
        auto changed = state;
        what(changed);
        REQUIRE(changed.bytes() != state.bytes());
        check_refused(changed.bytes());
    }
};

}  // namespace

TEST_CASE("state: is taken as it is, once", "[replica][checkpoint]") {
    City w;
    REQUIRE(*w.reader->take_snapshot(w.whole()));
    CHECK(w.reader.field("A1", "remark") == "写过");
    CHECK(w.reader->waiting_count() == 1);
    CHECK_FALSE(*w.reader->take_snapshot(w.whole()));  // something is here now
    CHECK(ok(w.reader->verify()));
    // No larger than it may be.
    const auto size = w.whole().size();
    CHECK(w.city->make_snapshot(kB01, size)->size() == size);
    for (const auto less : {size - 1, std::size_t{10}}) CHECK(*w.city->make_snapshot(kB01, less) == "");
}

TEST_CASE("state: cut anywhere, or longer than it is, it is refused whole", "[replica][checkpoint]") {
    City w;
    const auto whole = w.whole();
    for (std::size_t n = 0; n < whole.size(); ++n) {
        INFO("cut to " << n << " of " << whole.size());
        w.check_refused(whole.substr(0, n));
    }
    w.check_refused(whole + '\0');
}

TEST_CASE("state: a head of another version or of no stream is refused", "[replica][checkpoint]") {
    City w;
    w.check_refused([](State& s) { s.format = 2; });
    w.check_refused([](State& s) { s.unit.clear(); });
    w.check_refused([](State& s) { s.unit = std::string(65, 'x'); });
    w.check_refused([](State& s) { s.audience = 2; });
    w.check_refused([](State& s) { s.audience = 1; });  // of the other stream of the unit
    w.check_refused([](State& s) { s.checkpoint = "no commit"; });
    w.check_refused([](State& s) { s.checkpoint = s.past.front().first; });  // no checkpoint
}

TEST_CASE("state: what names no device, no field, no group or no commit of it is refused", "[replica][checkpoint]") {
    City w;
    const auto some = [](State& s) -> State::Row& { return s.tables.front().rows.front(); };
    w.check_refused([](State& s) { s.tips.front().replica = 99; });
    w.check_refused([](State& s) { s.tips.front().seq = std::uint64_t{1} << 60; });
    w.check_refused([](State& s) { s.tips.push_back(s.tips.front()); });
    w.check_refused([](State& s) { s.unstamped.front().replica = 99; });
    w.check_refused([](State& s) { s.unstamped.front().hash[0] = static_cast<char>(s.unstamped.front().hash[0] ^ 1); });
    w.check_refused([](State& s) { s.tables.front().entity = "nobody"; });
    w.check_refused([&](State& s) { some(s).fields.front().first = 99; });
    w.check_refused([&](State& s) { some(s).fields.front().second = "\x7f"; });
    w.check_refused([&](State& s) { s.names[some(s).fields.front().first - 1] = "nothing"; });
    w.check_refused([&](State& s) { some(s).flow->replica = 98; });
    w.check_refused([&](State& s) { some(s).flow->seq = 0; });
    w.check_refused([&](State& s) { some(s).flow->seq = 99; });
    w.check_refused([&](State& s) { some(s).groups.front().name = 99; });
    w.check_refused([&](State& s) { some(s).groups.front().replica = 98; });
    w.check_refused([&](State& s) { some(s).groups.front().seq = 99; });
    w.check_refused([&](State& s) {  // a row on which nothing stands
        some(s).flow.reset();
        some(s).groups.clear();
    });
    w.check_refused([](State& s) { s.tables.front().rows.push_back(s.tables.front().rows.front()); });
    w.check_refused([&](State& s) { some(s).state += 1; });
    w.check_refused([&](State& s) { some(s).state = 99; });
}

TEST_CASE("state: a past that is not the rows' is refused", "[replica][checkpoint]") {
    City w;
    w.check_refused([](State& s) { s.folded.front().first = "nobody"; });
    w.check_refused([](State& s) { s.folded.front().second = "A9"; });
    w.check_refused([](State& s) { s.folded.push_back(s.folded.front()); });
    w.check_refused([](State& s) { s.folded.clear(); });
    w.check_refused([](State& s) { s.past.front().first = "no commit"; });
    w.check_refused([](State& s) { s.past.front().second = snapshot::kWaits; });
    w.check_refused([](State& s) {  // without the one that another builds on
        std::erase_if(s.past, [](const auto& p) { return p.second == snapshot::kWaits; });
        s.past.pop_back();
    });
    // One of another stream, and one that does not lie below the state.
    w.new_assignment("A3", "T1", "B02");
    const auto heads = *w.city->chain_heads();
    const auto packed = [&](const StreamId& stream, const ReplicaId& author) {
        const auto all = *w.city->chain_after(stream, author, Seq{0}, 1 << 20);
        return all.back().packed;
    };
    const auto elsewhere = packed({"B02", Audience::ledger}, w.city->id());
    w.check_refused([&](State& s) { s.past.emplace_back(elsewhere, 0); });
    w.a->set("assignment", "A1", {{"remark", text("后来")}});
    w.sync(*w.a);
    const auto above = packed(kB01, (*w.a)->id());
    w.check_refused([&](State& s) { s.past.emplace_back(above, 0); });
}

TEST_CASE("state: a past without what another commit of it builds on is refused", "[replica][checkpoint]") {
    City w;
    w.a->set("assignment", "A2", {{"result_text", text("甲的第二稿")}});
    w.sync(*w.a);
    REQUIRE(ok(w.city->checkpoint()));
    w.state = State::read(w.whole());
    w.check_refused([](State& s) {
        std::erase_if(s.past, [](const auto& p) {
            std::string bytes;
            REQUIRE(ok(Packer().unpack(p.first, bytes)));
            return bytes.find("甲稿") != std::string::npos;
        });
    });
    REQUIRE(*w.reader->take_snapshot(w.whole()));
}

/// A checkpoint of that author, written by hand, over these tips and no rows.
std::string checkpoint_by(const Replica& author, const std::vector<Tip>& tips, Hash& hash) {
    CommitHeader h;
    h.replica = author.id();
    h.stream = kB01;
    h.seq = Seq{99};
    h.prev.bytes.fill(1);
    h.control = ControlPos{1};
    h.catalog = 1;
    h.time = std::uint64_t{1'761'955'200'000} << 16;
    CommitWriter c;
    c.row(kCheckpointEntity, "1");
    c.part(fold::Op::put, "horizon", {});
    c.field("at", Value::integer(1'761'955'200'000));
    const auto digest = StreamDigest(tips).finish();
    c.field("digest", Value::blob(std::string(view(digest.bytes))));
    const auto bytes = c.finish(h);
    hash = hash_of(bytes);
    std::string packed;
    Packer().pack(bytes, packed);
    return packed;
}

TEST_CASE("state: a checkpoint of anybody else of the city's is none", "[replica][checkpoint][trust]") {
    City w;
    auto office = w.device("C");  // another PC of the root office
    for (auto* d : {&*w.a, &*office}) {
        REQUIRE(ok(w.reader->add_certificate(*w.city->control().cert((*d)->id()))));
        w.check_refused([&](State& s) {
            Hash hash;
            s.checkpoint = checkpoint_by(**d, {}, hash);
            s.signature = d->keys.device->sign(kForHead, view(hash.bytes));
        });
    }
}

TEST_CASE("state: in a city without keys what makes no sense is refused all the same",
          "[replica][checkpoint][unsigned]") {
    Device city(1), reader(2);
    found_city(city, ledger_catalog(), "a city without keys");
    REQUIRE(ok(reader->receive_control(*city->control_after(ControlPos{0}, 1 << 20))));
    REQUIRE(ok(reader->add_certificate(*city->control().cert(city->id()))));
    // One chain of three commits of which the rows have nothing.
    State whole;
    whole.format = snapshot::kFormat;
    whole.unit = "B01";
    whole.replicas = {std::string(16, 'r')};
    whole.tips = {{0, 3, std::string(32, 'h'), std::string(3 * snapshot::kVersionBytes, 'h')}};
    whole.unstamped = {{0, 2, std::string(32, 'h'), {}}};
    const auto with_checkpoint = [&](State s) {
        std::vector<Tip> tips;
        for (const auto& t : s.tips) {
            auto& tip = tips.emplace_back();
            tip.replica.bytes.fill('r');
            tip.seq = Seq{t.seq};
            tip.hash.bytes.fill('h');
        }
        Hash hash;
        s.checkpoint = checkpoint_by(*city, tips, hash);
        return s.bytes();
    };
    const auto check_refused = [&](const std::function<void(State&)>& what) {
        auto changed = whole;
        what(changed);
        const auto taken = reader->take_snapshot(with_checkpoint(changed));
        REQUIRE(taken.has_error());
        CHECK(taken.error().code == Errc::protocol);
        CHECK(*reader->commits_in(kB01) == 0);
        CHECK_FALSE(reader->has_dropped());
    };
    check_refused([](State& s) { s.tips.push_back(s.tips.front()); });  // a chain that begins twice
    check_refused([](State& s) {                                        // one of nothing
        s.tips.front().seq = 0;
        s.tips.front().marks.clear();
    });
    check_refused([](State& s) { s.unstamped.front().hash = std::string(32, 'x'); });  // a time of what is not there
    check_refused([](State& s) { s.unstamped.front().seq = 4; });
    check_refused([](State& s) { s.unstamped.front().seq = 0; });
    CHECK(*reader->take_snapshot(with_checkpoint(whole)));
    CHECK(*reader->commits_in(kB01) > 0);
}

}  // namespace taizhang::state_layout_test
