// One suite of claims, run over every set of algorithms.
#include "base/bytes.h"
#include "base/hash.h"
#include "trust/key.h"
#include "trust/password.h"

#include <catch2/catch.hpp>

#include <set>

namespace taizhang::suite_test {
using namespace taizhang::trust;

namespace {

std::array<std::uint8_t, kSeedBytes> seed(std::uint8_t n) {
    std::array<std::uint8_t, kSeedBytes> s{};
    s[0] = n;
    s[31] = 7;
    return s;
}

const Suite& each() {
    const auto id = GENERATE(kSodium, kSm);
    const auto* s = suite(id);
    REQUIRE(s);
    CAPTURE(s->name());
    return *s;
}

template <class T>
bool ok(const Result<T>& r) {
    return r.has_value();
}
template <class T>
Errc code(const Result<T>& r) {
    return r.has_value() ? Errc::usage : r.error().code;  // usage is what nothing here gives
}

std::string flipped(std::string bytes, std::size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
}

}  // namespace

TEST_CASE("suite: one seed gives one key, another seed another", "[trust]") {
    const auto& s = each();
    const auto a = s.make(seed(1)), b = s.make(seed(1)), c = s.make(seed(2));
    CHECK(a.public_key == b.public_key);
    CHECK(a.secret.view() == b.secret.view());
    CHECK(a.public_key != c.public_key);
    CHECK(s.is_public_key(a.public_key));
    CHECK_FALSE(s.is_public_key(a.public_key.substr(1)));
    CHECK(a.public_key.find(a.secret.view()) == std::string::npos);
}

TEST_CASE("suite: a signature holds for its bytes, its purpose and its key only", "[trust]") {
    const auto& s = each();
    const auto a = s.make(seed(1)), b = s.make(seed(2));
    const std::string bytes = "某支部的一天 / one day of a branch";
    const auto sig = s.sign(a.secret, "head", bytes);
    CHECK(s.verify(a.public_key, "head", bytes, sig));
    CHECK(s.verify(a.public_key, "head", "", s.sign(a.secret, "head", "")));
    CHECK_FALSE(s.verify(b.public_key, "head", bytes, sig));
    CHECK_FALSE(s.verify(a.public_key, "ack", bytes, sig));
    CHECK_FALSE(s.verify(a.public_key, "head", bytes + "x", sig));
    CHECK_FALSE(s.verify(a.public_key, "", "head" + bytes, sig));
    for (std::size_t i = 0; i < bytes.size(); ++i) CHECK_FALSE(s.verify(a.public_key, "head", flipped(bytes, i), sig));
    for (std::size_t i = 0; i < sig.size(); ++i) CHECK_FALSE(s.verify(a.public_key, "head", bytes, flipped(sig, i)));
    for (std::size_t n = 0; n < sig.size(); ++n) CHECK_FALSE(s.verify(a.public_key, "head", bytes, sig.substr(0, n)));
    CHECK_FALSE(s.verify(a.public_key, "head", bytes, sig + "x"));
    CHECK_FALSE(s.verify("", "head", bytes, sig));
    CHECK_FALSE(s.verify(std::string(a.public_key.size(), 'x'), "head", bytes, sig));
}

TEST_CASE("suite: every receiver opens what was sealed, nobody else does", "[trust]") {
    const auto& s = each();
    const auto a = s.make(seed(1)), b = s.make(seed(2)), thief = s.make(seed(3));
    const auto size = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{65535}, std::size_t{65536},
                               std::size_t{65537}, std::size_t{200000});
    CAPTURE(size);
    std::string contents(size, 'x');
    for (std::size_t i = 0; i < size; ++i) contents[i] = static_cast<char>(i * 7 + i / 251);
    const std::vector<std::string> receivers{a.public_key, b.public_key};
    const auto sealed = s.seal(receivers, "frame", contents);
    REQUIRE(ok(sealed));
    for (const auto* k : {&a, &b}) {
        const auto opened = s.open(*k, "frame", *sealed);
        REQUIRE(ok(opened));
        CHECK(*opened == contents);
    }
    CHECK(code(s.open(thief, "frame", *sealed)) == Errc::denied);
    CHECK(code(s.open(a, "another frame", *sealed)) == Errc::bad_input);
    CHECK(sealed->find(a.public_key) == std::string::npos);
    if (size >= 32) CHECK(sealed->find(contents.substr(0, 32)) == std::string::npos);
    // Twice the same contents are not the same bytes.
    CHECK(*s.seal(receivers, "frame", contents) != *sealed);
}

