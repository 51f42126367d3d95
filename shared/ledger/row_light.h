// row_light.h - the light of a row of a list, from the columns that the list has.
// Threads: store thread only.
#pragma once

#include "ledger/lights.h"
#include "replica/replica.h"

#include <boost/json/object.hpp>

namespace taizhang::ledger {

/// By the columns status, deadline, issued_at (found_at of a problem), value, target_value, report_frequency,
/// reported_at and task_status; what is not there says nothing.
Light row_light(Replica& r, const Workflow& flow, const boost::json::object& row);

}  // namespace taizhang::ledger
