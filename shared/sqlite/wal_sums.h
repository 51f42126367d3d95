// wal_sums.h - the sums that SQLite's log carries, and which single bit changed where one does not fit.
//
// Each frame of the log is a header of 24 bytes and a page. Its sum goes on from the one of the frame before, over the
// first 8 bytes of the header and the page; the first goes on from the sum of the log's own header. All additions mod
// 2^32, so what one bit changes in a sum depends on its place alone, and the place can be found from the sums; but for
// the upper nine bits of a word, which weigh the same in several places. There it stays unknown which bit it was.
// Format: SQLite's "Database File Format", part 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace taizhang::sqlite {

inline constexpr std::size_t kWalHeaderBytes = 32, kWalFrameBytes = 24;

struct WalSum {
    std::uint32_t a = 0, b = 0;
    bool operator==(const WalSum&) const = default;
};

/// How the words that are summed up lie in the file: as the PC's that began the log.
enum class WalOrder : std::uint8_t { little, big };

/// `bytes` is a multiple of 8.
WalSum wal_sum(WalSum from, const char* p, std::size_t bytes, WalOrder order);
/// A sum as a header keeps it.
WalSum stored_wal_sum(const char* p);

struct WalHeader {
    WalOrder order = WalOrder::little;
    std::uint32_t page_size = 0;
    std::uint64_t salt = 0;  ///< both; each frame repeats them
    WalSum sum;
};
/// Nothing: not a log's header, or damaged.
std::optional<WalHeader> wal_header_of(const char* p);
/// Does a whole frame (header, then page) fit behind `before`?
bool fits(const WalHeader& log, WalSum before, const char* frame);
/// Changes the one bit of a log's header without which `first`, the frame behind it, does not fit. Nothing: none does.
std::optional<WalHeader> mend_wal_header(char* p, const char* first);
/// Changes the one bit of the frame that keeps it from fitting; where it is. `next`: the frame behind it, if there is
/// one. Nothing: it is not one bit, or it cannot be said which.
std::optional<std::size_t> mend_wal_frame(const WalHeader& log, WalSum before, char* frame, const char* next);

}  // namespace taizhang::sqlite
