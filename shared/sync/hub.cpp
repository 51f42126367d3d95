#include "sync/hub.h"

#include "replica/open_ends.h"
#include "sync/acks.h"
#include "sync/doubled.h"
#include "sync/hub_parts.h"
#include "sync/known.h"
#include "sync/restored.h"
#include "sync/session.h"
#include "sync/token.h"
#include "sync/upstream_facts.h"
#include "wire/runs.h"

#include <algorithm>
#include <set>

namespace taizhang::sync {
namespace {

// Read from the log at once. Lower: a device that has most of it makes the hub look for the rest many times.
constexpr std::size_t kLookBytes = 64u << 10;
// A device with nothing to say is noted again after so long, however often it asks: each note waits for the disk.
// Higher: an office takes a branch that syncs for a silent one.
constexpr std::int64_t kSeenEveryMs = 15 * 60'000;

/// Whoever asked in short knows which hub this is, and where he stood.
void shorten(const wire::SyncRequest& q, wire::SyncReply& reply) {
    reply.city = 0;
    reply.cursor.hub = {};
    reply.cursor.generation = 0;
    if (reply.cursor.log == q.cursor.log) reply.cursor.proof = 0;
}

}  // namespace

Result<Hub> Hub::open(Replica& replica) {
    Hub h(replica);
    TRY(auto id, replica.fact("hub/self"));
    if (id.size() != 24) {
        id = random_bytes(replica, 24);
        TRY_VOID(replica.set_fact("hub/self", id));
    }
    std::memcpy(h.hub_.bytes.data(), id.data(), 16);
    std::memcpy(&h.generation_, id.data() + 16, 8);
    return h;
}

Result<> Hub::restored(Replica& replica) {
    TRY(auto id, replica.fact("hub/self"));
    const auto fresh = random_bytes(replica, 24);
    id = id.size() == 24 ? id.substr(0, 16) + fresh.substr(16) : fresh;
    return replica.batch([&]() -> Result<> {
        TRY_VOID(replica.set_fact("hub/self", id));
        TRY_VOID(replica.set_fact("notice/restored", std::to_string(replica.now().ms)));
        TRY_VOID(begin_unmet(replica));
        return replica.set_fact("hub/restored", "1");
    });
}

Level Hub::level() const {
    const auto* cert = r_->control().cert(r_->id());
    return cert ? cert->level : Level::none;
}

Result<std::string> Hub::handle(std::string_view request, const std::string& from) {
    if (!request.empty() && request.front() == 'e') {
        wire::EnrolRequest q;
        TRY_VOID(wire::decode(request, q));
        return enrol(q, from);
    }
    TRY(const auto asked, read(request));
    return sync(asked);
}

/// Who asks in short: the replica that last used the token, or another one of that unit (a copied PC has the same
/// token). Its control log is the one here as far as it goes, or it did not ask for that to be compared.
bool Hub::recognise(const Device& device, wire::SyncRequest& q, std::uint64_t control_mark) const {
    const auto fits = [&](const ReplicaId& replica) {
        return wire::place_of(q.city, replica, q.cursor, control_mark) == q.place ||
               wire::place_of(q.city, replica, q.cursor) == q.place;
    };
    q.replica = device.replica;
    if (fits(q.replica)) return true;
    for (const auto& [replica, cert] : r_->control().certs()) {
        if (cert.unit != device.unit || !fits(replica)) continue;
        q.replica = replica;
        return true;
    }
    return false;
}

/// Opening the seal costs more than the rest of a short sync: once for each token.
Result<bool> Hub::is_own_token(const std::string& token) {
    TRY(const auto sealed, r_->fact(kToken));
    if (sealed.empty()) return false;
    if (sealed != own_sealed_) {
        const auto own = upstream_token(*r_);
        own_token_ = own ? *own : std::string();
        own_sealed_ = sealed;
    }
    return !own_token_.empty() && token == own_token_;
}

Result<Hub::Asked> Hub::read(std::string_view request) {
    Asked out;
    auto& q = out.request;
    TRY_VOID(wire::decode(request, q));
    TRY(const bool is_own, is_own_token(q.token));
    if (q.replica == r_->id() || is_own)
        return denied("这台服务器的上级地址就是它自己,请改正上级地址",
                      "this server's upstream is itself: correct the address");
    TRY(out.device, device_of(q.token));
    if (q.place != 0) {
        q.city = r_->control().city_mark();
        q.cursor.hub = hub_;
        q.cursor.generation = generation_;
        TRY(const auto proof, r_->log_proof(q.cursor.log));
        q.cursor.proof = proof.value_or(0);
        TRY(const auto control_mark, r_->control_mark(q.control));
        out.is_short = proof && recognise(out.device, q, control_mark);
    }
    KnownHere known(*r_);
    const auto unfolded = q.place != 0 && !out.is_short
                              ? Result<>(fail(Errc::not_found, "place"))
                              : wire::read_runs(q.runs, q.replica, q.commits, out.is_short ? &known : nullptr);
    q.runs.clear();
    if (unfolded) return out;
    if (unfolded.error().code != Errc::not_found || q.place == 0) return unfolded.error();
    // It speaks of another replica, city or log than the hub's, or of commits that the hub does not have: nothing of it
    // is taken before it has said everything in full.
    wire::SyncRequest anew;
    anew.token = q.token;
    anew.replica = out.device.replica;
    anew.control = q.control;
    anew.reply_bytes = q.reply_bytes;
    q = std::move(anew);
    out.is_short = false;
    return out;
}

// ------------------------------------------------------------------ sync

/// The streams here that a device of the unit may read.
const std::vector<StreamId>& Hub::scope(const std::string& unit) {
    if (scopes_at_ != r_->control().head() || scopes_streams_ != r_->streams_version()) {
        scopes_.clear();
        scopes_at_ = r_->control().head();
        scopes_streams_ = r_->streams_version();
    }
    if (const auto at = scopes_.find(unit); at != scopes_.end()) return at->second;
    // Whole before it is remembered: memory can give out in between.
    auto streams = r_->control().scope(unit);
    std::erase_if(streams, [&](const auto& s) { return !r_->has_stream(s); });
    return scopes_.emplace(unit, std::move(streams)).first->second;
}

Result<std::string> Hub::sync(const Asked& asked) {
    const auto& device = asked.device;
    const auto& q = asked.request;
    if (q.replica.is_zero()) return fail(Errc::protocol, "同步请求有误 / sync: malformed request");
    if (q.city != 0 && q.city != r_->control().city_mark())
        return denied("这台服务器属于另一个城市", "this server belongs to another city");
    wire::SyncReply reply;
    reply.level = level();
    reply.city = r_->control().city_mark();
    Sent sent;
    bool is_unknown = false;  // a hub from a backup may have forgotten who this is: the device can say it
    TRY_VOID(r_->batch([&]() -> Result<> {
        TRY_VOID(take_control(q));
        TRY_VOID(take_certificates(q, device));
        if (r_->control().revocation(q.replica)) return revoked();
        if (!is_of_device(q.replica, device))
            return denied("这台电脑的登记不是给它的,请重新 enrol",
                          "this device uses what was given to another one: enrol again");
        // A device that goes on under a new incarnation is still that device. Where there are keys it says so itself.
        if (!r_->control().cert(q.replica)) {
            if (!r_->control().is_signed()) {
                TRY_VOID(r_->issue_certificate({q.replica, device.unit, device.label, {}, {}}));
            } else {
                is_unknown = std::none_of(q.certificates.begin(), q.certificates.end(), [&](const auto& body) {
                    const auto c = Certificate::decode(body);
                    return c && c->replica == q.replica;
                });
                if (is_unknown) return {};
                return denied("本机的密钥没有登记,请重新 enrol", "this device's key is not enrolled: enrol again");
            }
        }
        TRY(auto seen,
            r_->database().prepare("UPDATE device SET last_seen_ms = ?2, replica = ?3 WHERE token_hash = ?1", false));
        const auto hash = hash_of(q.token);
        seen.bind_blob(1, view(hash.bytes)).bind(2, r_->now().ms).bind_blob(3, view(q.replica.bytes));
        const bool is_due = r_->now().ms - device.last_seen_ms >= kSeenEveryMs;
        if (!q.commits.empty() || device.replica != q.replica || is_due) TRY_VOID(seen.run());
        if (q.city != 0) TRY_VOID(note_met(*r_, q.replica, q.control));
        return take(q, device, sent, reply);
    }));
    if (is_unknown) {
        reply.wants_certificates.push_back(q.replica);
        reply.cursor = q.cursor;
        reply.control_head = r_->control().head();
        reply.time_ms = r_->now().ms;
        reply.more = true;
        return wire::encode(reply);
    }
    // Commits under this node's own name came from a device: the node was put back from a backup.
    if (r_->is_copied()) TRY_VOID(r_->reincarnate());
    const auto* cert = r_->control().cert(q.replica);
    if (!cert || cert->unit != device.unit)
        return denied("证书与登记的单位不符", "the replica belongs to another unit");
    TRY_VOID(give(q, device, std::move(sent), reply));
    reply.time_ms = r_->now().ms;
    if (asked.is_short) shorten(q, reply);
    const bool is_fast = q.reply_bytes == 0 || q.reply_bytes >= kReplyBytes;
    reply.runs = wire::write_runs(reply.commits, {}, nullptr, is_fast ? wire::kWholeOnFastLink : wire::kNeverWhole);
    return wire::encode(reply);
}

/// Whether this hub takes control entries from below. The city's root writes that log: it learns what it lacks from
/// others only after it was put back from a backup.
Result<bool> Hub::takes_control() {
    const auto* own = r_->control().cert(r_->id());
    if (own && own->unit != r_->control().root()) return true;
    TRY(const auto restored, r_->fact("hub/restored"));
    return !restored.empty();
}

Result<> Hub::take_control(const wire::SyncRequest& q) {
    if (q.control_entries.empty()) return {};
    TRY(const bool takes, takes_control());
    for (const auto& bytes : q.control_entries) {
        TRY(const auto e, ControlEntry::decode(bytes));
        const auto head = r_->control().head();
        const bool is_next = e.pos.value == head.value + 1;
        // Of another past: what is here stands. The root's signature under both is kept as evidence.
        if (r_->control().is_signed() && (e.pos <= head || (is_next && e.prev != r_->control().head_hash()))) {
            if (auto compared = r_->receive_control(std::span(&bytes, 1)); !compared)
                return compared.error().code == Errc::protocol ? Result<>() : compared;
        }
        if (e.pos <= head) continue;
        if (!takes || e.prev != r_->control().head_hash()) return {};
        TRY_VOID(r_->receive_control(std::span(&bytes, 1)));
    }
    return {};
}

/// Of a stream that the bringer or the author holds, or held before the tree moved: what was written then must not be
/// lost. A stranger's is kept, without effect until his certificate is here.
bool Hub::may_bring(const Device& device, const CommitHeader& h) const {
    const auto& c = r_->control();
    const auto* author = c.cert(h.replica);
    return c.held_ever(device.unit, h.stream) || !author || c.held_ever(author->unit, h.stream);
}

/// The replica to which the token was given, or a later incarnation of the same key: a colleague's name would pass a
/// revocation by.
bool Hub::is_of_device(const ReplicaId& replica, const Device& device) const {
    const auto* asks = r_->control().cert(replica);
    const auto* known = r_->control().cert(device.replica);
    return replica == device.replica || !asks || !known || asks->key() == known->key();
}

/// Whom this device may speak for; another's certificate comes from there. Signed ones speak for themselves.
Result<> Hub::take_certificates(const wire::SyncRequest& q, const Device& device) {
    const auto& c = r_->control();
    for (const auto& body : q.certificates) {
        TRY(const auto cert, Certificate::decode(body));
        // A second word for a replica is heard where it is signed: which of the two counts, each node judges alike.
        if (c.cert(cert.replica) && !c.is_signed()) continue;
        if (!c.is_signed() && !c.is_at_or_below(cert.unit, c.authority(device.unit, c.head()), c.head())) continue;
        if (auto r = r_->add_certificate(cert); !r && r.error().code != Errc::denied) return r;
    }
    return {};
}

/// Admits what the device sends, in its scope; on return (and after the batch) it is on the disk and may be acked.
Result<> Hub::take(const wire::SyncRequest& q, const Device& device, Sent& sent, wire::SyncReply& reply) {
    std::vector<std::string_view> run;
    const std::vector<std::string_view> all(q.commits.begin(), q.commits.end());
    TRY_VOID(prove(*r_, all, q.signatures));
    auto flush = [&]() -> Result<bool> {
        if (run.empty()) return true;
        TRY(const auto results, receive_from_below(*r_, run));
        run.clear();
        for (const auto& x : results) {
            if (x.admission == Admission::admitted || x.admission == Admission::duplicate) {
                sent.commits.push_back(x.hash);
                // In order of seq, each on the one before: the last one stands for all.
                auto it = std::find_if(reply.acks.begin(), reply.acks.end(), [&](const auto& a) {
                    return a.at.stream == x.header.stream && a.at.replica == x.header.replica;
                });
                if (it == reply.acks.end())
                    it = reply.acks.insert(it, {{x.header.stream, x.header.replica, {}, {}}, reply.level, {}, {}});
                if (it->at.seq < x.header.seq) {
                    it->at.seq = x.header.seq;
                    it->at.hash = x.hash;
                }
                continue;
            }
            wire::Verdict v;
            v.kind = x.admission == Admission::gap        ? wire::Verdict::Kind::gap
                     : x.admission == Admission::unproved ? wire::Verdict::Kind::unproved
                                                          : wire::Verdict::Kind::broken;
            auto& asked = reply.wants_certificates;
            if (x.admission == Admission::unproved && !r_->control().cert(x.header.replica) &&
                std::find(asked.begin(), asked.end(), x.header.replica) == asked.end())
                asked.push_back(x.header.replica);
            if (x.header.stream.unit.empty()) return fail(Errc::protocol, x.why);
            v.stream = x.header.stream;
            v.replica = x.header.replica;
            v.seq = x.header.seq;
            v.why = x.why;
            reply.verdicts.push_back(std::move(v));
            if (x.admission == Admission::broken) return false;
        }
        return true;
    };
    Packer packer;
    std::string bytes;
    for (const auto& packed : q.commits) {
        TRY_VOID(packer.unpack(packed, bytes));
        TRY(const auto h, Commit::decode_header(bytes));
        if (may_bring(device, h)) {
            run.push_back(packed);
            continue;
        }
        TRY(const bool go_on, flush());
        if (!go_on) break;
        reply.verdicts.push_back(
            {wire::Verdict::Kind::denied,
             h.stream,
             h.replica,
             h.seq,
             {},
             h.stream.str() + " 不在本机的范围内 / " + h.stream.str() + " is outside this device's scope"});
    }
    TRY_VOID(flush());
    for (const auto& a : reply.acks)
        sent.ends.push_back({a.at.stream, a.at.replica, a.at.seq, a.at.hash, Origin::below});
    if (q.passes_on && r_->control().is_signed()) {  // to be passed on, each has to speak for itself
        for (auto& a : reply.acks) TRY_VOID(sign_ack(*r_, a));
    } else if (reply.verdicts.empty()) {  // all of it: one mark says so
        reply.took = wire::mark_of(sent.commits);
        reply.acks.clear();
    }
    for (auto& v : reply.verdicts)
        if (v.kind == wire::Verdict::Kind::gap) {
            TRY(const auto heads, r_->chain_heads(std::span(&v.stream, 1)));
            for (const auto& h : heads)
                if (h.replica == v.replica) v.have = h.seq;
        }
    return {};
}

Result<> Hub::give_certificates(const wire::SyncRequest& q, const Device& device, std::uint64_t after,
                                wire::SyncReply& reply) {
    const auto& c = r_->control();
    std::vector<ReplicaId> others{q.replica};
    // Those near the unit of the word that does not count have to hear of the other one as well.
    TRY(const auto doubled, doubled_replicas(*r_));
    others.insert(others.end(), doubled.begin(), doubled.end());
    TRY(const auto found, nearby_.find(*r_, device.unit, after, others));
    reply.cursor.certificates = found.through;
    std::set<ReplicaId> issuers;
    for (const auto pos : found.places) {
        TRY(auto body, r_->certificate_at(pos));
        if (!body) continue;
        TRY(const auto cert, Certificate::decode(*body));
        reply.certificates.push_back(std::move(*body));
        // Who vouched may be an office that has nothing to do with the device since the tree moved. Once each: those
        // above it came with it, and a liar's chain may come back to itself.
        for (const auto* by = c.cert(cert.issuer_replica);
             by && !matters_to(c, device.unit, *by) && issuers.insert(by->replica).second;
             by = c.cert(by->issuer_replica))
            reply.certificates.push_back(by->encode());
    }
    return {};
}

/// Histories of rows that the device asks for, as long as the reply stays small.
Result<> Hub::give_pasts(const wire::SyncRequest& q, const std::vector<StreamId>& streams, std::size_t room,
                         wire::SyncReply& reply) {
    std::size_t bytes = 0;
    for (const auto& row : q.rows) {
        if (bytes > room || std::find(streams.begin(), streams.end(), row.stream) == streams.end()) continue;
        TRY(auto commits, r_->row_commits({row.entity, row.id, row.stream}));
        wire::RowPast past{row, {}};
        for (auto& c : commits) {
            bytes += c.packed.size();
            past.commits.push_back({std::move(c.packed), c.unstamped});
        }
        reply.pasts.push_back(std::move(past));
    }
    return {};
}

/// For a device that begins: the streams' rows as the city's checkpoints cover them. What cannot be given so follows
/// as log.
Result<> Hub::give_states(const wire::SyncRequest& q, std::vector<StreamId> streams, std::size_t room,
                          wire::SyncReply& reply) {
    std::sort(streams.begin(), streams.end(), [](const auto& a, const auto& b) { return a.str() < b.str(); });
    std::size_t bytes = 0;
    for (const auto& stream : streams) {
        if (stream.str() <= q.state_after) continue;
        if (bytes > room) return {};
        reply.state_through = stream.str();
        TRY(auto state, r_->make_snapshot(stream, kStateBytesMax));
        bytes += state.size();
        if (!state.empty()) reply.states.push_back(std::move(state));
    }
    reply.state_through.clear();
    return {};
}

/// What a relay is given it passes on, and with it that this level has it.
/// The first of each chain stands for all of it.
Result<> Hub::give_given_acks(wire::SyncReply& reply, const std::vector<wire::ChainPos>& given) {
    if (!r_->control().is_signed()) return {};
    std::set<std::pair<StreamId, ReplicaId>> said;
    for (const auto& at : given) {
        if (reply.given_acks.size() == kAcksMax) break;
        if (!said.insert({at.stream, at.replica}).second) continue;
        wire::Ack a{at, reply.level, {}, {}};
        TRY_VOID(sign_ack(*r_, a));
        reply.given_acks.push_back(std::move(a));
    }
    return {};
}

/// New commits for a reader, about `room` bytes of them, up to a place where each chain ends signed. What the device
/// has already takes no room: a slow link must not page through its own commits.
Result<std::vector<LogEntry>> Hub::choose(const std::vector<StreamId>& streams, const std::vector<Hash>& just_sent,
                                          const std::vector<ChainHead>& known, std::size_t room, Lsn& through) {
    std::vector<LogEntry> out;
    OpenEnds ends(*r_);
    bool is_full = false;
    for (std::size_t looked = 0; !is_full && (looked < kReplyBytes || ends.any()) && through < r_->log_head();) {
        Lsn next;
        TRY(auto entries, r_->log_after(through, streams, std::max(room, kLookBytes), next, known));
        for (auto& e : entries) {
            looked += e.packed.size();
            const bool has_it = std::binary_search(just_sent.begin(), just_sent.end(), e.hash);
            if (!has_it && room == 0 && !ends.any()) {
                next = Lsn{e.lsn.value - 1};
                is_full = true;
                break;
            }
            ends.add(e);
            if (has_it) continue;
            room -= std::min(room, e.packed.size());
            out.push_back(std::move(e));
        }
        through = next;
    }
    ends.sign(out);
    return out;
}

/// Whether the device's control log is another one than the one here, by what it says of its head.
Result<bool> Hub::is_another_log(const wire::SyncRequest& q) {
    if (q.control_mark == 0 || q.control.value == 0 || !r_->control().is_signed()) return false;
    TRY(const auto here, r_->control_mark(q.control));
    return here != 0 && here != q.control_mark;
}

/// How far the chains are here that the device would send if they were not.
Result<> Hub::answer_offers(const wire::SyncRequest& q, const Device& device, wire::SyncReply& reply) {
    for (const auto& o : q.offers) {
        if (reply.acks.size() >= kAcksMax) break;
        TRY(const bool forked, r_->is_forked(o.stream, o.replica));
        if (forked || !r_->control().held_ever(device.unit, o.stream)) continue;
        wire::Ack a{o, reply.level, {}, {}};
        TRY(const auto hashes, r_->hashes_at(o.stream, o.replica, o.seq));
        if (std::find(hashes.begin(), hashes.end(), o.hash) == hashes.end()) {
            TRY(const auto heads, r_->chain_heads(std::span(&o.stream, 1)));
            const auto head =
                std::find_if(heads.begin(), heads.end(), [&](const auto& h) { return h.replica == o.replica; });
            if (head == heads.end() || head->seq >= o.seq) continue;
            a.at.seq = head->seq;
            a.at.hash = head->hash;
        }
        if (q.passes_on) TRY_VOID(sign_ack(*r_, a));
        reply.acks.push_back(std::move(a));
    }
    return {};
}

Result<> Hub::give(const wire::SyncRequest& q, const Device& device, Sent sent, wire::SyncReply& reply) {
    std::sort(sent.commits.begin(), sent.commits.end());
    TRY(const auto proof, r_->log_proof(q.cursor.log));
    const bool known = q.cursor.hub == hub_ && q.cursor.generation == generation_ && proof == q.cursor.proof;
    reply.cursor = {hub_,
                    generation_,
                    known ? q.cursor.log : Lsn{0},
                    known ? q.cursor.proof : 0,
                    known ? q.cursor.certificates : 0,
                    known ? q.cursor.acks : 0};
    reply.control_head = r_->control().head();
    if (const auto* own = r_->control().cert(r_->id())) reply.unit = own->unit;
    if (q.control > r_->control().head()) {
        TRY(reply.takes_control, takes_control());
        if (r_->control().is_signed()) {
            TRY(reply.control_mark, r_->control_mark(r_->control().head()));
        }
    }
    auto room = q.reply_bytes == 0 ? kReplyBytes : std::min(kReplyBytes, static_cast<std::size_t>(q.reply_bytes));
    TRY(const bool is_other, is_another_log(q));
    if (is_other) {  // what stands here instead of the device's newest: it is evidence, and all that it can take
        TRY(reply.control, r_->control_after(ControlPos{q.control.value - 1}, 1));
    } else {
        TRY(reply.control, r_->control_after(q.control, std::min(room, wire::kControlBytes)));
    }
    for (const auto& e : reply.control) room -= std::min(room, e.size());
    if (!is_other && q.control.value + reply.control.size() < r_->control().head().value) {
        // The tree and the catalog first: what follows is read by them.
        reply.more = true;
        return {};
    }
    for (const auto& id : r_->wanted_certificates(kWantsMax)) reply.wants_certificates.push_back(id);
    TRY_VOID(answer_offers(q, device, reply));
    const auto asked_certificates = reply.cursor.certificates;
    TRY_VOID(give_certificates(q, device, asked_certificates, reply));
    const auto& streams = scope(device.unit);
    if (!known) {
        reply.has_heads = true;
        TRY(const auto heads, r_->chain_heads(streams));
        for (const auto& h : heads) reply.heads.push_back({h.stream, h.replica, h.seq, h.hash});
        if (q.passes_on) TRY_VOID(give_given_acks(reply, reply.heads));
        if (!q.has_vector) {
            reply.wants_vector = reply.more = true;
            return {};
        }
    }
    // A commit and the certificate that it needs travel together, even when its author had no business there.
    std::set<ReplicaId> strangers;
    auto introduce = [&](const ReplicaId& replica) {
        const auto* author = r_->control().cert(replica);
        if (!author || matters_to(r_->control(), device.unit, *author) || !strangers.insert(replica).second) return;
        for (auto& body : r_->certificate_chain(replica)) reply.certificates.push_back(std::move(body));
    };
    if (asked_certificates == 0) {  // a new device, or one that waits for a certificate
        TRY(const auto heads, r_->chain_heads(streams));
        for (const auto& h : heads) introduce(h.replica);
    }
    TRY_VOID(give_pasts(q, streams, room, reply));
    if (q.wants_state) {
        TRY_VOID(give_states(q, streams, room, reply));
        reply.more = !(q.state_after.empty() && reply.states.empty());
        if (reply.more) return {};  // what follows depends on what it takes of this
    }
    TRY(auto passed_on, acks_after(*r_, reply.cursor.acks, streams, device.unit, kAcksMax, reply.cursor.acks));
    reply.more = passed_on.size() == kAcksMax;
    std::move(passed_on.begin(), passed_on.end(), std::back_inserter(reply.acks));
    std::vector<ChainHead> known_heads;
    for (const auto* said : {&q.vector, &q.offers})
        for (const auto& v : *said) known_heads.push_back({v.stream, v.replica, v.seq, v.hash, Origin::below});
    Lsn through = reply.cursor.log;
    for (const auto& end : sent.ends) {
        TRY(const bool forked, r_->is_forked(end.stream, end.replica));
        if (!forked) known_heads.push_back(end);  // of a forked chain each commit is looked at
    }
    TRY(auto entries, choose(streams, sent.commits, known_heads, room, through));
    if (q.passes_on) {
        std::vector<wire::ChainPos> given;
        for (auto e = entries.rbegin(); e != entries.rend(); ++e)
            given.push_back({r_->stream_name(e->stream_no), e->replica, e->seq, e->hash});
        TRY_VOID(give_given_acks(reply, given));
    } else {
        thin_signatures(entries);
    }
    for (auto& e : entries) {
        introduce(e.replica);
        if (!e.signature.empty()) reply.signatures.push_back({reply.commits.size(), std::move(e.signature)});
        reply.commits.push_back(std::move(e.packed));
    }
    reply.cursor.log = through;
    TRY(const auto place, r_->log_proof(through));
    reply.cursor.proof = place.value_or(0);
    reply.more = reply.more || through < r_->log_head();
    return {};
}

}  // namespace taizhang::sync
