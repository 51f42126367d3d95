// client.cpp - one kept connection, one request at a time, one deadline for the whole of it.
#include "http/await.h"
#include "http/link.h"
#include "http/live_socket.h"
#include "http/message.h"
#include "http/wire.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>

namespace taizhang::http {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kAnswerHeaderBytesMax = 16 * 1024;  // lower: an answer through a talkative proxy is refused
constexpr std::size_t kAnswerHeadersMax = 128;
constexpr std::size_t kBodyPieceBytes = 64 * 1024;
constexpr auto kDeadlineMax = std::chrono::hours(24);  // keeps now + deadline far from overflow

/// What came of one try on one connection.
struct Attempt {
    Response response;
    std::optional<Error> error;
    bool reusable = false;  ///< the connection can carry the next request
    bool unheard = false;   ///< the connection broke before any byte of an answer
};

/// Shared with the resolver's thread, which cannot be interrupted: at the deadline it is left to finish alone.
struct Lookup {
    explicit Lookup(net::io_context& io) : resolver(io), done(io) {}
    Tcp::resolver resolver;
    net::steady_timer done;
    error_code ec = net::error::timed_out;
    std::vector<Tcp::endpoint> endpoints;
};

void start_lookup(std::shared_ptr<Lookup> lookup, const Origin& origin) {
    auto finish = [lookup](error_code ec, Tcp::resolver::results_type found) {
        lookup->ec = ec;
        for (const auto& entry : found) lookup->endpoints.push_back(entry.endpoint());
        lookup->done.cancel();
    };
    lookup->resolver.async_resolve(origin.host, origin.port, Tcp::resolver::numeric_service, std::move(finish));
}

}  // namespace

struct Client::Impl {
    using Self = std::shared_ptr<Impl>;
    using LinkPtr = std::shared_ptr<Link>;

    Impl(net::io_context& io_, std::string url_, std::shared_ptr<Tls> tls_)
        : io(io_), url(std::move(url_)), origin(parse_origin(url)), tls(std::move(tls_)) {
        if (!origin) return;
        const bool is_v6 = origin->host.find(':') != std::string::npos;
        host = is_v6 ? "[" + origin->host + "]" : origin->host;
        where = host + ":" + origin->port;
        if (origin->port != (origin->is_secure ? "443" : "80")) host = where;
    }

    static net::awaitable<Result<Response>> send(Self self, Request request, std::chrono::milliseconds deadline,
                                                 std::size_t body_bytes_max);
    static net::awaitable<Result<Response>> talk(Self self, Request request, Clock::time_point until,
                                                 std::size_t body_bytes_max);
    static net::awaitable<Result<>> reach(Self self, std::chrono::milliseconds deadline);
    static net::awaitable<error_code> connect(Self self, Clock::time_point until);
    static net::awaitable<error_code> greet(Self self, LinkPtr link);
    static net::awaitable<error_code> resolve(Self self, Clock::time_point until,
                                              std::vector<Tcp::endpoint>* endpoints);
    static net::awaitable<Attempt> exchange(Self self, LinkPtr link, std::string_view head, std::string_view body,
                                            bool is_head, std::size_t body_bytes_max);
    static net::awaitable<Result<std::shared_ptr<Live>>> open_live(Self self, std::string target, Headers headers,
                                                                   std::chrono::milliseconds deadline,
                                                                   std::chrono::milliseconds silence);
    Error offline(error_code ec) const;
    Error protocol(std::string_view why) const;
    void drop();

    net::io_context& io;
    std::string url;
    Result<Origin> origin;
    std::shared_ptr<Tls> tls;
    std::string peer;              ///< of the newest connection, as Tls::Believe said
    std::optional<Error> refusal;  ///< why the server is not believed, when that ended a connection
    std::string host;              ///< for the Host header: without the port when it is 80
    std::string where;             ///< for messages
    LinkPtr link;
    std::shared_ptr<Lookup> lookup;              ///< while a name is being resolved
    std::uint64_t bytes_up = 0, bytes_down = 0;  ///< of connections that are gone
    std::uint64_t retries = 0;
    std::uint64_t closings = 0;  ///< a request in flight notices that `close` was called
    bool sending = false;
    Timing timing;
};

