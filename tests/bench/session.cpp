// session.cpp - SQLite's own session extension: it records which rows changed, in
// memory, and makes a change set of old and new values.
//
// It has no clocks and no rule, so we give it the simplest one under which both
// sides end equal: where the two changed the same cell, the second side's value
// stands. The value that loses is not kept anywhere. A crash between two exports
// loses the record of what changed, which no figure here shows.

// The library is built with both; without them the header hides the functions.
#define SQLITE_ENABLE_SESSION
#define SQLITE_ENABLE_PREUPDATE_HOOK
#include "peer_db.h"
#include "subject.h"

#include <chrono>
#include <optional>

namespace taizhang::bench {
namespace {

/// In SQLite's own allocation, as a program would send it.
Bytes change_set(const Db& db, sqlite3_session* session) {
    int size = 0;
    void* data = nullptr;
    db.check(sqlite3session_changeset(session, &size, &data));
    return {std::shared_ptr<const void>(data, [data](const void*) { sqlite3_free(data); }),
            {static_cast<const char*>(data), static_cast<std::size_t>(size)}};
}

enum class OnConflict { ours_stands, theirs_stands };

int resolve(void* context, int kind, sqlite3_changeset_iter*) {
    // DATA: the row is here, but the cell no longer holds what the other side saw.
    // Anything else would be a row that is missing or there twice.
    if (kind != SQLITE_CHANGESET_DATA) return SQLITE_CHANGESET_ABORT;
    const auto rule = *static_cast<const OnConflict*>(context);
    return rule == OnConflict::theirs_stands ? SQLITE_CHANGESET_REPLACE : SQLITE_CHANGESET_OMIT;
}

class Session final : public Subject {
public:
    ~Session() override { forget(); }

    std::string_view name() const override { return "session"; }

    void open(const std::filesystem::path& dir) override {
        db_.open(dir / "tasks.db");
        db_.exec(kTasksSchema);
        table_.emplace(db_);
        record();
    }

    void insert(std::span<const Task> rows, std::size_t rows_per_tx) override { table_->insert(rows, rows_per_tx); }

    void update(std::span<const Task> rows, std::span<const Update> updates, std::size_t updates_per_tx) override {
        table_->update(rows, updates, updates_per_tx);
    }

    Bytes export_changes() override { return change_set(db_, session_); }

    void apply(std::string_view changes) override { apply(changes, OnConflict::theirs_stands); }

    void synced() override { record(); }

    MergeResult merge(Subject& other_subject) override {
        auto& other = dynamic_cast<Session&>(other_subject);
        const auto start = std::chrono::steady_clock::now();
        const Bytes ours = change_set(db_, session_);
        const Bytes theirs = change_set(other.db_, other.session_);
        apply(theirs.view, OnConflict::theirs_stands);
        other.apply(ours.view, OnConflict::ours_stands);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        return {took.count(), 0, ours.view.size() + theirs.view.size()};
    }

    void scan(const RowSink& sink) override { table_->scan(sink); }

    void close() override {
        forget();
        table_.reset();
        db_.close();
    }

private:
    void forget() {
        if (session_ != nullptr) sqlite3session_delete(session_);  // crashes on null
        session_ = nullptr;
    }

    /// Forgets what was recorded and records from here on.
    void record() {
        forget();
        db_.check(sqlite3session_create(db_.raw(), "main", &session_));
        db_.check(sqlite3session_attach(session_, "tasks"));
    }

    void apply(std::string_view changes, OnConflict rule) {
        // What came from the other side must not be recorded as ours and sent back.
        sqlite3session_enable(session_, 0);
        // The function only reads its input, whatever its signature says.
        db_.check(sqlite3changeset_apply(db_.raw(), static_cast<int>(changes.size()), const_cast<char*>(changes.data()),
                                         nullptr, resolve, &rule));
        sqlite3session_enable(session_, 1);
    }

    Db db_;
    std::optional<TaskTable> table_;
    sqlite3_session* session_ = nullptr;
};

}  // namespace

std::unique_ptr<Subject> make_session() { return std::make_unique<Session>(); }

}  // namespace taizhang::bench
