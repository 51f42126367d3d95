#include "node/blob_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace taizhang::node {
namespace {

/// Closes by itself.
class File {
public:
    File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }

private:
    int fd_;
};

Error disk_error(int e, const std::string& path) {
    const auto code = e == ENOSPC || e == EDQUOT || e == EFBIG ? Errc::disk_full
                      : e == ENOENT                            ? Errc::not_found
                                                               : Errc::io;
    return fail(code, std::string("附件读写出错(") + std::strerror(e) + "):" + path + " / cannot read or write (" +
                          std::strerror(e) + "): " + path);
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Result<> sync_folder(const std::string& path) {
    const File dir(path, O_RDONLY | O_DIRECTORY);
    if (!dir.is_open() || ::fsync(dir.fd()) != 0) return disk_error(errno, path);
    return {};
}

Result<> remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return disk_error(errno, path);
    return {};
}

}  // namespace

Result<std::string> read_at(const std::string& path, std::uint64_t offset, std::size_t bytes) {
    const File file(path, O_RDONLY);
    if (!file.is_open()) return disk_error(errno, path);
    std::string out(bytes, 0);
    std::size_t done = 0;
    while (done < bytes) {
        const auto n = ::pread(file.fd(), out.data() + done, bytes - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return disk_error(errno, path);
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    out.resize(done);
    return out;
}

std::string BlobFolder::path_of(const Hash& hash) const {
    const auto hex = hash.hex();
    return dir_ + "/" + hex.substr(0, 2) + "/" + hex;
}

Result<> BlobFolder::make_folder(const Hash& hash) const {
    const auto sub = folder_of(path_of(hash));
    struct stat st {};
    if (::stat(sub.c_str(), &st) == 0) return {};
    for (const auto& path : {dir_, sub}) {
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return disk_error(errno, path);
        TRY_VOID(sync_folder(folder_of(path)));
    }
    return {};
}

Result<std::optional<std::uint64_t>> BlobFolder::size_of(const Hash& hash) {
    struct stat st {};
    const auto path = path_of(hash);
    if (::stat(path.c_str(), &st) == 0) return std::optional(static_cast<std::uint64_t>(st.st_size));
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::uint64_t>();
    return disk_error(errno, path);
}

Result<std::string> BlobFolder::read(const Hash& hash, std::uint64_t offset, std::size_t bytes) {
    return read_at(path_of(hash), offset, bytes);
}

Result<> BlobFolder::write_part(const Hash& hash, std::uint64_t offset, std::string_view bytes, bool durable) {
    TRY_VOID(make_folder(hash));
    const auto path = part_of(hash);
    const bool is_new = ::access(path.c_str(), F_OK) != 0;
    const File file(path, O_CREAT | O_WRONLY);
    if (!file.is_open()) return disk_error(errno, path);
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto n = ::pwrite(file.fd(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return disk_error(n == 0 ? ENOSPC : errno, path);
        done += static_cast<std::size_t>(n);
    }
    if (durable && ::fsync(file.fd()) != 0) return disk_error(errno, path);
    // The account that says "up to here" would be worth nothing if the name were lost.
    return is_new && durable ? sync_folder(folder_of(path)) : Result<>();
}

Result<std::string> BlobFolder::read_part(const Hash& hash, std::uint64_t offset, std::size_t bytes) {
    auto r = read_at(part_of(hash), offset, bytes);
    if (!r && r.error().code == Errc::not_found) return std::string();
    return r;
}

Result<> BlobFolder::finish(const Hash& hash, std::uint64_t size) {
    const auto part = part_of(hash), path = path_of(hash);
    {
        const File file(part, O_WRONLY);
        if (!file.is_open() || ::ftruncate(file.fd(), static_cast<off_t>(size)) != 0 || ::fsync(file.fd()) != 0)
            return disk_error(errno, part);
    }
    if (::rename(part.c_str(), path.c_str()) != 0) return disk_error(errno, path);
    return sync_folder(folder_of(path));
}

Result<> BlobFolder::drop_part(const Hash& hash) { return remove(part_of(hash)); }
Result<> BlobFolder::drop(const Hash& hash) { return remove(path_of(hash)); }

}  // namespace taizhang::node
