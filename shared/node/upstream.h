// upstream.h - one enrolment or one sync with the hub above, over HTTP.
#pragma once

#include "http/http.h"
#include "node/store.h"
#include "sync/session.h"

namespace taizhang::node {

struct SyncReport {
    std::uint64_t sent = 0, received = 0, bytes_up = 0, bytes_down = 0, round_trips = 0, unsent = 0;
    std::uint64_t acked_township = 0, acked_city = 0;
    std::vector<std::string> refused;
};

/// Enrols with a one-time code; fetches nothing yet. Errc::offline, denied, protocol.
/// `begin`: what a node without data begins with.
net::awaitable<Result<std::string>> enrol(Store& store, net::io_context& io, std::string url, std::string code,
                                          std::string label, sync::Enrolment::Begin begin);

/// Syncs until both sides have what they may have. On a dropped link what was acknowledged stays.
net::awaitable<Result<SyncReport>> sync_once(Store& store, net::io_context& io, std::shared_ptr<http::Client> client);

}  // namespace taizhang::node
