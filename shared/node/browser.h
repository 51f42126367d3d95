// browser.h - opens the screens in the browser of whoever sits here, without the launch token on a command line, which
// every user of the PC can read: it goes by a page in the data folder that only its owner may read.
// Threads: any.
#pragma once

#include "base/result.h"

#include <string>

namespace taizhang::node {

/// The page lies there while a program serves (people.h, kLaunchFile).
inline constexpr const char* kLaunchPage = "launch.html";

/// By the program of BROWSER, otherwise by xdg-open; it goes on by itself. Errc::not_found: there is none.
Result<> open_browser(const std::string& dir, const std::string& address);

}  // namespace taizhang::node
