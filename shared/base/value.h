// value.h - what a field can hold, and its one encoding.
//
// Numbers are exact decimals (mantissa x 10^-scale, trailing zeros removed), so
// that no rule of the fold ever meets floating point and 30, 30.0 and 3e1 are one
// value with one encoding. Text is UTF-8. Dates and times are ISO 8601 text.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace taizhang {

struct Decimal {
    std::int64_t mantissa = 0;
    std::uint8_t scale = 0;  ///< digits behind the point, at most kScaleMax
    static constexpr std::uint8_t kScaleMax = 9;

    bool operator==(const Decimal&) const = default;

    static Decimal of(std::int64_t v) { return Decimal{v, 0}; }
    /// Parses "12", "-3.50", "1.2e3"; nothing when it is not a number or not exact in range.
    static std::optional<Decimal> parse(std::string_view text);
    /// Nearest decimal of at most kScaleMax digits that prints as `v` does.
    static std::optional<Decimal> from_double(double v);
    std::string str() const;
    double to_double() const;
    void normalise();
    /// Nothing on overflow.
    static std::optional<Decimal> add(Decimal a, Decimal b);
};

class Value;

/// An encoded value read in place: text and blob point into the bytes they came from.
struct ValueView {
    enum class Kind : std::uint8_t { null = 0, number = 1, text = 2, blob = 3 };
    Kind kind = Kind::null;
    Decimal number;
    std::string_view text;

    bool is_null() const { return kind == Kind::null; }
    /// Poisons the reader on anything but the one encoding of a value; text must be UTF-8.
    static ValueView read(Reader& r) {
        const auto v = read_unchecked(r);
        if (v.kind == Kind::text && !is_utf8(v.text)) r.poison();
        return v;
    }
    /// `encoded` is exactly one value that was checked before.
    static ValueView of(std::string_view encoded) {
        Reader r(encoded);
        return read_unchecked(r);
    }
    static ValueView read_unchecked(Reader& r);
    /// A number must be normalised.
    void write(Writer& w) const;
    Value copy() const;
};

class Value {
public:
    using Kind = ValueView::Kind;
    Value() = default;
    static Value null() { return {}; }
    static Value number(Decimal d) {
        Value v;
        v.kind_ = Kind::number;
        d.normalise();
        v.number_ = d;
        return v;
    }
    static Value integer(std::int64_t i) { return number(Decimal::of(i)); }
    static Value text(std::string s) {
        Value v;
        v.kind_ = Kind::text;
        v.text_ = std::move(s);
        return v;
    }
    static Value blob(std::string s) {
        Value v;
        v.kind_ = Kind::blob;
        v.text_ = std::move(s);
        return v;
    }

    Kind kind() const { return kind_; }
    bool is_null() const { return kind_ == Kind::null; }
    const Decimal& as_number() const { return number_; }
    const std::string& as_text() const { return text_; }
    bool operator==(const Value&) const = default;

    ValueView view() const { return {kind_, number_, text_}; }
    void write(Writer& w) const { view().write(w); }
    std::string encoded() const {
        std::string s;
        Writer w(s);
        write(w);
        return s;
    }
    static Value read(Reader& r) { return ValueView::read(r).copy(); }
    /// For people and for lines; not reversible.
    std::string display() const;

private:
    Kind kind_ = Kind::null;
    Decimal number_;
    std::string text_;
};

}  // namespace taizhang
