// keys.h - the key files of a data folder: made once, read at each start, never in the database or a backup of it.
//
//   DIR/key        this device's own key; a copy of the folder is a copy of the device
//   DIR/root.key   the city's root key: only where the city's log is written
//   FILE.keys      both, beside a backup FILE: without them a restored node has to be enrolled anew
//
// A file may be wrapped by a passphrase; then TAIZHANG_PASSPHRASE_FILE names a file whose first line is it.
// Threads: any.
#pragma once

#include "node/data_dir.h"
#include "replica/replica.h"

#include <functional>

namespace taizhang::node {

inline constexpr const char* kKeyFile = "key";
inline constexpr const char* kRootKeyFile = "root.key";
inline constexpr const char* kKeysSuffix = ".keys";

/// Reads the keys; makes the device's where there is none. Errc::corrupt, denied: one line, nothing was changed.
Result<Keys> open_keys(const DataDir& dir, const std::function<void(std::span<std::uint8_t>)>& random,
                       std::string passphrase = {});
/// Nobody has said the passphrase yet: the key is wrapped, and no file is named.
bool is_locked(const std::string& dir);
/// Whether it opens the folder's key. Errc::denied: no.
Result<> check_passphrase(const std::string& dir, const std::string& passphrase);
/// The root key of a new city. Errc::not_allowed when there is one.
Result<> make_root_key(const DataDir& dir, std::uint8_t suite,
                       const std::function<void(std::span<std::uint8_t>)>& random);

/// Wraps the folder's keys by the passphrase in `file` (its first line), or unwraps them when it is empty.
Result<> set_passphrase(const DataDir& dir, const std::string& file);

/// The first line of the file. Errc::bad_input: it is empty.
Result<std::string> read_passphrase(const std::string& file);

/// Copies of the folder's keys: wrapped by `passphrase` if there is one, else as they are. Nothing happens where there
/// are none. Gives whether nobody can use the copies without a passphrase.
Result<bool> copy_keys_out(const std::string& dir, const Keys& keys, const std::string& to,
                           const std::string& passphrase);
/// The files that were written; none when `from` is not there or the folder has a key.
Result<std::vector<std::string>> copy_keys_in(const std::string& from, const std::string& dir);

}  // namespace taizhang::node
