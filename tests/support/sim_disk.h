// sim_disk.h - the disk of one simulated machine, in memory, with power cuts.
//
// Why: "saved" must hold after any power cut, and a real disk cannot be cut a
// million times. This one is an SQLite VFS (the real SQLite runs on it) that also
// keeps the program's own small files. It is as unkind as an honest disk may be,
// and no unkinder, or it would invent corruption:
//  - a write reaches a volatile layer of 512-byte sectors; only a sync makes that
//    file's sectors and size durable. A cut keeps any subset of the rest: of each
//    sector its last durable, its newest or an intermediate content, whole; where
//    a file grew and the bytes are missing, zeros or garbage;
//  - creating and removing a file is volatile too. The first sync of a new file, and
//    xDelete with syncDir, sync the directory as POSIX does: every name in it,
//    hence a journal removed before the new WAL was synced does not come back;
//  - a sync that fails leaves each pending sector durable, reverted, or readable but
//    never to be written, although the next sync succeeds (as Linux does).
// What it promises to SQLite is what unix-VFS promises: POWERSAFE_OVERWRITE only.
//
// Deterministic: coins come from the seed, time from set_time(), xSleep returns at
// once. SQLite's own generator (WAL salts) is one per process: seed_sqlite() it.
//
// Limits: no mmap, no rename by SQLite, no leftover temporary of a small file, no
// bit rot but flip_bit(), names up to 255 bytes; '/' in a name separates directories,
// which need not be made.
//
// Threads: one at a time per disk. Callers: tests and the simulator only.
// Order: close connections before their disk is destroyed (checked), and before
// restart(), as a connection of a dead machine could still remove files by name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::support {

class SimDisk {
public:
    /// Kinds of calls. `rename` is a small file's only; `look` is xAccess and xFileSize; `lock` is file
    /// and shared-memory locks; `any` is all of them. Mutating: write, sync, truncate, remove, rename.
    enum class Op : std::uint8_t { open, read, write, sync, truncate, remove, rename, look, lock, any };
    enum class Repeat : std::uint8_t { once, forever };
    /// What a cut leaves of what was not synced. `coin` mixes: per file nothing, all, or each sector by itself;
    /// `nothing` is exactly what was synced, `everything` what reads saw (less what a failed sync dropped).
    enum class Keep : std::uint8_t { coin, nothing, everything };

    /// All files as reads saw them. May outlive the disk and be restored on another one.
    struct Snapshot {
        std::map<std::string, std::vector<char>, std::less<>> files;
        bool operator==(const Snapshot&) const = default;
    };

    explicit SimDisk(std::uint64_t seed);
    ~SimDisk();
    SimDisk(const SimDisk&) = delete;
    SimDisk& operator=(const SimDisk&) = delete;

    /// For sqlite3_open_v2(); unique in the process, never the default VFS.
    const std::string& vfs_name() const;
    /// What SQLite takes for the wall clock on this disk, since 1970-01-01 UTC. Starts at 2026-01-01.
    void set_time(std::chrono::milliseconds since_1970);
    /// Restarts SQLite's process-wide generator; a run repeats byte for byte only after the same seed. Not 0.
    static void seed_sqlite(std::uint32_t seed);

    // The program's small files. Codes are SQLite's; power, faults and counts apply as they do to SQLite.

    /// Nothing when it is not there (*rc SQLITE_NOTFOUND) or cannot be read (*rc an SQLITE_IOERR).
    std::optional<std::string> read_file(std::string_view name, int* rc = nullptr);
    /// Temporary file, fsync, rename, directory fsync: four mutating calls. A cut leaves the old or the new
    /// content whole; after SQLITE_OK the new one. After an error of the last fsync, either.
    int write_file_durably(std::string_view name, std::string_view bytes);
    /// Unlink and directory fsync: one mutating call. SQLITE_IOERR_DELETE_NOENT when it is not there.
    int remove_file_durably(std::string_view name);

    // Power.

    /// Now: off, what was not synced is lost as `keep` says, on again. Open handles give SQLITE_IOERR for
    /// ever. A planned cut is forgotten; faults stay.
    void power_cut(Keep keep = Keep::coin);
    /// The power goes during the n-th mutating call from now (1 = the next); that call and everything after
    /// it gives SQLITE_IOERR until restart(). 0 forgets the plan.
    void cut_after(std::uint64_t n);
    /// Same as cut_after() with the power gone at once, to close connections before restart().
    void power_off();
    bool is_off() const;
    /// power_cut(), by the name that reads well after cut_after() or power_off().
    void restart(Keep keep = Keep::coin) { power_cut(keep); }

    /// Calls `f` within each mutating call that changes something here, while what it does is as pending as it can be:
    /// after a write, before a sync has done anything. So become_cut_of() in it is a cut during that call, without
    /// ending the run. `f` uses this disk for nothing else. Empty: no more.
    void at_each_write(std::function<void()> f);
    /// This disk becomes what a cut of `other` at this moment would leave there, with coins of that seed; `other` goes
    /// on as if nothing were. Handles and the plan here as with power_cut().
    void become_cut_of(const SimDisk& other, Keep keep, std::uint64_t seed);

    // Faults. Several may be planned; the first planned that fits a call decides.

    /// The nth call of this kind from now (1 = the next) gives `error`, and if `forever` all after it, on files
    /// whose name contains `only` (empty: all). A failed write has written a part (SQLITE_FULL: a full disk),
    /// a failed sync leaves its sectors as told above, other calls fail without effect.
    /// SQLITE_IOERR_SHORT_READ on a read: half the bytes, then zeros; SQLite often takes that for the end of
    /// the file and goes on, so only a check of contents can notice.
    void fail(Op op, std::uint64_t nth, Repeat repeat, int error, std::string_view only = {});
    void clear_faults();
    std::uint64_t faults_fired() const;

    // Counts since construction, to sweep all cut points or all calls.

    std::uint64_t operations() const;  ///< mutating calls
    std::uint64_t calls(Op op) const;

    // Looking at it and changing it from outside; not calls, so never counted or failed.

    std::vector<std::string> files() const;  ///< sorted; empty ones too
    std::optional<std::uint64_t> size(std::string_view name) const;
    /// Durably, at once. False when there is no such byte. Pages that SQLite has cached stay as they were.
    bool flip_bit(std::string_view name, std::uint64_t offset, int bit);
    Snapshot snapshot() const;
    /// Everything becomes the snapshot, durably; handles and the plan as with power_cut().
    void restore(const Snapshot& snapshot);

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace taizhang::support
