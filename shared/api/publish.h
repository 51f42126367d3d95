// publish.h - `taizhangd catalog`: the city publishes what may be recorded, or looks at what is published.
#pragma once

#include "api/command.h"

namespace taizhang::api {

/// Without a file, or with `show`: the newest version and its text. With a file: checks it against what is there and
/// publishes it through the control log; with `dry-run` it says what would change and publishes nothing.
/// Errc::bad_input names the place or what would be orphaned; not_allowed anywhere but at the city's root.
Result<boost::json::value> publish(node::Node& n, const Command& c);

}  // namespace taizhang::api
