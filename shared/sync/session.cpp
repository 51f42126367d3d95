#include "sync/session.h"

#include "replica/open_ends.h"
#include "sync/doubled.h"
#include "sync/held.h"
#include "sync/known.h"
#include "sync/token.h"
#include "sync/upstream_facts.h"
#include "wire/runs.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace taizhang::sync {
namespace {

constexpr int kRepeatsMax = 8;        // of one answer, before its sender is given up
constexpr std::size_t kRowsMax = 64;  // whose history is asked for at once
// Of the first trip of a session, whatever the link was when it was last seen. Higher: a link that went bad loses more
// before that is known; lower: one more round trip on a good one.
constexpr std::size_t kUnprovenBytes = 32u << 10;
/// The first answer with states, before compression; each one after it may be twice as large.
constexpr std::size_t kFirstStateBytes = 64u << 10;

/// Whether others stand below this node: what it takes is passed on, and its numbering is their cursors.
Result<bool> serves_others(Replica& r) {
    TRY(const auto passes_on, r.fact(kPassesOn));
    return passes_on.empty() ? has_devices(r) : Result<bool>(true);
}

}  // namespace

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
        TRY(const bool waits, offer(c, q));
        if (waits) continue;
        TRY(auto entries, r_.chain_after(c.stream, c.replica, c.acked, room));
        TRY(const bool forked, r_.is_forked(c.stream, c.replica));
        if (forked && entries.empty()) {  // all of it was dropped here, because the city's backup holds it
            TRY_VOID(r_.set_place(c.stream, c.replica, c.head));
            continue;
        }
        if (!forked && (entries.empty() || entries.front().seq.value > c.acked.value + 1)) {
            // The hub lost what this device has dropped: it gets it from above. Its heads will tell when. Of a forked
            // chain they tell nothing, so it is sent from where it begins here.
            blocked_.push_back({c.stream, c.replica, c.acked, {}});
            asks_heads_ = true;
            continue;
        }
        // The hub has the certificate of whoever it has something of.
        if (c.replica != r_.id() && c.acked.value == 0) TRY_VOID(add_chain(r_, c.replica, q.certificates));
        thin_signatures(entries);
        asked_.push_back({c.stream, c.replica, c.acked, entries.back().seq});
        for (auto& e : entries) {
            room -= std::min(room, e.packed.size());
            in_flight_bytes_ += e.packed.size();
            if (!e.signature.empty()) q.signatures.push_back({q.commits.size(), std::move(e.signature)});
            q.commits.push_back(std::move(e.packed));
            in_flight_.push_back(e.hash);
        }
        ends_.push_back({c.stream, c.replica, entries.back().seq, entries.back().hash});
    }
    return {};
}

/// A file has carried some of the chain to somebody above. Whether it is at the hub is asked before it is sent once
/// more; with a vector the hub's heads say it, if it does not know the cursor.
Result<bool> Session::offer(const Unsent& c, wire::SyncRequest& q) {
    TRY(const auto carried, carried_up_to(r_, c.stream, c.replica));
    if (carried <= c.acked) return false;
    const auto is_it = [&](const auto& x) { return x.stream == c.stream && x.replica == c.replica; };
    if (std::any_of(offered_.begin(), offered_.end(), is_it)) return false;
    TRY(const bool forked, r_.is_forked(c.stream, c.replica));
    TRY(const auto hashes, r_.hashes_at(c.stream, c.replica, carried));
    if (forked || hashes.size() != 1) return false;
    offered_.push_back({c.stream, c.replica, carried, hashes.front()});
    if (!q.has_vector) q.offers.push_back(offered_.back());
    return true;
}

/// Whether the hub was asked in the request at hand how far it has the chain.
bool Session::is_offered(const StreamId& stream, const ReplicaId& replica) const {
    return std::any_of(offers_.begin(), offers_.end(),
                       [&](const auto& x) { return x.stream == stream && x.replica == replica; });
}

