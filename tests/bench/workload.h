// workload.h - the one data set that every subject of the benchmark runs.
//
// A port of the generator that made the peers' published figures: the same
// xorshift in the same order of calls, so that our figures and theirs are about
// the same bytes. `bench --dump DIR` writes the generator's own five .tsv files;
// they must stay equal to its output byte for byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::bench {

using TaskId = std::array<std::uint8_t, 16>;

inline std::string_view view_of(const TaskId& id) { return {reinterpret_cast<const char*>(id.data()), id.size()}; }

/// One row of `tasks`: nine columns, about 480 bytes, most of them Chinese text.
struct Task {
    TaskId id{};  ///< UUIDv7: rises with the row's number
    std::string unit;
    std::string title;
    std::string status;
    std::int64_t progress = 0;
    std::string due_date;
    std::string owner;
    std::string note;
    std::string editor;

    bool operator==(const Task&) const = default;
};

/// The columns that the workload changes.
enum class Column : std::uint8_t { status, progress };
inline constexpr std::array<std::string_view, 2> kColumnNames{"status", "progress"};
constexpr std::string_view name_of(Column c) { return kColumnNames[static_cast<std::size_t>(c)]; }

/// A change of one column; `text` counts for status, `number` for progress.
struct Update {
    std::uint32_t row = 0;  ///< index into Workload::rows
    Column column = Column::status;
    std::string text;
    std::int64_t number = 0;
};

inline void set_column(Task& task, const Update& u) {
    if (u.column == Column::status) {
        task.status = u.text;
    } else {
        task.progress = u.number;
    }
}

struct Workload {
    std::vector<Task> rows;       ///< 20,000
    std::vector<Update> updates;  ///< 20,000, each on a random row
    /// 5,000 rows changed on both sides: the first `kSameColumn` in the same
    /// column and to different values, the others in different columns.
    std::vector<Update> conflicts_a;
    std::vector<Update> conflicts_b;
    std::vector<Update> small;  ///< ten changes of one column

    static constexpr std::size_t kSameColumn = 2500;

    static Workload make();
    /// rows, upd, confA, confB, small as .tsv; throws on an I/O error.
    void dump(const std::filesystem::path& dir) const;
    /// SHA-256 of all values, in hex: a reader of the dumped files that comes to the same has the same values.
    std::string digest() const;
};

}  // namespace taizhang::bench
