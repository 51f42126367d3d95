// json_file.h - one JSON object in a file that is there whole or not at all: what a long run has come to.
#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <string>

namespace taizhang::support {

/// Nothing where there is no such file. Throws std::runtime_error with one line.
std::optional<boost::json::object> load_json(const std::string& path);
void save_json(const std::string& path, const boost::json::object& object);

}  // namespace taizhang::support
