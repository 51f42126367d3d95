// What a revoked device wrote: which of it still counts, and folding again what stood on the rest.
#include "base/id_from.h"
#include "replica/impl.h"

#include <set>

namespace taizhang {

/// Whether the commit lies below that one in its chain, or is it; by following it down.
Result<bool> Replica::Impl::reaches(int stream, int replica, Seq from_seq, const Hash& from, Seq seq,
                                    const Hash& hash) {
    auto at = from;
    TRY(auto s,
        db->prepare("SELECT body FROM log WHERE stream = ?1 AND replica = ?2 AND seq = ?3 AND hash = ?4", false));
    // A chain is dropped while it has one branch, and begins in a state with one: what lies below a commit without a
    // body was here before anything of another branch.
    TRY(auto before,
        db->prepare("SELECT hash FROM log WHERE stream = ?1 AND replica = ?2 AND seq = ?3 ORDER BY lsn LIMIT 1",
                    false));
    const auto floor = floors.find(chain_key(stream, replica));
    std::string bytes;
    for (auto n = from_seq.value; n > seq.value; --n) {
        s.reset();
        s.bind(1, stream).bind(2, replica).bind(3, n).bind_blob(4, taizhang::view(at.bytes));
        TRY(const bool row, s.step());
        if (row && !s.blob(0).empty()) {
            TRY_VOID(packer.unpack(s.blob(0), bytes));
            TRY(const auto header, Commit::decode_header(bytes));
            at = header.prev;
            continue;
        }
        if (floor != floors.end() && n <= floor->second.seq.value) {
            TRY(const bool is_of_state, below_floor(stream, replica, Seq{n}, at));
            return is_of_state ? below_floor(stream, replica, seq, hash) : Result<bool>(false);
        }
        if (!row) return false;  // what counts is not here yet
        before.reset();
        before.bind(1, stream).bind(2, replica).bind(3, n - 1);
        TRY(const bool any, before.step());
        if (!any) return false;
        at = id_from<Hash>(before.blob(0));
    }
    return at == hash;
}

/// A chain is forked from now on. Which branch of a revoked device counts can be told only when both are here.
Result<> Replica::Impl::note_fork(const CommitHeader& h) {
    TRY_VOID(set_fact("fork/" + h.stream.str() + "/" + h.replica.hex(), std::to_string(h.seq.value)));
    return control.revocation(h.replica) ? refold_revoked() : Result<>();
}

/// Written by a revoked device after what counts of it: it cannot stand, but counts as seen.
Result<bool> Replica::Impl::is_quarantined(const Commit& c) {
    const auto* r = control.revocation(c.header.replica);
    if (!r || control.is_released(c.hash)) return false;
    const auto it = r->last.find(c.header.stream);
    if (it == r->last.end()) return true;
    const auto& [seq, hash] = it->second;
    if (c.header.seq >= seq) return c.header.seq > seq || c.hash != hash;
    TRY(const int stream, stream_no(c.header.stream));
    TRY(const int replica, replica_no(c.header.replica));
    if (!forked.contains(chain_key(stream, replica))) return false;
    TRY(const bool counts, reaches(stream, replica, seq, hash, c.header.seq, c.hash));
    return !counts;
}

/// The rows of a stream whose past is not all here: a revoked device may have written in any of them.
Result<> Replica::Impl::want_dropped_in(int stream) {
    for (auto& table : tables) {
        TRY_VOID(table->each_row(stream, [&](const RowTable::Stored& row) -> Result<> {
            return row.meta.dropped ? want_row(stream, table->binding().name, row.id) : Result<>();
        }));
    }
    return {};
}

/// A revocation or release changes what stands.
Result<> Replica::Impl::refold_revoked() {
    std::vector<int> revoked;
    for (const auto& [no, id] : replica_ids)
        if (control.revocation(id)) revoked.push_back(no);
    return refold_written_by(revoked);
}

/// What these wrote counts otherwise from now on: the rows that they wrote to are folded again, and a state under an
/// earlier checkpoint is not given to anybody any more. Where some of what they wrote is not here, the hub is asked for
/// the past of what has none.
Result<> Replica::Impl::refold_written_by(std::span<const int> replicas) {
    std::vector<std::uint64_t> lsns;
    std::set<std::int64_t> streams;
    TRY(auto list, db->prepare("SELECT lsn, stream FROM log WHERE replica = ?1 AND prev IS NOT NULL AND length(body) > "
                               "0",
                               false));
    TRY(auto stubs, db->prepare("SELECT stream FROM log WHERE replica = ?1 AND length(body) = 0 UNION "
                                "SELECT stream FROM floor WHERE replica = ?1",
                                false));
    std::set<int> without;
    for (const int replica : replicas) {
        list.bind(1, replica);
        for (;;) {
            TRY(const bool row, list.step());
            if (!row) break;
            lsns.push_back(list.unsigned_integer(0));
            streams.insert(list.integer(1));
        }
        list.reset();
        if (!has_dropped) continue;
        stubs.bind(1, replica);
        for (;;) {
            TRY(const bool row, stubs.step());
            if (!row) break;
            without.insert(static_cast<int>(stubs.integer(0)));
        }
        stubs.reset();
    }
    for (const auto stream : without) TRY_VOID(want_dropped_in(stream));
    TRY(auto forget, db->prepare("DELETE FROM checkpoint WHERE stream = ?1", false));
    for (const auto stream : streams) {
        forget.bind(1, stream);
        TRY_VOID(forget.run());
    }
    for (const auto lsn : lsns) TRY_VOID(refold_rows(lsn));
    return {};
}

}  // namespace taizhang
