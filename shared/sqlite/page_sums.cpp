#include "sqlite/page_sums.h"

#include "sqlite/wal_sums.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace taizhang::sqlite {
namespace {

// Where page 1 says how many bytes are left free at the end of each page, and what is read of it before anything else.
constexpr std::size_t kReservedAt = 20, kPageSizeAt = 16, kFileHeaderBytes = 100;
constexpr std::size_t kPageMin = 512, kPageMax = 65536;

std::uint64_t word_at(const char* p) {
    std::uint64_t v = 0;
    std::memcpy(&v, p, sizeof v);
    if constexpr (std::endian::native == std::endian::big) v = __builtin_bswap64(v);
    return v;
}
void put_word(char* p, std::uint64_t v) {
    if constexpr (std::endian::native == std::endian::big) v = __builtin_bswap64(v);
    std::memcpy(p, &v, sizeof v);
}

bool is_page_size(std::size_t n) { return std::has_single_bit(n) && n >= kPageMin && n <= kPageMax; }
/// SQLite reads and writes whole pages; less only of the file's header, which it reads again with page 1.
bool is_page(std::size_t n, std::size_t at) { return is_page_size(n) && at % n == 0; }
std::uint32_t number_of_page(std::size_t n, std::size_t at) { return static_cast<std::uint32_t>(at / n + 1); }

bool has_sum(const char* page, std::size_t n, std::uint32_t number) {
    return page_sum(page, n - kSumBytes, number) == word_at(page + n - kSumBytes);
}
std::optional<std::size_t> page_bytes_of(const char* file_header) {
    const auto high = static_cast<unsigned char>(file_header[kPageSizeAt]);
    const std::size_t size = file_header[kPageSizeAt + 1] == 1 ? kPageMax : std::size_t{high} << 8U;
    return is_page_size(size) ? std::optional(size) : std::nullopt;
}
/// A page that was freed before it was ever written is a hole in the file.
bool is_hole(const char* page, std::size_t n) {
    return std::all_of(page, page + n, [](char c) { return c == 0; });
}

}  // namespace

std::uint64_t page_sum(const char* page, std::size_t size, std::uint32_t number) {
    // Each step gives another result for another word and for another lane before it: what changed within eight bytes
    // is always seen, more of it but for one time in 2^64. Four lanes, because a multiplication's result is late.
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
    constexpr int kTurn = 29;
    const auto step = [](std::uint64_t lane, std::uint64_t word) { return std::rotl((lane ^ word) * kOdd, kTurn); };
    std::uint64_t lanes[4] = {number, ~std::uint64_t{number}, kOdd, ~kOdd};
    std::size_t at = 0;
    for (; at + 32 <= size; at += 32)
        for (std::size_t i = 0; i < 4; ++i) lanes[i] = step(lanes[i], word_at(page + at + 8 * i));
    for (std::size_t i = 0; at < size; at += 8, ++i) lanes[i] = step(lanes[i], word_at(page + at));
    std::uint64_t sum = size;
    for (const auto lane : lanes) sum = step(sum, lane);
    return sum ^ (sum >> 32);
}

// ------------------------------------------------------------------ the VFS and its files

struct PageSums::Impl {
    sqlite3_vfs vfs{};
    sqlite3_vfs* below = nullptr;
    std::string vfs_name;
    bool writes_alone = true;
    std::optional<Damage> damage;
    std::uint64_t mended = 0;
    std::weak_ptr<Impl> self;          ///< for the files
    sqlite3_file* database = nullptr;  ///< the first one, while it is open

    ~Impl() {
        if (below) sqlite3_vfs_unregister(&vfs);
    }
};

