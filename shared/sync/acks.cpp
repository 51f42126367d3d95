#include "sync/acks.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

namespace taizhang::sync {
namespace {

int number(Audience a) { return static_cast<int>(a); }
int number(Level l) { return static_cast<int>(l); }

std::string signed_part(const wire::Ack& a) {
    std::string out;
    Writer w(out);
    w.str(a.at.stream.str());
    w.raw(view(a.at.replica.bytes));
    w.varint(a.at.seq.value);
    w.raw(view(a.at.hash.bytes));
    w.u8(static_cast<std::uint8_t>(a.level));
    return out;
}

}  // namespace

Result<> learn_ack(Replica& r, const wire::Ack& ack, bool lowers) {
    TRY(auto s,
        r.database().prepare(
            "INSERT INTO ack(unit, audience, replica, level, seq, hash, signer, signature, pos) "
            "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?8, ?9, (SELECT coalesce(max(pos), 0) + 1 FROM ack)) "
            "ON CONFLICT(unit, audience, replica, level) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, "
            "signer = excluded.signer, signature = excluded.signature, pos = excluded.pos "
            "WHERE (seq IS NOT excluded.seq OR hash IS NOT excluded.hash OR "
            "(signature IS NULL AND excluded.signature IS NOT NULL)) "
            "AND (?7 OR signature IS NULL OR seq < excluded.seq)",
            false));
    s.bind(1, std::string_view(ack.at.stream.unit))
        .bind(2, number(ack.at.stream.audience))
        .bind_blob(3, view(ack.at.replica.bytes))
        .bind(4, number(ack.level))
        .bind(5, ack.at.seq.value)
        .bind_blob(6, view(ack.at.hash.bytes))
        .bind(7, lowers || !r.control().is_signed() ? 1 : 0);
    if (ack.signature.empty())
        s.bind_null(8).bind_null(9);
    else
        s.bind_blob(8, view(ack.signer.bytes)).bind_blob(9, ack.signature);
    return s.run();
}

Result<> take_own_word(Replica& r, const wire::Ack& ack) {
    if (!ack.signature.empty()) {
        TRY(const bool is_true, take_ack(r, ack));
        if (is_true) return {};
    }
    auto plain = ack;
    plain.signature.clear();
    return learn_ack(r, plain);
}

Result<bool> has_devices(Replica& r) {
    TRY(auto s, r.database().prepare("SELECT 1 FROM device LIMIT 1", false));
    return s.step();
}

Result<> sign_ack(Replica& r, wire::Ack& ack) {
    if (!r.control().is_signed()) return {};
    if (!r.can_sign())
        return fail(Errc::not_allowed,
                    "本机没有与登记相符的密钥,不能确认收到 / this node lacks the key that it was "
                    "enrolled with: it cannot acknowledge");
    ack.signer = r.id();
    ack.signature = r.keys().device->sign(kForAck, signed_part(ack));
    return {};
}

Result<bool> take_ack(Replica& r, const wire::Ack& ack) {
    if (!r.control().is_signed()) {
        TRY_VOID(learn_ack(r, ack));
        return true;
    }
    const auto* hub = r.control().cert(ack.signer);
    if (!hub || r.control().revocation(ack.signer) || hub->level != ack.level ||
        !r.control().holds(hub->unit, ack.at.stream))
        return false;
    if (ack.level == Level::city && !r.control().speaks_for_city(ack.signer)) return false;
    if (!hub->key().verify(kForAck, signed_part(ack), ack.signature)) return false;
    TRY(const auto hashes, r.hashes_at(ack.at.stream, ack.at.replica, ack.at.seq));
    if (!hashes.empty() && std::find(hashes.begin(), hashes.end(), ack.at.hash) == hashes.end()) return false;
    TRY(const auto known, level_ack(r, ack.at.stream, ack.at.replica, ack.level));
    if (known <= ack.at.seq) TRY_VOID(learn_ack(r, ack));
    return true;
}

Result<Seq> level_ack(Replica& r, const StreamId& stream, const ReplicaId& author, Level level) {
    TRY(auto s, r.database().prepare(
                    "SELECT seq FROM ack WHERE unit = ?1 AND audience = ?2 AND replica = ?3 AND level = ?4", false));
    s.bind(1, std::string_view(stream.unit))
        .bind(2, number(stream.audience))
        .bind_blob(3, view(author.bytes))
        .bind(4, number(level));
    TRY(const bool row, s.step());
    return row ? Seq{s.unsigned_integer(0)} : Seq{0};
}

Result<bool> level_has(Replica& r, const CommitId& commit, Level level) {
    const auto* own = r.control().cert(r.id());
    if (own && own->level == level) return true;
    TRY(const auto seq, level_ack(r, commit.stream, commit.replica, level));
    if (commit.seq <= seq) return true;
    // What the city has it had from the levels below, or it came past them.
    return level == Level::city ? r.is_covered(commit) : Result<bool>(false);
}

Result<std::uint64_t> own_commits_at(Replica& r, Level level) {
    std::uint64_t n = 0;
    TRY(const auto heads, r.own_heads());
    const auto* own = r.control().cert(r.id());
    for (const auto& h : heads) {
        TRY(const auto seq, level_ack(r, h.stream, h.replica, level));
        n += own && own->level == level ? h.seq.value : seq.value;
    }
    return n;
}

Result<std::vector<wire::Ack>> acks_after(Replica& r, std::uint64_t after, std::span<const StreamId> wanted,
                                          const std::string& author_unit, std::size_t count_max,
                                          std::uint64_t& through) {
    std::vector<wire::Ack> out;
    TRY(auto newest, r.database().prepare("SELECT coalesce(max(pos), 0) FROM ack", false));
    TRY(const bool any, newest.step());
    const auto head = any ? newest.unsigned_integer(0) : 0;
    newest.reset();
    if (after > head) after = 0;  // of a past that a backup took away
    through = after;
    if (after == head) return out;
    const std::unordered_set<StreamId> scope(wanted.begin(), wanted.end());
    TRY(auto s, r.database().prepare(
                    "SELECT unit, audience, replica, level, seq, hash, pos, signer, signature FROM ack WHERE pos > ?1 "
                    "AND (signature IS NOT NULL OR NOT ?2) ORDER BY pos",
                    false));
    // Only what can be proved is passed on, where anything can be.
    s.bind(1, after).bind(2, r.control().is_signed() ? 1 : 0);
    while (out.size() < count_max) {
        TRY(const bool row, s.step());
        if (!row) {
            through = head;  // also past those that cannot be passed on: they are no news either
            break;
        }
        through = s.unsigned_integer(6);
        wire::Ack a;
        a.at.stream = {std::string(s.text(0)), static_cast<Audience>(s.integer(1))};
        if (s.blob(2).size() == 16) std::memcpy(a.at.replica.bytes.data(), s.blob(2).data(), 16);
        if (!scope.contains(a.at.stream)) {
            const auto* author = r.control().cert(a.at.replica);
            if (!author || author->unit != author_unit) continue;
        }
        a.level = static_cast<Level>(s.integer(3));
        a.at.seq = Seq{s.unsigned_integer(4)};
        if (s.blob(5).size() == 32) std::memcpy(a.at.hash.bytes.data(), s.blob(5).data(), 32);
        if (s.blob(7).size() == 16) std::memcpy(a.signer.bytes.data(), s.blob(7).data(), 16);
        a.signature = std::string(s.blob(8));
        out.push_back(std::move(a));
    }
    return out;
}

}  // namespace taizhang::sync
