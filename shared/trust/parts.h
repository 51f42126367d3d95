// parts.h - the suites behind suite(); for shared/trust/*.cpp only.
#pragma once

#include "trust/suite.h"

namespace taizhang::trust {

const Suite& sodium_suite();
const Suite& sm_suite();

/// What is really signed: who signs for what cannot be mixed up.
std::string signed_bytes(std::string_view purpose, std::string_view bytes);

}  // namespace taizhang::trust
