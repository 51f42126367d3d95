// What a node knows of the hub above: its place there, what it has of each chain, what may be let go of.
#include "sync/upstream_facts.h"

#include "sync/held.h"

#include <algorithm>
#include <cstring>

namespace taizhang::sync {

std::string encode(const wire::Cursor& c) {
    std::string out;
    Writer w(out);
    w.raw(view(c.hub.bytes));
    w.varint(c.generation);
    w.varint(c.log.value);
    w.varint(c.proof);
    w.varint(c.certificates);
    w.varint(c.acks);
    return out;
}

wire::Cursor decode_cursor(const std::string& bytes) {
    Reader r(bytes);
    wire::Cursor c;
    c.hub.bytes = r.array<16>();
    c.generation = r.varint();
    c.log = Lsn{r.varint()};
    c.proof = r.varint();
    c.certificates = r.varint();
    c.acks = r.varint();
    return r.done() ? c : wire::Cursor{};
}

Result<> keep_hub(Replica& r, const wire::Cursor& c) {
    std::string out;
    Writer w(out);
    w.raw(view(c.hub.bytes));
    w.varint(c.generation);
    TRY(const auto known, r.fact(kHub));
    if (known == out) return {};
    // The same hub in another generation: it was put back from a backup, or set up anew.
    if (known.substr(0, 16) == out.substr(0, 16)) TRY_VOID(r.set_fact("notice/hub", std::to_string(r.now().ms)));
    return r.set_fact(kHub, out);
}

Error another_city() {
    return fail(Errc::protocol,
                "这台服务器属于另一个城市,什么也没有交换 / this server belongs to another city: nothing was exchanged");
}

Result<trust::PublicKey> upstream_key(Replica& r) {
    TRY(const auto bytes, r.fact(kHubKey));
    return trust::PublicKey::decode(bytes);
}

Result<ReplicaId> upstream_replica(Replica& r) {
    TRY(const auto bytes, r.fact(kHubReplica));
    ReplicaId hub;
    if (bytes.size() == hub.bytes.size()) std::memcpy(hub.bytes.data(), bytes.data(), bytes.size());
    return hub;
}

namespace {

/// fact "carried/STREAM/REPLICA": decimal
std::string carried_key(const StreamId& stream, const ReplicaId& replica) {
    return "carried/" + stream.str() + "/" + replica.hex();
}

}  // namespace

Result<> note_carried(Replica& r, const ChainHead& h) {
    return r.set_fact(carried_key(h.stream, h.replica), std::to_string(h.seq.value));
}

Result<Seq> carried_up_to(Replica& r, const StreamId& stream, const ReplicaId& replica) {
    TRY(const auto text, r.fact(carried_key(stream, replica)));
    return Seq{std::strtoull(text.c_str(), nullptr, 10)};
}

Result<> forget_carried(Replica& r, const StreamId& stream, const ReplicaId& replica) {
    return r.set_fact(carried_key(stream, replica), "");
}

Result<Level> word_of(Replica& r, const ReplicaId& answered_by, Level claimed) {
    TRY(const auto enrolled_with, upstream_replica(r));
    const auto& who = answered_by.is_zero() ? enrolled_with : answered_by;
    const auto* cert = r.control().cert(who);
    if (!cert) return claimed;
    if (claimed > cert->level)
        return fail(Errc::protocol,
                    "服务器自称的级别高于它的证书,什么也没有接收 / the server claims a higher level than its "
                    "certificate gives it: nothing was taken");
    const bool is_city = claimed != Level::city || !r.control().is_signed() || r.control().speaks_for_city(who);
    return is_city ? claimed : Level::none;
}

Result<> add_chain(Replica& r, const ReplicaId& id, std::vector<std::string>& out) {
    TRY(const auto hub, upstream_replica(r));
    const auto known = r.certificate_chain(hub);
    for (auto& body : r.certificate_chain(id))
        if (std::find(out.begin(), out.end(), body) == out.end() &&
            std::find(known.begin(), known.end(), body) == known.end())
            out.push_back(std::move(body));
    return {};
}

std::string plain_code(std::string_view typed) {
    std::string out;
    for (const char c : typed) {
        const char u = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        if (kCodeAlphabet.find(u) != std::string_view::npos) out.push_back(u);
    }
    return out;
}

Result<> take_certificates(Replica& r, const std::vector<std::string>& bodies) {
    for (const auto& body : bodies) {
        TRY(const auto c, Certificate::decode(body));
        if (auto taken = r.add_certificate(c); !taken && taken.error().code != Errc::denied) return taken;
    }
    return {};
}

Result<std::vector<Proved>> prove(Replica& r, std::span<const std::string_view> packed,
                                  const std::vector<wire::HeadSignature>& signatures) {
    std::vector<HeadSignature> list;
    list.reserve(signatures.size());
    for (const auto& s : signatures) list.push_back({s.index, s.signature});
    return r.prove(packed, list);
}

Result<std::vector<Unsent>> unsent(Replica& replica) { return replica.behind(); }

Result<std::uint64_t> unsent_count(Replica& replica) {
    TRY(const auto chains, unsent(replica));
    std::uint64_t n = 0;
    for (const auto& c : chains) n += c.count();
    return n;
}

Result<> note_fork_below(Replica& r, const std::vector<Replica::Received>& results) {
    for (const auto& x : results) {
        if (x.admission != Admission::admitted) continue;
        TRY(const bool forked, r.is_forked(x.header.stream, x.header.replica));
        if (!forked) continue;
        const Seq before{x.header.seq.value - 1};
        TRY(const auto ack, r.place(x.header.stream, x.header.replica));
        TRY_VOID(r.set_place(x.header.stream, x.header.replica, std::min(ack.value_or(before), before)));
    }
    return {};
}

Result<std::vector<Replica::Received>> receive_from_below(Replica& r, std::span<const std::string_view> packed) {
    std::vector<Replica::Received> out;
    TRY_VOID(r.batch([&]() -> Result<> {
        TRY(out, r.receive(packed, Origin::below));
        TRY_VOID(note_from_below(r, out));
        TRY_VOID(release_held(r));
        return {};
    }));
    return out;
}

Result<> note_from_below(Replica& r, const std::vector<Replica::Received>& results) {
    TRY_VOID(note_fork_below(r, results));
    const auto* own = r.control().cert(r.id());
    for (const auto& x : results)
        if (own && !x.header.stream.unit.empty() && !r.control().holds(own->unit, x.header.stream))
            TRY_VOID(r.set_fact(kEvicted, ""));  // passed on, then taken off this disk again
    return {};
}

Result<HubIdentity> upstream_hub(Replica& r) {
    TRY(const auto bytes, r.fact(kHub));
    HubIdentity id;
    if (bytes.empty()) {  // of a database from before this fact
        TRY(const auto cursor, r.fact(kCursor));
        const auto c = decode_cursor(cursor);
        return HubIdentity{c.hub, c.generation};
    }
    Reader in(bytes);
    id.hub.bytes = in.array<16>();
    id.generation = in.varint();
    return in.done() ? id : HubIdentity{};
}

Result<wire::Cursor> upstream_cursor(Replica& r) {
    TRY(const auto bytes, r.fact(kCursor));
    return decode_cursor(bytes);
}

Result<Chunks> measured_link(Replica& r) {
    TRY(const auto text, r.fact(kLink));
    return Chunks::decode(text);
}

Result<> note_trip(Replica& r, const Trip& trip) {
    TRY(auto chunks, measured_link(r));
    chunks.arrived(trip, 0);
    return r.set_fact(kLink, chunks.encode());
}

Result<> forget_cursor(Replica& r) { return r.set_fact(kCursor, encode(wire::Cursor{})); }

bool is_own(const Replica& r, const ReplicaId& author) { return author == r.id() || r.is_own_key(author); }

namespace {

/// Up to where the chain was dropped here, or `after`; of what was dropped, the city's backup holds all.
Result<Seq> dropped_up_to(Replica& r, const ChainHead& h, Seq after) {
    TRY(const auto left, r.chain_after(h.stream, h.replica, after, 1));
    return left.empty() ? h.seq : Seq{left.front().seq.value - 1};
}

/// From behind what the city has.
Result<> offer_again(Replica& r, const ChainHead& h) {
    TRY(const bool is_there, level_has(r, {h.replica, h.stream, h.seq, h.hash}, Level::city));
    if (is_there) return {};
    TRY(const auto acked, level_ack(r, h.stream, h.replica, Level::city));
    TRY(const auto from, dropped_up_to(r, h, acked));
    TRY(const auto place, r.place(h.stream, h.replica));
    // Own work without one came back from a relay, which may have thrown it away since.
    const bool is_above = place ? *place > from : is_own(r, h.replica) && h.seq > from;
    return is_above ? r.set_place(h.stream, h.replica, from) : Result<>();
}

/// Nobody waits for what this node dropped.
Result<> leave_dropped(Replica& r, const ChainHead& h) {
    TRY(const auto place, r.place(h.stream, h.replica));
    if (!place || *place >= h.seq) return {};
    TRY(const auto from, dropped_up_to(r, h, *place));
    return from > *place ? r.set_place(h.stream, h.replica, from) : Result<>();
}

/// Nothing of it was written here and is not known to be at the city: a relay's word is not enough to drop work.
Result<bool> is_safe_above(Replica& r, const StreamId& stream) {
    TRY(const auto heads, r.chain_heads(std::span(&stream, 1)));
    for (const auto& h : heads) {
        if (!is_own(r, h.replica)) continue;
        TRY(const bool is_there, level_has(r, {h.replica, h.stream, h.seq, h.hash}, Level::city));
        if (!is_there) return false;
    }
    return true;
}

}  // namespace

Result<> learn_hub_heads(Replica& r, const std::vector<wire::ChainPos>& there_heads, Level level) {
    TRY(const auto heads, r.chain_heads());
    const auto* own = r.control().cert(r.id());
    TRY(const bool is_hub, has_devices(r));
    for (const auto& h : heads) {
        const auto it = std::find_if(there_heads.begin(), there_heads.end(),
                                     [&](const auto& x) { return x.stream == h.stream && x.replica == h.replica; });
        // It speaks of what this unit holds; of what the tree took from it, it says nothing. Own work goes again then,
        // unless the city has said that it has it: the hub that took it may be gone. So does what a server has of those
        // below: they wait for the city's word.
        if (it == there_heads.end() && own && r.control().unit(h.stream.unit) &&
            !r.control().holds(own->unit, h.stream)) {
            if (is_hub || is_own(r, h.replica)) TRY_VOID(offer_again(r, h));
            TRY_VOID(leave_dropped(r, h));
            continue;
        }
        Seq there{0};
        if (it != there_heads.end()) {
            // Only a head that we know too tells what is there; of a forked chain it tells of one branch.
            TRY(const bool forked, r.is_forked(h.stream, h.replica));
            TRY(const auto known, r.hashes_at(h.stream, h.replica, it->seq));
            if (!forked && std::find(known.begin(), known.end(), it->hash) != known.end()) there = it->seq;
        }
        TRY_VOID(r.set_place(h.stream, h.replica, there));
        TRY(const auto said, level_ack(r, h.stream, h.replica, level));
        if (there < said) {  // that level lost some, or this is another office of it
            const auto hash = it == there_heads.end() || there.value == 0 ? Hash{} : it->hash;
            TRY_VOID(learn_ack(r, {{h.stream, h.replica, there, hash}, level, {}, {}}, true));
        }
    }
    return {};
}

Result<> evict_out_of_scope(Replica& r) {
    const auto head = r.control().head();
    const auto* own = r.control().cert(r.id());
    TRY(const auto done, r.fact(kEvicted));
    if (!own || done == std::to_string(head.value)) return {};
    // A server keeps what it had: those below still bring what they wrote before they heard of the move, and it has to
    // fit on what is there. Nothing new of it comes from above.
    TRY(const bool is_hub, has_devices(r));
    if (is_hub) return {};
    TRY(const auto left, unsent(r));
    bool is_whole = true;
    for (const auto& s : r.streams()) {
        if (!r.control().unit(s.unit) || r.control().holds(own->unit, s)) continue;
        TRY(const bool is_safe, is_safe_above(r, s));
        if (!is_safe || std::any_of(left.begin(), left.end(), [&](const auto& c) { return c.stream == s; }))
            is_whole = false;
        else
            TRY_VOID(r.evict(s));
    }
    return is_whole ? r.set_fact(kEvicted, std::to_string(head.value)) : Result<>();
}

Result<bool> must_enrol_again(Replica& r) {
    const auto head = r.control().head();
    const auto* own = r.control().cert(r.id());
    if (!own) return false;
    if (r.control().is_abolished(own->unit, head)) return true;
    TRY(const auto hub, r.fact(kHubUnit));
    return !hub.empty() && r.control().unit(hub) != nullptr &&
           !r.control().is_at_or_below(own->unit, r.control().authority(hub, head), head);
}

Result<Seq> hub_ack(Replica& r, const StreamId& stream, const ReplicaId& author) {
    TRY(const auto ack, r.place(stream, author));
    return ack.value_or(Seq{0});
}

Result<Level> upstream_level(Replica& replica) {
    TRY(const auto v, replica.fact(kLevel));
    return v.empty() ? Level::none : level_from(v);
}

}  // namespace taizhang::sync
