// screens.h - the web screens, served from inside the binary.
//
// shared/web is built into one archive: a head of text, then every file gzipped.
//
//   TZSCREENS 1\n
//   PATH\tTYPE\tETAG\tBYTES\n …      ends with an empty line; the bytes follow in the same order
//
// Only the paths of the archive are served, and `/` for index.html. Every browser that
// can show the screens takes gzip, so nothing is kept unpacked.
// Threads: any; the archive does not change while the process lives.
#pragma once

#include "http/http.h"

#include <optional>
#include <string_view>

namespace taizhang::api {

/// The answer for a path of the screens; nothing when it is none of theirs.
std::optional<http::Response> screen(const http::Request& request);

/// The same from another archive, for tests. Nothing, too, when `archive` makes no sense.
std::optional<http::Response> screen_from(std::string_view archive, const http::Request& request);

}  // namespace taizhang::api
