// The simulated disk under the real SQLite: an honest database loses nothing on it,
// a dishonest one does, and every other promise of sim_disk.h.
#include "tests/support/sim_disk.h"

#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace taizhang::sim_disk_test {

using support::SimDisk;
using Op = SimDisk::Op;
using Repeat = SimDisk::Repeat;
using Keep = SimDisk::Keep;

namespace {

constexpr const char* kWalFull = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";
constexpr const char* kWalNormal = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
constexpr const char* kWalShared = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";
constexpr const char* kDeleteExtra = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA";
constexpr int kTransactions = 30;

class Db {
public:
    explicit Db(SimDisk& disk, const char* name = "data/main.db") {
        // After a failed open every use gives SQLITE_MISUSE, which is an error like any other here.
        sqlite3_open_v2(name, &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        disk.vfs_name().c_str());
    }
    ~Db() {
        sqlite3_finalize(insert_);
        sqlite3_close(db_);
    }
    Db(const Db&) = delete;
    Db& operator=(const Db&) = delete;

    int run(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }
    /// First column of the first row as text; "error N" otherwise.
    std::string ask(const char* sql) {
        sqlite3_stmt* s = nullptr;
        std::string answer;
        int rc = sqlite3_prepare_v2(db_, sql, -1, &s, nullptr);
        if (rc == SQLITE_OK) rc = sqlite3_step(s);
        if (rc == SQLITE_ROW)
            answer = text(s, 0);
        else if (rc != SQLITE_DONE)
            answer = "error " + std::to_string(rc);
        sqlite3_finalize(s);
        return answer;
    }
    /// One transaction: a row and a counter, so that half of it would show.
    int commit(int n, const std::string& body) {
        int rc = run("BEGIN IMMEDIATE");
        if (rc != SQLITE_OK) return rc;
        if (!insert_) rc = sqlite3_prepare_v2(db_, "INSERT INTO log(n, body) VALUES(?, ?)", -1, &insert_, nullptr);
        if (rc == SQLITE_OK) {
            sqlite3_bind_int(insert_, 1, n);
            sqlite3_bind_text(insert_, 2, body.data(), static_cast<int>(body.size()), nullptr);
            sqlite3_step(insert_);
            rc = sqlite3_reset(insert_);
        }
        if (rc == SQLITE_OK) rc = run("UPDATE state SET n = n + 1");
        if (rc == SQLITE_OK) rc = run("COMMIT");
        if (rc != SQLITE_OK && !sqlite3_get_autocommit(db_)) run("ROLLBACK");
        return rc;
    }
    /// "" when log and state are 1..n whole for one n of at least `acked` and at most one more; else what is wrong.
    std::string check(int acked, int* found) {
        *found = 0;
        if (const std::string ok = ask("PRAGMA integrity_check"); ok != "ok") return "integrity: " + ok;
        if (ask("SELECT count(*) FROM sqlite_schema WHERE name='state'") != "1")
            return acked < 0 ? "" : "lost: the tables";
        sqlite3_stmt* s = nullptr;
        if (sqlite3_prepare_v2(db_, "SELECT n, body FROM log ORDER BY n", -1, &s, nullptr) != SQLITE_OK) return "read";
        std::string wrong;
        while (wrong.empty() && sqlite3_step(s) == SQLITE_ROW) {
            ++*found;
            if (sqlite3_column_int(s, 0) != *found)
                wrong = "gap at " + std::to_string(*found);
            else if (text(s, 1) != body_of(*found))
                wrong = "other content at " + std::to_string(*found);
        }
        sqlite3_finalize(s);
        if (!wrong.empty()) return wrong;
        if (ask("SELECT n FROM state") != std::to_string(*found)) return "state and log differ";
        if (*found < acked) return "lost: " + std::to_string(acked - *found) + " of " + std::to_string(acked);
        if (*found > std::max(acked, 0) + 1) return "more than was ever asked for";
        return "";
    }
    static std::string body_of(int n) {
        return std::string(static_cast<std::size_t>(n * 733 % 5000 + 1), static_cast<char>('a' + n % 26));
    }

private:
    static std::string text(sqlite3_stmt* s, int column) {
        const void* p = sqlite3_column_blob(s, column);
        const auto n = static_cast<std::size_t>(sqlite3_column_bytes(s, column));
        return p ? std::string(static_cast<const char*>(p), n) : std::string();
    }

