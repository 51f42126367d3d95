// good.h - a result that must be there, or must not; fields of an answer; days that pass. For Catch2 tests of
// shared/ledger.
#pragma once

#include "base/result.h"
#include "tests/support/world.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <string>

namespace taizhang::support {

template <class T>
T good(Result<T> r) {
    if (!r) FAIL(r.error().detail);
    return std::move(*r);
}

/// The line that it fails with.
template <class T>
std::string fails(Result<T> r) {
    REQUIRE(r.has_error());
    return r.error().detail;
}

inline std::string text_of(const boost::json::value& o, const char* key) {
    return std::string(o.as_object().at(key).as_string());
}

inline void wait(Device& d, int days) {
    const auto ms = days * std::int64_t{86'400'000};
    d.clock.wall_ms += ms;
    d.clock.steady_ms += ms;
}

}  // namespace taizhang::support
