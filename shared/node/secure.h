// secure.h - TLS by the keys that the node has anyway: whom it believes, and what its server says of itself.
//
// A server's certificate carries a statement: its replica (16 bytes) and its device key's signature (purpose "tls") of
// the certificate's public key. A device goes on if the signature is of an office above it, by the certificates that
// it holds; before it is enrolled, of the office that introduces itself, whose fingerprint people compare. An
// operator's certificate needs no statement: then the system's authorities vouch for the host.
// Threads: store thread, but for the functions in Tls.
#pragma once

#include "http/http.h"
#include "http/tls.h"
#include "node/node.h"

namespace taizhang::node {

/// For a node that serves.
Result<std::shared_ptr<http::Tls>> server_tls(Node& node);

/// Towards the hub above; null for plain HTTP. Errc::usage for plain HTTP that leaves this PC, in a city with keys.
Result<std::shared_ptr<http::Tls>> client_tls(Node& node, const std::string& url);

/// Whose key answered on the client's newest connection, made with client_tls(): the level of what it says follows from
/// that one's certificate. Zero: plain HTTP, or an operator's certificate.
ReplicaId answered_by(const http::Client& client);

/// Before enrolment whoever answers is talked to, and who it was is looked at before a code is told or an answer taken.
struct FirstContact {
    std::shared_ptr<http::Tls> tls;           ///< null for plain HTTP
    std::shared_ptr<http::Tls::Shown> shown;  ///< once there is a connection
};
/// Errc::usage for plain HTTP that leaves this PC.
Result<FirstContact> first_contact(const std::string& url);
/// Whether the server that showed this has that key. Errc::denied.
Result<> check_is(const http::Tls::Shown& shown, const trust::PublicKey& hub);

}  // namespace taizhang::node
