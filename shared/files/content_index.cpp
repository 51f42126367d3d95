#include "files/content_index.h"

#include <cstring>
#include <limits>

namespace taizhang::files {
namespace {

constexpr const char* kQuota = "files/quota_bytes";
constexpr const char* kOnDemand = "files/on_demand";
constexpr const char* kColumns = "hash, size, whole, unit, wanted, sent, why";

Hash hash_from(std::string_view blob) {
    Hash h;
    if (blob.size() == h.bytes.size()) std::memcpy(h.bytes.data(), blob.data(), blob.size());
    return h;
}

Content content_at(const sqlite::Statement& s) {
    Content c;
    c.hash = hash_from(s.blob(0));
    c.size = s.unsigned_integer(1);
    c.whole = s.integer(2) != 0;
    c.unit = std::string(s.text(3));
    c.wanted = static_cast<int>(s.integer(4));
    c.sent = static_cast<Sent>(s.integer(5));
    c.why = std::string(s.text(6));
    return c;
}

}  // namespace

std::optional<Hash> parse_hash(std::string_view hex) {
    const auto raw = from_hex(hex);
    if (raw.size() != 32) return std::nullopt;
    return hash_from(raw);
}

// ------------------------------------------------------------------ references

/// The catalog may not know evidence (yet). The indexes keep every look-up short.
Result<bool> ContentIndex::has_evidence() {
    if (indexed_) return true;
    {
        TRY(auto s, r_.database().prepare("SELECT count(*) FROM pragma_table_info('evidence') WHERE name IN "
                                          "('hash', 'record_id', 'size', 'name')",
                                          false));
        TRY(const bool row, s.step());
        if (!row || s.integer(0) != 4) return false;
    }
    TRY_VOID(
        r_.database().exec("CREATE INDEX IF NOT EXISTS evidence_hash ON evidence(hash); "
                           "CREATE INDEX IF NOT EXISTS evidence_record ON evidence(record_id); "
                           "CREATE INDEX IF NOT EXISTS evidence_stream ON evidence(_s, hash)"));
    indexed_ = true;
    return true;
}

Result<std::vector<Reference>> ContentIndex::read_references(const char* where, std::string_view value) {
    std::vector<Reference> out;
    TRY(const bool there, has_evidence());
    if (!there) return out;
    TRY(auto s, r_.database().prepare(std::string("SELECT id, record_id, _s, name, size, hash FROM evidence WHERE ") +
                                          where + " = ?1 ORDER BY id",
                                      false));
    s.bind(1, value);
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        const auto hash = parse_hash(s.text(5));
        if (!hash || s.is_null(4) || s.integer(4) < 0) continue;
        out.push_back({std::string(s.text(0)), std::string(s.text(1)), r_.stream_name(static_cast<int>(s.integer(2))),
                       std::string(s.text(3)), s.unsigned_integer(4), *hash});
    }
}

/// Without those whose size makes no sense: they name nothing that there could be, and must not stand before those that
/// do.
Result<std::vector<Reference>> ContentIndex::references(const Hash& hash) {
    const auto hex = hash.hex();
    TRY(auto all, read_references("hash", hex));
    std::erase_if(all, [](const auto& x) { return x.size == 0 || x.size > kContentBytesMax; });
    return all;
}

Result<std::vector<Reference>> ContentIndex::attachments(const std::string& record) {
    return read_references("record_id", record);
}

// ------------------------------------------------------------------ the account

Result<std::optional<Content>> ContentIndex::find(const Hash& hash) {
    TRY(auto s, r_.database().prepare(std::string("SELECT ") + kColumns + " FROM content WHERE hash = ?1", false));
    s.bind_blob(1, view(hash.bytes));
    TRY(const bool row, s.step());
    if (!row) return std::optional<Content>();
    return std::optional(content_at(s));
}

Result<std::uint64_t> ContentIndex::bytes_here(const Content& c) {
    if (c.whole) return c.size;
    TRY(auto s,
        r_.database().prepare("SELECT coalesce(sum(past - first), 0) FROM content_range WHERE hash = ?1", false));
    s.bind_blob(1, view(c.hash.bytes));
    TRY(const bool row, s.step());
    return row ? s.unsigned_integer(0) : 0;
}

Result<Span> ContentIndex::missing(const Content& c) {
    if (c.whole) return Span{};
    TRY(auto s, r_.database().prepare("SELECT first, past FROM content_range WHERE hash = ?1 ORDER BY first", false));
    s.bind_blob(1, view(c.hash.bytes));
    Span gap{0, c.size};
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return gap;
        if (s.unsigned_integer(0) > gap.first) {
            gap.past = s.unsigned_integer(0);
            return gap;
        }
        gap.first = s.unsigned_integer(1);
    }
}

