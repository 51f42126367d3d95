#include "ledger/text_filter.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace taizhang::ledger {
namespace {

constexpr std::int64_t kTextsAtOnce = 4000;  // some 10 ms
constexpr std::uint32_t kRowsOfABlock = 256;
constexpr std::size_t kListedMax = 4096;  // beyond, a bit for each of 65,536 is smaller
constexpr std::size_t kHashes = 1 << 16;

std::uint16_t hash16(std::uint64_t x) {
    x *= 0x9e3779b97f4a7c15ULL;  // Fibonacci hashing: the high bits depend on all of x
    return static_cast<std::uint16_t>(x >> 48);
}

/// Calls `each` with the hash of every character, and of every two that follow each other; of a word of two or more
/// characters the pairs alone, since they say more.
template <typename Each>
void each_gram(std::string_view text, bool is_word, const Each& each) {
    std::uint32_t before = 0;
    std::size_t characters = 0;
    const auto n = text.size();
    for (std::size_t i = 0; i < n;) {
        // Texts are UTF-8 (checked at the door); the bytes themselves do for a number.
        auto c = static_cast<std::uint32_t>(static_cast<unsigned char>(text[i++]));
        while (i < n && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80)
            c = c << 8 | static_cast<unsigned char>(text[i++]);
        if (characters++ > 0) each(hash16(std::uint64_t{before} << 32 | c));
        if (!is_word) each(hash16(c));
        before = c;
    }
    if (is_word && characters == 1) each(hash16(before));
}

std::uint16_t hash_of_task(std::string_view id) {
    std::uint64_t h = 0xcbf29ce484222325ULL;  // FNV-1a
    for (const char c : id) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash16(h);
}

}  // namespace

// ------------------------------------------------------------------ a set of hashes

void HashSet16::add(std::uint16_t h) {
    if (!bits_.empty()) {
        bits_[h >> 6] |= std::uint64_t{1} << (h & 63);
        return;
    }
    const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), h);
    if (at != sorted_.end() && *at == h) return;
    if (sorted_.size() < kListedMax) {
        sorted_.insert(at, h);
        return;
    }
    bits_.resize(kHashes / 64);
    for (const auto x : std::exchange(sorted_, {})) add(x);
    add(h);
}

bool HashSet16::has(std::uint16_t h) const {
    if (!bits_.empty()) return bits_[h >> 6] >> (h & 63) & 1;
    return std::binary_search(sorted_.begin(), sorted_.end(), h);
}

// ------------------------------------------------------------------ reading

/// The columns of an entity that are looked through, behind id and stream.
class TextFilter::Query {
public:
    explicit Query(const Entity& e) : has_task_(e.name == "assignment") {
        std::string columns = "id, _s";
        for (const auto& f : e.fields) {
            if (f.type != Type::text && f.type != Type::json) continue;
            columns += ", \"" + f.name + "\"";
            ++texts_;
        }
        if (has_task_) columns += ", task_id";
        sql_ = "SELECT " + columns + " FROM \"" + e.name + "\" WHERE ";
    }
    std::string sql(const char* where) const { return sql_ + where; }
    template <typename Add>
    void each(const sqlite::Statement& s, const Add& add) const {
        for (int c = 2; c < texts_ + 2; ++c)
            if (!s.is_null(c)) each_gram(s.text(c), false, add);
        if (has_task_) add(hash_of_task(s.text(texts_ + 2)));
    }

private:
    bool has_task_;
    int texts_ = 0;
    std::string sql_;
};

TextFilter::TextFilter(StoredFacts& facts, std::size_t units_min)
    : facts_(facts), r_(facts.replica()), units_min_(units_min) {}

namespace {

/// The block that a row is put to.
template <class Part>
auto& block_for(Part& part, std::string_view id) {
    auto& blocks = part.blocks;
    if (blocks.empty()) blocks.emplace_back();
    // Behind all others a full block is followed by a new one; of rows with one id none may be left behind.
    auto* block = &blocks.back();
    if (id >= block->first) {
        if (block->rows >= kRowsOfABlock && id > part.after) {
            block = &blocks.emplace_back();
            block->first = id;
        }
        if (id > part.after) part.after = id;
    } else {
        block = &*std::prev(
            std::upper_bound(blocks.begin(), blocks.end(), id, [](auto x, const auto& b) { return x < b.first; }));
    }
    ++block->rows;
    return *block;
}

/// Of many rows: most of what they have they all have, and a bit is set at once.
class Gathered {
public:
    void add(std::uint16_t h) { bits_[h >> 6] |= std::uint64_t{1} << (h & 63); }
    void move_to(HashSet16& set) {
        for (std::size_t w = 0; w < bits_.size(); ++w)
            for (auto left = std::exchange(bits_[w], 0); left != 0; left &= left - 1)
                set.add(static_cast<std::uint16_t>(w * 64 + static_cast<std::size_t>(std::countr_zero(left))));
    }

private:
    std::vector<std::uint64_t> bits_ = std::vector<std::uint64_t>(kHashes / 64);
};

}  // namespace

