// workload.cpp - see workload.h. JavaScript evaluates operands from left to right
// and C++ does not, so every draw below has a statement of its own.
#include "workload.h"

#include <sodium.h>

#include <cstdio>
#include <fstream>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>

namespace taizhang::bench {
namespace {

constexpr std::uint32_t kRows = 20000;
constexpr char kHex[] = "0123456789abcdef";
constexpr std::array<std::string_view, 5> kStatus{"未开始", "进行中", "已完成", "已延期", "已取消"};

// A character of the common CJK range is always three bytes of UTF-8.
std::string utf8_of(std::uint32_t code) {
    return {static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3f)),
            static_cast<char>(0x80 | (code & 0x3f))};
}

class Generator {
public:
    Generator() {
        for (auto& word : vocabulary_) {
            const auto first = below(3500);
            const auto second = below(3500);
            word = {utf8_of(0x4e00 + first), utf8_of(0x4e00 + second)};
        }
    }

    std::uint32_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 17;
        state_ ^= state_ << 5;
        return state_;
    }
    std::uint32_t below(std::uint32_t n) { return next() % n; }

    /// `chars` characters of words drawn with a skew; the last word may be cut in half.
    std::string text(std::uint32_t chars) {
        std::string out;
        out.reserve(std::size_t{chars} * 3 + 3);
        for (std::uint32_t length = 0; length < chars; length += 2) {
            const auto& word = next_word();
            out += word.first;
            if (length + 1 < chars) out += word.second;
        }
        return out;
    }

    std::string status() { return std::string(kStatus[below(5)]); }

    TaskId id(std::uint32_t i) {
        const std::uint64_t millis = 1750000000000ULL + std::uint64_t{i} * 37;
        const std::uint32_t a = below(4096);
        const std::uint32_t b = 0x8000 + below(0x4000);
        const std::uint32_t c = next();
        const std::uint32_t d = below(65536);
        const std::uint64_t high = millis << 16 | 0x7000U | a;
        const std::uint64_t low = std::uint64_t{b} << 48 | std::uint64_t{c} << 16 | d;
        TaskId out{};
        for (std::size_t k = 0; k < 8; ++k) {
            out[k] = static_cast<std::uint8_t>(high >> (56 - 8 * k));
            out[k + 8] = static_cast<std::uint8_t>(low >> (56 - 8 * k));
        }
        return out;
    }

    std::string date() {
        const auto month = 1 + below(12);
        const auto day = 1 + below(28);
        char out[16];
        std::snprintf(out, sizeof out, "2026-%02u-%02u", month, day);
        return out;
    }

private:
    using Word = std::pair<std::string, std::string>;

    // Doubles, as in the original: r is exact (32 bits over a power of two), its
    // square is rounded once and so is the product, as IEEE says for both languages.
    const Word& next_word() {
        const double r = static_cast<double>(next()) / 4294967296.0;
        const double square = r * r;
        return vocabulary_[static_cast<std::size_t>(600.0 * square)];
    }

    std::uint32_t state_ = 0x9e3779b9;
    std::array<Word, 600> vocabulary_;
};

std::string numbered(const char* format, std::uint32_t n) {
    char out[24];
    std::snprintf(out, sizeof out, format, n);
    return out;
}

Update set_status(std::uint32_t row, std::string text) { return Update{row, Column::status, std::move(text), 0}; }
Update set_progress(std::uint32_t row, std::int64_t number) { return Update{row, Column::progress, {}, number}; }

Task make_task(Generator& gen, const std::vector<std::string>& people, std::uint32_t i) {
    Task t;
    t.id = gen.id(i);
    t.unit = numbered("OU-%05u", gen.below(200));
    const auto title_chars = 26 + gen.below(9);
    t.title = gen.text(title_chars);
    t.status = gen.status();
    t.progress = gen.below(101);
    t.due_date = gen.date();
    t.owner = people[gen.below(300)];
    const auto note_chars = 85 + gen.below(31);
    t.note = gen.text(note_chars);
    t.editor = numbered("u%04u", gen.below(500));
    return t;
}

void write_file(const std::filesystem::path& path, const std::string& content) {
    std::ofstream out(path, std::ios::binary);
    out << content;
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
    for (const auto byte : bytes) {
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
    }
}

