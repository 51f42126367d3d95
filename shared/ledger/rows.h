// rows.h - small reading aids of the lists: a query's rows as JSON, texts of them, what the catalog has.
// Threads: store thread only.
#pragma once

#include "replica/replica.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::ledger {

/// Which part of a long list is wanted.
struct Slice {
    std::size_t offset = 0, limit = 1000;
};
inline constexpr std::size_t kSliceMax = 10'000;  ///< more than a screen or a script takes at once
/// The part of the rows, in place; says whether there is more behind it.
bool cut(boost::json::array& rows, const Slice& slice);

/// A whole number stays one, whatever the column holds it as.
boost::json::value column_of(const sqlite::Statement& s, int col);
/// The rows as objects by column name; `bound` stands for ?1, ?2, …
Result<boost::json::array> rows_of(Replica& r, const std::string& sql, const std::vector<std::string>& bound = {});

/// Empty, or 0, when there is nothing of the kind.
std::string text_at(const boost::json::object& o, std::string_view key);
double number_at(const boost::json::object& o, std::string_view key);

/// Whether the newest catalog has it: a city that began with an earlier one may not.
bool has_field(Replica& r, std::string_view entity, std::string_view field);

/// This node's unit; empty before it is enrolled.
std::string own_unit(Replica& r);
/// The unit and all below it, as a JSON array for json_each; all units when `top` is empty. Errc::not_found.
Result<std::string> units_below(Replica& r, const std::string& top);
/// The fields of a unit that the city's file gave it: "field", "kind", "emerging", …
std::string unit_attribute(Replica& r, const std::string& unit, std::string_view key);

/// An error that is one record's own, so that the others of a batch go on; a full disk is not.
bool is_of_the_record(Errc code);

}  // namespace taizhang::ledger
