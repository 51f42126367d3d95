#include "node/files_upstream.h"

#include "http/await.h"
#include "node/secure.h"
#include "node/upstream.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>

namespace taizhang::node {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kDeadline = 300s;
/// How long a chunk may take with its answer: from kChunkTime, a step longer with each that comes through, half after a
/// cut. Longer: a cut costs more; shorter: more of the time is spent waiting for answers.
constexpr milliseconds kChunkTime = 8s, kChunkTimeMin = 2s, kChunkTimeMax = 32s, kChunkTimeStep = 1s;
constexpr std::size_t kChunkMin = 4u << 10, kChunkMax = 256u << 10;
/// Drops in a row without anything getting through, before it is left for the next time.
constexpr int kBarrenMax = 4;
constexpr milliseconds kPauseFirst = 100ms;

/// What fits the link, from how long the last chunk took.
class ChunkSize {
public:
    std::size_t bytes() const { return bytes_; }
    /// What a sync of rows has found to fit is the first guess.
    void begin(std::size_t fits) { bytes_ = std::clamp(fits, kChunkMin, files::kChunkBytes); }
    void took(std::uint64_t moved, milliseconds time) {
        if (moved < bytes_ / 2) return;  // a small one says nothing about the rate
        const auto ms = std::max<std::int64_t>(time.count(), 1);
        const auto fits = moved * static_cast<std::uint64_t>(time_.count()) / static_cast<std::uint64_t>(ms);
        bytes_ = static_cast<std::size_t>(std::clamp<std::uint64_t>(fits, bytes_ / 2, bytes_ * 2));
        bytes_ = std::clamp(bytes_, kChunkMin, kChunkMax);
        time_ = std::min(time_ + kChunkTimeStep, kChunkTimeMax);
    }
    /// It had not come through after so long: that also says how slow the link is at least.
    void dropped(milliseconds after) {
        time_ = std::max(time_ / 2, kChunkTimeMin);
        const auto ms = std::max<std::int64_t>(after.count(), time_.count());
        const auto fits = bytes_ * static_cast<std::uint64_t>(time_.count()) / static_cast<std::uint64_t>(ms);
        bytes_ = std::max<std::size_t>(std::min<std::uint64_t>(fits, bytes_ / 2), kChunkMin);
    }

private:
    std::size_t bytes_ = files::kChunkBytes;
    milliseconds time_ = kChunkTime;
};

void add(files::FileSession::Stats& sum, const files::FileSession::Stats& s) {
    sum.sent += s.sent;
    sum.received += s.received;
    sum.known += s.known;
    sum.bytes_sent += s.bytes_sent;
    sum.bytes_received += s.bytes_received;
    sum.round_trips += s.round_trips;
    sum.not_here = s.not_here;
    sum.refused = s.refused;
}

std::uint64_t moved(const files::FileSession::Stats& s) { return s.bytes_sent + s.bytes_received; }

struct Attempt {
    std::unique_ptr<files::FileSession> session;
    bool more = true;
};

}  // namespace

net::awaitable<Result<FileReport>> sync_files(Store& store, net::io_context& io, std::shared_ptr<http::Client> client,
                                              FileOptions options) {
    FileReport report;
    const auto up = client->bytes_up(), down = client->bytes_down();
    ChunkSize chunk;
    net::steady_timer timer(io);
    auto attempt = std::make_shared<Attempt>();
    auto left = std::make_shared<std::uint64_t>(0);
    int barren = 0;
    std::uint64_t moved_before = 0;  // in this attempt
    auto fits = std::make_shared<std::size_t>(0);
    Store::Work look = [attempt, fits, poll = options.poll](Node& n) -> Result<std::string> {
        TRY(attempt->more, files::FileSession::has_work(n.contents(), poll));
        TRY(const auto link, sync::measured_link(n.replica()));
        *fits = link.request_bytes();
        return std::string();
    };
    auto looked = co_await store.run(std::move(look));
    if (!looked) co_return looked.error();
    chunk.begin(*fits);
    while (attempt->more) {
        while (options.hold && options.hold()) {
            timer.expires_after(50ms);
            auto [ec] = co_await timer.async_wait(http::kToken);
            if (ec) co_return fail(Errc::busy, "程序正在停止 / the program is stopping");
        }
        Store::Work make = [attempt, bytes = chunk.bytes()](Node& n) -> Result<std::string> {
            if (!attempt->session) attempt->session = std::make_unique<files::FileSession>(n.contents());
            attempt->session->set_chunk(bytes);
            return attempt->session->request();
        };
        auto request = co_await store.run(std::move(make));
        if (!request) co_return request.error();
        auto message = post_to("/files", std::move(*request));
        const auto began = steady_clock::now();
        const auto retries = client->retries();
        auto response = co_await client->send(std::move(message), kDeadline);
        const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
        // The client itself sends once more what broke on a connection that had been resting.
        for (auto n = client->retries() - retries; n > 0; --n) {
            ++report.cuts;
            chunk.dropped(took / 2);
        }
        const bool dropped = !response && response.error().code == Errc::offline;
        if (!response && !dropped) co_return response.error();
        if (dropped) {
            const auto& s = attempt->session->stats();
            barren = moved(s) > 0 ? 1 : barren + 1;
            add(report.stats, s);
            attempt->session.reset();
            moved_before = 0;
            ++report.cuts;
            if (barren > kBarrenMax) co_return response.error();
            chunk.dropped(took);
            timer.expires_after(kPauseFirst * (1 << (barren - 1)));
            auto [ec] = co_await timer.async_wait(http::kToken);
            if (ec) co_return fail(Errc::busy, "程序正在停止 / the program is stopping");
            continue;
        }
        if (response->status != 200) co_return refusal(*response);
        const auto by = answered_by(*client);
        Store::Work take = [attempt, by, body = std::move(response->body)](Node& n) -> Result<std::string> {
            attempt->session->answered_by(by);
            TRY_VOID(attempt->session->reply(body));
            attempt->more = attempt->session->wants_more();
            (void)n;
            return std::string();
        };
        auto taken = co_await store.run(std::move(take));
        if (!taken) co_return taken.error();
        const auto now = moved(attempt->session->stats());
        chunk.took(now - moved_before, took);
        moved_before = now;
    }
    if (attempt->session) add(report.stats, attempt->session->stats());
    Store::Work count = [left](Node& n) -> Result<std::string> {
        TRY(const auto unsent, n.contents().index().count_sent(files::Sent::not_yet));
        TRY(const auto refused, n.contents().index().count_sent(files::Sent::refused));
        *left = unsent + refused;
        return std::string();
    };
    auto counted = co_await store.run(std::move(count));
    if (!counted) co_return counted.error();
    report.left = *left;
    report.bytes_up = client->bytes_up() - up;
    report.bytes_down = client->bytes_down() - down;
    co_return report;
}

}  // namespace taizhang::node
