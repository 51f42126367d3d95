#include "api/doorstep.h"

#include "api/address.h"
#include "api/screens.h"
#include "api/sign_in.h"
#include "node/browser.h"
#include "node/environment.h"
#include "node/people.h"

#include <boost/asio/signal_set.hpp>
#include <boost/json.hpp>

namespace taizhang::api {

namespace json = boost::json;

Doorstep::Doorstep(Front& front, std::string dir, const ServeOptions& options, std::string mode, std::string line)
    : front_(front), dir_(std::move(dir)), options_(options), mode_(std::move(mode)), line_(std::move(line)) {}

std::string Doorstep::new_address(bool is_lasting) {
    std::array<std::uint8_t, 32> raw{};
    random_(raw);
    const auto token = to_hex(view(raw));
    if (is_lasting)
        tokens_.add_lasting(token);
    else
        tokens_.add(token, node::uptime_ms());
    return launch_address(address_, token);
}

Result<> Doorstep::begin() {
    TRY(auto env, node::real_environment());
    random_ = std::move(env.random);
    front_.on_request = [this](http::Request q) { return handle(std::move(q)); };
    front_.on_command = [this](Command c) { return at_terminal(std::move(c)); };
    TRY(const auto port, front_.open(options_.listen, dir_));
    hosts_.emplace(options_.listen, port, false, options_.hosts);
    address_ = own_address(options_.listen, port, false);
    const auto launch = new_address(true);
    TRY_VOID(node::write_file(dir_ + "/" + node::kLaunchFile, launch + "\n"));
    if (!options_.port_file.empty()) TRY_VOID(node::write_file(options_.port_file, std::to_string(port) + "\n"));
    if (options_.log) options_.log(line_);
    if (options_.ready) options_.ready(address_, launch);
    return {};
}

Result<bool> Doorstep::wait_for_answer() {
    const auto begun = begin();
    is_stopped_ = !begun;
    net::signal_set signals(front_.io, SIGINT, SIGTERM);
    signals.async_wait([this](boost::system::error_code ec, int) { is_stopped_ = is_stopped_ || !ec; });
    while (!is_stopped_ && !is_answered_) front_.io.run_one();
    signals.cancel();
    if (!is_stopped_) return true;
    front_.stop();
    front_.remove_socket();
    for (const char* name : {node::kLaunchFile, node::kLaunchPage}) node::remove_file(dir_ + "/" + name);
    if (!begun) return begun.error();
    return false;
}

/// `open` gives an address that may answer; everything else waits for that.
net::awaitable<Result<json::value>> Doorstep::at_terminal(Command c) {
    if (c.name == "open") co_return json::value{{"address", new_address(false)}, {"sign_in", false}};
    co_return fail(Errc::denied, line_);
}

json::object Doorstep::news() const { return {}; }

/// What the page says: JSON, or a file as it is.
std::optional<Doorstep::Said> Doorstep::said_of(const http::Request& q) {
    if (q.method != "POST" || q.header("content-type") != "application/octet-stream") return body_of(q);
    Command c;
    read_target(q.target, c);
    c.options["token"] = q.header("x-taizhang-launch");
    c.options["bytes"] = q.body;
    return c.options;
}

/// Everything but the question's own paths.
std::optional<http::Response> Doorstep::screen_or_refusal(const http::Request& q, const std::string& path) {
    const bool is_api = path.starts_with("/api/");
    if (auto refusal = refuse(*hosts_, is_api ? Place::api : Place::screen, q)) return refusal;
    if (path == "/api/session") {
        auto document = news();
        document["signed_in"] = false;
        document["mode"] = mode_;
        document["person"] = nullptr;
        return json_response(200, document);
    }
    if (is_api && !is_own(path)) return error_response(401, "signed_out", line_);
    if (is_api) return std::nullopt;
    if (auto page = screen(q)) return page;
    return error_response(404, "not_found", "没有这个地址 / nothing at this address");
}

net::awaitable<http::Response> Doorstep::handle(http::Request q) {
    const auto path = q.target.substr(0, q.target.find('?'));
    auto r = screen_or_refusal(q, path);
    auto said = r ? std::nullopt : said_of(q);
    if (!r && !said) r = bad_request();
    if (!r && !tokens_.has((*said)["token"], node::uptime_ms()))
        r = error_response(401, "signed_out",
                           "请从桌面图标打开,或运行 open 取新的地址 / open it from the icon, or run `open` for an "
                           "address");
    if (!r) {
        auto answering = answer(std::move(*said));
        r = co_await std::move(answering);
    }
    harden(*r);
    co_return std::move(*r);
}

}  // namespace taizhang::api
