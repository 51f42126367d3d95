// city_check.h - what a city file's records say, each by itself and of each other. Threads: any.
#pragma once

#include "ledger/city_file.h"

namespace taizhang::ledger {

/// `path`: for faults of the whole file. The first fault wins.
Result<> check_city_records(const CityFile& city, const std::string& path);

}  // namespace taizhang::ledger