TEST_CASE("suite: a sealed text that was cut or changed anywhere does not open", "[trust]") {
    const auto& s = each();
    const auto a = s.make(seed(1));
    const std::vector<std::string> receivers{a.public_key};
    const auto sealed = *s.seal(receivers, "frame", std::string(300, 'x'));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        CHECK_FALSE(ok(s.open(a, "frame", flipped(sealed, i))));
        CHECK_FALSE(ok(s.open(a, "frame", sealed.substr(0, i))));
    }
    CHECK_FALSE(ok(s.open(a, "frame", sealed + "x")));
    // Between two chunks as well.
    const auto large = *s.seal(receivers, "frame", std::string(3 * 65536, 'x'));
    for (const auto cut : {65536u + 17u, 2 * (65536u + 17u)}) {
        const auto at = large.size() - 3 * (65536u + 17u) + cut;
        if (s.id() == kSodium) CHECK_FALSE(ok(s.open(a, "frame", large.substr(0, at))));
    }
}

TEST_CASE("suite: sealing to nobody, to too many and to nonsense is refused", "[trust]") {
    const auto& s = each();
    const auto a = s.make(seed(1));
    CHECK(code(s.seal({}, "", "x")) == Errc::bad_input);
    CHECK(code(s.seal(std::vector<std::string>(kReceiversMax + 1, a.public_key), "", "x")) == Errc::bad_input);
    CHECK(code(s.seal(std::vector<std::string>{"short"}, "", "x")) == Errc::bad_input);
    // As long as a key, and of small order or off the curve.
    CHECK(code(s.seal(std::vector<std::string>{std::string(a.public_key.size(), '\0')}, "", "x")) == Errc::bad_input);
}

TEST_CASE("suite: an unknown suite is nobody's", "[trust]") {
    CHECK(suite(kNoSuite) == nullptr);
    CHECK(suite(3) == nullptr);
    CHECK(PublicKey::decode("").empty());
    CHECK(PublicKey::decode(std::string(1, 9) + std::string(64, 'x')).empty());
    CHECK_FALSE(PublicKey{}.verify("head", "x", "y"));
}

namespace {

Key key_of(std::uint8_t suite, std::uint8_t n) {
    return Key::make(suite, [n](std::span<std::uint8_t> out) {
        for (auto& b : out) b = n;
    });
}

}  // namespace

TEST_CASE("key file: comes back the same, with and without a passphrase", "[trust][key]") {
    const auto id = GENERATE(kSodium, kSm);
    const auto key = key_of(id, 5);
    const auto plain = key.to_file();
    CHECK_FALSE(Key::is_wrapped(plain));
    CHECK(Key::from_file(plain)->public_key() == key.public_key());
    const auto wrapped = key.to_file("红旗渠 correct horse");
    CHECK(Key::is_wrapped(wrapped));
    CHECK(wrapped.find(std::string(32, 5)) == std::string::npos);
    CHECK(Key::from_file(wrapped, "红旗渠 correct horse")->public_key() == key.public_key());
    CHECK(code(Key::from_file(wrapped, "红旗渠 correct horsf")) == Errc::denied);
    CHECK(code(Key::from_file(wrapped)) == Errc::denied);
    // What it signs holds, whichever file it came from.
    CHECK(key.public_key().verify("head", "x", Key::from_file(plain)->sign("head", "x")));
}

TEST_CASE("key file: damage anywhere is noticed and is not called a wrong passphrase", "[trust][key]") {
    const auto key = key_of(kSodium, 5);
    const auto passphrase = GENERATE(as<std::string>{}, "", "secret");
    const auto file = key.to_file(passphrase);
    for (std::size_t i = 0; i < file.size(); ++i) {
        const auto r = Key::from_file(flipped(file, i), passphrase);
        REQUIRE_FALSE(ok(r));
        CHECK(code(r) == Errc::corrupt);
        CHECK(r.error().detail.find('\n') == std::string::npos);
        CHECK(code(Key::from_file(file.substr(0, i), passphrase)) == Errc::corrupt);
    }
    CHECK(code(Key::from_file(file + "x", passphrase)) == Errc::corrupt);
    CHECK(code(Key::from_file("", passphrase)) == Errc::corrupt);
}

