// quota.h - how much one enrolled device may ask of a hub at once, and how much a stranger.
//
// Everybody's work passes one store thread. A device that floods it, because it is broken or somebody else's by now,
// is told to wait, and the others are served. Each device has two purses, requests and bytes, that fill up again with
// time; what an honest device does, even a new one that fetches everything, never empties them. A stranger's message
// is refused before it is unpacked once his address has asked too often; an address from which an enrolled device spoke
// within the hour is never held up for what others there do.
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

class Strangers {
public:
    // Higher: a flood costs more before it is held up; lower: somebody who mistypes a code is.
    static constexpr Quota::Purse kRequests{60, 0.5};
    static constexpr std::int64_t kKnownMs = 3'600'000;
    static constexpr std::size_t kAddressesMax = 4096;  // more than that share one purse

    /// Before a message from there is unpacked. Errc::busy: too many of them were nobody's. Empty: this PC itself.
    Result<> let_speak(const std::string& address, std::int64_t now_ms);
    /// What it was: an enrolled device's or a stranger's.
    void heard(const std::string& address, bool is_device, std::int64_t now_ms);

private:
    struct Place {
        double left = kRequests.most;
        std::int64_t at_ms = 0, known_until_ms = 0;
    };
    Place& place_of(const std::string& address, std::int64_t now_ms);
    std::unordered_map<std::string, Place> places_;
};

/// What a purse is for: the address; of IPv6, where one PC has many, its network. Empty: this PC itself, and whatever
/// stands before the server on it.
std::string network_of(const std::string& peer);

/// Before a device's message is handled. What is nobody's is let through while there are few of it: its handler says
/// what is wrong with it. `address`: without port; empty for this PC itself.
Result<> admit(sync::Hub& hub, std::string_view message, const std::string& address, Quota& quota,
               Strangers& strangers);

}  // namespace taizhang::api
