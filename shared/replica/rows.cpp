#include "replica/rows.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace taizhang {
namespace {

constexpr std::uint8_t kMetaFormat = 2, kFormatMask = 0x0f;
constexpr std::uint8_t kComplex = 0x10, kOneVersion = 0x20, kDropped = 0x40;
constexpr std::size_t kGroupsMax = 64, kVersionsMax = kGroupsMax + 2;
// Bytes of a row's clocks at least. Two versions, which is what the first change of a row makes of one, fit.
constexpr std::size_t kRoom = 32;

std::string column_type(const Field& f, const EntityBinding& b, int field) {
    const auto group = b.newest->groups[static_cast<std::size_t>(f.group)].rule;
    (void)field;
    if (group == fold::Rule::append || group == fold::Rule::set) return "TEXT";  // a JSON list
    switch (f.type) {
        case Type::number: return "REAL";
        case Type::integer:
        case Type::boolean: return "INTEGER";
        default: return "TEXT";
    }
}

}  // namespace

// Format 2: u8 format|flags, varint head, varint head_index, varint state, u8 k, k versions that stand somewhere (lsn
// distance to head as zigzag, time: that of the first in full, of the others as zigzag of the milliseconds between and
// a varint of the counter), varint groups, then for the workflow and each group which version stands: 0 none, else from
// 1, two of them in a byte. With kOneVersion all groups have the one version, the workflow none, and the last is left
// out. Zeros fill up to kRoom: a row that is changed for the first time then keeps its size, and its page is not split.
void RowMeta::encode(std::string& out) const {
    out.clear();
    Writer w(out);
    std::array<VersionRef, kVersionsMax> distinct;
    std::array<std::uint8_t, kVersionsMax> which{};
    std::size_t k = 0;
    const auto note = [&](const VersionRef& v, std::size_t i) {
        if (v.lsn == 0) return;
        std::size_t n = 0;
        while (n < k && (distinct[n].lsn != v.lsn || distinct[n].time != v.time)) ++n;
        if (n == k) distinct[k++] = v;
        which[i] = static_cast<std::uint8_t>(n + 1);
    };
    note(flow, 0);
    for (std::size_t g = 0; g < groups.size(); ++g) note(groups[g], g + 1);
    const auto shared = static_cast<std::uint8_t>(k);
    bool is_one = k <= 1 && which[0] == 0 && !groups.empty();
    for (std::size_t g = 0; g < groups.size(); ++g) is_one = is_one && which[g + 1] == shared;

    w.u8(static_cast<std::uint8_t>(kMetaFormat | (complex ? kComplex : 0) | (is_one ? kOneVersion : 0) |
                                   (dropped ? kDropped : 0)));
    w.varint(head);
    w.varint(head_index);
    w.varint(static_cast<std::uint64_t>(state));
    w.u8(static_cast<std::uint8_t>(k));
    for (std::size_t n = 0; n < k; ++n) {
        // Most often the head itself or shortly before; a commit that waited can lie before what it is newer than.
        w.zigzag(static_cast<std::int64_t>(head - distinct[n].lsn));
        if (n == 0) {
            w.varint(distinct[n].time);
            continue;
        }
        w.zigzag(static_cast<std::int64_t>(distinct[n].time >> 16) - static_cast<std::int64_t>(distinct[0].time >> 16));
        w.varint(distinct[n].time & 0xffff);
    }
    w.varint(groups.size());
    if (!is_one) {
        const bool is_wide = k > 15;
        for (std::size_t i = 0; i <= groups.size(); i += is_wide ? 1 : 2)
            w.u8(static_cast<std::uint8_t>(is_wide ? which[i] : which[i] | which[i + 1] << 4));
    }
    if (out.size() < kRoom) out.resize(kRoom, '\0');
}