Result<> ContentIndex::add(const Hash& hash, std::uint64_t size, const std::string& unit, bool whole) {
    TRY(auto s, r_.database().prepare("INSERT INTO content(hash, size, whole, unit, wanted, sent, why, since_ms) "
                                      "VALUES(?1, ?2, 0, ?3, 0, 0, '', ?4) ON CONFLICT DO NOTHING",
                                      false));
    s.bind_blob(1, view(hash.bytes)).bind(2, size).bind(3, std::string_view(unit)).bind(4, r_.now().ms);
    TRY_VOID(s.run());
    return whole ? set_whole(hash) : Result<>();
}

/// Neighbours and overlaps become one range.
Result<> ContentIndex::note_range(const Hash& hash, Span span) {
    if (span.empty()) return {};
    const auto bytes = view(hash.bytes);
    return r_.batch([&]() -> Result<> {
        TRY(auto touching, r_.database().prepare("SELECT min(first), max(past) FROM content_range WHERE hash = ?1 AND "
                                                 "first <= ?3 AND past >= ?2",
                                                 false));
        touching.bind_blob(1, bytes).bind(2, span.first).bind(3, span.past);
        TRY(const bool row, touching.step());
        if (row && !touching.is_null(0)) {
            span.first = std::min(span.first, touching.unsigned_integer(0));
            span.past = std::max(span.past, touching.unsigned_integer(1));
        }
        touching.reset();
        TRY(auto clear,
            r_.database().prepare("DELETE FROM content_range WHERE hash = ?1 AND first >= ?2 AND first <= ?3", false));
        clear.bind_blob(1, bytes).bind(2, span.first).bind(3, span.past);
        TRY_VOID(clear.run());
        TRY(auto put, r_.database().prepare("INSERT INTO content_range(hash, first, past) VALUES(?1, ?2, ?3)", false));
        put.bind_blob(1, bytes).bind(2, span.first).bind(3, span.past);
        return put.run();
    });
}

Result<> ContentIndex::set_whole(const Hash& hash) {
    return r_.batch([&]() -> Result<> {
        TRY(auto clear, r_.database().prepare("DELETE FROM content_range WHERE hash = ?1", false));
        clear.bind_blob(1, view(hash.bytes));
        TRY_VOID(clear.run());
        TRY(auto s, r_.database().prepare("UPDATE content SET whole = 1, wanted = 0 WHERE hash = ?1", false));
        s.bind_blob(1, view(hash.bytes));
        TRY_VOID(s.run());
        const auto* own = r_.control().cert(r_.id());
        return own && own->level > Level::branch ? learn_level(hash, own->level) : Result<>();
    });
}

Result<> ContentIndex::set_lost(const Hash& hash) {
    return r_.batch([&]() -> Result<> {
        TRY(auto clear, r_.database().prepare("DELETE FROM content_range WHERE hash = ?1", false));
        clear.bind_blob(1, view(hash.bytes));
        TRY_VOID(clear.run());
        TRY(auto s, r_.database().prepare("UPDATE content SET whole = 0 WHERE hash = ?1", false));
        s.bind_blob(1, view(hash.bytes));
        return s.run();
    });
}

Result<> ContentIndex::remove(const Hash& hash) {
    return r_.batch([&]() -> Result<> {
        for (const char* table : {"content", "content_range", "content_level"}) {
            TRY(auto s, r_.database().prepare(std::string("DELETE FROM ") + table + " WHERE hash = ?1", false));
            s.bind_blob(1, view(hash.bytes));
            TRY_VOID(s.run());
        }
        return {};
    });
}

Result<> ContentIndex::set_size(const Hash& hash, std::uint64_t size) {
    TRY_VOID(set_lost(hash));
    TRY(auto s, r_.database().prepare("UPDATE content SET size = ?2 WHERE hash = ?1", false));
    s.bind_blob(1, view(hash.bytes)).bind(2, size);
    return s.run();
}

Result<> ContentIndex::set_wanted(const Hash& hash, int bits) {
    TRY(auto s, r_.database().prepare(
                    "UPDATE content SET wanted = wanted | ?2 WHERE hash = ?1 AND wanted | ?2 <> wanted", false));
    s.bind_blob(1, view(hash.bytes)).bind(2, bits);
    return s.run();
}

