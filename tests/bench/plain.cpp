// plain.cpp - the floor: one SQLite table and nothing else.
//
// It has no record of changes, so its "change set" is every row. For the merge it
// keeps the changes it was given in memory, and it has no rule: each side writes
// what the other wrote, and where both wrote the same cell they end up swapped.
// What is left is the work that any engine must do: read the rows, carry them,
// write them, commit.
#include "peer_db.h"
#include "subject.h"

#include "base/bytes.h"

#include <chrono>
#include <optional>
#include <vector>

namespace taizhang::bench {
namespace {

struct Cell {
    TaskId id;
    Update change;
};

class Plain final : public Subject {
public:
    std::string_view name() const override { return "plain"; }

    void open(const std::filesystem::path& dir) override {
        db_.open(dir / "tasks.db");
        db_.exec(kTasksSchema);
        table_.emplace(db_);
    }

    void insert(std::span<const Task> rows, std::size_t rows_per_tx) override { table_->insert(rows, rows_per_tx); }

    void update(std::span<const Task> rows, std::span<const Update> updates, std::size_t updates_per_tx) override {
        table_->update(rows, updates, updates_per_tx);
        if (!remembers_) return;
        for (const auto& u : updates) touched_.push_back({rows[u.row].id, u});
    }

    Bytes export_changes() override {
        std::string out;
        // The file is a little larger than its rows: no growth, no copying.
        Stmt size(db_, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
        size.step();
        out.reserve(static_cast<std::size_t>(size.integer_at(0)));
        Writer writer(out);
        Stmt& all = table_->select_all();
        while (all.step()) {
            writer.raw(all.bytes_at(0));
            for (int i = 1; i < 4; ++i) writer.str(all.bytes_at(i));
            writer.zigzag(all.integer_at(4));
            for (int i = 5; i < 9; ++i) writer.str(all.bytes_at(i));
        }
        all.reset();
        return Bytes::of(std::move(out));
    }

    void apply(std::string_view changes) override {
        Reader reader(changes);
        Stmt& insert = table_->insert_statement();
        table_->tx().begin();
        while (reader.ok() && reader.remaining() != 0) {
            insert.blob(1, reader.raw(16));
            for (int i = 2; i < 5; ++i) insert.text(i, reader.str());
            insert.integer(5, reader.zigzag());
            for (int i = 6; i < 10; ++i) insert.text(i, reader.str());
            insert.run();
        }
        if (!reader.ok()) throw std::runtime_error("plain: cut-off rows");
        table_->tx().commit();
    }

    void synced() override {
        remembers_ = true;
        touched_.clear();
    }

    MergeResult merge(Subject& other_subject) override {
        auto& other = dynamic_cast<Plain&>(other_subject);
        const auto start = std::chrono::steady_clock::now();
        const std::string ours = export_touched();
        const std::string theirs = other.export_touched();
        apply_cells(theirs);
        other.apply_cells(ours);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        return {took.count(), 0, ours.size() + theirs.size()};
    }

    bool has_rule() const override { return false; }
    void scan(const RowSink& sink) override { table_->scan(sink); }

    void close() override {
        table_.reset();
        db_.close();
    }

private:
    std::string export_touched() const {
        std::string out;
        Writer writer(out);
        for (const auto& cell : touched_) {
            writer.raw(view_of(cell.id));
            writer.u8(static_cast<std::uint8_t>(cell.change.column));
            if (cell.change.column == Column::status) {
                writer.str(cell.change.text);
            } else {
                writer.zigzag(cell.change.number);
            }
        }
        return out;
    }

    void apply_cells(std::string_view cells) {
        Reader reader(cells);
        table_->tx().begin();
        while (reader.ok() && reader.remaining() != 0) {
            const auto id = reader.raw(16);
            const auto column = static_cast<Column>(reader.u8());
            Stmt& set = table_->set_statement(column);
            set.blob(1, id);
            if (column == Column::status) {
                set.text(2, reader.str());
            } else {
                set.integer(2, reader.zigzag());
            }
            set.run();
        }
        if (!reader.ok()) throw std::runtime_error("plain: cut-off cells");
        table_->tx().commit();
    }

    Db db_;
    std::optional<TaskTable> table_;
    std::vector<Cell> touched_;  ///< since synced(); in memory only
    bool remembers_ = false;
};

}  // namespace

std::unique_ptr<Subject> make_plain() { return std::make_unique<Plain>(); }

}  // namespace taizhang::bench
