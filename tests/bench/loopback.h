// loopback.h - a hub behind a real socket and devices that speak to it: one process, databases on the disk.
#pragma once

#include "http/http.h"
#include "sync/hub.h"
#include "sync/session.h"
#include "tests/support/must.h"
#include "wire.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

namespace taizhang::bench {

using support::must;

std::unique_ptr<Replica> replica_in(const std::filesystem::path& file);
/// A city without keys, with the units and the one entity of the workload.
std::unique_ptr<Replica> city_in(const std::filesystem::path& file);

/// The hub behind its socket, on a thread of its own as it would be a process of its own; so is the device's link.
class Loopback {
public:
    explicit Loopback(sync::Hub& hub);
    ~Loopback();

    void enrol(Replica& device, const std::string& unit,
               sync::Enrolment::Begin begin = sync::Enrolment::Begin::with_state);
    /// One sync to its end, over a connection of its own.
    WireCost sync(Replica& device);

private:
    boost::asio::awaitable<http::Response> answer(http::Request q);
    std::future<std::string> ask(http::Client& client, std::string body);

    sync::Hub& hub_;
    boost::asio::io_context io_{1}, device_io_{1};
    http::Server server_;
    std::uint16_t port_ = 0;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()},
        device_work_{device_io_.get_executor()};
    std::thread hub_thread_, device_thread_;
};

}  // namespace taizhang::bench
