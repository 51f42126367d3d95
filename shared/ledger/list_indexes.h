// list_indexes.h - what a large office needs to page through half a million records without reading all of them.
//
// A branch or a township has few records and pays nothing: without these every edit touches one B-tree. From
// kUnitsOfALargeOffice on, lists are asked for more often than the one B-tree more costs each edit.
//
// Threads: store thread only, outside of a transaction.
#pragma once

#include "replica/replica.h"

namespace taizhang::ledger {

inline constexpr std::size_t kUnitsOfALargeOffice = 500;

/// Makes them once, where the tree is that large; cheap when they are there. They are the database's own business:
/// no digest, no copy and no other program depends on them.
Result<> ensure_list_indexes(Replica& r);

}  // namespace taizhang::ledger