    sqlite3* db_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
};

/// Opens, makes the tables if need be, commits first..last until something fails.
/// The last number acknowledged; first - 1 when none was, -1 when not even the tables were.
int session(SimDisk& disk, const char* mode, int first = 1, int last = kTransactions) {
    Db db(disk);
    int acked = first > 1 ? first - 1 : -1;
    if (db.run(mode) != SQLITE_OK || db.run("PRAGMA wal_autocheckpoint=12") != SQLITE_OK) return acked;
    if (db.run("BEGIN; CREATE TABLE IF NOT EXISTS log(n INTEGER PRIMARY KEY, body TEXT);"
               "CREATE TABLE IF NOT EXISTS state(n INTEGER);"
               "INSERT INTO state SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM state); COMMIT") != SQLITE_OK)
        return acked;
    acked = first - 1;
    for (int n = first; n <= last; ++n) {
        if (db.commit(n, Db::body_of(n)) != SQLITE_OK) return acked;
        acked = n;
    }
    return acked;
}

std::string reopen_and_check(SimDisk& disk, const char* mode, int acked, int* found) {
    Db db(disk);
    if (const int rc = db.run(mode); rc != SQLITE_OK) return "does not open: " + std::to_string(rc);
    return db.check(acked, found);
}

/// What a program does after a crash; any part of it may be cut again.
void recover(SimDisk& disk, const char* mode) {
    Db db(disk);
    db.run(mode);
    db.run("SELECT count(*) FROM log");
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

std::uint64_t operations_of_session(const char* mode) {
    SimDisk disk(1);
    REQUIRE(session(disk, mode) == kTransactions);
    return disk.operations();
}

struct Figures {
    std::uint64_t cuts = 0, cuts_in_recovery = 0, lost = 0;
};

/// Every cut point of the session, with recovery cut again and again, and three more transactions afterwards.
Figures sweep(const char* mode, std::uint64_t seeds, bool may_lose) {
    Figures figures;
    const std::uint64_t points = operations_of_session(mode);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        for (std::uint64_t point = 1; point <= points; ++point) {
            SimDisk disk(seed * 1'000'003 + point);
            disk.cut_after(point);
            int acked = session(disk, mode);
            if (!disk.is_off()) FAIL("the session has fewer operations than before: " << point);
            disk.restart();
            ++figures.cuts;

            for (std::uint64_t again = 1; again <= 3; ++again) {
                disk.cut_after(1 + (point * 7 + seed * 5 + again * 3) % 11);
                recover(disk, mode);
                if (!disk.is_off()) break;
                disk.restart();
                ++figures.cuts_in_recovery;
            }
            disk.cut_after(0);

            int found = 0;
            std::string wrong = reopen_and_check(disk, mode, acked, &found);
            if (may_lose && wrong.starts_with("lost: ")) {
                ++figures.lost;
                wrong.clear();
            }
            if (wrong.empty()) {
                acked = session(disk, mode, found + 1, found + 3);
                disk.power_cut();
                const int before = found;
                if (acked != before + 3)
                    wrong = "does not go on";
                else
                    wrong = reopen_and_check(disk, mode, acked, &found);
                if (may_lose && wrong.starts_with("lost: ")) wrong.clear();
            }
            if (!wrong.empty()) FAIL(wrong << "; seed " << seed << ", cut at operation " << point << ", " << mode);
        }
    }
    return figures;
}

}  // namespace

TEST_CASE("sim disk: WAL with synchronous=FULL loses nothing at any cut point", "[support][sim_disk]") {
    const Figures f = sweep(kWalFull, 4, false);
    CHECK(f.cuts > 1000);
    CHECK(f.cuts_in_recovery > 300);
    SUCCEED(f.cuts << " cuts, " << f.cuts_in_recovery << " in recovery");
}

TEST_CASE("sim disk: so do WAL over shared memory, and a rollback journal with EXTRA", "[support][sim_disk]") {
    CHECK(sweep(kWalShared, 1, false).cuts > 200);
    CHECK(sweep(kDeleteExtra, 1, false).cuts > 200);
}

TEST_CASE("sim disk: WAL with synchronous=NORMAL loses acknowledged transactions", "[support][sim_disk]") {
    const Figures f = sweep(kWalNormal, 2, true);
    CHECK(f.lost > f.cuts / 10);
    SUCCEED(f.lost << " of " << f.cuts << " cuts lost something");
}