/// What the hub did not say to have of them goes up now.
Result<> Session::end_offers() {
    for (const auto& x : offers_) TRY_VOID(forget_carried(r_, x.stream, x.replica));
    offers_.clear();
    return {};
}

Result<> Session::add_vector(wire::SyncRequest& q) {
    q.has_vector = sent_vector_ = true;
    TRY(const auto heads, r_.chain_heads());
    for (const auto& h : heads) q.vector.push_back({h.stream, h.replica, h.seq, h.hash});
    return {};
}

/// Who this is, until the hub has answered this incarnation once; and whether it is a relay.
Result<> Session::introduce(wire::SyncRequest& q) {
    if (!r_.control().is_signed()) return {};
    if (!r_.can_sign())
        return fail(Errc::not_allowed,
                    "本机没有与登记相符的密钥,请用新的登记码重新 enrol / this node lacks the key that it "
                    "was enrolled with: enrol again with a new code");
    TRY(const auto introduced, r_.fact(kIntroduced));
    if (introduced != r_.id().hex()) {
        TRY_VOID(add_chain(r_, r_.id(), q.certificates));
        is_renamed_ = true;
    }
    TRY(q.passes_on, serves_others(r_));
    return {};
}

Result<std::string> Session::request() {
    wire::SyncRequest q;
    TRY(q.token, upstream_token(r_));
    if (q.token.empty())
        return fail(Errc::not_allowed, "本机还没有登记,请先 enrol / not enrolled yet: run enrol first");
    if (r_.is_copied()) {
        TRY_VOID(r_.reincarnate());
        is_renamed_ = true;
    }
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
    TRY(q.control_mark, control_mark());
    if (control_from_) {
        TRY(q.control_entries, r_.control_after(*control_from_, wire::kControlBytes));
    } else if (control_shown_) {
        TRY(q.control_entries, r_.control_after(ControlPos{control_shown_->value - 1}, 1));
    }
    control_shown_.reset();
    was_compared_ = q.control_mark != 0;
    if (control_wanted_) {  // once more from before that place
        q.control = ControlPos{control_wanted_->value - 1};
        q.control_mark = 0;
        control_wanted_.reset();
    }
    TRY_VOID(introduce(q));
    TRY(const auto doubled, doubled_certificates(r_, q.cursor.hub));
    for (const auto& [id, mark] : doubled)
        if (std::find(wanted_.begin(), wanted_.end(), id) == wanted_.end()) wanted_.push_back(id);
    // They count as given with the answer: a request that was lost is made again.
    for (const auto& id : wanted_) TRY_VOID(add_chain(r_, id, q.certificates));
    if (!r_.wanted_certificates(1).empty()) q.cursor.certificates = 0;  // the tree has moved: all of them again
    TRY(const auto began, r_.fact(kState));
    if (send_vector_ || q.cursor.hub.is_zero() || began == "=") TRY_VOID(add_vector(q));
    TRY(const auto state, r_.fact(kState));
    q.wants_state = state.starts_with('+');
    if (q.wants_state) q.state_after = state.substr(1);
    TRY(asked_rows_, r_.wanted_rows(kRowsMax));
    for (const auto& row : asked_rows_) q.rows.push_back({row.stream, row.entity, row.id});
    in_flight_.clear();
    ends_.clear();
    TRY_VOID(fill_outbox(q));
    offers_ = q.offers;
    if (asks_heads_ && !q.has_vector) {
        q.cursor = {};
        TRY_VOID(add_vector(q));
    }
    asks_heads_ = false;
    q.reply_bytes = q.wants_state ? state_bytes() : chunks_.reply_bytes(in_flight_bytes_);
    if (stats_.round_trips == 0) q.reply_bytes = std::min<std::uint64_t>(q.reply_bytes, kUnprovenBytes);
    last_ = {};
    last_.token = q.token;
    last_.replica = q.replica;
    last_.city = q.city;
    last_.control = q.control;
    last_.control_mark = q.control_mark;
    last_.cursor = q.cursor;
    last_.passes_on = q.passes_on;
    last_.wants_state = q.wants_state;
    last_.state_after = q.state_after;
    last_.reply_bytes = q.reply_bytes;
    brings_nothing_ = q.commits.empty() && q.control_entries.empty() && q.certificates.empty() && q.rows.empty() &&
                      q.offers.empty() && !q.has_vector && q.city != 0;
    const bool is_long = q.has_vector || is_renamed_ || q.city == 0;  // without a place there is a vector
    KnownHere known(r_);
    was_long_ = is_long;
    const bool is_fast = chunks_.is_good() && chunks_.request_bytes() >= kRequestBytes;
    q.runs = wire::write_runs(q.commits, q.replica, is_long ? nullptr : &known,
                              is_fast ? wire::kWholeOnFastLink : wire::kNeverWhole);
    if (!is_long) shorten(q);
    return wire::encode(q);
}

