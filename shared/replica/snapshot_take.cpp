// A new device takes a state, all of it or nothing; the layout: snapshot.h.
#include "replica/impl.h"
#include "replica/snapshot.h"

#include <algorithm>
#include <cstring>

namespace taizhang {
namespace {

using namespace snapshot;

Error malformed() { return fail(Errc::protocol, "服务器发来的状态有误 / the hub's state makes no sense"); }

/// A commit by place and hash.
struct Place {
    ReplicaId replica;
    Seq seq;
    Hash hash;
};

}  // namespace

/// Into a stream of which nothing is here. The caller undoes what a refused state has written.
class Replica::Impl::SnapshotTaker {
public:
    SnapshotTaker(Impl& m, std::string_view bytes) : m_(m), r_(bytes), bytes_(bytes) {}

    Result<StreamId> head() {
        if (r_.u8() != kFormat) r_.poison();
        id_.unit = std::string(r_.str());
        const auto audience = r_.u8();
        id_.audience = static_cast<Audience>(audience);
        if (!r_.ok() || id_.unit.empty() || id_.unit.size() > 64 || audience > 1) return malformed();
        return id_;
    }

    Result<> take() {
        TRY(const auto checkpoint, take_checkpoint());
        TRY(stream_, m_.stream_no(id_));
        for (auto n = r_.size(); n > 0 && r_.ok(); --n) replicas_.push_back({r_.array<16>()});
        for (auto n = r_.size(); n > 0 && r_.ok(); --n) names_.push_back(r_.str());
        chains_.resize(replicas_.size());
        TRY_VOID(take_tips(checkpoint));
        for (auto n = r_.size(); n > 0 && r_.ok(); --n) TRY_VOID(take_entity());
        TRY_VOID(take_past());
        TRY_VOID(take_folded());
        if (!r_.done()) return malformed();
        StreamDigest digest(std::move(tips_));
        std::sort(records_.begin(), records_.end());
        const std::string_view records(record_bytes_);
        for (const auto& record : records_) digest.add(records.substr(record.first, record.size));
        if (digest.finish() != checkpoint.digest) return not_signed();
        // Signed before the city set a device's work aside, and given by a server that has not heard of it.
        const bool is_of_before = std::any_of(replicas_.begin(), replicas_.end(), [&](const auto& id) {
            const auto* revoked = m_.control.revocation(id);
            return revoked && (revoked->since.value == 0 || signed_at_ < revoked->since);
        });
        return is_of_before ? m_.want_dropped_in(stream_) : Result<>();
    }

private:
    struct Record {
        int entity;
        std::string_view id;
        std::size_t first, size;  ///< in record_bytes_
        bool operator<(const Record& o) const { return std::tie(entity, id) < std::tie(o.entity, o.id); }
    };

    Error not_signed() const {
        return fail(Errc::protocol, id_.str() + " 的状态与市级检查点不符,没有采用 / the state of " + id_.str() +
                                        " is not what the city signed: not taken");
    }

    Result<Checkpoint> take_checkpoint() {
        const auto packed = r_.str();
        const auto signature = r_.str();
        std::string bytes;
        TRY_VOID(m_.packer.unpack(packed, bytes));
        Commit c;
        TRY_VOID(c.decode(bytes));
        const auto checkpoint = checkpoint_of(c);
        const auto* author = m_.control.cert(c.header.replica);
        const bool is_theirs = author && (!m_.control.is_signed() ||
                                          author->key().verify(kForHead, taizhang::view(c.hash.bytes), signature));
        if (!checkpoint || c.header.stream != id_ || !is_theirs || !m_.control.speaks_for_city(c.header.replica))
            return fail(Errc::protocol,
                        "服务器发来的状态没有市级的检查点 / the hub's state has no checkpoint of the city");
        signed_at_ = c.header.control;
        return *checkpoint;
    }

    Place place() {
        Place p;
        const auto replica = r_.varint();
        if (replica < replicas_.size())
            p.replica = replicas_[replica];
        else
            r_.poison();
        p.seq = Seq{r_.varint()};
        p.hash.bytes = r_.array<32>();
        return p;
    }

