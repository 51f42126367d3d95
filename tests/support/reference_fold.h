// reference_fold.h - the fold once more, written from docs/FOLD.md alone.
//
// Naive on purpose: sets, maps and recursion, one function for each paragraph of
// the page. It shares no code with shared/fold/fold.cpp, so a mistake has to be
// made twice, and in the same way, to pass unseen. Meant for rows of some dozens
// of changes; the recursion goes as deep as the longest chain of bases.
#pragma once

#include "fold/fold.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace taizhang::reference {

/// Must equal fold::fold for every history.
fold::RowState fold(std::span<const fold::Change> changes, int group_count);

/// One line for each change, in span order: enough to write the history down again.
std::string describe(std::span<const fold::Change> changes);
std::string describe(const fold::RowState& state);

// --- for tests that make histories

/// A version whose name sorts by `n`.
VersionId version(int n);

/// splitmix64's step: the same numbers on every machine, which <random>'s distributions do not promise.
std::uint64_t mix(std::uint64_t x);

class Random {
public:
    explicit Random(std::uint64_t seed) : state_(mix(seed)) {}
    int pick(int count) { return static_cast<int>((state_ = mix(state_)) % static_cast<std::uint64_t>(count)); }
    bool one_in(int n) { return pick(n) == 0; }

private:
    std::uint64_t state_;
};

/// Takes choices out of one number: counting the number up visits every combination.
class Choices {
public:
    explicit Choices(std::uint64_t number) : number_(number) {}
    int pick(int count) {
        const auto n = static_cast<std::uint64_t>(count);
        const auto out = static_cast<int>(number_ % n);
        number_ /= n;
        return out;
    }
    bool flip() { return pick(2) == 1; }

private:
    std::uint64_t number_;
};

/// Calls `f` once for each of the n! orders of the first n changes (Heap's algorithm).
template <class F>
void in_every_order(std::vector<fold::Change>& changes, std::size_t n, const F& f) {
    if (n <= 1) return f();
    for (std::size_t i = 0; i < n; ++i) {
        in_every_order(changes, n - 1, f);
        if (i + 1 < n) std::swap(changes[n % 2 == 0 ? i : 0], changes[n - 1]);
    }
}

}  // namespace taizhang::reference
