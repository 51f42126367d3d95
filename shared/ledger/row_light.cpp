#include "ledger/row_light.h"

#include "ledger/rows.h"

namespace taizhang::ledger {

Light row_light(Replica& r, const Workflow& flow, const boost::json::object& row) {
    const auto state = text_at(row, "status"), deadline = text_at(row, "deadline"),
               issued = text_at(row, row.contains("found_at") ? "found_at" : "issued_at"),
               frequency = text_at(row, "report_frequency"), reported = text_at(row, "reported_at"),
               task_state = text_at(row, "task_status");
    return light_of(flow, {state, deadline, issued, number_at(row, "value"), number_at(row, "target_value"), r.now().ms,
                           frequency, reported, task_state});
}

}  // namespace taizhang::ledger
