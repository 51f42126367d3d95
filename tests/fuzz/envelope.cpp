// Compressed bodies: whatever they say of themselves, nothing beyond the cap is ever made of them.
#include "wire/envelope.h"
#include "tests/fuzz/fuzz.h"

using namespace taizhang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string body;
    if (wire::open_envelope(fuzz::view(data, size), body)) fuzz::require(body.size() <= wire::kBodyBytesMax);
    return 0;
}
