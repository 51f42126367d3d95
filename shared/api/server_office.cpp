#include "api/server.h"

#include "http/await.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>

#include <utility>

namespace taizhang::api {

using namespace std::chrono_literals;

namespace {

constexpr auto kRestWait = 15s;  // for a sync to end, before this PC goes over to another office
constexpr auto kRestLook = 50ms;

}  // namespace

/// No sync runs, and none begins: what the old hub answers must not meet the new one's facts. False: one runs on.
net::awaitable<bool> Server::rest_link() {
    net::steady_timer pause(io_);
    const auto until = std::chrono::steady_clock::now() + kRestWait;
    while (agent_ && (agent_->status().state == node::Agenda::State::syncing || files_->is_running())) {
        if (std::chrono::steady_clock::now() > until) co_return false;
        pause.expires_after(kRestLook);
        auto [ec] = co_await pause.async_wait(http::kToken);
        if (ec) co_return false;
    }
    if (!agent_) co_return true;
    agent_->stop();
    files_->stop();
    retired_.push_back({std::move(agent_), std::move(files_)});
    co_return true;
}

/// To another office above, with all data; the programs and the pages go on. Without a code: who is at that address.
net::awaitable<Result<json::value>> Server::go_over(Command c, std::optional<Who> who) {
    node::Store::Work ask = [who, c, is_hub = options_.is_hub](node::Node& n) -> Result<std::string> {
        if (who) TRY_VOID(may(n.replica(), *who, c));
        TRY(const auto token, n.replica().fact("upstream/token"));
        if (is_hub || (token.empty() && !n.replica().control().root().empty()))
            return fail(Errc::not_allowed,
                        "这里是服务器的数据,请在它的终端用 join / this is a server's data: use join at its terminal");
        return std::string();
    };
    auto asked = co_await store_.run(std::move(ask));
    if (!asked) co_return asked.error();
    if (is_enrol_by_file(c.options)) {
        auto by_file = go_over_by_file(std::move(c));
        auto document = co_await std::move(by_file);
        co_return document;
    }
    auto what = enrol_here_of(c.option("server"), c.option("code"), c.option("fingerprint"));
    if (!what) co_return what.error();
    const bool is_question = what->code.empty();
    if (is_going_over_) co_return fail(Errc::busy, "正在登记,请稍候 / enrolling already: wait a moment");
    if (is_question) {
        auto answer = co_await api::enrol_here(store_, io_, std::move(*what));
        co_return answer;
    }
    auto change = with_resting_link(api::enrol_here(store_, io_, std::move(*what)));
    auto done = co_await std::move(change);
    co_return done;
}

/// Does it while nothing goes over the link; afterwards that goes to the new office, or to the old one again.
net::awaitable<Result<json::value>> Server::with_resting_link(net::awaitable<Result<json::value>> change) {
    is_going_over_ = true;
    const bool rests = co_await rest_link();
    Result<json::value> done = fail(Errc::busy, "正在同步,同步完再登记 / a sync is going on: enrol when it has ended");
    if (rests) {
        done = co_await std::move(change);
        auto made = co_await make_link();
        if (!made && done) done = made.error();
        if (!stopping_) start_link();
    }
    is_going_over_ = false;
    pokes_.changed();
    if (store_.is_broken()) stop();
    co_return done;
}

/// The same without a network. Until the answer is taken nothing about the link changes.
net::awaitable<Result<json::value>> Server::go_over_by_file(Command c) {
    auto what = enrol_by_file_of(c.options);
    if (!what) co_return what.error();
    if (is_going_over_) co_return fail(Errc::busy, "正在登记,请稍候 / enrolling already: wait a moment");
    const bool is_taking = what->is_taking();
    auto work = read_or_take(std::move(*what));
    if (is_taking) work = with_resting_link(std::move(work));
    auto done = co_await std::move(work);
    co_return done;
}

net::awaitable<Result<json::value>> Server::read_or_take(EnrolByFile what) {
    auto document = std::make_shared<json::value>();
    node::Store::Work work = [document, w = std::move(what)](node::Node& n) -> Result<std::string> {
        TRY(*document, enrol_by_file(n, w));
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) co_return done.error();
    co_return std::move(*document);
}

}  // namespace taizhang::api
