// A catalog file.
#include "catalog/catalog.h"
#include "tests/fuzz/fuzz.h"

using namespace taizhang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static_cast<void>(Catalog::parse(std::string(fuzz::view(data, size)), "fuzz"));
    return 0;
}
