#include "node/keys.h"

#include "node/terminal.h"

#include <cstdlib>

namespace taizhang::node {
namespace {

constexpr std::size_t kKeyFileMax = 4096;
constexpr const char* kPassphraseFile = "TAIZHANG_PASSPHRASE_FILE";
constexpr std::string_view kMagic = "TZKS\x01";

Result<std::string> passphrase() {
    const char* path = std::getenv(kPassphraseFile);
    if (path && *path) return read_passphrase(path);
    if (!has_person()) return std::string();
    return read_secret("密钥口令 / passphrase of the keys: ");
}

/// Null when there is no such file. `word`: a person is asked once, for all files.
Result<std::shared_ptr<const trust::Key>> read_key(const std::string& path, std::string& word) {
    if (!exists(path)) return std::shared_ptr<const trust::Key>();
    TRY(const auto bytes, read_file(path, kKeyFileMax));
    if (trust::Key::is_wrapped(bytes) && word.empty()) {
        TRY(word, passphrase());
    }
    auto key = trust::Key::from_file(bytes, word);
    if (!key) {
        auto e = key.error();
        const auto slash = e.detail.find(" / ");
        e.detail.insert(slash == std::string::npos ? e.detail.size() : slash, ":" + path);
        e.detail += word.empty() && e.code == Errc::denied ? " (TAIZHANG_PASSPHRASE_FILE): " + path : ": " + path;
        return e;
    }
    return std::make_shared<const trust::Key>(std::move(*key));
}

}  // namespace

Result<std::string> read_passphrase(const std::string& path) {
    TRY(auto text, read_file(path, kKeyFileMax));
    text.resize(std::min(text.find_first_of("\r\n"), text.size()));
    if (text.empty())
        return fail(Errc::bad_input, "口令文件是空的:" + path + " / the passphrase file is empty: " + path);
    return text;
}

Result<Keys> open_keys(const DataDir& dir, const std::function<void(std::span<std::uint8_t>)>& random,
                       std::string passphrase) {
    Keys keys;
    TRY(keys.device, read_key(dir.file(kKeyFile), passphrase));
    TRY(keys.root, read_key(dir.file(kRootKeyFile), passphrase));
    if (keys.device) return keys;
    // The suite of the city's root, where this is it.
    auto key = trust::Key::make(keys.root ? keys.root->public_key().suite : trust::kDefaultSuite, random);
    TRY_VOID(write_file(dir.file(kKeyFile), key.to_file()));
    keys.device = std::make_shared<const trust::Key>(std::move(key));
    return keys;
}

bool is_locked(const std::string& dir) {
    const char* path = std::getenv(kPassphraseFile);
    if (path && *path) return false;
    const auto bytes = read_file(dir + "/" + kKeyFile, kKeyFileMax);
    return bytes && trust::Key::is_wrapped(*bytes);
}

Result<> check_passphrase(const std::string& dir, const std::string& passphrase) {
    TRY(const auto bytes, read_file(dir + "/" + kKeyFile, kKeyFileMax));
    const auto key = trust::Key::from_file(bytes, passphrase);
    return key ? Result<>() : Result<>(key.error());
}

Result<> make_root_key(const DataDir& dir, std::uint8_t suite,
                       const std::function<void(std::span<std::uint8_t>)>& random) {
    const auto path = dir.file(kRootKeyFile);
    if (exists(path)) return fail(Errc::not_allowed, "已有根密钥:" + path + " / there is a root key already: " + path);
    return write_file(path, trust::Key::make(suite, random).to_file());
}

Result<> set_passphrase(const DataDir& dir, const std::string& file) {
    std::string word, before;
    if (!file.empty()) {
        TRY(word, read_passphrase(file));
    }
    for (const char* name : {kKeyFile, kRootKeyFile}) {
        TRY(const auto key, read_key(dir.file(name), before));
        if (key) TRY_VOID(write_file(dir.file(name), key->to_file(word)));
    }
    return {};
}

Result<bool> copy_keys_out(const std::string& dir, const Keys& keys, const std::string& to,
                           const std::string& passphrase) {
    std::string out(kMagic);
    Writer w(out);
    bool any = false, is_wrapped = true;
    for (const auto& [name, key] : {std::pair{kKeyFile, keys.device}, std::pair{kRootKeyFile, keys.root}}) {
        std::string bytes;
        if (const auto path = dir + "/" + name; exists(path)) {
            TRY(bytes, read_file(path, kKeyFileMax));
            if (key && !passphrase.empty()) bytes = key->to_file(passphrase);
            is_wrapped = is_wrapped && trust::Key::is_wrapped(bytes);
            any = true;
        }
        w.str(bytes);
    }
    if (any) TRY_VOID(write_file(to, out));
    return is_wrapped;
}

Result<std::vector<std::string>> copy_keys_in(const std::string& from, const std::string& dir) {
    std::vector<std::string> written;
    if (!exists(from) || exists(dir + "/" + kKeyFile)) return written;
    TRY(const auto bytes, read_file(from, kKeyFileMax * 3));
    Reader r(bytes);
    const bool is_ours = r.raw(kMagic.size()) == kMagic;
    std::string parts[2];
    for (auto& p : parts) p = std::string(r.str());
    if (!is_ours || !r.done())
        return fail(Errc::corrupt, "密钥备份已损坏,没有恢复:" + from +
                                       " / the copy of the keys is damaged, nothing was "
                                       "restored: " +
                                       from);
    const char* const names[] = {kKeyFile, kRootKeyFile};
    for (std::size_t i = 0; i < 2; ++i) {
        if (parts[i].empty()) continue;
        TRY_VOID(write_file(dir + "/" + names[i], parts[i]));
        written.push_back(dir + "/" + names[i]);
    }
    return written;
}

}  // namespace taizhang::node