/// Small at first, then larger: the hub makes the next states while these are taken here, so that nobody waits long for
/// the first.
std::uint64_t Session::state_bytes() {
    const auto room = std::uint64_t{kFirstStateBytes} << std::min(state_questions_++, 8U);
    return std::min<std::uint64_t>(room, chunks_.reply_bytes(in_flight_bytes_));
}

/// Without what the hub knows by the device's token.
void Session::shorten(wire::SyncRequest& q) {
    q.place = wire::place_of(q.city, q.replica, q.cursor, q.control_mark);
    q.city = q.control_mark = 0;
    q.replica = {};
    q.cursor.hub = {};
    q.cursor.generation = q.cursor.proof = 0;
}

Result<std::string> Session::ahead(std::string_view bytes) {
    TRY(auto answer, open(bytes));
    opened_ = {hash_of(bytes), std::move(answer)};
    const auto& m = opened_->second;
    const bool is_plain = brings_nothing_ && m.more && m.control.empty() && m.control_head == r_.control().head() &&
                          m.wants_certificates.empty() && !m.takes_control && !m.wants_vector && !m.has_heads &&
                          m.pasts.empty() && m.verdicts.empty();
    const bool is_at_states = last_.wants_state;
    const bool has_next =
        is_at_states ? !m.states.empty() && !m.state_through.empty() : last_.cursor.log < m.cursor.log;
    if (!is_plain || !has_next) return std::string();
    if (is_at_states) last_.state_after = m.state_through;
    last_.cursor = m.cursor;
    last_.reply_bytes = is_at_states ? state_bytes() : chunks_.reply_bytes(0);
    auto q = last_;
    shorten(q);
    return wire::encode(q);
}

Result<wire::SyncReply> Session::open(std::string_view bytes) {
    if (opened_ && opened_->first == hash_of(bytes)) return std::move(std::exchange(opened_, std::nullopt)->second);
    wire::SyncReply m;
    TRY_VOID(wire::decode(bytes, m));
    TRY_VOID(complete(m));
    return m;
}

