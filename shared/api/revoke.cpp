#include "api/revoke.h"

#include "ledger/times.h"
#include "sync/restored.h"

#include <boost/json.hpp>

#include <algorithm>

namespace taizhang::api {
namespace json = boost::json;
namespace {

Result<ReplicaId> replica_of(const std::string& hex) {
    const auto raw = from_hex(hex);
    ReplicaId id;
    if (raw.size() != id.bytes.size())
        return fail(Errc::usage, "电脑编号应为 32 位十六进制 / a replica is 32 hex digits: " + hex);
    std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
}

/// The device's other incarnations: the same key.
std::vector<ReplicaId> of_the_same_key(const ControlState& control, const Certificate& cert) {
    std::vector<ReplicaId> out;
    for (const auto& [id, other] : control.certs())
        if (id == cert.replica || (!cert.key().empty() && other.key() == cert.key())) out.push_back(id);
    std::sort(out.begin(), out.end());
    return out;
}

/// Whom the device has vouched for, as far as is known here; its own incarnations are revoked with it.
json::array vouched_by(const ControlState& control, const Certificate& cert) {
    std::vector<ReplicaId> out;
    for (const auto& [id, other] : control.certs()) {
        const auto* by = control.cert(other.issuer_replica);
        if (by && by->key() == cert.key() && other.key() != cert.key()) out.push_back(id);
    }
    std::sort(out.begin(), out.end());
    json::array list;
    for (const auto& id : out) list.push_back(json::string(id.hex()));
    return list;
}

}  // namespace

Result<> heed_alone(node::Node& n, const Command& c) {
    return c.has("alone") ? sync::go_on_alone(n.replica()) : Result<>();
}

Result<json::value> devices(node::Node& n, const Command&) {
    const auto& control = n.replica().control();
    std::vector<const Certificate*> certs;
    for (const auto& [id, cert] : control.certs()) certs.push_back(&cert);
    std::sort(certs.begin(), certs.end(), [](const auto* a, const auto* b) {
        return std::tie(a->unit, a->replica) < std::tie(b->unit, b->replica);
    });
    json::array out;
    for (const auto* c : certs)
        out.push_back({{"replica", c->replica.hex()},
                       {"unit", c->unit},
                       {"level", name_of(c->level)},
                       {"label", c->label},
                       {"key", control.is_signed() ? trust::fingerprint(control.root_key(), c->key()) : ""},
                       {"revoked", control.revocation(c->replica) != nullptr}});
    return json::value(std::move(out));
}

Result<json::value> revoke(node::Node& n, const Command& c) {
    auto& r = n.replica();
    TRY(const auto id, replica_of(c.args[0]));
    const auto* cert = r.control().cert(id);
    if (!cert)
        return fail(Errc::not_found, "没有登记过这台电脑:" + c.args[0] + " / no such device is enrolled: " + c.args[0]);
    if (cert->key() == r.control().cert(r.id())->key())
        return fail(Errc::not_allowed, "不能吊销服务器自己 / a server cannot revoke itself");
    TRY_VOID(heed_alone(n, c));
    const auto all = of_the_same_key(r.control(), *cert);
    const auto vouched = vouched_by(r.control(), *cert);
    TRY(const auto heads, r.chain_heads());
    TRY_VOID(r.batch([&]() -> Result<> {
        for (const auto& replica : all) {
            json::object streams;
            for (const auto& h : heads)
                if (h.replica == replica && !c.has("none"))
                    streams[h.stream.str()] = json::object{{"seq", h.seq.value}, {"hash", h.hash.hex()}};
            json::object entry{{"replica", replica.hex()}, {"streams", std::move(streams)}};
            if (r.control().is_signed()) entry["vouched"] = vouched;
            TRY_VOID(r.append_control("revoke", json::serialize(entry)));
        }
        return {};
    }));
    std::uint64_t quarantined = 0;
    if (c.has("none"))
        for (const auto& h : heads)
            if (std::find(all.begin(), all.end(), h.replica) != all.end()) quarantined += h.seq.value;
    json::array list;
    for (const auto& replica : all) list.push_back(json::string(replica.hex()));
    return json::value{{"revoked", cert->unit + " " + cert->label + " " + c.args[0]},
                       {"replicas", std::move(list)},
                       {"quarantined", quarantined}};
}

Result<json::value> release(node::Node& n, const Command& c) {
    auto& r = n.replica();
    const auto stream = StreamId::parse(c.args[0]);
    TRY(const auto id, replica_of(c.args[1]));
    char* end = nullptr;
    const auto seq = std::strtoull(c.args[2].c_str(), &end, 10);
    if (stream.unit.empty() || *end != 0)
        return fail(Errc::usage, "用法:release 流 电脑编号 序号 / usage: release STREAM REPLICA SEQ");
    TRY(const auto hashes, r.hashes_at(stream, id, Seq{seq}));
    if (hashes.empty())
        return fail(Errc::not_found, "没有这条提交:" + c.args[0] + " #" + c.args[2] +
                                         " / no such commit: " + c.args[0] + " #" + c.args[2]);
    if (!r.control().revocation(id))
        return fail(Errc::not_allowed, "这台电脑没有被吊销 / this device is not revoked: " + c.args[1]);
    TRY_VOID(heed_alone(n, c));
    for (const auto& h : hashes)
        TRY_VOID(r.append_control("release", json::serialize(json::object{{"hash", h.hex()}})));
    return json::value{{"released", c.args[0] + " #" + c.args[2]}};
}

}  // namespace taizhang::api
