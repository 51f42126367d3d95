// Header blocks, arriving in two pieces.
#include "http/strict.h"
#include "tests/fuzz/fuzz.h"

using namespace taizhang;
using http::strict::HeadScan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    HeadScan scan, whole;
    auto state = scan.advance(bytes.substr(0, size / 2));
    if (state == HeadScan::State::more) state = scan.advance(bytes);
    // In how many pieces it comes makes no difference.
    const auto at_once = whole.advance(bytes);
    fuzz::require(at_once == state);
    if (state != HeadScan::State::complete) return 0;
    fuzz::require(scan.size() == whole.size() && scan.size() <= size);
    http::strict::Framing framing;
    static_cast<void>(http::strict::check_request(bytes.substr(0, scan.size()), 64, 1u << 23, framing));
    static_cast<void>(http::strict::check_response(bytes.substr(0, scan.size()), 64, framing));
    return 0;
}
