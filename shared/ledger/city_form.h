// city_form.h - the form of a city file's records: which lists there are, what each key holds, how a fault is named.
//
// For city_reader and city_check alone. Threads: any.
#pragma once

#include "base/result.h"

#include <boost/json/string.hpp>

#include <span>
#include <string>
#include <string_view>

namespace taizhang::ledger::city_form {

inline constexpr std::size_t kIdMax = 200;  ///< bytes of an id; it goes into keys, paths and lines

enum class Kind { text, number, boolean, time, date, day_or_time, level, status, ref, refs, texts, part, rows };

/// One key of a record. What is not required may be missing or null, and a reference then also empty.
struct FileField {
    std::string_view name;
    Kind kind;
    bool required;
    std::string_view target = {};  ///< the list that a reference names, or the dictionary of a status
    std::span<const FileField> nested = {};
};

struct List {
    std::string_view name;
    bool has_id;
    std::span<const FileField> fields;
};

/// The lists of records that a file may hold.
std::span<const List> lists();
/// Null: no list of records.
const List* list_named(std::string_view name);

/// The states of the two workflows, for files that bring no dictionary of their own.
std::span<const std::string_view> assignment_states();
std::span<const std::string_view> rectification_states();

inline std::string_view sv(const boost::json::string& s) { return {s.data(), s.size()}; }
/// Foreign text inside our one line: short, and without anything that would break the line.
std::string shown_text(std::string_view text);
/// "assignments[12] (A0013)".
std::string record_name(std::string_view list, std::size_t index, std::string_view id);
Error line(const std::string& where, const std::string& chinese, const std::string& english);

}  // namespace taizhang::ledger::city_form
