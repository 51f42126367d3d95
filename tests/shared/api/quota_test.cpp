#include "api/quota.h"

#include <catch2/catch.hpp>

using namespace taizhang;
using api::Quota;

TEST_CASE("quota: a flood is told how long to wait, and only its own device", "[api][quota]") {
    Quota q;
    std::int64_t now = 1000;
    int taken = 0;
    Result<> last;
    for (int i = 0; i < 2000; ++i) {
        last = q.take("a", 200, now);
        taken += last.has_value();
    }
    CHECK(taken == static_cast<int>(Quota::kRequests.most));
    REQUIRE_FALSE(last.has_value());
    CHECK(last.error().code == Errc::busy);
    CHECK(last.error().detail.find(" 1 s") != std::string::npos);
    CHECK(q.take("b", 200, now).has_value());
    // What it may do in ten seconds, and no more.
    now += 10'000;
    taken = 0;
    for (int i = 0; i < 2000; ++i) taken += q.take("a", 200, now).has_value();
    CHECK(taken == static_cast<int>(10 * Quota::kRequests.per_second));
    now += 3'600'000;
    CHECK(q.take("a", 200, now).has_value());
}

TEST_CASE("quota: bytes count, a clock that goes back gives nothing", "[api][quota]") {
    Quota q;
    const std::size_t mib = 1 << 20;
    std::int64_t now = 5000;
    std::size_t sent = 0;
    const auto send = [&](std::size_t bytes, std::int64_t at) { return q.take("a", bytes, at).has_value(); };
    while (send(8 * mib, now)) sent += 8 * mib;
    CHECK(sent == static_cast<std::size_t>(Quota::kBytes.most));
    CHECK_FALSE(send(mib, now - 4000));
    CHECK_FALSE(send(mib, now - 1000));
    CHECK_FALSE(send(mib, now));
    CHECK(send(mib, now + 10'000));
}

TEST_CASE("quota: who asks as often as any schedule does is never held up", "[api][quota]") {
    Quota q;
    std::int64_t now = 0;
    for (int i = 0; i < 20'000; ++i) {
        REQUIRE(q.take("a", 256 * 1024, now).has_value());
        now += i < 500 ? 20 : 200;  // a new PC that fetches everything, then photo after photo
    }
}
