// revoke.h - devices, and taking their rights away. Threads: store thread only. Design: docs/TRUST.md.
#pragma once

#include "api/command.h"

namespace taizhang::api {

/// Option `alone` of the commands that write the city's log: a person says that nobody is left below who could know
/// more of it (sync/restored.h).
Result<> heed_alone(node::Node& n, const Command& c);

/// Every replica with a certificate here.
Result<boost::json::value> devices(node::Node& n, const Command& c);
/// What this server has of it counts, unless `none`; whatever comes later is quarantined. With all incarnations of its
/// key. Errc::not_allowed where the root key is not.
Result<boost::json::value> revoke(node::Node& n, const Command& c);
/// One quarantined commit counts after all.
Result<boost::json::value> release(node::Node& n, const Command& c);

}  // namespace taizhang::api