namespace {

using Impl = PageSums::Impl;

/// What a frame of the log was when it was written or first read.
struct Frame {
    WalSum before, sum;
    char head[8] = {};  ///< what is summed up of its header
    bool is_known = false;
    bool is_sealed = false;  ///< the header has salt and sum
};

/// An open database file or log; of everything else the VFS below has the only handle.
struct Open {
    std::shared_ptr<Impl> vfs;
    std::string name;
    bool is_log = false;
    std::vector<char> page;  ///< a copy that may be written into
    // Of a database file. Nothing: not known yet.
    std::optional<bool> has_sums;
    // Of a log.
    std::optional<WalHeader> log;
    std::vector<Frame> frames;
    bool was_written = false;                 ///< SQLite has looked through it before
    std::optional<std::size_t> header_alone;  ///< the frame whose header was written last, its page not yet
    std::size_t committed = 0;                ///< frames, up to the last one written, if that ends a transaction
    bool is_sure = true;                      ///< no sync has failed
    std::optional<std::size_t> note;          ///< where the note is (below)
};

struct Handle {
    sqlite3_file file;
    Open* open;
};
static_assert(sizeof(Handle) % alignof(std::max_align_t) == 0);

Open& open_of(sqlite3_file* f) { return *reinterpret_cast<Handle*>(f)->open; }
sqlite3_file* below(sqlite3_file* f) { return reinterpret_cast<sqlite3_file*>(reinterpret_cast<Handle*>(f) + 1); }

int read_below(sqlite3_file* f, char* to, std::size_t n, std::size_t at) {
    auto* b = below(f);
    return b->pMethods->xRead(b, to, static_cast<int>(n), static_cast<sqlite3_int64>(at));
}
int write_below(sqlite3_file* f, const char* from, std::size_t n, std::size_t at) {
    auto* b = below(f);
    return b->pMethods->xWrite(b, from, static_cast<int>(n), static_cast<sqlite3_int64>(at));
}

int damaged(Open& o, std::uint32_t page) {
    // What a sync that failed has lost is no damage: the next one who opens it ends the log there, as after a power
    // cut.
    if (!o.is_sure) return SQLITE_IOERR_READ;
    if (!o.vfs->damage) o.vfs->damage = PageSums::Damage{o.name, page};
    return SQLITE_IOERR_DATA;
}

// ------------------------------------------------------------------ the database file

/// What the first page on the disk says; a changed bit in what it says is noticed with the page.
bool says_sums(sqlite3_file* f) {
    char header[kFileHeaderBytes];
    const int rc = read_below(f, header, sizeof header, 0);
    if (rc == SQLITE_IOERR_SHORT_READ) return true;  // a new file; Database asks SQLite for the room
    if (rc != SQLITE_OK) return false;
    if (header[kReservedAt] == kSumBytes) return true;
    const auto size = page_bytes_of(header);
    if (!size) return false;
    auto& page = open_of(f).page;
    page.resize(*size);
    if (read_below(f, page.data(), *size, 0) != SQLITE_OK) return false;
    page[kReservedAt] = kSumBytes;
    return has_sum(page.data(), *size, 1);
}

bool has_sums(sqlite3_file* f) {
    auto& o = open_of(f);
    if (!o.has_sums) o.has_sums = says_sums(f);
    return *o.has_sums;
}

int check_page(sqlite3_file* f, const char* page, std::size_t n, std::size_t at) {
    if (!is_page(n, at) || !has_sums(f)) return SQLITE_OK;
    const auto number = number_of_page(n, at);
    if (has_sum(page, n, number) || is_hole(page, n)) return SQLITE_OK;
    return damaged(open_of(f), number);
}

int write_page(sqlite3_file* f, const char* page, std::size_t n, std::size_t at) {
    if (!is_page(n, at)) return write_below(f, page, n, at);
    auto& o = open_of(f);
    if (at == 0) o.has_sums = page[kReservedAt] == kSumBytes;
    if (!has_sums(f)) return write_below(f, page, n, at);
    o.page.resize(n);
    const std::size_t summed = n - kSumBytes;
    std::memcpy(o.page.data(), page, summed);
    put_word(o.page.data() + summed, page_sum(page, summed, number_of_page(n, at)));
    return write_below(f, o.page.data(), n, at);
}

// ------------------------------------------------------------------ the log

std::size_t frame_bytes(const WalHeader& log) { return kWalFrameBytes + log.page_size; }
std::size_t start_of(const WalHeader& log, std::size_t frame) { return kWalHeaderBytes + frame * frame_bytes(log); }
/// The frame that has this place as its `offset`th byte.
std::optional<std::size_t> frame_at(const WalHeader& log, std::size_t at, std::size_t offset) {
    if (at < kWalHeaderBytes + offset || (at - kWalHeaderBytes - offset) % frame_bytes(log) != 0) return std::nullopt;
    return (at - kWalHeaderBytes - offset) / frame_bytes(log);
}

Frame frame_of(const char* header, WalSum before) {
    const bool has_salt = std::any_of(header + 8, header + 16, [](char c) { return c != 0; });
    Frame f{before, stored_wal_sum(header + kWalFrameBytes - 8), {}, true, has_salt};
    std::memcpy(f.head, header, sizeof f.head);
    return f;
}

/// The number of the page in that frame.
std::uint32_t page_of(const char* header) {
    std::uint32_t number = 0;
    for (int i = 0; i < 4; ++i) number = number << 8U | static_cast<unsigned char>(header[i]);
    return number;
}

void begin_log(Open& o, const std::optional<WalHeader>& log) {
    o.log = log;
    o.frames.clear();
    o.header_alone.reset();
    o.committed = 0;
}

bool know_log(sqlite3_file* f) {
    auto& o = open_of(f);
    if (o.log && o.vfs->writes_alone) return true;
    char header[kWalHeaderBytes];
    if (read_below(f, header, sizeof header, 0) != SQLITE_OK) return false;
    begin_log(o, wal_header_of(header));
    return o.log.has_value();
}

/// From the file, where it was not written or looked through by this handle.
std::optional<Frame> known_frame(sqlite3_file* f, std::size_t i) {
    auto& o = open_of(f);
    if (i < o.frames.size() && o.frames[i].is_known) return o.frames[i];
    char header[kWalFrameBytes];
    WalSum before = o.log->sum;
    if (i > 0) {
        if (i - 1 < o.frames.size() && o.frames[i - 1].is_known) {
            before = o.frames[i - 1].sum;
        } else {
            if (read_below(f, header, sizeof header, start_of(*o.log, i - 1)) != SQLITE_OK) return std::nullopt;
            before = stored_wal_sum(header + kWalFrameBytes - 8);
        }
    }
    if (read_below(f, header, sizeof header, start_of(*o.log, i)) != SQLITE_OK) return std::nullopt;
    return frame_of(header, before);
}

void keep_frame(Open& o, std::size_t i, const Frame& frame) {
    if (!o.vfs->writes_alone) return;
    if (o.frames.size() <= i) o.frames.resize(i + 1);
    o.frames[i] = frame;
}

/// What was read of a page of the log is what was written there.
int check_logged(sqlite3_file* f, const char* page, std::size_t n, std::size_t at) {
    auto& o = open_of(f);
    if (!know_log(f) || n != o.log->page_size) return SQLITE_OK;
    const auto i = frame_at(*o.log, at, kWalFrameBytes);
    if (!i) return SQLITE_OK;
    const auto frame = known_frame(f, *i);
    if (!frame) return SQLITE_IOERR_READ;
    const auto head = wal_sum(frame->before, frame->head, sizeof frame->head, o.log->order);
    if (wal_sum(head, page, n, o.log->order) == frame->sum) {
        keep_frame(o, *i, *frame);
        return SQLITE_OK;
    }
    return damaged(o, page_of(frame->head));
}

// Behind the last frame that a sync made sure stands a note that says so, until the next frame takes its place. It is
// written without a sync: where it is, it is true, and a frame before it that does not fit is damage, not what a power
// cut left. SQLite takes less than a frame behind the last one for nothing. Before anything takes the place of a frame
// that a note speaks of, the note is gone for sure: that costs one sync each time the log begins anew.
constexpr std::size_t kNoteBytes = 32;
constexpr std::string_view kNoteMark = "TZSYNCED";

std::string note_of(const WalHeader& log, std::size_t frames) {
    std::string note(kNoteMark);
    note.resize(kNoteBytes);
    std::memcpy(note.data() + 8, &log.salt, sizeof log.salt);
    put_word(note.data() + 16, frames);
    put_word(note.data() + 24, page_sum(note.data(), 24, 0));
    return note;
}

void write_note(sqlite3_file* f) {
    auto& o = open_of(f);
    if (!o.log || o.committed == 0) return;
    const auto note = note_of(*o.log, o.committed);
    const auto at = start_of(*o.log, o.committed);
    if (write_below(f, note.data(), note.size(), at) == SQLITE_OK) o.note = at;
}

/// SQLite's code.
int remove_note(sqlite3_file* f) {
    auto& o = open_of(f);
    if (!o.note) return SQLITE_OK;
    const char nothing[kNoteBytes] = {};
    if (const int rc = write_below(f, nothing, sizeof nothing, *o.note); rc != SQLITE_OK) return rc;
    if (const int rc = below(f)->pMethods->xSync(below(f), SQLITE_SYNC_NORMAL); rc != SQLITE_OK) return rc;
    o.note.reset();
    return SQLITE_OK;
}

/// Does a note behind that frame, which does not fit, say that it was made sure?
bool was_sure(sqlite3_file* f, std::size_t frame) {
    const auto& log = *open_of(f).log;
    char found[kNoteBytes];
    for (std::size_t n = frame + 1; read_below(f, found, sizeof found, start_of(log, n)) == SQLITE_OK; ++n)
        if (std::string_view(found, sizeof found) == note_of(log, n)) return true;
    return false;
}

/// SQLite looks through the log for the first time, frame by frame.
int look_at_header(sqlite3_file* f, char* bytes) {
    auto& o = open_of(f);
    auto log = wal_header_of(bytes);
    if (!log) {
        std::vector<char> first(kWalFrameBytes + kPageMax);
        read_below(f, first.data(), first.size(), kWalHeaderBytes);  // with zeros behind the end
        if ((log = mend_wal_header(bytes, first.data()))) {
            ++o.vfs->mended;
            write_below(f, bytes, kWalHeaderBytes, 0);
        }
    }
    begin_log(o, log);
    return SQLITE_OK;
}

/// Should it not reach the disk, the next one who looks puts it right.
bool mend_frame(sqlite3_file* f, char* bytes, std::size_t i, WalSum before) {
    auto& o = open_of(f);
    std::vector<char> next(frame_bytes(*o.log));
    const bool has_next = read_below(f, next.data(), next.size(), start_of(*o.log, i + 1)) == SQLITE_OK;
    const auto at = mend_wal_frame(*o.log, before, bytes, has_next ? next.data() : nullptr);
    if (!at || !fits(*o.log, before, bytes)) return false;
    ++o.vfs->mended;
    write_below(f, bytes + *at, 1, start_of(*o.log, i) + *at);
    return true;
}

int look_through(sqlite3_file* f, char* bytes, std::size_t n, std::size_t at) {
    auto& o = open_of(f);
    if (at == 0 && n == kWalHeaderBytes) return look_at_header(f, bytes);
    if (!o.log || n != frame_bytes(*o.log)) return SQLITE_OK;
    const auto i = frame_at(*o.log, at, 0);
    // A frame behind one that did not fit is none.
    if (!i || *i != o.frames.size()) return SQLITE_OK;
    const WalSum before = *i == 0 ? o.log->sum : o.frames[*i - 1].sum;
    if (!fits(*o.log, before, bytes) && !mend_frame(f, bytes, *i, before))
        return was_sure(f, *i) ? damaged(o, page_of(bytes)) : SQLITE_OK;
    o.frames.push_back(frame_of(bytes, before));
    o.note = start_of(*o.log, *i + 1);  // if there is one
    return SQLITE_OK;
}

int read_log(sqlite3_file* f, char* to, std::size_t n, std::size_t at) {
    auto& o = open_of(f);
    if (const int rc = read_below(f, to, n, at); rc != SQLITE_OK) return rc;
    if (is_page_size(n)) return check_logged(f, to, n, at);
    if (!o.vfs->writes_alone) return SQLITE_OK;
    if (!o.was_written) return look_through(f, to, n, at);
    // A transaction ends, and SQLite sums up what it wrote of it earlier: as right as it is read here.
    const bool is_frame = o.log && n == frame_bytes(*o.log);
    return is_frame ? check_logged(f, to + kWalFrameBytes, o.log->page_size, at + kWalFrameBytes) : SQLITE_OK;
}

/// SQLite writes a page of an unfinished transaction anew, and the headers from there on when the transaction ends;
/// frames that it adds meanwhile have neither salt nor sum in theirs.
void remember_page(Open& o, const char* page, std::size_t i) {
    const bool is_with_header = o.header_alone == i;
    if (is_with_header) o.header_alone.reset();
    if (i >= o.frames.size() || !o.frames[i].is_known) return;
    auto& frame = o.frames[i];
    if (is_with_header && frame.is_sealed) return;  // it is the frame that the header says
    frame.sum = wal_sum(wal_sum(frame.before, frame.head, sizeof frame.head, o.log->order), page, o.log->page_size,
                        o.log->order);
}

void remember_header(sqlite3_file* f, const char* header, std::size_t i) {
    auto& o = open_of(f);
    const auto last = i == 0 ? std::nullopt : known_frame(f, i - 1);
    keep_frame(o, i, i == 0 || last ? frame_of(header, i == 0 ? o.log->sum : last->sum) : Frame{});
    o.header_alone = i;
    const bool ends = std::any_of(header + 4, header + 8, [](char c) { return c != 0; });
    o.committed = ends ? i + 1 : 0;
}

/// SQLite's code: of removing the note.
int remember_frame(sqlite3_file* f, const char* from, std::size_t n, std::size_t at) {
    auto& o = open_of(f);
    if (!o.vfs->writes_alone || !know_log(f)) return SQLITE_OK;
    if (o.note == at) o.note.reset();
    if (o.note && at < *o.note)
        if (const int rc = remove_note(f); rc != SQLITE_OK) return rc;
    if (const auto i = frame_at(*o.log, at, 0); i && n == kWalFrameBytes)
        remember_header(f, from, *i);
    else if (const auto of = frame_at(*o.log, at, kWalFrameBytes); of && n == o.log->page_size)
        remember_page(o, from, *of);
    else  // parts, as for a disk that tears its neighbours; none of those that are used here
        o.frames.clear();
    return SQLITE_OK;
}

int write_log(sqlite3_file* f, const char* from, std::size_t n, std::size_t at) {
    auto& o = open_of(f);
    o.was_written = true;
    if (at == 0 && n == kWalHeaderBytes) {
        if (const int rc = remove_note(f); rc != SQLITE_OK) return rc;
        begin_log(o, wal_header_of(from));
    } else if (const int rc = remember_frame(f, from, n, at); rc != SQLITE_OK) {
        return rc;
    }
    const int rc = write_below(f, from, n, at);
    if (rc != SQLITE_OK) o.committed = 0;
    return rc;
}

// ------------------------------------------------------------------ methods of a file

/// SQLite calls these, and no exception may pass through its frames.
template <class F>
int guarded(const F& work) noexcept {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return SQLITE_IOERR_NOMEM;
    }
}

