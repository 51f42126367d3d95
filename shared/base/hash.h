// hash.h - BLAKE2b-256 (libsodium), the only hash of the log.
#pragma once

#include "base/ids.h"

namespace taizhang {

Hash hash_of(std::string_view bytes);

/// The same hash over several pieces. Not thread-safe; one object, one hash.
class Hasher {
public:
    Hasher();
    void add(std::string_view bytes);
    Hash finish();

private:
    alignas(64) unsigned char state_[384];
};

}  // namespace taizhang
