// token.h - by what the hub above knows this device: a secret, kept sealed to the device's own key.
//
// Whoever finds the database or a backup of it cannot go on as this device. Threads: store thread only.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace taizhang {
class Replica;
}

namespace taizhang::sync {

Result<> keep_token(Replica& r, std::string_view token);
/// Empty: not enrolled. Errc::not_allowed: sealed to another key than the one here.
Result<std::string> upstream_token(Replica& r);

}  // namespace taizhang::sync
