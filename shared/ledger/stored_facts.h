// stored_facts.h - the facts behind the figures, from a replica's tables, kept up to date row by row.
//
// The first time all of them are read: seconds for half a million assignments. After that only the rows that were
// written since, so that a page of figures costs a pass over memory. What the node holds, no more: a township's figures
// are about the township.
//
// Threads: store thread only.
#pragma once

#include "ledger/fact_table.h"
#include "replica/replica.h"

#include <functional>

namespace taizhang::ledger {

class StoredFacts {
public:
    /// A replica has at most one that is kept; `once`: for a caller that asks one time.
    enum class Use : std::uint8_t { kept, once };
    explicit StoredFacts(Replica& replica, Use use = Use::kept) : r_(replica), use_(use) {}

    /// All of it as it stands now; what is not loaded yet is loaded.
    Result<const FactTable*> now();
    /// Loads some thousand rows; true when all is here. For a program that has other things to do meanwhile.
    Result<bool> load_some();
    Replica& replica() { return r_; }
    /// The rows that were written since the last call (at first: all), for one who follows other columns of the same
    /// tables: a replica has one account of them.
    Replica::Written take_also();

private:
    struct Kind;
    static std::span<const Kind> kinds();
    Result<bool> load_rows(const Kind& kind);
    Result<> take_written();
    void drain();
    void begin();

    Replica& r_;
    FactTable table_;
    Use use_;
    bool has_begun_ = false;
    std::size_t kind_ = 0;                       // which kind is being loaded; all are when it is the number of kinds
    std::string after_;                          // up to this id, as its table has it
    ControlPos units_at_{0};                     // the tree as it was then
    Replica::Written written_, also_{true, {}};  // what was drained: for these facts, and for who follows besides
};

}  // namespace taizhang::ledger
