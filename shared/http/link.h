// link.h - one TCP connection with a deadline on every wait. Inside shared/http only.
//
// Whoever awaits a member of Link holds a shared_ptr to it until it returns.
// Threads: the io_context's one thread.
#pragma once

#include "base/result.h"
#include "http/strict.h"
#include "http/tls_stream.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

// g++ 12 inlines a coroutine frame's operator new but not its operator delete, and then takes them for a mismatched
// pair. Left on for whoever includes this: the warning comes at the end of each coroutine there.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace taizhang::http {

namespace net = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Tcp = net::ip::tcp;

/// The least rate of a transfer. The other side may fall `grace` behind it, and gains nothing by having been
/// fast earlier: otherwise a body sent quickly but for its last byte could be held for hours.
struct Pace {
    Clock::time_point deadline;
    std::chrono::milliseconds grace;
    std::size_t bytes_per_second_min;

    Pace(Clock::time_point now, std::chrono::milliseconds grace_, std::size_t rate)
        : deadline(now + grace_), grace(grace_), bytes_per_second_min(rate) {}
    void moved(std::size_t bytes, Clock::time_point now);
};

/// What came of waiting for a header block.
struct HeadRead {
    enum class End { complete, closed, timed_out, too_long, malformed };
    End end = End::closed;
    std::string head;  ///< complete: the block with its empty line
    std::string why;   ///< malformed: one line
};

class Tls;
struct Wire;

class Link : public std::enable_shared_from_this<Link> {
public:
    explicit Link(Tcp::socket socket);
    ~Link();

    /// From now on every wait ends at `when`, with net::error::timed_out.
    void expire_at(Clock::time_point when);
    /// Nothing is awaited for a while: a kept connection should not keep the io_context busy.
    void rest();
    void close();
    bool is_closed() const;

    net::awaitable<error_code> connect(Tcp::endpoint to);
    /// From now on everything is said in TLS. As a client `host` is whom we ask for; who answered is for
    /// `believed` to say.
    net::awaitable<error_code> secure(std::shared_ptr<Tls> tls, std::string host, bool is_client);
    /// Whether the client at the other end begins as TLS does; waits for its first byte.
    net::awaitable<bool> speaks_tls();
    Result<std::string> believed() const;
    /// Appends what arrived next, at most `bytes_max`. `into` grows with what arrives, not with what was announced.
    net::awaitable<error_code> read_some(std::string* into, std::size_t bytes_max);
    /// A header block of at most `bytes_max`; what follows it stays in `inbox`.
    net::awaitable<HeadRead> read_head(std::size_t bytes_max);
    /// Both parts in one go. With `pace` the other side has to take them at that rate.
    net::awaitable<error_code> write(std::string_view head, std::string_view body, Pace* pace);
    /// Tells the other side that nothing more comes and lets it read that: closing at once while its bytes are
    /// still unread would reset the connection, and the answer could be lost with it.
    net::awaitable<void> linger(Clock::time_point until);

    /// A kept connection on which nothing happened since: neither closed by the other side nor spoken on.
    bool is_quiet();
    /// The connection for somebody else to use; this link is closed then.
    std::unique_ptr<Wire> release();
    /// Takes up to `bytes_max` from the front of `inbox`.
    std::string take(std::size_t bytes_max);

    std::string address;                        ///< of the other side, set by the server
    bool is_idle = true;                        ///< no request is being read or answered; the server's to say
    std::string inbox;                          ///< received and not used yet
    std::uint64_t bytes_in = 0, bytes_out = 0;  ///< on the socket

private:
    void count();
    TlsStream::Step try_read(net::mutable_buffer space);
    net::awaitable<error_code> ready(bool to_read);

    std::unique_ptr<Wire> wire_;
    net::steady_timer timer_;
    bool expired_ = false;
};

/// The address without its port; IPv4 inside IPv6 reads as IPv4. Empty when the other side is gone already.
std::string peer_of(const Tcp::socket& socket);

/// For spawned coroutines: a failure that nobody awaits is written to stderr.
struct LogFailure {
    const char* what;
    void operator()(std::exception_ptr failure) const;
};
void log_line(std::string_view line);

}  // namespace taizhang::http
