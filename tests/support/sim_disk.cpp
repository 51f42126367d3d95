#include "tests/support/sim_disk.h"

#include "tests/support/spared.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

namespace taizhang::support {

namespace {

constexpr std::size_t kSector = 512;

/// splitmix64: the standard's distributions differ between libraries, a seed must not.
class Coins {
public:
    explicit Coins(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    void fill(char* out, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<char>(next());
    }

private:
    std::uint64_t state_;
};

/// State of xLock on one file; holders are compared, never followed.
struct Locks {
    int shared = 0;
    const void* reserved = nullptr;
    const void* pending = nullptr;
    const void* exclusive = nullptr;
};

/// Shared memory of one database. Handles keep it alive: a connection of a dead
/// machine still looks at it while it is being closed.
struct Shm {
    std::vector<std::unique_ptr<char[]>> regions;
    std::array<int, SQLITE_SHM_NLOCK> locks{};  ///< -1 exclusive, else number of sharers
    int users = 0;
};

/// The bytes of one file.
///
/// Reads see `now_`. A sector is pending when it may differ from the medium; what the
/// medium holds is then kept aside, so that a sync only forgets and a cut puts back.
/// A sector that is not pending is the same on both.
class Inode {
public:
    std::size_t size() const { return now_.size(); }
    const std::vector<char>& bytes() const { return now_; }

    /// Bytes that were there to be read; the rest of `out` is zeroed.
    std::size_t read(char* out, std::size_t n, std::size_t offset) const {
        const std::size_t got = offset < now_.size() ? std::min(n, now_.size() - offset) : 0;
        if (got > 0) std::memcpy(out, now_.data() + offset, got);
        std::memset(out + got, 0, n - got);
        return got;
    }

    void write(const char* from, std::size_t n, std::size_t offset, Coins& coins) {
        if (n == 0) return;
        // A gap behind the old end is part of the write.
        touch(std::min(offset, now_.size()), offset + n, coins);
        if (offset + n > now_.size()) now_.resize(offset + n);
        std::memcpy(now_.data() + offset, from, n);
    }

    void truncate(std::size_t size, Coins& coins) {
        touch(std::min(size, now_.size()), std::max(size, now_.size()), coins);
        now_.resize(size);
        size_least_ = std::min(size_least_, size);
    }

    void sync() {
        std::vector<Pending> lost;
        std::vector<char> lost_saved;
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            const Pending& p = pending_[i];
            slot_[p.sector] = 0;
            if (!p.lost || start_of(p) >= now_.size()) continue;
            lost.push_back(p);
            lost_saved.insert(lost_saved.end(), saved(i), saved(i) + kSector);
            slot_[p.sector] = static_cast<std::uint32_t>(lost.size());
        }
        if (lost.empty()) {
            forget_pending();
        } else {
            pending_ = std::move(lost);
            saved_ = std::move(lost_saved);
            middles_.clear();  // a lost sector has none
        }
        size_durable_ = size_least_ = now_.size();
    }

    void sync_failed(Coins& coins) {
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            Pending& p = pending_[i];
            switch (coins.below(3)) {
                case 0:  // reached the medium
                    if (start_of(p) < now_.size()) {
                        read(saved(i), kSector, start_of(p));
                        p.fresh = false;
                    }
                    break;
                case 1: put_back(i); break;
                default: break;
            }
            p.middle = 0;
            // The page cache holds it to be clean, true or not; only another write changes that.
            p.lost = true;
        }
        if (coins.one_in(2)) size_durable_ = size_least_ = now_.size();
    }

    void power_cut(SimDisk::Keep keep, Coins& coins) {
        locks = {};
        shm.reset();
        entry_synced = true;  // or it would not be here
        if (pending_.empty() && size_durable_ == now_.size() && size_least_ == now_.size()) return;

        // Fair coins alone would hardly ever lose, or keep, all of a large file.
        constexpr std::array<std::size_t, 5> kEighths{0, 1, 4, 7, 8};
        std::size_t eighths = kEighths[coins.below(kEighths.size())];
        if (keep == SimDisk::Keep::nothing) eighths = 0;
        if (keep == SimDisk::Keep::everything) eighths = 8;

        const std::size_t size_now = now_.size();
        now_.resize(size_after_cut(keep, coins));
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            const Pending& p = pending_[i];
            if (start_of(p) >= now_.size()) continue;
            const bool survives = coins.below(8) < eighths && !p.lost && start_of(p) < size_now;
            if (survives) continue;
            if (p.middle != 0 && keep == SimDisk::Keep::coin && coins.one_in(2)) {
                copy_in(start_of(p), middles_.data() + (p.middle - 1) * kSector);
                continue;
            }
            put_back(i);
            if (p.fresh && keep == SimDisk::Keep::coin && coins.one_in(4))
                coins.fill(now_.data() + start_of(p), std::min(kSector, now_.size() - start_of(p)));
        }
        make_durable();
    }

