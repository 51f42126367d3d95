// allocations.h - memory that gives out at a chosen allocation, for the proofs that fail them.
//
// Threads: one.
#pragma once

#include "tests/support/spared.h"

#include <sqlite3.h>

#include <cstdint>

namespace taizhang::proof {

/// The allocations of one kind, counted from fail() or count() to stop(); the chosen one fails, and if `forever` all
/// after it. What a Spared covers is neither counted nor refused.
class Allocations {
public:
    /// The nth from now, from 1.
    void fail(std::uint64_t nth, bool forever) { left_ = nth, counted_ = 0, forever_ = forever, counts_ = true; }
    void count() { fail(0, false); }
    void stop() { counts_ = false; }
    std::uint64_t counted() const { return counted_; }
    bool gives() {
        if (!counts_ || support::Spared::depth > 0) return true;
        ++counted_;
        if (left_ == 0) return true;
        if (left_ > 1) {
            --left_;
            return true;
        }
        if (!forever_) left_ = 0;
        return false;
    }

private:
    std::uint64_t left_ = 0, counted_ = 0;
    bool forever_ = false, counts_ = false;
};

/// Those of SQLite, once watch_sqlite() was called (before any database is open).
inline Allocations of_sqlite;

inline void watch_sqlite() {
    static sqlite3_mem_methods real;
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    sqlite3_mem_methods mine = real;
    mine.xMalloc = [](int n) { return of_sqlite.gives() ? real.xMalloc(n) : nullptr; };
    mine.xRealloc = [](void* p, int n) { return of_sqlite.gives() ? real.xRealloc(p, n) : nullptr; };
    sqlite3_config(SQLITE_CONFIG_MALLOC, &mine);
    sqlite3_initialize();
}

}  // namespace taizhang::proof