/// What the hub left out of the reply, because it follows from what was asked.
Result<> Session::complete(wire::SyncReply& m) {
    TRY_VOID(wire::read_runs(m.runs, {}, m.commits));
    Packer packer;
    std::string packed;
    for (auto& c : m.commits) {  // as the log will hold them; the link's chunks are counted like this too
        if (c.empty() || c.front() != Packer::kRaw) continue;
        packer.pack(std::string_view(c).substr(1), packed);
        c = packed;
    }
    if (m.cursor.hub.is_zero()) {
        TRY(const auto bytes, r_.fact(kCursor));
        const auto asked = decode_cursor(bytes);
        // An answer from before the cursor was dropped still comes from the same hub.
        TRY(const auto hub, upstream_hub(r_));
        m.cursor.hub = hub.hub;
        m.cursor.generation = hub.generation;
        if (m.cursor.log == asked.log) m.cursor.proof = asked.proof;
    }
    // An answer that comes again, to a session that sent nothing, says nothing about what is sent now.
    if (m.took == 0 || in_flight_.empty()) return {};
    if (m.took != wire::mark_of(in_flight_))
        return fail(Errc::protocol,
                    "服务器确认的不是本机的记录 / the hub acknowledged other commits than those that were sent");
    for (const auto& end : ends_) m.acks.push_back({end, m.level, {}, {}});
    return {};
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
    TRY(const auto m, open(bytes));
    ++stats_.round_trips;
    is_renamed_ = false;
    given_.insert(given_.end(), wanted_.begin(), wanted_.end());
    wanted_.clear();
    const auto hash = hash_of(bytes);
    repeats_ = hash == last_reply_ ? repeats_ + 1 : 0;
    if (repeats_ > kRepeatsMax)
        return fail(Errc::protocol,
                    "服务器反复给出同样的答复,已停止 / the server gives the same answer again: stopped");
    last_reply_ = hash;
    const auto take_all = [&]() -> Result<> {
        TRY_VOID(take(m));
        TRY_VOID(note_shown(r_, m.cursor.hub, given_));
        TRY_VOID(learn_link(m));
        return r_.trust_time(m.time_ms);
    };
    TRY_VOID(r_.batch(take_all, durability_of(m)));
    send_vector_ = m.wants_vector || (m.more && (send_vector_ || m.has_heads));
    // Those that the hub gave are not wanted any more. The same ones again: it has none of them.
    TRY(const auto rows, r_.wanted_rows(kRowsMax));
    const bool is_same =
        std::equal(rows.begin(), rows.end(), asked_rows_.begin(), asked_rows_.end(), [](const auto& a, const auto& b) {
            return std::tie(a.stream, a.entity, a.id) == std::tie(b.stream, b.entity, b.id);
        });
    const bool asks_rows = !rows.empty() && !is_same;
    const bool was_given = control_from_ == m.control_head;  // it took nothing of what we gave
    control_from_.reset();
    if (m.takes_control && !was_given) control_from_ = m.control_head;
    TRY(const auto left, unsent(r_));
    const bool can_send = std::any_of(left.begin(), left.end(), [&](const auto& c) {
        return std::none_of(blocked_.begin(), blocked_.end(),
                            [&](const auto& b) { return b.stream == c.stream && b.replica == c.replica; });
    });
    TRY(const auto cursor, r_.fact(kCursor));
    more_ = decode_cursor(cursor).hub.is_zero() || m.more || can_send || r_.is_copied() || control_from_.has_value() ||
            control_wanted_.has_value() || control_shown_.has_value() || std::exchange(compares_, false) ||
            !wanted_.empty() || asks_rows;
    if (!more_) TRY_VOID(evict_out_of_scope(r_));
    // A hub that neither takes nor refuses would keep us here for ever.
    if (!m.more && !in_flight_.empty() && m.acks.empty() && m.verdicts.empty())
        return fail(Errc::protocol, "服务器没有确认收到 / the hub acknowledged nothing");
    return {};
}

/// One of many pages need not wait for the disk: what a power cut takes, the cursor included, the hub gives again, and
/// the last page waits for all. A hub's numbering is others' cursors, so it never goes back.
Durability Session::durability_of(const wire::SyncReply& m) const {
    const bool is_a_page = m.more && m.control.empty() && m.acks.empty() && m.verdicts.empty() && m.pasts.empty();
    if (!is_a_page) return Durability::now;
    const auto serves = serves_others(r_);
    return serves && !*serves ? Durability::later : Durability::now;
}