namespace {

std::chrono::milliseconds since(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

struct Sending {
    bool& flag;
    explicit Sending(bool& flag_) : flag(flag_) { flag = true; }
    ~Sending() { flag = false; }
    Sending(const Sending&) = delete;
    Sending& operator=(const Sending&) = delete;
};

}  // namespace

Error Client::Impl::offline(error_code ec) const {
    if (ec == net::error::access_denied && refusal) return *refusal;
    if (ec.category() == net::error::get_ssl_category())
        return fail(Errc::offline, where + " 不能建立加密连接,可能不是台账服务器 / no TLS connection to " + where +
                                       ": it may be no server of this program (" + ec.message() + ")");
    if (ec == net::error::timed_out)
        return fail(Errc::offline, where + " 没有按时应答 / " + where + " did not answer in time");
    if (ec == net::error::eof || ec == net::error::connection_reset || ec == net::error::broken_pipe)
        return fail(Errc::offline, "与 " + where + " 的连接断了 / the connection to " + where + " broke");
    if (ec == net::error::operation_aborted || ec == net::error::bad_descriptor)
        return fail(Errc::offline, "与 " + where + " 的连接已关闭 / the connection to " + where + " was closed");
    return fail(Errc::offline, "连不上 " + where + " / cannot reach " + where + " (" + ec.message() + ")");
}

Error Client::Impl::protocol(std::string_view why) const {
    return fail(Errc::protocol, where + " 的应答不对：" + std::string(why) + " / a wrong answer from " + where);
}

void Client::Impl::drop() {
    if (!link) return;
    link->close();
    bytes_up += link->bytes_out;
    bytes_down += link->bytes_in;
    link.reset();
}

net::awaitable<Result<Response>> Client::Impl::send(Self self, Request request, std::chrono::milliseconds deadline,
                                                    std::size_t body_bytes_max) {
    if (!self->origin) co_return self->origin.error();
    if (self->origin->is_secure && !self->tls) {
        auto unready = fail(Errc::usage, "没有准备加密连接:" + self->url + " / not made for https: " + self->url);
        co_return unready;
    }
    if (self->sending) {
        auto twice = fail(Errc::internal, "同一连接一次只能发一个请求 / one request at a time on " + self->where);
        co_return twice;
    }
    const Sending sending(self->sending);
    const auto until = Clock::now() + std::clamp<std::chrono::milliseconds>(deadline, 0ms, kDeadlineMax);
    auto result = co_await talk(self, std::move(request), until, body_bytes_max);
    co_return result;
}

net::awaitable<Result<Response>> Client::Impl::talk(Self self, Request request, Clock::time_point until,
                                                    std::size_t body_bytes_max) {
    const auto head = request_head(request, self->host);
    if (!head) co_return head.error();
    const auto closings = self->closings;
    for (;;) {
        const bool kept = self->link && self->link->is_quiet();
        if (!kept) {
            self->drop();
            const auto ec = co_await connect(self, until);
            if (ec) {
                auto error = self->offline(ec);
                co_return error;
            }
        }
        const auto link = self->link;
        link->expire_at(until);
        auto attempt = co_await exchange(self, link, *head, request.body, request.method == "HEAD", body_bytes_max);
        link->rest();
        // `close` may have been called, and even another connection made, while we waited.
        const bool closed = self->closings != closings;
        if (!attempt.reusable && self->link == link) self->drop();
        if (!attempt.error) co_return std::move(attempt.response);
        // Only a kept connection may have died of age; a new one that breaks is news.
        if (!(kept && attempt.unheard && !closed)) co_return *attempt.error;
        ++self->retries;
    }
}

net::awaitable<Result<>> Client::Impl::reach(Self self, std::chrono::milliseconds deadline) {
    if (!self->origin) co_return self->origin.error();
    if (self->origin->is_secure && !self->tls) co_return fail(Errc::usage, "https");
    if (self->sending) co_return Result<>();  // a request is on its way: whoever sent it will hear
    const Sending sending(self->sending);
    if (self->link && self->link->is_quiet()) co_return Result<>();
    self->drop();
    const auto ec =
        co_await connect(self, Clock::now() + std::clamp<std::chrono::milliseconds>(deadline, 0ms, kDeadlineMax));
    if (self->link) self->link->rest();
    if (!ec) co_return Result<>();
    auto error = self->offline(ec);
    co_return error;
}

net::awaitable<Result<std::shared_ptr<Live>>> Client::Impl::open_live(Self self, std::string target, Headers headers,
                                                                      std::chrono::milliseconds deadline,
                                                                      std::chrono::milliseconds silence) {
    auto reached = co_await reach(self, deadline);
    if (!reached) co_return reached.error();
    auto wire = self->link->release();
    auto opened =
        co_await start_live(std::move(wire), self->host, std::move(target), std::move(headers), deadline, silence);
    co_return opened;
}

net::awaitable<error_code> Client::Impl::connect(Self self, Clock::time_point until) {
    const auto closings = self->closings;
    std::vector<Tcp::endpoint> endpoints;
    auto ec = co_await resolve(self, until, &endpoints);
    if (!ec && endpoints.empty()) ec = net::error::host_not_found;
    if (ec) co_return ec;
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        if (self->closings != closings) co_return net::error::make_error_code(net::error::operation_aborted);
        // An address that swallows everything must not use up the time of those after it.
        const auto now = Clock::now();
        const auto turn = (until - now) / static_cast<int>(endpoints.size() - i);
        const auto link = std::make_shared<Link>(Tcp::socket(self->io));
        self->link = link;
        link->expire_at(now + turn);
        ec = co_await link->connect(endpoints[i]);
        if (!ec && self->origin->is_secure) ec = co_await greet(self, link);
        if (!ec) co_return ec;
        if (self->link == link) self->drop();
    }
    co_return ec;
}

