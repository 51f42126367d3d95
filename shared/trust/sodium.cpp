// Suite 1: Ed25519 signatures, X25519 sealed boxes around the key of an XChaCha20-Poly1305 secretstream.
//
// Public key: Ed25519 (32), X25519 (32). Secret: Ed25519 (64), X25519 (32). Signature: 64.
// Sealed: varint receivers; for each the sealed content key (80); stream header (24);
// chunks of 64 KiB + 17, the last with the final tag: cut anywhere, it does not open.
#include "base/bytes.h"
#include "trust/parts.h"

#include <sodium.h>

#include <algorithm>

namespace taizhang::trust {
namespace {

constexpr std::size_t kSignKey = crypto_sign_PUBLICKEYBYTES, kBoxKey = crypto_box_PUBLICKEYBYTES;
constexpr std::size_t kStreamKey = crypto_secretstream_xchacha20poly1305_KEYBYTES,
                      kStreamHeader = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
                      kStreamExtra = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t kSlot = kStreamKey + crypto_box_SEALBYTES;
constexpr std::size_t kChunk = 64u << 10;

const unsigned char* raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* raw(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

Error damaged() { return fail(Errc::bad_input, "密封的内容已损坏 / the sealed contents are damaged"); }

class SodiumSuite final : public Suite {
public:
    std::uint8_t id() const override { return kSodium; }
    std::string_view name() const override { return "Ed25519, X25519, XChaCha20-Poly1305"; }

    KeyPair make(std::span<const std::uint8_t, kSeedBytes> seed) const override {
        // Two keys of one seed, so that neither is ever used for the other's purpose.
        unsigned char sign_seed[32], box_seed[32];
        crypto_kdf_derive_from_key(sign_seed, sizeof sign_seed, 1, "tz-trust", seed.data());
        crypto_kdf_derive_from_key(box_seed, sizeof box_seed, 2, "tz-trust", seed.data());
        std::string pub(kSignKey + kBoxKey, 0), sec(crypto_sign_SECRETKEYBYTES + crypto_box_SECRETKEYBYTES, 0);
        crypto_sign_seed_keypair(raw(pub), raw(sec), sign_seed);
        crypto_box_seed_keypair(raw(pub) + kSignKey, raw(sec) + crypto_sign_SECRETKEYBYTES, box_seed);
        sodium_memzero(sign_seed, sizeof sign_seed);
        sodium_memzero(box_seed, sizeof box_seed);
        return {std::move(pub), Secret(std::move(sec))};
    }

    bool is_public_key(std::string_view key) const override { return key.size() == kSignKey + kBoxKey; }

    std::string sign(const Secret& secret, std::string_view purpose, std::string_view bytes) const override {
        const auto what = signed_bytes(purpose, bytes);
        std::string out(crypto_sign_BYTES, 0);
        crypto_sign_detached(raw(out), nullptr, raw(what), what.size(), raw(secret.view()));
        return out;
    }

    bool verify(std::string_view public_key, std::string_view purpose, std::string_view bytes,
                std::string_view signature) const override {
        if (!is_public_key(public_key) || signature.size() != crypto_sign_BYTES) return false;
        const auto what = signed_bytes(purpose, bytes);
        return crypto_sign_verify_detached(raw(signature), raw(what), what.size(), raw(public_key)) == 0;
    }

    Result<std::string> seal(std::span<const std::string> receivers, std::string_view bound,
                             std::string_view contents) const override {
        if (receivers.empty() || receivers.size() > kReceiversMax)
            return fail(Errc::bad_input, "没有收件单位的密钥,或太多 / no receiver's key is known, or too many");
        std::string key(kStreamKey, 0), out;
        crypto_secretstream_xchacha20poly1305_keygen(raw(key));
        Writer w(out);
        w.varint(receivers.size());
        for (const auto& r : receivers) {
            std::string slot(kSlot, 0);
            if (!is_public_key(r) || crypto_box_seal(raw(slot), raw(key), key.size(), raw(r) + kSignKey) != 0)
                return fail(Errc::bad_input, "收件单位的密钥有误 / a receiver's key is none of this suite");
            w.raw(slot);
        }
        crypto_secretstream_xchacha20poly1305_state state;
        std::string header(kStreamHeader, 0);
        crypto_secretstream_xchacha20poly1305_init_push(&state, raw(header), raw(key));
        sodium_memzero(key.data(), key.size());
        w.raw(header);
        out.reserve(out.size() + contents.size() + (contents.size() / kChunk + 1) * kStreamExtra);
        std::string chunk;
        for (std::size_t at = 0;; at += kChunk) {
            const auto piece = contents.substr(at, kChunk);
            const bool is_last = at + piece.size() == contents.size();
            chunk.resize(piece.size() + kStreamExtra);
            crypto_secretstream_xchacha20poly1305_push(&state, raw(chunk), nullptr, raw(piece), piece.size(),
                                                       raw(bound), bound.size(),
                                                       is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                                               : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
            w.raw(chunk);
            if (is_last) return out;
        }
    }

    Result<std::string> open(const KeyPair& keys, std::string_view bound, std::string_view sealed) const override {
        Reader r(sealed);
        const auto receivers = r.size();
        if (!r.ok() || receivers == 0 || receivers > kReceiversMax) return damaged();
        std::string key(kStreamKey, 0);
        bool is_ours = false;
        for (std::size_t i = 0; i < receivers; ++i) {
            const auto slot = r.raw(kSlot);
            if (!r.ok()) return damaged();
            if (!is_ours)
                is_ours = crypto_box_seal_open(raw(key), raw(slot), slot.size(), raw(keys.public_key) + kSignKey,
                                               raw(keys.secret.view()) + crypto_sign_SECRETKEYBYTES) == 0;
        }
        const auto header = r.raw(kStreamHeader);
        if (!r.ok()) return damaged();
        if (!is_ours) return fail(Errc::denied, "这不是给本机的 / this is not sealed to this device");
        crypto_secretstream_xchacha20poly1305_state state;
        const bool has_begun = crypto_secretstream_xchacha20poly1305_init_pull(&state, raw(header), raw(key)) == 0;
        sodium_memzero(key.data(), key.size());
        if (!has_begun) return damaged();
        std::string out, chunk;
        for (;;) {
            const auto piece = r.raw(std::min(r.remaining(), kChunk + kStreamExtra));
            if (piece.size() < kStreamExtra) return damaged();
            chunk.resize(piece.size() - kStreamExtra);
            unsigned char tag = 0;
            if (crypto_secretstream_xchacha20poly1305_pull(&state, raw(chunk), nullptr, &tag, raw(piece), piece.size(),
                                                           raw(bound), bound.size()) != 0)
                return damaged();
            out += chunk;
            if (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) break;
        }
        if (!r.done()) return damaged();
        return out;
    }
};

}  // namespace

const Suite& sodium_suite() {
    static const SodiumSuite it;
    return it;
}

}  // namespace taizhang::trust
