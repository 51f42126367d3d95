// rows.h - an entity's table: one row, one B-tree touch, its clocks in the last column.
//
// Threads: store thread only.
#pragma once

#include "replica/control.h"
#include "sqlite/database.h"

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace taizhang {

/// The change that stands in a group (or the workflow): where it lies in the log, and its fold time.
struct VersionRef {
    std::uint64_t lsn = 0;  ///< 0: none
    std::uint64_t time = 0;
};

/// What the fast path must know of a row without reading the log. Local to this node (lsns), never sent.
struct RowMeta {
    /// Not every change of the row lies in the past of what stands, or there are lines: fold on any change.
    bool complex = false;
    /// Part of the history is not in this log: all of it lies in the past of what stands. Never with `complex`.
    bool dropped = false;
    std::uint64_t head = 0;        ///< lsn of the newest change here; each change points to the one before
    std::uint32_t head_index = 0;  ///< which row of that commit; kUnlinked: it leads nowhere
    static constexpr std::uint32_t kUnlinked = 0xffffffff;  ///< of a row that began in a state
    int state = 0;
    VersionRef flow;
    std::vector<VersionRef> groups;  ///< by group number

    void encode(std::string& out) const;
    static bool decode(std::string_view in, RowMeta& out);

private:
    static bool decode_1(Reader& r, bool is_one, RowMeta& out);
};

/// A field's new value, encoded; the bytes live elsewhere for the length of the transaction.
struct Cell {
    int field = 0;
    std::string_view value;
};

class RowTable {
public:
    RowTable(sqlite::Database& db, const EntityBinding& binding) : db_(db), binding_(binding) {}

    /// Creates the table, or adds the columns that the newest catalog has and the table lacks.
    Result<> ensure();

    /// True when the row is there.
    Result<bool> load(int stream, std::string_view id, RowMeta& meta);
    /// False: a row with this id and stream was there already, and nothing was written.
    Result<bool> insert(int stream, std::string_view id, std::span<const Cell> cells, const RowMeta& meta);
    Result<> update(int stream, std::string_view id, std::span<const Cell> cells, const RowMeta& meta);
    /// Stream numbers of the rows with this id.
    Result<std::vector<int>> streams_of(std::string_view id);
    Result<> clear();

    /// One row as the table shows it; fields without a value are left out. Views are valid until the next step.
    struct Stored {
        std::string_view id;
        RowMeta meta;
        std::vector<Cell> fields;  ///< by number
        /// A number whose decimal digits the table does not tell for sure.
        bool is_exact = true;

        Stored() = default;
        Stored(const Stored&) = delete;
        Stored& operator=(const Stored&) = delete;

    private:
        friend class RowTable;
        void clear();
        void add(int field, const sqlite::Statement& s, int col);
        void close();
        std::string bytes_;  ///< what the fields' values are views of
        std::vector<std::size_t> ends_;
    };
    /// The rows of a stream in order of id; with `id`, that one alone. The first call makes an index.
    Result<> each_row(int stream, const std::function<Result<>(const Stored&)>& f);
    Result<bool> read(int stream, std::string_view id, Stored& out);
    /// The fields of one group, without the clocks; false: no such row.
    Result<bool> read_group(int stream, std::string_view id, std::size_t group, Stored& out);

    const EntityBinding& binding() const { return binding_; }
    /// Columns in order: id, stream, then fields by number (NULL-able), then the state. For digest and readers.
    std::string select_all_sql() const;
    bool has_state() const { return binding_.newest->has_workflow(); }

private:
    void bind_id(sqlite::Statement& s, int i, std::string_view id) const;
    void bind_cell(sqlite::Statement& s, int i, const Cell& cell) const;
    void bind_state(sqlite::Statement& s, int i, int state) const;
    std::string select_stored() const;
    std::string name() const { return "\"" + binding_.name + "\""; }
    Result<sqlite::Statement*> update_for(std::span<const Cell> cells);
    Result<> take_stored(const sqlite::Statement& s, Stored& out) const;

    sqlite::Database& db_;
    const EntityBinding& binding_;
    sqlite::Statement load_, insert_, streams_, read_;
    std::vector<sqlite::Statement> reads_;  // by group, as they are needed
    bool has_stream_index_ = false;
    std::unordered_map<std::string, sqlite::Statement> updates_;  // by the set of fields
    std::string meta_bytes_, key_;
};

}  // namespace taizhang
