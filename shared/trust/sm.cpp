// Suite 2: SM2 signatures with SM3, SM2 encryption of the key of SM4-CTR with HMAC-SM3 (OpenSSL 3 has no SM4-GCM).
//
// Public key: two points, uncompressed (65 each): for signatures, for sealing. Secret: two scalars (32 each).
// Signature: DER as OpenSSL writes it. Sealed: varint receivers; for each str, the master key by SM2; iv (16);
// ciphertext; HMAC-SM3 (32) over bound, iv and ciphertext. The SM2 id is the standard's default, set explicitly.
#include "base/bytes.h"
#include "trust/parts.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <sodium.h>

#include <memory>
#include <stdexcept>

namespace taizhang::trust {
namespace {

constexpr std::size_t kPoint = 65, kScalar = 32, kMaster = 32, kCipherKey = 16, kIv = 16, kMac = 32;
constexpr std::size_t kSlotMax = 256, kSignatureMax = 80;
constexpr std::string_view kSm2Id = "1234567812345678";  // GM/T 0009: when nothing else is agreed

template <auto F>
struct Free {
    template <class T>
    void operator()(T* p) const {
        F(p);
    }
};
using Bn = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using BnCtx = std::unique_ptr<BN_CTX, Free<BN_CTX_free>>;
using Group = std::unique_ptr<EC_GROUP, Free<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Free<EC_POINT_free>>;
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using MdCtx = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using CipherCtx = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using ParamBuild = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;

const unsigned char* raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* raw(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

/// Without memory or without the algorithm nothing can be done here.
void need(bool ok, const char* what) {
    if (ok) return;
    ERR_clear_error();
    throw std::runtime_error(std::string("OpenSSL: ") + what);
}

std::string hmac(std::string_view key, std::string_view bytes) {
    std::string out(kMac, 0);
    std::size_t n = 0;
    need(EVP_Q_mac(nullptr, "HMAC", nullptr, "SM3", nullptr, key.data(), key.size(), raw(bytes), bytes.size(), raw(out),
                   out.size(), &n) != nullptr &&
             n == out.size(),
         "HMAC-SM3");
    return out;
}

/// A scalar from 1 to n - 1: 64 bytes of the seed's HMACs, reduced, so that the bias is below 2^-250.
Bn scalar_of(std::string_view seed, std::string_view purpose, const EC_GROUP& group, BN_CTX& ctx) {
    auto wide = hmac(seed, std::string(purpose) + "1") + hmac(seed, std::string(purpose) + "2");
    Bn d(BN_secure_new()), m(BN_dup(EC_GROUP_get0_order(&group)));
    need(d && m && BN_bin2bn(raw(wide), static_cast<int>(wide.size()), d.get()) && BN_sub_word(m.get(), 2) &&
             BN_mod(d.get(), d.get(), m.get(), &ctx) && BN_add_word(d.get(), 1),
         "SM2 scalar");
    sodium_memzero(wide.data(), wide.size());
    return d;
}

/// Null when the point is not on the curve. `scalar` empty: the public key alone.
Pkey key_of(std::string_view point, std::string_view scalar) {
    ParamBuild build(OSSL_PARAM_BLD_new());
    need(build && OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0) &&
             OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
         "SM2 key");
    Bn d;
    if (!scalar.empty()) {
        d.reset(BN_secure_new());
        need(d && BN_bin2bn(raw(scalar), static_cast<int>(scalar.size()), d.get()) &&
                 OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, d.get()),
             "SM2 key");
    }
    Params params(OSSL_PARAM_BLD_to_param(build.get()));
    PkeyCtx ctx(EVP_PKEY_CTX_new_from_name(nullptr, "SM2", nullptr));
    EVP_PKEY* out = nullptr;
    need(params && ctx && EVP_PKEY_fromdata_init(ctx.get()) == 1, "SM2 key");
    if (EVP_PKEY_fromdata(ctx.get(), &out, scalar.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, params.get()) != 1)
        ERR_clear_error();
    return Pkey(out);
}

/// The digest context keeps no ownership of the key's context: both are held here.
struct SignContext {
    PkeyCtx key;
    MdCtx digest;
    explicit SignContext(EVP_PKEY* pkey) : key(EVP_PKEY_CTX_new(pkey, nullptr)), digest(EVP_MD_CTX_new()) {
        need(key && digest && EVP_PKEY_CTX_set1_id(key.get(), kSm2Id.data(), static_cast<int>(kSm2Id.size())) > 0,
             "SM2 id");
        EVP_MD_CTX_set_pkey_ctx(digest.get(), key.get());
    }
};

std::string sm4_ctr(std::string_view key, std::string_view iv, std::string_view in) {
    CipherCtx ctx(EVP_CIPHER_CTX_new());
    std::string out(in.size() + kIv, 0);
    int n = 0, last = 0;
    need(ctx && EVP_EncryptInit_ex(ctx.get(), EVP_sm4_ctr(), nullptr, raw(key), raw(iv)) == 1 &&
             EVP_EncryptUpdate(ctx.get(), raw(out), &n, raw(in), static_cast<int>(in.size())) == 1 &&
             EVP_EncryptFinal_ex(ctx.get(), raw(out) + n, &last) == 1,
         "SM4-CTR");
    out.resize(static_cast<std::size_t>(n + last));
    return out;
}

std::string mac_of(std::string_view master, std::string_view bound, std::string_view sealed) {
    std::string what;
    Writer w(what);
    w.str(bound);
    w.raw(sealed);
    return hmac(hmac(master, "mac"), what);
}

Error damaged() { return fail(Errc::bad_input, "密封的内容已损坏 / the sealed contents are damaged"); }

class SmSuite final : public Suite {
public:
    std::uint8_t id() const override { return kSm; }
    std::string_view name() const override { return "SM2, SM3, SM4-CTR with HMAC-SM3"; }

