#include "sync/known.h"

#include "sync/session.h"

#include <algorithm>
#include <cstring>

namespace taizhang::sync {
namespace {

// Further back: more to look up for each row; the base is mostly the change before.
constexpr int kStepsBack = 8;

/// Whether that row of the commit builds on the version.
bool is_base(const Commit& c, std::uint32_t row, const VersionId& v) {
    for (const auto& p : c.parts_of(c.rows[row])) {
        const auto base = c.base(p);
        if (std::find(base.begin(), base.end(), v) != base.end()) return true;
    }
    return false;
}

/// Where the row's change before is: how many commits back, and which row of that one. 0: none.
std::uint64_t step_back(std::string_view prev, std::uint32_t& row) {
    Reader r(prev);
    std::int64_t distance = 0;
    std::uint64_t at = 0;
    for (std::uint32_t i = 0; i <= row && r.ok(); ++i) {
        distance = r.zigzag();
        at = distance ? r.varint() : 0;
    }
    row = static_cast<std::uint32_t>(at);
    return r.ok() && distance > 0 ? static_cast<std::uint64_t>(distance) : 0;
}

/// The one commit at that place; 0: none here, or a fork.
Result<std::uint64_t> lsn_at(Replica& r, const StreamId& stream, const ReplicaId& replica, Seq seq) {
    TRY(const bool forked, r.is_forked(stream, replica));
    if (forked) return 0;
    TRY(auto s, r.database().prepare("SELECT lsn FROM log WHERE stream = (SELECT no FROM stream WHERE unit = ?1 AND "
                                     "audience = ?2) AND replica = (SELECT no FROM replica WHERE id = ?3) AND seq = ?4",
                                     false));
    s.bind(1, std::string_view(stream.unit)).bind(2, static_cast<int>(stream.audience));
    s.bind_blob(3, view(replica.bytes)).bind(4, seq.value);
    TRY(const bool row, s.step());
    return row ? s.unsigned_integer(0) : 0;
}

}  // namespace

bool KnownHere::has(const StreamId& stream, const ReplicaId& replica, Seq seq) {
    const auto [it, is_new] = acked_.try_emplace({stream, replica});
    if (is_new) {
        const auto forked = r_.is_forked(stream, replica);
        const auto acked = hub_ack(r_, stream, replica);
        if (forked && !*forked && acked) it->second = *acked;
    }
    return seq <= it->second;
}

Result<std::optional<wire::Known::Row>> KnownHere::find_before(const Commit& c, std::uint32_t row) {
    std::optional<Row> best;
    TRY(auto lsn, lsn_at(r_, c.header.stream, c.header.replica, c.header.seq));
    TRY(auto s, r_.database().prepare("SELECT l.prev, r.id, l.seq, l.origin, l.hash FROM log l JOIN replica r ON "
                                      "r.no = l.replica WHERE l.lsn = ?1",
                                      false));
    auto at = row;
    for (int steps = 0; lsn != 0 && steps <= kStepsBack; ++steps) {
        s.bind(1, lsn);
        TRY(const bool there, s.step());
        if (!there) break;
        if (steps > 0) {
            Row found;
            if (s.blob(1).size() == 16) std::memcpy(found.replica.bytes.data(), s.blob(1).data(), 16);
            found.seq = Seq{s.unsigned_integer(2)};
            found.row = at;
            if (s.blob(4).size() == 32) std::memcpy(found.version.bytes.data(), s.blob(4).data(), 16);
            found.is_base = is_base(c, row, found.version);
            const bool from_hub = static_cast<Origin>(s.integer(3)) == Origin::upstream;
            if ((from_hub || has(c.header.stream, found.replica, found.seq)) && (!best || found.is_base)) best = found;
            if (best && best->is_base) break;
        }
        const auto distance = step_back(s.blob(0), at);  // NULL, so none, for a commit that waits
        s.reset();
        lsn = distance < lsn && distance > 0 ? lsn - distance : 0;
    }
    if (!best) return best;
    TRY(const bool forked, r_.is_forked(c.header.stream, best->replica));
    return forked ? std::nullopt : best;
}

std::optional<wire::Known::Row> KnownHere::row_before(const Commit& c, std::uint32_t row) {
    // An error here costs some bytes; whoever meets it again will say so.
    const auto found = find_before(c, row);
    return found ? *found : std::nullopt;
}

Result<std::optional<wire::Known::RowThere>> KnownHere::find_at(const StreamId& stream, const ReplicaId& replica,
                                                                Seq seq, std::uint32_t row) {
    std::optional<RowThere> out;
    TRY(const auto lsn, lsn_at(r_, stream, replica, seq));
    if (lsn == 0) return out;
    if (lsn != lsn_) {  // ten edits of rows that came together look at one commit
        TRY(auto s, r_.database().prepare("SELECT body FROM log WHERE lsn = ?1", false));
        s.bind(1, lsn);
        TRY(const bool there, s.step());
        if (!there) return out;
        lsn_ = 0;
        TRY_VOID(packer_.unpack(s.blob(0), bytes_));
        TRY_VOID(commit_.decode(bytes_, Commit::Text::checked));
        lsn_ = lsn;
    }
    if (row < commit_.rows.size()) out = RowThere{std::string(commit_.rows[row].id), commit_.version()};
    return out;
}

std::optional<wire::Known::RowThere> KnownHere::row_at(const StreamId& stream, const ReplicaId& replica, Seq seq,
                                                       std::uint32_t row) {
    const auto found = find_at(stream, replica, seq, row);
    return found ? *found : std::nullopt;
}

std::optional<Hash> KnownHere::hash_at(const StreamId& stream, const ReplicaId& replica, Seq seq,
                                       std::string_view first_bytes) {
    const auto hashes = r_.hashes_at(stream, replica, seq);
    if (!hashes) return std::nullopt;
    for (const auto& h : *hashes)
        if (view(h.bytes).starts_with(first_bytes)) return h;
    return std::nullopt;
}

}  // namespace taizhang::sync
