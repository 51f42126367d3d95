// people.h - where the office's accounts and sessions lie: files of their own beside the keys, mode 0600.
//
//   DIR/people     accounts (people/accounts.h)
//   DIR/sessions   hashes of who is signed in, good until the PC starts again; its first line names that start
//   DIR/launch     the address that opens the screens on this PC, while a program serves without accounts
//
// Threads: store thread, but for the sessions' and the launch file, which are the serving program's.
#pragma once

#include "node/data_dir.h"
#include "people/accounts.h"

namespace taizhang::node {

inline constexpr const char* kPeopleFile = "people";
inline constexpr const char* kSessionsFile = "sessions";
inline constexpr const char* kLaunchFile = "launch";

class People {
public:
    /// No file: nobody. Errc::corrupt: it is damaged; that is never taken for "nobody".
    static Result<People> open(const DataDir& dir);

    const people::Accounts& accounts() const { return accounts_; }
    /// Changes the accounts and the file, or neither.
    template <class Change>
    Result<> change(Change&& how) {
        auto next = accounts_;
        TRY_VOID(how(next));
        TRY_VOID(save(next));
        accounts_ = std::move(next);
        return {};
    }

private:
    Result<> save(const people::Accounts& accounts) const;
    std::string path_;
    people::Accounts accounts_;
};

/// Of this start of the PC; empty when there is none.
std::string read_sessions(const std::string& dir);
Result<> write_sessions(const std::string& dir, std::string_view bytes);

}  // namespace taizhang::node
