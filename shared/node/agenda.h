// agenda.h - when the agent syncs next: the decisions alone, on a time that is handed in.
//
//              ended well                      a probe came through
//   syncing ───────────────► resting          ┌──────────────────────┐
//      ▲                        │             │                      ▼
//      └──── due, an edit, ─────┘          offline ◄── no link ── syncing
//            a poke, a person                 └─► probes, further and further apart
//
// Times are milliseconds of one clock that goes on while the PC sleeps; it need not be
// the wall clock. next() says what to do and when; whoever asks calls it again after
// every event and when that time has come. Between two syncs that nobody asked for lie
// at least kGap, whatever happens, so that it cannot spin.
//
// Pure. Threads: any, one at a time. Design: docs/ARCHITECTURE.md, "The agent".
#pragma once

#include <cstdint>
#include <random>

namespace taizhang::node {

class Agenda {
public:
    /// How long to wait; milliseconds.
    struct Pace {
        std::int64_t every = 30'000;        ///< after a sync. Lower: traffic for nothing; higher: news comes late
        std::int64_t every_slow = 120'000;  ///< the same on a link that is not good
        std::int64_t every_live = 180'000;  ///< the same while pokes come; higher: the hub closes the kept connection
        std::int64_t debounce = 300;        ///< after an edit, for the next one; lower: more syncs
        std::int64_t debounce_max = 3'000;  ///< and this long after the first of them at most
        std::int64_t gap = 500;             ///< between two syncs that no person asked for
        std::int64_t retry = 5'000;         ///< first pause after a failure; doubled each time
        std::int64_t retry_max = 300'000;
        std::int64_t probe =
            2'000;  ///< first pause between probes of a link that is gone; half as much again each time
        std::int64_t probe_max = 60'000;
        std::int64_t settle = 1'000;  ///< after waking up or a new address: the system is still busy with it
    };

    enum class Do { nothing, sync, probe };
    struct Next {
        Do what = Do::nothing;
        std::int64_t at = 0;
    };
    enum class State { resting, syncing, offline, failing };
    enum class Outcome {
        done,
        no_link,  ///< nothing could be reached, or it broke again and again
        refused,  ///< there is a link; the other side or this one could not go on
    };

    Agenda(Pace pace, std::uint32_t seed, std::int64_t now);

    // What happens.
    void edited(std::int64_t now);  ///< something was written here that goes up
    void poked(std::int64_t now);   ///< the hub has something new
    void asked(std::int64_t now);   ///< a person wants it now
    /// The PC slept, or has a new address: what was known of the link means nothing any more.
    void link_may_be_new(std::int64_t now);
    void probed(std::int64_t now, bool is_there);
    void began(std::int64_t now);
    void ended(std::int64_t now, Outcome outcome);

    // What is known.
    void set_link(bool is_good, bool is_live);
    Next next() const;
    State state() const { return state_; }
    std::int64_t failures() const { return failures_; }

private:
    static constexpr std::int64_t kNever = -1;
    std::int64_t jittered(std::int64_t pause);
    std::int64_t rest() const;

    Pace pace_;
    std::minstd_rand random_;
    State state_ = State::resting;
    std::int64_t at_ = 0;  // of the next sync or probe by the schedule
    // What makes it sooner.
    std::int64_t first_edit_ = kNever, last_edit_ = kNever, poke_ = kNever, person_ = kNever;
    std::int64_t last_end_ = kNever;
    bool is_good_ = true, is_live_ = false;
    std::int64_t failures_ = 0;  // in a row
};

/// "resting", "syncing", …, as `status --json` has it.
constexpr const char* name_of(Agenda::State state) {
    switch (state) {
        case Agenda::State::resting: return "resting";
        case Agenda::State::syncing: return "syncing";
        case Agenda::State::offline: return "offline";
        case Agenda::State::failing: return "failing";
    }
    return "";
}

}  // namespace taizhang::node
