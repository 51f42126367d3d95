#include "sync/restored.h"

#include <cstdlib>

namespace taizhang::sync {
namespace {

/// Whether the backup knew the device, under this name or an earlier one of the same key: who enrolled since has the
/// city's log from here.
Result<bool> was_known(Replica& r, const ReplicaId& who, std::uint64_t through) {
    TRY(auto s, r.database().prepare("SELECT pos FROM certificate WHERE replica = ?1", false));
    const auto* cert = r.control().cert(who);
    const auto key = cert ? cert->key() : trust::PublicKey{};
    std::set<ReplicaId> seen;
    while (cert && cert->key() == key && seen.insert(cert->replica).second) {
        s.bind_blob(1, view(cert->replica.bytes));
        TRY(const bool here, s.step());
        if (here && s.unsigned_integer(0) <= through) return true;
        s.reset();
        cert = r.control().cert(cert->issuer_replica);
    }
    return false;
}

}  // namespace

Result<> begin_unmet(Replica& r) {
    const auto* own = r.control().cert(r.id());
    if (!own || own->unit != r.control().root()) return {};
    TRY(auto s, r.database().prepare("SELECT coalesce(max(pos), 0) FROM certificate", false));
    TRY_VOID(s.step());
    return r.set_fact(kUnmet, std::to_string(s.unsigned_integer(0)));
}

Result<> note_met(Replica& r, const ReplicaId& who, ControlPos theirs) {
    TRY(const auto unmet, r.fact(kUnmet));
    if (unmet.empty() || who == r.id() || theirs > r.control().head()) return {};
    TRY(const bool known, was_known(r, who, std::strtoull(unmet.c_str(), nullptr, 10)));
    return known ? r.set_fact(kUnmet, "") : Result<>();
}

Result<> go_on_alone(Replica& r) {
    TRY(const auto unmet, r.fact(kUnmet));
    return unmet.empty() ? Result<>() : r.set_fact(kUnmet, "");
}

}  // namespace taizhang::sync
