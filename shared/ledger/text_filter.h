// text_filter.h - where a word can be at all: what a large office looks through instead of all its texts.
//
// The rows of each entity lie in blocks of some hundred neighbours by id. Of each block it is kept in memory which
// pairs of characters its texts have, as hashes: a word whose pairs a block does not have is not in it. A block that
// has them is read. So it may let too much through and never too little; what was written since is added before it is
// asked, and nothing is ever taken out. Some kilobytes a thousand rows; offices below kUnitsOfALargeOffice keep
// nothing, their texts are looked through in milliseconds.
//
// Threads: store thread only.
#pragma once

#include "ledger/stored_facts.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::ledger {

/// A set of 16-bit numbers: a sorted list while that is smaller than a bit for each.
class HashSet16 {
public:
    void add(std::uint16_t h);
    bool has(std::uint16_t h) const;
    std::size_t bytes() const {
        return sorted_.capacity() * sizeof(std::uint16_t) + bits_.capacity() * sizeof(std::uint64_t);
    }

private:
    std::vector<std::uint16_t> sorted_;
    std::vector<std::uint64_t> bits_;  // one each; empty while they are listed
};

class TextFilter {
public:
    /// `facts`: those that are kept, which have the account of what is written.
    TextFilter(StoredFacts& facts, std::size_t units_min);

    /// Reads some thousand rows, or those that were written since; true when all is here. For a program that has other
    /// things to do meanwhile.
    Result<bool> load_some();

    /// Rows with `from` <= id, and id < `to` where there is one.
    struct Range {
        std::string from;
        std::optional<std::string> to;
    };
    /// What a row may match by: the word in one of its texts, that id, or (of an assignment) one of these tasks.
    struct Wanted {
        std::string word;
        std::vector<std::string> tasks;
    };
    /// Outside of these no row matches all that is wanted. What was not read yet is inside, so at first everything.
    Result<std::vector<Range>> ranges(const Entity& e, const std::vector<Wanted>& wanted);
    /// Of memory.
    std::size_t bytes() const;

private:
    struct Block {
        std::string first;  ///< no id of the block is below; the first block begins with the empty one
        HashSet16 hashes;
        std::uint32_t rows = 0;
    };
    struct Part {
        std::vector<Block> blocks;
        std::string after;  ///< read up to this row
        std::int64_t after_stream = -1;
        bool is_whole = false;
    };
    class Query;

    Result<bool> load_rows(const Entity& e, Part& part);
    Result<> take_written();
    static void put(Part& part, std::string_view id, const Query& q, const sqlite::Statement& s);

    StoredFacts& facts_;
    Replica& r_;
    std::size_t units_min_;
    bool has_begun_ = false;
    std::map<std::string, Part, std::less<>> parts_;
};

}  // namespace taizhang::ledger