    void flip_bit(std::size_t offset, int bit) {
        const auto flip = [bit](char& c) { c = static_cast<char>(static_cast<unsigned char>(c) ^ (1U << bit)); };
        flip(now_[offset]);
        const std::size_t sector = offset / kSector;
        if (sector >= slot_.size() || slot_[sector] == 0) return;
        flip(saved(slot_[sector] - 1)[offset % kSector]);
        pending_[slot_[sector] - 1].middle = 0;
    }

    void assign(std::vector<char> bytes) {
        now_ = std::move(bytes);
        make_durable();
    }

    Locks locks;
    std::shared_ptr<Shm> shm;
    bool entry_synced = false;  ///< its directory was synced since it was created

private:
    struct Pending {
        std::uint32_t sector = 0;
        bool fresh = false;        ///< the medium never had this sector: after a cut zeros or garbage
        bool lost = false;         ///< a failed sync dropped it: no later sync writes it
        std::uint32_t middle = 0;  ///< place in middles_ + 1 of a content between the medium's and now, or 0
    };

    static std::size_t start_of(const Pending& p) { return p.sector * kSector; }
    char* saved(std::size_t i) { return saved_.data() + i * kSector; }

    /// One sector into what reads see, as far as the file goes.
    void copy_in(std::size_t start, const char* from) {
        if (start < now_.size()) std::memcpy(now_.data() + start, from, std::min(kSector, now_.size() - start));
    }

    /// Reads see what the medium has of pending sector `i`.
    void put_back(std::size_t i) {
        constexpr std::array<char, kSector> kZeros{};
        copy_in(start_of(pending_[i]), pending_[i].fresh ? kZeros.data() : saved(i));
    }

    /// The content that is about to go may have been written out in the meantime.
    void keep_middle(Pending& p, Coins& coins) {
        if (start_of(p) >= now_.size() || !coins.one_in(2)) return;
        if (p.middle == 0) {
            middles_.resize(middles_.size() + kSector);
            p.middle = static_cast<std::uint32_t>(middles_.size() / kSector);
        }
        read(middles_.data() + (p.middle - 1) * kSector, kSector, start_of(p));
    }

    /// To be called before bytes [from, to) change.
    void touch(std::size_t from, std::size_t to, Coins& coins) {
        if (from >= to) return;
        const std::size_t first = from / kSector, last = (to - 1) / kSector;
        if (last >= slot_.size()) slot_.resize(last + 1);
        for (std::size_t sector = first; sector <= last; ++sector) {
            if (slot_[sector] != 0) {
                Pending& p = pending_[slot_[sector] - 1];
                if (!p.lost) keep_middle(p, coins);
                p.lost = false;
                continue;
            }
            pending_.push_back({static_cast<std::uint32_t>(sector), sector * kSector >= now_.size(), false, 0});
            slot_[sector] = static_cast<std::uint32_t>(pending_.size());
            saved_.resize(pending_.size() * kSector);
            read(saved(pending_.size() - 1), kSector, sector * kSector);
        }
    }

    std::size_t size_after_cut(SimDisk::Keep keep, Coins& coins) const {
        if (keep == SimDisk::Keep::nothing) return size_durable_;
        if (keep == SimDisk::Keep::everything) return now_.size();
        switch (coins.below(4)) {
            case 0: return size_durable_;
            case 1: return now_.size();
            case 2: return size_least_;
            default: {  // growth is written out in steps
                const std::size_t least = size_least_ / kSector;
                const std::size_t most = now_.size() / kSector;
                return std::min(now_.size(), std::max(size_least_, (least + coins.below(most - least + 1)) * kSector));
            }
        }
    }

    void make_durable() {
        std::fill(slot_.begin(), slot_.end(), 0U);
        forget_pending();
        size_durable_ = size_least_ = now_.size();
        entry_synced = true;
    }

