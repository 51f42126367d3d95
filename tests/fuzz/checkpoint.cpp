// Checkpoint files that somebody hands us.
#include "replica/checkpoint_file.h"
#include "tests/fuzz/fuzz.h"

using namespace taizhang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The hash at its end would hide everything else from a fuzzer: it is put right here.
    std::string bytes(fuzz::view(data, size));
    bytes += view(hash_of(bytes).bytes);
    const auto f = CheckpointFile::decode(bytes);
    if (f) fuzz::require(f->encode() == bytes);
    return 0;
}
