// quota.h - how much one enrolled device may ask of a hub at once.
//
// Everybody's work passes one store thread. A device that floods it, because it is broken or somebody else's by now,
// is told to wait, and the others are served. Each device has two purses, requests and bytes, that fill up again with
// time; what an honest device does, even a new one that fetches everything, never empties them.
// Threads: store thread only. Time is handed in.
#pragma once

#include "sync/hub.h"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace taizhang::api {

class Quota {
public:
    // Higher: a flood takes more from others before it is held up; lower: a device with much to send is held up.
    struct Purse {
        double most, per_second;
    };
    static constexpr Purse kRequests{600, 10}, kBytes{256.0 * 1024 * 1024, 2.0 * 1024 * 1024};

    /// A request of that size. Errc::busy: too much, with the seconds after which it may try again.
    Result<> take(const std::string& device, std::size_t bytes, std::int64_t now_ms);

private:
    struct Left {
        double requests = kRequests.most, bytes = kBytes.most;
        std::int64_t at_ms = 0;
    };
    std::unordered_map<std::string, Left> left_;  // known devices only, so their number bounds it
};

/// Before a device's message is handled. What is nobody's is let through: its handler says what is wrong with it.
Result<> admit(sync::Hub& hub, std::string_view message, Quota& quota);

}  // namespace taizhang::api
