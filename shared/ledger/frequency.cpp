#include "ledger/frequency.h"

#include "ledger/times.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace taizhang::ledger {
namespace {

constexpr Seconds kZone = 8 * 3'600;
constexpr double kWeeksInMonth = 52.0 / 12;

struct Word {
    std::string_view word;
    int months;  ///< 0: a week
};
constexpr std::array kWords{Word{"每周", 0},   Word{"周", 0},    Word{"每月", 1},   Word{"月", 1},   Word{"双月", 2},
                            Word{"每两月", 2}, Word{"季度", 3},  Word{"每季度", 3}, Word{"半年", 6}, Word{"每半年", 6},
                            Word{"年度", 12},  Word{"每年", 12}, Word{"年", 12}};

}  // namespace

std::optional<Frequency> Frequency::of(std::string_view word) {
    const auto it = std::find_if(kWords.begin(), kWords.end(), [&](const auto& w) { return w.word == word; });
    return it == kWords.end() ? std::nullopt : std::optional(Frequency(it->months));
}

int Frequency::forms_in_month(int month) const { return months_ == 0 ? 4 : month % months_ == 0; }

double Frequency::forms_per_month() const { return months_ == 0 ? kWeeksInMonth : 1.0 / months_; }

Seconds Frequency::longest() const { return (months_ == 0 ? 7 : Seconds{31} * months_) * kDaySeconds; }

std::int64_t Frequency::period_of(Seconds t) const {
    using namespace std::chrono;
    const auto day = floor<days>(sys_seconds{seconds{t + kZone}});
    // 1970-01-01 was a Thursday; weeks begin on Monday.
    if (months_ == 0) return (day.time_since_epoch().count() + 3) / 7;
    const year_month_day ymd{day};
    return (std::int64_t{static_cast<int>(ymd.year())} * 12 + static_cast<unsigned>(ymd.month()) - 1) / months_;
}

bool Frequency::is_same_period(Seconds a, Seconds b) const { return period_of(a) == period_of(b); }

bool is_frequency_word(std::string_view word) {
    return word.empty() || word == "一次性" || Frequency::of(word).has_value();
}

}  // namespace taizhang::ledger
