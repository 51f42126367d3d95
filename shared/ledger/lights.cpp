#include "ledger/lights.h"

#include "ledger/times.h"

#include <algorithm>

namespace taizhang::ledger {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kNearDays = 14;
constexpr double kBehind = 0.25;  // how much of the time may have run ahead of the work

bool is_one_of(const std::vector<std::string>& states, std::string_view state) {
    return std::find(states.begin(), states.end(), state) != states.end();
}

}  // namespace

Light light_of(const Workflow& flow, const LightInput& in) {
    // Done and suspended can both be said of a state (a withdrawn task): then nobody works on it.
    if (is_one_of(flow.suspended, in.state)) return Light::grey;
    if (is_one_of(flow.done, in.state)) return Light::green;
    if (is_one_of(flow.awaiting_check, in.state)) return Light::blue;
    const auto due = parse_time_seconds(in.deadline);
    if (!due) return Light::green;
    const auto now = in.now_ms / 1000;
    const auto end = *due + kDay;  // the whole day counts
    if (now >= end) return Light::red;
    if (end - now <= kNearDays * kDay) return Light::yellow;
    const auto issued = parse_time_seconds(in.issued);
    if (issued && in.target > 0 && *issued < end && now > *issued) {
        const double elapsed = static_cast<double>(now - *issued) / static_cast<double>(end - *issued);
        if (in.value / in.target + kBehind < elapsed) return Light::yellow;
    }
    return Light::green;
}

std::string_view name_of(Light light) {
    switch (light) {
        case Light::green: return "green";
        case Light::yellow: return "yellow";
        case Light::red: return "red";
        case Light::blue: return "blue";
        case Light::grey: return "grey";
    }
    return "";
}

std::string_view word_of(Light light) {
    switch (light) {
        case Light::green: return "绿";
        case Light::yellow: return "黄";
        case Light::red: return "红";
        case Light::blue: return "蓝";
        case Light::grey: return "灰";
    }
    return "";
}

}  // namespace taizhang::ledger
