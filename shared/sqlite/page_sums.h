// page_sums.h - an SQLite VFS that notices every changed bit of a database before anybody sees what it changed.
//
// Why: SQLite compares nothing that it reads from its file. A bit that a disk changed in a table shows another value,
// and nobody asks. Here each page of the database file carries 8 bytes at its end (SQLite leaves them free: its
// "reserved bytes") with a sum over the page and its number, so that a page in another's place is seen too. They are
// written with every page and compared with every page that is read; a difference is SQLITE_IOERR_DATA. Other programs
// read such a file as any other; what they write has no sums, and is damage here.
//
// SQLite's log has sums of its own, one following from the other, which SQLite compares only when it opens it. Here
// they are remembered, and compared each time a page of the log is read or copied into the file. SQLite lets its log
// end at the first frame that does not fit, as after a power cut, and says nothing of what follows. One changed bit can
// be told from that: the sums say which one it was. It is put right before SQLite sees the frame, which is right after
// a power cut as well (where a sector stayed as it was and differs by one bit only, the frame is what was written).
// What more than one bit did to a frame looks like a power cut, and ends the log as ever.
//
// A database that an older version wrote has no sums: its first page says so (byte 20), and nothing is compared.
// Format: docs/ARCHITECTURE.md, "Page checksums". Callers: Database; tests.
//
// Threads: one at a time. Connections keep what they need of it, so they may be closed after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace taizhang::sqlite {

/// Bytes at a page's end that hold its sum.
inline constexpr int kSumBytes = 8;

/// Over the first `size` bytes of the page (a multiple of 8) and its number from 1; little-endian, the same everywhere.
std::uint64_t page_sum(const char* page, std::size_t size, std::uint32_t number);

class PageSums {
public:
    /// On the VFS of that name; empty: the platform's. `writes_alone`: nobody else writes the files while they are
    /// open.
    PageSums(const std::string& vfs, bool writes_alone);
    ~PageSums();
    PageSums(const PageSums&) = delete;
    PageSums& operator=(const PageSums&) = delete;

    /// For sqlite3_open_v2(); unique in the process, never the default VFS. Empty: there is no such VFS below.
    const std::string& name() const;

    /// Of the database that was opened first; what an older version wrote has none.
    bool has_sums() const;
    /// Reads every page of it. SQLite's code.
    int check_file();

    struct Damage {
        std::string file;
        std::uint32_t page = 0;
    };
    /// The first page that was not what had been written; nothing of it came out.
    const std::optional<Damage>& damage() const;
    /// Bits of the log that were put right.
    std::uint64_t mended() const;

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace taizhang::sqlite
