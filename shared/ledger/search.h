// search.h - words in titles, texts and numbers of every kind of record, without an index.
//
// A township holds some ten thousand records; looking through their text takes a few
// milliseconds, which an index of two-character words would not better while it slowed
// every write. Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <boost/json/object.hpp>

#include <string>

namespace taizhang::ledger {

/// {"rows":[{"entity","kind","id","unit_id","unit","state","field","label","excerpt"}],"more":bool}: records that have
/// every word (parted by blanks) in one of their texts, or that id; an assignment also by its task's title.
Result<boost::json::object> search(Replica& r, const std::string& words, std::size_t limit);

}  // namespace taizhang::ledger
