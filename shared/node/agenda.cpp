#include "node/agenda.h"

#include <algorithm>

namespace taizhang::node {

Agenda::Agenda(Pace pace, std::uint32_t seed, std::int64_t now) : pace_(pace), random_(seed), at_(now) {}

/// Up to half as long again, so that a village's PCs do not all come back in one second.
std::int64_t Agenda::jittered(std::int64_t pause) {
    return pause + pause * static_cast<std::int64_t>(random_() % 1000) / 2000;
}

std::int64_t Agenda::rest() const {
    if (is_live_) return pace_.every_live;
    return is_good_ ? pace_.every : pace_.every_slow;
}

void Agenda::edited(std::int64_t now) {
    if (first_edit_ == kNever) first_edit_ = now;
    last_edit_ = now;
}

void Agenda::poked(std::int64_t now) {
    if (poke_ == kNever) poke_ = now;
}

void Agenda::asked(std::int64_t now) {
    person_ = now;
    if (state_ != State::syncing) state_ = State::resting;  // no probe first: the person gets the real answer
}

void Agenda::link_may_be_new(std::int64_t now) {
    if (state_ == State::syncing) return poked(now);
    failures_ = 0;
    at_ = std::min(at_, now + jittered(pace_.settle));
}

void Agenda::probed(std::int64_t now, bool is_there) {
    if (state_ != State::offline) return;
    if (is_there) {
        state_ = State::resting;
        at_ = now;
        return;
    }
    ++failures_;
    auto pause = pace_.probe;
    for (std::int64_t i = 1; i < failures_ && pause < pace_.probe_max; ++i) pause += pause / 2;
    at_ = now + jittered(std::min(pause, pace_.probe_max));
}

void Agenda::began(std::int64_t) {
    state_ = State::syncing;
    first_edit_ = last_edit_ = poke_ = person_ = kNever;
}

void Agenda::ended(std::int64_t now, Outcome outcome) {
    last_end_ = now;
    if (outcome == Outcome::done) {
        state_ = State::resting;
        failures_ = 0;
        at_ = now + jittered(rest());
        return;
    }
    ++failures_;
    if (outcome == Outcome::no_link) {
        // A link that can be reached and then breaks each time is let alone longer and longer, too.
        state_ = State::offline;
        at_ = now + jittered(std::min(pace_.probe * failures_, pace_.probe_max));
        return;
    }
    state_ = State::failing;
    auto pause = pace_.retry;
    for (std::int64_t i = 1; i < failures_ && pause < pace_.retry_max; ++i) pause *= 2;
    at_ = now + jittered(std::min(pause, pace_.retry_max));
}

void Agenda::set_link(bool is_good, bool is_live) {
    is_good_ = is_good;
    const bool was_live = is_live_;
    is_live_ = is_live;
    // Pokes that stopped coming: what they would have told has to be asked for.
    if (was_live && !is_live && state_ == State::resting && last_end_ != kNever)
        at_ = std::min(at_, last_end_ + rest());
}

Agenda::Next Agenda::next() const {
    if (state_ == State::syncing) return {};
    if (person_ != kNever) return {Do::sync, person_};
    if (state_ == State::offline) return {Do::probe, at_};  // an edit changes nothing about the link
    auto at = at_;
    if (first_edit_ != kNever)
        at = std::min(at, std::min(last_edit_ + pace_.debounce, first_edit_ + pace_.debounce_max));
    if (poke_ != kNever) at = std::min(at, poke_);
    if (last_end_ != kNever) at = std::max(at, last_end_ + (state_ == State::failing ? pace_.retry : pace_.gap));
    return {Do::sync, at};
}

}  // namespace taizhang::node
