#include "node/secure.h"

#include "sync/session.h"

#include <algorithm>
#include <cstring>

namespace taizhang::node {
namespace {

constexpr std::string_view kForTls = "tls";
constexpr std::size_t kIdBytes = sizeof(ReplicaId);

bool is_signed_by(const http::Tls::Shown& shown, const trust::PublicKey& key) {
    const std::string_view statement = shown.statement;
    return statement.size() > kIdBytes && key.verify(kForTls, shown.public_key, statement.substr(kIdBytes));
}

Error not_ours() {
    return fail(
        Errc::denied,
        "对方不是本单位上级的服务器,已断开,什么也没有交换:请核对地址 / this is no server of an office above this "
        "one: given up, nothing was exchanged; check the address");
}

Error not_plain(const std::string& url) {
    return fail(Errc::usage,
                "出本机要用 https://,请改正地址:" + url + " / beyond this PC it has to be https://: " + url);
}

/// A key that may answer, and whose it is.
struct Above {
    trust::PublicKey key;
    ReplicaId replica;
};

/// Of the offices above this node, and of those that vouched for it.
std::vector<Above> keys_above(const Replica& r) {
    std::vector<Above> out;
    const auto& c = r.control();
    const auto* own = c.cert(r.id());
    if (!own) return out;
    for (const auto& [id, cert] : c.certs())
        if (cert.level > Level::branch && !c.revocation(id) &&
            c.is_at_or_below(own->unit, c.authority(cert.unit, c.head()), c.head()))
            out.push_back({cert.key(), id});
    for (const auto& body : r.certificate_chain(r.id()))
        if (const auto cert = Certificate::decode(body); cert && !c.revocation(cert->replica))
            out.push_back({cert->key(), cert->replica});
    return out;
}

}  // namespace

Result<std::shared_ptr<http::Tls>> server_tls(Node& node) {
    const auto key = node.replica().keys().device;
    const auto id = node.replica().id();
    return http::Tls::serve_with_own_key([&](std::string_view public_key) {
        return std::string(view(id.bytes)) + (key ? key->sign(kForTls, public_key) : std::string());
    });
}

Result<std::shared_ptr<http::Tls>> client_tls(Node& node, const std::string& url) {
    TRY(const auto origin, http::parse_origin(url));
    auto& r = node.replica();
    if (!origin.is_secure) {
        if (r.control().is_signed() && !origin.is_loopback()) return not_plain(url);
        return std::shared_ptr<http::Tls>();
    }
    if (!r.control().is_signed()) return http::Tls::connect({});
    auto above = keys_above(r);
    TRY(auto hub, sync::upstream_key(r));
    TRY(const auto hub_replica, sync::upstream_replica(r));
    above.push_back({std::move(hub), hub_replica});  // the tree may still be on its way
    return http::Tls::connect([above = std::move(above)](const http::Tls::Shown& shown) -> Result<std::string> {
        if (shown.is_vouched) return std::string();
        const auto fits = [&](const Above& x) { return is_signed_by(shown, x.key); };
        // A key may have several names; of the one that the server goes by counts the certificate.
        const auto goes_by = [&](const Above& x) {
            return fits(x) && shown.statement.starts_with(view(x.replica.bytes));
        };
        auto it = std::find_if(above.begin(), above.end(), goes_by);
        if (it == above.end()) it = std::find_if(above.begin(), above.end(), fits);
        return it == above.end() ? Result<std::string>(not_ours()) : std::string(view(it->replica.bytes));
    });
}

ReplicaId answered_by(const http::Client& client) {
    ReplicaId id;
    if (client.peer().size() == kIdBytes) std::memcpy(id.bytes.data(), client.peer().data(), kIdBytes);
    return id;
}

Result<FirstContact> first_contact(const std::string& url) {
    TRY(const auto origin, http::parse_origin(url));
    FirstContact out;
    if (!origin.is_secure) return origin.is_loopback() ? Result<FirstContact>(out) : not_plain(url);
    out.shown = std::make_shared<http::Tls::Shown>();
    TRY(out.tls, http::Tls::connect([shown = out.shown](const http::Tls::Shown& now) -> Result<std::string> {
            // One server for all of the enrolment.
            if (!shown->public_key.empty() && shown->public_key != now.public_key)
                return fail(Errc::denied, "登记时服务器换了,已断开 / another server answered in between: given up");
            *shown = now;
            return std::string();
        }));
    return out;
}

Result<> check_is(const http::Tls::Shown& shown, const trust::PublicKey& hub) {
    if (shown.public_key.empty() || shown.is_vouched || hub.empty() || is_signed_by(shown, hub)) return {};
    return fail(Errc::denied,
                "应答的不是它自称的那台服务器,没有登记 / whoever answers is not the server that it says it is: nothing "
                "was enrolled");
}

}  // namespace taizhang::node
