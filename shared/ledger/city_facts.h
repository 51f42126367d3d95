// city_facts.h - the facts behind the figures, straight from a city file and without a database.
#pragma once

#include "ledger/city_file.h"
#include "ledger/metrics.h"

namespace taizhang::ledger {

/// `city` must have come from read_city_file: what that has checked is not checked again, and a key that may be
/// missing there is taken as false, zero or empty here.
Facts facts_from_city(const CityFile& city);

}  // namespace taizhang::ledger