TEST_CASE("key file: of a newer program, cut inside or with costs beyond all bounds is not opened", "[trust][key]") {
    const auto with_hash = [](std::string body) {
        body.resize(body.size() - sizeof(Hash));
        return [body](const std::function<void(std::string&)>& change) mutable {
            change(body);
            return body + std::string(view(hash_of(body).bytes));
        };
    };
    const auto key = key_of(kSodium, 5);
    const auto plain = key.to_file(), wrapped = key.to_file("secret");
    // Where the suite's number stands: the first byte in which files of two suites differ.
    const auto of_sm = key_of(kSm, 5).to_file();
    std::size_t at = 0;
    while (plain[at] == of_sm[at]) ++at;
    CHECK(code(Key::from_file(with_hash(plain)([at](auto& b) { b[at] = 9; }))) == Errc::foreign_data);
    CHECK(code(Key::from_file(with_hash(plain)([at](auto& b) { b[at + 1] = 2; }))) == Errc::foreign_data);
    CHECK(code(Key::from_file(with_hash(plain)([](auto& b) { b.pop_back(); }))) == Errc::corrupt);
    CHECK(code(Key::from_file(with_hash(wrapped)([](auto& b) { b.pop_back(); }), "secret")) == Errc::corrupt);
    // Passes and memory as varints behind the two numbers: none, more than anybody waits for, less than libsodium has.
    const auto with_costs = [&](std::string_view passes, std::string_view kib) {
        std::string own;
        Writer w(own);
        w.varint(kArgonPasses);
        w.varint(kArgonKiB);
        return with_hash(wrapped)(
            [&](auto& b) { b.replace(at + 2, own.size(), std::string(passes) + std::string(kib)); });
    };
    const auto as_varint = [](std::uint64_t n) {
        std::string out;
        Writer(out).varint(n);
        return out;
    };
    const auto passes = as_varint(kArgonPasses), kib = as_varint(kArgonKiB);
    REQUIRE(ok(Key::from_file(with_costs(passes, kib), "secret")));
    CHECK(code(Key::from_file(with_costs(as_varint(0), kib), "secret")) == Errc::corrupt);
    CHECK(code(Key::from_file(with_costs(as_varint(1u << 30), kib), "secret")) == Errc::corrupt);
    CHECK(code(Key::from_file(with_costs(passes, as_varint(7)), "secret")) == Errc::corrupt);
    CHECK(code(Key::from_file(with_costs(passes, as_varint(1u << 30)), "secret")) == Errc::corrupt);
    CHECK_FALSE(Key::is_wrapped("not a key file"));
    CHECK_FALSE(Key::is_wrapped(plain.substr(0, at)));
}

TEST_CASE("suite: a sealed text that says it has too many receivers, or goes on behind its end, does not open",
          "[trust]") {
    const auto& s = each();
    const auto a = s.make(seed(1));
    std::string many;
    Writer(many).varint(kReceiversMax + 1);
    CHECK(code(s.open(a, "frame", many + std::string(1 << 20, 'x'))) == Errc::bad_input);
    // Long enough that what follows is a chunk of its own.
    const auto sealed = *s.seal(std::vector<std::string>{a.public_key}, "frame", std::string(65536, 'x'));
    CHECK(code(s.open(a, "frame", sealed + std::string(100, 'x'))) == Errc::bad_input);
}

TEST_CASE("suite: a signature longer than any is none, and secrets of two lengths are not equal", "[trust]") {
    const auto& s = each();
    const auto a = s.make(seed(1));
    CHECK_FALSE(s.verify(a.public_key, "head", "x", std::string(1000, '\x30')));
    CHECK_FALSE(equal_secrets("ab", "abc"));
    CHECK(equal_secrets("abc", "abc"));
    CHECK_FALSE(equal_secrets("abc", "abd"));
}

