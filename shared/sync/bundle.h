// bundle.h - commits in files: by stick, by hand, in any order, any number of times.
//
// A bundle is written once and says what it needs (ranges), what it brings, and what
// its sender holds (heads: the receipt for what the receiver wrote). It goes to one
// unit or to "whoever is above me". Taking one is one transaction: a bundle that is
// refused changes nothing. Commits that come before the one they follow are held and
// named (held.h). Layout and the places for seal and signature: schema/PROTOCOL.md.
//
// Sans-I/O: bytes in, bytes out. Threads: store thread only.
#pragma once

#include "replica/replica.h"
#include "wire/messages.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace taizhang::sync {

/// Packed commits in one file, about: small enough for any mail and for kMessageBytesMax.
inline constexpr std::size_t kBundleBytes = 4u << 20;
inline constexpr std::size_t kBundleBytesMax = 7u << 20;  ///< the most that may be asked for

struct BundleOptions {
    std::string to;    ///< a unit above or below, or the own one; empty: whoever is above
    bool all = false;  ///< whatever the receiver may have, from the beginning
    std::size_t part_bytes = kBundleBytes;

    /// Contents that follow the rows (files/bundle_contents.h): the next stretch of at most so many bytes, nothing at
    /// the end. And what the sender has and would like to have.
    std::function<Result<std::optional<wire::ContentRange>>(std::size_t bytes_max)> next_content;
    std::vector<Hash> contents_here, contents_wanted;
};

struct BundleFiles {
    std::vector<std::string> parts;  ///< at least one: without news it is a receipt
    std::uint64_t commits = 0;
};
/// Errc::not_found: no such unit; not_allowed: not above or below, or nothing is above.
Result<BundleFiles> make_bundle(Replica& replica, const BundleOptions& options);

struct BundleTaken {
    std::string unit;  ///< of the sender
    std::uint32_t part = 1, parts = 1;
    std::int64_t made_ms = 0;
    std::uint64_t taken = 0, known = 0, held = 0, released = 0;
    std::vector<std::string> missing;  ///< a line each
};
using BundleStep = std::function<Result<>(const wire::Bundle&)>;
/// Errc::bad_input: damaged or not a bundle; not_allowed: for somebody else. Nothing was changed then. `before` runs
/// when the bundle was found to be for this node, before anything is changed; `after` when the rows are on the disk.
Result<BundleTaken> take_bundle(Replica& replica, std::string_view file, const BundleStep& before = {},
                                const BundleStep& after = {});

}  // namespace taizhang::sync
