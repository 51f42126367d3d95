#include "http/link.h"

#include "http/await.h"
#include "http/wire.h"

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <array>
#include <iostream>

namespace taizhang::http {

namespace {
constexpr std::size_t kHeadPieceBytes = 4096;    // smaller: more calls; larger: more memory for each idle connection
constexpr std::size_t kRecordBytes = 16 * 1024;  // of a TLS record
constexpr std::size_t kLingerBytesMax = 1024 * 1024;  // smaller: refused senders see a reset more often than the reason
std::string joined_piece(std::string_view head, std::string_view body) {
    std::string out(head.substr(0, kRecordBytes));
    out.append(body.substr(0, kRecordBytes - out.size()));
    return out;
}

}  // namespace

void Pace::moved(std::size_t bytes, Clock::time_point now) {
    if (bytes_per_second_min == 0) {
        deadline = now + grace;
        return;
    }
    const auto earned = std::chrono::microseconds(bytes * 1'000'000 / bytes_per_second_min);
    deadline = std::min<Clock::time_point>(deadline + earned, now + grace);
}

Link::Link(Tcp::socket socket)
    : wire_(std::make_unique<Wire>(std::move(socket))), timer_(wire_->socket.get_executor()) {
    error_code ignored;  // not open yet, or it shows with the first byte
    if (wire_->socket.is_open()) wire_->socket.non_blocking(true, ignored);
}
Link::~Link() = default;

bool Link::is_closed() const { return !wire_ || !wire_->socket.is_open(); }

void Link::expire_at(Clock::time_point when) {
    expired_ = false;
    timer_.expires_at(when);
    // Weak: a timer set for minutes must not keep a finished connection.
    timer_.async_wait([weak = weak_from_this()](error_code ec) {
        const auto self = weak.lock();
        // A wait that was over before the timer was set anew still arrives here.
        if (ec || !self || self->timer_.expiry() > Clock::now()) return;
        self->expired_ = true;
        error_code ignored;
        if (self->wire_) self->wire_->socket.cancel(ignored);
    });
}

void Link::rest() {
    expired_ = false;
    timer_.expires_at(Clock::time_point::max());  // cancels the wait
}

void Link::close() {
    error_code ignored;
    if (wire_) wire_->socket.close(ignored);
    rest();
}

net::awaitable<error_code> Link::connect(Tcp::endpoint to) {
    error_code ec;
    auto& socket = wire_->socket;
    socket.open(to.protocol(), ec);
    if (ec) co_return ec;
    socket.non_blocking(true, ec);
    if (ec) co_return ec;
    auto result = co_await socket.async_connect(to, kToken);
    ec = std::get<0>(result);
    if (ec && expired_) ec = net::error::timed_out;
    // Small questions and answers: never wait for more to send.
    error_code ignored;
    if (!ec) socket.set_option(Tcp::no_delay(true), ignored);
    co_return ec;
}

net::awaitable<error_code> Link::secure(std::shared_ptr<Tls> tls, std::string host, bool is_client) {
    if (expired_) co_return net::error::make_error_code(net::error::timed_out);
    auto* connection = tls->open(host);
    if (!connection) co_return net::error::make_error_code(net::error::no_memory);
    wire_->tls = std::move(tls);
    wire_->secure = std::make_unique<TlsStream>(wire_->socket, connection);
    for (;;) {
        const auto step = wire_->secure->handshake(is_client);
        count();
        if (step.wait == TlsStream::Step::Wait::none) co_return step.ec;
        const auto ec = co_await ready(step.wait == TlsStream::Step::Wait::read);
        if (ec) co_return ec;
    }
}

/// Waits until the socket has something to read, or takes something.
net::awaitable<error_code> Link::ready(bool to_read) {
    // The timer can go off between two waits; then there was nothing to cancel.
    if (expired_) co_return net::error::make_error_code(net::error::timed_out);
    const auto what = to_read ? Tcp::socket::wait_read : Tcp::socket::wait_write;
    auto waited = co_await wire_->socket.async_wait(what, kToken);
    auto ec = std::get<0>(waited);
    if (ec && expired_) ec = net::error::timed_out;
    co_return ec;
}

net::awaitable<bool> Link::speaks_tls() {
    auto waited = co_await wire_->socket.async_wait(Tcp::socket::wait_read, kToken);
    if (std::get<0>(waited) || is_closed()) co_return true;  // nothing to answer
    error_code ec;
    unsigned char first = 0;
    const auto n = wire_->socket.receive(net::buffer(&first, 1), Tcp::socket::message_peek, ec);
    co_return n == 0 || first == 0x16;  // a handshake record
}

Result<std::string> Link::believed() const {
    return wire_ && wire_->secure ? wire_->tls->check(wire_->secure->native_handle())
                                  : Result<std::string>(std::string());
}

/// What went over the socket, TLS and all.
void Link::count() {
    auto* connection = wire_->secure->native_handle();
    bytes_in = BIO_number_read(SSL_get_rbio(connection));
    bytes_out = BIO_number_written(SSL_get_wbio(connection));
}

TlsStream::Step Link::try_read(net::mutable_buffer space) {
    using Wait = TlsStream::Step::Wait;
    if (wire_->secure) {
        const auto step = wire_->secure->read(space);
        count();
        return step;
    }
    TlsStream::Step step;
    step.bytes = wire_->socket.read_some(space, step.ec);
    bytes_in += step.bytes;
    if (step.ec == net::error::would_block || step.ec == net::error::try_again) step = {Wait::read, {}, 0};
    return step;
}

net::awaitable<error_code> Link::read_some(std::string* into, std::size_t bytes_max) {
    if (expired_) co_return net::error::make_error_code(net::error::timed_out);
    const auto before = into->size();
    for (;;) {
        into->resize(before + bytes_max);
        const auto step = try_read(net::buffer(into->data() + before, bytes_max));
        into->resize(before + step.bytes);
        if (step.wait == TlsStream::Step::Wait::none) co_return step.ec;
        // A kept connection may stay idle for minutes; it should not hold a piece's worth of memory meanwhile.
        if (before == 0) into->shrink_to_fit();
        const auto ec = co_await ready(step.wait == TlsStream::Step::Wait::read);
        if (ec) co_return ec;
    }
}

net::awaitable<HeadRead> Link::read_head(std::size_t bytes_max) {
    HeadRead read;
    strict::HeadScan scan;
    for (;;) {
        const auto state = scan.advance(std::string_view(inbox).substr(0, bytes_max));
        if (state == strict::HeadScan::State::complete) {
            read.head = take(scan.size());
            read.end = HeadRead::End::complete;
            co_return read;
        }
        if (state == strict::HeadScan::State::malformed) {
            read.why = std::string(scan.why());
            read.end = HeadRead::End::malformed;
            co_return read;
        }
        if (inbox.size() >= bytes_max) {
            read.end = HeadRead::End::too_long;
            co_return read;
        }
        const auto ec = co_await read_some(&inbox, kHeadPieceBytes);
        if (ec) {
            read.end = ec == net::error::timed_out ? HeadRead::End::timed_out : HeadRead::End::closed;
            co_return read;
        }
    }
}

net::awaitable<error_code> Link::write(std::string_view head, std::string_view body, Pace* pace) {
    std::size_t done = 0;
    while (done < head.size() + body.size()) {
        if (pace) expire_at(pace->deadline);
        if (expired_) co_return net::error::make_error_code(net::error::timed_out);
        const auto head_left = head.substr(std::min(done, head.size()));
        const auto body_left = body.substr(done - (head.size() - head_left.size()));
        const std::array<net::const_buffer, 2> parts{net::buffer(head_left), net::buffer(body_left)};
        error_code ec;
        std::size_t bytes = 0;
        if (wire_->secure) {
            // One record for a small request: head and body go together.
            const std::string joined = joined_piece(head_left, body_left);
            const auto piece = net::buffer(joined);
            auto result = co_await wire_->secure->async_write_some(piece, kToken);
            ec = std::get<0>(result);
            bytes = std::get<1>(result);
            count();
        } else {
            auto result = co_await wire_->socket.async_write_some(parts, kToken);
            ec = std::get<0>(result);
            bytes = std::get<1>(result);
            bytes_out += bytes;
        }
        done += bytes;
        if (pace) pace->moved(bytes, Clock::now());
        if (ec && expired_) ec = net::error::timed_out;
        if (ec) co_return ec;
    }
    co_return error_code{};
}

net::awaitable<void> Link::linger(Clock::time_point until) {
    error_code ec;
    wire_->socket.shutdown(Tcp::socket::shutdown_send, ec);
    inbox.clear();
    expire_at(until);
    std::size_t discarded = 0;
    while (!ec && discarded < kLingerBytesMax) {
        ec = co_await read_some(&inbox, 16 * kHeadPieceBytes);
        discarded += inbox.size();
        inbox.clear();
    }
    close();
}

bool Link::is_quiet() {
    if (is_closed() || !inbox.empty()) return false;
    if (wire_->secure && SSL_pending(wire_->secure->native_handle()) > 0) return false;
    error_code ec;
    char byte = 0;
    wire_->socket.receive(net::buffer(&byte, 1), Tcp::socket::message_peek, ec);
    return ec == net::error::would_block || ec == net::error::try_again;
}

std::unique_ptr<Wire> Link::release() {
    rest();
    return std::move(wire_);
}

std::string Link::take(std::size_t bytes_max) {
    std::string front = inbox.substr(0, bytes_max);
    inbox.erase(0, front.size());
    if (inbox.empty()) inbox.shrink_to_fit();  // it may be long before more comes
    return front;
}

std::string peer_of(const Tcp::socket& socket) {
    error_code ec;
    const auto endpoint = socket.remote_endpoint(ec);
    if (ec) return {};
    const auto address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).to_string();
    return address.to_string();
}

void LogFailure::operator()(std::exception_ptr failure) const {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        log_line(std::string(what) + ": " + e.what());
    } catch (...) {
        log_line(std::string(what) + ": unknown exception");
    }
}

void log_line(std::string_view line) {
    std::string whole = "http: ";
    whole.append(line);
    // What an exception says may hold anything; the log keeps one line an event.
    for (char& c : whole)
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    whole.push_back('\n');
    std::cerr << whole << std::flush;
}

}  // namespace taizhang::http
