// addresses.h - hears when this PC gets or loses an address or a route, so that a link that appears is used at once.
//
// Linux tells it by netlink; elsewhere, and where that is not allowed, nothing is heard
// and the agent's probes have to do. Threads: the io_context's one thread.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace taizhang::node {

namespace net = boost::asio;

/// This PC's addresses, IPv6 in brackets, as they stand in a browser's address line.
std::vector<std::string> own_addresses();

class Addresses {
public:
    explicit Addresses(net::io_context& io);
    ~Addresses();
    /// Waits for the next change; what belongs together counts once. False: nothing will be heard.
    net::awaitable<bool> changed();
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace taizhang::node
