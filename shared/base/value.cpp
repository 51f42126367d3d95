#include "base/value.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace taizhang {

namespace {
constexpr std::int64_t kPow10[] = {1,       10,        100,        1'000,       10'000,
                                   100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
}

void Decimal::normalise() {
    while (scale > 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        --scale;
    }
}

std::optional<Decimal> Decimal::parse(std::string_view text) {
    std::size_t i = 0;
    bool negative = false;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) negative = text[i++] == '-';
    std::uint64_t m = 0;
    int scale = 0;
    bool digits = false, point = false;
    for (; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            if (m > 922337203685477579ULL) return std::nullopt;
            m = m * 10 + static_cast<std::uint64_t>(c - '0');
            scale += point;
            digits = true;
        } else {
            break;
        }
    }
    if (!digits) return std::nullopt;
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        int e = 0;
        auto first = text.data() + i + 1;
        if (first < text.data() + text.size() && *first == '+') ++first;
        auto [p, ec] = std::from_chars(first, text.data() + text.size(), e);
        if (ec != std::errc{} || e < -30 || e > 30) return std::nullopt;
        scale -= e;
        i = static_cast<std::size_t>(p - text.data());
    }
    if (i != text.size()) return std::nullopt;
    while (scale > 0 && m % 10 == 0 && m != 0) {
        m /= 10;
        --scale;
    }
    if (m == 0) scale = 0;
    while (scale < 0) {
        if (m > 922337203685477580ULL) return std::nullopt;
        m *= 10;
        ++scale;
    }
    if (scale > kScaleMax || m > 9223372036854775807ULL) return std::nullopt;
    Decimal d{negative ? -static_cast<std::int64_t>(m) : static_cast<std::int64_t>(m),
              static_cast<std::uint8_t>(scale)};
    return d;
}

std::optional<Decimal> Decimal::from_double(double v) {
    if (!std::isfinite(v)) return std::nullopt;
    char buf[40];
    const auto [p, ec] = std::to_chars(buf, buf + sizeof buf, v);
    if (ec != std::errc{}) return std::nullopt;
    if (auto d = parse({buf, static_cast<std::size_t>(p - buf)})) return d;
    // More digits than we keep: round to nine behind the point.
    const int n = std::snprintf(buf, sizeof buf, "%.9f", v);
    if (n <= 0 || n >= static_cast<int>(sizeof buf)) return std::nullopt;
    return parse({buf, static_cast<std::size_t>(n)});
}

std::string Decimal::str() const {
    if (scale == 0) return std::to_string(mantissa);
    const bool negative = mantissa < 0;
    std::string digits =
        std::to_string(negative ? 0 - static_cast<std::uint64_t>(mantissa) : static_cast<std::uint64_t>(mantissa));
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, 1, '.');
    return negative ? "-" + digits : digits;
}

double Decimal::to_double() const { return static_cast<double>(mantissa) / static_cast<double>(kPow10[scale]); }

std::optional<Decimal> Decimal::add(Decimal a, Decimal b) {
    if (a.scale < b.scale) std::swap(a, b);
    std::int64_t widened, sum;
    if (__builtin_mul_overflow(b.mantissa, kPow10[a.scale - b.scale], &widened)) return std::nullopt;
    if (__builtin_add_overflow(a.mantissa, widened, &sum)) return std::nullopt;
    Decimal d{sum, a.scale};
    d.normalise();
    return d;
}

void ValueView::write(Writer& w) const {
    w.u8(static_cast<std::uint8_t>(kind) | static_cast<std::uint8_t>(number.scale << 4));
    if (kind == Kind::number) w.zigzag(number.mantissa);
    if (kind == Kind::text || kind == Kind::blob) w.str(text);
}

ValueView ValueView::read_unchecked(Reader& r) {
    ValueView v;
    const auto tag = r.u8();
    const auto scale = static_cast<std::uint8_t>(tag >> 4);
    switch (tag & 15) {
        case 0:
            if (scale != 0) r.poison();
            break;
        case 1:
            v.kind = Kind::number;
            v.number = Decimal{r.zigzag(), scale};
            if (scale > Decimal::kScaleMax || (scale > 0 && v.number.mantissa % 10 == 0)) r.poison();
            break;
        case 2:
        case 3:
            if (scale != 0) r.poison();
            v.kind = (tag & 15) == 2 ? Kind::text : Kind::blob;
            v.text = r.str();
            break;
        default: r.poison();
    }
    return r.ok() ? v : ValueView{};
}

Value ValueView::copy() const {
    switch (kind) {
        case Kind::null: return Value::null();
        case Kind::number: return Value::number(number);
        case Kind::text: return Value::text(std::string(text));
        case Kind::blob: return Value::blob(std::string(text));
    }
    return Value::null();
}

std::string Value::display() const {
    switch (kind_) {
        case Kind::null: return "—";
        case Kind::number: return number_.str();
        case Kind::text: return text_;
        case Kind::blob: return "0x" + to_hex(text_);
    }
    return {};
}

}  // namespace taizhang
