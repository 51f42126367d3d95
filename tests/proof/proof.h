// proof.h - one kind of attempt to break a promise, made again and again, counted in a file.
//
// A proof is a row of numbered steps; step N is the same wherever and whenever it runs (on one revision), so a failure
// is repeated by its number. main.cpp runs them for as long as it was told and adds up.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace taizhang::proof {

using Counts = std::map<std::string, std::uint64_t>;

/// The promise does not hold; one line.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The value, or a Failure with what was asked for and the program's own line.
template <class T>
T need(Result<T> r, const std::string& what = {}) {
    if (!r) throw Failure((what.empty() ? "" : what + ": ") + r.error().detail);
    return std::move(*r);
}

class Proof {
public:
    Proof() = default;
    virtual ~Proof() = default;
    Proof(const Proof&) = delete;
    Proof& operator=(const Proof&) = delete;
    /// Some seconds of work at most. Adds what it did to `counts`; throws Failure.
    virtual void step(std::uint64_t number, Counts& counts) = 0;
};

std::unique_ptr<Proof> make_power_cuts(std::uint64_t seed);
std::unique_ptr<Proof> make_disk_faults(std::uint64_t seed);
std::unique_ptr<Proof> make_memory_faults(std::uint64_t seed);
std::unique_ptr<Proof> make_damaged_bundles(std::uint64_t seed);
std::unique_ptr<Proof> make_bit_flips(std::uint64_t seed);
std::unique_ptr<Proof> make_histories(std::uint64_t seed);

}  // namespace taizhang::proof