bool RowMeta::decode(std::string_view in, RowMeta& m) {
    Reader r(in);
    const auto tag = r.u8();
    m.complex = tag & kComplex;
    m.dropped = tag & kDropped;
    m.head = r.varint();
    m.head_index = static_cast<std::uint32_t>(r.varint());
    m.state = static_cast<int>(r.varint());
    m.flow = {};
    if ((tag & kFormatMask) == 1) return decode_1(r, tag & kOneVersion, m);
    if ((tag & kFormatMask) != kMetaFormat) return false;

    std::array<VersionRef, kVersionsMax> distinct;  // 0: none
    const std::size_t k = r.u8();
    if (k >= kVersionsMax) return false;
    for (std::size_t n = 1; n <= k && r.ok(); ++n) {
        distinct[n].lsn = m.head - static_cast<std::uint64_t>(r.zigzag());
        if (n == 1) {
            distinct[n].time = r.varint();
            continue;
        }
        const auto ms = static_cast<std::uint64_t>(r.zigzag()) + (distinct[1].time >> 16);
        distinct[n].time = ms << 16 | (r.varint() & 0xffff);
    }
    const auto count = r.varint();
    if (count > kGroupsMax || !r.ok()) return false;
    m.groups.assign(count, {});
    const auto take = [&](std::size_t which, std::size_t i) {
        if (which > k) return false;
        if (i == 0)
            m.flow = distinct[which];
        else if (i <= count)
            m.groups[i - 1] = distinct[which];
        return i <= count || which == 0;
    };
    if (tag & kOneVersion) {
        m.groups.assign(count, distinct[k == 0 ? 0 : 1]);
    } else if (k > 15) {
        for (std::size_t i = 0; i <= count; ++i)
            if (!take(r.u8(), i)) return false;
    } else {
        for (std::size_t i = 0; i <= count; i += 2) {
            const auto two = r.u8();
            if (!take(two & 15, i) || !take(two >> 4, i + 1)) return false;
        }
    }
    const auto rest = r.raw(r.remaining());
    return r.ok() && rest.find_first_not_of('\0') == std::string_view::npos;
}

// What earlier programs wrote: either one version for everything (lsn distance to head plus 1, time; varint groups that
// have it) or each: the workflow's, varint groups, then for each u8 "as the one before" or its own.
bool RowMeta::decode_1(Reader& r, bool is_one, RowMeta& m) {
    auto ref = [&] {
        VersionRef v;
        const auto distance = r.varint();
        if (distance == 0) return v;
        v.lsn = m.head - static_cast<std::uint64_t>(from_zigzag(distance - 1));
        v.time = r.varint();
        return v;
    };
    const auto first = ref();
    const auto n = r.varint();
    if (n > kGroupsMax) return false;
    if (is_one) {
        m.groups.assign(n, first);
        return r.done();
    }
    m.flow = first;
    m.groups.resize(n);
    for (std::size_t i = 0; i < n && r.ok(); ++i) m.groups[i] = r.u8() == 1 && i > 0 ? m.groups[i - 1] : ref();
    return r.done();
}

Result<> RowTable::ensure() {
    const auto& e = *binding_.newest;
    std::unordered_set<std::string> have;
    {
        TRY(auto info, db_.prepare("SELECT name FROM pragma_table_info(?1)", false));
        info.bind(1, std::string_view(binding_.name));
        for (;;) {
            TRY(const bool row, info.step());
            if (!row) break;
            have.emplace(info.text(0));
        }
    }
    auto column = [&](int n) {
        const auto& f = *binding_.field_defs[static_cast<std::size_t>(n)];
        return "\"" + f.name + "\" " + column_type(f, binding_, n);
    };
    if (have.empty()) {
        std::string sql = "CREATE TABLE " + name() + "(id " + (e.uuid ? "BLOB" : "TEXT") +
                          " NOT NULL, _s INTEGER NOT NULL, _m BLOB NOT NULL";
        for (std::size_t n = 0; n < binding_.fields.size(); ++n) sql += ", " + column(static_cast<int>(n));
        if (e.has_workflow()) sql += ", \"" + e.workflow.field + "\" TEXT";
        TRY_VOID(db_.exec(sql + ", PRIMARY KEY(id, _s)) STRICT, WITHOUT ROWID"));
    } else {
        for (std::size_t n = 0; n < binding_.fields.size(); ++n)
            if (!have.contains(binding_.fields[n]))
                TRY_VOID(db_.exec("ALTER TABLE " + name() + " ADD COLUMN " + column(static_cast<int>(n))));
        if (e.has_workflow() && !have.contains(e.workflow.field)) {
            TRY_VOID(db_.exec("ALTER TABLE " + name() + " ADD COLUMN \"" + e.workflow.field + "\" TEXT"));
            // What was there before the entity had states is in the first one, as on a node that folds it now.
            TRY(auto fill, db_.prepare("UPDATE " + name() + " SET \"" + e.workflow.field + "\" = ?1", false));
            fill.bind(1, std::string_view(e.workflow.states.front()));
            TRY_VOID(fill.run());
        }
    }
    std::string columns = "id, _s, _m", marks = "?1, ?2, ?3";
    for (std::size_t n = 0; n < binding_.fields.size(); ++n) {
        columns += ", \"" + binding_.fields[n] + "\"";
        marks += ", ?" + std::to_string(n + 4);
    }
    if (e.has_workflow()) {
        columns += ", \"" + e.workflow.field + "\"";
        marks += ", ?" + std::to_string(binding_.fields.size() + 4);
    }
    TRY(load_, db_.prepare("SELECT _m FROM " + name() + " WHERE id = ?1 AND _s = ?2"));
    TRY(insert_,
        db_.prepare("INSERT INTO " + name() + "(" + columns + ") VALUES(" + marks + ") ON CONFLICT DO NOTHING"));
    TRY(streams_, db_.prepare("SELECT _s FROM " + name() + " WHERE id = ?1 ORDER BY _s"));
    TRY(read_, db_.prepare(select_stored() + " WHERE id = ?1 AND _s = ?2"));
    updates_.clear();
    reads_.clear();
    return {};
}

