// ranks.h - ranks (职级) as a ladder, and the rank that a meeting asks for when its convener does.
//
// A meeting that is convened by a leader wants the leaders of the units below, one convened by a deputy their deputies
// in charge: who sends somebody lower did not come. Pure. Threads: any.
#pragma once

#include "base/ids.h"

#include <string>
#include <string_view>

namespace taizhang::ledger {

/// Higher outranks; 0: the words name no rank. 县处级正职 and 正处级 are one, 县处级 by itself is below 县处级副职.
int rank_of(std::string_view words);

/// What a convener of an office at that level asks for; empty: the words do not say who convenes.
std::string rank_asked_by(std::string_view convener, Level host);

}  // namespace taizhang::ledger
