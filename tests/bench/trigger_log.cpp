// trigger_log.cpp - the log that people write themselves: triggers copy every change
// into a table, a sync reads the table from a cursor on, the later time wins.
//
// Done as well as it can be done by hand: one trigger a column, so that an update
// logs only what it set; columns instead of JSON, which nobody has to parse;
// received changes keep their time, so that merging goes on cell by cell and they
// can be passed on. What it leaves out: times are the wall clock's, at a tie each
// side takes the other's value (so two replicas may differ for good), the losing
// value is in the log but nobody is told, and the log is never pruned.
#include "peer_db.h"
#include "subject.h"

#include "base/bytes.h"

#include <array>
#include <chrono>
#include <optional>
#include <vector>

namespace taizhang::bench {
namespace {

constexpr std::array<std::string_view, 8> kFields{"unit",     "title", "status", "progress",
                                                  "due_date", "owner", "note",   "editor"};
constexpr std::size_t kProgress = 3;  // the only number among them

enum class Op : std::uint8_t { insert = 0, update = 1 };

// A NULL column means "not set by this change": no column of tasks can be NULL.
constexpr const char* kLogSchema =
    "CREATE TABLE log (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, op INTEGER NOT NULL, id BLOB NOT NULL, "
    "unit TEXT, title TEXT, status TEXT, progress INTEGER, due_date TEXT, owner TEXT, note TEXT, editor TEXT) STRICT;"
    "CREATE INDEX log_by_row ON log (id)";
constexpr const char* kInsertTrigger =
    "CREATE TRIGGER log_insert AFTER INSERT ON tasks WHEN is_local() BEGIN "
    "INSERT INTO log (at_us, op, id, unit, title, status, progress, due_date, owner, note, editor) "
    "VALUES (now_us(), 0, NEW.id, NEW.unit, NEW.title, NEW.status, NEW.progress, NEW.due_date, NEW.owner, "
    "NEW.note, NEW.editor); END";

std::string update_trigger(std::string_view field) {
    const std::string f(field);
    return "CREATE TRIGGER log_update_" + f + " AFTER UPDATE OF " + f +
           " ON tasks WHEN is_local() BEGIN INSERT INTO log (at_us, op, id, " + f +
           ") VALUES (now_us(), 1, NEW.id, NEW." + f + "); END";
}

/// What the triggers ask about: the time, and who is writing.
struct Context {
    std::int64_t last_us = 0;  ///< the newest time in the log; every local one is later
    bool local = true;
};

void now_us(sqlite3_context* call, int, sqlite3_value**) {
    using namespace std::chrono;
    auto& context = *static_cast<Context*>(sqlite3_user_data(call));
    const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    context.last_us = std::max<std::int64_t>(context.last_us + 1, now);
    sqlite3_result_int64(call, context.last_us);
}
void is_local(sqlite3_context* call, int, sqlite3_value**) {
    sqlite3_result_int(call, static_cast<const Context*>(sqlite3_user_data(call))->local ? 1 : 0);
}

class TriggerLog final : public Subject {
public:
    std::string_view name() const override { return "trigger-log"; }

    void open(const std::filesystem::path& dir) override {
        db_.open(dir / "tasks.db");
        db_.check(sqlite3_create_function(db_.raw(), "now_us", 0, SQLITE_UTF8, &context_, now_us, nullptr, nullptr));
        db_.check(
            sqlite3_create_function(db_.raw(), "is_local", 0, SQLITE_UTF8, &context_, is_local, nullptr, nullptr));
        db_.exec(kTasksSchema);
        db_.exec(kLogSchema);
        db_.exec(kInsertTrigger);
        for (const auto field : kFields) db_.exec(update_trigger(field));
        table_.emplace(db_);
        log_.emplace(db_);
    }

    void insert(std::span<const Task> rows, std::size_t rows_per_tx) override { table_->insert(rows, rows_per_tx); }

    void update(std::span<const Task> rows, std::span<const Update> updates, std::size_t updates_per_tx) override {
        table_->update(rows, updates, updates_per_tx);
    }

