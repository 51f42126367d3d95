#include "api/server.h"

#include "api/attachments.h"
#include "api/sync_answer.h"
#include "http/await.h"
#include "sync/session.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

namespace taizhang::api {

using namespace std::chrono_literals;

namespace {

constexpr auto kFilesWait = 3s, kFetchWait = 30s;  // how long a command waits for attachments; then it says how far
// Each holds what it has read until it is made: some 100 MB of the largest. One would make a short one wait for a long.
constexpr std::size_t kLongTogether = 2;
constexpr auto kLongLook = 50ms;

/// What follows from all facts, which are read once for as long as the program runs (ledger/stored_facts.h).
bool wants_figures(const Command& c) {
    static constexpr std::string_view kNames[] = {"review", "overview",  "behind",  "burden",   "breakdown",
                                                  "trend",  "stocktake", "compare", "circular", "circular-docx"};
    return std::find(std::begin(kNames), std::end(kNames), c.name) != std::end(kNames);
}

}  // namespace

net::awaitable<Result<json::value>> Server::execute(Command c, std::optional<Who> who) {
    if (c.name == "sync") {
        auto r = co_await sync_all();
        co_return r;
    }
    if (c.name == "progress") co_return agent_json();
    if (c.name == "enrol-here") {
        auto r = co_await go_over(std::move(c), std::move(who));
        co_return r;
    }
    if (auto work = long_command(c)) {
        auto r = co_await in_turn(std::move(work), std::move(c), std::move(who));
        co_return r;
    }
    // In a large city seconds, the first time: whoever asks for something else meanwhile is served in between.
    if (wants_figures(c)) co_await read_figures(0ms);
    auto document = std::make_shared<json::value>();
    auto accounts = std::make_shared<people::Accounts>();
    // A draft, a trial and an account have nothing to sync.
    const bool is_trial = c.has("dry-run") || c.has("dry_run");
    const bool wrote = writes(c.name) && c.name != "draft" && c.name != "person" && !is_trial;
    const bool is_person = c.name == "person";
    node::Store::Work work = [document, accounts, is_person, c, who](node::Node& n) -> Result<std::string> {
        if (who) {
            TRY(*document, run_as(n, *who, c));
        } else {
            TRY(*document, api::run(n, c));
        }
        if (is_person) *accounts = n.people().accounts();
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) {
        if (store_.is_broken()) stop();
        co_return done.error();
    }
    if (is_person) sign_in_.accounts_changed(std::move(*accounts));
    if (wrote) {
        if (agent_) agent_->edited();
        pokes_.changed();
    }
    if (c.name == "status") {
        document->as_object()["agent"] = agent_json();
        document->as_object()["is_hub"] = options_.is_hub;
    }
    // A code without the address to type beside it is a second call over the telephone.
    if (c.name == "enrol" && hosts_) document->as_object()["servers"] = json::value_from(hosts_->addresses());
    if (c.name == "pulse") document->as_object()["trouble"] = trouble_json();
    if (c.name == "fetch" && files_ && is_waiting_for_contents(*document)) {
        auto fetched = co_await fetch(std::move(c));
        co_return fetched;
    }
    co_return std::move(*document);
}

net::awaitable<Result<json::value>> Server::in_turn(std::shared_ptr<LongCommand> work, Command c,
                                                    std::optional<Who> who) {
    net::steady_timer turn(io_);
    while (long_commands_ >= kLongTogether && !stopping_) {
        turn.expires_after(kLongLook);
        auto [ec] = co_await turn.async_wait(http::kToken);
        if (ec) break;
    }
    struct Running {
        explicit Running(std::size_t& count) : n(count) { ++n; }
        ~Running() { --n; }
        std::size_t& n;
    } const running(long_commands_);
    auto pieces = in_pieces(std::move(work), std::move(c), std::move(who));
    auto document = co_await std::move(pieces);
    co_return document;
}

/// Whoever asks for something else meanwhile is served between two pieces.
net::awaitable<Result<json::value>> Server::in_pieces(std::shared_ptr<LongCommand> work, Command c,
                                                      std::optional<Who> who) {
    for (bool is_whole = false; !is_whole;) {
        if (stopping_) co_return fail(Errc::busy, "程序正在停止 / the program is stopping");
        node::Store::Work piece = [work, c, who](node::Node& n) -> Result<std::string> {
            TRY(const bool whole, who ? read_some_as(n, *who, c, *work) : work->read_some(n));
            return std::string(whole ? "whole" : "");
        };
        auto done = co_await store_.run(std::move(piece));
        if (!done) {
            if (store_.is_broken()) stop();
            co_return done.error();
        }
        is_whole = *done == "whole";
    }
    const auto document = std::make_shared<Result<json::value>>(json::value());
    auto make = [work, document] {
        try {
            *document = work->make();
        } catch (const std::exception& e) {
            *document = fail(Errc::internal, std::string("内部错误 / internal error: ") + e.what());
        }
    };
    auto making = side_.run(std::move(make));
    co_await std::move(making);
    co_return std::move(*document);
}

/// Rows, then attachments; those that take longer go on in the background.
net::awaitable<Result<json::value>> Server::sync_all() {
    auto rows = co_await sync_now();
    if (!rows || !files_) co_return rows;
    auto round = co_await files_->round(kFilesWait);
    if (round) {
        rows->as_object()["files"] = files_json(*round);
        co_return rows;
    }
    auto report = std::make_shared<node::FileReport>();
    node::Store::Work count = [report](node::Node& n) -> Result<std::string> {
        TRY(report->left, n.contents().index().count_sent(files::Sent::not_yet));
        return std::string();
    };
    auto counted = co_await store_.run(std::move(count));
    if (!counted) co_return counted.error();
    rows->as_object()["files"] = files_json(*report);
    co_return rows;
}

net::awaitable<Result<json::value>> Server::sync_now() {
    if (is_going_over_) co_return fail(Errc::busy, "正在登记,请稍候 / enrolling just now: wait a moment");
    if (!agent_) co_return fail(Errc::usage, "本机没有上级服务器 / this node has no server above it");
    auto report = co_await agent_->sync_now();
    if (report) co_return report_json(*report);
    auto unsent = std::make_shared<std::uint64_t>(0);
    node::Store::Work count = [unsent](node::Node& n) -> Result<std::string> {
        TRY(*unsent, sync::unsent_count(n.replica()));
        return std::string();
    };
    auto counted = co_await store_.run(std::move(count));
    (void)counted;
    co_return offline_error(report.error(), *unsent, "一有网络就自动", "by itself as soon as there is a link");
}

/// Waits a little for what was asked for: a photo comes in seconds where the link is good.
net::awaitable<Result<json::value>> Server::fetch(Command c) {
    auto round = co_await files_->round(kFetchWait);
    (void)round;
    auto document = std::make_shared<json::value>();
    node::Store::Work work = [document, c](node::Node& n) -> Result<std::string> {
        TRY(*document, api::run(n, c));
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) co_return done.error();
    co_return std::move(*document);
}

/// What the agent does, for whoever watches; null without a hub above.
json::value Server::agent_json() const {
    if (!agent_) return nullptr;
    const auto s = agent_->status();
    const auto& p = s.progress;
    json::value next = nullptr;
    if (s.state != node::Agenda::State::syncing) next = (s.next_ms + 999) / 1000;
    return json::value{{"state", node::name_of(s.state)},
                       {"live", s.is_live},
                       {"next_in_s", next},
                       {"last_error", s.last_error.empty() ? json::value(nullptr) : json::value(s.last_error)},
                       {"failures", s.failures},
                       {"progress",
                        {{"sent", p.sent},
                         {"to_send", p.to_send},
                         {"received", p.received},
                         {"bytes_up", p.bytes_up},
                         {"bytes_down", p.bytes_down},
                         {"round_trips", p.round_trips},
                         {"cuts", p.cuts}}}};
}

/// Why the link, which is there, does not help: a line that somebody has to act on. Null: nothing of the kind.
json::value Server::trouble_json() const {
    if (!agent_) return nullptr;
    const auto s = agent_->status();
    const bool is_failing = s.state == node::Agenda::State::failing && !s.last_error.empty();
    return is_failing ? json::value(s.last_error) : json::value(nullptr);
}

/// Whoever reaches the control socket holds the data folder.
net::awaitable<Result<json::value>> Server::at_terminal(Command c) {
    if (c.name == "open")
        co_return json::value{{"address", sign_in_.open_address()}, {"sign_in", sign_in_.has_accounts()}};
    auto document = co_await execute(std::move(c), std::nullopt);
    co_return document;
}

}  // namespace taizhang::api
