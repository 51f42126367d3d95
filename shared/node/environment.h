// environment.h - the real clock and the real randomness. TAIZHANG_NOW sets the wall clock of a trial.
#pragma once

#include "replica/replica.h"

namespace taizhang::node {

/// Errc::usage when TAIZHANG_NOW is set and is no time.
Result<Environment> real_environment();
/// True when TAIZHANG_NOW is set: such a process serves loopback only.
bool is_trial_clock();

}  // namespace taizhang::node