TEST_CASE("sim disk: the same seed cuts the same way, to the byte", "[support][sim_disk]") {
    std::vector<SimDisk::Snapshot> seen;
    for (const std::uint64_t seed : {7U, 7U, 8U}) {
        SimDisk::seed_sqlite(99);
        SimDisk disk(seed);
        disk.cut_after(150);
        session(disk, kWalFull);
        disk.restart();
        seen.push_back(disk.snapshot());
    }
    CHECK(seen[0] == seen[1]);
    CHECK_FALSE(seen[0] == seen[2]);
}

TEST_CASE("sim disk: a full disk gives an error and loses nothing acknowledged", "[support][sim_disk]") {
    SimDisk whole(1);
    session(whole, kWalFull);
    int errors = 0;
    for (const Repeat repeat : {Repeat::once, Repeat::forever}) {
        for (std::uint64_t nth = 1; nth <= whole.calls(Op::write); nth += 2) {
            SimDisk disk(nth);
            disk.fail(Op::write, nth, repeat, SQLITE_FULL);
            const int acked = session(disk, kWalFull);
            if (disk.faults_fired() == 0) FAIL("the disk was not full at write " << nth);
            errors += acked != kTransactions;  // a checkpoint's write may fail unseen: the WAL just grows
            disk.clear_faults();
            disk.power_cut();
            int found = 0;
            const std::string wrong = reopen_and_check(disk, kWalFull, acked, &found);
            if (!wrong.empty()) FAIL(wrong << "; full at write " << nth);
        }
    }
    CHECK(errors > 200);
}

TEST_CASE("sim disk: a failed fsync gives an error and loses nothing acknowledged", "[support][sim_disk]") {
    SimDisk whole(1);
    session(whole, kWalFull);
    int errors = 0;
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        for (const Repeat repeat : {Repeat::once, Repeat::forever}) {
            for (std::uint64_t nth = 1; nth <= whole.calls(Op::sync); ++nth) {
                SimDisk disk(seed * 1000 + nth);
                disk.fail(Op::sync, nth, repeat, SQLITE_IOERR_FSYNC);
                int acked = session(disk, kWalFull);
                errors += acked != kTransactions;
                disk.clear_faults();
                if (seed == 2) disk.power_cut();
                int found = 0;
                std::string wrong = reopen_and_check(disk, kWalFull, acked, &found);
                // Fail-stop: whatever the page cache showed, only a cut tells what was written.
                disk.power_cut();
                if (wrong.empty()) wrong = reopen_and_check(disk, kWalFull, acked, &found);
                if (!wrong.empty()) FAIL(wrong << "; seed " << seed << ", failed sync " << nth);
            }
        }
    }
    CHECK(errors > 60);
}

TEST_CASE("sim disk: any one call that fails gives an error or nothing, and loses nothing", "[support][sim_disk]") {
    SimDisk whole(1);
    session(whole, kWalFull, 1, 8);
    for (std::uint64_t nth = 1; nth <= whole.calls(Op::any); ++nth) {
        SimDisk disk(nth);
        disk.fail(Op::any, nth, Repeat::once, SQLITE_IOERR);
        const int acked = session(disk, kWalFull, 1, 8);
        if (disk.faults_fired() != 1) FAIL("call " << nth << " did not fail");
        disk.power_cut();
        int found = 0;
        const std::string wrong = reopen_and_check(disk, kWalFull, acked, &found);
        if (!wrong.empty()) FAIL(wrong << "; failed call " << nth);
    }
}

TEST_CASE("sim disk: read errors and short reads reach SQLite", "[support][sim_disk]") {
    SimDisk disk(3);
    REQUIRE(session(disk, kWalFull) == kTransactions);
    disk.fail(Op::read, 3, Repeat::forever, SQLITE_IOERR_READ, "main.db");
    {
        Db db(disk);
        CHECK(db.ask("PRAGMA integrity_check") != "ok");
    }
    CHECK(disk.faults_fired() > 0);
    disk.clear_faults();
    int found = 0;
    disk.fail(Op::read, 8, Repeat::once, SQLITE_IOERR_SHORT_READ, "main.db");
    {
        // SQLite takes the missing half for zeros, and integrity_check sees no wrong text.
        Db db(disk);
        CHECK(db.check(kTransactions, &found).starts_with("other content at "));
    }
    disk.clear_faults();
    CHECK(reopen_and_check(disk, kWalFull, kTransactions, &found) == "");
}

