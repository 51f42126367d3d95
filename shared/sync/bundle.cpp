// Making a bundle: where the receiver stands, what it lacks, parts of a size.
#include "sync/bundle.h"

#include "sync/bundle_letter.h"
#include "sync/session.h"
#include "sync/shown.h"
#include "sync/upstream_facts.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <span>

namespace taizhang::sync {
namespace {

constexpr std::size_t kFrameAcksMax = 4096;
constexpr std::size_t kComparedBytes = 4096;  // of a control entry that travels for comparison alone; a catalog is more
constexpr std::size_t kRangeBytes = 80, kEntryBytes = 4;  // of a range and of an entry, beside the commits
constexpr std::size_t kStretchMin = 4096;                 // a part with less room than this gets no more of a content
constexpr std::size_t kSlots = 16;                        // keys that open it are rounded up to a multiple of this

/// Where the receiver stands, as far as is known here.
class Receiver {
public:
    static Result<Receiver> find(Replica& r, const BundleOptions& o) {
        const auto* own = r.control().cert(r.id());
        if (!own) return fail(Errc::not_allowed, "本机还没有登记,请先 enrol / not enrolled yet: run enrol first");
        Receiver x;
        x.unit_ = o.to;
        const auto head = r.control().head();
        const auto& office = r.control().authority(own->unit, head);
        if (o.to.empty()) {
            if (own->unit == r.control().root())
                return fail(Errc::not_allowed, "市级之上没有单位,请给出 --to / nothing is above the city: give --to");
            x.way_ = Way::hub;
        } else {
            const auto* unit = r.control().unit(o.to);
            if (!unit) return fail(Errc::not_found, "没有单位 " + o.to + " / there is no unit " + o.to);
            const bool below = r.control().is_at_or_below(o.to, office, head);
            if (!below && !r.control().is_at_or_below(own->unit, o.to, head))
                return fail(Errc::not_allowed,
                            o.to + " 不在本单位的上级或下级之中 / " + o.to + " is neither above nor below this unit");
            x.way_ = below ? Way::down : Way::up;
            x.level_ = unit->level;
        }
        if (o.all) x.way_ = Way::everything;
        if (x.way_ == Way::down || x.way_ == Way::everything) TRY_VOID(x.read_peers(r));
        if (x.way_ == Way::hub) {
            TRY(x.unsent_, unsent(r));
        }
        return x;
    }

    /// Whose keys open it: the unit's devices, or whoever is above; this node's own as well.
    Result<std::vector<trust::PublicKey>> keys(const Replica& r) const {
        std::vector<trust::PublicKey> out;
        if (!r.control().is_signed()) return out;
        if (!r.can_sign())
            return fail(Errc::not_allowed,
                        "本机没有与登记相符的密钥,请重新 enrol / this node lacks the key that it was "
                        "enrolled with: enrol again");
        const auto& c = r.control();
        const auto* own = c.cert(r.id());
        auto add = [&](const trust::PublicKey& key) {
            if (key.suite == own->suite && out.size() < trust::kReceiversMax &&
                std::find(out.begin(), out.end(), key) == out.end())
                out.push_back(key);
        };
        add(own->key());
        if (unit_.empty())  // those who vouched for this node first
            for (const auto& body : r.certificate_chain(r.id()))
                if (const auto cert = Certificate::decode(body)) add(cert->key());
        std::map<ReplicaId, const Certificate*> in_order;
        for (const auto& [id, cert] : c.certs()) in_order[id] = &cert;
        for (const auto& [id, cert] : in_order)
            if (unit_.empty() ? c.is_at_or_below(own->unit, c.authority(cert->unit, c.head()), c.head())
                              : cert->unit == unit_)
                add(cert->key());
        if (out.size() < 2 && (unit_.empty() || unit_ != own->unit))
            return fail(Errc::not_allowed, "还不知道" + (unit_.empty() ? std::string("上级") : " " + unit_) +
                                               " 的密钥,请先同步 / no key of " +
                                               (unit_.empty() ? std::string("anybody above") : unit_) +
                                               " is known here: sync first");
        // How many can open it would tell a finder how large the office is: keys of nobody stand beside them.
        const auto random = [&r](std::span<std::uint8_t> bytes) { r.random(bytes); };
        while (out.size() % kSlots != 0 && out.size() < trust::kReceiversMax)
            out.push_back(trust::Key::make(own->suite, random).public_key());
        return out;
    }

