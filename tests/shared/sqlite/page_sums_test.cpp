// A changed bit of a database, or of SQLite's log beside it, is noticed before anything of it comes out, or is put
// right; what a power cut leaves is never told as damage.
#include "sqlite/page_sums.h"

#include "sqlite/database.h"
#include "sqlite/wal_sums.h"
#include "tests/support/sim_disk.h"

#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <cstring>

namespace taizhang::sqlite::page_sums_test {
namespace {

using support::SimDisk;

constexpr std::size_t kPage = 4096;
constexpr const char* kFile = "d.db";
constexpr const char* kLog = "d.db-wal";

Result<std::unique_ptr<Database>> open(SimDisk& disk) {
    return Database::open(kFile, {.vfs = disk.vfs_name(), .application_id = 7, .version_max = 1});
}

/// With a cache of ten pages: a transaction goes to the log before it ends.
Result<std::unique_ptr<Database>> open_narrow(SimDisk& disk) {
    return Database::open(kFile, {.vfs = disk.vfs_name(), .cache_kib = 40, .application_id = 7, .version_max = 1});
}

/// Adds rows `from` up to `to`, each of most of a page.
void add_rows(Database& db, int from, int to) {
    for (int a = from; a < to; ++a)
        REQUIRE(db.exec("INSERT INTO t VALUES(" + std::to_string(a) + ", hex(randomblob(1500)))").has_value());
}

/// Rows of a table t, as text; what went wrong otherwise.
Result<std::string> content(Database& db) {
    TRY(auto s, db.prepare("SELECT a, b FROM t ORDER BY a", false));
    std::string out;
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        out += std::to_string(s.integer(0)) + std::string(s.text(1)) + "\n";
    }
}

void write(Database& db, int a, Durability durability = Durability::now) {
    REQUIRE(db.begin(durability).has_value());
    REQUIRE(db.exec("INSERT INTO t VALUES(" + std::to_string(a) + ", hex(randomblob(700)))").has_value());
    REQUIRE(db.commit().has_value());
}

/// With `rows` rows, the last of them in the log only unless it was copied out; the program was killed.
std::string prepared(SimDisk& disk, int rows, int copied_out) {
    auto db = open(disk);
    REQUIRE(db.has_value());
    REQUIRE((*db)->exec("PRAGMA application_id = 7; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").has_value());
    for (int a = 0; a < rows; ++a) {
        write(**db, a);
        if (a + 1 == copied_out) REQUIRE((*db)->checkpoint().has_value());
    }
    const auto all = content(**db);
    REQUIRE(all.has_value());
    const auto killed = disk.snapshot();
    db->reset();
    // All in the file: it was closed, and the log is gone.
    if (rows != copied_out) disk.restore(killed);
    return *all;
}

/// Opens, reads and looks through the file; the content, or the line that is told.
Result<std::string> looked_at(SimDisk& disk) {
    TRY(auto db, open(disk));
    TRY(auto all, content(*db));
    TRY_VOID(db->check_pages());
    return all;
}

// ------------------------------------------------------------------ sums

TEST_CASE("a page's sum is another one for any bit, and in any other place", "[sqlite][database][sums]") {
    std::string page(kPage, 'x');
    const auto sum = page_sum(page.data(), kPage - kSumBytes, 3);
    CHECK(sum != page_sum(page.data(), kPage - kSumBytes, 4));
    for (std::size_t bit = 0; bit < (kPage - kSumBytes) * 8; ++bit) {
        page[bit / 8] = static_cast<char>(page[bit / 8] ^ (1 << bit % 8));
        if (page_sum(page.data(), kPage - kSumBytes, 3) == sum) FAIL("bit " << bit);
        page[bit / 8] = static_cast<char>(page[bit / 8] ^ (1 << bit % 8));
    }
    // Files of today are read by programs of tomorrow.
    CHECK(page_sum("0123456789abcdef", 16, 1) == 0xccccd895b8394092U);
}

TEST_CASE("each bit of a frame of the log is found", "[sqlite][database][sums]") {
    SimDisk disk(1);
    prepared(disk, 3, 0);
    const auto bytes = disk.snapshot().files.at(kLog);
    const auto log = wal_header_of(bytes.data());
    REQUIRE(log.has_value());
    const std::size_t size = kWalFrameBytes + log->page_size;
    const std::string first(bytes.data() + kWalHeaderBytes, 2 * size);  // and the one that follows
    std::size_t found = 0;
    REQUIRE(fits(*log, log->sum, first.data()));
    for (std::size_t bit = 0; bit < size * 8; bit += bit < 200 ? 1 : 37) {
        auto frame = first.substr(0, size);
        frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << bit % 8));
        REQUIRE_FALSE(fits(*log, log->sum, frame.data()));
        const auto at = mend_wal_frame(*log, log->sum, frame.data(), first.data() + size);
        // The last bytes of each word weigh the same in many places.
        const bool is_summed = bit / 8 < 8 || bit / 8 >= kWalFrameBytes;
        if (is_summed && bit / 8 % 4 >= 2 && !at) continue;
        INFO("bit " << bit);
        REQUIRE(at == bit / 8);
        REQUIRE((frame == first.substr(0, size)));
        ++found;
    }
    CHECK(found > 900);
    auto two = first.substr(0, size);
    two[100] = static_cast<char>(two[100] ^ 1), two[900] = static_cast<char>(two[900] ^ 4);
    CHECK_FALSE(mend_wal_frame(*log, log->sum, two.data(), first.data() + size));
    std::string header(bytes.data(), kWalHeaderBytes);
    for (std::size_t bit = 0; bit < kWalHeaderBytes * 8; ++bit) {
        auto other = header;
        other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
        REQUIRE_FALSE(wal_header_of(other.data()));
        REQUIRE(mend_wal_header(other.data(), first.data()));
        REQUIRE((other == header));
    }
}

