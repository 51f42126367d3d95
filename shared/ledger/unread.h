// unread.h - records that wait for a newer program, as people see them.
//
// Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace taizhang::ledger {

/// Records of which nothing else is known here: into a list of all, not into a choice of some.
enum class Unknown : std::uint8_t { added, left_out };
/// Marks the rows of a list that have changes which wait for a newer program.
Result<> mark_unread(Replica& r, const std::string& entity, boost::json::array& rows, Unknown unknown = Unknown::added);

/// The changes of one record that wait for a newer program: "needs_program" of `show`. Empty: none.
Result<boost::json::array> unread_of(Replica& r, const std::string& entity, const std::string& id);

/// What to say when there is no such record: that it waits, where that is so. Errc::not_found.
Error no_record(Replica& r, const std::string& id, Error otherwise);

}  // namespace taizhang::ledger
