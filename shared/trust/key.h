// key.h - a device's key, what it signs with it, and the file that keeps it.
//
// A key is a seed of 32 bytes and a suite; everything else follows. It lies in a file
// of its own beside the database, never in it: a copy or a backup of the database is
// no copy of the device. The file may be wrapped by a passphrase (Argon2id).
//
//   key file: "TZK\1", u8 suite, u8 wrap (0 none, 1 Argon2id),
//             wrap 0: seed (32)
//             wrap 1: varint passes, varint KiB, salt (16), nonce (24), sealed seed (48)
//             hash (32) of all before: damage is told from a wrong passphrase
//
// Threads: any. Design: docs/TRUST.md.
#pragma once

#include "base/ids.h"
#include "trust/suite.h"

#include <functional>
#include <optional>
#include <span>

namespace taizhang::trust {

/// Argon2id for a passphrase. More: slower to guess and slower to start, on a PC of 2 GB too.
inline constexpr std::uint64_t kArgonPasses = 2, kArgonKiB = 19456;

/// "suite, then key": how a public key stands in certificates and in the city's first entry.
struct PublicKey {
    std::uint8_t suite = kNoSuite;
    std::string bytes;
    bool operator==(const PublicKey&) const = default;
    bool empty() const { return suite == kNoSuite; }

    std::string encode() const;
    /// Empty when it is of no suite that this program knows.
    static PublicKey decode(std::string_view bytes);
    /// A suite's number and its signature, as sign() gave them.
    bool verify(std::string_view purpose, std::string_view bytes, std::string_view signature) const;
};

class Key {
public:
    static Key make(std::uint8_t suite, const std::function<void(std::span<std::uint8_t>)>& random);
    Key(Key&&) = default;
    Key& operator=(Key&&) = default;
    /// A second object of the same key.
    Key clone() const { return of_seed(public_.suite, seed_.view()); }

    const PublicKey& public_key() const { return public_; }
    std::string sign(std::string_view purpose, std::string_view bytes) const;
    /// Errc::denied: not for this key. Errc::bad_input: damaged, or of another suite.
    Result<std::string> open(std::string_view bound, std::string_view sealed) const;

    /// The key file's bytes; an empty passphrase does not wrap.
    std::string to_file(std::string_view passphrase = {}) const;
    /// Errc::corrupt: damaged. Errc::denied: wrong or missing passphrase. Nothing is changed by either.
    static Result<Key> from_file(std::string_view bytes, std::string_view passphrase = {});
    static bool is_wrapped(std::string_view file);

private:
    static Key of_seed(std::uint8_t suite, std::string_view seed);
    Key() = default;
    PublicKey public_;
    Secret seed_;
    KeyPair pair_;
};

/// "suite, receivers and contents" to all of the keys, which must be of one suite.
Result<std::string> seal_to(std::span<const PublicKey> receivers, std::string_view bound, std::string_view contents);

/// The name of a replica that signs with this key: nobody else can have a certificate for it.
ReplicaId replica_id(const PublicKey& key, std::string_view nonce);
inline constexpr std::size_t kNonceBytes = 16;

/// Four groups of four letters, for two people to compare: of the city's root key and a server's key.
std::string fingerprint(const PublicKey& root, const PublicKey& other);
/// Case, spaces and dashes do not matter.
bool same_fingerprint(std::string_view a, std::string_view b);

}  // namespace taizhang::trust
