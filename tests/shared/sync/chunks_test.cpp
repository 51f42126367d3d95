#include "sync/chunks.h"

#include "base/hash.h"
#include "tests/support/world.h"
#include "wire/runs.h"

#include <catch2/catch.hpp>

#include <random>

namespace taizhang::chunks_test {
namespace {

using std::chrono::milliseconds;
using support::text;
using support::World;
using sync::Chunks;
using sync::Trip;

/// A line of so many bytes a second each way, with so much delay for a round trip.
struct Line {
    double up, down;
    double delay_ms;

    Trip carry(std::uint64_t bytes_up, std::uint64_t bytes_down) const {
        const double first = delay_ms + static_cast<double>(bytes_up) * 1000 / up;
        const double last = first + static_cast<double>(bytes_down) * 1000 / down;
        return {bytes_up, bytes_down, milliseconds(static_cast<int>(first)), milliseconds(static_cast<int>(last))};
    }
};

/// A sync that has much to send and to fetch, its messages as large as what they carry.
Trip full_trip(const Line& line, const Chunks& c) {
    const auto sent = c.request_bytes();
    return line.carry(sent + 200, c.reply_bytes(sent) + 200);
}

void settle(Chunks& c, const Line& line, int trips) {
    for (int i = 0; i < trips; ++i) {
        const auto t = full_trip(line, c);
        c.arrived(t, t.bytes_up + t.bytes_down - 400);
    }
}

TEST_CASE("chunks: a slow link is filled for some seconds and not longer", "[sync][chunks]") {
    for (const double rate : {250.0, 2'500.0, 12'500.0}) {
        const Line line{rate, rate, 1000};
        Chunks c;
        settle(c, line, 8);
        const auto t = full_trip(line, c);
        CHECK(t.last >= milliseconds(3'000));
        CHECK(t.last <= milliseconds(16'000));  // well inside the half minute that a poor line lasts
    }
}

TEST_CASE("chunks: both directions are measured by themselves", "[sync][chunks]") {
    const Line line{1'000, 16'000, 300};
    Chunks c;
    settle(c, line, 10);
    CHECK(c.request_bytes() < 12'000);
    CHECK(c.reply_bytes(0) > 60'000);
}

TEST_CASE("chunks: a good link has whole chunks after two trips", "[sync][chunks]") {
    const Line line{2'000'000, 2'000'000, 20};
    Chunks c;
    c.arrived(line.carry(200, 250), 0);  // the enrolment
    CHECK(c.reply_bytes(0) >= 64u << 10);
    settle(c, line, 2);
    CHECK(c.request_bytes() == sync::kRequestBytes);
    CHECK(c.reply_bytes(0) == sync::kReplyBytes);
    CHECK(c.is_good());
}

TEST_CASE("chunks: a small question over a late link does not make it slow", "[sync][chunks]") {
    Chunks c;
    const auto before = c.request_bytes();
    for (int i = 0; i < 20; ++i) c.arrived({200, 150, milliseconds(2'000), milliseconds(2'000)}, 0);
    CHECK(c.request_bytes() == before);
    CHECK_FALSE(c.is_good());
}

TEST_CASE("chunks: a cut halves what is sent at once, and it grows back", "[sync][chunks]") {
    const Line line{2'500, 2'500, 1000};
    Chunks c;
    settle(c, line, 8);
    const auto whole = c.request_bytes();
    c.cut();
    CHECK(c.request_bytes() <= whole / 2 + 1);
    settle(c, line, 4);
    CHECK(c.request_bytes() >= whole * 8 / 10);
    for (int i = 0; i < 60; ++i) c.cut();  // cut down to nothing, something is still sent
    CHECK(c.request_bytes() > 0);
    CHECK(c.request_bytes() <= 1024);
    CHECK(c.reply_bytes(c.request_bytes()) > 0);
}

TEST_CASE("chunks: a full request leaves room for an answer", "[sync][chunks]") {
    const Line line{2'500, 2'500, 1000};
    Chunks c;
    settle(c, line, 8);
    CHECK(c.reply_bytes(c.request_bytes()) >= c.reply_bytes(0) / 5);
    CHECK(c.reply_bytes(c.request_bytes()) <= c.reply_bytes(0) / 2);
}

TEST_CASE("chunks: whatever is measured or read, the sizes stay within bounds", "[sync][chunks]") {
    std::mt19937_64 random(1);
    Chunks c;
    for (int i = 0; i < 20'000; ++i) {
        const auto big = [&] { return random() >> (random() % 64); };
        if (random() % 4 == 0)
            c.cut();
        else
            c.arrived({big() >> 12, big() >> 12, milliseconds(static_cast<std::int64_t>(big() >> 20)),
                       milliseconds(static_cast<std::int64_t>(big() >> 20))},
                      big() >> 12);
        const auto sent = c.request_bytes();
        REQUIRE(sent >= 512);
        REQUIRE(sent <= sync::kRequestBytes);
        REQUIRE(c.reply_bytes(sent) >= 1024);
        REQUIRE(c.reply_bytes(0) <= sync::kReplyBytes);
        REQUIRE(c.patience(sent) >= milliseconds(60'000));
        REQUIRE(c.patience(2u << 20) <= milliseconds(1'800'000));
        REQUIRE_FALSE(Chunks::decode(c.encode()).differs_from(c));
    }
    for (const auto* rubbish : {"", "x", "1 2", "99999999999999999999 1 1 1 1", "0 0 0 0 0", "1 1 1 1"})
        CHECK(Chunks::decode(rubbish).request_bytes() >= 512);
}

// ------------------------------------------------------------------ in a session

constexpr Line kSlow{2'500, 2'500, 1000};

/// A branch that wrote for a while without a link.
void write_much(support::Device& d, int edits) {
    for (int i = 0; i < edits; ++i)
        d.set("assignment", "A" + std::to_string(i % 5), {{"result_text", text("第" + std::to_string(i) + "次走访")}});
}

std::unique_ptr<support::Device> branch_with_work(World& w, int edits) {
    for (int i = 0; i < 5; ++i) w.new_assignment("A" + std::to_string(i), "T1", "B01");
    auto d = w.device("B01");
    write_much(*d, edits);
    return d;
}

std::uint64_t unsent(support::Device& d) {
    const auto n = sync::unsent_count(*d);
    REQUIRE(n.has_value());
    return *n;
}

TEST_CASE("chunks: what was acknowledged is never sent again, whatever is cut", "[sync][chunks]") {
    World w;
    auto d = branch_with_work(w, 400);
    std::mt19937 random(7);
    std::uint64_t carried = 0, largest = 0;
    int cuts = 0;
    const auto all = unsent(*d);
    while (unsent(*d) > 0) {
        sync::Session s(**d);
        while (s.wants_more()) {
            const auto before = unsent(*d);
            const auto request = s.request();
            REQUIRE(request.has_value());
            const auto asked = w.hub->read(*request);
            REQUIRE(asked.has_value());
            const auto brought = asked->request.commits.size();
            carried += brought;
            largest = std::max<std::uint64_t>(largest, brought);
            const bool is_lost = random() % 3 == 0, is_answer_lost = !is_lost && random() % 3 == 0;
            if (!is_lost) {
                const auto reply = w.hub->handle(*request);
                REQUIRE(reply.has_value());
                if (!is_answer_lost) {
                    s.measured(kSlow.carry(request->size(), reply->size()));
                    REQUIRE(s.reply(*reply).has_value());
                    CHECK(unsent(*d) + brought == before);
                    continue;
                }
            }
            ++cuts;
            REQUIRE(s.cut().has_value());
            break;
        }
    }
    CHECK(cuts > 0);
    CHECK(carried <= all + static_cast<std::uint64_t>(cuts) * largest);
    CHECK(w.city.field("A4", "result_text") == "第399次走访");
}

TEST_CASE("chunks: the next session knows the link from the last", "[sync][chunks]") {
    World w;
    auto d = branch_with_work(w, 0);
    // What no compression makes short: on a line this slow it takes a while.
    for (int i = 0; i < 1500; ++i)
        d->set("assignment", "A" + std::to_string(i % 5), {{"result_text", text(hash_of(std::to_string(i)).hex())}});
    {
        sync::Session s(**d);
        for (int i = 0; s.wants_more(); ++i) {
            REQUIRE(i < 100);
            const auto request = s.request();
            REQUIRE(request.has_value());
            const auto reply = w.hub->handle(*request);
            REQUIRE(reply.has_value());
            s.measured(Line{150, 150, 800}.carry(request->size(), reply->size()));
            REQUIRE(s.reply(*reply).has_value());
        }
    }
    const auto known = sync::measured_link(**d);
    REQUIRE(known.has_value());
    CHECK(known->request_bytes() < Chunks().request_bytes() * 2 / 3);
}

TEST_CASE("chunks: a reply brings what was asked for, own commits on its way take no room", "[sync][chunks]") {
    World w;
    auto d = branch_with_work(w, 0);
    auto other = w.device("B01");
    write_much(*other, 300);
    w.sync(*other);
    write_much(*d, 300);
    sync::Session s(**d);
    int trips = 0;
    std::size_t received = 0;
    Packer packer;
    std::string raw, again;
    while (s.wants_more()) {
        REQUIRE(++trips < 100);
        const auto request = s.request();
        REQUIRE(request.has_value());
        wire::SyncRequest q;
        REQUIRE(wire::decode(*request, q).has_value());
        q.reply_bytes = 4096;
        const auto answer = w.hub->handle(wire::encode(q));
        REQUIRE(answer.has_value());
        wire::SyncReply reply;
        REQUIRE(wire::decode(*answer, reply).has_value());
        std::size_t packed = 0;
        REQUIRE(wire::read_runs(reply.runs, {}, reply.commits).has_value());
        for (const auto& c : reply.commits) {
            REQUIRE(packer.unpack(c, raw).has_value());
            packer.pack(raw, again);
            packed += again.size();
        }
        CHECK(packed < 4096 + 4096 + 1000);  // and on to where its author signed
        received += packed;
        REQUIRE(s.reply(*answer).has_value());
    }
    CHECK(unsent(*d) == 0);
    CHECK(static_cast<std::size_t>(trips) <= received / 4096 + 4);
}

TEST_CASE("chunks: a hub gives the control log in pieces to a slow link", "[sync][chunks]") {
    World w;
    auto d = w.device("B01");
    sync::Session s(**d);
    const auto request = s.request();
    REQUIRE(request.has_value());
    wire::SyncRequest q;
    REQUIRE(wire::decode(*request, q).has_value());
    q.control = ControlPos{0};
    q.reply_bytes = 1024;
    std::uint64_t pieces = 0;
    for (bool more = true; more; ++pieces) {
        REQUIRE(pieces < 1000);
        const auto answer = w.hub->handle(wire::encode(q));
        REQUIRE(answer.has_value());
        wire::SyncReply reply;
        REQUIRE(wire::decode(*answer, reply).has_value());
        q.control.value += reply.control.size();
        more = reply.more;
    }
    CHECK(q.control == w.city->control().head());
    CHECK(pieces > 1);
}

}  // namespace
}  // namespace taizhang::chunks_test
