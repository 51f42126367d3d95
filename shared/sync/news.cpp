#include "sync/news.h"

#include "sync/session.h"

#include <set>

namespace taizhang::sync {

Result<NewsPlace> news_place(Replica& hub) {
    TRY(auto s, hub.database().prepare("SELECT coalesce(max(pos), 0) FROM ack", false));
    TRY_VOID(s.step());
    return NewsPlace{hub.log_head().value, hub.control().head().value, s.unsigned_integer(0)};
}

Result<std::vector<bool>> has_news(Replica& hub, const NewsPlace& from, const std::vector<std::string>& units) {
    std::vector<bool> out(units.size(), hub.control().head().value > from.control);
    std::set<StreamId> touched;
    TRY(auto log, hub.database().prepare("SELECT DISTINCT stream FROM log WHERE lsn > ?1", false));
    log.bind(1, from.log);
    for (;;) {
        TRY(const bool row, log.step());
        if (!row) break;
        touched.insert(hub.stream_name(static_cast<int>(log.integer(0))));
    }
    TRY(auto acks, hub.database().prepare("SELECT DISTINCT unit, audience FROM ack WHERE pos > ?1", false));
    acks.bind(1, from.acks);
    for (;;) {
        TRY(const bool row, acks.step());
        if (!row) break;
        touched.insert({std::string(acks.text(0)), static_cast<Audience>(acks.integer(1))});
    }
    for (std::size_t i = 0; i < units.size(); ++i)
        for (const auto& stream : touched) out[i] = out[i] || hub.control().holds(units[i], stream);
    return out;
}

std::string encode_poke(const NewsPlace& place) {
    std::string out;
    Writer w(out);
    w.varint(place.log);
    w.varint(place.control);
    w.varint(place.acks);
    return out;
}

Result<bool> is_news(Replica& device, std::string_view poke) {
    Reader r(poke);
    NewsPlace p;
    p.log = r.varint();
    p.control = r.varint();
    p.acks = r.varint();
    if (!r.done()) return true;
    TRY(const auto cursor, upstream_cursor(device));
    return p.log > cursor.log.value || p.control > device.control().head().value || p.acks > cursor.acks;
}

}  // namespace taizhang::sync