// ------------------------------------------------------------------ the file

TEST_CASE("no bit of a database's file is read that was not written", "[sqlite][database][sums]") {
    SimDisk disk(2);
    const auto truth = prepared(disk, 12, 12);
    const auto whole = disk.snapshot();
    const auto size = whole.files.at(kFile).size();
    REQUIRE(size > 4 * kPage);
    std::size_t refused = 0, tried = 0;
    for (std::size_t bit = 0; bit < size * 8; bit += bit < 900 ? 1 : 211) {
        disk.restore(whole);
        REQUIRE(disk.flip_bit(kFile, bit / 8, static_cast<int>(bit % 8)));
        const auto found = looked_at(disk);
        ++tried;
        INFO("bit " << bit << ": " << (found ? "" : found.error().detail));
        REQUIRE(found.has_error());
        ++refused;
        CHECK(found.error().code == Errc::corrupt);
        CHECK(found.error().detail.find("第 " + std::to_string(bit / 8 / kPage + 1) + " 页") != std::string::npos);
        CHECK(found.error().detail.find(" / ") != std::string::npos);
    }
    CHECK(refused == tried);
    disk.restore(whole);
    CHECK((*looked_at(disk) == truth));
}

TEST_CASE("a page in another page's place is noticed", "[sqlite][database][sums]") {
    SimDisk disk(3);
    prepared(disk, 12, 12);
    auto files = disk.snapshot();
    auto& bytes = files.files.at(kFile);
    std::swap_ranges(bytes.begin() + 3 * kPage, bytes.begin() + 4 * kPage, bytes.begin() + 4 * kPage);
    disk.restore(files);
    const auto found = looked_at(disk);
    REQUIRE(found.has_error());
    CHECK(found.error().code == Errc::corrupt);
}

