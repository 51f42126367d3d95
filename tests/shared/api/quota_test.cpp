#include "api/quota.h"

#include <catch2/catch.hpp>

namespace taizhang::quota_test {
using api::Quota;
using api::Strangers;

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

TEST_CASE("strangers: a flood from one address is refused unheard, and nobody else is", "[api][quota]") {
    Strangers s;
    std::int64_t now = 1000;
    int spoke = 0;
    for (int i = 0; i < 2000; ++i) {
        if (!s.let_speak("10.0.0.9", now)) continue;
        ++spoke;
        s.heard("10.0.0.9", false, now);
    }
    CHECK(spoke == static_cast<int>(Strangers::kRequests.most));
    const auto refused = s.let_speak("10.0.0.9", now);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::busy);
    CHECK(s.let_speak("10.0.0.8", now).has_value());
    CHECK(s.let_speak("", now).has_value());  // this PC
    now += 2000;
    CHECK(s.let_speak("10.0.0.9", now).has_value());
    s.heard("10.0.0.9", false, now);
    CHECK_FALSE(s.let_speak("10.0.0.9", now).has_value());
    // Who is enrolled and shares the address with the flood is heard, once he has been.
    s.heard("10.0.0.9", true, now);
    for (int i = 0; i < 500; ++i) {
        REQUIRE(s.let_speak("10.0.0.9", now).has_value());
        s.heard("10.0.0.9", false, now);
    }
    now += Strangers::kKnownMs + 1;
    CHECK(s.let_speak("10.0.0.9", now).has_value());  // and the purse has filled up
}

TEST_CASE("strangers: many addresses at once share what is left", "[api][quota]") {
    Strangers s;
    const std::int64_t now = 1000;
    for (std::size_t i = 0; i < Strangers::kAddressesMax; ++i) s.heard(std::to_string(i), false, now);
    int spoke = 0;
    for (int i = 0; i < 5000; ++i) {
        const auto address = "x" + std::to_string(i);
        if (!s.let_speak(address, now)) continue;
        ++spoke;
        s.heard(address, false, now);
    }
    CHECK(spoke == static_cast<int>(Strangers::kRequests.most));
    CHECK(s.let_speak("y", now + Strangers::kKnownMs + 60'000).has_value());
}

TEST_CASE("strangers: whose purse an address has", "[api][quota]") {
    CHECK(api::network_of("127.0.0.1").empty());
    CHECK(api::network_of("::1").empty());
    CHECK(api::network_of("10.1.2.3") == "10.1.2.3");
    CHECK(api::network_of("2001:db8:0:1:aaaa::1") == api::network_of("2001:db8:0:1:bbbb:cccc:dddd:1"));
    CHECK(api::network_of("2001:db8:0:2::1") != api::network_of("2001:db8:0:1::1"));
    CHECK(api::network_of("2001:db8::1") == "2001:db8");
}

}  // namespace taizhang::quota_test