/// The handshake, and whether it is the server that we may talk to.
net::awaitable<error_code> Client::Impl::greet(Self self, LinkPtr link) {
    self->refusal.reset();
    auto tls = self->tls;
    auto host = self->origin->host;
    const auto ec = co_await link->secure(std::move(tls), std::move(host), true);
    if (ec) co_return ec;
    auto believed = link->believed();
    if (believed) {
        self->peer = std::move(*believed);
        co_return error_code{};
    }
    self->refusal = believed.error();
    co_return net::error::make_error_code(net::error::access_denied);
}

net::awaitable<error_code> Client::Impl::resolve(Self self, Clock::time_point until,
                                                 std::vector<Tcp::endpoint>* endpoints) {
    error_code ec;
    // Numbers need no resolver: it starts a thread, and a static program may have none.
    const auto address = net::ip::make_address(self->origin->host, ec);
    if (!ec) {
        const auto port = static_cast<std::uint16_t>(std::stoul(self->origin->port));
        endpoints->emplace_back(address, port);
        co_return ec;
    }
    const auto lookup = std::make_shared<Lookup>(self->io);
    lookup->done.expires_at(until);
    self->lookup = lookup;
    start_lookup(lookup, *self->origin);
    auto waited = co_await lookup->done.async_wait(kToken);
    static_cast<void>(waited);
    self->lookup.reset();
    *endpoints = lookup->endpoints;
    co_return lookup->ec;
}

