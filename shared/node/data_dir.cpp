#include "node/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

namespace taizhang::node {
namespace fs = std::filesystem;

namespace {

Error disk_error(const std::string& zh, const std::string& en, const std::string& path) {
    const int e = errno;
    return fail(e == ENOSPC ? Errc::disk_full : Errc::io,
                zh + "(" + std::strerror(e) + "):" + path + " / " + en + " (" + std::strerror(e) + "): " + path);
}

/// A new name is durable once its folder is.
void sync_folder_of(const std::string& path) {
    const int dir = ::open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return;
    ::fsync(dir);
    ::close(dir);
}

}  // namespace

std::string default_dir(const std::string& program) {
    if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return std::string(data) + "/" + program;
    const char* home = std::getenv("HOME");
    return std::string(home && *home ? home : ".") + "/.local/share/" + program;
}

bool has_database(const std::string& dir) {
    std::error_code ec;
    return fs::exists(dir + "/taizhang.db", ec);
}

DataDir::DataDir(DataDir&& o) noexcept : path_(std::move(o.path_)), lock_(std::exchange(o.lock_, -1)) {}
DataDir& DataDir::operator=(DataDir&& o) noexcept {
    std::swap(path_, o.path_);
    std::swap(lock_, o.lock_);
    return *this;
}
DataDir::~DataDir() {
    if (lock_ >= 0) ::close(lock_);
}

Result<DataDir> DataDir::open(const std::string& path, bool create, std::chrono::milliseconds wait) {
    if (!create && !has_database(path))
        return fail(Errc::not_found, "这里还没有数据:" + path + ";请先 enrol 或 init / no data here: " + path +
                                         "; run enrol or init first");
    std::error_code ec;
    fs::create_directories(path, ec);
    if (ec)
        return fail(Errc::io, "不能建立文件夹(" + ec.message() + "):" + path + " / cannot make the folder (" +
                                  ec.message() + "): " + path);
    DataDir d;
    d.path_ = path;
    d.lock_ = ::open(d.file("lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (d.lock_ < 0) return disk_error("不能使用数据文件夹", "cannot use the data folder", path);
    const auto until = std::chrono::steady_clock::now() + wait;
    while (::flock(d.lock_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return disk_error("不能锁定数据文件夹", "cannot lock the data folder", path);
        if (std::chrono::steady_clock::now() >= until)
            return fail(Errc::busy, "另一个程序正在使用这些数据,请稍后再试:" + path +
                                        " / another process is using this data, try again later: " + path);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return d;
}

Result<std::optional<ReplicaId>> DataDir::incarnation() const {
    std::ifstream in(file("incarnation"));
    std::string hex;
    if (!(in >> hex)) return std::optional<ReplicaId>();
    const auto raw = from_hex(hex);
    if (raw.size() != 16) return std::optional<ReplicaId>();
    ReplicaId id;
    std::memcpy(id.bytes.data(), raw.data(), 16);
    return std::optional(id);
}

Result<> DataDir::write_incarnation(const ReplicaId& id) const {
    return write_file(file("incarnation"), id.hex() + "\n");
}

bool exists(const std::string& path) {
    std::error_code ec;
    return fs::exists(path, ec);
}
bool is_folder(const std::string& path) {
    std::error_code ec;
    return fs::is_directory(path, ec);
}
void remove_file(const std::string& path) {
    std::error_code ec;
    fs::remove(path, ec);
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
    std::error_code ec;
    const auto size = fs::file_size(path, ec);
    if (ec) {
        const auto code = ec == std::errc::no_such_file_or_directory ? Errc::not_found : Errc::io;
        return fail(code,
                    "不能读文件(" + ec.message() + "):" + path + " / cannot read (" + ec.message() + "): " + path);
    }
    if (size > bytes_max)
        return fail(Errc::bad_input,
                    "文件太大,不是台账的交换文件:" + path + " / too large for a bundle of this program: " + path);
    std::ifstream in(path, std::ios::binary);
    std::string bytes(size, 0);
    if (!in.read(bytes.data(), static_cast<std::streamsize>(size)))
        return fail(Errc::io, "文件没有读完整:" + path + " / could not read the whole file: " + path);
    return bytes;
}

Result<> write_file(const std::string& path, std::string_view bytes) {
    const auto temporary = path + ".new";
    const int fd = ::open(temporary.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return disk_error("不能写文件", "cannot write", path);
    std::size_t done = 0;
    bool ok = true;
    while (ok && done < bytes.size()) {
        const auto n = ::write(fd, bytes.data() + done, bytes.size() - done);
        ok = n > 0;
        if (ok) done += static_cast<std::size_t>(n);
    }
    ok = ok && ::fsync(fd) == 0;
    if (::close(fd) != 0) ok = false;
    ok = ok && ::rename(temporary.c_str(), path.c_str()) == 0;
    if (!ok) {
        auto e = disk_error("不能写文件", "cannot write", path);
        ::unlink(temporary.c_str());
        return e;
    }
    sync_folder_of(path);
    return {};
}

Result<> sync_and_rename(const std::string& from, const std::string& to) {
    const int fd = ::open(from.c_str(), O_RDWR | O_CLOEXEC);
    bool ok = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    ok = ok && ::rename(from.c_str(), to.c_str()) == 0;
    if (!ok) return disk_error("不能写文件", "cannot write", to);
    sync_folder_of(to);
    return {};
}

SocketPath::SocketPath(const std::string& dir) {
    path_ = dir + "/control.sock";
    if (path_.size() < 100) return;
    dir_ = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    path_ = "/proc/self/fd/" + std::to_string(dir_) + "/control.sock";
}
SocketPath::~SocketPath() {
    if (dir_ >= 0) ::close(dir_);
}

}  // namespace taizhang::node
