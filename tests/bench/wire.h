// wire.h - what a sync costs on the wire, between our own hub and device over a loopback socket.
#pragma once

#include "workload.h"

#include <filesystem>

namespace taizhang::bench {

struct WireCost {
    double up = 0, down = 0;  ///< bytes on the socket, HTTP headers included
    double requests = 0, seconds = 0;
};

struct WireCosts {
    WireCost first;    ///< a new device fetches the 20,000 rows, to its disk
    WireCost nothing;  ///< nothing new on either side
    WireCost ten;      ///< ten one-field edits, each a commit
    WireCost upload;   ///< the device that made the rows sends them up
};

/// In `dir`, which is empty. Throws what went wrong.
WireCosts measure_wire(const Workload& workload, const std::filesystem::path& dir);

}  // namespace taizhang::bench
