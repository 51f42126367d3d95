#include "people/accounts.h"
#include "people/attempts.h"
#include "people/sessions.h"
#include "trust/password.h"

#include <catch2/catch.hpp>

#include <random>

namespace taizhang::people::people_test {
namespace {

constexpr std::int64_t kMinute = 60'000;

/// Secrets of a seed.
Sessions::Random counted() {
    return [rng = std::make_shared<std::mt19937_64>(7)](std::span<std::uint8_t> out) {
        for (auto& b : out) b = static_cast<std::uint8_t>((*rng)());
    };
}

Accounts office() {
    Accounts a;
    REQUIRE(a.add("zhang", "张书记", kSecretary, "hash").has_value());
    REQUIRE(a.add("root", "王主任", kAdministrator | kTownshipOfficer, "hash").has_value());
    return a;
}

TEST_CASE("accounts: what was written is read again, and a damaged file is not taken for nobody", "[people]") {
    auto a = office();
    REQUIRE(a.note("zhang", "device", "10.0.0.1", 5));
    const auto read = Accounts::decode(a.encode());
    REQUIRE(read.has_value());
    REQUIRE(read->all().size() == 2);
    CHECK(read->find("ZHANG")->name == "张书记");
    CHECK(read->find("root")->roles == (kAdministrator | kTownshipOfficer));
    CHECK(Accounts::knows(read->find("zhang")->devices, "device", 6, kDeviceKnownMs));
    CHECK_FALSE(Accounts::knows(read->find("zhang")->devices, "device", 6 + kDeviceKnownMs, kDeviceKnownMs));
    for (const std::string& bytes :
         {std::string(), std::string("{}"), a.encode().substr(0, 40), std::string("{\"format\":2,\"accounts\":[]}")})
        CHECK_FALSE(Accounts::decode(bytes).has_value());
}

TEST_CASE("accounts: names are told apart, and one administrator is always left", "[people]") {
    auto a = office();
    CHECK(a.add("Zhang", "另一人", kClerk, "h").error().code == Errc::not_allowed);
    CHECK(a.add("li", "张书记", kClerk, "h").error().code == Errc::not_allowed);  // commits are signed by the name
    CHECK(a.add("a b", "李", kClerk, "h").error().code == Errc::bad_input);
    CHECK(a.add("li", "<b>", kClerk, "h").error().code == Errc::bad_input);
    CHECK(a.remove("root").error().code == Errc::not_allowed);
    CHECK(a.set_roles("root", kClerk).error().code == Errc::not_allowed);
    CHECK(a.set_roles("nobody", kClerk).error().code == Errc::not_found);
    REQUIRE(a.set_roles("zhang", kAdministrator).has_value());
    CHECK(a.remove("root").has_value());
    CHECK(a.remove("zhang").has_value());  // the last account of all may go
    CHECK(a.empty());
}

TEST_CASE("accounts: a new password forgets the browsers that knew the old one", "[people]") {
    auto a = office();
    REQUIRE(a.note("zhang", "device", "10.0.0.1", 5));
    CHECK_FALSE(a.note("zhang", "device", "10.0.0.1", 6));  // not for every sign-in of a day
    const auto before = a.find("zhang")->password_no;
    REQUIRE(a.set_password("zhang", "new").has_value());
    CHECK(a.find("zhang")->devices.empty());
    CHECK(a.find("zhang")->password_no == before + 1);
}

TEST_CASE("roles: an officer's is that of the unit's own level", "[people]") {
    CHECK(*roles_from("clerk,administrator") == (kClerk | kAdministrator));
    CHECK(roles_from("boss").error().code == Errc::usage);
    CHECK(roles_from("").error().code == Errc::usage);
    CHECK(check_level(kCityOfficer, Level::city).has_value());
    CHECK(check_level(kCityOfficer, Level::township).error().code == Errc::usage);
    CHECK(check_level(kCountyOfficer | kClerk, Level::branch).error().code == Errc::usage);
    CHECK(names_of(kEverybody) == "clerk,secretary,township_officer,county_officer,city_officer,administrator");
}

TEST_CASE("password: ten characters of any kind, hashed with the memory that Argon2id needs", "[people]") {
    CHECK(trust::check_new_password("九个字的密码不够长").error().code == Errc::bad_input);
    CHECK(trust::check_new_password("十个字的密码就够长了").has_value());
    CHECK(trust::check_new_password("          ").has_value());
    CHECK(trust::check_new_password(std::string(2000, 'x')).error().code == Errc::bad_input);
    const auto hash = trust::hash_password("correct horse");
    REQUIRE(hash.has_value());
    CHECK(hash->starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    CHECK(hash->find("correct") == std::string::npos);
    CHECK(trust::is_password(*hash, "correct horse"));
    CHECK_FALSE(trust::is_password(*hash, "correct horsf"));
    CHECK_FALSE(trust::is_password("", ""));
    CHECK_FALSE(trust::is_password(trust::nobodys_hash(), ""));
}

TEST_CASE("sessions: cookie and page's key are both needed, and neither is kept", "[people]") {
    Sessions s({}, counted());
    const auto a = s.open("zhang", 1, 0), b = s.open("li", 1, 0);
    CHECK(a.cookie.size() == 64);
    REQUIRE(s.find(a.cookie, a.page, Sessions::Key::page, 1, true));
    CHECK(s.find(a.cookie, a.page, Sessions::Key::page, 1, true)->account == "zhang");
    CHECK_FALSE(s.find(a.cookie, "", Sessions::Key::page, 1, true));
    CHECK_FALSE(s.find("", a.page, Sessions::Key::page, 1, true));
    CHECK_FALSE(s.find(a.cookie, b.page, Sessions::Key::page, 1, true));
    CHECK_FALSE(s.find(a.cookie, a.content, Sessions::Key::page, 1, true));
    CHECK(s.find(a.cookie, a.content, Sessions::Key::content, 1, true));
    const auto kept = s.encode();
    for (const auto& secret : {a.cookie, a.page, a.content, b.cookie}) {
        CHECK(kept.find(secret) == std::string::npos);
        CHECK(kept.find(from_hex(secret)) == std::string::npos);
    }
    Sessions again({}, counted());
    again.decode(kept);
    CHECK(again.find(b.cookie, b.page, Sessions::Key::page, 1, true));
    again.decode("TZSE\x01garbage");
    CHECK(again.size() == 2);
}

TEST_CASE("sessions: they end after resting, after so long in all, and when they are closed", "[people]") {
    Sessions s({30 * kMinute, 12 * 60 * kMinute, 100 * 60 * kMinute}, counted());
    const auto a = s.open("zhang", 1, 0);
    auto is_there = [&](std::int64_t at, bool used) {
        return s.find(a.cookie, a.page, Sessions::Key::page, at, used) != nullptr;
    };
    CHECK(is_there(29 * kMinute, true));
    CHECK(is_there(58 * kMinute, false));  // the page looks for news: no hand at the PC
    CHECK_FALSE(is_there(60 * kMinute, true));
    CHECK_FALSE(is_there(1, true));  // over is over

    const auto b = s.open("zhang", 1, 0);
    std::int64_t at = 0;
    for (; at <= 12 * 60 * kMinute; at += 20 * kMinute)
        REQUIRE(s.find(b.cookie, b.page, Sessions::Key::page, at, true));
    CHECK_FALSE(s.find(b.cookie, b.page, Sessions::Key::page, at, true));

    const auto launched = s.open("", 0, 0);
    CHECK(s.find(launched.cookie, launched.page, Sessions::Key::page, 99 * 60 * kMinute, false));
    s.close(launched.cookie);
    CHECK_FALSE(s.find(launched.cookie, launched.page, Sessions::Key::page, 1, false));
    const auto c = s.open("zhang", 1, 0), d = s.open("li", 1, 0);
    s.close_if([](const Session& x) { return x.account == "zhang"; });
    CHECK_FALSE(s.find(c.cookie, c.page, Sessions::Key::page, 1, false));
    CHECK(s.find(d.cookie, d.page, Sessions::Key::page, 1, false));
}

TEST_CASE("sessions: one person with many of them ends only his own", "[people]") {
    Sessions s({}, counted());
    const auto other = s.open("li", 1, 0);
    for (int i = 0; i < 100; ++i) s.open("zhang", 1, i + 1);
    CHECK(s.size() == 21);
    CHECK(s.find(other.cookie, other.page, Sessions::Key::page, 200, false));
}

Caller stranger(std::string account, std::string address) {
    return {std::move(account), std::move(address), "", false, false};
}

TEST_CASE("attempts: a few mistakes cost nothing, then each costs twice as long as the one before", "[people]") {
    Attempts a;
    const auto me = stranger("zhang", "10.0.0.1");
    std::int64_t now = 0;
    for (int i = 0; i < kOfPair.free; ++i) CHECK(a.begin(me, now) == 0);
    CHECK(a.begin(me, now) == 1000);
    now += 1000;
    CHECK(a.begin(me, now) == 0);
    CHECK(a.begin(me, now) == 2000);
    CHECK(a.begin(me, now + 1999) == 1);
    for (int i = 0; i < 40; ++i) now += std::max<std::int64_t>(a.begin(me, now), 1);
    CHECK(a.begin(me, now) <= kOfPair.wait_max_ms);
    CHECK(a.begin(me, now + kForgottenMs + kOfPair.wait_max_ms) == 0);
}

TEST_CASE("attempts: the right password wipes what went before", "[people]") {
    Attempts a;
    const auto me = stranger("zhang", "10.0.0.1");
    for (int i = 0; i < kOfPair.free; ++i) CHECK(a.begin(me, 0) == 0);
    CHECK(a.begin(me, 10'000) == 0);
    a.succeeded(me);
    for (int i = 0; i < kOfPair.free; ++i) CHECK(a.begin(me, 10'000) == 0);
}

TEST_CASE("attempts: who hammers an account locks nobody out of it", "[people]") {
    Attempts a;
    std::int64_t now = 0;
    for (int i = 0; i < 5000; ++i) a.begin(stranger("zhang", "203.0.113." + std::to_string(i)), now);
    // The one who works there: by the browser, or by the address.
    CHECK(a.begin({"zhang", "198.51.100.7", "browser", true, false}, now) == 0);
    CHECK(a.begin({"zhang", "10.0.0.5", "", false, true}, now) == 0);
    // The same office's address, from which somebody guesses too: the browser still gets in.
    for (int i = 0; i < 200; ++i) a.begin({"zhang", "10.0.0.5", "", false, true}, now);
    CHECK(a.begin({"zhang", "10.0.0.5", "", false, true}, now) > 0);
    CHECK(a.begin({"zhang", "10.0.0.5", "browser", true, true}, now) == 0);
    // Other accounts are not touched.
    CHECK(a.begin(stranger("li", "10.0.0.9"), now) == 0);
}

TEST_CASE("attempts: many addresses together guess an account no faster than one", "[people]") {
    Attempts a;
    std::int64_t now = 0;
    int tries = 0;
    for (; now < 3'600'000; now += 250)
        if (a.begin(stranger("zhang", "203.0.113." + std::to_string(now % 4096)), now) == 0) ++tries;
    CHECK(tries <= kOfAccount.free + 6 + 60);  // the free ones, the short waits, then one a minute
    CHECK(tries > kOfAccount.free);
}

TEST_CASE("attempts: one address tries many accounts no faster, and nobody's account is one", "[people]") {
    Attempts a;
    int tries = 0;
    for (int i = 0; i < 1000; ++i)
        if (a.begin(stranger("account" + std::to_string(i), "203.0.113.1"), 0) == 0) ++tries;
    CHECK(tries == kOfAddress.free);
    tries = 0;
    for (int i = 0; i < 1000; ++i)
        if (a.begin(stranger("", "198.51.100." + std::to_string(i)), 0) == 0) ++tries;
    CHECK(tries == kOfAccount.free);
}

TEST_CASE("attempts: what is remembered of them is bounded", "[people]") {
    Attempts a;
    for (int i = 0; i < 100'000; ++i) a.begin({"zhang", "n" + std::to_string(i), "", false, true}, i);
    CHECK(a.size() <= 8200);
}

TEST_CASE("attempts: the neighbours of an IPv6 subscriber are the subscriber", "[people]") {
    CHECK(network_of("192.0.2.1") == "192.0.2.1");
    CHECK(network_of("::ffff:192.0.2.1") == "192.0.2.1");
    CHECK(network_of("2001:db8:1:2:aaaa::1") == network_of("2001:db8:1:2:bbbb:cccc:dddd:eeee"));
    CHECK(network_of("2001:db8:1:2:aaaa::1") != network_of("2001:db8:1:3:aaaa::1"));
    CHECK(network_of("2001:db8::1") == network_of("2001:db8::2"));
    CHECK_FALSE(network_of("::1").empty());
}

}  // namespace
}  // namespace taizhang::people::people_test
