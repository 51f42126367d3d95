#include "trust/password.h"

#include "trust/key.h"

#include <sodium.h>

#include <array>

namespace taizhang::trust {

Result<> check_new_password(std::string_view password) {
    std::size_t letters = 0;
    for (const char c : password)
        if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++letters;
    if (letters < kPasswordLettersMin)
        return fail(Errc::bad_input, "密码至少 10 个字符 / a password has at least 10 characters");
    if (password.size() > kPasswordBytesMax || password.find('\0') != std::string_view::npos)
        return fail(Errc::bad_input, "密码太长或有不能用的字符 / the password is too long, or has a NUL in it");
    return {};
}

Result<std::string> hash_password(std::string_view password) {
    std::array<char, crypto_pwhash_STRBYTES> out{};
    if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), kArgonPasses,
                              static_cast<std::size_t>(kArgonKiB) * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return fail(Errc::internal, "内存不够,没有改密码 / not enough memory: the password was not changed");
    return std::string(out.data());
}

bool is_password(std::string_view hash, std::string_view password) {
    if (hash.size() >= crypto_pwhash_STRBYTES || password.size() > kPasswordBytesMax) return false;
    const std::string text(hash);  // ends with the zero that libsodium wants
    return crypto_pwhash_str_verify(text.c_str(), password.data(), password.size()) == 0;
}

const std::string& nobodys_hash() {
    static const std::string hash = [] {
        std::array<char, 32> random{};
        randombytes_buf(random.data(), random.size());
        const auto made = hash_password({random.data(), random.size()});
        return made ? *made : std::string();
    }();
    return hash;
}

}  // namespace taizhang::trust
