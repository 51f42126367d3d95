// sign_in.h - who may use the screens and the API of this node, and as whom.
//
//   GET  /api/session             whether one is signed in, as whom, and what is refused to one
//   POST /api/launch   {"token"}  a launch token for a session of whoever holds the data folder, once
//   POST /api/login    {"account","password"}
//   POST /api/password {"old","new"}
//   POST /api/logout
//
// An office without accounts opens on the PC itself only, by a launch token; with accounts, on the network as well, by
// signing in. The answer that opens a session sets the cookie and says the keys that the screens keep
// (people/sessions.h). Threads: the io_context's. Design: docs/TRUST.md, "People".
#pragma once

#include "api/gate.h"
#include "api/hashing.h"
#include "api/launch.h"
#include "api/may.h"
#include "node/store.h"
#include "people/attempts.h"
#include "people/sessions.h"

#include <map>

namespace taizhang::api {

class SignIn {
public:
    using Sessions = people::Sessions;
    struct Options {
        std::string dir;
        people::SessionLimits limits;
        Sessions::Random random;
        LaunchTokens launch = {};  ///< that were given out already, while the keys were locked
    };
    SignIn(node::Store& store, Options options);

    /// Before anything else: who has an account.
    net::awaitable<Result<std::string>> read_accounts();
    /// Once it listens: sessions of before, the first launch address. `address` is http(s)://HOST:PORT.
    Result<> begin(std::string address, std::uint16_t port, bool is_secure);
    /// The address with a fresh launch token; the bare address where people sign in.
    std::string open_address();
    /// The last thing: nobody can be let in by what lies there.
    void end();

    bool is_own_target(std::string_view path) const;
    net::awaitable<http::Response> answer(http::Request q);

    /// The person behind a request of the API; or the answer that says why there is none.
    std::optional<Who> who(const http::Request& q, people::Sessions::Key key);
    http::Response nobody(const http::Request& q) const;
    /// Screens are shown: on the PC itself, or wherever people sign in.
    bool is_open_to(const http::Request& q) const { return has_accounts() || is_on_this_pc(q); }
    bool has_accounts() const { return !accounts_.empty(); }

    /// After a command that changed accounts.
    void accounts_changed(people::Accounts accounts);

private:
    static bool is_on_this_pc(const http::Request& q);
    std::int64_t now_ms() const;
    std::string cookie_name(const char* what) const;
    std::string set_cookie(const char* what, const std::string& value, std::int64_t seconds) const;
    /// `seconds`: how long the browser keeps the cookie; -1: until it is closed.
    http::Response signed_in(const people::Sessions::Secrets& made, const std::string& browser,
                             std::int64_t seconds = -1) const;
    void keep_sessions();
    Result<> write_launch_file();
    people::Caller caller_of(const http::Request& q, const people::Account* account) const;

    net::awaitable<http::Response> session(http::Request q);
    net::awaitable<http::Response> login(http::Request q);
    net::awaitable<http::Response> change_password(http::Request q);
    http::Response launch(const http::Request& q);
    http::Response logout(const http::Request& q);

    node::Store& store_;
    Options options_;
    Hashing hashing_;
    people::Sessions sessions_;
    people::Attempts attempts_;
    people::Accounts accounts_;
    LaunchTokens launch_;
    std::string address_;
    std::uint16_t port_ = 0;
    bool is_secure_ = false;
};

http::Response json_response(int status, const boost::json::value& v);
/// {"error":{"code","line"}}; `code` for what has no Errc: signed_out, no_person, slow_down.
http::Response error_response(int status, std::string_view code, std::string_view line);

/// The fields of a small JSON body, as texts. Only what a script of this origin can send: forms cannot say this type.
std::optional<std::map<std::string, std::string>> body_of(const http::Request& q);
http::Response bad_request();
http::Response wait_response(std::int64_t wait_ms);

}  // namespace taizhang::api
