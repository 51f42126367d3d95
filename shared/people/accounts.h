// accounts.h - the people of one office: who may sign in to its screens, and as what.
//
// Accounts are the office's own business: they are not records, are not replicated, and lie in a file of their own
// (mode 0600) beside the keys, so that neither a copy of the database nor a backup carries a password's hash.
// Pure: bytes in, bytes out; node/people.h has the file. Design: docs/TRUST.md, "People".
#pragma once

#include "base/hash.h"
#include "people/roles.h"

#include <cstdint>
#include <string>
#include <vector>

namespace taizhang::people {

inline constexpr std::size_t kAccountsMax = 500, kNameBytesMax = 60;
/// More: more of the attacker's earlier places stay known; less: people with many browsers are strangers again.
inline constexpr std::size_t kKnownMax = 20;
inline constexpr std::int64_t kDeviceKnownMs = 180LL * 86'400'000, kAddressKnownMs = 30LL * 86'400'000;

/// A browser or an address from which the right password came.
struct Known {
    std::string what;  ///< hash of the browser's token in hex, or a network
    std::int64_t seen_ms = 0;
};

struct Account {
    std::string login, name;  ///< what one signs in with; what stands under commits
    Roles roles = 0;
    std::string password;           ///< hash
    std::uint64_t password_no = 0;  ///< rises with every change: sessions of before end
    std::vector<Known> devices, addresses;
};

class Accounts {
public:
    /// Errc::corrupt.
    static Result<Accounts> decode(std::string_view bytes);
    std::string encode() const;

    bool empty() const { return all_.empty(); }
    const std::vector<Account>& all() const { return all_; }
    /// Small and capital letters are the same. Null: there is none.
    const Account* find(std::string_view login) const;

    /// Errc::bad_input: a name that cannot be one; not_allowed: there is one of that login or name.
    Result<> add(const std::string& login, const std::string& name, Roles roles, const std::string& hash);
    /// Errc::not_found; not_allowed when no administrator would be left among others.
    Result<> set_roles(const std::string& login, Roles roles);
    Result<> set_name(const std::string& login, const std::string& name);
    /// What was known of browsers and addresses is forgotten: whoever had the old password is a stranger.
    Result<> set_password(const std::string& login, const std::string& hash);
    Result<> remove(const std::string& login);

    /// Whether the right password came from there within `for_ms`.
    /// A clock that was put back only makes it longer.
    static bool knows(const std::vector<Known>& list, std::string_view what, std::int64_t now_ms, std::int64_t for_ms);
    /// Notes it; gives whether the file should be written (not for every sign-in of a day).
    bool note(const std::string& login, const std::string& device, const std::string& address, std::int64_t now_ms);

private:
    Result<Account*> at(const std::string& login);
    Result<> check_name(const std::string& name, const Account* but) const;
    Result<> keeps_administrator(const Account& without) const;
    std::vector<Account> all_;
};

}  // namespace taizhang::people
