#include "ledger/lights.h"

#include "ledger/frequency.h"
#include "ledger/times.h"

#include <algorithm>

namespace taizhang::ledger {
namespace {

constexpr std::int64_t kNearDays = 14;
constexpr double kBehind = 0.25;  // how much of the time may have run ahead of the work

bool is_one_of(const std::vector<std::string>& states, std::string_view state) {
    return std::find(states.begin(), states.end(), state) != states.end();
}

}  // namespace

Light light_of(const Workflow& flow, const LightInput& in) {
    const auto seconds = [](std::string_view text) {
        const auto t = parse_time_seconds(text);
        return t ? std::optional(*t) : std::nullopt;
    };
    const auto frequency = Frequency::of(in.frequency);
    return light_of(flow,
                    LightDates{in.state, seconds(in.deadline), seconds(in.issued), in.value, in.target, in.now_ms,
                               seconds(in.reported), frequency ? frequency->longest() : 0, is_stopped(in.task_state)});
}

bool is_stopped(std::string_view state) { return state == "已撤回" || state == "已中止"; }

namespace {

/// No report for longer than its period, counted from the issue where there is none yet.
bool is_report_missing(const LightDates& in) {
    const auto last = std::max(in.reported, in.issued);
    return in.longest > 0 && last && in.now_ms / 1000 - *last > in.longest;
}

}  // namespace

Light light_of(const Workflow& flow, const LightDates& in) {
    // The catalog calls what was withdrawn done: nothing is due. But nobody did it, and it is not on course.
    if (is_one_of(flow.suspended, in.state) || is_stopped(in.state)) return Light::grey;
    if (is_one_of(flow.done, in.state)) return Light::green;
    if (in.is_task_stopped) return Light::grey;
    if (is_one_of(flow.awaiting_check, in.state)) return Light::blue;
    const auto otherwise = is_report_missing(in) ? Light::yellow : Light::green;
    if (!in.due) return otherwise;
    const auto now = in.now_ms / 1000;
    const auto end = *in.due + kDaySeconds;  // the whole day counts
    if (now >= end) return Light::red;
    if (end - now <= kNearDays * kDaySeconds) return Light::yellow;
    if (in.issued && in.target > 0 && *in.issued < end && now > *in.issued) {
        const double elapsed = static_cast<double>(now - *in.issued) / static_cast<double>(end - *in.issued);
        if (in.value / in.target + kBehind < elapsed) return Light::yellow;
    }
    return otherwise;
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
