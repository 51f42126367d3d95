#include "log/commit.h"

#include "log/layout.h"

#include <algorithm>

namespace taizhang {

// Layout (schema/COMMIT.md is the contract):
//   u8 format = 1, replica[16], unit str, u8 audience, varint seq, prev[32],
//   varint control, varint catalog, varint time, u8 flags, person str,
//   varint n, n names,
//   rows: { varint entity+1, id str, parts: { u8 tag, varint name, base, reviewed, fields }, u8 0 }, varint 0
constexpr std::uint8_t kFormatMax = 127;  // a number in one byte, whatever comes
using namespace layout;

std::uint32_t CommitWriter::name(std::string_view n) {
    // Rows of one entity repeat their names in the same order: the next one is the likely one.
    const auto next = last_name_ + 1 < names_.size() ? last_name_ + 1 : 0;
    if (next < names_.size() && names_[next] == n) return static_cast<std::uint32_t>(last_name_ = next);
    auto it = std::find(names_.begin(), names_.end(), n);
    if (it == names_.end()) it = names_.insert(names_.end(), std::string(n));
    last_name_ = static_cast<std::size_t>(it - names_.begin());
    return static_cast<std::uint32_t>(last_name_);
}

void CommitWriter::close_part() {
    if (at_ == At::fields || at_ == At::reviews) Writer(body_).varint(0);  // end of fields
    if (at_ == At::reviews) Writer(body_).varint(0);                       // reviews ended without fields
    if (at_ != At::outside) at_ = At::row;
}

void CommitWriter::row(std::string_view entity, std::string_view id) {
    Writer w(body_);
    if (at_ != At::outside) {
        close_part();
        w.u8(0);
    }
    w.varint(name(entity) + 1u);
    w.str(id);
    at_ = At::row;
    ++rows_;
}

void CommitWriter::tag(fold::Op op, std::string_view n, std::span<const VersionId> base, bool same_base,
                       std::uint8_t more) {
    close_part();
    Writer w(body_);
    const auto base_kind = same_base ? kBaseSame : base.empty() ? kBaseNone : base.size() == 1 ? kBaseOne : kBaseMany;
    w.u8(static_cast<std::uint8_t>((static_cast<unsigned>(op) + 1u) | base_kind | more));
    w.varint(name(n));
    if (base_kind == kBaseMany) w.varint(base.size());
    if (base_kind == kBaseOne || base_kind == kBaseMany)
        for (const auto& b : base) w.raw(view(b.bytes));
}

void CommitWriter::part(fold::Op op, std::string_view n, std::span<const VersionId> base, bool same_base) {
    tag(op, n, base, same_base, op == fold::Op::transition ? kReviewed : 0);
    at_ = op == fold::Op::transition ? At::reviews : At::fields;
}

void CommitWriter::reviewed(std::string_view group, std::span<const VersionId> ids) {
    Writer w(body_);
    w.varint(name(group) + 1u);
    w.varint(ids.size());
    for (const auto& id : ids) w.raw(view(id.bytes));
}

void CommitWriter::field(std::string_view n, const Value& value) {
    Writer w(body_);
    if (at_ == At::reviews) w.varint(0);
    at_ = At::fields;
    w.varint(name(n) + 1u);
    value.write(w);
}

void CommitWriter::lone_field(fold::Op op, std::string_view n, std::span<const VersionId> base, bool same_base,
                              const Value& value) {
    tag(op, n, base, same_base, kLoneField);
    Writer w(body_);
    value.write(w);
}

void write_header(Writer& w, const CommitHeader& h) {
    w.u8(kCommitFormat);
    w.raw(view(h.replica.bytes));
    w.str(h.stream.unit);
    w.u8(static_cast<std::uint8_t>(h.stream.audience));
    w.varint(h.seq.value);
    w.raw(view(h.prev.bytes));
    w.varint(h.control.value);
    w.varint(h.catalog);
    w.varint(h.time);
    w.u8(h.time_unverified ? kFlagTimeUnverified : 0);
    w.str(h.person);
}

std::string CommitWriter::finish(const CommitHeader& h) {
    if (at_ != At::outside) {
        close_part();
        Writer(body_).u8(0);
    }
    Writer(body_).varint(0);
    std::string out;
    out.reserve(body_.size() + 256);
    Writer w(out);
    write_header(w, h);
    w.varint(names_.size());
    for (const auto& n : names_) w.str(n);
    w.raw(body_);
    body_.clear();
    names_.clear();
    last_name_ = rows_ = 0;
    at_ = At::outside;
    return out;
}

namespace {

/// The first fields, which every format has.
bool read_place(Reader& r, CommitHeader& h) {
    h = {};
    h.format = r.u8();
    h.replica.bytes = r.array<16>();
    h.stream.unit = std::string(r.str());
    const auto audience = r.u8();
    h.stream.audience = static_cast<Audience>(audience);
    h.seq = Seq{r.varint()};
    h.prev.bytes = r.array<32>();
    const bool fits = h.format >= 1 && h.format <= kFormatMax && audience <= 1 && !h.stream.unit.empty() &&
                      h.stream.unit.size() <= kUnitMax && h.seq.value >= 1 && h.seq.value < kTimeMax &&
                      (h.seq.value == 1) == h.prev.is_zero() && is_line(h.stream.unit);
    if (!fits) r.poison();
    return r.ok();
}

bool read_rest(Reader& r, CommitHeader& h) {
    h.control = ControlPos{r.varint()};
    const auto catalog = r.varint();
    h.catalog = static_cast<std::uint32_t>(catalog);
    h.time = r.varint();
    const auto flags = r.u8();
    h.time_unverified = flags & kFlagTimeUnverified;
    h.person = std::string(r.str());
    const bool fits = h.control.value < kTimeMax && catalog >= 1 && catalog < (1u << 30) && h.time < kTimeMax &&
                      flags <= 1 && h.person.size() <= kPersonMax && is_utf8(h.person);
    if (!fits) r.poison();
    return r.ok();
}

/// Reads the rows into a Commit's flat tables.
class Body {
public:
    Body(Commit& c, Reader& r, Commit::Text text) : c_(c), r_(r), text_(text) {}

