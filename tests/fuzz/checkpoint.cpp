// Checkpoint files that somebody hands us: as they are, and signed by a device of this city.
#include "replica/checkpoint_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/world.h"

using namespace taizhang;

namespace {

struct City : support::World {
    std::unique_ptr<support::Device> a = device("B01");
    std::string entry;
    std::vector<std::string> certificates;
    City() {
        new_assignment("A1", "T1", "B01");
        sync(*a);
        a->set("assignment", "A1", {{"remark", support::text("一")}});
        sync(*a);
        const auto own = CheckpointFile::decode(*make_checkpoint_file(**a));
        entry = own->city_entry;
        certificates = own->certificates;
    }
};

City& city() {
    static City c;
    return c;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The hash at its end would hide everything else from a fuzzer: it is put right here.
    std::string bytes(fuzz::view(data, size));
    bytes += view(hash_of(bytes).bytes);
    auto f = CheckpointFile::decode(bytes);
    if (!f) return 0;
    fuzz::require(f->encode() == bytes);
    auto& c = city();
    static_cast<void>(compare_with(*c.city, bytes));
    f->city_entry = c.entry;
    f->certificates = c.certificates;
    f->signature = c.a->keys.device->sign(kForCheckpoint, f->body());
    const auto found = compare_with(*c.city, f->encode());
    fuzz::require(found.has_value() || !found.error().detail.empty());
    return 0;
}