int x_read(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    auto* bytes = static_cast<char*>(to);
    const auto size = static_cast<std::size_t>(n), start = static_cast<std::size_t>(at);
    if (open_of(f).is_log) return guarded([&] { return read_log(f, bytes, size, start); });
    const int rc = read_below(f, bytes, size, start);
    return rc == SQLITE_OK ? guarded([&] { return check_page(f, bytes, size, start); }) : rc;
}

int x_write(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    const auto* bytes = static_cast<const char*>(from);
    const auto size = static_cast<std::size_t>(n), start = static_cast<std::size_t>(at);
    return guarded(
        [&] { return open_of(f).is_log ? write_log(f, bytes, size, start) : write_page(f, bytes, size, start); });
}

int x_truncate(sqlite3_file* f, sqlite3_int64 size) {
    auto& o = open_of(f);
    const auto bytes = static_cast<std::size_t>(size);
    if (o.is_log && o.note && bytes < *o.note + kNoteBytes) {
        o.was_written = true;
        if (const int rc = remove_note(f); rc != SQLITE_OK) return rc;
    }
    if (o.is_log && bytes < kWalHeaderBytes) begin_log(o, std::nullopt);
    return below(f)->pMethods->xTruncate(below(f), size);
}

int x_sync(sqlite3_file* f, int flags) {
    auto& o = open_of(f);
    const int rc = below(f)->pMethods->xSync(below(f), flags);
    // What one that failed has lost, no later one makes sure.
    if (rc != SQLITE_OK) o.is_sure = false;
    // A note is an offer: without memory for it there is none.
    if (o.is_log && o.is_sure && o.vfs->writes_alone) guarded([&] { return write_note(f), SQLITE_OK; });
    return rc;
}

