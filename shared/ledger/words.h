// words.h - why a change stands or does not, in words; JSON of values.
#pragma once

#include "replica/replica.h"

#include <boost/json/object.hpp>

#include <string>

namespace taizhang::ledger {

boost::json::value json_of(const Value& v);
/// As the field's type says: true and false for a bool, the document for JSON text.
boost::json::value json_of(const RowView& row, const std::string& field, const Value& v);
std::string_view name_of(fold::Rule rule);
std::string_view name_of(fold::LineKind kind);

/// The change behind a version; null when it is not in the row's history.
const HistoryItem* item_of(const RowView& row, const VersionId& version);
/// What a version says about a group: the value of a lone field, an object of several, or a transition with its words.
boost::json::value value_of(const RowView& row, int group, const HistoryItem& item);
/// {"value","level","unit","time","person"} of a version in a group.
boost::json::object author_of(const RowView& row, int group, const HistoryItem& item);
/// One line, both languages: what became of the loser and which rule decided.
std::string why(const ControlState& control, const RowView& row, const fold::Line& line);

/// Local ISO time of a hybrid time.
std::string time_text(std::uint64_t hybrid);
std::string unit_name(const ControlState& control, const std::string& unit);

}  // namespace taizhang::ledger