    Bytes export_changes() override {
        std::string out;
        // More than enough address space; what is not written is not used. Growing
        // by doubling would copy the log several times.
        Stmt size(db_, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
        size.step();
        if (cursor_ == 0) out.reserve(static_cast<std::size_t>(size.integer_at(0)));
        Writer writer(out);
        Stmt& since = log_->since;
        since.integer(1, cursor_);
        while (since.step()) {
            writer.varint(static_cast<std::uint64_t>(since.integer_at(0)));
            writer.raw(since.bytes_at(2));
            // One byte says which fields follow; an insert has them all.
            std::uint8_t present = 0;
            for (std::size_t i = 0; i < kFields.size(); ++i) {
                if (!since.null_at(static_cast<int>(i) + 3)) present = static_cast<std::uint8_t>(present | 1U << i);
            }
            writer.u8(static_cast<std::uint8_t>(since.integer_at(1)));
            writer.u8(present);
            for (std::size_t i = 0; i < kFields.size(); ++i) {
                const int column = static_cast<int>(i) + 3;
                if ((present >> i & 1U) == 0) continue;
                if (i == kProgress) {
                    writer.zigzag(since.integer_at(column));
                } else {
                    writer.str(since.bytes_at(column));
                }
            }
        }
        since.reset();
        return Bytes::of(std::move(out));
    }

    void apply(std::string_view changes) override {
        context_.local = false;
        table_->tx().begin();
        // Log first, table second: table, log and index row by row crowd each other out
        // of the page cache (5 to 10 % slower).
        for_each(changes, [this](const Change& c) { append(c); });
        for_each(changes, [this](const Change& c) { apply(c); });
        table_->tx().commit();
        context_.local = true;
    }

    void synced() override {
        Stmt last(db_, "SELECT coalesce(max(seq), 0) FROM log");
        last.step();
        cursor_ = last.integer_at(0);
    }

    MergeResult merge(Subject& other_subject) override {
        auto& other = dynamic_cast<TriggerLog&>(other_subject);
        const auto start = std::chrono::steady_clock::now();
        const Bytes ours = export_changes();
        const Bytes theirs = other.export_changes();
        apply(theirs.view);
        other.apply(ours.view);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        return {took.count(), 0, ours.view.size() + theirs.view.size()};
    }

    void scan(const RowSink& sink) override { table_->scan(sink); }

    void close() override {
        log_.reset();
        table_.reset();
        db_.close();
    }

private:
    struct LogStatements {
        explicit LogStatements(const Db& db)
            : since(db,
                    "SELECT at_us, op, id, unit, title, status, progress, due_date, owner, note, editor "
                    "FROM log WHERE seq > ?1 ORDER BY seq"),
              append(db,
                     "INSERT INTO log (at_us, op, id, unit, title, status, progress, due_date, owner, note, editor) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"),
              insert(db, std::string(kInsertTask) + " ON CONFLICT (id) DO NOTHING") {
            for (const auto field : kFields) {
                const std::string f(field);
                set.emplace_back(db, "UPDATE tasks SET " + f + " = ?2 WHERE id = ?1");
                later.emplace_back(
                    db, "SELECT EXISTS (SELECT 1 FROM log WHERE id = ?1 AND at_us > ?2 AND " + f + " IS NOT NULL)");
            }
        }
        Stmt since;
        Stmt append;
        Stmt insert;
        std::vector<Stmt> set;    ///< by field
        std::vector<Stmt> later;  ///< by field: is there a change here that beats this time?
    };

    /// One line of a log on its way; `texts` point into the change set.
    struct Change {
        std::int64_t at_us = 0;
        Op op = Op::insert;
        std::string_view id;
        std::uint8_t present = 0;  ///< a bit for each field that is set
        std::array<std::string_view, kFields.size()> texts;
        std::int64_t progress = 0;

        bool has(std::size_t field) const { return (present >> field & 1U) != 0; }
        void bind(Stmt& stmt, std::size_t field, int at) const {
            if (!has(field)) {
                stmt.null(at);
            } else if (field == kProgress) {
                stmt.integer(at, progress);
            } else {
                stmt.text(at, texts[field]);
            }
        }
    };

    template <class Use>
    static void for_each(std::string_view changes, Use&& use) {
        Reader reader(changes);
        while (reader.remaining() != 0) {
            Change c;
            c.at_us = static_cast<std::int64_t>(reader.varint());
            c.id = reader.raw(16);
            c.op = static_cast<Op>(reader.u8());
            c.present = reader.u8();
            for (std::size_t i = 0; i < kFields.size(); ++i) {
                if (!c.has(i)) continue;
                if (i == kProgress) {
                    c.progress = reader.zigzag();
                } else {
                    c.texts[i] = reader.str();
                }
            }
            if (!reader.ok()) throw std::runtime_error("trigger-log: cut-off changes");
            use(c);
        }
    }

    void append(const Change& c) {
        log_->append.integer(1, c.at_us).integer(2, static_cast<int>(c.op)).blob(3, c.id);
        for (std::size_t i = 0; i < kFields.size(); ++i) c.bind(log_->append, i, static_cast<int>(i) + 4);
        log_->append.run();
    }

    void apply(const Change& c) {
        if (c.op == Op::insert) {
            log_->insert.blob(1, c.id);
            for (std::size_t i = 0; i < kFields.size(); ++i) c.bind(log_->insert, i, static_cast<int>(i) + 2);
            log_->insert.run();
        }
        // Later than everything applied so far: nothing to look for. A fresh replica,
        // to which all comes in order, never has to.
        const bool newest = c.at_us > context_.last_us;
        context_.last_us = std::max(context_.last_us, c.at_us);
        for (std::size_t i = 0; c.op == Op::update && i < kFields.size(); ++i) {
            if (!c.has(i) || (!newest && has_later(i, c))) continue;
            log_->set[i].blob(1, c.id);
            c.bind(log_->set[i], i, 2);
            log_->set[i].run();
        }
    }

    bool has_later(std::size_t field, const Change& c) {
        Stmt& later = log_->later[field];
        later.blob(1, c.id).integer(2, c.at_us);
        later.step();
        const bool found = later.integer_at(0) != 0;
        later.reset();
        return found;
    }

    Context context_;  // before db_: the functions point to it
    Db db_;
    std::optional<TaskTable> table_;
    std::optional<LogStatements> log_;
    std::int64_t cursor_ = 0;  ///< the other replica holds the log up to here
};

}  // namespace

std::unique_ptr<Subject> make_trigger_log() { return std::make_unique<TriggerLog>(); }

}  // namespace taizhang::bench
