// as_value.h - what the ledger answers, as the value that a command gives back. For the files that list commands.
#pragma once

#include "api/command.h"

#include <boost/json/value.hpp>

#include <utility>

namespace taizhang::api {

template <class T>
Result<boost::json::value> as_value(Result<T> r) {
    if (!r) return std::move(r).error();
    return boost::json::value(std::move(*r));
}

inline Result<boost::json::value> as_saved(Result<ledger::Saved> r) {
    if (!r) return std::move(r).error();
    return saved_json(*r);
}

}  // namespace taizhang::api
