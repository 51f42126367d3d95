#include "sync/shown.h"

#include "replica/checkpoint.h"
#include "replica/contradiction.h"

#include <algorithm>
#include <cstring>

namespace taizhang::sync {
namespace {

struct Place {
    StreamId stream;
    ReplicaId replica;
    Seq seq;
};

/// Of the newest checkpoint of each stream here, those first that were signed last.
Result<std::vector<Place>> places_of_newest(Replica& r) {
    std::vector<Place> out;
    TRY(auto s,
        r.database().prepare("SELECT s.unit, s.audience, r.id, l.seq FROM checkpoint c JOIN log l ON l.lsn = c.lsn "
                             "JOIN stream s ON s.no = l.stream JOIN replica r ON r.no = l.replica "
                             "ORDER BY c.at_ms DESC, c.stream",
                             false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        Place p{{std::string(s.text(0)), static_cast<Audience>(s.integer(1))}, {}, Seq{s.unsigned_integer(3)}};
        if (s.blob(2).size() == p.replica.bytes.size())
            std::memcpy(p.replica.bytes.data(), s.blob(2).data(), p.replica.bytes.size());
        out.push_back(std::move(p));
    }
}

}  // namespace

Result<std::vector<std::vector<LogEntry>>> newest_checkpoints(Replica& r, const std::vector<StreamId>& streams) {
    std::vector<std::vector<LogEntry>> out;
    TRY(const auto places, places_of_newest(r));
    for (const auto& p : places) {
        if (out.size() == kShownMax) break;
        if (std::find(streams.begin(), streams.end(), p.stream) == streams.end()) continue;
        TRY(auto entries, r.chain_after(p.stream, p.replica, Seq{p.seq.value - 1}, 1));
        // Where its body was dropped, what is given begins behind it.
        if (!entries.empty() && entries.front().seq == p.seq) out.push_back(std::move(entries));
    }
    return out;
}

Result<bool> note_contradicting_checkpoint(Replica& r, const Commit& c, std::string_view packed,
                                           std::string_view signature) {
    const auto& h = c.header;
    const auto* author = r.control().cert(h.replica);
    if (!r.control().is_signed() || !author || author->unit != r.control().root() || !checkpoint_of(c)) return false;
    TRY(const auto here, r.hashes_at(h.stream, h.replica, h.seq));
    if (here.empty() || std::find(here.begin(), here.end(), c.hash) != here.end()) return false;
    const auto key = kContradictingCheckpoint + h.stream.str() + "/" + h.replica.hex();
    TRY(const auto known, r.fact(key));
    if (!known.empty()) return true;
    std::string value;
    Writer w(value);
    w.varint(static_cast<std::uint64_t>(std::max<std::int64_t>(0, r.now().ms)));
    w.varint(h.seq.value);
    w.str(packed);
    w.str(signature);
    TRY_VOID(r.set_fact(key, value));
    return true;
}

}  // namespace taizhang::sync
