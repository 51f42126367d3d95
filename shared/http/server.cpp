// server.cpp - accepts, reads strictly, asks the handler, answers.
//
// One session, told by `serve`: wait for a header block, read the body, ask, answer, again.
#include "http/await.h"
#include "http/link.h"
#include "http/live_socket.h"
#include "http/message.h"
#include "http/wire.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace taizhang::http {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFirstPieceBytes = 4096;  // larger: more memory for each idle connection
constexpr std::size_t kRequestPieceBytes =
    16 * 1024;                              // smaller: more calls; larger: memory that nothing has arrived for
constexpr auto kLinger = 2s;                // shorter: a slow sender sees a reset instead of the reason
constexpr std::size_t kTurnedAwayMax = 64;  // beyond this many at once a refused connection gets no reason
constexpr auto kAcceptPause = 100ms;        // after a failed accept (no descriptors left), or it would fail in a circle

/// What came of waiting for one request.
struct Incoming {
    enum class End { request, refused, gone };
    End end = End::gone;
    Request request;
    strict::Framing framing;
    strict::Fault fault;
};

Incoming refused(int status, std::string line) {
    Incoming incoming;
    incoming.end = Incoming::End::refused;
    incoming.fault = strict::Fault{status, std::move(line)};
    return incoming;
}

Response one_line(int status, std::string line) {
    Response response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::move(line) + '\n';
    return response;
}

using Links = std::set<std::shared_ptr<Link>>;

/// Keeps a link in one of the server's sets for as long as its coroutine runs.
struct Registered {
    Links& links;
    std::shared_ptr<Link> link;
    Registered(Links& links_, std::shared_ptr<Link> link_) : links(links_), link(std::move(link_)) {}
    ~Registered() {
        link->close();
        links.erase(link);
    }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
};

/// One request's share of the memory for bodies; given back when the request has been answered.
struct Share {
    std::size_t& total;
    std::size_t taken = 0;
    explicit Share(std::size_t& total_) : total(total_) {}
    ~Share() { total -= taken; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    void take(std::size_t bytes) {
        taken += bytes;
        total += bytes;
    }
};

/// Whom an address stands for when connections are counted: of IPv6 its network, in which anybody has 2^64 of them.
std::string network_of(const std::string& peer) {
    error_code ec;
    const auto address = net::ip::make_address(peer, ec);
    if (ec || !address.is_v6()) return peer;
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), 0);
    return net::ip::address_v6(bytes).to_string();
}

struct Listen {
    net::ip::address address;
    std::uint16_t port = 0;
};

std::optional<Listen> parse_listen(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    auto host = text.substr(0, colon);
    const auto port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    const unsigned long number = std::stoul(port);
    if (number > 65535) return std::nullopt;
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    error_code ec;
    const auto address = net::ip::make_address(host, ec);
    if (ec || address.is_v6() != bracketed) return std::nullopt;
    return Listen{address, static_cast<std::uint16_t>(number)};
}

}  // namespace

struct Server::Impl {
    using Self = std::shared_ptr<Impl>;
    using LinkPtr = std::shared_ptr<Link>;

    Impl(net::io_context& io_, Limits limits_, Handler handler_)
        : io(io_), limits(limits_), handler(std::move(handler_)), acceptor(io_), pause(io_) {
        limits.header_bytes_max = std::min(limits.header_bytes_max, kHeaderBytesCeiling);
    }

    static net::awaitable<void> accept_loop(Self self);
    static void admit(Self self, Tcp::socket socket);
    bool make_room_for(const std::string& address);
    static net::awaitable<void> serve(Self self, LinkPtr link, std::string peer);
    static net::awaitable<void> turn_away(Self self, LinkPtr link);
    static net::awaitable<bool> greet(Self self, LinkPtr link);

    // The steps of one session.
    static net::awaitable<Incoming> read_request(Self self, LinkPtr link, bool is_first);
    static net::awaitable<Incoming> read_body(Self self, LinkPtr link, Incoming incoming, Share* share);
    static net::awaitable<Response> ask(Self self, Request request);
    static net::awaitable<bool> answer(Self self, LinkPtr link, Response response, bool is_head, bool close);
    /// A WebSocket, if the gate lets it in: null when it was answered otherwise.
    static net::awaitable<std::optional<Response>> live(Self self, LinkPtr link, Request request);
    bool is_for_door(const Request& request) const {
        return door && request.target == door->target && asks_for_live(request);
    }

