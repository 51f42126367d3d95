// The files beside the keys that say who may sign in, and who is: as a damaged disk, another program or somebody with
// an editor leaves them. What was taken is written and read as the same.
#include "people/accounts.h"
#include "people/sessions.h"
#include "tests/fuzz/fuzz.h"

using namespace taizhang;

namespace {

constexpr std::int64_t kNow = 1'761'955'200'000;

void read_accounts(std::string_view bytes) {
    auto read = people::Accounts::decode(bytes);
    if (!read) return;
    const auto written = read->encode();
    const auto again = people::Accounts::decode(written);
    fuzz::require(again && again->encode() == written);
    if (read->empty()) return;
    const auto login = read->all().front().login;
    fuzz::require(read->find(login) != nullptr);
    read->note(login, "browser", "10.0.0.0/24", kNow);
    const auto* noted = read->find(login);
    fuzz::require(people::Accounts::knows(noted->devices, "browser", kNow, people::kDeviceKnownMs));
    static_cast<void>(read->set_roles(login, people::kClerk));
    static_cast<void>(read->remove(login));
    fuzz::require(people::Accounts::decode(read->encode()).has_value());
}

void read_sessions(std::string_view bytes) {
    people::Sessions read({}, [n = std::uint8_t{100}](std::span<std::uint8_t> out) mutable {
        for (auto& byte : out) byte = n++;
    });
    read.decode(bytes);
    const auto written = read.encode();
    people::Sessions again({}, [](std::span<std::uint8_t>) {});
    again.decode(written);
    fuzz::require(again.size() == read.size() && again.encode() == written);
    const auto opened = read.open("boss", 1, kNow);
    using Key = people::Sessions::Key;
    fuzz::require(read.find(opened.cookie, opened.page, Key::page, kNow, true) != nullptr);
    fuzz::require(read.find(opened.cookie, opened.content, Key::page, kNow, true) == nullptr);
}

}  // namespace

/// The first byte: accounts or sessions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    if ((static_cast<unsigned char>(bytes.front()) & 1) == 0)
        read_accounts(bytes.substr(1));
    else
        read_sessions(bytes.substr(1));
    return 0;
}
