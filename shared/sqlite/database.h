// database.h - one SQLite connection, its statements, one transaction at a time.
//
// WAL with synchronous=FULL: only then has a COMMIT that returned reached the disk
// (with NORMAL a power cut loses acknowledged work, and nothing else: Durability). One connection does all writes
// and all checkpoints, because Debian's SQLite resets the log wrongly when two do;
// locking_mode=EXCLUSIVE makes that a fact. Readers from outside open `read_only`
// on a copy of the last state only through the node that holds the data.
//
// After a failed write or fsync, or a page that is not what was written there (PageSums), the Database is `broken()`:
// every later call fails with the same words until it is opened again, because what the disk holds is unknown.
//
// Threads: one at a time.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace taizhang::sqlite {

class Database;
class PageSums;
struct IdleStatements;

/// What a column of the row at hand holds.
enum class ColumnType : std::uint8_t { integer = 1, real = 2, text = 3, blob = 4, null = 5 };

/// A prepared statement. Bind numbers from 1, columns from 0. Text and blobs are
/// bound without copying: they must live until the next step() or reset().
class Statement {
public:
    Statement() = default;
    Statement(Statement&& o) noexcept;
    Statement& operator=(Statement&& o) noexcept;
    ~Statement();

    Statement& bind(int i, std::int64_t v);
    Statement& bind(int i, std::uint64_t v) { return bind(i, static_cast<std::int64_t>(v)); }
    Statement& bind(int i, int v) { return bind(i, static_cast<std::int64_t>(v)); }
    Statement& bind(int i, std::string_view text);
    Statement& bind_blob(int i, std::string_view bytes);
    Statement& bind_real(int i, double v);
    Statement& bind_null(int i);

    /// True: a row is there. False: done (and reset). Errors: io, disk_full, corrupt, internal.
    Result<bool> step();
    /// step() for statements that give no row.
    Result<> run();
    void reset();

    std::int64_t integer(int col) const;
    std::uint64_t unsigned_integer(int col) const { return static_cast<std::uint64_t>(integer(col)); }
    double real(int col) const;
    std::string_view text(int col) const;
    std::string_view blob(int col) const;
    bool is_null(int col) const;
    ColumnType type(int col) const;
    int columns() const;
    std::string_view column_name(int col) const;
    bool valid() const { return stmt_ != nullptr; }

private:
    friend class Database;
    Statement(Database* db, sqlite3_stmt* stmt) : db_(db), stmt_(stmt) {}
    Database* db_ = nullptr;
    sqlite3_stmt* stmt_ = nullptr;
    std::shared_ptr<IdleStatements> idle_;  ///< where it goes when it is done with; none: it is finalized
};

enum class Durability : std::uint8_t { now, later };

struct OpenOptions {
    std::string vfs;       ///< empty: the platform's
    int cache_kib = 4096;  ///< page cache; raised, memory grows; lowered, big folds reread pages
    bool read_only = false;
    /// Not 0: a database with content and another application_id is Errc::foreign_data, and so is one with a
    /// user_version above `version_max`; both are looked at before anything is written.
    std::int64_t application_id = 0;
    std::int64_t version_max = 0;
};

class Database {
public:
    static Result<std::unique_ptr<Database>> open(const std::string& path, const OpenOptions& options);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// `persistent` for statements kept and used again. The others are kept here when they are done with: the next one
    /// with the same text need not be compiled.
    Result<Statement> prepare(std::string_view sql, bool persistent = true);
    /// Prepares what a person typed: one statement that reads rows and does nothing else. Errc::not_allowed, bad_input.
    Result<Statement> prepare_query(std::string_view sql);
    /// Runs one or more statements without results.
    Result<> exec(const std::string& sql);

    /// `later`: commit() does not wait for the disk. After a power cut the transaction is there whole or not at all,
    /// and none after it is there without it; the next one that waits, and writes, makes it as sure as itself.
    Result<> begin(Durability durability = Durability::now);
    /// On success everything since begin() is on the disk, or will be.
    Result<> commit();
    void rollback();
    bool in_transaction() const { return in_transaction_; }

    std::int64_t changes() const;
    /// Rows written since it was opened, rolled back ones included: whether anything was written in between.
    std::int64_t total_changes() const;
    /// Copies the whole log into the database file and truncates it.
    Result<> checkpoint();
    /// Checkpoints when the log has grown past the bound; call between transactions.
    Result<> checkpoint_if_large();
    Result<> backup_to(const std::string& path);

    /// Reads every page of the database file, so that damage where nobody has looked is told. False: an older version
    /// wrote it without checksums, and it was too large to be converted when it was opened; nothing was compared.
    Result<bool> check_pages();

    bool broken() const { return broken_; }
    sqlite3* handle() const { return db_; }
    Error error_of(int rc);

private:
    Database();
    friend class Statement;
    sqlite3* db_ = nullptr;
    std::string path_;
    std::shared_ptr<IdleStatements> idle_;
    Statement begin_, commit_, rollback_;
    bool in_transaction_ = false;
    Durability durability_ = Durability::now;
    bool broken_ = false;
    int wal_pages_ = 0;
    Error why_broken_;                ///< or why SQLite gave up the transaction at hand
    std::unique_ptr<PageSums> sums_;  ///< none in memory
    bool given_up_ = false;           ///< SQLite rolled the transaction at hand back: nothing is written outside one
    Error break_with(Error e);
    Error damaged();
    Result<std::int64_t> number(const char* sql);
    Result<> connect(const OpenOptions& options);
    void make_room_for_sums();
    Result<> check_owner(const OpenOptions& options);
    Result<> add_sums(const OpenOptions& options);
};

}  // namespace taizhang::sqlite