/// SHA-256 over values, each preceded by its length or of a fixed size: no two workloads read alike.
class Digest {
public:
    Digest() { crypto_hash_sha256_init(&state_); }

    void number(std::uint64_t n) {
        std::array<std::uint8_t, 8> bytes{};
        for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<std::uint8_t>(n >> (8 * k));
        crypto_hash_sha256_update(&state_, bytes.data(), bytes.size());
    }
    void text(std::string_view s) {
        number(s.size());
        crypto_hash_sha256_update(&state_, reinterpret_cast<const std::uint8_t*>(s.data()), s.size());
    }
    void task(const Task& t) {
        text(view_of(t.id));
        for (const auto* field : {&t.unit, &t.title, &t.status}) text(*field);
        number(static_cast<std::uint64_t>(t.progress));
        for (const auto* field : {&t.due_date, &t.owner, &t.note, &t.editor}) text(*field);
    }
    void updates(std::span<const Update> all) {
        number(all.size());
        for (const auto& u : all) {
            number(u.row);
            text(name_of(u.column));
            u.column == Column::status ? text(u.text) : number(static_cast<std::uint64_t>(u.number));
        }
    }
    std::string hex() {
        std::array<std::uint8_t, crypto_hash_sha256_BYTES> bytes{};
        crypto_hash_sha256_final(&state_, bytes.data());
        std::string out;
        append_hex(out, bytes);
        return out;
    }

private:
    crypto_hash_sha256_state state_{};
};

std::string tsv_of(std::span<const Update> updates) {
    std::string out;
    for (const auto& u : updates) {
        out += std::to_string(u.row);
        out += '\t';
        out += name_of(u.column);
        out += '\t';
        out += u.column == Column::status ? u.text : std::to_string(u.number);
        out += '\n';
    }
    return out;
}

}  // namespace

Workload Workload::make() {
    Generator gen;
    std::vector<std::string> people;
    for (int i = 0; i < 300; ++i) people.push_back(gen.text(6));

    Workload w;
    w.rows.reserve(kRows);
    for (std::uint32_t i = 0; i < kRows; ++i) w.rows.push_back(make_task(gen, people, i));

    w.updates.reserve(kRows);
    for (std::uint32_t i = 0; i < kRows; ++i) {
        const auto row = gen.below(kRows);
        if (gen.below(2) != 0) {
            w.updates.push_back(set_status(row, gen.status()));
        } else {
            w.updates.push_back(set_progress(row, gen.below(101)));
        }
    }

    std::vector<std::uint32_t> shuffled(kRows);
    std::iota(shuffled.begin(), shuffled.end(), 0U);
    for (std::uint32_t i = kRows - 1; i > 0; --i) std::swap(shuffled[i], shuffled[gen.below(i + 1)]);

    for (std::uint32_t k = 0; k < 5000; ++k) {
        w.conflicts_a.push_back(set_status(shuffled[k], std::string(kStatus[k % 5])));
        w.conflicts_b.push_back(k < kSameColumn ? set_status(shuffled[k], std::string(kStatus[(k + 2) % 5]))
                                                : set_progress(shuffled[k], k % 101));
    }
    for (std::uint32_t k = 0; k < 10; ++k) w.small.push_back(set_progress(shuffled[10000 + k], 101 + k));
    return w;
}

void Workload::dump(const std::filesystem::path& dir) const {
    std::filesystem::create_directories(dir);
    std::string out;
    for (const auto& t : rows) {
        append_hex(out, t.id);
        const std::string progress = std::to_string(t.progress);
        for (const auto* field : {&t.unit, &t.title, &t.status, &progress, &t.due_date, &t.owner, &t.note, &t.editor}) {
            out += '\t';
            out += *field;
        }
        out += '\n';
    }
    write_file(dir / "rows.tsv", out);
    write_file(dir / "upd.tsv", tsv_of(updates));
    write_file(dir / "confA.tsv", tsv_of(conflicts_a));
    write_file(dir / "confB.tsv", tsv_of(conflicts_b));
    write_file(dir / "small.tsv", tsv_of(small));
}

std::string Workload::digest() const {
    Digest all;
    all.number(rows.size());
    for (const auto& t : rows) all.task(t);
    for (const auto* changes : {&updates, &conflicts_a, &conflicts_b, &small}) all.updates(*changes);
    return all.hex();
}

}  // namespace taizhang::bench