    void forget_pending() {
        // Thousands of disks: what one bulk load needed is not held for ever.
        constexpr std::size_t kIdleMax = 64 * kSector;
        pending_.clear();
        if (saved_.capacity() > kIdleMax) saved_ = {};
        if (middles_.capacity() > kIdleMax) middles_ = {};
        saved_.clear();
        middles_.clear();
    }

    std::vector<char> now_;
    std::size_t size_durable_ = 0;
    std::size_t size_least_ = 0;       ///< smallest size since it was last durable
    std::vector<std::uint32_t> slot_;  ///< by sector: place in pending_ + 1, or 0
    std::vector<Pending> pending_;
    std::vector<char> saved_;  ///< by place in pending_: the medium's sector
    std::vector<char> middles_;
};

/// What a name leads to; pending when the two differ.
struct Entry {
    std::shared_ptr<Inode> now;
    std::shared_ptr<Inode> durable;
    std::optional<std::shared_ptr<Inode>> middle;  ///< what it led to in between; null: nothing
};

struct Fault {
    SimDisk::Op op;
    std::uint64_t left;  ///< fitting calls until it fires; 0 = it has
    SimDisk::Repeat repeat;
    int error;
    std::string only;
};

/// What a call is to do. When `cut`, its effect is still pending as the power goes.
struct Verdict {
    int rc = SQLITE_OK;
    bool cut = false;
    bool refused() const { return rc != SQLITE_OK && !cut; }
};

std::string_view directory_of(std::string_view name) {
    const std::size_t slash = name.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

constexpr bool is_mutating(SimDisk::Op op) {
    return op == SimDisk::Op::write || op == SimDisk::Op::sync || op == SimDisk::Op::truncate ||
           op == SimDisk::Op::remove || op == SimDisk::Op::rename;
}

constexpr std::size_t index_of(SimDisk::Op op) { return static_cast<std::size_t>(op); }

struct Open;

/// What SQLite allocates for a file; the C++ part stands aside.
struct Handle : sqlite3_file {
    Open* open;
};

}  // namespace

struct SimDisk::Impl {
    explicit Impl(std::uint64_t seed);

    Verdict enter(Op op, std::string_view name);
    std::shared_ptr<Inode> find(std::string_view name) const;
    void set_entry(std::string_view name, std::shared_ptr<Inode> inode);
    void sync_directory(std::string_view directory);
    int remove(std::string_view name, bool sync_dir);
    void power_cut(Keep keep);
    void copy_files_of(const Impl& other);
    void reboot();

    sqlite3_vfs vfs{};
    std::string vfs_name;
    Coins coins;
    Coins randomness;  ///< for xRandomness; apart, so that coins do not depend on who asks SQLite for ids
    sqlite3_int64 now_ms = 1767225600000;

    std::map<std::string, Entry, std::less<>> directory;
    std::set<std::string, std::less<>> changed;  ///< names whose entries are pending

    std::function<void()> at_write;
    void note_write() const {
        if (at_write) at_write();
    }

    bool off = false;
    std::uint64_t boots = 0;     ///< handles of an earlier boot are dead
    std::uint64_t cut_left = 0;  ///< mutating calls until the cut; 0 = none planned
    std::vector<Fault> faults;
    std::uint64_t faults_fired = 0;
    std::array<std::uint64_t, index_of(Op::any) + 1> calls{};
    std::uint64_t operations = 0;
    int open_handles = 0;
};

namespace {

using Impl = SimDisk::Impl;
using Op = SimDisk::Op;

/// One open file.
struct Open {
    Impl& disk;
    std::shared_ptr<Inode> inode;
    std::string name;  ///< empty: a temporary of SQLite, in no directory
    std::uint64_t boot;
    bool delete_on_close = false;
    int persist_wal = 0;
    int lock = SQLITE_LOCK_NONE;
    std::shared_ptr<Shm> shm;
    unsigned shm_shared = 0, shm_exclusive = 0;  ///< bit n: holds lock n

