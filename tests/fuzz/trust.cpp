// Keys, signatures and sealed texts of both suites, as somebody gives them who signs and seals as he likes.
#include "base/bytes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/world.h"
#include "trust/key.h"

#include <span>

using namespace taizhang;

namespace {

constexpr std::string_view kBound = "fuzz";

const trust::Key& key_of(std::uint8_t suite) {
    static const auto sodium = support::make_key(11, trust::kSodium), sm = support::make_key(11, trust::kSm);
    return suite == trust::kSodium ? *sodium : *sm;
}

}  // namespace

/// The first byte says what the rest is: its lowest bit the suite, the others a signature under a good key, a key and
/// a signature, a sealed text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    const auto how = static_cast<unsigned char>(bytes.front());
    const std::uint8_t suite = (how & 1) != 0 ? trust::kSm : trust::kSodium;
    const auto& key = key_of(suite);
    Reader in(bytes.substr(1));
    switch (how / 2 % 3) {
        case 0: static_cast<void>(key.public_key().verify("head", "text", bytes.substr(1))); break;
        case 1: {
            std::string stated(1, static_cast<char>(suite));
            stated += in.str();
            const auto theirs = trust::PublicKey::decode(stated);
            if (theirs.empty()) break;
            static_cast<void>(theirs.verify("head", "text", in.str()));
            // What passes for a key must do as a receiver, or be refused.
            static_cast<void>(trust::seal_to(std::span(&theirs, 1), kBound, "text"));
            break;
        }
        default: static_cast<void>(key.open(kBound, bytes.substr(1)));
    }
    return 0;
}
