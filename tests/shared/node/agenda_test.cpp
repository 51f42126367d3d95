#include "node/agenda.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

namespace taizhang::node::agenda_test {
namespace {

using Do = Agenda::Do;
using State = Agenda::State;
using Outcome = Agenda::Outcome;

constexpr Agenda::Pace kPace;

/// An agent on a clock that a test moves; its syncs take no time.
struct Agent {
    std::int64_t now = 1'000'000;
    Agenda agenda{kPace, 7, 1'000'000};
    int syncs = 0, probes = 0;
    Outcome outcome = Outcome::done;
    bool is_there = true;

    /// Does what is due until `end`; gives the time of the last sync.
    void run(std::int64_t length) {
        const auto end = now + length;
        for (int steps = 0;; ++steps) {
            REQUIRE(steps < 100'000);  // it spins
            const auto next = agenda.next();
            REQUIRE(next.what != Do::nothing);
            if (next.at > end) break;
            now = std::max(now, next.at);
            if (next.what == Do::probe) {
                ++probes;
                agenda.probed(now, is_there);
                continue;
            }
            ++syncs;
            agenda.began(now);
            agenda.ended(now, is_there ? outcome : Outcome::no_link);
        }
        now = end;
    }
};

TEST_CASE("agenda: it syncs at once when it starts, then by the schedule", "[agenda]") {
    Agent a;
    a.run(0);
    CHECK(a.syncs == 1);
    a.run(10 * 60'000);
    CHECK(a.syncs >= 1 + 10 * 60'000 / (kPace.every * 3 / 2));
    CHECK(a.syncs <= 1 + 10 * 60'000 / kPace.every);
}

TEST_CASE("agenda: a slow link is asked less often, one with pokes hardly ever", "[agenda]") {
    Agent slow, live;
    slow.agenda.set_link(false, false);
    live.agenda.set_link(true, true);
    slow.run(3'600'000);
    live.run(3'600'000);
    CHECK(slow.syncs <= 31);
    CHECK(slow.syncs >= 20);
    CHECK(live.syncs <= 21);
    CHECK(live.syncs >= 13);
}

TEST_CASE("agenda: edits are waited for a little, and go up together", "[agenda]") {
    Agent a;
    a.run(5'000);
    const int before = a.syncs;
    for (int i = 0; i < 5; ++i) {
        a.agenda.edited(a.now);
        a.run(100);
    }
    CHECK(a.syncs == before);
    a.run(kPace.debounce);
    CHECK(a.syncs == before + 1);
    a.run(5'000);
    CHECK(a.syncs == before + 1);
}

TEST_CASE("agenda: who never stops writing is synced all the same", "[agenda]") {
    Agent a;
    a.run(5'000);
    const int before = a.syncs;
    for (int i = 0; i < 100; ++i) {
        a.agenda.edited(a.now);
        a.run(100);
    }
    CHECK(a.syncs - before >= 3);
    CHECK(a.syncs - before <= 4);
}

TEST_CASE("agenda: an edit or a poke during a sync is followed by another sync", "[agenda]") {
    for (const bool is_edit : {true, false}) {
        Agent a;
        a.run(5'000);
        a.agenda.began(a.now);
        if (is_edit)
            a.agenda.edited(a.now);
        else
            a.agenda.poked(a.now);
        CHECK(a.agenda.next().what == Do::nothing);
        a.now += 2'000;
        a.agenda.ended(a.now, Outcome::done);
        CHECK(a.agenda.next().at <= a.now + kPace.gap);
    }
}

TEST_CASE("agenda: pokes that rain do not make it spin", "[agenda]") {
    Agent a;
    a.run(5'000);
    const int before = a.syncs;
    for (int i = 0; i < 10'000; ++i) {
        a.agenda.poked(a.now);
        a.run(1);
    }
    CHECK(a.syncs - before <= 10'000 / kPace.gap + 1);
    CHECK(a.syncs - before >= 10'000 / kPace.gap - 1);
}

TEST_CASE("agenda: without a link it probes less and less often, and syncs as soon as one is there", "[agenda]") {
    Agent a;
    a.is_there = false;
    a.run(60'000);
    CHECK(a.syncs == 1);
    CHECK(a.probes >= 5);
    CHECK(a.probes <= 15);
    a.probes = 0;
    a.run(3'600'000);
    CHECK(a.probes <= 62);
    CHECK(a.probes >= 35);
    CHECK(a.agenda.state() == State::offline);
    a.is_there = true;
    a.run(kPace.probe_max * 3 / 2);
    CHECK(a.syncs >= 2);  // found by the last of the long pauses, then by the schedule
    CHECK(a.syncs <= 4);
    CHECK(a.agenda.state() == State::resting);
}

TEST_CASE("agenda: edits while there is no link do not hammer it", "[agenda]") {
    Agent a;
    a.is_there = false;
    a.run(600'000);
    const int before = a.probes;
    for (int i = 0; i < 1'000; ++i) {
        a.agenda.edited(a.now);
        a.run(10);
    }
    CHECK(a.syncs == 1);
    CHECK(a.probes - before <= 1);
}

TEST_CASE("agenda: a link that can be reached and breaks each time is let alone longer and longer", "[agenda]") {
    Agent a;
    a.outcome = Outcome::no_link;
    a.run(3'600'000);
    CHECK(a.syncs <= 150);
    CHECK(a.syncs >= 20);
}

TEST_CASE("agenda: a person who presses now is not made to wait, in whatever state", "[agenda]") {
    Agent a;
    a.is_there = false;
    a.run(600'000);
    a.agenda.asked(a.now);
    CHECK(a.agenda.next().what == Do::sync);
    CHECK(a.agenda.next().at <= a.now);
    a.agenda.began(a.now);
    a.agenda.asked(a.now);  // again, while it runs
    a.agenda.ended(a.now, Outcome::no_link);
    CHECK(a.agenda.next().what == Do::sync);
    CHECK(a.agenda.next().at <= a.now);

    Agent refused;
    refused.outcome = Outcome::refused;
    refused.run(600'000);
    refused.agenda.asked(refused.now);
    CHECK(refused.agenda.next().at <= refused.now);
}

TEST_CASE("agenda: what is refused is tried again, from seconds to minutes apart", "[agenda]") {
    Agent a;
    a.outcome = Outcome::refused;
    a.run(60'000);
    CHECK(a.syncs >= 3);
    CHECK(a.syncs <= 5);
    a.run(3'600'000);
    CHECK(a.syncs <= 20);
    for (int i = 0; i < 1'000; ++i) {
        a.agenda.edited(a.now);
        a.run(10);
    }
    CHECK(a.syncs <= 23);
}

TEST_CASE("agenda: after sleep or with a new address it does not wait for the schedule", "[agenda]") {
    Agent a;
    a.agenda.set_link(true, true);
    a.run(1'000);
    a.now += 8 * 3'600'000;  // asleep; nothing ran
    a.agenda.link_may_be_new(a.now);
    CHECK(a.agenda.next().at <= a.now + 2 * kPace.settle);

    Agent off;
    off.is_there = false;
    off.run(3'600'000);
    off.agenda.link_may_be_new(off.now);
    CHECK(off.agenda.next().what == Do::probe);
    CHECK(off.agenda.next().at <= off.now + 2 * kPace.settle);
}

TEST_CASE("agenda: when the pokes stop, the schedule takes over", "[agenda]") {
    Agent a;
    a.run(0);
    a.agenda.set_link(true, true);
    a.agenda.began(a.now);
    a.agenda.ended(a.now, Outcome::done);
    CHECK(a.agenda.next().at >= a.now + kPace.every_live);
    a.agenda.set_link(true, false);
    CHECK(a.agenda.next().at <= a.now + kPace.every);
}

TEST_CASE("agenda: two PCs that failed together do not come back together", "[agenda]") {
    std::vector<std::int64_t> times;
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
        Agenda a(kPace, seed * 7919, 0);
        a.began(0);
        a.ended(0, Outcome::no_link);
        times.push_back(a.next().at);
    }
    std::sort(times.begin(), times.end());
    CHECK(times.back() - times.front() >= kPace.probe / 4);
}

}  // namespace
}  // namespace taizhang::node::agenda_test