int x_close(sqlite3_file* f) {
    auto* b = below(f);
    const int rc = b->pMethods ? b->pMethods->xClose(b) : SQLITE_OK;
    if (auto& vfs = *open_of(f).vfs; vfs.database == f) vfs.database = nullptr;
    delete std::exchange(reinterpret_cast<Handle*>(f)->open, nullptr);
    return rc;
}

int x_file_size(sqlite3_file* f, sqlite3_int64* size) { return below(f)->pMethods->xFileSize(below(f), size); }
int x_lock(sqlite3_file* f, int level) { return below(f)->pMethods->xLock(below(f), level); }
int x_unlock(sqlite3_file* f, int level) { return below(f)->pMethods->xUnlock(below(f), level); }
int x_check_reserved_lock(sqlite3_file* f, int* out) { return below(f)->pMethods->xCheckReservedLock(below(f), out); }
int x_file_control(sqlite3_file* f, int op, void* arg) { return below(f)->pMethods->xFileControl(below(f), op, arg); }
int x_sector_size(sqlite3_file* f) { return below(f)->pMethods->xSectorSize(below(f)); }
int x_device_characteristics(sqlite3_file* f) { return below(f)->pMethods->xDeviceCharacteristics(below(f)); }
int x_shm_map(sqlite3_file* f, int region, int size, int extend, void volatile** out) {
    return below(f)->pMethods->xShmMap(below(f), region, size, extend, out);
}
int x_shm_lock(sqlite3_file* f, int offset, int n, int flags) {
    return below(f)->pMethods->xShmLock(below(f), offset, n, flags);
}
void x_shm_barrier(sqlite3_file* f) { below(f)->pMethods->xShmBarrier(below(f)); }
int x_shm_unmap(sqlite3_file* f, int remove) { return below(f)->pMethods->xShmUnmap(below(f), remove); }