TEST_CASE("a bit that changes under an open database is not read, and nothing more is done",
          "[sqlite][database][sums]") {
    SimDisk disk(4);
    prepared(disk, 40, 40);
    auto db = open(disk);
    REQUIRE(db.has_value());
    REQUIRE(disk.flip_bit(kFile, 9 * kPage + 77, 5));
    const auto found = content(**db);
    REQUIRE(found.has_error());
    CHECK(found.error().code == Errc::corrupt);
    CHECK((*db)->broken());
    // The same words again, not that of a page that can be read.
    CHECK((*db)->begin().error().detail == found.error().detail);
    CHECK((*db)->exec("SELECT 1").error().detail == found.error().detail);
}

TEST_CASE("what changes in the log under an open database is not copied into the file", "[sqlite][database][sums]") {
    SimDisk disk(5);
    auto db = open(disk);
    REQUIRE(db.has_value());
    REQUIRE((*db)->exec("PRAGMA application_id = 7; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").has_value());
    for (int a = 0; a < 6; ++a) write(**db, a);
    const auto truth = *content(**db);
    const auto size = *disk.size(kLog);
    REQUIRE(disk.flip_bit(kLog, size - 100, 2));  // of the newest page
    const auto copied = (*db)->checkpoint();
    REQUIRE(copied.has_error());
    CHECK(copied.error().code == Errc::corrupt);
    CHECK((*db)->broken());
    db->reset();
    // It is one bit: whoever opens it has all that was written.
    CHECK((*looked_at(disk) == truth));
}

// ------------------------------------------------------------------ the log

TEST_CASE("a changed bit does not end the log: it is put right, or told", "[sqlite][database][sums]") {
    SimDisk disk(6);
    const auto truth = prepared(disk, 5, 1);
    const auto whole = disk.snapshot();
    const auto size = whole.files.at(kLog).size();
    int right = 0, told = 0;
    for (std::size_t bit = 0; bit < size * 8; bit += bit < 500 ? 1 : 307) {
        disk.restore(whole);
        REQUIRE(disk.flip_bit(kLog, bit / 8, static_cast<int>(bit % 8)));
        INFO("bit " << bit);
        const auto found = looked_at(disk);
        if (found) {
            ++right;
            REQUIRE((*found == truth));
        } else {
            ++told;
            REQUIRE(found.error().code == Errc::corrupt);
            REQUIRE(found.error().detail.find("d.db-wal") != std::string::npos);
        }
    }
    CHECK(right > 400);
    CHECK(told > 50);
}

TEST_CASE("a sector of the log that was lost after it had been saved is told", "[sqlite][database][sums]") {
    SimDisk disk(12);
    prepared(disk, 5, 1);
    auto files = disk.snapshot();
    auto& log = files.files.at(kLog);
    std::fill_n(log.begin() + 512, 512, 'x');
    disk.restore(files);
    const auto found = looked_at(disk);
    REQUIRE(found.has_error());
    CHECK(found.error().code == Errc::corrupt);
    CHECK((disk.snapshot().files.at(kLog) == log));  // left as it is
}

TEST_CASE("a transaction that is larger than memory can be read while it is written", "[sqlite][database][sums]") {
    SimDisk disk(7);
    auto opened = open_narrow(disk);
    REQUIRE(opened.has_value());
    auto& db = **opened;
    REQUIRE(db.exec("PRAGMA application_id = 7; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").has_value());
    for (int round = 0; round < 3; ++round) {
        REQUIRE(db.begin().has_value());
        // Pages that went to the log are fetched from it and changed again before the end.
        for (int a = 0; a < 60; ++a)
            REQUIRE(db.exec("INSERT OR REPLACE INTO t VALUES(" + std::to_string(a) + ", hex(randomblob(1500)))")
                        .has_value());
        for (int a = 0; a < 60; a += 7)
            REQUIRE(db.exec("UPDATE t SET b = b || 'x' WHERE a >= " + std::to_string(a)).has_value());
        if (round == 1)
            db.rollback();
        else
            REQUIRE(db.commit().has_value());
        const auto now = content(db);
        REQUIRE(now.has_value());
        if (round == 2) CHECK(db.checkpoint().has_value());
    }
    const auto truth = *content(db);
    CHECK(*db.check_pages());
    opened->reset();
    CHECK((*looked_at(disk) == truth));
}