Result<> Session::take(const wire::SyncReply& m) {
    const auto mark = r_.control().city_mark();
    if (mark != 0 && m.city != 0 && m.city != mark) return another_city();
    TRY_VOID(take_control(m));
    TRY_VOID(take_certificates(r_, m.certificates));
    TRY(word_, word_of(r_, answered_by_, m.level));
    for (const auto& id : m.wants_certificates)
        if (r_.control().cert(id) && std::find(given_.begin(), given_.end(), id) == given_.end()) wanted_.push_back(id);
    TRY_VOID(take_states(m));
    std::vector<std::string_view> commits(m.commits.begin(), m.commits.end());
    TRY_VOID(prove(r_, commits, m.signatures));
    TRY(const auto results, r_.receive(commits, Origin::upstream));
    TRY_VOID(check_scope(m, results));
    for (const auto& p : m.pasts) {
        std::vector<Replica::PastCommit> past;
        for (const auto& c : p.commits) past.push_back({c.packed, c.unstamped});
        TRY_VOID(r_.complete_row({p.row.entity, p.row.id, p.row.stream}, past));
    }
    TRY_VOID(release_held(r_));
    for (const auto& x : results) {
        if (x.admission == Admission::admitted) ++stats_.received;
        // The tree gave this device streams whose beginning lies below its cursor; or a hub before this one kept back a
        // branch of a forked chain, and what comes now follows it. The vectors will tell.
        const bool does_not_follow = x.admission == Admission::gap || x.admission == Admission::broken;
        if (does_not_follow && (lost_place_ || (!m.has_heads && !sent_vector_))) {
            lost_place_ = true;
            continue;
        }
        // The tree brought its author into scope, or somebody on the way kept his certificate back: from the beginning
        // come all of them.
        if (x.admission == Admission::unproved && !r_.control().cert(x.header.replica) && !m.has_heads &&
            (!sent_vector_ || last_.cursor.certificates != 0)) {
            lost_place_ = true;
            continue;
        }
        if (x.admission == Admission::unproved)
            return fail(
                Errc::protocol,
                "服务器发来的记录没有作者的签名,什么也没有接收 / the server sent records that are not signed by "
                "their authors: nothing was taken");
        // A gap or a break in what the hub serves: take none of it, so that the cursor stays where it was.
        if (x.admission == Admission::gap || x.admission == Admission::broken)
            return fail(Errc::protocol,
                        "服务器发来的记录不连续:" + x.why + " / the hub's commits do not follow: " + x.why);
    }
    if (m.has_heads) TRY_VOID(learn_hub_heads(r_, m.heads, word_));
    TRY_VOID(note_received(results));
    return note(m);
}

/// What of the control log the hub is to compare; 0 where the hub's is shorter, or both know that they are two.
Result<std::uint64_t> Session::control_mark() {
    const auto head = r_.control().head();
    if (!r_.control().is_signed()) return 0;
    TRY(const auto there, r_.fact(kHubControl));
    if (!there.empty() && std::strtoull(there.c_str(), nullptr, 10) < head.value) return 0;
    TRY(const bool is_known, r_.is_contradicted_at(head));
    return is_known ? Result<std::uint64_t>(0) : r_.control_mark(head);
}