    bool is_dead() const { return disk.off || boot != disk.boots; }
    Verdict enter(Op op) {
        if (boot != disk.boots) return {SQLITE_IOERR, false};
        return disk.enter(op, name);
    }
};

Open& open_of(sqlite3_file* file) { return *static_cast<Handle*>(file)->open; }
Impl& disk_of(sqlite3_vfs* vfs) { return *static_cast<Impl*>(vfs->pAppData); }

// ---- file methods ----

int unlock_to(Open& f, int level) {
    Locks& l = f.inode->locks;
    if (level < SQLITE_LOCK_EXCLUSIVE && l.exclusive == &f) l.exclusive = nullptr;
    if (level < SQLITE_LOCK_PENDING && l.pending == &f) l.pending = nullptr;
    if (level < SQLITE_LOCK_RESERVED && l.reserved == &f) l.reserved = nullptr;
    if (level == SQLITE_LOCK_NONE && f.lock >= SQLITE_LOCK_SHARED) --l.shared;
    f.lock = std::min(f.lock, level);
    return SQLITE_OK;
}

void unlock_shm(Open& f, unsigned mask) {
    for (std::size_t i = 0; i < f.shm->locks.size(); ++i) {
        if (((f.shm_exclusive & mask) >> i) & 1U) f.shm->locks[i] = 0;
        if (((f.shm_shared & mask) >> i) & 1U) --f.shm->locks[i];
    }
    f.shm_exclusive &= ~mask;
    f.shm_shared &= ~mask;
}

void leave_shm(Open& f) {
    if (!f.shm) return;
    unlock_shm(f, ~0U);
    // The last one out takes the memory with it, as unix-VFS truncates the file.
    if (--f.shm->users == 0 && f.inode->shm == f.shm) f.inode->shm.reset();
    f.shm.reset();
}

int x_close(sqlite3_file* file) {
    const Spared spared;
    auto* handle = static_cast<Handle*>(file);
    Open& f = *handle->open;
    leave_shm(f);
    if (!f.is_dead()) {
        unlock_to(f, SQLITE_LOCK_NONE);
        if (f.delete_on_close && !f.name.empty() && f.disk.find(f.name) == f.inode) f.disk.set_entry(f.name, nullptr);
    }
    --f.disk.open_handles;
    delete handle->open;
    handle->open = nullptr;
    handle->pMethods = nullptr;
    return SQLITE_OK;
}

int x_read(sqlite3_file* file, void* out, int n, sqlite3_int64 offset) {
    const Spared spared;
    Open& f = open_of(file);
    const Verdict v = f.enter(Op::read);
    if (v.rc != SQLITE_OK && v.rc != SQLITE_IOERR_SHORT_READ) return v.rc;
    const auto wanted = static_cast<std::size_t>(n);
    auto* bytes = static_cast<char*>(out);
    const std::size_t got = f.inode->read(bytes, wanted, static_cast<std::size_t>(offset));
    if (v.rc == SQLITE_IOERR_SHORT_READ) std::memset(bytes + wanted / 2, 0, wanted - wanted / 2);
    return got < wanted ? SQLITE_IOERR_SHORT_READ : v.rc;
}

int x_write(sqlite3_file* file, const void* from, int n, sqlite3_int64 offset) {
    const Spared spared;
    Open& f = open_of(file);
    const Verdict v = f.enter(Op::write);
    if (f.is_dead() && !v.cut) return v.rc;
    auto amount = static_cast<std::size_t>(n);
    if (v.refused()) amount = std::min(amount, f.disk.coins.below(amount / kSector + 2) * kSector);
    f.inode->write(static_cast<const char*>(from), amount, static_cast<std::size_t>(offset), f.disk.coins);
    f.disk.note_write();
    return v.rc;
}

int x_truncate(sqlite3_file* file, sqlite3_int64 size) {
    const Spared spared;
    Open& f = open_of(file);
    const Verdict v = f.enter(Op::truncate);
    if (v.refused()) return v.rc;
    f.inode->truncate(static_cast<std::size_t>(size), f.disk.coins);
    f.disk.note_write();
    return v.rc;
}

int x_sync(sqlite3_file* file, int) {
    const Spared spared;
    Open& f = open_of(file);
    const Verdict v = f.enter(Op::sync);
    if (v.cut) return v.rc;  // how far it came, the coins say at restart
    if (v.refused()) {
        if (f.is_dead()) return v.rc;
        f.inode->sync_failed(f.disk.coins);
        if (!f.inode->entry_synced && f.disk.coins.one_in(2)) f.disk.sync_directory(directory_of(f.name));
        return v.rc;
    }
    f.disk.note_write();
    f.inode->sync();
    if (!f.inode->entry_synced) {
        f.inode->entry_synced = true;
        if (!f.name.empty()) f.disk.sync_directory(directory_of(f.name));
    }
    return SQLITE_OK;
}

int x_file_size(sqlite3_file* file, sqlite3_int64* size) {
    const Spared spared;
    Open& f = open_of(file);
    const Verdict v = f.enter(Op::look);
    if (v.rc == SQLITE_OK) *size = static_cast<sqlite3_int64>(f.inode->size());
    return v.rc;
}

int x_lock(sqlite3_file* file, int level) {
    const Spared spared;
    Open& f = open_of(file);
    if (const Verdict v = f.enter(Op::lock); v.rc != SQLITE_OK) return v.rc;
    if (level <= f.lock) return SQLITE_OK;
    Locks& l = f.inode->locks;
    const auto other = [&f](const void* holder) { return holder != nullptr && holder != &f; };
    if (f.lock == SQLITE_LOCK_NONE) {
        if (other(l.pending) || other(l.exclusive)) return SQLITE_BUSY;
        ++l.shared;
        f.lock = SQLITE_LOCK_SHARED;
    }
    if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
    if (other(l.reserved) || other(l.pending)) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_RESERVED) {
        l.reserved = &f;
        f.lock = SQLITE_LOCK_RESERVED;
        return SQLITE_OK;
    }
    // Pending keeps new readers out while the present ones finish.
    l.pending = &f;
    f.lock = SQLITE_LOCK_PENDING;
    if (l.shared > 1) return SQLITE_BUSY;
    l.exclusive = &f;
    f.lock = SQLITE_LOCK_EXCLUSIVE;
    return SQLITE_OK;
}