TEST_CASE("key: what a fingerprint was typed with beside its letters does not count", "[trust][key]") {
    const auto f = fingerprint(key_of(kSodium, 1).public_key(), key_of(kSodium, 2).public_key());
    CHECK(same_fingerprint(f, "~" + f + "{甲}"));
}

TEST_CASE("password: bounds of a new one, and what never fits", "[trust]") {
    CHECK(ok(check_new_password("十个字的密码正好十个字")));
    CHECK(code(check_new_password("九个字的密码不够长")) == Errc::bad_input);
    CHECK(code(check_new_password(std::string(kPasswordBytesMax + 1, 'x'))) == Errc::bad_input);
    CHECK(code(check_new_password(std::string("0123456789\0abc", 14))) == Errc::bad_input);
    const auto hash = *hash_password("0123456789");
    CHECK(is_password(hash, "0123456789"));
    CHECK_FALSE(is_password(hash, "0123456788"));
    CHECK_FALSE(is_password(hash, std::string(kPasswordBytesMax + 1, 'x')));
    CHECK_FALSE(is_password(hash + std::string(200, 'x'), "0123456789"));
}

TEST_CASE("key: sealed to several keys and bound to its frame", "[trust][key]") {
    const auto id = GENERATE(kSodium, kSm);
    const auto a = key_of(id, 1), b = key_of(id, 2), c = key_of(id, 3), other = key_of(id == kSm ? kSodium : kSm, 1);
    const std::vector<PublicKey> receivers{a.public_key(), b.public_key()};
    const auto sealed = seal_to(receivers, "frame", "contents");
    REQUIRE(ok(sealed));
    CHECK(*a.open("frame", *sealed) == "contents");
    CHECK(*b.open("frame", *sealed) == "contents");
    CHECK(code(c.open("frame", *sealed)) == Errc::denied);
    CHECK(code(other.open("frame", *sealed)) == Errc::bad_input);
    CHECK(code(seal_to({}, "frame", "x")) == Errc::not_allowed);
    const std::vector<PublicKey> mixed{a.public_key(), other.public_key()};
    CHECK(code(seal_to(mixed, "frame", "x")) == Errc::bad_input);
}

TEST_CASE("key: a replica's name follows from its key, a fingerprint from two keys", "[trust][key]") {
    const auto a = key_of(kSodium, 1).public_key(), b = key_of(kSodium, 2).public_key();
    const std::string nonce(kNonceBytes, 'n');
    CHECK(replica_id(a, nonce) == replica_id(a, nonce));
    CHECK(replica_id(a, nonce) != replica_id(b, nonce));
    CHECK(replica_id(a, nonce) != replica_id(a, std::string(kNonceBytes, 'm')));
    const auto f = fingerprint(a, b);
    CHECK(f.size() == 19);
    CHECK(f != fingerprint(b, a));
    CHECK(f != fingerprint(a, a));
    std::string spoken;
    for (const char c : f) spoken += c == '-' ? ' ' : static_cast<char>(c >= 'A' ? c + 32 : c);
    CHECK(same_fingerprint(f, spoken));
    CHECK_FALSE(same_fingerprint(f, fingerprint(b, a)));
    CHECK_FALSE(same_fingerprint("", ""));
    CHECK_FALSE(same_fingerprint(f, f.substr(0, 14)));
}

TEST_CASE("suite: SM2 keys off the curve are refused", "[trust]") {
    const auto& s = *suite(kSm);
    auto k = s.make(seed(1)).public_key;
    CHECK(s.is_public_key(k));
    CHECK_FALSE(s.is_public_key(flipped(k, 40)));
    CHECK_FALSE(s.is_public_key(flipped(k, 100)));
}

TEST_CASE("suite: an SM2 slot longer than any is damage, not a letter to somebody else", "[trust]") {
    const auto& s = *suite(kSm);
    const auto a = s.make(seed(1));
    const auto with_slot = [](std::size_t bytes) {
        std::string out;
        Writer w(out);
        w.varint(1);
        w.str(std::string(bytes, 'x'));
        return out + std::string(100, 'x');
    };
    CHECK(code(s.open(a, "frame", with_slot(256))) == Errc::denied);
    CHECK(code(s.open(a, "frame", with_slot(257))) == Errc::bad_input);
}

}  // namespace taizhang::suite_test
