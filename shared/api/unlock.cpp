#include "api/unlock.h"

#include "api/sign_in.h"
#include "node/environment.h"
#include "node/keys.h"

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
    : Doorstep(front, std::move(dir), options, "locked", kLockedLine) {}

Result<std::string> Unlock::wait() {
    // A damaged file is said now, not after somebody has typed the right passphrase.
    if (const auto tried = node::check_passphrase(dir_, {}); !tried && tried.error().code != Errc::denied)
        return tried.error();
    TRY_VOID(wait_for_answer());
    return passphrase_;
}

net::awaitable<http::Response> Unlock::answer(Said said) {
    auto r = unlock(std::move(said["passphrase"]));
    co_return r;
}

http::Response Unlock::unlock(std::string passphrase) {
    if (is_answered_) return json_response(200, json::value{{"unlocked", true}});
    const auto caller = whoever_holds_it();
    if (const auto wait = attempts_.begin(caller, node::uptime_ms()); wait > 0) return wait_response(wait);
    if (const auto opened = node::check_passphrase(dir_, passphrase); !opened)
        return error_response(opened.error().code == Errc::denied ? 403 : http::http_status(opened.error().code),
                              name_of(opened.error().code), opened.error().detail);
    attempts_.succeeded(caller);
    passphrase_ = std::move(passphrase);
    is_answered_ = true;
    return json_response(200, json::value{{"unlocked", true}});
}

}  // namespace taizhang::api
