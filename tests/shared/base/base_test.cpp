#include "base/value.h"

#include <catch2/catch.hpp>

namespace taizhang::base_test {
namespace {

TEST_CASE("equal numbers have one encoding, exact to nine digits behind the point", "[base]") {
    CHECK(Value::number(*Decimal::parse("30")).encoded() == Value::number(*Decimal::parse("30.0")).encoded());
    CHECK(Decimal::parse("3e1")->str() == "30");
    CHECK(Decimal::parse("-0.50")->str() == "-0.5");
    CHECK(Decimal::parse("0.1")->to_double() == 0.1);
    CHECK(Decimal::parse("15.5")->to_double() == 15.5);
    for (const char* bad :
         {"", "x", "1.2.3", "1e99", "0.1234567891", "99999999999999999999", "--1", "1 ", " 1", "1e", "nan", "inf"}) {
        INFO(bad);
        CHECK_FALSE(Decimal::parse(bad).has_value());
    }
    CHECK_FALSE(Decimal::add(Decimal::of(INT64_MAX), Decimal::of(1)).has_value());
    CHECK(Decimal::add(*Decimal::parse("0.1"), *Decimal::parse("0.2"))->str() == "0.3");
}

TEST_CASE("values come back from their encoding, and nothing else is one", "[base]") {
    for (const auto& v : {Value::null(), Value::integer(-7), Value::number(*Decimal::parse("1.5")), Value::text("中文"),
                          Value::text(""), Value::blob(std::string("\0\xff", 2))}) {
        const auto bytes = v.encoded();
        Reader r(bytes);
        CHECK(Value::read(r) == v);
        CHECK(r.done());
    }
    for (const std::string& bad : {std::string("\x04"), std::string("\x10"), std::string("\x11\x14"),
                                   std::string("\x02\x05"
                                               "ab"),
                                   std::string("\x02\x02\xff\xff"), std::string()}) {
        Reader r(bad);
        (void)Value::read(r);
        CHECK_FALSE(r.done());
    }
}

TEST_CASE("varints have one encoding and never read past the end", "[base]") {
    for (const std::uint64_t v :
         {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        std::string out;
        Writer(out).varint(v);
        Reader r(out);
        CHECK(r.varint() == v);
        CHECK(r.done());
    }
    for (const std::int64_t v : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN})
        CHECK(from_zigzag(zigzag_of(v)) == v);
    for (const std::string& bad :
         {std::string("\x80"), std::string("\x80\x00", 2), std::string(10, '\xff'), std::string(11, '\x80')}) {
        Reader r(bad);
        (void)r.varint();
        CHECK_FALSE(r.ok());
    }
}

TEST_CASE("UTF-8 is well-formed or it is not UTF-8", "[base]") {
    for (const char* good :
         {"", "abc", "台账", "é", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"})
        CHECK(is_utf8(good));
    for (const char* bad : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                            "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe5\x8f", "a\xff", "\xe5\x28\x80"})
        CHECK_FALSE(is_utf8(bad));
}

/// By table 3-7 of the Unicode standard, byte for byte.
bool is_well_formed(const std::string& s) {
    std::size_t i = 0;
    const auto in = [&](std::size_t at, int low, int high) {
        const int byte = at < s.size() ? static_cast<unsigned char>(s[at]) : -1;
        return byte >= low && byte <= high;
    };
    while (i < s.size()) {
        if (in(i, 0x00, 0x7f))
            i += 1;
        else if (in(i, 0xc2, 0xdf) && in(i + 1, 0x80, 0xbf))
            i += 2;
        else if (((in(i, 0xe0, 0xe0) && in(i + 1, 0xa0, 0xbf)) || (in(i, 0xed, 0xed) && in(i + 1, 0x80, 0x9f)) ||
                  ((in(i, 0xe1, 0xec) || in(i, 0xee, 0xef)) && in(i + 1, 0x80, 0xbf))) &&
                 in(i + 2, 0x80, 0xbf))
            i += 3;
        else if (((in(i, 0xf0, 0xf0) && in(i + 1, 0x90, 0xbf)) || (in(i, 0xf1, 0xf3) && in(i + 1, 0x80, 0xbf)) ||
                  (in(i, 0xf4, 0xf4) && in(i + 1, 0x80, 0x8f))) &&
                 in(i + 2, 0x80, 0xbf) && in(i + 3, 0x80, 0xbf))
            i += 4;
        else
            return false;
    }
    return true;
}

TEST_CASE("UTF-8 in long runs, which are looked at by words", "[base]") {
    std::string chinese, mixed;
    while (chinese.size() < 60) chinese += "台账";
    while (mixed.size() < 60) mixed += "2026-11 村";
    std::size_t good = 0, bad = 0;
    for (const auto& text : {chinese, mixed, std::string(60, 'a')})
        for (std::size_t at = 0; at < text.size(); ++at)
            for (int byte = 0; byte < 256; ++byte) {
                auto s = text;
                s[at] = static_cast<char>(byte);
                const bool is_good = is_well_formed(s);
                (is_good ? good : bad) += 1;
                if (is_utf8(s) != is_good) FAIL("byte " << byte << " at " << at << " of " << text);
            }
    CHECK(good > 10'000);
    CHECK(bad > 10'000);
}

TEST_CASE("text from elsewhere cannot rewrite a terminal", "[base]") {
    CHECK(is_line("台账 A1"));
    for (const char* bad : {"a\nb", "\x1b[2J", "a\x7f",
                            "\xc2\x9b"
                            "2J",
                            "\xff"})
        CHECK_FALSE(is_line(bad));
    CHECK(for_terminal("第一行\n\t第二行 é\n") == "第一行\n\t第二行 é\n");
    CHECK(for_terminal("\x1b[2J\r\xc2\x9b"
                       "2J") == "?[2J??2J");
}

}  // namespace
}  // namespace taizhang::base_test
