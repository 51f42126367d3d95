#include "node/people.h"

#include <fstream>

namespace taizhang::node {
namespace {

constexpr std::size_t kFileMax = 4u << 20;

/// Changes with every start of the PC. Monotonic times of before mean nothing after it.
std::string this_boot() {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string id;
    in >> id;
    return id;
}

}  // namespace

Result<People> People::open(const DataDir& dir) {
    People p;
    p.path_ = dir.file(kPeopleFile);
    if (!exists(p.path_)) return p;
    TRY(const auto bytes, read_file(p.path_, kFileMax));
    auto read = people::Accounts::decode(bytes);
    if (!read) {
        auto e = read.error();
        e.detail += ": " + p.path_;
        return e;
    }
    p.accounts_ = std::move(*read);
    return p;
}

Result<> People::save(const people::Accounts& accounts) const {
    if (accounts.empty()) {
        remove_file(path_);
        return {};
    }
    return write_file(path_, accounts.encode());
}

std::string read_sessions(const std::string& dir) {
    const auto bytes = read_file(dir + "/" + kSessionsFile, kFileMax);
    if (!bytes) return {};
    const auto line = bytes->find('\n');
    const auto boot = this_boot();
    if (line == std::string::npos || boot.empty() || bytes->substr(0, line) != boot) return {};
    return bytes->substr(line + 1);
}

Result<> write_sessions(const std::string& dir, std::string_view bytes) {
    return write_file(dir + "/" + kSessionsFile, this_boot() + "\n" + std::string(bytes));
}

}  // namespace taizhang::node
