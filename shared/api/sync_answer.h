// sync_answer.h - what a sync tells the person who asked for it.
#pragma once

#include "node/upstream.h"

#include <boost/json/value.hpp>

#include <cstdint>
#include <string_view>

namespace taizhang::api {

boost::json::value report_json(const node::SyncReport& report);

/// The line that a person needs when the link is down: nothing is lost, and when it is tried again. Other errors as
/// they are.
Error offline_error(const Error& e, std::uint64_t unsent, std::string_view when_zh, std::string_view when_en);

}  // namespace taizhang::api