TEST_CASE("what a large transaction wrote behind a page that it wrote again is no damage", "[sqlite][database][sums]") {
    // SQLite leaves the headers of such frames without salt and sum until the transaction ends.
    SimDisk disk(7);
    auto opened = open_narrow(disk);
    REQUIRE(opened.has_value());
    auto& db = **opened;
    REQUIRE(db.exec("PRAGMA application_id = 7; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").has_value());
    REQUIRE(db.begin().has_value());
    for (int round = 0; round < 4; ++round) {
        add_rows(db, round * 60, round * 60 + 60);
        REQUIRE(
            db.exec("UPDATE t SET b = substr(b, 1, 2990) || 'x' WHERE a % 5 = " + std::to_string(round)).has_value());
        const auto now = content(db);
        if (!now) FAIL(now.error().detail);
    }
    REQUIRE(db.commit().has_value());
    const auto truth = *content(db);
    CHECK(db.checkpoint().has_value());
    CHECK(*db.check_pages());
    opened->reset();
    CHECK((*looked_at(disk) == truth));
}

TEST_CASE("what changes in the log before its transaction ends is not summed up as it is", "[sqlite][database][sums]") {
    SimDisk disk(7);
    auto opened = open_narrow(disk);
    REQUIRE(opened.has_value());
    auto& db = **opened;
    REQUIRE(db.exec("PRAGMA application_id = 7; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").has_value());
    REQUIRE(db.begin().has_value());
    add_rows(db, 0, 60);
    REQUIRE(db.exec("UPDATE t SET b = substr(b, 1, 2990) || 'x'").has_value());
    REQUIRE(disk.flip_bit(kLog, *disk.size(kLog) - 30 * (kPage + 24) + 200, 2));
    const auto ended = db.commit();
    REQUIRE(ended.has_error());
    CHECK(ended.error().code == Errc::corrupt);
    opened->reset();
    CHECK((*looked_at(disk)).empty());
}

/// Writes until the power goes: transactions that wait and that do not, some that are given up, a log that begins anew
/// over its old frames or in an empty file.
void write_until_cut(SimDisk& disk, std::uint64_t seed) {
    auto opened = open_narrow(disk);
    if (!opened) return;
    auto& db = **opened;
    if (!db.exec("PRAGMA application_id = 7; CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b TEXT)")) return;
    for (std::uint64_t a = 0; a < 25; ++a) {
        const auto what = (seed * 31 + a * 7) % 11;
        if (!db.begin(what % 3 == 0 ? Durability::later : Durability::now)) return;
        const auto rows = what == 5 ? 40 : 1;  // more than fits into memory
        for (int row = 0; row < rows; ++row)
            if (!db.exec("INSERT OR REPLACE INTO t VALUES(" + std::to_string((a * 13 + seed) % 30) +
                         ", hex(randomblob(700)))"))
                return;
        if (what == 4 || (what == 5 && seed % 2 == 0))
            db.rollback();
        else if (!db.commit())
            return;
        if (what == 1 && !db.checkpoint()) return;
        if (what >= 8) sqlite3_wal_checkpoint_v2(db.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    }
}

TEST_CASE("what power cuts leave is not told as damage", "[sqlite][database][sums]") {
    for (std::uint64_t seed = 1; seed <= 1200; ++seed) {
        INFO("seed " << seed);
        SimDisk disk(seed);
        for (std::uint64_t cut = 0; cut < 3; ++cut) {
            disk.cut_after(1 + (seed * 17 + cut * 41) % 170);
            write_until_cut(disk, seed + cut);
            disk.restart();
        }
        auto db = open(disk);
        INFO((db ? "" : db.error().detail));
        REQUIRE(db.has_value());
        const auto pages = (*db)->check_pages();
        INFO((pages ? "" : pages.error().detail));
        REQUIRE(pages.has_value());
        REQUIRE(*pages);
    }
}

TEST_CASE("a power cut while the log begins anew over its old frames is not told as damage",
          "[sqlite][database][sums]") {
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        INFO("seed " << seed);
        SimDisk disk(seed);
        auto db = open(disk);
        REQUIRE(db.has_value());
        REQUIRE((*db)->exec("PRAGMA application_id = 7; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").has_value());
        for (int a = 0; a < 6; ++a) write(**db, a);
        const auto truth = *content(**db);
        REQUIRE(sqlite3_wal_checkpoint_v2((*db)->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr) ==
                SQLITE_OK);
        disk.cut_after(2 + seed % 5);
        if ((*db)->begin(Durability::later) && (*db)->exec("UPDATE t SET b = b || 'x' WHERE a = 3"))
            (void)(*db)->commit();
        disk.power_off();
        db->reset();
        disk.restart();
        const auto found = looked_at(disk);
        INFO((found ? "" : found.error().detail));
        REQUIRE(found.has_value());
        REQUIRE((*found == truth || found->size() == truth.size() + 1));
    }
}

