// tls.h - TLS 1.3 for client and server: a key of its own at each start, and a word that says whose it is.
//
// A server makes a key and a certificate when it starts; nothing is kept on the disk and nothing has to be renewed. The
// certificate carries a statement over its public key, made by whoever knows whose server this is (the device key of
// the node); a client is told the statement and decides. So there is no certificate authority to run, and no date in a
// certificate matters: a PC whose clock is wrong gets through. An operator's own certificate works as well: then the
// system's authorities vouch for the name of the host.
//
// TLS 1.3 only, tickets for resumption, no early data. Threads: the io_context's one thread.
#pragma once

#include "base/result.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace taizhang::http {

class Tls {
public:
    /// What the server showed.
    struct Shown {
        std::string public_key;   ///< DER (SubjectPublicKeyInfo)
        std::string statement;    ///< empty: its certificate has none
        bool is_vouched = false;  ///< by the system's authorities, for the host that was asked for
    };
    /// Gives whoever it is, in the caller's terms. Errc::denied with one line: the connection is given up before
    /// anything is said on it.
    using Believe = std::function<Result<std::string>(const Shown&)>;

    /// A new key, whose certificate carries what `state` says of it (at most 4 KiB).
    static Result<std::shared_ptr<Tls>> serve_with_own_key(const std::function<std::string(std::string_view)>& state);
    /// An operator's certificate (with its chain) and key, PEM files. Errc::bad_input with one line.
    static Result<std::shared_ptr<Tls>> serve_with_files(const std::string& certificate, const std::string& key);
    static Result<std::shared_ptr<Tls>> connect(Believe believe);

    ~Tls();
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    /// For one connection; the caller frees it. `host`: whom a client asks for.
    ssl_st* open(const std::string& host);
    /// After a client's handshake: what Believe says.
    Result<std::string> check(ssl_st* connection) const;
    /// How often a client's connection took up a session of before.
    int resumed() const { return resumed_; }

private:
    Tls() = default;
    static int keep_session(ssl_st* connection, ssl_session_st* session);

    ssl_ctx_st* context_ = nullptr;
    ssl_session_st* session_ = nullptr;  ///< the newest, for the next connection
    Believe believe_;
    bool is_client_ = false;
    mutable int resumed_ = 0;
};

}  // namespace taizhang::http
