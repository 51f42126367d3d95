#include "trust/key.h"

#include "base/hash.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

namespace taizhang::trust {
namespace {

constexpr std::string_view kMagic = "TZK\x01";
constexpr std::uint8_t kOpen = 0, kWrapped = 1;
constexpr std::size_t kSalt = crypto_pwhash_SALTBYTES, kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
                      kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
// A file that asks for more than this is not one of ours.
constexpr std::uint64_t kPassesMax = 16, kKiBMax = 1u << 20;
// No 0, O, 1, I, L: read aloud over a telephone.
constexpr std::string_view kLetters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

const unsigned char* raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* raw(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

Error damaged() {
    return fail(Errc::corrupt,
                "密钥文件已损坏,请从密钥备份恢复,或重新 enrol / the key file is damaged: put it back from a copy, or "
                "enrol again");
}

Secret wrapping_key(std::string_view passphrase, std::string_view salt, std::uint64_t passes, std::uint64_t kib) {
    std::string key(crypto_aead_xchacha20poly1305_ietf_KEYBYTES, 0);
    if (crypto_pwhash(raw(key), key.size(), passphrase.data(), passphrase.size(), raw(salt), passes,
                      static_cast<std::size_t>(kib) * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
        throw std::bad_alloc();
    return Secret(std::move(key));
}

std::string letters_only(std::string_view typed) {
    std::string out;
    for (const char c : typed) {
        const char u = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        if (kLetters.find(u) != std::string_view::npos) out.push_back(u);
    }
    return out;
}

}  // namespace

std::string PublicKey::encode() const {
    std::string out(1, static_cast<char>(suite));
    return out + bytes;
}

PublicKey PublicKey::decode(std::string_view in) {
    if (in.empty()) return {};
    PublicKey k{static_cast<std::uint8_t>(in.front()), std::string(in.substr(1))};
    const auto* s = trust::suite(k.suite);
    return s && s->is_public_key(k.bytes) ? k : PublicKey{};
}

bool PublicKey::verify(std::string_view purpose, std::string_view what, std::string_view signature) const {
    const auto* s = trust::suite(suite);
    return s && !signature.empty() && static_cast<std::uint8_t>(signature.front()) == suite &&
           s->verify(bytes, purpose, what, signature.substr(1));
}

Key Key::of_seed(std::uint8_t suite, std::string_view seed) {
    const auto* s = trust::suite(suite);
    if (!s || seed.size() != kSeedBytes) throw std::logic_error("a key of no suite");
    Key k;
    std::array<std::uint8_t, kSeedBytes> bytes;
    std::copy(seed.begin(), seed.end(), bytes.begin());
    k.pair_ = s->make(bytes);
    sodium_memzero(bytes.data(), bytes.size());
    k.seed_ = Secret(std::string(seed));
    k.public_ = {suite, k.pair_.public_key};
    return k;
}

Key Key::make(std::uint8_t suite, const std::function<void(std::span<std::uint8_t>)>& random) {
    std::string seed(kSeedBytes, 0);
    random(std::span(raw(seed), seed.size()));
    auto k = of_seed(suite, seed);
    sodium_memzero(seed.data(), seed.size());
    return k;
}

std::string Key::sign(std::string_view purpose, std::string_view bytes) const {
    return static_cast<char>(public_.suite) + trust::suite(public_.suite)->sign(pair_.secret, purpose, bytes);
}

Result<std::string> Key::open(std::string_view bound, std::string_view sealed) const {
    if (sealed.empty() || static_cast<std::uint8_t>(sealed.front()) != public_.suite)
        return fail(Errc::bad_input, "密封方式与本机的密钥不同 / sealed by another suite than this device's key");
    return trust::suite(public_.suite)->open(pair_, bound, sealed.substr(1));
}

std::string Key::to_file(std::string_view passphrase) const {
    std::string out(kMagic);
    Writer w(out);
    w.u8(public_.suite);
    w.u8(passphrase.empty() ? kOpen : kWrapped);
    if (passphrase.empty()) {
        w.raw(seed_.view());
    } else {
        std::string salt(kSalt, 0), nonce(kNonce, 0), sealed(kSeedBytes + kTag, 0);
        randombytes_buf(salt.data(), salt.size());
        randombytes_buf(nonce.data(), nonce.size());
        w.varint(kArgonPasses);
        w.varint(kArgonKiB);
        w.raw(salt);
        const std::string head = out;
        const auto key = wrapping_key(passphrase, salt, kArgonPasses, kArgonKiB);
        crypto_aead_xchacha20poly1305_ietf_encrypt(raw(sealed), nullptr, raw(seed_.view()), kSeedBytes, raw(head),
                                                   head.size(), nullptr, raw(nonce), raw(key.view()));
        w.raw(nonce);
        w.raw(sealed);
    }
    const auto hash = hash_of(out);
    w.raw(view(hash.bytes));
    return out;
}

bool Key::is_wrapped(std::string_view file) {
    return file.starts_with(kMagic) && file.size() > kMagic.size() + 1 && file[kMagic.size() + 1] == kWrapped;
}

Result<Key> Key::from_file(std::string_view file, std::string_view passphrase) {
    if (!file.starts_with(kMagic) || file.size() < kMagic.size() + sizeof(Hash)) return damaged();
    const auto body = file.substr(0, file.size() - sizeof(Hash));
    if (view(hash_of(body).bytes) != file.substr(body.size())) return damaged();
    Reader r(body.substr(kMagic.size()));
    const auto suite = r.u8();
    const auto wrap = r.u8();
    if (!trust::suite(suite) || wrap > kWrapped)
        return fail(Errc::foreign_data, "密钥文件来自更新的程序,请升级 / the key file is of a newer program: upgrade");
    if (wrap == kOpen) {
        const auto seed = r.raw(kSeedBytes);
        return r.done() ? Result<Key>(of_seed(suite, seed)) : damaged();
    }
    if (passphrase.empty())
        return fail(Errc::denied, "本机的密钥有口令保护,请给出口令 / the key is protected by a passphrase: give it");
    const auto passes = r.varint(), kib = r.varint();
    const auto salt = r.raw(kSalt);
    const auto head = body.substr(0, kMagic.size() + r.offset());
    const auto nonce = r.raw(kNonce);
    const auto sealed = r.raw(kSeedBytes + kTag);
    if (!r.done() || passes == 0 || passes > kPassesMax || kib < 8 || kib > kKiBMax) return damaged();
    const auto key = wrapping_key(passphrase, salt, passes, kib);
    std::string bytes(kSeedBytes, 0);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(raw(bytes), nullptr, nullptr, raw(sealed), sealed.size(), raw(head),
                                                   head.size(), raw(nonce), raw(key.view())) != 0)
        return fail(Errc::denied, "口令不对,请再试;密钥没有变 / wrong passphrase, try again; the key is untouched");
    const Secret seed(std::move(bytes));
    return of_seed(suite, seed.view());
}

Result<std::string> seal_to(std::span<const PublicKey> receivers, std::string_view bound, std::string_view contents) {
    if (receivers.empty())
        return fail(Errc::not_allowed,
                    "还不知道收件单位的密钥,请先同步 / no key of the receiving unit is known here: sync first");
    const auto suite = receivers.front().suite;
    std::vector<std::string> keys;
    for (const auto& r : receivers) {
        if (r.suite != suite)
            return fail(Errc::bad_input, "收件单位的密钥不是同一种 / the receivers' keys are of different suites");
        keys.push_back(r.bytes);
    }
    TRY(const auto sealed, trust::suite(suite)->seal(keys, bound, contents));
    return static_cast<char>(suite) + sealed;
}

ReplicaId replica_id(const PublicKey& key, std::string_view nonce) {
    std::string bytes = "taizhang replica ";
    Writer w(bytes);
    w.str(key.encode());
    w.str(nonce);
    const auto h = hash_of(bytes);
    ReplicaId id;
    std::copy_n(h.bytes.begin(), id.bytes.size(), id.bytes.begin());
    return id;
}

std::string fingerprint(const PublicKey& root, const PublicKey& other) {
    std::string bytes = "taizhang fingerprint ";
    Writer w(bytes);
    w.str(root.encode());
    w.str(other.encode());
    const auto h = hash_of(bytes);
    std::string out;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i > 0 && i % 4 == 0) out.push_back('-');
        const auto n = static_cast<unsigned>(h.bytes[i * 2]) << 8 | h.bytes[i * 2 + 1];
        out.push_back(kLetters[n % kLetters.size()]);
    }
    return out;
}

bool same_fingerprint(std::string_view a, std::string_view b) {
    const auto x = letters_only(a), y = letters_only(b);
    return x.size() == 16 && x == y;
}

}  // namespace taizhang::trust
