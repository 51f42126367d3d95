#include "http/tls_stream.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>

#include <sys/socket.h>

namespace taizhang::http {
namespace {

namespace net = boost::asio;
using Socket = TlsStream::next_layer_type;

// A BIO on Asio's socket rather than on its number: a number that was closed may be somebody else's by now.

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int socket_of(BIO* bio) {
    auto* socket = static_cast<Socket*>(BIO_get_data(bio));
    if (socket->is_open()) return socket->native_handle();
    errno = EBADF;
    return -1;
}

int read_bio(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    const int fd = socket_of(bio);
    const auto n = fd < 0 ? -1 : ::recv(fd, into, static_cast<std::size_t>(size), 0);
    if (n < 0 && would_block()) BIO_set_retry_read(bio);
    return static_cast<int>(n);
}

int write_bio(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    const int fd = socket_of(bio);
    const auto n = fd < 0 ? -1 : ::send(fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (n < 0 && would_block()) BIO_set_retry_write(bio);
    return static_cast<int>(n);
}

long control_bio(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* bio_method() {
    static const BIO_METHOD* const made = [] {
        auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "taizhang socket");
        if (!m) throw std::bad_alloc();
        BIO_meth_set_read(m, &read_bio);
        BIO_meth_set_write(m, &write_bio);
        BIO_meth_set_ctrl(m, &control_bio);
        return m;
    }();
    return made;
}

int clamped(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

}  // namespace

TlsStream::TlsStream(next_layer_type& socket, ssl_st* connection) : socket_(socket), connection_(connection) {
    error_code ignored;  // it would show with the first byte
    socket.non_blocking(true, ignored);
    auto* bio = BIO_new(bio_method());
    if (!bio) throw std::bad_alloc();
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
    SSL_set_bio(connection, bio, bio);
    SSL_set_mode(connection, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

TlsStream::~TlsStream() { SSL_free(connection_); }

namespace {

/// The answer of an SSL_… function in our terms.
TlsStream::Step step_of(ssl_st* connection, int answer) {
    using Wait = TlsStream::Step::Wait;
    const int system = errno;
    const int why = SSL_get_error(connection, answer);
    switch (why) {
        case SSL_ERROR_NONE: return {Wait::none, {}, static_cast<std::size_t>(answer)};
        case SSL_ERROR_WANT_READ: return {Wait::read, {}, 0};
        case SSL_ERROR_WANT_WRITE: return {Wait::write, {}, 0};
        case SSL_ERROR_ZERO_RETURN: return {Wait::none, net::error::eof, 0};
        case SSL_ERROR_SYSCALL:
            if (system != 0) return {Wait::none, {system, boost::system::system_category()}, 0};
            return {Wait::none, net::error::eof, 0};
        default: break;
    }
    const auto detail = ERR_get_error();
    ERR_clear_error();
    if (ERR_GET_REASON(detail) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return {Wait::none, net::error::eof, 0};
    return {Wait::none, {static_cast<int>(detail), net::error::get_ssl_category()}, 0};
}

}  // namespace

TlsStream::Step TlsStream::handshake(bool is_client) {
    ERR_clear_error();
    errno = 0;
    return step_of(connection_, is_client ? SSL_connect(connection_) : SSL_accept(connection_));
}

TlsStream::Step TlsStream::read(boost::asio::mutable_buffer into) {
    if (into.size() == 0) return {};
    ERR_clear_error();
    errno = 0;
    return step_of(connection_, SSL_read(connection_, into.data(), clamped(into.size())));
}

TlsStream::Step TlsStream::write(boost::asio::const_buffer from) {
    if (from.size() == 0) return {};
    ERR_clear_error();
    errno = 0;
    return step_of(connection_, SSL_write(connection_, from.data(), clamped(from.size())));
}

}  // namespace taizhang::http