    Result<> take_tips(const Checkpoint& checkpoint) {
        std::vector<std::pair<Tip, std::string>> chains;  // as they are signed
        std::vector<std::string_view> marks;
        for (auto n = r_.size(); n > 0 && r_.ok(); --n) {
            const auto p = place();
            if (p.seq.value > r_.remaining() / kVersionBytes) r_.poison();
            marks.push_back(r_.raw(p.seq.value * kVersionBytes));
            std::string& is_signed = chains.emplace_back(Tip{p.replica, p.seq, p.hash}, std::string()).second;
            for (std::size_t at = 0; at < marks.back().size(); at += kVersionBytes)
                is_signed += marks.back().substr(at, kMarkBytes);
        }
        std::vector<Tip> without_time;
        for (auto n = r_.size(); n > 0 && r_.ok(); --n) {
            const auto p = place();
            without_time.push_back({p.replica, p.seq, p.hash});
        }
        if (!r_.ok()) return malformed();
        if ((m_.control.is_signed() || checkpoint.marks != Hash{}) &&
            marks_digest(chains, without_time) != checkpoint.marks)
            return not_signed();
        for (std::size_t i = 0; i < chains.size(); ++i) {
            const auto& tip = chains[i].first;
            TRY_VOID(m_.begin_at(stream_, tip, marks[i]));
            const auto number = std::find(replicas_.begin(), replicas_.end(), tip.replica) - replicas_.begin();
            TRY(const int replica, m_.replica_no(tip.replica));
            chains_[static_cast<std::size_t>(number)] = {tip.seq, m_.lsn_below_floor(stream_, replica, Seq{1}),
                                                         marks[i]};
            tips_.push_back(tip);
        }
        for (const auto& t : without_time) {
            TRY(const int replica, m_.replica_no(t.replica));
            TRY(const bool is_covered, m_.below_floor(stream_, replica, t.seq, t.hash));
            if (!is_covered) return malformed();
            TRY(const auto lsn, m_.insert_stub(stream_, replica, t.seq, t.hash));
            TRY_VOID(m_.mark_unstamped(stream_, lsn));
        }
        return {};
    }

    /// The commit of a chain that stands in a row.
    Result<> standing(std::uint64_t replica, VersionRef& out) {
        const auto seq = r_.varint();
        out.time = r_.varint();
        if (replica >= chains_.size() || seq == 0 || seq > chains_[replica].through.value) return malformed();
        const auto& chain = chains_[replica];
        out.lsn = chain.first_lsn + seq - 1;
        VersionId version;
        std::memcpy(version.bytes.data(), chain.marks.data() + (seq - 1) * kVersionBytes, kVersionBytes);
        m_.note_version(out.lsn, version, Replica::Impl::Named::kUnknown);
        return {};
    }

    Result<> take_entity() {
        auto* table = m_.table_named(r_.str());
        if (!r_.ok() || !table) return malformed();
        const auto& b = table->binding();
        std::vector<int> fields, groups;  // by number of the name
        for (const auto name : names_) {
            fields.push_back(b.field(name));
            groups.push_back(b.group(name));
        }
        for (auto n = r_.size(); n > 0 && r_.ok(); --n) TRY_VOID(take_row(*table, fields, groups));
        return {};
    }

    /// By the number + 1 of a name; -1: there is none.
    static int numbered(const std::vector<int>& list, std::uint64_t number) {
        return number == 0 || number > list.size() ? -1 : list[number - 1];
    }

    /// Straight into the table: its history is elsewhere.
    Result<> take_row(RowTable& table, const std::vector<int>& fields, const std::vector<int>& groups) {
        const auto id = r_.str();
        auto& meta = meta_;
        auto room = std::move(meta.groups);
        meta = {};
        meta.groups = std::move(room);
        meta.dropped = true;
        meta.head_index = RowMeta::kUnlinked;
        meta.state = static_cast<int>(r_.varint() & 0xffff);
        meta.groups.assign(table.binding().groups.size(), {});
        cells_.clear();
        for (auto name = r_.varint(); name != 0 && r_.ok(); name = r_.varint()) {
            const auto field = numbered(fields, name);
            const auto before = r_.offset();
            ValueView::read(r_);
            if (field < 0 || !r_.ok()) return malformed();
            cells_.push_back({field, bytes_.substr(before, r_.offset() - before)});
        }
        if (const auto flow = r_.varint(); flow != 0) TRY_VOID(standing(flow - 1, meta.flow));
        meta.head = meta.flow.lsn;
        for (auto name = r_.varint(); name != 0 && r_.ok(); name = r_.varint()) {
            const auto number = numbered(groups, name);
            if (number < 0) return malformed();
            auto& group = meta.groups[static_cast<std::size_t>(number)];
            TRY_VOID(standing(r_.varint(), group));
            meta.head = std::max(meta.head, group.lsn);
        }
        if (!r_.ok() || meta.head == 0) return malformed();
        m_.note_written(table, id);
        TRY(const bool inserted, table.insert(stream_, id, cells_, meta));
        if (!inserted) return malformed();
        const auto first = record_bytes_.size();
        TRY_VOID(m_.append_record(record_bytes_, table, id, meta, cells_));
        records_.push_back({table.binding().number, id, first, record_bytes_.size() - first});
        return {};
    }

