// children.h - records that others write about a record, and that are told with it.
#pragma once

#include <string_view>

namespace taizhang::ledger {

inline constexpr std::string_view kSupervisionOrder = "supervision_order";

/// The entity names the record in its field `of` + "_id".
struct Child {
    std::string_view of, entity;
};
inline constexpr Child kChildren[] = {{"assignment", "progress_report"},
                                      {"assignment", "verification"},
                                      {"assignment", "push"},
                                      {"assignment", kSupervisionOrder},
                                      {"rectification", kSupervisionOrder}};

}  // namespace taizhang::ledger