TEST_CASE("sim disk: a snapshot is a whole disk, also for another machine", "[support][sim_disk]") {
    SimDisk disk(4);
    REQUIRE(session(disk, kWalFull, 1, 10) == 10);
    REQUIRE(disk.write_file_durably("incarnation", "one") == SQLITE_OK);
    const SimDisk::Snapshot backup = disk.snapshot();
    REQUIRE(session(disk, kWalFull, 11, 20) == 20);
    REQUIRE(disk.write_file_durably("incarnation", "two") == SQLITE_OK);

    SimDisk clone(5);
    clone.restore(backup);
    int found = 0;
    CHECK(reopen_and_check(clone, kWalFull, 10, &found) == "");
    CHECK(found == 10);
    CHECK(clone.read_file("incarnation") == "one");

    CHECK(reopen_and_check(disk, kWalFull, 20, &found) == "");
    disk.restore(backup);
    disk.power_cut(Keep::nothing);
    CHECK(reopen_and_check(disk, kWalFull, 10, &found) == "");
    CHECK(found == 10);
    CHECK(disk.files() == std::vector<std::string>{"data/main.db", "incarnation"});
}

TEST_CASE("sim disk: open handles are dead after a cut, for good", "[support][sim_disk]") {
    SimDisk disk(6);
    REQUIRE(session(disk, kWalFull, 1, 3) == 3);
    {
        Db db(disk);
        REQUIRE(db.run(kWalFull) == SQLITE_OK);
        REQUIRE(db.commit(4, Db::body_of(4)) == SQLITE_OK);
        disk.power_off();
        CHECK(disk.is_off());
        CHECK(db.commit(5, Db::body_of(5)) != SQLITE_OK);
        CHECK(disk.write_file_durably("x", "y") == SQLITE_IOERR);
        CHECK(Db(disk).ask("SELECT 1 FROM log") != "1");
        disk.restart();
        CHECK(db.commit(5, Db::body_of(5)) != SQLITE_OK);
    }
    int found = 0;
    CHECK(reopen_and_check(disk, kWalFull, 4, &found) == "");
    CHECK(found == 4);
}

TEST_CASE("sim disk: what was not synced may stay, go, or tear; the worst and best case can be asked for",
          "[support][sim_disk]") {
    sqlite3_vfs* vfs = nullptr;
    const auto open = [&vfs](SimDisk& disk, std::vector<char>& space) {
        vfs = sqlite3_vfs_find(disk.vfs_name().c_str());
        REQUIRE(vfs != nullptr);
        space.assign(static_cast<std::size_t>(vfs->szOsFile), 0);
        void* p = space.data();
        auto* file = static_cast<sqlite3_file*>(p);
        REQUIRE(vfs->xOpen(vfs, "f", file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB, nullptr) ==
                SQLITE_OK);
        return file;
    };
    const auto contents = [](SimDisk& disk) {
        const auto bytes = disk.read_file("f");
        return bytes ? *bytes : std::string("none");
    };
    const std::string old(2048, 'o'), fresh(2048, 'n');
    std::vector<char> space;

    int none = 0, whole_old = 0, whole_new = 0, torn = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SimDisk disk(seed);
        sqlite3_file* f = open(disk, space);
        f->pMethods->xWrite(f, old.data(), 2048, 0);
        if (seed % 2 == 1) {  // never synced: even the name may be gone
            f->pMethods->xClose(f);
            disk.power_cut();
            none += contents(disk) == "none";
            continue;
        }
        f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
        f->pMethods->xWrite(f, fresh.data(), 2048, 0);
        f->pMethods->xClose(f);
        disk.power_cut();
        const std::string got = contents(disk);
        REQUIRE(got.size() == 2048);
        whole_old += got == old;
        whole_new += got == fresh;
        torn += got != old && got != fresh;
        for (std::size_t sector = 0; sector < 4; ++sector) {  // a sector is never torn
            const std::string s = got.substr(sector * 512, 512);
            REQUIRE((s == std::string(512, 'o') || s == std::string(512, 'n')));
        }
    }
    CHECK(none > 20);
    CHECK(none < 80);
    CHECK(whole_old > 10);
    CHECK(whole_new > 10);
    CHECK(torn > 10);

    for (const Keep keep : {Keep::nothing, Keep::everything}) {
        SimDisk disk(9);
        sqlite3_file* f = open(disk, space);
        f->pMethods->xWrite(f, old.data(), 2048, 0);
        f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
        f->pMethods->xTruncate(f, 600);
        f->pMethods->xWrite(f, fresh.data(), 10, 700);
        f->pMethods->xClose(f);
        disk.power_cut(keep);
        const std::string after = old.substr(0, 600) + std::string(100, '\0') + fresh.substr(0, 10);
        CHECK(contents(disk) == (keep == Keep::nothing ? old : after));
    }

    // A removal without a directory sync may come back, with one it may not.
    int back = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        SimDisk disk(seed);
        REQUIRE(disk.write_file_durably("f", "x") == SQLITE_OK);
        REQUIRE(disk.write_file_durably("g", "x") == SQLITE_OK);
        vfs = sqlite3_vfs_find(disk.vfs_name().c_str());
        CHECK(vfs->xDelete(vfs, "g", 1) == SQLITE_OK);
        CHECK(vfs->xDelete(vfs, "f", 0) == SQLITE_OK);
        CHECK(vfs->xDelete(vfs, "f", 0) == SQLITE_IOERR_DELETE_NOENT);
        disk.power_cut();
        back += disk.size("f").has_value();
        CHECK_FALSE(disk.size("g").has_value());
    }
    CHECK(back > 5);
    CHECK(back < 35);
}

