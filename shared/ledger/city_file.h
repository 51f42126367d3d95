// city_file.h - reads a city file (the form of schema/demo/yunxiu.json) record by record.
//
// Bounded: a string over kStringMax, a record over kRecordMax or nesting over
// kDepthMax is refused while it is being read, so a 200 MB string costs no 200 MB.
// Every error is one line that names the record ("assignments[12] (A0013)").
#pragma once

#include "base/result.h"

#include <boost/json/object.hpp>

#include <map>
#include <string>
#include <vector>

namespace taizhang::ledger {

struct CityFile {
    boost::json::object meta;
    /// units, users, tasks, assignments, progress_reports, verifications, pushes, guidance,
    /// help_requests, rectifications, meetings, circulars, submissions_register: records as they stand in
    /// the file. Other top-level keys of any form are kept in `other` (dictionaries, ledger_headers …).
    std::map<std::string, std::vector<boost::json::object>> records;
    boost::json::object other;

    const std::vector<boost::json::object>& of(const std::string& name) const;
};

inline constexpr std::size_t kCityStringMax = 1 << 20;
inline constexpr std::size_t kCityRecordMax = 4 << 20;
inline constexpr int kCityDepthMax = 16;

/// Reads and checks: JSON form; ids present, text and unique per list; units form one tree with one root and known
/// levels; every unit_id, task_id, assignment_id, parent_assignment_id, … names a record that is there; statuses are in
/// the known dictionaries; dates and times are real ones (YYYY-MM-DD; ISO 8601 with offset); numbers are
/// numbers and finite. First fault found wins. Errc::bad_input, or Errc::not_found when the file cannot be opened.
Result<CityFile> read_city_file(const std::string& path);

}  // namespace taizhang::ledger
