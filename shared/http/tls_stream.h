// tls_stream.h - TLS over one TCP connection, with nothing held while it rests. Inside shared/http only.
//
// OpenSSL reads from the socket and writes to it by itself; what it cannot do at once is waited for. Asio's own TLS
// stream keeps four buffers of a record for each connection, 68 kB that a hub has once for every branch.
//
// An AsyncStream in the sense of Beast, so that a WebSocket can go over it. Of several buffers the first that is not
// empty is used. The socket must outlive it. Threads: the io_context's one thread.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>

#include <cstddef>
#include <utility>

struct ssl_st;

namespace taizhang::http {

class TlsStream {
public:
    using next_layer_type = boost::asio::ip::tcp::socket;
    using executor_type = next_layer_type::executor_type;
    using error_code = boost::system::error_code;

    /// What came of asking OpenSSL once: done (with an error or bytes moved), or what to wait for before asking again.
    struct Step {
        enum class Wait : unsigned char { none, read, write };
        Wait wait = Wait::none;
        error_code ec;
        std::size_t bytes = 0;
    };

    /// Takes over `connection`.
    TlsStream(next_layer_type& socket, ssl_st* connection);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    executor_type get_executor() { return socket_.get_executor(); }
    next_layer_type& next_layer() { return socket_; }
    const next_layer_type& next_layer() const { return socket_; }
    ssl_st* native_handle() const { return connection_; }

    Step handshake(bool is_client);
    /// Errc eof when the other side has closed, in order or not.
    Step read(boost::asio::mutable_buffer into);
    Step write(boost::asio::const_buffer from);

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        const auto into = first<boost::asio::mutable_buffer>(buffers);
        return start([this, into] { return read(into); }, std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        const auto from = first<boost::asio::const_buffer>(buffers);
        return start([this, from] { return write(from); }, std::forward<Token>(token));
    }

private:
    template <class Buffer, class Buffers>
    static Buffer first(const Buffers& buffers) {
        for (auto b = boost::asio::buffer_sequence_begin(buffers); b != boost::asio::buffer_sequence_end(buffers); ++b)
            if (Buffer one(*b); one.size() > 0) return one;
        return {};
    }

    /// Asks until there is nothing to wait for.
    template <class Ask>
    struct Operation {
        TlsStream& stream;
        Ask ask;
        Step step{};
        enum class At : unsigned char { begun, waiting, done } at = At::begun;

        template <class Self>
        void operator()(Self& self, error_code ec = {}) {
            if (at == At::done) return self.complete(step.ec, step.bytes);
            if (ec) return self.complete(ec, 0);
            step = ask();
            if (step.wait != Step::Wait::none) {
                at = At::waiting;
                const auto what =
                    step.wait == Step::Wait::read ? next_layer_type::wait_read : next_layer_type::wait_write;
                return stream.socket_.async_wait(what, std::move(self));
            }
            if (at == At::waiting) return self.complete(step.ec, step.bytes);
            at = At::done;  // whoever began it must have returned before it hears
            boost::asio::post(stream.get_executor(), std::move(self));
        }
    };
    template <class Ask, class Token>
    auto start(Ask ask, Token&& token) {
        return boost::asio::async_compose<Token, void(error_code, std::size_t)>(Operation<Ask>{*this, std::move(ask)},
                                                                                token, socket_);
    }

    next_layer_type& socket_;
    ssl_st* connection_;
};

/// How Beast ends a WebSocket: no word of goodbye, the close frame was one.
inline void teardown(boost::beast::role_type, TlsStream& stream, boost::system::error_code& ec) {
    stream.next_layer().close(ec);
}
template <class Handler>
void async_teardown(boost::beast::role_type, TlsStream& stream, Handler&& handler) {
    boost::system::error_code ec;
    stream.next_layer().close(ec);
    boost::asio::post(stream.get_executor(), [h = std::forward<Handler>(handler), ec]() mutable { std::move(h)(ec); });
}

}  // namespace taizhang::http
