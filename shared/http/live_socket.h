// live_socket.h - how a connection of ours becomes a WebSocket. Inside shared/http only.
#pragma once

#include "http/live.h"

namespace taizhang::http {

struct Wire;

/// Whether the request asks for a WebSocket.
bool asks_for_live(const Request& request);
/// Answers the handshake on a socket from which the request was read. Null when it is malformed or the link is gone.
net::awaitable<std::shared_ptr<Live>> accept_live(std::unique_ptr<Wire> wire, Request request,
                                                  std::chrono::milliseconds silence);
/// Makes the handshake on a connected socket.
net::awaitable<Result<std::shared_ptr<Live>>> start_live(std::unique_ptr<Wire> wire, std::string host,
                                                         std::string target, Headers headers,
                                                         std::chrono::milliseconds deadline,
                                                         std::chrono::milliseconds silence);

}  // namespace taizhang::http
