// hub_parts.h - what both halves of the hub use, enrolment and sync; for sync/*.cpp only.
#pragma once

#include "replica/replica.h"

#include <string>
#include <vector>

namespace taizhang::sync {

inline std::string random_bytes(Replica& r, std::size_t n) {
    std::vector<std::uint8_t> b(n);
    r.random(b);
    return {b.begin(), b.end()};
}

inline Error denied(const std::string& zh, const std::string& en) { return fail(Errc::denied, zh + " / " + en); }
inline Error revoked() {
    return denied("这台电脑的登记已被吊销,请与上级联系", "this device was revoked: ask the office above");
}

}  // namespace taizhang::sync
