#include "api/unlock.h"

#include "api/screens.h"
#include "api/sign_in.h"
#include "node/browser.h"
#include "node/environment.h"
#include "node/keys.h"
#include "node/people.h"
#include "text/text.h"

#include <boost/asio/signal_set.hpp>
#include <boost/json.hpp>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr const char* kLockedLine =
    "本机的密钥有口令保护,请在浏览器里输入口令 / the keys of this PC are locked: give the passphrase in the browser";

/// Whoever has a token holds the folder: as from a browser that is known, ten tries are free.
people::Caller whoever_holds_it() {
    people::Caller c;
    c.account = "key";
    c.browser = "launch";
    c.knows_browser = true;
    return c;
}

}  // namespace

Unlock::Unlock(Front& front, std::string dir, const ServeOptions& options)
    : front_(front), dir_(std::move(dir)), options_(options) {}

std::string Unlock::new_address(bool is_lasting) {
    std::array<std::uint8_t, 32> raw{};
    random_(raw);
    const auto token = to_hex(view(raw));
    if (is_lasting)
        tokens_.add_lasting(token);
    else
        tokens_.add(token, node::uptime_ms());
    return launch_address(address_, token);
}

Result<> Unlock::begin() {
    // A damaged file is said now, not after somebody has typed the right passphrase.
    if (const auto tried = node::check_passphrase(dir_, {}); !tried && tried.error().code != Errc::denied)
        return tried.error();
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
    if (options_.log) options_.log(kLockedLine);
    if (options_.ready) options_.ready(address_, launch);
    return {};
}

Result<std::string> Unlock::wait() {
    const auto begun = begin();
    is_stopped_ = !begun;
    net::signal_set signals(front_.io, SIGINT, SIGTERM);
    signals.async_wait([this](boost::system::error_code ec, int) { is_stopped_ = is_stopped_ || !ec; });
    while (!is_stopped_ && passphrase_.empty()) front_.io.run_one();
    signals.cancel();
    if (!is_stopped_) return passphrase_;
    front_.stop();
    front_.remove_socket();
    for (const char* name : {node::kLaunchFile, node::kLaunchPage}) node::remove_file(dir_ + "/" + name);
    if (!begun) return begun.error();
    return std::string();
}

/// `open` gives an address that may unlock; everything else waits for that.
net::awaitable<Result<json::value>> Unlock::at_terminal(Command c) {
    if (c.name == "open") co_return json::value{{"address", new_address(false)}, {"sign_in", false}};
    co_return fail(Errc::denied, kLockedLine);
}

net::awaitable<http::Response> Unlock::handle(http::Request q) {
    auto r = answer(q);
    harden(r);
    co_return r;
}

http::Response Unlock::answer(const http::Request& q) {
    const auto path = q.target.substr(0, q.target.find('?'));
    const bool is_api = path.starts_with("/api/");
    if (auto refusal = refuse(*hosts_, is_api ? Place::api : Place::screen, q)) return std::move(*refusal);
    if (path == "/api/session")
        return json_response(200, json::value{{"signed_in", false}, {"mode", "locked"}, {"person", nullptr}});
    if (path == "/api/unlock") return unlock(q);
    if (is_api) return error_response(401, "signed_out", kLockedLine);
    if (auto page = screen(q)) return std::move(*page);
    return error_response(404, "not_found", "没有这个地址 / nothing at this address");
}

http::Response Unlock::unlock(const http::Request& q) {
    auto said = body_of(q);
    if (!said) return bad_request();
    const auto now = node::uptime_ms();
    if (!tokens_.has((*said)["token"], now))
        return error_response(401, "signed_out",
                              "请从桌面图标打开,或运行 open 取新的地址 / open it from the icon, or run `open` for an "
                              "address");
    if (!passphrase_.empty()) return json_response(200, json::value{{"unlocked", true}});
    const auto caller = whoever_holds_it();
    if (const auto wait = attempts_.begin(caller, now); wait > 0) return wait_response(wait);
    auto& word = (*said)["passphrase"];
    if (const auto opened = node::check_passphrase(dir_, word); !opened)
        return error_response(opened.error().code == Errc::denied ? 403 : http::http_status(opened.error().code),
                              name_of(opened.error().code), opened.error().detail);
    attempts_.succeeded(caller);
    passphrase_ = std::move(word);
    return json_response(200, json::value{{"unlocked", true}});
}

}  // namespace taizhang::api
