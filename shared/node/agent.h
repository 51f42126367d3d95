// agent.h - syncs by itself: on a schedule, soon after edits, when a link appears, when the hub pokes, when a person
// asks.
//
// When is agenda.h's to decide, how is upstream.h's; this holds the connection, the
// pokes and the clock, and tells what is going on. One sync runs at a time.
// Threads: the io_context's one thread.
#pragma once

#include "http/live.h"
#include "node/addresses.h"
#include "node/agenda.h"
#include "node/upstream.h"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <list>

namespace taizhang::node {

class Agent {
public:
    struct Options {
        std::string url;                 ///< of the hub above
        std::string token;               ///< for its live pokes
        std::shared_ptr<http::Tls> tls;  ///< for https
        Agenda::Pace pace;
        std::uint32_t seed = 0;
        std::function<void(const std::string& line)> log;  ///< one line when the link goes, one when it is back
        std::function<void()> synced;                      ///< after each sync that came to its end
    };
    Agent(Store& store, net::io_context& io, Options options);

    /// Until stop().
    net::awaitable<void> run();
    /// A person asks: a sync that begins after this call. Errc::busy when the program stops meanwhile.
    net::awaitable<Result<SyncReport>> sync_now();
    void edited();
    void stop();

    struct Status {
        Agenda::State state = Agenda::State::resting;
        bool is_live = false;
        std::int64_t next_ms = 0;  ///< from now until the next sync or probe; 0 while syncing
        std::string last_error;    ///< of the last sync; empty when it went well
        std::int64_t failures = 0;
        SyncProgress progress;  ///< of the sync that runs, or of the last one
    };
    Status status() const;

private:
    /// Somebody who waits for the end of a sync that had not begun yet.
    struct Waiter {
        std::uint64_t number;
        net::steady_timer timer;
        std::optional<Result<SyncReport>> report;
    };

    net::awaitable<void> sync_round();
    net::awaitable<void> probe();
    net::awaitable<void> wait(std::int64_t ms);
    net::awaitable<void> watch_clock();
    net::awaitable<void> watch_addresses();
    net::awaitable<void> listen();
    net::awaitable<bool> hear(std::shared_ptr<http::Live> live);
    void notice_sleep();
    void note(const Result<SyncReport>& report);
    void wake();

    Store& store_;
    net::io_context& io_;
    Options options_;
    Agenda agenda_;
    std::shared_ptr<http::Client> client_;
    std::shared_ptr<http::Live> live_;
    std::shared_ptr<SyncProgress> progress_ = std::make_shared<SyncProgress>();
    Addresses addresses_;
    net::steady_timer wake_, live_wake_, clock_wake_, address_wake_;
    std::list<Waiter> waiters_;
    std::uint64_t begun_ = 0;
    std::int64_t slept_ms_;  // of the PC since it was started, as far as known
    std::string last_error_;
    std::minstd_rand random_;
    bool is_good_ = false, is_stopping_ = false;
};

}  // namespace taizhang::node
