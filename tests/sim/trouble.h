// trouble.h - one operation on a machine whose disk may fail at any call.
#pragma once

#include "tests/sim/world.h"

#include <type_traits>

namespace taizhang::sim {

/// Runs `f` with a fault planned now and then; afterwards the machine may be down.
template <class F>
auto World::attempt(Machine& m, F&& f) {
    plan_trouble(m);
    auto result = f();
    after_trouble(m, result.has_error(), result ? Errc::internal : result.error().code);
    return result;
}

}  // namespace taizhang::sim
