// The network between the devices and the hub: late, lost, doubled, out of order.
#include "tests/sim/false_relay.h"
#include "tests/sim/trouble.h"

#include <algorithm>

namespace taizhang::sim {
namespace {

constexpr std::size_t kOldMax = 6;

Hash hash_of_packed(const std::string& packed) {
    Packer packer;
    std::string bytes;
    return packer.unpack(packed, bytes) ? hash_of(bytes) : Hash{};
}

void keep(std::vector<std::string>& old, const std::string& bytes) {
    old.push_back(bytes);
    if (old.size() > kOldMax) old.erase(old.begin());
}

}  // namespace

std::int64_t World::some_delay() {
    const int kind = pick(10);
    if (kind < (with_hard_times_ ? 3 : 7)) return 50 + pick(static_cast<int>(2 * kSecond));
    return kind < (with_hard_times_ ? 5 : 9) ? pick(static_cast<int>(600 * kSecond))
                                             : pick(static_cast<int>(5 * kHour));
}

void World::send(std::int64_t delay_ms, Message m) {
    m.luck = luck_ + ++sends_;
    in_flight_.emplace(std::pair{now_ms_ + delay_ms, ++serial_}, std::move(m));
}

void World::begin_sync(Machine& m) {
    if (!m.is_up() || m.number == 0 || m.session || now_ms_ < m.away_until_ms) return;
    if (hub_of(m).is_revoked && !m.is_revoked && one_in(2)) return leave_hub(m);
    if (!m.is_enrolled) return enrol(m);
    m.session = std::make_unique<sync::Session>(*m.replica);
    m.heard_spoiled = false;
    send_request(m);
}

void World::send_request(Machine& m) {
    const auto request = attempt(m, [&] { return m.session->request(); });
    know_author(m);
    if (!request) {
        if (request.error().code != Errc::io && request.error().code != Errc::disk_full && !m.is_revoked)
            violated("8 liveness", m.name() + " cannot ask: " + request.error().detail);
        m.session.reset();
        return;
    }
    if (!m.is_up()) return;
    m.awaits = ++serial_;
    trace_.add(*request);
    keep(m.old_requests, *request);
    Message message{Kind::request, m.number, m.upstream, m.awaits, m.disk_life, *request};
    ++figures_.messages;
    if (m.is_false && FalseRelay(*this, m).spoil_request(message.bytes)) {
        message.is_spoiled = true;
        ++figures_.spoiled;
        note("changes what it sends up " + m.name());
    }
    if (!calm_ && one_in(10) && has(Fault::links)) {
        ++figures_.doubled_messages;
        send(one_in(2) ? some_delay() : pick(static_cast<int>(3 * kDay)), message);
    }
    send(6 * kHour, {Kind::timeout, m.number, m.upstream, m.awaits, m.disk_life, {}});
    if (!calm_ && one_in(10) && has(Fault::links))
        ++figures_.lost_messages;
    else
        send(some_delay(), std::move(message));
}

/// What a hub's answer says, with the acks that it gave in short.
wire::SyncReply World::told_by(const Result<sync::Hub::Asked>& asked, const std::string& answer) {
    wire::SyncReply reply;
    if (!wire::decode(answer, reply)) violated("8 liveness", "the hub's answer cannot be read");
    if (reply.took == 0) return reply;
    if (!asked) {
        if (asked.error().code != Errc::io) violated("4 true receipts", "a receipt for a request that cannot be read");
        return reply;
    }
    std::vector<Hash> hashes;
    std::map<std::pair<StreamId, ReplicaId>, wire::ChainPos> ends;
    Packer packer;
    std::string bytes;
    Commit c;
    for (const auto& packed : asked->request.commits) {
        if (!packer.unpack(packed, bytes) || !c.decode(bytes))
            violated("4 true receipts", "a receipt for a commit that cannot be read");
        hashes.push_back(c.hash);
        ends[{c.header.stream, c.header.replica}] = {c.header.stream, c.header.replica, c.header.seq, c.hash};
    }
    if (reply.took != wire::mark_of(hashes)) violated("4 true receipts", "a receipt for other commits than were sent");
    for (const auto& [chain, end] : ends) reply.acks.push_back({end, reply.level, {}, {}});
    return reply;
}

void World::note_reply(const wire::SyncReply& reply) {
    note("gives " + std::to_string(reply.runs.size()) + " bytes of commits, " + std::to_string(reply.control.size()) +
         " entries, " + std::to_string(reply.states.size()) + " states, tree " +
         std::to_string(reply.control_head.value) + ", cursor " + std::to_string(reply.cursor.log.value) +
         (reply.has_heads ? " heads" : "") + (reply.more ? " more" : "") +
         (reply.verdicts.empty() ? "" : " refuses " + reply.verdicts.front().why));
}

/// As a serving program does it: what waits at the same time is one transaction, and when that comes to nothing each is
/// run by itself. The company is the request before, which comes again.
Result<std::string> World::answer_of(Machine& h, const std::string& request) {
    const auto before = std::exchange(h.last_request, request);
    if (before.empty() || !one_in(3)) return h.hub->handle(request);
    Result<std::string> answer = fail(Errc::io, "not asked");
    const bool is_first = one_in(2);
    const auto done = h.replica->group([&] {
        for (const bool is_company : {is_first, !is_first}) {
            if (h.replica->has_group_failed()) return;
            if (is_company)
                (void)h.hub->handle(before);
            else
                answer = h.hub->handle(request);
        }
    });
    return done ? std::move(answer) : h.hub->handle(request);
}

void World::hub_receives(const Message& m) {
    auto& h = *machines_[static_cast<std::size_t>(m.hub)];
    if (!h.is_up()) {
        ++figures_.lost_messages;
        return;
    }
    auto& asker = *machines_[static_cast<std::size_t>(m.machine)];
    if (h.is_false)
        if (auto lie = FalseRelay(*this, h).swallow(m.bytes)) {
            ++figures_.swallowed;
            note("throws away what it says it has " + h.name() + " from " + asker.name());
            return send(some_delay(), {Kind::reply, m.machine, m.hub, m.number, m.disk_life, *lie, true});
        }
    Result<sync::Hub::Asked> asked = fail(Errc::io, "not read");
    const auto answer = attempt(h, [&] {
        asked = h.hub->read(m.bytes);  // before: what it brings may fork the chain that it was written by
        return answer_of(h, m.bytes);
    });
    note("hub " + std::to_string(m.machine) + " " + (answer ? "ok" : std::string(name_of(answer.error().code))));
    know_author(h);
    moved(h);
    if (!answer) {
        const auto code = answer.error().code;
        if (code == Errc::denied && asker.is_revoked) return;
        if (code == Errc::denied && h.may_have_forgotten) {
            asker.is_enrolled = false;  // a new code has to be typed in
            return;
        }
        if (m.is_spoiled && code != Errc::internal && code != Errc::corrupt) return;
        if (code != Errc::io && code != Errc::disk_full)
            violated("8 liveness", "the hub refuses " + machines_[static_cast<std::size_t>(m.machine)]->name() + ": " +
                                       answer.error().detail);
        return;
    }
    const auto reply = told_by(asked, *answer);
    checks_.reply_left(h, reply, speakers(h));
    if (asked && !m.is_spoiled && asker.awaits == m.number) {
        check_14_no_repeats(asker, h, m, *asked);
        asker.brought.clear();
        if (reply.took != 0)
            for (const auto& packed : asked->request.commits) asker.brought.push_back(hash_of_packed(packed));
    }
    note_reply(reply);
    figures_.states += reply.states.size(), figures_.histories += reply.pasts.size();
    if (!h.is_up() && one_in(2)) return;  // it went out before the power did, or not
    ++figures_.messages;
    trace_.add(*answer);
    Message message{Kind::reply, m.machine, m.hub, m.number, m.disk_life, *answer};
    if (answer->size() > wire::kMessageBytesMax)
        violated("20 bounds", "an answer of " + std::to_string(answer->size()) + " bytes");
    if (h.is_false && FalseRelay(*this, h).spoil_answer(asker, message.bytes)) {
        message.is_spoiled = true;
        ++figures_.spoiled;
        note("changes its answer " + h.name() + " to " + asker.name());
    }
    // An honest answer to a question that was changed on its way.
    message.is_spoiled = message.is_spoiled || m.is_spoiled;
    if (!calm_ && one_in(10) && has(Fault::links)) {
        ++figures_.lost_messages;
        return;
    }
    if (!calm_ && one_in(12) && has(Fault::links)) {
        ++figures_.doubled_messages;
        send(pick(static_cast<int>(2 * kDay)), message);
    }
    send(some_delay(), std::move(message));
    // What it has said binds it from this moment on.
    if (!calm_ && reply.took != 0 && one_in(20)) cut_power(h);
}

/// What was acknowledged, and taken note of, is not sent again: a cut costs no more than what was under way. Of a
/// forked chain a place says nothing, and of what the tree gave to others only the city's word counts.
void World::check_14_no_repeats(Machine& m, const Machine& h, const Message& message, const sync::Hub::Asked& asked) {
    const std::pair now{h.number, h.disk_life};
    if (m.acknowledged_by != now || !m.is_honest() || !h.is_honest()) {
        m.acknowledged.clear();
        m.acknowledged_by = now;
        return;
    }
    Packer packer;
    std::string bytes;
    for (const auto& packed : asked.request.commits) {
        if (!m.acknowledged.contains(hash_of_packed(packed)) || !packer.unpack(packed, bytes)) continue;
        const auto header = Commit::decode_header(bytes);
        if (!header || !reading_.holds(m.unit, header->stream)) continue;
        const auto forked = m.replica->is_forked(header->stream, header->replica);
        if (!forked || *forked) continue;
        violated("14 resume", m.name() + " sends again what was acknowledged: " + header->stream.str() + " #" +
                                  std::to_string(header->seq.value) + " in request " + std::to_string(message.number));
    }
}

void World::machine_receives(const Message& message) {
    auto& m = *machines_[static_cast<std::size_t>(message.machine)];
    const bool is_awaited = m.session && m.awaits == message.number;
    if (message.disk_life != m.disk_life || !m.session || (!is_awaited && !one_in(2))) {
        if (!is_awaited && m.session) ++figures_.old_messages;
        return;
    }
    if (message.kind == Kind::timeout) {
        if (!is_awaited) return;
        m.session.reset();
        m.awaits = 0;
        return;
    }
    if (!is_awaited) ++figures_.old_messages;
    // A village's link: what does not fit into one request goes into several.
    m.session->measured({1000, message.bytes.size(), std::chrono::milliseconds(400), std::chrono::milliseconds(1200)});
    const auto taken = attempt(m, [&] { return m.session->reply(message.bytes); });
    note("reply " + m.name() + " " + (taken ? "ok" : std::string(name_of(taken.error().code))));
    if (!taken && taken.error().code != Errc::io && taken.error().code != Errc::disk_full) {
        // An answer to an earlier question may say nothing of what is being asked now, and what a changed answer left
        // out may be missing later in the same session; else every answer is good.
        if (message.is_spoiled || m.heard_spoiled
                ? taken.error().code == Errc::internal || taken.error().code == Errc::corrupt
                : is_awaited || taken.error().code != Errc::protocol)
            violated("8 liveness", m.name() + " refuses the answer: " + taken.error().detail);
    }
    // Of a chain of which the hub has more than is here, its head tells nothing: all of it may go up again.
    wire::SyncReply said;
    if (!wire::decode(message.bytes, said) || said.has_heads) m.acknowledged.clear();
    if (!m.is_up()) return;
    moved(m);
    if (message.is_spoiled) {
        m.heard_spoiled = true;
        checks_.check_6_no_phantom(m);
        checks_.check_17_acks(m);
        if (one_in(2)) checks_.check_state(m);
    } else {
        keep(m.old_replies, message.bytes);
    }
    if (one_in(8)) checks_.check_14_resume(m);
    if (!is_awaited) return;
    m.awaits = 0;
    if (taken && !message.is_spoiled) m.acknowledged.insert(m.brought.begin(), m.brought.end());
    m.brought.clear();
    if (taken && m.session->wants_more()) return send_request(m);
    if (m.session) figures_.states_refused += m.session->stats().states_refused;
    m.session.reset();
}

void World::deliver(Message m) {
    if (m.kind == Kind::request)
        hub_receives(m);
    else
        machine_receives(m);
}

void World::deliver_through(std::int64_t until_ms) {
    while (!in_flight_.empty() && in_flight_.begin()->first.first <= until_ms) {
        auto node = in_flight_.extract(in_flight_.begin());
        now_ms_ = std::max(now_ms_, node.key().first);
        draw(node.mapped().luck);
        for (auto& m : machines_) m->disk->set_time(std::chrono::milliseconds(now_ms_));
        deliver(std::move(node.mapped()));
    }
    now_ms_ = std::max(now_ms_, until_ms);
}

}  // namespace taizhang::sim
