// base64.h - bytes inside a JSON answer, for somebody who saves the file himself (RFC 4648, with padding).
// Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace taizhang::api {

std::string base64(std::string_view bytes);

}  // namespace taizhang::api
