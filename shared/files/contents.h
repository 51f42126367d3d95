// contents.h - photos and documents: the account in the database and the bytes beside it, kept in step.
//
// A stretch of bytes is on the disk before the account says so; a content counts as
// whole only after all of it was read back and fits its hash, and again before it is
// served or sent for the first time in a process. So a crash at any point costs at
// most the stretch that was being written, and a flipped bit is never passed on: the
// content is dropped and asked for again. Threads: store thread only.
#pragma once

#include "files/blob_store.h"
#include "files/content_index.h"
#include "wire/file_messages.h"

#include <functional>
#include <set>

namespace taizhang::files {

class Contents {
public:
    Contents(Replica& replica, BlobStore& blobs) : index_(replica), blobs_(blobs) {}

    ContentIndex& index() { return index_; }

    /// Reads `bytes` at `offset` of something outside; fewer only at its end.
    using Source = std::function<Result<std::string>(std::uint64_t offset, std::size_t bytes)>;
    /// Hash of what the source gives; nothing is kept. Errc::bad_input: larger than kContentBytesMax, or empty.
    static Result<std::pair<Hash, std::uint64_t>> hash_of_source(const Source& source);
    /// Keeps a copy; on the disk when it returns. Errc::bad_input when the source gives other bytes than that hash's.
    Result<> keep(const Source& source, const Hash& hash, std::uint64_t size, const std::string& unit);

    /// Takes back what keep() did when no record came to name it.
    Result<> drop_unnamed(const Hash& hash);

    /// Drops what no record here names any more, unless it still has to go up: its stream left this node's scope.
    Result<> drop_evicted();

    /// The content if its bytes are really there; what has vanished or cannot be finished is set right on the way.
    Result<std::optional<Content>> look(const Hash& hash);
    /// The first stretch that is not here.
    Result<Span> missing(const Content& content) { return index_.missing(content); }

    enum class Taken {
        part,     ///< on the disk, more is missing
        whole,    ///< on the disk, and all of it fits its hash
        damaged,  ///< this stretch, or (then all of it was dropped) the whole does not fit: ask again
    };
    /// Of a content that is in the account.
    Result<Taken> take(const wire::ContentRange& range);
    /// The bytes only, before the account is touched: what can fail for want of room fails here.
    Result<> stage(const wire::ContentRange& range);
    /// The account of what was staged.
    Result<Taken> take_staged(const Hash& hash, Span span);

    /// At most `bytes` from `offset` of a whole one, checked. Errc::not_found: not here, or no longer fits its hash.
    Result<std::string> read(const Hash& hash, std::uint64_t offset, std::size_t bytes);
    Result<wire::ContentRange> range(const Content& content, std::uint64_t offset, std::size_t bytes);

    /// The record through which a device of the unit may have it.
    Result<std::optional<Reference>> reference_for(const std::string& unit, const Hash& hash);
    /// The record for which a device of the unit may bring it: of a stream that it holds, or held before the tree
    /// moved, since what was attached then must not be lost.
    Result<std::optional<Reference>> reference_from(const std::string& unit, const Hash& hash);
    /// Enters in the account what a record here names. Errc::not_found: no record does.
    Result<Content> expect(const Hash& hash);

private:
    Result<Taken> finish(const Content& content);
    Result<bool> fits(const Hash& hash, std::uint64_t size, bool is_part);
    Result<> lose(const Hash& hash);

    ContentIndex index_;
    BlobStore& blobs_;
    std::set<Hash> checked_;  // whole ones that this process has read and found to fit
};

}  // namespace taizhang::files
