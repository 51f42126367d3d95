// pokes.h - the hub's half of live pokes: who is listening, and who should hear that something is new.
//
//   GET /live   a WebSocket, `authorization: Bearer TOKEN` with the device's token in hex
//
// changed() is cheap and may be called after whatever could have admitted something;
// several calls close together become one look at the log. Threads: the io_context's
// one thread; looks at the log on the store thread.
#pragma once

#include "http/live.h"
#include "node/store.h"
#include "sync/news.h"

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <optional>

namespace taizhang::node {

class Pokes {
public:
    Pokes(Store& store, net::io_context& io);

    /// The way in, for http::Server::open_door. Outlives neither the server nor this.
    http::LiveDoor door();
    void changed();
    std::size_t listeners() const { return listeners_.size(); }
    void stop();

private:
    struct Listener {
        std::string unit;
        std::shared_ptr<http::Live> live;
    };
    net::awaitable<Result<std::string>> unit_of(std::string authorization);
    net::awaitable<http::Response> gate(http::Request request);
    net::awaitable<void> listen(std::shared_ptr<http::Live> live, http::Request request);
    net::awaitable<void> greet(std::shared_ptr<http::Live> live);
    net::awaitable<void> tell();
    net::awaitable<bool> look();

    Store& store_;
    net::io_context& io_;
    net::steady_timer pause_;
    std::map<std::string, Listener> listeners_;  // by token: a device that connects anew replaces itself
    std::optional<sync::NewsPlace> told_;        // empty: nobody has listened yet
    bool is_telling_ = false, has_changed_ = false, is_stopping_ = false;
};

}  // namespace taizhang::node
