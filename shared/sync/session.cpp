#include "sync/session.h"

#include "sync/held.h"

#include <algorithm>
#include <utility>

namespace taizhang::sync {
namespace {

constexpr const char* kCursor = "upstream/cursor";  // hub[16], then varints generation, log, proof, certificates, acks
constexpr const char* kToken = "upstream/token";
constexpr const char* kHub = "upstream/hub";  // hub[16], varint generation: of the newest cursor
constexpr const char* kLevel = "upstream/level";
constexpr const char* kHubControl = "upstream/control";  // by which tree the hub chose what it gave
// Of a device that begins: "+" and the stream up to which it has states; then "=": what follows them in the log comes
// by vector, until all of it is here.
constexpr const char* kState = "upstream/state";
constexpr int kRepeatsMax = 8;                        // of one answer, before its sender is given up
constexpr std::size_t kRowsMax = 64;                  // whose history is asked for at once
constexpr const char* kEvicted = "upstream/evicted";  // by which tree everything out of scope is gone
constexpr const char* kHubUnit = "upstream/unit";
constexpr const char* kLastSync = "upstream/last_sync_ms";
constexpr const char* kLink = "upstream/link";  // Chunks::encode

// Of the first trip of a session, whatever the link was when it was last seen. Higher: a link that went bad loses more
// before that is known; lower: one more round trip on a good one.
constexpr std::size_t kUnprovenBytes = 32u << 10;

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

}  // namespace

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
        TRY_VOID(note_fork_below(r, out));
        const auto* own = r.control().cert(r.id());
        for (const auto& x : out)
            if (own && !x.header.stream.unit.empty() && !r.control().holds(own->unit, x.header.stream))
                TRY_VOID(r.set_fact(kEvicted, ""));  // passed on, then taken off this disk again
        TRY_VOID(release_held(r));
        return {};
    }));
    return out;
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