    KeyPair make(std::span<const std::uint8_t, kSeedBytes> seed) const override {
        const std::string_view bytes(reinterpret_cast<const char*>(seed.data()), seed.size());
        Group group(EC_GROUP_new_by_curve_name(NID_sm2));
        BnCtx ctx(BN_CTX_secure_new());
        need(group && ctx, "SM2");
        std::string pub(kPoint * 2, 0), sec(kScalar * 2, 0);
        for (std::size_t i = 0; i < 2; ++i) {
            const auto d = scalar_of(bytes, i == 0 ? "sign" : "seal", *group, *ctx);
            Point q(EC_POINT_new(group.get()));
            need(q && EC_POINT_mul(group.get(), q.get(), d.get(), nullptr, nullptr, ctx.get()) == 1 &&
                     EC_POINT_point2oct(group.get(), q.get(), POINT_CONVERSION_UNCOMPRESSED, raw(pub) + i * kPoint,
                                        kPoint, ctx.get()) == kPoint &&
                     BN_bn2binpad(d.get(), raw(sec) + i * kScalar, kScalar) == static_cast<int>(kScalar),
                 "SM2 key");
        }
        return {std::move(pub), Secret(std::move(sec))};
    }

    bool is_public_key(std::string_view key) const override {
        return key.size() == kPoint * 2 && key_of(key.substr(0, kPoint), {}) && key_of(key.substr(kPoint), {});
    }

    std::string sign(const Secret& secret, std::string_view purpose, std::string_view bytes) const override {
        // The public half is needed for the digest of the signer's id.
        const auto scalar = secret.view().substr(0, kScalar);
        const auto pkey = key_of(point_of(scalar), scalar);
        need(pkey != nullptr, "SM2 key");
        SignContext ctx(pkey.get());
        const auto what = signed_bytes(purpose, bytes);
        std::string out(kSignatureMax, 0);
        auto n = out.size();
        need(EVP_DigestSignInit(ctx.digest.get(), nullptr, EVP_sm3(), nullptr, pkey.get()) == 1 &&
                 EVP_DigestSign(ctx.digest.get(), raw(out), &n, raw(what), what.size()) == 1,
             "SM2 signature");
        out.resize(n);
        return out;
    }

    bool verify(std::string_view public_key, std::string_view purpose, std::string_view bytes,
                std::string_view signature) const override {
        if (public_key.size() != kPoint * 2 || signature.size() > kSignatureMax) return false;
        const auto pkey = key_of(public_key.substr(0, kPoint), {});
        if (!pkey) return false;
        SignContext ctx(pkey.get());
        const auto what = signed_bytes(purpose, bytes);
        const bool ok =
            EVP_DigestVerifyInit(ctx.digest.get(), nullptr, EVP_sm3(), nullptr, pkey.get()) == 1 &&
            EVP_DigestVerify(ctx.digest.get(), raw(signature), signature.size(), raw(what), what.size()) == 1;
        ERR_clear_error();
        return ok;
    }

