// bundle_contents.h - contents in bundles: after the rows, in stretches that fill the parts, in any order, any number
// of times, mixed with HTTP.
//
// Upwards go those that the receiver is not known to have; downwards those that the
// receiver asked for in a bundle of its own. `contents_here` of a bundle is the
// receipt. Facts: files/wish/UNIT/REPLICA (hashes that it asked for). Threads: store
// thread only.
#pragma once

#include "files/contents.h"
#include "sync/bundle.h"

#include <deque>

namespace taizhang::files {

/// Bytes of contents in one export, unless asked for otherwise: what still fits a small stick and this PC's memory.
inline constexpr std::uint64_t kExportBytes = 64u << 20;

/// Makes the parts of a bundle that speak of contents.
class BundleContents {
public:
    BundleContents(Contents& contents, std::uint64_t bytes_max) : c_(contents), room_(bytes_max) {}
    /// Fills in what `options` needs; this object must outlive the making.
    Result<> prepare(sync::BundleOptions& options);

    struct Stats {
        std::uint64_t contents = 0, bytes = 0;
        std::uint64_t left = 0;  ///< contents that found no room: they go with the next
    };
    const Stats& stats() const { return stats_; }

private:
    Result<bool> may_have(const std::string& to, const Hash& hash);
    Result<> choose(const sync::BundleOptions& options);
    Result<std::optional<wire::ContentRange>> next(std::size_t bytes_max);

    Contents& c_;
    std::uint64_t room_;
    std::deque<Content> queue_;
    std::uint64_t at_ = 0;  // of the first one in the queue
    Stats stats_;
};

/// Takes what a bundle says of contents.
class BundleContentsTaker {
public:
    explicit BundleContentsTaker(Contents& contents) : c_(contents) {}
    /// The bytes, before anything is changed: what can fail for want of room fails here.
    Result<> stage(const wire::Bundle& bundle);
    /// The account, after the rows were taken.
    Result<> take(const wire::Bundle& bundle);

    struct Stats {
        std::uint64_t stretches = 0, whole = 0;
        std::vector<std::string> refused;  ///< one line each
    };
    const Stats& stats() const { return stats_; }

private:
    Result<bool> wants(const wire::Bundle& bundle, const wire::ContentRange& range);
    Result<> take_receipts(const wire::Bundle& bundle);
    Result<> take_wishes(const wire::Bundle& bundle);

    Contents& c_;
    Stats stats_;
};

}  // namespace taizhang::files
