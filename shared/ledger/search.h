// search.h - words in titles, texts and numbers of every kind of record, without an index.
//
// A township holds some ten thousand records; looking through their text takes a few
// milliseconds, which an index of two-character words would not better while it slowed
// every write. A large office leaves out what cannot have the words (text_filter.h).
// Threads: store thread only.
#pragma once

#include "ledger/text_filter.h"
#include "replica/replica.h"

#include <boost/json/object.hpp>

#include <string>

namespace taizhang::ledger {

/// {"rows":[{"entity","kind","id","unit_id","unit","state","field","label","excerpt"}],"more":bool}: records that have
/// every word (parted by blanks) in one of their texts, or that id; an assignment also by its task's title. `filter`:
/// of a program that keeps one; the rows found are the same without.
Result<boost::json::object> search(Replica& r, const std::string& words, std::size_t limit,
                                   TextFilter* filter = nullptr);

}  // namespace taizhang::ledger
