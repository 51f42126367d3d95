// wire.h - one TCP connection, with TLS on it or not. Inside shared/http only.
#pragma once

#include "http/tls.h"
#include "http/tls_stream.h"

#include <boost/asio/ip/tcp.hpp>

#include <openssl/ssl.h>

#include <memory>

namespace taizhang::http {

struct Wire {
    explicit Wire(boost::asio::ip::tcp::socket s) : socket(std::move(s)) {}
    /// Whoever hangs up without a word does not spoil the session: it may be taken up again.
    ~Wire() {
        if (secure) SSL_set_shutdown(secure->native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    boost::asio::ip::tcp::socket socket;
    std::shared_ptr<Tls> tls;  ///< outlives the connection
    std::unique_ptr<TlsStream> secure;
};

}  // namespace taizhang::http
