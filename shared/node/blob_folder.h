// blob_folder.h - contents as files: DIR/files/ab/ab…(64 hex digits), parts beside them with ".part".
//
// Finished files are write-once. A name is durable once its folder is synced.
// Threads: store thread only.
#pragma once

#include "files/blob_store.h"

namespace taizhang::node {

class BlobFolder : public files::BlobStore {
public:
    explicit BlobFolder(std::string dir) : dir_(std::move(dir)) {}

    Result<std::optional<std::uint64_t>> size_of(const Hash& hash) override;
    Result<std::string> read(const Hash& hash, std::uint64_t offset, std::size_t bytes) override;
    Result<> write_part(const Hash& hash, std::uint64_t offset, std::string_view bytes, bool durable) override;
    Result<std::string> read_part(const Hash& hash, std::uint64_t offset, std::size_t bytes) override;
    Result<> finish(const Hash& hash, std::uint64_t size) override;
    Result<> drop_part(const Hash& hash) override;
    Result<> drop(const Hash& hash) override;

    std::string path_of(const Hash& hash) const;

private:
    std::string part_of(const Hash& hash) const { return path_of(hash) + ".part"; }
    Result<> make_folder(const Hash& hash) const;

    std::string dir_;
};

/// At most `bytes` of a file from `offset`; fewer only at its end. Errc::not_found, io.
Result<std::string> read_at(const std::string& path, std::uint64_t offset, std::size_t bytes);

}  // namespace taizhang::node
