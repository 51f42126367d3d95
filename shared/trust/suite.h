// suite.h - what a set of algorithms must be able to do: sign, verify, seal, open.
//
// Every envelope (certificate, control entry, signed head, ack, bundle, key file)
// carries the number of its suite, so that another set of algorithms fits in without
// a new format. Suite 1 is Ed25519, X25519 and XChaCha20-Poly1305 by libsodium;
// suite 2 is SM2, SM3 and SM4 by OpenSSL. One test suite runs over both.
//
// What is signed is always a purpose and bytes: a signature made for one purpose
// means nothing for another. Keys follow from a 32-byte seed that is handed in.
//
// Threads: any; suites have no state. Design: docs/TRUST.md.
#pragma once

#include "base/result.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace taizhang::trust {

inline constexpr std::uint8_t kNoSuite = 0, kSodium = 1, kSm = 2;
/// The suite of new keys.
inline constexpr std::uint8_t kDefaultSuite = kSodium;

inline constexpr std::size_t kSeedBytes = 32;
/// Receivers of one sealed text at most: each costs its opener one try.
inline constexpr std::size_t kReceiversMax = 128;

/// Bytes that are wiped when they go. Moves, is never copied by accident.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
    Secret(Secret&& o) noexcept : bytes_(std::move(o.bytes_)) { o.wipe(); }
    Secret& operator=(Secret&& o) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(); }

    std::string_view view() const { return bytes_; }
    bool empty() const { return bytes_.empty(); }

private:
    void wipe();
    std::string bytes_;
};

struct KeyPair {
    std::string public_key;  ///< for verifying and for sealing to it
    Secret secret;           ///< of this suite's own form
};

class Suite {
public:
    virtual ~Suite() = default;
    virtual std::uint8_t id() const = 0;
    virtual std::string_view name() const = 0;

    /// The same seed gives the same keys.
    virtual KeyPair make(std::span<const std::uint8_t, kSeedBytes> seed) const = 0;
    /// Whether the bytes have the form of a public key of this suite.
    virtual bool is_public_key(std::string_view key) const = 0;

    virtual std::string sign(const Secret& secret, std::string_view purpose, std::string_view bytes) const = 0;
    virtual bool verify(std::string_view public_key, std::string_view purpose, std::string_view bytes,
                        std::string_view signature) const = 0;

    /// To all of the receivers, who are not named in the result; `bound` must be given again to open it.
    /// Errc::bad_input when a key is none of this suite, or there are none or too many.
    virtual Result<std::string> seal(std::span<const std::string> receivers, std::string_view bound,
                                     std::string_view contents) const = 0;
    /// Errc::denied: not for this key. Errc::bad_input: damaged.
    virtual Result<std::string> open(const KeyPair& keys, std::string_view bound, std::string_view sealed) const = 0;
};

/// Null when this program does not know it.
const Suite* suite(std::uint8_t id);

/// Compares without telling by the time it takes where they differ.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace taizhang::trust
