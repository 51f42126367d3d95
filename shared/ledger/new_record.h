// new_record.h - ids that follow from what a record is about.
//
// A record with a natural key (a task and a unit) gets its id from the key, so that two offices that
// write the same one offline make one row. Any other gets random letters (entry.h).
// Threads: any.
#pragma once

#include "catalog/catalog.h"

#include <string>
#include <vector>

namespace taizhang::ledger {

/// The id that follows from the values of the entity's key, in its order.
std::string derived_id(const Entity& e, const std::vector<std::string>& key);

}  // namespace taizhang::ledger