    Result<> take_past() {
        for (auto n = r_.size(); n > 0 && r_.ok(); --n) {
            const auto packed = r_.str();
            const auto flags = r_.u8();
            if (!r_.ok()) return malformed();
            m_.arena.emplace_back();
            TRY_VOID(m_.packer.unpack(packed, m_.arena.back()));
            Commit c;
            TRY_VOID(c.decode(m_.arena.back()));
            TRY(const int replica, m_.replica_no(c.header.replica));
            TRY(const bool is_covered, m_.below_floor(stream_, replica, c.header.seq, c.hash));
            if (c.header.stream != id_ || !is_covered || !m_.control.cert(c.header.replica)) return malformed();
            TRY(const auto lsn, m_.insert_past(stream_, c, packed));
            if (flags & kWaits) {
                TRY_VOID(m_.wait_for(lsn, Wait{}));  // for what, it finds when it is tried
                continue;
            }
            for (std::uint32_t i = 0; i < c.rows.size(); ++i)
                items_[{std::string(c.names[c.rows[i].entity]), std::string(c.rows[i].id)}].push_back({lsn, i});
        }
        return {};
    }

    Result<> take_folded() {
        for (auto n = r_.size(); n > 0 && r_.ok(); --n) {
            const std::string entity(r_.str()), id(r_.str());
            auto* table = m_.table_named(entity);
            const auto items = items_.find({entity, id});
            if (!r_.ok() || !table || items == items_.end()) return malformed();
            m_.arena.push_back(id);
            TRY(const bool whole, m_.link_row(*table, stream_, m_.arena.back(), items->second));
            if (!whole) return malformed();
            TRY(const auto h, m_.fold_items(*table, items->second));
            folded_ids_.push_back(id);
            const auto first = record_bytes_.size();
            TRY_VOID(m_.append_record(record_bytes_, *table, id, h));
            records_.push_back({table->binding().number, folded_ids_.back(), first, record_bytes_.size() - first});
            items_.erase(items);  // named once
        }
        return m_.flush();
    }

    Impl& m_;
    Reader r_;
    std::string_view bytes_;
    StreamId id_;
    ControlPos signed_at_;
    int stream_ = 0;
    std::vector<ReplicaId> replicas_;
    std::vector<std::string_view> names_;
    std::vector<Tip> tips_;
    struct Chain {
        Seq through;
        std::uint64_t first_lsn = 0;
        std::string_view marks;
    };
    std::vector<Chain> chains_;  ///< by the replica's number
    std::map<std::pair<std::string, std::string>, std::vector<RowHistory::Item>> items_;
    std::vector<Record> records_;
    std::string record_bytes_;
    std::deque<std::string> folded_ids_;  ///< what records_ names; the others stand in the state's bytes
    RowMeta meta_;                        // of the row at hand
    std::vector<Cell> cells_;             // the same
};

Result<bool> Replica::take_snapshot(std::string_view bytes) {
    auto& m = *impl_;
    Impl::SnapshotTaker taker(m, bytes);
    TRY(const auto stream, taker.head());
    TRY(const auto here, commits_in(stream));
    if (here > 0) return false;
    // All of it or nothing, also inside a larger transaction that goes on without it.
    TRY_VOID(m.attempt([&]() -> Result<> {
        TRY_VOID(taker.take());
        m.past_arrived = true;
        if (m.has_dropped) return {};
        m.has_dropped = true;
        return m.set_fact("dropped", "1");
    }));
    return true;
}

}  // namespace taizhang
