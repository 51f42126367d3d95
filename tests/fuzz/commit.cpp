// One commit's bytes, packed and raw.
#include "log/commit.h"
#include "tests/fuzz/fuzz.h"

using namespace taizhang;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    std::string raw(bytes.substr(1));
    if (bytes.front() & 1) {
        Packer packer;
        std::string unpacked;
        if (!packer.unpack(bytes.substr(1), unpacked)) return 0;
        raw = unpacked;
    }
    const auto header = Commit::decode_header(raw);
    Commit c;
    if (!c.decode(raw)) return 0;
    fuzz::require(header.has_value() && header->seq == c.header.seq && header->prev == c.header.prev);
    for (const auto& row : c.rows)
        for (const auto& part : c.parts_of(row)) {
            static_cast<void>(c.base(part));
            static_cast<void>(c.fields_of(part));
        }
    return 0;
}