    /// Whether it can be a hub above: it may have what it is given here before this node meets it by a link.
    bool is_above() const { return way_ != Way::down; }
    /// Shown what the city signed although it should know it: two words of the city's meet there.
    bool is_shown() const { return way_ == Way::hub || way_ == Way::up; }
    bool reads(const Replica& r, const StreamId& s) const { return unit_.empty() || r.control().holds(unit_, s); }
    ControlPos control(const Replica& r) const {
        if (way_ == Way::everything && !unit_.empty()) return {};
        return way_ == Way::down ? control_ : r.control().head();
    }

    /// The place after which it lacks the chain; none: nothing of it is to be sent.
    Result<std::optional<Seq>> after(Replica& r, const ChainHead& h) {
        if (way_ == Way::everything) return std::optional(Seq{0});
        if (way_ == Way::hub) {
            for (const auto& u : unsent_)
                if (u.stream == h.stream && u.replica == h.replica) return std::optional(u.acked);
            return std::optional<Seq>();
        }
        TRY(const bool forked, r.is_forked(h.stream, h.replica));
        const auto* author = r.control().cert(h.replica);
        // It has what it wrote itself; but where there are two words of it, it is shown both.
        if (way_ == Way::up && author && author->unit == unit_ && !forked) return std::optional<Seq>();
        Seq there{0};
        if (way_ == Way::up && !forked) {
            TRY(there, level_ack(r, h.stream, h.replica, level_));
        }
        if (way_ == Way::down && !forked) {
            TRY(there, least_of_peers(r, h));
        }
        return there < h.seq ? std::optional(there) : std::optional<Seq>();
    }

private:
    enum class Way : std::uint8_t { hub, up, down, everything };

    Result<> read_peers(Replica& r) {
        TRY(const auto facts, r.facts(peers_of(unit_)));
        for (const auto& [key, bytes] : facts) {
            wire::Bundle b;
            if (wire::decode(bytes, b)) peers_.push_back(std::move(b));
        }
        for (std::size_t i = 0; i < peers_.size(); ++i)
            control_ = i == 0 ? peers_[i].control : std::min(control_, peers_[i].control);
        return {};
    }

    Result<Seq> least_of_peers(Replica& r, const ChainHead& h) {
        std::optional<Seq> least;
        for (const auto& p : peers_) {
            Seq there{0};
            for (const auto& x : p.heads) {
                if (x.stream != h.stream || x.replica != h.replica) continue;
                TRY(const auto known, r.hashes_at(x.stream, x.replica, x.seq));
                if (std::find(known.begin(), known.end(), x.hash) != known.end()) there = x.seq;
            }
            least = least ? std::min(*least, there) : there;
        }
        return least.value_or(Seq{0});
    }

    std::string unit_;
    Level level_ = Level::none;
    Way way_ = Way::hub;
    ControlPos control_;
    std::vector<wire::Bundle> peers_;
    std::vector<Unsent> unsent_;
};

/// Fills parts one after the other: files of `part_bytes`, or a little more where one piece is not to be cut.
/// `frame_bytes` is what a part without contents takes; of a tiny part half is kept for contents all the same.
class Filler {
public:
    Filler(Replica& r, wire::Bundle frame, std::size_t part_bytes, std::size_t frame_bytes)
        : r_(r), frame_(std::move(frame)), part_bytes_(part_bytes - std::min(frame_bytes, part_bytes / 2)) {}

    Result<> control(ControlPos after) {
        TRY_VOID(newest_known(after));
        for (;;) {
            TRY(auto entries, r_.control_after(after, wire::kControlBytes));
            if (entries.empty()) return {};
            if (!part().control_entries.empty()) next();
            part().control_after = after;
            after.value += entries.size();
            for (const auto& e : entries) bytes_ += e.size();
            is_empty_ = false;
            part().control_entries = std::move(entries);
        }
    }

