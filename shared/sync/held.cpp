#include "sync/held.h"

#include <cstring>

#include "sync/upstream_facts.h"

namespace taizhang::sync {

Result<> hold(Replica& r, const CommitHeader& h, const Hash& hash, Origin origin, std::string_view packed,
              std::string_view signature) {
    TRY(auto sum, r.database().prepare("SELECT coalesce(sum(length(body)), 0) FROM held", false));
    TRY_VOID(sum.step());
    const auto bytes = sum.integer(0);
    sum.reset();
    if (bytes + static_cast<std::int64_t>(packed.size()) > kHeldBytesMax)
        return fail(Errc::not_allowed,
                    "暂存的记录太多,请先导入前面的文件 / too much is held already: import the earlier files first");
    TRY(auto s,
        r.database().prepare("INSERT OR IGNORE INTO held(unit, audience, replica, seq, hash, origin, body, sig) "
                             "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, x''))",
                             false));
    s.bind(1, std::string_view(h.stream.unit))
        .bind(2, static_cast<int>(h.stream.audience))
        .bind_blob(3, view(h.replica.bytes))
        .bind(4, h.seq.value)
        .bind_blob(5, view(hash.bytes))
        .bind(6, static_cast<int>(origin))
        .bind_blob(7, packed)
        .bind_blob(8, signature);
    return s.run();
}

namespace {

struct HeldChain {
    std::vector<std::int64_t> rows;
    std::vector<Origin> origins;
    std::vector<std::string> bodies;
    std::vector<HeadSignature> signatures;
};

Result<std::vector<HeldChain>> held_chains(Replica& r) {
    std::vector<HeldChain> out;
    TRY(auto s,
        r.database().prepare("SELECT rowid, origin, body, sig, unit, audience, replica FROM held ORDER BY unit, "
                             "audience, replica, seq",
                             false));
    std::string chain;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        auto here = std::string(s.text(4)) + '/' + std::to_string(s.integer(5)) + '/' + std::string(s.blob(6));
        if (out.empty() || here != chain) {
            chain = std::move(here);
            out.emplace_back();
        }
        auto& c = out.back();
        c.rows.push_back(s.integer(0));
        c.origins.push_back(static_cast<Origin>(s.integer(1)));
        if (!s.blob(3).empty()) c.signatures.push_back({c.bodies.size(), std::string(s.blob(3))});
        c.bodies.emplace_back(s.blob(2));
    }
}

}  // namespace

Result<std::uint64_t> release_held(Replica& r) {
    std::uint64_t released = 0;
    TRY(auto any, r.database().prepare("SELECT 1 FROM held LIMIT 1"));
    TRY(const bool is_any, any.step());
    any.reset();
    if (!is_any) return released;
    TRY(const auto chains, held_chains(r));
    TRY(auto drop, r.database().prepare("DELETE FROM held WHERE rowid = ?1", false));
    for (const auto& c : chains) {
        const std::vector<std::string_view> bodies(c.bodies.begin(), c.bodies.end());
        TRY(const auto proofs, r.prove(bodies, c.signatures));
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            bool is_done = proofs[i] == Proved::no;  // its author is known by now, and did not sign it
            if (!is_done) {
                TRY(const auto done, r.receive(std::span(bodies).subspan(i, 1), c.origins[i]));
                is_done =
                    done.front().admission == Admission::admitted || done.front().admission == Admission::duplicate;
                if (is_done && c.origins[i] != Origin::upstream) TRY_VOID(note_from_below(r, done));
                released += is_done;
            }
            if (!is_done) continue;
            drop.bind(1, c.rows[i]);
            TRY_VOID(drop.run());
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
