#include "trust/suite.h"

#include "base/bytes.h"
#include "trust/parts.h"

#include <sodium.h>

namespace taizhang::trust {

Secret& Secret::operator=(Secret&& o) noexcept {
    if (this != &o) {
        wipe();
        bytes_ = std::move(o.bytes_);
        o.wipe();
    }
    return *this;
}

void Secret::wipe() {
    if (!bytes_.empty()) sodium_memzero(bytes_.data(), bytes_.size());
    bytes_.clear();
}

const Suite* suite(std::uint8_t id) {
    switch (id) {
        case kSodium: return &sodium_suite();
        case kSm: return &sm_suite();
        default: return nullptr;
    }
}

bool equal_secrets(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string signed_bytes(std::string_view purpose, std::string_view bytes) {
    std::string out = "taizhang ";
    Writer w(out);
    w.str(purpose);
    w.raw(bytes);
    return out;
}

}  // namespace taizhang::trust