    /// The entry that the receiver should have already, so that he notices if his is another.
    Result<> newest_known(ControlPos& after) {
        if (after.value == 0 || !r_.control().is_signed()) return {};
        TRY(const auto entries, r_.control_after(ControlPos{after.value - 1}, 1));
        if (!entries.empty() && entries.front().size() <= kComparedBytes) --after.value;
        return {};
    }

    Result<> chain(const ChainHead& h, Seq after) {
        while (after < h.seq) {
            part();
            if (room() == 0 && !is_empty_) next();
            TRY(auto entries, r_.chain_after(h.stream, h.replica, after, std::max<std::size_t>(room(), 1)));
            if (entries.empty()) return {};
            const auto size = size_of(entries);
            // Up to its author's signature it does not fit here any more.
            if (size > room() && !is_empty_) next();
            after = entries.back().seq;
            count_ += entries.size();
            TRY_VOID(range(h.stream, std::move(entries), size));
        }
        return {};
    }

    /// What the receiver most likely has: it costs bytes and is no news.
    Result<> shown(const StreamId& stream, std::vector<LogEntry> entries) {
        part();
        const auto size = size_of(entries);
        if (size > room() && !is_empty_) next();
        return range(stream, std::move(entries), size);
    }

    Result<> contents(const BundleOptions& o) {
        while (o.next_content) {
            part();
            // A part is begun for what there is, never for nothing.
            const auto least = std::min(kStretchMin, part_bytes_);
            const bool is_full = room() < least && !is_empty_;
            TRY(auto range, o.next_content(is_full ? part_bytes_ : std::max(room(), least)));
            if (!range) return {};
            if (is_full) next();
            is_empty_ = false;
            bytes_ += range->bytes.size();
            part().contents.push_back(std::move(*range));
        }
        return {};
    }

    Result<BundleFiles> finish(const std::vector<trust::PublicKey>& receivers) {
        part();
        BundleFiles out;
        out.commits = count_;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            parts_[i].part = static_cast<std::uint32_t>(i + 1);
            parts_[i].parts = static_cast<std::uint32_t>(parts_.size());
            TRY(auto sealed, seal(r_, receivers, parts_[i]));
            out.parts.push_back(std::move(sealed));
        }
        return out;
    }

private:
    static std::size_t size_of(const std::vector<LogEntry>& entries) {
        auto size = kRangeBytes;
        for (const auto& e : entries) size += e.packed.size() + e.signature.size() + kEntryBytes;
        return size;
    }
    /// Entries of one chain that follow each other, into the part at hand.
    Result<> range(const StreamId& stream, std::vector<LogEntry> entries, std::size_t size) {
        is_empty_ = false;
        bytes_ += size;
        wire::Range range;
        const auto& replica = entries.front().replica;
        range.after = {stream, replica, Seq{entries.front().seq.value - 1}, {}};
        Packer packer;
        std::string raw;
        TRY_VOID(packer.unpack(entries.front().packed, raw));
        TRY(const auto header, Commit::decode_header(raw));
        range.after.hash = header.prev;
        range.last = entries.back().seq;
        part().ranges.push_back(range);
        certificates(replica);
        for (auto& e : entries) {
            if (!e.signature.empty()) part().signatures.push_back({part().commits.size(), std::move(e.signature)});
            part().commits.push_back(std::move(e.packed));
        }
        return {};
    }
    wire::Bundle& part() {
        if (parts_.empty()) next();
        return parts_.back();
    }
    void next() {
        parts_.push_back(frame_);
        bytes_ = 0;
        is_empty_ = true;
        if (r_.control().is_signed()) certificates(r_.id());
    }
    /// The author's, and those that it rests on.
    void certificates(const ReplicaId& replica) {
        auto& list = part().certificates;
        for (auto& body : r_.certificate_chain(replica))
            if (std::find(list.begin(), list.end(), body) == list.end()) {
                bytes_ += body.size();
                list.push_back(std::move(body));
            }
    }
    std::size_t room() const { return part_bytes_ > bytes_ ? part_bytes_ - bytes_ : 0; }

