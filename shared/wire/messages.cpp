#include "wire/messages.h"

#include "wire/archive.h"
#include "wire/range_archive.h"

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

/// Enumerations travel as one number with a largest value.
template <class E>
void enumeration(OutArchive& a, E v, E) {
    a.w.u8(static_cast<std::uint8_t>(v));
}
template <class E>
void enumeration(InArchive& a, E& v, E largest) {
    const auto n = a.r.u8();
    if (n > static_cast<std::uint8_t>(largest)) return a.r.poison();
    v = static_cast<E>(n);
}

void stream(OutArchive& a, const StreamId& v) { a(v.unit, static_cast<std::uint8_t>(v.audience)); }
void stream(InArchive& a, StreamId& v) {
    a(v.unit);
    enumeration(a, v.audience, Audience::notice);
    if (v.unit.empty() || v.unit.size() > kUnitMax) a.r.poison();
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
void serialize(A& a, Ack& v) {
    a(v.at);
    enumeration(a, v.level, Level::city);
}
template <class A>
void serialize(A& a, Verdict& v) {
    enumeration(a, v.kind, Verdict::Kind::denied);
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
    a(v.version, v.token, v.replica, v.city, v.cursor, v.control, v.reply_bytes, v.has_vector, v.vector,
      v.control_entries, v.certificates, v.commits, v.wants_state, v.state_after, v.rows);
}
template <class A>
void serialize(A& a, SyncReply& v) {
    a(v.version);
    enumeration(a, v.level, Level::city);
    a(v.city, v.time_ms, v.control_head, v.takes_control, v.cursor, v.more, v.wants_vector, v.has_heads, v.heads,
      v.acks, v.verdicts, v.wants_certificates, v.control, v.certificates, v.commits, v.states, v.state_through,
      v.pasts, v.unit);
}
template <class A>
void serialize(A& a, EnrolRequest& v) {
    a(v.version, v.code, v.replica, v.label);
}
template <class A>
void serialize(A& a, EnrolReply& v) {
    a(v.version, v.token, v.unit);
    enumeration(a, v.level, Level::city);
    a(v.time_ms, v.cursor, v.certificate, v.city);
}
template <class A>
void serialize(A& a, Range& v) {
    a(v.after, v.last);
}
template <class A>
void serialize(A& a, Bundle& v) {
    a(v.version, v.city, v.from, v.unit);
    enumeration(a, v.level, Level::city);
    a(v.hub, v.generation, v.to, v.made_ms, v.part, v.parts, v.control, v.control_after, v.control_entries,
      v.certificates, v.heads, v.acks, v.ranges, v.commits, v.contents, v.contents_here, v.contents_wanted);
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
    std::string out;
    OutArchive a(out);
    a.w.u8(kind_of<M>());
    a(m);
    return out;
}

template <class M>
Result<> read(std::string_view bytes, M& out) {
    out = M{};
    if (bytes.size() > kMessageBytesMax) return fail(Errc::protocol, "消息太大 / message: larger than 8 MB");
    InArchive a(bytes);
    if (a.r.u8() != kind_of<M>()) return fail(Errc::protocol, "不是本协议的消息 / message: not of this protocol");
    a(out);
    if (out.version != kVersion && a.r.ok())
        return fail(Errc::protocol, "对方的版本不同,请升级程序 / message: version " + std::to_string(out.version) +
                                        ", this program speaks " + std::to_string(kVersion) +
                                        ": upgrade the older one");
    if (!a.r.done()) {
        out = M{};
        return fail(Errc::protocol, "消息不完整或已损坏 / message: cut or damaged");
    }
    return {};
}

}  // namespace

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