/// Version 2: without memory maps, in which nothing would be compared.
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

// ------------------------------------------------------------------ methods of the VFS

Impl& impl_of(sqlite3_vfs* vfs) { return *static_cast<Impl*>(vfs->pAppData); }
sqlite3_vfs* below(sqlite3_vfs* vfs) { return impl_of(vfs).below; }

int x_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out_flags) {
    if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0)
        return below(vfs)->xOpen(below(vfs), name, f, flags, out_flags);
    f->pMethods = nullptr;
    auto* b = below(f);
    b->pMethods = nullptr;
    std::unique_ptr<Open> open;
    const int made = guarded([&] {
        open = std::make_unique<Open>();
        open->vfs = impl_of(vfs).self.lock();
        open->name = name ? name : "";
        return SQLITE_OK;
    });
    if (made != SQLITE_OK) return made;
    open->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    const int rc = below(vfs)->xOpen(below(vfs), name, b, flags, out_flags);
    if (rc != SQLITE_OK && !b->pMethods) return rc;
    reinterpret_cast<Handle*>(f)->open = open.release();
    f->pMethods = &kMethods;
    if (auto& m = impl_of(vfs); !m.database && (flags & SQLITE_OPEN_MAIN_DB)) m.database = f;
    return rc;
}

int x_delete(sqlite3_vfs* v, const char* name, int sync_dir) { return below(v)->xDelete(below(v), name, sync_dir); }
int x_access(sqlite3_vfs* v, const char* name, int flags, int* out) {
    return below(v)->xAccess(below(v), name, flags, out);
}
int x_full_pathname(sqlite3_vfs* v, const char* name, int n, char* out) {
    return below(v)->xFullPathname(below(v), name, n, out);
}
void* x_dl_open(sqlite3_vfs* v, const char* name) { return below(v)->xDlOpen(below(v), name); }
void x_dl_error(sqlite3_vfs* v, int n, char* out) { below(v)->xDlError(below(v), n, out); }
void (*x_dl_sym(sqlite3_vfs* v, void* library, const char* name))() {
    return below(v)->xDlSym(below(v), library, name);
}
void x_dl_close(sqlite3_vfs* v, void* library) { below(v)->xDlClose(below(v), library); }
int x_randomness(sqlite3_vfs* v, int n, char* out) { return below(v)->xRandomness(below(v), n, out); }
int x_sleep(sqlite3_vfs* v, int microseconds) { return below(v)->xSleep(below(v), microseconds); }
int x_current_time(sqlite3_vfs* v, double* out) { return below(v)->xCurrentTime(below(v), out); }
int x_get_last_error(sqlite3_vfs* v, int n, char* out) { return below(v)->xGetLastError(below(v), n, out); }
int x_current_time_int64(sqlite3_vfs* v, sqlite3_int64* out) { return below(v)->xCurrentTimeInt64(below(v), out); }

