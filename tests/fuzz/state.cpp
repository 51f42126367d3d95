// States that a new device begins with, as a hub gives them.
#include "tests/fuzz/fuzz.h"
#include "tests/support/world.h"

using namespace taizhang;

namespace {

/// A device that is enrolled, knows the tree and the certificates, and has no stream yet.
struct Begins : support::World {
    std::unique_ptr<support::Device> d;
    Begins() { anew(); }
    void anew() {
        d = std::make_unique<support::Device>(55);
        static_cast<void>((*d)->receive_control(*city->control_after(ControlPos{0}, 1u << 20)));
        for (const auto& body : city->certificate_chain(city->id()))
            static_cast<void>((*d)->add_certificate(*Certificate::decode(body)));
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Begins w;
    const auto taken = (*w.d)->take_snapshot(fuzz::view(data, size));
    // What is not what the city signed leaves nothing behind.
    if (!taken || !*taken) {
        fuzz::require((*w.d)->log_head().value == 0);
        return 0;
    }
    fuzz::require((*w.d)->verify().has_value());
    w.anew();
    return 0;
}