Result<> learn_hub_heads(Replica& r, const std::vector<wire::ChainPos>& there_heads, Level level) {
    TRY(const auto heads, r.chain_heads());
    const auto* own = r.control().cert(r.id());
    for (const auto& h : heads) {
        const auto it = std::find_if(there_heads.begin(), there_heads.end(),
                                     [&](const auto& x) { return x.stream == h.stream && x.replica == h.replica; });
        // It speaks of what this unit holds; of what the tree took from it, it says nothing.
        if (it == there_heads.end() && own && r.control().unit(h.stream.unit) &&
            !r.control().holds(own->unit, h.stream))
            continue;
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
            TRY_VOID(learn_ack(r, {{h.stream, h.replica, there, hash}, level}));
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
    TRY(auto devices, r.database().prepare("SELECT 1 FROM device LIMIT 1", false));
    TRY(const bool is_hub, devices.step());
    if (is_hub) return {};
    TRY(const auto left, unsent(r));
    bool is_whole = true;
    for (const auto& s : r.streams()) {
        if (!r.control().unit(s.unit) || r.control().holds(own->unit, s)) continue;
        if (std::any_of(left.begin(), left.end(), [&](const auto& c) { return c.stream == s; }))
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

Result<Level> upstream_level(Replica& replica) {
    TRY(const auto v, replica.fact(kLevel));
    return v.empty() ? Level::none : level_from(v);
}

// ------------------------------------------------------------------ enrolment

Result<std::string> Enrolment::request(const std::string& code, const std::string& label) {
    // The old unit's name is done with; what was written under it stays and goes up as it is.
    const auto* own = r_.control().cert(r_.id());
    if (own && r_.control().is_abolished(own->unit, r_.control().head()))
        TRY_VOID(r_.batch([&]() -> Result<> {
            TRY_VOID(r_.set_fact(kToken, ""));
            return r_.reincarnate_bare();
        }));
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
    const auto mark = r_.control().city_mark();
    if (mark != 0 && m.city != mark) return another_city();
    if (const auto* own = r_.control().cert(r_.id()); own && own->unit != m.unit)
        return fail(Errc::not_allowed, "这个登记码是 " + m.unit + " 的,本机属于 " + own->unit + " / this code is for " +
                                           m.unit + ", this replica belongs to " + own->unit);
    // With data already here: a cursor of no hub, so that the vectors are compared.
    const auto cursor = r_.log_head().value == 0 ? m.cursor : wire::Cursor{};
    TRY_VOID(r_.batch([&]() -> Result<> {
        TRY_VOID(r_.add_certificate(cert));
        TRY_VOID(r_.set_fact(kToken, m.token));
        TRY_VOID(r_.set_fact(kLevel, std::string(name_of(m.level))));
        TRY_VOID(keep_hub(r_, m.cursor));
        if (begin_ == Begin::with_state && r_.log_head().value == 0) TRY_VOID(r_.set_fact(kState, "+"));
        return r_.set_fact(kCursor, encode(cursor));
    }));
    return r_.trust_time(m.time_ms);
}

// ------------------------------------------------------------------ sync

Result<> Session::fill_outbox(wire::SyncRequest& q) {
    TRY(const auto chains, unsent(r_));
    std::size_t room = chunks_.request_bytes();
    if (stats_.round_trips == 0) room = std::min(room, kUnprovenBytes);
    in_flight_bytes_ = 0;
    for (const auto& c : chains) {
        const bool is_blocked = std::any_of(blocked_.begin(), blocked_.end(), [&](const auto& b) {
            return b.stream == c.stream && b.replica == c.replica;
        });
        if (is_blocked || room == 0) continue;
        TRY(auto entries, r_.chain_after(c.stream, c.replica, c.acked, room));
        if (entries.empty() || entries.front().seq.value > c.acked.value + 1) {
            // The hub lost what this device has dropped: it gets it from above. Its heads will tell when.
            blocked_.push_back({c.stream, c.replica, c.acked, {}});
            asks_heads_ = true;
            continue;
        }
        // The hub has the certificate of whoever it has something of.
        if (c.replica != r_.id() && c.acked.value == 0)
            if (const auto* cert = r_.control().cert(c.replica)) q.certificates.push_back(cert->encode());
        asked_.push_back({c.stream, c.replica, c.acked, entries.back().seq});
        for (auto& e : entries) {
            room -= std::min(room, e.packed.size());
            in_flight_bytes_ += e.packed.size();
            q.commits.push_back(std::move(e.packed));
        }
    }
    return {};
}

Result<> Session::add_vector(wire::SyncRequest& q) {
    q.has_vector = sent_vector_ = true;
    TRY(const auto heads, r_.chain_heads());
    for (const auto& h : heads) q.vector.push_back({h.stream, h.replica, h.seq, h.hash});
    return {};
}

Result<std::string> Session::request() {
    wire::SyncRequest q;
    TRY(q.token, r_.fact(kToken));
    if (q.token.empty())
        return fail(Errc::not_allowed, "本机还没有登记,请先 enrol / not enrolled yet: run enrol first");
    if (r_.is_copied()) TRY_VOID(r_.reincarnate());
    if (!knows_link_) {
        TRY(chunks_, measured_link(r_));
        stored_chunks_ = chunks_;
        knows_link_ = true;
    }
    q.replica = r_.id();
    sent_vector_ = lost_place_ = false;
    asked_.clear();
    TRY(const auto cursor, r_.fact(kCursor));
    q.cursor = decode_cursor(cursor);
    q.city = r_.control().city_mark();
    q.control = r_.control().head();
    if (control_from_) {
        TRY(q.control_entries, r_.control_after(*control_from_, wire::kControlBytes));
    }
    for (const auto& id : wanted_)
        if (const auto* cert = r_.control().cert(id)) q.certificates.push_back(cert->encode());
    given_.insert(given_.end(), wanted_.begin(), wanted_.end());
    wanted_.clear();
    if (!r_.wanted_certificates(1).empty()) q.cursor.certificates = 0;  // the tree has moved: all of them again
    TRY(const auto began, r_.fact(kState));
    if (send_vector_ || q.cursor.hub.is_zero() || began == "=") TRY_VOID(add_vector(q));
    TRY(const auto state, r_.fact(kState));
    q.wants_state = state.starts_with('+');
    if (q.wants_state) q.state_after = state.substr(1);
    TRY(auto rows, r_.wanted_rows(kRowsMax));
    wanted_rows_ = rows.size();
    for (auto& row : rows) q.rows.push_back({std::move(row.stream), std::move(row.entity), std::move(row.id)});
    TRY_VOID(fill_outbox(q));
    if (asks_heads_ && !q.has_vector) {
        q.cursor = {};
        TRY_VOID(add_vector(q));
    }
    asks_heads_ = false;
    q.reply_bytes = chunks_.reply_bytes(in_flight_bytes_);
    if (stats_.round_trips == 0) q.reply_bytes = std::min<std::uint64_t>(q.reply_bytes, kUnprovenBytes);
    in_flight_ = q.commits.size();
    return wire::encode(q);
}

/// Kept with what the reply brought, and only when it says something new: a sync without news writes as little as it
/// can.
Result<> Session::learn_link(const wire::SyncReply& m) {
    if (!trip_) return {};
    std::uint64_t packed = in_flight_bytes_;
    for (const auto& c : m.commits) packed += c.size();
    for (const auto& c : m.control) packed += c.size();
    for (const auto& c : m.states) packed += c.size();
    chunks_.arrived(*trip_, packed);
    trip_.reset();
    if (!chunks_.differs_from(stored_chunks_)) return {};
    TRY_VOID(r_.set_fact(kLink, chunks_.encode()));
    stored_chunks_ = chunks_;
    return {};
}

Result<> Session::cut() {
    trip_.reset();
    chunks_.cut();
    TRY_VOID(r_.set_fact(kLink, chunks_.encode()));
    stored_chunks_ = chunks_;
    return {};
}

Result<> Session::reply(std::string_view bytes) {
    wire::SyncReply m;
    TRY_VOID(wire::decode(bytes, m));
    ++stats_.round_trips;
    const auto hash = hash_of(bytes);
    repeats_ = hash == last_reply_ ? repeats_ + 1 : 0;
    if (repeats_ > kRepeatsMax)
        return fail(Errc::protocol,
                    "服务器反复给出同样的答复,已停止 / the server gives the same answer again: stopped");
    last_reply_ = hash;
    TRY_VOID(r_.batch([&]() -> Result<> {
        TRY_VOID(take(m));
        return learn_link(m);
    }));
    TRY_VOID(r_.trust_time(m.time_ms));
    send_vector_ = m.wants_vector || (m.more && (send_vector_ || m.has_heads));
    TRY(const auto rows, r_.wanted_rows(kRowsMax + 1));
    const bool asks_rows =
        !rows.empty() && (wanted_rows_ == 0 || rows.size() < wanted_rows_ || wanted_rows_ == kRowsMax);
    const bool was_given = control_from_ == m.control_head;  // it took nothing of what we gave
    control_from_.reset();
    if (m.takes_control && !was_given) control_from_ = m.control_head;
    for (const auto& id : m.wants_certificates)
        if (r_.control().cert(id) && std::find(given_.begin(), given_.end(), id) == given_.end()) wanted_.push_back(id);
    TRY(const auto left, unsent(r_));
    const bool can_send = std::any_of(left.begin(), left.end(), [&](const auto& c) {
        return std::none_of(blocked_.begin(), blocked_.end(),
                            [&](const auto& b) { return b.stream == c.stream && b.replica == c.replica; });
    });
    TRY(const auto cursor, r_.fact(kCursor));
    more_ = decode_cursor(cursor).hub.is_zero() || m.more || can_send || r_.is_copied() || control_from_.has_value() ||
            !wanted_.empty() || asks_rows;
    if (!more_) TRY_VOID(evict_out_of_scope(r_));
    // A hub that neither takes nor refuses would keep us here for ever.
    if (!m.more && in_flight_ > 0 && m.acks.empty() && m.verdicts.empty())
        return fail(Errc::protocol, "服务器没有确认收到 / the hub acknowledged nothing");
    return {};
}

Result<> Session::take(const wire::SyncReply& m) {
    const auto mark = r_.control().city_mark();
    if (mark != 0 && m.city != 0 && m.city != mark) return another_city();
    TRY_VOID(r_.receive_control(m.control));
    for (const auto& body : m.certificates) {
        TRY(const auto c, Certificate::decode(body));
        TRY_VOID(r_.add_certificate(c));
    }
    TRY_VOID(check_scope(m));
    TRY_VOID(take_states(m));
    std::vector<std::string_view> commits(m.commits.begin(), m.commits.end());
    TRY(const auto results, r_.receive(commits, Origin::upstream));
    for (const auto& p : m.pasts) {
        std::vector<Replica::PastCommit> past;
        for (const auto& c : p.commits) past.push_back({c.packed, c.unstamped});
        TRY_VOID(r_.complete_row({p.row.entity, p.row.id, p.row.stream}, past));
    }
    TRY_VOID(release_held(r_));
    for (const auto& x : results) {
        if (x.admission == Admission::admitted) ++stats_.received;
        // The tree gave this device streams whose beginning lies below its cursor: the vectors will tell.
        if (x.admission == Admission::gap && !m.has_heads && !sent_vector_) {
            lost_place_ = true;
            continue;
        }
        // A gap or a break in what the hub serves: take none of it, so that the cursor stays where it was.
        if (x.admission == Admission::gap || x.admission == Admission::broken)
            return fail(Errc::protocol,
                        "服务器发来的记录不连续:" + x.why + " / the hub's commits do not follow: " + x.why);
    }
    if (m.has_heads) TRY_VOID(learn_hub_heads(r_, m.heads, m.level));
    TRY_VOID(note_received(results, m.level));
    return note(m);
}

/// A device that begins: whole streams as the city signed them, then the log above them.
Result<> Session::take_states(const wire::SyncReply& m) {
    TRY(const auto state, r_.fact(kState));
    if (state == "=" && !m.more) return r_.set_fact(kState, "");
    if (!state.starts_with('+') || m.control_head > r_.control().head()) return {};
    if (r_.control().has_newer()) {
        // A state has rows that this program could not keep for a newer one; the log has them as they were written.
        begins_anew_ = true;
        return r_.set_fact(kState, "");
    }
    for (const auto& bytes : m.states) {
        const auto taken = r_.take_snapshot(bytes);
        if (taken) continue;
        // Not what the city signed: the log tells it instead, commit by commit.
        if (taken.error().code != Errc::protocol) return taken.error();
        ++stats_.states_refused;
    }
    if (state == "+" && m.states.empty() && m.state_through.empty()) return r_.set_fact(kState, "");  // there are none
    return r_.set_fact(kState, m.state_through.empty() ? "=" : "+" + m.state_through);
}

/// An answer that was meant for somebody else is not taken, not even in part. A hub that knows less of the tree than
/// this node may still give what has left its scope.
Result<> Session::check_scope(const wire::SyncReply& m) {
    const auto* own = r_.control().cert(r_.id());
    if (!own || m.control_head < r_.control().head()) return {};
    Packer packer;
    std::string bytes;
    for (const auto& packed : m.commits) {
        TRY_VOID(packer.unpack(packed, bytes));
        TRY(const auto h, Commit::decode_header(bytes));
        if (r_.control().holds(own->unit, h.stream)) continue;
        return fail(Errc::protocol, "服务器发来了不归 " + own->unit + " 的记录(" + h.stream.str() +
                                        "),什么也没有接收 / the server sent records that are not for " + own->unit +
                                        " (" + h.stream.str() + "): nothing was taken");
    }
    return {};
}

/// What the hub gave, it has: nothing of that is sent back to it.
Result<> Session::note_received(const std::vector<Replica::Received>& results, Level level) {
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto& x = results[i];
        const auto& stream = x.header.stream;
        // In order of seq within a chain: the last one stands for all.
        const bool is_last = std::none_of(
            results.begin() + static_cast<std::ptrdiff_t>(i) + 1, results.end(),
            [&](const auto& y) { return y.header.replica == x.header.replica && y.header.stream == stream; });
        if (!is_last) continue;
        TRY_VOID(learn_ack(r_, {{stream, x.header.replica, x.header.seq, x.hash}, level}));
        TRY(const auto ack, r_.place(stream, x.header.replica));
        if (!ack && x.admission != Admission::duplicate) continue;
        TRY(const bool forked, r_.is_forked(stream, x.header.replica));
        if (!forked && ack.value_or(Seq{0}) < x.header.seq)
            TRY_VOID(r_.set_place(stream, x.header.replica, x.header.seq));
    }
    return {};
}

/// Acks, refusals and the new cursor.
Result<> Session::note(const wire::SyncReply& m) {
    for (const auto& a : m.acks) {
        if (a.level != m.level) {  // passed on from further up
            TRY_VOID(learn_ack(r_, a));
            continue;
        }
        TRY(const auto stored, r_.place(a.at.stream, a.at.replica));
        const auto before = stored.value_or(Seq{0});
        TRY(const auto hashes, r_.hashes_at(a.at.stream, a.at.replica, a.at.seq));
        const auto* own = r_.control().cert(r_.id());
        if (hashes.empty() && own && !r_.control().holds(own->unit, a.at.stream)) continue;  // evicted since
        if (std::find(hashes.begin(), hashes.end(), a.at.hash) == hashes.end())
            return fail(Errc::protocol, "服务器确认的不是本机的记录 / the hub acknowledged another commit than ours: " +
                                            a.at.stream.str());
        // Of a forked chain a place says nothing of the branches below it: only what was sent here from there on.
        TRY(const bool forked, r_.is_forked(a.at.stream, a.at.replica));
        const bool was_asked = std::any_of(asked_.begin(), asked_.end(), [&](const auto& x) {
            return x.stream == a.at.stream && x.replica == a.at.replica && x.after == before && x.last == a.at.seq;
        });
        if (forked && !was_asked) {
            TRY_VOID(learn_ack(r_, a));
            continue;
        }
        const auto seq = a.at.seq;
        if (seq > before) stats_.sent += seq.value - before.value;
        TRY_VOID(r_.set_place(a.at.stream, a.at.replica, std::max(seq, before)));
        TRY_VOID(learn_ack(r_, a));
    }
    for (const auto& v : m.verdicts) {
        if (v.kind == wire::Verdict::Kind::gap) {
            TRY(const auto before, r_.place(v.stream, v.replica));
            if (v.have < before.value_or(Seq{0})) {  // it lost some: send again from there
                TRY_VOID(r_.set_place(v.stream, v.replica, v.have));
                continue;
            }
        }
        blocked_.push_back({v.stream, v.replica, v.seq, {}});
        stats_.refused.push_back(v.stream.str() + " #" + std::to_string(v.seq.value) + ": " + v.why);
    }
    TRY_VOID(r_.set_fact(kLevel, std::string(name_of(m.level))));
    if (!m.unit.empty()) TRY_VOID(r_.set_fact(kHubUnit, m.unit));
    TRY_VOID(r_.set_fact(kLastSync, std::to_string(m.time_ms)));
    TRY(const bool moved, scope_moved(m));
    // A cursor that was dropped comes back with a comparison only: an answer from before does not tell of what was
    // missing.
    TRY(const auto cursor, r_.fact(kCursor));
    const bool is_old = decode_cursor(cursor).hub.is_zero() && !m.has_heads;
    TRY_VOID(keep_hub(r_, m.cursor));
    const bool begins_anew = std::exchange(begins_anew_, false);
    return r_.set_fact(kCursor, encode(moved || is_old || lost_place_ || begins_anew ? wire::Cursor{} : m.cursor));
}

/// A cursor says: everything of my scope up to here. When the hub's tree changes so that the scope is another, what
/// came into it may lie below the cursor: the vectors have to tell.
Result<bool> Session::scope_moved(const wire::SyncReply& m) {
    if (m.control_head > r_.control().head()) return false;  // the rest of the tree comes first
    TRY(const auto known, r_.fact(kHubControl));
    const auto now = std::to_string(m.control_head.value);
    if (known == now) return false;
    TRY_VOID(r_.set_fact(kHubControl, now));
    const auto* own = r_.control().cert(r_.id());
    if (known.empty() || !own) return false;
    return r_.control().scope_differs(own->unit, ControlPos{std::strtoull(known.c_str(), nullptr, 10)}, m.control_head);
}

}  // namespace taizhang::sync