/// The city's log, and whether it is one here and there. Where it is two, what the hub has is kept as evidence, what
/// is here is shown to it, and all that does not need the other goes on.
Result<> Session::take_control(const wire::SyncReply& m) {
    TRY_VOID(r_.receive_control(m.control));
    const auto& other = r_.contradicted();
    if (!m.control.empty() && other) {
        const bool waits_for_tree = m.more && m.commits.empty() && m.states.empty() && !m.has_heads;
        if (waits_for_tree)  // this would never end
            return fail(
                Errc::protocol,
                "服务器的市级日志与本机的互相矛盾,已留证据,请与市级核对;本机的记录都在 / the server's copy of "
                "the city's log contradicts the one here: evidence is kept, ask the city; nothing here is lost");
        if ((other->is_new || was_long_) && !std::exchange(showed_control_, true)) control_shown_ = other->at;
    }
    // The hub's was shorter when it last spoke, so nothing was compared; now both end at one place.
    const auto head = r_.control().head();
    if (!was_compared_ && m.control.empty() && m.control_head == head && r_.control().is_signed()) {
        TRY(const bool is_known_here, r_.is_contradicted_at(head));
        if (!is_known_here && !std::exchange(compared_later_, true)) compares_ = true;
    }
    if (m.control_mark == 0 || m.control_head.value == 0 || m.control_head >= r_.control().head()) return {};
    TRY(const auto own, r_.control_mark(m.control_head));
    TRY(const bool is_known, r_.is_contradicted_at(m.control_head));
    if (own != m.control_mark && !is_known && !std::exchange(wanted_control_, true)) control_wanted_ = m.control_head;
    return {};
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
Result<> Session::check_scope(const wire::SyncReply& m, const std::vector<Replica::Received>& results) const {
    const auto* own = r_.control().cert(r_.id());
    if (!own || m.control_head < r_.control().head()) return {};
    for (const auto& x : results) {
        const auto& stream = x.header.stream;
        if (stream.unit.empty() || r_.control().holds(own->unit, stream)) continue;  // without one: not readable
        return fail(Errc::protocol, "服务器发来了不归 " + own->unit + " 的记录(" + stream.str() +
                                        "),什么也没有接收 / the server sent records that are not for " + own->unit +
                                        " (" + stream.str() + "): nothing was taken");
    }
    return {};
}

/// What the hub gave, it has: nothing of that is sent back to it.
Result<> Session::note_received(const std::vector<Replica::Received>& results) {
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto& x = results[i];
        const auto& stream = x.header.stream;
        // In order of seq within a chain: the last one stands for all.
        const bool is_last = std::none_of(
            results.begin() + static_cast<std::ptrdiff_t>(i) + 1, results.end(),
            [&](const auto& y) { return y.header.replica == x.header.replica && y.header.stream == stream; });
        if (!is_last) continue;
        if (word_ != Level::none)
            TRY_VOID(learn_ack(r_, {{stream, x.header.replica, x.header.seq, x.hash}, word_, {}, {}}));
        TRY(const auto ack, r_.place(stream, x.header.replica));
        if (!ack && x.admission != Admission::duplicate) continue;
        TRY(const bool forked, r_.is_forked(stream, x.header.replica));
        if (!forked && ack.value_or(Seq{0}) < x.header.seq)
            TRY_VOID(r_.set_place(stream, x.header.replica, x.header.seq));
    }
    return {};
}

/// Before what the request at hand brought of that chain. The hub's heads come with the same answer, and move the
/// place before its acks do.
Seq Session::asked_from(const wire::ChainPos& at) const {
    for (const auto& x : asked_)
        if (x.stream == at.stream && x.replica == at.replica && x.last == at.seq) return x.after;
    return at.seq;
}

/// Somebody's bundle left a commit here in a stream that neither this unit nor its author ever held, before this node
/// knew the tree. No hub takes it: it is not sent again, and goes with the stream. What was written here stays and is
/// offered again: the tree may move, and it is somebody's work.
Result<bool> Session::let_go(const wire::Verdict& v) {
    if (is_own(r_, v.replica)) return false;
    const auto& c = r_.control();
    const auto* own = c.cert(r_.id());
    const auto* author = c.cert(v.replica);
    if (!own || !author || c.held_ever(own->unit, v.stream) || c.held_ever(author->unit, v.stream)) return false;
    TRY(const auto heads, r_.chain_heads(std::span(&v.stream, 1)));
    for (const auto& h : heads)
        if (h.replica == v.replica) TRY_VOID(r_.set_place(v.stream, v.replica, h.seq));
    TRY_VOID(r_.set_fact(kEvicted, ""));
    return true;
}

/// Whether all that is here of a forked chain behind `after` and up to that place was in the request at hand: from
/// below a branch may have come since.
Result<bool> Session::all_went(const wire::ChainPos& at, Seq after) {
    const bool was_asked = std::any_of(asked_.begin(), asked_.end(), [&](const auto& x) {
        return x.stream == at.stream && x.replica == at.replica && x.after == after && x.last == at.seq;
    });
    if (!was_asked) return false;
    TRY(const auto entries, r_.chain_after(at.stream, at.replica, after, in_flight_bytes_ + 1));
    return std::all_of(entries.begin(), entries.end(), [&](const auto& e) {
        return e.seq > at.seq || std::find(in_flight_.begin(), in_flight_.end(), e.hash) != in_flight_.end();
    });
}