TEST_CASE("sim disk: what a failed fsync dropped stays dropped although the next one succeeds", "[support][sim_disk]") {
    int kept = 0, reverted = 0, ghost = 0;
    for (std::uint64_t seed = 0; seed < 90; ++seed) {
        SimDisk disk(seed);
        sqlite3_vfs* vfs = sqlite3_vfs_find(disk.vfs_name().c_str());
        std::vector<char> space(static_cast<std::size_t>(vfs->szOsFile));
        void* p = space.data();
        auto* f = static_cast<sqlite3_file*>(p);
        REQUIRE(vfs->xOpen(vfs, "f", f, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB, nullptr) ==
                SQLITE_OK);
        f->pMethods->xWrite(f, "old", 3, 0);
        f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
        f->pMethods->xWrite(f, "new", 3, 0);
        disk.fail(Op::sync, 1, Repeat::once, SQLITE_IOERR_FSYNC);
        CHECK(f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) == SQLITE_IOERR_FSYNC);
        CHECK(f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) == SQLITE_OK);
        const std::string seen = *disk.read_file("f");
        if (seed % 3 == 0) {  // only another write mends it
            f->pMethods->xWrite(f, "new", 3, 0);
            f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
        }
        f->pMethods->xClose(f);
        disk.power_cut(Keep::everything);
        const std::string after = *disk.read_file("f");
        if (seed % 3 == 0) {
            CHECK(after == "new");
            continue;
        }
        kept += seen == "new" && after == "new";
        reverted += seen == "old" && after == "old";
        ghost += seen == "new" && after == "old";
    }
    CHECK(kept > 5);
    CHECK(reverted > 5);
    CHECK(ghost > 5);
    CHECK(kept + reverted + ghost == 60);
}

TEST_CASE("sim disk: a small file is old or new, never torn, never gone", "[support][sim_disk]") {
    const std::string old(3000, 'o'), fresh(5000, 'n');
    int olds = 0, news = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        for (std::uint64_t point = 1; point <= 5; ++point) {
            SimDisk disk(seed);
            REQUIRE(disk.write_file_durably("keys/device", old) == SQLITE_OK);
            CHECK(disk.operations() == 4);
            disk.cut_after(point);
            const int rc = disk.write_file_durably("keys/device", fresh);
            CHECK((rc == SQLITE_OK) == (point == 5));
            disk.restart();
            const auto got = disk.read_file("keys/device");
            REQUIRE(got.has_value());
            REQUIRE((*got == old || *got == fresh));
            if (point <= 2) CHECK(*got == old);
            if (point == 5) CHECK(*got == fresh);
            if (point == 3 || point == 4) ++(*got == old ? olds : news);
        }
    }
    CHECK(olds > 5);
    CHECK(news > 5);

    SimDisk disk(1);
    int rc = SQLITE_OK;
    CHECK_FALSE(disk.read_file("keys/device", &rc).has_value());
    CHECK(rc == SQLITE_NOTFOUND);
    disk.fail(Op::write, 1, Repeat::once, SQLITE_FULL);
    CHECK(disk.write_file_durably("keys/device", old) == SQLITE_FULL);
    CHECK(disk.files().empty());
    CHECK(disk.write_file_durably("keys/device", old) == SQLITE_OK);
    disk.fail(Op::read, 1, Repeat::once, SQLITE_IOERR_READ);
    CHECK_FALSE(disk.read_file("keys/device", &rc).has_value());
    CHECK(rc == SQLITE_IOERR_READ);
    CHECK(disk.remove_file_durably("keys/device") == SQLITE_OK);
    disk.power_cut(Keep::nothing);
    CHECK(disk.files().empty());
}

