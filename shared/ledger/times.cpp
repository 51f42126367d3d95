#include "ledger/times.h"

#include <chrono>
#include <cstdio>
#include <optional>

namespace taizhang::ledger {

namespace {

constexpr std::int64_t kLocalOffset = 8 * 3'600;

/// Takes exactly `count` digits off the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
    if (text.size() < count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (text[i] < '0' || text[i] > '9') return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool take_char(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

/// Takes YYYY-MM-DD off the front; days since 1970-01-01, nothing when there is no such day.
std::optional<std::int64_t> take_date(std::string_view& text) {
    const auto y = take_number(text, 4);
    if (!y || !take_char(text, '-')) return std::nullopt;
    const auto m = take_number(text, 2);
    if (!m || !take_char(text, '-')) return std::nullopt;
    const auto d = take_number(text, 2);
    if (!d || *y == 0) return std::nullopt;
    const std::chrono::year_month_day day{std::chrono::year{*y}, std::chrono::month{static_cast<unsigned>(*m)},
                                          std::chrono::day{static_cast<unsigned>(*d)}};
    if (!day.ok()) return std::nullopt;
    return std::chrono::sys_days{day}.time_since_epoch().count();
}

/// Takes HH:MM[:SS[.fff]] off the front; seconds since midnight.
std::optional<std::int64_t> take_clock(std::string_view& text) {
    const auto h = take_number(text, 2);
    if (!h || !take_char(text, ':')) return std::nullopt;
    const auto m = take_number(text, 2);
    if (!m || *h > 23 || *m > 59) return std::nullopt;
    int s = 0;
    if (take_char(text, ':')) {
        const auto seconds = take_number(text, 2);
        if (!seconds || *seconds > 59) return std::nullopt;
        s = *seconds;
        if (take_char(text, '.')) {
            if (!take_number(text, 1)) return std::nullopt;
            while (take_number(text, 1)) {
            }
        }
    }
    return *h * 3'600 + *m * 60 + s;
}

/// Takes Z, +HH:MM or +HHMM off the front; seconds east of Greenwich.
std::optional<std::int64_t> take_offset(std::string_view& text) {
    if (take_char(text, 'Z')) return 0;
    const bool west = take_char(text, '-');
    if (!west && !take_char(text, '+')) return std::nullopt;
    const auto h = take_number(text, 2);
    if (!h) return std::nullopt;
    take_char(text, ':');
    const auto m = take_number(text, 2);
    // No zone on earth is further than 14 hours away; more is a slip of the pen.
    if (!m || *h > 14 || *m > 59) return std::nullopt;
    const std::int64_t offset = *h * 3'600 + *m * 60;
    return west ? -offset : offset;
}

std::optional<std::int64_t> parse(std::string_view text) {
    const auto days = take_date(text);
    if (!days) return std::nullopt;
    if (text.empty()) return *days * kDaySeconds - kLocalOffset;
    if (!take_char(text, 'T')) return std::nullopt;
    const auto clock = take_clock(text);
    if (!clock) return std::nullopt;
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;
    return *days * kDaySeconds + *clock - *offset;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

bool is_calendar_date(std::string_view text) { return take_date(text).has_value() && text.empty(); }

Result<std::int64_t> parse_time_seconds(std::string_view text) {
    if (const auto seconds = parse(text)) return *seconds;
    return fail(Errc::bad_input,
                "不是真实存在的时间，请写成 2025-01-31 或 2025-01-31T08:00:00+08:00 / "
                "not a real time; write it as 2025-01-31 or 2025-01-31T08:00:00+08:00");
}

std::string format_local(std::int64_t ms) {
    const std::int64_t local = floor_div(ms, 1'000) + kLocalOffset;
    const std::int64_t days = floor_div(local, kDaySeconds);
    const int clock = static_cast<int>(local - days * kDaySeconds);
    // std::chrono counts years in 16 bits; a time outside them is nonsense from a broken clock, shown at the limit.
    constexpr std::int64_t kDaysLimit = 11'000'000;
    const auto bounded = days < -kDaysLimit ? -kDaysLimit : days > kDaysLimit ? kDaysLimit : days;
    const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::days{bounded}}};
    char text[64];
    const int n = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d+08:00", static_cast<int>(day.year()),
                                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()), clock / 3'600,
                                clock / 60 % 60, clock % 60);
    return std::string(text, static_cast<std::size_t>(n));
}

}  // namespace taizhang::ledger
