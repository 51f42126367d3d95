#include "sync/held.h"

#include <cstring>

#include "sync/session.h"

namespace taizhang::sync {

Result<> hold(Replica& r, const CommitHeader& h, const Hash& hash, Origin origin, std::string_view packed) {
    TRY(auto sum, r.database().prepare("SELECT coalesce(sum(length(body)), 0) FROM held", false));
    TRY_VOID(sum.step());
    const auto bytes = sum.integer(0);
    sum.reset();
    if (bytes + static_cast<std::int64_t>(packed.size()) > kHeldBytesMax)
        return fail(Errc::not_allowed,
                    "暂存的记录太多,请先导入前面的文件 / too much is held already: import the earlier files first");
    TRY(auto s, r.database().prepare("INSERT OR IGNORE INTO held(unit, audience, replica, seq, hash, origin, body) "
                                     "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                                     false));
    s.bind(1, std::string_view(h.stream.unit))
        .bind(2, static_cast<int>(h.stream.audience))
        .bind_blob(3, view(h.replica.bytes))
        .bind(4, h.seq.value)
        .bind_blob(5, view(hash.bytes))
        .bind(6, static_cast<int>(origin))
        .bind_blob(7, packed);
    return s.run();
}

Result<std::uint64_t> release_held(Replica& r) {
    struct Held {
        std::int64_t id;
        Origin origin;
        std::string body;
    };
    std::uint64_t released = 0;
    for (bool moved = true; moved;) {
        moved = false;
        std::vector<std::int64_t> ids;
        TRY(auto list, r.database().prepare("SELECT rowid FROM held ORDER BY unit, audience, replica, seq", false));
        for (;;) {
            TRY(const bool row, list.step());
            if (!row) break;
            ids.push_back(list.integer(0));
        }
        list.reset();
        for (const auto id : ids) {
            TRY(auto get, r.database().prepare("SELECT origin, body FROM held WHERE rowid = ?1", false));
            get.bind(1, id);
            TRY_VOID(get.step());
            const auto origin = static_cast<Origin>(get.integer(0));
            const std::string body(get.blob(1));
            get.reset();
            const std::string_view one(body);
            TRY(const auto done, r.receive(std::span(&one, 1), origin));
            if (done.front().admission != Admission::admitted && done.front().admission != Admission::duplicate)
                continue;
            if (origin != Origin::upstream) TRY_VOID(note_fork_below(r, done));
            TRY(auto drop, r.database().prepare("DELETE FROM held WHERE rowid = ?1", false));
            drop.bind(1, id);
            TRY_VOID(drop.run());
            ++released;
            moved = true;
        }
    }
    return released;
}

std::string Gap::line() const {
    const auto name = stream.str() + " " + replica.hex().substr(0, 8);
    const auto from = std::to_string(have.value + 1), to = std::to_string(first.value - 1);
    if (first.value <= have.value + 1)
        return name + " 第 " + std::to_string(first.value) + " 号接不上 / " + name + ": number " +
               std::to_string(first.value) + " does not follow what is here";
    return name + " 缺第 " + from + "–" + to + " 号 / " + name + ": " + from + "–" + to + " missing";
}

Result<std::vector<Gap>> gaps(Replica& r) {
    std::vector<Gap> out;
    TRY(auto s, r.database().prepare("SELECT unit, audience, replica, min(seq), count(*) FROM held GROUP BY unit, "
                                     "audience, replica",
                                     false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) break;
        Gap g;
        g.stream = {std::string(s.text(0)), static_cast<Audience>(s.integer(1))};
        if (s.blob(2).size() == 16) std::memcpy(g.replica.bytes.data(), s.blob(2).data(), 16);
        g.first = Seq{s.unsigned_integer(3)};
        g.count = s.unsigned_integer(4);
        out.push_back(std::move(g));
    }
    s.reset();
    for (auto& g : out) {
        TRY(const auto heads, r.chain_heads(std::span(&g.stream, 1)));
        for (const auto& h : heads)
            if (h.replica == g.replica) g.have = h.seq;
    }
    return out;
}

}  // namespace taizhang::sync
