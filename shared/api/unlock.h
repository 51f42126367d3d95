// unlock.h - a branch's folder whose keys are protected by a passphrase that nobody has given yet: asks for it on a
// page.
//
//   GET  /               the screens' files; they came with the program and hold nothing of the ledger
//   GET  /api/session    {"signed_in":false,"mode":"locked"}
//   POST /api/unlock     {"token","passphrase"}: {"unlocked":true}, and soon the mode is another
//
// Everything else is refused: nothing of the folder was opened but the file of the key. Only who has a launch token,
// which lies in the folder, may try: neither another user of the PC nor a page of another site gets to guess, or can
// make the folder's owner wait. Wrong tries are slowed like those at a password (people/attempts.h).
// Threads: the io_context's. Design: docs/TRUST.md, "People".
#pragma once

#include "api/front.h"
#include "api/gate.h"
#include "api/launch.h"
#include "api/serve.h"
#include "people/attempts.h"

namespace taizhang::api {

class Unlock {
public:
    Unlock(Front& front, std::string dir, const ServeOptions& options);
    /// Opens the front and asks. The right passphrase, or an empty one: by SIGINT or SIGTERM.
    Result<std::string> wait();
    /// What was given out and is not used up: whoever came by it goes on with it.
    LaunchTokens tokens() const { return tokens_; }

private:
    Result<> begin();
    std::string new_address(bool is_lasting);
    net::awaitable<http::Response> handle(http::Request q);
    http::Response answer(const http::Request& q);
    http::Response unlock(const http::Request& q);
    net::awaitable<Result<boost::json::value>> at_terminal(Command c);

    Front& front_;
    std::string dir_;
    ServeOptions options_;
    std::optional<Hosts> hosts_;
    std::string address_;
    std::function<void(std::span<std::uint8_t>)> random_;
    LaunchTokens tokens_;
    people::Attempts attempts_;
    std::string passphrase_;
    bool is_stopped_ = false;
};

}  // namespace taizhang::api
