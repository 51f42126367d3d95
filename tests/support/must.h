// must.h - for programs of the tests, which have nobody to tell but whoever started them: the value, or an exception.
#pragma once

#include "base/result.h"

#include <stdexcept>

namespace taizhang::support {

template <class T>
T must(Result<T> r) {
    if (!r) throw std::runtime_error(r.error().detail);
    return std::move(*r);
}
inline void must(Result<> r) {
    if (!r) throw std::runtime_error(r.error().detail);
}

}  // namespace taizhang::support