std::string RowTable::select_stored() const {
    std::string sql = "SELECT id, _m";
    for (const auto& field : binding_.fields) sql += ", \"" + field + "\"";
    return sql + " FROM " + name();
}

std::string RowTable::select_all_sql() const {
    std::string sql = "SELECT id, _s";
    for (const auto& f : binding_.fields) sql += ", \"" + f + "\"";
    if (has_state()) sql += ", \"" + binding_.newest->workflow.field + "\"";
    return sql + " FROM " + name();
}

void RowTable::bind_id(sqlite::Statement& s, int i, std::string_view id) const {
    if (binding_.newest->uuid)
        s.bind_blob(i, id);
    else
        s.bind(i, id);
}

void RowTable::bind_cell(sqlite::Statement& s, int i, const Cell& cell) const {
    const auto v = ValueView::of(cell.value);
    switch (v.kind) {
        case ValueView::Kind::null: s.bind_null(i); break;
        case ValueView::Kind::number:
            if (v.number.scale == 0)
                s.bind(i, v.number.mantissa);
            else
                s.bind_real(i, v.number.to_double());
            break;
        case ValueView::Kind::text: s.bind(i, v.text); break;
        case ValueView::Kind::blob: s.bind_blob(i, v.text); break;
    }
}

void RowTable::bind_state(sqlite::Statement& s, int i, int state) const {
    const auto& states = binding_.newest->workflow.states;
    if (state >= 0 && static_cast<std::size_t>(state) < states.size())
        s.bind(i, std::string_view(states[static_cast<std::size_t>(state)]));
    else
        s.bind_null(i);
}

Result<bool> RowTable::load(int stream, std::string_view id, RowMeta& meta) {
    bind_id(load_, 1, id);
    load_.bind(2, stream);
    TRY(const bool there, load_.step());
    if (!there) return false;
    const bool ok = RowMeta::decode(load_.blob(0), meta);
    load_.reset();
    if (!ok)
        return fail(Errc::corrupt, "记录 " + std::string(id) + " 的附加信息已损坏,请运行 verify / row " +
                                       std::string(id) + ": damaged, run verify");
    return true;
}

Result<bool> RowTable::insert(int stream, std::string_view id, std::span<const Cell> cells, const RowMeta& meta) {
    bind_id(insert_, 1, id);
    insert_.bind(2, stream);
    meta.encode(meta_bytes_);
    insert_.bind_blob(3, meta_bytes_);
    const auto fields = static_cast<int>(binding_.fields.size());
    if (cells.size() < binding_.fields.size())
        for (int n = 0; n < fields; ++n) insert_.bind_null(n + 4);
    for (const auto& c : cells) bind_cell(insert_, c.field + 4, c);
    if (has_state()) bind_state(insert_, fields + 4, meta.state);
    TRY_VOID(insert_.run());
    return db_.changes() > 0;
}

Result<sqlite::Statement*> RowTable::update_for(std::span<const Cell> cells) {
    key_.clear();
    for (const auto& c : cells) key_.push_back(static_cast<char>(c.field));
    const auto it = updates_.find(key_);
    if (it != updates_.end()) return &it->second;
    std::string sql = "UPDATE " + name() + " SET _m = ?3";
    int i = 4;
    if (has_state()) sql += ", \"" + binding_.newest->workflow.field + "\" = ?" + std::to_string(i++);
    for (const auto& c : cells)
        sql += ", \"" + binding_.fields[static_cast<std::size_t>(c.field)] + "\" = ?" + std::to_string(i++);
    TRY(auto s, db_.prepare(sql + " WHERE id = ?1 AND _s = ?2"));
    // A person edits a few shapes of a form; thousands of shapes are a program's, and not worth the memory.
    if (updates_.size() >= 64) updates_.clear();
    return &updates_.emplace(key_, std::move(s)).first->second;
}

Result<> RowTable::update(int stream, std::string_view id, std::span<const Cell> cells, const RowMeta& meta) {
    TRY(auto* s, update_for(cells));
    bind_id(*s, 1, id);
    s->bind(2, stream);
    meta.encode(meta_bytes_);
    s->bind_blob(3, meta_bytes_);
    int i = 4;
    if (has_state()) bind_state(*s, i++, meta.state);
    for (const auto& c : cells) bind_cell(*s, i++, c);
    return s->run();
}