    Replica& r_;
    wire::Bundle frame_;
    std::size_t part_bytes_, bytes_ = 0;
    bool is_empty_ = true;  ///< the newest part has its frame, and no contents
    std::uint64_t count_ = 0;
    std::vector<wire::Bundle> parts_;
};

/// None for a node that nobody syncs with: its word is not that of its level.
Result<HubIdentity> own_hub(Replica& r) {
    TRY(const auto self, r.fact("hub/self"));
    HubIdentity id;
    const auto* own = r.control().cert(r.id());
    TRY(auto s, r.database().prepare("SELECT 1 FROM device LIMIT 1", false));
    TRY(const bool has_devices, s.step());
    if (!has_devices && !(own && own->unit == r.control().root())) return id;
    if (self.size() == 24) {
        std::memcpy(id.hub.bytes.data(), self.data(), 16);
        std::memcpy(&id.generation, self.data() + 16, 8);
    }
    return id;
}

}  // namespace

Result<BundleFiles> make_bundle(Replica& r, const BundleOptions& o) {
    TRY(auto receiver, Receiver::find(r, o));
    const auto* own = r.control().cert(r.id());
    TRY(const auto hub, own_hub(r));
    wire::Bundle frame;
    frame.city = r.control().city_mark();
    frame.from = r.id();
    frame.unit = own->unit;
    frame.level = own->level;
    frame.hub = hub.hub;
    frame.generation = hub.generation;
    frame.to = o.to;
    frame.made_ms = r.now().ms;
    frame.control = frame.control_after = r.control().head();
    frame.contents_here = o.contents_here;
    frame.contents_wanted = o.contents_wanted;
    TRY(const auto heads, r.chain_heads());
    std::vector<StreamId> streams;
    for (const auto& h : heads) {
        if (!receiver.reads(r, h.stream)) continue;
        frame.heads.push_back({h.stream, h.replica, h.seq, h.hash});
        if (std::find(streams.begin(), streams.end(), h.stream) == streams.end()) streams.push_back(h.stream);
    }
    std::uint64_t through = 0;
    TRY(frame.acks, acks_after(r, 0, streams, o.to, kFrameAcksMax, through));
    if (r.control().is_signed() && !hub.hub.is_zero())  // a hub's word on what it has, to be passed on
        for (const auto& h : frame.heads) {
            if (frame.acks.size() >= kFrameAcksMax * 2) break;
            wire::Ack a{h, frame.level, {}, {}};
            TRY_VOID(sign_ack(r, a));
            frame.acks.push_back(std::move(a));
        }
    TRY(const auto receivers, receiver.keys(r));
    TRY(const auto alone, seal(r, receivers, frame));
    Filler filler(r, std::move(frame), std::clamp<std::size_t>(o.part_bytes, 1, kBundleBytesMax), alone.size());
    TRY_VOID(filler.control(receiver.control(r)));
    std::vector<ChainHead> carried;
    for (const auto& h : heads) {
        if (!receiver.reads(r, h.stream)) continue;
        TRY(const auto after, receiver.after(r, h));
        if (!after) continue;
        TRY_VOID(filler.chain(h, *after));
        if (receiver.is_above()) carried.push_back(h);
    }
    if (receiver.is_shown()) {
        TRY(auto checkpoints, newest_checkpoints(r, streams));
        for (auto& entries : checkpoints) {
            const auto stream = r.stream_name(entries.front().stream_no);
            const bool comes = std::any_of(carried.begin(), carried.end(), [&](const auto& h) {
                return h.stream == stream && h.replica == entries.front().replica;
            });
            if (!comes) TRY_VOID(filler.shown(stream, std::move(entries)));
        }
    }
    TRY_VOID(filler.contents(o));
    TRY(auto files, filler.finish(receivers));
    TRY_VOID(r.batch([&]() -> Result<> {
        for (const auto& h : carried) TRY_VOID(note_carried(r, h));
        return {};
    }));
    return files;
}

}  // namespace taizhang::sync
