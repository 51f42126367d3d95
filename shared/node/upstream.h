// upstream.h - one enrolment or one sync with the hub above, over HTTP.
#pragma once

#include "http/http.h"
#include "node/store.h"
#include "sync/session.h"

namespace taizhang::node {

struct SyncReport {
    std::uint64_t sent = 0, received = 0, bytes_up = 0, bytes_down = 0, round_trips = 0, unsent = 0, cuts = 0;
    std::uint64_t acked_township = 0, acked_city = 0;
    std::vector<std::string> refused;
    bool is_good_link = false;         ///< worth a live connection
    std::vector<std::string> notices;  ///< what a person should know since this sync; one line each, both languages
};

/// A message for the hub, and what its answer means when it is not 200: the hub says what is wrong in one line, which
/// error it is follows from the status.
http::Request post_to(const char* target, std::string body);
Error refusal(const http::Response& response);

/// Who is there? The fingerprint of the server at `url`, for people to compare before a code is told; empty in a city
/// without keys.
net::awaitable<Result<std::string>> fingerprint_at(Store& store, net::io_context& io, std::string url);

/// Enrols with a one-time code; fetches nothing yet. Gives the fingerprint for people to compare; with `fingerprint`
/// the server is asked for it first, and Errc::denied when it is another: then no code was told. `begin`: what a node
/// without data begins with.
net::awaitable<Result<std::string>> enrol(Store& store, net::io_context& io, std::string url, std::string code,
                                          std::string label, sync::Enrolment::Begin begin,
                                          std::string fingerprint = {});

/// What a sync has done so far, for whoever watches. Written on the network's thread.
struct SyncProgress {
    bool is_running = false;
    std::uint64_t sent = 0, to_send = 0;  ///< commits; to_send: of this sync, sent ones included
    std::uint64_t received = 0;
    std::uint64_t bytes_up = 0, bytes_down = 0, round_trips = 0, cuts = 0;
};

/// Syncs until both sides have what they may have. On a dropped link what was acknowledged stays; as long as each try
/// gets something through, it is taken up again. Errc::offline when several in a row got nothing through.
net::awaitable<Result<SyncReport>> sync_once(Store& store, net::io_context& io, std::shared_ptr<http::Client> client,
                                             std::shared_ptr<SyncProgress> progress = nullptr);

}  // namespace taizhang::node
