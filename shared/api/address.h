// address.h - what a request's address says. Threads: any.
#pragma once

#include "api/command.h"

#include <string_view>

namespace taizhang::api {

/// /api/show/A0017?person=…: the name, the arguments and the options that stand there.
void read_target(std::string_view target, Command& command);

}  // namespace taizhang::api