/// What the hub says of its own disk; what it signed counts by itself.
Result<> Session::take_word(const wire::Ack& a) {
    if (word_ != Level::none) return take_own_word(r_, a);
    if (a.signature.empty()) return {};
    TRY(const bool counts, take_ack(r_, a));
    (void)counts;
    return {};
}

/// Acks, refusals and the new cursor.
Result<> Session::note(const wire::SyncReply& m) {
    for (const auto& a : m.acks) {
        // Passed on from further up, or the word of another office of that level for what was not asked about.
        const bool was_named =
            is_offered(a.at.stream, a.at.replica) || std::any_of(asked_.begin(), asked_.end(), [&](const auto& x) {
                return x.stream == a.at.stream && x.replica == a.at.replica;
            });
        if (a.level != m.level || (!a.signer.is_zero() && !was_named)) {
            TRY_VOID(take_ack(r_, a));
            continue;
        }
        TRY(const auto stored, r_.place(a.at.stream, a.at.replica));
        const auto before = stored.value_or(Seq{0});
        TRY(const auto hashes, r_.hashes_at(a.at.stream, a.at.replica, a.at.seq));
        const auto* own = r_.control().cert(r_.id());
        if (hashes.empty() && own && !r_.control().holds(own->unit, a.at.stream)) continue;  // evicted since
        const bool was_offered = is_offered(a.at.stream, a.at.replica);
        const bool is_ours = std::find(hashes.begin(), hashes.end(), a.at.hash) != hashes.end();
        if (was_offered && !is_ours) continue;  // it has another branch of it
        if (!is_ours)
            return fail(Errc::protocol, "服务器确认的不是本机的记录 / the hub acknowledged another commit than ours: " +
                                            a.at.stream.str());
        // Of a forked chain a place says nothing of the branches below it: only what was sent here from there on.
        TRY(const bool forked, r_.is_forked(a.at.stream, a.at.replica));
        TRY(const bool was_asked, forked ? all_went(a.at, before) : Result<bool>(true));
        // Nor does it of a branch that the same answer did not take because it was altered on the way: it goes again.
        const bool is_all_taken = std::none_of(m.verdicts.begin(), m.verdicts.end(), [&](const auto& v) {
            return v.stream == a.at.stream && v.replica == a.at.replica &&
                   (v.kind == wire::Verdict::Kind::unproved || v.kind == wire::Verdict::Kind::gap);
        });
        if (forked && (!was_asked || !is_all_taken)) {
            TRY_VOID(take_word(a));
            continue;
        }
        const auto seq = a.at.seq;
        if (!was_offered && (seq > before || seq > asked_from(a.at)))
            stats_.sent += seq.value - std::min(before, asked_from(a.at)).value;
        TRY_VOID(r_.set_place(a.at.stream, a.at.replica, std::max(seq, before)));
        TRY_VOID(take_word(a));
    }
    if (!m.wants_vector) TRY_VOID(end_offers());
    for (const auto& a : m.given_acks) TRY_VOID(take_ack(r_, a));
    if (r_.control().is_signed()) TRY_VOID(r_.set_fact(kIntroduced, r_.id().hex()));
    for (const auto& v : m.verdicts) {
        if (v.kind == wire::Verdict::Kind::gap) {
            TRY(const auto before, r_.place(v.stream, v.replica));
            if (v.have < before.value_or(Seq{0})) {  // it lost some: send again from there
                TRY_VOID(r_.set_place(v.stream, v.replica, v.have));
                continue;
            }
            // Its heads in this same answer have said so already.
            const bool was_ahead = std::any_of(asked_.begin(), asked_.end(), [&](const auto& x) {
                return x.stream == v.stream && x.replica == v.replica && x.after > v.have;
            });
            if (was_ahead) continue;
        }
        if (v.kind == wire::Verdict::Kind::denied) {
            TRY(const bool is_nobodys, let_go(v));
            if (is_nobodys) continue;
        }
        // It asks whose commits these are, and gets the answer with them.
        const bool is_asked = std::find(wanted_.begin(), wanted_.end(), v.replica) != wanted_.end();
        if (v.kind == wire::Verdict::Kind::unproved && is_asked) continue;
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
