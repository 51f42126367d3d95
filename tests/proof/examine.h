// examine.h - is what a broken machine finds on its disk whole, all that it promised, and enough to go on?
//
// What a program finds is what SQLite reads there: the database with its log laid over it. Every content of that kind
// is looked at in full the first time it turns up: the program opens it, verify() and SQLite's own check hold, and it
// syncs with the other side until both give the same digests. The same bytes again need only be held against what has
// been promised in the meantime. So a million cuts can be judged by the bytes, and each is.
#pragma once

#include "tests/proof/proof.h"
#include "tests/proof/session.h"

#include <map>
#include <set>
#include <string>

namespace taizhang::proof {

class Examiner {
public:
    explicit Examiner(std::uint64_t seed) : seed_(seed) {}

    /// The disk of `who` came back like this while the other side stood as it does in `s`. Throws Failure. The disk is
    /// left changed.
    void examine(Session& s, Who who, support::SimDisk& disk, const std::vector<Promise>& promised, Counts& counts);
    /// The same with the program opening it in any case.
    void open_and_examine(Session& s, Who who, support::SimDisk& disk, const std::vector<Promise>& promised,
                          Counts& counts);
    /// Of what SQLite reads on that disk; throws Failure when it cannot.
    static std::uint64_t image_of(support::SimDisk& disk);

private:
    using Chain = std::pair<StreamId, ReplicaId>;
    struct Found {
        std::map<Chain, std::vector<std::vector<Hash>>> chains;  ///< by seq, from 1; empty: before a state's floor
    };
    static void check_promises(const Found& found, const std::vector<Promise>& promised);
    Found look_into(Replica& r) const;
    void check_sync(Session& s, Who who, support::Device& device);

    std::map<std::uint64_t, Found> known_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> synced_;  ///< with the writes that the other side had seen
    std::uint64_t seed_;
};

}  // namespace taizhang::proof