Result<> ContentIndex::set_sent(const Hash& hash, Sent sent, const std::string& why) {
    TRY(auto s, r_.database().prepare(
                    "UPDATE content SET sent = ?2, why = ?3 WHERE hash = ?1 AND (sent <> ?2 OR why <> ?3)", false));
    s.bind_blob(1, view(hash.bytes)).bind(2, static_cast<int>(sent)).bind(3, std::string_view(why));
    return s.run();
}

// ------------------------------------------------------------------ queues

Result<std::vector<Content>> ContentIndex::read_contents(const std::string& where, std::int64_t value,
                                                         std::size_t count_max) {
    std::vector<Content> out;
    TRY(auto s, r_.database().prepare(std::string("SELECT ") + kColumns + " FROM content WHERE " + where, false));
    s.bind(1, value);
    while (out.size() < count_max) {
        TRY(const bool row, s.step());
        if (!row) break;
        out.push_back(content_at(s));
    }
    return out;
}

Result<std::vector<Content>> ContentIndex::to_send(std::size_t count_max) {
    TRY(auto out, read_contents("whole = 1 AND sent <> 1 AND sent = ?1 ORDER BY since_ms, hash", 0, count_max));
    TRY(auto refused, read_contents("whole = 1 AND sent <> 1 AND sent = ?1 ORDER BY since_ms, hash",
                                    static_cast<int>(Sent::refused), count_max - out.size()));
    std::move(refused.begin(), refused.end(), std::back_inserter(out));
    return out;
}

Result<std::vector<Content>> ContentIndex::all() {
    return read_contents("size >= ?1 ORDER BY hash", 0, std::numeric_limits<std::size_t>::max());
}

Result<std::vector<Content>> ContentIndex::newest(std::size_t count_max) {
    return read_contents("whole = ?1 ORDER BY since_ms DESC, hash", 1, count_max);
}

Result<std::vector<Content>> ContentIndex::wanted(int bits, std::size_t count_max) {
    return read_contents("whole = 0 AND wanted <> 0 AND wanted & ?1 <> 0 ORDER BY wanted, since_ms", bits, count_max);
}

Result<std::uint64_t> ContentIndex::count_sent(Sent sent) {
    TRY(auto s,
        r_.database().prepare("SELECT count(*) FROM content WHERE whole = 1 AND sent <> 1 AND sent = ?1", false));
    s.bind(1, static_cast<int>(sent));
    TRY(const bool row, s.step());
    return row ? s.unsigned_integer(0) : 0;
}

Result<bool> ContentIndex::has_any() {
    TRY(auto s, r_.database().prepare("SELECT 1 FROM content LIMIT 1", false));
    return s.step();
}

// ------------------------------------------------------------------ levels

Result<> ContentIndex::learn_level(const Hash& hash, Level level) {
    TRY(auto s, r_.database().prepare("INSERT INTO content_level(hash, level, has, pos) VALUES(?1, ?2, 1, (SELECT "
                                      "coalesce(max(pos), 0) + 1 FROM content_level)) ON CONFLICT(hash, level) DO "
                                      "UPDATE SET has = 1, pos = excluded.pos WHERE has = 0",
                                      false));
    s.bind_blob(1, view(hash.bytes)).bind(2, static_cast<int>(level));
    return s.run();
}

Result<std::vector<Level>> ContentIndex::levels(const Hash& hash) {
    std::vector<Level> out;
    TRY(auto s,
        r_.database().prepare("SELECT level FROM content_level WHERE hash = ?1 AND has = 1 ORDER BY level", false));
    s.bind_blob(1, view(hash.bytes));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back(static_cast<Level>(s.integer(0)));
    }
}

Result<std::vector<ContentIndex::LevelNews>> ContentIndex::levels_after(std::uint64_t pos, std::size_t count_max) {
    std::vector<LevelNews> out;
    TRY(auto s,
        r_.database().prepare(
            "SELECT hash, level, pos FROM content_level WHERE pos > ?1 AND has = 1 ORDER BY pos LIMIT ?2", false));
    s.bind(1, pos).bind(2, static_cast<std::uint64_t>(count_max));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back({hash_from(s.blob(0)), static_cast<Level>(s.integer(1)), s.unsigned_integer(2)});
    }
}