net::awaitable<Attempt> Client::Impl::exchange(Self self, LinkPtr link, std::string_view head, std::string_view body,
                                               bool is_head, std::size_t body_bytes_max) {
    Attempt attempt;
    const auto heard_before = link->bytes_in;
    const auto started = Clock::now();
    const auto written = co_await link->write(head, body, nullptr);
    if (written && (written == net::error::timed_out || link->is_closed())) {
        attempt.error = self->offline(written);
        co_return attempt;
    }
    // A server that refuses a body early (413) stops reading; its reason may be here already, so look before giving up.
    auto read = co_await link->read_head(kAnswerHeaderBytesMax);
    if (read.end == HeadRead::End::closed || read.end == HeadRead::End::timed_out) {
        error_code ec = net::error::eof;
        if (read.end == HeadRead::End::timed_out)
            ec = net::error::timed_out;
        else if (link->is_closed())
            ec = net::error::operation_aborted;
        attempt.error = self->offline(ec);
        attempt.unheard = read.end == HeadRead::End::closed && link->bytes_in == heard_before;
        co_return attempt;
    }
    if (read.end != HeadRead::End::complete) {
        if (read.end == HeadRead::End::too_long) read.why = "头部太长 / the header is too long";
        attempt.error = self->protocol(read.why);
        co_return attempt;
    }
    Timing timing{since(started), {}};
    strict::Framing framing;
    const auto fault = strict::check_response(read.head, kAnswerHeadersMax, framing);
    if (fault) {
        attempt.error = self->protocol(fault->line);
        co_return attempt;
    }
    auto response = response_from(read.head);
    if (!response) {
        attempt.error = self->protocol("头部不对 / the header is not valid");
        co_return attempt;
    }
    attempt.response = std::move(*response);

    const bool no_body = is_head || has_no_body(attempt.response.status);
    if (!no_body && !framing.content_length) {
        attempt.error = self->protocol("缺少 Content-Length / Content-Length is missing");
        co_return attempt;
    }
    const auto length = no_body ? 0 : *framing.content_length;
    if (length > body_bytes_max) {
        attempt.error = self->protocol("正文太大 / the body is too large");
        co_return attempt;
    }
    auto& received = attempt.response.body;
    received = link->take(length);
    while (received.size() < length) {
        const auto ec =
            co_await link->read_some(&received, std::min<std::size_t>(length - received.size(), kBodyPieceBytes));
        if (ec) {
            attempt.error = self->offline(ec);
            co_return attempt;
        }
    }
    timing.last = since(started);
    self->timing = timing;
    // Bytes that nobody asked for would be taken for the next answer.
    attempt.reusable = !framing.close && !written && link->inbox.empty() && !link->is_closed();
    co_return attempt;
}

Client::Client(net::io_context& io, std::string origin, std::shared_ptr<Tls> tls)
    : impl_(std::make_shared<Impl>(io, std::move(origin), std::move(tls))) {}

Client::~Client() { close(); }

net::awaitable<Result<Response>> Client::send(Request request, std::chrono::milliseconds deadline,
                                              std::size_t response_bytes_max) {
    // Not a coroutine itself: what runs holds Impl and outlives this object.
    return Impl::send(impl_, std::move(request), deadline, response_bytes_max);
}

net::awaitable<Result<>> Client::reach(std::chrono::milliseconds deadline) { return Impl::reach(impl_, deadline); }

net::awaitable<Result<std::shared_ptr<Live>>> Client::open_live(std::string target, Headers headers,
                                                                std::chrono::milliseconds deadline,
                                                                std::chrono::milliseconds silence) {
    const auto own = std::make_shared<Impl>(impl_->io, impl_->url, impl_->tls);
    return Impl::open_live(own, std::move(target), std::move(headers), deadline, silence);
}

Client::Timing Client::timing() const { return impl_->timing; }
const std::string& Client::peer() const { return impl_->peer; }
std::uint64_t Client::bytes_up() const { return impl_->bytes_up + (impl_->link ? impl_->link->bytes_out : 0); }
std::uint64_t Client::bytes_down() const { return impl_->bytes_down + (impl_->link ? impl_->link->bytes_in : 0); }
std::uint64_t Client::retries() const { return impl_->retries; }

void Client::close() {
    ++impl_->closings;
    if (impl_->lookup) {
        impl_->lookup->ec = net::error::operation_aborted;
        impl_->lookup->done.cancel();
    }
    impl_->drop();
}

}  // namespace taizhang::http
