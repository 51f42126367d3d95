#include "api/serve.h"

#include "api/address.h"
#include "api/first_enrolment.h"
#include "api/run_to_end.h"
#include "api/server.h"
#include "api/unlock.h"
#include "http/await.h"
#include "http/http.h"
#include "node/environment.h"
#include "node/process.h"
#include "node/secure.h"
#include "sync/token.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <random>
#include <utility>

namespace taizhang::api {

Result<> Server::run(std::shared_ptr<http::Tls> tls) {
    const bool is_secure = tls != nullptr, was_open = front_.is_open();
    if (tls) front_.http.secure(std::move(tls));
    TRY_VOID(start_sign_in());
    TRY_VOID(run_to_end<std::string>(io_, make_link()));
    if (options_.is_hub) {
        auto door = pokes_.door();
        live_gate_ = std::move(door.gate);
        door.gate = [this](http::Request q) { return gate_live(std::move(q)); };
        front_.http.open_door(std::move(door));
    }
    if (!was_open) TRY_VOID(front_.open(options_.listen, dir_));
    const auto port = front_.port();
    hosts_.emplace(options_.listen, port, is_secure, options_.hosts);
    const auto address = own_address(options_.listen, port, is_secure);
    TRY_VOID(sign_in_.begin(address, port, is_secure));
    front_.on_request = [this](http::Request q) { return handle(std::move(q)); };
    front_.on_command = [this](Command c) { return at_terminal(std::move(c)); };
    if (!was_open && !options_.port_file.empty())
        TRY_VOID(node::write_file(options_.port_file, std::to_string(port) + "\n"));
    net::co_spawn(io_, wait_for_signal(), [](std::exception_ptr) {});
    net::co_spawn(io_, keep_up(), [](std::exception_ptr) {});
    if (options_.is_hub) {
        net::co_spawn(io_, read_figures(kBetweenFigures), [](std::exception_ptr) {});
        net::co_spawn(io_, read_texts(), [](std::exception_ptr) {});
    }
    start_link();
    if (!was_open && options_.ready) {
        auto launch = node::read_file(dir_ + "/" + node::kLaunchFile, 1024);
        if (launch && launch->ends_with("\n")) launch->pop_back();
        options_.ready(address, launch && !sign_in_.has_accounts() ? *launch : address);
    }
    io_.run();
    store_.stop();
    side_.stop();
    sign_in_.end();
    front_.remove_socket();
    if (failure_) return *failure_;
    return {};
}

net::awaitable<void> Server::wait_for_signal() {
    net::signal_set signals(io_, SIGINT, SIGTERM);
    auto [ec, n] = co_await signals.async_wait(http::kToken);
    (void)ec;
    (void)n;
    stop();
}

void Server::stop() {
    if (stopping_) return;
    stopping_ = true;
    if (store_.is_broken())
        failure_ = fail(Errc::io,
                        "磁盘出错,已停止服务,没有确认任何未落盘的内容 / disk error: stopped serving; nothing that is "
                        "not on the disk was acknowledged");
    pokes_.stop();
    if (agent_) agent_->stop();
    if (files_) files_->stop();
    front_.stop();
}

/// Before anything is answered.
Result<> Server::start_sign_in() {
    const auto read = run_to_end<std::string>(io_, sign_in_.read_accounts());
    return read ? Result<>() : Result<>(read.error());
}

/// With a hub above, by the facts that enrolment left.
net::awaitable<Result<std::string>> Server::make_link() {
    auto options = std::make_shared<node::Agent::Options>();
    node::Store::Work look = [options](node::Node& n) -> Result<std::string> {
        TRY(options->url, n.replica().fact("upstream/url"));
        // Without it there are no live pokes; what else is missing the sync says.
        if (auto token = sync::upstream_token(n.replica())) options->token = std::move(*token);
        if (!options->url.empty()) {
            TRY(options->tls, node::client_tls(n, options->url));
        }
        return std::string();
    };
    auto looked = co_await store_.run(std::move(look));
    if (!looked || options->url.empty()) co_return looked;
    options->seed = std::random_device{}();
    options->log = options_.log;
    options->synced = [this] {
        pokes_.changed();
        files_->wake();
    };
    files_ = std::make_unique<FileSync>(
        io_, store_, std::make_shared<http::Client>(io_, options->url, options->tls),
        [this] { return agent_->status().state == node::Agenda::State::syncing; },
        [this](const std::string& line) { log(line); });
    agent_ = std::make_unique<node::Agent>(store_, io_, std::move(*options));
    co_return looked;
}

void Server::start_link() {
    if (agent_) net::co_spawn(io_, agent_->run(), [](std::exception_ptr) {});
    if (files_) net::co_spawn(io_, files_->run(), [](std::exception_ptr) {});
}

Result<> must_have_all(node::Node& node) {
    if (!node.replica().has_dropped()) return {};
    return fail(
        Errc::not_allowed,
        "这些数据属于一台终端,没有全部历史,不能当服务器;请在空文件夹里 join / this data is a device's and lacks "
        "old history, it cannot be a server: join with an empty folder");
}

Result<> serve(node::Node& node, const ServeOptions& options) {
    if (options.is_hub) TRY_VOID(must_have_all(node));
    if (node::is_trial_clock() && !is_loopback(options.listen))
        return fail(Errc::usage,
                    "设了 TAIZHANG_NOW,只能在本机(127.0.0.1)服务 / TAIZHANG_NOW is set: serving loopback only");
    std::shared_ptr<http::Tls> tls;
    if (!options.certificate.empty()) {
        TRY(tls, http::Tls::serve_with_files(options.certificate, options.key));
    } else if (options.is_secure || !is_loopback(options.listen)) {
        TRY(tls, node::server_tls(node));
    }
    node::allow_many_descriptors();
    Front front;
    auto server = std::make_shared<Server>(front, node, options);
    return server->run(std::move(tls));
}

Result<> serve_locked(node::DataDir dir, const ServeOptions& options) {
    std::unique_ptr<node::Node> node;  // what still waits on the io_context at the end knows it
    Front front;
    Unlock unlock(front, dir.path(), options);
    TRY(auto passphrase, unlock.wait());
    if (passphrase.empty()) return {};
    node::Node::Options o;
    o.dir = dir.path();
    o.passphrase = std::move(passphrase);
    TRY(node, node::Node::open(o, std::move(dir)));
    node::allow_many_descriptors();
    auto server = std::make_shared<Server>(front, *node, options, unlock.tokens());
    return server->run(nullptr);
}

Result<> serve_new(std::unique_ptr<node::Node> node, const ServeOptions& options) {
    // What still waits on the io_context at the end knows what stands before it here.
    auto store = std::make_unique<node::Store>(*node);
    std::unique_ptr<FirstEnrolment> enrolment;
    Front front;
    enrolment = std::make_unique<FirstEnrolment>(front, *store, node->dir().path(), options);
    TRY(const bool is_enrolled, enrolment->wait());
    store->stop();
    if (!is_enrolled) return {};
    node::allow_many_descriptors();
    auto server = std::make_shared<Server>(front, *node, options, enrolment->tokens());
    return server->run(nullptr);
}

}  // namespace taizhang::api
