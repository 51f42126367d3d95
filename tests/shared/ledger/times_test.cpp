#include "ledger/times.h"

#include <catch2/catch.hpp>

namespace taizhang::ledger::times_test {

TEST_CASE("times: a time is the same instant whatever its offset", "[ledger][times]") {
    CHECK(*parse_time_seconds("1970-01-01T00:00:00Z") == 0);
    CHECK(*parse_time_seconds("1970-01-01T08:00:00+08:00") == 0);
    CHECK(*parse_time_seconds("2025-11-06T18:00:00+08:00") == 1762423200);
    CHECK(*parse_time_seconds("2025-11-06T10:00:00Z") == 1762423200);
    CHECK(*parse_time_seconds("2025-11-06T05:30:00-0430") == 1762423200);
    CHECK(*parse_time_seconds("2025-11-06T18:00+08:00") == 1762423200);
    CHECK(*parse_time_seconds("2025-11-06T18:00:00.999+08:00") == 1762423200);
    CHECK(*parse_time_seconds("1969-12-31T23:59:59Z") == -1);
}

TEST_CASE("times: a plain date is midnight at +08:00", "[ledger][times]") {
    CHECK(*parse_time_seconds("2025-11-06") == *parse_time_seconds("2025-11-06T00:00:00+08:00"));
    CHECK(*parse_time_seconds("2024-02-29") == 1709136000);
}

TEST_CASE("times: what is no real time is refused", "[ledger][times]") {
    const auto text =
        GENERATE(as<std::string>{}, "", "2025", "2025-2-01", "2025-02-30", "2025-02-29", "2025-13-01", "2025-00-10",
                 "2025-01-00", "0000-01-01", "2025-01-32", "2025/01/01", "20250101", "2025-01-01T08:00:00",
                 "2025-01-01 08:00:00+08:00", "2025-01-01T24:00:00+08:00", "2025-01-01T08:60:00+08:00",
                 "2025-01-01T08:00:60Z", "2025-01-01T08:00:00+15:00", "2025-01-01T08:00:00+08:60",
                 "2025-01-01T08:00:00+8", "2025-01-01T08:00:00.Z", "2025-01-01T08:00:00Zx", "2025-01-01T", "T08:00:00Z",
                 "2025-01-01Z", " 2025-01-01", "下月初", "-025-01-01", "2025-01-01T+8:00:00Z");
    INFO(text);
    const auto r = parse_time_seconds(text);
    REQUIRE(!r);
    CHECK(r.error().code == taizhang::Errc::bad_input);
}

TEST_CASE("times: a calendar date is a date only", "[ledger][times]") {
    CHECK(is_calendar_date("2025-12-31"));
    CHECK(is_calendar_date("2000-02-29"));
    CHECK(!is_calendar_date("1900-02-29"));
    CHECK(!is_calendar_date("2025-12-31T00:00:00+08:00"));
    CHECK(!is_calendar_date("2025-12-3"));
    CHECK(!is_calendar_date(""));
}

TEST_CASE("times: printed times read back as the second they began in", "[ledger][times]") {
    CHECK(format_local(0) == "1970-01-01T08:00:00+08:00");
    CHECK(format_local(-1) == "1970-01-01T07:59:59+08:00");
    CHECK(format_local(1762423200999) == "2025-11-06T18:00:00+08:00");
    for (std::int64_t s = -62'000'000'000; s < 250'000'000'000; s += 987'654'321) {
        INFO(s);
        CHECK(*parse_time_seconds(format_local(s * 1000)) == s);
    }
    // No crash on what only a broken clock says.
    CHECK(!format_local(INT64_MAX).empty());
    CHECK(!format_local(INT64_MIN).empty());
}

}  // namespace taizhang::ledger::times_test
