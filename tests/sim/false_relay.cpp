#include "tests/sim/false_relay.h"

#include "sync/acks.h"
#include "wire/runs.h"

#include <algorithm>

namespace taizhang::sim {

/// Some of the commits, in their order or in another, with or without what signs them.
void FalseRelay::cut(std::vector<std::string>& commits, std::vector<wire::HeadSignature>& signatures) {
    if (w_.one_in(3)) {
        signatures.clear();
        return;
    }
    if (commits.empty()) return;
    const int n = static_cast<int>(commits.size());
    switch (w_.pick(4)) {
        case 0: commits.resize(static_cast<std::size_t>(w_.pick(n))); break;
        case 1: commits.erase(commits.begin() + w_.pick(n)); break;
        case 2:
            std::swap(commits[static_cast<std::size_t>(w_.pick(n))], commits[static_cast<std::size_t>(w_.pick(n))]);
            break;
        default: alter(commits[static_cast<std::size_t>(w_.pick(n))]);
    }
}

/// Another value in it, well formed: its hash is another one.
void FalseRelay::alter(std::string& packed) {
    Packer packer;
    std::string bytes;
    if (!packer.unpack(packed, bytes) || bytes.empty()) return;
    bytes[bytes.size() - 1 -
          static_cast<std::size_t>(w_.pick(static_cast<int>(std::min<std::size_t>(bytes.size(), 40))))] ^= 1;
    packer.pack(bytes, packed);
}

/// For the level above it, signed by itself or by nobody; for its own, of what it never saw; or those of another day.
void FalseRelay::invent_acks(wire::SyncReply& reply) {
    const auto heads = m_.replica->chain_heads();
    if (!heads) return;
    for (const auto& h : *heads) {
        if (!w_.one_in(3)) continue;
        wire::Ack a{{h.stream, h.replica, Seq{h.seq.value + static_cast<std::uint64_t>(w_.pick(3))}, h.hash},
                    Level::city,
                    {},
                    {}};
        if (w_.one_in(2)) a.level = m_.level;
        if (!w_.one_in(3) && !sync::sign_ack(*m_.replica, a)) continue;
        (w_.one_in(2) ? reply.acks : reply.given_acks).push_back(std::move(a));
    }
    if (w_.one_in(3)) reply.took = 0;
}

/// A unit more, or a device less, as if the city had said so.
void FalseRelay::invent_control(std::vector<std::string>& entries) {
    ControlEntry e;
    e.pos = ControlPos{m_.replica->control().head().value + 1};
    e.prev = m_.replica->control().head_hash();
    e.kind = w_.one_in(2) ? "unit" : "revoke";
    e.payload = e.kind == "unit" ? R"({"id":"B99","parent_id":"K1-01","level":"branch","name":"B99"})"
                                 : R"({"replica":")" + w_.hub().name() + R"(","streams":{}})";
    if (w_.one_in(2)) e.signature = m_.keys.device->sign(kForControl, e.signed_part());
    entries.push_back(e.encode());
}

bool FalseRelay::spoil_answer(Machine& who, std::string& bytes) {
    auto& kept = m_.old_answers;
    kept.push_back(bytes);
    if (kept.size() > 12) kept.erase(kept.begin());
    if (!w_.one_in(3)) return false;
    if (w_.one_in(8)) {
        bytes[static_cast<std::size_t>(w_.pick(static_cast<int>(bytes.size())))] ^= static_cast<char>(1 << w_.pick(8));
        return true;
    }
    if (w_.one_in(6)) {  // what it said before, to this one or to another
        bytes = kept[static_cast<std::size_t>(w_.pick(static_cast<int>(kept.size())))];
        return true;
    }
    wire::SyncReply reply;
    if (!wire::decode(bytes, reply) || !wire::read_runs(reply.runs, {}, reply.commits)) return false;
    switch (w_.pick(9)) {
        case 0:
        case 1: cut(reply.commits, reply.signatures); break;
        case 2:  // two faces: some never hear of what others are given
            if (who.number % 2 == 0) return false;
            reply.commits.clear();
            reply.signatures.clear();
            break;
        case 3: invent_acks(reply); break;
        case 4: invent_control(reply.control); break;
        case 5: reply.level = static_cast<Level>(w_.pick(5)); break;
        case 6:
            reply.time_ms += (w_.pick(3) - 1) * std::int64_t{1000} * 86'400'000;
            reply.cursor.certificates += 1'000;
            break;
        case 7:
            reply.has_heads = true;
            reply.heads.clear();
            if (const auto heads = m_.replica->chain_heads(); heads && w_.one_in(2))
                for (const auto& h : *heads) reply.heads.push_back({h.stream, h.replica, Seq{h.seq.value + 5}, h.hash});
            break;
        default:
            reply.cursor.log = Lsn{reply.cursor.log.value + static_cast<std::uint64_t>(w_.pick(50))};
            reply.certificates.clear();
            reply.more = w_.one_in(2);
    }
    reply.runs = wire::write_runs(reply.commits, {});
    bytes = wire::encode(reply);
    return true;
}

bool FalseRelay::spoil_request(std::string& bytes) {
    if (!w_.one_in(4)) return false;
    wire::SyncRequest q;
    if (!wire::decode(bytes, q)) return false;
    // A short one names commits by what both sides have: those stay as they are.
    const bool is_long = q.place == 0 && wire::read_runs(q.runs, q.replica, q.commits).has_value();
    switch (w_.pick(4)) {
        case 0: q.signatures.clear(); break;
        case 1: q.certificates.clear(); break;
        case 2: invent_control(q.control_entries); break;
        default:
            if (!is_long) return false;
            cut(q.commits, q.signatures);
            q.runs = wire::write_runs(q.commits, q.replica);
    }
    bytes = wire::encode(q);
    return true;
}

std::optional<std::string> FalseRelay::swallow(const std::string& request) {
    if (!w_.one_in(6)) return std::nullopt;
    const auto asked = m_.hub->read(request);
    if (!asked || asked->request.commits.empty()) return std::nullopt;
    Packer packer;
    std::string bytes;
    std::vector<Hash> hashes;
    for (const auto& packed : asked->request.commits) {
        if (!packer.unpack(packed, bytes)) return std::nullopt;
        hashes.push_back(hash_of(bytes));
    }
    wire::SyncReply reply;
    reply.level = m_.level;
    reply.city = m_.replica->control().city_mark();
    reply.time_ms = w_.now_ms_;
    reply.control_head = asked->request.control;
    reply.cursor = asked->request.cursor;
    reply.took = wire::mark_of(hashes);
    reply.unit = m_.unit;
    return wire::encode(reply);
}

}  // namespace taizhang::sim
