// import.h - a city file as commits: each record enters as what the unit that would have written it wrote.
#pragma once

#include "ledger/city_file.h"
#include "replica/replica.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang::ledger {

/// A list of the file and the entity that its records become, in the order in which they are read. "attendance" stands
/// inside the meetings.
struct CityList {
    std::string_view list, entity;
};
std::vector<CityList> city_lists();

struct ImportReport {
    std::size_t units = 0, records = 0, commits = 0;
    std::map<std::string, std::size_t> ignored;  ///< keys that the catalog has no field for, and how often
};

/// `replica` is new and empty; afterwards it is the root. Errc::bad_input naming the record; then the
/// replica is to be thrown away. `progress` gets the name of the list and how many of it are done.
Result<ImportReport> import_city(
    Replica& replica, const CityFile& city, std::string_view catalog,
    const std::function<void(const std::string& list, std::size_t done, std::size_t of)>& progress);

}  // namespace taizhang::ledger
