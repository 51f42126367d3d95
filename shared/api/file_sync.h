// file_sync.h - attachments of a process that serves: sent and fetched in the background, after the rows.
//
// It has a connection of its own, so that a long file never holds up an edit, and it
// holds its next chunk while rows are being synced. Threads: the io thread.
#pragma once

#include "node/files_upstream.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include <optional>

namespace taizhang::api {

namespace net = boost::asio;

/// The part of a sync's answer that speaks of attachments.
boost::json::object files_json(const node::FileReport& report);

class FileSync {
public:
    using Hold = std::function<bool()>;
    using Log = std::function<void(const std::string&)>;
    FileSync(net::io_context& io, node::Store& store, std::shared_ptr<http::Client> client, Hold hold, Log log);

    /// Until stop().
    net::awaitable<void> run();
    /// Rows were synced: there may be something to send or to fetch. With `poll` the hub is asked for news too.
    void wake(bool poll = false);
    /// Wakes it and waits for the round that follows, at most so long; its report if it ended by then.
    net::awaitable<std::optional<node::FileReport>> round(std::chrono::milliseconds at_most);
    /// A round is under way.
    bool is_running() const { return running_; }
    void stop();

private:
    net::io_context& io_;
    node::Store& store_;
    std::shared_ptr<http::Client> client_;
    Hold hold_;
    Log log_;
    net::steady_timer wake_;
    bool woken_ = false, poll_ = true, stopping_ = false;
    std::chrono::steady_clock::time_point polled_{};
    std::uint64_t rounds_ = 0;  ///< that ended
    bool running_ = false;
    node::FileReport last_;
};

}  // namespace taizhang::api
