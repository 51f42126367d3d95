#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

namespace taizhang::http {
namespace {

// An arc that nobody has to be asked for (2.25 and a random number).
constexpr const char* kStatementOid = "2.25.263207439182206711418925463085274921873";
constexpr std::size_t kStatementMax = 4096;
// Wide: what counts is the statement, and a PC whose battery is empty has any date.
constexpr const char *kNotBefore = "20200101000000Z", *kNotAfter = "20491231235959Z";

template <auto f>
struct Free {
    template <class T>
    void operator()(T* p) const {
        f(p);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Free<X509_free>>;
using Oid = std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>>;
using Octets = std::unique_ptr<ASN1_OCTET_STRING, Free<ASN1_OCTET_STRING_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

Error broken(const char* what) {
    char line[256] = "";
    ERR_error_string_n(ERR_get_error(), line, sizeof line);
    ERR_clear_error();
    return fail(Errc::internal, std::string("TLS: ") + what + ": " + line);
}

std::string public_der(X509* cert) {
    unsigned char* bytes = nullptr;
    const int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &bytes);
    std::string out(n > 0 ? reinterpret_cast<const char*>(bytes) : "", n > 0 ? static_cast<std::size_t>(n) : 0);
    OPENSSL_free(bytes);
    return out;
}

bool add_statement(X509* cert, const std::string& statement) {
    const Oid oid(OBJ_txt2obj(kStatementOid, 1));
    const Octets octets(ASN1_OCTET_STRING_new());
    if (!oid || !octets ||
        ASN1_OCTET_STRING_set(octets.get(), reinterpret_cast<const unsigned char*>(statement.data()),
                              static_cast<int>(statement.size())) != 1)
        return false;
    const Extension extension(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, octets.get()));
    return extension && X509_add_ext(cert, extension.get(), -1) == 1;
}

std::string statement_of(X509* cert) {
    const Oid oid(OBJ_txt2obj(kStatementOid, 1));
    const int at = oid ? X509_get_ext_by_OBJ(cert, oid.get(), -1) : -1;
    const auto* octets = at < 0 ? nullptr : X509_EXTENSION_get_data(X509_get_ext(cert, at));
    const int n = octets ? ASN1_STRING_length(octets) : 0;
    if (n <= 0 || static_cast<std::size_t>(n) > kStatementMax) return {};
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(octets)), static_cast<std::size_t>(n)};
}

Result<Cert> certificate_for(EVP_PKEY* key, const std::function<std::string(std::string_view)>& state) {
    Cert cert(X509_new());
    auto* name = cert ? X509_get_subject_name(cert.get()) : nullptr;
    const auto* text = reinterpret_cast<const unsigned char*>("taizhang");
    if (!cert || X509_set_version(cert.get(), X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1) != 1 ||
        ASN1_TIME_set_string(X509_getm_notBefore(cert.get()), kNotBefore) != 1 ||
        ASN1_TIME_set_string(X509_getm_notAfter(cert.get()), kNotAfter) != 1 ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) != 1 ||
        X509_set_issuer_name(cert.get(), name) != 1 || X509_set_pubkey(cert.get(), key) != 1)
        return broken("a certificate cannot be made");
    if (!add_statement(cert.get(), state(public_der(cert.get()))) || X509_sign(cert.get(), key, EVP_sha256()) == 0)
        return broken("a certificate cannot be signed");
    return cert;
}

SSL_CTX* new_context(bool is_client) {
    auto* context = SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method());
    if (!context) return nullptr;
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    // An idle connection should cost little.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    static constexpr unsigned char kName[] = "taizhang";
    SSL_CTX_set_session_id_context(context, kName, sizeof kName - 1);
    return context;
}

}  // namespace

Tls::~Tls() {
    SSL_SESSION_free(session_);
    SSL_CTX_free(context_);
}

Result<std::shared_ptr<Tls>> Tls::serve_with_own_key(const std::function<std::string(std::string_view)>& state) {
    std::shared_ptr<Tls> tls(new Tls);
    tls->context_ = new_context(false);
    const Key key(EVP_EC_gen("P-256"));
    if (!tls->context_ || !key) return broken("no key can be made");
    TRY(const auto cert, certificate_for(key.get(), state));
    if (SSL_CTX_use_certificate(tls->context_, cert.get()) != 1 ||
        SSL_CTX_use_PrivateKey(tls->context_, key.get()) != 1)
        return broken("the key cannot be used");
    SSL_CTX_set_num_tickets(tls->context_, 1);
    return tls;
}

Result<std::shared_ptr<Tls>> Tls::serve_with_files(const std::string& certificate, const std::string& key) {
    std::shared_ptr<Tls> tls(new Tls);
    tls->context_ = new_context(false);
    if (!tls->context_) return broken("no context");
    const auto bad = [](const std::string& file, const char* zh, const char* en) {
        ERR_clear_error();
        return fail(Errc::bad_input, std::string(zh) + file + " / " + en + file);
    };
    if (SSL_CTX_use_certificate_chain_file(tls->context_, certificate.c_str()) != 1)
        return bad(certificate, "不是可用的证书文件(PEM):", "not a usable certificate file (PEM): ");
    if (SSL_CTX_use_PrivateKey_file(tls->context_, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls->context_) != 1)
        return bad(key, "不是这张证书的密钥文件(PEM):", "not the key file (PEM) of that certificate: ");
    SSL_CTX_set_num_tickets(tls->context_, 1);
    return tls;
}

Result<std::shared_ptr<Tls>> Tls::connect(Believe believe) {
    std::shared_ptr<Tls> tls(new Tls);
    tls->context_ = new_context(true);
    if (!tls->context_) return broken("no context");
    tls->believe_ = std::move(believe);
    tls->is_client_ = true;
    // Who it is, is looked at after the handshake: the statement counts, or the system's authorities.
    SSL_CTX_set_verify(tls->context_, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_default_verify_paths(tls->context_);
    SSL_CTX_set_ex_data(tls->context_, 0, tls.get());
    SSL_CTX_set_session_cache_mode(tls->context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls->context_, &Tls::keep_session);
    ERR_clear_error();
    return tls;
}

int Tls::keep_session(ssl_st* connection, ssl_session_st* session) {
    auto* tls = static_cast<Tls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), 0));
    SSL_SESSION_free(tls->session_);
    tls->session_ = session;
    return 1;  // it is ours now
}

ssl_st* Tls::open(const std::string& host) {
    auto* connection = SSL_new(context_);
    if (!connection || !is_client_) return connection;
    auto* wanted = SSL_get0_param(connection);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {
        X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
        SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));
    }
    if (session_) SSL_set_session(connection, session_);
    ERR_clear_error();
    return connection;
}

Result<std::string> Tls::check(ssl_st* connection) const {
    const Cert cert(SSL_get1_peer_certificate(connection));
    if (!cert) return fail(Errc::denied, "服务器没有出示证书,已断开 / the server showed no certificate: given up");
    resumed_ += SSL_session_reused(connection);
    const Shown shown{public_der(cert.get()), statement_of(cert.get()), SSL_get_verify_result(connection) == X509_V_OK};
    return believe_ ? believe_(shown) : Result<std::string>(std::string());
}

}  // namespace taizhang::http
