// doorstep.h - what a branch's program shows while there is nothing to serve yet: one page that asks one thing.
//
//   GET  /               the screens' files; they came with the program and hold nothing of the ledger
//   GET  /api/session    {"signed_in":false,"mode":…}: which question the page asks
//
// A file is POSTed as it is (application/octet-stream), with the token in the header x-taizhang-launch and the rest in
// the address. Everything else under /api is the question's own, or refused. Only who has a launch token, which lies in
// the folder, may answer: neither another user of the PC nor a page of another site gets to try. What is answered is
// served by the same front, so the page that is open goes on at its address. Threads: the io_context's.
#pragma once

#include "api/front.h"
#include "api/gate.h"
#include "api/launch.h"
#include "api/serve.h"

#include <map>
#include <optional>

namespace taizhang::api {

class Doorstep {
public:
    /// `mode` of the session, and the line that everything else is refused with.
    Doorstep(Front& front, std::string dir, const ServeOptions& options, std::string mode, std::string line);
    virtual ~Doorstep() = default;
    Doorstep(const Doorstep&) = delete;
    Doorstep& operator=(const Doorstep&) = delete;

    /// What was given out and is not used up: whoever came by it goes on with it.
    LaunchTokens tokens() const { return tokens_; }

protected:
    using Said = std::map<std::string, std::string>;
    /// Opens the front and asks, until `is_answered_`. False: SIGINT or SIGTERM came before that.
    Result<bool> wait_for_answer();
    /// The paths of the question; each is POSTed with a token.
    virtual bool is_own(const std::string& path) const = 0;
    virtual net::awaitable<http::Response> answer(Said said) = 0;
    /// What the page is told besides its mode.
    virtual boost::json::object news() const;

    Front& front_;
    const std::string dir_;
    bool is_answered_ = false;

private:
    Result<> begin();
    std::string new_address(bool is_lasting);
    net::awaitable<http::Response> handle(http::Request q);
    static std::optional<Said> said_of(const http::Request& q);
    std::optional<http::Response> screen_or_refusal(const http::Request& q, const std::string& path);
    net::awaitable<Result<boost::json::value>> at_terminal(Command c);

    const ServeOptions options_;
    const std::string mode_, line_;
    std::optional<Hosts> hosts_;
    std::string address_;
    std::function<void(std::span<std::uint8_t>)> random_;
    LaunchTokens tokens_;
    bool is_stopped_ = false;
};

}  // namespace taizhang::api
