// audit.h - the audit at a terminal: page by page, onto it or into a file.
#pragma once

#include "api/command.h"

namespace taizhang::cli {

/// With `out` among the options into that file, else printed. Whether the data is served or not.
Result<> print_audit(const std::string& dir, api::Command command, bool as_json);

}  // namespace taizhang::cli
