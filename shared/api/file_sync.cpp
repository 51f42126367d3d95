#include "api/file_sync.h"

#include "http/await.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::api {

namespace json = boost::json;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

/// How often the hub is asked for news of contents when there is nothing else to say. Shorter: more traffic while a
/// township waits for its city; longer: "the city has it" shows later.
constexpr auto kPollEvery = 10min;
constexpr milliseconds kBackoffFirst = 5s, kBackoffMax = 300s;

}  // namespace

json::object files_json(const node::FileReport& r) {
    json::array refused;
    for (const auto& x : r.stats.refused) refused.push_back(json::string(x));
    return {{"sent", r.stats.sent},
            {"received", r.stats.received},
            {"known", r.stats.known},
            {"content_bytes_up", r.stats.bytes_sent},
            {"content_bytes_down", r.stats.bytes_received},
            {"bytes_up", r.bytes_up},
            {"bytes_down", r.bytes_down},
            {"round_trips", r.stats.round_trips},
            {"cuts", r.cuts},
            {"not_here", r.stats.not_here},
            {"left", r.left},
            {"refused", std::move(refused)}};
}

FileSync::FileSync(net::io_context& io, node::Store& store, std::shared_ptr<http::Client> client, Hold hold, Log log)
    : io_(io), store_(store), client_(std::move(client)), hold_(std::move(hold)), log_(std::move(log)), wake_(io) {}

void FileSync::wake(bool poll) {
    woken_ = true;
    poll_ = poll_ || poll;
    wake_.cancel();
}

void FileSync::stop() {
    stopping_ = true;
    wake_.cancel();
    client_->close();
}

net::awaitable<void> FileSync::run() {
    auto pause = kBackoffFirst;
    while (!stopping_) {
        if (!woken_) {
            wake_.expires_at(steady_clock::time_point::max());
            auto [ec] = co_await wake_.async_wait(http::kToken);
            (void)ec;
            continue;
        }
        woken_ = false;
        node::FileOptions options;
        options.poll = poll_ || steady_clock::now() - polled_ > kPollEvery;
        options.hold = hold_;
        if (options.poll) polled_ = steady_clock::now();
        poll_ = false;
        running_ = true;
        auto done = co_await node::sync_files(store_, io_, client_, options);
        running_ = false;
        ++rounds_;
        last_ = done ? *done : node::FileReport{};
        if (done) {
            pause = kBackoffFirst;
            for (const auto& line : last_.stats.refused) log_(line);
            continue;
        }
        if (stopping_) co_return;
        log_(done.error().detail);
        wake_.expires_after(pause);
        auto [ec] = co_await wake_.async_wait(http::kToken);
        (void)ec;
        pause = std::min(pause * 2, kBackoffMax);
        woken_ = true;
    }
}

net::awaitable<std::optional<node::FileReport>> FileSync::round(milliseconds at_most) {
    // One that runs now may have looked before what the caller means was there.
    const auto wanted = rounds_ + (running_ ? 2 : 1);
    wake(true);
    net::steady_timer timer(io_);
    const auto until = steady_clock::now() + at_most;
    while (rounds_ < wanted && !stopping_ && steady_clock::now() < until) {
        timer.expires_after(20ms);
        auto [ec] = co_await timer.async_wait(http::kToken);
        if (ec) break;
    }
    std::optional<node::FileReport> report;
    if (rounds_ >= wanted) report = last_;
    co_return report;
}

}  // namespace taizhang::api
