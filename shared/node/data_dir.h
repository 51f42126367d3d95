// data_dir.h - where a node lives: its folder, its lock, its small files. All POSIX calls on files are in this folder.
//
//   DIR/taizhang.db   the database          DIR/lock          held by the process that uses it
//   DIR/incarnation   the replica's id      DIR/control.sock  the serving process answers here
//   DIR/files         contents of attachments (blob_folder.h)
//   DIR/people, DIR/sessions, DIR/launch   who may use the screens (people.h)
//
// The incarnation is kept outside the database too: a database that was copied or
// restored without it is a new replica.
#pragma once

#include "base/ids.h"
#include "base/result.h"

#include <chrono>
#include <optional>
#include <string>

namespace taizhang::node {

/// $XDG_DATA_HOME/taizhang, or ~/.local/share/taizhang.
std::string default_dir(const std::string& program);

class DataDir {
public:
    /// Errc::not_found when there is nothing and `create` is false; Errc::busy when another process holds it
    /// for longer than `wait`.
    static Result<DataDir> open(const std::string& path, bool create, std::chrono::milliseconds wait);
    DataDir(DataDir&& o) noexcept;
    DataDir& operator=(DataDir&& o) noexcept;
    ~DataDir();

    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

    Result<std::optional<ReplicaId>> incarnation() const;
    /// Durable when it returns: temporary file, fsync, rename, fsync of the folder.
    Result<> write_incarnation(const ReplicaId& id) const;

private:
    DataDir() = default;
    std::string path_;
    int lock_ = -1;
};

bool has_database(const std::string& dir);
/// A path to the control socket that fits into a socket address however deep the folder lies. Keep it alive while used.
class SocketPath {
public:
    explicit SocketPath(const std::string& dir);
    ~SocketPath();
    SocketPath(const SocketPath&) = delete;
    SocketPath& operator=(const SocketPath&) = delete;
    const std::string& path() const { return path_; }

private:
    int dir_ = -1;
    std::string path_;
};

/// Errc::not_found, io; bad_input when it is larger than `bytes_max` (then nothing was read).
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);
bool exists(const std::string& path);
bool is_folder(const std::string& path);
void remove_file(const std::string& path);

/// Gives a finished file its name, durably.
Result<> sync_and_rename(const std::string& from, const std::string& to);
/// Replaces the file, durably.
Result<> write_file(const std::string& path, std::string_view bytes);

}  // namespace taizhang::node
