// blob_store.h - where the bytes of contents lie. The disk is handed in: a folder in the programs, memory in tests.
//
// A content is either finished (write-once, under its hash) or a part that grows.
// Nothing here knows records or the database; files/contents.h keeps the account.
// Threads: store thread only.
#pragma once

#include "base/ids.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace taizhang::files {

class BlobStore {
public:
    virtual ~BlobStore() = default;

    /// Size of the finished content; nothing when it is not there.
    virtual Result<std::optional<std::uint64_t>> size_of(const Hash& hash) = 0;
    /// At most `bytes` of it from `offset`; fewer only at its end. Errc::io.
    virtual Result<std::string> read(const Hash& hash, std::uint64_t offset, std::size_t bytes) = 0;

    /// Bytes of the part. With `durable` they are on the disk when it returns. Errc::disk_full, io.
    virtual Result<> write_part(const Hash& hash, std::uint64_t offset, std::string_view bytes, bool durable) = 0;
    virtual Result<std::string> read_part(const Hash& hash, std::uint64_t offset, std::size_t bytes) = 0;
    /// The part, cut at `size`, becomes the finished content; durable when it returns.
    virtual Result<> finish(const Hash& hash, std::uint64_t size) = 0;
    virtual Result<> drop_part(const Hash& hash) = 0;
    virtual Result<> drop(const Hash& hash) = 0;
};

}  // namespace taizhang::files
