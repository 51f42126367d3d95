// What the hub above has of each chain, and which chains are behind.
//
// The facts ack/STREAM/REPLICA are the truth; beside them, in memory, which chains have something to send. It is read
// once, when first asked for, and follows every admission and every ack from then on, so that a sync with nothing new
// costs nothing for each of thousands of chains.
#include "base/id_from.h"
#include "replica/impl.h"

#include <algorithm>

namespace taizhang {
namespace {

constexpr std::string_view kPrefix = "ack/";

std::string place_key(const StreamId& stream, const ReplicaId& replica) {
    return std::string(kPrefix) + stream.str() + "/" + replica.hex();
}

Seq seq_of(std::string_view text) { return Seq{std::strtoull(std::string(text).c_str(), nullptr, 10)}; }

}  // namespace

Result<> Replica::Impl::load_places() {
    if (places_loaded) return {};
    places.clear();
    chains_behind.clear();
    TRY(auto s, db->prepare("SELECT key, value FROM fact WHERE key >= 'ack/' AND key < 'ack0'", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        const auto key = s.text(0).substr(kPrefix.size());
        const auto slash = key.rfind('/');
        const auto stream = stream_nos.find(StreamId::parse(key.substr(0, slash)));
        const auto replica = replica_nos.find(id_from<ReplicaId>(from_hex(key.substr(slash + 1))));
        if (stream != stream_nos.end() && replica != replica_nos.end())
            places[chain_key(stream->second, replica->second)] = seq_of(s.blob(1));
    }
    places_loaded = true;
    TRY(auto next, db->prepare(kNextChain, false));
    for (const auto& [id, no] : stream_nos)
        TRY_VOID(each_chain(next, no, [&, no = no](int replica) -> Result<> {
            TRY(const auto head, chain_head(no, replica));
            note_place(chain_key(no, replica), head);
            return {};
        }));
    return {};
}

/// The chain grew, or the hub has more of it, or less.
void Replica::Impl::note_place(std::uint64_t chain, const Head& head) {
    if (!places_loaded) return;
    const auto place = places.find(chain);
    // What came from the hub is there already, unless it said that it lost it.
    const bool is_behind =
        place != places.end() ? place->second < head.seq : head.origin != Origin::upstream && head.seq.value > 0;
    if (is_behind)
        chains_behind.insert(chain);
    else
        chains_behind.erase(chain);
}

/// A branch comes from above: what is here of the chain and has no place still goes up, whatever its newest commit is.
Result<> Replica::Impl::keep_behind(int stream, int replica, const Head& head) {
    if (head.origin == Origin::upstream) return {};  // a branch comes beside something: the chain is not empty
    const auto key = place_key(stream_ids[stream], replica_ids[replica]);
    TRY(const auto place, fact(key));
    if (!place.empty()) return {};
    TRY_VOID(set_fact(key, "0"));
    if (!places_loaded) return {};
    const auto chain = chain_key(stream, replica);
    places[chain] = Seq{0};
    note_place(chain, head);
    return {};
}

Result<std::vector<Replica::Behind>> Replica::behind() {
    auto& m = *impl_;
    TRY_VOID(m.load_places());
    std::vector<Behind> out;
    out.reserve(m.chains_behind.size());
    for (const auto chain : m.chains_behind) {
        const auto stream = static_cast<int>(chain >> 32), replica = static_cast<int>(chain & 0xffffffffu);
        TRY(const auto head, m.chain_head(stream, replica));
        const auto place = m.places.find(chain);
        out.push_back(
            {m.stream_ids[stream], m.replica_ids[replica], place == m.places.end() ? Seq{0} : place->second, head.seq});
    }
    std::sort(out.begin(), out.end(), [&](const Behind& a, const Behind& b) {
        return std::tuple(a.stream, m.replica_nos[a.replica]) < std::tuple(b.stream, m.replica_nos[b.replica]);
    });
    return out;
}

Result<std::optional<Seq>> Replica::place(const StreamId& stream, const ReplicaId& replica) {
    TRY(const auto v, impl_->fact(place_key(stream, replica)));
    return v.empty() ? std::optional<Seq>() : std::optional(seq_of(v));
}

Result<> Replica::set_place(const StreamId& stream, const ReplicaId& replica, Seq seq) {
    auto& m = *impl_;
    TRY_VOID(m.batch([&] { return m.set_fact(place_key(stream, replica), std::to_string(seq.value)); }));
    const auto s = m.stream_nos.find(stream);
    const auto r = m.replica_nos.find(replica);
    if (!m.places_loaded || s == m.stream_nos.end() || r == m.replica_nos.end()) {
        m.places_loaded = false;  // read again when it matters
        return {};
    }
    const auto chain = chain_key(s->second, r->second);
    m.places[chain] = seq;
    TRY(const auto head, m.chain_head(s->second, r->second));
    m.note_place(chain, head);
    return {};
}

Result<std::vector<ChainHead>> Replica::own_heads() {
    auto& m = *impl_;
    std::vector<ChainHead> out;
    const auto own = m.replica_nos.find(m.self);
    if (own == m.replica_nos.end()) return out;
    for (const auto stream : m.own_streams) {
        TRY(const auto head, m.chain_head(stream, own->second));
        out.push_back({m.stream_ids[stream], m.self, head.seq, head.hash, head.origin});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.stream < b.stream; });
    return out;
}

}  // namespace taizhang