    Pace pace() const { return Pace(Clock::now(), limits.body_grace, limits.body_bytes_per_second_min); }

    net::io_context& io;
    Limits limits;
    Handler handler;
    Tcp::acceptor acceptor;
    net::steady_timer pause;
    bool stopping = false;
    Links sessions, turned_away;
    std::optional<LiveDoor> door;
    std::shared_ptr<Tls> tls;
    std::set<std::shared_ptr<Live>> lives;
    std::size_t body_bytes = 0;  ///< of all requests being read or answered now
};

net::awaitable<void> Server::Impl::accept_loop(Self self) {
    bool complained = false;
    while (!self->stopping) {
        auto result = co_await self->acceptor.async_accept(kToken);
        const auto ec = std::get<0>(result);
        if (self->stopping) co_return;
        if (!ec) {
            complained = false;
            admit(self, std::move(std::get<1>(result)));
            continue;
        }
        if (!complained) log_line("accept: " + ec.message());
        complained = true;
        self->pause.expires_after(kAcceptPause);
        auto paused = co_await self->pause.async_wait(kToken);
        static_cast<void>(paused);
    }
}

void Server::Impl::admit(Self self, Tcp::socket socket) {
    const auto peer = peer_of(socket);
    if (peer.empty()) return;  // gone already
    error_code ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    const auto link = std::make_shared<Link>(std::move(socket));
    link->address = network_of(peer);
    const bool has_room = self->sessions.size() < self->limits.connections_max || self->make_room_for(link->address);
    if (has_room) {
        self->sessions.insert(link);
        net::co_spawn(self->io, serve(self, link, peer), LogFailure{"session"});
    } else if (self->turned_away.size() < kTurnedAwayMax) {
        self->turned_away.insert(link);
        net::co_spawn(self->io, turn_away(self, link), LogFailure{"turning away"});
    }
}

/// All places are taken: hangs up on an idle connection of the address that has most, if that has more than this one
/// would have then. So a flood from one address locks nobody else out, and an office behind one address may have many.
bool Server::Impl::make_room_for(const std::string& address) {
    std::unordered_map<std::string_view, std::size_t> counts;
    for (const auto& link : sessions)
        if (!link->is_closed()) ++counts[link->address];
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto own = counts.find(address);
    if (most == counts.end() || most->second <= (own == counts.end() ? 0 : own->second) + 1) return false;
    for (const auto& link : sessions) {
        if (link->address != most->first || !link->is_idle || link->is_closed()) continue;
        link->close();
        return true;
    }
    return false;
}

net::awaitable<void> Server::Impl::serve(Self self, LinkPtr link, std::string peer) {
    const Registered registered(self->sessions, link);
    if (self->tls) {
        const bool is_greeted = co_await greet(self, link);
        if (!is_greeted) co_return;
    }
    for (bool is_first = true;; is_first = false) {
        Share share(self->body_bytes);
        link->is_idle = true;
        auto incoming = co_await read_request(self, link, is_first);
        link->is_idle = false;
        if (incoming.end == Incoming::End::request)
            incoming = co_await read_body(self, link, std::move(incoming), &share);
        if (incoming.end == Incoming::End::gone) co_return;

        if (incoming.end == Incoming::End::refused) {
            // Where the next request would begin is not certain any more.
            auto refusal = one_line(incoming.fault.status, std::move(incoming.fault.line));
            const bool sent = co_await answer(self, link, std::move(refusal), false, true);
            if (sent) co_await link->linger(Clock::now() + kLinger);
            co_return;
        }

        const bool is_head = incoming.request.method == "HEAD";
        incoming.request.peer = peer;
        link->rest();
        Response response;
        if (self->is_for_door(incoming.request)) {
            auto refusal = co_await live(self, link, std::move(incoming.request));
            if (!refusal) co_return;
            response = std::move(*refusal);
        } else {
            response = co_await ask(self, std::move(incoming.request));
        }
        const bool close = incoming.framing.close || self->stopping;
        const bool sent = co_await answer(self, link, std::move(response), is_head, close);
        if (!sent) co_return;
        if (close) {
            co_await link->linger(Clock::now() + kLinger);
            co_return;
        }
    }
}

