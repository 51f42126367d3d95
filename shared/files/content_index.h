// content_index.h - the account of contents in the database: what is here, what is wanted, who has what.
//
// Reads need no bytes, so the ledger shows the state of attachments from here alone.
// Records of the entity `evidence` are the references: a content belongs to every
// stream in which one of them lies, and to nobody else. Table layout and meaning:
// schema/engine/50-files.sql. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <optional>
#include <string>
#include <vector>

namespace taizhang::files {

inline constexpr std::uint64_t kContentBytesMax = 64u << 20;  ///< one photo or document
/// Contents of one unit that a hub keeps, unless `taizhangd files --quota-mb` says otherwise.
inline constexpr std::uint64_t kQuotaBytes = std::uint64_t{2} << 30;

enum class Sent : std::uint8_t { not_yet = 0, there = 1, when_asked = 2, refused = 3 };
inline constexpr int kWantedHere = 1, kWantedAbove = 2;

struct Content {
    Hash hash;
    std::uint64_t size = 0;
    bool whole = false;
    std::string unit;
    int wanted = 0;  ///< kWantedHere | kWantedAbove
    Sent sent = Sent::not_yet;
    std::string why;
};

/// A record that names a content.
struct Reference {
    std::string record;  ///< the evidence's own id
    std::string of;      ///< the record that it belongs to
    StreamId stream;
    std::string name;
    std::uint64_t size = 0;
    Hash hash;
};

/// [first, past)
struct Span {
    std::uint64_t first = 0, past = 0;
    bool empty() const { return first >= past; }
};

/// Nothing when the text is not 64 hex digits.
std::optional<Hash> parse_hash(std::string_view hex);

class ContentIndex {
public:
    explicit ContentIndex(Replica& replica) : r_(replica) {}

    Result<std::optional<Content>> find(const Hash& hash);
    Result<std::vector<Reference>> references(const Hash& hash);
    /// Attachments of one record.
    Result<std::vector<Reference>> attachments(const std::string& record);
    /// The bytes that are here of one that is not whole.
    Result<std::uint64_t> bytes_here(const Content& content);
    /// The first stretch that is not here; empty when all is.
    Result<Span> missing(const Content& content);
    Result<std::vector<Level>> levels(const Hash& hash);

    Result<> add(const Hash& hash, std::uint64_t size, const std::string& unit, bool whole);
    Result<> note_range(const Hash& hash, Span span);
    /// All of it is here: this node's level has it from now on.
    Result<> set_whole(const Hash& hash);
    /// Its bytes are gone or damaged: as if it had never come.
    Result<> set_lost(const Hash& hash);
    Result<> remove(const Hash& hash);
    Result<> set_size(const Hash& hash, std::uint64_t size);
    Result<> set_wanted(const Hash& hash, int bits);
    Result<> set_sent(const Hash& hash, Sent sent, const std::string& why = {});
    Result<> learn_level(const Hash& hash, Level level);

    /// Whole ones that the hub above was not told of, or refused, oldest first; those asked for before all others.
    Result<std::vector<Content>> to_send(std::size_t count_max);
    Result<std::vector<Content>> all();
    /// Whole ones, newest first.
    Result<std::vector<Content>> newest(std::size_t count_max);
    Result<std::vector<Content>> wanted(int bits, std::size_t count_max);
    /// Whole ones that the hub above takes when it asks.
    Result<std::uint64_t> count_sent(Sent sent);
    Result<bool> has_any();
    /// Whether a level above the hub may have news of something that was sent.
    Result<bool> awaits_levels(Level hub);
    /// The hub takes everything (again): what was kept until it asks is offered.
    Result<> offer_kept();
    /// Another hub, or another generation of it: what was said to the old one counts for nothing.
    Result<> forget_hub();

    struct LevelNews {
        Hash hash;
        Level level = Level::none;
        std::uint64_t pos = 0;
    };
    /// The same, in no order, of contents that records in one stream name: costs what they are, not what came.
    Result<std::vector<LevelNews>> levels_named_in(const StreamId& stream, std::uint64_t pos);
    /// The last line of the account.
    Result<std::optional<LevelNews>> newest_level();
    Result<std::vector<LevelNews>> levels_after(std::uint64_t pos, std::size_t count_max);
    /// The content that the news at this position are about; none: there is no such line (any more).
    Result<std::optional<Hash>> level_at(std::uint64_t pos);

    struct Usage {
        std::string unit;
        std::uint64_t contents = 0, bytes = 0;
    };
    Result<std::uint64_t> bytes_of(const std::string& unit);
    Result<std::vector<Usage>> usage();
    Result<std::uint64_t> quota();
    Result<> set_quota(std::uint64_t bytes);
    /// A hub that takes contents only when somebody asked for them.
    Result<bool> takes_on_demand();
    Result<> set_on_demand(bool on);

    Replica& replica() { return r_; }

private:
    Result<bool> has_evidence();
    Result<std::vector<Reference>> read_references(const char* where, std::string_view value);
    Result<std::vector<Content>> read_contents(const std::string& where, std::int64_t value, std::size_t count_max);

    Replica& r_;
    bool indexed_ = false;
};

}  // namespace taizhang::files
