// enrol_here.h - this PC becomes known to an office above, by a person at the screens.
//
// Twice: first without a code, and the fingerprint of whoever answers at that address is shown, to be compared with
// what the office above says; then with the code and that fingerprint, so that the code is told to nobody else.
// Without a network by two small files that somebody carries, and the same twice: the answer is looked at, then taken.
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

/// Without a network.
struct EnrolByFile {
    std::string server;       ///< for the day when there is a link; may be empty
    std::string answer;       ///< the office's file
    bool is_request = false;  ///< no file: the request is asked for
    std::string fingerprint;  ///< of the office, as it was compared; empty: the answer is only looked at
    bool is_taking() const { return !is_request && !fingerprint.empty(); }
};

/// What the page says, by the names of CLI.md; `bytes` is the answer. Refusals begin with the field's name.
Result<EnrolByFile> enrol_by_file_of(const std::map<std::string, std::string>& said);
bool is_enrol_by_file(const std::map<std::string, std::string>& said);

/// {"name","base64"} of the request; or {"unit","device","fingerprint"} of an answer, when it was taken with
/// {"enrolled":true}. Store thread only.
Result<boost::json::value> enrol_by_file(node::Node& node, const EnrolByFile& what);

}  // namespace taizhang::api
