// server.h - the node that stays, behind serve.h: one io thread, and the store thread behind it.
//
// serve.cpp starts and ends it; server_http.cpp answers requests, server_commands.cpp the commands in them,
// server_office.cpp takes a PC to another office above, server_upkeep.cpp does what nobody asks for.
// Threads: io thread.
#pragma once

#include "api/enrol_here.h"
#include "api/file_sync.h"
#include "api/front.h"
#include "api/gate.h"
#include "api/long_command.h"
#include "api/may.h"
#include "api/quota.h"
#include "api/serve.h"
#include "api/sign_in.h"
#include "node/agent.h"
#include "node/pokes.h"
#include "node/side_thread.h"

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace taizhang::api {

namespace json = boost::json;
namespace net = boost::asio;

/// Errc::not_allowed: a server gives those below the log, and this data lacks some of it.
Result<> must_have_all(node::Node& node);

class Server : public std::enable_shared_from_this<Server> {
public:
    /// `launch`: tokens that were given out before there was a node.
    Server(Front& front, node::Node& node, const ServeOptions& options, LaunchTokens launch = {})
        : front_(front),
          io_(front.io),
          store_(node),
          options_(options),
          pokes_(store_, io_),
          sign_in_(store_, {node.dir().path(), options.sessions, [&node](auto out) { node.replica().random(out); },
                            std::move(launch)}),
          dir_(node.dir().path()) {}

    Result<> run(std::shared_ptr<http::Tls> tls);

private:
    net::awaitable<http::Response> handle(http::Request q);
    net::awaitable<http::Response> device(http::Request q);
    net::awaitable<http::Response> api(http::Request q);
    net::awaitable<http::Response> content(http::Request q, Who who);
    net::awaitable<http::Response> gate_live(http::Request q);
    net::awaitable<http::Response> guarded(Place place, http::Request q);
    /// `who`: nobody for the terminal, which is not asked what it may.
    net::awaitable<Result<json::value>> execute(Command c, std::optional<Who> who);
    net::awaitable<Result<json::value>> at_terminal(Command c);
    net::awaitable<Result<json::value>> in_turn(std::shared_ptr<LongCommand> work, Command c, std::optional<Who> who);
    net::awaitable<Result<json::value>> in_pieces(std::shared_ptr<LongCommand> work, Command c, std::optional<Who> who);
    net::awaitable<Result<json::value>> sync_now();
    net::awaitable<Result<json::value>> sync_all();
    net::awaitable<Result<json::value>> fetch(Command c);
    net::awaitable<Result<json::value>> go_over(Command c, std::optional<Who> who);
    net::awaitable<Result<json::value>> go_over_by_file(Command c);
    net::awaitable<Result<json::value>> read_or_take(EnrolByFile what);
    net::awaitable<Result<json::value>> with_resting_link(net::awaitable<Result<json::value>> change);
    net::awaitable<void> read_figures(std::chrono::milliseconds pause);
    net::awaitable<void> read_texts();
    net::awaitable<void> keep_up();
    net::awaitable<Result<std::string>> make_link();
    void start_link();
    net::awaitable<bool> rest_link();
    Result<> start_sign_in();
    json::value agent_json() const;
    json::value trouble_json() const;
    net::awaitable<void> wait_for_signal();
    void stop();
    void log(const std::string& line) {
        if (options_.log) options_.log(line);
    }

    // Others are served between two pieces anyway, in the order in which they came; this leaves the processor to them
    // as well. Higher: longer until figures and search are as fast as they get.
    static constexpr std::chrono::milliseconds kBetweenFigures{5};

    Front& front_;
    net::io_context& io_;
    node::Store store_;
    node::SideThread side_;
    std::size_t long_commands_ = 0;  // that read or make
    ServeOptions options_;
    node::Pokes pokes_;
    SignIn sign_in_;
    std::optional<Hosts> hosts_;
    http::Handler live_gate_;
    std::string dir_;
    std::unique_ptr<node::Agent> agent_;  // none without a hub above
    std::unique_ptr<FileSync> files_;     // the same
    /// Of an office that this PC does not belong to any more; what still waits on the io_context knows them.
    struct Link {
        std::unique_ptr<node::Agent> agent;
        std::unique_ptr<FileSync> files;
    };
    std::vector<Link> retired_;
    bool stopping_ = false, has_figures_ = false, is_going_over_ = false;
    std::optional<Error> failure_;
    std::shared_ptr<Quota> quota_ = std::make_shared<Quota>();              // the store thread's
    std::shared_ptr<Strangers> strangers_ = std::make_shared<Strangers>();  // the same
};

}  // namespace taizhang::api
