// enrol_here.h - this PC becomes known to an office above, by a person at the screens.
//
// Twice: first without a code, and the fingerprint of whoever answers at that address is shown, to be compared with
// what the office above says; then with the code and that fingerprint, so that the code is told to nobody else.
// Threads: the network's.
#pragma once

#include "api/command.h"
#include "node/store.h"

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>

namespace taizhang::api {

struct EnrolHere {
    std::string server;  ///< https://HOST:PORT
    std::string code;    ///< empty: only who is there
    std::string fingerprint;
};

/// What was typed; `https://` may be left out. Refusals begin with the field's name.
Result<EnrolHere> enrol_here_of(const std::string& server, const std::string& code, const std::string& fingerprint);

/// {"server","fingerprint"}, and with a code {"enrolled":true} too; fetches nothing yet.
boost::asio::awaitable<Result<boost::json::value>> enrol_here(node::Store& store, boost::asio::io_context& io,
                                                              EnrolHere what);

}  // namespace taizhang::api
