// City files that somebody imports.
#include "ledger/city_file.h"
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

using namespace taizhang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // It is read from a file; one in memory has no path that could be in anybody's way.
    static const int file = ::memfd_create("city", 0);
    if (file < 0 || ::ftruncate(file, 0) != 0 || ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size))
        std::abort();
    static_cast<void>(ledger::read_city_file("/proc/self/fd/" + std::to_string(file)));
    return 0;
}
