#include "sync/acks.h"

#include <cstring>
#include <unordered_set>

namespace taizhang::sync {
namespace {

int number(Audience a) { return static_cast<int>(a); }
int number(Level l) { return static_cast<int>(l); }

}  // namespace

Result<> learn_ack(Replica& r, const wire::Ack& ack) {
    TRY(auto s,
        r.database().prepare(
            "INSERT INTO ack(unit, audience, replica, level, seq, hash, pos) "
            "VALUES(?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(pos), 0) + 1 FROM ack)) "
            "ON CONFLICT(unit, audience, replica, level) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, "
            "pos = excluded.pos WHERE seq IS NOT excluded.seq OR hash IS NOT excluded.hash",
            false));
    s.bind(1, std::string_view(ack.at.stream.unit))
        .bind(2, number(ack.at.stream.audience))
        .bind_blob(3, view(ack.at.replica.bytes))
        .bind(4, number(ack.level))
        .bind(5, ack.at.seq.value)
        .bind_blob(6, view(ack.at.hash.bytes));
    return s.run();
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
                                          std::size_t count_max, std::uint64_t& through) {
    std::vector<wire::Ack> out;
    TRY(auto newest, r.database().prepare("SELECT coalesce(max(pos), 0) FROM ack", false));
    TRY(const bool any, newest.step());
    const auto head = any ? newest.unsigned_integer(0) : 0;
    newest.reset();
    if (after > head) after = 0;  // of a past that a backup took away
    through = after;
    if (after == head) return out;
    const std::unordered_set<StreamId> scope(wanted.begin(), wanted.end());
    TRY(auto s,
        r.database().prepare(
            "SELECT unit, audience, replica, level, seq, hash, pos FROM ack WHERE pos > ?1 ORDER BY pos", false));
    s.bind(1, after);
    while (out.size() < count_max) {
        TRY(const bool row, s.step());
        if (!row) break;
        through = s.unsigned_integer(6);
        wire::Ack a;
        a.at.stream = {std::string(s.text(0)), static_cast<Audience>(s.integer(1))};
        if (!scope.contains(a.at.stream)) continue;
        if (s.blob(2).size() == 16) std::memcpy(a.at.replica.bytes.data(), s.blob(2).data(), 16);
        a.level = static_cast<Level>(s.integer(3));
        a.at.seq = Seq{s.unsigned_integer(4)};
        if (s.blob(5).size() == 32) std::memcpy(a.at.hash.bytes.data(), s.blob(5).data(), 32);
        out.push_back(std::move(a));
    }
    return out;
}

}  // namespace taizhang::sync
