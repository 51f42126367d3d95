#include "ledger/lateness.h"

namespace taizhang::ledger {
namespace {

// What comes within it is one contact. Lower: the end of a long sync counts as one after its beginning.
constexpr std::int64_t kContactMs = 10 * 60'000;

/// When something last came from above before this commit did, in an earlier contact; 0: never.
Result<std::int64_t> contact_before(Replica& r, const HistoryItem& item) {
    TRY(auto s,
        r.database().prepare(
            "SELECT received_ms FROM log WHERE lsn < (SELECT l.lsn FROM log l JOIN stream s ON s.no = l.stream "
            "JOIN replica r ON r.no = l.replica WHERE s.unit = ?1 AND s.audience = ?2 AND r.id = ?3 AND l.seq = "
            "?4 AND l.hash = ?5) AND origin = ?6 AND received_ms < ?7 ORDER BY lsn DESC LIMIT 1",
            false));
    s.bind(1, std::string_view(item.commit.stream.unit)).bind(2, static_cast<int>(item.commit.stream.audience));
    s.bind_blob(3, view(item.commit.replica.bytes)).bind(4, item.commit.seq.value);
    s.bind_blob(5, view(item.commit.hash.bytes)).bind(6, static_cast<int>(Origin::upstream));
    s.bind(7, item.received_ms - kContactMs);
    TRY(const bool any, s.step());
    return any ? s.integer(0) : 0;
}

}  // namespace

Result<std::int64_t> lateness_ms(Replica& r, const HistoryItem& item) {
    if (item.origin == Origin::own) return 0;
    const auto written = static_cast<std::int64_t>(item.time >> 16);
    const auto late = item.received_ms - written;
    if (late < kContactMs || item.origin != Origin::upstream) return std::max<std::int64_t>(0, late);
    TRY(const auto before, contact_before(r, item));
    // It was not there at that contact, so it was at least as late as that.
    return before > written ? late : 0;
}

}  // namespace taizhang::ledger
