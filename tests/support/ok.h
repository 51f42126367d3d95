// ok.h - whether a Result holds a value, for CHECK and REQUIRE; if not, the report says what went wrong.
#pragma once

#include "base/result.h"

#include <catch2/catch.hpp>

namespace taizhang::support {

template <class T>
bool ok(const Result<T>& r) {
    if (!r) UNSCOPED_INFO(r.error().detail);
    return r.has_value();
}

}  // namespace taizhang::support