int x_unlock(sqlite3_file* file, int level) {
    Open& f = open_of(file);
    return f.is_dead() ? SQLITE_IOERR : unlock_to(f, level);
}

int x_check_reserved_lock(sqlite3_file* file, int* reserved) {
    const Spared spared;
    Open& f = open_of(file);
    const Verdict v = f.enter(Op::lock);
    if (v.rc == SQLITE_OK) *reserved = f.inode->locks.reserved != nullptr || f.inode->locks.exclusive != nullptr;
    return v.rc;
}

int x_file_control(sqlite3_file* file, int op, void* arg) {
    const Spared spared;
    Open& f = open_of(file);
    if (f.is_dead()) return SQLITE_IOERR;
    auto* value = static_cast<int*>(arg);  // for these two
    switch (op) {
        case SQLITE_FCNTL_HAS_MOVED: *value = !f.name.empty() && f.disk.find(f.name) != f.inode; return SQLITE_OK;
        case SQLITE_FCNTL_PERSIST_WAL:
            if (*value >= 0) f.persist_wal = *value != 0;
            *value = f.persist_wal;
            return SQLITE_OK;
        default: return SQLITE_NOTFOUND;
    }
}

int x_sector_size(sqlite3_file*) { return static_cast<int>(kSector); }
int x_device_characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int x_shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
    const Spared spared;
    Open& f = open_of(file);
    *out = nullptr;
    if (const Verdict v = f.enter(Op::lock); v.rc != SQLITE_OK) return v.rc;
    if (!f.shm) {
        if (!f.inode->shm) f.inode->shm = std::make_shared<Shm>();
        f.shm = f.inode->shm;
        ++f.shm->users;
    }
    auto& regions = f.shm->regions;
    const auto wanted = static_cast<std::size_t>(region);
    if (wanted >= regions.size() && !extend) return SQLITE_OK;
    while (wanted >= regions.size()) regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
    *out = regions[wanted].get();
    return SQLITE_OK;
}

int x_shm_lock(sqlite3_file* file, int offset, int n, int flags) {
    const Spared spared;
    Open& f = open_of(file);
    if (!f.shm) return SQLITE_IOERR_SHMLOCK;
    const auto first = static_cast<std::size_t>(offset), end = static_cast<std::size_t>(offset + n);
    const unsigned mask = ((1U << n) - 1U) << offset;
    if (flags & SQLITE_SHM_UNLOCK) {
        unlock_shm(f, mask);
        return SQLITE_OK;
    }
    if (const Verdict v = f.enter(Op::lock); v.rc != SQLITE_OK) return v.rc;
    if (flags & SQLITE_SHM_SHARED) {  // always one lock
        if (f.shm_shared & mask) return SQLITE_OK;
        if (f.shm->locks[first] < 0) return SQLITE_BUSY;
        ++f.shm->locks[first];
        f.shm_shared |= mask;
        return SQLITE_OK;
    }
    for (std::size_t i = first; i < end; ++i)
        if (f.shm->locks[i] != 0 && !((f.shm_exclusive >> i) & 1U)) return SQLITE_BUSY;
    for (std::size_t i = first; i < end; ++i) f.shm->locks[i] = -1;
    f.shm_exclusive |= mask;
    return SQLITE_OK;
}