/// The TLS handshake. Whoever speaks plain HTTP here hears why nothing comes of it.
net::awaitable<bool> Server::Impl::greet(Self self, LinkPtr link) {
    link->expire_at(Clock::now() + self->limits.header_deadline);
    const bool is_tls = co_await link->speaks_tls();
    if (is_tls) {
        auto tls = self->tls;
        const auto ec = co_await link->secure(std::move(tls), {}, false);
        link->rest();
        co_return !ec;
    }
    auto refusal = one_line(400, "这里只接受 https:// / only https:// is accepted here");
    const bool sent = co_await answer(self, link, std::move(refusal), false, true);
    if (sent) co_await link->linger(Clock::now() + kLinger);
    co_return false;
}

net::awaitable<void> Server::Impl::turn_away(Self self, LinkPtr link) {
    const Registered registered(self->turned_away, link);
    auto refusal = one_line(503, "连接太多，请稍后再试 / too many connections, try again later");
    const bool sent = co_await answer(self, link, std::move(refusal), false, true);
    if (sent) co_await link->linger(Clock::now() + kLinger);
}

net::awaitable<Incoming> Server::Impl::read_request(Self self, LinkPtr link, bool is_first) {
    const auto& limits = self->limits;
    Incoming incoming;
    if (link->inbox.empty()) {
        // Whoever connects should have something to say; only a kept connection may be silent for long.
        link->expire_at(Clock::now() + (is_first ? limits.header_deadline : limits.idle_deadline));
        const auto ec = co_await link->read_some(&link->inbox, kFirstPieceBytes);
        if (ec) co_return incoming;  // nothing was asked, nothing is answered
    }
    link->expire_at(Clock::now() + limits.header_deadline);
    auto read = co_await link->read_head(limits.header_bytes_max);
    switch (read.end) {
        case HeadRead::End::complete: break;
        case HeadRead::End::closed: co_return incoming;
        case HeadRead::End::timed_out:
            incoming = refused(408, "头部来得太慢 / the header took too long");
            co_return incoming;
        case HeadRead::End::too_long: incoming = refused(431, "头部太长 / the header is too long"); co_return incoming;
        case HeadRead::End::malformed: incoming = refused(400, std::move(read.why)); co_return incoming;
    }
    auto fault = strict::check_request(read.head, limits.headers_max, limits.body_bytes_max, incoming.framing);
    if (fault) {
        incoming = refused(fault->status, std::move(fault->line));
        co_return incoming;
    }
    auto request = request_from(read.head);
    if (!request) {
        incoming = refused(400, "头部不对 / the header is not valid");
        co_return incoming;
    }
    incoming.request = std::move(*request);
    incoming.end = Incoming::End::request;
    co_return incoming;
}

net::awaitable<Incoming> Server::Impl::read_body(Self self, LinkPtr link, Incoming incoming, Share* share) {
    const std::size_t length = incoming.framing.content_length.value_or(0);
    auto& body = incoming.request.body;
    auto pace = self->pace();
    body = link->take(length);
    share->take(body.size());
    if (incoming.framing.expects_continue && body.size() < length) {
        const auto ec = co_await link->write("HTTP/1.1 100 Continue\r\n\r\n", {}, &pace);
        if (ec) {
            incoming.end = Incoming::End::gone;
            co_return incoming;
        }
    }
    while (body.size() < length) {
        if (self->body_bytes >= self->limits.bodies_bytes_max) {
            incoming = refused(503, "同时到达的正文太多，请稍后再试 / too many bodies at once, try again later");
            co_return incoming;
        }
        const auto before = body.size();
        link->expire_at(pace.deadline);
        const auto ec = co_await link->read_some(&body, std::min(length - before, kRequestPieceBytes));
        share->take(body.size() - before);
        pace.moved(body.size() - before, Clock::now());
        if (ec) {
            if (ec == net::error::timed_out)
                incoming = refused(408, "正文来得太慢 / the body came too slowly");
            else
                incoming.end = Incoming::End::gone;
            co_return incoming;
        }
    }
    co_return incoming;
}

