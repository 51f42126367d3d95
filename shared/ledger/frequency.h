// frequency.h - how often a task is reported on, in the words of its `report_frequency`.
// Pure: no database. Threads: any.
#pragma once

#include "ledger/metrics.h"

#include <optional>
#include <string_view>

namespace taizhang::ledger {

class Frequency {
public:
    /// nullopt: no word for a frequency; empty text and 一次性 are none either.
    static std::optional<Frequency> of(std::string_view word);

    /// Forms in a month from 1 to 12: four for a week, one where a longer period ends, otherwise none.
    int forms_in_month(int month) const;
    double forms_per_month() const;
    /// No report for longer than this: behind the schedule.
    Seconds longest() const;
    /// Both lie in one week (from Monday), month, two months, … of the city's zone.
    bool is_same_period(Seconds a, Seconds b) const;

private:
    explicit Frequency(int months) : months_(months) {}
    std::int64_t period_of(Seconds t) const;
    int months_;  ///< 0: a week
};

/// May stand in `report_frequency`.
bool is_frequency_word(std::string_view word);
/// All of them, for an error's words.
inline constexpr std::string_view kFrequencyWords = "每周 每月 双月 季度 半年 年度 一次性";

}  // namespace taizhang::ledger
