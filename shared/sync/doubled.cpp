#include "sync/doubled.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "replica/contradiction.h"
#include "sync/upstream_facts.h"

#include <algorithm>
#include <cstring>

namespace taizhang::sync {

Result<std::vector<ReplicaId>> doubled_replicas(Replica& r) {
    const std::string_view prefix = kDoubledCertificate;
    std::vector<ReplicaId> out;
    TRY(const auto all, r.facts(std::string(prefix)));
    for (const auto& [key, value] : all) {
        auto& id = out.emplace_back();
        const auto raw = from_hex(std::string_view(key).substr(prefix.size()));
        if (raw.size() == id.bytes.size()) std::memcpy(id.bytes.data(), raw.data(), raw.size());
    }
    return out;
}

Result<std::vector<std::pair<ReplicaId, std::string>>> doubled_certificates(Replica& r, const ReplicaId& hub) {
    std::vector<std::pair<ReplicaId, std::string>> out;
    if (hub.is_zero() || !r.control().is_signed()) return out;
    TRY(const auto all, doubled_replicas(r));
    for (const auto& id : all) {
        const auto* cert = r.control().cert(id);
        if (!cert) continue;
        auto mark = hub.hex() + hash_of(cert->encode()).hex();
        TRY(const auto shown, r.fact(kShown + id.hex()));
        if (shown != mark) out.emplace_back(id, std::move(mark));
    }
    return out;
}

Result<> note_shown(Replica& r, const ReplicaId& hub, const std::vector<ReplicaId>& given) {
    if (given.empty()) return {};
    TRY(const auto doubled, doubled_certificates(r, hub));
    for (const auto& [id, mark] : doubled)
        if (std::find(given.begin(), given.end(), id) != given.end()) TRY_VOID(r.set_fact(kShown + id.hex(), mark));
    return {};
}

}  // namespace taizhang::sync