    void read() {
        const auto n = r_.size();
        if (n > kNamesMax) r_.poison();
        for (std::size_t i = 0; i < n && r_.ok(); ++i) {
            c_.names.push_back(r_.str());
            if (c_.names.back().empty() || c_.names.back().size() > kNameMax || !is_utf8(c_.names.back())) r_.poison();
            // A name has one number, so that comparing numbers compares names.
            for (std::size_t k = 0; k < i; ++k)
                if (c_.names[k] == c_.names[i]) r_.poison();
        }
        while (r_.ok()) {
            const auto e = r_.varint();
            if (e == 0) break;
            row(e - 1);
        }
        if (c_.rows.empty() || !rows_are_distinct()) r_.poison();
    }

private:
    std::uint32_t name(std::uint64_t i) {
        if (i >= c_.names.size()) {
            r_.poison();
            return 0;
        }
        return static_cast<std::uint32_t>(i);
    }

    void row(std::uint64_t entity) {
        RowRec row;
        row.entity = name(entity);
        row.id = r_.str();
        if (row.id.empty() || row.id.size() > kRowIdMax) r_.poison();
        row.part_first = static_cast<std::uint32_t>(c_.parts.size());
        while (r_.ok()) {
            const auto tag = r_.u8();
            if (tag == 0) break;
            part(tag, row.part_first);
        }
        row.part_count = static_cast<std::uint32_t>(c_.parts.size()) - row.part_first;
        if (row.part_count == 0) r_.poison();
        c_.rows.push_back(row);
    }

    void part(std::uint8_t tag, std::uint32_t row_first) {
        PartRec p;
        const auto op = tag & kOpMask;
        if (op == 0 || (tag & ~(kOpMask | kBaseMask | kReviewed | kLoneField))) return r_.poison();
        p.op = static_cast<fold::Op>(op - 1);
        if (((tag & kReviewed) != 0) != (p.op == fold::Op::transition)) return r_.poison();
        if ((tag & kLoneField) && p.op == fold::Op::transition) return r_.poison();
        p.name = name(r_.varint());
        for (auto i = row_first; i < c_.parts.size(); ++i) {
            const auto& q = c_.parts[i];
            const bool both_flow = q.op == fold::Op::transition && p.op == fold::Op::transition;
            const bool same_group = q.op != fold::Op::transition && p.op != fold::Op::transition && q.name == p.name;
            if (both_flow || same_group) return r_.poison();
        }
        base(tag & kBaseMask, p, row_first);
        p.review_first = static_cast<std::uint32_t>(c_.reviews.size());
        if (tag & kReviewed) reviews();
        p.review_count = static_cast<std::uint32_t>(c_.reviews.size()) - p.review_first;
        p.field_first = static_cast<std::uint32_t>(c_.fields.size());
        if (tag & kLoneField)
            field(p.name);
        else
            fields();
        p.field_count = static_cast<std::uint32_t>(c_.fields.size()) - p.field_first;
        c_.parts.push_back(p);
    }

