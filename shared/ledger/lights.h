// lights.h - red, yellow, green, blue, grey: derived from state and dates, never typed.
#pragma once

#include "catalog/catalog.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace taizhang::ledger {

enum class Light : std::uint8_t {
    green,   ///< on course, or done
    yellow,  ///< near due, behind schedule, or no report for longer than its period
    red,     ///< overdue
    blue,    ///< done, waits for the check
    grey,    ///< suspended or withdrawn, by itself or with its task
};

struct LightInput {
    std::string_view state;
    std::string_view deadline;  ///< YYYY-MM-DD; empty: none
    std::string_view issued;    ///< date or time; empty: unknown
    double value = 0, target = 0;
    std::int64_t now_ms = 0;
    std::string_view frequency = {}, reported = {};  ///< how often a report is asked for, and when the last one was
    std::string_view task_state = {};                ///< of an assignment's task; empty: unknown
};

/// The same with its dates read, in seconds.
struct LightDates {
    std::string_view state;
    std::optional<std::int64_t> due;  ///< the deadline's first second
    std::optional<std::int64_t> issued;
    double value = 0, target = 0;
    std::int64_t now_ms = 0;
    std::optional<std::int64_t> reported = {};  ///< the last report
    std::int64_t longest = 0;                   ///< between two reports; 0: no schedule
    bool is_task_stopped = false;
};

/// A task or an assignment on which nobody works: withdrawn or suspended.
bool is_stopped(std::string_view state);

/// Which states are done, suspended or awaiting a check is the catalog's to say.
Light light_of(const Workflow& flow, const LightInput& in);
Light light_of(const Workflow& flow, const LightDates& in);
std::string_view name_of(Light light);
/// The Chinese word: people print in black and white.
std::string_view word_of(Light light);

}  // namespace taizhang::ledger