    Result<std::string> seal(std::span<const std::string> receivers, std::string_view bound,
                             std::string_view contents) const override {
        if (receivers.empty() || receivers.size() > kReceiversMax)
            return fail(Errc::bad_input, "没有收件单位的密钥,或太多 / no receiver's key is known, or too many");
        std::string bytes(kMaster, 0), iv(kIv, 0), out;
        randombytes_buf(bytes.data(), bytes.size());
        randombytes_buf(iv.data(), iv.size());
        const Secret master(std::move(bytes));
        Writer w(out);
        w.varint(receivers.size());
        for (const auto& r : receivers) {
            const auto pkey = r.size() == kPoint * 2 ? key_of(std::string_view(r).substr(kPoint), {}) : nullptr;
            if (!pkey) return fail(Errc::bad_input, "收件单位的密钥有误 / a receiver's key is none of this suite");
            PkeyCtx ctx(EVP_PKEY_CTX_new(pkey.get(), nullptr));
            std::string slot(kSlotMax, 0);
            auto n = slot.size();
            need(ctx && EVP_PKEY_encrypt_init(ctx.get()) == 1 &&
                     EVP_PKEY_encrypt(ctx.get(), raw(slot), &n, raw(master.view()), kMaster) == 1,
                 "SM2 encryption");
            w.str(std::string_view(slot).substr(0, n));
        }
        const auto key = hmac(master.view(), "cipher");
        const auto sealed = iv + sm4_ctr(std::string_view(key).substr(0, kCipherKey), iv, contents);
        w.raw(sealed);
        w.raw(mac_of(master.view(), bound, sealed));
        return out;
    }

    Result<std::string> open(const KeyPair& keys, std::string_view bound, std::string_view sealed) const override {
        Reader r(sealed);
        const auto receivers = r.size();
        if (!r.ok() || receivers == 0 || receivers > kReceiversMax) return damaged();
        const auto own = key_of(std::string_view(keys.public_key).substr(kPoint), keys.secret.view().substr(kScalar));
        need(own != nullptr, "SM2 key");
        Secret master;
        for (std::size_t i = 0; i < receivers; ++i) {
            const auto slot = r.str();
            if (!r.ok() || slot.size() > kSlotMax) return damaged();
            if (!master.empty()) continue;
            PkeyCtx ctx(EVP_PKEY_CTX_new(own.get(), nullptr));
            std::string bytes(kSlotMax, 0);
            auto n = bytes.size();
            need(ctx && EVP_PKEY_decrypt_init(ctx.get()) == 1, "SM2 decryption");
            if (EVP_PKEY_decrypt(ctx.get(), raw(bytes), &n, raw(slot), slot.size()) == 1 && n == kMaster) {
                bytes.resize(n);
                master = Secret(std::move(bytes));
            }
        }
        ERR_clear_error();
        if (r.remaining() < kIv + kMac) return damaged();
        if (master.empty()) return fail(Errc::denied, "这不是给本机的 / this is not sealed to this device");
        const auto body = r.raw(r.remaining() - kMac);
        if (!equal_secrets(mac_of(master.view(), bound, body), r.raw(kMac))) return damaged();
        const auto key = hmac(master.view(), "cipher");
        return sm4_ctr(std::string_view(key).substr(0, kCipherKey), body.substr(0, kIv), body.substr(kIv));
    }

private:
    static std::string point_of(std::string_view scalar) {
        Group group(EC_GROUP_new_by_curve_name(NID_sm2));
        BnCtx ctx(BN_CTX_secure_new());
        need(group && ctx, "SM2");
        Bn d(BN_secure_new());
        Point q(EC_POINT_new(group.get()));
        std::string out(kPoint, 0);
        need(d && q && BN_bin2bn(raw(scalar), static_cast<int>(scalar.size()), d.get()) &&
                 EC_POINT_mul(group.get(), q.get(), d.get(), nullptr, nullptr, ctx.get()) == 1 &&
                 EC_POINT_point2oct(group.get(), q.get(), POINT_CONVERSION_UNCOMPRESSED, raw(out), kPoint, ctx.get()) ==
                     kPoint,
             "SM2 key");
        return out;
    }
};

}  // namespace

const Suite& sm_suite() {
    static const SmSuite it;
    return it;
}

}  // namespace taizhang::trust
