// new_file.h - commands write files, and never over one that is there. Threads: any.
#pragma once

#include "base/result.h"

#include <string>

namespace taizhang::api {

/// Errc::not_allowed when something is there under that name already.
Result<> check_is_new(const std::string& path);

}  // namespace taizhang::api