void fill_in(Impl& m) {
    auto& v = m.vfs;
    v.iVersion = std::min(m.below->iVersion, 2);
    v.szOsFile = static_cast<int>(sizeof(Handle)) + m.below->szOsFile;
    v.mxPathname = m.below->mxPathname;
    v.zName = m.vfs_name.c_str();
    v.pAppData = &m;
    v.xOpen = x_open;
    v.xDelete = x_delete;
    v.xAccess = x_access;
    v.xFullPathname = x_full_pathname;
    v.xDlOpen = x_dl_open;
    v.xDlError = x_dl_error;
    v.xDlSym = x_dl_sym;
    v.xDlClose = x_dl_close;
    v.xRandomness = x_randomness;
    v.xSleep = x_sleep;
    v.xCurrentTime = x_current_time;
    v.xGetLastError = x_get_last_error;
    v.xCurrentTimeInt64 = x_current_time_int64;
}

}  // namespace

PageSums::PageSums(const std::string& vfs, bool writes_alone) : impl_(std::make_shared<Impl>()) {
    static std::atomic<std::uint64_t> number{0};
    auto& m = *impl_;
    m.self = impl_;
    m.writes_alone = writes_alone;
    m.below = sqlite3_vfs_find(vfs.empty() ? nullptr : vfs.c_str());
    if (!m.below) return;
    m.vfs_name = "page-sums-" + std::to_string(++number);
    fill_in(m);
    if (sqlite3_vfs_register(&m.vfs, 0) != SQLITE_OK) m.below = nullptr, m.vfs_name.clear();
}