TEST_CASE("what a failed sync or write lost of the log is not told as damage", "[sqlite][database][sums]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        INFO("seed " << seed);
        SimDisk disk(seed);
        auto db = open(disk);
        REQUIRE(db.has_value());
        REQUIRE((*db)->exec("PRAGMA application_id = 7; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").has_value());
        for (int a = 0; a < 3; ++a) write(**db, a);
        if (seed % 3 == 0)
            disk.fail(SimDisk::Op::write, 1 + seed % 8, SimDisk::Repeat::once, SQLITE_IOERR_WRITE, "-wal");
        else
            disk.fail(SimDisk::Op::sync, 1, SimDisk::Repeat::once, SQLITE_IOERR_FSYNC, "-wal");
        if ((*db)->begin() && (*db)->exec("INSERT INTO t VALUES(9, hex(randomblob(3000)))")) (void)(*db)->commit();
        // Closing syncs again. The power goes before all is copied.
        disk.cut_after(1 + seed % 7);
        db->reset();
        disk.clear_faults();
        disk.restart();
        const auto found = looked_at(disk);
        INFO((found ? "" : found.error().detail));
        REQUIRE(found.has_value());
    }
}

TEST_CASE("a failed sync that lost earlier frames is told as the disk's error", "[sqlite][database][sums]") {
    int failed = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        INFO("seed " << seed);
        SimDisk disk(seed);
        auto db = open(disk);
        REQUIRE(db.has_value());
        REQUIRE((*db)->exec("PRAGMA application_id = 7; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)").has_value());
        write(**db, 0);
        for (int a = 1; a < 5; ++a) {
            REQUIRE((*db)->begin(Durability::later).has_value());
            REQUIRE((*db)->exec("CREATE TABLE u" + std::to_string(a) + "(a)").has_value());
            REQUIRE((*db)->commit().has_value());
        }
        disk.fail(SimDisk::Op::sync, 1, SimDisk::Repeat::once, SQLITE_IOERR_FSYNC, "-wal");
        REQUIRE((*db)->begin().has_value());
        // Page 1, which each of them changed, is read again from the log when this one is given up.
        REQUIRE((*db)->exec("CREATE TABLE u9(a)").has_value());
        const auto done = (*db)->commit();
        REQUIRE(done.has_error());
        INFO(done.error().detail);
        CHECK(done.error().code == Errc::io);
        (*db)->rollback();
        const auto later = content(**db);
        if (later.has_error()) {
            CHECK(later.error().code == Errc::io);
            ++failed;
        }
        disk.cut_after(1 + seed % 7);
        db->reset();
        disk.clear_faults();
        disk.restart();
        CHECK(looked_at(disk).has_value());
    }
    CHECK(failed > 0);
}

