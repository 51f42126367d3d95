// Two halves: the reader builds records from parser events; the check then looks at the whole, because a record may
// name another that stands further down.
#include "ledger/city_file.h"

#include "ledger/city_check.h"
#include "ledger/city_reader.h"

namespace taizhang::ledger {

namespace json = boost::json;

const std::vector<json::object>& CityFile::of(const std::string& name) const {
    static const std::vector<json::object> none;
    const auto it = records.find(name);
    return it == records.end() ? none : it->second;
}

Result<CityFile> read_city_file(const std::string& path) {
    TRY(auto city, read_city_records(path));
    TRY_VOID(check_city_records(city, path));
    return city;
}

}  // namespace taizhang::ledger