namespace {

/// A column's value as it was written; `is_exact` turns false when the table may have rounded it.
void write_column(Writer& w, const sqlite::Statement& s, int col, bool& is_exact) {
    switch (s.type(col)) {
        case sqlite::ColumnType::integer: return Value::integer(s.integer(col)).write(w);
        case sqlite::ColumnType::text: return ValueView{ValueView::Kind::text, {}, s.text(col)}.write(w);
        case sqlite::ColumnType::blob: return ValueView{ValueView::Kind::blob, {}, s.blob(col)}.write(w);
        case sqlite::ColumnType::real: {
            constexpr std::int64_t kSureMax = 999'999'999'999'999;  // 15 digits come back from a double as they were
            const auto d = Decimal::from_double(s.real(col));
            is_exact = is_exact && d && d->mantissa <= kSureMax && d->mantissa >= -kSureMax;
            return Value::number(d.value_or(Decimal{})).write(w);
        }
        case sqlite::ColumnType::null: return Value::null().write(w);
    }
}

}  // namespace

Result<> RowTable::take_stored(const sqlite::Statement& s, Stored& out) const {
    out.id = binding_.newest->uuid ? s.blob(0) : s.text(0);
    out.clear();
    if (!RowMeta::decode(s.blob(1), out.meta))
        return fail(Errc::corrupt, "记录 " + std::string(out.id) + " 的附加信息已损坏,请运行 verify / row " +
                                       std::string(out.id) + ": damaged, run verify");
    for (std::size_t f = 0; f < binding_.fields.size(); ++f) out.add(static_cast<int>(f), s, static_cast<int>(f) + 2);
    out.close();
    return {};
}

void RowTable::Stored::clear() {
    fields.clear();
    bytes_.clear();
    ends_.clear();
    is_exact = true;
}

void RowTable::Stored::add(int field, const sqlite::Statement& s, int col) {
    if (s.is_null(col)) return;
    Writer w(bytes_);
    write_column(w, s, col, is_exact);
    ends_.push_back(bytes_.size());
    fields.push_back({field, {}});
}

void RowTable::Stored::close() {
    std::size_t at = 0;
    for (std::size_t n = 0; n < fields.size(); ++n) {
        fields[n].value = std::string_view(bytes_).substr(at, ends_[n] - at);
        at = ends_[n];
    }
}

Result<> RowTable::each_row(int stream, const std::function<Result<>(const Stored&)>& f) {
    if (!has_stream_index_) {
        TRY_VOID(db_.exec("CREATE INDEX IF NOT EXISTS \"" + binding_.name + "__s\" ON " + name() + "(_s)"));
        has_stream_index_ = true;
    }
    TRY(auto s, db_.prepare(select_stored() + " WHERE _s = ?1 ORDER BY id", false));
    s.bind(1, stream);
    Stored row;
    for (;;) {
        TRY(const bool there, s.step());
        if (!there) return {};
        TRY_VOID(take_stored(s, row));
        TRY_VOID(f(row));
    }
}

Result<bool> RowTable::read(int stream, std::string_view id, Stored& out) {
    bind_id(read_, 1, id);
    read_.bind(2, stream);
    TRY(const bool there, read_.step());
    if (!there) return false;
    const auto taken = take_stored(read_, out);
    read_.reset();
    TRY_VOID(taken);
    out.id = id;
    return true;
}

Result<bool> RowTable::read_group(int stream, std::string_view id, std::size_t group, Stored& out) {
    const auto& fields = binding_.group_fields[group];
    if (reads_.size() <= group) reads_.resize(group + 1);
    auto& read = reads_[group];
    if (!read.valid()) {
        std::string sql;
        for (const auto f : fields)
            sql += (sql.empty() ? "SELECT \"" : ", \"") + binding_.fields[static_cast<std::size_t>(f)] + "\"";
        TRY(read, db_.prepare(sql + " FROM " + name() + " WHERE id = ?1 AND _s = ?2"));
    }
    bind_id(read, 1, id);
    read.bind(2, stream);
    out.id = id;
    out.clear();
    TRY(const bool there, read.step());
    if (!there) return false;
    for (std::size_t n = 0; n < fields.size(); ++n) out.add(static_cast<int>(fields[n]), read, static_cast<int>(n));
    out.close();
    read.reset();
    return true;
}

Result<std::vector<int>> RowTable::streams_of(std::string_view id) {
    std::vector<int> out;
    bind_id(streams_, 1, id);
    for (;;) {
        TRY(const bool row, streams_.step());
        if (!row) return out;
        out.push_back(static_cast<int>(streams_.integer(0)));
    }
}

Result<> RowTable::clear() { return db_.exec("DELETE FROM " + name()); }

}  // namespace taizhang
