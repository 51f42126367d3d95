// subject.h - one contender of the benchmark: plain SQLite, a peer, our own engine.
//
// main.cpp drives every subject through the same steps, times them, and checks the
// rows that come out; a subject only does the work. Every step runs in a process
// of its own, so a subject may keep state in memory from one call to the next but
// never from one step to the next. Anything that goes wrong is thrown: main ends
// the step there and says so.
//
// The same SQLite settings for all: WAL, synchronous=FULL, page size and cache as
// SQLite's defaults, statements prepared once and bound.
#pragma once

#include "base/worker.h"
#include "workload.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace taizhang::bench {

struct MergeResult {
    double seconds = 0;              ///< from the first byte asked for to the last commit on both sides
    std::size_t conflict_lines = 0;  ///< losing values kept for a person to see, on one side
    std::size_t bytes = 0;           ///< what travelled, both directions
};

/// A change set in whatever memory the subject made it: handing over 10 MB must not
/// cost a subject a copy that a program using it would not make.
struct Bytes {
    std::shared_ptr<const void> owner;
    std::string_view view;

    static Bytes of(std::string bytes) {
        auto held = std::make_shared<const std::string>(std::move(bytes));
        const std::string_view all = *held;
        return {std::move(held), all};
    }
};

using RowSink = std::function<void(const Task&)>;

class Subject {
public:
    Subject() = default;
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    virtual ~Subject() = default;

    virtual std::string_view name() const = 0;

    /// Makes an empty replica in `dir`, which exists and is empty. Not timed. All of
    /// the replica's files are in `dir`: their sizes are its disk figure.
    virtual void open(const std::filesystem::path& dir) = 0;

    /// W1: new rows, `rows_per_tx` to a transaction, each durable when it returns.
    virtual void insert(std::span<const Task> rows, std::size_t rows_per_tx) = 0;

    /// W1d: one durable transaction a row.
    virtual void insert_durable(std::span<const Task> rows) { insert(rows, 1); }

    /// W2: changes of one column; `rows` are the workload's, to find the keys.
    virtual void update(std::span<const Task> rows, std::span<const Update> updates, std::size_t updates_per_tx) = 0;

    /// W3: all changes since open(), or since synced(), in the form that travels,
    /// before any compression by the caller.
    virtual Bytes export_changes() = 0;

    /// W4: takes in another replica's export; durable when it returns.
    virtual void apply(std::string_view changes) = 0;

    /// The other replica of a merge now holds all that this one holds. Not timed.
    virtual void synced() = 0;

    /// W5: exchanges what is new since synced() and merges it, both ways. `other` is
    /// of the same class. Both replicas end with equal rows if has_rule().
    virtual MergeResult merge(Subject& other) = 0;

    /// False where concurrent changes are simply overwritten and replicas may differ.
    virtual bool has_rule() const { return true; }

    /// Every row once, in any order. Not timed.
    virtual void scan(const RowSink& sink) = 0;

    /// Checkpoints the WAL and closes, so that what is left in `dir` is what it costs.
    virtual void close() = 0;
};

std::unique_ptr<Subject> make_plain();
std::unique_ptr<Subject> make_session();
std::unique_ptr<Subject> make_trigger_log();

/// Our own engine. main.cpp holds a weak default that gives nothing, so the peers
/// can be measured without it; tests/bench/taizhang.cpp defines the real one.
std::unique_ptr<Subject> make_taizhang();

/// What a replica does on another core, it does there, as in the programs.
std::shared_ptr<Worker> spare_core();
/// From here on there is none: who counts instructions sees one thread.
void use_one_core();

}  // namespace taizhang::bench
