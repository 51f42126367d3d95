#include "sync/restored.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <set>

namespace taizhang::sync {
namespace {

/// Who has not brought anything for longer than this before the backup may be gone for good.
constexpr std::int64_t kRecentMs = std::int64_t{30} * 86'400'000;

/// "THROUGH WANTED": certificates that the backup knew, devices to be met. One that an earlier program wrote has no
/// second number.
struct Unmet {
    std::uint64_t through = 0, wanted = 1;
    std::string encode() const { return std::to_string(through) + " " + std::to_string(wanted); }
    static Unmet decode(std::string_view text) {
        Unmet out;
        const auto* end = text.data() + text.size();
        const auto first = std::from_chars(text.data(), end, out.through);
        if (first.ptr != end) std::from_chars(first.ptr + 1, end, out.wanted);
        return out;
    }
};

/// The name that the device had in the backup, if it was known there: an earlier one of the same key counts. Who
/// enrolled since has the city's log from here.
Result<std::optional<ReplicaId>> known_as(Replica& r, const ReplicaId& who, std::uint64_t through) {
    TRY(auto s, r.database().prepare("SELECT pos FROM certificate WHERE replica = ?1", false));
    const auto* cert = r.control().cert(who);
    const auto key = cert ? cert->key() : trust::PublicKey{};
    std::set<ReplicaId> seen;
    std::optional<ReplicaId> oldest;
    while (cert && cert->key() == key && seen.insert(cert->replica).second) {
        s.bind_blob(1, view(cert->replica.bytes));
        TRY(const bool here, s.step());
        if (here && s.unsigned_integer(0) <= through) oldest = cert->replica;
        s.reset();
        cert = r.control().cert(cert->issuer_replica);
    }
    return oldest;
}

/// Half of those that brought something in the backup's last month: then an entry that more than half of them had heard
/// of is among what they bring.
Result<std::uint64_t> wanted(Replica& r, std::uint64_t through) {
    TRY(auto s, r.database().prepare("SELECT DISTINCT replica FROM device WHERE last_seen_ms >= (SELECT "
                                     "max(last_seen_ms) FROM device) - ?1",
                                     false));
    s.bind(1, kRecentMs);
    std::set<ReplicaId> recent;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        ReplicaId id;
        if (s.blob(0).size() == id.bytes.size()) std::memcpy(id.bytes.data(), s.blob(0).data(), id.bytes.size());
        if (r.control().revocation(id)) continue;
        TRY(const auto known, known_as(r, id, through));
        if (known) recent.insert(*known);
    }
    return std::max<std::uint64_t>(1, (recent.size() + 1) / 2);
}

}  // namespace

Result<> begin_unmet(Replica& r) {
    const auto* own = r.control().cert(r.id());
    if (!own || own->unit != r.control().root()) return {};
    TRY(auto s, r.database().prepare("SELECT coalesce(max(pos), 0) FROM certificate", false));
    TRY_VOID(s.step());
    Unmet unmet{s.unsigned_integer(0), 1};
    s.reset();
    TRY(unmet.wanted, wanted(r, unmet.through));
    TRY(const auto before, r.facts(kMet));
    for (const auto& [key, value] : before) TRY_VOID(r.set_fact(key, ""));
    return r.set_fact(kUnmet, unmet.encode());
}

Result<> note_met(Replica& r, const ReplicaId& who, ControlPos theirs) {
    TRY(const auto text, r.fact(kUnmet));
    if (text.empty() || who == r.id() || theirs > r.control().head()) return {};
    const auto unmet = Unmet::decode(text);
    TRY(const auto known, known_as(r, who, unmet.through));
    if (!known) return {};
    TRY_VOID(r.set_fact(kMet + known->hex(), "1"));
    TRY(const auto progress, restored_progress(r));
    return progress->met < progress->wanted ? Result<>() : r.set_fact(kUnmet, "");
}

Result<> go_on_alone(Replica& r) {
    TRY(const auto unmet, r.fact(kUnmet));
    return unmet.empty() ? Result<>() : r.set_fact(kUnmet, "");
}

Result<std::optional<RestoredProgress>> restored_progress(Replica& r) {
    TRY(const auto text, r.fact(kUnmet));
    if (text.empty()) return std::optional<RestoredProgress>();
    RestoredProgress out{0, Unmet::decode(text).wanted};
    TRY(const auto all, r.facts(kMet));
    for (const auto& [key, value] : all) out.met += value.empty() ? 0 : 1;
    return std::optional(out);
}

}  // namespace taizhang::sync