net::awaitable<Response> Server::Impl::ask(Self self, Request request) {
    // Without the query: it may hold what should not stay in a log.
    const std::string what = request.method + ' ' + request.target.substr(0, request.target.find('?'));
    Response response;
    try {
        auto answering = self->handler(std::move(request));
        response = co_await std::move(answering);
        co_return response;
    } catch (const std::exception& e) {
        log_line(what + ": " + e.what());
    } catch (...) {
        log_line(what + ": unknown exception");
    }
    // What went wrong inside is for the log, not for whoever asked.
    response = one_line(500, "服务器内部出错 / internal error");
    co_return response;
}

/// The answer of a gate that stays closed; nothing once the connection has been a WebSocket.
net::awaitable<std::optional<Response>> Server::Impl::live(Self self, LinkPtr link, Request request) {
    Response verdict;
    bool failed = false;
    try {
        auto asking = self->door->gate(request);
        verdict = co_await std::move(asking);
    } catch (const std::exception& e) {
        log_line(std::string("live: ") + e.what());
        failed = true;
    }
    if (failed) verdict = one_line(500, "服务器内部出错 / internal error");
    if (verdict.status != 200) co_return verdict;
    if (!link->inbox.empty() || self->stopping) co_return std::nullopt;  // spoke before it was answered
    auto wire = link->release();
    auto accepted = co_await accept_live(std::move(wire), request, self->door->silence);
    if (!accepted || self->stopping) co_return std::nullopt;
    self->lives.insert(accepted);
    try {
        auto running = self->door->run(accepted, std::move(request));
        co_await std::move(running);
    } catch (const std::exception& e) {
        log_line(std::string("live: ") + e.what());
    }
    accepted->close();
    self->lives.erase(accepted);
    co_return std::nullopt;
}

net::awaitable<bool> Server::Impl::answer(Self self, LinkPtr link, Response response, bool is_head, bool close) {
    auto head = response_head(response, close);
    if (!head) {
        log_line(head.error().detail);
        response = one_line(500, "服务器内部出错 / internal error");
        head = response_head(response, close);
    }
    auto pace = self->pace();
    const std::string_view body = is_head ? std::string_view() : std::string_view(response.body);
    const auto ec = co_await link->write(*head, body, &pace);
    co_return !ec;
}

Server::Server(net::io_context& io, Limits limits, Handler handler)
    : impl_(std::make_shared<Impl>(io, limits, std::move(handler))) {}

Server::~Server() { stop(); }

Result<std::uint16_t> Server::listen(const std::string& listen) {
    const auto wanted = parse_listen(listen);
    if (!wanted)
        return fail(Errc::usage,
                    "监听地址应为 数字地址:端口，而不是 " + listen + " / listen wants ADDRESS:PORT, not " + listen);
    auto& acceptor = impl_->acceptor;
    if (acceptor.is_open() || impl_->stopping)
        return fail(Errc::usage, "已经在监听或已停止 / already listening, or stopped");
    const Tcp::endpoint endpoint(wanted->address, wanted->port);
    error_code ec;
    acceptor.open(endpoint.protocol(), ec);
#ifndef _WIN32
    // A restart must not wait for old connections to fade; on Windows the option would let two programs share a port.
    if (!ec) acceptor.set_option(Tcp::acceptor::reuse_address(true), ec);
#endif
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(net::socket_base::max_listen_connections, ec);
    const auto bound = ec ? endpoint : acceptor.local_endpoint(ec);
    if (ec) {
        error_code ignored;
        acceptor.close(ignored);
        const auto text = "不能监听 " + listen + " / cannot listen on " + listen + " (" + ec.message() + ")";
        if (ec == net::error::address_in_use) return fail(Errc::busy, text);
        if (ec == net::error::access_denied) return fail(Errc::not_allowed, text);
        return fail(Errc::usage, text);
    }
    net::co_spawn(impl_->io, Impl::accept_loop(impl_), LogFailure{"accepting"});
    return bound.port();
}

void Server::secure(std::shared_ptr<Tls> tls) { impl_->tls = std::move(tls); }
void Server::open_door(LiveDoor door) { impl_->door = std::move(door); }

void Server::stop() {
    impl_->stopping = true;
    error_code ignored;
    impl_->acceptor.close(ignored);
    impl_->pause.cancel();
    for (const auto& link : impl_->sessions) link->close();
    for (const auto& link : impl_->turned_away) link->close();
    for (const auto& live : impl_->lives) live->close();
}

std::size_t Server::connections() const { return impl_->sessions.size(); }

}  // namespace taizhang::http
