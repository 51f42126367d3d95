// A session that is cut costs at most one chunk, up and down, rows and contents. A cut within a request is as if it had
// not been sent, one within an answer as if that had not (tests/shared/http/cut_test.cpp): so each half of each round
// trip is cut once.
#include "tests/shared/files/nodes.h"
#include "tests/support/ok.h"
#include "wire/runs.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace taizhang::sync_cut_test {
using namespace taizhang::support;
using std::chrono::milliseconds;

namespace {

struct Carried {
    std::size_t up = 0, down = 0, largest_up = 0, largest_down = 0;  ///< commits
    int messages = 0;                                                ///< requests and answers
    bool cut = false;
};

/// A line so poor that there are many small chunks, in bytes a second.
constexpr std::uint64_t kUp = 200, kDown = 300;
constexpr int kEdits = 150;

sync::Trip trip_of(std::uint64_t up, std::uint64_t down) {
    const milliseconds first(1000 + up * 1000 / kUp);
    return {up, down, first, first + milliseconds(down * 1000 / kDown)};
}

void know_the_line(Device& d) {
    for (int i = 0; i < 8; ++i) REQUIRE(ok(sync::note_trip(*d, trip_of(4000, 4000))));
}

/// Until nothing is left or message number `cut_at` is lost; it was on the line all the same.
void carry(Device& d, sync::Hub& hub, Carried& c, int cut_at) {
    sync::Session s(*d);
    while (s.wants_more()) {
        REQUIRE(c.messages < 400);
        const auto request = s.request();
        REQUIRE(ok(request));
        const auto asked = hub.read(*request);
        REQUIRE(ok(asked));
        c.up += asked->request.commits.size();
        c.largest_up = std::max(c.largest_up, asked->request.commits.size());
        const auto lost = [&] { return c.messages++ == cut_at; };
        if (lost()) {
            c.cut = true;
            REQUIRE(ok(s.cut()));
            return;
        }
        const auto reply = hub.handle(*request);
        REQUIRE(ok(reply));
        wire::SyncReply told;
        REQUIRE(ok(wire::decode(*reply, told)));
        REQUIRE(ok(wire::read_runs(told.runs, {}, told.commits)));
        c.down += told.commits.size();
        c.largest_down = std::max(c.largest_down, told.commits.size());
        if (lost()) {
            c.cut = true;
            REQUIRE(ok(s.cut()));
            return;
        }
        s.measured(trip_of(request->size(), reply->size()));
        REQUIRE(ok(s.reply(*reply)));
    }
}

/// Two PCs of one branch. What one has written is on its way up, or at the hub and on its way down to the other.
struct Rows {
    World w;
    std::unique_ptr<Device> author, reader;
    Rows() {
        for (int i = 0; i < 5; ++i) w.new_assignment("A" + std::to_string(i), "T1", "B01");
        author = w.device("B01");
        reader = w.device("B01");
        for (int i = 0; i < kEdits; ++i)
            author->set("assignment", "A" + std::to_string(i % 5),
                        {{"result_text", text("第" + std::to_string(i) + "次 " + hash_of(std::to_string(i)).hex())}});
    }
    Carried run(bool is_up, int cut_at) {
        if (!is_up) w.sync(*author);
        auto& d = is_up ? *author : *reader;
        know_the_line(d);
        Carried c;
        carry(d, *w.hub, c, cut_at);
        if (c.cut) carry(d, *w.hub, c, -1);
        CHECK(*sync::unsent_count(*d) == 0);
        const auto here = *d->digest(), there = *w.city->digest();
        for (const auto& stream : here)
            if (stream.first.starts_with("B01/")) CHECK(std::count(there.begin(), there.end(), stream) == 1);
        return c;
    }
};

void check_cost(const Carried& clear, const Carried& c, int cut_at) {
    CAPTURE(cut_at, clear.up, clear.down, c.up, c.down, clear.largest_up, clear.largest_down);
    REQUIRE(c.cut);
    CHECK(c.up <= clear.up + c.largest_up);
    CHECK(c.down <= clear.down + c.largest_down);
}

}  // namespace

TEST_CASE("cut: a session of rows that is cut anywhere costs at most one chunk", "[sync][cut]") {
    const bool is_up = GENERATE(true, false);
    const auto clear = Rows().run(is_up, -1);
    REQUIRE(clear.messages >= 8);
    CHECK((is_up ? clear.up : clear.down) >= kEdits);
    CHECK((is_up ? clear.largest_up : clear.largest_down) <= kEdits / 3);
    for (int at = 0; at < clear.messages; ++at) check_cost(clear, Rows().run(is_up, at), at);
}

TEST_CASE("cut: a session of contents that is cut anywhere costs at most one chunk", "[files][cut]") {
    constexpr std::size_t kChunk = 2048, kBeside = 600;  // of a message: what it says besides the bytes
    const bool is_up = GENERATE(true, false);
    const auto bytes = noise(12'000, 5);
    const auto run = [&](int cut_at, int& messages) {
        World w;
        w.new_assignment("A1", "T1", "B01");
        FileNode city(w.city);
        auto author_device = w.device("B01"), reader_device = w.device("B01");
        FileNode author(*author_device), reader(*reader_device);
        const auto hash = author.attach("A1", "B01", bytes, "E-1");
        w.sync(*author_device);
        w.sync(*reader_device);
        auto* below = &author;
        if (!is_up) {
            exchange(author, *w.hub, city, kChunk);
            REQUIRE(ok(reader.contents->expect(hash)));
            REQUIRE(ok(reader.index().set_wanted(hash, files::kWantedHere)));
            below = &reader;
        }
        messages = 0;
        const Link link = [&](std::string& request, std::string&) {
            if (request.empty()) return Fate::arrives;
            messages += 2;
            return messages - 2 == cut_at   ? Fate::request_lost
                   : messages - 1 == cut_at ? Fate::reply_lost
                                            : Fate::arrives;
        };
        auto t = exchange(*below, *w.hub, city, kChunk, link);
        CHECK(t.cut == (cut_at >= 0));
        if (t.cut) {
            below->restart();
            const auto rest = exchange(*below, *w.hub, city, kChunk);
            t.up += rest.up;
            t.down += rest.down;
            t.trips += rest.trips;
        }
        CHECK((is_up ? city : reader).blobs.bytes(hash) == bytes);
        return t;
    };
    int messages = 0, unused = 0;
    const auto clear = run(-1, messages);
    REQUIRE(messages >= 10);
    for (int at = 0; at < messages; ++at) {
        const auto t = run(at, unused);
        CAPTURE(at, clear.up, clear.down, t.up, t.down);
        CHECK(t.up + t.down <= clear.up + clear.down + kChunk + kBeside);
    }
}

}  // namespace taizhang::sync_cut_test
