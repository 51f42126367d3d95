#include "api/sign_in.h"

#include "node/browser.h"
#include "node/environment.h"
#include "node/people.h"
#include "trust/password.h"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>

namespace taizhang::api {

namespace json = boost::json;
namespace {

constexpr std::int64_t kBrowserSeconds = 180 * 86'400;
constexpr std::string_view kPageHeader = "x-taizhang-page", kActiveHeader = "x-taizhang-active";
constexpr const char* kSession = "session";
constexpr const char* kBrowser = "browser";

std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string_view path_of(const http::Request& q) { return std::string_view(q.target).substr(0, q.target.find('?')); }

}  // namespace

std::optional<std::map<std::string, std::string>> body_of(const http::Request& q) {
    if (q.method != "POST" || !q.header("content-type").starts_with("application/json") || q.body.size() > 8192)
        return std::nullopt;
    boost::system::error_code ec;
    const auto v = json::parse(q.body, ec);
    if (ec || !v.is_object()) return std::nullopt;
    std::map<std::string, std::string> out;
    for (const auto& [k, x] : v.as_object())
        if (x.is_string()) out[k] = std::string(x.as_string());
    return out;
}

http::Response bad_request() {
    return error_response(400, "usage", "需要 POST 和 application/json / POST with application/json is needed");
}

http::Response wait_response(std::int64_t wait_ms) {
    const auto seconds = std::to_string((wait_ms + 999) / 1000);
    auto r = error_response(429, "slow_down",
                            "试得太多,请 " + seconds + " 秒后再试 / too many tries: again in " + seconds + " s");
    r.headers.emplace_back("retry-after", seconds);
    return r;
}

http::Response json_response(int status, const json::value& v) {
    http::Response r;
    r.status = status;
    r.content_type = "application/json";
    r.body = json::serialize(v);
    r.headers.emplace_back("cache-control", "no-store");
    return r;
}

http::Response error_response(int status, std::string_view code, std::string_view line) {
    return json_response(status, json::object{{"error", {{"code", code}, {"line", line}}}});
}

SignIn::SignIn(node::Store& store, Options options)
    : store_(store),
      options_(std::move(options)),
      sessions_(options_.limits, options_.random),
      launch_(std::move(options_.launch)) {}

std::int64_t SignIn::now_ms() const { return node::uptime_ms(); }

bool SignIn::is_on_this_pc(const http::Request& q) {
    return q.peer == "::1" || q.peer.starts_with("127.") || q.peer.starts_with("::ffff:127.");
}

net::awaitable<Result<std::string>> SignIn::read_accounts() {
    auto accounts = std::make_shared<people::Accounts>();
    node::Store::Work work = [accounts](node::Node& n) -> Result<std::string> {
        *accounts = n.people().accounts();
        return std::string();
    };
    auto read = co_await store_.run(std::move(work));
    accounts_ = std::move(*accounts);
    co_return read;
}

Result<> SignIn::begin(std::string address, std::uint16_t port, bool is_secure) {
    address_ = std::move(address);
    port_ = port;
    is_secure_ = is_secure;
    trust::nobodys_hash();  // now, so that the first one who asks for nobody does not wait longer than others
    sessions_.decode(node::read_sessions(options_.dir));
    accounts_changed(accounts_);  // passwords may have been changed while nothing served
    return write_launch_file();
}

void SignIn::end() {
    hashing_.stop();
    for (const char* name : {node::kLaunchFile, node::kLaunchPage}) node::remove_file(options_.dir + "/" + name);
    if (!address_.empty()) keep_sessions();
}

std::string SignIn::open_address() {
    if (has_accounts()) return address_ + "/";
    const auto token = sessions_.secret();
    launch_.add(token, now_ms());
    return launch_address(address_, token);
}

/// One lies in its file for as long as the program runs: for the icon on the desktop.
Result<> SignIn::write_launch_file() {
    std::string address = address_ + "/";
    if (!has_accounts()) {
        const auto token = sessions_.secret();
        launch_.add_lasting(token);
        address = launch_address(address_, token);
    }
    return node::write_file(options_.dir + "/" + node::kLaunchFile, address + "\n");
}

std::string SignIn::cookie_name(const char* what) const {
    // A browser does not keep the ports of a host apart: several nodes on one PC need names of their own.
    return (is_secure_ ? "__Host-tz-" : "tz-") + std::string(what) + "-" + std::to_string(port_);
}

std::string SignIn::set_cookie(const char* what, const std::string& value, std::int64_t seconds) const {
    return cookie_name(what) + "=" + value + "; Path=/; HttpOnly; SameSite=Strict" + (is_secure_ ? "; Secure" : "") +
           (seconds >= 0 ? "; Max-Age=" + std::to_string(seconds) : "");
}

http::Response SignIn::signed_in(const Sessions::Secrets& made, const std::string& browser,
                                 std::int64_t seconds) const {
    auto r = json_response(200, json::value{{"page", made.page}, {"content", made.content}});
    r.headers.emplace_back("set-cookie", set_cookie(kSession, made.cookie, seconds));
    if (!browser.empty()) r.headers.emplace_back("set-cookie", set_cookie(kBrowser, browser, kBrowserSeconds));
    return r;
}

/// A lost write costs people a sign-in after the next start, no more.
void SignIn::keep_sessions() { (void)node::write_sessions(options_.dir, sessions_.encode()); }

void SignIn::accounts_changed(people::Accounts accounts) {
    accounts_ = std::move(accounts);
    const auto before = sessions_.size();
    sessions_.close_if([this](const people::Session& s) {
        if (s.account.empty()) return has_accounts();
        const auto* a = accounts_.find(s.account);
        return !a || a->password_no != s.password_no;
    });
    if (sessions_.size() != before) keep_sessions();
}

std::optional<Who> SignIn::who(const http::Request& q, Sessions::Key key) {
    std::string_view sent = q.header(kPageHeader);
    if (key == Sessions::Key::content) {
        const auto at = q.target.find("?key=");
        sent = at == std::string::npos ? std::string_view() : std::string_view(q.target).substr(at + 5);
    }
    const bool is_used = key == Sessions::Key::content || !q.header(kActiveHeader).empty();
    const auto* s = sessions_.find(cookie(q, cookie_name(kSession)), sent, key, now_ms(), is_used);
    if (!s) return std::nullopt;
    if (s->account.empty()) {
        if (!is_on_this_pc(q)) return std::nullopt;
        return Who{{}, {}, people::kEverybody};
    }
    const auto* a = accounts_.find(s->account);
    if (!a) return std::nullopt;
    return Who{a->login, a->name, a->roles};
}

http::Response SignIn::nobody(const http::Request& q) const {
    if (has_accounts()) return error_response(401, "signed_out", "请登录 / sign in");
    if (is_on_this_pc(q))
        return error_response(
            401, "signed_out",
            "请用启动时给出的地址打开,或运行 open / open the address that the program gave, or run `open`");
    return error_response(
        403, "denied",
        "本服务器还没有账号,不对网络开放:请在服务器上运行 person add / this server has no accounts yet "
        "and is closed to the network: run `person add` on it");
}

bool SignIn::is_own_target(std::string_view target) const {
    const auto path = target.substr(0, target.find('?'));
    return path == "/api/session" || path == "/api/launch" || path == "/api/login" || path == "/api/logout" ||
           path == "/api/password";
}

net::awaitable<http::Response> SignIn::answer(http::Request q) {
    const auto path = path_of(q);
    if (path == "/api/session" && q.method == "GET") {
        auto r = co_await session(std::move(q));
        co_return r;
    }
    if (!body_of(q)) co_return bad_request();
    if (path == "/api/launch") co_return launch(q);
    if (path == "/api/logout") co_return logout(q);
    if (!has_accounts()) co_return nobody(q);
    auto r = path == "/api/login" ? login(std::move(q)) : change_password(std::move(q));
    auto response = co_await std::move(r);
    co_return response;
}

net::awaitable<http::Response> SignIn::session(http::Request q) {
    const auto person = who(q, Sessions::Key::page);
    const char* mode = has_accounts() ? "login" : is_on_this_pc(q) ? "launch" : "closed";
    if (!person) co_return json_response(200, json::value{{"signed_in", false}, {"mode", mode}});
    auto refused = std::make_shared<json::object>();
    auto copy = std::make_shared<Who>(*person);
    node::Store::Work work = [refused, copy](node::Node& n) -> Result<std::string> {
        *refused = refusals(n.replica(), *copy);
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done) co_return error_response(500, "internal", done.error().detail);
    json::value who_json = nullptr;
    if (!copy->is_owner())
        who_json = {{"login", copy->login}, {"name", copy->name}, {"roles", people::names_of(copy->roles)}};
    co_return json_response(
        200,
        json::value{
            {"signed_in", true}, {"mode", mode}, {"person", std::move(who_json)}, {"refused", std::move(*refused)}});
}

http::Response SignIn::launch(const http::Request& q) {
    if (has_accounts() || !is_on_this_pc(q)) return nobody(q);
    const auto now = now_ms();
    if (!launch_.take((*body_of(q))["token"], now))
        return error_response(
            401, "signed_out",
            "这个启动地址已用过或已过期,请运行 open 取新的 / this launch address was used or is too old: "
            "run `open` for a new one");
    // What was in the file is used up or not; either way a fresh one may lie there.
    (void)write_launch_file();
    const auto made = sessions_.open({}, 0, now);
    keep_sessions();
    // Whoever closes the browser on his own PC is not asked again tomorrow.
    return signed_in(made, {}, options_.limits.launched_ms / 1000);
}

people::Caller SignIn::caller_of(const http::Request& q, const people::Account* account) const {
    people::Caller c;
    c.address = people::network_of(q.peer);
    const auto token = cookie(q, cookie_name(kBrowser));
    if (!token.empty()) c.browser = people::hash_of_secret(token).hex();
    if (!account) return c;
    c.account = account->login;
    c.knows_browser = people::Accounts::knows(account->devices, c.browser, wall_ms(), people::kDeviceKnownMs);
    c.knows_address = people::Accounts::knows(account->addresses, c.address, wall_ms(), people::kAddressKnownMs);
    return c;
}

net::awaitable<http::Response> SignIn::login(http::Request q) {
    auto said = *body_of(q);
    const auto* account = accounts_.find(said["account"]);
    const auto caller = caller_of(q, account);
    if (const auto wait = attempts_.begin(caller, now_ms()); wait > 0) co_return wait_response(wait);
    const auto login = account ? account->login : std::string();
    std::string hash = account ? account->password : trust::nobodys_hash();
    const auto password_no = account ? account->password_no : 0;
    auto checking =
        hashing_.check(std::move(hash), std::move(said["password"]), caller.knows_browser || caller.knows_address);
    const auto verdict = co_await std::move(checking);
    if (verdict == Hashing::Verdict::busy) co_return wait_response(2000);
    const auto* now = login.empty() ? nullptr : accounts_.find(login);
    if (verdict == Hashing::Verdict::wrong || !now || now->password_no != password_no)
        co_return error_response(403, "denied", "账号或密码不对 / wrong account or password");
    attempts_.succeeded(caller);
    // The browser is known from now on, by a token of its own that is nobody's session.
    const auto had = std::string(cookie(q, cookie_name(kBrowser)));
    const auto browser = caller.knows_browser ? had : sessions_.secret();
    auto after = std::make_shared<people::Accounts>();
    node::Store::Work note = [after, login, device = people::hash_of_secret(browser).hex(), address = caller.address,
                              at = wall_ms()](node::Node& n) -> Result<std::string> {
        auto trial = n.people().accounts();
        if (trial.note(login, device, address, at))
            TRY_VOID(n.people().change([&](people::Accounts& a) -> Result<> {
                a = std::move(trial);
                return {};
            }));
        *after = n.people().accounts();
        return std::string();
    };
    auto noted = co_await store_.run(std::move(note));
    if (noted) accounts_changed(std::move(*after));  // a full disk must not keep people out
    sessions_.close(cookie(q, cookie_name(kSession)));
    const auto made = sessions_.open(login, password_no, now_ms());
    keep_sessions();
    co_return signed_in(made, browser);
}

/// The old password again: an open screen is not enough to take an account over.
net::awaitable<http::Response> SignIn::change_password(http::Request q) {
    const auto person = who(q, Sessions::Key::page);
    if (!person) co_return nobody(q);
    auto said = *body_of(q);
    const auto* account = accounts_.find(person->login);
    const auto caller = caller_of(q, account);
    if (const auto wait = attempts_.begin(caller, now_ms()); wait > 0) co_return wait_response(wait);
    auto checking = hashing_.check(account->password, said["old"], true);
    const auto verdict = co_await std::move(checking);
    if (verdict == Hashing::Verdict::busy) co_return wait_response(2000);
    if (verdict == Hashing::Verdict::wrong)
        co_return error_response(403, "denied", "原密码不对 / the old password is wrong");
    attempts_.succeeded(caller);
    Command c;
    c.name = "person";
    c.args = {"password", person->login};
    c.options["password"] = said["new"];
    auto after = std::make_shared<people::Accounts>();
    node::Store::Work work = [after, c](node::Node& n) -> Result<std::string> {
        TRY_VOID(run(n, c));
        *after = n.people().accounts();
        return std::string();
    };
    auto done = co_await store_.run(std::move(work));
    if (!done)
        co_return error_response(http::http_status(done.error().code), name_of(done.error().code), done.error().detail);
    accounts_changed(std::move(*after));  // ends all sessions of the account, this one too
    const auto* now = accounts_.find(person->login);
    const auto made = sessions_.open(person->login, now ? now->password_no : 0, now_ms());
    keep_sessions();
    co_return signed_in(made, {});
}

http::Response SignIn::logout(const http::Request& q) {
    // Only with the page's key: no other site, and no other port of this PC, can end somebody's session.
    if (!who(q, Sessions::Key::page)) return json_response(200, json::value{{"signed_in", false}});
    sessions_.close(cookie(q, cookie_name(kSession)));
    keep_sessions();
    auto r = json_response(200, json::value{{"signed_in", false}});
    r.headers.emplace_back("set-cookie", set_cookie(kSession, "", 0));
    return r;
}

}  // namespace taizhang::api