Result<std::vector<ContentIndex::LevelNews>> ContentIndex::levels_named_in(const StreamId& stream, std::uint64_t pos) {
    std::vector<LevelNews> out;
    TRY(const bool there, has_evidence());
    if (!there) return out;
    std::vector<Hash> named;
    TRY(auto names, r_.database().prepare("SELECT DISTINCT hash FROM evidence WHERE _s = (SELECT no FROM stream WHERE "
                                          "unit = ?1 AND audience = ?2) AND hash IS NOT NULL",
                                          false));
    names.bind(1, std::string_view(stream.unit)).bind(2, static_cast<int>(stream.audience));
    for (;;) {
        TRY(const bool row, names.step());
        if (!row) break;
        if (const auto hash = parse_hash(names.text(0))) named.push_back(*hash);
    }
    TRY(auto levels,
        r_.database().prepare("SELECT level, pos FROM content_level WHERE hash = ?1 AND pos > ?2 AND has = 1", false));
    for (const auto& hash : named) {
        levels.bind_blob(1, view(hash.bytes)).bind(2, pos);
        for (;;) {
            TRY(const bool row, levels.step());
            if (!row) break;
            out.push_back({hash, static_cast<Level>(levels.integer(0)), levels.unsigned_integer(1)});
        }
    }
    return out;
}

Result<std::optional<ContentIndex::LevelNews>> ContentIndex::newest_level() {
    TRY(auto s, r_.database().prepare("SELECT hash, level, pos FROM content_level ORDER BY pos DESC LIMIT 1", false));
    TRY(const bool row, s.step());
    if (!row) return std::optional<LevelNews>();
    return std::optional(LevelNews{hash_from(s.blob(0)), static_cast<Level>(s.integer(1)), s.unsigned_integer(2)});
}

Result<std::optional<Hash>> ContentIndex::level_at(std::uint64_t pos) {
    TRY(auto s, r_.database().prepare("SELECT hash FROM content_level WHERE pos = ?1", false));
    s.bind(1, pos);
    TRY(const bool row, s.step());
    return row ? std::optional(hash_from(s.blob(0))) : std::nullopt;
}

/// Something went up as far as the hub, and the city is not known to have it.
Result<bool> ContentIndex::awaits_levels(Level hub) {
    if (hub >= Level::city) return false;
    TRY(auto s, r_.database().prepare("SELECT 1 FROM content c WHERE whole = 1 AND sent = 1 AND NOT EXISTS(SELECT 1 "
                                      "FROM content_level l WHERE l.hash = c.hash AND l.level = 4 AND has = 1) LIMIT 1",
                                      false));
    return s.step();
}

Result<> ContentIndex::offer_kept() {
    TRY(auto s, r_.database().prepare("UPDATE content SET sent = 0 WHERE whole = 1 AND sent <> 1 AND sent = 2", false));
    return s.run();
}

Result<> ContentIndex::forget_hub() {
    return r_.batch([&]() -> Result<> {
        const auto* own = r_.control().cert(r_.id());
        const int level = own ? static_cast<int>(own->level) : 0;
        TRY(auto sent, r_.database().prepare("UPDATE content SET sent = 0, why = '' WHERE sent <> 0", false));
        TRY_VOID(sent.run());
        TRY(auto levels, r_.database().prepare("UPDATE content_level SET has = 0 WHERE level > ?1", false));
        levels.bind(1, level);
        return levels.run();
    });
}

// ------------------------------------------------------------------ room

Result<std::uint64_t> ContentIndex::bytes_of(const std::string& unit) {
    TRY(auto s, r_.database().prepare("SELECT coalesce(sum(size), 0) FROM content WHERE unit = ?1", false));
    s.bind(1, std::string_view(unit));
    TRY(const bool row, s.step());
    return row ? s.unsigned_integer(0) : 0;
}

Result<std::vector<ContentIndex::Usage>> ContentIndex::usage() {
    std::vector<Usage> out;
    TRY(auto s,
        r_.database().prepare("SELECT unit, count(*), sum(size) FROM content GROUP BY unit ORDER BY unit", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out.push_back({std::string(s.text(0)), s.unsigned_integer(1), s.unsigned_integer(2)});
    }
}

Result<std::uint64_t> ContentIndex::quota() {
    TRY(const auto text, r_.fact(kQuota));
    return text.empty() ? kQuotaBytes : std::strtoull(text.c_str(), nullptr, 10);
}
Result<> ContentIndex::set_quota(std::uint64_t bytes) { return r_.set_fact(kQuota, std::to_string(bytes)); }

Result<bool> ContentIndex::takes_on_demand() {
    const auto text = r_.fact(kOnDemand);
    if (!text) return text.error();
    return text->starts_with('1');
}
Result<> ContentIndex::set_on_demand(bool on) { return r_.set_fact(kOnDemand, on ? "1" : "0"); }

}  // namespace taizhang::files