/// Cuts taken beside a run, at each of its writes; how many of them show something wrong.
int wrong_beside(const char* mode, int* points) {
    SimDisk disk(1), beside(2);
    int acked = 1, wrong = 0;
    REQUIRE(session(disk, mode, 1, acked) == acked);
    Db db(disk);
    REQUIRE(db.run(mode) == SQLITE_OK);
    disk.at_each_write([&] {
        ++*points;
        for (const auto keep : {Keep::nothing, Keep::everything, Keep::coin}) {
            int found = 0;
            beside.become_cut_of(disk, keep, static_cast<std::uint64_t>(*points));
            wrong += !reopen_and_check(beside, kWalFull, acked, &found).empty();
        }
    });
    for (; acked < 6; ++acked) REQUIRE(db.commit(acked + 1, Db::body_of(acked + 1)) == SQLITE_OK);
    disk.at_each_write({});
    int found = 0;
    CHECK(db.check(acked, &found) == "");  // and the run went on as if nothing were
    return wrong;
}

TEST_CASE("sim disk: a cut taken beside the run leaves what a cut there would", "[support][sim_disk]") {
    int points = 0;
    CHECK(wrong_beside(kWalFull, &points) == 0);
    CHECK(points >= 15);
    CHECK(wrong_beside(kWalNormal, &points) > 0);
}

TEST_CASE("sim disk: a flipped bit is there for good", "[support][sim_disk]") {
    SimDisk disk(2);
    REQUIRE(disk.write_file_durably("f", "abc") == SQLITE_OK);
    CHECK(disk.flip_bit("f", 1, 0));
    CHECK_FALSE(disk.flip_bit("f", 3, 0));
    CHECK_FALSE(disk.flip_bit("g", 0, 0));
    disk.power_cut(Keep::nothing);
    CHECK(disk.read_file("f") == "acc");

    REQUIRE(session(disk, kWalFull) == kTransactions);
    CHECK(disk.flip_bit("data/main.db", 3, 6));  // in "SQLite format 3"
    CHECK(Db(disk).ask("PRAGMA integrity_check") == "error 26");
}

TEST_CASE("sim disk: time is what it is told, and disks know nothing of each other", "[support][sim_disk]") {
    std::vector<std::unique_ptr<SimDisk>> disks;
    for (std::uint64_t i = 0; i < 50; ++i) disks.push_back(std::make_unique<SimDisk>(i));
    for (std::size_t i = 0; i < disks.size(); ++i) {
        disks[i]->set_time(std::chrono::hours(24 * static_cast<int>(i)));
        Db db(*disks[i]);
        CHECK(db.run("CREATE TABLE t(x)") == SQLITE_OK);
        CHECK(db.ask("SELECT unixepoch()") == std::to_string(i * 86400));
    }
    const std::string gone = disks[7]->vfs_name();
    CHECK(sqlite3_vfs_find(gone.c_str()) != nullptr);
    disks.erase(disks.begin() + 7);
    CHECK(sqlite3_vfs_find(gone.c_str()) == nullptr);
    CHECK(disks[7]->files() == std::vector<std::string>{"data/main.db"});
}

TEST_CASE("sim disk: two connections of one machine lock each other out and see each other", "[support][sim_disk]") {
    for (const char* mode : {kWalShared, kDeleteExtra}) {
        SimDisk disk(1);
        Db a(disk), b(disk);
        REQUIRE(a.run(mode) == SQLITE_OK);
        REQUIRE(a.run("CREATE TABLE t(x); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)") == SQLITE_OK);
        REQUIRE(b.run(mode) == SQLITE_OK);
        CHECK(b.run("BEGIN IMMEDIATE") == SQLITE_BUSY);
        CHECK(b.ask("SELECT count(*) FROM t") == "0");
        REQUIRE(a.run("COMMIT") == SQLITE_OK);
        CHECK(b.ask("SELECT count(*) FROM t") == "1");
        CHECK(b.run("INSERT INTO t VALUES(2)") == SQLITE_OK);
        CHECK(a.ask("SELECT count(*) FROM t") == "2");
    }
}

}  // namespace taizhang::sim_disk_test