// ------------------------------------------------------------------ without sums

/// As an older version made it.
void make_old(SimDisk& disk, int rows) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open_v2(kFile, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, disk.vfs_name().c_str()) ==
            SQLITE_OK);
    std::string sql =
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA application_id = 7;"
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);";
    for (int a = 0; a < rows; ++a) sql += "INSERT INTO t VALUES(" + std::to_string(a) + ", hex(randomblob(700)));";
    REQUIRE(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_close(db) == SQLITE_OK);
}

TEST_CASE("a database of an older version gets its checksums when it is opened", "[sqlite][database][sums]") {
    SimDisk disk(8);
    make_old(disk, 20);
    REQUIRE(disk.snapshot().files.at(kFile)[20] == 0);
    std::string truth;
    {
        auto db = open(disk);
        REQUIRE(db.has_value());
        truth = *content(**db);
        CHECK(std::count(truth.begin(), truth.end(), '\n') == 20);
        CHECK(*(*db)->check_pages());
    }
    CHECK(disk.snapshot().files.at(kFile)[20] == kSumBytes);
    disk.flip_bit(kFile, 5 * kPage + 100, 1);
    CHECK(looked_at(disk).error().code == Errc::corrupt);
}

TEST_CASE("without room for the checksums it goes on as it was", "[sqlite][database][sums]") {
    SimDisk disk(9);
    make_old(disk, 20);
    disk.fail(SimDisk::Op::write, 3, SimDisk::Repeat::forever, SQLITE_FULL);
    {
        auto db = open(disk);
        REQUIRE(db.has_value());
        const auto all = *content(**db);
        CHECK(std::count(all.begin(), all.end(), '\n') == 20);
        CHECK_FALSE(*(*db)->check_pages());
        disk.clear_faults();
        write(**db, 30);
        CHECK_FALSE(*(*db)->check_pages());
    }
    auto db = open(disk);
    REQUIRE(db.has_value());
    CHECK(*(*db)->check_pages());
}

TEST_CASE("the power may go at any write while the checksums come", "[sqlite][database][sums]") {
    SimDisk disk(10);
    make_old(disk, 20);
    const auto old = disk.snapshot();
    std::string truth;
    for (std::uint64_t n = 1;; ++n) {
        INFO("write " << n);
        disk.restore(old);
        disk.cut_after(n);
        const bool was_cut = [&] {
            const auto db = open(disk);
            return disk.is_off();
        }();
        disk.power_off();
        disk.restart();
        const auto found = looked_at(disk);
        INFO((found ? "" : found.error().detail));
        REQUIRE(found.has_value());
        if (truth.empty()) truth = *found;
        REQUIRE((*found == truth));
        if (!was_cut) break;
    }
}

TEST_CASE("a copy has checksums, whatever it was made of", "[sqlite][database][sums]") {
    SimDisk disk(11);
    make_old(disk, 300);
    disk.fail(SimDisk::Op::write, 3, SimDisk::Repeat::forever, SQLITE_FULL);
    auto db = open(disk);
    REQUIRE(db.has_value());
    disk.clear_faults();
    REQUIRE((*db)->backup_to("copy.db").has_value());
    auto copy = Database::open("copy.db", {.vfs = disk.vfs_name(), .read_only = true});
    REQUIRE(copy.has_value());
    CHECK((*content(**copy) == *content(**db)));
    CHECK(disk.snapshot().files.at("copy.db")[20] == kSumBytes);
    disk.flip_bit("copy.db", 40 * kPage + 1000, 1);
    auto again = Database::open("copy.db", {.vfs = disk.vfs_name(), .read_only = true});
    REQUIRE(again.has_value());
    CHECK(content(**again).error().code == Errc::corrupt);
}

}  // namespace
}  // namespace taizhang::sqlite::page_sums_test
