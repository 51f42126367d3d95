#include "node/agent.h"

#include "http/await.h"
#include "node/environment.h"
#include "sync/news.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>

namespace taizhang::node {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kLookMs = 15'000;   // at the clock, whether the PC slept. Higher: it syncs later after waking up
constexpr std::int64_t kSleptMs = 3'000;   // less is no sleep
constexpr std::int64_t kSettleMs = 3'000;  // of a network that comes up
constexpr auto kProbeDeadline = 10s, kLiveDeadline = 20s;
constexpr auto kLiveSilence = 90s;  // a ping in half of that; higher: a dead connection is believed in for longer
constexpr std::int64_t kLiveRetryMs = 2'000, kLiveRetryMaxMs = 900'000;  // doubled each time
constexpr std::int64_t kLiveRefusedMs = 3'600'000;                       // a hub that makes none
constexpr std::int64_t kLivedMs = 30'000;                                // less is a failure

bool is_no_link(Errc code) { return code == Errc::offline || code == Errc::busy; }

}  // namespace

Agent::Agent(Store& store, net::io_context& io, Options options)
    : store_(store),
      io_(io),
      options_(std::move(options)),
      agenda_(options_.pace, options_.seed, uptime_ms()),
      client_(std::make_shared<http::Client>(io, options_.url, options_.tls)),
      addresses_(io),
      wake_(io),
      live_wake_(io),
      clock_wake_(io),
      address_wake_(io),
      slept_ms_(slept_ms()),
      random_(options_.seed + 1) {}

void Agent::wake() { wake_.cancel(); }

void Agent::edited() {
    agenda_.edited(uptime_ms());
    wake();
}

net::awaitable<void> Agent::wait(std::int64_t ms) {
    wake_.expires_after(std::chrono::milliseconds(ms));
    auto waited = co_await wake_.async_wait(http::kToken);
    (void)waited;
}

/// After sleep the old connections are dead, and nobody tells us.
void Agent::notice_sleep() {
    const auto slept = slept_ms();
    if (slept - slept_ms_ > kSleptMs) {
        client_->close();
        if (live_) live_->close();
        agenda_.link_may_be_new(uptime_ms());
        wake();
    }
    slept_ms_ = slept;
}

net::awaitable<void> Agent::watch_clock() {
    while (!is_stopping_) {
        clock_wake_.expires_after(std::chrono::milliseconds(kLookMs));
        auto waited = co_await clock_wake_.async_wait(http::kToken);
        (void)waited;
        notice_sleep();
    }
}

/// A cable, a wireless network, a dial-up: found out at once instead of by the next probe.
net::awaitable<void> Agent::watch_addresses() {
    while (!is_stopping_) {
        const bool changed = co_await addresses_.changed();
        if (!changed || is_stopping_) co_return;
        if (agenda_.state() == Agenda::State::offline) {
            agenda_.link_may_be_new(uptime_ms());
            wake();
        }
        // A network that comes up says so many times; the rest of it waits in the socket.
        address_wake_.expires_after(std::chrono::milliseconds(kSettleMs));
        auto waited = co_await address_wake_.async_wait(http::kToken);
        (void)waited;
    }
}

net::awaitable<void> Agent::run() {
    net::co_spawn(io_, watch_clock(), [](std::exception_ptr) {});
    net::co_spawn(io_, watch_addresses(), [](std::exception_ptr) {});
    net::co_spawn(io_, listen(), [](std::exception_ptr) {});
    while (!is_stopping_) {
        const auto next = agenda_.next();
        const auto now = uptime_ms();
        if (next.what == Agenda::Do::nothing || next.at > now)
            co_await wait(std::max<std::int64_t>(next.at - now, 1));
        else if (next.what == Agenda::Do::probe)
            co_await probe();
        else
            co_await sync_round();
    }
    for (auto& w : waiters_) w.timer.cancel();
}

net::awaitable<void> Agent::probe() {
    auto reached = co_await client_->reach(kProbeDeadline);
    agenda_.probed(uptime_ms(), reached.has_value());
}

net::awaitable<void> Agent::sync_round() {
    agenda_.began(uptime_ms());
    const auto number = ++begun_;
    auto report = co_await sync_once(store_, io_, client_, progress_);
    note(report);
    for (auto& w : waiters_)
        if (w.number <= number) {
            w.report = report;
            w.timer.cancel();
        }
    if (report && options_.synced) options_.synced();
}

