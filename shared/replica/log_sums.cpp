// What lies below a place of the log, in eight bytes: whether somebody's cursor still means what it meant.
//
// A log that was put back from a backup and has grown again may have the very commit at a place that was there before,
// above others than before: a device's own are the last it was given, and the first that it brings back. So each entry
// counts in the mark of every place above it, with its own place. The marks are running sums from an anchor, a fact,
// whose sum is by definition right: what lies below the anchor is the same in every copy of a database that has it.
#include "replica/impl.h"

#include <cstring>

namespace taizhang {
namespace {

constexpr const char* kAnchor = "log/sum";  // varints: place, sum
// A sum is kept in memory for each so many places: half a megabyte for a million commits.
constexpr std::uint64_t kStep = 16;
// The anchor follows the head when it is so far behind. Higher: more to read after a start; lower: more often written.
constexpr std::uint64_t kAnchorBehind = 1024 * kStep;

/// splitmix64's finish: of two entries that changed places the sum is another.
std::uint64_t term(std::uint64_t lsn, std::string_view hash) {
    std::uint64_t x = 0;
    std::memcpy(&x, hash.data(), std::min(hash.size(), sizeof x));
    x ^= lsn * 0x9e3779b97f4a7c15U;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

}  // namespace

/// The terms of (after, through], each to the step that it belongs to: `out[i]` those of (after + i·kStep, …].
Result<> Replica::Impl::log_terms(std::uint64_t after, std::uint64_t through, std::vector<std::uint64_t>& out) {
    TRY_VOID(write_log());
    out.assign((through - after + kStep - 1) / kStep, 0);
    log_hashes.bind(1, after).bind(2, through);
    for (;;) {
        TRY(const bool row, log_hashes.step());
        if (!row) return {};
        const auto lsn = log_hashes.unsigned_integer(0);
        out[(lsn - after - 1) / kStep] += term(lsn, log_hashes.blob(1));
    }
}

Result<> Replica::Impl::load_log_sums() {
    if (!log_sums.sums.empty()) return {};
    TRY(auto bytes, fact(kAnchor));
    if (bytes.empty()) {
        Writer w(bytes);
        w.varint(head_lsn / kStep * kStep);
        w.varint(0);
        TRY_VOID(batch([&] { return set_fact(kAnchor, bytes); }));
    }
    Reader r(bytes);
    const auto at = r.varint();
    const auto sum = r.varint();
    if (!r.done() || at % kStep != 0 || at > head_lsn)
        return fail(Errc::corrupt, "日志的标记有误 / the log's mark is damaged: " + std::string(kAnchor));
    log_sums = {at, at, {sum}};
    return {};
}

/// The sums reach down to the step below `at`, and up to the last whole step.
Result<> Replica::Impl::reach_log_sum(std::uint64_t at) {
    auto& s = log_sums;
    std::vector<std::uint64_t> terms;
    if (at < s.first) {
        const auto first = at / kStep * kStep;
        TRY_VOID(log_terms(first, s.first, terms));
        for (auto i = terms.size(); i-- > 0;) s.sums.push_front(s.sums.front() - terms[i]);
        s.first = first;
    }
    const auto last = s.first + (s.sums.size() - 1) * kStep, whole = head_lsn / kStep * kStep;
    if (whole == last) return {};
    TRY_VOID(log_terms(last, whole, terms));
    for (const auto t : terms) s.sums.push_back(s.sums.back() + t);
    if (whole - s.anchor < kAnchorBehind) return {};
    std::string bytes;
    Writer w(bytes);
    w.varint(whole);
    w.varint(s.sums.back());
    TRY_VOID(batch([&] { return set_fact(kAnchor, bytes); }));
    s.anchor = whole;
    return {};
}

Result<std::optional<std::uint64_t>> Replica::log_proof(Lsn at) {
    auto& m = *impl_;
    if (at > log_head()) return std::optional<std::uint64_t>();
    if (at.value == 0) return std::optional<std::uint64_t>(0);
    TRY_VOID(m.load_log_sums());
    TRY_VOID(m.reach_log_sum(at.value));
    const auto step = (at.value - m.log_sums.first) / kStep;
    auto sum = m.log_sums.sums[step];
    const auto below = m.log_sums.first + step * kStep;
    if (below < at.value) {
        std::vector<std::uint64_t> rest;
        TRY_VOID(m.log_terms(below, at.value, rest));
        sum += rest.front();
    }
    return std::optional(sum == 0 ? 1 : sum);  // 0 says: no place
}

}  // namespace taizhang
