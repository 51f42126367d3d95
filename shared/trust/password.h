// password.h - passwords of people: hashed by Argon2id, checked in constant time.
//
// A hash is a text of libsodium that carries its own salt and cost, so the cost can be raised later and old hashes
// stay good. Hashing takes tens of milliseconds and 19 MiB on purpose: callers bound how many run at once.
// Threads: any.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace taizhang::trust {

inline constexpr std::size_t kPasswordLettersMin = 10, kPasswordBytesMax = 1024;

/// Errc::bad_input: shorter than kPasswordLettersMin characters, too long, or not UTF-8. No other rules.
Result<> check_new_password(std::string_view password);
/// Errc::internal when there is no memory for it.
Result<std::string> hash_password(std::string_view password);
bool is_password(std::string_view hash, std::string_view password);
/// A hash that nothing fits: whoever asks for an account that is not there waits as long as for one that is.
const std::string& nobodys_hash();

}  // namespace taizhang::trust
