#include "node/pokes.h"
#include "http/await.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace taizhang::node {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kListenersMax = 2048;
// After a change, for those that follow at once. Lower: more pokes and syncs; higher: news comes late.
constexpr auto kGather = 100ms;
constexpr std::string_view kBearer = "Bearer ";

http::Response answer_of(const Error& e) {
    http::Response r;
    r.status = http::http_status(e.code);
    r.content_type = "text/plain; charset=utf-8";
    r.body = e.detail + "\n";
    return r;
}

}  // namespace

Pokes::Pokes(Store& store, net::io_context& io) : store_(store), io_(io), pause_(io) {}

http::LiveDoor Pokes::door() {
    http::LiveDoor d;
    d.target = "/live";
    d.gate = [this](http::Request q) { return gate(std::move(q)); };
    d.run = [this](std::shared_ptr<http::Live> live, http::Request q) { return listen(std::move(live), std::move(q)); };
    return d;
}

/// The unit of the device whose token that is.
net::awaitable<Result<std::string>> Pokes::unit_of(std::string authorization) {
    Store::Work work = [authorization](Node& n) -> Result<std::string> {
        std::string token;
        if (authorization.starts_with(kBearer))
            token = from_hex(std::string_view(authorization).substr(kBearer.size()));
        TRY(const auto device, n.hub().device_of(token));
        return device.unit;
    };
    auto unit = co_await store_.run(std::move(work));
    co_return unit;
}

net::awaitable<http::Response> Pokes::gate(http::Request request) {
    std::string authorization(request.header("authorization"));
    if (listeners_.size() >= kListenersMax)
        co_return answer_of(fail(Errc::busy, "实时连接太多 / too many live connections"));
    auto unit = co_await unit_of(std::move(authorization));
    if (!unit) co_return answer_of(unit.error());
    co_return http::Response{};
}

net::awaitable<void> Pokes::listen(std::shared_ptr<http::Live> live, http::Request request) {
    const std::string token(request.header("authorization"));
    auto unit = co_await unit_of(token);
    if (!unit || is_stopping_) co_return;
    if (auto it = listeners_.find(token); it != listeners_.end()) it->second.live->close();
    Listener listener{*unit, live};
    listeners_[token] = listener;
    co_await greet(live);
    for (;;) {  // devices have nothing to say here; what they say is read and forgotten
        auto message = co_await live->next();
        if (!message) break;
    }
    if (auto it = listeners_.find(token); it != listeners_.end() && it->second.live == live) listeners_.erase(it);
}

/// Where this hub is now: whatever came between the device's last sync and its name on the list.
net::awaitable<void> Pokes::greet(std::shared_ptr<http::Live> live) {
    auto place = std::make_shared<sync::NewsPlace>();
    Store::Work work = [place](Node& n) -> Result<std::string> {
        TRY(*place, sync::news_place(n.replica()));
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) co_return;
    if (!told_) told_ = *place;
    live->say(sync::encode_poke(*place));
}

void Pokes::changed() {
    has_changed_ = true;
    if (is_telling_ || is_stopping_ || listeners_.empty()) return;
    is_telling_ = true;
    net::co_spawn(io_, tell(), [this](std::exception_ptr) { is_telling_ = false; });
}

net::awaitable<void> Pokes::tell() {
    while (has_changed_ && !is_stopping_) {
        has_changed_ = false;
        const bool looked = co_await look();
        if (!looked) co_return;
        pause_.expires_after(kGather);
        auto waited = co_await pause_.async_wait(http::kToken);
        (void)waited;
    }
}

/// One look at what is new, and a poke to each whom it concerns.
net::awaitable<bool> Pokes::look() {
    struct Look {
        std::vector<std::string> units;
        std::vector<bool> news;
        sync::NewsPlace place;
    };
    auto look = std::make_shared<Look>();
    std::vector<std::shared_ptr<http::Live>> lives;
    for (const auto& [token, l] : listeners_) {
        look->units.push_back(l.unit);
        lives.push_back(l.live);
    }
    Store::Work work = [look, from = told_](Node& n) -> Result<std::string> {
        TRY(look->place, sync::news_place(n.replica()));
        if (from) {
            TRY(look->news, sync::has_news(n.replica(), *from, look->units));
        }
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) co_return false;
    told_ = look->place;
    const auto poke = sync::encode_poke(look->place);
    for (std::size_t i = 0; i < look->news.size(); ++i)
        if (look->news[i]) lives[i]->say(poke);
    co_return true;
}

void Pokes::stop() {
    is_stopping_ = true;
    pause_.cancel();
    for (const auto& [token, l] : listeners_) l.live->close();
}

}  // namespace taizhang::node
