// export_city.h - the command `export-city`: what this node holds as a city file. Threads: store thread only.
#pragma once

#include "api/command.h"

#include <boost/json/value.hpp>

namespace taizhang::api {

/// {"file","bytes","records":{list:n}}. Errc::not_allowed when the file is there already; io, disk_full.
Result<boost::json::value> export_city(node::Node& node, const Command& command);

}  // namespace taizhang::api
