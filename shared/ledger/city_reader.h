// city_reader.h - a city file's bytes as records, refused while they come in where they are too long, too big or too
// deep. What the records say of each other is city_check's. Threads: any.
#pragma once

#include "ledger/city_file.h"

namespace taizhang::ledger {

Result<CityFile> read_city_records(const std::string& path);

}  // namespace taizhang::ledger
