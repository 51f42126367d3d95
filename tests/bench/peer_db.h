// peer_db.h - the thinnest wrapper over SQLite, for the peers of the benchmark only.
//
// The peers do not use shared/sqlite: a cost hidden in our own wrapper would sit in
// the floor as well and vanish from every ratio.
#pragma once

#include "workload.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace taizhang::bench {

class Db {
public:
    Db() = default;
    Db(const Db&) = delete;
    Db& operator=(const Db&) = delete;
    ~Db() { sqlite3_close(db_); }

    void open(const std::filesystem::path& file) {
        check(sqlite3_open(file.c_str(), &db_));
        exec("PRAGMA journal_mode=WAL");
        exec("PRAGMA synchronous=FULL");
    }
    void exec(const std::string& sql) { check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr)); }
    void check(int code) const {
        if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
            throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(db_));
        }
    }
    /// All statements must be gone, or the WAL stays and would be measured too.
    void close() {
        exec("PRAGMA wal_checkpoint(TRUNCATE)");
        check(sqlite3_close(db_));
        db_ = nullptr;
    }
    sqlite3* raw() const { return db_; }

private:
    sqlite3* db_ = nullptr;
};

/// A prepared statement. Bound text and blobs are not copied: they must outlive run().
class Stmt {
public:
    Stmt(const Db& db, std::string_view sql) : db_(&db) {
        db.check(sqlite3_prepare_v3(db.raw(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                    &stmt_, nullptr));
    }
    Stmt(Stmt&& other) noexcept : db_(other.db_), stmt_(std::exchange(other.stmt_, nullptr)) {}
    Stmt(const Stmt&) = delete;
    Stmt& operator=(const Stmt&) = delete;
    Stmt& operator=(Stmt&&) = delete;
    ~Stmt() { sqlite3_finalize(stmt_); }

    Stmt& blob(int i, std::string_view v) {
        db_->check(sqlite3_bind_blob(stmt_, i, v.data(), static_cast<int>(v.size()), nullptr));
        return *this;
    }
    Stmt& text(int i, std::string_view v) {
        db_->check(sqlite3_bind_text(stmt_, i, v.data(), static_cast<int>(v.size()), nullptr));
        return *this;
    }
    Stmt& integer(int i, std::int64_t v) {
        db_->check(sqlite3_bind_int64(stmt_, i, v));
        return *this;
    }
    Stmt& null(int i) {
        db_->check(sqlite3_bind_null(stmt_, i));
        return *this;
    }

    /// True when there is a row.
    bool step() {
        const int code = sqlite3_step(stmt_);
        db_->check(code);
        return code == SQLITE_ROW;
    }
    void reset() { sqlite3_reset(stmt_); }
    /// For statements without rows.
    void run() {
        step();
        reset();
    }

    std::int64_t integer_at(int i) const { return sqlite3_column_int64(stmt_, i); }
    bool null_at(int i) const { return sqlite3_column_type(stmt_, i) == SQLITE_NULL; }
    /// Text or blob; valid until the next step() or reset().
    std::string_view bytes_at(int i) const {
        const void* p = sqlite3_column_blob(stmt_, i);
        return {static_cast<const char*>(p), static_cast<std::size_t>(sqlite3_column_bytes(stmt_, i))};
    }

private:
    const Db* db_;
    sqlite3_stmt* stmt_ = nullptr;
};

/// BEGIN and COMMIT, prepared once; without commit() it rolls back.
class Transactions {
public:
    explicit Transactions(const Db& db) : begin_(db, "BEGIN IMMEDIATE"), commit_(db, "COMMIT") {}
    void begin() { begin_.run(); }
    void commit() { commit_.run(); }

    /// Runs `work(i)` for 0..count-1, `per_tx` of them in a transaction.
    template <class Work>
    void batches(std::size_t count, std::size_t per_tx, Work&& work) {
        for (std::size_t i = 0; i < count; ++i) {
            if (i % per_tx == 0) begin();
            work(i);
            if ((i + 1) % per_tx == 0 || i + 1 == count) commit();
        }
    }

private:
    Stmt begin_;
    Stmt commit_;
};

// A rowid table with a unique index on the key, not WITHOUT ROWID. Measured over this
// workload, WITHOUT ROWID takes 5 % less disk (10.31 against 10.81 MB) but 10 % more
// time for random updates, the rest being equal within the noise: an interior page that holds
// whole rows has few children, so the tree is deeper and fewer of its pages stay in
// the cache. The peers' published figures are about a rowid table as well.
inline constexpr const char* kTasksSchema =
    "CREATE TABLE tasks (id BLOB PRIMARY KEY NOT NULL, unit TEXT NOT NULL, title TEXT NOT NULL, "
    "status TEXT NOT NULL, progress INTEGER NOT NULL, due_date TEXT NOT NULL, owner TEXT NOT NULL, "
    "note TEXT NOT NULL, editor TEXT NOT NULL) STRICT";
inline constexpr const char* kInsertTask =
    "INSERT INTO tasks (id, unit, title, status, progress, due_date, owner, note, editor) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
inline constexpr const char* kSelectTasks =
    "SELECT id, unit, title, status, progress, due_date, owner, note, editor FROM tasks";

/// The statements that every peer needs, over the same table.
class TaskTable {
public:
    explicit TaskTable(const Db& db)
        : tx_(db),
          insert_(db, kInsertTask),
          set_{Stmt(db, "UPDATE tasks SET status = ?2 WHERE id = ?1"),
               Stmt(db, "UPDATE tasks SET progress = ?2 WHERE id = ?1")},
          all_(db, kSelectTasks) {}

    void insert(std::span<const Task> rows, std::size_t per_tx) {
        tx_.batches(rows.size(), per_tx, [&](std::size_t i) {
            const Task& t = rows[i];
            insert_.blob(1, view_of(t.id)).text(2, t.unit).text(3, t.title).text(4, t.status);
            insert_.integer(5, t.progress).text(6, t.due_date).text(7, t.owner).text(8, t.note).text(9, t.editor);
            insert_.run();
        });
    }
    void update(std::span<const Task> rows, std::span<const Update> updates, std::size_t per_tx) {
        tx_.batches(updates.size(), per_tx, [&](std::size_t i) { update(rows[updates[i].row], updates[i]); });
    }
    void scan(const std::function<void(const Task&)>& sink) {
        Task t;
        while (all_.step()) {
            const auto id = all_.bytes_at(0);
            if (id.size() != t.id.size()) throw std::runtime_error("a key is not 16 bytes long");
            std::copy(id.begin(), id.end(), t.id.begin());
            t.unit = all_.bytes_at(1);
            t.title = all_.bytes_at(2);
            t.status = all_.bytes_at(3);
            t.progress = all_.integer_at(4);
            t.due_date = all_.bytes_at(5);
            t.owner = all_.bytes_at(6);
            t.note = all_.bytes_at(7);
            t.editor = all_.bytes_at(8);
            sink(t);
        }
        all_.reset();
    }

    Transactions& tx() { return tx_; }
    Stmt& insert_statement() { return insert_; }
    Stmt& set_statement(Column c) { return set_[static_cast<std::size_t>(c)]; }
    Stmt& select_all() { return all_; }

private:
    void update(const Task& task, const Update& u) {
        Stmt& set = set_statement(u.column);
        set.blob(1, view_of(task.id));
        if (u.column == Column::status) {
            set.text(2, u.text);
        } else {
            set.integer(2, u.number);
        }
        set.run();
    }

    Transactions tx_;
    Stmt insert_;
    Stmt set_[2];
    Stmt all_;
};

}  // namespace taizhang::bench
