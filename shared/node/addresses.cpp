#include "node/addresses.h"
#include "http/await.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#ifdef __linux__
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#include <array>

namespace taizhang::node {

std::vector<std::string> own_addresses() {
    std::vector<std::string> out;
#ifdef __linux__
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return out;
    for (const auto* i = list; i; i = i->ifa_next) {
        if (!i->ifa_addr) continue;
        std::array<char, INET6_ADDRSTRLEN> text{};
        // The system's interface hides each family's address behind the general one.
        if (i->ifa_addr->sa_family == AF_INET) {
            const auto* a = reinterpret_cast<const sockaddr_in*>(i->ifa_addr);
            if (::inet_ntop(AF_INET, &a->sin_addr, text.data(), text.size())) out.emplace_back(text.data());
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            const auto* a = reinterpret_cast<const sockaddr_in6*>(i->ifa_addr);
            if (::inet_ntop(AF_INET6, &a->sin6_addr, text.data(), text.size()))
                out.push_back("[" + std::string(text.data()) + "]");
        }
    }
    ::freeifaddrs(list);
#endif
    return out;
}

struct Addresses::Impl {
    explicit Impl(net::io_context& io) : socket(io) {}
    net::posix::stream_descriptor socket;
};

Addresses::Addresses(net::io_context& io) : impl_(std::make_unique<Impl>(io)) {
#ifdef __linux__
    const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0) return;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR;
    // The system's interface takes its own family's address behind the general one.
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(fd);
        return;
    }
    impl_->socket.assign(fd);
#endif
}

Addresses::~Addresses() { stop(); }

net::awaitable<bool> Addresses::changed() {
    if (!impl_->socket.is_open()) co_return false;
    // What it says does not matter: whether the hub can be reached is for a probe to find out. A message too many for
    // the buffer (ENOBUFS) is news as well.
    std::array<char, 8192> message;
    const auto space = net::buffer(message);
    auto result = co_await impl_->socket.async_read_some(space, http::kToken);
    const auto ec = std::get<0>(result);
    co_return !ec || ec == boost::system::errc::no_buffer_space;
}

void Addresses::stop() {
    boost::system::error_code ignored;
    impl_->socket.close(ignored);
}

}  // namespace taizhang::node