PageSums::~PageSums() = default;
const std::string& PageSums::name() const { return impl_->vfs_name; }
const std::optional<PageSums::Damage>& PageSums::damage() const { return impl_->damage; }
bool PageSums::has_sums() const { return impl_->database && sqlite::has_sums(impl_->database); }

int PageSums::check_file() {
    auto* f = impl_->database;
    if (!f) return SQLITE_OK;
    char header[kFileHeaderBytes];
    sqlite3_int64 bytes = 0;
    if (const int rc = x_file_size(f, &bytes); rc != SQLITE_OK || bytes == 0) return rc;
    if (const int rc = read_below(f, header, sizeof header, 0); rc != SQLITE_OK) return rc;
    const auto page_bytes = page_bytes_of(header);
    if (!page_bytes) return damaged(open_of(f), 1);
    std::vector<char> page(*page_bytes);
    for (std::size_t at = 0; at < static_cast<std::size_t>(bytes); at += *page_bytes)
        if (const int rc = x_read(f, page.data(), static_cast<int>(*page_bytes), static_cast<sqlite3_int64>(at));
            rc != SQLITE_OK)
            return rc;
    return SQLITE_OK;
}
std::uint64_t PageSums::mended() const { return impl_->mended; }

}  // namespace taizhang::sqlite
