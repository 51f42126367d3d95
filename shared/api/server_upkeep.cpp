#include "api/server.h"

#include "api/upkeep.h"
#include "http/await.h"

#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace taizhang::api {

using namespace std::chrono_literals;

namespace {

constexpr auto kBetweenTexts = 5s;    // what was written since is taken at once when somebody searches
constexpr auto kFiguresLook = 500ms;  // whether the figures are read, so that the texts may follow

}  // namespace

/// A large office's figures are read a little at a time, before anybody asks if there is time for that.
net::awaitable<void> Server::read_figures(std::chrono::milliseconds pause) {
    net::steady_timer timer(io_);
    while (!has_figures_ && !stopping_) {
        node::Store::Work work = [](node::Node& n) -> Result<std::string> {
            TRY(const bool whole, n.facts().load_some());
            return std::string(whole ? "whole" : "");
        };
        auto done = co_await store_.run(std::move(work));
        has_figures_ = !done || *done == "whole";  // who asks for figures is told what is wrong
        if (pause == 0ms) continue;
        timer.expires_after(pause);
        auto [ec] = co_await timer.async_wait(http::kToken);
        if (ec) co_return;
    }
}

/// What a large office's search leaves out is read likewise, behind the figures, and follows what is written.
net::awaitable<void> Server::read_texts() {
    net::steady_timer timer(io_);
    while (!stopping_) {
        bool is_whole = false;
        const bool may_read = has_figures_;
        if (may_read) {
            node::Store::Work work = [](node::Node& n) -> Result<std::string> {
                TRY(const bool whole, n.texts().load_some());
                return std::string(whole ? "whole" : "");
            };
            auto done = co_await store_.run(std::move(work));
            is_whole = !done || *done == "whole";
        }
        const std::chrono::milliseconds next = is_whole ? kBetweenTexts : kBetweenFigures;
        timer.expires_after(may_read ? next : kFiguresLook);
        auto [ec] = co_await timer.async_wait(http::kToken);
        if (ec) co_return;
    }
}

/// Checkpoints and old history, once an hour; the first time when the start has settled.
net::awaitable<void> Server::keep_up() {
    net::steady_timer pause(io_);
    for (std::chrono::seconds wait = 60s; !stopping_; wait = kUpkeepEvery) {
        pause.expires_after(wait);
        auto [ec] = co_await pause.async_wait(http::kToken);
        if (ec || stopping_) co_return;
        const auto round = std::make_shared<Upkeep>(options_.is_hub);
        for (bool is_done = false; !is_done && !stopping_;) {
            node::Store::Work work = [round](node::Node& n) -> Result<std::string> {
                TRY(const bool done, round->some(n));
                return std::string(done ? "done" : "");
            };
            auto piece = co_await store_.run(std::move(work));
            if (!piece) log(piece.error().detail);
            is_done = !piece || *piece == "done";
        }
        if (!round->line().empty()) log(round->line());
        pokes_.changed();  // a checkpoint is news
    }
}

}  // namespace taizhang::api