void Agent::note(const Result<SyncReport>& report) {
    auto outcome = Agenda::Outcome::done;
    if (report) {
        is_good_ = report->is_good_link;
        if (!last_error_.empty() && options_.log) options_.log("同步恢复 / syncing again");
        last_error_.clear();
    } else {
        outcome = is_no_link(report.error().code) ? Agenda::Outcome::no_link : Agenda::Outcome::refused;
        // Said once, not at every try of a fortnight without a link.
        if (report.error().detail != last_error_ && options_.log) options_.log(report.error().detail);
        last_error_ = report.error().detail;
    }
    agenda_.set_link(is_good_, live_ != nullptr);
    agenda_.ended(uptime_ms(), outcome);
    if (report && is_good_ && !live_) live_wake_.cancel();
}

net::awaitable<Result<SyncReport>> Agent::sync_now() {
    if (is_stopping_) co_return fail(Errc::busy, "程序正在停止 / the program is stopping");
    const auto it = waiters_.emplace(waiters_.end(), Waiter{begun_ + 1, net::steady_timer(io_), {}});
    it->timer.expires_at(net::steady_timer::time_point::max());
    agenda_.asked(uptime_ms());
    wake();
    while (!it->report && !is_stopping_) {
        auto waited = co_await it->timer.async_wait(http::kToken);
        (void)waited;
    }
    auto report = std::move(it->report);
    waiters_.erase(it);
    if (report) co_return std::move(*report);
    co_return fail(Errc::busy, "程序正在停止 / the program is stopping");
}

// ------------------------------------------------------------------ pokes

/// Keeps one live connection while the link is good.
net::awaitable<void> Agent::listen() {
    auto retry = kLiveRetryMs;
    std::int64_t not_before = 0;
    while (!is_stopping_) {
        const auto now = uptime_ms();
        if (!is_good_ || !last_error_.empty() || now < not_before) {
            // A sync that goes well on a good link ends this wait, too; then the pause is looked at again.
            live_wake_.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(not_before - now, kLookMs)));
            auto waited = co_await live_wake_.async_wait(http::kToken);
            (void)waited;
            continue;
        }
        http::Headers headers;
        headers.emplace_back("authorization", "Bearer " + to_hex(options_.token));
        auto opened = co_await client_->open_live("/live", std::move(headers), kLiveDeadline, kLiveSilence);
        auto pause = retry;
        if (opened) {
            const auto since = uptime_ms();
            const auto live = *opened;
            while (co_await hear(live)) {
            }
            if (uptime_ms() - since >= kLivedMs) pause = retry = kLiveRetryMs;
        } else if (opened.error().code != Errc::offline) {
            pause = kLiveRefusedMs;
        }
        retry = std::min(retry * 2, kLiveRetryMaxMs);
        not_before = uptime_ms() + pause + static_cast<std::int64_t>(random_() % 1000) * pause / 2000;
    }
}

/// One poke of this connection; false when it is over.
net::awaitable<bool> Agent::hear(std::shared_ptr<http::Live> live) {
    if (!live_) {
        live_ = live;
        agenda_.set_link(is_good_, true);
    }
    auto message = co_await live->next();
    if (!message || is_stopping_) {
        live_ = nullptr;
        agenda_.set_link(is_good_, false);
        wake();
        co_return false;
    }
    auto is_new = std::make_shared<bool>(true);
    Store::Work look = [is_new, poke = std::move(*message)](Node& n) -> Result<std::string> {
        TRY(*is_new, sync::is_news(n.replica(), poke));
        return std::string();
    };
    auto looked = co_await store_.run(std::move(look));
    if (looked && *is_new) {
        agenda_.poked(uptime_ms());
        wake();
    }
    co_return true;
}

Agent::Status Agent::status() const {
    Status s;
    s.state = agenda_.state();
    s.is_live = live_ != nullptr;
    const auto next = agenda_.next();
    if (next.what != Agenda::Do::nothing) s.next_ms = std::max<std::int64_t>(next.at - uptime_ms(), 0);
    s.last_error = last_error_;
    s.failures = agenda_.failures();
    s.progress = *progress_;
    return s;
}

void Agent::stop() {
    is_stopping_ = true;
    client_->close();
    if (live_) live_->close();
    live_wake_.cancel();
    clock_wake_.cancel();
    address_wake_.cancel();
    addresses_.stop();
    wake();
}

}  // namespace taizhang::node