void x_shm_barrier(sqlite3_file*) {}
int x_shm_unmap(sqlite3_file* file, int) {
    const Spared spared;
    leave_shm(open_of(file));
    return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_file_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_check_reserved_lock,
    .xFileControl = x_file_control,
    .xSectorSize = x_sector_size,
    .xDeviceCharacteristics = x_device_characteristics,
    .xShmMap = x_shm_map,
    .xShmLock = x_shm_lock,
    .xShmBarrier = x_shm_barrier,
    .xShmUnmap = x_shm_unmap,
};

// ---- file system methods ----

int x_open(sqlite3_vfs* vfs, const char* zname, sqlite3_file* file, int flags, int* out_flags) {
    const Spared spared;
    auto* handle = static_cast<Handle*>(file);
    handle->pMethods = nullptr;  // or SQLite would close what was never opened
    Impl& disk = disk_of(vfs);
    const std::string name = zname ? zname : "";
    if (const Verdict v = disk.enter(Op::open, name); v.rc != SQLITE_OK) return v.rc;
    std::shared_ptr<Inode> inode;
    if (!name.empty()) inode = disk.find(name);
    if (inode && (flags & SQLITE_OPEN_EXCLUSIVE) && (flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
    if (!inode) {
        if (!(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
        inode = std::make_shared<Inode>();
        if (!name.empty()) disk.set_entry(name, inode);
    }
    handle->open = new Open{disk, std::move(inode), name, disk.boots};
    handle->open->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    handle->pMethods = &kMethods;
    ++disk.open_handles;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

int x_delete(sqlite3_vfs* vfs, const char* name, int sync_dir) {
    const Spared spared;
    return disk_of(vfs).remove(name, sync_dir != 0);
}

int x_access(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
    const Spared spared;
    Impl& disk = disk_of(vfs);
    const Verdict v = disk.enter(Op::look, name);
    if (v.rc != SQLITE_OK) return v.rc;
    const auto inode = disk.find(name);
    // An empty file does not exist for SQLite; unix-VFS says the same.
    *out = inode && (flags != SQLITE_ACCESS_EXISTS || inode->size() > 0);
    return SQLITE_OK;
}

int x_full_pathname(sqlite3_vfs*, const char* name, int n, char* out) {
    const std::size_t length = std::strlen(name);
    if (length + 1 > static_cast<std::size_t>(n)) return SQLITE_CANTOPEN;
    std::memcpy(out, name, length + 1);
    return SQLITE_OK;
}

void* x_dl_open(sqlite3_vfs*, const char*) { return nullptr; }
void x_dl_error(sqlite3_vfs*, int n, char* out) { sqlite3_snprintf(n, out, "no extensions on a simulated disk"); }
void (*x_dl_sym(sqlite3_vfs*, void*, const char*))() { return nullptr; }
void x_dl_close(sqlite3_vfs*, void*) {}

int x_randomness(sqlite3_vfs* vfs, int n, char* out) {
    disk_of(vfs).randomness.fill(out, static_cast<std::size_t>(n));
    return n;
}

int x_sleep(sqlite3_vfs*, int microseconds) { return microseconds; }

int x_current_time_int64(sqlite3_vfs* vfs, sqlite3_int64* out) {
    constexpr sqlite3_int64 kJulianEpochMs = 210866760000000;  // of 1970-01-01
    *out = kJulianEpochMs + disk_of(vfs).now_ms;
    return SQLITE_OK;
}

int x_current_time(sqlite3_vfs* vfs, double* out) {
    sqlite3_int64 ms = 0;
    x_current_time_int64(vfs, &ms);
    *out = static_cast<double>(ms) / 86400000.0;
    return SQLITE_OK;
}

int x_get_last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

// ---- the machine ----

SimDisk::Impl::Impl(std::uint64_t seed) : coins(seed), randomness(~seed) {
    static std::atomic<std::uint64_t> number{0};
    vfs_name = "sim-disk-" + std::to_string(++number);
    vfs.iVersion = 2;
    vfs.szOsFile = static_cast<int>(sizeof(Handle));
    vfs.mxPathname = 255;
    vfs.zName = vfs_name.c_str();
    vfs.pAppData = this;
    vfs.xOpen = x_open;
    vfs.xDelete = x_delete;
    vfs.xAccess = x_access;
    vfs.xFullPathname = x_full_pathname;
    vfs.xDlOpen = x_dl_open;
    vfs.xDlError = x_dl_error;
    vfs.xDlSym = x_dl_sym;
    vfs.xDlClose = x_dl_close;
    vfs.xRandomness = x_randomness;
    vfs.xSleep = x_sleep;
    vfs.xCurrentTime = x_current_time;
    vfs.xGetLastError = x_get_last_error;
    vfs.xCurrentTimeInt64 = x_current_time_int64;
}

Verdict SimDisk::Impl::enter(Op op, std::string_view name) {
    if (off) return {SQLITE_IOERR, false};
    ++calls[index_of(op)];
    ++calls[index_of(Op::any)];
    if (is_mutating(op)) {
        ++operations;
        if (cut_left > 0 && --cut_left == 0) {
            off = true;
            return {SQLITE_IOERR, true};
        }
    }
    Verdict verdict;
    for (Fault& fault : faults) {
        if (fault.op != op && fault.op != Op::any) continue;
        if (name.find(fault.only) == std::string_view::npos) continue;
        const bool fires = fault.left == 0 ? fault.repeat == Repeat::forever : --fault.left == 0;
        if (!fires || verdict.rc != SQLITE_OK) continue;
        ++faults_fired;
        verdict.rc = fault.error;
    }
    return verdict;
}

std::shared_ptr<Inode> SimDisk::Impl::find(std::string_view name) const {
    const auto it = directory.find(name);
    return it == directory.end() ? nullptr : it->second.now;
}

void SimDisk::Impl::set_entry(std::string_view name, std::shared_ptr<Inode> inode) {
    Entry& entry = directory.try_emplace(std::string(name)).first->second;
    // As with sectors: the state that is about to go may have been written out.
    if (!changed.insert(std::string(name)).second && coins.one_in(2)) entry.middle = entry.now;
    entry.now = std::move(inode);
}

void SimDisk::Impl::sync_directory(std::string_view parent) {
    for (auto it = changed.begin(); it != changed.end();) {
        if (directory_of(*it) != parent) {
            ++it;
            continue;
        }
        const auto at = directory.find(*it);
        at->second.durable = at->second.now;
        at->second.middle.reset();
        if (!at->second.now) directory.erase(at);
        it = changed.erase(it);
    }
}

int SimDisk::Impl::remove(std::string_view name, bool sync_dir) {
    const Verdict v = enter(Op::remove, name);
    if (v.refused()) return v.rc;
    if (!find(name)) return v.cut ? v.rc : SQLITE_IOERR_DELETE_NOENT;
    set_entry(name, nullptr);
    note_write();
    if (!v.cut && sync_dir) sync_directory(directory_of(name));
    return v.rc;
}

void SimDisk::Impl::power_cut(Keep keep) {
    for (const std::string& name : changed) {
        const auto at = directory.find(name);
        Entry& entry = at->second;
        const bool survives = keep == Keep::everything || (keep == Keep::coin && coins.one_in(2));
        if (!survives) {
            const bool middle = entry.middle && keep == Keep::coin && coins.one_in(2);
            entry.now = middle ? *entry.middle : entry.durable;
        }
        entry.durable = entry.now;
        entry.middle.reset();
        if (!entry.now) directory.erase(at);
    }
    changed.clear();
    for (auto& [name, entry] : directory) entry.now->power_cut(keep, coins);
    reboot();
}

void SimDisk::Impl::copy_files_of(const Impl& other) {
    // A file may be what a name leads to now and on the medium: one copy then, too.
    std::map<const Inode*, std::shared_ptr<Inode>> copies;
    const auto copy = [&](const std::shared_ptr<Inode>& inode) {
        if (!inode) return inode;
        auto& made = copies[inode.get()];
        if (!made) made = std::make_shared<Inode>(*inode);
        return made;
    };
    directory.clear();
    for (const auto& [name, entry] : other.directory) {
        Entry made{copy(entry.now), copy(entry.durable), std::nullopt};
        if (entry.middle) made.middle = copy(*entry.middle);
        directory.emplace(name, std::move(made));
    }
    changed = other.changed;
}

void SimDisk::Impl::reboot() {
    off = false;
    cut_left = 0;
    ++boots;
}

SimDisk::SimDisk(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {
    if (sqlite3_vfs_register(&impl_->vfs, 0) != SQLITE_OK) {
        std::fprintf(stderr, "sim_disk: SQLite refuses the VFS\n");
        std::abort();
    }
}

SimDisk::~SimDisk() {
    if (impl_->open_handles != 0) {
        std::fprintf(stderr, "sim_disk: destroyed while %d files are open; close the connections first\n",
                     impl_->open_handles);
        std::abort();
    }
    sqlite3_vfs_unregister(&impl_->vfs);
}

const std::string& SimDisk::vfs_name() const { return impl_->vfs_name; }
void SimDisk::set_time(std::chrono::milliseconds since_1970) { impl_->now_ms = since_1970.count(); }

void SimDisk::seed_sqlite(std::uint32_t seed) {
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed), static_cast<sqlite3*>(nullptr));
}

std::optional<std::string> SimDisk::read_file(std::string_view name, int* rc) {
    int ignored = 0;
    int& code = rc ? *rc : ignored;
    code = impl_->enter(Op::read, name).rc;
    if (code != SQLITE_OK) return std::nullopt;
    const auto inode = impl_->find(name);
    if (!inode) {
        code = SQLITE_NOTFOUND;
        return std::nullopt;
    }
    return std::string(inode->bytes().begin(), inode->bytes().end());
}

int SimDisk::write_file_durably(std::string_view name, std::string_view bytes) {
    Impl& disk = *impl_;
    const auto inode = std::make_shared<Inode>();
    if (const int rc = disk.enter(Op::write, name).rc; rc != SQLITE_OK) return rc;
    if (const int rc = disk.enter(Op::sync, name).rc; rc != SQLITE_OK) return rc;
    inode->assign({bytes.begin(), bytes.end()});

    const Verdict renamed = disk.enter(Op::rename, name);
    if (renamed.refused()) return renamed.rc;
    disk.set_entry(name, inode);
    disk.note_write();
    if (renamed.cut) return renamed.rc;

    const Verdict synced = disk.enter(Op::sync, name);
    if (synced.rc == SQLITE_OK || (synced.refused() && disk.coins.one_in(2))) disk.sync_directory(directory_of(name));
    return synced.rc;
}

int SimDisk::remove_file_durably(std::string_view name) { return impl_->remove(name, true); }

void SimDisk::power_cut(Keep keep) { impl_->power_cut(keep); }
void SimDisk::cut_after(std::uint64_t n) { impl_->cut_left = n; }
void SimDisk::at_each_write(std::function<void()> f) { impl_->at_write = std::move(f); }
void SimDisk::become_cut_of(const SimDisk& other, Keep keep, std::uint64_t seed) {
    impl_->copy_files_of(*other.impl_);
    impl_->coins = Coins(seed);
    impl_->power_cut(keep);
}
void SimDisk::power_off() { impl_->off = true; }
bool SimDisk::is_off() const { return impl_->off; }

void SimDisk::fail(Op op, std::uint64_t nth, Repeat repeat, int error, std::string_view only) {
    impl_->faults.push_back({op, std::max<std::uint64_t>(nth, 1), repeat, error, std::string(only)});
}
void SimDisk::clear_faults() { impl_->faults.clear(); }
std::uint64_t SimDisk::faults_fired() const { return impl_->faults_fired; }

std::uint64_t SimDisk::operations() const { return impl_->operations; }
std::uint64_t SimDisk::calls(Op op) const { return impl_->calls[index_of(op)]; }

std::vector<std::string> SimDisk::files() const {
    std::vector<std::string> names;
    for (const auto& [name, entry] : impl_->directory)
        if (entry.now) names.push_back(name);
    return names;
}

std::optional<std::uint64_t> SimDisk::size(std::string_view name) const {
    const auto inode = impl_->find(name);
    if (!inode) return std::nullopt;
    return inode->size();
}

bool SimDisk::flip_bit(std::string_view name, std::uint64_t offset, int bit) {
    const auto inode = impl_->find(name);
    if (!inode || offset >= inode->size() || bit < 0 || bit > 7) return false;
    inode->flip_bit(static_cast<std::size_t>(offset), bit);
    return true;
}

SimDisk::Snapshot SimDisk::snapshot() const {
    Snapshot s;
    for (const auto& [name, entry] : impl_->directory)
        if (entry.now) s.files.emplace(name, entry.now->bytes());
    return s;
}

void SimDisk::restore(const Snapshot& snapshot) {
    impl_->directory.clear();
    impl_->changed.clear();
    for (const auto& [name, bytes] : snapshot.files) {
        const auto inode = std::make_shared<Inode>();
        inode->assign(bytes);
        impl_->directory.emplace(name, Entry{inode, inode, std::nullopt});
    }
    impl_->reboot();
}

}  // namespace taizhang::support
