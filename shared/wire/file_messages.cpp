#include "wire/file_messages.h"

#include "base/hash.h"
#include "wire/messages.h"
#include "wire/range_archive.h"

namespace taizhang::wire {
namespace {

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

void hashes(OutArchive& a, const std::vector<Hash>& list) {
    a.w.varint(list.size());
    for (const auto& h : list) a(h.bytes);
}
void hashes(InArchive& a, std::vector<Hash>& list) {
    list.clear();
    auto n = a.r.size();
    if (n > kElementsMax) a.r.poison();
    for (; n > 0 && a.r.ok(); --n) a(list.emplace_back().bytes);
}

}  // namespace

template <class A>
void serialize(A& a, ContentOffer& v) {
    a(v.content.bytes, v.size);
}
template <class A>
void serialize(A& a, ContentWish& v) {
    a(v.content.bytes, v.offset, v.bytes_max);
}
template <class A>
void serialize(A& a, ContentWord& v) {
    a(v.content.bytes);
    enumeration(a, v.kind, ContentWord::Kind::not_here);
    a(v.offset, v.past, v.why);
}
template <class A>
void serialize(A& a, ContentLevel& v) {
    a(v.content.bytes);
    enumeration(a, v.level, Level::city);
}
template <class A>
void serialize(A& a, FileRequest& v) {
    a(v.version, v.token, v.city, v.hub.bytes, v.generation, v.news, v.offers, v.ranges, v.wishes);
}
template <class A>
void serialize(A& a, FileReply& v) {
    a(v.version);
    enumeration(a, v.level, Level::city);
    a(v.city, v.hub.bytes, v.generation, v.words, v.ranges, v.levels, v.news, v.on_demand);
    hashes(a, v.wanted);
}

namespace {

template <class M>
constexpr std::uint8_t kind_of();
template <>
constexpr std::uint8_t kind_of<FileRequest>() {
    return 'c';
}
template <>
constexpr std::uint8_t kind_of<FileReply>() {
    return 'd';
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
    if (a.r.u8() != kind_of<M>()) return fail(Errc::protocol, "不是附件的消息 / message: not about contents");
    a(out);
    if (out.version != kFileVersion && a.r.ok())
        return fail(Errc::protocol, "对方的版本不同,请升级程序 / message: contents version " +
                                        std::to_string(out.version) + ", this program speaks " +
                                        std::to_string(kFileVersion) + ": upgrade the older one");
    if (!a.r.done()) {
        out = M{};
        return fail(Errc::protocol, "消息不完整或已损坏 / message: cut or damaged");
    }
    return {};
}

}  // namespace

std::uint64_t range_check(std::string_view bytes) {
    const auto hash = hash_of(bytes);
    std::uint64_t check = 0;
    for (int i = 7; i >= 0; --i) check = check << 8 | hash.bytes[static_cast<std::size_t>(i)];
    return check;
}

std::string encode(const FileRequest& m) { return write(m); }
std::string encode(const FileReply& m) { return write(m); }
Result<> decode(std::string_view bytes, FileRequest& out) { return read(bytes, out); }
Result<> decode(std::string_view bytes, FileReply& out) { return read(bytes, out); }

}  // namespace taizhang::wire
