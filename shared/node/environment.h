// environment.h - the real clock and the real randomness. TAIZHANG_NOW sets the wall clock of a trial.
#pragma once

#include "replica/replica.h"

namespace taizhang::node {

/// Errc::usage when TAIZHANG_NOW is set and is no time.
Result<Environment> real_environment();
/// True when TAIZHANG_NOW is set: such a process serves loopback only.
bool is_trial_clock();
/// Milliseconds since the PC was started, those asleep included.
std::int64_t uptime_ms();
/// Of them, asleep.
std::int64_t slept_ms();

}  // namespace taizhang::node