void TextFilter::put(Part& part, std::string_view id, const Query& q, const sqlite::Statement& s) {
    auto& block = block_for(part, id);
    q.each(s, [&](std::uint16_t h) { block.hashes.add(h); });
}

Result<bool> TextFilter::load_rows(const Entity& e, Part& part) {
    const Query q(e);
    TRY(auto s, r_.database().prepare(q.sql("(id, _s) > (?1, ?2) ORDER BY id, _s LIMIT ?3"), false));
    const auto after = part.after;
    s.bind(1, std::string_view(after)).bind(2, part.after_stream).bind(3, kTextsAtOnce);
    Gathered gathered;  // of the last block: rows come in the order of their ids
    std::int64_t n = 0;
    for (;; ++n) {
        TRY(const bool row, s.step());
        if (!row) break;
        const auto blocks = part.blocks.size();
        block_for(part, s.text(0));
        if (blocks > 0 && blocks != part.blocks.size()) gathered.move_to(part.blocks[blocks - 1].hashes);
        q.each(s, [&](std::uint16_t h) { gathered.add(h); });
        part.after_stream = s.integer(1);
    }
    if (!part.blocks.empty()) gathered.move_to(part.blocks.back().hashes);
    return n < kTextsAtOnce;
}

Result<> TextFilter::take_written() {
    const auto written = facts_.take_also();
    if (written.all) parts_.clear();
    for (const auto& [name, ids] : written.rows) {
        const auto part = parts_.find(name);
        const auto* v = r_.control().newest(name);
        if (part == parts_.end() || !v) continue;
        const Query q(*v->entity);
        TRY(auto s, r_.database().prepare(q.sql("id = ?1"), false));
        for (const auto& id : ids) {
            // What was not read yet will be.
            if (!part->second.is_whole && id > part->second.after) continue;
            s.bind(1, std::string_view(id));
            for (;;) {
                TRY(const bool row, s.step());
                if (!row) break;
                put(part->second, id, q, s);
            }
            s.reset();
        }
    }
    return {};
}

Result<bool> TextFilter::load_some() {
    if (r_.control().units().size() < units_min_) return true;
    if (!has_begun_) {
        // The account begins with the facts.
        TRY(const bool whole, facts_.load_some());
        if (!whole) return false;
        has_begun_ = true;
    }
    TRY_VOID(take_written());
    for (const auto& b : r_.control().bindings()) {
        if (!b->newest || b->newest->uuid) continue;
        auto& part = parts_[b->name];
        if (part.is_whole) continue;
        TRY(part.is_whole, load_rows(*b->newest, part));
        return false;
    }
    return true;
}

// ------------------------------------------------------------------ asking

Result<std::vector<TextFilter::Range>> TextFilter::ranges(const Entity& e, const std::vector<Wanted>& wanted) {
    const std::vector<Range> everything{{"", std::nullopt}};
    if (!has_begun_) return everything;
    TRY_VOID(take_written());
    const auto found = parts_.find(e.name);
    if (found == parts_.end()) return everything;
    const auto& part = found->second;
    const auto& blocks = part.blocks;

    struct Hashes {
        std::size_t own;  ///< the block in which the word is, if it is an id
        std::vector<std::uint16_t> grams, tasks;
    };
    std::vector<Hashes> all;
    for (const auto& w : wanted) {
        auto& h = all.emplace_back();
        h.own =
            static_cast<std::size_t>(std::upper_bound(blocks.begin(), blocks.end(), w.word,
                                                      [](std::string_view x, const Block& b) { return x < b.first; }) -
                                     blocks.begin()) -
            1;
        each_gram(w.word, true, [&](std::uint16_t x) { h.grams.push_back(x); });
        for (const auto& t : w.tasks) h.tasks.push_back(hash_of_task(t));
    }
    const auto may_match = [&](std::size_t n, const Hashes& h) {
        const auto& b = blocks[n].hashes;
        return n == h.own || std::all_of(h.grams.begin(), h.grams.end(), [&](auto x) { return b.has(x); }) ||
               std::any_of(h.tasks.begin(), h.tasks.end(), [&](auto x) { return b.has(x); });
    };
    std::vector<Range> out;
    bool is_open = false;  // the last range reaches up to this block
    for (std::size_t n = 0; n < blocks.size(); ++n) {
        const bool is_in = std::all_of(all.begin(), all.end(), [&](const auto& h) { return may_match(n, h); });
        if (is_in && !is_open) out.push_back({blocks[n].first, std::nullopt});
        if (!is_in && is_open) out.back().to = blocks[n].first;
        is_open = is_in;
    }
    if (!part.is_whole && !is_open) out.push_back({part.after, std::nullopt});
    return out;
}

std::size_t TextFilter::bytes() const {
    std::size_t n = 0;
    for (const auto& [name, part] : parts_)
        for (const auto& b : part.blocks) n += sizeof b + b.first.capacity() + b.hashes.bytes();
    return n;
}

}  // namespace taizhang::ledger
