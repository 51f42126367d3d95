#include "wire/messages.h"

#include "base/hash.h"
#include "wire/archive.h"
#include "wire/envelope.h"
#include "wire/range_archive.h"
#include "wire/runs.h"

#include <algorithm>

namespace taizhang {

template <class A>
void serialize(A& a, Hash& v) {
    a(v.bytes);
}
template <class A>
void serialize(A& a, ReplicaId& v) {
    a(v.bytes);
}
template <class A, class Tag>
void serialize(A& a, Number<Tag>& v) {
    a(v.value);
}

}  // namespace taizhang

namespace taizhang::wire {
namespace {

constexpr std::size_t kUnitMax = 64;

template <class E>
Enumeration<E> up_to(E& v, E largest) {
    return {v, largest};
}
Fixed fixed(std::uint64_t& v) { return {v}; }

void stream(OutArchive& a, const StreamId& v) { a(v.unit, static_cast<std::uint8_t>(v.audience)); }
void stream(InArchive& a, StreamId& v) {
    a(v.unit, up_to(v.audience, Audience::notice));
    if (v.unit.empty() || v.unit.size() > kUnitMax || !is_line(v.unit)) a.r.poison();
}

}  // namespace

template <class A>
void serialize(A& a, ChainPos& v) {
    stream(a, v.stream);
    a(v.replica, v.seq, v.hash);
}
template <class A>
void serialize(A& a, Cursor& v) {
    a(v.hub, v.generation, v.log, v.proof, v.certificates, v.acks);
}
template <class A>
void serialize(A& a, HeadSignature& v) {
    a(v.index, v.signature);
}
template <class A>
void serialize(A& a, Ack& v) {
    a(v.at, up_to(v.level, Level::city), v.signer, v.signature);
}
template <class A>
void serialize(A& a, Verdict& v) {
    a(up_to(v.kind, Verdict::Kind::unproved));
    stream(a, v.stream);
    a(v.replica, v.seq, v.have, v.why);
}
template <class A>
void serialize(A& a, RowRef& v) {
    stream(a, v.stream);
    a(v.entity, v.id);
}
template <class A>
void serialize(A& a, PastCommit& v) {
    a(v.packed, v.unstamped);
}
template <class A>
void serialize(A& a, RowPast& v) {
    a(v.row, v.commits);
}
template <class A>
void serialize(A& a, SyncRequest& v) {
    sparse(a, v.token, fixed(v.place), v.cursor.log, v.control, v.cursor.certificates, v.cursor.acks, v.runs,
           v.signatures, v.certificates, v.reply_bytes, v.replica, fixed(v.city), v.cursor.hub,
           fixed(v.cursor.generation), fixed(v.cursor.proof), v.has_vector, v.vector, v.control_entries, v.wants_state,
           v.state_after, v.rows, v.passes_on, fixed(v.control_mark), v.offers);
}
template <class A>
void serialize(A& a, SyncReply& v) {
    sparse(a, up_to(v.level, Level::city), v.time_ms, v.control_head, v.cursor.log, v.cursor.certificates,
           fixed(v.took), fixed(v.cursor.proof), v.runs, v.signatures, v.more, v.cursor.acks, v.acks, v.certificates,
           v.control, fixed(v.city), v.cursor.hub, fixed(v.cursor.generation), v.takes_control, v.wants_vector,
           v.has_heads, v.heads, v.verdicts, v.wants_certificates, v.states, v.state_through, v.pasts, v.unit,
           v.given_acks, fixed(v.control_mark));
}
template <class A>
void serialize(A& a, EnrolRequest& v) {
    sparse(a, v.code, v.replica, v.label, v.key, v.nonce, v.proof);
}
template <class A>
void serialize(A& a, EnrolReply& v) {
    sparse(a, v.token, v.unit, up_to(v.level, Level::city), v.time_ms, v.cursor, v.certificate, fixed(v.city),
           v.city_entry, v.chain);
}
template <class A>
void serialize(A& a, Range& v) {
    a(v.after, v.last);
}
template <class A>
void serialize(A& a, Bundle& v) {
    std::string runs;
    if constexpr (A::is_saving::value) runs = write_runs(v.commits, v.from);
    sparse(a, fixed(v.city), v.from, v.unit, up_to(v.level, Level::city), v.hub, fixed(v.generation), v.to, v.made_ms,
           v.part, v.parts, v.control, v.control_after, v.control_entries, v.certificates, v.heads, v.acks, v.ranges,
           v.contents, v.contents_here, v.contents_wanted, v.signatures, runs);
    if constexpr (A::is_loading::value)
        if (!read_runs(runs, v.from, v.commits)) a.r.poison();
}

namespace {

template <class M>
constexpr std::uint8_t kind_of();
template <>
constexpr std::uint8_t kind_of<SyncRequest>() {
    return 'q';
}
template <>
constexpr std::uint8_t kind_of<SyncReply>() {
    return 'r';
}
template <>
constexpr std::uint8_t kind_of<EnrolRequest>() {
    return 'e';
}
template <>
constexpr std::uint8_t kind_of<EnrolReply>() {
    return 'f';
}
template <>
constexpr std::uint8_t kind_of<Bundle>() {
    return 'b';
}

template <class M>
std::string write(const M& m) {
    std::string body;
    OutArchive a(body);
    a(m);
    std::string out;
    Writer w(out);
    w.u8(kind_of<M>());
    w.varint(m.version);
    put_in_envelope(body, out);
    return out;
}

/// What a person will be shown of it is text that does no more than be read.
bool is_readable(const SyncRequest&) { return true; }
bool is_readable(const SyncReply& m) {
    return is_line(m.unit) &&
           std::all_of(m.verdicts.begin(), m.verdicts.end(), [](const auto& v) { return is_line(v.why); });
}
bool is_readable(const EnrolRequest& m) { return is_line(m.label); }
bool is_readable(const EnrolReply& m) { return is_line(m.unit); }
bool is_readable(const Bundle& m) { return is_line(m.unit) && is_line(m.to); }

template <class M>
Result<> read(std::string_view bytes, M& out) {
    out = M{};
    if (bytes.size() > kMessageBytesMax) return fail(Errc::protocol, "消息太大 / message: larger than 8 MB");
    Reader head(bytes);
    if (head.u8() != kind_of<M>()) return fail(Errc::protocol, "不是本协议的消息 / message: not of this protocol");
    const auto version = head.varint();
    if (version != kVersion && head.ok())
        return fail(Errc::protocol, "对方的版本不同,请升级程序 / message: version " + std::to_string(version) +
                                        ", this program speaks " + std::to_string(kVersion) +
                                        ": upgrade the older one");
    std::string body;
    TRY_VOID(open_envelope(bytes.substr(head.offset()), body));
    InArchive a(body);
    a(out);
    if (!head.ok() || !a.r.done() || !is_readable(out)) {
        out = M{};
        return fail(Errc::protocol, "消息不完整或已损坏 / message: cut or damaged");
    }
    return {};
}

}  // namespace

std::uint64_t place_of(std::uint64_t city, const ReplicaId& replica, const Cursor& cursor, std::uint64_t control_mark) {
    std::string all = "place";
    Writer w(all);
    for (const auto n : {city, cursor.generation, cursor.log.value, cursor.proof}) w.varint(n);
    w.raw(view(replica.bytes));
    w.raw(view(cursor.hub.bytes));
    if (control_mark != 0) w.varint(control_mark);
    const auto hash = hash_of(all);
    std::uint64_t out = 0;
    for (int i = 0; i < 8; ++i) out = out << 8 | hash.bytes[static_cast<std::size_t>(i)];
    return out == 0 ? 1 : out;
}

std::uint64_t mark_of(const std::vector<Hash>& commits) {
    if (commits.empty()) return 0;
    std::string all = "mark";
    for (const auto& h : commits) all += view(h.bytes);
    const auto hash = hash_of(all);
    std::uint64_t out = 0;
    for (int i = 0; i < 8; ++i) out = out << 8 | hash.bytes[static_cast<std::size_t>(i)];
    return out == 0 ? 1 : out;
}

std::string encode(const SyncRequest& m) { return write(m); }
std::string encode(const SyncReply& m) { return write(m); }
std::string encode(const EnrolRequest& m) { return write(m); }
std::string encode(const EnrolReply& m) { return write(m); }
std::string encode(const Bundle& m) { return write(m); }
Result<> decode(std::string_view bytes, SyncRequest& out) { return read(bytes, out); }
Result<> decode(std::string_view bytes, SyncReply& out) { return read(bytes, out); }
Result<> decode(std::string_view bytes, EnrolRequest& out) { return read(bytes, out); }
Result<> decode(std::string_view bytes, EnrolReply& out) { return read(bytes, out); }
Result<> decode(std::string_view bytes, Bundle& out) { return read(bytes, out); }

}  // namespace taizhang::wire