    void base(std::uint8_t kind, PartRec& p, std::uint32_t row_first) {
        if (kind == kBaseSame) {
            if (c_.parts.size() == row_first) return r_.poison();
            p.base_first = c_.parts.back().base_first;
            p.base_count = c_.parts.back().base_count;
            return;
        }
        const auto n = kind == kBaseNone ? 0 : kind == kBaseOne ? 1 : r_.size();
        if (kind == kBaseMany && n < 2) r_.poison();
        ids(n, p.base_first, p.base_count);
    }

    void ids(std::size_t n, std::uint32_t& first, std::uint32_t& count) {
        first = static_cast<std::uint32_t>(c_.bases.size());
        for (std::size_t i = 0; i < n && r_.ok(); ++i) {
            c_.bases.push_back(VersionId{r_.array<16>()});
            // One set, one encoding: ascending, none twice.
            if (i > 0 && !(c_.bases[c_.bases.size() - 2] < c_.bases.back())) r_.poison();
        }
        count = static_cast<std::uint32_t>(c_.bases.size()) - first;
    }

    void reviews() {
        while (r_.ok()) {
            const auto g = r_.varint();
            if (g == 0) return;
            ReviewRec rec;
            rec.group = name(g - 1);
            ids(r_.size(), rec.first, rec.count);
            c_.reviews.push_back(rec);
        }
    }

    void field(std::uint32_t n) {
        Reader start = r_;
        const auto before = r_.offset();
        (void)(text_ == Commit::Text::checked ? ValueView::read_unchecked(r_) : ValueView::read(r_));
        c_.fields.push_back({n, r_.ok() ? start.raw(r_.offset() - before) : std::string_view()});
    }

    void fields() {
        const auto first = c_.fields.size();
        while (r_.ok()) {
            const auto n = r_.varint();
            if (n == 0) return;
            const auto i = name(n - 1);
            for (auto k = first; k < c_.fields.size(); ++k)
                if (c_.fields[k].name == i) r_.poison();
            field(i);
        }
    }

    /// One version per row and group and commit: the fold names versions by the commit's hash.
    bool rows_are_distinct() const {
        if (c_.rows.size() < 2) return true;
        std::size_t slots = 4;
        while (slots < c_.rows.size() * 2) slots *= 2;
        std::vector<std::uint32_t> table(slots, 0);
        for (std::uint32_t i = 0; i < c_.rows.size(); ++i) {
            const auto& row = c_.rows[i];
            auto at = (std::hash<std::string_view>{}(row.id) * 31 + row.entity) & (slots - 1);
            for (; table[at] != 0; at = (at + 1) & (slots - 1)) {
                const auto& other = c_.rows[table[at] - 1];
                if (other.id == row.id && c_.names[other.entity] == c_.names[row.entity]) return false;
            }
            table[at] = i + 1;
        }
        return true;
    }

    Commit& c_;
    Reader& r_;
    Commit::Text text_;
};

}  // namespace

std::uint64_t hybrid_time(std::int64_t ms, std::uint64_t before) {
    const auto clock = std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms)), (kTimeMax >> 16) - 1) << 16;
    return before + 1 < kTimeMax ? std::max(clock, before + 1) : clock;
}

Result<> Commit::decode(std::string_view bytes, Text text, std::uint8_t knows) {
    names.clear();
    rows.clear();
    parts.clear();
    reviews.clear();
    bases.clear();
    fields.clear();
    if (bytes.size() > kCommitBytesMax) return fail(Errc::protocol, "提交超过 2 MiB / commit: larger than 2 MiB");
    Reader r(bytes);
    const bool has_place = read_place(r, header);
    is_newer = has_place && header.format > knows;
    if (has_place && !is_newer && read_rest(r, header)) Body(*this, r, text).read();
    if (!r.ok() || (!is_newer && !r.done())) return fail(Errc::protocol, "提交已损坏 / commit: malformed");
    hash = hash_of(bytes);
    return {};
}

Result<CommitHeader> Commit::decode_header(std::string_view bytes, std::size_t* size) {
    CommitHeader h;
    Reader r(bytes);
    if (!read_place(r, h) || (h.format <= kCommitFormat && !read_rest(r, h)))
        return fail(Errc::protocol, "提交头已损坏 / commit: malformed header");
    if (size) *size = r.offset();
    return h;
}

}  // namespace taizhang
