#include "sync/session.h"

#include <algorithm>
#include <unordered_map>

namespace taizhang::sync {
namespace {

constexpr const char* kCursor = "upstream/cursor";  // hub[16], then varints generation, log, proof, certificates
constexpr const char* kToken = "upstream/token";
constexpr const char* kLevel = "upstream/level";
constexpr const char* kLastSync = "upstream/last_sync_ms";

std::string ack_key(const StreamId& stream, const ReplicaId& replica) {
    return "ack/" + stream.str() + "/" + replica.hex();
}

std::string encode(const wire::Cursor& c) {
    std::string out;
    Writer w(out);
    w.raw(view(c.hub.bytes));
    w.varint(c.generation);
    w.varint(c.log.value);
    w.varint(c.proof);
    w.varint(c.certificates);
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
    return r.done() ? c : wire::Cursor{};
}

Result<std::optional<Seq>> stored_ack(Replica& r, const StreamId& stream, const ReplicaId& replica) {
    TRY(const auto v, r.fact(ack_key(stream, replica)));
    if (v.empty()) return std::optional<Seq>();
    return std::optional(Seq{std::strtoull(v.c_str(), nullptr, 10)});
}

Result<> store_ack(Replica& r, const StreamId& stream, const ReplicaId& replica, Seq seq) {
    return r.set_fact(ack_key(stream, replica), std::to_string(seq.value));
}

}  // namespace

Result<std::vector<Unsent>> unsent(Replica& replica) {
    std::vector<Unsent> out;
    TRY(const auto facts, replica.facts("ack/"));
    const std::unordered_map<std::string, std::string> acks(facts.begin(), facts.end());
    TRY(const auto heads, replica.chain_heads());
    for (const auto& h : heads) {
        const auto ack = acks.find(ack_key(h.stream, h.replica));
        // What came from the hub is there already, unless it said that it lost it.
        if (ack == acks.end() && h.origin == Origin::upstream) continue;
        const auto from = ack == acks.end() ? Seq{0} : Seq{std::strtoull(ack->second.c_str(), nullptr, 10)};
        if (from < h.seq) out.push_back({h.stream, h.replica, from, h.seq});
    }
    return out;
}

Result<std::uint64_t> unsent_count(Replica& replica) {
    TRY(const auto chains, unsent(replica));
    std::uint64_t n = 0;
    for (const auto& c : chains) n += c.count();
    return n;
}

Result<Seq> acked(Replica& replica, const StreamId& stream, const ReplicaId& author) {
    TRY(const auto ack, stored_ack(replica, stream, author));
    return ack.value_or(Seq{0});
}

Result<bool> hub_has(Replica& replica, const CommitId& commit, Origin origin) {
    TRY(const auto ack, stored_ack(replica, commit.stream, commit.replica));
    return ack ? commit.seq <= *ack : origin == Origin::upstream;
}

Result<Level> upstream_level(Replica& replica) {
    TRY(const auto v, replica.fact(kLevel));
    return v.empty() ? Level::none : level_from(v);
}

// ------------------------------------------------------------------ enrolment

Result<std::string> Enrolment::request(const std::string& code, const std::string& label) {
    TRY(const auto token, r_.fact(kToken));
    if (!token.empty()) return fail(Errc::not_allowed, "本机已经登记过 / this replica is enrolled already");
    wire::EnrolRequest q;
    q.code = code;
    q.replica = r_.id();
    q.label = label;
    return wire::encode(q);
}

Result<> Enrolment::reply(std::string_view bytes) {
    wire::EnrolReply m;
    TRY_VOID(wire::decode(bytes, m));
    TRY(const auto cert, Certificate::decode(m.certificate));
    if (cert.replica != r_.id() || cert.unit != m.unit || m.token.empty())
        return fail(Errc::protocol, "登记答复与请求不符 / enrolment: the answer is for somebody else");
    TRY_VOID(r_.batch([&]() -> Result<> {
        TRY_VOID(r_.add_certificate(cert));
        TRY_VOID(r_.set_fact(kToken, m.token));
        TRY_VOID(r_.set_fact(kLevel, std::string(name_of(m.level))));
        return r_.set_fact(kCursor, encode(m.cursor));
    }));
    return r_.trust_time(m.time_ms);
}

// ------------------------------------------------------------------ sync

Result<> Session::fill_outbox(wire::SyncRequest& q) {
    TRY(const auto chains, unsent(r_));
    std::size_t room = kRequestBytes;
    for (const auto& c : chains) {
        const bool is_blocked = std::any_of(blocked_.begin(), blocked_.end(), [&](const auto& b) {
            return b.stream == c.stream && b.replica == c.replica;
        });
        if (is_blocked || room == 0) continue;
        TRY(auto entries, r_.chain_after(c.stream, c.replica, c.acked, room));
        if (c.replica != r_.id())
            if (const auto* cert = r_.control().cert(c.replica)) q.certificates.push_back(cert->encode());
        for (auto& e : entries) {
            room -= std::min(room, e.packed.size());
            q.commits.push_back(std::move(e.packed));
        }
    }
    return {};
}

Result<std::string> Session::request() {
    wire::SyncRequest q;
    TRY(q.token, r_.fact(kToken));
    if (q.token.empty())
        return fail(Errc::not_allowed, "本机还没有登记,请先 enrol / not enrolled yet: run enrol first");
    if (r_.is_copied()) TRY_VOID(r_.reincarnate());
    q.replica = r_.id();
    TRY(const auto cursor, r_.fact(kCursor));
    q.cursor = decode_cursor(cursor);
    q.control = r_.control().head();
    TRY(const auto waiting, r_.waiting());
    for (const auto& w : waiting)
        if (w.reason == "certificate") q.cursor.certificates = 0;  // the tree has moved: ask for all of them again
    if (send_vector_) {
        q.has_vector = true;
        TRY(const auto heads, r_.chain_heads());
        for (const auto& h : heads) q.vector.push_back({h.stream, h.replica, h.seq, h.hash});
    }
    TRY_VOID(fill_outbox(q));
    in_flight_ = q.commits.size();
    return wire::encode(q);
}

Result<> Session::reply(std::string_view bytes) {
    wire::SyncReply m;
    TRY_VOID(wire::decode(bytes, m));
    ++stats_.round_trips;
    TRY_VOID(r_.batch([&] { return take(m); }));
    TRY_VOID(r_.trust_time(m.time_ms));
    send_vector_ = m.wants_vector || (send_vector_ && m.more);
    TRY(const auto left, unsent(r_));
    const bool can_send = std::any_of(left.begin(), left.end(), [&](const auto& c) {
        return std::none_of(blocked_.begin(), blocked_.end(),
                            [&](const auto& b) { return b.stream == c.stream && b.replica == c.replica; });
    });
    more_ = m.more || can_send || r_.is_copied();
    // A hub that neither takes nor refuses would keep us here for ever.
    if (!m.more && in_flight_ > 0 && m.acks.empty() && m.verdicts.empty())
        return fail(Errc::protocol, "服务器没有确认收到 / the hub acknowledged nothing");
    return {};
}

/// The hub is new to us, or lost some of its log: what it lacks goes up again, whoever wrote it.
Result<> Session::take_heads(const wire::SyncReply& m) {
    TRY(const auto heads, r_.chain_heads());
    for (const auto& h : heads) {
        const auto it = std::find_if(m.heads.begin(), m.heads.end(),
                                     [&](const auto& x) { return x.stream == h.stream && x.replica == h.replica; });
        Seq there{0};
        if (it != m.heads.end()) {
            // Only a head that we know too tells what is there; of a forked chain it tells of one branch.
            TRY(const bool forked, r_.is_forked(h.stream, h.replica));
            TRY(const auto known, r_.hashes_at(h.stream, h.replica, it->seq));
            if (!forked && std::find(known.begin(), known.end(), it->hash) != known.end()) there = it->seq;
        }
        TRY_VOID(store_ack(r_, h.stream, h.replica, there));
    }
    return {};
}

Result<> Session::take(const wire::SyncReply& m) {
    TRY_VOID(r_.receive_control(m.control));
    for (const auto& body : m.certificates) {
        TRY(const auto c, Certificate::decode(body));
        TRY_VOID(r_.add_certificate(c));
    }
    std::vector<std::string_view> commits(m.commits.begin(), m.commits.end());
    TRY(const auto results, r_.receive(commits, Origin::upstream));
    for (const auto& x : results) {
        if (x.admission == Admission::admitted) ++stats_.received;
        // A gap or a break in what the hub serves: take none of it, so that the cursor stays where it was.
        if (x.admission == Admission::gap || x.admission == Admission::broken)
            return fail(Errc::protocol,
                        "服务器发来的记录不连续:" + x.why + " / the hub's commits do not follow: " + x.why);
    }
    if (m.wants_vector) TRY_VOID(take_heads(m));
    return note(m);
}

/// Acks, refusals and the new cursor.
Result<> Session::note(const wire::SyncReply& m) {
    for (const auto& a : m.acks) {
        TRY(const auto before, acked(r_, a.at.stream, a.at.replica));
        TRY(const auto hashes, r_.hashes_at(a.at.stream, a.at.replica, a.at.seq));
        if (std::find(hashes.begin(), hashes.end(), a.at.hash) == hashes.end())
            return fail(Errc::protocol, "服务器确认的不是本机的记录 / the hub acknowledged another commit than ours: " +
                                            a.at.stream.str());
        const auto seq = a.at.seq;
        if (seq > before) stats_.sent += seq.value - before.value;
        TRY_VOID(store_ack(r_, a.at.stream, a.at.replica, std::max(seq, before)));
    }
    for (const auto& v : m.verdicts) {
        if (v.kind == wire::Verdict::Kind::gap) {
            TRY(const auto before, acked(r_, v.stream, v.replica));
            if (v.have < before) {  // it lost some: send again from there
                TRY_VOID(store_ack(r_, v.stream, v.replica, v.have));
                continue;
            }
        }
        blocked_.push_back({v.stream, v.replica, v.seq, {}});
        stats_.refused.push_back(v.stream.str() + " #" + std::to_string(v.seq.value) + ": " + v.why);
    }
    TRY_VOID(r_.set_fact(kLevel, std::string(name_of(m.level))));
    TRY_VOID(r_.set_fact(kLastSync, std::to_string(m.time_ms)));
    return r_.set_fact(kCursor, encode(m.cursor));
}

}  // namespace taizhang::sync
