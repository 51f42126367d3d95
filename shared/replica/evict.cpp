// Streams that are not this unit's to hold any more: the tree has moved, its records stay with whoever holds them now.
#include "replica/impl.h"

namespace taizhang {
namespace {

std::string evicted_key(const StreamId& stream) { return "evicted/" + stream.str(); }

}  // namespace

/// Own seqs go on from where they were: before the stream has come back, nothing can be written into it.
Result<> Replica::Impl::check_not_evicted(const StreamId& stream) {
    TRY(const auto own, fact(evicted_key(stream)));
    if (own.empty()) return {};
    TRY(const int stream_number, stream_no(stream));
    TRY(const int replica_number, replica_no(self));
    TRY(const auto head, chain_head(stream_number, replica_number));
    if (head.seq.value >= std::strtoull(own.c_str(), nullptr, 10)) return set_fact(evicted_key(stream), "");
    return fail(Errc::not_allowed, stream.unit + " 的记录刚划归本单位,请先同步再填写 / the records of " + stream.unit +
                                       " have just come to this unit: sync first, then write");
}

Result<> Replica::evict(const StreamId& stream) {
    auto& m = *impl_;
    const auto known = m.stream_nos.find(stream);
    if (known == m.stream_nos.end()) return {};
    const int number = known->second;
    return m.batch([&]() -> Result<> {
        TRY_VOID(m.flush());
        TRY(const int own, m.replica_no(m.self));
        TRY(const auto head, m.chain_head(number, own));
        TRY_VOID(m.set_fact(evicted_key(stream), std::to_string(head.seq.value)));
        const auto run = [&](const std::string& sql) -> Result<> {
            TRY(auto s, m.db->prepare(sql, false));
            s.bind(1, number);
            return s.run();
        };
        m.written = {true, {}};
        for (const auto& t : m.tables) TRY_VOID(run("DELETE FROM \"" + t->binding().name + "\" WHERE _s = ?1"));
        TRY_VOID(run("DELETE FROM waiting WHERE lsn IN (SELECT lsn FROM log WHERE stream = ?1)"));
        TRY_VOID(run("DELETE FROM unstamped WHERE lsn IN (SELECT lsn FROM log WHERE stream = ?1)"));
        for (const char* table : {"conflict", "horizon", "backed", "checkpoint", "floor", "wanted_row", "log"})
            TRY_VOID(run("DELETE FROM " + std::string(table) + " WHERE stream = ?1"));
        for (const auto& prefix : {"ack/" + stream.str() + "/", "fork/" + stream.str() + "/"}) {
            TRY(const auto old, facts(prefix));
            for (const auto& [key, value] : old) {
                TRY(auto s, m.db->prepare("DELETE FROM fact WHERE key = ?1", false));
                s.bind(1, std::string_view(key));
                TRY_VOID(s.run());
            }
        }
        m.evicted[number] = head.seq.value;
        m.forget_loaded();
        m.version_cache.fill({});
        const auto head_before = m.head_lsn;
        TRY_VOID(m.load_numbers());
        m.head_lsn = head_before;  // places are never given twice
        return m.set_fact("log/head", std::to_string(head_before));
    });
}

}  // namespace taizhang
